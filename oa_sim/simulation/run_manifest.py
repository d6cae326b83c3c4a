"""Run manifest: what makes an answer traceable, whatever the command, and its name, which is made from that."""

import hashlib
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import xarray as xr

import oa_sim
from oa_sim.inference import importance_sampling, posterior_files, sampling
from oa_sim.inputs.tables import Tables, data_hash
from oa_sim.scenario import unverified
from oa_sim.scenario.schema import Scenario

Facts = dict[str, Any]  # fit for JSON

# what words, draws or writes numbers and makes none: packages, and modules by their place
WRITERS = ("plots", "explore", "report", "cli")
WORDS = (
    *("__main__.py", "_lazy_imports.py", "errors.py", "formatting.py", "sweep/findings.py"),
    *("decide/narrative.py", "simulation/narrative.py", "targets/narrative.py"),
)


def learned_from(posterior: xr.Dataset) -> Facts:
    """Return what a posterior was learned from; nothing for made-up draws."""
    facts: Facts = json.loads(posterior.attrs.get("made", "{}"))
    return facts


def code_hash(home: Path | None = None) -> str:
    """Return the SHA-256 of the code that makes numbers, so that a result is never taken for another version's.

    What only words, draws or writes them is left out, and so is what only lists names (``__init__``): a corrected
    sentence renames no run. ``home`` is the folder of the package, by default that of the one that is running.
    """
    home, digest = home or Path(str(files("oa_sim"))), hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        inside = path.relative_to(home)
        if path.name == "__init__.py" or inside.parts[0] in WRITERS or inside.as_posix() in WORDS:
            continue
        digest.update(inside.as_posix().encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def made_by() -> Facts:
    """Return the version of oa_sim, the hash of its code, and the versions of Python and libraries in this process."""
    return {"oa_sim": oa_sim.__version__, "code_hash": code_hash(), "versions": sampling.versions()}


def verdict(scenario: Scenario, posterior: xr.Dataset, studied: xr.Dataset, view: xr.Dataset | None = None) -> Facts:
    """Return the gates of the baseline, failed where the studies or the outside view fail theirs.

    ``view`` comes from ``outside_view.weigh``; None where the answer is not weighed by it.
    """
    gates: Facts = json.loads(posterior.attrs["gates"])
    failures = []
    studies = json.loads(studied.attrs["gates"])
    if studies["verdict"] != "PASS":
        failures.append(f"the synthesis of the studies: {studies['reason']}")
    k = view.attrs["pareto_k"] if view is not None and scenario.evidence.outside_view.is_on else 0.0
    if k >= importance_sampling.LARGEST_K:
        failures.append(f"the outside view: Pareto k is {k:.2f}, few draws agree with it")
    if not failures:
        return gates
    before = [gates["reason"]] if gates["verdict"] != "PASS" else []
    return gates | {"verdict": "FAIL", "reason": "; ".join([*before, *failures])}


def manifest(
    scenario: Scenario,
    tables: Tables,
    posterior: xr.Dataset,
    gates: Facts,
    made_from: Facts | None = None,
    **facts: object,
) -> Facts:
    """Return what makes an answer traceable; fit for JSON.

    ``gates`` come from ``verdict``. The name of the answer (``run_id``) is also made from ``made_from``, such as its
    settings, but not from the other ``facts`` about it.
    """
    made_from = made_from or {}
    numbers_from = {
        "scenario": question(scenario),
        "data_hash": data_hash(scenario.data_folder),
        **made_by(),
        "posterior": posterior_files.checksum(posterior),
        **made_from,
    }
    marks = {"gates": gates, "to_verify": unverified.to_verify(scenario, tables)}
    return {"run_id": identity(numbers_from, *made_from), **numbers_from, **facts, **marks}


def synthesis(studied: xr.Dataset) -> Facts:
    """Return what makes the posterior of the studies traceable."""
    gates = json.loads(studied.attrs["gates"])
    return {"checksum": posterior_files.checksum(studied), **learned_from(studied), "gates": gates}


def question(scenario: Scenario) -> Facts:
    """Return a scenario in full, without where its answer is put, and with what is in the file of its plan."""
    values = asdict(scenario)
    values.pop("outputs")
    path = scenario.budget.plan
    if path is not None and Path(path).is_file():
        values["budget"]["plan_sha256"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return values


def identity(facts: Facts, *more: str) -> str:
    """Return the name of an answer, made from what its numbers are made from: 12 hexadecimal digits.

    ``facts`` are those of a manifest; what is left out does not count. ``more`` are further keys of it that count, for
    answers other than a run.
    """
    parts = ("scenario", "data_hash", "code_hash", "versions", "posterior", "synthesis", *more)
    text = json.dumps({key: facts[key] for key in parts if key in facts}, sort_keys=True, default=vars)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
