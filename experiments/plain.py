"""The plain law of a scenario, and what it is made from: what ``how_fast.py`` measures the kernel against."""

from typing import NamedTuple

import numpy as np

from oa_sim.compiled import arrays, input_cache
from oa_sim.compiled.activity import Levers
from oa_sim.definitions import GROUPS, series
from oa_sim.programme import budget, delivered_effects
from oa_sim.projection import appraisal, cohort
from oa_sim.scenario.schema import Scenario


class Made(NamedTuple):
    """What a scenario's law eats."""

    known: input_cache.Known
    programme: input_cache.Programme
    ground: np.ndarray  # (area, series, year, draw), SD
    levers: Levers
    money: object


def made(scenario: Scenario) -> Made:
    """Return what a scenario's law eats; what scenarios share is made once."""
    known = input_cache.known(scenario)
    programme = input_cache.programme(scenario, known)
    money = budget.reviewed(scenario, budget.allocate(scenario, known.pupils, known.tables), programme.drawn)
    levers = arrays.levers(scenario, money, programme.drawn, programme.eligible, programme.lags)
    return Made(known, programme, input_cache.ground(scenario, known), levers, money)


def latent(scenario: Scenario, about: Made):
    """Return the counterfactual with names, SD, as ``cohort.outcomes`` takes it."""
    import xarray as xr

    chains = about.programme.drawn.sizes["chain"]
    values, groups = about.ground, list(GROUPS)
    shape = (chains, values.shape[-1] // chains, len(scenario.areas.names), 3, len(scenario.measures), scenario.horizon)
    out = np.full(shape, np.nan)
    for s, (measure, group) in enumerate(series(scenario.measures)):
        one = np.moveaxis(values[:, s, : scenario.horizon].astype(float), -1, 0).reshape(*shape[:3], -1)
        out[:, :, :, groups.index(group), scenario.measures.index(measure)] = one
    coords = {"area": scenario.areas.names, "group": groups, "measure": scenario.measures, "year": scenario.years}
    return xr.DataArray(out, coords, ("chain", "draw", *coords))


def law(scenario: Scenario, about: Made, counterfactual) -> dict[str, dict[str, np.ndarray]]:
    """Return statistics of projection and impact, by the law that readers read, in double precision."""
    pupils, drawn = about.known.pupils, about.programme.drawn
    active = delivered_effects.activity(scenario, about.money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    gain = cohort.with_all(
        cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), pupils
    )
    outcomes = cohort.outcomes(counterfactual, gain, pupils)
    return {name: described(outcomes[name]) for name in ("projection", "impact")}


def described(outcome) -> dict[str, np.ndarray]:
    """Return statistics of an outcome in each area and in their mean, where it is published."""
    values = outcome.transpose("area", "group", "measure", "year", "chain", "draw").values
    values = values.reshape(*values.shape[:4], -1)
    values = np.concatenate([values, values.mean(axis=0, keepdims=True)])
    return statistics(values[np.isfinite(values[..., 0])].astype(float))


def statistics(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, SD and quantiles (...) of draws (..., draw)."""
    return appraisal.described(values)
