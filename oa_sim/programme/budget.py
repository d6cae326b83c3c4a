"""Budget: pounds to spend by area, intervention and year, adding up to the pound.

    budget (per year, how it ends) x split (over areas) x portfolio (over interventions) = spend

Every share is turned into whole pounds by the largest remainder, so that nothing is lost or made. A plan from a file
stands for split and portfolio; it is read and checked.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim import definitions
from oa_sim.definitions import SCHOOL_YEARS
from oa_sim.errors import Refusal, one_of
from oa_sim.formatting import number, with_unit
from oa_sim.inputs import csv_reader
from oa_sim.inputs.schemas import spending_plan
from oa_sim.inputs.tables import Row
from oa_sim.programme import delivery
from oa_sim.scenario.schema import Budget, Scenario, Sustainability

AFTER_FUNDING = 15  # years kept in view after the last funded year, whatever the horizon
PAID_YEARS = ("fourth year", "fifth year")  # of programme.csv, in which areas were paid unequal amounts
Allotted = tuple[np.ndarray, np.ndarray, np.ndarray]  # spend, management and unspent money
N_PRIORITY_AREAS = 12  # areas that share the money of national.csv
BY_YEAR = ("as_paid",)  # rules that share one year's money otherwise than another's


def read(path: str | Path, scenario: Scenario, years: list[int]) -> np.ndarray:
    """Return a plan (area, intervention, funded year), whole GBP / year; what the file does not name gets nothing.

    The CSV file has the columns ``area``, ``intervention``, ``year``, ``gbp`` among others; ``year`` is the calendar
    year in which the academic year ends. The first row that is not right is refused.
    """
    areas, interventions = scenario.areas.names, list(scenario.interventions)
    plan = np.zeros((len(areas), len(interventions), len(years)))
    for (area, name, year), gbp in rows(path, scenario, years).items():
        plan[areas.index(area), interventions.index(name), years.index(year)] = gbp
    return plan


def rows(path: str | Path, scenario: Scenario, years: list[int]) -> dict[tuple[str, str, int], int]:
    """Return the lines that a file names, each with its whole GBP / year; see ``read``."""
    schema = spending_plan(scenario.areas.names, list(scenario.interventions), years)
    missing = f"the plan {path} is not there: give the plan.csv that oa-sim optimise wrote"
    lines = csv_reader.read_table(Path(path), schema, missing)
    return {(line["area"], line["intervention"], line["year"]): line["gbp"] for line in lines}


def funded_profile(budget: Budget, sustainability: Sustainability) -> list[float]:
    """Return the relative size of each funded year once the way of ending is in it.

    An ending never makes money: it moves the same total along the years.
    """
    last = budget.profile[-1]
    if sustainability.ending == "taper":
        steps = sustainability.taper_years
        return [*budget.profile, *(last * (1 - (k + 1) / (steps + 1)) for k in range(steps))]
    if sustainability.ending == "extend":
        return [*budget.profile, *[last] * sustainability.extend_years]
    return list(budget.profile)


def window(scenario: Scenario) -> list[int]:
    """Return the years that the programme is followed over: those with money and long enough after."""
    funded = len(funded_profile(scenario.budget, scenario.sustainability))
    return list(range(scenario.start_year, scenario.start_year + funded + AFTER_FUNDING))


def allocate(
    scenario: Scenario,
    pupils: xr.Dataset,
    tables: dict[str, list[Row]] | None = None,
    planned: np.ndarray | None = None,
) -> xr.Dataset:
    """Return who gets how much, for what, when.

    Parameters
    ----------
    scenario
        Its areas, budget, split, portfolio, organisation and ending are used.
    pupils
        ``rolls`` (area, group, year_group), pupils.
    tables
        The checked ones; ``programme``, ``priorities`` and ``national`` are used. None: there are none.
    planned : array (area, intervention, funded year)
        Whole GBP / year of a plan, in place of split and portfolio; None: that of ``budget.plan``, where there is one.
        A plan that spends more than a year has is refused.

    Returns
    -------
    Dataset
        ``spend`` (area, intervention, year), ``management`` (area, year) and ``unspent`` (area, year), whole
        GBP / year of ``price_base``. They sum to ``total_gbp``, exactly. Beside the budget, ``national``, GBP / year,
        and ``offers``, programmes (area, intervention, year), 0 in an area that has no money for activity.
    """
    tables = tables or {}
    years, names, areas = window(scenario), list(scenario.interventions), scenario.areas.names
    by_year = yearly(scenario)
    if planned is None and scenario.budget.plan:
        planned = read(scenario.budget.plan, scenario, years[: len(by_year)])
    if planned is None:
        spend, management, unspent = _shared(scenario, by_year, _rolls(scenario, pupils), tables, len(years))
    else:
        spend, management, unspent = _as_planned(scenario, by_year, planned, len(years))
    _pay_in_rounds(scenario.budget, by_year, spend, unspent)
    variables = {
        name: (("area", *dims, "year"), values, {"units": "GBP / year", "long_name": meaning})
        for name, dims, values, meaning in (
            ("spend", ("intervention",), spend, "money for activity"),
            ("management", (), management, "programme management"),
            ("unspent", (), unspent, "unspent"),
        )
    }
    attrs = {"total_gbp": round(scenario.budget.total_gbp), "price_base": scenario.budget.price_base}
    beside = _beside(scenario, spend, years, tables)
    return xr.Dataset(variables | beside, definitions.coordinates(area=areas, intervention=names, year=years), attrs)


def yearly(scenario: Scenario) -> list[int]:
    """Return what each funded year has, whole GBP, management included."""
    return whole_pounds(round(scenario.budget.total_gbp), funded_profile(scenario.budget, scenario.sustainability))


def for_activity(scenario: Scenario) -> list[int]:
    """Return what each funded year has for activity, whole GBP: what is left when a plan's managers are paid."""
    return [pounds - round(pounds * scenario.budget.management_share) for pounds in yearly(scenario)]


def planned(scenario: Scenario, pupils: xr.Dataset, tables: dict[str, list[Row]]) -> np.ndarray:
    """Return what split and portfolio plan (area, intervention, funded year), GBP / year, before payments are late."""
    by_year = yearly(scenario)
    return _shared(scenario, by_year, _rolls(scenario, pupils), tables, len(by_year))[0]


def _rolls(scenario: Scenario, pupils: xr.Dataset) -> xr.DataArray:
    """Return the pupils of a scenario's areas; looked up by name only where there are others beside them."""
    rolls, names = pupils["rolls"], scenario.areas.names
    return rolls if pupils.get_index("area").tolist() == names else rolls.sel(area=names)


def _shared(
    scenario: Scenario, by_year: list[int], rolls: xr.DataArray, tables: dict[str, list[Row]], n_years: int
) -> Allotted:
    """Return spend, management and unspent money as split and portfolio share it."""
    buys = shares(scenario, tables.get("priorities", []))
    spend = np.zeros((*buys.shape, n_years))
    management, unspent = np.zeros((2, len(buys), n_years))
    rule = scenario.split.rule
    ruled: list[float] = []
    for t, pounds in enumerate(by_year):
        if not ruled or rule in BY_YEAR:
            ruled = SPLIT_RULES[rule](scenario, rolls, tables.get("programme", []), t)
        weights = ruled
        if scenario.budget.reallocation:
            weights = _reallocated(scenario.budget, rolls, pounds, weights)
        for a, share in enumerate(whole_pounds(pounds, weights)):
            management[a, t] = round(share * scenario.budget.management_share)
            unspent[a, t] = share - int(management[a, t])
    for a in np.flatnonzero(buys.sum(axis=1) > 0).tolist():
        spend[a, :, : len(by_year)] = whole_pounds_each(unspent[a, : len(by_year)], buys[a].tolist())
        unspent[a] = 0.0
    return spend, management, unspent


def _as_planned(scenario: Scenario, by_year: list[int], planned: np.ndarray, n_years: int) -> Allotted:
    """Return spend, management and unspent money of a plan; managers and what is left are the same in each area."""
    n_areas = len(planned)
    spend = np.zeros((*planned.shape[:2], n_years))
    management, unspent = np.zeros((2, n_areas, n_years))
    for t, (pounds, left) in enumerate(zip(by_year, for_activity(scenario), strict=True)):
        rest = left - round(planned[:, :, t].sum())
        if rest < 0:
            excess, limit = (with_unit(number(gbp, 0), "GBP") for gbp in (-rest, left))
            raise Refusal(
                f"a plan must spend at most what a year has for activity, got {excess} more than the {limit} of "
                f"{definitions.academic_year(scenario.start_year + t)}: lower its lines, or raise budget.total_gbp"
            )
        spend[:, :, t] = planned[:, :, t]
        management[:, t] = whole_pounds(pounds - left, [1.0] * n_areas)
        unspent[:, t] = whole_pounds(rest, [1.0] * n_areas)
    return spend, management, unspent


def _beside(
    scenario: Scenario, spend: np.ndarray, years: list[int], tables: dict[str, list[Row]]
) -> dict[str, tuple[object, ...]]:
    """Return what comes beside the budget (area, intervention, year), where an area has money for activity."""
    dims = ("area", "intervention", "year")
    if not tables:
        return {name: (dims, np.zeros_like(spend)) for name in ("national", "offers")}
    programmes = national(scenario, tables.get("national", []), years)
    is_funded = (spend > 0).any(axis=(1, 2))[:, None, None]
    return {str(name): (dims, is_funded * brought.values, brought.attrs) for name, brought in programmes.items()}


def _pay_in_rounds(budget: Budget, by_year: list[int], spend: np.ndarray, unspent: np.ndarray) -> None:
    """Move what the first funded year's payments leave into the next year, or leave it unspent."""
    first = next((t for t, pounds in enumerate(by_year) if pounds), None)
    if first is None:
        return
    late = spend[..., first] - np.floor(spend[..., first] * min(sum(budget.payment_rounds), 1.0) + 1e-6)
    spend[..., first] -= late
    if budget.carry_over:
        spend[..., first + 1] += late
    else:
        unspent[..., first] += late.sum(axis=1)


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
                f"priorities.csv has no priority of {area}, which portfolio=delivery_plans needs: add its rows or "
                "choose another portfolio"
            )
        weights = [1.0 if row["budget_gbp"] is None else float(row["budget_gbp"]) for row in rows]
        for row, weight in zip(rows, weights, strict=True):
            for name in row["interventions"]:
                one_of(f"intervention in priorities.csv row {row['row']}", name, names)
                out[a, names.index(name)] += weight / sum(weights) / len(row["interventions"])
    return out


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
    programmes = {row["national"]: row for row in rows}
    names = list(scenario.interventions)
    money, offers = np.zeros((2, len(names), len(years)))
    for name in scenario.organisation.national:
        one_of("programme in organisation.national", name, tuple(programmes))
        row = programmes[name]
        span = slice(row["first_funded_year"] - 1, row["last_funded_year"])
        n_years = row["last_funded_year"] - row["first_funded_year"] + 1
        part = 1 / len(row["interventions"])
        yearly = row["gbp"] * row["alignment"] * row["take_up"] * part / n_years / N_PRIORITY_AREAS
        for served in (names.index(served) for served in row["interventions"] if served in names):
            money[served, span] += yearly
            offers[served, span] += row["schools_share"] * row["take_up"] * part
    dims = ("intervention", "year")
    in_pounds = {"units": "GBP / year", "long_name": "national programmes in each area, beside the budget"}
    in_number = {"units": "1", "long_name": "national programmes that an area's schools are offered"}
    variables = {"national": (dims, money, in_pounds), "offers": (dims, offers, in_number)}
    return xr.Dataset(variables, definitions.coordinates(intervention=names, year=years))


def _reallocated(budget: Budget, rolls: xr.DataArray, pounds: int, weights: list[float]) -> list[float]:
    """Return weights that give no area more than it can use, as long as others have room.

    An area can use ``enough_gbp_per_pupil`` for each pupil on its roll; what is above goes to the others in proportion
    to their weights. That caps what is allotted for a year; money carried over from the first year comes on top.
    """
    most = budget.enough_gbp_per_pupil * _at_school(rolls)
    if not pounds or pounds >= most.sum():
        return weights
    share = np.array(weights) / sum(weights)
    held = np.zeros(len(share), dtype=bool)
    for _ in share:
        given = np.where(held, most, (pounds - most[held].sum()) * share / max(share[~held].sum(), 1e-300))
        over = ~held & (given > most)
        if not over.any():
            break
        held |= over
    weights = given.tolist()
    return weights


def reconcile(money: xr.Dataset) -> dict[str, int]:
    """Return the account in whole pounds: money in, and where it went; the ``difference`` is 0."""
    places = {"allocated": money.spend, "management": money.management, "unspent": money.unspent}
    account = {name: int(pounds.values.sum()) for name, pounds in places.items()}
    money_in = int(money.attrs["total_gbp"])
    return {"money_in": money_in, **account, "difference": money_in - sum(account.values())}


def reviewed(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset) -> xr.Dataset:
    """Return the money after the scenario's review; the same where it has none, or ends before it.

    What is known at the review is what a dashboard shows: how much of the planned delivery is there, and what studies
    lead one to expect of a pound. One decision is made for all draws, so the money still adds up to the pound, and each
    area has as much in each year as before.
    """
    rule, after = scenario.organisation.review, scenario.organisation.review_after
    spend = money.spend.values
    funded = np.flatnonzero(spend.sum(axis=(0, 1)) > 0)
    if rule == "none" or len(funded) <= after:
        return money
    year = funded[after - 1]
    progress = np.stack([_progress(scenario, money, drawn, name, year) for name in scenario.interventions], axis=1)
    by_area = reviewed_shares(rule, spend[:, :, year], progress, expected_gain_per_pound(scenario, drawn))
    new = spend.copy()
    for t in funded[after:]:
        for a, share in enumerate(by_area):
            if share.sum() > 0:
                new[a, :, t] = whole_pounds(int(spend[a, :, t].sum()), share.tolist())
    return money.assign(spend=(money.spend.dims, new, money.spend.attrs))


def expected_gain_per_pound(scenario: Scenario, drawn: xr.Dataset) -> np.ndarray:
    """Return what studies lead one to expect of a pound (intervention), SD of pupils, over all channels."""
    weight = np.array([sum(intervention.acts_on.values()) for intervention in scenario.interventions.values()])
    expected: np.ndarray = (drawn.effect * drawn.dose / drawn.unit_cost).mean(("chain", "draw")).values * weight
    return expected


def _progress(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, name: str, year: int) -> np.ndarray:
    """Return the expected share of planned delivery that is there in a year (area,)."""
    spend = money.spend.sel(intervention=name).values
    since = year - np.argmax(spend > 0, axis=1)[:, None]
    ramp = drawn["ramp"].sel(intervention=name).values[..., None, None]
    ready = delivery.delivered(since, delivery.lag(scenario, money, drawn, name), ramp)
    return np.where(spend.any(axis=1), ready.mean(axis=(0, 1, 3)), 0.0)


def reviewed_shares(rule: str, before: np.ndarray, progress: np.ndarray, per_pound: np.ndarray) -> np.ndarray:
    """Return the shares of an area's money after a review (area, intervention), each row as large as before.

    ``to_progress`` shares ``before`` (shares, or pounds) in proportion to the share of planned delivery that is there
    (``progress``), ``to_effect`` in proportion to the gain expected for a pound, ``per_pound`` (intervention), SD of
    pupils; what is below 0 gets nothing.
    """
    if rule == "none":
        return before
    merit = progress if rule == "to_progress" else np.broadcast_to(np.maximum(per_pound, 0.0), before.shape)
    after = before * merit
    whole = after.sum(axis=1, keepdims=True)
    return np.where(whole > 0, after / np.where(whole > 0, whole, 1.0) * before.sum(axis=1, keepdims=True), before)


def whole_pounds(total: int, weights: list[float]) -> list[int]:
    """Return ``total`` whole pounds shared in proportion to the weights, by largest remainder.

    Ties go to the earlier place, and places keep the order of the tables, so the order typed never matters.
    """
    return [int(pounds) for pounds in whole_pounds_each(np.array([float(total)]), weights)[:, 0]]


def whole_pounds_each(totals: np.ndarray, weights: list[float]) -> np.ndarray:
    """Return what ``whole_pounds`` returns of each of several totals (place, total)."""
    exact = totals * np.array(weights)[:, None] / sum(weights)
    floor: np.ndarray = np.floor(exact)
    by_remainder = np.argsort(floor - exact, axis=0, kind="stable")
    is_more = np.arange(len(weights))[:, None] < totals - floor.sum(axis=0)
    np.put_along_axis(floor, by_remainder, np.take_along_axis(floor, by_remainder, axis=0) + is_more, axis=0)
    return floor


def _at_school(roll: xr.DataArray, **labels: str) -> np.ndarray:
    """Return the pupils of each area from Reception to Year 11, or those with some labels."""
    pupils = roll.sel({"year_group": list(SCHOOL_YEARS), **labels})  # at once: a sum's order is that of the memory
    return pupils.sum([dim for dim in pupils.dims if dim != "area"]).values


def _as_paid(scenario: Scenario, roll: xr.DataArray, programme: list[Row], t: int) -> list[float]:
    """Return what was paid: equal for three years, then the fourth year's amounts; the fifth's where published."""
    paid = {item: {row["area"]: row["value"] for row in programme if row["item"] == item} for item in PAID_YEARS}
    fourth, fifth = (paid[item] for item in PAID_YEARS)
    for area in scenario.areas.names:
        if area not in fourth:
            raise Refusal(
                f"programme.csv has no fourth year of {area}, which split=as_paid needs: choose another split"
            )
    if t < 3:
        return [1.0] * len(scenario.areas.names)
    return [(fifth if t > 3 else fourth).get(area, fourth[area]) for area in scenario.areas.names]


SPLIT_RULES: dict[str, Callable[[Scenario, xr.DataArray, list[Row], int], list[float]]] = {
    "equal": lambda scenario, roll, programme, t: [1.0] * roll.sizes["area"],
    "per_pupil": lambda scenario, roll, programme, t: _at_school(roll).tolist(),
    "per_disadvantaged_pupil": lambda scenario, roll, programme, t: _at_school(roll, group="disadvantaged").tolist(),
    "as_paid": _as_paid,
    "custom": lambda scenario, roll, programme, t: [scenario.split.shares[area] for area in roll.area.values],
}
