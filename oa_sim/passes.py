"""Passes: the law of one area in one compiled sweep over its draws, in single precision; nothing is kept but summaries.

What ``interventions``, ``survival``, ``cohort`` and ``impact`` say in double precision with names, said again for the
machine: draws lie last, side by side in memory, and are followed a block at a time, which stays near the processor.
What cohorts keep is one number for each year since, made once, so a year's gift is laid over the years by multiplying.
A test holds every summary to the law that readers read.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.arithmetic import exp, log
from oa_sim.compiled import compiled

BLOCK = 256  # draws followed at a time; the quickest of 128, 256 and 512 where it was measured
SHARE, POINTS, RATE = 0, 1, 2  # how a measure is published
MOST_SERVED = np.float32(0.999)
LOCAL, WITH, READY, BOTH, BEFORE, STANDING, MOST, SCHOOL, WIDE = range(9)  # rows of what is worked on
TILE = 4  # years, and terms, that are multiplied together
LEAD = 2 * (TILE - 1)  # years before the first, in which nothing is given
ZERO, HALF, ONE, TWO = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0))


class Shape(NamedTuple):
    """Who serves whom and what reads it, which no draw changes."""

    capacity: np.ndarray  # (intervention)
    widest: np.ndarray  # (intervention): share of the group that it serves most
    eligible: np.ndarray  # (intervention, 2)
    stage: np.ndarray  # (intervention, 3): share of its year groups in each stage of schooling
    meets: np.ndarray  # (channel, intervention, other): share of the year groups that both serve
    reaches: np.ndarray  # (intervention, channel): whether any measure there sees it
    sees: np.ndarray  # (intervention, measure): whether the measure sees it
    sight: np.ndarray  # (intervention, measure, years since): share of a measure's pupils who were served then
    channel: np.ndarray  # (measure): index of the channel that moves it
    alike: np.ndarray  # (measure): the first measure that sees the same of every intervention
    sign: np.ndarray  # (measure): -1 where lower is better
    kind: np.ndarray  # (measure): SHARE, POINTS or RATE
    series: np.ndarray  # (measure): its first series among those that are modelled
    row: np.ndarray  # (measure): its first row among those that are published
    two_groups: np.ndarray  # (measure): whether disadvantaged and other pupils are modelled, and all derived
    poor: np.ndarray  # (area, measure): disadvantaged share of the pupils that it describes


class Draws(NamedTuple):
    """What each draw does to a unit of activity: (block, intervention, draw of the block) unless said."""

    unit_cost: np.ndarray
    ramp: np.ndarray
    wider: np.ndarray
    dose: np.ndarray
    goes_on: np.ndarray  # survival of the first year times quality
    later: np.ndarray
    effect: np.ndarray  # (block, intervention, channel, draw)
    kept: np.ndarray  # (block, intervention, years since, draw): of a gain, by pupils who stay
    delivery: np.ndarray  # (block, area, draw)
    overlap: np.ndarray  # (block, draw)
    lost_by_load: np.ndarray  # (block, draw): log of what is left of fidelity for each programme too many
    spill: np.ndarray  # (block, draw)
    undisturbed: np.ndarray  # (block, year, draw): share of activity that events leave


class Levers(NamedTuple):
    """What a scenario chooses, by area."""

    spend: np.ndarray  # (area, intervention, year), GBP for each eligible pupil
    beside: np.ndarray  # the same of national programmes
    offers: np.ndarray  # (area, stage, year)
    since: np.ndarray  # (area, intervention): index of the first funded year
    wait: np.ndarray  # (area, intervention): row of ``lag``
    lag: np.ndarray  # (block, row, draw): years from the first money to the first delivery
    takes: np.float32  # programmes that a school can take on
    sources: np.ndarray  # (area, at most): twins whose activity spills over; -1: none
    worth: np.ndarray  # (year): of a gain held in that year, present value at 1


class Laid(NamedTuple):
    """Room in which a year's gift is laid over the years."""

    given: np.ndarray  # (LEAD + year, draw of the block): gain newly given, after years in which nothing is
    weight: np.ndarray  # (term, draw of the block): what a measure sees of what was given so many years ago


@compiled
def _reached(spend, capacity, cost, b, k, out, row):
    """Write the share of eligible pupils that money reaches; see ``interventions.reach``."""
    for d in range(BLOCK):
        out[row, d] = capacity * (ONE - exp(-spend / (cost[b, k, d] * capacity)))


@compiled
def _below(late, ramp):
    late = max(late, ZERO)
    return late * late / (TWO * ramp) if late < ramp else late - ramp * HALF


@compiled
def _ready(since, lag, ramp, b, wait, k, out, row):
    """Write the share of planned delivery that falls within a year; see ``delivery.delivered``."""
    start = np.float32(since)
    for d in range(BLOCK):
        late, width = start - lag[b, wait, d], ramp[b, k, d]
        out[row, d] = _below(late + ONE, width) - _below(late, width)


@compiled
def _go_on(draws, b, k, work, active, t):
    """Write what is funded and what goes on unpaid in one year, from the year before; see ``survival.unpaid``."""
    for d in range(BLOCK):
        most = work[MOST, d]
        funded = min(work[BOTH, d] * draws.wider[b, k, d] * work[SCHOOL, d], most)
        change = funded - work[BEFORE, d]
        left = draws.later[b, k, d] * max(work[STANDING, d] - max(change, ZERO), ZERO)
        left += draws.goes_on[b, k, d] * max(-change, ZERO)
        work[BEFORE, d] = funded
        work[STANDING, d] = left
        active[k, t, d] = min(funded + left, most)


@compiled
def _present(capacity, work, load, s, t):
    """Add the share of schools in which an intervention is at work to the load of a stage."""
    for d in range(BLOCK):
        here = work[LOCAL, d] * work[READY, d] / capacity + work[STANDING, d] * work[WIDE, d]
        load[s, t, d] += min(here, ONE)


@compiled
def activity(shape, draws, levers, a, b, active, live, work, load):
    """Write the activity of each intervention in one area (intervention, year, draw), and which have any."""
    load[:] = ZERO
    for k in range(active.shape[0]):
        live[k] = levers.spend[a, k].any() or levers.beside[a, k].any()
        if not live[k]:
            active[k] = ZERO
            continue
        capacity, spent = shape.capacity[k], ZERO
        work[:] = ZERO
        for d in range(BLOCK):
            work[MOST, d] = capacity * draws.wider[b, k, d]
            work[SCHOOL, d] = draws.dose[b, k, d] * draws.delivery[b, a, d]
            work[WIDE, d] = ONE / (work[MOST, d] * work[SCHOOL, d])
        for t in range(active.shape[1]):
            spend, beside = levers.spend[a, k, t], levers.beside[a, k, t]
            if spend != spent:
                _reached(spend, capacity, draws.unit_cost, b, k, work, LOCAL)
                spent = spend
            if spend > ZERO:
                since = t - levers.since[a, k]
                _ready(since, levers.lag, draws.ramp, b, levers.wait[a, k], k, work, READY)
            for d in range(BLOCK):
                work[BOTH, d] = work[LOCAL, d] * work[READY, d]
            if beside > ZERO:
                _reached(spend + beside, capacity, draws.unit_cost, b, k, work, WITH)
                for d in range(BLOCK):
                    work[BOTH, d] += work[WITH, d] - work[LOCAL, d]
            _go_on(draws, b, k, work, active, t)
            for s in range(3):
                if shape.stage[k, s] > ZERO:
                    _present(capacity, work, load, s, t)
    _burdened(shape, draws, levers, a, b, active, live, load)


@compiled
def _burdened(shape, draws, levers, a, b, active, live, load):
    """Take from activity what schools that are offered too much lose, and what events do; see ``delivery.fidelity``."""
    for s in range(3):
        for t in range(active.shape[1]):
            offered = levers.offers[a, s, t] - levers.takes
            for d in range(BLOCK):
                load[s, t, d] = exp(max(load[s, t, d] + offered, ZERO) * draws.lost_by_load[b, d]) - ONE
    for k in range(active.shape[0]):
        if live[k]:
            early, primary, secondary = shape.stage[k, 0], shape.stage[k, 1], shape.stage[k, 2]
            for t in range(active.shape[1]):
                for d in range(BLOCK):
                    less = load[0, t, d] * early + load[1, t, d] * primary + load[2, t, d] * secondary
                    active[k, t, d] *= (ONE + less) * draws.undisturbed[b, t, d]


@compiled
def taken_up(shape, draws, levers, a, b, active, live, work, load):
    """Add what an area takes up of its twins' activity a year later, up to what it can reach."""
    taken, other, theirs = np.zeros_like(active), np.empty_like(active), np.empty_like(live)
    for source in levers.sources[a]:
        if source >= 0:
            activity(shape, draws, levers, source, b, other, theirs, work, load)
            for k in range(active.shape[0]):
                live[k] |= theirs[k]
                for t in range(1, active.shape[1]):
                    for d in range(BLOCK):
                        taken[k, t, d] += draws.spill[b, d] * other[k, t - 1, d]
    for k in range(active.shape[0]):
        for t in range(active.shape[1]):
            for d in range(BLOCK):
                own = active[k, t, d]
                active[k, t, d] = max(own, min(own + taken[k, t, d], shape.capacity[k]))


@compiled
def _log_missed(active, k, widest, missed):
    """Write the log of the chance that an intervention does not reach a pupil of the group that it serves most."""
    for t in range(active.shape[1]):
        for d in range(BLOCK):
            missed[k, t, d] = log(ONE - min(active[k, t, d] * widest, MOST_SERVED))


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
                    for g in range(2):
                        if shape.eligible[k, g] > ZERO:
                            _laid_over(shape.eligible[k, g], shape.sight[k, m], draws.kept[b, k], laid, gain[m, g])
    for m in range(gain.shape[0]):
        if shape.alike[m] != m:
            _copied(gain[shape.alike[m]], gain[m])


@compiled
def _given(meets, draws, b, k, channel, active, live, missed, laid):
    """Write the gain newly given in each year, less what is lost where programmes meet on one pupil."""
    alone = laid.weight[0]
    for t in range(active.shape[1]):
        given = laid.given[LEAD + t]
        for d in range(BLOCK):
            alone[d] = ZERO
        for other in range(missed.shape[0]):
            share = meets[channel, k, other]
            if share > ZERO and live[other]:
                for d in range(BLOCK):
                    alone[d] += share * missed[other, t, d]
        for d in range(BLOCK):
            left = ONE + (ONE - draws.overlap[b, d]) * (exp(alone[d]) - ONE)
            given[d] = active[k, t, d] * draws.effect[b, k, channel, d] * left


@compiled
def _laid_over(share, sight, kept, laid, gain):
    """Add to a group's gain (year, draw) what a measure sees of what its share was given in all the years before."""
    n_years = sight.size
    first, last = 0, n_years - 1
    while sight[first] == ZERO:
        first += 1
    while sight[last] == ZERO:
        last -= 1
    n_terms = -(-(last + 1 - first) // TILE) * TILE
    for i in range(n_terms):
        since = first + i
        part = share * sight[since] if since <= last else ZERO
        for d in range(BLOCK):
            laid.weight[i, d] = part * kept[min(since, n_years - 1), d]
    given, weight, own, over = laid.given.reshape(-1), laid.weight.reshape(-1), gain.reshape(-1), n_years % TILE
    for i in range(0, n_terms, TILE):
        terms = weight[i * BLOCK : (i + TILE) * BLOCK]
        before = LEAD - first - i - (TILE - 1)  # the first of the years that a year sees through these terms
        for t in range(0, n_years - over, TILE):
            if before + t >= 0:
                years = given[(before + t) * BLOCK : (before + t + 2 * TILE - 1) * BLOCK]
                _four_years(terms, years, own[t * BLOCK : (t + TILE) * BLOCK])
        for t in range(max(n_years - over, first + i), n_years):
            _year(terms, given[(before + t) * BLOCK : (before + t + TILE) * BLOCK], own[t * BLOCK : (t + 1) * BLOCK])


@compiled
def _four_years(weight, given, own):
    """Add to four years what they see through four terms: what is read once is used four times."""
    for d in range(BLOCK):
        w0, w1, w2, w3 = weight[d], weight[d + BLOCK], weight[d + 2 * BLOCK], weight[d + 3 * BLOCK]
        g0, g1, g2, g3 = given[d], given[d + BLOCK], given[d + 2 * BLOCK], given[d + 3 * BLOCK]
        g4, g5, g6 = given[d + 4 * BLOCK], given[d + 5 * BLOCK], given[d + 6 * BLOCK]
        own[d] += w0 * g3 + w1 * g2 + w2 * g1 + w3 * g0
        own[d + BLOCK] += w0 * g4 + w1 * g3 + w2 * g2 + w3 * g1
        own[d + 2 * BLOCK] += w0 * g5 + w1 * g4 + w2 * g3 + w3 * g2
        own[d + 3 * BLOCK] += w0 * g6 + w1 * g5 + w2 * g4 + w3 * g3


@compiled
def _year(weight, given, own):
    """Add to a year what it sees through four terms."""
    for d in range(BLOCK):
        late = weight[d] * given[d + 3 * BLOCK] + weight[d + BLOCK] * given[d + 2 * BLOCK]
        own[d] += late + (weight[d + 2 * BLOCK] * given[d + BLOCK] + weight[d + 3 * BLOCK] * given[d])


@compiled
def _copied(source, target):
    one, other = source.reshape(-1), target.reshape(-1)
    for i in range(one.size):
        other[i] = one[i]
