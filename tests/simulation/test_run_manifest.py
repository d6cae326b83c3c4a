"""What made a run: its question, and whether its gates were passed."""

import importlib
import json

from tiny import TINY

from oa_sim import load_scenario


def test_a_failed_gate_marks_every_output(tiny_posterior, run_tiny):
    failed = json.loads(tiny_posterior.attrs["gates"]) | {"verdict": "FAIL", "reason": "the chains disagree"}
    scenario = load_scenario(*TINY, "measures=[phonics]")
    marked = importlib.import_module("oa_sim.simulation.scenario_run").run(
        scenario, posterior=tiny_posterior.assign_attrs(gates=json.dumps(failed))
    )
    assert marked.label == "as_delivered [FAIL]"
    assert set(marked.summary().scenario) == set(marked.lasting().scenario) == {"as_delivered [FAIL]"}


def test_a_result_carries_its_question(tiny, run_tiny):
    assert tiny.manifest["scenario"]["areas"]["names"] == ["Blackpool", "Norwich", "Oldham"]
    assert tiny.manifest["seed"] == 2017
    assert len(tiny.manifest["data_hash"]) == 64
    assert tiny.manifest["run_id"] != run_tiny("seed=5").manifest["run_id"]
