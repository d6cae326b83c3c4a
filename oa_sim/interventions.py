"""Interventions: spend to activity, and activity to new gain.

Four ideas, one function each: reach saturates, delivery starts late and ramps up, some of it survives
the money, and programmes that meet on one pupil add less than their sum.
"""

import numpy as np
import xarray as xr

from oa_sim import survival
from oa_sim.scenario import Scenario
from oa_sim.variables import CHANNELS, YEAR_GROUPS


def eligible_pupils(scenario: Scenario, rolls: xr.DataArray) -> xr.DataArray:
    """Return the pupils each intervention may serve in a year (area, intervention), pupils."""
    per_intervention = []
    for about in scenario.interventions.values():
        share = xr.DataArray(list(about.eligible.values()), {"group": list(about.eligible)}, ["group"])
        per_intervention.append((rolls.sel(year_group=about.year_groups) * share).sum(["group", "year_group"]))
    names = xr.DataArray(list(scenario.interventions), dims="intervention", name="intervention")
    return xr.concat(per_intervention, names).transpose("area", "intervention")


def reach(spend, unit_cost, eligible, capacity):
    """Return the share of eligible pupils that money reaches, with diminishing returns.

    ``reach = capacity (1 - exp(-spend / (unit_cost eligible capacity)))``; near nothing a pound buys a pound's
    worth, and no money reaches more than the capacity.

    Parameters
    ----------
    spend
        GBP / year.
    unit_cost
        GBP per fully served pupil and year.
    eligible
        Pupils.
    capacity
        Largest share that can be reached.
    """
    return capacity * -np.expm1(-spend / (unit_cost * eligible * capacity))


def delivered(years_since_start, lag, ramp):
    """Return the share of planned delivery that falls within a year.

    Delivery starts ``lag`` years after the first money and rises in a straight line to full over ``ramp`` years;
    the share is its mean over the year that begins ``years_since_start`` after the first money.
    """

    def area_below(x):
        late = np.maximum(x - lag, 0.0)
        return np.where(late < ramp, late**2 / (2 * ramp), late - ramp / 2)

    return area_below(years_since_start + 1.0) - area_below(years_since_start)


def activity(scenario: Scenario, money: xr.Dataset, rolls: xr.DataArray, drawn: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the activity of each intervention that has any money.

    Parameters
    ----------
    scenario
        Its interventions and announcement.
    money
        ``spend`` (area, intervention, year), GBP / year.
    rolls
        (area, group, year_group), pupils.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    dict of array (chain, draw, area, year)
        Share of eligible pupils fully served, paid and unpaid, by intervention.
    """
    eligible = eligible_pupils(scenario, rolls)
    found = {}
    for name, about in scenario.interventions.items():
        spend = money.spend.sel(intervention=name).values  # (area, year)
        if not spend.any():
            continue
        mine = drawn.sel(intervention=name, drop=True)
        pupils = np.maximum(eligible.sel(intervention=name).values, 1.0)[:, None]
        column = {key: mine[key].values[..., None, None] for key in ("unit_cost", "lag", "ramp", "dose")}
        reached = reach(spend, column["unit_cost"], pupils, about.capacity)
        since = np.arange(spend.shape[1]) - np.argmax(spend > 0, axis=1)[:, None]  # (area, year)
        lag = column["lag"] - scenario.budget.announced_years_before
        funded = reached * column["dose"] * delivered(since, lag, column["ramp"])
        funded = np.minimum(funded * drawn.delivery.values[..., None], about.capacity)
        keeps = [mine[key].values[..., None] for key in ("survives", "survives_later", "quality")]
        found[name] = np.minimum(funded + survival.unpaid(funded, *keeps), about.capacity)
    return found


def meeting(scenario: Scenario, active: list[str]) -> np.ndarray:
    """Return where programmes meet: True (channel, year_group) where two or more act on the same pupils."""
    count = np.zeros((len(CHANNELS), len(YEAR_GROUPS)), dtype=int)
    for name in active:
        about = scenario.interventions[name]
        for channel in about.acts_on:
            for year_group in about.year_groups:
                count[CHANNELS.index(channel), year_group - YEAR_GROUPS[0]] += 1
    return count > 1


def new_gain(scenario: Scenario, name: str, active: np.ndarray, drawn: xr.Dataset, meets: np.ndarray):
    """Yield the gain that an intervention newly gives, once for the channels that share it.

    Parameters
    ----------
    scenario, name
        The intervention and where it stands.
    active : array (chain, draw, area, year)
        Share of eligible pupils fully served.
    drawn
        Draws of the programme's parameters.
    meets : array (channel, year_group)
        Where it meets other programmes and the sum is cut to the overlap share.

    Yields
    ------
    tuple
        The channels; the gain of a pupil group that is wholly eligible (chain, draw, area, year), SD, in a channel
        that the whole effect reaches; and the share of it that each year group has (chain, draw, 1, year_group).
    """
    about = scenario.interventions[name]
    columns = [year_group - YEAR_GROUPS[0] for year_group in about.year_groups]
    patterns: dict[tuple, list[str]] = {}
    for channel in about.acts_on:
        patterns.setdefault(tuple(meets[CHANNELS.index(channel), columns]), []).append(channel)
    given = active * drawn.effect.sel(intervention=name).values[..., None, None]
    overlap = drawn.overlap.values[..., None]
    for pattern, channels in patterns.items():
        share = np.zeros((*overlap.shape, len(YEAR_GROUPS)))
        for column, is_shared in zip(columns, pattern, strict=True):
            share[..., column] = overlap if is_shared else 1.0
        yield channels, given, share
