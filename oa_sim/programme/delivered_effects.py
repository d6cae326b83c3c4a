"""Delivered effects: spend to activity, and activity to new gain.

Reach saturates, delivery starts late and ramps up, schools take on only so much, some of it survives the money, and
programmes that meet on one pupil add less than their sum. Pupils who are in school learn, so what keeps them there
carries over to attainment within the year.

Two carry-overs of the model are not this one: what pupils keep of their luck from stage to stage (the baseline's
``cohort_link``), and what they keep of a treatment from year to year (fade-out).
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import CARRYING, MEASURES
from oa_sim.programme import delivery, laws
from oa_sim.scenario.schema import Intervention, Scenario

CARRIED_TO = "attainment"


def channels(intervention: Intervention) -> tuple[str, ...]:
    """Return the channels that an intervention reaches, by itself or by the link."""
    carried = CARRIED_TO not in intervention.acts_on and any(intervention.acts_on.get(channel) for channel in CARRYING)
    return (*intervention.acts_on, *([CARRIED_TO] if carried else []))


def reaches(intervention: Intervention, link: Mapping[str, np.ndarray]) -> dict[str, float | np.ndarray]:
    """Return the share of an intervention's effect that reaches each channel.

    A share is a number where it is declared, an array (chain, draw) where it is carried over by ``link``: by channel of
    ``CARRYING``, the share (chain, draw) of what is gained there that carries over to attainment.

    Notes
    -----
    Rule: never counted twice. An intervention that names ``attainment`` in ``acts_on`` has that effect from studies
    of attainment (a breakfast club's, say), which already contains what better attendance did for it: the direct
    effect stands, and the link is not applied on top.
    """
    shares: dict[str, float | np.ndarray] = dict(intervention.acts_on)
    if CARRIED_TO in channels(intervention) and CARRIED_TO not in shares:
        shares[CARRIED_TO] = sum(intervention.acts_on.get(channel, 0.0) * link[channel] for channel in CARRYING)
    return shares


def eligible_pupils(scenario: Scenario, rolls: xr.DataArray) -> xr.DataArray:
    """Return the pupils each intervention may serve in a year (area, intervention), pupils."""
    per_intervention = []
    for intervention in scenario.interventions.values():
        share = xr.DataArray(list(intervention.eligible.values()), {"group": list(intervention.eligible)}, ["group"])
        per_intervention.append((rolls.sel(year_group=intervention.year_groups) * share).sum(["group", "year_group"]))
    names = xr.DataArray(list(scenario.interventions), dims="intervention", name="intervention")
    return xr.concat(per_intervention, names).transpose("area", "intervention")


def activity(scenario: Scenario, money: xr.Dataset, rolls: xr.DataArray, drawn: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the activity of each intervention that has any money, paid and unpaid.

    Parameters
    ----------
    scenario
        Its interventions, announcement and organisation.
    money
        ``spend`` and, beside it, ``national`` (area, intervention, year), GBP / year; ``offers``, programmes.
    rolls
        (area, group, year_group), pupils.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    dict of array (chain, draw, area, year)
        Share of eligible pupils fully served, by intervention.
    """
    eligible = eligible_pupils(scenario, rolls)
    kept = delivery.goes_on(drawn, money.year.values)
    active_by_name, presence = {}, {}
    for name in scenario.interventions:
        own_money = money.sel(intervention=name)
        if own_money.spend.values.any() or own_money.national.values.any():
            pupils = np.maximum(eligible.sel(intervention=name).values, 1.0)[:, None]
            active_by_name[name], presence[name] = _alone(scenario, name, money, pupils, drawn)
    offers = {name: money.offers.sel(intervention=name).values for name in scenario.interventions}
    load = delivery.loads(scenario, presence, offers)
    takes, loss = scenario.organisation.schools_take, drawn.load_loss.values[..., None, None]
    left = {stage: laws.fidelity(1 - loss, load[stage] - takes) for stage in load}
    for name, active in active_by_name.items():
        where = delivery.stages(scenario.interventions[name].year_groups)
        change = sum(((left[stage] - 1) * share for stage, share in where.items()), np.zeros(()))
        active_by_name[name] = active * (1 + change) * kept
    return _with_twins(scenario, active_by_name, drawn)


def _alone(
    scenario: Scenario, name: str, money: xr.Dataset, pupils: np.ndarray, drawn: xr.Dataset
) -> tuple[np.ndarray, np.ndarray]:
    """Return an intervention's activity as if no other were in the same schools, and the share of schools it is in."""
    intervention, parameters = scenario.interventions[name], drawn.sel(intervention=name, drop=True)
    spend, beside = (money[of].sel(intervention=name).values for of in ("spend", "national"))  # (area, year)
    column = {key: parameters[key].values[..., None, None] for key in ("unit_cost", "ramp", "dose", "reach_odds")}
    factor = laws.partner_factor(intervention.capacity, column["reach_odds"])
    since = np.arange(spend.shape[1]) - np.argmax(spend > 0, axis=1)[:, None]  # (area, year)
    ready = delivery.delivered(since, delivery.lag(scenario, money, drawn, name), column["ramp"])
    local = laws.reach(spend, column["unit_cost"], pupils, intervention.capacity)
    reached = local * ready
    if beside.any():  # national programmes need no local commissioning; they find what local money has left
        reached = reached + laws.reach(spend + beside, column["unit_cost"], pupils, intervention.capacity) - local
    ceiling = intervention.capacity * factor
    per_school = column["dose"] * drawn.delivery.values[..., None]
    funded = laws.funded_activity(reached, factor, per_school, ceiling)
    keeps = [parameters[key].values[..., None] for key in ("survives", "survives_later", "quality")]
    unpaid = delivery.unpaid(funded, *keeps)
    # schools in which local money or what survives is at work; those of national programmes are counted as offers
    presence = laws.presence(local * ready, intervention.capacity, unpaid / (ceiling * per_school))
    return np.minimum(funded + unpaid, ceiling), presence


def _with_twins(scenario: Scenario, active: dict[str, np.ndarray], drawn: xr.Dataset) -> dict[str, np.ndarray]:
    """Return activity with what twins take up of it a year later, up to what they can reach."""
    areas, spill = scenario.areas.names, drawn.spill.values[..., None]
    for name, own in active.items():
        taken = np.zeros_like(own)
        for area, twin in sorted(scenario.organisation.twins.items()):
            taken[..., areas.index(twin), 1:] += spill * own[..., areas.index(area), :-1]
        if scenario.organisation.twins:
            active[name] = laws.with_take_up(own, taken, scenario.interventions[name].capacity)
    return active


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
    # programmes meet on the pupils of the group that each serves most
    widest = {name: max(scenario.interventions[name].eligible.values()) for name in names}
    missed = [laws.log_unserved(active[name], widest[name]) for name in names]
    left = {}
    for name in names:
        year_groups = set(scenario.interventions[name].year_groups)
        for channel in channels(scenario.interventions[name]):
            alone = np.zeros_like(active[name])  # log of the chance that no other programme serves the pupil
            for other, log_missed in zip(names, missed, strict=True):
                theirs = scenario.interventions[other]
                if other != name and channel in channels(theirs):
                    alone += log_missed * (len(year_groups & set(theirs.year_groups)) / len(year_groups))
            left[name, channel] = laws.overlap_left(kept[..., None, None], alone)
    return left


class NewGain(NamedTuple):
    """What an intervention newly gives to pupils who are all eligible, once programmes have met on them."""

    name: str
    by_channel: dict[str, np.ndarray]  # SD (chain, draw, area, year), in each year group that it serves


def new_gains(scenario: Scenario, active: dict[str, np.ndarray], drawn: xr.Dataset) -> Iterator[NewGain]:
    """Yield the gain that each intervention newly gives, in every channel that a measure of the scenario sees.

    ``active`` has the share of eligible pupils fully served (chain, draw, area, year), by intervention; from
    ``activity``.
    """
    left = overlap(scenario, active, drawn.overlap.values)
    link = {channel: drawn.attendance_link.sel(channel=channel).values for channel in CARRYING}
    seen = {MEASURES[measure].channel for measure in scenario.measures}
    for name, share_served in active.items():
        new = share_served * drawn["effect"].sel(intervention=name).values[..., None, None]
        by_channel = {
            channel: new * left[name, channel] * np.asarray(weight)[..., None, None]
            for channel, weight in reaches(scenario.interventions[name], link).items()
            if channel in seen
        }
        yield NewGain(name, by_channel)
