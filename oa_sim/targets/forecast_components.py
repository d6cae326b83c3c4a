"""Forecast components: a scenario's figures to come as draws, and what each part adds to the last published figure.

From the last figure to the one to come: where the area is taken to stand (a county's figure stands for its district,
and the mean of two groups is weighed by their pupils), what England's own course brings from the year of that figure
on, what the area's own course brings (its mean reversion, and noise), and what the programme brings. The parts add up
on every draw.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES, series
from oa_sim.inference import baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import areas
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import scenario_run
from oa_sim.simulation.result import Result

PARTS = ("standing", "england", "own", "programme")


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
    standing : DataArray (chain, draw, area, group, measure)
        Where the area is taken to stand in that year, less that figure.
    england_standing : DataArray (area, group, measure)
        England's figure of that year as it is weighed here, less the published one.
    course : DataArray (chain, draw, area, group, measure, year)
        What England's course adds from that year on.
    """

    scenario: Scenario
    result: Result
    england: xr.DataArray
    last: xr.DataArray
    last_england: xr.DataArray
    last_year: xr.DataArray
    standing: xr.DataArray
    england_standing: xr.DataArray
    course: xr.DataArray

    def parts(self, area: str, measure: str, group: str, year: int) -> dict[str, np.ndarray]:
        """Return what each part adds to the last published figure (draw), and ``projection`` and ``england_level``."""
        at = {"measure": measure, "group": group, "year": year}
        here = at | {"area": area}
        projection, without = (_flat(self.result.draws[name].sel(here)) for name in ("projection", "counterfactual"))
        england, course = _flat(self.england.sel(at)), _flat(self.course.sel(here))
        here.pop("year")
        last, standing = float(self.last.sel(here)), _flat(self.standing.sel(here))
        parts = {"standing": standing, "england": course, "own": without - last - standing - course}
        return parts | {"programme": projection - without, "projection": projection, "england_level": england}

    def less_england(self, parts: dict[str, np.ndarray], area: str, measure: str, group: str) -> dict[str, np.ndarray]:
        """Return what each part adds to the last figure less England's (draw).

        What England's course adds to the distance is only that a share near its ends moves less than one in the middle.
        """
        here = {"area": area, "measure": measure, "group": group}
        off, last = float(self.england_standing.sel(here)), float(self.last_england.sel(here))
        moved = parts["england"] - (parts["england_level"] - last - off)
        return parts | {"standing": parts["standing"] - off, "england": moved}


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
        Where ``scenario_run.run`` would refuse.
    """
    result = scenario_run.run(scenario, say=say)
    say("taking England's course apart from the areas'")
    scenario, tables, history, pupils = scenario_run.prepare(scenario)
    past = history.sel(area=scenario.areas.names, measure=scenario.measures)
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    # the same streams to the same horizon as in the run, so the same numbers
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    national = counterfactual.national(
        posterior, observations.record(history), years, tables["breaks"], scenario.seed
    ).reshape(*size, len(series()), -1)[..., : scenario.horizon]
    last, last_england, last_year = _last(past)
    _take_own(past, last, last_england, last_year)
    arrays = _empty(scenario, size)
    for area in scenario.areas.names:
        off = np.zeros((*size, len(series())))
        if bool(past.proxy.sel(area=area).any()):
            off = counterfactual.off_county(history, area, years, size, pupils.rolls, tables, scenario.seed)[..., 0]
        for measure in scenario.measures:
            shares = _shares(measure, pupils.share.sel(area=area, measure=measure), areas.Counts(tables))
            for group in MEASURES[measure].table_groups:
                at = {"area": area, "measure": measure, "group": group}
                seen = (float(last.sel(at)), float(last_england.sel(at)), int(last_year.sel(at)))
                _place(arrays, at, _of_groups(past, national, off, at, seen[2], shares), seen)
    return Outlook(scenario, result, last=last, last_england=last_england, last_year=last_year, **arrays)


def _empty(scenario: Scenario, size: tuple[int, int]) -> dict[str, xr.DataArray]:
    """Return the arrays that are to be filled."""
    labels = {"area": scenario.areas.names, "group": list(GROUPS), "measure": scenario.measures}
    draws = {"chain": range(size[0]), "draw": range(size[1])}
    dims = {
        "england": {**draws, "group": labels["group"], "measure": labels["measure"], "year": scenario.years},
        "standing": draws | labels,
        "england_standing": labels,
        "course": draws | labels | {"year": scenario.years},
    }
    return {
        name: xr.DataArray(np.full([len(list(values)) for values in of.values()], np.nan), of, list(of))
        for name, of in dims.items()
    }


def _shares(measure: str, own: xr.DataArray, counts: areas.Counts) -> dict[str, tuple[float, float]]:
    """Return the shares of disadvantaged and other pupils in the area and in England; of one series, all of it."""
    about = MEASURES[measure]
    if len(about.groups) == 1:
        return {}
    england = counts.share(about.share, "England")
    return {"area": (float(own), 1 - float(own)), "england": (england, 1 - england)}


def _of_groups(past, national: np.ndarray, off: np.ndarray, at: dict, since: int, shares: dict) -> tuple:
    """Return where an area is taken to stand (chain, draw), what England's course adds, England ahead and then.

    The mean of two groups is weighed from both, each from the year of the mean's last figure where it has one.
    """
    groups = MEASURES[at["measure"]].groups
    if at["group"] in groups:
        return _of_series(past, national, off, at, since)
    both = [at | {"group": group} for group in groups]
    there = all(_is_published(past, one, since) for one in both)
    years = [since if there else _last_of(past, one) for one in both]
    of_groups = [_of_series(past, national, off, one, year) for one, year in zip(both, years, strict=True)]
    weights = [shares["area"], shares["area"], shares["england"], shares["england"]]
    return tuple(some[0] * poor + some[1] * other for some, poor, other in zip(weights, *of_groups, strict=True))


def _of_series(past, national: np.ndarray, off: np.ndarray, at: dict, since: int) -> tuple:
    """Return the same of a series that is modelled."""
    s, measure = series().index((at["measure"], at["group"])), at["measure"]
    ahead = national[:, :, s]
    if since < 0:
        nothing = np.full(ahead.shape[:2], np.nan)
        return nothing, np.full(ahead.shape, np.nan), link_functions.to_published(measure, ahead), np.nan
    figure = float(past.published.sel(at | {"year": since}))
    then = float(past.england.sel(measure=measure, group=at["group"], year=since))
    stands = link_functions.to_latent(measure, figure) + off[:, :, s]
    moved = stands[..., None] + ahead - link_functions.to_latent(measure, then)
    level = link_functions.to_published(measure, stands)
    return (
        level,
        link_functions.to_published(measure, moved) - level[..., None],
        link_functions.to_published(measure, ahead),
        then,
    )


def _place(arrays: dict, at: dict, parts: tuple, seen: tuple[float, float, int]) -> None:
    """Put what was found of one area, measure and group where it belongs."""
    stands, course, england, then = parts
    arrays["standing"].loc[at] = stands - seen[0]
    arrays["course"].loc[at] = course
    arrays["england"].loc[{"measure": at["measure"], "group": at["group"]}] = england
    arrays["england_standing"].loc[at] = then - seen[1]


def _is_published(past: xr.Dataset, at: dict, year: int) -> bool:
    if year < 0:
        return False
    england = past.england.sel(measure=at["measure"], group=at["group"], year=year)
    return bool(np.isfinite(past.published.sel(at | {"year": year}) + england))


def _last_of(past: xr.Dataset, at: dict) -> int:
    return max((int(year) for year in past.year.values if _is_published(past, at, int(year))), default=-1)


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


def _last(past: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the last figure that is published of an area and of England in one year, England's, and the year."""
    both = past.published.notnull() & past.england.notnull()
    years = xr.where(both, past.year, -1).max("year")
    at = xr.where(years < 0, past.year.values[0], years)
    last = past.published.sel(year=at).where(years >= 0)
    england = past.england.sel(year=at).where(years >= 0)
    dims = ("area", "group", "measure")
    return last.drop_vars("year").transpose(*dims), england.drop_vars("year").transpose(*dims), years.transpose(*dims)
