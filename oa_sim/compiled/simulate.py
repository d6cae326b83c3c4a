"""Simulate: one scenario to its summaries, an area at a time, so that no draw array of a whole scenario need exist.

The same law as ``scenario_run.run``, on the same draws and the same noise, in single precision: every summary agrees
with it to a millionth of a share. What scenarios share is made once in a process (``input_cache``).
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from oa_sim import definitions as shared_coords
from oa_sim.compiled import arrays as model_arrays
from oa_sim.compiled import input_cache, outcomes
from oa_sim.compiled.activity import Levers
from oa_sim.compiled.input_cache import Known, Programme
from oa_sim.compiled.outcomes import Asked
from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEAN_OF_AREAS, MEASURES, QUANTILES, headline_of, series
from oa_sim.inference.link_functions import kind_of
from oa_sim.programme import budget
from oa_sim.projection import appraisal, outside_view, sustainability
from oa_sim.projection.impact_retention import INTERVAL
from oa_sim.projection.ranking import VIEWS
from oa_sim.scenario import unverified
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest, scenario_run

STATISTICS = ("mean", "sd", *QUANTILES)
LEFT = {  # what is left of a peak: variable, and its place among the readings
    "p_impact": 0, "peak_sd": 1, "peak_sd_q05": 6, "peak_sd_q95": 7,
    "left_5y": 2, "left_5y_q05": 8, "left_5y_q95": 9, "p_half_left_5y": 4,
    "left_10y": 3, "left_10y_q05": 10, "left_10y_q95": 11, "p_half_left_10y": 5,
}  # fmt: skip
Named = tuple[tuple[str, ...], np.ndarray]  # dims and values
_COUNTERFACTUAL: input_cache.Memory[np.ndarray] = input_cache.Memory(64)


def summary(scenario: Scenario) -> xr.Dataset:
    """Return the summaries of a scenario, refused where ``scenario_run.run`` would refuse it.

    In single precision: ``projection``, ``counterfactual``, ``impact`` (place, group, measure, year, statistic) in the
    unit of each measure, ``p_better`` (place, group, measure, year), what is left of the peak (place, group, measure),
    ``proxy``, ``estimated`` (the same), the places being the areas and their unweighted mean; NaN for a group that a
    measure does not have. Numbers of the headline, without dims: its impact, projection and counterfactual in the mean
    of the areas, and the other way with regard to the outside view, what is left of it, and benefit per pound.
    ``attrs``: what the headline speaks of, verdict, number of draws.
    """
    return summarised(followed(scenario))


class Followed(NamedTuple):
    """A scenario that was followed, of which summaries are made and the draws of any place are read."""

    scenario: Scenario
    known: Known
    programme: Programme  # its draws as they were taken by the outside view, where that is on
    money: xr.Dataset
    levers: Levers
    ground: np.ndarray  # counterfactual (area, series, year, draw), SD
    asked: Asked
    summaries: "Summaries"
    unweighted: "Summaries"  # without the outside view
    seen: xr.Dataset  # weights by the outside view


def followed(scenario: Scenario) -> Followed:
    """Return what a scenario does, area by area.

    Raises
    ------
    Refusal
        Where ``scenario_run.run`` would refuse.
    """
    scenario = scenario_run.check_scenario(scenario)
    known = input_cache.known(scenario)
    programme = input_cache.programme(scenario, known)
    money = budget.reviewed(scenario, budget.allocate(scenario, known.pupils, known.tables), programme.drawn)
    levers = model_arrays.levers(scenario, money, programme.drawn, programme.eligible, programme.lags)
    asked, ground = _asked(scenario, money), input_cache.ground(scenario, known)
    unweighted = None
    if scenario.evidence.outside_view.is_on:  # the whole must be known before draws are weighed by it
        unweighted = _follow(scenario, programme, levers, ground, asked._replace(is_published=False))
        seen = _outside_weights(scenario, unweighted, known)
        which = seen.taken.values.ravel()
        draws = {name: model_arrays.taken(part, which) for name, part in programme.draws._asdict().items()}
        programme = programme._replace(draws=programme.draws._replace(**draws))
        levers = levers._replace(lag=model_arrays.taken(levers.lag, which))
    summaries = _follow(scenario, programme, levers, ground, asked)
    if unweighted is None:
        unweighted, seen = summaries, _outside_weights(scenario, summaries, known)
    return Followed(scenario, known, programme, money, levers, ground, asked, summaries, unweighted, seen)


def summarised(followed: Followed) -> xr.Dataset:
    """Return the ``summary`` of a scenario that was followed."""
    scenario, known, programme, money, levers, ground, asked, summaries, unweighted, seen = followed
    arrays = _named(scenario, summaries, _counterfactual(scenario, money, programme, levers, ground, known), known)
    numbers = _headline(scenario, arrays, unweighted, seen, ground, asked)
    numbers |= _benefit_per_pound(scenario, summaries, money, programme)
    account = budget.reconcile(money)
    numbers |= {"money_gbp": account["money_in"], "allocated_gbp": account["allocated"]}
    places = {"place": [*scenario.areas.names, MEAN_OF_AREAS], "group": list(GROUPS), "measure": scenario.measures}
    coords = shared_coords.coordinates(**places, year=list(scenario.years), statistic=list(STATISTICS))
    variables: dict[str, tuple[Any, ...]] = {name: (*array, {"units": _unit(name)}) for name, array in arrays.items()}
    variables |= {name: ((), float(number)) for name, number in numbers.items()}
    return xr.Dataset(variables, coords, _attributes(scenario, money, seen, known))


def _unit(name: str) -> str:
    """Return the unit of an array of a summary."""
    if name in ("projection", "counterfactual", "impact"):
        return "of each measure: " + ", ".join(dict.fromkeys(measure.unit for measure in MEASURES.values()))
    return "SD" if name.startswith("peak_sd") else "1"


def _attributes(scenario: Scenario, money: xr.Dataset, seen: xr.Dataset, known: Known) -> dict[str, str | int]:
    """Return what the headline speaks of, and the verdict and marks that go with it."""
    checks = run_manifest.verdict(scenario, known.posterior, input_cache.studied(scenario, known), seen)
    unverified_inputs = sum(map(len, unverified.to_verify(scenario, known.tables).values()))
    (measure, group), last = headline_of(scenario.measures), sustainability.last_funded(money)
    return {
        "headline_measure": measure,
        "headline_group": group,
        "headline_year": int(np.clip(last, scenario.years[0], scenario.years[-1])),
        "last_funded_year": last,
        "verdict": checks["verdict"],
        "reason": checks["reason"],
        "n_draws": int(np.prod(input_cache.n_draws(known))),
        "to_verify": unverified_inputs,
    }


def draws(followed: Followed, place: str, measure: str, group: str) -> xr.Dataset:
    """Return the draws behind the summaries of one place, measure and group.

    Returns
    -------
    Dataset
        ``projection``, ``counterfactual``, ``impact`` (chain, draw, year), in the unit of the measure, and
        ``benefit_per_pound`` of all areas together (chain, draw), NaN where none is claimed.
    """
    scenario, names = followed.scenario, followed.scenario.areas.names
    summaries = followed.summaries if place == MEAN_OF_AREAS else _of_area(followed, names.index(place))
    row = [(name, each) for name in scenario.measures for each in MEASURES[name].table_groups].index((measure, group))
    projected, impact = summaries.mean_projected[row], summaries.mean_impact[row]
    shape, dims = input_cache.n_draws(followed.known), ("year", "chain", "draw")
    figures = {"projection": projected, "counterfactual": projected - impact, "impact": impact}
    by_year = {name: (dims, values.reshape(-1, *shape)) for name, values in figures.items()}
    ratio = _ratios(scenario, followed.summaries, followed.money, followed.programme)["plain"]
    variables = {**by_year, "benefit_per_pound": (dims[1:], np.resize(ratio, shape))}
    return xr.Dataset(variables, {"year": list(scenario.years)}).transpose("chain", "draw", "year")


def _of_area(followed: Followed, a: int) -> "Summaries":
    """Return what a scenario does in one area: it is followed anew, as the first of all, and the others are not."""
    n_areas, programme, levers = len(followed.scenario.areas.names), followed.programme, followed.levers
    order = np.array([a, *(other for other in range(n_areas) if other != a)])
    twins = np.where(levers.sources >= 0, np.argsort(order)[levers.sources], levers.sources)
    by_area = {name: getattr(levers, name)[order] for name in ("spend", "beside", "offers", "since", "wait")}
    delivery = np.ascontiguousarray(programme.draws.delivery[:, order])
    first = programme._replace(
        shape=programme.shape._replace(poor=programme.shape.poor[order]),
        draws=programme.draws._replace(delivery=delivery),
    )
    areas = replace(followed.scenario.areas, names=followed.scenario.areas.names[a : a + 1])
    alone = replace(followed.scenario, areas=areas)
    reordered = levers._replace(**by_area, sources=twins[order])
    return _follow(alone, first, reordered, followed.ground[a : a + 1], followed.asked)


class Summaries(NamedTuple):
    """What a scenario does, summed up."""

    summed: outcomes.Summed
    whole: np.ndarray  # (year, draw): mean gain of all pupils over areas and measures of attainment, SD
    mean_projected: np.ndarray  # (row, year, draw): mean over areas of a measure and group, as published
    mean_impact: np.ndarray


def _asked(scenario: Scenario, money: xr.Dataset) -> Asked:
    """Return where a scenario is read."""
    years, last = money.year.values, sustainability.last_funded(money)
    measure, group = headline_of(scenario.measures)
    return Asked(
        after=np.minimum(np.searchsorted(years, last + np.array([5, 10])), len(years) - 1),
        valued=scenario.measures.index(appraisal.EARNINGS) if appraisal.EARNINGS in scenario.measures else -1,
        headline=np.array([scenario.measures.index(measure), list(GROUPS).index(group)]),
        at=int(np.clip(last, scenario.years[0], scenario.years[-1])) - scenario.years[0],
        smallest=np.float32(sustainability.SMALLEST_PEAK_SD),
        shares=np.array(list(QUANTILES.values())),
        interval=np.array(INTERVAL),
        is_published=True,
    )


def _follow(scenario: Scenario, programme: Programme, levers: Levers, ground: np.ndarray, asked: Asked) -> Summaries:
    """Return what a scenario does."""
    draws = programme.draws
    n_areas, n_draws = len(scenario.areas.names), ground.shape[3]
    n_years, n_measures = levers.spend.shape[2], len(scenario.measures)
    rows = sum(len(MEASURES[name].table_groups) for name in scenario.measures) if asked.is_published else 0
    shape = (rows, min(scenario.horizon, n_years), n_draws)
    seen = outcomes.Seen(
        gain=np.empty((draws.overlap.shape[0], n_measures, 2, n_years, draws.overlap.shape[1]), dtype=np.float32),
        lasts=np.empty((n_measures, 3, 3, n_draws), dtype=np.float32),
        held=np.zeros((2, n_draws), dtype=np.float32),
        headline=np.empty(n_draws, dtype=np.float32),
        mean_projected=np.zeros(shape, dtype=np.float32),
        mean_impact=np.zeros(shape, dtype=np.float32),
        whole=np.zeros((n_years, n_draws), dtype=np.float32),
    )
    summed = outcomes.Summed(
        projected=np.empty((n_areas + 1, *shape[:2], len(STATISTICS) + 2)),
        impact=np.empty((n_areas + 1, *shape[:2], len(STATISTICS) + 2)),
        left=np.empty((n_areas, n_measures, 3, 12)),
        held=np.empty((n_areas, 2, n_draws), dtype=np.float32),
        gain=np.empty((n_areas, n_draws), dtype=np.float32),
    )
    outcomes.follow(programme.shape, draws, levers, ground, asked, seen, summed)
    return Summaries(summed, seen.whole, seen.mean_projected, seen.mean_impact)


def _counterfactual(
    scenario: Scenario, money: xr.Dataset, programme: Programme, levers: Levers, ground: np.ndarray, known: Known
) -> np.ndarray:
    """Return the summary of the counterfactual to the longest horizon: a projection without money."""

    def make() -> np.ndarray:
        longest = replace(scenario, horizon=LONGEST_HORIZON)
        nothing = {name: np.zeros_like(getattr(levers, name)) for name in ("spend", "beside", "offers")}
        without, asked = levers._replace(**nothing), _asked(longest, money)
        return _follow(longest, programme, without, ground, asked).summed.projected

    return _COUNTERFACTUAL.get(input_cache.ground_key(scenario, known), make)


def _outside_weights(scenario: Scenario, unweighted: Summaries, known: Known) -> xr.Dataset:
    """Return the weight of each draw by the outside view."""
    shape = input_cache.n_draws(known)
    taught = any(MEASURES[name].channel == "attainment" for name in scenario.measures)
    whole = unweighted.whole
    peak = whole[np.abs(whole).argmax(axis=0), np.arange(whole.shape[1])].astype(float)
    return outside_view.weighed(scenario, peak.reshape(shape) if taught else None, shape)


def _named(scenario: Scenario, summaries: Summaries, counterfactual: np.ndarray, known: Known) -> dict[str, Named]:
    """Return summaries by name, each with its dims; NaN for a group that a measure does not have."""
    groups, n_measures, n_years = list(GROUPS), len(scenario.measures), len(scenario.years)
    summed = summaries.summed
    figures = {
        "projection": summed.projected,
        "impact": summed.impact,
        "counterfactual": counterfactual[:, :, :n_years],
    }
    shape = (len(scenario.areas.names) + 1, len(groups), n_measures, n_years)
    data = {name: np.full((*shape, len(STATISTICS)), np.nan, dtype=np.float32) for name in figures}
    better = np.full(shape, np.nan, dtype=np.float32)
    left = np.full((*shape[:3], summed.left.shape[-1]), np.nan, dtype=np.float32)
    measures = [MEASURES[name] for name in scenario.measures]
    rows = [(groups.index(group), m) for m, measure in enumerate(measures) for group in measure.table_groups]
    g, m = np.array(rows).T
    for name, values in figures.items():
        data[name][:, g, m] = values[..., : len(STATISTICS)]
    chance = len(STATISTICS) + np.array([measure.lower_is_better for measure in measures], dtype=int)
    better[:, g, m] = summed.impact[:, np.arange(len(rows)), :, chance[m]].swapaxes(0, 1)
    left[:-1, g, m] = summed.left[:, m, g]
    left[-1] = _mean_left(left[:-1])
    dims = ("place", "group", "measure")
    named: dict[str, Named] = {name: ((*dims, "year", "statistic"), values) for name, values in data.items()}
    named["p_better"] = ((*dims, "year"), better)
    named |= {name: (dims, left[..., place]) for name, place in LEFT.items()}
    return named | {name: (dims, kind.copy()) for name, kind in known.kinds.items()}


def _mean_left(left: np.ndarray) -> np.ndarray:
    """Return the mean over areas that have an impact to keep; NaN where none has."""
    has = np.isfinite(left)
    return np.where(has.any(axis=0), np.where(has, left, 0.0).sum(axis=0) / np.maximum(has.sum(axis=0), 1), np.nan)


def _headline(
    scenario: Scenario, arrays: dict[str, Named], unweighted: Summaries, seen: xr.Dataset, ground: np.ndarray,
    asked: Asked,
) -> dict[str, float]:  # fmt: skip
    """Return the headline as numbers: the mean of the areas, in the unit of its measure."""
    m, g = asked.headline
    numbers: dict[str, float] = {}
    for name in ("impact", "projection", "counterfactual"):
        each = arrays[name][1][-1, g, m, asked.at]
        numbers |= {f"{name}_{key}": value for key, value in zip(STATISTICS, each, strict=True)}
    numbers["impact_p_better"] = arrays["p_better"][1][-1, g, m, asked.at]
    numbers |= {f"headline_{name}": arrays[name][1][-1, g, m] for name in LEFT}
    other = _other_way(scenario, unweighted, seen, ground, asked)
    numbers |= {f"impact_other_way_{key}": value for key, value in other.items()}
    return numbers | {"whole_area_mean_sd": seen.whole_area.values.mean(), "pareto_k": seen.attrs["pareto_k"]}


def _other_way(
    scenario: Scenario, unweighted: Summaries, seen: xr.Dataset, ground: np.ndarray, asked: Asked
) -> dict[str, float]:
    """Return the headline's impact with the outside view where it is off, and without where it is on."""
    if not seen.attrs["speaks"]:
        return dict.fromkeys(STATISTICS, float("nan"))
    measure, group = headline_of(scenario.measures)
    s = series(scenario.measures).index((measure, group))
    gain = unweighted.summed.gain if seen.attrs["is_on"] else unweighted.summed.gain[:, seen.taken.values.ravel()]
    latent, sign = ground[:, s, asked.at], np.float32(-1 if MEASURES[measure].lower_is_better else 1)
    before, moved = np.empty_like(latent), np.empty_like(latent)
    for values, out in ((latent, before), (latent + sign * gain, moved)):
        outcomes.publish(kind_of(measure), values.reshape(-1), out.reshape(-1))
    described = appraisal.described((moved - before).mean(axis=0, dtype=float)[None])
    return {key: float(values[0]) for key, values in described.items()}


def _benefit_per_pound(
    scenario: Scenario, summaries: Summaries, money: xr.Dataset, programme: Programme
) -> dict[str, float]:
    """Return summaries of benefit per pound of all areas together, in each view; NaN where none is claimed."""
    out: dict[str, float] = {}
    for view, ratio in _ratios(scenario, summaries, money, programme).items():
        prefix = "benefit_per_pound" if view == "plain" else f"{view}_benefit_per_pound"
        described = appraisal.described(ratio)
        out |= {f"{prefix}_{key}": float(described[key][0]) for key in ("mean", "q05", "q50", "q95")}
        if view == "plain":
            is_claimed = np.isfinite(ratio).all()
            out["p_benefit_exceeds_cost"] = float((ratio > 1).mean()) if is_claimed else float("nan")
    return out


def _ratios(scenario: Scenario, summaries: Summaries, money: xr.Dataset, programme: Programme) -> dict[str, np.ndarray]:
    """Return benefit per pound of all areas together, in each view (1, draw); one NaN where none is claimed."""
    cost = float((appraisal.spent(money) @ appraisal.present(scenario, money.year.values)).sum())
    if appraisal.EARNINGS not in scenario.measures or cost <= 0:
        return {view: np.full((1, 1), np.nan) for view in VIEWS}
    shape = (len(scenario.areas.names), *(programme.drawn.sizes[dim] for dim in ("chain", "draw")))
    disadvantaged, other = (
        np.moveaxis(summaries.summed.held[:, g].astype(float).reshape(shape), 0, -1) for g in range(2)
    )
    benefits = appraisal.earnings(scenario, disadvantaged, other, programme.pupils)
    ratios = {}
    for view, (name, _) in VIEWS.items():
        by_area = benefits[name][..., -1] if benefits[name].ndim > 3 else benefits[name]
        ratios[view] = by_area.sum(axis=2).reshape(1, -1) / cost
    return ratios
