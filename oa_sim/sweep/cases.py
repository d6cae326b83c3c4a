"""Cases: the scenarios of a sweep by number, each with an identity made from what its numbers are made from.

The list is written before anything is computed, so whoever goes on later needs neither the words, nor the file of a
list, nor the sampler of a design. No two makes of code, tables or draws are mixed in one store.
"""

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit
from oa_sim.inputs import tables
from oa_sim.scenario.load import PLAIN, read_word
from oa_sim.scenario.overrides import key_of, of_kind, quoted
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest
from oa_sim.simulation.run_manifest import made_by
from oa_sim.sweep import expand, journal, store
from oa_sim.sweep.expand import Variants
from oa_sim.sweep.journal import Case, Record

FILES = ("posterior", "data_folder")  # keys of a scenario that name what it reads


def planned(
    variants: Variants, part: int, made: Record, known: Set[str] = frozenset(), others: Sequence[str] = ()
) -> tuple[list[Case], store.Labels]:
    """Return a record of each scenario of a part of a sweep that is not known yet, and all their labels.

    Tables and posteriors that are new are added to ``made``. Known are identities that are there already, and others
    the keys that other parts vary.
    """
    cases: list[Case] = []
    labels: dict[str, dict[Any, None]] = {}
    for i, scenario in enumerate(expand.scenarios(variants)):
        identity = identity_of(scenario, variants.overrides(i), made)
        if identity in known:
            continue
        case: Case = {"part": part, "identity": identity, "values": list(variants.values[i]), "also": {}}
        empty = [key for key, value in zip(variants.keys, variants.values[i], strict=True) if value is None]
        complete(case, scenario, [*others, *empty], variants.fixed, [key for key in variants.keys if key not in empty])
        cases.append(case)
        if not isinstance(scenario, Refusal):
            for dim, own in labels_of(scenario).items():
                labels.setdefault(dim, {}).update(dict.fromkeys(own))
    return cases, {dim: _ordered(dim, list(own)) for dim, own in labels.items()}


def labels_of(scenario: Scenario) -> store.Labels:
    """Return the labels that a scenario chooses: the places, measures and years of its summary."""
    return {"place": [*scenario.areas.names, MEAN_OF_AREAS], "measure": list(scenario.measures), "year": scenario.years}


def _ordered(dim: str, labels: list[Any]) -> list[Any]:
    """Return labels in the order of the tables, those that no table has behind them, the mean of areas last."""
    if dim == "year":
        return sorted(labels)
    listed = list(MEASURES) if dim == "measure" else [row["area"] for row in tables.read("areas")]
    place = {name: i for i, name in enumerate(listed)} | {MEAN_OF_AREAS: len(listed) + 1}
    return sorted(labels, key=lambda name: place.get(name, len(listed)))


def complete(
    case: Case, scenario: Scenario | Refusal, keys: Sequence[str], fixed: Sequence[str], own: Sequence[str]
) -> None:
    """Note in a scenario's record what it has where others vary a key: its number or word, or the choice as typed."""
    for key in keys:
        if key in own:
            continue
        value: object = scenario
        for name in key.split("."):
            value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
        if not isinstance(value, str | int | float):
            value = next((word.split("=", 1)[1] for word in fixed if key_of(word) == key), None)
        case["also"][key] = value


def check_room(folder: Path, has: store.Labels, wants: store.Labels) -> None:
    """Refuse scenarios with labels for which the store has no place."""
    for dim, labels in wants.items():
        more = [label for label in labels if label not in has.get(dim, [])]
        if more and has:
            raise Refusal(
                f"the store in {folder} has no {dim} {more[0]}, which the new scenarios have: sweep them into another "
                "folder"
            )


def checked(folder: Path, record: Record, cases: list[Case]) -> Iterator[Scenario | Refusal]:
    """Yield each scenario of a sweep, made anew; refused where one is not what it was, since a config has changed."""
    made, numbers = {key: record[key] for key in journal.MADE}, itertools.count()
    for part in range(len(journal.parts(record))):
        variants = again(record, cases, part)
        for i, scenario in enumerate(expand.scenarios(variants)):
            number = next(numbers)
            if identity_of(scenario, variants.overrides(i), made) != cases[number]["identity"]:
                raise Refusal(
                    f"scenario {number} of {folder} is no longer what it was when the sweep began, since a config or "
                    f"{journal.CASES} has changed: put it back, or sweep again into another folder"
                )
            yield scenario


def rooted(variants: Variants) -> Variants:
    """Return variants whose paths to files start at the root, so that they are found from any working folder."""
    words = (word.split("=", 1) for word in variants.fixed)
    paths = [key in FILES for key in variants.keys]
    rows = variants.values
    if any(paths):
        rows = [
            tuple(_whole(value) if is_path else value for is_path, value in zip(paths, row, strict=True))
            for row in rows
        ]
    fixed = tuple(f"{key}={_whole(value) if key in FILES else value}" for key, value in words)
    return replace(variants, fixed=fixed, values=rows)


def _whole(value: str | None) -> str | None:
    """Return a path as an override writes it, from the root on; what names no file stays as it is."""
    if value in (None, "", "null"):
        return value
    text = value
    if text[0] in "'\"" and text[-1] == text[0]:
        text = text[1:-1].replace(f"\\{text[0]}", text[0])
    path = str(Path(text).expanduser().absolute())
    return path if PLAIN.fullmatch(path) else quoted(path)


def with_typed(variants: Variants, words: Sequence[str]) -> Variants:
    """Return variants in which what was typed is a key though it has one value, so that it has a column."""
    typed = {key_of(word) for word in words if key_of(word) != "outputs"}
    own = [word for word in variants.fixed if key_of(word) in typed]
    keys = [key_of(word) for word in own]
    row = [of_kind(key, read_word(word)) for key, word in zip(keys, own, strict=True)]
    return replace(
        variants,
        fixed=tuple(word for word in variants.fixed if word not in own),
        keys=(*keys, *variants.keys),
        values=[(*row, *values) for values in variants.values],
    )


def again(record: Record, cases: list[Case], part: int, only: Iterator[int] | None = None) -> Variants:
    """Return the variants of a part of a sweep, from its record: all of them, or those whose numbers are wanted."""
    shared = journal.parts(record)[part]
    chosen = cases if only is None else (cases[number] for number in only)
    return Variants(
        fixed=tuple(shared["fixed"]),
        keys=tuple(shared["keys"]),
        values=[tuple(case["values"]) for case in chosen if case["part"] == part],
        bounds={key: (low, high) for key, (low, high) in shared["bounds"].items()},
    )


def same(cases: list[Case]) -> dict[int, int]:
    """Return the number of each scenario that is the same as an earlier one, and that of the first such."""
    first: dict[str, int] = {}
    numbers = ((number, first.setdefault(case["identity"], number)) for number, case in enumerate(cases))
    return {number: original for number, original in numbers if original < number}


def in_json(variants: Variants) -> Record:
    """Return what variants share, as it stands in the record."""
    bounds = {key: list(pair) for key, pair in variants.bounds.items()}
    return {"fixed": list(variants.fixed), "keys": list(variants.keys), "bounds": bounds}


INSIDE = "inside the package"


def data_hash(folder: str) -> str:
    """Return the hash of the tables of a data folder, or of those inside the package."""
    return tables.data_hash(None if folder == INSIDE else Path(folder))


def posterior_hash(path: str) -> str:
    """Return the hash of a posterior's file; an empty text where there is none, which the law will say in words."""
    file = baseline_fit.SHIPPED if path == INSIDE else Path(path)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def identity_of(scenario: Scenario | Refusal, overrides: Sequence[str], made: Record) -> str:
    """Return the name of a scenario, made from what its numbers are made from, before anything is computed.

    One that is refused is known by its overrides. New tables and posteriors are added to ``made``, which has the code,
    the versions, and hashes by place. The synthesis of the studies is left out: it follows from all of these.
    """
    parts = {key: made[key] for key in ("code_hash", "versions")}
    if isinstance(scenario, Refusal):
        return run_manifest.identity(parts | {"scenario": {"refused": list(overrides)}})
    data, posterior = scenario.data_folder or INSIDE, scenario.posterior or INSIDE
    for kind, place in (("data_hash", data), ("posterior", posterior)):
        if place not in made[kind]:
            made[kind][place] = HASHES[kind](place)
        parts[kind] = made[kind][place]
    question = {name: value for name, value in vars(scenario).items() if name != "outputs"}
    return run_manifest.identity(parts | {"scenario": question})  # as ``run_manifest.question``, without copying it


HASHES: dict[str, Callable[[str], str]] = {"data_hash": data_hash, "posterior": posterior_hash}


def _changed_inputs(record: Record) -> tuple[str, str] | None:
    """Return the first tables or posterior that are no longer those of a record, and their place."""
    for kind, name in (("data_hash", "tables"), ("posterior", "posterior")):
        for place, was in record[kind].items():
            if HASHES[kind](place) != was:
                return name, place
    return None


def check_same(folder: Path, record: Record) -> None:
    """Refuse to go on with a sweep that was begun with other code, libraries, tables or draws; nothing is touched."""
    here, remedy = made_by(), "go on with that one, or sweep again into another folder; what is there stays readable"
    if record["code_hash"] != here["code_hash"]:
        raise Refusal(
            f"{folder} was made by oa_sim {record['oa_sim']} with code {record['code_hash'][:8]}, this is "
            f"{here['oa_sim']} with code {here['code_hash'][:8]}: {remedy}"
        )
    for name in sorted({*record["versions"], *here["versions"]}):
        was, now = (of["versions"].get(name, "none") for of in (record, here))
        if was != now:
            raise Refusal(f"{folder} was made with {name} {was}, this is {now}: {remedy}")
    if changed := _changed_inputs(record):
        raise Refusal(
            f"{folder} was made from other {changed[0]} ({changed[1]}) than there are now: put those back, or sweep "
            "again into another folder; what is there stays readable"
        )


@cache
def check_here(made: str) -> None:
    """Refuse to work for a coordinator that has other code, libraries, tables or draws than this process has.

    What the coordinator was made by comes as JSON; it is looked at once in each process.
    """
    wanted, here = json.loads(made), made_by()
    for name, key in (("code", "code_hash"), ("versions of Python and libraries", "versions")):
        if wanted[key] != here[key]:
            raise Refusal(f"a worker has other {name} than the sweep: install the same oa_sim and libraries there")
    if changed := _changed_inputs(wanted):
        raise Refusal(f"a worker has other {changed[0]} ({changed[1]}) than the sweep: put the same there")
