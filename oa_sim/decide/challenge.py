"""Challenge: other plans tried against the best one, by the whole law, to see whether any passes it or its bound."""

from dataclasses import dataclass

import numpy as np

from oa_sim.decide import constraints, plan_evaluation
from oa_sim.decide.optimiser import Optimum
from oa_sim.rng import stream

N_PLANS = 60
STEPS = (0.02, 0.1, 0.3)  # of the money that a challenger has otherwise


@dataclass(frozen=True, eq=False)
class Challenge:
    """How other plans did.

    Attributes
    ----------
    n
        Plans that keep the constraints and were tried.
    best
        What the best of them is worth, in the objective's unit; NaN where none was tried.
    n_better, n_past_bound
        How many are worth more than the plan, and more than its bound.
    """

    n: int
    best: float
    n_better: int
    n_past_bound: int


def challenge(found: Optimum, smallest: float, most_priorities: int | None, seed: int) -> Challenge:
    """Return how other plans do by the whole law, on the draws on which the plan was found.

    Parameters
    ----------
    found
        The best plan.
    smallest, most_priorities
        Constraints that are not in pounds.
    seed
        Of the scenario.

    Notes
    -----
    A challenger moves part of each year's money to lines at random, from one area or intervention to another, or from
    one line to another; those that break a constraint are left out.
    """
    rng, floors = stream(seed, "challengers"), plan_evaluation.floors_of(found.judge)
    worth = []
    for i in range(N_PLANS):
        planned = _challenger(found.planned, STEPS[i % len(STEPS)], i // len(STEPS) % 4, rng)
        if constraints.excess(found.rows, planned) or not _is_viable(planned, smallest, most_priorities):
            continue
        worth.append(plan_evaluation.risked(found.judge.objective, plan_evaluation.worth(found.judge, planned), floors))
    values = np.array(worth)
    bound = np.inf if found.upper_bound is None else found.upper_bound
    best = float(values.max()) if len(values) else float("nan")
    return Challenge(len(values), best, int((values > found.value).sum()), int((values > bound).sum()))


def _challenger(planned: np.ndarray, step: float, kind: int, rng: np.random.Generator) -> np.ndarray:
    """Return a plan that has part of its money elsewhere, whole GBP."""
    n_areas, n_all, _ = planned.shape
    has = planned.sum(axis=(0, 1))
    if kind == 0:
        part = rng.exponential(size=(n_areas, n_all, 1)) ** 2
        other = part / part.sum() * has
    else:
        axis = (0, 1, None)[kind - 1]
        given = np.ones((n_areas, n_all, 1))
        if axis is None:
            given *= rng.exponential(size=given.shape)
        else:
            given *= rng.exponential(size=(n_areas, 1, 1) if axis == 0 else (1, n_all, 1))
        other = planned * given
        total = other.sum(axis=(0, 1))
        other = other * np.where(total > 0, has / np.where(total > 0, total, 1.0), 0.0)
    return np.floor((1 - step) * planned + step * other)


def _is_viable(planned: np.ndarray, smallest: float, most_priorities: int | None) -> bool:
    some = planned[planned > 0]
    funded = (planned.sum(axis=2) > 0).sum(axis=1)
    return (not len(some) or some.min() >= smallest) and (most_priorities is None or funded.max() <= most_priorities)
