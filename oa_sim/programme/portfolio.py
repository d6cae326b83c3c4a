"""Portfolio: which share of an area's money each intervention gets.

The same shares everywhere, or those that follow from each area's own priorities; and, where the programme is
reviewed, the shares that follow from the progress seen.
"""

import numpy as np
import xarray as xr

from oa_sim import definitions
from oa_sim.errors import Refusal, one_of
from oa_sim.inputs.tables import Row
from oa_sim.scenario.schema import Scenario

N_PRIORITY_AREAS = 12  # areas that share the money of national.csv


def shares(scenario: Scenario, priorities: list[Row]) -> np.ndarray:
    """Return each area's share of money by intervention (area, intervention); rows sum to 1, or to 0 for nothing.

    The rule ``delivery_plans`` uses the rows of ``priorities.csv``: a plan's money is shared by the priorities'
    published budgets, equally where none is, and a priority's equally among the interventions that serve it. An area
    without a plan is refused, and a plan that names an intervention that is not in the scenario.
    """
    names = list(scenario.interventions)
    if scenario.portfolio.rule == "shares":
        return np.tile([scenario.portfolio.shares.get(name, 0.0) for name in names], (len(scenario.areas.names), 1))
    out = np.zeros((len(scenario.areas.names), len(names)))
    for a, area in enumerate(scenario.areas.names):
        rows = [row for row in priorities if row["area"] == area]
        if not rows:
            raise Refusal(
                f"priorities.csv has no priority of {area}, which portfolio=delivery_plans needs: add its rows"
            )
        total = sum(_weight(row) for row in rows)
        for row in rows:
            for name in row["interventions"]:
                one_of(f"intervention in priorities.csv row {row['row']}", name, names)
                out[a, names.index(name)] += _weight(row) / total / len(row["interventions"])
    return out


def _weight(row: Row) -> float:
    return 1.0 if row["budget_gbp"] is None else float(row["budget_gbp"])


def check(tables: dict[str, list[Row]], catalogue: list[str]) -> None:
    """Refuse a row of ``priorities.csv`` or ``national.csv`` that names no intervention of the catalogue."""
    for table in ("priorities", "national"):
        for row in tables[table]:
            for name in row["interventions"]:
                one_of(f"intervention in {table}.csv row {row['row']}", name, catalogue)


def national(scenario: Scenario, rows: list[Row], years: list[int]) -> xr.Dataset:
    """Return what national programmes bring to the areas beside the budget.

    ``national`` (intervention, year), GBP / year in an area that is taken up in line with the local plan, and
    ``offers`` (intervention, year), programmes that its schools are offered because of it, as a number to add. The
    money of ``national.csv`` is that of the twelve areas together; the first of ``years`` is the first funded one.
    """
    known = {row["national"]: row for row in rows}
    names = list(scenario.interventions)
    money, offers = np.zeros((2, len(names), len(years)))
    for name in scenario.organisation.national:
        one_of("programme in organisation.national", name, tuple(known))
        row = known[name]
        span = range(row["first_funded_year"] - 1, min(row["last_funded_year"], len(years)))
        n_years = row["last_funded_year"] - row["first_funded_year"] + 1
        for served in row["interventions"]:
            if served in names:
                part = 1 / len(row["interventions"])
                yearly = row["gbp"] * row["alignment"] * row["take_up"] * part / n_years / N_PRIORITY_AREAS
                money[names.index(served), list(span)] += yearly
                offers[names.index(served), list(span)] += row["schools_share"] * row["take_up"] * part
    dims = ("intervention", "year")
    what = {"units": "GBP / year", "long_name": "national programmes in each area, beside the budget"}
    offered = {"units": "1", "long_name": "national programmes that an area's schools are offered"}
    variables = {"national": (dims, money, what), "offers": (dims, offers, offered)}
    return xr.Dataset(variables, definitions.coordinates(intervention=names, year=years))
