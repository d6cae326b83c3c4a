"""Risks: one number for what a plan is worth, and what each draw counts for when it is bettered."""

import numpy as np

from oa_sim.decide.objective import Objective
from oa_sim.decide.plan_evaluation import tail_weights

SOFT = 0.25  # of the spread of an area's worth: how softly a floor counts while a plan is looked for


def weight(
    asked: Objective, by_draw: np.ndarray, floors: np.ndarray, before: np.ndarray | None, turn: int
) -> np.ndarray:
    """Return what each draw counts for (area, draw).

    Parameters
    ----------
    asked
        The objective.
    by_draw : array (area, draw)
        What the plan is worth.
    floors : array (area) or (area, draw)
        What each area must reach; for ``risk=floor``.
    before : array (area, draw)
        What each counted for in the turn before.
    turn
        Counted from 0.

    Notes
    -----
    The mean of the lowest share is the least that any weights give which sum to 1 and of which none is above
    ``1 / (tail n)`` (Rockafellar and Uryasev 2000), so that the mean of several turns' weights still bounds it from
    above. The chance that every area reaches its floor has no such weights; those of a soft floor stand in, and bound
    nothing.
    """
    n = by_draw.shape[1]
    if asked.risk == "mean":
        return np.full(by_draw.shape, 1 / n)
    if asked.risk == "cvar":
        now = np.zeros(n)
        now[np.argsort(by_draw.sum(axis=0))] = tail_weights(n, asked.tail)
        part = 1.0 if before is None else 1 / (1 + turn)
        mixed = now if before is None else (1 - part) * before[0] + part * now
        return np.tile(mixed, (len(by_draw), 1))
    above = by_draw - floors.reshape(len(by_draw), -1)
    width = SOFT * np.maximum(above.std(axis=1), 1e-9)[:, None]
    short = above / width
    reached = 1 / (1 + np.exp(-np.clip(short, -50, 50)))
    others = np.exp(np.log(np.maximum(reached, 1e-9)).sum(axis=0)) / np.maximum(reached, 1e-9)
    found = others * reached * (1 - reached) / width
    return found / n
