"""Optimise: the plan that brings most, with a bound that no other plan passes at its prices.

A plan is priced at its own prices, every line is laid out again at them, and so on until nothing changes. How a line
answers to its own money is exact; what lines do to one another is in the prices. The bound is the most that any plan
could bring at the prices of the plan that is found.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oa_sim import judging, laying, risks, rounding
from oa_sim.constraints import Optimising, Row
from oa_sim.judging import Judge
from oa_sim.laying import Anew
from oa_sim.problem import Problem, problem
from oa_sim.refusal import Refusal
from oa_sim.streams import stream

MOST_ROUNDS = 40
PATIENCE = 3  # rounds without a better plan before every way of a line is tried, or the search ends
BOLD, STEADY, THOROUGH = range(3)
STARTS = (0, 2, 15)  # ways of each line whose best course is bettered, by stage; the last is every way of five years
BOLD_ROUNDS = 2  # in which a plan moves the whole way; then a part of it, so that prices settle
STEPS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0)  # of the way to the plan that is best at the prices
ROOM = 1e-6  # programmes: rounding


class Found(NamedTuple):
    """A plan that was tried.

    Attributes
    ----------
    planned : array (area, intervention, funded year)
        GBP / year.
    by_draw : array (area, draw)
        What it is worth.
    value
        What it is worth in one number.
    """

    planned: np.ndarray
    by_draw: np.ndarray
    value: float


@dataclass(frozen=True, eq=False)
class Optimum:
    """The plan that was found.

    Attributes
    ----------
    planned : array (area, intervention, funded year)
        Whole GBP / year.
    value
        What it is worth on the draws on which it was found, in the objective's unit.
    upper_bound
        What no plan can pass at its prices; None where the objective has no such bound.
    seconds
        How long the search took.
    rounds
        How often every line was laid out.
    ended
        Why it ended: ``gap``, ``nothing better``, ``rounds``, or ``time``, which another machine may not have.
    price : dict
        By constraint, what one more GBP of it would bring.
    judge
        What it was judged by.
    rows
        The constraints in pounds.
    by_draw : array (area, draw)
        What the plan is worth, on the draws on which it was found.
    """

    planned: np.ndarray
    value: float
    upper_bound: float | None
    seconds: float
    rounds: int
    ended: str
    price: dict[str, float]
    judge: Judge
    rows: list[Row]
    by_draw: np.ndarray

    @property
    def gap(self) -> float | None:
        """What is left between value and bound, as a share of the bound; never below 0."""
        if self.upper_bound is None:
            return None
        return max(0.0, self.upper_bound - self.value) / abs(self.upper_bound) if self.upper_bound else 0.0


def optimise(
    judge: Judge,
    asked: Optimising,
    say: Callable[[str], None] = lambda sentence: None,
    start: np.ndarray | None = None,
    floors: np.ndarray | None = None,
) -> Optimum:
    """Return the plan that brings most.

    Parameters
    ----------
    judge
        What plans are judged by; from ``judging.judge`` with ``asked.objective``.
    asked
        Objective, constraints and search.
    say
        Called with a sentence at each round.
    start : array (area, intervention, funded year)
        Money that the search starts from, GBP / year; None: as ``asked.search`` says.
    floors : array (area, draw)
        What each area must reach in each draw, for ``risk=floor``; None: that of the objective.

    Raises
    ------
    Refusal
        Where the constraints cannot all be kept.
    """
    begun, asked_for = time.monotonic(), problem(judge, asked, floors)
    given, now, weight, best, still = asked_for, _start(asked_for) if start is None else start, None, None, 0
    ended, stage, turn = "", BOLD, 0
    for turn in range(MOST_ROUNDS):
        by_draw = judging.worth(judge, np.floor(now))
        weight = risks.weight(asked.objective, by_draw, given.floors, weight, turn)
        found, before = laying.anew(given, now, by_draw, weight, STARTS[stage], whole=given.is_whole), best
        for planned in [found.whole] if given.is_whole else [found.plan, now]:
            one = None if planned is None else _tried(asked_for, planned)
            best = one if one and (best is None or one.value > best.value) else best
        given = given.tightened(asked_for, found.plan)
        still = 0 if best is not None and _is_better(best, before, asked.search.gap / 5) else still + 1
        say(f"round {turn + 1}" + (f": {best.value:,.6g} {asked.objective.unit}" if best else ""))
        is_near = best is not None and found.bound - best.value <= asked.search.gap * abs(found.bound)
        ended = _ended(stage, still, asked, is_near=is_near, seconds=time.monotonic() - begun)
        if ended == "gap":  # near at the prices of this round's plan; the proof is at those of the best one
            found, now = _sure(given, best, weight), best.planned
            is_near = found.bound - best.value <= asked.search.gap * abs(found.bound)
            ended = _ended(stage, still, asked, is_near=is_near, seconds=time.monotonic() - begun)
        if ended:
            break
        if stage == BOLD and turn + 1 >= BOLD_ROUNDS:
            stage = STEADY
        elif stage == STEADY and (is_near or still >= PATIENCE):
            stage, still = THOROUGH, 0
        is_settled = stage == THOROUGH and found.whole is not None
        now = found.whole if is_settled else _towards(asked_for, now, found.plan, is_bold=stage == BOLD)
    if best is None:
        raise Refusal("no plan in whole pounds keeps every constraint: give the constraints a few pounds of room")
    sure = _sure(given, best, weight)
    bound = None if asked.objective.risk == "floor" else sure.bound
    prices = {row.name: float(one) for row, one in zip(given.rows, sure.price, strict=False)}
    took = time.monotonic() - begun
    return Optimum(
        best.planned, best.value, bound, took, turn + 1, ended or "rounds", prices, judge, given.rows, best.by_draw
    )


def _towards(given: Problem, now: np.ndarray, other: np.ndarray, *, is_bold: bool) -> np.ndarray:
    """Return the best plan on the way from one to another by the whole law; the whole way while prices are far off."""
    if is_bold:
        return other
    tried = [(1 - step) * now + step * other for step in STEPS]
    worth = [judging.worth(given.desk.judge, np.floor(one)) for one in tried]
    values = [judging.risked(given.asked.objective, one, given.floors) for one in worth]
    return tried[int(np.argmax(values))]


def _sure(given: Problem, best: Found, weight: np.ndarray) -> Anew:
    """Return every line laid out anew at the prices of the best plan, with every way tried."""
    return laying.anew(given, best.planned, best.by_draw, weight, STARTS[THOROUGH], whole=False)


def _ended(stage: int, still: int, asked: Optimising, *, is_near: bool, seconds: float) -> str:
    """Return why the search is at its end; nothing where it is not."""
    if stage == THOROUGH and is_near and asked.objective.risk != "floor":
        return "gap"
    if stage == THOROUGH and still >= PATIENCE:
        return "nothing better"
    return "time" if seconds > asked.search.seconds else ""


def _is_better(best: Found, before: Found | None, by: float) -> bool:
    return before is None or best.value > before.value + by * abs(before.value)


def _start(given: Problem) -> np.ndarray:
    """Return the money that the search starts from (area, intervention, funded year), GBP / year."""
    shape = given.rows[0].cells.shape
    if given.asked.search.start == "equal":
        part = np.full(shape[:2], 1.0)
    else:
        part = stream(given.asked.search.seed, "start of a search").exponential(size=shape[:2])
    return (part / part.sum())[..., None] * np.array(given.desk.has)


def _tried(given: Problem, planned: np.ndarray) -> Found | None:
    """Return a plan in whole pounds with what it is worth; None where no rounding keeps the constraints."""
    whole = rounding.in_pounds(planned, given.rows, given.asked.constraints.smallest_gbp)
    if whole is None:
        return None
    if (given.crowded(whole) > ROOM).any():
        return None
    by_draw = judging.worth(given.desk.judge, whole)
    return Found(whole, by_draw, judging.risked(given.asked.objective, by_draw, given.floors))
