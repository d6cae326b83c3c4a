"""Record: what was published of each area, on the latent scale, with England's course taken out and kept apart."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import xarray as xr

from oa_sim import scale
from oa_sim.variables import LINKED, MEASURES, series

RECORD_FROM = 2013  # first year of the record of areas: what lies further back says little of today


@dataclass(frozen=True)
class National:
    """England's course in one series.

    Attributes
    ----------
    change, before : array (year)
        Change on the year before and the change before that, SD; NaN where there is none.
    steps : array (year)
        Years since the last usable figure; 0 where nothing is usable.
    broken : array (year)
        Declared breaks that shift the level since the last usable figure.
    last_year, last, last_change
        The last usable figure, and the last change (NaN across a break or a gap).
    """

    change: np.ndarray
    before: np.ndarray
    steps: np.ndarray
    broken: np.ndarray
    last_year: int | None
    last: float
    last_change: float


@dataclass(frozen=True)
class Record:
    """The record on the latent scale, as plain arrays.

    Attributes
    ----------
    series
        Pairs (measure, group).
    areas, years
        Their labels.
    relative : array (series, area, year)
        Published figure less England's, SD; 0 where not observed.
    observed : array (series, area, year)
        1 where observed.
    sampling : array (series, area, year)
        Sampling variance, SD squared.
    kin : array (series, year)
        Number of the cohort of pupils of a group behind a figure, -1 where cohorts are not followed.
    national : list of National
        By series: England's usable course.
    """

    series: list[tuple[str, str]]
    areas: list[str]
    years: np.ndarray
    relative: np.ndarray
    observed: np.ndarray
    sampling: np.ndarray
    kin: np.ndarray
    national: list[National]


def record(history: xr.Dataset, first: int = RECORD_FROM) -> Record:
    """Return the history on the latent scale, England's course taken out.

    A year that was graded otherwise moves England and areas alike, so areas' figures of that year are used and
    England's are not.

    Parameters
    ----------
    history
        From ``areas.history`` or ``panel.history``.
    first
        First year of the areas' record; England's begins where it begins.
    """
    names, areas = series(), [str(a) for a in history.area.values]
    used = history.sel(year=history.year >= first)
    shape = (len(names), len(areas), used.sizes["year"])
    relative, observed, sampling = np.zeros(shape), np.zeros(shape), np.full(shape, 1e-4)
    for s, (measure, group) in enumerate(names):
        at = {"measure": measure, "group": group}
        published = used.published.sel(at).values
        gap = scale.to_latent(measure, published) - scale.to_latent(measure, used.england.sel(at).values)
        seen = np.isfinite(gap)
        relative[s], observed[s] = np.where(seen, gap, 0.0), seen
        behind = used.behind.sel(at).values[:, None]
        typical = np.where(seen, published, np.nanmean(published) if seen.any() else 50.0)
        sampling[s] = scale.sampling_variance(measure, typical, behind)
    national = [_national(history, measure, group) for measure, group in names]
    return Record(names, areas, used.year.values, relative, observed, sampling, kin(names, used.year.values), national)


def kin(names: list[tuple[str, str]], years) -> np.ndarray:
    """Return the number of the cohort behind each (series, year); -1 where cohorts are not followed."""
    found = np.full((len(names), len(years)), -1)
    for s, (measure, group) in enumerate(names):
        if measure in LINKED:
            found[s] = 2 * (np.asarray(years) - MEASURES[measure].year_groups[0]) + (group == "other")
    return found


def _national(history: xr.Dataset, measure: str, group: str) -> National:
    years = history.year.values
    marks = history.breaks.sel(measure=measure).values
    england = history.england.sel(measure=measure, group=group).values
    latent = scale.to_latent(measure, np.where(marks < 2, england, np.nan))
    change, before = np.full(len(years), np.nan), np.full(len(years), np.nan)
    steps, broken = np.zeros(len(years), int), np.zeros(len(years), int)
    usable = np.flatnonzero(np.isfinite(latent))
    last_change = np.nan
    for earlier, now in pairwise(usable):
        change[now], steps[now] = latent[now] - latent[earlier], years[now] - years[earlier]
        broken[now] = (marks[earlier + 1 : now + 1] == 1).sum()
        before[now] = last_change
        last_change = change[now] if steps[now] == 1 and not broken[now] else np.nan
    if not len(usable):
        return National(change, before, steps, broken, None, np.nan, np.nan)
    return National(
        change, before, steps, broken, int(years[usable[-1]]), float(latent[usable[-1]]), float(last_change)
    )
