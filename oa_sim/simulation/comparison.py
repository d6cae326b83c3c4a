"""Comparison: scenarios side by side, on the same draws and the same noise, so that only the choices differ."""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, QUANTILES
from oa_sim.errors import Refusal
from oa_sim.projection import ranking
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation.result import Result, described, in_order
from oa_sim.simulation.scenario_run import run

SHARED = ("areas", "measures", "start_year", "horizon", "seed", "sampler", "data_folder", "value")
COLUMNS = (
    *("scenario", "reference", "area", "group", "measure", "year", "unit", "mean", "sd"),
    *(*QUANTILES, "p_better", "proxy", "estimated", "n_draws"),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios side by side, the reference first.

    The table has a row for each other scenario, area, group, measure and year: how its projection differs from the
    reference's, in the measure's unit, and ``p_better``, the share of draws in which it is better for pupils.
    """

    results: tuple[Result, ...]
    table: pd.DataFrame

    def summary(self) -> pd.DataFrame:
        """Return the table."""
        return self.table

    def means(self) -> pd.DataFrame:
        """Return the same of the unweighted mean of the areas, formed draw by draw; ``area`` is ``mean of areas``."""
        return _table(self.results, of_mean=True)

    def views(self) -> dict[str, np.ndarray]:
        """Return the benefit per pound of each scenario in each view (scenario, draw); none where it is not claimed."""
        views = [ranking.per_pound(result.value, whole=True) for result in self.results]
        return {view: np.concatenate([ratios[view] for ratios in views]) for view in views[0]} if all(views) else {}

    def ranked(self) -> pd.DataFrame:
        """Return the scenarios in order of benefit per pound, in three views, with an alarm where those disagree."""
        table = in_order([result.title for result in self.results], self.views(), "scenario")
        rows = [self.results[row % len(self.results)] for row in range(len(table))]  # in each view, one for each
        table["scenario"] = [result.label for result in rows]
        table["proxy"] = [bool(result.draws.proxy.any()) for result in rows]
        table["price_base"] = [ranking.prices(result.value) for result in rows]
        return table.assign(n_draws=self.results[0].n_draws)[["scenario", *ranking.COLUMNS]]


def compare(*scenarios: Scenario, say: Callable[[str], None] | None = None) -> Comparison:
    """Return scenarios side by side; the first is the reference.

    Parameters
    ----------
    scenarios
        Two or more, of the same areas, measures, years, sampler, seed and tables.
    say
        Called with a sentence at each stage.

    Raises
    ------
    Refusal
        For fewer than two, two of one name, or scenarios that do not share what makes them comparable.
    """
    _check_comparable(scenarios)
    first = run(scenarios[0], say=say)
    posterior = first.posterior.assign_attrs(gates=json.dumps(first.manifest["gates"]))
    others = [run(scenario, posterior=posterior, say=say) for scenario in scenarios[1:]]
    return Comparison((first, *others), _table((first, *others)))


def _check_comparable(scenarios: tuple[Scenario, ...]) -> None:
    if len(scenarios) < 2:
        raise Refusal(f"compare needs two scenarios or more, got {len(scenarios)}: name another")
    names = [scenario.name for scenario in scenarios]
    for name in names:
        if names.count(name) > 1:
            raise Refusal(f"scenario {name!r} is compared with itself: give the other one a name of its own")
    for key in SHARED:
        values = [getattr(scenario, key) for scenario in scenarios]
        if any(value != values[0] for value in values):
            raise Refusal(f"compared scenarios must share {key}, got different ones: give them the same")


def _table(results: tuple[Result, ...], *, of_mean: bool = False) -> pd.DataFrame:
    first, *others = results
    parts = [_part(first, other, *part, of_mean=of_mean) for other in others for part in other.parts]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _part(reference: Result, other: Result, measure: str, group: str, *, of_mean: bool) -> pd.DataFrame:
    """Return how the projection of a scenario differs from the reference's, draw by draw."""
    definition, part = MEASURES[measure], {"measure": measure, "group": group}
    change: xr.DataArray = other.draws.projection.sel(part) - reference.draws.projection.sel(part)
    proxy, own = other.draws.proxy.sel(part), other.draws.estimated.sel(part)
    if of_mean:
        change = change.astype(float).mean("area").expand_dims(area=[MEAN_OF_AREAS])
        proxy, own = (kind.max("area").expand_dims(area=[MEAN_OF_AREAS]) for kind in (proxy, own))
    better = (change < 0 if definition.lower_is_better else change > 0).mean(("chain", "draw"))
    table = described(change.transpose("chain", "draw", "area", "year"), proxy, own)
    return table.assign(
        scenario=other.label, reference=reference.label, **part, unit=definition.unit, p_better=better.values.ravel()
    )
