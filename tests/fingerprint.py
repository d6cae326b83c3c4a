"""Fingerprint of a law: how a model's density behaves at three fixed points, whatever its text."""

import numpy as np


def fingerprint(model) -> list[list[float]]:
    """Return how a model's density behaves at three fixed points: it tells one law from another, whatever its text.

    Parameters
    ----------
    model
        A PyMC model whose variables are all unbounded.

    Returns
    -------
    list of [log density, length of its gradient, mean of the gradient along a wave], a row for each point
    """
    import pytensor

    with model, pytensor.config.change_flags(numba__fastmath=False):
        density = model.logp_dlogp_function(ravel_inputs=True, mode="FAST_COMPILE")
    density.set_extra_values({})
    size = sum(np.size(value) for value in model.initial_point().values())
    found = []
    for point in range(3):
        value, slope = density(0.3 * np.cos(point + np.arange(size) * (1 + point)))
        wave = float(np.mean(slope * np.cos(np.arange(size))))
        found.append([float(value), float(np.linalg.norm(slope)), wave])
    return found
