"""Readings: what is read off one area: outcomes as published, what lasts, what is valued, each summed up over draws."""

from typing import NamedTuple

import numpy as np

from oa_sim import impact, scale
from oa_sim.arithmetic import exp, normal_below
from oa_sim.compiled import compiled, summing
from oa_sim.passes import BLOCK, ONE, POINTS, RATE, SHARE, ZERO, activity, gains, taken_up
from oa_sim.variables import ATTAINMENT_8_SD

PUPIL_SD, LOG_PER_SD = np.float32(ATTAINMENT_8_SD), np.float32(scale.LOG_PER_SD)
HUNDRED, MOST_POINTS = np.float32(100.0), np.float32(90.0)
GRID = np.float32(impact.GRID)


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
        one = np.rint(figure[d] * GRID) / GRID
        change = one - np.rint(before[d] * GRID) / GRID
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


@summing
def describe(ordered, shares, out):
    """Write mean, SD, quantiles, and the shares of draws above and below 0 (row, statistic), of ordered draws.

    Parameters
    ----------
    ordered : array (row, draw)
        In ascending order.
    shares
        Of the quantiles, 0 to 1; between two draws a quantile lies on the straight line.
    out : array (row, 4 + quantile)
        Where they are written.
    """
    n = ordered.shape[1]
    for row in range(ordered.shape[0]):
        middle = np.float64(ordered[row, n // 2])
        total, squares, above, below = 0.0, 0.0, 0, 0
        for d in range(n):
            one = ordered[row, d]
            off = np.float64(one) - middle  # about a middle, so that no digit is lost in the squares
            total += off
            squares += off * off
            above += one > ZERO
            below += one < ZERO
        mean = total / n
        out[row, 0] = middle + mean
        out[row, 1] = np.sqrt(max(squares - n * mean * mean, 0.0) / max(n - 1, 1))
        for q in range(shares.size):
            at = shares[q] * (n - 1)
            low = int(at)
            less, more = np.float64(ordered[row, low]), np.float64(ordered[row, min(low + 1, n - 1)])
            out[row, 2 + q] = less + (more - less) * (at - low)
        out[row, 2 + shares.size], out[row, 3 + shares.size] = above / n, below / n


@summing
def left(lasts, smallest, shares, out):
    """Write what is left of a peak (row, reading), and prepare its intervals; see ``retention.described``.

    Parameters
    ----------
    lasts : array (row, 3, draw)
        Gain at its peak, and still to come 5 and 10 years after the money, SD.
    smallest
        Peak below which a draw has no impact to keep, SD.
    shares : array (row, 3, draw)
        Where the peak and the two shares of it are written, infinite where there is no impact.
    out : array (row, 12)
        Its first six: share of draws with an impact; mean peak; means of the two shares, and shares of draws in which
        half is left, over draws with an impact.
    """
    n = lasts.shape[2]
    for row in range(lasts.shape[0]):
        with_impact, peaks = 0, 0.0
        totals, halves = np.zeros(2), np.zeros(2)
        for d in range(n):
            peak = lasts[row, 0, d]
            shares[row, 0, d] = peak
            peaks += peak
            has = peak > smallest
            with_impact += has
            for i in range(2):
                share = np.float64(lasts[row, i + 1, d]) / np.float64(peak) if has else np.inf
                shares[row, i + 1, d] = share
                if has:
                    totals[i] += share
                    halves[i] += share >= 0.5
        out[row, 0], out[row, 1] = with_impact / n, peaks / n
        for i in range(2):
            out[row, 2 + i] = totals[i] / with_impact if with_impact else np.nan
            out[row, 4 + i] = halves[i] / with_impact if with_impact else np.nan


@compiled
def ends(ordered, interval, out):
    """Write the interval of the peak and of the two shares (row, from 6 on), of draws in ascending order."""
    n = ordered.shape[2]
    for row in range(ordered.shape[0]):
        with_impact = int(np.round(out[row, 0] * n))
        for i in range(3):
            some = n if i == 0 else with_impact
            for e in range(2):
                at = min(max(int(np.round(interval[e] * (some - 1))), 0), n - 1)
                out[row, 6 + 2 * i + e] = ordered[row, i, at] if some else np.nan
