"""Targets: how likely each is met, its colour, how often places like it moved so far, and what was published.

A target of years that are over is judged from what was known before the programme: by a posterior that has not seen
them. What was then published stands beside it and has no part in its probability.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import areas, hindcast, learned, model, movements, panel, promises, tables
from oa_sim.choices import load_scenario
from oa_sim.outlook import Outlook, outlook
from oa_sim.readers import read
from oa_sim.refusal import Refusal
from oa_sim.scenario import Scenario
from oa_sim.targeting import Asked, Target, of_user, package
from oa_sim.variables import MEASURES, academic_year

BEFORE = 2017  # the last year known before the programme
POSTERIOR = Path(__file__).parent / "data" / f"learned_until_{BEFORE}.nc"
AS_IT_WAS = (  # the programme as it was paid, known from before it began; the pandemic is a break of unknown size
    *("scenario=as_delivered", f"start_year={BEFORE + 1}", "horizon=8", "split=as_paid", "portfolio=balanced"),
    "organisation.events=[general_election_2017, change_of_minister_2018, covid_19_delivery]",
)
UNKNOWN_THEN = ("neet_16_17",)  # series that began later
GREEN, AMBER, RED, NONE = "green", "amber", "red", "none"


@dataclass(frozen=True, eq=False)
class Promises:
    """What can be promised, and how targets are judged.

    Attributes
    ----------
    promised
        From ``promises.table``.
    judged
        A row for each target: probability, Monte Carlo error, colour, base rate, warning, marks, what was published.
    seen
        What is to come of the scenario.
    facts
        What makes the numbers traceable.
    """

    promised: pd.DataFrame
    judged: pd.DataFrame
    seen: Outlook
    facts: dict

    def summary(self) -> pd.DataFrame:
        """Return the targets that were judged; the promises where there is none."""
        return self.judged if len(self.judged) else self.promised


def promise(scenario: Scenario, asked: Target, say: Callable[[str], None] = lambda sentence: None) -> Promises:
    """Return what can be promised of a scenario, and how likely targets are met.

    Parameters
    ----------
    scenario
        From ``load_scenario``.
    asked
        Levels, years, tables, colours.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For a table or a panel that cannot be read, a year that is not projected, and what ``model.run`` refuses.
    """
    scenario = model.checked(scenario)
    years = asked.years or sorted({scenario.years[min(4, scenario.horizon - 1)], scenario.years[-1]})
    for year in years:
        _check_year(year, scenario)
    targets = of_user(asked.table, scenario.areas.names, scenario.data_folder) if asked.table else []
    for one in targets:
        _check_year(one.year, scenario)
    inside = package(scenario.areas.names, scenario.data_folder) if asked.package else []
    moves = _moves(asked.panel, scenario.data_folder)
    seen = outlook(scenario, say)
    say("reading off what can be promised")
    found = promises.table(seen, asked.levels, years, moves)
    judged = [judge(one, seen, moves, asked) for one in targets]
    judged += _inside(inside, scenario, seen, moves, asked, say)
    facts = {key: seen.result.manifest[key] for key in ("run_id", "scenario", "data_hash", "oa_sim", "code_hash")}
    facts |= {key: seen.result.manifest[key] for key in ("posterior", "gates", "to_verify", "versions")}
    return Promises(found, pd.DataFrame(judged), seen, facts | {"asked": vars(asked)})


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
    return movements.summarised(panel.history(read(path), tables.read("breaks", data_folder)))


def _inside(inside: list[Asked], scenario: Scenario, seen: Outlook, moves, asked: Target, say) -> list[dict]:
    """Judge the targets inside the package, those of years that are over from before the programme."""
    over = [one for one in inside if one.year is None or one.year < scenario.start_year]
    ahead = [one for one in inside if one.year is not None and one.year in scenario.years]
    found = [judge(one, seen, moves, asked) for one in ahead]
    if not over:
        return found
    say(f"judging targets that are over from what was known in {academic_year(BEFORE)}")
    names = sorted({one.area for one in over})
    measures = [name for name in MEASURES if name in {one.measure for one in over} and name not in UNKNOWN_THEN]
    words = [f"measures=[{', '.join(measures)}]", f"areas=[{', '.join(names)}]", f"posterior={POSTERIOR}"]
    if scenario.data_folder:
        words.append(f"data_folder={scenario.data_folder}")
    then = load_scenario(*AS_IT_WAS, *words, f"sampler.draws={scenario.sampler.draws}", f"seed={scenario.seed}")
    hindcast.check(learned.load(POSTERIOR), BEFORE)
    before = outlook(then)
    return found + [judge(one, before, moves, asked) for one in over]


def judge(one: Asked, seen: Outlook, moves: list[tables.Row], asked: Target) -> dict[str, object]:
    """Return one target, judged; a baseline without a target has no probability and no colour.

    Parameters
    ----------
    one
        The target.
    seen
        What is to come of the scenario by which it is judged.
    moves
        Rows of ``movements.csv``.
    asked
        Its colours.
    """
    about, start = MEASURES[one.measure], int(seen.result.draws.year.values[0])
    row = {"area": one.area, "measure": one.measure, "group": one.group, "unit": about.unit, "scale": one.scale}
    row |= {"baseline_year": one.baseline_year, "baseline": one.baseline, "target_year": one.year, "target": one.target}
    at = {key: row[key] for key in ("area", "measure", "group")}
    row |= {"probability": np.nan, "mc_error": np.nan, "colour": NONE, "base_rate": np.nan, "base_rate_n": 0}
    row |= {"warning": "", "judged_from": academic_year(start - 1)}
    if one.target is not None and one.year is not None:
        parts = seen.parts(one.area, one.measure, one.group, one.year)
        draws = parts["projection"] - (parts["england_level"] if one.scale == "relative" else 0.0)
        p, error = promises.reached(draws, one.target, lower_is_better=about.lower_is_better)
        row |= {"probability": p, "mc_error": error, "colour": colour(p, asked)}
        row |= promises.base_rate(moves, seen, one.area, one.measure, one.group, one.year, one.target, one.scale)
        share, warning = promises.reversion(parts, lower_is_better=about.lower_is_better)
        row |= {"own_share_of_move": share, "warning": warning, "programme_mean": parts["programme"].mean()}
        row |= dict(
            zip(("expected_q05", "expected", "expected_q95"), np.quantile(draws, [0.05, 0.5, 0.95]), strict=True)
        )
    row |= _published(one, seen)
    row |= {"proxy": bool(seen.result.draws.proxy.sel(at)), "status": one.status, "source": one.source}
    gates = seen.result.manifest["gates"]["verdict"]
    return row | {"n_draws": seen.result.n_draws, "verdict": gates, "run_id": seen.result.manifest["run_id"]}


def colour(probability: float, asked: Target) -> str:
    """Return red, amber or green for a probability."""
    return GREEN if probability >= asked.green_from else RED if probability < asked.red_below else AMBER


def _published(one: Asked, seen: Outlook) -> dict[str, object]:
    """Return what was published of a target's year, or last before it, of the area itself where it has own figures."""
    scenario = seen.result.manifest["scenario"]
    known = tables.read_all(scenario["data_folder"])
    last = max(row["year"] for row in known["outcomes"])
    record = areas.history(known | {"areas": [r for r in known["areas"] if r["area"] == one.area]}, last)
    at = {"area": one.area, "measure": one.measure, "group": one.group}
    figures = record.published.sel(at)
    own = record.own.sel(area=one.area)
    is_own = one.measure == areas.GLD and one.group == "all" and bool(own.notnull().any())
    figures = own if is_own else figures
    if one.scale == "relative":
        figures = figures - record.england.sel(measure=one.measure, group=one.group)
    until = last if one.year is None else min(one.year, last)
    since = -1 if one.baseline_year is None else one.baseline_year
    there = [int(year) for year in record.year.values if since < year <= until and np.isfinite(figures.sel(year=year))]
    if not there:
        return {"published": np.nan, "published_year": None, "published_of": "", "met": "not published"}
    value, year = float(figures.sel(year=there[-1])), there[-1]
    of = "the area" if is_own or not bool(record.proxy.sel(at)) else "its county"
    met = "no target" if one.target is None else "not published" if year != one.year else _met(one, value)
    return {"published": value, "published_year": year, "published_of": of, "met": met}


def _met(one: Asked, value: float) -> str:
    is_met = value <= one.target if MEASURES[one.measure].lower_is_better else value >= one.target
    return "met" if is_met else "missed"
