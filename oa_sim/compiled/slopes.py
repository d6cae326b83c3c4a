"""Slopes: what one more pound in each year of a line brings at given prices, exactly, by the chain rule draw by draw.

The law of a line has kinks, where money runs against a capacity or falls from one year to the next; there the slope is
that of one side. When a line begins is not moved.
"""

import numpy as np

from oa_sim.compiled.activity import BLOCK, ONE, ZERO, ramp_integral
from oa_sim.compiled.jit import compiled
from oa_sim.compiled.vector_math import exp


@compiled
def _reached(spend, capacity, cost):
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
        local, slope = _reached(spend, capacity, cost)
        if spend > ZERO:
            late = np.float32(t - courses.since[i]) - lag[b, courses.wait[i], d]
            ready = ramp_integral(late + ONE, ramp) - ramp_integral(late, ramp)
        slope = slope if t == u else ZERO
        both, d_both = local * ready, slope * ready
        if extra > ZERO:
            whole, d_whole = _reached(spend + extra, capacity, cost)
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
        As for ``single_allocation.worths``.
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
