"""Gradient: what a plan is worth in each draw, and what one more of each activity would add to it.

The law of ``activity`` forwards, and then backwards: by the chain rule, exactly, what the objective gains from one more
of an intervention's activity in a year, and what it loses where that puts one more programme into schools.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.activity import BLOCK, HALF, MOST_SERVED, ONE, POINTS, SHARE, ZERO, activity
from oa_sim.compiled.gains import gains, laid_for
from oa_sim.compiled.jit import compiled
from oa_sim.compiled.outcomes import HUNDRED, LOG_PER_SD, MOST_POINTS, PUPIL_SD
from oa_sim.compiled.vector_math import exp, normal_below

ROOT_TWO_PI, SMALL = np.float32(np.sqrt(2 * np.pi)), np.float32(1e-12)


class Counts(NamedTuple):
    """What counts for how much, and in which draws."""

    # (area, measure, group, year): of a published figure over 100, in the objective's unit; where a measure has no
    # groups, what counts stands with the second
    figure: np.ndarray
    gain: np.ndarray  # (area, measure, group, year): of an SD
    factor: np.ndarray  # (block, group, draw): what each draw makes of them; 0 where a block is filled up


class Prices(NamedTuple):
    """What one more adds to the objective in a draw, times what the draw counts for."""

    activity: np.ndarray  # (area, block, intervention, year, draw): of the share of eligible pupils fully served
    presence: np.ndarray  # (area, block, intervention, year, draw): of the share of schools in which it is at work


@compiled
def _figured(kind, latent, out, slope):
    """Write hundredths of published figures (draw) and what one more SD would add; see ``outcomes.publish``."""
    if kind == SHARE:
        for d in range(latent.size):
            out[d] = normal_below(latent[d])
            slope[d] = exp(-HALF * latent[d] * latent[d]) / ROOT_TWO_PI
    elif kind == POINTS:
        for d in range(latent.size):
            points = latent[d] * PUPIL_SD
            inside = points > ZERO and points < MOST_POINTS
            out[d] = min(max(points, ZERO), MOST_POINTS) / HUNDRED
            slope[d] = PUPIL_SD / HUNDRED if inside else ZERO
    else:
        for d in range(latent.size):
            out[d] = exp(LOG_PER_SD * latent[d])
            slope[d] = LOG_PER_SD * out[d]


@compiled
def _counted(shape, counts, latent, a, b, m, t, lo, hi, gain, work, out):
    """Add what a measure's gain is worth in one year (draw), and write over the gain what one more would be."""
    n, kind, sign, share = hi - lo, shape.kind[m], shape.sign[m], shape.poor[a, m]
    before, after, slope, moved = work[0, :n], work[1, :n], work[2, :n], work[3, :n]
    for g in range(2):
        figure, direct, held = counts.figure[a, m, g, t], counts.gain[a, m, g, t], gain[m, g, t]
        factor = counts.factor[b, g]
        for d in range(n):
            out[d] += np.float64(direct * factor[d] * held[d])
        if shape.two_groups[m] and figure != ZERO:
            one = latent[a, shape.series[m] + g, t, lo:hi]
            _figured(kind, one, before, slope)
            for d in range(n):
                moved[d] = one[d] + sign * held[d]
            _figured(kind, moved, after, slope)
            for d in range(n):
                out[d] += np.float64(figure * factor[d] * (after[d] - before[d]))
                held[d] = factor[d] * (sign * figure * slope[d] + direct)
        elif shape.two_groups[m]:
            for d in range(n):
                held[d] = factor[d] * direct
    if not shape.two_groups[m]:  # all pupils are one series; what counts stands with the second group
        figure, factor = counts.figure[a, m, 1, t], counts.factor[b, 1]
        poor, other = gain[m, 0, t], gain[m, 1, t]
        one = latent[a, shape.series[m], t, lo:hi]
        _figured(kind, one, before, slope)
        for d in range(n):
            moved[d] = one[d] + sign * (share * poor[d] + (ONE - share) * other[d])
        _figured(kind, moved, after, slope)
        for d in range(n):
            out[d] += np.float64(figure * factor[d] * (after[d] - before[d]))
            worth = factor[d] * sign * figure * slope[d]
            poor[d] = share * worth + counts.factor[b, 0, d] * counts.gain[a, m, 0, t]
            other[d] = (ONE - share) * worth + factor[d] * counts.gain[a, m, 1, t]


@compiled
def _worth(shape, counts, latent, a, b, lo, hi, gain, work, out):
    """Write what the gain of one area is worth (draw), and over the gain what one more of it would be."""
    n = hi - lo
    for m in range(shape.channel.size):
        for t in range(gain.shape[2]):
            is_counted = False
            for g in range(2):
                is_counted |= counts.figure[a, m, g, t] != ZERO or counts.gain[a, m, g, t] != ZERO
            if is_counted:
                _counted(shape, counts, latent, a, b, m, t, lo, hi, gain, work, out)
            for g in range(2):
                for d in range(n if is_counted else 0, BLOCK):
                    gain[m, g, t, d] = ZERO


@compiled
def _of_given(shape, draws, b, k, channel, gain, own, out):
    """Write what one more of a gain newly given would add (year, draw), through every measure and year that sees it."""
    out[:] = ZERO
    n_years = out.shape[0]
    for m in range(shape.channel.size):
        if shape.channel[m] != channel or not shape.sees[k, m]:
            continue
        is_counted = False
        for t in range(n_years):
            for d in range(BLOCK):
                own[t, d] = shape.eligible[k, 0] * gain[m, 0, t, d] + shape.eligible[k, 1] * gain[m, 1, t, d]
                is_counted |= own[t, d] != ZERO
        if not is_counted:
            continue
        for since in range(n_years):
            sight = shape.sight[k, m, since]
            if sight > ZERO:
                kept = draws.kept[b, k, since]
                for t in range(n_years - since):
                    for d in range(BLOCK):
                        out[t, d] += sight * kept[d] * own[t + since, d]


@compiled
def _through_pupils(shape, draws, b, active, missed, gain, given, own, alone, of_missed, price):
    """Write what one more of each activity adds (intervention, year, draw), less what it takes from the others."""
    price[:] = ZERO
    of_missed[:] = ZERO
    for k in range(active.shape[0]):
        for channel in range(shape.meets.shape[0]):
            if not shape.reaches[k, channel]:
                continue
            _of_given(shape, draws, b, k, channel, gain, own, given)
            for t in range(active.shape[1]):
                for d in range(BLOCK):
                    alone[d] = ZERO
                for j in range(active.shape[0]):
                    share = shape.meets[channel, k, j]
                    if share > ZERO:
                        for d in range(BLOCK):
                            alone[d] += share * missed[j, t, d]
                for d in range(BLOCK):
                    met = (ONE - draws.overlap[b, d]) * exp(alone[d])
                    worth = given[t, d] * draws.effect[b, k, channel, d]
                    price[k, t, d] += worth * (draws.overlap[b, d] + met)
                    alone[d] = worth * active[k, t, d] * met
                for j in range(active.shape[0]):
                    share = shape.meets[channel, k, j]
                    if share > ZERO:
                        for d in range(BLOCK):
                            of_missed[j, t, d] += share * alone[d]
    for k in range(active.shape[0]):
        widest = shape.widest[k]
        for t in range(active.shape[1]):
            for d in range(BLOCK):
                served = active[k, t, d] * widest
                if served < MOST_SERVED:
                    price[k, t, d] -= of_missed[k, t, d] * widest / (ONE - served)


@compiled
def _through_schools(shape, draws, b, active, load, burden, price, presence):
    """Turn prices of activity that is left into those of activity before schools and events take from it.

    What an intervention's being in a school costs the others is written beside it; ``load`` holds by stage what schools
    lose, as ``activity`` leaves it.
    """
    for t in range(active.shape[1]):
        burden[:] = ZERO
        undisturbed, lost = draws.undisturbed[b, t], draws.lost_by_load[b]
        for k in range(active.shape[0]):
            mine, did = price[k, t], active[k, t]
            early, primary, secondary = shape.stage[k, 0], shape.stage[k, 1], shape.stage[k, 2]
            for d in range(BLOCK):
                left = ONE + load[0, t, d] * early + load[1, t, d] * primary + load[2, t, d] * secondary
                moved = mine[d] * did[d] / max(left, SMALL)
                burden[0, d] += moved * early
                burden[1, d] += moved * primary
                burden[2, d] += moved * secondary
                mine[d] *= left * undisturbed[d]
        for s in range(3):
            for d in range(BLOCK):
                burden[s, d] *= lost[d] * (ONE + load[s, t, d]) if load[s, t, d] < ZERO else ZERO
        for k in range(active.shape[0]):
            for d in range(BLOCK):
                presence[k, t, d] = ZERO
            for s in range(3):
                if shape.stage[k, s] > ZERO:
                    for d in range(BLOCK):
                        presence[k, t, d] += burden[s, d]


@compiled
def follow(shape, draws, levers, latent, counts, prices, is_priced, first, last, out):
    """Write what a plan is worth by area and draw, and, where asked for, prices.

    Parameters
    ----------
    shape, draws, levers
        The law, what draws make of it, and what is chosen; no area has a twin.
    latent : array (area, series, year, draw)
        What would have happened anyway, SD.
    counts
        What counts for how much.
    prices
        Where prices are written.
    is_priced
        Whether they are asked for.
    first, last
        Which areas.
    out : array (area, draw)
        Where the worth is written, in the objective's unit.
    """
    n_all, n_years, n_draws = shape.capacity.size, levers.spend.shape[2], out.shape[1]
    active, missed = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((n_all, n_years, BLOCK), np.float32)
    given, own = np.zeros((n_years, BLOCK), np.float32), np.zeros((n_years, BLOCK), np.float32)
    load, work = np.zeros((3, n_years, BLOCK), np.float32), np.zeros((9, BLOCK), np.float32)
    gain, live = np.zeros((shape.channel.size, 2, n_years, BLOCK), np.float32), np.zeros(n_all, np.bool_)
    of_missed, alone = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros(BLOCK, np.float32)
    burden, laid = np.zeros((3, BLOCK), np.float32), laid_for(n_years)
    for a in range(first, last):
        for b in range(draws.overlap.shape[0]):
            lo, hi = b * BLOCK, min((b + 1) * BLOCK, n_draws)
            missed[:] = ZERO
            activity(shape, draws, levers, a, b, active, live, work, load)
            gains(shape, draws, b, active, live, missed, laid, gain)
            out[a, lo:hi] = 0.0
            _worth(shape, counts, latent, a, b, lo, hi, gain, work, out[a, lo:hi])
            if is_priced:
                price, presence = prices.activity[a, b], prices.presence[a, b]
                _through_pupils(shape, draws, b, active, missed, gain, given, own, alone, of_missed, price)
                _through_schools(shape, draws, b, active, load, burden, price, presence)
