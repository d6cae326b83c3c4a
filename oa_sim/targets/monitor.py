"""Monitor: this year's figures against what was expected, what is expected now, and what changed since last time.

Each new figure has its place in what was expected, and a colour.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import oa_sim
from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.errors import Refusal
from oa_sim.evidence import meta_analysis
from oa_sim.inference import baseline_fit, counterfactual, importance_sampling, posterior_files, sampling
from oa_sim.inputs import areas, panel, published_files, tables
from oa_sim.programme import budget, delivered_effects, delivery, parameters
from oa_sim.projection import cohort, impact
from oa_sim.scenario import unverified
from oa_sim.scenario.load import load_learning
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest, scenario_run
from oa_sim.targets import attainable, monitor_settings
from oa_sim.targets.assimilation import Update, update
from oa_sim.targets.monitor_settings import Monitor

KEYS = ["area", "measure", "group", "year"]
ORDER = {"red": 0, "amber": 1, "green": 2}


def figure_rows(
    scenario: Scenario, asked: Monitor, before: xr.Dataset, county: xr.Dataset, found: Update, until: int
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
    found
        What the figures make of it.
    until
        The last year with figures.
    """
    history, last_year = found.history, scenario.years[-1]
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
                        row |= _to_come(before, found, at, last_year, measure)
                        broken = bool(history.breaks.sel(measure=measure, year=year) > 0)
                        yield row | {"break": broken, "proxy": is_proxy, "n_draws": found.weight.size}


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


def _to_come(before: xr.Dataset, found: Update, at: dict, year: int, measure: str) -> dict[str, float]:
    """Return what is expected in the last year as it was and as it is, and the chance of what was expected."""
    old = _flat(before.projection.sel(at).sel(year=year))
    now = _flat(found.outcomes.projection.sel(at).sel(year=year))
    added = _flat(found.outcomes.impact.sel(at).sel(year=year))
    lower, goal = MEASURES[measure].lower_is_better, float(np.median(old))
    told = {"last_year": year, "goal": goal}
    for name, draws in (("before", old), ("now", now)):
        low, middle, high = np.quantile(draws, [0.05, 0.5, 0.95])
        told |= {name: middle, f"{name}_q05": low, f"{name}_q95": high}
        told[f"p_goal_{name}"] = attainable.reached(draws, goal, lower_is_better=lower)[0]
    impact_before = _flat(before.impact.sel(at).sel(year=year)).mean()
    return told | {"impact_before": impact_before, "impact_now": added.mean()}


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
        found = self.update
        size = (found.outcomes.sizes["chain"], found.outcomes.sizes["draw"])
        out = found.outcomes.drop_vars("unit").astype(np.float32)
        out["weight"] = (("chain", "draw"), found.weight.reshape(size))
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
    scenario = scenario_run.checked(scenario)
    known = scenario_run.checked_tables(scenario)
    new = monitor_settings.rows(asked, known, scenario.start_year, scenario.data_folder)
    until = max(row["year"] for row in new)
    if until >= scenario.years[-1]:
        raise Refusal(f"the figures go to {until} and the scenario to {scenario.years[-1]}: choose a longer horizon")
    last = _last(asked.last)
    say("projecting from what was known at the start")
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    gain, drawn, before, county = _before(scenario, known, posterior)
    say(f"taking in {len(new):,} figures up to {until}")
    with_new = monitor_settings.taken_in(known, new)
    found, again = update(scenario, posterior, with_new, gain, drawn, until), False
    if found.k >= importance_sampling.LARGEST_K and asked.panel:
        say(f"the weights cannot be relied on (Pareto k {found.k:.2f}): learning again from the panel")
        posterior, again = _learn_again(asked.panel, scenario, until, say), True
        gain, drawn, _, _ = _before(scenario, known, posterior)
        found = update(scenario, posterior, with_new, gain, drawn, until, is_learned_again=True)
    say("reading off where each figure lies")
    rows = list(figure_rows(scenario, asked, before, county, found, until))
    if not rows:
        raise Refusal("no figure of the scenario's areas and measures is among those given: name a file that has them")
    figures = pd.DataFrame(rows)
    return Monitored(
        figures,
        _priorities(scenario, with_new, figures),
        _changes(figures, last),
        found,
        before,
        again,
        _manifest(scenario, asked, known, posterior, found, new, again=again),
    )


def _before(scenario: Scenario, known: dict, posterior: xr.Dataset) -> tuple:
    """Return what the programme adds, its parameters, outcomes as expected at the start, and a county's without it."""
    here = known | {"areas": [row for row in known["areas"] if row["area"] in scenario.areas.names]}
    history, pupils = areas.history(here, scenario_run.known_until(scenario)), areas.pupils(here)
    areas.check_history(history, scenario.measures)
    drawn = parameters.drawn(scenario, known, posterior.sizes["chain"], posterior.sizes["draw"])
    money = budget.reviewed(scenario, budget.allocate(scenario, pupils, known), drawn)
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    gain = impact.with_all(
        cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), pupils
    )
    lost = delivery.learning_lost(scenario, drawn, pupils.share).reindex(group=list(GROUPS), fill_value=0.0)
    latent = counterfactual.project(scenario, posterior, history, known, pupils.rolls).drop_vars("national") - lost
    own = impact.outcomes(latent, gain, pupils)
    if not bool(history.proxy.any()):
        return gain, drawn, own, own
    # a county's figure is held against the county's course, which the programme of one district does not move
    alone = history.assign(proxy=history.proxy & False)
    plain = counterfactual.project(scenario, posterior, alone, known, pupils.rolls).drop_vars("national") - lost
    return gain, drawn, own, impact.outcomes(plain, gain * 0, pupils)


def _learn_again(path: str, scenario: Scenario, until: int, say: Callable[[str], None]) -> xr.Dataset:
    """Return the hyperparameters learned from a panel up to the new figures."""
    learning = load_learning(f"panel.path={path}", f"panel.train_until={until}", f"seed={scenario.seed}")
    reading = published_files.read(learning.panel.path)
    history = panel.history(reading, tables.read("breaks", scenario.data_folder), until)
    panel.check(history)
    found = baseline_fit.learn(learning, history, reading.data_hash, say)
    n = min(scenario.sampler.draws, found.sizes["draw"])
    return found.isel(draw=slice(n))


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


def _manifest(scenario, asked: Monitor, known, posterior, found: Update, new: list, *, again: bool) -> dict:
    studied = meta_analysis.posterior(known, scenario.evidence)
    gates = run_manifest.verdict(_without_view(scenario), posterior, studied, None)
    if found.k >= importance_sampling.LARGEST_K:
        why = (
            f"Pareto k of the weights is {found.k:.2f}: few draws agree with the new figures; learn again with "
            "monitor.panel=FILE, the figures of all authorities"
        )
        gates = gates | {"verdict": "FAIL", "reason": why}
    text = json.dumps([{key: row[key] for key in ("place", "measure", "group", "year", "value")} for row in new])
    about = {
        "scenario": run_manifest.question(scenario),
        "asked": asdict(replace(asked, last=None)),
        "figures": hashlib.sha256(text.encode()).hexdigest(),
        "data_hash": tables.data_hash(scenario.data_folder),
        "oa_sim": oa_sim.__version__,
        "code_hash": run_manifest.code_hash(),
        "versions": sampling.versions(),
        "posterior": posterior_files.checksum(posterior),
    }
    run_id = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12]
    told = {"pareto_k": found.k, "effective_draws": found.effective, "learned_again": again, "gates": gates}
    return {"run_id": run_id, **about, **told, "to_verify": unverified.to_verify(scenario, known)}


def _without_view(scenario: Scenario) -> Scenario:
    """Return a scenario without the outside view, which a monitor does not weigh by."""
    view = replace(scenario.evidence.outside_view, is_on=False)
    return replace(scenario, evidence=replace(scenario.evidence, outside_view=view))
