"""Plan evaluation: what plans are worth, draw by draw, by one objective; what all plans share is made once."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from oa_sim.compiled import arrays, gradient, input_cache, jit
from oa_sim.compiled.activity import BLOCK, Draws, Levers
from oa_sim.compiled.gradient import Counts, Prices
from oa_sim.decide import objective
from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal
from oa_sim.programme import budget
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import scenario_run


@dataclass(frozen=True, eq=False)
class Judge:
    """What plans are judged by.

    Attributes
    ----------
    scenario
        What the plans share: areas, budget, interventions, assumptions; its own split and portfolio do not matter.
    objective
        What counts.
    known, programme
        The tables and the posterior; the programme's parameters. See ``input_cache``.
    which : array (draw)
        The draws that are looked at, by their place among all, chains one after another.
    draws
        What each of them does to a unit of activity.
    latent : array (area, series, year, draw)
        What would have happened anyway, SD.
    counts
        What counts for how much.
    years
        The funded years.
    """

    scenario: Scenario
    objective: Objective
    known: input_cache.Known
    programme: input_cache.Programme
    which: np.ndarray
    draws: Draws
    latent: np.ndarray
    counts: Counts
    years: list[int]


def judge(scenario: Scenario, asked: Objective, which: np.ndarray | None = None) -> Judge:
    """Return what plans of a scenario are judged by.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    asked
        What counts.
    which : array (draw)
        Places of the draws that are looked at; None: all.

    Raises
    ------
    Refusal
        Where ``scenario_run.run`` would refuse the scenario, for what the objective cannot count, and for what plans do
        not know: twins, a review, the outside view.
    """
    scenario = scenario_run.check_scenario(scenario)
    _check(scenario)
    known = input_cache.known(scenario)
    programme, ground = input_cache.programme(scenario, known), input_cache.ground(scenario, known)
    size = (known.posterior.sizes["chain"], known.posterior.sizes["draw"])
    years, n_funded = budget.window(scenario), len(budget.yearly(scenario))
    counted = objective.weights(asked, scenario, known.pupils, years, years[n_funded - 1], size)
    which = np.arange(size[0] * size[1]) if which is None else np.asarray(which)
    draws = Draws(**{name: arrays.taken(part, which) for name, part in programme.draws._asdict().items()})
    blocks = arrays.blocked(counted.factor[:, which])
    blocks[-1, :, (len(which) - 1) % BLOCK + 1 :] = 0.0
    counts = Counts(_single(counted.figure * 100), _single(counted.gain), blocks)
    latent = np.ascontiguousarray(ground[..., which])
    return Judge(scenario, asked, known, programme, which, draws, latent, counts, years[:n_funded])


def fewer(judge: Judge, n: int) -> tuple[Judge, np.ndarray]:
    """Return the same judge on about so many of its draws, evenly spread, and which of them these are (draw)."""
    at = np.unique(np.linspace(0, len(judge.which) - 1, n).astype(int))
    draws = Draws(**{name: arrays.taken(part, at) for name, part in judge.draws._asdict().items()})
    factor = arrays.taken(judge.counts.factor, at)
    factor[-1, :, (len(at) - 1) % BLOCK + 1 :] = 0.0
    latent = np.ascontiguousarray(judge.latent[..., at])
    counts = judge.counts._replace(factor=factor)
    return replace(judge, which=judge.which[at], draws=draws, latent=latent, counts=counts), at


def _check(scenario: Scenario) -> None:
    if scenario.organisation.twins:
        raise Refusal("plans are judged area by area, got organisation.twins: leave twins out")
    if scenario.organisation.review != "none":
        raise Refusal(
            f"a plan says what each line gets each year, got organisation.review={scenario.organisation.review}, which "
            "would set it anew: write organisation.review=none"
        )
    if scenario.evidence.outside_view.is_on:
        raise Refusal(
            "the outside view weighs draws by the plan itself, so plans judged by it would not share draws: write "
            "evidence.outside_view.is_on=false"
        )


def _single(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)


def money_of(judge: Judge, planned: np.ndarray | None = None) -> xr.Dataset:
    """Return the money of a plan, or of the scenario's own split and portfolio; see ``budget.allocate``."""
    return budget.allocate(judge.scenario, judge.known.pupils, judge.known.tables, planned)


def levers_of(judge: Judge, money: xr.Dataset) -> Levers:
    """Return what a plan's money chooses."""
    about = judge.programme
    found = arrays.levers(judge.scenario, money, about.drawn, about.eligible, about.lags)
    return found._replace(lag=arrays.taken(found.lag, judge.which))


def worth(judge: Judge, planned: np.ndarray | None = None) -> np.ndarray:
    """Return what a plan is worth by area and draw (area, draw), in the objective's unit.

    Parameters
    ----------
    judge
        What it is judged by; the objective's ``risk`` is not in it, see ``risked``.
    planned : array (area, intervention, funded year)
        Whole GBP / year; None: the scenario's own split and portfolio.
    """
    return priced(judge, planned, with_prices=False)[0]


def priced(
    judge: Judge, planned: np.ndarray | None, weight: np.ndarray | None = None, *, with_prices: bool = True
) -> tuple[np.ndarray, Prices]:
    """Return what a plan is worth by area and draw, and the prices of one more activity at it.

    Parameters
    ----------
    judge, planned
        As for ``worth``.
    weight : array (area, draw)
        What each draw counts for in the prices; None: all alike.
    with_prices
        Whether prices are asked for; nothing stands in them otherwise.
    """
    n_areas, n_draws = len(judge.scenario.areas.names), len(judge.which)
    levers = levers_of(judge, money_of(judge, planned))
    out = np.zeros((n_areas, n_draws))
    shape = (n_areas, len(judge.draws.overlap), *levers.spend.shape[1:], BLOCK) if with_prices else (0,) * 5
    prices = Prices(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
    by = (judge.programme.shape, judge.draws, levers, judge.latent, judge.counts, prices, with_prices)
    jit.in_parts(lambda first, last: gradient.follow(*by, first, last, out), n_areas)
    if with_prices:
        each = np.full(out.shape, 1 / n_draws) if weight is None else weight
        blocks = arrays.blocked(each).swapaxes(0, 1)[:, :, None, None]  # (area, block, 1, 1, draw)
        for part in prices:
            part *= blocks
    return out, prices


def risked(asked: Objective, by_draw: np.ndarray, floors: np.ndarray | None = None) -> float:
    """Return one number for a plan: its mean, the mean of its tail, or the chance that every area reaches its floor.

    Parameters
    ----------
    asked
        The objective.
    by_draw : array (area, draw)
        From ``worth``.
    floors : array (area) or (area, draw)
        What each area must reach; for ``risk=floor``.
    """
    if asked.risk == "floor":
        return float((by_draw >= floors.reshape(len(by_draw), -1)).all(axis=0).mean())
    total = by_draw.sum(axis=0)
    return float(total.mean()) if asked.risk == "mean" else tail_mean(total, asked.tail)


def tail_mean(values: np.ndarray, tail: float) -> float:
    """Return the mean of the lowest share of values (the CVaR of what is gained).

    A draw that lies across the edge of the tail counts for the part of it that lies inside (Rockafellar and Uryasev
    2000).
    """
    return float(np.sort(values) @ tail_weights(len(values), tail))


def tail_weights(n: int, tail: float) -> np.ndarray:
    """Return what each of n ordered draws counts for in the mean of the lowest share; they sum to 1."""
    inside = np.clip(tail * n - np.arange(n), 0.0, 1.0)
    return inside / (tail * n)


def floors_of(judge: Judge) -> np.ndarray:
    """Return what each area must reach (area), from the floor for 1,000 pupils on the roll."""
    rolls = judge.known.pupils.rolls.sel(area=judge.scenario.areas.names)
    return judge.objective.floor * rolls.sum(("group", "year_group")).values / 1000


def size(scenario: Scenario) -> tuple[int, int]:
    """Return how many chains a scenario's posterior has, and draws in each."""
    posterior = input_cache.known(scenario_run.check_scenario(scenario)).posterior
    return posterior.sizes["chain"], posterior.sizes["draw"]


def halves(size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two halves of the draws: plans are found on one and judged on the other.

    Parameters
    ----------
    size
        Chains, and draws in each.
    seed
        Of the scenario.
    """
    n = size[0] * size[1]
    order = stream(seed, "halves of the draws").permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def richer(judge: Judge, planned: np.ndarray) -> Judge:
    """Return the same judge of a scenario with as much money as a plan needs in every year, and as many years."""
    needs, has = planned.sum(axis=(0, 1)), np.array(budget.for_activity(judge.scenario), dtype=float)
    most = float(np.max(needs / np.maximum(has, 1.0), initial=1.0))
    if most <= 1:
        return judge
    about = judge.scenario.budget
    total = min(np.ceil(about.total_gbp * most) + len(has), 1e11)
    return replace(judge, scenario=replace(judge.scenario, budget=replace(about, total_gbp=float(total))))
