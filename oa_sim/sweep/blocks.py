"""Blocks: the unit of work of a sweep, computed by any worker and written by one process, whole or not at all.

The order of each block: numbers into the store, then its rows beside it, which are the mark that it is done. A process
that dies between the two computes the block again and writes the same bytes.
"""

import bisect
import errno
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from oa_sim.errors import Refusal
from oa_sim.scenario.schema import Scenario
from oa_sim.sweep import executors, journal, provenance, store
from oa_sim.sweep import results as sweep_results

LONGEST_SENTENCE = 300  # characters of a failure that is not ours


@dataclass(frozen=True)
class Task:
    """A block to compute: its scenarios, or why one is none; the law; what the worker must be made of, as JSON.

    None stands for a scenario that is the same as an earlier one of the sweep, whose numbers it is given.
    """

    unit: tuple[int, int]
    scenarios: tuple[Scenario | Refusal | None, ...]
    law: Callable[[Scenario], xr.Dataset] | None
    made: str


@dataclass(frozen=True)
class Block:
    """A computed block: a result, a sentence or neither for each scenario; by which process, in how many seconds."""

    unit: tuple[int, int]
    results: list[xr.Dataset | None]
    failed: list[str]
    process: int
    seconds: float


@dataclass(frozen=True)
class Journey:
    """What stays the same on the way through a sweep.

    Attributes
    ----------
    folder
        The sweep's folder.
    about, cases
        Its record.
    tasks
        From the blocks that are left to their tasks, one by one.
    machine
        The engine.
    fail_fast
        Whether the next scenario that fails stops it.
    say
        Called with how far it is.
    same
        The number of each scenario that is the same as an earlier one, and that of the first such.
    """

    folder: Path
    about: dict
    cases: list[dict]
    tasks: Callable[[list[tuple[int, int]]], Iterator[Task]]
    machine: object
    fail_fast: bool
    say: Callable[[str], None]
    same: dict[int, int]


def default_law() -> Callable[[Scenario], xr.Dataset]:
    """Return the law of a sweep: the compiled law, which keeps what scenarios share in its process."""
    from oa_sim.compiled.simulate import summary

    return summary


def computed(task: Task) -> Block:
    """Return the results of a block; what goes wrong with a scenario stays with it.

    Raises
    ------
    Refusal
        Where this process is made of other code or tables than the sweep.
    OSError
        Where the disk is full, which is no fault of a scenario.
    """
    provenance.check_here(task.made)
    began, law = time.perf_counter(), task.law or default_law()
    results, failed = [], []
    for scenario in task.scenarios:
        result, sentence = None, str(scenario) if isinstance(scenario, Refusal) else ""
        if scenario is not None and not sentence:
            try:
                result = law(scenario)
            except Exception as error:
                if journal.is_full(error):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
                sentence = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
        results.append(result)
        failed.append(" ".join(sentence.split())[:LONGEST_SENTENCE])
    return Block(task.unit, results, failed, os.getpid(), round(time.perf_counter() - began, 3))


def go(journey: Journey) -> dict:
    """Compute and write the blocks that are left, then the columns and tables, and return what came of it.

    Raises
    ------
    Refusal
        Failing fast, with the sentence of a scenario that failed.
    """
    folder, about = journey.folder, journey.about
    journal.tidy(folder)
    layout = store.layout(folder)
    if layout:
        store.grow(folder, about["n"], layout)
    units = journal.units(about)
    left = _left(folder, units, layout, about["block"])
    done = begun_with = about["n"] - sum(stop - start for start, stop in left)
    began, waiting = time.monotonic(), dict.fromkeys(left)
    journey.say(_so_far(done, about["n"], 0, 0.0))
    held: dict[tuple[int, int], Block] = {}  # computed, but what they are laid out by or copied from is yet to come
    for block in executors.each(journey.machine, computed, journey.tasks(left), lambda task: _note_start(folder, task)):
        held[block.unit] = block
        layout = layout or _first_layout(journey, waiting, held)
        for unit in sorted(held):
            if not _is_ready(journey, held[unit], units, waiting, layout):
                continue
            del waiting[unit]
            _write(journey, held.pop(unit), layout, units)
            done += unit[1] - unit[0]
            journey.say(_so_far(done, about["n"], done - begun_with, time.monotonic() - began))
    journey.say("writing the tables")
    found = sweep_results.write(folder, about, journey.cases, layout)
    copied = sum(unit[0] <= number < unit[1] for unit in left for number in journey.same)
    answer = {"scenarios": about["n"], **found, "computed": about["n"] - begun_with - copied}
    return answer | ({"copied": copied} if copied else {}) | {"folder": str(folder)}


def _left(folder: Path, units: list[tuple[int, int]], layout: store.Layout | None, block: int) -> list[tuple[int, int]]:
    """Return the blocks that are not done, after taking away chunks that are damaged.

    Several blocks may share a chunk: where it is lost, so are all of them, and the marks go before the chunk does.
    """
    left = []
    for chunk, shared in itertools.groupby(units, key=lambda unit: unit[0] // block):
        rows = {unit: journal.rows(folder, unit) for unit in shared}
        failed = [unit for unit, found in rows.items() if found and all(row["failed"] for row in found)]
        marked = [unit for unit, found in rows.items() if found and unit not in failed]
        if not (marked and layout and store.are_whole(folder, chunk * block, layout, block)):
            for unit in marked:
                journal.strike(folder, unit)
            if layout:
                store.drop(folder, chunk * block, layout, block)
            marked = []
        left += [unit for unit in rows if unit not in failed and unit not in marked]
    return left


def _first_layout(journey: Journey, waiting: dict, held: dict[tuple[int, int], Block]) -> store.Layout | None:
    """Return what the first scenario that did not fail gives, with a store made for it; None while that is unknown.

    The first in the order of the design, not the first that arrives, so that the store does not depend on luck.
    """
    for unit in waiting:
        if unit not in held:
            return None
        for result in held[unit].results:
            if result is not None:
                about, layout = journey.about, store.layout_of(result, journey.about["labels"])
                made = {key: about[key] for key in journal.MADE if key != "versions"}
                store.create(journey.folder, layout, about["n"], about["block"], result, made)
                keys = sweep_results.varied_columns(about, journey.cases)
                store.write_columns(journey.folder, keys, [name for name in keys if name != sweep_results.NUMBER])
                return layout
    return None


def _is_ready(journey: Journey, block: Block, units: list, waiting: dict, layout: store.Layout | None) -> bool:
    """Return whether a block can be written: all it is copied from is there, and, unless all of it failed, a store."""
    has_room = layout is not None or not any(result is not None for result in block.results)
    return has_room and not any(_unit_of(units, number) in waiting for number in _copied_from(journey, block.unit))


def _copied_from(journey: Journey, unit: tuple[int, int]) -> list[int]:
    """Return the numbers of the scenarios in other blocks that some of a block are the same as, in order."""
    found = {journey.same[number] for number in range(*unit) if number in journey.same}
    return sorted(number for number in found if number < unit[0])


def _unit_of(units: list[tuple[int, int]], number: int) -> tuple[int, int]:
    """Return the block in which a scenario stands."""
    return units[bisect.bisect_right(units, number, key=lambda unit: unit[0]) - 1]


def _write(journey: Journey, block: Block, layout: store.Layout | None, units: list) -> None:
    """Write a block; then refuse to go on where it holds a failure and failing fast is wanted."""
    first = block.unit[0]
    known = _known(journey, _copied_from(journey, block.unit), layout, units)
    for number, result, sentence in zip(range(*block.unit), block.results, block.failed, strict=True):
        known[number] = known[journey.same[number]] if number in journey.same else _placed(result, sentence, layout)
    arrays = [known[number][0] for number in range(*block.unit)]
    rows = [known[number][1] for number in range(*block.unit)]
    if any(found is not None for found in arrays):
        store.write(journey.folder, first, arrays, layout)
        store.settle(journey.folder, first, layout, journey.about["block"])
    journal.finish(journey.folder, first, rows)
    about = {"process": block.process, "seconds": block.seconds}
    journal.note(journey.folder, block=list(block.unit), event="finished", **about)
    wrong = next((i for i, row in enumerate(rows) if row["failed"]), None)
    if journey.fail_fast and wrong is not None:
        raise Refusal(
            f"scenario {first + wrong} failed, and failing fast was asked for (it is noted and what is finished is "
            f"kept: {journal.command('resume', journey.folder)} goes on with the rest): {rows[wrong]['failed']}"
        )


def _placed(result: xr.Dataset | None, sentence: str, layout: store.Layout | None) -> tuple[dict | None, dict]:
    """Return what a scenario gives the store, None where it failed, and its row."""
    try:
        arrays = None if result is None else store.placed(result, layout)
    except Refusal as refusal:
        arrays, sentence = None, str(refusal)
    found = {} if arrays is None else store.marks_of(result) | store.numbers_of(result)
    return arrays, {"failed": sentence, "found": found}


def _known(journey: Journey, numbers: list[int], layout: store.Layout | None, units: list) -> dict[int, tuple]:
    """Return what scenarios that are written gave the store, None where they failed, and their rows, by number."""
    rows = {}
    for number in numbers:
        unit = _unit_of(units, number)
        rows[number] = journal.rows(journey.folder, unit)[number - unit[0]]
    there = [number for number in numbers if not rows[number]["failed"]]
    arrays = dict(zip(there, store.read(journey.folder, there, layout), strict=True)) if there else {}
    return {number: (arrays.get(number), row) for number, row in rows.items()}


def _note_start(folder: Path, task: Task) -> None:
    journal.note(folder, block=list(task.unit), event="started", process=os.getpid())


def _so_far(done: int, n: int, here: int, seconds: float) -> str:
    """Return how far it is: done of all, rate and time left."""
    if not here:
        return f"{done:,} of {n:,} scenarios"
    rate = here / max(seconds, 1e-9)
    left = int((n - done) / rate)
    return (
        f"{done:,} of {n:,} scenarios, {rate:.3g} a second, {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
    )
