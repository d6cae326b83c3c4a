"""Gradient: what a plan is worth in each draw, and what one more activity, and one more pound, would add to it.

``follow`` is the law of ``activity`` and ``gains`` forwards, and then backwards: by the chain rule, exactly, what the
objective gains from one more of an intervention's activity in a year, and what it loses where that puts one more
programme into schools. At these prices ``worths`` and ``slopes`` give what the money of one line brings and what one
more pound in each year adds, draw by draw. Where the law has a kink, the slope is that of one side.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled import scalar_laws as laws
from oa_sim.compiled.activity import (
    BLOCK,
    N_ROWS,
    N_STAGES,
    ONE,
    ZERO,
    Draws,
    Levers,
    Line,
    Shape,
    Workspace,
    activity,
    begin_line,
    follow_year,
    line_presence,
    workspace_for,
)
from oa_sim.compiled.gains import gains, log_alone
from oa_sim.compiled.jit import Number, compiled
from oa_sim.inference.link_functions import POINTS, RATE, SHARE
from oa_sim.programme.laws import MOST_SERVED as MOST

MOST_SERVED, SMALL = np.float32(MOST), np.float32(1e-12)


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


class Backward(NamedTuple):
    """The arrays that the pass backwards works in."""

    own: np.ndarray  # (year, draw of the block): worth of a gain of the pupils of one intervention
    new: np.ndarray  # (year, draw of the block): worth of one more new gain
    alone: np.ndarray  # (year, draw of the block): log of the chance that no other programme serves a pupil
    of_unserved: np.ndarray  # (intervention, year, draw of the block): worth of one more of the log of those not served


@compiled
def _fractions(kind: int, latent: np.ndarray, out: np.ndarray, slopes: np.ndarray) -> None:
    """Write hundredths of published figures (draw) and what one more SD would add."""
    # The kind is a constant in each call, as in ``outcomes.publish``.
    if kind == SHARE:
        _fractions_of(SHARE, latent, out, slopes)
    elif kind == POINTS:
        _fractions_of(POINTS, latent, out, slopes)
    else:
        _fractions_of(RATE, latent, out, slopes)


@compiled
def _fractions_of(kind: int, latent: np.ndarray, out: np.ndarray, slopes: np.ndarray) -> None:
    for d in range(latent.size):
        out[d], slopes[d] = laws.fraction(kind, latent[d]), laws.slope(kind, latent[d])


@compiled
def _count_gain(direct: Number, factor: np.ndarray, gain: np.ndarray, out: np.ndarray) -> None:
    """Add what a gain counts for directly (draw)."""
    for d in range(out.size):
        out[d] += np.float64(direct * factor[d] * gain[d])


@compiled
def _count_figure(
    kind: int, figure: Number, factor: np.ndarray, latent: np.ndarray, moved: np.ndarray, work: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Add what the change of a published figure counts for (draw), and leave the slope in the third row of ``work``."""
    before, after, slopes = work[0, : out.size], work[1, : out.size], work[2, : out.size]
    _fractions(kind, latent, before, slopes)
    _fractions(kind, moved, after, slopes)
    for d in range(out.size):
        out[d] += np.float64(figure * factor[d] * (after[d] - before[d]))


@compiled
def _count_groups(
    shape: Shape, counts: Counts, latent: np.ndarray, a: int, b: int, m: int, t: int, gain: np.ndarray,
    work: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Add the worth in one year (draw) of a measure of two groups; its gain becomes the slope of that worth."""
    n, sign, slopes, moved = out.size, shape.sign[m], work[2], work[3, : out.size]
    for g in range(2):
        figure, direct = counts.figure[a, m, g, t], counts.gain[a, m, g, t]
        factor, own = counts.factor[b, g], gain[m, g, t]
        _count_gain(direct, factor, own, out)
        if figure != ZERO:
            of_group = latent[shape.series[m] + g]
            for d in range(n):
                moved[d] = of_group[d] + sign * own[d]
            _count_figure(shape.kind[m], figure, factor, of_group, moved, work, out)
            for d in range(n):
                own[d] = factor[d] * (sign * figure * slopes[d] + direct)
        else:
            for d in range(n):
                own[d] = factor[d] * direct


@compiled
def _count_everyone(
    shape: Shape, counts: Counts, latent: np.ndarray, a: int, b: int, m: int, t: int, gain: np.ndarray,
    work: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Do what ``_count_groups`` does, for a measure of all pupils alone; what counts stands with the second group."""
    sign, share, slopes, moved = shape.sign[m], shape.poor[a, m], work[2], work[3, : out.size]
    figure, direct, factor = counts.figure[a, m, 1, t], counts.gain[a, m, :, t], counts.factor[b]
    disadvantaged, other, of_all = gain[m, 0, t], gain[m, 1, t], latent[shape.series[m]]
    for g in range(2):
        _count_gain(direct[g], factor[g], gain[m, g, t], out)
    for d in range(out.size):
        moved[d] = of_all[d] + sign * (share * disadvantaged[d] + (ONE - share) * other[d])
    _count_figure(shape.kind[m], figure, factor[1], of_all, moved, work, out)
    for d in range(out.size):
        worth = factor[1, d] * sign * figure * slopes[d]
        disadvantaged[d] = share * worth + factor[0, d] * direct[0]
        other[d] = (ONE - share) * worth + factor[1, d] * direct[1]


@compiled
def _count(
    shape: Shape, counts: Counts, latent: np.ndarray, a: int, b: int, lo: int, hi: int, gain: np.ndarray,
    work: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what the gain of one area is worth (draw); the gain becomes what one more of it would be worth."""
    for m in range(shape.channel.size):
        for t in range(gain.shape[2]):
            is_counted = False
            for g in range(2):
                is_counted |= counts.figure[a, m, g, t] != ZERO or counts.gain[a, m, g, t] != ZERO
            if is_counted and shape.two_groups[m]:
                _count_groups(shape, counts, latent[a, :, t, lo:hi], a, b, m, t, gain, work, out)
            elif is_counted:
                _count_everyone(shape, counts, latent[a, :, t, lo:hi], a, b, m, t, gain, work, out)
            for g in range(2):
                for d in range(hi - lo if is_counted else 0, BLOCK):
                    gain[m, g, t, d] = ZERO


@compiled
def _worth_of_new_gain(
    shape: Shape, draws: Draws, b: int, k: int, channel: int, gain: np.ndarray, own: np.ndarray, out: np.ndarray
) -> None:
    """Write what one more new gain is worth (year, draw), through every measure and year that sees it."""
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
        if is_counted:
            _correlate(shape.sight[k, m], draws.kept[b, k], own, out)


@compiled
def _correlate(sight: np.ndarray, retention: np.ndarray, own: np.ndarray, out: np.ndarray) -> None:
    """Add to a year what the years after it see of it: ``gains.convolve``, backwards."""
    n_years = sight.size
    for since in range(n_years):
        if sight[since] > ZERO:
            for t in range(n_years - since):
                for d in range(BLOCK):
                    out[t, d] += sight[since] * retention[since, d] * own[t + since, d]


@compiled
def _through_pupils(
    shape: Shape, draws: Draws, b: int, room: Workspace, gain: np.ndarray, backward: Backward, price: np.ndarray
) -> None:
    """Write what one more of each activity adds (intervention, year, draw), less what it takes from the others."""
    active = room.active
    price[:] = ZERO
    backward.of_unserved[:] = ZERO

    # Each channel of an intervention: what its own activity adds, and what it would add were other programmes to serve
    # fewer of its pupils, which is kept by the log of the share whom they do not serve.
    for k in range(active.shape[0]):
        for channel in range(shape.meets.shape[0]):
            if shape.reaches[k, channel]:
                _worth_of_new_gain(shape, draws, b, k, channel, gain, backward.own, backward.new)
                meets, effect = shape.meets[channel, k], draws.effect[b, k, channel]
                log_alone(meets, room.live, room.unserved, backward.alone)
                for t in range(active.shape[1]):
                    _overlap_backwards(meets, effect, draws.overlap[b], k, t, active, backward, price)

    # From that log back to the activity of the programme that serves them.
    for k in range(active.shape[0]):
        widest = shape.widest[k]
        for t in range(active.shape[1]):
            for d in range(BLOCK):
                served = active[k, t, d] * widest
                if served < MOST_SERVED:
                    price[k, t, d] -= backward.of_unserved[k, t, d] * widest / (ONE - served)


@compiled
def _overlap_backwards(
    meets: np.ndarray, effect: np.ndarray, kept: np.ndarray, k: int, t: int, active: np.ndarray, backward: Backward,
    price: np.ndarray,
) -> None:  # fmt: skip
    """Add what one more activity of an intervention in a year is worth, and what its overlap with others costs it."""
    alone = backward.alone[t]
    for d in range(BLOCK):
        by_log = laws.overlap_slope(kept[d], alone[d])
        worth = backward.new[t, d] * effect[d]
        price[k, t, d] += worth * (kept[d] + by_log)  # which is ``overlap_left``
        alone[d] = worth * active[k, t, d] * by_log
    for j in range(active.shape[0]):
        if meets[j] > ZERO:
            for d in range(BLOCK):
                backward.of_unserved[j, t, d] += meets[j] * alone[d]


@compiled
def _through_schools(
    shape: Shape, draws: Draws, b: int, room: Workspace, burden: np.ndarray, price: np.ndarray, presence: np.ndarray
) -> None:
    """Turn prices of activity that is left into those of activity before schools and events take from it.

    What an intervention's being in a school costs the others is written beside it; ``load`` holds by stage what schools
    lose, as ``activity`` leaves it.
    """
    active, load = room.active, room.load
    for t in range(active.shape[1]):
        # What one more of a stage's fidelity would be worth, summed over the interventions there.
        burden[:] = ZERO
        undisturbed = draws.undisturbed[b, t]
        for k in range(active.shape[0]):
            own, served = price[k, t], active[k, t]
            early, primary, secondary = shape.stage[k, 0], shape.stage[k, 1], shape.stage[k, 2]
            for d in range(BLOCK):
                left = ONE + load[0, t, d] * early + load[1, t, d] * primary + load[2, t, d] * secondary
                moved = own[d] * served[d] / max(left, SMALL)
                burden[0, d] += moved * early
                burden[1, d] += moved * primary
                burden[2, d] += moved * secondary
                own[d] *= left * undisturbed[d]
        _presence_prices(shape, draws.lost_by_load[b], load[:, t], burden, t, presence)


@compiled
def _presence_prices(
    shape: Shape, log_kept: np.ndarray, load: np.ndarray, burden: np.ndarray, t: int, presence: np.ndarray
) -> None:
    """Write what one more programme in schools costs in a year, from what its fidelity is worth by stage."""
    for s in range(N_STAGES):
        for d in range(BLOCK):
            burden[s, d] *= log_kept[d] * (ONE + load[s, d]) if load[s, d] < ZERO else ZERO
    for k in range(presence.shape[0]):
        presence[k, t] = ZERO
        for s in range(N_STAGES):
            if shape.stage[k, s] > ZERO:
                for d in range(BLOCK):
                    presence[k, t, d] += burden[s, d]


@compiled
def follow(
    shape: Shape, draws: Draws, levers: Levers, latent: np.ndarray, counts: Counts, prices: Prices, is_priced: bool,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what a plan is worth by area and draw, in the objective's unit, and, where asked for, prices.

    No area has a twin. ``latent`` (area, series, year, draw) is the counterfactual, SD; areas are followed from
    ``first`` to the one before ``last``.
    """
    n_years, n_draws = levers.spend.shape[2], out.shape[1]
    room, burden = workspace_for(shape.capacity.size, n_years), np.zeros((N_STAGES, BLOCK), np.float32)
    gain = np.zeros((shape.channel.size, 2, n_years, BLOCK), np.float32)
    own = room.in_year
    backward = Backward(own, np.zeros_like(own), np.zeros_like(own), np.zeros_like(room.active))
    for a in range(first, last):
        for b in range(draws.overlap.shape[0]):
            # Forwards: activity, gain, and what it is worth. Then backwards through each of them.
            lo, hi = b * BLOCK, min((b + 1) * BLOCK, n_draws)
            activity(shape, draws, levers, a, b, room)
            gains(shape, draws, b, room, gain)
            out[a, lo:hi] = 0.0
            _count(shape, counts, latent, a, b, lo, hi, gain, room.work, out[a, lo:hi])
            if is_priced:
                price, presence = prices.activity[a, b], prices.presence[a, b]
                _through_pupils(shape, draws, b, room, gain, backward, price)
                _through_schools(shape, draws, b, room, burden, price, presence)


class Courses(NamedTuple):
    """Courses of money, a row each."""

    area: np.ndarray  # (course)
    intervention: np.ndarray  # (course)
    spend: np.ndarray  # (course, year): GBP for each eligible pupil
    since: np.ndarray  # (course): index of the first year with money
    wait: np.ndarray  # (course): row of the lags


@compiled
def _line(courses: Courses, i: int, beside: np.ndarray) -> Line:
    a, k = courses.area[i], courses.intervention[i]
    return Line(a, k, courses.spend[i], beside[a, k], courses.since[i], courses.wait[i])


@compiled
def _slope(
    line: Line, shape: Shape, draws: Draws, lag: np.ndarray, prices: Prices, u: int, b: int, d: int, until: int
) -> Number:
    """Return what one more pound for each eligible pupil in year u adds in one draw."""
    a, k = line.area, line.intervention
    cost, ramp, factor = draws.unit_cost[b, k, d], draws.ramp[b, k, d], draws.wider[b, k, d]
    capacity = shape.capacity[k]
    ceiling, quality = capacity * factor, draws.dose[b, k, d] * draws.delivery[b, a, d]
    per_standing, later, released = ONE / (ceiling * quality), draws.later[b, k, d], draws.goes_on[b, k, d]
    before = standing = d_before = d_standing = ready = total = ZERO

    # The law of ``follow_year`` for one draw. Beside each quantity x stands d_x, by how much one more pound in year u
    # moves it: what is spent in that year alone has a slope of its own, and the years after it inherit one.
    for t in range(until):
        spend, extra = line.spend[t], line.beside[t]
        local, d_local = laws.reach(spend, cost, ONE, capacity), ZERO
        if t == u:
            d_local = laws.reach_slope(spend, cost, ONE, capacity)
        if spend > ZERO:
            begins = np.float32(t - line.since) - lag[b, line.wait, d]
            ready = laws.delivered_share(begins, begins + ONE, ramp)
        reached, d_reached = local * ready, d_local * ready
        if extra > ZERO:
            reached += laws.reach(spend + extra, cost, ONE, capacity) - local
            d_reached += (laws.reach_slope(spend + extra, cost, ONE, capacity) if t == u else ZERO) - d_local
        funded, d_funded = laws.funded_activity(reached, factor, quality, ceiling), ZERO
        if funded < ceiling:
            d_funded = d_reached * factor * quality

        # Unpaid activity: more money this year takes some of it over, or releases less.
        change, d_change = funded - before, d_funded - d_before
        if standing < max(change, ZERO):
            d_standing = ZERO
        else:
            d_standing = later * (d_standing - (d_change if change > ZERO else ZERO))
        if change < ZERO:
            d_standing -= released * d_change
        standing = laws.unpaid_step(standing, change, later, released)
        before, d_before = funded, d_funded

        # What the year's activity is worth, and what its presence in schools costs the others there.
        here = laws.presence(local * ready, capacity, standing * per_standing)
        d_active = d_funded + d_standing if funded + standing < ceiling else ZERO
        d_here = d_local * ready / capacity + d_standing * per_standing if here < ONE else ZERO
        total += prices.activity[a, b, k, t, d] * d_active + prices.presence[a, b, k, t, d] * d_here
    return total


@compiled
def slopes(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, prices: Prices, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what one more pound for each eligible pupil brings in each year (course, year); see ``worths``."""
    for i in range(first, last):
        line = _line(courses, i, beside)
        for u in range(out.shape[1]):
            total = 0.0
            for b in range(draws.overlap.shape[0]):
                for d in range(BLOCK):
                    total += np.float64(_slope(line, shape, draws, lag, prices, u, b, d, until))
            out[i, u] = total


@compiled
def worths(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, prices: Prices, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write what each course of money brings (course), in the objective's unit, one after another.

    ``beside`` (area, intervention, year) is the money of national programmes, GBP for each eligible pupil, and ``lag``
    (block, row, draw) the years from the first money to the first delivery. Each price holds what its draw counts for.
    ``until`` is how many years are priced, ``first`` and ``last`` are which courses.
    """
    n_all, n_years = shape.capacity.size, courses.spend.shape[1]
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((N_ROWS, BLOCK), np.float32)
    worth_of_draw = np.zeros(BLOCK, np.float32)
    for i in range(first, last):
        line, k = _line(courses, i, beside), courses.intervention[i]
        worth_of_draw[:] = ZERO
        for b in range(draws.overlap.shape[0]):
            begin_line(line, shape, draws, b, work)
            for t in range(until):
                follow_year(line, t, shape, draws, lag, b, work, active)
                of_activity, of_presence = prices.activity[line.area, b, k, t], prices.presence[line.area, b, k, t]
                for d in range(BLOCK):
                    here = line_presence(shape.capacity[k], work, d)
                    worth_of_draw[d] += of_activity[d] * active[k, t, d] + of_presence[d] * here
        total = 0.0
        for d in range(BLOCK):
            total += np.float64(worth_of_draw[d])
        out[i] = total


@compiled
def presences(
    shape: Shape, draws: Draws, beside: np.ndarray, lag: np.ndarray, counted: np.ndarray, courses: Courses, until: int,
    first: int, last: int, out: np.ndarray,
) -> None:  # fmt: skip
    """Write the mean share of schools in which each line is at work (course, year); see ``worths``.

    ``counted`` (block, draw) is what each draw counts for; they sum to 1.
    """
    n_all, n_years = shape.capacity.size, courses.spend.shape[1]
    active, work = np.zeros((n_all, n_years, BLOCK), np.float32), np.zeros((N_ROWS, BLOCK), np.float32)
    for i in range(first, last):
        line, capacity = _line(courses, i, beside), shape.capacity[courses.intervention[i]]
        out[i] = 0.0
        for b in range(draws.overlap.shape[0]):
            begin_line(line, shape, draws, b, work)
            for t in range(until):
                follow_year(line, t, shape, draws, lag, b, work, active)
                for d in range(BLOCK):
                    out[i, t] += np.float64(counted[b, d] * line_presence(capacity, work, d))
