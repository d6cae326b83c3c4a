"""Sweep run: many scenarios, each computed once, whatever happens on the way.

A sweep is begun, gone on with, or made longer. Each time it is first made sure that code, tables, draws and configs are
those of the record: a scenario is known by an identity made from all of these, and finished work is never done twice.
Scenarios are made one by one as they are needed, so memory does not grow with their number.
"""

import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

from oa_sim.errors import Refusal
from oa_sim.sweep import blocks, dry_run, journal, store
from oa_sim.sweep import cases as case_list

FEWEST_BLOCKS = 4


def sweep(words: Sequence[str], sweeping, folder: str | Path, *, law=None, space=None, say=None) -> dict:
    """Compute the scenarios that the words make, into a folder of its own, and return what came of it.

    Parameters
    ----------
    words
        Overrides of the scenario, with what varies in Hydra's sweep syntax.
    sweeping
        ``design``, ``engine``, ``block``, ``fail_fast``.
    folder
        Where ``store.zarr``, ``summary.csv``, ``summary.parquet`` and the record go.
    law
        From a scenario to its summary; ``simulate.summary`` by default.
    space
        What makes scenarios of words, with ``expand`` and ``scenarios``; ``oa_sim.sweep.expand`` by default.
    say
        Called with how far it is.

    Returns
    -------
    dict
        ``scenarios``, ``failed``, ``in_doubt`` (gates that failed), ``computed``, ``folder``; and ``copied`` where
        some are the same as an earlier one, whose numbers they are given.

    Raises
    ------
    Refusal
        Where the words, the folder or the disk will not do, or, failing fast, a scenario fails.
    """
    folder, space = Path(folder), space or _variants()
    journal.check_free(folder)
    found = case_list.rooted(space.expand(list(words), sweeping.design))
    with journal.room(folder), journal.kept(folder):
        journal.check_free(folder)  # again, now that nobody else can begin here
        made = case_list.made_by() | {"data_hash": {}, "posterior": {}}
        cases, labels = case_list.planned(found, 0, made, space)
        asked = {"words": list(words), "design": asdict(sweeping.design), **case_list.in_json(found)}
        block = _block(len(cases), sweeping.block)
        how = {"engine": asdict(sweeping.engine), "block": block, "fail_fast": sweeping.fail_fast}
        about = asked | {"n": len(cases), "extensions": []} | how | made | {"labels": labels}
        journal.begin(folder, about, cases)
        return _go(folder, about, cases, (law, space, say), sweeping.engine, sweeping.fail_fast)


def resume(folder: str | Path, machine=None, *, fail_fast=False, law=None, space=None, say=None) -> dict:
    """Compute what is left of a sweep, and return what came of it; see ``sweep``.

    Parameters
    ----------
    folder
        The sweep's folder.
    machine, fail_fast
        Another engine than the one it was begun with, and whether the next scenario that fails stops it: those that
        have failed already do not.
    law, space, say
        As in ``sweep``.

    Raises
    ------
    Refusal
        Where the folder is no sweep, or code, tables, draws or configs are no longer those it was begun with.
    """
    folder, space = Path(folder), space or _variants()
    journal.read(folder)  # a folder that is none should not be given a lock
    with journal.room(folder), journal.kept(folder):
        about, cases = journal.read(folder)
        case_list.check_same(folder, about)
        for _ in case_list.checked(folder, about, cases, space):
            pass
        return _go(folder, about, cases, (law, space, say), machine, fail_fast)


def extend(folder: str | Path, words: Sequence[str], sweeping, *, law=None, space=None, say=None) -> dict:
    """Add scenarios to a sweep, those that it has left out, and return what came of it; see ``sweep``.

    Parameters
    ----------
    folder
        The sweep's folder.
    words
        Overrides beside what the sweep has in common; a leading ``+`` may stand before each. One value of each is
        one scenario.
    sweeping
        ``design`` of the words, ``engine`` (None: the one that the sweep was begun with), ``fail_fast``.
    law, space, say
        As in ``sweep``.

    Raises
    ------
    Refusal
        As in ``resume``; and where the store has no room for the areas, measures or years of the new ones.
    """
    folder, space = Path(folder), space or _variants()
    journal.read(folder)
    if not words and sweeping.design.kind != "list":
        raise Refusal("extend needs to know which scenarios are added, got none: name them, such as split=per_pupil")
    with journal.room(folder), journal.kept(folder):
        about, cases = journal.read(folder)
        case_list.check_same(folder, about)
        words = [word.removeprefix("+") if not word.startswith("++") else word for word in words]
        mine = {case_list.key_of(word) for word in words}
        shared = [word for word in about["fixed"] if case_list.key_of(word) not in mine]
        found = space.expand([*shared, *words], sweeping.design, may_be_one=True)
        found = case_list.with_typed(case_list.rooted(found), words)
        made = {key: about[key] for key in journal.MADE}
        known, parts = {case["identity"] for case in cases}, journal.parts(about)
        keys = [key for part in parts for key in part["keys"]]
        more, labels = case_list.planned(found, len(parts), made, space, known, keys)
        case_list.check_room(folder, about["labels"], labels)
        for case, scenario in zip(cases, case_list.checked(folder, about, cases, space), strict=True):
            case_list.complete(case, scenario, found.keys, parts[case["part"]]["fixed"], parts[case["part"]]["keys"])
        if more:
            asked = {"words": words, "design": asdict(sweeping.design), **case_list.in_json(found), "n": len(more)}
            about = about | made | {"labels": about["labels"] or labels, "extensions": [*about["extensions"], asked]}
            about["n"], cases = len(cases) + len(more), [*cases, *more]
            journal.begin(folder, about, cases)
        answer = _go(folder, about, cases, (law, space, say), sweeping.engine, sweeping.fail_fast)
        return answer | {"added": len(more)}


def _block(n: int, most: int) -> int:
    """Return how many scenarios stand in a block: fewer than asked for in a small sweep, so that workers share it.

    It follows from the number of scenarios alone, so that a store does not depend on the machine.
    """
    return max(1, min(most, -(-n // FEWEST_BLOCKS)))


def _variants():
    from oa_sim.sweep import expand

    return expand


def _go(folder: Path, about: dict, cases: list[dict], ways: tuple, machine, fail_fast: bool) -> dict:
    """Go through the blocks that are left, making their scenarios as workers ask for them."""
    law, space, say = ways
    machine = machine or SimpleNamespace(**about["engine"])
    made = json.dumps({key: about[key] for key in journal.MADE}, sort_keys=True)

    same = case_list.same(cases)

    def tasks(left: list[tuple[int, int]]) -> Iterator[blocks.Task]:
        for part, units in itertools.groupby(left, key=lambda unit: cases[unit[0]]["part"]):
            units = list(units)
            wanted = (number for unit in units for number in range(*unit) if number not in same)
            scenarios = iter(space.scenarios(case_list.again(about, cases, part, space, wanted)))
            for unit in units:
                own = tuple(None if number in same else next(scenarios) for number in range(*unit))
                yield blocks.Task(unit, own, law, made)

    quiet = say or (lambda sentence: None)
    return blocks.go(blocks.Journey(folder, about, cases, tasks, machine, fail_fast, quiet, same))


def plan(words: Sequence[str], sweeping, *, law=None, space=None) -> dict:
    """Return how many scenarios the words make, and about how long, how much disk and memory they take.

    A few that are spread over the design are computed. Nothing is written.

    Parameters
    ----------
    words, sweeping, law, space
        As in ``sweep``.

    Raises
    ------
    Refusal
        Where the words will not do, or no scenario can be computed.
    """
    space, law = space or _variants(), law or blocks.default_law()
    found = space.expand(list(words), sweeping.design)
    seen = dry_run.rehearse(found, law, space)
    n, n_computed, nbytes = seen.n, seen.n - seen.refused, seen.result.nbytes
    workers = blocks.workers_of(sweeping.engine)
    n_blocks = -(-n // _block(n, sweeping.block))
    processes = 1 if sweeping.engine.kind == "local" else workers + 1
    ahead = (blocks.AHEAD * workers + 1) * _block(n, sweeping.block) * nbytes
    about, most = seen.seconds(min(workers, n_blocks))
    dear = seen.dear(found.keys)
    return {
        "scenarios": n,
        "refused": seen.refused,
        "varied": list(found.keys),
        "blocks": n_blocks,
        "engine": f"{sweeping.engine.kind}, {workers} workers",
        "seconds_each": round(seen.step, 4),
        "seconds_about": round(about, 1),
        "seconds_at_most": round(most, 1),
        "disk_mb_about": round(n_computed * store.packed_size(seen.result) / 1e6, 1),
        "memory_gb_about": round((processes * _peak_bytes() + ahead) / 1e9, 2),
    } | ({"costly": dear} if dear else {})


def _peak_bytes() -> int:
    """Return the most memory that this process has had, in bytes."""
    import resource  # which Windows does not have

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
