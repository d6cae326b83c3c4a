"""Provenance: what the numbers of a sweep are made from, so that no two makes are mixed in one store."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit
from oa_sim.inputs import tables
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest
from oa_sim.simulation.run_manifest import made_by

INSIDE = "inside the package"


def data_hash(folder: str) -> str:
    """Return the hash of the tables of a data folder, or of those inside the package."""
    return tables.data_hash(None if folder == INSIDE else Path(folder))


def posterior_hash(path: str) -> str:
    """Return the hash of a posterior's file; an empty text where there is none, which the law will say in words."""
    path = baseline_fit.SHIPPED if path == INSIDE else Path(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def identity(scenario: Scenario | Refusal, overrides: Sequence[str], made: dict) -> str:
    """Return the name of a scenario, made from what its numbers are made from, before anything is computed.

    The synthesis of the studies is left out of it: it follows from the scenario, the tables, the code and the versions.

    Parameters
    ----------
    scenario
        The scenario; or why it is none, known by its overrides.
    overrides
        What was asked for.
    made
        ``made_by()`` with ``data_hash`` and ``posterior``, each a mapping from place to hash, to which this adds.
    """
    found = {key: made[key] for key in ("code_hash", "versions")}
    if isinstance(scenario, Refusal):
        return run_manifest.identity(found | {"scenario": {"refused": list(overrides)}})
    data, learned_from = scenario.data_folder or INSIDE, scenario.posterior or INSIDE
    if data not in made["data_hash"]:
        made["data_hash"][data] = data_hash(data)
    if learned_from not in made["posterior"]:
        made["posterior"][learned_from] = posterior_hash(learned_from)
    found |= {"data_hash": made["data_hash"][data], "posterior": made["posterior"][learned_from]}
    asked = {name: value for name, value in vars(scenario).items() if name != "outputs"}
    return run_manifest.identity(found | {"scenario": asked})  # as ``run_manifest.question``, without copying it


def check_same(folder: Path, about: dict) -> None:
    """Refuse to go on with a sweep that was begun with other code, libraries, tables or draws.

    Parameters
    ----------
    folder
        The sweep's folder.
    about
        Its record.

    Raises
    ------
    Refusal
        With the first difference; nothing in the folder is touched.
    """
    here, remedy = made_by(), "go on with that one, or sweep again into another folder; what is there stays readable"
    if about["code_hash"] != here["code_hash"]:
        raise Refusal(
            f"{folder} was made by oa_sim {about['oa_sim']} with code {about['code_hash'][:8]}, this is "
            f"{here['oa_sim']} with code {here['code_hash'][:8]}: {remedy}"
        )
    for name in sorted({*about["versions"], *here["versions"]}):
        was, now = (of["versions"].get(name, "none") for of in (about, here))
        if was != now:
            raise Refusal(f"{folder} was made with {name} {was}, this is {now}: {remedy}")
    for what, hashes, hashed in (
        ("tables", about["data_hash"], data_hash),
        ("posterior", about["posterior"], posterior_hash),
    ):
        for place, was in hashes.items():
            if hashed(place) != was:
                raise Refusal(
                    f"{folder} was made from other {what} ({place}) than there are now: put those back, or sweep again "
                    "into another folder; what is there stays readable"
                )


@cache
def check_here(made: str) -> None:
    """Refuse to work for a coordinator that has other code, libraries, tables or draws than this process has.

    Parameters
    ----------
    made
        The coordinator's ``made_by()``, ``data_hash`` and ``posterior``, as JSON; looked at once in each process.

    Raises
    ------
    Refusal
        With what differs.
    """
    wanted, here = json.loads(made), made_by()
    for what, key in (("code", "code_hash"), ("versions of Python and libraries", "versions")):
        if wanted[key] != here[key]:
            raise Refusal(f"a worker has other {what} than the sweep: install the same oa_sim and libraries there")
    for what, key, hashed in (("tables", "data_hash", data_hash), ("posterior", "posterior", posterior_hash)):
        for place, was in wanted[key].items():
            if hashed(place) != was:
                raise Refusal(f"a worker has other {what} ({place}) than the sweep: put the same there")
