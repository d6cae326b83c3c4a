"""Observations: what was published of each area, on the latent scale, with England's trend kept apart."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim.definitions import LINKED, MEASURES, series
from oa_sim.inference import link_functions

RECORD_FROM = 2013  # first year of the record of areas: what lies further back says little of today


@dataclass(frozen=True)
class National:
    """England's course in one series.

    Attributes
    ----------
    years, figures : array (figure)
        The years of its published figures, and the figures, SD.
    shifts, otherwise : tuple of int
        Years in which a declared break shifts the level; years that are graded otherwise, and moved alone.
    """

    years: np.ndarray
    figures: np.ndarray
    shifts: tuple[int, ...]
    otherwise: tuple[int, ...]


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
        By series: England's course.
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

    A year that was graded otherwise moves England and areas alike, so areas' figures of that year are used as they
    are.

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
        gap = link_functions.to_latent(measure, published) - link_functions.to_latent(
            measure, used.england.sel(at).values
        )
        seen = np.isfinite(gap)
        relative[s], observed[s] = np.where(seen, gap, 0.0), seen
        behind = used.behind.sel(at).values[:, None]
        typical = np.where(seen, published, np.nanmean(published) if seen.any() else 50.0)
        sampling[s] = link_functions.sampling_variance(measure, typical, behind)
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
    years, marks = history.year.values, history.breaks.sel(measure=measure).values
    latent = link_functions.to_latent(measure, history.england.sel(measure=measure, group=group).values)
    seen = np.isfinite(latent)
    shifts, otherwise = (tuple(years[marks == kind].tolist()) for kind in (1, 2))
    return National(years[seen], latent[seen], shifts, otherwise)
