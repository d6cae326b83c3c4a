"""Activity: the activity of one area in one compiled pass over its draws, in single precision.

The loops over what ``delivered_effects`` and ``delivery`` do with names; the equations are those of ``scalar_laws``.
Draws lie last, side by side in memory, and are followed a block at a time, which stays in the processor's cache. What
activity adds to the measures is followed in ``gains``, and what is read off it in ``outcomes``; a test holds every
summary to the plain law.
"""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled.jit import Number, compiled
from oa_sim.compiled.scalar_laws import (
    delivered_share,
    fidelity,
    funded_activity,
    presence,
    reach,
    unpaid_step,
    with_take_up,
)

BLOCK = 256  # draws followed at a time; the quickest of 128, 256 and 512 where it was measured
# rows of the working array, each (draw of the block)
LOCAL_REACH, ALL_REACH, READY, REACHED, FUNDED_BEFORE, STANDING, CEILING, QUALITY, PER_STANDING = range(9)
N_ROWS, N_STAGES = 9, 3
TILE = 4  # years, and terms, that a convolution over the years multiplies together
LEAD = 2 * (TILE - 1)  # years before the first, in which nothing is given
ZERO, ONE = np.float32(0.0), np.float32(1.0)


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
    kind: np.ndarray  # (measure): ``SHARE``, ``POINTS`` or ``RATE`` of ``link_functions``
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


class Workspace(NamedTuple):
    """The arrays in which one area is followed, a block of draws at a time."""

    active: np.ndarray  # (intervention, year, draw of the block)
    unserved: np.ndarray  # the same: log of the chance that it does not serve a pupil
    live: np.ndarray  # (intervention): whether it has any money
    load: np.ndarray  # (stage, year, draw of the block)
    work: np.ndarray  # (row, draw of the block)
    in_year: np.ndarray  # (year, draw of the block): free for whoever needs a course
    new: np.ndarray  # (LEAD + year, draw of the block): new gain, SD, after years in which there is none
    weight: np.ndarray  # (term, draw of the block): share of a new gain that a measure sees so many years later


@compiled
def workspace_for(n_interventions: int, n_years: int) -> Workspace:
    """Return the arrays for so many interventions and years."""
    active, live = np.zeros((n_interventions, n_years, BLOCK), np.float32), np.zeros(n_interventions, np.bool_)
    load, work = np.zeros((N_STAGES, n_years, BLOCK), np.float32), np.zeros((N_ROWS, BLOCK), np.float32)
    in_year, new = np.zeros((n_years, BLOCK), np.float32), np.zeros((LEAD + n_years, BLOCK), np.float32)
    weight = np.zeros((n_years + TILE, BLOCK), np.float32)
    return Workspace(active, active.copy(), live, load, work, in_year, new, weight)


class Line(NamedTuple):
    """The money of one intervention in one area."""

    area: int
    intervention: int
    spend: np.ndarray  # (year): GBP for each eligible pupil
    beside: np.ndarray  # (year): the same of national programmes
    since: int  # index of the first funded year
    wait: int  # row of the lags


@compiled
def begin_line(line: Line, shape: Shape, draws: Draws, b: int, work: np.ndarray) -> None:
    """Write what does not change from year to year, and nothing for the year before the first."""
    a, k = line.area, line.intervention
    work[:] = ZERO
    for d in range(BLOCK):
        work[CEILING, d] = shape.capacity[k] * draws.wider[b, k, d]
        work[QUALITY, d] = draws.dose[b, k, d] * draws.delivery[b, a, d]
        work[PER_STANDING, d] = ONE / (work[CEILING, d] * work[QUALITY, d])


@compiled
def _reach(spend: Number, capacity: Number, unit_cost: np.ndarray, out: np.ndarray) -> None:
    """Write the share of eligible pupils that money reaches (draw)."""
    for d in range(BLOCK):
        out[d] = reach(spend, unit_cost[d], ONE, capacity)


@compiled
def follow_year(
    line: Line, t: int, shape: Shape, draws: Draws, lag: np.ndarray, b: int, work: np.ndarray, active: np.ndarray
) -> None:
    """Write a line's activity in one year (intervention, year, draw), from the year before, which ``work`` holds."""
    k, spend, beside = line.intervention, line.spend[t], line.beside[t]
    capacity, unit_cost, ramp = shape.capacity[k], draws.unit_cost[b, k], draws.ramp[b, k]

    # What local money reaches changes only where the money does, and what is ready only while there is money: a line
    # with one sum for all years has its exponential taken once.
    if t == 0 or spend != line.spend[t - 1]:
        _reach(spend, capacity, unit_cost, work[LOCAL_REACH])
    if spend > ZERO:
        start, wait = np.float32(t - line.since), lag[b, line.wait]
        for d in range(BLOCK):
            begins = start - wait[d]
            work[READY, d] = delivered_share(begins, begins + ONE, ramp[d])

    # National programmes need no local commissioning; they find what local money has left.
    for d in range(BLOCK):
        work[REACHED, d] = work[LOCAL_REACH, d] * work[READY, d]
    if beside > ZERO:
        _reach(spend + beside, capacity, unit_cost, work[ALL_REACH])
        for d in range(BLOCK):
            work[REACHED, d] += work[ALL_REACH, d] - work[LOCAL_REACH, d]

    # Funded activity, and what goes on unpaid of what was funded before.
    for d in range(BLOCK):
        funded = funded_activity(work[REACHED, d], draws.wider[b, k, d], work[QUALITY, d], work[CEILING, d])
        change = funded - work[FUNDED_BEFORE, d]
        standing = unpaid_step(work[STANDING, d], change, draws.later[b, k, d], draws.goes_on[b, k, d])
        work[FUNDED_BEFORE, d], work[STANDING, d] = funded, standing
        active[k, t, d] = min(funded + standing, work[CEILING, d])


@compiled
def line_presence(capacity: Number, work: np.ndarray, d: int) -> Number:
    """Return the share of schools in which a line is at work in one draw, in the year that ``work`` holds."""
    unpaid_share = work[STANDING, d] * work[PER_STANDING, d]
    return presence(work[LOCAL_REACH, d] * work[READY, d], capacity, unpaid_share)


@compiled
def activity(shape: Shape, draws: Draws, levers: Levers, a: int, b: int, room: Workspace) -> None:
    """Write the activity of each intervention in one area (intervention, year, draw), and which have any."""
    active, live, work, load = room.active, room.live, room.work, room.load
    load[:] = ZERO
    for k in range(live.size):
        live[k] = levers.spend[a, k].any() or levers.beside[a, k].any()
        if not live[k]:
            active[k] = ZERO
            continue
        line = Line(a, k, levers.spend[a, k], levers.beside[a, k], levers.since[a, k], levers.wait[a, k])
        begin_line(line, shape, draws, b, work)
        for t in range(active.shape[1]):
            follow_year(line, t, shape, draws, levers.lag, b, work, active)
            for s in range(N_STAGES):
                if shape.stage[k, s] > ZERO:
                    for d in range(BLOCK):
                        load[s, t, d] += line_presence(shape.capacity[k], work, d)
    _take_load(shape, draws, levers, a, b, room)


@compiled
def _take_load(shape: Shape, draws: Draws, levers: Levers, a: int, b: int, room: Workspace) -> None:
    """Take from activity what overloaded schools and events take; ``load`` becomes the change of fidelity."""
    active, load = room.active, room.load

    # The programmes at once in a school become the fidelity that their number costs, less 1, by stage of schooling.
    for s in range(N_STAGES):
        for t in range(active.shape[1]):
            offered = levers.offers[a, s, t] - levers.takes
            for d in range(BLOCK):
                load[s, t, d] = fidelity(draws.lost_by_load[b, d], load[s, t, d] + offered) - ONE

    # An intervention loses the mean of the stages that it serves.
    for k in range(room.live.size):
        if room.live[k]:
            early, primary, secondary = shape.stage[k, 0], shape.stage[k, 1], shape.stage[k, 2]
            for t in range(active.shape[1]):
                for d in range(BLOCK):
                    change = load[0, t, d] * early + load[1, t, d] * primary + load[2, t, d] * secondary
                    active[k, t, d] *= (ONE + change) * draws.undisturbed[b, t, d]


@compiled
def add_take_up(shape: Shape, draws: Draws, levers: Levers, a: int, b: int, room: Workspace) -> None:
    """Add what an area takes up of its twins' activity a year later, up to what it can reach."""
    active, taken = room.active, np.zeros_like(room.active)
    there = workspace_for(active.shape[0], active.shape[1])

    # Twins' own activity is followed anew here: it is that before they take up anything themselves.
    for twin in levers.sources[a]:
        if twin >= 0:
            activity(shape, draws, levers, twin, b, there)
            for k in range(active.shape[0]):
                room.live[k] |= there.live[k]
                for t in range(1, active.shape[1]):
                    for d in range(BLOCK):
                        taken[k, t, d] += draws.spill[b, d] * there.active[k, t - 1, d]
    for k in range(active.shape[0]):
        for t in range(active.shape[1]):
            for d in range(BLOCK):
                active[k, t, d] = with_take_up(active[k, t, d], taken[k, t, d], shape.capacity[k])
