"""Dry run: a few scenarios of a sweep computed, to say beforehand how long all of them take.

Scenarios share what they have in common, so what one costs depends on which went before it: they are timed in the order
of the design, some next to each other and some far apart.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from oa_sim.errors import Refusal

# what would have happened anyway, or the draws of the programme, are made anew for each new value
COSTLY = ("seed", "start_year", "areas", "measures", "posterior", "data_folder", "sampler", "interventions")
COSTLY += ("evidence", "delivery", "organisation", "sustainability")
DEAR = 3  # times what a scenario costs alone, from which on it is said which keys make it so


@dataclass(frozen=True, eq=False)
class Rehearsed:
    """What a few scenarios took.

    Attributes
    ----------
    n, refused
        How many scenarios there are, and how many of them are none.
    result
        The summary of one.
    load
        Seconds of the first, with what is only loaded once.
    alone
        Seconds of one that shares everything with the one before it.
    step
        Seconds of one after its neighbour in the design.
    jump, n_jumps
        Seconds of one far from the one before it, and how often along the design it is as far, by what then changes.
    """

    n: int
    refused: int
    result: xr.Dataset
    load: float
    alone: float
    step: float
    jump: float
    n_jumps: int

    def seconds(self, workers: int) -> tuple[float, float]:
        """Return about how many seconds all of them take, and how many at most, were each as dear as the dearest."""
        n = self.n - self.refused - 1
        jumps = min(self.n_jumps, n)
        about = (n - jumps) * self.step + jumps * self.jump
        return self.load + about / workers, self.load + n * max(self.step, self.jump) / workers

    def dear(self, keys: tuple[str, ...]) -> str:
        """Return in words which of the varied keys cost most; an empty text where none does."""
        most = max(self.step, self.jump)
        found = [key for key in keys if key.split(".")[0] in COSTLY]
        if not found or most < DEAR * self.alone:
            return ""
        return (
            f"each new value of {' or '.join(found)} makes anew what scenarios share, up to {most:.2g} s a scenario "
            f"against {self.alone:.2g} s: name them before keys that cost less, since the last key varies fastest"
        )


def rehearse(found, law: Callable, space) -> Rehearsed:
    """Return what a few scenarios take: the first two, two in the middle, the last, and the last again.

    Parameters
    ----------
    found
        The variants of a sweep.
    law
        From a scenario to its summary.
    space
        What makes scenarios of variants.

    Raises
    ------
    Refusal
        Where no scenario can be computed.
    """
    n = len(found.values)
    wanted, chosen, refused, why = sorted({0, 1, n // 2, n // 2 + 1, n - 1}), {}, 0, None
    for i, scenario in enumerate(space.scenarios(found)):
        if isinstance(scenario, Refusal):
            refused, why = refused + 1, why or scenario
        elif wanted and i >= wanted[0]:
            chosen[i] = scenario
            del wanted[0]
    timed, result = {}, None
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
    return Rehearsed(n, refused, result, timed[min(timed)], alone, *_by_distance(found, timed, alone))


def _by_distance(found, timed: dict[int, float], alone: float) -> tuple[float, float, int]:
    """Return the seconds of a scenario after its neighbour and of one after a far one, and how often the latter is."""
    pairs = list(itertools.pairwise(timed))
    steps = [pair for pair in pairs if pair[1] == pair[0] + 1]
    jumps = [pair for pair in pairs if pair not in steps]
    step = sum(timed[b] for _, b in steps) / len(steps) if steps else alone
    if not jumps:
        return step, step, 0
    jump = max(timed[b] for _, b in jumps)
    near = {key for a, b in steps for key in _changed(found, a, b)}
    far = {key for a, b in jumps for key in _changed(found, a, b)} - near
    at = [found.keys.index(key) for key in far]
    rows = found.values
    n_jumps = sum(any(before[i] != after[i] for i in at) for before, after in itertools.pairwise(rows))
    return step, max(step, jump), n_jumps


def _changed(found, a: int, b: int) -> list[str]:
    return [key for i, key in enumerate(found.keys) if found.values[a][i] != found.values[b][i]]
