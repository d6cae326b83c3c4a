"""Placed: where each new figure lies in what was expected, its colour, and what is to come as it was and as it is."""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from oa_sim.definitions import MEASURES
from oa_sim.scenario.schema import Scenario
from oa_sim.targets import attainable
from oa_sim.targets.assimilation import Update
from oa_sim.targets.monitor_settings import Monitor


def rows(
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
