"""Monte Carlo errors: how far a figure would move with other draws; printed digits stop where it begins.

Apart from ``sampling``, since it needs no model.
"""

import sys
import warnings
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import xarray as xr

LOW, HIGH = 0.05, 0.95  # the ends of the 90% interval


class Summary(NamedTuple):
    """The mean (or median) of draws, the ends of their 90% interval, and the Monte Carlo error of the first."""

    middle: float
    low: float
    high: float
    error: float


def summarise(draws: np.ndarray, *, as_median: bool = False) -> Summary:
    """Return what is printed of a quantity, from its draws.

    Parameters
    ----------
    draws : array (chain, draw)
        In any unit. Where some are infinite, as a price that nothing reaches, quantiles are draws themselves.
    as_median
        Whether the middle is the median, as of a price, which may have no mean.
    """
    values = np.asarray(draws, dtype=float)
    is_known = np.isfinite(values).all()
    low, high = np.quantile(values, [LOW, HIGH], method="linear" if is_known else "inverted_cdf")
    middle = float(np.median(values) if as_median else values.mean())
    if is_known:
        error = float(error_of_mean(values, of_median=as_median))
    else:
        error = float(error_of_quantile(np.where(np.isfinite(values), values, 1e300), 0.5, values.size))
    return Summary(middle, float(low), float(high), error)


def error_of_mean(draws: np.ndarray, *, of_median: bool = False) -> np.ndarray | float:
    """Return the Monte Carlo standard error of a mean, or of a median, by ArviZ.

    Parameters
    ----------
    draws : array (chain, draw, ...)
        Where nothing varies, or an error cannot be told from so few draws, it is the plain one of independent draws.
    of_median
        Whether of the median.

    Returns
    -------
    float or array
        In the unit of the draws, by what stands behind chain and draw.
    """
    values = np.asarray(draws, dtype=float)
    mcse = _mcse()
    with np.errstate(all="ignore"):  # a figure that is not finite has no error, which is said by the plain one
        more = [f"d{i}" for i in range(values.ndim - 2)]
        asked = xr.Dataset({"of": (("chain", "draw", *more), values)})
        answer = mcse(asked, method="median" if of_median else "mean")
        found = (answer.to_dataset() if hasattr(answer, "to_dataset") else answer)["of"].values
        plain = values.std(axis=(0, 1)) / np.sqrt(values.shape[0] * values.shape[1])
    error = np.where(np.isfinite(found), found, plain)
    return float(error) if error.ndim == 0 else error


@cache
def _mcse() -> Callable:
    """Load ArviZ, once: filters of warnings belong to the process, and threads that set them undo each other's."""
    if sys.version_info >= (3, 12):
        from arviz_stats import mcse
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ArviZ 0.23 speaks of its own future when it is imported
            from arviz import mcse
    return mcse


def worth(draws: np.ndarray, at: list[int]) -> np.ndarray:
    """Return how many independent draws the courses of each place are worth: the fewest of some of their years.

    ArviZ takes a millisecond a figure, and the years of a course are worth about the same.

    Parameters
    ----------
    draws : array (chain, draw, place, year)
        In any unit.
    at
        Places of the years that are looked at.

    Returns
    -------
    array (place, 1)
    """
    seen = draws[..., sorted(set(at))]
    spread, error = seen.std(axis=(0, 1)), error_of_mean(seen)
    plain = np.sqrt(draws.shape[0] * draws.shape[1])
    return (np.where(error > 0, spread / np.where(error > 0, error, 1.0), plain) ** 2).min(axis=-1, keepdims=True)


def error_of_courses(draws: np.ndarray, at: list[int]) -> np.ndarray:
    """Return the Monte Carlo standard error of the mean of each place and year; see ``worth``."""
    return draws.std(axis=(0, 1)) / np.sqrt(worth(draws, at))


def error_of_quantile(draws: np.ndarray, probability: float, effective: float) -> np.ndarray:
    """Return the Monte Carlo standard error of a quantile: half of what lies a standard error around its rank.

    Parameters
    ----------
    draws : array (chain, draw, ...)
        In any unit.
    probability
        Of which quantile, 0 to 1.
    effective
        How many independent draws they are worth.

    Returns
    -------
    array
        In the unit of the draws, by what stands behind chain and draw.
    """
    reach = np.sqrt(probability * (1 - probability) / effective)
    low, high = np.quantile(draws, np.clip([probability - reach, probability + reach], 0, 1), axis=(0, 1))
    return (high - low) / 2
