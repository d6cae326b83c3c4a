"""Readings: what is read off one area: outcomes as published, what lasts, what is valued, each summed up over draws."""

from typing import NamedTuple

import numpy as np

from oa_sim import impact, scale
from oa_sim.arithmetic import exp, normal_below
from oa_sim.compiled import compiled
from oa_sim.passes import BLOCK, HALF, ONE, POINTS, RATE, SHARE, ZERO, activity, gains, taken_up
from oa_sim.selection import at_ranks, mean, room_for
from oa_sim.variables import ATTAINMENT_8_SD

PUPIL_SD, LOG_PER_SD = np.float32(ATTAINMENT_8_SD), np.float32(scale.LOG_PER_SD)
HUNDRED, MOST_POINTS = np.float32(100.0), np.float32(90.0)
GRID, STEP = np.float32(impact.GRID), np.float32(1 / impact.GRID)


class Ground(NamedTuple):
    """What would have happened anyway: (area, series, year, draw)."""

    latent: np.ndarray  # SD
    figure: np.ndarray  # as published


class Seen(NamedTuple):
    """What is kept of one area until it is summed up; the last two of all areas together."""

    projected: np.ndarray  # (row, year, draw), as published
    impact: np.ndarray  # the same
    lasts: np.ndarray  # (measure, group, 3, draw): gain at its peak, and to come 5 and 10 years after the money
    held: np.ndarray  # (group, draw): gain over the years, each at its worth, of the measure that is valued
    headline: np.ndarray  # (year, draw): gain of the headline
    mean_projected: np.ndarray  # (row, year, draw)
    mean_impact: np.ndarray
    whole: np.ndarray  # (year, draw): mean gain of all pupils over areas and measures of attainment


@compiled
def _published(kind, latent):
    """Return the figure of a latent value; see ``scale.to_published``."""
    if kind == POINTS:
        return min(max(latent * PUPIL_SD, ZERO), MOST_POINTS)
    if kind == RATE:
        return HUNDRED * exp(LOG_PER_SD * latent)
    return HUNDRED * normal_below(latent)


@compiled
def publish(kind, latent, out):
    """Write the figures of latent values (any)."""
    for i in range(out.size):
        out[i] = _published(kind, latent[i])


@compiled
def _moved(kind, sign, latent, gain, out):
    """Write the figures of latent values that a gain moves."""
    if kind == SHARE:  # said apart, so that each loop is one kind of arithmetic
        for d in range(out.size):
            out[d] = HUNDRED * normal_below(latent[d] + sign * gain[d])
    elif kind == POINTS:
        for d in range(out.size):
            out[d] = min(max((latent[d] + sign * gain[d]) * PUPIL_SD, ZERO), MOST_POINTS)
    else:
        for d in range(out.size):
            out[d] = HUNDRED * exp(LOG_PER_SD * (latent[d] + sign * gain[d]))


@compiled
def _keep(figure, before, part, projected, impact, mean_projected, mean_impact):
    """Write figures and impact on the grid, and add them to the means over areas."""
    for d in range(figure.size):
        one = np.rint(figure[d] * GRID) * STEP
        change = one - np.rint(before[d] * GRID) * STEP
        projected[d] = one
        impact[d] = change
        mean_projected[d] += part * one
        mean_impact[d] += part * change


@compiled
def _outcomes(shape, ground, a, lo, hi, gain, seen, scratch):
    """Write projection and impact of one area, as published (row, year, draw)."""
    n, part = hi - lo, ONE / np.float32(ground.latent.shape[0])
    first, second, before, both = scratch[0, :n], scratch[1, :n], scratch[2, :n], scratch[3, :n]
    for m in range(shape.channel.size):
        s, row, share = shape.series[m], shape.row[m], shape.poor[a, m]
        for t in range(seen.projected.shape[1]):
            if shape.two_groups[m]:
                for g in range(2):
                    out = first if g == 0 else second
                    _moved(shape.kind[m], shape.sign[m], ground.latent[a, s + g, t, lo:hi], gain[m, g, t], out)
                    _keep(
                        out, ground.figure[a, s + g, t, lo:hi], part, seen.projected[row + g, t, lo:hi],
                        seen.impact[row + g, t, lo:hi], seen.mean_projected[row + g, t, lo:hi],
                        seen.mean_impact[row + g, t, lo:hi],
                    )  # fmt: skip
                poor, other = ground.figure[a, s, t, lo:hi], ground.figure[a, s + 1, t, lo:hi]
                for d in range(n):
                    before[d] = share * poor[d] + (ONE - share) * other[d]
                    both[d] = share * first[d] + (ONE - share) * second[d]
            else:
                poor, other = gain[m, 0, t], gain[m, 1, t]
                for d in range(n):
                    second[d] = share * poor[d] + (ONE - share) * other[d]
                _moved(shape.kind[m], shape.sign[m], ground.latent[a, s, t, lo:hi], second, both)
                before[:] = ground.figure[a, s, t, lo:hi]
            last = row + 2 if shape.two_groups[m] else row
            _keep(
                both, before, part, seen.projected[last, t, lo:hi], seen.impact[last, t, lo:hi],
                seen.mean_projected[last, t, lo:hi], seen.mean_impact[last, t, lo:hi],
            )  # fmt: skip


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
def _sums(shape, levers, a, lo, hi, gain, after, valued, headline, seen, everyone):
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
            _lasting(source, after, seen.lasts[m, g], lo, n)
            if m == headline[0] and g == headline[1]:
                for t in range(seen.headline.shape[0]):
                    seen.headline[t, lo:hi] = source[t, :n]
            if m == valued and g < 2:
                worth = seen.held[g, lo:hi]
                worth[:] = ZERO
                for t in range(gain.shape[2]):
                    for d in range(n):
                        worth[d] += source[t, d] * levers.worth[t]


@compiled
def area(shape, draws, levers, ground, a, after, valued, headline, seen, is_published):
    """Write what one area sees of a scenario, a block of draws at a time.

    Parameters
    ----------
    shape, draws, levers, ground
        The law, what draws make of it, what is chosen and what would have happened anyway.
    a
        Index of the area.
    after : array (2)
        Indices of the years 5 and 10 after the last funded one.
    valued, headline
        Index of the measure whose gain is valued, -1 for none; measure and group of the headline.
    seen
        Where it is written; means over areas are added to.
    is_published
        Whether outcomes are asked for; the whole-area effect alone is quicker.
    """
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
        if is_published:
            _outcomes(shape, ground, a, lo, hi, gain, seen, work)
        _sums(shape, levers, a, lo, hi, gain, after, valued, headline, seen, everyone)


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
