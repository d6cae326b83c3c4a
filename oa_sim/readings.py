"""Readings: what is read off one area: outcomes as published, what lasts, what is valued, each summed up over draws."""

from typing import NamedTuple

import numpy as np

from oa_sim import impact, scale
from oa_sim.arithmetic import exp, normal_below
from oa_sim.compiled import compiled
from oa_sim.passes import BLOCK, HALF, ONE, POINTS, SHARE, ZERO, activity, gains, taken_up
from oa_sim.selection import at_ranks, describe, mean, room_for
from oa_sim.variables import ATTAINMENT_8_SD

PUPIL_SD, LOG_PER_SD = np.float32(ATTAINMENT_8_SD), np.float32(scale.LOG_PER_SD)
HUNDRED, MOST_POINTS = np.float32(100.0), np.float32(90.0)
GRID, STEP = np.float32(impact.GRID), np.float32(1 / impact.GRID)


class Seen(NamedTuple):
    """What is kept of one area until it is summed up; the last two of all areas together."""

    projected: np.ndarray  # (row, year, draw), as published
    impact: np.ndarray  # the same
    lasts: np.ndarray  # (measure, group, 3, draw): gain at its peak, and to come 5 and 10 years after the money
    held: np.ndarray  # (group, draw): gain over the years, each at its worth, of the measure that is valued
    headline: np.ndarray  # (draw): gain of the headline in its year
    mean_projected: np.ndarray  # (row, year, draw)
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

    projected: np.ndarray  # (place, row, year, statistic), see ``selection.describe``
    impact: np.ndarray
    left: np.ndarray  # (area, measure, group, reading), see ``left``
    held: np.ndarray  # (area, group, draw): see ``Seen``
    gain: np.ndarray  # (area, draw): of the headline in its year


@compiled
def publish(kind, latent, out):
    """Write the figures of latent values (any); see ``scale.to_published``."""
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
def _keep(figure, before, part, row, t, lo, seen):
    """Write figures and impact on the grid, and add them to the means over areas."""
    n = figure.size
    projected, impact = seen.projected[row, t, lo : lo + n], seen.impact[row, t, lo : lo + n]
    mean_projected, mean_impact = seen.mean_projected[row, t, lo : lo + n], seen.mean_impact[row, t, lo : lo + n]
    for d in range(n):
        one = np.rint(figure[d] * GRID) * STEP
        change = one - np.rint(before[d] * GRID) * STEP
        projected[d] = one
        impact[d] = change
        mean_projected[d] += part * one
        mean_impact[d] += part * change


@compiled
def _outcomes(shape, latent, a, lo, hi, gain, seen, scratch):
    """Write projection and impact of one area, as published (row, year, draw)."""
    n, part = hi - lo, ONE / np.float32(latent.shape[0])
    after, before, poor, poor_before, both, both_before = (
        scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n], scratch[4, :n], scratch[5, :n],
    )  # fmt: skip
    for m in range(shape.channel.size):
        s, row, share, kind, sign = shape.series[m], shape.row[m], shape.poor[a, m], shape.kind[m], shape.sign[m]
        for t in range(seen.projected.shape[1]):
            if shape.two_groups[m]:
                publish(kind, latent[a, s, t, lo:hi], poor_before)
                _moved(kind, sign, latent[a, s, t, lo:hi], gain[m, 0, t], poor)
                _keep(poor, poor_before, part, row, t, lo, seen)
                publish(kind, latent[a, s + 1, t, lo:hi], before)
                _moved(kind, sign, latent[a, s + 1, t, lo:hi], gain[m, 1, t], after)
                _keep(after, before, part, row + 1, t, lo, seen)
                for d in range(n):
                    both_before[d] = share * poor_before[d] + (ONE - share) * before[d]
                    both[d] = share * poor[d] + (ONE - share) * after[d]
                _keep(both, both_before, part, row + 2, t, lo, seen)
            else:
                for d in range(n):
                    poor[d] = share * gain[m, 0, t, d] + (ONE - share) * gain[m, 1, t, d]
                publish(kind, latent[a, s, t, lo:hi], before)
                _moved(kind, sign, latent[a, s, t, lo:hi], poor, after)
                _keep(after, before, part, row, t, lo, seen)


@compiled
def _lasting(gain, after, out, lo, n):
    """Write a gain's peak (draw), and the largest still to be seen 5 and 10 years after; see ``retention.left``."""
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
def area(shape, draws, levers, latent, a, asked, seen):
    """Write what one area sees of a scenario, a block of draws at a time; means over areas are added to."""
    n_draws, n_years, n_all = seen.held.shape[1], levers.spend.shape[2], shape.capacity.size
    active, missed = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((n_all, n_years, BLOCK), np.float32)
    given, own = np.zeros((n_years, BLOCK), np.float32), np.zeros((n_years, BLOCK), np.float32)
    everyone = np.zeros((n_years, BLOCK), np.float32)
    load, work = np.zeros((3, n_years, BLOCK), np.float32), np.zeros((9, BLOCK), np.float32)
    gain, live = np.zeros((shape.channel.size, 2, n_years, BLOCK), np.float32), np.zeros(n_all, np.bool_)
    for b in range(draws.overlap.shape[0]):
        lo, hi = b * BLOCK, min((b + 1) * BLOCK, n_draws)
        activity(shape, draws, levers, a, b, active, live, work, load)
        if (levers.sources[a] >= 0).any():
            taken_up(shape, draws, levers, a, b, active, live, work, load)
        gains(shape, draws, b, active, live, missed, given, own, gain)
        if asked.is_published:
            _outcomes(shape, latent, a, lo, hi, gain, seen, work)
        _sums(shape, levers, a, lo, hi, gain, asked, seen, everyone)


@compiled
def left(lasts, smallest, interval, out):
    """Write what is left of a peak; see ``retention.described``.

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
    n_areas, n_draws = summed.left.shape[0], seen.held.shape[1]
    for a in range(n_areas):
        area(shape, draws, levers, latent, a, asked, seen)
        summed.held[a] = seen.held
        summed.gain[a] = seen.headline
        if asked.is_published:
            _describe(seen.projected, asked.shares, summed.projected[a])
            _describe(seen.impact, asked.shares, summed.impact[a])
            left(seen.lasts.reshape(-1, 3, n_draws), asked.smallest, asked.interval, summed.left[a].reshape(-1, 12))
    if asked.is_published:
        _describe(seen.mean_projected, asked.shares, summed.projected[n_areas])
        _describe(seen.mean_impact, asked.shares, summed.impact[n_areas])


@compiled
def _describe(values, shares, out):
    describe(values.reshape(-1, values.shape[2]), shares, out.reshape(-1, out.shape[2]))
