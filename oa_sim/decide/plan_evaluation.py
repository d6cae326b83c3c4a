"""Plan evaluation: what plans are worth, draw by draw, by one objective; what all plans share is made once."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.compiled import arrays, gradient, input_cache, jit
from oa_sim.compiled.activity import BLOCK, Draws, Levers
from oa_sim.compiled.gradient import Counts, Prices
from oa_sim.decide import objective as objectives
from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal
from oa_sim.evidence import meta_analysis
from oa_sim.inference import posterior_files
from oa_sim.programme import budget
from oa_sim.rng import stream
from oa_sim.scenario.config_files import title_of
from oa_sim.scenario.load import load_scenario
from oa_sim.scenario.schema import Scenario, Split
from oa_sim.simulation import run_manifest, scenario_run


@dataclass(frozen=True, eq=False)
class Judge:
    """What plans are judged by."""

    scenario: Scenario  # what the plans share; its own split and portfolio do not matter
    objective: Objective
    known: input_cache.Known  # the tables and the posterior
    programme: input_cache.Programme
    which: np.ndarray  # (draw): places of the draws that are looked at, chains one after another
    draws: Draws  # what each of them does to a unit of activity
    latent: np.ndarray  # (area, series, year, draw): the counterfactual, SD
    counts: Counts  # what counts for how much
    years: list[int]  # the funded years


def judge(scenario: Scenario, objective: Objective, which: np.ndarray | None = None) -> Judge:
    """Return what plans of a scenario are judged by, on the draws ``which`` (their places among all); None: all.

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
    weights = objectives.weights(objective, scenario, known.pupils, years, years[n_funded - 1], size)
    which = np.arange(size[0] * size[1]) if which is None else np.asarray(which)
    draws = Draws(**{name: arrays.taken(part, which) for name, part in programme.draws._asdict().items()})
    blocks = arrays.blocked(weights.factor[:, which])
    blocks[-1, :, (len(which) - 1) % BLOCK + 1 :] = 0.0
    counts = Counts(_single(weights.figure * 100), _single(weights.gain), blocks)
    latent = np.ascontiguousarray(ground[..., which])
    return Judge(scenario, objective, known, programme, which, draws, latent, counts, years[:n_funded])


def fewer(judge: Judge, n: int) -> tuple[Judge, np.ndarray]:
    """Return the same judge on about so many of its draws, evenly spread, and which of them these are (draw)."""
    places = np.unique(np.linspace(0, len(judge.which) - 1, n).astype(int))
    draws = Draws(**{name: arrays.taken(part, places) for name, part in judge.draws._asdict().items()})
    factor = arrays.taken(judge.counts.factor, places)
    factor[-1, :, (len(places) - 1) % BLOCK + 1 :] = 0.0
    latent = np.ascontiguousarray(judge.latent[..., places])
    counts = judge.counts._replace(factor=factor)
    return replace(judge, which=judge.which[places], draws=draws, latent=latent, counts=counts), places


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


def plan_table(judge: Judge, planned: np.ndarray) -> pd.DataFrame:
    """Return a plan as a table: area, intervention, year, whole GBP, a row for each that has any."""
    a, k, t = np.nonzero(planned)
    return pd.DataFrame(
        {
            "area": np.array(judge.scenario.areas.names)[a],
            "intervention": np.array(list(judge.scenario.interventions))[k],
            "year": np.array(judge.years)[t],
            "gbp": planned[a, k, t].astype(np.int64),
        }
    )


def levers_of(judge: Judge, money: xr.Dataset) -> Levers:
    """Return what a plan's money chooses."""
    programme = judge.programme
    levers = arrays.levers(judge.scenario, money, programme.drawn, programme.eligible, programme.lags)
    return levers._replace(lag=arrays.taken(levers.lag, judge.which))


def worth(judge: Judge, planned: np.ndarray | None = None) -> np.ndarray:
    """Return what a plan is worth by area and draw (area, draw), in the objective's unit, before its ``risk``.

    ``planned`` (area, intervention, funded year) is whole GBP / year; None: the scenario's own split and portfolio.
    """
    return priced(judge, planned, with_prices=False)[0]


def priced(
    judge: Judge, planned: np.ndarray | None, weight: np.ndarray | None = None, *, with_prices: bool = True
) -> tuple[np.ndarray, Prices]:
    """Return what a plan is worth by area and draw, and the prices of one more activity at it.

    ``weight`` (area, draw) is what each draw counts for in the prices; None: all alike. ``with_prices`` says whether
    there is anything in these. For the rest see ``worth``.
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


def risked(objective: Objective, by_draw: np.ndarray, floors: np.ndarray | None = None) -> float:
    """Return one number for a plan: its mean, the mean of its tail, or the chance that every area reaches its floor.

    ``by_draw`` is from ``worth``; ``floors`` (area) or (area, draw) is what each area must reach, for ``risk=floor``.
    """
    if objective.risk == "floor":
        assert floors is not None  # as ``floors_of`` gives them
        return float((by_draw >= floors.reshape(len(by_draw), -1)).all(axis=0).mean())
    total = by_draw.sum(axis=0)
    return float(total.mean()) if objective.risk == "mean" else tail_mean(total, objective.tail)


def tail_mean(values: np.ndarray, tail: float) -> float:
    """Return the mean of the lowest share of values (the CVaR of what is gained).

    A draw that lies across the edge of the tail counts for the part of it that lies inside (Rockafellar and Uryasev
    2000).
    """
    return float(np.sort(values) @ tail_weights(len(values), tail))


def tail_weights(n: int, tail: float) -> np.ndarray:
    """Return what each of n ordered draws counts for in the mean of the lowest share; they sum to 1."""
    inside: np.ndarray = np.clip(tail * n - np.arange(n), 0.0, 1.0)
    return inside / (tail * n)


def floors_of(judge: Judge) -> np.ndarray:
    """Return what each area must reach (area), from the floor for 1,000 pupils on the roll."""
    rolls = judge.known.pupils.rolls.sel(area=judge.scenario.areas.names)
    return np.asarray(judge.objective.floor * rolls.sum(("group", "year_group")).values / 1000)


def size(scenario: Scenario) -> tuple[int, int]:
    """Return how many chains a scenario's posterior has, and draws in each."""
    posterior = input_cache.known(scenario_run.check_scenario(scenario)).posterior
    return posterior.sizes["chain"], posterior.sizes["draw"]


def halves(size: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two halves of the draws (``size``: chains, draws): plans are found on one, judged on the other."""
    n = size[0] * size[1]
    order = stream(seed, "halves of the draws").permutation(n)
    return np.sort(order[: n // 2]), np.sort(order[n // 2 :])


def richer(judge: Judge, planned: np.ndarray) -> Judge:
    """Return the same judge of a scenario with as much money as a plan needs in every year, and as many years."""
    needs, has = planned.sum(axis=(0, 1)), np.array(budget.for_activity(judge.scenario), dtype=float)
    most = float(np.max(needs / np.maximum(has, 1.0), initial=1.0))
    if most <= 1:
        return judge
    money = judge.scenario.budget
    total = min(np.ceil(money.total_gbp * most) + len(has), 1e11)
    return replace(judge, scenario=replace(judge.scenario, budget=replace(money, total_gbp=float(total))))


@dataclass(frozen=True, eq=False)
class NamedPlans:
    """Plans among which one is chosen, and what each brings."""

    names: list[str]
    planned: np.ndarray  # (plan, area, intervention, funded year): whole GBP / year
    values: np.ndarray  # (plan, draw): in the objective's unit
    judge: Judge


def manifest(judge: Judge, made_from: dict[str, Any], **facts: object) -> dict[str, Any]:
    """Return what makes the numbers of an answer traceable."""
    scenario, known = judge.scenario, judge.known
    studied = meta_analysis.posterior(known.tables, scenario.evidence)
    gates = run_manifest.verdict(scenario, known.posterior, studied)
    made_from = made_from | {"synthesis": posterior_files.checksum(studied)}
    return run_manifest.manifest(scenario, known.tables, known.posterior, gates, made_from, **facts)


def split_in_words(rule: str) -> str:
    """Return the title of a split as it stands within a sentence."""
    title = title_of("split", rule)
    return title[0].lower() + title[1:]


def named_plans(judge: Judge, splits: list[str], portfolios: list[str], files: list[str]) -> NamedPlans:
    """Return every split with every portfolio, and the plans of files.

    Raises
    ------
    Refusal
        For a portfolio or a file that is not there, and where no plan has any money.
    """
    names, planned = [], []
    for portfolio in portfolios:
        bought = load_scenario(f"portfolio={portfolio}").portfolio
        for rule in splits:
            scenario = replace(judge.scenario, split=Split(rule), portfolio=bought)
            scenario = replace(scenario, budget=replace(scenario.budget, plan=None))
            names.append(f"{title_of('portfolio', portfolio)}, {split_in_words(rule)}")
            planned.append(_within(budget.planned(scenario, judge.known.pupils, judge.known.tables), judge))
    for path in files:
        names.append(str(path))
        planned.append(budget.read(path, judge.scenario, judge.years))
    if not np.any(planned):
        raise Refusal(
            f"plans without money leave nothing to choose, got £0 in all {len(names)}: name a budget and a portfolio "
            "that has some"
        )
    values = np.stack([worth(judge, plan).sum(axis=0) for plan in planned])
    return NamedPlans(names, np.stack(planned), values, judge)


def _within(planned: np.ndarray, judge: Judge) -> np.ndarray:
    """Return a plan that is at most what a year has: management is rounded area by area, so pounds may be over."""
    has, spent = np.array(budget.for_activity(judge.scenario)), planned.sum(axis=(0, 1))
    return np.asarray(np.floor(planned * np.minimum(1.0, has / np.maximum(spent, 1.0))))
