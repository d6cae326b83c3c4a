"""Cohort: the one-year law, what it makes of gain, and what that makes of published figures.

Each year a cohort moves up one year group, keeps part of its gain, and receives the new gain of that
year. Stocks stand at the end of a year, flows fall within it. The law is written once, in ``step``.

Projection and counterfactual have the same draws and the same noise. Both are published figures, kept on a grid of
2^-17 points (0.000008), so that in single precision counterfactual + impact = projection holds to the last bit, in
memory and in the file.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES, QUANTITIES, YEAR_GROUPS
from oa_sim.inference import link_functions
from oa_sim.programme import budget, laws
from oa_sim.programme.delivered_effects import NewGain
from oa_sim.scenario.schema import Scenario

GRID = 2.0**17


class Gain(NamedTuple):
    """The gain that cohorts hold at the end of a year, in three parts (..., year_group), SD."""

    fresh: np.ndarray  # given this year
    fading: np.ndarray  # given earlier, and on its way out
    lasting: np.ndarray  # given earlier, and never fading

    def total(self) -> np.ndarray:
        """Return the gain held."""
        held: np.ndarray = self.fresh + self.fading + self.lasting
        return held


class Keep(NamedTuple):
    """What cohorts keep, each (..., 1): first-year retention, later yearly retention, floor, and who stays."""

    first_year: np.ndarray
    later: np.ndarray
    floor: np.ndarray
    stay: np.ndarray


def step(previous: Gain, new: np.ndarray, keep: Keep) -> Gain:
    """Return the gain at the end of a year (SD) from that of the year before and the ``new`` gain (..., year_group).

    Notes
    -----
    A cohort treated t years ago keeps ``laws.retention`` of its gain: this is the same law, taken a year at a time.
    Pupils who leave the area take their gain with them and are replaced by pupils without it.
    """
    share_lasting, share_fading = laws.retained_parts(keep.first_year, keep.floor)
    lasting = keep.stay * (previous.lasting + share_lasting * previous.fresh)
    fading = keep.stay * (keep.later * previous.fading + share_fading * previous.fresh)
    return Gain(new, _move_up(fading), _move_up(lasting))


def _move_up(held: np.ndarray) -> np.ndarray:
    """Return the same pupils one year group on; those past the last one leave the record."""
    moved = np.zeros_like(held)
    moved[..., 1:] = held[..., :-1]
    return moved


def gain_by_measure(scenario: Scenario, new: Iterable[NewGain], drawn: xr.Dataset) -> xr.DataArray:
    """Return what the programme adds to each measure, as ``summed``, from ``delivered_effects.new_gains``."""
    return summed(scenario, gains(scenario, new, drawn), drawn)


def gains(scenario: Scenario, new: Iterable[NewGain], drawn: xr.Dataset) -> Iterator[xr.DataArray]:
    """Yield what each intervention adds to each measure that it moves, for pupils who are all eligible.

    By (chain, draw, area, measure, year), SD, positive where pupils do better; its name is the intervention's. One at a
    time, since all together are larger than any other array of a run.
    """
    for new_gain in new:
        yield _followed(scenario, new_gain, drawn)


def summed(scenario: Scenario, gains: Iterable[xr.DataArray], drawn: xr.Dataset) -> xr.DataArray:
    """Return what interventions (from ``gains``) add together, each to the pupils who are eligible for it.

    By (chain, draw, area, group, measure, year), SD, positive where pupils do better. Groups are ``disadvantaged`` and
    ``other``; the years are those of the money.
    """
    years, groups = budget.window(scenario), ("disadvantaged", "other")
    size = (drawn.sizes["chain"], drawn.sizes["draw"], len(scenario.areas.names), len(years))
    out = np.zeros((len(groups), len(scenario.measures), *size))
    for part in gains:
        eligible = scenario.interventions[str(part.name)].eligible
        for measure in part.measure.values.tolist():
            for g, group in enumerate(groups):
                out[g, scenario.measures.index(measure)] += eligible[group] * part.sel(measure=measure).values
    gain = xr.DataArray(
        out,
        {"group": list(groups), "measure": scenario.measures, "area": scenario.areas.names, "year": years},
        ("group", "measure", "chain", "draw", "area", "year"),
        attrs={"units": "SD", "long_name": "gain, positive where pupils do better"},
    )
    return gain.transpose("chain", "draw", "area", "group", "measure", "year")


def _followed(scenario: Scenario, new: NewGain, drawn: xr.Dataset) -> xr.DataArray:
    """Return what one intervention adds to each measure that it moves (chain, draw, area, measure, year), SD.

    The law is linear and the same in every year and area, so what a year's gain becomes is followed once per draw,
    by ``step``, and then laid over the years in which gain is given. Years count from 0.
    """
    served = np.isin(YEAR_GROUPS, scenario.interventions[new.name].year_groups).astype(float)
    areas, years = scenario.areas.names, budget.window(scenario)
    once = np.zeros((drawn.sizes["chain"], drawn.sizes["draw"], len(years)))
    once[..., 0] = 1.0  # given in the first year, followed through the others
    held = np.stack(list(follow(once, served, _keep(drawn, new.name))), axis=-2)  # (..., year since, year_group)
    seen = {  # measure -> what it sees of the gain (chain, draw, year since), where it sees any
        measure: (held * _reads(measure)).sum(-1)
        for measure in scenario.measures
        if MEASURES[measure].channel in new.by_channel and (held * _reads(measure)).any()
    }
    out = np.empty((len(seen), *once.shape[:2], len(areas), len(years)))
    for m, (measure, sight) in enumerate(seen.items()):
        np.matmul(new.by_channel[MEASURES[measure].channel], _laid_over(sight), out=out[m])
    coords = {"measure": list(seen), "area": areas, "year": years}
    gain = xr.DataArray(out, coords, ("measure", "chain", "draw", "area", "year"), new.name, {"units": "SD"})
    return gain.transpose("chain", "draw", "area", "measure", "year")


def _laid_over(sight: np.ndarray) -> np.ndarray:
    """Return what a gain given in one year is in another (..., year given, year), from what it is years since."""
    n = sight.shape[-1]
    since = np.arange(n) - np.arange(n)[:, None]
    return np.where(since >= 0, sight[..., np.maximum(since, 0)], 0.0)


def follow(given: np.ndarray, by_year_group: np.ndarray, keep: Keep) -> Iterator[np.ndarray]:
    """Yield the gain held at the end of each year (..., year_group).

    ``given`` is the gain given within each year (..., year), SD, ``by_year_group`` the share of it that each has.
    """
    nothing = np.zeros((*given.shape[:-1], by_year_group.shape[-1]))
    held = Gain(nothing, nothing, nothing)
    for t in range(given.shape[-1]):
        held = step(held, given[..., t, None] * by_year_group, keep)
        yield held.total()


def _reads(measure: str) -> np.ndarray:
    """Return how a measure reads the gain of each year group: the mean over its own."""
    is_read = np.isin(YEAR_GROUPS, MEASURES[measure].year_groups)
    return is_read / is_read.sum()


def _keep(drawn: xr.Dataset, name: str) -> Keep:
    parameters = drawn.sel(intervention=name, drop=True)
    first_year, later, floor = (parameters[key].values[..., None] for key in ("first_year", "later", "floor"))
    return Keep(first_year, later, floor, 1 - drawn.leave_area.values[..., None])


def weights(pupils: xr.Dataset, areas: list[str], measure: str) -> np.ndarray:
    """Return the disadvantaged share of the pupils that a measure describes (area,)."""
    definition = MEASURES[measure]
    if definition.share:
        return pupils["share"].sel(area=areas, measure=measure).values
    rolls = pupils["rolls"].sel(area=areas, year_group=list(definition.year_groups)).sum("year_group")
    return (rolls.sel(group="disadvantaged") / rolls.sum("group")).values


def shares(pupils: xr.Dataset, areas: list[str], measures: list[str]) -> xr.DataArray:
    """Return the disadvantaged share of the pupils that each measure describes (area, measure)."""
    values = np.stack([weights(pupils, areas, measure) for measure in measures], axis=-1)
    return xr.DataArray(values, {"area": areas, "measure": measures}, ["area", "measure"], attrs={"units": "1"})


def with_all(gain: xr.DataArray, pupils: xr.Dataset) -> xr.DataArray:
    """Return gain with the group ``all``, the roll-weighted mean of the two groups."""
    share = shares(pupils, gain.area.values.tolist(), gain.measure.values.tolist()).values[..., None]
    poor, other = gain.sel(group="disadvantaged").values, gain.sel(group="other").values
    both = np.stack([poor, other, share * poor + (1 - share) * other], axis=3)
    return xr.DataArray(both, {**gain.drop_vars("group").coords, "group": list(GROUPS)}, gain.dims, attrs=gain.attrs)


def outcomes(latent: xr.DataArray, gain: xr.DataArray, pupils: xr.Dataset) -> xr.Dataset:
    """Return projection, counterfactual and impact as published.

    Parameters
    ----------
    latent
        The counterfactual (chain, draw, area, group, measure, year), SD, noise included.
    gain
        What the programme adds, same dims with ``all``, SD, positive where pupils do better.
    pupils
        ``rolls`` and ``share``.

    Returns
    -------
    Dataset
        ``projection``, ``counterfactual`` and ``impact`` in the unit of each measure; NaN for a group that the
        measure does not have. ``all`` is the roll-weighted mean where two groups are modelled.
    """
    latent = latent.transpose(*gain.dims)
    areas, order = latent.area.values.tolist(), latent.group.values.tolist()
    without = np.full(latent.shape, np.nan)
    projected = without.copy()
    for m, name in enumerate(latent.measure.values.tolist()):
        definition = MEASURES[name]
        sign = -1.0 if definition.lower_is_better else 1.0
        series = {group: (..., order.index(group), m, slice(None)) for group in GROUPS}
        for group in definition.groups:
            added = gain.sel(group=group, measure=name).sel(year=latent.year).values
            level = latent.values[series[group]]
            without[series[group]] = link_functions.to_published(name, level)
            projected[series[group]] = link_functions.to_published(name, level + sign * added)
        if len(definition.groups) == 2:
            share = weights(pupils, areas, name)[:, None]
            for figures in (without, projected):
                poor, other = figures[series["disadvantaged"]], figures[series["other"]]
                figures[series["all"]] = share * poor + (1 - share) * other
    without, projected = (np.round(figures * GRID) / GRID for figures in (without, projected))
    data = {"projection": projected, "counterfactual": without, "impact": projected - without}
    out = xr.Dataset({name: (latent.dims, values.astype(np.float32)) for name, values in data.items()}, latent.coords)
    for name, meaning in QUANTITIES.items():
        out[name].attrs = {"units": "see coordinate unit", "long_name": meaning}
    return out.assign_coords(unit=("measure", [MEASURES[str(m)].unit for m in latent.measure.values]))
