"""Survival: what activity goes on when its money stops.

The second of two clocks. Fade-out acts on pupils already treated (``cohort``); survival acts on the
activity that serves later cohorts. They never act on the same gain.
"""

import numpy as np


def renewed(stay: np.ndarray, retraining: float) -> np.ndarray:
    """Return the share of trained posts that are still held by trained staff a year later.

    Parameters
    ----------
    stay : array (...)
        Share of trained staff who are still in their school a year later.
    retraining
        Share of those who leave whose successors are trained anew.

    Notes
    -----
    ``1 - (1 - stay) (1 - retraining)``. It multiplies the *later* survival of activity that rests on trained staff.
    The survival of the first year was observed in schools whose staff had turned over meanwhile, so it holds that
    year's loss already and is left alone; the later survival of a kind says how often schools go on with a policy
    or a practice, whoever works there.
    """
    return 1 - (1 - stay) * (1 - retraining)


def unpaid(funded: np.ndarray, survives: np.ndarray, survives_later: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Return the activity that goes on without money.

    Parameters
    ----------
    funded : array (..., year)
        Activity that is paid for, share of eligible pupils fully served.
    survives, survives_later : array (...)
        Share that goes on in the first year without money, and in each later one.
    quality : array (...)
        Quality of what survives, as a share of what was paid for.

    Returns
    -------
    array (..., year)
        Activity in the same unit. Activity whose money ends is released; of what is released in a year
        ``survives * quality`` goes on, and ``survives_later`` of that in each later year. Money that comes
        back takes over the oldest unpaid activity first, since it serves the same pupils.
    """
    out = np.zeros_like(funded)
    standing = np.zeros(funded.shape[:-1])
    for t in range(1, funded.shape[-1]):
        change = funded[..., t] - funded[..., t - 1]
        standing = survives_later * np.maximum(standing - np.maximum(change, 0.0), 0.0)
        standing = standing + survives * quality * np.maximum(-change, 0.0)
        out[..., t] = standing
    return out
