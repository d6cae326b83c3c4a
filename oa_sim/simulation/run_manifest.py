"""Run manifest: what makes a number traceable, and the name of a run that is made from it."""

import hashlib
import json
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import xarray as xr

import oa_sim
from oa_sim.inference import importance_sampling, posterior_files, sampling
from oa_sim.inputs import tables
from oa_sim.programme import budget
from oa_sim.scenario.schema import Scenario

# what words, draws or writes numbers and makes none: packages, and modules by their place
WRITERS = ("plots", "explore", "report", "cli")
WORDS = (
    *(
        "__main__.py",
        "_lazy_imports.py",
        "errors.py",
        "formatting.py",
        "decide/narrative.py",
        "simulation/narrative.py",
    ),
    *("sweep/dry_run.py", "sweep/findings.py", "targets/narrative.py"),
)


def learned_from(posterior: xr.Dataset) -> dict:
    """Return what a posterior was learned from; nothing for made-up draws."""
    return json.loads(posterior.attrs.get("made", "{}"))


def code_hash(home: Path | None = None) -> str:
    """Return the SHA-256 of the code that makes numbers, so that a result is never taken for another version's.

    What only words, draws or writes them is left out, and so is what only lists names (``__init__``): a corrected
    sentence renames no run.

    Parameters
    ----------
    home
        The folder of the package; the one that is running by default.
    """
    home, digest = home or Path(str(files("oa_sim"))), hashlib.sha256()
    for path in sorted(home.rglob("*.py")):
        inside = path.relative_to(home)
        if path.name == "__init__.py" or inside.parts[0] in WRITERS or inside.as_posix() in WORDS:
            continue
        digest.update(inside.as_posix().encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def verdict(scenario: Scenario, posterior: xr.Dataset, studied: xr.Dataset, seen: xr.Dataset) -> dict:
    """Return the gates of the baseline, failed where the studies or the outside view fail theirs."""
    found, wrong = json.loads(posterior.attrs["gates"]), []
    studies = json.loads(studied.attrs["gates"])
    if studies["verdict"] != "PASS":
        wrong.append(f"the synthesis of the studies: {studies['reason']}")
    if scenario.evidence.outside_view.is_on and seen.attrs["pareto_k"] >= importance_sampling.LARGEST_K:
        wrong.append(f"the outside view: Pareto k is {seen.attrs['pareto_k']:.2f}, few draws agree with it")
    if not wrong:
        return found
    before = [found["reason"]] if found["verdict"] != "PASS" else []
    return found | {"verdict": "FAIL", "reason": "; ".join([*before, *wrong])}


def manifest(
    scenario: Scenario, posterior: xr.Dataset, money: xr.Dataset, studied: xr.Dataset, seen: xr.Dataset
) -> dict:
    """Return what makes a number traceable: scenario, seed, versions, data hash, gates, account, run id."""
    found = {
        "scenario": question(scenario),
        "seed": scenario.seed,
        "data_hash": tables.data_hash(scenario.data_folder),
        "oa_sim": oa_sim.__version__,
        "code_hash": code_hash(),
        "versions": sampling.versions(),
        "posterior": posterior_files.checksum(posterior),
        "learned": learned_from(posterior),
        "synthesis": {
            "checksum": posterior_files.checksum(studied),
            **learned_from(studied),
            "gates": json.loads(studied.attrs["gates"]),
        },
        "outside_view": seen.attrs,
        "gates": verdict(scenario, posterior, studied, seen),
        "account_gbp": budget.reconcile(money),
        "price_base": scenario.budget.price_base,
    }
    return {"run_id": identity(found), **found}


def question(scenario: Scenario) -> dict:
    """Return a scenario in full, without where its answer is put, and with what is in the file of its plan."""
    found = asdict(scenario)
    found.pop("outputs")
    path = scenario.budget.plan
    if path is not None and Path(path).is_file():
        found["budget"]["plan_sha256"] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return found


def identity(found: dict) -> str:
    """Return the name of a run, made from what its numbers are made from: 12 hexadecimal digits.

    Parameters
    ----------
    found
        ``scenario`` (from ``question``, or its values as they are), ``data_hash``, ``code_hash``, ``versions``,
        ``posterior``, ``synthesis``, as in a manifest; what is left out does not count.
    """
    parts = ("scenario", "data_hash", "code_hash", "versions", "posterior", "synthesis")
    text = json.dumps({key: found[key] for key in parts if key in found}, sort_keys=True, default=vars)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
