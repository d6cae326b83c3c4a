"""Cases: the scenarios of a sweep by number, each with an identity made from what its numbers are made from.

The list is written before anything is computed, so whoever goes on later needs neither the words, nor the file of a
list, nor the sampler of a design. No two makes of code, tables or draws are mixed in one store.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from pathlib import Path

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit
from oa_sim.inputs import tables
from oa_sim.scenario.load import PLAIN, read_word
from oa_sim.scenario.overrides import of_kind, quoted
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest
from oa_sim.simulation.run_manifest import made_by
from oa_sim.sweep import journal

FILES = ("posterior", "data_folder")  # keys of a scenario that name what it reads


def planned(
    found, part: int, made: dict, space, known: Set[str] = frozenset(), others: Sequence[str] = ()
) -> tuple[list[dict], dict[str, list]]:
    """Return a record of each scenario that is not known yet, and all their labels.

    Parameters
    ----------
    found
        The variants of this part of the sweep.
    part
        Its number: 0, or that of an extension.
    made
        What the numbers are made from; tables and posteriors that are new are added.
    space
        What makes scenarios of variants.
    known, others
        Identities that are there already, and keys that other parts vary.
    """
    cases, labels = [], {}
    for i, scenario in enumerate(space.scenarios(found)):
        identity = identity_of(scenario, found.overrides(i), made)
        if identity in known:
            continue
        case = {"part": part, "identity": identity, "values": list(found.values[i]), "also": {}}
        empty = [key for key, value in zip(found.keys, found.values[i], strict=True) if value is None]
        complete(case, scenario, [*others, *empty], found.fixed, [key for key in found.keys if key not in empty])
        cases.append(case)
        if not isinstance(scenario, Refusal):
            for dim, own in labels_of(scenario).items():
                labels.setdefault(dim, {}).update(dict.fromkeys(own))
    return cases, {dim: _ordered(dim, list(own)) for dim, own in labels.items()}


def labels_of(scenario: Scenario) -> dict[str, list]:
    """Return the labels that a scenario chooses: the places, measures and years of its summary."""
    return {"place": [*scenario.areas.names, MEAN_OF_AREAS], "measure": list(scenario.measures), "year": scenario.years}


def _ordered(dim: str, labels: list) -> list:
    """Return labels in the order of the tables, those that no table has behind them, the mean of areas last."""
    if dim == "year":
        return sorted(labels)
    known = list(MEASURES) if dim == "measure" else [row["area"] for row in tables.read("areas")]
    place = {name: i for i, name in enumerate(known)} | {MEAN_OF_AREAS: len(known) + 1}
    return sorted(labels, key=lambda name: place.get(name, len(known)))


def complete(
    case: dict, scenario: Scenario | Refusal, keys: Sequence[str], fixed: Sequence[str], own: Sequence[str]
) -> None:
    """Note in a scenario's record what it has where others vary a key: its number or word, or the choice as typed."""
    for key in keys:
        if key in own:
            continue
        found: object = scenario
        for name in key.split("."):
            found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
        if not isinstance(found, str | int | float):
            found = next((word.split("=", 1)[1] for word in fixed if key_of(word) == key), None)
        case["also"][key] = found


def check_room(folder: Path, has: dict[str, list], wants: dict[str, list]) -> None:
    """Refuse scenarios with labels for which the store has no place.

    Raises
    ------
    Refusal
        With the first such label.
    """
    for dim, labels in wants.items():
        more = [label for label in labels if label not in has.get(dim, [])]
        if more and has:
            raise Refusal(
                f"the store in {folder} has no {dim} {more[0]}, which the new scenarios have: sweep them into another "
                "folder"
            )


def checked(folder: Path, about: dict, cases: list[dict], space) -> Iterator[Scenario | Refusal]:
    """Yield each scenario of a sweep, made anew.

    Raises
    ------
    Refusal
        Where one is not what it was, since a config or the record has changed.
    """
    made, numbers = {key: about[key] for key in journal.MADE}, itertools.count()
    for part in range(len(journal.parts(about))):
        found = again(about, cases, part, space)
        for i, scenario in enumerate(space.scenarios(found)):
            number = next(numbers)
            if identity_of(scenario, found.overrides(i), made) != cases[number]["identity"]:
                raise Refusal(
                    f"scenario {number} of {folder} is no longer what it was when the sweep began, since a config or "
                    f"{journal.CASES} has changed: put it back, or sweep again into another folder"
                )
            yield scenario


def rooted(found):
    """Return variants whose paths to files start at the root, so that they are found from any working folder."""
    at = {i for i, key in enumerate(found.keys) if key in FILES}
    fixed = (word.split("=", 1) for word in found.fixed)
    return replace(
        found,
        fixed=tuple(f"{key}={_whole(value) if key in FILES else value}" for key, value in fixed),
        values=[tuple(_whole(value) if i in at else value for i, value in enumerate(row)) for row in found.values]
        if at
        else found.values,
    )


def _whole(value: str | None) -> str | None:
    """Return a path as an override writes it, from the root on; what names no file stays as it is."""
    if value in (None, "", "null"):
        return value
    text = value
    if text[0] in "'\"" and text[-1] == text[0]:
        text = text[1:-1].replace(f"\\{text[0]}", text[0])
    path = str(Path(text).expanduser().absolute())
    return path if PLAIN.fullmatch(path) else quoted(path)


def with_typed(found, words: Sequence[str]):
    """Return variants in which what was typed is a key though it has one value, so that it has a column."""
    typed = {key_of(word) for word in words if key_of(word) != "outputs"}
    own = [word for word in found.fixed if key_of(word) in typed]
    keys = [key_of(word) for word in own]
    row = [of_kind(key, read_word(word)) for key, word in zip(keys, own, strict=True)]
    return replace(
        found,
        fixed=tuple(word for word in found.fixed if word not in own),
        keys=(*keys, *found.keys),
        values=[(*row, *values) for values in found.values],
    )


def again(about: dict, cases: list[dict], part: int, space, only: Iterator[int] | None = None):
    """Return the variants of a part of a sweep, from its record: all of them, or those whose numbers are wanted."""
    asked = journal.parts(about)[part]
    chosen = cases if only is None else (cases[number] for number in only)
    return space.Variants(
        fixed=tuple(asked["fixed"]),
        keys=tuple(asked["keys"]),
        values=[tuple(case["values"]) for case in chosen if case["part"] == part],
        bounds={key: tuple(pair) for key, pair in asked["bounds"].items()},
    )


def same(cases: list[dict]) -> dict[int, int]:
    """Return the number of each scenario that is the same as an earlier one, and that of the first such."""
    first: dict[str, int] = {}
    numbers = ((number, first.setdefault(case["identity"], number)) for number, case in enumerate(cases))
    return {number: original for number, original in numbers if original < number}


def in_json(found) -> dict:
    """Return what variants share, as it stands in the record."""
    bounds = {key: list(pair) for key, pair in found.bounds.items()}
    return {"fixed": list(found.fixed), "keys": list(found.keys), "bounds": bounds}


def key_of(word: str) -> str:
    """Return the key of an override."""
    return word.split("=", 1)[0].lstrip("+")


INSIDE = "inside the package"


def data_hash(folder: str) -> str:
    """Return the hash of the tables of a data folder, or of those inside the package."""
    return tables.data_hash(None if folder == INSIDE else Path(folder))


def posterior_hash(path: str) -> str:
    """Return the hash of a posterior's file; an empty text where there is none, which the law will say in words."""
    path = baseline_fit.SHIPPED if path == INSIDE else Path(path)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def identity_of(scenario: Scenario | Refusal, overrides: Sequence[str], made: dict) -> str:
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
