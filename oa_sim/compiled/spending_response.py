"""Spending response: what the money of one line brings at given prices, and what one more pound in each year adds.

Saturation, lag, ramp and survival are exact, draw by draw. Effects on other lines are in the prices of ``gradient``.
Where the law has a kink, the slope is that of one side.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import (
    BLOCK,
    BOTH,
    LOCAL,
    MOST,
    ONE,
    READY,
    SCHOOL,
    STANDING,
    WIDE,
    WITH,
    ZERO,
    ramp_integral,
    reach,
    readiness,
    unpaid_step,
)
from oa_sim.compiled.jit import compiled
from oa_sim.compiled.vector_math import exp


@compiled
def _reach_slope(spend, capacity, cost):
    """Return the share that money reaches, and its slope."""
    left = exp(-spend / (cost * capacity))
    return capacity * (ONE - left), left / cost


@compiled
def _draw(shape, draws, beside, lag, prices, courses, i, u, b, d, until):
    """Return what one more pound for each eligible pupil in year u adds in one draw."""
    a, k = courses.area[i], courses.intervention[i]
    capacity, cost, ramp = shape.capacity[k], draws.unit_cost[b, k, d], draws.ramp[b, k, d]
    most = capacity * draws.wider[b, k, d]
    school = draws.dose[b, k, d] * draws.delivery[b, a, d]
    wide = ONE / (most * school)
    later, goes_on = draws.later[b, k, d], draws.goes_on[b, k, d]
    before = standing = d_before = d_standing = d_ready_local = ready = total = ZERO
    for t in range(until):
        spend, extra = courses.spend[i, t], beside[a, k, t]
        local, slope = _reach_slope(spend, capacity, cost)
        if spend > ZERO:
            late = np.float32(t - courses.since[i]) - lag[b, courses.wait[i], d]
            ready = ramp_integral(late + ONE, ramp) - ramp_integral(late, ramp)
        slope = slope if t == u else ZERO
        both, d_both = local * ready, slope * ready
        if extra > ZERO:
            whole, d_whole = _reach_slope(spend + extra, capacity, cost)
            both += whole - local
            d_both += (d_whole if t == u else ZERO) - slope
        funded, d_funded = both * draws.wider[b, k, d] * school, d_both * draws.wider[b, k, d] * school
        if funded > most:
            funded, d_funded = most, ZERO
        change, d_change = funded - before, d_funded - d_before
        up, d_up = (change, d_change) if change > ZERO else (ZERO, ZERO)
        kept, d_kept = standing - up, d_standing - d_up
        if kept < ZERO:
            kept = d_kept = ZERO
        standing, d_standing = later * kept, later * d_kept
        if change < ZERO:
            standing -= goes_on * change
            d_standing -= goes_on * d_change
        before, d_before = funded, d_funded
        d_active = d_funded + d_standing if funded + standing < most else ZERO
        here = local * ready / capacity + standing * wide
        d_ready_local = slope * ready / capacity + d_standing * wide
        d_here = d_ready_local if here < ONE else ZERO
        total += prices.activity[a, b, k, t, d] * d_active + prices.presence[a, b, k, t, d] * d_here
    return total


@compiled
def slopes(shape, draws, beside, lag, prices, courses, until, first, last, out):
    """Write what one more pound for each eligible pupil brings in each year (course, year), one course after another.

    Parameters
    ----------
    shape, draws, beside, lag, prices, courses, until, first, last
        As for ``worths``.
    out : array (course, year)
        In the objective's unit.
    """
    for i in range(first, last):
        for u in range(out.shape[1]):
            total = 0.0
            for b in range(draws.overlap.shape[0]):
                for d in range(BLOCK):
                    total += np.float64(_draw(shape, draws, beside, lag, prices, courses, i, u, b, d, until))
            out[i, u] = total


class Courses(NamedTuple):
    """Courses of money, a row each."""

    area: np.ndarray  # (course)
    intervention: np.ndarray  # (course)
    spend: np.ndarray  # (course, year): GBP for each eligible pupil
    since: np.ndarray  # (course): index of the first year with money
    wait: np.ndarray  # (course): row of the lags


@compiled
def _present(capacity, work, out):
    """Write the share of schools in which the line is at work; see ``activity``."""
    for d in range(BLOCK):
        out[d] = min(work[LOCAL, d] * work[READY, d] / capacity + work[STANDING, d] * work[WIDE, d], ONE)


@compiled
def _begin(shape, draws, a, k, b, work):
    """Write what does not change from year to year."""
    work[:] = ZERO
    for d in range(BLOCK):
        work[MOST, d] = shape.capacity[k] * draws.wider[b, k, d]
        work[SCHOOL, d] = draws.dose[b, k, d] * draws.delivery[b, a, d]
        work[WIDE, d] = ONE / (work[MOST, d] * work[SCHOOL, d])


@compiled
def _year(shape, draws, beside, lag, courses, i, b, t, active, work, here):
    """Write a line's activity in one year, and the share of schools that it is at work in; see ``activity``."""
    a, k = courses.area[i], courses.intervention[i]
    capacity, spend, extra = shape.capacity[k], courses.spend[i, t], beside[a, k, t]
    if t == 0 or spend != courses.spend[i, t - 1]:
        reach(spend, capacity, draws.unit_cost, b, k, work, LOCAL)
    if spend > ZERO:
        readiness(t - courses.since[i], lag, draws.ramp, b, courses.wait[i], k, work, READY)
    for d in range(BLOCK):
        work[BOTH, d] = work[LOCAL, d] * work[READY, d]
    if extra > ZERO:
        reach(spend + extra, capacity, draws.unit_cost, b, k, work, WITH)
        for d in range(BLOCK):
            work[BOTH, d] += work[WITH, d] - work[LOCAL, d]
    unpaid_step(draws, b, k, work, active, t)
    for d in range(BLOCK):
        here[d] = min(work[LOCAL, d] * work[READY, d] / capacity + work[STANDING, d] * work[WIDE, d], ONE)


@compiled
def worths(shape, draws, beside, lag, prices, courses, until, first, last, out):
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
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((9, BLOCK), np.float32)
    here, brought = np.zeros(BLOCK, np.float32), np.zeros(BLOCK, np.float32)
    for i in range(first, last):
        a, k = courses.area[i], courses.intervention[i]
        brought[:] = ZERO
        for b in range(draws.overlap.shape[0]):
            _begin(shape, draws, a, k, b, work)
            for t in range(until):
                _year(shape, draws, beside, lag, courses, i, b, t, active, work, here)
                worth, burden = prices.activity[a, b, k, t], prices.presence[a, b, k, t]
                for d in range(BLOCK):
                    brought[d] += worth[d] * active[k, t, d] + burden[d] * here[d]
        total = 0.0
        for d in range(BLOCK):
            total += np.float64(brought[d])
        out[i] = total


@compiled
def presences(shape, draws, beside, lag, counted, courses, until, first, last, out):
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
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((9, BLOCK), np.float32)
    here = np.zeros(BLOCK, np.float32)
    for i in range(first, last):
        out[i] = 0.0
        for b in range(draws.overlap.shape[0]):
            _begin(shape, draws, courses.area[i], courses.intervention[i], b, work)
            for t in range(until):
                _year(shape, draws, beside, lag, courses, i, b, t, active, work, here)
                for d in range(BLOCK):
                    out[i, t] += np.float64(counted[b, d] * here[d])
