"""Monte Carlo errors: how far a figure would move with other draws; printed digits stop where it begins.

Apart from ``sampling``, since it needs no model. Draws are by (chain, draw, ...), in any unit, and errors in the same
unit, by what stands behind chain and draw.
"""

import sys
import warnings
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

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
    """Return what is printed of a quantity, from its draws (chain, draw).

    Where some are infinite, as a price that nothing reaches, quantiles are draws themselves. The middle is the median
    of a price, which may have no mean.
    """
    values = np.asarray(draws, dtype=float)
    is_finite = np.isfinite(values).all()
    low, high = np.quantile(values, [LOW, HIGH], method="linear" if is_finite else "inverted_cdf")
    middle = float(np.median(values) if as_median else values.mean())
    if is_finite:
        error = float(error_of_mean(values, of_median=as_median))
    else:
        error = float(error_of_quantile(np.where(np.isfinite(values), values, 1e300), 0.5, values.size))
    return Summary(middle, float(low), float(high), error)


def error_of_mean(draws: np.ndarray, *, of_median: bool = False) -> np.ndarray | float:
    """Return the Monte Carlo standard error of a mean, or of a median, by ArviZ.

    Where nothing varies, or so few draws do not tell it, it is the plain one of independent draws.
    """
    values = np.asarray(draws, dtype=float)
    with np.errstate(all="ignore"):  # a figure that is not finite has no error, which is said by the plain one
        more = [f"d{i}" for i in range(values.ndim - 2)]
        quantity = xr.Dataset({"of": (("chain", "draw", *more), values)})
        by_arviz = diagnostic("mcse", quantity, method="median" if of_median else "mean")["of"].values
        plain = values.std(axis=(0, 1)) / np.sqrt(values.shape[0] * values.shape[1])
    error = np.where(np.isfinite(by_arviz), by_arviz, plain)
    return float(error) if error.ndim == 0 else error


def diagnostic(name: str, draws: xr.Dataset, **options: str) -> xr.Dataset:
    """Return a diagnostic of draws by ArviZ: ``mcse``, ``ess`` or ``rhat``."""
    return plain_dataset(getattr(_arviz(), name)(draws, **options))


def plain_dataset(tree: Any) -> xr.Dataset:
    """Return a plain Dataset of what either version of PyMC and ArviZ gives."""
    dataset: xr.Dataset = tree.to_dataset() if hasattr(tree, "to_dataset") else tree
    return dataset


@cache
def _arviz() -> ModuleType:
    """Load ArviZ, once: filters of warnings belong to the process, and threads that set them undo each other's."""
    if sys.version_info >= (3, 12):
        import arviz_stats as arviz  # ArviZ 1 in its parts: no plotting is loaded
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ArviZ 0.23 speaks of its own future when it is imported
            import arviz
    module: ModuleType = arviz
    return module


def worth(draws: np.ndarray, at: list[int]) -> np.ndarray:
    """Return how many independent draws (chain, draw, place, year) are worth (place, 1): the fewest of some years.

    ArviZ takes a millisecond a figure, and the years of a course are worth about the same: ``at`` has the places of
    those that are looked at.
    """
    seen = draws[..., sorted(set(at))]
    spread, error = seen.std(axis=(0, 1)), error_of_mean(seen)
    plain = np.sqrt(draws.shape[0] * draws.shape[1])
    fewest: np.ndarray = np.where(error > 0, spread / np.where(error > 0, error, 1.0), plain) ** 2
    return fewest.min(axis=-1, keepdims=True)


def error_of_courses(draws: np.ndarray, at: list[int]) -> np.ndarray:
    """Return the Monte Carlo standard error of the mean of each place and year; see ``worth``."""
    return draws.std(axis=(0, 1)) / np.sqrt(worth(draws, at))


def error_of_quantile(draws: np.ndarray, probability: float, effective: float) -> np.ndarray:
    """Return the Monte Carlo standard error of a quantile: half of what lies a standard error around its rank.

    The draws are worth ``effective`` independent ones.
    """
    reach = np.sqrt(probability * (1 - probability) / effective)
    low, high = np.quantile(draws, np.clip([probability - reach, probability + reach], 0, 1), axis=(0, 1))
    error: np.ndarray = (high - low) / 2
    return error
