"""Blocks: the unit of work of a sweep, computed by any worker and written by one process, whole or not at all.

The order of each block: numbers into the store, then its rows beside it, which are the mark that it is done. A process
that dies between the two computes the block again and writes the same bytes.
"""

import errno
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim import engine, logbook, provenance, store, tally
from oa_sim.refusal import Refusal
from oa_sim.scenario import Scenario

LONGEST_SENTENCE = 300  # characters of a failure that is not ours


@dataclass(frozen=True)
class Task:
    """A block to compute: its scenarios, or why one is none; the law; what the worker must be made of, as JSON."""

    unit: tuple[int, int]
    scenarios: tuple[Scenario | Refusal, ...]
    law: Callable[[Scenario], xr.Dataset] | None
    made: str


@dataclass(frozen=True)
class Block:
    """A computed block: a result, or a sentence, for each scenario; by which process, in how many seconds."""

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
        Whether the first scenario that fails stops it.
    say
        Called with how far it is.
    """

    folder: Path
    about: dict
    cases: list[dict]
    tasks: Callable[[list[tuple[int, int]]], Iterator[Task]]
    machine: object
    fail_fast: bool
    say: Callable[[str], None]


def default_law() -> Callable[[Scenario], xr.Dataset]:
    """Return the law of a sweep: the kernel, which keeps what scenarios share in its process."""
    from oa_sim.kernel import summary

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
        if not sentence:
            try:
                result = law(scenario)
            except Exception as error:
                if logbook.is_full(error):
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
    logbook.tidy(folder)
    layout = store.layout(folder)
    if layout:
        store.grow(folder, about["n"], layout)
    units = logbook.units(about)
    left = _left(folder, units, layout, about["block"])
    done = begun_with = about["n"] - sum(stop - start for start, stop in left)
    began = time.monotonic()
    journey.say(_so_far(done, about["n"], 0, 0.0))
    held: dict[tuple[int, int], Block] = {}  # until it is known what a scenario gives, blocks wait to be written
    for block in engine.each(journey.machine, computed, journey.tasks(left), lambda task: _note_start(folder, task)):
        held[block.unit] = block
        layout = layout or _first_layout(journey, left, held)
        while layout and held:
            written = held.pop(min(held))
            _write(journey, written, layout)
            done += len(written.results)
            journey.say(_so_far(done, about["n"], done - begun_with, time.monotonic() - began))
    for block in held.values():  # every scenario failed
        _write(journey, block, None)
    journey.say("writing the tables")
    found = tally.write(folder, about, journey.cases, layout)
    return {"scenarios": about["n"], **found, "computed": about["n"] - begun_with, "folder": str(folder)}


def _left(folder: Path, units: list[tuple[int, int]], layout: store.Layout | None, block: int) -> list[tuple[int, int]]:
    """Return the blocks that are not done, after taking away chunks that are damaged.

    Several blocks may share a chunk: where it is lost, so are all of them, and the marks go before the chunk does.
    """
    left = []
    for chunk, shared in itertools.groupby(units, key=lambda unit: unit[0] // block):
        rows = {unit: logbook.rows(folder, unit) for unit in shared}
        failed = [unit for unit, found in rows.items() if found and all(row["failed"] for row in found)]
        marked = [unit for unit, found in rows.items() if found and unit not in failed]
        if not (marked and layout and store.has(folder, chunk * block, layout, block)):
            for unit in marked:
                logbook.strike(folder, unit)
            if layout:
                store.drop(folder, chunk * block, layout, block)
            marked = []
        left += [unit for unit in rows if unit not in failed and unit not in marked]
    return left


def _first_layout(journey: Journey, left: list, held: dict[tuple[int, int], Block]) -> store.Layout | None:
    """Return what the first scenario that did not fail gives, with a store made for it; None while that is unknown.

    The first in the order of the design, not the first that arrives, so that the store does not depend on luck.
    """
    for unit in left:
        if unit not in held:
            return None
        for result in held[unit].results:
            if result is not None:
                about, layout = journey.about, store.layout_of(result, journey.about["labels"])
                made = {key: about[key] for key in logbook.MADE if key != "versions"}
                store.create(journey.folder, layout, about["n"], about["block"], result, made)
                keys = tally.varied(about, journey.cases)
                store.write_columns(journey.folder, keys, [name for name in keys if name != tally.NUMBER])
                return layout
    return None


def _write(journey: Journey, block: Block, layout: store.Layout | None) -> None:
    """Write a block, or refuse where it holds a failure and failing fast is wanted."""
    arrays: list[dict[str, np.ndarray] | None] = []
    failed = list(block.failed)
    for i, result in enumerate(block.results):
        arrays.append(None)
        if result is not None:
            try:
                arrays[i] = store.placed(result, layout)
            except Refusal as refusal:
                failed[i] = str(refusal)
    wrong = next((i for i, sentence in enumerate(failed) if sentence), None)
    if journey.fail_fast and wrong is not None:
        raise Refusal(
            f"scenario {block.unit[0] + wrong} failed, and failing fast was asked for (what is finished is kept, see "
            f"{logbook.command('resume', journey.folder)}): {failed[wrong]}"
        )
    if any(found is not None for found in arrays):
        store.write(journey.folder, block.unit[0], arrays, layout)
        store.settle(journey.folder, block.unit[0], layout, journey.about["block"])
    rows = [
        {"failed": sentence, "found": {} if found is None else store.marks_of(result) | store.numbers_of(result)}
        for sentence, found, result in zip(failed, arrays, block.results, strict=True)
    ]
    logbook.finish(journey.folder, block.unit[0], rows)
    about = {"process": block.process, "seconds": block.seconds}
    logbook.note(journey.folder, block=list(block.unit), event="finished", **about)


def _note_start(folder: Path, task: Task) -> None:
    logbook.note(folder, block=list(task.unit), event="started", process=os.getpid())


def _so_far(done: int, n: int, here: int, seconds: float) -> str:
    """Return how far it is: done of all, rate and time left."""
    if not here:
        return f"{done:,} of {n:,} scenarios"
    rate = here / max(seconds, 1e-9)
    left = int((n - done) / rate)
    return (
        f"{done:,} of {n:,} scenarios, {rate:.3g} a second, {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
    )
