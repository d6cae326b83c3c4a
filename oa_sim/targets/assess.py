"""Assess: how likely each target is met, its colour, how often places like it moved so far, what was published.

A target of years that are over is judged from what was known before the programme: by a posterior that has not seen
them, with shares of pupils of that time, and the programme as it was paid to all twelve areas. What was then published
stands beside it and has no part in its probability.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.errors import Refusal
from oa_sim.formatting import unit, with_unit
from oa_sim.inference import baseline_fit
from oa_sim.inputs import areas, panel, tables
from oa_sim.inputs.published_files import read
from oa_sim.rng import stream
from oa_sim.scenario.load import load_scenario
from oa_sim.scenario.rules import spelled
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest, scenario_run
from oa_sim.targets import attainable, district_ranks
from oa_sim.targets.district_ranks import Districts, Goal
from oa_sim.targets.forecast_components import PARTS, Outlook, outlook
from oa_sim.targets.settings import NO_NUMBER, RANKS, Target, TargetRow, not_judged, of_user, package
from oa_sim.validation import hindcast

BEFORE = 2017  # the last year known before the programme
POSTERIOR = tables.FOLDER / f"learned_until_{BEFORE}.nc"
AS_IT_WAS = (  # the programme as it was paid, known from before it began; the pandemic is a break of unknown size
    *("scenario=as_delivered", f"start_year={BEFORE + 1}", "horizon=8", "split=as_paid", "portfolio=balanced"),
    "organisation.events=[general_election_2017, change_of_minister_2018, covid_19_delivery]",
)
UNKNOWN_THEN = ("neet_16_17",)  # series that began later
GREEN, AMBER, RED, NONE = "green", "amber", "red", "none"
UNITS = {  # of columns whose figures are not in the unit of their measure
    **{"share_of_districts": "1", "rank": "place", "n_districts": "districts"},
    **{"base_rate_n": "cases", "base_rate_years": "years", "calibration_n": "cases", "calibration_longest": "years"},
    **{f"calibration_{name}": "1" for name in ("reached", "least", "most")},
}


@dataclass(frozen=True, eq=False)
class Promises:
    """What can be promised, and how targets are judged."""

    promised: pd.DataFrame  #: from ``attainable.table``
    #: a row for each target: probability, Monte Carlo error, colour, base rate, warning, what was published
    judged: pd.DataFrame
    not_judged: pd.DataFrame  #: targets that are not modelled or print no number, each with the reason
    progress: pd.DataFrame  #: from ``district_ranks.progress``
    seen: Outlook  #: what is to come of the scenario
    facts: dict[str, Any]  #: what makes the numbers traceable

    def summary(self) -> pd.DataFrame:
        """Return the targets that were judged; the promises where there is none."""
        return self.judged if len(self.judged) else self.promised


def promise(scenario: Scenario, request: Target, say: Callable[[str], None] = lambda sentence: None) -> Promises:
    """Return what can be promised of a scenario, and how likely targets are met.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    request
        Levels, years, tables, colours.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For a table or a panel that cannot be read, a year that is not projected, and what ``scenario_run.run`` refuses.
    """
    scenario = scenario_run.check_scenario(scenario)
    years = request.years or sorted({scenario.years[min(4, scenario.horizon - 1)], scenario.years[-1]})
    for year in years:
        _check_year(year, scenario)
    targets = of_user(request.table, scenario.areas.names, scenario.data_folder) if request.table else []
    targets += package(scenario.areas.names, scenario.data_folder) if request.package else []
    record = _record(scenario)
    is_honest = _learned_until(scenario) < scenario.start_year
    over = [_past(target, scenario.start_year, int(record.year[-1]), is_honest) for target in targets]
    districts = district_ranks.read(scenario.data_folder)
    for target, is_over in zip(targets, over, strict=True):
        (_check_over if is_over else _check_ahead)(target, scenario)
        if (goal := _by_rank(target)) is not None:
            district_ranks.check(districts, goal, target.area)
    moves = _moves(request.panel, scenario.data_folder)
    ahead = outlook(scenario, say)
    say("reading off what can be promised")
    levels = attainable.table(ahead, request.levels, years, moves)
    before = _before([target for target, is_over in zip(targets, over, strict=True) if is_over], scenario, say)
    judged = [
        judge(target, before if is_over and before else ahead, moves, request, record, districts)
        for target, is_over in zip(targets, over, strict=True)
    ]
    left_out = not_judged(scenario.areas.names, scenario.data_folder) if request.package else []
    ranks = district_ranks.progress(districts, [(target.area, target.measure, target.group) for target in targets])
    facts = {"asked": vars(request), "units": UNITS} | _facts(ahead)
    base_rates = "movements.csv: all authorities to 2024/25, 30 of them to 2022/23, whenever a target was set"
    facts["base_rates"] = request.panel or base_rates
    if before:
        facts["judged_before"] = _facts(before)
    return Promises(levels, pd.DataFrame(judged), pd.DataFrame(left_out), ranks, ahead, facts)


def _facts(seen: Outlook) -> dict[str, Any]:
    """Return what makes the numbers of an outlook traceable."""
    keys = ("run_id", "scenario", "data_hash", "oa_sim", "code_hash", "posterior", "gates", "to_verify", "versions")
    return {key: seen.result.manifest[key] for key in keys}


def _check_year(year: int, scenario: Scenario) -> None:
    if year not in scenario.years:
        raise Refusal(
            f"a promise is for a projected year, {scenario.years[0]} to {scenario.years[-1]}, got {year}: choose "
            "another, or a longer horizon"
        )


def _moves(path: str | None, data_folder: str | None) -> list[tables.Row]:
    """Return movements of authorities: those of a panel, or of our own summary."""
    if path is None:
        return tables.read("movements", data_folder)
    return attainable.summarised(panel.history(read(path), tables.read("breaks", data_folder)))


def _learned_until(scenario: Scenario) -> int:
    """Return the last year that a scenario's posterior has seen; one that does not say may have seen all."""
    made = run_manifest.learned_from(baseline_fit.load(scenario.posterior, scenario.sampler.draws))
    return int(made.get("until", scenario.start_year))


def _past(target: TargetRow, start: int, last: int, is_honest: bool) -> bool:
    """Return whether a target is to be judged from before the programme, since its outcome is known or may be.

    A baseline without a target lies in the past as well. A scenario that starts early judges a target itself where its
    posterior has seen nothing later.
    """
    return target.year is None or target.year < start or (target.year <= last and not is_honest)


def _check_ahead(target: TargetRow, scenario: Scenario) -> None:
    assert target.year is not None  # one without a year is over
    _check_year(target.year, scenario)
    if target.measure not in scenario.measures:
        raise Refusal(f"a target is of one of the scenario's measures, got {target.measure}: add it to measures")


def _check_over(target: TargetRow, scenario: Scenario) -> None:
    """Refuse a target that cannot be judged from before the programme."""
    first, last = BEFORE + 1, _as_it_was().years[-1]
    then = f"judged from what was known in {academic_year(BEFORE)}"
    if target.year is not None and not first <= target.year <= last:
        raise Refusal(
            f"a target of a year before {scenario.start_year} is {then}, for {first} to {last}, got {target.year}: "
            "start the scenario earlier"
        )
    if target.measure in UNKNOWN_THEN:
        raise Refusal(
            f"a target of a year that is over is {then}, and {target.measure} was not published by then: leave it out"
        )
    if target.area not in _as_it_was().areas.names:
        raise Refusal(
            f"a target of a year that is over is {then}, for the programme's areas, got {target.area}: leave it out"
        )


@cache
def _as_it_was() -> Scenario:
    """Return the programme as it was, its measures and tables still to be said."""
    return load_scenario(*AS_IT_WAS)


def _before(over: list[TargetRow], scenario: Scenario, say: Callable[[str], None]) -> Outlook | None:
    """Return what was to come before the programme, of the measures of some targets; nothing where there are none.

    All areas take part whoever is asked for, since the money was shared among them.
    """
    if not over:
        return None
    say(f"judging targets that are over from what was known in {academic_year(BEFORE)}")
    hindcast.check(baseline_fit.load(POSTERIOR), BEFORE)
    was = _as_it_was()
    measures = [name for name in MEASURES if name in {target.measure for target in over}]
    draws = replace(was.sampler, draws=scenario.sampler.draws)
    was = replace(was, posterior=str(POSTERIOR), seed=scenario.seed, sampler=draws, measures=measures)
    own_tables = Path(scenario.data_folder) if scenario.data_folder else None
    with tempfile.TemporaryDirectory() as folder:
        before = outlook(replace(was, data_folder=str(hindcast.as_known(BEFORE, Path(folder), own_tables))))
    # the name of a run must not hang on where its files lay; the hash of its tables tells that they were cut
    question = before.result.manifest["scenario"] | {"data_folder": scenario.data_folder, "posterior": POSTERIOR.name}
    manifest = before.result.manifest | {"scenario": question}
    manifest |= {"run_id": run_manifest.identity(manifest)}
    then = replace(before.scenario, data_folder=scenario.data_folder)
    return replace(before, scenario=then, result=replace(before.result, manifest=manifest))


def _record(scenario: Scenario) -> xr.Dataset:
    """Return all that was published of every area of the tables, and of those that a scenario names."""
    checked = tables.read_all(scenario.data_folder, scenario.areas.names)
    return areas.history(checked, max(row["year"] for row in checked["outcomes"]))


def judge(
    target: TargetRow,
    seen: Outlook,
    moves: list[tables.Row],
    request: Target,
    record: xr.Dataset | None = None,
    districts: Districts | None = None,
) -> dict[str, object]:
    """Return one target, judged; a baseline without a target has no probability and no colour.

    ``seen`` is what is to come of the scenario by which it is judged; ``record`` is what was published, and
    ``districts`` are the figures of districts, by default of the scenario's tables. Figures of a target by rank are
    less the figure that the rank takes.
    """
    measure, start = MEASURES[target.measure], int(seen.result.draws.year.values[0])
    place = {"area": target.area, "measure": target.measure, "group": target.group}
    districts = districts or district_ranks.read(seen.scenario.data_folder)
    row, has_target = _asked(target, seen, districts), target.target is not None and target.year is not None
    goal = _by_rank(target)
    if goal is not None and target.year is not None:
        row |= districts.reached(goal, target.area, target.year)
    else:
        row |= _published(target, _record(seen.scenario) if record is None else record)
    # of a baseline: what could have been promised for the year that was published
    year: int | None = target.year if has_target else row["published_year"]
    if year is not None and year in seen.result.draws.year.values:
        parts = seen.parts(target.area, target.measure, target.group, year)
        come_from = attainable.ground(seen, **place, year=year, parts=parts)
        draws, england = parts["projection"], parts["england_level"]
        if target.scale != "level":
            parts, draws = seen.less_england(parts, **place), draws - england
        if goal is not None:
            rng = stream(seen.scenario.seed, "threshold of districts", target.measure, target.group)
            needed = districts.thresholds(goal, year, start - 1, england, rng) - england
            draws = draws - needed
        row |= attainable.rungs(draws, request.levels, lower_is_better=measure.lower_is_better)
        row["promised_year"] = year
    if has_target and target.target is not None:
        asked = target.target if goal is None else 0.0
        p, error = attainable.reached(draws, asked, lower_is_better=measure.lower_is_better)
        row |= {"probability": p, "mc_error": error, "colour": colour(p, request)}
        if goal is None:
            row |= attainable.base_rate(moves, come_from, target.target, target.scale)
        else:
            row |= {"needed_against_england": needed.mean() - come_from.start}
            row |= districts.base_rate(goal, target.area, start - 1, int(row["target_year"]))
            row |= district_ranks.calibration(target.measure, p)
        share, warning = attainable.reversion(parts, lower_is_better=measure.lower_is_better)
        row |= {"own_share_of_move": share, "warning": warning}
        row |= {f"{name}_mean": parts[name].mean() for name in PARTS}
        low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
        row |= {"expected_q05": low, "expected": middle, "expected_q95": high}
    row |= {name: bool(seen.result.draws[name].sel(place)) for name in ("proxy", "estimated")}
    row |= {"status": target.status, "source": target.source}
    gates = seen.result.manifest["gates"]["verdict"]
    return row | {"n_draws": seen.result.n_draws, "verdict": gates, "run_id": seen.result.manifest["run_id"]}


def _asked(target: TargetRow, seen: Outlook, districts: Districts) -> dict[str, Any]:
    """Return what a target asks, before it is judged."""
    measure, goal = MEASURES[target.measure], _by_rank(target)
    place = {"area": target.area, "measure": target.measure, "group": target.group}
    kind = "target" if target.target is not None else NO_NUMBER if target.year is not None else "baseline"
    row: dict[str, Any] = {"scenario": seen.result.label} | place
    row |= {"quantity": kind, "unit": measure.unit, "scale": target.scale}
    row |= {name: getattr(target, name) for name in ("what", "baseline_year", "baseline")}
    row |= {"target_year": target.year, "goal": goal_in_words(target)}
    row |= {"target": np.nan if goal else target.target, "share_of_districts": goal.share if goal else np.nan}
    row |= {"probability": np.nan, "mc_error": np.nan, "colour": NONE, "base_rate": np.nan, "base_rate_n": 0}
    row |= {"warning": "", "judged_from": academic_year(int(seen.result.draws.year.values[0]) - 1)}
    ranks = districts.ranks(**place)
    about = district_ranks.about(districts, target.measure, target.group) if len(ranks) else ""
    return row | {"ranks": district_ranks.said(ranks, target.year), "ranks_of": about}


def _by_rank(target: TargetRow) -> Goal | None:
    """Return the place among districts that a target asks for; None where it asks for a figure."""
    if target.scale != "rank" or target.target is None:
        return None
    return Goal(target.measure, target.group, target.target)


def goal_in_words(target: TargetRow) -> str:
    """Return what a target asks: a figure with its unit, a side of England, or a place among districts."""
    if target.target is None:
        return ""
    if target.scale == "rank":
        name = next((name for name, share in RANKS.items() if abs(share - target.target) < 0.005), "")
        return f"{name or f'best {percent(target.target)}'} of districts"
    if target.scale == "level":
        return with_unit(spelled(target.target), MEASURES[target.measure].unit)
    side = "above" if target.target >= 0 else "below"
    return f"{f'{spelled(abs(target.target))} {unit(target.measure)} ' if target.target else ''}{side} England"


def colour(probability: float, request: Target) -> str:
    """Return red, amber or green for a probability."""
    return GREEN if probability >= request.green_from else RED if probability < request.red_below else AMBER


def _published(target: TargetRow, record: xr.Dataset) -> dict[str, object]:
    """Return what was published of a target's year, or last before it, of the area itself where it has own figures."""
    last = int(record.year[-1])
    place = {"area": target.area, "measure": target.measure, "group": target.group}
    is_own = bool(record.estimated.sel(place))
    figures = record.calibrated.sel(place) if is_own else record.published.sel(place)
    if target.scale == "relative":
        figures = figures - record.england.sel(measure=target.measure, group=target.group)
    until = last if target.year is None else min(target.year, last)
    since = -1 if target.baseline_year is None else target.baseline_year
    known_years = [
        int(year) for year in record.year.values if since < year <= until and np.isfinite(figures.sel(year=year))
    ]
    if not known_years:
        return {"published": np.nan, "published_year": None, "published_of": "", "met": "not published"}
    value, year = float(figures.sel(year=known_years[-1])), known_years[-1]
    of = "its county" if bool(record.proxy.sel(place)) else "the area"
    if is_own and target.measure != areas.GLD:  # early years are published by district
        of = "the area, from school tables"
    met = (
        "no target"
        if target.target is None
        else "not published"
        if year != target.year
        else _met(target.measure, value, target.target)
    )
    return {"published": value, "published_year": year, "published_of": of, "met": met}


def _met(measure: str, value: float, goal: float) -> str:
    is_met = value <= goal if MEASURES[measure].lower_is_better else value >= goal
    return "met" if is_met else "missed"
