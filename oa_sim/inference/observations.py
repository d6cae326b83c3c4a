"""Observations: what was published of each area, on the latent scale, with England's trend kept apart."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim.definitions import LINKED, MEASURES, series
from oa_sim.inference import link_functions
from oa_sim.inputs.areas import london

MIDDLE = 2019  # year to which means of kinds of authorities refer
RECORD_FROM = 2013  # first year of the record of areas: what lies further back says little of today
# of pupils in the panel, 2013 to 2019 (headcounts, and Reception): if London gains on the rest, the rest falls behind
LONDON_SHARE = 0.16


@dataclass(frozen=True)
class National:
    """England's course in one series."""

    years: np.ndarray  # (figure)
    figures: np.ndarray  # (figure), SD
    shifts: tuple[int, ...]  # years in which a declared break shifts the level
    otherwise: tuple[int, ...]  # years that are graded otherwise, and moved alone


@dataclass(frozen=True)
class Record:
    """The record on the latent scale, as plain arrays."""

    series: list[tuple[str, str]]  # measure, group
    areas: list[str]
    years: np.ndarray
    relative: np.ndarray  # (series, area, year): published figure less England's, SD; 0 where not observed
    observed: np.ndarray  # (series, area, year): 1 where observed
    sampling: np.ndarray  # (series, area, year): sampling variance, SD squared
    kin: np.ndarray  # (series, year): number of the cohort behind a figure, -1 where cohorts are not followed
    national: list[National]  # by series: England's course
    london: np.ndarray  # (area): whether it is in London


def record(history: xr.Dataset, first: int = RECORD_FROM) -> Record:
    """Return a history on the latent scale from a first year on, England's course taken out.

    England's own begins where it begins. A year that was graded otherwise moves England and areas alike, so areas'
    figures of that year are used as they are. The history is from ``areas.history`` or ``panel.history``.
    """
    names, areas = series(), [str(a) for a in history.area.values]
    used = history.sel(year=history.year >= first)
    shape = (len(names), len(areas), used.sizes["year"])
    relative, observed, sampling = np.zeros(shape), np.zeros(shape), np.full(shape, 1e-4)
    for s, (measure, group) in enumerate(names):
        figures = used.sel(measure=measure, group=group)
        published, england = figures.published.values, figures.england.values
        gap = link_functions.to_latent(measure, published) - link_functions.to_latent(measure, england)
        seen = np.isfinite(gap)
        relative[s], observed[s] = np.where(seen, gap, 0.0), seen
        behind = figures.behind.values[:, None]
        typical = np.where(seen, published, np.nanmean(published) if seen.any() else 50.0)
        sampling[s] = link_functions.sampling_variance(measure, typical, behind)
    national = [_national(history, measure, group) for measure, group in names]
    return Record(
        names, areas, used.year.values, relative, observed, sampling, kin(names, used.year.values), national,
        np.isin(areas, london()),
    )  # fmt: skip


def kin(names: list[tuple[str, str]], years: np.ndarray | list[int]) -> np.ndarray:
    """Return the number of the cohort behind each (series, year); -1 where cohorts are not followed."""
    cohort = np.full((len(names), len(years)), -1)
    for s, (measure, group) in enumerate(names):
        if measure in LINKED:
            cohort[s] = 2 * (np.asarray(years) - MEASURES[measure].year_groups[0]) + (group == "other")
    return cohort


def break_years(courses: list[National], last: int) -> np.ndarray:
    """Return which years have a declared break (kind, series, year from ``RECORD_FROM`` on to the last), 1 or 0.

    The first kind are shifts of level, which move an area beside England for good; the second all years in which what
    was measured was new, or otherwise graded, and the figure of the year is less sure for it.
    """
    years = np.arange(RECORD_FROM, max(last, RECORD_FROM) + 1)
    shifted = np.array([np.isin(years, course.shifts) for course in courses], dtype=float)
    otherwise = np.array([np.isin(years, course.otherwise) for course in courses], dtype=float)
    return np.stack([shifted, np.maximum(shifted, otherwise)])


def breaks_behind(courses: list[National], series: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Return how many shocks of declared breaks two figures have in common (cell, cell); see ``break_years``."""
    shifted, unsure = break_years(courses, int(year.max()))
    shifted[:, 0] = 0.0  # levels are what they are when the record begins
    common = np.cumsum(shifted[:, None] * shifted, axis=2)
    since = year - RECORD_FROM
    behind: np.ndarray = common[series[:, None], series, np.minimum(since[:, None], since)]
    return behind + np.diag(unsure[series, since])


def _national(history: xr.Dataset, measure: str, group: str) -> National:
    years, marks = history.year.values, history.breaks.sel(measure=measure).values
    latent = link_functions.to_latent(measure, history.england.sel(measure=measure, group=group).values)
    seen = np.isfinite(latent)
    shifts, otherwise = (tuple(years[marks == kind].tolist()) for kind in (1, 2))
    return National(years[seen], latent[seen], shifts, otherwise)
