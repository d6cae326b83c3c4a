"""Spending profiles: the money of a line over the years, laid out, priced, and bettered a year at a time.

A line is an intervention in an area; its number counts the areas, and within each the interventions. It begins once,
runs without a break, and is tried with the same sum in each of its years, or the same share of what each year has for
activity.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oa_sim.compiled import arrays, gradient, jit
from oa_sim.compiled.gradient import Courses, Prices
from oa_sim.decide import plan_evaluation
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.programme import delivery
from oa_sim.scenario.schema import Scenario

LITTLE = 10_000  # courses times draws, which are followed sooner than another thread takes them up
SIZES = 12  # tried of each pattern
SMALLEST, LARGEST = 0.02, 6.0  # of them, as parts of what would serve a line's capacity if nobody were served twice
STEPS = (2.0, 1.3, 1.1, 1.03, 1.01)  # factors by which a year's money is tried up and down, coarse to fine


def patterns(has: list[int]) -> np.ndarray:
    """Return the ways in which a line's money may run (pattern, funded year), 1 in the largest year."""
    n, shapes = len(has), list[np.ndarray]()
    for first in range(n):
        for last in range(first, n):
            inside = np.array([first <= t <= last for t in range(n)], dtype=float)
            shared = inside * np.array(has, dtype=float)
            shapes += [shape / shape.max() for shape in (inside, shared) if ((shape > 0) == (inside > 0)).all()]
    return np.unique(np.round(np.array(shapes).reshape(-1, n), 12), axis=0)[::-1]


def as_paid(scenario: Scenario, planned: np.ndarray, has: list[int], n_years: int) -> np.ndarray:
    """Return planned money (..., funded year) as it is paid (..., year); see ``budget``, to within a pound."""
    out = np.zeros((*planned.shape[:-1], n_years))
    out[..., : planned.shape[-1]] = planned
    first = next((t for t, pounds in enumerate(has) if pounds), None)
    if first is not None:
        late = out[..., first] * (1 - min(sum(scenario.budget.payment_rounds), 1.0))
        out[..., first] -= late
        if scenario.budget.carry_over:
            out[..., first + 1] += late
    return out


@dataclass(frozen=True, eq=False)
class Desk:
    """What is needed to price lines, made once for a judge."""

    judge: Judge
    has: list[int]  # what each funded year has for activity, GBP
    pupils: np.ndarray  # (line): whom it may serve
    beside: np.ndarray  # (area, intervention, year): money of national programmes, GBP for each eligible pupil
    offers: np.ndarray  # (area, stage, year): national programmes that schools are offered
    lag: np.ndarray  # (block, row, draw): years from the first money to the first delivery
    wait: np.ndarray  # (line, first year, is small): which row of ``lag`` it has
    until: int  # years that count, from the first

    @property
    def n_years(self) -> int:
        """Years that the programme is followed over."""
        return int(self.beside.shape[2])

    @property
    def n_lines(self) -> int:
        """Lines that there are."""
        return len(self.pupils)


def desk(judge: Judge, has: list[int]) -> Desk:
    """Return what is needed to price lines; ``has`` is what each funded year has for activity, GBP."""
    n_areas, n_all = judge.programme.eligible.shape
    # every area has money: its schools are then offered the national programmes beside it
    some = np.zeros((n_areas, n_all, len(has)))
    some[:, 0] = np.minimum(1, np.array(has))
    levers = plan_evaluation.levers_of(judge, plan_evaluation.money_of(judge, some))
    counted = (judge.counts.figure != 0) | (judge.counts.gain != 0)
    until = max([0, *np.flatnonzero(counted.any(axis=(0, 1, 2))).tolist()]) + 1
    pupils = np.maximum(judge.programme.eligible, 1.0).ravel()
    return Desk(judge, has, pupils, levers.beside, levers.offers, *_waits(judge, len(has)), until)


def _waits(judge: Judge, n_funded: int) -> tuple[np.ndarray, np.ndarray]:
    """Return every lag that may occur, and where each line finds its own; see ``arrays``."""
    scenario, drawn = judge.scenario, judge.programme.drawn
    later, start = drawn.announced_later.values, scenario.start_year
    waits, spared = arrays.flat(drawn.lag.values), drawn.open_procurement.values.ravel()
    stops = [(size.ravel(), begins, ends) for size, begins, ends in delivery.stoppages(drawn)]
    lags, rows = list[np.ndarray](), dict[tuple[float, int, int, int], int]()
    wait = np.zeros((len(later), len(waits), n_funded + 1, 2), dtype=np.int64)
    for a, k, first, small in np.ndindex(wait.shape):
        key = (float(later[a]), k, first, small)
        if key not in rows:
            rows[key] = len(lags)
            announced = start + first - scenario.budget.announced_years_before + later[a]
            off = spared if small else 0.0
            lags.append(delivery.waited(float(start + first), announced, waits[k], off, stops)[judge.which])
        wait[a, k, first, small] = rows[key]
    return arrays.blocked(np.stack(lags)), wait.reshape(-1, n_funded + 1, 2)


def laid_out(desk: Desk, line: np.ndarray, planned: np.ndarray) -> Courses:
    """Return courses of money, lines (course) and (course, funded year) in GBP / year, as they are paid."""
    scenario = desk.judge.scenario
    paid = as_paid(scenario, planned, desk.has, desk.n_years)
    since = np.argmax(paid > 0, axis=1)
    small = (paid.max(axis=1) <= scenario.organisation.sign_off_gbp).astype(int)
    n_all = desk.beside.shape[1]
    spend = np.ascontiguousarray(paid / desk.pupils[line, None], dtype=np.float32)
    return Courses(line // n_all, line % n_all, spend, since, desk.wait[line, since, small])


def brings(desk: Desk, prices: Prices, line: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Return what courses bring at given prices (course), in the objective's unit, national money included."""
    out = np.zeros(len(line))
    _follow(desk, gradient.worths, prices, laid_out(desk, line, planned), out)
    return out


def slopes(desk: Desk, prices: Prices, line: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Return what one more pound in each year of a course brings (course, funded year), in the objective's unit."""
    out = np.zeros((len(line), desk.n_years))
    _follow(desk, gradient.slopes, prices, laid_out(desk, line, planned), out)
    paid = as_paid(desk.judge.scenario, np.eye(planned.shape[1]), desk.has, desk.n_years)  # (planned, paid)
    return np.asarray((out / desk.pupils[line, None]) @ paid.T)


def presences(desk: Desk, line: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Return the mean share of schools in which each course is at work (course, year), to the years that count."""
    n = len(desk.judge.which)
    counted = arrays.blocked(np.full(n, 1 / n))
    counted[-1, (n - 1) % counted.shape[1] + 1 :] = 0.0
    out = np.zeros((len(line), desk.n_years))
    _follow(desk, gradient.presences, counted, laid_out(desk, line, planned), out)
    return out


def _follow(desk: Desk, law: Callable[..., None], by: Prices | np.ndarray, courses: Courses, out: np.ndarray) -> None:
    """Let a law write what it makes of courses, a part on each thread, or all at once where they are few."""
    judge = desk.judge

    def part(first: int, last: int) -> None:
        law(judge.programme.shape, judge.draws, desk.beside, desk.lag, by, courses, desk.until, first, last, out)

    jit.in_parts(part, len(out), whole=len(out) * len(judge.which) <= LITTLE)


def spread(desk: Desk, smallest: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return courses of every line, pattern and size: whose, and what is planned (course, funded year), GBP / year.

    Those with less than ``smallest`` GBP in a year that has any are left out.
    """
    ways = patterns(desk.has)
    interventions = list(desk.judge.scenario.interventions.values())
    full = desk.pupils * np.tile(
        [each.unit_cost_gbp * each.capacity for each in interventions], len(desk.pupils) // len(interventions)
    )
    most = float(max(desk.has))
    low, high = np.minimum(SMALLEST * full, most / 2), np.minimum(LARGEST * full, most)
    low = np.minimum(np.maximum(low, smallest / ways[ways > 0].min()), most)
    sizes = low[:, None] * (np.maximum(high, low) / low)[:, None] ** np.linspace(0, 1, SIZES)
    line, way, size = (index.ravel() for index in np.indices((desk.n_lines, len(ways), SIZES)))
    planned = np.minimum(sizes[line, size][:, None] * ways[way], np.array(desk.has))
    fits = (planned > 0).any(axis=1) & (np.where(planned > 0, planned, np.inf).min(axis=1) >= smallest)
    return line[fits], planned[fits]


def bettered(
    desk: Desk, prices: Prices, cost: np.ndarray, line: np.ndarray, planned: np.ndarray, smallest: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Return courses bettered a year at a time, and what they bring.

    Each year's money is tried up and down by ``STEPS``, all courses side by side, and the better is kept; a year that
    has nothing stays so, since where a line begins and ends is what the courses differ in. ``cost`` (line, funded year)
    is what a pound costs, in the objective's unit; ``smallest`` is the least in a year that has any, GBP.
    """
    planned = planned.copy()
    best = brings(desk, prices, line, planned) - (cost[line] * planned).sum(axis=1)
    for factor in STEPS:
        for t in range(planned.shape[1]):
            moves = np.flatnonzero(planned[:, t] > 0)
            for step in (factor, 1 / factor):
                tried = planned[moves].copy()
                tried[:, t] = np.clip(tried[:, t] * step, smallest, desk.has[t])
                left = brings(desk, prices, line[moves], tried) - (cost[line[moves]] * tried).sum(axis=1)
                better = left > best[moves]
                planned[moves[better]], best[moves[better]] = tried[better], left[better]
    return planned, best + (cost[line] * planned).sum(axis=1)
