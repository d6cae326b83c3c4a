"""Forecast components: a scenario's figures to come as draws, and what each part adds to the last published figure.

From the last figure to the one to come: where the area is taken to stand (a county's figure stands for its district,
and the mean of two groups is weighed by their pupils), what England's own course brings from the year of that figure
on, what the area's own course brings (its mean reversion, and noise), and what the programme brings. The parts add up
on every draw.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES, series
from oa_sim.inference import baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import areas
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import scenario_run
from oa_sim.simulation.result import Result

PARTS = ("standing", "england", "own", "programme")
Place = dict[str, str]  # area, measure, group
Shares = dict[str, tuple[float, float]]  # of disadvantaged and other pupils, in the area and in England


@dataclass(frozen=True, eq=False)
class Outlook:
    """What is to come, in the unit of each measure."""

    scenario: Scenario
    result: Result
    # (chain, draw, group, measure, year): England's figure; of two groups, by its own shares of pupils
    england: xr.DataArray
    # (area, group, measure): last published figure before the start, a district's own where it has one
    last: xr.DataArray
    last_england: xr.DataArray  # (area, group, measure): England's of that year
    last_year: xr.DataArray  # (area, group, measure); -1 where there is none
    # (chain, draw, area, group, measure): where the area is taken to stand then, less that figure
    standing: xr.DataArray
    # (area, group, measure): England's figure as it is weighed here, less the published one
    england_standing: xr.DataArray
    course: xr.DataArray  # (chain, draw, area, group, measure, year): what England's course adds from that year on

    def parts(self, area: str, measure: str, group: str, year: int) -> dict[str, np.ndarray]:
        """Return what each part adds to the last published figure (draw), and ``projection`` and ``england_level``."""
        series = {"measure": measure, "group": group, "year": year}
        here = series | {"area": area}
        projection, without = (
            flat_draws(self.result.draws[name].sel(here)) for name in ("projection", "counterfactual")
        )
        england, course = flat_draws(self.england.sel(series)), flat_draws(self.course.sel(here))
        here.pop("year")
        last, standing = float(self.last.sel(here)), flat_draws(self.standing.sel(here))
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


def flat_draws(array: xr.DataArray) -> np.ndarray:
    """Return draws one after another, chain by chain."""
    return array.transpose("chain", "draw").values.astype(float).ravel()


def outlook(scenario: Scenario, say: Callable[[str], None] = lambda sentence: None) -> Outlook:
    """Return what is to come of a scenario.

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
    arrays = _empty(scenario, size)
    for area in scenario.areas.names:
        off = np.zeros((*size, len(series())))
        if bool(past.district.sel(area=area)):
            off = counterfactual.off_county(history, area, years, size, pupils.rolls, scenario.seed)[..., 0]
        for measure in scenario.measures:
            shares = _shares(measure, pupils.share.sel(area=area, measure=measure), areas.Counts(tables))
            for group in MEASURES[measure].table_groups:
                place = {"area": area, "measure": measure, "group": group}
                standing = _of_groups(past, national, off, place, int(last_year.sel(place)), shares)
                arrays["standing"].loc[place] = standing.level - float(last.sel(place))
                arrays["course"].loc[place] = standing.course
                arrays["england"].loc[{"measure": measure, "group": group}] = standing.england
                arrays["england_standing"].loc[place] = standing.then - float(last_england.sel(place))
    return Outlook(scenario, result, last=last, last_england=last_england, last_year=last_year, **arrays)


def _empty(scenario: Scenario, size: tuple[int, int]) -> dict[str, xr.DataArray]:
    """Return the arrays that are to be filled."""
    labels = {"area": scenario.areas.names, "group": list(GROUPS), "measure": scenario.measures}
    coords = {"chain": range(size[0]), "draw": range(size[1]), **labels, "year": scenario.years}
    dims = {
        "england": ("chain", "draw", "group", "measure", "year"),
        "standing": ("chain", "draw", "area", "group", "measure"),
        "england_standing": ("area", "group", "measure"),
        "course": ("chain", "draw", "area", "group", "measure", "year"),
    }
    return {name: xr.DataArray(np.nan, {dim: coords[dim] for dim in of}, of) for name, of in dims.items()}


def _shares(measure: str, own: xr.DataArray, counts: areas.Counts) -> Shares:
    """Return the shares of disadvantaged and other pupils in the area and in England; of one series, all of it."""
    quantity = MEASURES[measure].share
    if len(MEASURES[measure].groups) == 1 or quantity is None:
        return {}
    england = counts.share(quantity, "England")
    return {"area": (float(own), 1 - float(own)), "england": (england, 1 - england)}


class Standing(NamedTuple):
    """Where an area is taken to stand, and what England does from there."""

    level: np.ndarray  # (chain, draw)
    course: np.ndarray  # (chain, draw, year): what England's course adds
    england: np.ndarray  # (chain, draw, year): its figure
    then: float  # its figure of the year from which the area stands


def _of_groups(
    past: xr.Dataset, national: np.ndarray, off: np.ndarray, place: Place, since: int, shares: Shares
) -> Standing:
    """Return where an area is taken to stand.

    The mean of two groups is weighed from both, each from the year of the mean's last figure where it has one.
    """
    groups = MEASURES[place["measure"]].groups
    if place["group"] in groups:
        return _of_series(past, national, off, place, since)
    both = [place | {"group": group} for group in groups]
    is_published = all(_is_published(past, place, since) for place in both)
    years = [since if is_published else _last_of(past, place) for place in both]
    poor, other = (_of_series(past, national, off, place, year) for place, year in zip(both, years, strict=True))
    (own_poor, own_other), (england_poor, england_other) = shares["area"], shares["england"]
    return Standing(
        own_poor * poor.level + own_other * other.level,
        own_poor * poor.course + own_other * other.course,
        england_poor * poor.england + england_other * other.england,
        england_poor * poor.then + england_other * other.then,
    )


def _of_series(past: xr.Dataset, national: np.ndarray, off: np.ndarray, place: Place, since: int) -> Standing:
    """Return the same of a series that is modelled."""
    s, measure = series().index((place["measure"], place["group"])), place["measure"]
    ahead = national[:, :, s]
    if since < 0:
        nothing = np.full(ahead.shape[:2], np.nan)
        return Standing(nothing, np.full(ahead.shape, np.nan), link_functions.to_published(measure, ahead), np.nan)
    figure = float(past.published.sel(place | {"year": since}))
    then = float(past.england.sel(measure=measure, group=place["group"], year=since))
    stands = link_functions.to_latent(measure, figure) + off[:, :, s]
    moved = stands[..., None] + ahead - link_functions.to_latent(measure, then)
    level = link_functions.to_published(measure, stands)
    course = link_functions.to_published(measure, moved) - level[..., None]
    return Standing(level, course, link_functions.to_published(measure, ahead), then)


def _is_published(past: xr.Dataset, place: Place, year: int) -> bool:
    if year < 0:
        return False
    england = past.england.sel(measure=place["measure"], group=place["group"], year=year)
    return bool(np.isfinite(past.published.sel(place | {"year": year}) + england))


def _last_of(past: xr.Dataset, place: Place) -> int:
    return max((int(year) for year in past.year.values if _is_published(past, place, int(year))), default=-1)


def _last(past: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return the last figure of an area, a district's own where it has one, England's of that year, and the year."""
    known = past.published.notnull() & past.england.notnull()
    own = known & past.own.notnull()
    known = own.where(own.any("year"), known)
    years = past.year.where(known, -1).max("year")
    place_year = years.where(years >= 0, past.year.values[0])
    figures = past.calibrated.where(own.any("year"), past.published)
    last = figures.sel(year=place_year).where(years >= 0)
    england = past.england.sel(year=place_year).where(years >= 0)
    dims = ("area", "group", "measure")
    return last.drop_vars("year").transpose(*dims), england.drop_vars("year").transpose(*dims), years.transpose(*dims)
