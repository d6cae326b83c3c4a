"""Sweep run: many scenarios, each computed once, whatever happens on the way.

A sweep is begun, gone on with, or made longer. Each time it is first made sure that code, tables, draws and configs are
those of the record: a scenario is known by an identity made from all of these, and finished work is never done twice.
Scenarios are made one by one as they are needed, so memory does not grow with their number.

A dry run computes a few scenarios, to say beforehand how long all of them take. Scenarios share what they have in
common, so what one costs depends on which went before it: they are timed in the order of the design, some next to each
other and some far apart.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from oa_sim.errors import Refusal
from oa_sim.formatting import significant
from oa_sim.scenario.overrides import key_of
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import Engine, Sweeping
from oa_sim.simulation.run_manifest import made_by
from oa_sim.sweep import blocks, expand, journal, store
from oa_sim.sweep import cases as case_list
from oa_sim.sweep.blocks import Law
from oa_sim.sweep.journal import Case, Record, Unit

FEWEST_BLOCKS = 4
# what would have happened anyway, or the draws of the programme, are made anew for each new value
COSTLY = (
    *("seed", "start_year", "areas", "measures", "posterior", "data_folder", "sampler", "interventions"),
    *("evidence", "delivery", "organisation", "sustainability"),
)
DEAR = 3  # times what a scenario costs alone, from which on it is said which keys make it so
Say = Callable[[str], None]


def sweep(
    words: Sequence[str], sweeping: Sweeping, folder: str | Path, *, law: Law | None = None, say: Say | None = None
) -> dict[str, Any]:
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
    say
        Called with how far it is.

    Returns
    -------
    dict
        ``scenarios``, ``failed``, ``in_doubt`` (convergence checks that failed), ``computed``, ``folder``; and
        ``copied`` where some are the same as an earlier one, whose numbers they are given.

    Raises
    ------
    Refusal
        Where the words, the folder or the disk will not do, or, failing fast, a scenario fails.
    """
    folder = Path(folder)
    journal.check_free(folder)
    variants = case_list.rooted(expand.expand(list(words), sweeping.design))
    with journal.room(folder), journal.kept(folder):
        journal.check_free(folder)  # again, now that nobody else can begin here
        made = made_by() | {"data_hash": {}, "posterior": {}}
        cases, labels = case_list.planned(variants, 0, made)
        block = _block(len(cases), sweeping.block)
        record = {"words": list(words), "design": asdict(sweeping.design), **case_list.in_json(variants)}
        record |= {"n": len(cases), "extensions": [], "engine": asdict(sweeping.engine), "block": block}
        record |= {"fail_fast": sweeping.fail_fast, **made, "labels": labels}
        journal.begin(folder, record, cases)
        return _go(folder, record, cases, (law, say), sweeping.engine, sweeping.fail_fast)


def resume(
    folder: str | Path,
    engine: Engine | None = None,
    *,
    fail_fast: bool = False,
    law: Law | None = None,
    say: Say | None = None,
) -> dict[str, Any]:
    """Compute what is left of a sweep, and return what came of it; see ``sweep``.

    Parameters
    ----------
    folder
        The sweep's folder.
    engine, fail_fast
        Another engine than the one it was begun with, and whether the next scenario that fails stops it: those that
        have failed already do not.
    law, say
        As in ``sweep``.

    Raises
    ------
    Refusal
        Where the folder is no sweep, or code, tables, draws or configs are no longer those it was begun with.
    """
    folder = Path(folder)
    journal.read(folder)  # a folder that is none should not be given a lock
    with journal.room(folder), journal.kept(folder):
        record, cases = journal.read(folder)
        case_list.check_same(folder, record)
        for _ in case_list.checked(folder, record, cases):
            pass
        return _go(folder, record, cases, (law, say), engine, fail_fast)


def extend(
    folder: str | Path, words: Sequence[str], sweeping: Sweeping, *, law: Law | None = None, say: Say | None = None
) -> dict[str, Any]:
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
    law, say
        As in ``sweep``.

    Raises
    ------
    Refusal
        As in ``resume``; and where the store has no room for the areas, measures or years of the new ones.
    """
    folder = Path(folder)
    journal.read(folder)
    if not words and sweeping.design.kind != "list":
        raise Refusal("extend needs to know which scenarios are added, got none: name them, such as split=per_pupil")
    with journal.room(folder), journal.kept(folder):
        record, cases = journal.read(folder)
        case_list.check_same(folder, record)
        words = [word.removeprefix("+") if not word.startswith("++") else word for word in words]
        own = {key_of(word) for word in words}
        shared = [word for word in record["fixed"] if key_of(word) not in own]
        variants = expand.expand([*shared, *words], sweeping.design, may_be_one=True)
        variants = case_list.with_typed(case_list.rooted(variants), words)
        made = {key: record[key] for key in journal.MADE}
        known, parts = {case["identity"] for case in cases}, journal.parts(record)
        keys = [key for part in parts for key in part["keys"]]
        more, labels = case_list.planned(variants, len(parts), made, known, keys)
        case_list.check_room(folder, record["labels"], labels)
        for case, scenario in zip(cases, case_list.checked(folder, record, cases), strict=True):
            part = parts[case["part"]]
            case_list.complete(case, scenario, variants.keys, part["fixed"], part["keys"])
        if more:
            part = {"words": words, "design": asdict(sweeping.design), **case_list.in_json(variants), "n": len(more)}
            record |= made | {"labels": record["labels"] or labels, "extensions": [*record["extensions"], part]}
            record["n"], cases = len(cases) + len(more), [*cases, *more]
            journal.begin(folder, record, cases)
        answer = _go(folder, record, cases, (law, say), sweeping.engine, sweeping.fail_fast)
        return answer | {"added": len(more)}


def _block(n: int, most: int) -> int:
    """Return how many scenarios stand in a block: fewer than asked for in a small sweep, so that workers share it.

    It follows from the number of scenarios alone, so that a store does not depend on the machine.
    """
    return max(1, min(most, -(-n // FEWEST_BLOCKS)))


def _go(
    folder: Path,
    record: Record,
    cases: list[Case],
    ways: tuple[Law | None, Say | None],
    engine: Engine | None,
    fail_fast: bool,
) -> dict[str, Any]:
    """Go through the blocks that are left, making their scenarios as workers ask for them."""
    law, say = ways
    made = json.dumps({key: record[key] for key in journal.MADE}, sort_keys=True)
    same = case_list.same(cases)

    def tasks(left: list[Unit]) -> Iterator[blocks.Task]:
        for part, group in itertools.groupby(left, key=lambda unit: cases[unit[0]]["part"]):
            units = list(group)
            wanted = (number for unit in units for number in range(*unit) if number not in same)
            scenarios = iter(expand.scenarios(case_list.again(record, cases, part, wanted)))
            for unit in units:
                own = tuple(None if number in same else next(scenarios) for number in range(*unit))
                yield blocks.Task(unit, own, law, made)

    engine, quiet = engine or Engine(**record["engine"]), say or (lambda sentence: None)
    return blocks.go(blocks.Journey(folder, record, cases, tasks, engine, fail_fast, quiet, same))


def plan(words: Sequence[str], sweeping: Sweeping, *, law: Law | None = None) -> dict[str, Any]:
    """Return how many scenarios the words make, and about how long, how much disk and memory they take.

    A few that are spread over the design are computed. Nothing is written.
    """
    variants = expand.expand(list(words), sweeping.design)
    trial = _timed(variants, law or blocks.default_law())
    n, n_computed, nbytes = trial.n, trial.n - trial.refused, trial.result.nbytes
    workers = blocks.workers_of(sweeping.engine)
    n_blocks = -(-n // _block(n, sweeping.block))
    processes = 1 if sweeping.engine.kind == "local" else workers + 1
    ahead = (blocks.AHEAD * workers + 1) * _block(n, sweeping.block) * nbytes
    expected, most = trial.seconds(min(workers, n_blocks))
    costly = trial.costly(variants.keys)
    return {
        "scenarios": n,
        "refused": trial.refused,
        "varied": list(variants.keys),
        "blocks": n_blocks,
        "engine": f"{sweeping.engine.kind}, {workers} workers",
        "seconds_each": round(trial.step, 4),
        "seconds_about": round(expected, 1),
        "seconds_at_most": round(most, 1),
        "disk_mb_about": round(n_computed * store.packed_size(trial.result) / 1e6, 1),
        "memory_gb_about": round((processes * _peak_bytes() + ahead) / 1e9, 2),
    } | ({"costly": costly} if costly else {})


def _peak_bytes() -> int:
    """Return the most memory that this process has had, in bytes."""
    import resource  # which Windows does not have

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


@dataclass(frozen=True, eq=False)
class _Trial:
    """What a few scenarios took, in seconds."""

    n: int
    refused: int  # of the n scenarios
    result: xr.Dataset  # the summary of one
    load: float  # of the first, with what is only loaded once
    alone: float  # of one that shares everything with the one before it
    step: float  # of one after its neighbour in the design
    jump: float  # of one far from the one before it
    n_jumps: int  # how often along the design the next one is as far, by what then changes

    def seconds(self, workers: int) -> tuple[float, float]:
        """Return about how many seconds all of them take, and how many at most, were each as dear as the dearest."""
        n = self.n - self.refused - 1
        jumps = min(self.n_jumps, n)
        expected = (n - jumps) * self.step + jumps * self.jump
        return self.load + expected / workers, self.load + n * max(self.step, self.jump) / workers

    def costly(self, keys: tuple[str, ...]) -> str:
        """Return in words which of the varied keys cost most; an empty text where none does."""
        most = max(self.step, self.jump)
        named = [key for key in keys if key.split(".")[0] in COSTLY]
        if not named or most < DEAR * self.alone:
            return ""
        dearest, alone = significant(most, 2), significant(self.alone, 2)
        return (
            f"each new value of {' or '.join(named)} makes anew what scenarios share, up to {dearest} s a scenario "
            f"against {alone} s: name them before keys that cost less, since the last key varies fastest"
        )


def _timed(variants: expand.Variants, law: Law) -> _Trial:
    """Return what a few scenarios take: the first two, two in the middle, the last, and the last again."""
    n = len(variants.values)
    wanted = sorted({0, 1, n // 2, n // 2 + 1, n - 1})
    chosen: dict[int, Scenario] = {}
    refused, why = 0, None
    for i, scenario in enumerate(expand.scenarios(variants)):
        if isinstance(scenario, Refusal):
            refused, why = refused + 1, why or scenario
        elif wanted and i >= wanted[0]:
            chosen[i] = scenario
            del wanted[0]
    timed: dict[int, float] = {}
    result = None
    for i, scenario in chosen.items():
        began = time.perf_counter()
        try:
            result = law(scenario)
        except Exception as error:  # the sweep goes on without it too
            why = why or (error if isinstance(error, Refusal) else Refusal(f"{type(error).__name__}: {error}"))
            continue
        timed[i] = time.perf_counter() - began
    if result is None:
        raise why or Refusal("the words make no scenario: name a value for each key")
    began = time.perf_counter()
    result = law(chosen[max(timed)])
    alone = time.perf_counter() - began
    return _Trial(n, refused, result, timed[min(timed)], alone, *_by_distance(variants, timed, alone))


def _by_distance(variants: expand.Variants, timed: dict[int, float], alone: float) -> tuple[float, float, int]:
    """Return the seconds of a scenario after its neighbour and of one after a far one, and how often the latter is."""
    pairs = list(itertools.pairwise(timed))
    steps = [pair for pair in pairs if pair[1] == pair[0] + 1]
    jumps = [pair for pair in pairs if pair not in steps]
    step = sum(timed[b] for _, b in steps) / len(steps) if steps else alone
    if not jumps:
        return step, step, 0
    jump = max(timed[b] for _, b in jumps)
    rows = variants.values

    def changed(pairs: list[tuple[int, int]]) -> set[int]:
        return {k for k in range(len(variants.keys)) for a, b in pairs if rows[a][k] != rows[b][k]}

    far = changed(jumps) - changed(steps)
    n_jumps = sum(any(before[k] != after[k] for k in far) for before, after in itertools.pairwise(rows))
    return step, max(step, jump), n_jumps
