"""Survival: what activity goes on when its money stops.

The second of two clocks. Fade-out acts on pupils already treated (``cohort``); survival acts on the
activity that serves later cohorts. They never act on the same gain.
"""

import numpy as np


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
