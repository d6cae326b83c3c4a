"""Gains: what activity adds to each measure, year by year, in one compiled pass over a block of draws.

The loops over what ``cohort`` does with names. What cohorts retain of a gain is one number for each year since, so the
gain held is the new gain convolved with it.
"""

import numpy as np

from oa_sim.compiled.activity import BLOCK, LEAD, TILE, ZERO, Draws, Shape, Workspace
from oa_sim.compiled.jit import Number, compiled
from oa_sim.compiled.scalar_laws import log_unserved, overlap_left


@compiled
def gains(shape: Shape, draws: Draws, b: int, room: Workspace, gain: np.ndarray) -> None:
    """Write what the programme adds (measure, group, year, draw of the block), SD; see ``cohort.gain_by_measure``."""
    gain[:] = ZERO
    _log_unserved(shape, room)

    # One convolution for each intervention and measure; measures that see the same of all interventions share theirs.
    for k in range(room.live.size):
        for channel in range(shape.meets.shape[0]):
            if not (room.live[k] and shape.reaches[k, channel]):
                continue
            _new_gain(shape.meets[channel, k], draws, b, k, channel, room)
            for m in range(shape.channel.size):
                if shape.channel[m] == channel and shape.sees[k, m] and shape.alike[m] == m:
                    convolve(shape.eligible[k], shape.sight[k, m], draws.kept[b, k], room, gain[m])
    for m in range(gain.shape[0]):
        if shape.alike[m] != m:
            source, target = gain[shape.alike[m]].reshape(-1), gain[m].reshape(-1)
            for i in range(target.size):  # a loop is quicker here than an assignment
                target[i] = source[i]


@compiled
def _log_unserved(shape: Shape, room: Workspace) -> None:
    """Write the log of the chance that an intervention with money does not serve a pupil (intervention, year, draw)."""
    for k in range(room.live.size):
        if room.live[k]:
            active, unserved, widest = room.active[k], room.unserved[k], shape.widest[k]
            for t in range(active.shape[0]):
                for d in range(BLOCK):
                    unserved[t, d] = log_unserved(active[t, d], widest)


@compiled
def log_alone(meets: np.ndarray, live: np.ndarray, unserved: np.ndarray, out: np.ndarray) -> None:
    """Write the log of the chance that no other programme serves a pupil (year, draw)."""
    out[:] = ZERO
    for other in range(unserved.shape[0]):
        share = meets[other]
        if share > ZERO and live[other]:
            for t in range(out.shape[0]):
                for d in range(BLOCK):
                    out[t, d] += share * unserved[other, t, d]


@compiled
def _new_gain(meets: np.ndarray, draws: Draws, b: int, k: int, channel: int, room: Workspace) -> None:
    """Write the new gain of each year, less what is lost where programmes meet on one pupil."""
    n_years = room.active.shape[1]
    alone = room.weight[:n_years]  # which is free until the convolution
    log_alone(meets, room.live, room.unserved, alone)
    for t in range(n_years):
        new = room.new[LEAD + t]
        for d in range(BLOCK):
            left = overlap_left(draws.overlap[b, d], alone[t, d])
            new[d] = room.active[k, t, d] * draws.effect[b, k, channel, d] * left


def convolve_plain(
    eligible: np.ndarray, sight: np.ndarray, retention: np.ndarray, new: np.ndarray, gain: np.ndarray
) -> None:
    """Do what ``convolve`` does, in its plain form: what tests hold it to. ``new`` is (year, draw), without a lead."""
    for since in range(sight.size):
        gain[:, since:] += eligible[:, None, None] * sight[since] * retention[since] * new[: sight.size - since]


@compiled
def convolve(eligible: np.ndarray, sight: np.ndarray, retention: np.ndarray, room: Workspace, gain: np.ndarray) -> None:
    """Add to the gain held what a measure sees of the new gain of the years before: ``convolve_plain``, four by four.

    ``eligible`` (group) is the share of each group that may be served, ``sight`` (years since) the share of a measure's
    pupils who were served so many years ago, ``retention`` (years since, draw) that of a gain which pupils who stay
    still hold. ``room`` has the new gain; its ``weight`` is written over. The ``gain`` (group, year, draw) is in SD.
    """
    # The years since which a measure sees at all: from ``first`` to ``last``, filled up to whole tiles with zeros.
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
            room.weight[i, d] = part * retention[since, d]

    # Four terms at a time are multiplied into four years at a time, so that what is read from memory once is used four
    # times; the LEAD of zeros stands for the years before the first, so that no year needs a case of its own. The last
    # ``n_years % TILE`` years are done one by one.
    new, weight = room.new.reshape(-1), room.weight.reshape(-1)
    disadvantaged, other = gain[0].reshape(-1), gain[1].reshape(-1)
    for i in range(0, n_terms, TILE):
        terms = weight[i * BLOCK : (i + TILE) * BLOCK]
        before = LEAD - first - i - (TILE - 1)  # the first of the years that a year sees through these terms
        for t in range(max(0, (first + i) // TILE * TILE), n_years - over, TILE):
            years = new[(before + t) * BLOCK : (before + t + 2 * TILE - 1) * BLOCK]
            lo, hi = t * BLOCK, (t + TILE) * BLOCK
            _four_years(terms, years, eligible[0], eligible[1], disadvantaged[lo:hi], other[lo:hi])
        for t in range(max(n_years - over, first + i), n_years):
            years = new[(before + t) * BLOCK : (before + t + TILE) * BLOCK]
            lo, hi = t * BLOCK, (t + 1) * BLOCK
            _one_year(terms, years, eligible[0], eligible[1], disadvantaged[lo:hi], other[lo:hi])


@compiled
def _four_years(
    weight: np.ndarray, new: np.ndarray, to_disadvantaged: Number, to_other: Number, disadvantaged: np.ndarray,
    other: np.ndarray,
) -> None:  # fmt: skip
    """Add to four years what they see through four terms: seven years of new gain are read, in registers."""
    for d in range(BLOCK):
        w0, w1, w2, w3 = weight[d], weight[d + BLOCK], weight[d + 2 * BLOCK], weight[d + 3 * BLOCK]
        g0, g1, g2, g3 = new[d], new[d + BLOCK], new[d + 2 * BLOCK], new[d + 3 * BLOCK]
        g4, g5, g6 = new[d + 4 * BLOCK], new[d + 5 * BLOCK], new[d + 6 * BLOCK]
        first = w0 * g3 + w1 * g2 + w2 * g1 + w3 * g0
        second = w0 * g4 + w1 * g3 + w2 * g2 + w3 * g1
        third = w0 * g5 + w1 * g4 + w2 * g3 + w3 * g2
        fourth = w0 * g6 + w1 * g5 + w2 * g4 + w3 * g3
        disadvantaged[d] += to_disadvantaged * first
        disadvantaged[d + BLOCK] += to_disadvantaged * second
        disadvantaged[d + 2 * BLOCK] += to_disadvantaged * third
        disadvantaged[d + 3 * BLOCK] += to_disadvantaged * fourth
        other[d] += to_other * first
        other[d + BLOCK] += to_other * second
        other[d + 2 * BLOCK] += to_other * third
        other[d + 3 * BLOCK] += to_other * fourth


@compiled
def _one_year(
    weight: np.ndarray, new: np.ndarray, to_disadvantaged: Number, to_other: Number, disadvantaged: np.ndarray,
    other: np.ndarray,
) -> None:  # fmt: skip
    """Add to one year what it sees through four terms."""
    for d in range(BLOCK):
        later = weight[d] * new[d + 3 * BLOCK] + weight[d + BLOCK] * new[d + 2 * BLOCK]
        seen = later + (weight[d + 2 * BLOCK] * new[d + BLOCK] + weight[d + 3 * BLOCK] * new[d])
        disadvantaged[d] += to_disadvantaged * seen
        other[d] += to_other * seen
