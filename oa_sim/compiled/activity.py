"""Activity: the activity of one area in one compiled sweep over its draws, in single precision.

What ``delivered_effects`` and ``delivery`` say in double precision with names, said again for the machine:
draws lie last, side by side in memory, and are followed a block at a time, which stays near the processor. What
activity adds to the measures is followed in ``gains``, and what is read off it in ``outcomes``; a test holds every
summary to the law that readers read.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.jit import compiled
from oa_sim.compiled.vector_math import exp

BLOCK = 256  # draws followed at a time; the quickest of 128, 256 and 512 where it was measured
SHARE, POINTS, RATE = 0, 1, 2  # how a measure is published
MOST_SERVED = np.float32(0.999)
LOCAL, WITH, READY, BOTH, BEFORE, STANDING, MOST, SCHOOL, WIDE = range(9)  # rows of what is worked on
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


@compiled
def reach(spend, capacity, cost, b, k, out, row):
    """Write the share of eligible pupils that money reaches; see ``delivered_effects.reach``."""
    for d in range(BLOCK):
        out[row, d] = capacity * (ONE - exp(-spend / (cost[b, k, d] * capacity)))


@compiled
def ramp_integral(late, ramp):
    """Return how many years of full delivery have come, years after the first, while it ramps up; see ``delivery``."""
    late = max(late, ZERO)
    return late * late / (TWO * ramp) if late < ramp else late - ramp * HALF


@compiled
def readiness(since, lag, ramp, b, wait, k, out, row):
    """Write the share of planned delivery that falls within a year; see ``delivery.delivered``."""
    start = np.float32(since)
    for d in range(BLOCK):
        late, width = start - lag[b, wait, d], ramp[b, k, d]
        out[row, d] = ramp_integral(late + ONE, width) - ramp_integral(late, width)


@compiled
def unpaid_step(draws, b, k, work, active, t):
    """Write what is funded and what goes on unpaid in one year, from the year before; see ``delivery.unpaid``."""
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
                reach(spend, capacity, draws.unit_cost, b, k, work, LOCAL)
                spent = spend
            if spend > ZERO:
                since = t - levers.since[a, k]
                readiness(since, levers.lag, draws.ramp, b, levers.wait[a, k], k, work, READY)
            for d in range(BLOCK):
                work[BOTH, d] = work[LOCAL, d] * work[READY, d]
            if beside > ZERO:
                reach(spend + beside, capacity, draws.unit_cost, b, k, work, WITH)
                for d in range(BLOCK):
                    work[BOTH, d] += work[WITH, d] - work[LOCAL, d]
            unpaid_step(draws, b, k, work, active, t)
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
