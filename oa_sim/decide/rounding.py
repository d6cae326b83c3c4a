"""Rounding: a plan in whole pounds that keeps every constraint to the pound."""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from oa_sim.decide.constraints import Row

NOTHING = 1e-3  # GBP; less is none
MOST_NODES = 2_000  # of branch and bound, alike on every machine


def in_pounds(planned: np.ndarray, rows: list[Row], smallest: float = 0.0) -> np.ndarray | None:
    """Return a plan with each cell rounded up or down so that every row holds; None where no rounding does.

    Parameters
    ----------
    planned : array (area, intervention, funded year)
        GBP / year.
    rows
        The constraints in pounds.
    smallest
        Least in a cell that has any, GBP.

    Notes
    -----
    As many cells as can be are rounded up, so that no pound is left that could be spent.
    """
    kept = np.where(planned < NOTHING, 0.0, planned).ravel()
    low, high = np.floor(kept + NOTHING), np.ceil(kept - NOTHING)
    low = np.where((low > 0) & (low < smallest), high, low)
    signs = np.array([-1.0 if row.is_least else 1.0 for row in rows])
    cells = np.flatnonzero(high > low)
    use = np.stack([row.cells.ravel() for row in rows]) * signs[:, None]
    room = signs * np.array([row.limit for row in rows]) - use @ low
    if len(cells):
        found = milp(
            -np.ones(len(cells)),
            integrality=np.ones(len(cells)),
            bounds=Bounds(0.0, (high - low)[cells]),
            constraints=[LinearConstraint(sparse.csr_array(use[:, cells]), -np.inf, room)],
            options={"node_limit": MOST_NODES},
        )
        if found.x is None:
            return None
        low[cells] += np.round(found.x)
    elif (room < 0).any():
        return None
    return low.reshape(planned.shape)
