"""Link functions: between a published figure and the latent scale, the pupil standard deviation.

A share that reaches a threshold is ``p = Phi(eta)``; Attainment 8 is ``eta`` times the pupil SD. Suspensions are a
rate without an upper end, so their latent scale is logarithmic: areas differ by factors, and go on to when England
moves (on held-out years this forecasts them better than ``Phi``).
"""

import numpy as np
from scipy.special import ndtr, ndtri

from oa_sim.definitions import ATTAINMENT_8_SD

SMALLEST_SHARE = 0.05  # %; a published 0 or 100 stands for a rounded share
RATES = ("suspensions",)
LOG_PER_SD = 2.0  # of a rate: one SD is a factor of e squared; at 5 per 100 this is what one SD of ``Phi`` does
REPEATS = 3.0  # a pupil who is suspended at all is suspended more than once: variance over that of a count, assumed


def to_latent(measure: str, published):
    """Return the latent value (SD) of a published figure (% or points)."""
    published = np.asarray(published, dtype=float)
    if measure == "attainment_8":
        return published / ATTAINMENT_8_SD
    if measure in RATES:
        return np.log(np.maximum(published, SMALLEST_SHARE) / 100) / LOG_PER_SD
    return ndtri(np.clip(published, SMALLEST_SHARE, 100 - SMALLEST_SHARE) / 100)


def to_published(measure: str, latent):
    """Return the published figure (% or points) of a latent value (SD)."""
    if measure == "attainment_8":
        return np.clip(np.asarray(latent) * ATTAINMENT_8_SD, 0.0, 90.0)  # the scale of the measure ends at 90
    if measure in RATES:
        return 100 * np.exp(LOG_PER_SD * np.asarray(latent, dtype=float))
    return 100 * ndtr(latent)


def sampling_variance(measure: str, published, pupils):
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
    pupils = np.maximum(np.asarray(pupils, dtype=float), 1.0)
    if measure == "attainment_8":
        return 1.0 / pupils * np.ones_like(np.asarray(published, dtype=float))
    share = np.clip(np.asarray(published, dtype=float), 1.0, 99.0) / 100
    if measure in RATES:
        return REPEATS / (pupils * share * LOG_PER_SD**2)
    density = np.exp(-0.5 * ndtri(share) ** 2) / np.sqrt(2 * np.pi)
    return share * (1 - share) / (pupils * density**2)
