"""Outcomes: what is read off one area: outcomes as published, what lasts, what is valued, each summed up over draws."""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import BLOCK, HALF, ONE, POINTS, SHARE, ZERO, activity, taken_up
from oa_sim.compiled.gains import Laid, gains, laid_for
from oa_sim.compiled.jit import compiled
from oa_sim.compiled.quantiles import at_ranks, describe, describe_one, mean, room_for, sought
from oa_sim.compiled.vector_math import exp, normal_below
from oa_sim.definitions import ATTAINMENT_8_SD
from oa_sim.inference import link_functions
from oa_sim.projection import impact

PUPIL_SD, LOG_PER_SD = np.float32(ATTAINMENT_8_SD), np.float32(link_functions.LOG_PER_SD)
HUNDRED, MOST_POINTS = np.float32(100.0), np.float32(90.0)
GRID, STEP = np.float32(impact.GRID), np.float32(1 / impact.GRID)


class Seen(NamedTuple):
    """What is kept of one area until it is summed up; the last three of all areas together."""

    gain: np.ndarray  # (block, measure, group, year, draw of the block), SD
    lasts: np.ndarray  # (measure, group, 3, draw): gain at its peak, and to come 5 and 10 years after the money
    held: np.ndarray  # (group, draw): gain over the years, each at its worth, of the measure that is valued
    headline: np.ndarray  # (draw): gain of the headline in its year
    mean_projected: np.ndarray  # (row, year, draw), as published
    mean_impact: np.ndarray
    whole: np.ndarray  # (year, draw): mean gain of all pupils over areas and measures of attainment


class Asked(NamedTuple):
    """Where a scenario is read."""

    after: np.ndarray  # (2): indices of the years 5 and 10 after the last funded one
    valued: int  # index of the measure whose gain is valued; -1: none
    headline: np.ndarray  # (2): indices of the headline's measure and group
    at: int  # index of the headline's year
    smallest: np.float32  # peak below which a draw has no impact to keep, SD
    shares: np.ndarray  # (quantile): those that are asked for, 0 to 1
    interval: np.ndarray  # (2): shares of draws below its ends
    is_published: bool  # whether outcomes are asked for; the whole-area effect alone is quicker


class Summed(NamedTuple):
    """What is summed up over draws; the last place is the mean of all areas."""

    projected: np.ndarray  # (place, row, year, statistic), see ``quantiles.describe``
    impact: np.ndarray
    left: np.ndarray  # (area, measure, group, reading), see ``left``
    held: np.ndarray  # (area, group, draw): see ``Seen``
    gain: np.ndarray  # (area, draw): of the headline in its year


class Room(NamedTuple):
    """Room to follow one area in, a block of draws at a time."""

    active: np.ndarray  # (intervention, year, draw of the block)
    missed: np.ndarray  # the same
    live: np.ndarray  # (intervention)
    load: np.ndarray  # (stage, year, draw of the block)
    work: np.ndarray  # (9, draw of the block)
    everyone: np.ndarray  # (year, draw of the block)
    laid: Laid


@compiled
def room_in(n_interventions, n_years):
    """Return room for so many interventions and years."""
    active, load = np.zeros((n_interventions, n_years, BLOCK), np.float32), np.zeros((3, n_years, BLOCK), np.float32)
    live, work = np.zeros(n_interventions, np.bool_), np.zeros((9, BLOCK), np.float32)
    return Room(active, active.copy(), live, load, work, np.zeros((n_years, BLOCK), np.float32), laid_for(n_years))


@compiled
def publish(kind, latent, out):
    """Write the figures of latent values (any); see ``link_functions.to_published``."""
    if kind == SHARE:  # said apart, so that each loop is one kind of arithmetic
        for i in range(out.size):
            out[i] = HUNDRED * normal_below(latent[i])
    elif kind == POINTS:
        for i in range(out.size):
            out[i] = min(max(latent[i] * PUPIL_SD, ZERO), MOST_POINTS)
    else:
        for i in range(out.size):
            out[i] = HUNDRED * exp(LOG_PER_SD * latent[i])


@compiled
def _moved(kind, sign, latent, gain, out):
    """Write the figures of latent values that a gain moves."""
    if kind == SHARE:
        for d in range(out.size):
            out[d] = HUNDRED * normal_below(latent[d] + sign * gain[d])
    elif kind == POINTS:
        for d in range(out.size):
            out[d] = min(max((latent[d] + sign * gain[d]) * PUPIL_SD, ZERO), MOST_POINTS)
    else:
        for d in range(out.size):
            out[d] = HUNDRED * exp(LOG_PER_SD * (latent[d] + sign * gain[d]))


@compiled
def _keep(figure, before, part, mean_figure, mean_change):
    """Put figures on the grid, turn what was before them into their change, and add both to the means over areas."""
    for d in range(figure.size):
        one = np.rint(figure[d] * GRID) * STEP
        change = one - np.rint(before[d] * GRID) * STEP
        figure[d] = one
        before[d] = change
        mean_figure[d] += part * one
        mean_change[d] += part * change


@compiled
def _whole(gain, m, g, t, out):
    """Write a gain of one year, block after block (draw)."""
    for b in range(gain.shape[0]):
        here, some = out[b * BLOCK : (b + 1) * BLOCK], gain[b, m, g, t]
        for d in range(here.size):  # said as a loop, which is quicker than as an assignment
            here[d] = some[d]


@compiled
def _outcomes(shape, latent, a, seen, summed, asked, room, scratch):
    """Sum up projection and impact of one area, as published, a row of draws at a time."""
    part = ONE / np.float32(latent.shape[0])
    for m in range(shape.channel.size):
        s, kind, sign, n_rows = shape.series[m], shape.kind[m], shape.sign[m], 3 if shape.two_groups[m] else 1
        for t in range(summed.projected.shape[2]):
            gain, other = scratch[6], scratch[7]
            if n_rows == 1:
                _whole(seen.gain, m, 0, t, gain)
                _whole(seen.gain, m, 1, t, other)
                _mixed(shape.poor[a, m], gain, other, gain)
            for g in range(min(n_rows, 2)):
                if n_rows == 3:
                    _whole(seen.gain, m, g, t, gain)
                publish(kind, latent[a, s + g, t], scratch[2 * g + 1])
                _moved(kind, sign, latent[a, s + g, t], gain, scratch[2 * g])
            if n_rows == 3:
                for i in range(2):
                    _mixed(shape.poor[a, m], scratch[i], scratch[2 + i], scratch[4 + i])
            for r in range(n_rows):
                row, figure, change = shape.row[m] + r, scratch[2 * r], scratch[2 * r + 1]
                _keep(figure, change, part, seen.mean_projected[row, t], seen.mean_impact[row, t])
                describe_one(figure, asked, room, summed.projected[a, row, t])
                describe_one(change, asked, room, summed.impact[a, row, t])


@compiled
def _mixed(share, poor, other, out):
    for d in range(out.size):
        out[d] = share * poor[d] + (ONE - share) * other[d]


@compiled
def _lasting(gain, after, out, lo, n):
    """Write a gain's peak (draw), and the largest still to be seen 5 and 10 years after (``impact_retention.left``)."""
    for i in range(3):
        first = 0 if i == 0 else after[i - 1]
        most, start = out[i, lo : lo + n], gain[first]
        for d in range(n):
            most[d] = start[d]
        for t in range(first + 1, gain.shape[0]):
            one = gain[t]
            for d in range(n):
                most[d] = max(most[d], one[d])


@compiled
def _sums(shape, levers, a, lo, hi, gain, asked, seen, everyone):
    """Write what lasts, what is valued, the headline's gain and the whole-area effect of one area."""
    n = hi - lo
    n_taught = np.float32((shape.channel == 0).sum() * shape.poor.shape[0])
    for m in range(shape.channel.size):
        share = shape.poor[a, m]
        for t in range(gain.shape[2]):
            poor, other, out = gain[m, 0, t], gain[m, 1, t], everyone[t]
            for d in range(n):
                out[d] = share * poor[d] + (ONE - share) * other[d]
            if shape.channel[m] == 0:
                total = seen.whole[t, lo:hi]
                for d in range(n):
                    total[d] += out[d] / n_taught
        for g in range(3):
            source = everyone if g == 2 else gain[m, g]
            _lasting(source, asked.after, seen.lasts[m, g], lo, n)
            if m == asked.headline[0] and g == asked.headline[1]:
                seen.headline[lo:hi] = source[asked.at, :n]
            if m == asked.valued and g < 2:
                worth = seen.held[g, lo:hi]
                worth[:] = ZERO
                for t in range(gain.shape[2]):
                    for d in range(n):
                        worth[d] += source[t, d] * levers.worth[t]


@compiled
def area(shape, draws, levers, a, asked, seen, room):
    """Write what one area gains in a scenario and how it lasts, a block of draws at a time."""
    n_draws = seen.held.shape[1]
    for b in range(draws.overlap.shape[0]):
        lo, hi, gain = b * BLOCK, min((b + 1) * BLOCK, n_draws), seen.gain[b]
        activity(shape, draws, levers, a, b, room.active, room.live, room.work, room.load)
        if (levers.sources[a] >= 0).any():
            taken_up(shape, draws, levers, a, b, room.active, room.live, room.work, room.load)
        gains(shape, draws, b, room.active, room.live, room.missed, room.laid, gain)
        _sums(shape, levers, a, lo, hi, gain, asked, seen, room.everyone)


@compiled
def left(lasts, smallest, interval, out):
    """Write what is left of a peak; see ``impact_retention.described``.

    Parameters
    ----------
    lasts : array (row, 3, draw)
        Gain at its peak, and still to come 5 and 10 years after the money, SD.
    smallest
        Peak below which a draw has no impact to keep, SD.
    interval : array (2)
        Shares of draws below its ends.
    out : array (row, 12)
        Share of draws with an impact; mean peak; means of the two shares, and shares of draws in which half is left,
        over draws with an impact; then the interval of the peak and of the two shares.
    """
    n = lasts.shape[2]
    room = room_for(n, 2)
    some, ranks, found = np.empty(n, np.float32), np.empty(2, np.int32), np.empty(2, np.float32)
    for row in range(lasts.shape[0]):
        out[row, 1] = _mean_and_ends(lasts[row, 0], interval, ranks, room, found, out[row, 6:8])
        with_impact = 0
        for d in range(n):
            with_impact += lasts[row, 0, d] > smallest
        out[row, 0] = with_impact / n
        for i in range(2):
            if not with_impact:
                out[row, 2 + i] = out[row, 4 + i] = np.nan
                out[row, 8 + 2 * i : 10 + 2 * i] = np.nan
                continue
            at, halves = 0, 0
            for d in range(n):
                peak = lasts[row, 0, d]
                if peak > smallest:
                    some[at] = lasts[row, 1 + i, d] / peak
                    halves += some[at] >= HALF
                    at += 1
            out[row, 4 + i] = halves / with_impact
            ends = out[row, 8 + 2 * i : 10 + 2 * i]
            out[row, 2 + i] = _mean_and_ends(some[:at], interval, ranks, room, found, ends)


@compiled
def _mean_and_ends(draws, interval, ranks, room, found, out):
    """Write the ends of an interval, each the nearest draw, and return the mean."""
    for e in range(2):
        ranks[e] = min(max(int(np.round(interval[e] * (draws.size - 1))), 0), draws.size - 1)
    at_ranks(draws, ranks, room, found)
    out[0], out[1] = found[0], found[1]
    return mean(draws)


@compiled
def follow(shape, draws, levers, latent, asked, seen, summed):
    """Write what a scenario does, an area at a time, without the interpreter in between.

    Parameters
    ----------
    shape, draws, levers
        The law, what draws make of it, and what is chosen.
    latent : array (area, series, year, draw)
        What would have happened anyway, SD.
    asked
        Where it is read.
    seen
        Room for one area, and for the means over areas, which must be 0.
    summed
        Where it is written.
    """
    n_areas, n_draws, n_years = summed.left.shape[0], seen.held.shape[1], levers.spend.shape[2]
    room, sides = room_in(shape.capacity.size, n_years), sought(asked.shares, n_draws)
    chosen, rows = room_for(n_draws, sides.ranks.size), np.empty((8, n_draws), np.float32)
    for a in range(n_areas):
        area(shape, draws, levers, a, asked, seen, room)
        summed.held[a] = seen.held
        summed.gain[a] = seen.headline
        if asked.is_published:
            _outcomes(shape, latent, a, seen, summed, sides, chosen, rows)
            left(seen.lasts.reshape(-1, 3, n_draws), asked.smallest, asked.interval, summed.left[a].reshape(-1, 12))
    if asked.is_published:
        _describe(seen.mean_projected, asked.shares, summed.projected[n_areas])
        _describe(seen.mean_impact, asked.shares, summed.impact[n_areas])


@compiled
def _describe(values, shares, out):
    describe(values.reshape(-1, values.shape[2]), shares, out.reshape(-1, out.shape[2]))
