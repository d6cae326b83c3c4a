"""Outcomes: what is read off one area, as summaries over its draws: published figures, retention, and worth."""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import BLOCK, ONE, Draws, Levers, Shape, Workspace, activity, add_take_up, workspace_for
from oa_sim.compiled.gains import gains
from oa_sim.compiled.jit import Number, compiled
from oa_sim.compiled.quantiles import Room, Sought, at_ranks, between, describe, describe_one, mean, room_for, sought
from oa_sim.compiled.scalar_laws import published
from oa_sim.inference.link_functions import POINTS, RATE, SHARE
from oa_sim.projection import cohort

HALF = np.float32(0.5)
GRID, STEP = np.float32(cohort.GRID), np.float32(1 / cohort.GRID)


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


@compiled
def publish(kind: int, latent: np.ndarray, out: np.ndarray) -> None:
    """Write the published figures of latent values (any); ``out`` must not be ``latent``."""
    # The kind is a constant in each call: the loop then holds one kind of arithmetic, and becomes vector code.
    if kind == SHARE:
        _publish_kind(SHARE, latent, out)
    elif kind == POINTS:
        _publish_kind(POINTS, latent, out)
    else:
        _publish_kind(RATE, latent, out)


@compiled
def _publish_kind(kind: int, latent: np.ndarray, out: np.ndarray) -> None:
    for i in range(out.size):
        out[i] = published(kind, latent[i])


@compiled
def add_gain(sign: Number, latent: np.ndarray, gain: np.ndarray) -> None:
    """Turn a gain (draw), positive where pupils do better, into the latent value that it moves."""
    for d in range(gain.size):
        gain[d] = latent[d] + sign * gain[d]


@compiled
def _to_impact(
    figure: np.ndarray, change: np.ndarray, weight: Number, mean_figure: np.ndarray, mean_change: np.ndarray
) -> None:
    """Put figures on the grid, turn the counterfactual in ``change`` into the impact; add both to means over areas."""
    for d in range(figure.size):
        projected = np.rint(figure[d] * GRID) * STEP
        impact_on_grid = projected - np.rint(change[d] * GRID) * STEP
        figure[d], change[d] = projected, impact_on_grid
        mean_figure[d] += weight * projected
        mean_change[d] += weight * impact_on_grid


@compiled
def _unblock(gain: np.ndarray, m: int, g: int, t: int, out: np.ndarray) -> None:
    """Write the gain of one year, block after block (draw)."""
    for b in range(gain.shape[0]):
        part, block = out[b * BLOCK : (b + 1) * BLOCK], gain[b, m, g, t]
        for d in range(part.size):  # a loop is quicker here than an assignment
            part[d] = block[d]


@compiled
def _outcomes(
    shape: Shape, latent: np.ndarray, a: int, seen: Seen, summed: Summed, quantiles: Sought, room: Room,
    scratch: np.ndarray,
) -> None:  # fmt: skip
    """Summarise projection and impact of one area, as published, a row of draws at a time."""
    # Rows of ``scratch``: 2 g for the projection and 2 g + 1 for the counterfactual of group g, of whom the third is
    # all pupils; 6 and 7 for gains. A measure without groups has one row of figures, and the mean gain of both groups.
    weight = ONE / np.float32(latent.shape[0])
    for m in range(shape.channel.size):
        s, kind, sign, n_rows = shape.series[m], shape.kind[m], shape.sign[m], 3 if shape.two_groups[m] else 1
        for t in range(summed.projected.shape[2]):
            gain, other = scratch[6], scratch[7]
            if n_rows == 1:
                _unblock(seen.gain, m, 0, t, gain)
                _unblock(seen.gain, m, 1, t, other)
                _mix_groups(shape.poor[a, m], gain, other, gain)
            for g in range(min(n_rows, 2)):
                if n_rows == 3:
                    _unblock(seen.gain, m, g, t, gain)
                publish(kind, latent[a, s + g, t], scratch[2 * g + 1])
                add_gain(sign, latent[a, s + g, t], gain)
                publish(kind, gain, scratch[2 * g])
            if n_rows == 3:
                for i in range(2):
                    _mix_groups(shape.poor[a, m], scratch[i], scratch[2 + i], scratch[4 + i])
            for r in range(n_rows):
                row, figure, change = shape.row[m] + r, scratch[2 * r], scratch[2 * r + 1]
                _to_impact(figure, change, weight, seen.mean_projected[row, t], seen.mean_impact[row, t])
                describe_one(figure, quantiles, room, summed.projected[a, row, t])
                describe_one(change, quantiles, room, summed.impact[a, row, t])


@compiled
def _mix_groups(share: Number, disadvantaged: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
    """Write the mean of two groups (draw), given the disadvantaged share of pupils."""
    for d in range(out.size):
        out[d] = share * disadvantaged[d] + (ONE - share) * other[d]


@compiled
def _peaks(gain: np.ndarray, after: np.ndarray, out: np.ndarray, lo: int, n: int) -> None:
    """Write a gain's peak (draw), and the largest still to come 5 and 10 years after; see ``impact_retention.left``."""
    for i in range(3):
        first = 0 if i == 0 else after[i - 1]
        peak, start = out[i, lo : lo + n], gain[first]
        for d in range(n):
            peak[d] = start[d]
        for t in range(first + 1, gain.shape[0]):
            in_year = gain[t]
            for d in range(n):
                peak[d] = max(peak[d], in_year[d])


@compiled
def _read_block(
    shape: Shape, levers: Levers, a: int, lo: int, hi: int, gain: np.ndarray, asked: Asked, seen: Seen,
    everyone: np.ndarray,
) -> None:  # fmt: skip
    """Write what lasts, what is valued, the headline's gain and the whole-area effect, of one area's block of draws."""
    n = hi - lo
    n_taught = np.float32((shape.channel == 0).sum() * shape.poor.shape[0])
    for m in range(shape.channel.size):
        # The gain of all pupils, which the whole-area effect is the mean of over areas and measures of attainment.
        share = shape.poor[a, m]
        for t in range(gain.shape[2]):
            _mix_groups(share, gain[m, 0, t], gain[m, 1, t], everyone[t])
            if shape.channel[m] == 0:
                total = seen.whole[t, lo:hi]
                for d in range(n):
                    total[d] += everyone[t, d] / n_taught
        for g in range(3):
            source = everyone if g == 2 else gain[m, g]
            _peaks(source, asked.after, seen.lasts[m, g], lo, n)
            if m == asked.headline[0] and g == asked.headline[1]:
                seen.headline[lo:hi] = source[asked.at, :n]
            if m == asked.valued and g < 2:
                _present_value(source, levers.worth, seen.held[g, lo:hi])


@compiled
def _present_value(gain: np.ndarray, worth: np.ndarray, out: np.ndarray) -> None:
    """Write the gain over the years (draw), each year at what a gain in it is worth in the first."""
    out[:] = 0
    for t in range(gain.shape[0]):
        for d in range(out.size):
            out[d] += gain[t, d] * worth[t]


@compiled
def area(shape: Shape, draws: Draws, levers: Levers, a: int, asked: Asked, seen: Seen, room: Workspace) -> None:
    """Write what one area gains in a scenario and how it lasts, a block of draws at a time."""
    n_draws = seen.held.shape[1]
    for b in range(draws.overlap.shape[0]):
        lo, hi, gain = b * BLOCK, min((b + 1) * BLOCK, n_draws), seen.gain[b]
        activity(shape, draws, levers, a, b, room)
        if (levers.sources[a] >= 0).any():
            add_take_up(shape, draws, levers, a, b, room)
        gains(shape, draws, b, room, gain)
        _read_block(shape, levers, a, lo, hi, gain, asked, seen, room.in_year)


@compiled
def left(lasts: np.ndarray, smallest: Number, interval: np.ndarray, out: np.ndarray) -> None:
    """Write what is left of a peak (row, 12); see ``impact_retention.described``.

    ``lasts`` (row, 3, draw) is the gain at its peak, and still to come 5 and 10 years after the money, SD; ``smallest``
    the peak below which a draw has no impact to keep; ``interval`` (2) the shares of draws below its ends. Written are
    the share of draws with an impact; mean peak; means of the two shares, and shares of draws in which half is left,
    over draws with an impact; then the interval of the peak and of the two shares.
    """
    n = lasts.shape[2]
    room = room_for(n, 2)
    shares = np.empty(n, np.float32)
    for row in range(lasts.shape[0]):
        out[row, 1] = _mean_and_ends(lasts[row, 0], interval, room, out[row, 6:8])
        with_impact = 0
        for d in range(n):
            with_impact += lasts[row, 0, d] > smallest
        out[row, 0] = with_impact / n
        for i in range(2):
            if not with_impact:
                out[row, 2 + i] = out[row, 4 + i] = np.nan
                out[row, 8 + 2 * i : 10 + 2 * i] = np.nan
                continue
            n_shares, halves = 0, 0
            for d in range(n):
                peak = lasts[row, 0, d]
                if peak > smallest:
                    shares[n_shares] = lasts[row, 1 + i, d] / peak
                    halves += shares[n_shares] >= HALF
                    n_shares += 1
            out[row, 4 + i] = halves / with_impact
            interval_of = out[row, 8 + 2 * i : 10 + 2 * i]
            out[row, 2 + i] = _mean_and_ends(shares[:n_shares], interval, room, interval_of)


@compiled
def _mean_and_ends(draws: np.ndarray, interval: np.ndarray, room: Room, out: np.ndarray) -> Number:
    """Write the ends of an interval and return the mean."""
    wanted = sought(interval, draws.size)
    at_ranks(draws, wanted.ranks, room, wanted.found)
    for e in range(2):
        out[e] = between(wanted, e, draws.size)
    return mean(draws)


@compiled
def follow(
    shape: Shape, draws: Draws, levers: Levers, latent: np.ndarray, asked: Asked, seen: Seen, summed: Summed
) -> None:
    """Write what a scenario does, an area at a time, without the interpreter in between.

    ``latent`` (area, series, year, draw) is the counterfactual, SD. ``seen`` has room for one area, and for the means
    over areas, which must be 0.
    """
    n_areas, n_draws, n_years = summed.left.shape[0], seen.held.shape[1], levers.spend.shape[2]
    room, quantiles = workspace_for(shape.capacity.size, n_years), sought(asked.shares, n_draws)
    selection, scratch = room_for(n_draws, quantiles.ranks.size), np.empty((8, n_draws), np.float32)
    for a in range(n_areas):
        area(shape, draws, levers, a, asked, seen, room)
        summed.held[a] = seen.held
        summed.gain[a] = seen.headline
        if asked.is_published:
            _outcomes(shape, latent, a, seen, summed, quantiles, selection, scratch)
            left(seen.lasts.reshape(-1, 3, n_draws), asked.smallest, asked.interval, summed.left[a].reshape(-1, 12))
    if asked.is_published:
        for means, out in (
            (seen.mean_projected, summed.projected[n_areas]),
            (seen.mean_impact, summed.impact[n_areas]),
        ):
            describe(means.reshape(-1, n_draws), asked.shares, out.reshape(-1, out.shape[2]))
