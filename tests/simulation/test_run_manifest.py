"""What made a run: its question, and whether its gates were passed."""

import importlib
import json
import shutil
from pathlib import Path

import pytest
from tiny import TINY

import oa_sim
from oa_sim import load_scenario
from oa_sim.simulation import run_manifest


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


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Give a copy of the package's modules that may be changed."""
    folder = tmp_path_factory.mktemp("copy") / "oa_sim"
    shutil.copytree(
        Path(oa_sim.__file__).parent, folder, ignore=shutil.ignore_patterns("data", "__pycache__", "configs")
    )
    return folder


def test_the_hash_of_the_code_is_that_of_the_modules_wherever_they_lie(copy):
    assert run_manifest.code_hash(copy) == run_manifest.code_hash()


@pytest.mark.parametrize(
    "at", [*run_manifest.WORDS, "__init__.py", "report/formats/word.py", "plots/decision_charts.py", "cli/main.py"]
)
def test_a_corrected_sentence_renames_no_run(copy, at):
    assert not moved_by(copy, at)


@pytest.mark.parametrize(
    "at",
    [
        "definitions.py",
        "rng.py",
        "inputs/areas.py",
        "scenario/schema.py",
        "inference/counterfactual.py",
        "evidence/meta_analysis.py",
        "programme/budget.py",
        "projection/cohort.py",
        "simulation/summaries.py",
        "compiled/gains.py",
        "sweep/store.py",
        "decide/optimiser.py",
        "targets/assess.py",
        "validation/scoring.py",
    ],
)
def test_a_changed_law_renames_every_run(copy, at):
    assert moved_by(copy, at)


def moved_by(copy, at):
    """Tell whether a change of one module changes the hash."""
    before, path = run_manifest.code_hash(copy), copy / at
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "# changed\n", encoding="utf-8")
    after = run_manifest.code_hash(copy)
    path.write_text(text, encoding="utf-8")
    return after != before


def test_a_module_of_another_name_renames_every_run(copy):
    before = run_manifest.code_hash(copy)
    (copy / "projection" / "cohort.py").rename(copy / "projection" / "cohorts.py")
    after = run_manifest.code_hash(copy)
    (copy / "projection" / "cohorts.py").rename(copy / "projection" / "cohort.py")
    assert after != before


def test_what_only_words_is_there_to_be_left_out(copy):
    assert all((copy / at).is_file() for at in run_manifest.WORDS)
    assert all((copy / name / "__init__.py").is_file() for name in run_manifest.WRITERS)
