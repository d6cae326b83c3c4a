"""Interventions: spend to activity, and activity to new gain.

Four ideas, one function each: reach saturates, delivery starts late and ramps up, some of it survives
the money, and programmes that meet on one pupil add less than their sum.
"""

import numpy as np
import xarray as xr

from oa_sim import links, survival
from oa_sim.scenario import Scenario


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


def overlap(scenario: Scenario, active: dict[str, np.ndarray], kept: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return what is left of each intervention's gain where programmes meet on one pupil.

    Parameters
    ----------
    scenario
        Its interventions: whom they serve, on what they act.
    active
        Share of eligible pupils fully served (chain, draw, area, year), by intervention.
    kept : array (chain, draw)
        What is left of a pupil's gain when two programmes or more act on it in one channel.

    Returns
    -------
    dict
        By (intervention, channel), the share (chain, draw, area, year) of its gain that is left,
        ``1 - (1 - kept) P(another programme serves the pupil)``. Programmes find their pupils independently; one
        that reaches nobody takes nothing from the others.
    """
    names = list(active)
    missed = [np.log1p(-np.minimum(active[name] * _widest(scenario, name), 0.999)) for name in names]
    found = {}
    for name in names:
        mine = set(scenario.interventions[name].year_groups)
        for channel in links.channels(scenario.interventions[name]):
            alone = np.zeros_like(active[name])  # log of the chance that no other programme serves the pupil
            for other, log_missed in zip(names, missed, strict=True):
                theirs = scenario.interventions[other]
                if other != name and channel in links.channels(theirs):
                    alone += log_missed * (len(mine & set(theirs.year_groups)) / len(mine))
            found[name, channel] = 1 + (1 - kept[..., None, None]) * np.expm1(alone)
    return found


def _widest(scenario: Scenario, name: str) -> float:
    """Return the share of the group that an intervention serves most: those whom programmes meet on."""
    return max(scenario.interventions[name].eligible.values())


def new_gain(scenario: Scenario, name: str, active: np.ndarray, drawn: xr.Dataset) -> np.ndarray:
    """Return the gain that an intervention newly gives to a pupil group that is wholly eligible.

    Parameters
    ----------
    scenario, name
        The intervention and where it stands.
    active : array (chain, draw, area, year)
        Share of eligible pupils fully served.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    array (chain, draw, area, year)
        SD, in each year group that it serves and in a channel that the whole effect reaches.
    """
    return active * drawn.effect.sel(intervention=name).values[..., None, None]
