"""Link functions: between a published figure and the latent scale, the pupil standard deviation.

A share that reaches a threshold is ``p = Phi(eta)``; Attainment 8 is ``eta`` times the pupil SD. Suspensions are a
rate without an upper end, so their latent scale is logarithmic: areas differ by factors, and go on to when England
moves (on held-out years this forecasts them better than ``Phi``).

Latent to published is written once, in ``published``, ``fraction`` and ``slope``. NumPy calls them on arrays;
``compiled.scalar_laws`` compiles the same functions in single precision.
"""

import numpy as np
from numpy import exp, maximum, minimum, where
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from oa_sim.definitions import ATTAINMENT_8_SD

Numbers = np.ndarray | float  # an array, or one number
SHARE, POINTS, RATE = 0, 1, 2  # kinds of measure, by how the figure is published
SMALLEST_SHARE = 0.05  # %; a published 0 or 100 stands for a rounded share
RATES = ("suspensions",)
LOG_PER_SD = 2.0  # of a rate: one SD is a factor of e squared; at 5 per 100 this is what one SD of ``Phi`` does
PUPIL_SD, MOST_POINTS = ATTAINMENT_8_SD, 90.0  # points; the scale of Attainment 8 ends at 90
ZERO, HALF, HUNDRED, ROOT_TWO_PI = 0.0, 0.5, 100.0, np.sqrt(2 * np.pi)
REPEATS = 3.0  # a pupil who is suspended at all is suspended more than once: variance over that of a count, assumed


def points(latent: Numbers) -> np.ndarray:
    """Return the Attainment 8 score of a latent value (SD)."""
    return minimum(maximum(latent * PUPIL_SD, ZERO), MOST_POINTS)


def fraction(kind: int, latent: Numbers) -> np.ndarray:
    """Return a hundredth of the published figure of a latent value (SD)."""
    if kind == SHARE:
        share: np.ndarray = ndtr(latent)
        return share
    if kind == RATE:
        return exp(LOG_PER_SD * latent)
    return points(latent) / HUNDRED


def slope(kind: int, latent: Numbers) -> np.ndarray:
    """Return what one more SD adds to ``fraction``: its derivative."""
    if kind == SHARE:
        density: np.ndarray = exp(-HALF * latent * latent) / ROOT_TWO_PI
        return density
    if kind == RATE:
        return LOG_PER_SD * exp(LOG_PER_SD * latent)
    score = latent * PUPIL_SD
    return where((score > ZERO) & (score < MOST_POINTS), PUPIL_SD / HUNDRED, ZERO)


def published(kind: int, latent: Numbers) -> np.ndarray:
    """Return the published figure (%, points, or per 100 pupils) of a latent value (SD)."""
    return points(latent) if kind == POINTS else HUNDRED * fraction(kind, latent)


def kind_of(measure: str) -> int:
    """Return the kind of a measure: ``SHARE``, ``POINTS`` or ``RATE``."""
    return POINTS if measure == "attainment_8" else RATE if measure in RATES else SHARE


def to_latent(measure: str, published: ArrayLike) -> np.ndarray:
    """Return the latent value (SD) of a published figure (% or points)."""
    figure: np.ndarray = np.asarray(published, dtype=float)
    kind = kind_of(measure)
    latent: np.ndarray
    if kind == POINTS:
        latent = figure / PUPIL_SD
    elif kind == RATE:
        latent = np.log(np.maximum(figure, SMALLEST_SHARE) / 100) / LOG_PER_SD
    else:
        latent = ndtri(np.clip(figure, SMALLEST_SHARE, 100 - SMALLEST_SHARE) / 100)
    return latent


def to_published(measure: str, latent: ArrayLike) -> np.ndarray:
    """Return the published figure (% or points) of a latent value (SD)."""
    kind = kind_of(measure)
    return published(kind, np.asarray(latent, dtype=float if kind == RATE else None))


def sampling_variance(measure: str, published: ArrayLike, pupils: ArrayLike) -> np.ndarray:
    """Return the latent variance (SD squared) that a cohort of finite size gives a published figure.

    Parameters
    ----------
    measure
        Name of the measure.
    published
        The figure, % or points.
    pupils
        Pupils behind the figure.

    Notes
    -----
    Delta method: ``p (1 - p) / (n phi(eta)^2)`` for a share, ``1 / n`` for a mean of unit variance, and
    ``repeats / (n rate)`` over the square of the scale for a rate.
    """
    count: np.ndarray = np.maximum(np.asarray(pupils, dtype=float), 1.0)
    figure: np.ndarray = np.asarray(published, dtype=float)
    kind = kind_of(measure)
    variance: np.ndarray
    share = np.clip(figure, 1.0, 99.0) / 100
    if kind == POINTS:
        variance = 1.0 / count * np.ones_like(figure)
    elif kind == RATE:
        variance = REPEATS / (count * share * LOG_PER_SD**2)
    else:
        variance = share * (1 - share) / (count * slope(SHARE, ndtri(share)) ** 2)
    return variance
