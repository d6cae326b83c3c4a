"""Area forecast: where an area stands at the end of its record, by each draw's law, and its course from there, exactly.

What a programme brought can be taken off the figures, draw by draw, so that what would have happened anyway is learned
from them too.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import LINKED
from oa_sim.inference import baseline_model, observations, state_space
from oa_sim.inference.observations import Record


@dataclass(frozen=True)
class Law:
    """The hyperparameters of a posterior in the form in which areas are carried on.

    Attributes
    ----------
    mean, pace, noise, link : array (draw, series)
        Mean over areas (SD), persistence of deviations, variance of noise, share of luck that goes with a cohort.
    level, shock : array (draw, series, series)
        Covariance of levels in one year, and of the yearly shocks of deviations, SD squared.
    level_pace : array (draw)
        Persistence of levels.
    """

    mean: np.ndarray
    level: np.ndarray
    level_pace: np.ndarray
    shock: np.ndarray
    pace: np.ndarray
    noise: np.ndarray
    link: np.ndarray


def law(posterior: xr.Dataset, names: list[tuple[str, str]]) -> Law:
    """Return the law of each draw, chains one after another."""

    def flat(name):
        values = posterior[name].values
        return np.ascontiguousarray(values.reshape(-1, *values.shape[2:]), dtype=float)

    linked = np.array([LINKED.index(measure) if measure in LINKED else -1 for measure, _ in names])
    by_series = np.where(linked < 0, 0.0, flat("cohort_link")[:, linked])
    alike = np.eye(len(names)) + baseline_model.partners(names) * flat("deviation_alike")[:, linked][:, :, None]
    sd, pace = flat("deviation_sd"), flat("persistence")
    size = sd * np.sqrt(1 - pace**2)
    level_sd = flat("level_sd")
    return Law(
        mean=flat("mu"),
        level=baseline_model.correlation(flat("level_partials"), names) * level_sd[:, :, None] * level_sd[:, None, :],
        level_pace=flat("level_persistence"),
        shock=alike * size[:, :, None] * size[:, None, :],
        pace=pace,
        noise=flat("noise_sd") ** 2,
        link=np.ascontiguousarray(by_series),
    )


def relative(
    hyper: Law,
    known: Record,
    area: str,
    years: list[int],
    behind: np.ndarray,
    rng,
    *,
    is_proxy: bool = False,
    brought: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return an area's figures less England's in the years to come, exact given the record and each draw.

    Parameters
    ----------
    hyper
        From ``law``.
    known
        The record that holds the area.
    area
        Its name.
    years
        Contiguous; the first one follows any year of the record.
    behind : array (series)
        Sampling variance of the figures to come, SD squared.
    rng
        Random stream of the area.
    is_proxy
        Whether the record is a county's: its cohorts' luck is then not carried on.
    brought : array (draw, series, year)
        What is taken off the figures of the record's years, SD; None: nothing.

    Returns
    -------
    centre, error : array (draw, series, year)
        Course, and luck and noise about it, SD.
    """
    cells = cells_of(known, area, years[0], is_proxy=is_proxy, brought=brought)
    future = observations.kin(known.series, years)
    kin, future = _counted_from_0(cells.kin, future)
    normal = rng.standard_normal((len(hyper.mean), state_space.numbers_needed(kin, future)))
    found = state_space.courses(
        hyper.mean, hyper.level, hyper.level_pace, hyper.shock, hyper.pace, hyper.noise, hyper.link,
        cells.series, cells.year, kin, cells.value, cells.sampling, years[0] - 1, len(years), future, behind, normal,
    )  # fmt: skip
    return found[0], found[1]


class Cells(NamedTuple):
    """An area's published figures less England's in order of years, one an entry; see ``state_space.courses``."""

    series: np.ndarray
    year: np.ndarray
    kin: np.ndarray
    value: np.ndarray  # (draw or 1, cell)
    sampling: np.ndarray


def cells_of(
    known: Record, area: str, before: int, *, is_proxy: bool = False, brought: np.ndarray | None = None
) -> Cells:
    """Return the figures of an area before a year.

    Parameters
    ----------
    known, area, is_proxy, brought
        As for ``relative``.
    before
        The first year that is left out.
    """
    a = known.areas.index(area)
    seen = known.observed[:, a].T > 0
    seen &= (known.years < before)[:, None]
    at_year, at_series = np.nonzero(seen)
    kin = known.kin[at_series, at_year]
    if is_proxy:
        kin = np.full_like(kin, -1)
    value = known.relative[at_series, a, at_year][None]
    if brought is not None:
        value = value - brought[:, at_series, at_year]
    years = known.years[at_year].astype(np.int64)
    return Cells(at_series, years, kin, np.ascontiguousarray(value), known.sampling[at_series, a, at_year])


def log_density(
    hyper: Law, known: Record, area: str, since: int, *, is_proxy: bool = False, brought: np.ndarray | None = None
) -> np.ndarray:
    """Return the log density (draw) of an area's figures from a year on, given those before and each draw.

    Parameters
    ----------
    hyper, known, area, is_proxy, brought
        As for ``relative``.
    since
        The first year whose figures count.
    """
    cells = cells_of(known, area, int(known.years[-1]) + 1, is_proxy=is_proxy, brought=brought)
    kin, _ = _counted_from_0(cells.kin, np.full((1, 1), -1))
    return state_space.log_density(
        hyper.mean, hyper.level, hyper.level_pace, hyper.shock, hyper.pace, hyper.noise, hyper.link,
        cells.series, cells.year, kin, cells.value, cells.sampling, since,
    )  # fmt: skip


def _counted_from_0(kin: np.ndarray, future: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of cohorts counted from the first that occurs; -1 stays."""
    known = np.concatenate([kin.ravel(), future.ravel()])
    first = known[known >= 0].min() if (known >= 0).any() else 0
    return np.where(kin >= 0, kin - first, -1), np.where(future >= 0, future - first, -1)
