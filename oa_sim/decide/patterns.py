"""Patterns: ways in which the money of a line may run over the funded years, from which others are tried out.

A line begins once, runs without a break, and has in each of its years the same sum, or the same share of what each
year has for activity.
"""

import numpy as np

from oa_sim.scenario.schema import Scenario


def patterns(has: list[int]) -> np.ndarray:
    """Return the ways in which a line's money may run (pattern, funded year), 1 in the largest year.

    Parameters
    ----------
    has
        What each funded year has for activity, GBP.
    """
    n, found = len(has), []
    for first in range(n):
        for last in range(first, n):
            inside = np.array([first <= t <= last for t in range(n)], dtype=float)
            shared = inside * np.array(has, dtype=float)
            found += [shape / shape.max() for shape in (inside, shared) if ((shape > 0) == (inside > 0)).all()]
    return np.unique(np.round(np.array(found).reshape(-1, n), 12), axis=0)[::-1]


def paid(scenario: Scenario, planned: np.ndarray, has: list[int], n_years: int) -> np.ndarray:
    """Return planned money (..., funded year) as it is paid (..., year); see ``budget``, to within a pound."""
    out = np.zeros((*planned.shape[:-1], n_years))
    out[..., : planned.shape[-1]] = planned
    first = next((t for t, pounds in enumerate(has) if pounds), None)
    if first is not None:
        late = out[..., first] * (1 - min(sum(scenario.budget.payment_rounds), 1.0))
        out[..., first] -= late
        if scenario.budget.carry_over:
            out[..., first + 1] += late
    return out
