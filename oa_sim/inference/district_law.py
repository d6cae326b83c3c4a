"""District law: how a district differs from its county, over measures and over years.

A district's figure is its county's plus a deviation, on the latent scale: a level that is correlated over measures and
moves slowly, a part that reverts within years and is alike in the two groups of a measure, and noise. It is the law of
``baseline_model`` for an area less England, with a covariance of its own: two districts of one county differ as two
authorities of one region outside London do, and not as authorities of all England, among which London stands apart.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oa_sim.definitions import series
from oa_sim.errors import Refusal
from oa_sim.inputs import tables

Array = NDArray[np.float64]
FILE = Path(tables.FOLDER) / "district_law.json"


@dataclass(frozen=True, eq=False)
class DistrictLaw:
    """The parameters, by series in the order of ``definitions.series``.

    Attributes
    ----------
    level, shock : array (series, series)
        Covariance of the levels in one year, and of the yearly shocks of what reverts, SD squared.
    level_pace : float
        What is left of a level a year later.
    pace : array (series)
        What is left of a reverting deviation a year later.
    noise : array (series)
        Variance of a figure beside sampling, SD squared: schools that are suppressed or special.
    size_power : array (series)
        The shocks' variance falls with this power of a district's pupils; 0 where that is not known.
    pupils : float
        A year at key stage 2, of the district whose shocks these are: the typical one.
    """

    level: Array
    level_pace: float
    shock: Array
    pace: Array
    noise: Array
    size_power: Array
    pupils: float


@dataclass(frozen=True, eq=False)
class Observation:
    """A district's figure less its county's, both made in the same way.

    Attributes
    ----------
    year : int
        2019 is 2018/19.
    weights : array (series)
        What the figure is of: one series, or both groups of a measure by their share of pupils.
    value, variance : float
        SD, and SD squared: the sampling variance of the district's pupils.
    """

    year: int
    weights: Array
    value: float
    variance: float


@cache
def law() -> DistrictLaw:
    """Return the law that is in the package.

    Raises
    ------
    Refusal
        Where its series are not those of this version.
    """
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    if [tuple(name) for name in kept["series"]] != series():
        raise Refusal(f"{FILE.name} must have the series of this version: make it again with docs/make_district_law.py")
    arrays = {name: np.array(kept[name]) for name in ("level", "shock", "pace", "noise", "size_power")}
    return DistrictLaw(level_pace=float(kept["level_pace"]), pupils=float(kept["pupils"]), **arrays)


def of_size(law: DistrictLaw, pupils: float) -> DistrictLaw:
    """Return the law of a district with so many pupils a year at key stage 2.

    What reverts is of schools, and a small district has few over which it could cancel.
    """
    size = (max(pupils, 1.0) / law.pupils) ** (-law.size_power / 2)
    return replace(law, shock=law.shock * np.outer(size, size))


def carried_on(law: DistrictLaw, mean: Array, spread: Array, years: int) -> tuple[Array, Array]:
    """Return mean (year, series) and covariance (year, series, year, series) of deviations in so many years to come.

    ``mean`` and ``spread`` are from ``state_after``; there is no noise and no sampling in it.
    """
    n = len(law.pace)
    carried = np.concatenate([np.full(n, law.level_pace), law.pace])
    means, spreads = np.empty((years, n)), np.empty((years, n, years, n))
    for t in range(years):
        mean, spread = _step(law, mean, spread)
        means[t] = mean[:n] + mean[n:]
        later = spread
        for other in range(t, years):
            both = later[:n] + later[n:]
            spreads[other, :, t] = (both[:, :n] + both[:, n:]).T
            spreads[t, :, other] = both[:, :n] + both[:, n:]
            later = later * carried
    return means, spreads


def state_after(law: DistrictLaw, observations: Sequence[Observation], last: int) -> tuple[Array, Array]:
    """Return mean and covariance of levels and deviations (2 series) at the end of a year, by the Kalman filter.

    Parameters
    ----------
    law, observations
        In any order of years.
    last
        The year; later observations are refused.
    """
    if any(each.year > last for each in observations):
        raise Refusal(f"figures of a district must be of {last} or before, and one is later: leave it out")
    n = len(law.pace)
    mean, spread = np.zeros(2 * n), _block(law.level, law.shock / (1 - np.outer(law.pace, law.pace)))
    years = range(min((each.year for each in observations), default=last), last + 1)
    for year in years:
        if year > years[0]:
            mean, spread = _step(law, mean, spread)
        for each in (each for each in observations if each.year == year):
            loading = np.concatenate([each.weights, each.weights])
            pull = spread @ loading
            variance = loading @ pull + each.variance + float(each.weights**2 @ law.noise)
            mean = mean + pull * (each.value - loading @ mean) / variance
            spread = spread - np.outer(pull, pull) / variance
    return mean, spread


def courses(law: DistrictLaw, observations: Sequence[Observation], years: list[int], normal: Array) -> Array:
    """Return courses of a district less its county in years to come, without noise.

    Parameters
    ----------
    law, observations
        What is known; nothing is known of a district without figures but how districts differ.
    years
        Contiguous; the first one follows all observations.
    normal : array (step, draw, number)
        Standard normal numbers, a step more than years, twice as many numbers as series.

    Returns
    -------
    array (draw, series, year)
        SD.
    """
    n = len(law.pace)
    mean, spread = state_after(law, observations, years[0] - 1)
    state = mean + normal[0] @ root(spread).T
    carried = np.concatenate([np.full(n, law.level_pace), law.pace])
    spreads = root(_block(law.level * (1 - law.level_pace**2), law.shock))
    out = np.empty((normal.shape[1], n, len(years)))
    for t in range(len(years)):
        state = carried * state + normal[t + 1] @ spreads.T
        out[:, :, t] = state[:, :n] + state[:, n:]
    return out


def _step(law: DistrictLaw, mean: Array, spread: Array) -> tuple[Array, Array]:
    """Carry mean and covariance of the state one year on."""
    carried = np.concatenate([np.full(len(law.pace), law.level_pace), law.pace])
    added = _block(law.level * (1 - law.level_pace**2), law.shock)
    return carried * mean, carried[:, None] * spread * carried + added


def _block(first: Array, second: Array) -> Array:
    """Return a matrix of two blocks on its diagonal."""
    n = len(first)
    both = np.zeros((2 * n, 2 * n))
    both[:n, :n], both[n:, n:] = first, second
    return both


def root(covariance: Array) -> Array:
    """Return the symmetric square root of a covariance, which rounding may have left just short of definite.

    It has one sign: numbers that are larger in one district than in its sibling move the same series of both.
    """
    values, vectors = np.linalg.eigh(covariance)
    both: Array = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return both
