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
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, importance_sampling, national_trend
from oa_sim.inference.observations import Record, record
from oa_sim.inputs import areas, panel, published_files, tables
from oa_sim.inputs.tables import Row, Tables, restrict_to_areas
from oa_sim.programme import budget, delivered_effects, delivery, parameters
from oa_sim.projection import cohort
from oa_sim.rng import stream
from oa_sim.scenario.load import load_learning
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest, scenario_run
from oa_sim.targets import attainable, settings
from oa_sim.targets.settings import Monitor


@dataclass(frozen=True, eq=False)
class Update:
    """What new figures make of a projection.

    Attributes
    ----------
    weight : array (draw)
        What each draw counts for; they sum to 1.
    k
        Pareto shape of the weights; from 0.7 on they cannot be relied on.
    effective
        Draws that they are worth.
    taken : array (draw)
        Draws in the place of draws, as often as their weight says.
    outcomes : Dataset
        ``projection``, ``counterfactual``, ``impact`` (chain, draw, area, group, measure, year) of the years to come,
        draws taken by their weight.
    history : Dataset
        From ``areas.history``, new figures among them.
    """

    weight: np.ndarray
    k: float
    effective: float
    taken: np.ndarray
    outcomes: xr.Dataset
    history: xr.Dataset


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
    """Return what new figures make of a projection.

    Parameters
    ----------
    scenario
        The question; its start lies before the new figures.
    posterior
        Draws of the hyperparameters by (chain, draw, ...).
    tables
        The checked tables with the new figures.
    gain
        (chain, draw, area, group, measure, year), SD, ``all`` among the groups: what the programme adds.
    drawn
        Draws of the programme's parameters.
    until
        The last year with new figures.
    is_learned_again
        Whether the hyperparameters know the new figures already; then only the programme is weighed by them.
    """
    here = restrict_to_areas(tables, scenario.areas.names)
    history = areas.history(here, until)
    known, pupils = record(history), areas.pupils(here)
    brought = {area: _brought(scenario, known, gain, history, area) for area in scenario.areas.names}
    log_ratio = _log_density(scenario, posterior, known, history, brought)
    if is_learned_again:
        nothing = {area: np.zeros_like(values) for area, values in brought.items()}
        log_ratio = log_ratio - _log_density(scenario, posterior, known, history, nothing)
    else:
        log_ratio = log_ratio + of_england(posterior, known, scenario)
    weight, k = importance_sampling.weigh(log_ratio)
    taken = _taken(weight, scenario.seed)
    ahead = replace(scenario, start_year=until + 1, horizon=LONGEST_HORIZON)
    latent = counterfactual.project(ahead, posterior, history, tables, pupils.rolls, brought)
    lost = delivery.learning_lost(ahead, drawn, pupils.share)
    years = [year for year in scenario.years if year > until]
    latent = (latent.drop_vars("national") - lost.reindex(group=list(GROUPS), fill_value=0.0)).sel(year=years)
    outcomes = cohort.outcomes(latent, gain.sel(year=years), pupils)
    return Update(weight, k, importance_sampling.effective(weight), taken, by_weight(outcomes, taken), history)


def _brought(scenario: Scenario, known: Record, gain: xr.DataArray, history: xr.Dataset, area: str) -> np.ndarray:
    """Return what the programme has added to an area's own figures (draw, series, year), SD; to a county's nothing."""
    n = gain.sizes["chain"] * gain.sizes["draw"]
    out = np.zeros((n, len(known.series), len(known.years)))
    if bool(history.proxy.sel(area=area).any()):
        return out
    years = [int(year) for year in known.years if year >= scenario.start_year and year in gain.year.values]
    for s, (measure, group) in enumerate(known.series):
        if measure in scenario.measures and years:
            sign = -1.0 if MEASURES[measure].lower_is_better else 1.0
            mine = gain.sel(area=area, group=group, measure=measure, year=years).transpose("chain", "draw", "year")
            out[:, s, np.isin(known.years, years)] = sign * mine.values.reshape(n, -1)
    return out


def _log_density(scenario: Scenario, posterior, known: Record, history, brought: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log density of all areas' new figures in each draw (draw)."""
    hyper = area_forecast.law(posterior, known.series)
    total = np.zeros(len(hyper.mean))
    for area in _once(scenario, history):
        is_proxy = bool(history.proxy.sel(area=area).any())
        total += area_forecast.log_density(
            hyper, known, area, scenario.start_year, is_proxy=is_proxy, brought=brought[area]
        )
    return total


def _once(scenario: Scenario, history: xr.Dataset) -> list[str]:
    """Return areas whose published figures differ: two districts of one county have its figures once."""
    first: dict[bytes, str] = {}
    for area in scenario.areas.names:
        first.setdefault(np.nan_to_num(history.published.sel(area=area).values, nan=-1.0).tobytes(), area)
    return list(first.values())


def of_england(posterior: xr.Dataset, known: Record, scenario: Scenario) -> np.ndarray:
    """Return the log density of England's new figures in each draw (draw), given those before."""
    law = {name: posterior[kept].values.ravel() for name, kept in counterfactual.MOVES.items()}
    sd = posterior["national_sd"].values.reshape(len(law["trend"]), -1)
    total = np.zeros(len(sd))
    for measure in dict.fromkeys(measure for measure, _ in known.series):
        here = [s for s, name in enumerate(known.series) if name[0] == measure and len(known.national[s].years) > 1]
        if not here:
            continue
        names = [known.series[s] for s in here]
        before = [_cut(known.national[s], scenario.start_year) for s in here]
        if any(len(one.years) < 1 for one in before):
            continue
        mine = law | {"sd": sd[:, here]}
        total += _of_steps(names, [known.national[s] for s in here], mine) - _of_steps(names, before, mine)
    return total


def _cut(one, start: int):
    """Return England's course without the figures from a year on."""
    seen = one.years < start
    return replace(one, years=one.years[seen], figures=one.figures[seen])


def _of_steps(names: list[tuple[str, str]], courses: list, law: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log density of all steps of courses in each draw (draw)."""
    steps = national_trend.steps(names, courses)
    if not len(steps.change):
        return np.zeros(len(law["trend"]))
    root = np.linalg.cholesky(national_trend.covariance(steps, **law))
    change = np.broadcast_to(steps.change[:, None], (len(root), len(steps.change), 1))
    white = np.linalg.solve(root, change)[..., 0]
    diagonal = np.diagonal(root, axis1=1, axis2=2)
    return -0.5 * (white**2).sum(axis=1) - np.log(diagonal).sum(axis=1) - 0.5 * len(steps.change) * np.log(2 * np.pi)


def _taken(weight: np.ndarray, seed: int) -> np.ndarray:
    """Return draws taken in the place of draws, as often as their weight says (systematic resampling)."""
    n = len(weight)
    at = (np.arange(n) + stream(seed, "draws taken by new figures").uniform()) / n
    return np.minimum(np.searchsorted(np.cumsum(weight), at), n - 1)


def by_weight(outcomes: xr.Dataset, taken: np.ndarray) -> xr.Dataset:
    """Return outcomes with draws taken in the place of draws."""
    size = (outcomes.sizes["chain"], outcomes.sizes["draw"])
    chain, draw = np.unravel_index(taken.reshape(size), size)
    at = {"chain": xr.DataArray(chain, dims=("chain_", "draw_")), "draw": xr.DataArray(draw, dims=("chain_", "draw_"))}
    resampled = outcomes.isel(at).rename(chain_="chain", draw_="draw")
    return resampled.drop_vars(
        [name for name in ("chain", "draw") if name in resampled.coords and resampled[name].ndim > 1]
    )


KEYS = ["area", "measure", "group", "year"]
ORDER = {"red": 0, "amber": 1, "green": 2}


def figure_rows(
    scenario: Scenario, asked: Monitor, before: xr.Dataset, county: xr.Dataset, updated: Update, until: int
) -> Iterator[dict[str, object]]:
    """Yield a row for each figure of a scenario's years.

    Parameters
    ----------
    scenario
        The question.
    asked
        From which probabilities on a figure is green, and red.
    before, county
        ``projection`` (chain, draw, area, group, measure, year) as expected at the start: of the areas, and of the
        counties that stand in for districts, without the programme.
    updated
        What the figures make of it.
    until
        The last year with figures.
    """
    history, last_year = updated.history, scenario.years[-1]
    for area in scenario.areas.names:
        for measure in scenario.measures:
            for group in MEASURES[measure].table_groups:
                at = {"area": area, "measure": measure, "group": group}
                is_proxy = bool(history.proxy.sel(at))
                expected = (county if is_proxy else before).projection.sel(at)
                for year in (year for year in scenario.years if year <= until):
                    figure = float(history.published.sel(at).sel(year=year)) if year in history.year else np.nan
                    if np.isfinite(figure):
                        row = at | {"year": year, "unit": MEASURES[measure].unit, "published": figure}
                        row |= _placed(_flat(expected.sel(year=year)), figure, measure, asked)
                        row |= _to_come(before, updated, at, last_year, measure)
                        broken = bool(history.breaks.sel(measure=measure, year=year) > 0)
                        yield row | {"break": broken, "proxy": is_proxy, "n_draws": updated.weight.size}


def _flat(array: xr.DataArray) -> np.ndarray:
    return array.values.astype(float).ravel()


def _placed(draws: np.ndarray, figure: float, measure: str, asked: Monitor) -> dict[str, object]:
    """Return where a figure lies in what was expected, and its colour."""
    lower = MEASURES[measure].lower_is_better
    low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
    better = float((draws >= figure).mean() if lower else (draws <= figure).mean())
    told = {"expected": middle, "expected_q05": low, "expected_q95": high, "better_than": better}
    edges = [attainable.promised(draws, p, lower_is_better=lower)[0] for p in (asked.green_from, asked.red_from)]
    kept = [figure <= edge if lower else figure >= edge for edge in edges]
    return told | {"should_be": edges[0], "colour": "green" if kept[0] else "amber" if kept[1] else "red"}


def _to_come(before: xr.Dataset, updated: Update, at: dict, year: int, measure: str) -> dict[str, float]:
    """Return what is expected in the last year as it was and as it is, and the chance of what was expected."""
    old = _flat(before.projection.sel(at).sel(year=year))
    now = _flat(updated.outcomes.projection.sel(at).sel(year=year))
    added = _flat(updated.outcomes.impact.sel(at).sel(year=year))
    lower, goal = MEASURES[measure].lower_is_better, float(np.median(old))
    row = {"last_year": year, "goal": goal}
    for name, draws in (("before", old), ("now", now)):
        low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
        row |= {name: middle, f"{name}_q05": low, f"{name}_q95": high}
        row[f"p_goal_{name}"] = attainable.reached(draws, goal, lower_is_better=lower)[0]
    impact_before = _flat(before.impact.sel(at).sel(year=year)).mean()
    return row | {"impact_before": impact_before, "impact_now": added.mean()}


@dataclass(frozen=True, eq=False)
class Monitored:
    """What this year's figures say.

    Attributes
    ----------
    figures
        A row for each area, measure, group and year with a figure: what was expected, where the figure lies, colour,
        what is expected in the last year before and now.
    priorities
        A row for each priority of an area: its measures by colour.
    changes
        Rows whose colour is another than last time; empty where nothing is compared.
    update
        The draws' weights, and the years to come.
    before
        ``projection`` (chain, draw, area, group, measure, year) as it was.
    learned_again
        Whether the hyperparameters were learned again with the new figures.
    manifest
        What makes the numbers traceable; ``gates`` fail where the weights cannot be relied on.
    """

    figures: pd.DataFrame
    priorities: pd.DataFrame
    changes: pd.DataFrame
    update: Update
    before: xr.Dataset
    learned_again: bool
    manifest: dict

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


def monitor(scenario: Scenario, asked: Monitor, say: Callable[[str], None] = lambda sentence: None) -> Monitored:
    """Return what this year's figures say of a scenario.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its start lies before the figures.
    asked
        Where the figures are, and with what they are compared.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For figures that are not there or not right, and where ``scenario_run.run`` refuses.
    """
    prepared = scenario_run.prepare(scenario)
    scenario, known = prepared.scenario, prepared.tables
    new = settings.figure_rows(asked, known, scenario.start_year, scenario.data_folder)
    until = max(row["year"] for row in new)
    if until >= scenario.years[-1]:
        raise Refusal(f"the figures go to {until} and the scenario to {scenario.years[-1]}: choose a longer horizon")
    last = _last(asked.last)
    say("projecting from what was known at the start")
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    gain, drawn, before, county = _before(prepared, posterior)
    say(f"taking in {len(new):,} figures up to {until}")
    with_new = settings.taken_in(known, new)
    updated, again = update(scenario, posterior, with_new, gain, drawn, until), False
    if updated.k >= importance_sampling.LARGEST_K and asked.panel:
        say(f"the weights cannot be relied on (Pareto k {updated.k:.2f}): learning again from the panel")
        posterior, again = _learn_again(asked.panel, scenario, until, say), True
        gain, drawn, _, _ = _before(prepared, posterior)
        updated = update(scenario, posterior, with_new, gain, drawn, until, is_learned_again=True)
    say("reading off where each figure lies")
    rows = list(figure_rows(scenario, asked, before, county, updated, until))
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
        _manifest(scenario, asked, known, posterior, updated, new, again=again),
    )


def _before(prepared: scenario_run.Prepared, posterior: xr.Dataset) -> tuple:
    """Return what the programme adds, its parameters, outcomes as expected at the start, and a county's without it."""
    scenario, known, history, pupils = prepared
    drawn = parameters.drawn(scenario, known, posterior.sizes["chain"], posterior.sizes["draw"])
    money = budget.reviewed(scenario, budget.allocate(scenario, pupils, known), drawn)
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    gain = cohort.with_all(
        cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), pupils
    )
    lost = delivery.learning_lost(scenario, drawn, pupils.share).reindex(group=list(GROUPS), fill_value=0.0)
    latent = counterfactual.project(scenario, posterior, history, known, pupils.rolls).drop_vars("national") - lost
    own = cohort.outcomes(latent, gain, pupils)
    if not bool(history.proxy.any()):
        return gain, drawn, own, own
    # a county's figure is held against the county's course, which the programme of one district does not move
    alone = history.assign(proxy=history.proxy & False)
    plain = counterfactual.project(scenario, posterior, alone, known, pupils.rolls).drop_vars("national") - lost
    return gain, drawn, own, cohort.outcomes(plain, gain * 0, pupils)


def _learn_again(path: str, scenario: Scenario, until: int, say: Callable[[str], None]) -> xr.Dataset:
    """Return the hyperparameters learned from a panel up to the new figures."""
    learning = load_learning(f"panel.path={path}", f"panel.train_until={until}", f"seed={scenario.seed}")
    reading = published_files.read(learning.panel.path)
    history = panel.history(reading, tables.read("breaks", scenario.data_folder), until)
    panel.check(history)
    fit = baseline_fit.learn(learning, history, reading.data_hash, say)
    n = min(scenario.sampler.draws, fit.sizes["draw"])
    return fit.isel(draw=slice(n))


def _priorities(scenario: Scenario, known: dict, figures: pd.DataFrame) -> pd.DataFrame:
    """Return each priority's measures by colour, in the last year that has figures."""
    latest = figures[figures.year == figures.groupby(["area", "measure"]).year.transform("max")]
    rows = []
    for row in known["priorities"]:
        if row["area"] not in scenario.areas.names:
            continue
        seen = {m for name in row["interventions"] if name in scenario.interventions for m in _moves(scenario, name)}
        mine = latest[(latest.area == row["area"]) & latest.measure.isin(seen)]
        counts = {colour: int((mine.colour == colour).sum()) for colour in ORDER}
        worst = min((colour for colour in ORDER if counts[colour]), key=ORDER.get, default="none")
        told = {"area": row["area"], "priority": row["priority"], "measures": " ".join(sorted(set(mine.measure)))}
        rows.append(told | counts | {"worst": worst, "proxy": bool(mine.proxy.any()), "status": row["status"]})
    return pd.DataFrame(rows, columns=["area", "priority", "measures", *ORDER, "worst", "proxy", "status"])


def _moves(scenario: Scenario, name: str) -> list[str]:
    """Return the measures that an intervention acts on and whose pupils it serves or will have served."""
    about = scenario.interventions[name]
    first = min(about.year_groups)
    return [
        measure
        for measure in scenario.measures
        if MEASURES[measure].channel in about.acts_on and max(MEASURES[measure].year_groups) >= first
    ]


def _last(folder: str | None) -> pd.DataFrame | None:
    """Return what was monitored last time."""
    if folder is None:
        return None
    path = Path(folder) / "monitor.csv"
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        what = f"monitor.last={folder} is not a folder of a monitor ({type(error).__name__})"
        raise Refusal(f"{what}: name one that was written") from None
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
    asked: Monitor,
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
            f"Pareto k of the weights is {fit.k:.2f}: few draws agree with the new figures; learn again with "
            "monitor.panel=FILE, the figures of all authorities"
        )
        gates = gates | {"verdict": "FAIL", "reason": why}
    text = json.dumps([{key: row[key] for key in ("place", "measure", "group", "year", "value")} for row in new])
    made_from = {
        "asked": asdict(replace(asked, last=None)),
        "figures": hashlib.sha256(text.encode()).hexdigest(),
    }
    facts = {"pareto_k": fit.k, "effective_draws": fit.effective, "learned_again": again}
    return run_manifest.manifest(scenario, tables, posterior, gates, made_from, **facts)
