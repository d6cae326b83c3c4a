"""Spending response: what the money of one line brings at given prices, and what one more pound in each year adds.

Saturation, lag, ramp and survival are exact, draw by draw. Effects on other lines are in the prices of ``gradient``.
Where the law has a kink, the slope is that of one side.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import (
    BLOCK,
    N_ROWS,
    ONE,
    ZERO,
    Draws,
    Line,
    Shape,
    begin_line,
    follow_year,
    line_presence,
)
from oa_sim.compiled.gradient import Prices
from oa_sim.compiled.jit import Number, compiled
from oa_sim.compiled.scalar_laws import (
    delivered_share,
    funded_activity,
    presence,
    reach,
    reach_slope,
    unpaid_step,
)


class Courses(NamedTuple):
    """Courses of money, a row each."""

    area: np.ndarray  # (course)
    intervention: np.ndarray  # (course)
    spend: np.ndarray  # (course, year): GBP for each eligible pupil
    since: np.ndarray  # (course): index of the first year with money
    wait: np.ndarray  # (course): row of the lags


@compiled
def _line(courses: Courses, i: int, beside: np.ndarray) -> Line:
    a, k = courses.area[i], courses.intervention[i]
    return Line(a, k, courses.spend[i], beside[a, k], courses.since[i], courses.wait[i])


@compiled
def _slope(
    line: Line, shape: Shape, draws: Draws, lag: np.ndarray, prices: Prices, u: int, b: int, d: int, until: int
) -> Number:
    """Return what one more pound for each eligible pupil in year u adds in one draw."""
    a, k = line.area, line.intervention
    cost, ramp, factor = draws.unit_cost[b, k, d], draws.ramp[b, k, d], draws.wider[b, k, d]
    capacity = shape.capacity[k]
    ceiling, quality = capacity * factor, draws.dose[b, k, d] * draws.delivery[b, a, d]
    per_standing, later, released = ONE / (ceiling * quality), draws.later[b, k, d], draws.goes_on[b, k, d]
    before = standing = d_before = d_standing = ready = total = ZERO

    # The law of ``follow_year`` for one draw. Beside each quantity x stands d_x, by how much one more pound in year u
    # moves it: what is spent in that year alone has a slope of its own, and the years after it inherit one.
    for t in range(until):
        spend, extra = line.spend[t], line.beside[t]
        local, d_local = reach(spend, cost, ONE, capacity), ZERO
        if t == u:
            d_local = reach_slope(spend, cost, ONE, capacity)
        if spend > ZERO:
            begins = np.float32(t - line.since) - lag[b, line.wait, d]
            ready = delivered_share(begins, begins + ONE, ramp)
        reached, d_reached = local * ready, d_local * ready
        if extra > ZERO:
            reached += reach(spend + extra, cost, ONE, capacity) - local
            d_reached += (reach_slope(spend + extra, cost, ONE, capacity) if t == u else ZERO) - d_local
        funded, d_funded = funded_activity(reached, factor, quality, ceiling), ZERO
        if funded < ceiling:
            d_funded = d_reached * factor * quality

        # Unpaid activity: more money this year takes some of it over, or releases less.
        change, d_change = funded - before, d_funded - d_before
        if standing < max(change, ZERO):
            d_standing = ZERO
        else:
            d_standing = later * (d_standing - (d_change if change > ZERO else ZERO))
        if change < ZERO:
            d_standing -= released * d_change
        standing = unpaid_step(standing, change, later, released)
        before, d_before = funded, d_funded

        # What the year's activity is worth, and what its presence in schools costs the others there.
        here = presence(local * ready, capacity, standing * per_standing)
        d_active = d_funded + d_standing if funded + standing < ceiling else ZERO
        d_here = d_local * ready / capacity + d_standing * per_standing if here < ONE else ZERO
        total += prices.activity[a, b, k, t, d] * d_active + prices.presence[a, b, k, t, d] * d_here
    return total


@compiled
def slopes(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, prices: Prices, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what one more pound for each eligible pupil brings in each year (course, year), one course after another.

    Parameters
    ----------
    shape, draws, beside, lag, prices, courses, until, first, last
        As for ``worths``.
    out : array (course, year)
        In the objective's unit.
    """
    for i in range(first, last):
        line = _line(courses, i, beside)
        for u in range(out.shape[1]):
            total = 0.0
            for b in range(draws.overlap.shape[0]):
                for d in range(BLOCK):
                    total += np.float64(_slope(line, shape, draws, lag, prices, u, b, d, until))
            out[i, u] = total


@compiled
def worths(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, prices: Prices, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what each course of money brings (course), one after another.

    Parameters
    ----------
    shape, draws
        The law, and what draws make of it.
    beside : array (area, intervention, year)
        Money of national programmes, GBP for each eligible pupil.
    lag : array (block, row, draw)
        Years from the first money to the first delivery.
    prices
        From ``gradient``; each holds what its draw counts for.
    courses
        Whose.
    until
        Years that are priced, counted from the first.
    first, last
        Which courses.
    out : array (course)
        In the objective's unit.
    """
    n_all, n_years = shape.capacity.size, courses.spend.shape[1]
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((N_ROWS, BLOCK), np.float32)
    worth_of_draw = np.zeros(BLOCK, np.float32)
    for i in range(first, last):
        line, k = _line(courses, i, beside), courses.intervention[i]
        worth_of_draw[:] = ZERO
        for b in range(draws.overlap.shape[0]):
            begin_line(line, shape, draws, b, work)
            for t in range(until):
                follow_year(line, t, shape, draws, lag, b, work, active)
                of_activity, of_presence = prices.activity[line.area, b, k, t], prices.presence[line.area, b, k, t]
                for d in range(BLOCK):
                    here = line_presence(shape.capacity[k], work, d)
                    worth_of_draw[d] += of_activity[d] * active[k, t, d] + of_presence[d] * here
        total = 0.0
        for d in range(BLOCK):
            total += np.float64(worth_of_draw[d])
        out[i] = total


@compiled
def presences(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, counted: np.ndarray, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write the mean share of schools in which each line is at work (course, year), one after another.

    Parameters
    ----------
    counted : array (block, draw)
        What each draw counts for; they sum to 1.
    out : array (course, year)
        Share of schools.

    The others are those of ``worths``.
    """
    n_all, n_years = shape.capacity.size, courses.spend.shape[1]
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((N_ROWS, BLOCK), np.float32)
    for i in range(first, last):
        line, capacity = _line(courses, i, beside), shape.capacity[courses.intervention[i]]
        out[i] = 0.0
        for b in range(draws.overlap.shape[0]):
            begin_line(line, shape, draws, b, work)
            for t in range(until):
                follow_year(line, t, shape, draws, lag, b, work, active)
                for d in range(BLOCK):
                    out[i, t] += np.float64(counted[b, d] * line_presence(capacity, work, d))
