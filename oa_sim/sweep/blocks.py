"""Blocks: the unit of work of a sweep, computed by any worker and written by one process, whole or not at all.

The order of each block: numbers into the store, then its rows beside it, which are the mark that it is done. A process
that dies between the two computes the block again and writes the same bytes.

Blocks are computed by threads (Python's own), processes (joblib's loky) or a cluster (Dask's scheduler); all three take
work and give futures. ``joblib.Parallel`` itself is not used: it begins a new block whenever one is computed, so that
results would pile up in memory before a slow disk. Here no more than a few are under way or waiting to be written.
"""

import bisect
import errno
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import joblib
import xarray as xr

from oa_sim.errors import Refusal
from oa_sim.formatting import significant
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import Engine
from oa_sim.sweep import cases, journal, store
from oa_sim.sweep import results as sweep_results
from oa_sim.sweep.journal import Case, Record, Row, Unit

T = TypeVar("T")  # a task
R = TypeVar("R")  # its result
LONGEST_SENTENCE = 300  # characters of a failure that is not ours


Law = Callable[[Scenario], xr.Dataset]  # from a scenario to its summary


@dataclass(frozen=True)
class Task:
    """A block to compute: its scenarios, or why one is none; the law; what the worker must be made of, as JSON.

    None stands for a scenario that is the same as an earlier one of the sweep, whose numbers it is given.
    """

    unit: Unit
    scenarios: tuple[Scenario | Refusal | None, ...]
    law: Law | None
    made: str


@dataclass(frozen=True)
class Block:
    """A computed block: a result, a sentence or neither for each scenario; by which process, in how many seconds."""

    unit: Unit
    results: list[xr.Dataset | None]
    failed: list[str]
    process: int
    seconds: float


@dataclass(frozen=True)
class Journey:
    """What stays the same on the way through a sweep."""

    folder: Path
    record: Record
    cases: list[Case]
    tasks: Callable[[list[Unit]], Iterator[Task]]  # from the blocks that are left to their tasks, one by one
    engine: Engine
    fail_fast: bool  # whether the next scenario that fails stops it
    say: Callable[[str], None]  # called with how far it is
    same: dict[int, int]  # number of each scenario that is the same as an earlier one: that of the first such

    def copied_from(self, unit: Unit) -> list[int]:
        """Return the numbers of the scenarios in other blocks that some of a block are the same as, in order."""
        originals = {self.same[number] for number in range(*unit) if number in self.same}
        return sorted(number for number in originals if number < unit[0])


def default_law() -> Law:
    """Return the law of a sweep: the compiled law, which keeps what scenarios share in its process."""
    from oa_sim.compiled.simulate import summary

    return summary


def computed(task: Task) -> Block:
    """Return the results of a block; what goes wrong with a scenario stays with it, but for a disk that is full.

    Refused where this process is made of other code or tables than the sweep.
    """
    cases.check_here(task.made)
    began, law = time.perf_counter(), task.law or default_law()
    results, failed = [], []
    for scenario in task.scenarios:
        result, sentence = None, ""
        if isinstance(scenario, Refusal):
            sentence = str(scenario)
        elif scenario is not None:
            try:
                result = law(scenario)
            except Exception as error:
                if journal.is_full(error):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
                sentence = str(error) if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
        results.append(result)
        failed.append(" ".join(sentence.split())[:LONGEST_SENTENCE])
    return Block(task.unit, results, failed, os.getpid(), round(time.perf_counter() - began, 3))


def go(journey: Journey) -> dict[str, Any]:
    """Compute and write the blocks that are left, then the columns and tables, and return what came of it.

    Failing fast, it is refused with the sentence of the scenario that failed.
    """
    folder, n = journey.folder, journey.record["n"]
    journal.tidy(folder)
    layout = store.layout(folder)
    if layout:
        store.grow(folder, n, layout)
    units = journal.units(journey.record)
    left = _left(folder, units, layout, journey.record["block"])
    done = begun_with = n - sum(stop - start for start, stop in left)
    began, waiting = time.monotonic(), dict.fromkeys(left)
    journey.say(_so_far(done, n, 0, 0.0))

    def begun(task: Task) -> None:
        journal.note(folder, block=list(task.unit), event="started", process=os.getpid())

    held: dict[Unit, Block] = {}  # computed, but what they are laid out by or copied from is yet to come
    for block in each(journey.engine, computed, journey.tasks(left), begun):
        held[block.unit] = block
        layout = layout or _first_layout(journey, waiting, held)
        for unit in sorted(held):
            if not _is_ready(journey, held[unit], units, waiting, layout):
                continue
            del waiting[unit]
            _write(journey, held.pop(unit), layout, units)
            done += unit[1] - unit[0]
            journey.say(_so_far(done, n, done - begun_with, time.monotonic() - began))
    journey.say("writing the tables")
    counts = sweep_results.write(folder, journey.record, journey.cases, layout)
    copied = sum(unit[0] <= number < unit[1] for unit in left for number in journey.same)
    answer = {"scenarios": n, **counts, "computed": n - begun_with - copied}
    return answer | ({"copied": copied} if copied else {}) | {"folder": str(folder)}


def _left(folder: Path, units: list[Unit], layout: store.Layout | None, block: int) -> list[Unit]:
    """Return the blocks that are not done, after taking away chunks that are damaged.

    Several blocks may share a chunk: where it is lost, so are all of them, and the marks go before the chunk does.
    """
    left = []
    for chunk, shared in itertools.groupby(units, key=lambda unit: unit[0] // block):
        rows = {unit: journal.rows(folder, unit) for unit in shared}
        failed = [unit for unit, done in rows.items() if done and all(row["failed"] for row in done)]
        marked = [unit for unit, done in rows.items() if done and unit not in failed]
        if not (marked and layout and store.are_whole(folder, chunk * block, layout, block)):
            for unit in marked:
                journal.strike(folder, unit)
            if layout:
                store.drop(folder, chunk * block, layout, block)
            marked = []
        left += [unit for unit in rows if unit not in failed and unit not in marked]
    return left


def _first_layout(journey: Journey, waiting: dict[Unit, None], held: dict[Unit, Block]) -> store.Layout | None:
    """Return what the first scenario that did not fail gives, with a store made for it; None while that is unknown.

    The first in the order of the design, not the first that arrives, so that the layout is deterministic.
    """
    record = journey.record
    for unit in waiting:
        if unit not in held:
            return None
        for result in held[unit].results:
            if result is not None:
                layout = store.layout_of(result, record["labels"])
                made = {key: record[key] for key in journal.MADE if key != "versions"}
                store.create(journey.folder, layout, record["n"], record["block"], result, made)
                keys = sweep_results.varied_columns(record, journey.cases)
                store.write_columns(journey.folder, keys, [name for name in keys if name != sweep_results.NUMBER])
                return layout
    return None


def _is_ready(
    journey: Journey, block: Block, units: list[Unit], waiting: dict[Unit, None], layout: store.Layout | None
) -> bool:
    """Return whether a block can be written: all it is copied from is there, and, unless all of it failed, a store."""
    has_room = layout is not None or not any(result is not None for result in block.results)
    return has_room and not any(_unit_of(units, number) in waiting for number in journey.copied_from(block.unit))


def _unit_of(units: list[Unit], number: int) -> Unit:
    """Return the block in which a scenario stands."""
    return units[bisect.bisect_right(units, number, key=lambda unit: unit[0]) - 1]


def _write(journey: Journey, block: Block, layout: store.Layout | None, units: list[Unit]) -> None:
    """Write a block; then refuse to go on where it holds a failure and failing fast is wanted."""
    first = block.unit[0]
    placed = _written(journey, journey.copied_from(block.unit), layout, units)
    for number, result, sentence in zip(range(*block.unit), block.results, block.failed, strict=True):
        placed[number] = placed[journey.same[number]] if number in journey.same else _placed(result, sentence, layout)
    arrays = [placed[number][0] for number in range(*block.unit)]
    rows = [placed[number][1] for number in range(*block.unit)]
    if layout is not None and any(own is not None for own in arrays):
        store.write(journey.folder, first, arrays, layout)
        store.settle(journey.folder, first, layout, journey.record["block"])
    journal.finish(journey.folder, first, rows)
    facts = {"process": block.process, "seconds": block.seconds}
    journal.note(journey.folder, block=list(block.unit), event="finished", **facts)
    wrong = next((i for i, row in enumerate(rows) if row["failed"]), None)
    if journey.fail_fast and wrong is not None:
        raise Refusal(
            f"scenario {first + wrong} failed, and failing fast was asked for (it is noted and what is finished is "
            f"kept: {journal.command('resume', journey.folder)} goes on with the rest): {rows[wrong]['failed']}"
        )


def _placed(result: xr.Dataset | None, sentence: str, layout: store.Layout | None) -> tuple[store.Arrays | None, Row]:
    """Return what a scenario gives the store, None where it failed, and its row."""
    if result is None or layout is None:
        return None, {"failed": sentence, "found": {}}
    try:
        arrays = store.placed(result, layout)
    except Refusal as refusal:
        return None, {"failed": str(refusal), "found": {}}
    return arrays, {"failed": sentence, "found": {**store.marks_of(result), **store.numbers_of(result)}}


def _written(
    journey: Journey, numbers: list[int], layout: store.Layout | None, units: list[Unit]
) -> dict[int, tuple[store.Arrays | None, Row]]:
    """Return what scenarios that are written gave the store, None where they failed, and their rows, by number."""
    rows = {}
    for number in numbers:
        unit = _unit_of(units, number)
        rows[number] = journal.finished_rows(journey.folder, unit)[number - unit[0]]
    there = [number for number in numbers if not rows[number]["failed"]]
    arrays = dict(zip(there, store.read(journey.folder, there, layout), strict=True)) if there and layout else {}
    return {number: (arrays.get(number), row) for number, row in rows.items()}


def _so_far(done: int, n: int, here: int, seconds: float) -> str:
    """Return how far it is: done of all, rate and time left."""
    if not here:
        return f"{done:,} of {n:,} scenarios"
    rate = here / max(seconds, 1e-9)
    left = timedelta(seconds=int((n - done) / rate))
    return f"{done:,} of {n:,} scenarios, {significant(rate)} a second, {left} left"


AHEAD = 2  # blocks for each worker that are under way or wait to be written
LIVES = 3  # workers that may die in a row with no block finished between
PATIENCE = 20  # seconds that a scheduler has to answer


def each(
    engine: Engine, work: Callable[[T], R], tasks: Iterator[T], begun: Callable[[T], object] = lambda task: None
) -> Iterator[R]:
    """Yield the result of each task as it is done, in any order, with a bounded number ahead.

    Tasks are taken one by one in this thread, when there is room for another; ``begun`` is called in it with each task
    that is handed out, again where its worker died. Work and results travel where there are processes or a cluster.
    Refused where workers keep dying, the cluster cannot be reached, or its extra is not installed.
    """
    again: list[T] = []
    deaths = 0
    while True:
        under_way: dict[Future[R], T] = {}
        with _opened(engine) as (pool, workers):
            try:
                is_broken = False
                while not is_broken and _hand_out(pool, work, tasks, again, under_way, AHEAD * workers, begun):
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        if isinstance(_error(future), BrokenExecutor | CancelledError):
                            is_broken = True
                            continue
                        result = future.result()
                        del under_way[future]
                        deaths = 0
                        yield result
            except BrokenExecutor:  # found broken when the next task was handed to it
                is_broken = True
            finally:
                for future in under_way:
                    future.cancel()
        if not is_broken:
            return
        again = [*under_way.values(), *again]
        deaths += 1
        if deaths == LIVES:
            raise _too_deadly()


def _error(future: Future[R]) -> BaseException | None:
    """Return what went wrong with a future that is done; the refusal where a cluster gave up on its task."""
    if future.cancelled():
        return CancelledError()
    error = future.exception()
    if type(error).__name__ == "KilledWorker":  # Dask itself has tried it on several workers
        raise _too_deadly()
    return error


def _too_deadly() -> Refusal:
    return Refusal(
        f"{LIVES} workers in a row died without finishing a block, most often for want of memory: what is finished is "
        "kept; go on with fewer workers, such as engine.workers=1"
    )


def _hand_out(
    pool: Executor,
    work: Callable[[T], R],
    tasks: Iterator[T],
    again: list[T],
    under_way: dict[Future[R], T],
    most: int,
    begun: Callable[[T], object],
) -> bool:
    """Hand out tasks until enough are ahead, first those that a dead worker left undone; return whether any is."""
    while len(under_way) < most:
        if not again:
            again += itertools.islice(tasks, 1)  # not lost where handing it out finds the pool broken
        if not again:
            break
        begun(again[0])
        under_way[pool.submit(work, again[0])] = again[0]
        again.pop(0)
    return bool(under_way)


def workers_of(engine: Engine) -> int:
    """Return how many workers an engine has on this machine; 0 asks for as many as there are cores."""
    return engine.workers or int(joblib.cpu_count())


@contextmanager
def _opened(engine: Engine) -> Iterator[tuple[Executor, int]]:
    """Give an executor and its number of workers, and close it."""
    kinds = {"local": _threads, "processes": _processes, "dask": _cluster}
    with kinds[engine.kind](engine) as executor:
        yield executor


@contextmanager
def _threads(engine: Engine) -> Iterator[tuple[Executor, int]]:
    workers = workers_of(engine)
    with ThreadPoolExecutor(workers, thread_name_prefix="sweep") as pool:
        yield pool, workers


@contextmanager
def _processes(engine: Engine) -> Iterator[tuple[Executor, int]]:
    from joblib.externals.loky import ProcessPoolExecutor

    workers = workers_of(engine)
    # the small matrices of the law gain nothing from threads of linear algebra, and the workers share the cores
    env = {"OPENBLAS_NUM_THREADS": "1"}
    pool = ProcessPoolExecutor(workers, env=env, initializer=_ends_with, initargs=(os.getpid(),))
    try:
        yield pool, workers
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _ends_with(parent: int) -> None:
    """Let this worker end when the process that asked for it is killed, which could not tell it so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(engine: Engine) -> Iterator[tuple[Executor, int]]:
    """Give a cluster's executor, never as Dask's default, which would outlive it for all that comes later."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise Refusal(
            'engine=dask needs Dask\'s scheduler, which is not installed: pip install "oa-sim[cluster]"'
        ) from None
    import logging

    if engine.address:
        try:
            client, cluster = Client(engine.address, timeout=PATIENCE, set_as_default=False), None
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:  # a timeout is an OSError too
            raise Refusal(
                f"no scheduler with a worker answers at engine.address={engine.address} ({type(error).__name__}): "
                "start it, or leave the address out for a cluster on this machine"
            ) from None
    else:
        cluster = LocalCluster(
            n_workers=workers_of(engine),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,  # the death of a worker is our business to tell
        )
        client = Client(cluster, set_as_default=False)
    try:
        yield client.get_executor(pure=False), max(1, sum(client.nthreads().values()))
    finally:
        client.close()
        if cluster:
            cluster.close()
