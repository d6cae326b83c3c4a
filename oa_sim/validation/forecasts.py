"""Forecasts: what a model expects, as draws or as a normal distribution, and how far that lay from the figure.

The CRPS is the distance of a whole forecast from the figure, in the figure's unit; that of a point is its absolute
error. The log density tells two models apart that differ little, and punishes a figure that was held to be impossible.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, ndtr, ndtri

from oa_sim.errors import Refusal
from oa_sim.inference import link_functions

PSEUDO_DRAWS = 199  # quantiles that stand for a normal forecast on a scale where it is not normal
TAILS = (2.5, 4.0, 6.0, 10.0, 20.0, 1000.0)  # degrees of freedom of Student's t that are tried; the last is normal
ROUNDS = 25  # of expectation and maximisation; another would move the density by less than a thousandth


@dataclass(frozen=True)
class Forecast:
    """What a model expects of each area: draws, or mean and SD of a normal distribution.

    Attributes
    ----------
    draws : array (draw, area), optional
    mean, sd : array (area), optional
        All in the unit of the scale; NaN in an area that has no forecast.
    """

    draws: np.ndarray | None = None
    mean: np.ndarray | None = None
    sd: np.ndarray | None = None

    def __post_init__(self):
        normal = self.mean is not None and self.sd is not None
        if (self.draws is not None) == normal or (self.mean is None) != (self.sd is None):
            raise Refusal("a forecast is either draws or mean and sd, got another mixture: give one of the two")
        shapes = np.shape(self.mean), np.shape(self.sd)
        if normal and (shapes[0] != shapes[1] or len(shapes[0]) != 1):
            raise Refusal(
                f"mean and sd have one value for each area, got shapes {shapes[0]} and {shapes[1]}: align them"
            )
        if not normal and np.ndim(self.draws) != 2:
            raise Refusal(f"draws are (draw, area), got an array of shape {np.shape(self.draws)}: give two dimensions")


def published(forecast: Forecast, measure: str) -> Forecast:
    """Return a forecast on the latent scale (SD) as draws of the published figure, in the measure's unit.

    A normal forecast becomes 199 quantiles at equal steps of probability, the same for all, so that no chance enters.
    """
    draws = forecast.draws
    if draws is None:
        steps = ndtri((np.arange(PSEUDO_DRAWS) + 0.5) / PSEUDO_DRAWS)
        draws = forecast.mean + forecast.sd * steps[:, None]
    return Forecast(draws=link_functions.to_published(measure, draws))


def crps_normal(mean: np.ndarray, sd: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS of a normal forecast, in the unit of its arguments; with no spread, the absolute error.

    ``sd (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))`` with ``z = (actual - mean) / sd`` (Gneiting and Raftery, 2007).
    """
    mean, sd, actual = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (mean, sd, actual)))
    error = np.abs(actual - mean)
    z = np.divide(error, sd, out=np.zeros(error.shape), where=sd > 0)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    spread = sd * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return np.where(sd == 0, error, spread)


def crps_draws(draws: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS of the distribution that the draws (draw, ...) make up, exactly, by sorting.

    ``mean |x - y| - sum_i (2 i - n - 1) x_(i) / n^2``: not the fair version, which would reward draws for being few. It
    exceeds that by ``0.56 sd / n``, which is nothing for a thousand draws.
    """
    ordered = np.sort(np.asarray(draws, dtype=float), axis=0)
    n = len(ordered)
    weight = (2 * np.arange(1, n + 1) - n - 1) / n**2
    return np.abs(ordered - actual).mean(axis=0) - np.tensordot(weight, ordered, axes=1)


def covered(low: np.ndarray, high: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return whether each figure lies in its interval, ends included."""
    return (np.asarray(low) <= actual) & (actual <= np.asarray(high))


def crps(forecast: Forecast, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS (area) of a forecast, NaN where there is no forecast or no figure."""
    if forecast.draws is None:
        return crps_normal(forecast.mean, forecast.sd, actual)
    return crps_draws(forecast.draws, actual)


def quantile(forecast: Forecast, share: float | np.ndarray) -> np.ndarray:
    """Return quantiles of a forecast, (area) for one share between 0 and 1, (share, area) for several."""
    if forecast.draws is None:
        return forecast.mean + forecast.sd * ndtri(np.asarray(share))[..., None]
    # the method under which equally spaced quantiles give themselves back, and draws are no narrower than they are
    return np.quantile(forecast.draws, share, axis=0, method="hazen")


def interval(forecast: Forecast, level: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval that holds ``level`` per cent, in the shapes of ``quantile``."""
    return quantile(forecast, 0.5 - level / 200), quantile(forecast, 0.5 + level / 200)


def tails(draws: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom (...), of ``TAILS``, of the Student's t under which draws are the likeliest."""
    fits = np.stack([_student(draws, np.full(np.shape(draws)[1:], df))[2] for df in TAILS])
    return np.array(TAILS)[fits.argmax(axis=0)]


def log_density(draws: np.ndarray, actual: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return the log density (nats) of figures (...) under a Student's t fitted to the draws of a forecast (draw, ...).

    A kernel estimate would say of a figure outside all draws what its bandwidth says, and a normal that it cannot be.
    Forecasts here are normal given the hyperparameters and the size of each break, so over those their draws have a
    bell's shape with tails that are heavier than normal, which three numbers fitted by maximum likelihood describe. The
    degrees of freedom, from ``tails``, are given apart, so that two models are compared under tails of one kind.
    """
    centre, size, _ = _student(draws, degrees)
    return _student_log_density((actual - centre) / size, degrees) - np.log(size)


def _student(draws: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre, scale and log likelihood a draw of Student's t by maximum likelihood (Liu and Rubin 1995)."""
    draws = np.asarray(draws, dtype=float)
    low, centre, high = np.quantile(draws, [0.25, 0.5, 0.75], axis=0)
    size = (high - low) / 1.5
    for _ in range(ROUNDS):
        weight = (df + 1) / (df + ((draws - centre) / size) ** 2)
        centre = (weight * draws).sum(axis=0) / weight.sum(axis=0)
        size = np.sqrt((weight * (draws - centre) ** 2).mean(axis=0))
    fit = _student_log_density((draws - centre) / size, df).mean(axis=0) - np.log(size)
    return centre, size, fit


def _student_log_density(z: np.ndarray, df: np.ndarray) -> np.ndarray:
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    return constant - 0.5 * (df + 1) * np.log1p(z**2 / df)
