"""Outlook: a scenario's figures to come as draws, and what each part adds to the last published figure.

From the last figure to the one to come: what England's own course brings, what the area's own course brings (its
mean reversion, what a district is off its county, and noise), and what the programme brings. The parts add up on every
draw.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim import areas, counterfactual, learned, model, scale
from oa_sim.result import Result
from oa_sim.scenario import Scenario
from oa_sim.variables import MEASURES

PARTS = ("england", "own", "programme")


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is to come, in the unit of each measure.

    Attributes
    ----------
    scenario
        The question.
    result
        The run.
    england : DataArray (chain, draw, group, measure, year)
        England's figure; of all pupils where two groups are modelled, by England's own shares of pupils.
    last, last_england : DataArray (area, group, measure)
        The last published figure before the start, of the place that is published for the area (a district's own where
        it has one), and England's of that year.
    last_year : DataArray (area, group, measure)
        Its year; -1 where there is none.
    course : DataArray (chain, draw, area, group, measure, year)
        What England's course makes of the last figure, less that figure.
    """

    scenario: Scenario
    result: Result
    england: xr.DataArray
    last: xr.DataArray
    last_england: xr.DataArray
    last_year: xr.DataArray
    course: xr.DataArray

    def parts(self, area: str, measure: str, group: str, year: int) -> dict[str, np.ndarray]:
        """Return what each part adds to the last published figure (draw), and ``projection`` and ``england_level``."""
        at = {"measure": measure, "group": group, "year": year}
        here = at | {"area": area}
        projection, without = (_flat(self.result.draws[name].sel(here)) for name in ("projection", "counterfactual"))
        last = float(self.last.sel(area=area, measure=measure, group=group))
        course = _flat(self.course.sel(here))
        found = {"england": course, "own": without - last - course, "programme": projection - without}
        return found | {"projection": projection, "england_level": _flat(self.england.sel(at))}


def _flat(array: xr.DataArray) -> np.ndarray:
    return array.transpose("chain", "draw").values.astype(float).ravel()


def outlook(scenario: Scenario, say: Callable[[str], None] = lambda sentence: None) -> Outlook:
    """Return what is to come of a scenario.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        Where ``model.run`` would refuse.
    """
    result = model.run(scenario, say=say)
    scenario = model.checked(scenario)
    say("taking England's course apart from the areas'")
    tables = model.checked_tables(scenario)
    here = tables | {"areas": [row for row in tables["areas"] if row["area"] in scenario.areas.names]}
    history = areas.history(here, until=model.known_until(scenario))
    posterior = learned.load(scenario.posterior, scenario.sampler.draws)
    latent = counterfactual.project(scenario, posterior, history, tables, areas.pupils(here).rolls)
    national = latent.national  # (chain, draw, group, measure, year), SD
    share = areas.Counts(tables)
    own_share = areas.pupils(here).share
    england = xr.full_like(national, np.nan)
    names = scenario.areas.names
    past = history.sel(area=names, measure=scenario.measures)
    last, last_england, last_year = _last(past)
    _take_own(past, last, last_england, last_year)
    course = xr.full_like(latent.drop_vars("national"), np.nan)
    for measure in scenario.measures:
        about = MEASURES[measure]
        for group in about.groups:
            at = {"measure": measure, "group": group}
            england.loc[at] = scale.to_published(measure, national.sel(at).values)
            for area in names:
                course.loc[at | {"area": area}] = _moved(past, national, area, measure, group, last_year)
        if len(about.groups) == 2:
            both = share.share(about.share, "England")
            poor, other = (england.sel(measure=measure, group=group) for group in about.groups)
            england.loc[{"measure": measure, "group": "all"}] = both * poor + (1 - both) * other
            for area in names:
                mine = float(own_share.sel(area=area, measure=measure))
                parts = [course.sel(measure=measure, group=group, area=area) for group in about.groups]
                course.loc[{"measure": measure, "group": "all", "area": area}] = mine * parts[0] + (1 - mine) * parts[1]
    return Outlook(scenario, result, england, last, last_england, last_year, course)


def _take_own(past: xr.Dataset, last: xr.DataArray, england: xr.DataArray, years: xr.DataArray) -> None:
    """Put a district's own good level of development in the place of its county's, and England's of the same year."""
    if areas.GLD not in past.measure.values:
        return
    country = past.england.sel(measure=areas.GLD, group="all")
    for area in past.area.values:
        own = past.own.sel(area=area)
        there = [int(year) for year in past.year.values if np.isfinite(own.sel(year=year) + country.sel(year=year))]
        if there:
            at = {"area": area, "group": "all", "measure": areas.GLD}
            last.loc[at], years.loc[at] = float(own.sel(year=there[-1])), there[-1]
            england.loc[at] = float(country.sel(year=there[-1]))


def _moved(past: xr.Dataset, national: xr.DataArray, area: str, measure: str, group: str, last_year) -> np.ndarray:
    """Return how far England's course alone moves an area's last figure (chain, draw, year), in the measure's unit."""
    at = {"measure": measure, "group": group}
    year = int(last_year.sel(at | {"area": area}))
    if year < 0:
        return np.full(national.sel(at).shape, np.nan)
    figure = float(past.published.sel(at | {"area": area, "year": year}))
    before = scale.to_latent(measure, float(past.england.sel(at | {"year": year})))
    ahead = scale.to_latent(measure, figure) + national.sel(at).values - before
    return scale.to_published(measure, ahead) - figure


def _last(past: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the last figure that is published of an area and of England in one year, England's, and the year."""
    both = past.published.notnull() & past.england.notnull()
    years = xr.where(both, past.year, -1).max("year")
    at = xr.where(years < 0, past.year.values[0], years)
    last = past.published.sel(year=at).where(years >= 0)
    england = past.england.sel(year=at).where(years >= 0)
    dims = ("area", "group", "measure")
    return last.drop_vars("year").transpose(*dims), england.drop_vars("year").transpose(*dims), years.transpose(*dims)
