"""Scenario run: the model on one page, from a Scenario to a Result.

If a reader has to look elsewhere for the order of things, this file has failed.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS
from oa_sim.errors import Refusal, one_of
from oa_sim.evidence import meta_analysis
from oa_sim.evidence import studies as study_evidence
from oa_sim.formatting import pounds
from oa_sim.inference import baseline_fit, counterfactual, sampling
from oa_sim.inputs import areas, tables
from oa_sim.inputs.tables import Tables
from oa_sim.programme import budget, delivered_effects, delivery, parameters, pupils_reached
from oa_sim.projection import appraisal, cohort, outside_view, sustainability, variance_decomposition
from oa_sim.scenario import config_files, load
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest
from oa_sim.simulation.result import Result


def run(scenario: Scenario, *, posterior: xr.Dataset | None = None, say: Callable[[str], None] | None = None) -> Result:
    """Return the result of a scenario.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    posterior
        Draws of the baseline's hyperparameters to use instead of the learned ones, by (chain, draw, ...).
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        Where the tables, the history or a learned posterior will not do.
    """
    say = say or (lambda sentence: None)
    say("reading the tables")
    scenario, every_table, history, pupils = prepare(scenario)
    study_evidence.check(scenario, every_table)
    if posterior is None:
        posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
        authorities = run_manifest.learned_from(posterior).get("authorities", "all")
        say(f"taking the baseline that was fitted to {authorities} authorities")
    elif "gates" not in posterior.attrs:
        posterior = posterior.assign_attrs(gates=json.dumps(sampling.gates(posterior, diverging=0)))
    studied = meta_analysis.posterior(every_table, scenario.evidence, say)
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    say(f"allocating {pounds(scenario.budget.total_gbp)} to {len(scenario.areas.names)} areas")
    drawn = parameters.drawn(scenario, every_table, chains, draws)
    money = budget.reviewed(scenario, budget.allocate(scenario, pupils, every_table), drawn)
    share = cohort.shares(pupils, scenario.areas.names, scenario.measures)
    say(f"projecting {scenario.horizon} years with {chains * draws:,} draws")
    # side by side: the two halves meet only in the impact; the headline is said both ways
    with ThreadPoolExecutor(1) as beside:
        projected = beside.submit(counterfactual.project, scenario, posterior, history, every_table, pupils.rolls)
        lost = delivery.learning_lost(scenario, drawn, pupils.share)  # before the outside view weighs the programme
        active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
        unweighted, parts = _followed(scenario, active, money, pupils, drawn, share)
        weights, gain = outside_view.weigh(scenario, unweighted), unweighted
        if scenario.evidence.outside_view.is_on:
            active, drawn = outside_view.taken_by(active, drawn, weights.taken)
            gain, parts = _followed(scenario, active, money, pupils, drawn, share)
        people = beside.submit(pupils_reached.counted, scenario, active, pupils.rolls, budget.window(scenario))
        latent = projected.result() - lost.reindex(group=list(GROUPS), fill_value=0.0)
        plain = latent.drop_vars("national")
        other_way = beside.submit(outside_view.other_way, scenario, weights, unweighted, plain, pupils, money)
        lasting = sustainability.lasting(scenario, gain, money, drawn, parts, share)
        outcomes = cohort.outcomes(plain, gain, pupils)
        worth = appraisal.appraise(scenario, gain, money, pupils, outcomes)
        shares = variance_decomposition.uncertainty(scenario, drawn, money, latent, gain, outcomes)
    return Result(
        draws=_with_history(outcomes, history, scenario),
        posterior=posterior.drop_attrs(),
        money=money.rename(year="money_year"),
        outside=other_way.result(),
        manifest=_manifest(scenario, every_table, posterior, money, studied, weights),
        value=worth,
        uncertainty=shares,
        served=people.result().rename(year="money_year"),
        **lasting._asdict(),
    )


def _followed(
    scenario: Scenario,
    active: dict[str, Any],
    money: xr.Dataset,
    pupils: xr.Dataset,
    drawn: xr.Dataset,
    share: xr.DataArray,
) -> tuple[xr.DataArray, list[sustainability.Part]]:
    """Return what activity adds, with each intervention summed up before it is let go."""
    parts: list[sustainability.Part] = []

    def noted() -> Iterator[xr.DataArray]:
        for own in cohort.gains(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn):
            parts.append(sustainability.part(scenario, str(own.name), own, share, money))
            yield own

    return cohort.with_all(cohort.summed(scenario, noted(), drawn), pupils), parts


def _manifest(
    scenario: Scenario,
    tables: Tables,
    posterior: xr.Dataset,
    money: xr.Dataset,
    studied: xr.Dataset,
    weights: xr.Dataset,
) -> dict[str, Any]:
    """Return what makes a run traceable."""
    gates = run_manifest.verdict(scenario, posterior, studied, weights)
    facts = {
        "seed": scenario.seed,
        "learned": run_manifest.learned_from(posterior),
        "outside_view": weights.attrs,
        "account_gbp": budget.reconcile(money),
        "price_base": scenario.budget.price_base,
    }
    made_from = {"synthesis": run_manifest.synthesis(studied)}
    return run_manifest.manifest(scenario, tables, posterior, gates, made_from, **facts)


class Prepared(NamedTuple):
    """What a scenario is computed from, but for draws."""

    scenario: Scenario  # with its rules checked and its areas named in full
    tables: Tables  # all, checked
    history: xr.Dataset  # its areas and England, up to the last year before its start
    pupils: xr.Dataset  # of its areas


def prepare(scenario: Scenario) -> Prepared:
    """Return what a scenario is computed from.

    Refused are what is no Scenario or breaks a rule, a wrong cell of a table, and a measure without history.
    """
    scenario = check_scenario(scenario)
    every = tables.read_all(scenario.data_folder, scenario.areas.names)
    budget.check(every, [*scenario.interventions, *config_files.groups()["intervention"]])
    here = tables.restrict_to_areas(every, scenario.areas.names)
    history = areas.history(here, until=last_known_year(scenario))
    areas.check_history(history, scenario.measures)
    return Prepared(scenario, every, history, areas.pupils(here))


def check_scenario(scenario: Scenario) -> Scenario:
    """Return a scenario that keeps its rules, also where it was changed after it was loaded, or refuse it."""
    if not isinstance(scenario, Scenario):
        raise Refusal(f"run takes a Scenario, got {scenario!r}: make one with load_scenario('scenario=as_delivered')")
    named = load.area_names(scenario.areas.names, scenario.data_folder)
    for part in vars(scenario).values():
        if hasattr(part, "__post_init__"):
            part.__post_init__()
    for area in chain.from_iterable(scenario.organisation.twins.items()):
        one_of("area in organisation.twins", area, named)
    return replace(scenario, areas=replace(scenario.areas, names=named))


def last_known_year(scenario: Scenario) -> int:
    """Return the last year that the baseline may know: the last published one before the first projected year."""
    last: int = max(row["year"] for row in tables.read("outcomes", scenario.data_folder))
    return min(scenario.start_year - 1, last)


def _with_history(outcomes: xr.Dataset, history: xr.Dataset, scenario: Scenario) -> xr.Dataset:
    """Return the outcomes with what is published beside them, and the marks of districts' figures."""
    here = history.sel(area=scenario.areas.names, measure=scenario.measures)
    shown = {
        "history": "published for the area, or a district's own figures on the level of its county's",
        "county_history": "published for the county, beside a district's own",
        "own_history": "a district's own figures as in the tables",
    }
    for name, figures in areas.past(here).items():
        outcomes[name] = figures.assign_attrs(units="see coordinate unit", long_name=shown[str(name)])
    for name, meaning in (("proxy", "a county's figures stand in"), ("estimated", "a district's own figures")):
        outcomes[name] = here[name].astype(np.int8).assign_attrs(units="1", long_name=f"1: {meaning}")
    outcomes = outcomes.assign_coords({dim: np.arange(outcomes.sizes[dim]) for dim in ("chain", "draw")})
    return outcomes.transpose("chain", "draw", "area", "group", "measure", "year", "history_year")
