"""Monitor: this year's figures against what was expected, what is expected now, and what changed since last time.

Each new figure has its place in what was expected, and a colour. Given a draw of the hyperparameters and of the
programme everything else is Gaussian, so new figures are assimilated exactly: the programme's contribution is taken off
them, and areas and England are projected from there. The density of the figures in each draw is its weight from then
on; where a few draws would count for nearly all, the hyperparameters must be fitted again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES
from oa_sim.errors import Refusal
from oa_sim.evidence import meta_analysis
from oa_sim.formatting import number
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, importance_sampling, national_trend
from oa_sim.inference.observations import National, Record, record
from oa_sim.inputs import areas, panel, published_files, tables
from oa_sim.inputs.tables import Row, Tables, restrict_to_areas
from oa_sim.programme import budget, delivered_effects, delivery, parameters
from oa_sim.projection import cohort
from oa_sim.rng import stream
from oa_sim.scenario.load import load_learning
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest, scenario_run
from oa_sim.targets import attainable, settings
from oa_sim.targets.forecast_components import flat_draws
from oa_sim.targets.settings import Monitor


@dataclass(frozen=True, eq=False)
class Update:
    """What new figures make of a projection."""

    weight: np.ndarray  # (draw): what it counts for; they sum to 1
    k: float  # Pareto shape of the weights; from 0.7 on they cannot be relied on
    effective: float  # draws that they are worth
    taken: np.ndarray  # (draw): draws in the place of draws, as often as their weight says
    outcomes: xr.Dataset  # projection, counterfactual, impact of the years to come, draws taken by their weight
    history: xr.Dataset  # from ``areas.history``, new figures among them


def update(
    scenario: Scenario,
    posterior: xr.Dataset,
    tables: dict[str, list[Row]],
    gain: xr.DataArray,
    drawn: xr.Dataset,
    until: int,
    *,
    is_learned_again: bool = False,
) -> Update:
    """Return what new figures, in the tables up to ``until``, make of a projection whose start lies before them.

    ``gain`` (chain, draw, area, group, measure, year), SD, ``all`` among the groups, is what the programme adds, and
    ``drawn`` its parameters. Where the posterior ``is_learned_again``, its hyperparameters know the new figures
    already, and only the programme is weighed by them.
    """
    here = restrict_to_areas(tables, scenario.areas.names)
    history = areas.history(here, until)
    # what a programme has added to a district's own figures is not taken off them, so those of its years say nothing
    history["own"] = history.own.where(history.year < scenario.start_year)
    published, pupils = record(history), areas.pupils(here)
    brought = {area: _brought(scenario, published, gain, history, area) for area in scenario.areas.names}
    log_ratio = _log_density(scenario, posterior, published, history, brought)
    if is_learned_again:
        nothing = {area: np.zeros_like(values) for area, values in brought.items()}
        log_ratio = log_ratio - _log_density(scenario, posterior, published, history, nothing)
    else:
        log_ratio = log_ratio + of_england(posterior, published, scenario)
    weight, k = importance_sampling.weigh(log_ratio)
    taken = _taken(weight, scenario.seed)
    ahead = replace(scenario, start_year=until + 1, horizon=LONGEST_HORIZON)
    latent = counterfactual.project(ahead, posterior, history, tables, pupils.rolls, brought)
    lost = delivery.learning_lost(ahead, drawn, pupils.share)
    years = [year for year in scenario.years if year > until]
    latent = (latent.drop_vars("national") - lost.reindex(group=list(GROUPS), fill_value=0.0)).sel(year=years)
    outcomes = cohort.outcomes(latent, gain.sel(year=years), pupils)
    return Update(weight, k, importance_sampling.effective(weight), taken, by_weight(outcomes, taken), history)


def _brought(scenario: Scenario, published: Record, gain: xr.DataArray, history: xr.Dataset, area: str) -> np.ndarray:
    """Return what the programme has added to an area's own figures (draw, series, year), SD; to a county's nothing."""
    n = gain.sizes["chain"] * gain.sizes["draw"]
    out = np.zeros((n, len(published.series), len(published.years)))
    if bool(history.district.sel(area=area)):
        return out
    years = [int(year) for year in published.years if year >= scenario.start_year and year in gain.year.values]
    for s, (measure, group) in enumerate(published.series):
        if measure in scenario.measures and years:
            sign = -1.0 if MEASURES[measure].lower_is_better else 1.0
            mine = gain.sel(area=area, group=group, measure=measure, year=years).transpose("chain", "draw", "year")
            out[:, s, np.isin(published.years, years)] = sign * mine.values.reshape(n, -1)
    return out


def _log_density(
    scenario: Scenario, posterior: xr.Dataset, published: Record, history: xr.Dataset, brought: dict[str, np.ndarray]
) -> np.ndarray:
    """Return the log density of all areas' new figures in each draw (draw)."""
    hyper = area_forecast.law(posterior, published.series)
    total = np.zeros(len(hyper.mean))
    for area in _once(scenario, history):
        is_proxy = bool(history.district.sel(area=area))
        total += area_forecast.log_density(
            hyper, published, area, scenario.start_year, is_proxy=is_proxy, brought=brought[area]
        )
    return total


def _once(scenario: Scenario, history: xr.Dataset) -> list[str]:
    """Return areas whose published figures differ: two districts of one county have its figures once."""
    first: dict[bytes, str] = {}
    for area in scenario.areas.names:
        first.setdefault(np.nan_to_num(history.published.sel(area=area).values, nan=-1.0).tobytes(), area)
    return list(first.values())


def of_england(posterior: xr.Dataset, published: Record, scenario: Scenario) -> np.ndarray:
    """Return the log density of England's new figures in each draw (draw), given those before."""
    sd = posterior["national_sd"].values.reshape(-1, posterior.sizes["series"])
    total = np.zeros(len(sd))
    for measure in dict.fromkeys(measure for measure, _ in published.series):
        here = [
            s for s, name in enumerate(published.series) if name[0] == measure and len(published.national[s].years) > 1
        ]
        names, courses = [published.series[s] for s in here], [published.national[s] for s in here]
        before = [_cut(course, scenario.start_year) for course in courses]
        if here and all(len(course.years) for course in before):
            mine = counterfactual.law_of_england(posterior, measure) | {"sd": sd[:, here]}
            total += _of_steps(names, courses, mine) - _of_steps(names, before, mine)
    return total


def _cut(course: National, start: int) -> National:
    """Return England's course without the figures from a year on."""
    is_before = course.years < start
    return replace(course, years=course.years[is_before], figures=course.figures[is_before])


def _of_steps(names: list[tuple[str, str]], courses: list[National], law: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log density of all steps of courses in each draw (draw)."""
    steps = national_trend.steps(names, courses)
    if not len(steps.change):
        return np.zeros(len(law["trend"]))
    root = np.linalg.cholesky(national_trend.covariance(steps, **law))
    change = np.broadcast_to(steps.change[:, None], (len(root), len(steps.change), 1))
    white = np.linalg.solve(root, change)[..., 0]
    diagonal = np.diagonal(root, axis1=1, axis2=2)
    constant = 0.5 * len(steps.change) * np.log(2 * np.pi)
    return np.asarray(-0.5 * (white**2).sum(axis=1) - np.log(diagonal).sum(axis=1) - constant)


def _taken(weight: np.ndarray, seed: int) -> np.ndarray:
    """Return draws taken in the place of draws, as often as their weight says (systematic resampling)."""
    n = len(weight)
    marks = (np.arange(n) + stream(seed, "draws taken by new figures").uniform()) / n
    return np.asarray(np.minimum(np.searchsorted(np.cumsum(weight), marks), n - 1))


def by_weight(outcomes: xr.Dataset, taken: np.ndarray) -> xr.Dataset:
    """Return outcomes with draws taken in the place of draws."""
    size = (outcomes.sizes["chain"], outcomes.sizes["draw"])
    chain, draw = np.unravel_index(taken.reshape(size), size)
    places = {name: xr.DataArray(place, dims=("chain_", "draw_")) for name, place in (("chain", chain), ("draw", draw))}
    resampled = outcomes.isel(places).rename(chain_="chain", draw_="draw")
    return resampled.drop_vars([name for name in places if name in resampled.coords and resampled[name].ndim > 1])


KEYS = ["area", "measure", "group", "year"]
ORDER = {"red": 0, "amber": 1, "green": 2}  # the worst first


def figure_rows(
    scenario: Scenario, request: Monitor, before: xr.Dataset, county: xr.Dataset, updated: Update, until: int
) -> Iterator[dict[str, object]]:
    """Yield a row for each figure of a scenario's years.

    ``before`` and ``county`` are outcomes as expected at the start: of the areas, and of the counties that stand in for
    districts, without the programme; ``until`` is the last year with figures.
    """
    history, last_year = updated.history, scenario.years[-1]
    for area in scenario.areas.names:
        for measure in scenario.measures:
            for group in MEASURES[measure].table_groups:
                place = {"area": area, "measure": measure, "group": group}
                is_proxy = bool(history.district.sel(area=area))  # what is published is its county's
                expected = (county if is_proxy else before).projection.sel(place)
                for year in (year for year in scenario.years if year <= until):
                    figure = float(history.published.sel(place).sel(year=year)) if year in history.year else np.nan
                    if np.isfinite(figure):
                        row = place | {"year": year, "unit": MEASURES[measure].unit, "published": figure}
                        row |= _placed(flat_draws(expected.sel(year=year)), figure, measure, request)
                        row |= _to_come(before, updated, place, last_year)
                        broken = bool(history.breaks.sel(measure=measure, year=year) > 0)
                        yield row | {"break": broken, "proxy": is_proxy, "n_draws": updated.weight.size}


def _placed(draws: np.ndarray, figure: float, measure: str, request: Monitor) -> dict[str, object]:
    """Return where a figure lies in what was expected, and its colour."""
    lower = MEASURES[measure].lower_is_better
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    better = float((draws >= figure).mean() if lower else (draws <= figure).mean())
    row = {"expected": middle, "expected_q05": low, "expected_q95": high, "better_than": better}
    edges = [attainable.promised(draws, p, lower_is_better=lower)[0] for p in (request.green_from, request.red_from)]
    kept = [figure <= edge if lower else figure >= edge for edge in edges]
    return row | {"should_be": edges[0], "colour": "green" if kept[0] else "amber" if kept[1] else "red"}


def _to_come(before: xr.Dataset, updated: Update, place: dict[str, str], year: int) -> dict[str, float]:
    """Return what is expected in the last year as it was and as it is, and the chance of what was expected."""
    old, now = (flat_draws(outcomes.projection.sel(place).sel(year=year)) for outcomes in (before, updated.outcomes))
    lower, goal = MEASURES[place["measure"]].lower_is_better, float(np.median(old))
    row = {"last_year": year, "goal": goal}
    for name, draws in (("before", old), ("now", now)):
        low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
        row |= {name: middle, f"{name}_q05": low, f"{name}_q95": high}
        row[f"p_goal_{name}"] = attainable.reached(draws, goal, lower_is_better=lower)[0]
    impacts = {"impact_before": before, "impact_now": updated.outcomes}
    return row | {name: flat_draws(of.impact.sel(place).sel(year=year)).mean() for name, of in impacts.items()}


@dataclass(frozen=True, eq=False)
class Monitored:
    """What this year's figures say."""

    #: a row for each figure: what was expected, where it lies, colour, what is expected in the last year
    figures: pd.DataFrame
    priorities: pd.DataFrame  #: a row for each priority of an area: its measures by colour
    changes: pd.DataFrame  #: rows whose colour is another than last time; empty where nothing is compared
    update: Update  #: the draws' weights, and the years to come
    before: xr.Dataset  #: ``projection`` (chain, draw, area, group, measure, year) as it was
    learned_again: bool  #: whether the hyperparameters were learned again with the new figures
    manifest: dict[str, Any]  #: what makes the numbers traceable; ``gates`` fail where the weights cannot be relied on

    def summary(self) -> pd.DataFrame:
        """Return the rows of the figures."""
        return self.figures

    def updated(self) -> xr.Dataset:
        """Return the weights of the draws and the outcomes of the years to come, draws taken by their weight."""
        update = self.update
        size = (update.outcomes.sizes["chain"], update.outcomes.sizes["draw"])
        out = update.outcomes.drop_vars("unit").astype(np.float32)
        out["weight"] = (("chain", "draw"), update.weight.reshape(size))
        return out.assign_attrs(manifest=json.dumps(self.manifest, default=str))


def monitor(scenario: Scenario, request: Monitor, say: Callable[[str], None] = lambda sentence: None) -> Monitored:
    """Return what this year's figures say of a scenario.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its start lies before the figures.
    request
        Where the figures are, and with what they are compared.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For figures that are not there or not right, and where ``scenario_run.run`` refuses.
    """
    prepared = scenario_run.prepare(scenario)
    scenario, tables = prepared.scenario, prepared.tables
    new = settings.figure_rows(request, tables, scenario.start_year, scenario.data_folder)
    until = max(row["year"] for row in new)
    if until >= scenario.years[-1]:
        raise Refusal(f"the figures go to {until} and the scenario to {scenario.years[-1]}: choose a longer horizon")
    last = _last(request.last)
    say("projecting from what was known at the start")
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    gain, drawn, before, county = _before(prepared, posterior)
    say(f"taking in {number(len(new), 0)} figures up to {until}")
    with_new = settings.taken_in(tables, new)
    updated, again = update(scenario, posterior, with_new, gain, drawn, until), False
    if updated.k >= importance_sampling.LARGEST_K and request.panel:
        say(f"the weights cannot be relied on (Pareto k {number(updated.k, 2)}): learning again from the panel")
        posterior, again = _learn_again(request.panel, scenario, until, say), True
        gain, drawn, _, _ = _before(prepared, posterior)
        updated = update(scenario, posterior, with_new, gain, drawn, until, is_learned_again=True)
    say("reading off where each figure lies")
    rows = list(figure_rows(scenario, request, before, county, updated, until))
    if not rows:
        raise Refusal("no figure of the scenario's areas and measures is among those given: name a file that has them")
    figures = pd.DataFrame(rows)
    return Monitored(
        figures,
        _priorities(scenario, with_new, figures),
        _changes(figures, last),
        updated,
        before,
        again,
        _manifest(scenario, request, tables, posterior, updated, new, again=again),
    )


def _before(
    prepared: scenario_run.Prepared, posterior: xr.Dataset
) -> tuple[xr.DataArray, xr.Dataset, xr.Dataset, xr.Dataset]:
    """Return what the programme adds, its parameters, outcomes as expected at the start, and a county's without it."""
    scenario, tables, history, pupils = prepared
    drawn = parameters.drawn(scenario, tables, posterior.sizes["chain"], posterior.sizes["draw"])
    money = budget.reviewed(scenario, budget.allocate(scenario, pupils, tables), drawn)
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    gain = cohort.with_all(
        cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), pupils
    )
    lost = delivery.learning_lost(scenario, drawn, pupils.share).reindex(group=list(GROUPS), fill_value=0.0)
    latent = counterfactual.project(scenario, posterior, history, tables, pupils.rolls).drop_vars("national") - lost
    own = cohort.outcomes(latent, gain, pupils)
    if not bool(history.district.any()):
        return gain, drawn, own, own
    # a county's figure is held against the county's course, which the programme of one district does not move
    alone = history.assign(district=history.district & False)
    plain = counterfactual.project(scenario, posterior, alone, tables, pupils.rolls).drop_vars("national") - lost
    return gain, drawn, own, cohort.outcomes(plain, gain * 0, pupils)


def _learn_again(path: str, scenario: Scenario, until: int, say: Callable[[str], None]) -> xr.Dataset:
    """Return the hyperparameters learned from a panel up to the new figures."""
    learning = load_learning(f"panel.path={path}", f"panel.train_until={until}", f"seed={scenario.seed}")
    reading = published_files.read(learning.panel.path or path)
    history = panel.history(reading, tables.read("breaks", scenario.data_folder), until)
    panel.check(history)
    fit = baseline_fit.learn(learning, history, reading.data_hash, say)
    n = min(scenario.sampler.draws, fit.sizes["draw"])
    return fit.isel(draw=slice(n))


def _priorities(scenario: Scenario, tables: Tables, figures: pd.DataFrame) -> pd.DataFrame:
    """Return each priority's measures by colour, in the last year that has figures."""
    latest = figures[figures.year == figures.groupby(["area", "measure"]).year.transform("max")]
    rows = []
    for priority in tables["priorities"]:
        if priority["area"] not in scenario.areas.names:
            continue
        measures = {
            m for name in priority["interventions"] if name in scenario.interventions for m in _moves(scenario, name)
        }
        mine = latest[(latest.area == priority["area"]) & latest.measure.isin(measures)]
        counts = {colour: int((mine.colour == colour).sum()) for colour in ORDER}
        worst = next((colour for colour in ORDER if counts[colour]), "none")
        row = {key: priority[key] for key in ("area", "priority")} | {"measures": " ".join(sorted(set(mine.measure)))}
        rows.append(row | counts | {"worst": worst, "proxy": bool(mine.proxy.any()), "status": priority["status"]})
    return pd.DataFrame(rows, columns=["area", "priority", "measures", *ORDER, "worst", "proxy", "status"])


def _moves(scenario: Scenario, name: str) -> list[str]:
    """Return the measures that an intervention acts on and whose pupils it serves or will have served."""
    intervention = scenario.interventions[name]
    first = min(intervention.year_groups)
    return [
        measure
        for measure in scenario.measures
        if MEASURES[measure].channel in intervention.acts_on and max(MEASURES[measure].year_groups) >= first
    ]


def _last(folder: str | None) -> pd.DataFrame | None:
    """Return what was monitored last time."""
    if folder is None:
        return None
    path = Path(folder) / "monitor.csv"
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        problem = f"monitor.last={folder} is not a folder of a monitor ({type(error).__name__})"
        raise Refusal(f"{problem}: name one that was written") from None
    if not {*KEYS, "colour", "now"} <= set(table.columns):
        raise Refusal(f"{path} lacks columns that a monitor writes: name a folder that oa-sim monitor wrote")
    return table


def _changes(figures: pd.DataFrame, last: pd.DataFrame | None) -> pd.DataFrame:
    """Return places whose colour, in their latest year, is another than last time."""
    columns = ["area", "measure", "group", "year_then", "colour_then", "year", "colour", "now_then", "now", "moved"]
    if last is None:
        return pd.DataFrame(columns=columns)
    place = ["area", "measure", "group"]
    old, new = (table.sort_values("year").groupby(place, sort=False).tail(1) for table in (last, figures))
    both = new.merge(old[[*place, "year", "colour", "now"]], on=place, suffixes=("", "_then"))
    changed = both[both.colour != both.colour_then]
    # of no change at all pandas makes texts; a colour that is none has no step
    step = changed.colour.map(ORDER).astype(float) - changed.colour_then.map(ORDER).astype(float)
    return changed.assign(moved=np.where(step > 0, "better", "worse"))[columns].reset_index(drop=True)


def _manifest(
    scenario: Scenario,
    request: Monitor,
    tables: Tables,
    posterior: xr.Dataset,
    fit: Update,
    new: list[Row],
    *,
    again: bool,
) -> dict[str, Any]:
    """Return what makes the numbers traceable; the gates fail where the weights cannot be relied on."""
    studied = meta_analysis.posterior(tables, scenario.evidence)
    gates = run_manifest.verdict(scenario, posterior, studied)
    if fit.k >= importance_sampling.LARGEST_K:
        why = (
            f"Pareto k of the weights is {number(fit.k, 2)}: few draws agree with the new figures; learn again with "
            "monitor.panel=FILE, the figures of all authorities"
        )
        gates = gates | {"verdict": "FAIL", "reason": why}
    text = json.dumps([{key: row[key] for key in ("place", "measure", "group", "year", "value")} for row in new])
    made_from = {
        "asked": asdict(replace(request, last=None)),
        "figures": hashlib.sha256(text.encode()).hexdigest(),
    }
    facts = {"pareto_k": fit.k, "effective_draws": fit.effective, "learned_again": again}
    return run_manifest.manifest(scenario, tables, posterior, gates, made_from, **facts)
