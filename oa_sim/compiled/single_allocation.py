"""Lines: what the money of one intervention in one area brings at given prices, a course of money at a time.

A line's own saturation, lag, ramp and survival are followed exactly, draw by draw; what it does to others, and what
its activity is worth, is in the prices of ``marginal``.
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
    reach,
    readiness,
    unpaid_step,
)
from oa_sim.compiled.jit import compiled


class Courses(NamedTuple):
    """Courses of money, a row each."""

    area: np.ndarray  # (course)
    intervention: np.ndarray  # (course)
    spend: np.ndarray  # (course, year): GBP for each eligible pupil
    since: np.ndarray  # (course): index of the first year with money
    wait: np.ndarray  # (course): row of the lags


@compiled
def _present(capacity, work, out):
    """Write the share of schools in which the line is at work; see ``passes``."""
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
        From ``marginal``; each holds what its draw counts for.
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
