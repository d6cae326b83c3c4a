"""Every plan: what each plan on a grid is worth by the whole law, for cases that are small enough to try them all."""

from itertools import product

import numpy as np

from oa_sim.compiled import gradient
from oa_sim.compiled.gradient import Prices
from oa_sim.decide import plan_evaluation

AT_ONCE = 512


def on_grid(steps: int, n: int) -> np.ndarray:
    """Return every way to give whole steps to n lines, at most all of them (way, line)."""
    ways = [way for way in product(range(steps + 1), repeat=n) if sum(way) <= steps]
    return np.array(ways)


def worth_of_each(judge, area: int, ways: np.ndarray, step_gbp: float) -> np.ndarray:
    """Return what each way to spend one year's money in one area is worth, the mean over draws (way)."""
    n_areas, n_all = len(judge.scenario.areas.names), len(judge.scenario.interventions)
    out = np.zeros(len(ways))
    some = np.zeros((n_areas, n_all, 1))
    # every line has enough not to be spared procurement, as each step has
    some[:] = np.floor(sum(plan_evaluation.budget.for_activity(judge.scenario)) / n_all / n_areas)
    assert min(step_gbp, some.min()) > judge.scenario.organisation.sign_off_gbp
    levers = plan_evaluation.levers_of(judge, plan_evaluation.money_of(judge, some))
    pupils = np.maximum(judge.programme.eligible[area], 1.0)
    nothing = Prices(*(np.zeros((0,) * 5, np.float32) for _ in range(2)))
    for first in range(0, len(ways), AT_ONCE):
        each = ways[first : first + AT_ONCE]
        n = len(each)
        spend = np.zeros((n, n_all, levers.spend.shape[2]), np.float32)
        spend[:, :, 0] = each * step_gbp / pupils  # paid at once: the scenario has one round
        is_funded = each.any(axis=1)[:, None, None]
        here = levers._replace(
            spend=spend,
            beside=np.ascontiguousarray(np.where(is_funded, levers.beside[area][None], 0)).astype(np.float32),
            offers=np.ascontiguousarray(np.where(is_funded, levers.offers[area][None], 0)).astype(np.float32),
            since=np.zeros((n, n_all), np.int64),
            wait=np.repeat(levers.wait[area][None], n, axis=0),
            sources=np.full((n, 1), -1),
        )
        shape = judge.programme.shape._replace(poor=np.repeat(judge.programme.shape.poor[area][None], n, axis=0))
        delivery = np.ascontiguousarray(np.repeat(judge.draws.delivery[:, area, None], n, axis=1))
        counts = judge.counts._replace(
            figure=np.repeat(judge.counts.figure[area][None], n, axis=0),
            gain=np.repeat(judge.counts.gain[area][None], n, axis=0),
        )
        latent = np.broadcast_to(judge.latent[area], (n, *judge.latent.shape[1:]))
        found = np.zeros((n, len(judge.which)))
        gradient.follow(
            shape, judge.draws._replace(delivery=delivery), here, np.ascontiguousarray(latent), counts, nothing, False,
            0, n, found,
        )  # fmt: skip
        out[first : first + n] = found.mean(axis=1)
    return out


def best_of_all(worth: list[np.ndarray], ways: np.ndarray, steps: int, is_allowed=lambda way: True) -> float:
    """Return the most that any plan on the grid brings, all areas together: exact, since areas meet in money alone."""
    allowed = np.array([is_allowed(way) for way in ways])
    spent = ways.sum(axis=1)
    most = np.zeros(steps + 1)
    for each in worth:
        own = np.full(steps + 1, -np.inf)
        np.maximum.at(own, spent[allowed], each[allowed])
        most = np.array([max(most[s - own_s] + own[own_s] for own_s in range(s + 1)) for s in range(steps + 1)])
    return float(most.max())
