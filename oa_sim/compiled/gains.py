"""Gains: what activity adds to each measure, year by year, in one compiled pass over a block of draws.

What ``cohort`` says with names. What cohorts keep of a gain is one number for each year since, so a year's gift is laid
over the years by multiplying, four years through four terms at a time.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import BLOCK, MOST_SERVED, ONE, ZERO
from oa_sim.compiled.jit import compiled
from oa_sim.compiled.vector_math import exp, log

TILE = 4  # years, and terms, that are multiplied together
LEAD = 2 * (TILE - 1)  # years before the first, in which nothing is given


class Laid(NamedTuple):
    """Room in which a year's gift is laid over the years."""

    given: np.ndarray  # (LEAD + year, draw of the block): gain newly given, after years in which nothing is
    weight: np.ndarray  # (term, draw of the block): what a measure sees of what was given so many years ago


@compiled
def laid_for(n_years):
    """Return room to lay gains over so many years."""
    return Laid(np.zeros((LEAD + n_years, BLOCK), np.float32), np.zeros((n_years + TILE, BLOCK), np.float32))


@compiled
def gains(shape, draws, b, active, live, missed, laid, gain):
    """Write what the programme adds (measure, group, year, draw of the block), SD; see ``cohort.gain_by_measure``."""
    gain[:] = ZERO
    for k in range(active.shape[0]):
        if live[k]:
            _log_missed(active, k, shape.widest[k], missed)
    for k in range(active.shape[0]):
        for channel in range(shape.meets.shape[0]):
            if not (live[k] and shape.reaches[k, channel]):
                continue
            _given(shape.meets, draws, b, k, channel, active, live, missed, laid)
            for m in range(shape.channel.size):
                if shape.channel[m] == channel and shape.sees[k, m] and shape.alike[m] == m:
                    _laid_over(shape.eligible[k], shape.sight[k, m], draws.kept[b, k], laid, gain[m])
    for m in range(gain.shape[0]):
        if shape.alike[m] != m:
            _copied(gain[shape.alike[m]], gain[m])


@compiled
def _log_missed(active, k, widest, missed):
    """Write the log of the chance that an intervention does not reach a pupil of the group that it serves most."""
    for t in range(active.shape[1]):
        for d in range(BLOCK):
            missed[k, t, d] = log(ONE - min(active[k, t, d] * widest, MOST_SERVED))


@compiled
def _given(meets, draws, b, k, channel, active, live, missed, laid):
    """Write the gain newly given in each year, less what is lost where programmes meet on one pupil."""
    n_years = active.shape[1]
    alone = laid.weight[:n_years]
    alone[:] = ZERO
    for other in range(missed.shape[0]):
        if meets[channel, k, other] > ZERO and live[other]:
            _summed(meets[channel, k, other], missed[other], alone)
    for t in range(n_years):
        given = laid.given[LEAD + t]
        for d in range(BLOCK):
            left = ONE + (ONE - draws.overlap[b, d]) * (exp(alone[t, d]) - ONE)
            given[d] = active[k, t, d] * draws.effect[b, k, channel, d] * left


@compiled
def _summed(share, part, out):
    """Add a share of one array to another of the same shape."""
    some, total = part.reshape(-1), out.reshape(-1)
    for i in range(total.size):
        total[i] += share * some[i]


@compiled
def _laid_over(eligible, sight, kept, laid, gain):
    """Add to the gain of both groups (group, year, draw) what a measure sees of what was given in the years before."""
    n_years = sight.size
    first, last = 0, n_years - 1
    while sight[first] == ZERO:
        first += 1
    while sight[last] == ZERO:
        last -= 1
    n_terms, over = -(-(last + 1 - first) // TILE) * TILE, n_years % TILE
    for i in range(n_terms):
        since = min(first + i, n_years - 1)
        part = sight[since] if first + i <= last else ZERO
        for d in range(BLOCK):
            laid.weight[i, d] = part * kept[since, d]
    given, weight = laid.given.reshape(-1), laid.weight.reshape(-1)
    poor, other = gain[0].reshape(-1), gain[1].reshape(-1)
    for i in range(0, n_terms, TILE):
        terms = weight[i * BLOCK : (i + TILE) * BLOCK]
        before = LEAD - first - i - (TILE - 1)  # the first of the years that a year sees through these terms
        for t in range(max(0, (first + i) // TILE * TILE), n_years - over, TILE):
            years = given[(before + t) * BLOCK : (before + t + 2 * TILE - 1) * BLOCK]
            lo, hi = t * BLOCK, (t + TILE) * BLOCK
            _four_years(terms, years, eligible[0], eligible[1], poor[lo:hi], other[lo:hi])
        for t in range(max(n_years - over, first + i), n_years):
            years = given[(before + t) * BLOCK : (before + t + TILE) * BLOCK]
            lo, hi = t * BLOCK, (t + 1) * BLOCK
            _year(terms, years, eligible[0], eligible[1], poor[lo:hi], other[lo:hi])


@compiled
def _four_years(weight, given, to_poor, to_other, poor, other):
    """Add to four years what they see through four terms: what is read once is used four times."""
    for d in range(BLOCK):
        w0, w1, w2, w3 = weight[d], weight[d + BLOCK], weight[d + 2 * BLOCK], weight[d + 3 * BLOCK]
        g0, g1, g2, g3 = given[d], given[d + BLOCK], given[d + 2 * BLOCK], given[d + 3 * BLOCK]
        g4, g5, g6 = given[d + 4 * BLOCK], given[d + 5 * BLOCK], given[d + 6 * BLOCK]
        one = w0 * g3 + w1 * g2 + w2 * g1 + w3 * g0
        two = w0 * g4 + w1 * g3 + w2 * g2 + w3 * g1
        three = w0 * g5 + w1 * g4 + w2 * g3 + w3 * g2
        four = w0 * g6 + w1 * g5 + w2 * g4 + w3 * g3
        poor[d] += to_poor * one
        poor[d + BLOCK] += to_poor * two
        poor[d + 2 * BLOCK] += to_poor * three
        poor[d + 3 * BLOCK] += to_poor * four
        other[d] += to_other * one
        other[d + BLOCK] += to_other * two
        other[d + 2 * BLOCK] += to_other * three
        other[d + 3 * BLOCK] += to_other * four


@compiled
def _year(weight, given, to_poor, to_other, poor, other):
    """Add to a year what it sees through four terms."""
    for d in range(BLOCK):
        late = weight[d] * given[d + 3 * BLOCK] + weight[d + BLOCK] * given[d + 2 * BLOCK]
        one = late + (weight[d + 2 * BLOCK] * given[d + BLOCK] + weight[d + 3 * BLOCK] * given[d])
        poor[d] += to_poor * one
        other[d] += to_other * one


@compiled
def _copied(source, target):
    one, other = source.reshape(-1), target.reshape(-1)
    for i in range(one.size):
        other[i] = one[i]
