"""Optimiser: the plan that brings most, with an upper bound.

Each round lays out every line at the plan's own prices (column generation), moves the plan towards the result as far as
the whole law says it is better, and rounds it to whole pounds within the constraints. Several starts are tried and
combined. A search ends by its gap, when nothing better is found, or after its rounds; a limit of time ends it too.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from oa_sim.compiled.activity import BLOCK
from oa_sim.decide import column_generation, plan_evaluation
from oa_sim.decide.allocation_problem import Problem, problem
from oa_sim.decide.column_generation import Anew
from oa_sim.decide.constraints import Optimising, Row, Search
from oa_sim.decide.objective import Objective
from oa_sim.decide.plan_evaluation import Judge, tail_weights
from oa_sim.errors import Refusal
from oa_sim.formatting import significant
from oa_sim.rng import stream

STEPS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0)  # of the way
UNUSED = 1e-3  # of a year's money: less is rounding
NOTHING = 1e-3  # GBP; less is none
MOST_NODES = 2_000  # of branch and bound, alike on every machine
SOFT = 0.25  # of the spread of an area's worth: how softly a floor counts while a plan is looked for
MOST_ROUNDS = 40
PATIENCE = 3  # rounds without a better plan before a stage ends
SEVERAL, MOST_LINES = (3, 5), 500  # searches, whose best areas are put together, and lines of all of them
BOLD, STEADY, THOROUGH = range(3)
STARTS = (0, 2, 15)  # ways of each line whose best course is bettered, by stage; the last is every way of five years
BOLD_ROUNDS = 2  # in which a plan moves the whole way; then a part of it, so that prices settle
ROOM = 1e-6  # programmes: rounding


def towards(given: Problem, now: np.ndarray, other: np.ndarray, weight: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return the best plan on the way to another by the whole law: part of the way, or line by line.

    ``now`` and ``other`` (area, intervention, funded year) are GBP / year; ``weight`` (area, draw) is what each draw
    counts for, and ``price`` (row) what one more of each row of the problem would bring.
    """
    tried = [(1 - step) * now + step * other for step in STEPS] + [line_by_line(given, now, other, weight, price)]
    worth = [plan_evaluation.worth(given.desk.judge, np.floor(plan)) for plan in tried]
    values = [plan_evaluation.risked(given.request.objective, plan, given.floors) for plan in worth]
    return np.asarray(tried[int(np.argmax(values))])


def line_by_line(
    given: Problem, now: np.ndarray, other: np.ndarray, weight: np.ndarray, price: np.ndarray
) -> np.ndarray:
    """Return a plan in which each line goes the whole way where that is better by the whole law, its money paid for.

    Half of the way to a course that begins in another year can be worse than either end, so that a part of every line's
    way may be no better though each line's whole way is. Areas meet in money alone, so one line of each is tried at
    once; what is then above or below a year's money is taken from all lines alike, or given to them.
    """
    judge, has = given.desk.judge, np.array(given.desk.has, dtype=float)
    cost = given.cost(price).reshape(other.shape)
    room = plan_evaluation.richer(judge, now + other)

    def left(planned: np.ndarray) -> np.ndarray:
        by_draw = plan_evaluation.worth(room, np.floor(planned))
        return np.asarray((weight * by_draw).sum(axis=1) - (cost * planned).sum(axis=(1, 2)))

    plan = now.copy()
    best = left(plan)
    for k in range(plan.shape[1]):
        tried = plan.copy()
        tried[:, k] = other[:, k]
        other_left = left(tried)
        better = other_left > best
        plan[better, k], best[better] = other[better, k], other_left[better]
    spent = np.maximum(plan.sum(axis=(0, 1)), 1.0)
    is_used = (now.sum(axis=(0, 1)) > has * (1 - UNUSED)) | (spent > has)
    return np.asarray(plan * np.where(is_used, has / spent, 1.0))


def in_pounds(planned: np.ndarray, rows: list[Row], smallest: float = 0.0) -> np.ndarray | None:
    """Return a plan with each cell rounded up or down so that every row holds; None where no rounding does.

    As many cells as can be are rounded up, so that no pound is left that could be spent. ``planned`` (area,
    intervention, funded year) is GBP / year; ``smallest`` is the least in a cell that has any, GBP.
    """
    kept = np.where(planned < NOTHING, 0.0, planned).ravel()
    low, high = np.floor(kept + NOTHING), np.ceil(kept - NOTHING)
    low = np.where((low > 0) & (low < smallest), high, low)
    signs = np.array([-1.0 if row.is_least else 1.0 for row in rows])
    cells = np.flatnonzero(high > low)
    use = np.stack([row.cells.ravel() for row in rows]) * signs[:, None]
    room = signs * np.array([row.limit for row in rows]) - use @ low
    if len(cells):
        solution = milp(
            -np.ones(len(cells)),
            integrality=np.ones(len(cells)),
            bounds=Bounds(0.0, (high - low)[cells]),
            constraints=[LinearConstraint(sparse.csr_array(use[:, cells]), -np.inf, room)],
            options={"node_limit": MOST_NODES},
        )
        if solution.x is None:
            return None
        low[cells] += np.round(solution.x)
    elif (room < 0).any():
        return None
    return low.reshape(planned.shape)


def draw_weights(
    objective: Objective, by_draw: np.ndarray, floors: np.ndarray, before: np.ndarray | None, turn: int
) -> np.ndarray:
    """Return what each draw counts for (area, draw), by what the plan is worth, ``by_draw`` (area, draw).

    ``floors`` (area) or (area, draw) is what each area must reach, for ``risk=floor``; ``before`` is what each counted
    for in the turn before; turns are counted from 0.

    Notes
    -----
    The mean of the lowest share is the least that any weights give which sum to 1 and of which none is above ``1 /
    (tail n)`` (Rockafellar and Uryasev 2000), so that the mean of several turns' weights still bounds it from above.
    The chance that every area reaches its floor has no such weights; those of a soft floor stand in, and bound nothing.
    """
    n = by_draw.shape[1]
    if objective.risk == "mean":
        return np.full(by_draw.shape, 1 / n)
    if objective.risk == "cvar":
        now = np.zeros(n)
        now[np.argsort(by_draw.sum(axis=0))] = tail_weights(n, objective.tail)
        part = 1.0 if before is None else 1 / (1 + turn)
        mixed = now if before is None else (1 - part) * before[0] + part * now
        return np.tile(mixed, (len(by_draw), 1))
    above = by_draw - floors.reshape(len(by_draw), -1)
    width = SOFT * np.maximum(above.std(axis=1), 1e-9)[:, None]
    reached = 1 / (1 + np.exp(-np.clip(above / width, -50, 50)))
    others = np.exp(np.log(np.maximum(reached, 1e-9)).sum(axis=0)) / np.maximum(reached, 1e-9)
    return np.asarray(others * reached * (1 - reached) / width / n)


class Found(NamedTuple):
    """A plan that was tried."""

    planned: np.ndarray  #: (area, intervention, funded year): GBP / year
    by_draw: np.ndarray  #: (area, draw): what it is worth
    value: float  #: what it is worth in one number


@dataclass(frozen=True, eq=False)
class Optimum:
    """The plan that was found, judged on the draws on which it was found."""

    planned: np.ndarray  #: (area, intervention, funded year): whole GBP / year
    value: float  #: in the objective's unit
    #: what no plan can pass at the prices of this and other searches; None where there is no bound
    upper_bound: float | None
    seconds: float
    rounds: int  #: how often every line was laid out
    ended: str  #: why its last part ended: ``gap``, ``nothing better``, ``rounds`` or ``time``
    price: dict[str, float]  #: by constraint, what one more GBP of it would bring
    judge: Judge
    rows: list[Row]  #: the constraints in pounds
    by_draw: np.ndarray  #: (area, draw): what the plan is worth
    is_cut: bool = False  #: whether the clock ended any part: then another machine may find another plan or bound

    @property
    def gap(self) -> float | None:
        """What is left between value and bound, as a share of the bound; never below 0."""
        if self.upper_bound is None:
            return None
        return max(0.0, self.upper_bound - self.value) / abs(self.upper_bound) if self.upper_bound else 0.0


def optimise(
    judge: Judge,
    request: Optimising,
    say: Callable[[str], None] = lambda sentence: None,
    start: np.ndarray | None = None,
    floors: np.ndarray | None = None,
) -> Optimum:
    """Return the plan that brings most.

    Parameters
    ----------
    judge
        What plans are judged by; from ``plan_evaluation.judge`` with the objective of the request.
    request
        Objective, constraints and search.
    say
        Called with a sentence at each round.
    start : array (area, intervention, funded year)
        Money that the search starts from, GBP / year; None: as ``request.search`` says.
    floors : array (area, draw)
        What each area must reach in each draw, for ``risk=floor``; None: that of the objective.

    Raises
    ------
    Refusal
        Where the constraints cannot all be kept.
    """
    spent = _Spent(request.search)
    given = problem(judge, request, floors)
    if start is None:
        others = _searched(given, say, spent)
        search = _recombined(given, others)
    else:
        others, search = [], _State(given, start)
    search = _climbed(given, search, say, spent, STEADY, THOROUGH)
    best, weight = search.best, search.weight
    if best is None:
        raise Refusal("no plan in whole pounds keeps every constraint: give the constraints a few pounds of room")
    assert weight is not None  # every search takes a turn
    sure = _sure(search.given, best, weight)
    bound = None if request.objective.risk == "floor" else _bound(search.given, weight, sure.bound, others)
    prices = {row.name: float(row_price) for row, row_price in zip(given.rows, sure.price, strict=False)}
    work = (spent.seconds(), search.rounds, search.ended)
    return Optimum(best.planned, best.value, bound, *work, prices, judge, given.rows, best.by_draw, spent.is_cut)


class _Spent:
    """What a search has spent of the rounds and of the time that it may take."""

    def __init__(self, search: Search):
        self.search, self.rounds, self.begun = search, 0, time.monotonic()
        self.is_cut = False  # once the clock has ended a part, what the others find depends on the machine too

    def seconds(self) -> float:
        return time.monotonic() - self.begun

    def ends(self) -> str:
        """Return why nothing is left: ``rounds``, the same on every machine, or ``time``; nothing where some is."""
        if self.rounds >= self.search.rounds:
            return "rounds"
        if self.seconds() > self.search.seconds:
            self.is_cut = True
            return "time"
        return ""


@dataclass
class _State:
    """How far a search is: what is solved, where it stands, what the draws count for, the best plan so far."""

    given: Problem
    now: np.ndarray
    weight: np.ndarray | None = None
    best: Found | None = None
    price: np.ndarray = field(default_factory=lambda: np.zeros(0))
    rounds: int = 0
    ended: str = ""
    near: np.ndarray | None = None


def _climbed(given: Problem, state: _State, say: Callable[[str], None], spent: _Spent, stage: int, last: int) -> _State:
    """Lay every line out anew, round by round, from one stage until another is over."""
    request, still = given.request, 0
    for turn in range(MOST_ROUNDS):
        each = plan_evaluation.worth(given.desk.judge, np.floor(state.now))
        weight = draw_weights(request.objective, each, given.floors, state.weight, state.rounds)
        near = None if stage == BOLD else state.near
        result = column_generation.anew(
            state.given, state.now, each, weight, STARTS[stage], whole=given.is_whole, among=near
        )
        state.weight, state.near, state.price, before = weight, result.near, result.price, state.best
        state.rounds += 1
        spent.rounds += 1
        for planned in [result.whole] if given.is_whole else [result.plan, state.now]:
            candidate = None if planned is None else _tried(given, planned)
            if candidate and (state.best is None or candidate.value > state.best.value):
                state.best = candidate
        state.given = state.given.tightened(given, result.plan)
        best = state.best
        enough = -np.inf if before is None else before.value + request.search.gap / 5 * abs(before.value)
        still = 0 if best is not None and best.value > enough else still + 1
        is_near = False
        if best is None:
            say(f"round {state.rounds}")
        else:
            say(f"round {state.rounds}: {significant(best.value, 6, unit=request.objective.unit)}")
            is_near = result.bound - best.value <= request.search.gap * abs(result.bound)
            if is_near and stage == THOROUGH:  # at this round's prices; the proof is at those of the best plan
                result, state.now = _sure(state.given, best, weight), best.planned
                is_near = result.bound - best.value <= request.search.gap * abs(result.bound)
        state.ended = _ended(request, best, still, is_near=is_near, is_last=stage == last) or spent.ends()
        if state.ended:
            break
        if (stage == BOLD and turn + 1 >= BOLD_ROUNDS) or (stage == STEADY and (still >= PATIENCE or is_near)):
            stage, still = stage + 1, 0
        if stage == THOROUGH and result.whole is not None:
            state.now = result.whole
        elif stage == BOLD:
            state.now = result.plan
        else:
            state.now = towards(given, state.now, result.plan, weight, state.price)
    state.ended = state.ended or "rounds"
    return state


def _ended(request: Optimising, best: Found | None, still: int, *, is_near: bool, is_last: bool) -> str:
    """Return why a search is at its end; nothing where it is not, or where a later stage may yet find better."""
    if is_last and is_near and request.objective.risk != "floor":
        return "gap"
    if _is_certain(request, best) or (is_last and still >= PATIENCE):
        return "nothing better"
    return ""


def _is_certain(request: Optimising, best: Found | None) -> bool:
    """Return whether a plan reaches its floors in every draw, than which no chance is better."""
    return request.objective.risk == "floor" and best is not None and best.value >= 1.0


def _searched(given: Problem, say: Callable[[str], None], spent: _Spent) -> list[_State]:
    """Return a search from each start, on few draws; no further one where a floor is sure or all is spent."""
    few, states = _on_few(given), []
    for start in _starts(few):
        states.append(_climbed(few, start, say, spent, BOLD, STEADY))
        is_certain = _is_certain(given.request, states[-1].best)
        if spent.ends() or (is_certain and _is_certain(given.request, _on_all(given, states[-1:])[0].best)):
            break
    return _on_all(given, states)


def _on_few(given: Problem) -> Problem:
    """Return the same problem on a block of draws, on which several searches are as quick as one on two blocks."""
    if len(given.desk.judge.which) <= BLOCK:
        return given
    judge, places = plan_evaluation.fewer(given.desk.judge, BLOCK)
    floors = given.floors[:, places] if given.floors.ndim > 1 else given.floors
    return problem(judge, given.request, floors)


def _starts(given: Problem) -> list[_State]:
    """Return where the search starts from: the start that is asked for, an equal split, and others that are fixed."""
    shape, search = given.rows[0].cells.shape, given.request.search
    parts = [np.ones(shape[:2])]
    if search.start == "random":
        parts.insert(0, stream(search.seed, "start of a search").exponential(size=shape[:2]))
    fixed = stream(0, "other starts of a search")
    parts += [fixed.exponential(size=shape[:2]) for _ in range(_several(shape) - len(parts))]
    return [_State(given, (part / part.sum())[..., None] * np.array(given.desk.has)) for part in parts]


def _on_all(given: Problem, states: list[_State]) -> list[_State]:
    """Return searches with what their best plans are worth on all draws; the others have none that can be kept."""
    evaluated = [replace(state, best=_tried(given, state.best.planned)) for state in states if state.best is not None]
    return [state for state in evaluated if state.best is not None] or states[:1]


def _bound(given: Problem, weight: np.ndarray, bound: float, others: list[_State]) -> float:
    """Return the largest of the bounds at the prices of the best plan and of those that other searches ended with.

    Each holds as far as what lines take from each other changes in proportion; where that bends, prices of another plan
    may allow for more.
    """
    plans = [state.best for state in others if state.best is not None and state.best.by_draw.shape == weight.shape]
    return max([bound, *(_sure(given, plan, weight).bound for plan in plans)])


def _several(shape: tuple[int, int, int]) -> int:
    """Return how many searches there are: more where they are quick."""
    return int(np.clip(MOST_LINES // (shape[0] * shape[1]), *SEVERAL))


def _recombined(given: Problem, states: list[_State]) -> _State:
    """Return a search that begins with the best of several for each area, at the prices of the best of them.

    Areas meet in money alone, so what one search found for an area goes with what another found for the next; where
    that spends more than a year has, all lines of the year are cut alike.
    """
    bests = [state.best for state in states if state.best is not None]
    if not bests:
        return _State(given, states[0].now)
    first = int(np.argmax([best.value for best in bests]))
    price = states[first].price
    weight = draw_weights(given.request.objective, bests[first].by_draw, given.floors, None, 0)
    cost = given.cost(price).reshape(states[first].now.shape)
    # what each plan is worth in each area, once its money is paid for (search, area)
    left = np.stack([(weight * best.by_draw).sum(axis=1) - (cost * best.planned).sum(axis=(1, 2)) for best in bests])
    plans = np.stack([best.planned for best in bests])
    now = plans[left.argmax(axis=0), np.arange(left.shape[1])]
    spent, has = now.sum(axis=(0, 1)), np.array(given.desk.has)
    now = now * np.minimum(1.0, has / np.maximum(spent, 1.0))
    rounds, near = sum(state.rounds for state in states), np.any([state.near for state in states], axis=0)
    return _State(given, now, None, bests[first], price, rounds, near=near)


def _sure(given: Problem, best: Found, weight: np.ndarray) -> Anew:
    """Return every line laid out anew at the prices of the best plan, with every way tried."""
    return column_generation.anew(given, best.planned, best.by_draw, weight, STARTS[THOROUGH], whole=False)


def _tried(given: Problem, planned: np.ndarray) -> Found | None:
    """Return a plan in whole pounds with what it is worth; None where no rounding keeps the constraints."""
    whole = in_pounds(planned, given.rows, given.request.constraints.smallest_gbp)
    if whole is None or (given.crowded(whole) > ROOM).any():
        return None
    by_draw = plan_evaluation.worth(given.desk.judge, whole)
    return Found(whole, by_draw, plan_evaluation.risked(given.request.objective, by_draw, given.floors))
