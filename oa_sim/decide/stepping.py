"""Stepping: from one plan towards another, as far as the whole law says that it is better."""

import numpy as np

from oa_sim.decide import plan_evaluation
from oa_sim.decide.allocation_problem import Problem

STEPS = (0.1, 0.2, 0.35, 0.5, 0.7, 1.0)  # of the way
UNUSED = 1e-3  # of a year's money: less is rounding


def towards(given: Problem, now: np.ndarray, other: np.ndarray, weight: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return the best plan on the way to another by the whole law: part of the way, or line by line.

    Parameters
    ----------
    given
        What is asked.
    now, other : array (area, intervention, funded year)
        From where, and where to, GBP / year.
    weight : array (area, draw)
        What each draw counts for.
    price : array (row)
        What one more of each row of the problem would bring.
    """
    tried = [(1 - step) * now + step * other for step in STEPS] + [line_by_line(given, now, other, weight, price)]
    worth = [plan_evaluation.worth(given.desk.judge, np.floor(one)) for one in tried]
    values = [plan_evaluation.risked(given.asked.objective, one, given.floors) for one in worth]
    return tried[int(np.argmax(values))]


def line_by_line(
    given: Problem, now: np.ndarray, other: np.ndarray, weight: np.ndarray, price: np.ndarray
) -> np.ndarray:
    """Return a plan in which each line goes the whole way where that is better by the whole law, its money paid for.

    Half of the way to a course that begins in another year can be worse than either end, so that a part of every line's
    way may be no better though each line's whole way is. Areas meet in money alone, so one line of each is tried at
    once; what is then above or below a year's money is taken from all lines alike, or given to them.
    """
    judge, has = given.desk.judge, np.array(given.desk.has, dtype=float)
    cost = given.cost(price).reshape(other.shape)
    room = plan_evaluation.richer(judge, now + other)

    def left(planned: np.ndarray) -> np.ndarray:
        by_draw = plan_evaluation.worth(room, np.floor(planned))
        return (weight * by_draw).sum(axis=1) - (cost * planned).sum(axis=(1, 2))

    plan = now.copy()
    best = left(plan)
    for k in range(plan.shape[1]):
        tried = plan.copy()
        tried[:, k] = other[:, k]
        found = left(tried)
        better = found > best
        plan[better, k], best[better] = other[better, k], found[better]
    spent = np.maximum(plan.sum(axis=(0, 1)), 1.0)
    is_used = _used_up(now, has) | (spent > has)
    return plan * np.where(is_used, has / spent, 1.0)


def _used_up(planned: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Return whether a plan uses up what a year has (funded year)."""
    return planned.sum(axis=(0, 1)) > has * (1 - UNUSED)
