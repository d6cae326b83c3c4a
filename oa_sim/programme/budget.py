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
from oa_sim.errors import Refusal
from oa_sim.inputs import csv_reader
from oa_sim.inputs.schemas import spending_plan
from oa_sim.inputs.tables import Row
from oa_sim.programme import delivery, portfolio
from oa_sim.scenario.schema import Budget, Scenario, Sustainability

AFTER_FUNDING = 15  # years kept in view after the last funded year, whatever the horizon
PAID_YEARS = ("fourth year", "fifth year")  # of programme.csv, in which areas were paid unequal amounts
Allotted = tuple[np.ndarray, np.ndarray, np.ndarray]  # spend, management and unspent money
BY_YEAR = ("as_paid",)  # rules that share one year's money otherwise than another's


def read(path: str | Path, scenario: Scenario, years: list[int]) -> np.ndarray:
    """Return a plan (area, intervention, funded year), whole GBP / year.

    Parameters
    ----------
    path
        CSV with the columns ``area``, ``intervention``, ``year``, ``gbp`` among others; what it does not name gets
        nothing. ``year`` is the calendar year in which the academic year ends.
    scenario
        Its areas and interventions.
    years
        The funded years.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
    found = np.zeros((len(scenario.areas.names), len(scenario.interventions), len(years)))
    for (area, name, year), gbp in rows(path, scenario, years).items():
        found[scenario.areas.names.index(area), list(scenario.interventions).index(name), years.index(year)] = gbp
    return found


def rows(path: str | Path, scenario: Scenario, years: list[int]) -> dict[tuple[str, str, int], int]:
    """Return the lines that a file names, each with its whole GBP / year; see ``read``.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
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
    known: dict[str, list[Row]] | None = None,
    planned: np.ndarray | None = None,
) -> xr.Dataset:
    """Return who gets how much, for what, when.

    Parameters
    ----------
    scenario
        The choices; its areas, budget, split, portfolio, organisation and ending are used.
    pupils
        ``rolls`` (area, group, year_group), pupils.
    known
        The checked tables; ``programme``, ``priorities`` and ``national`` are used. None: there are none.
    planned : array (area, intervention, funded year)
        Whole GBP / year of a plan, in place of split and portfolio; None: that of ``budget.plan``, where there is one.

    Raises
    ------
    Refusal
        For a plan that cannot be read, or that spends more than a year has.

    Returns
    -------
    Dataset
        ``spend`` (area, intervention, year), ``management`` (area, year) and ``unspent`` (area, year), whole
        GBP / year of ``price_base``. They sum to ``total_gbp``, exactly. Beside the budget, ``national``, GBP / year,
        and ``offers``, programmes (area, intervention, year), 0 in an area that has no money for activity.
    """
    known = known or {}
    years, names, areas = window(scenario), list(scenario.interventions), scenario.areas.names
    by_year = yearly(scenario)
    if planned is None and scenario.budget.plan:
        planned = read(scenario.budget.plan, scenario, years[: len(by_year)])
    if planned is None:
        spend, management, unspent = _shared(scenario, by_year, _rolls(scenario, pupils), known, len(years))
    else:
        spend, management, unspent = _as_planned(scenario, by_year, planned, len(years))
    _pay_in_rounds(scenario.budget, by_year, spend, unspent)
    brought = _beside(scenario, spend, years, known)
    found = {
        "spend": ("money for activity", ("area", "intervention", "year"), spend),
        "management": ("programme management", ("area", "year"), management),
        "unspent": ("unspent", ("area", "year"), unspent),
    }
    variables = {
        name: (dims, values, {"units": "GBP / year", "long_name": meaning})
        for name, (meaning, dims, values) in found.items()
    }
    attrs = {"total_gbp": round(scenario.budget.total_gbp), "price_base": scenario.budget.price_base}
    return xr.Dataset(variables | brought, definitions.coordinates(area=areas, intervention=names, year=years), attrs)


def yearly(scenario: Scenario) -> list[int]:
    """Return what each funded year has, whole GBP, management included."""
    return whole_pounds(round(scenario.budget.total_gbp), funded_profile(scenario.budget, scenario.sustainability))


def for_activity(scenario: Scenario) -> list[int]:
    """Return what each funded year has for activity, whole GBP: what is left when a plan's managers are paid."""
    return [pounds - round(pounds * scenario.budget.management_share) for pounds in yearly(scenario)]


def planned(scenario: Scenario, pupils: xr.Dataset, known: dict[str, list[Row]]) -> np.ndarray:
    """Return what split and portfolio plan (area, intervention, funded year), GBP / year, before payments are late.

    Parameters
    ----------
    scenario, pupils, known
        As for ``allocate``.
    """
    by_year = yearly(scenario)
    return _shared(scenario, by_year, _rolls(scenario, pupils), known, len(by_year))[0]


def _rolls(scenario: Scenario, pupils: xr.Dataset) -> xr.DataArray:
    """Return the pupils of a scenario's areas; looked up by name only where there are others beside them."""
    rolls, names = pupils["rolls"], scenario.areas.names
    return rolls if pupils.get_index("area").tolist() == names else rolls.sel(area=names)


def _shared(
    scenario: Scenario, by_year: list[int], rolls: xr.DataArray, known: dict[str, list[Row]], n_years: int
) -> Allotted:
    """Return spend, management and unspent money as split and portfolio share it."""
    buys = portfolio.shares(scenario, known.get("priorities", []))
    spend = np.zeros((*buys.shape, n_years))
    management, unspent = np.zeros((2, len(buys), n_years))
    rule = scenario.split.rule
    ruled: list[float] = []
    for t, pounds in enumerate(by_year):
        if not ruled or rule in BY_YEAR:
            ruled = SPLIT_RULES[rule](scenario, rolls, known.get("programme", []), t)
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
            raise Refusal(
                f"a plan spends at most what a year has for activity, got £{-rest:,} more than the £{left:,} of year "
                f"{scenario.start_year + t}: lower its lines, or raise budget.total_gbp"
            )
        spend[:, :, t] = planned[:, :, t]
        management[:, t] = whole_pounds(pounds - left, [1.0] * n_areas)
        unspent[:, t] = whole_pounds(rest, [1.0] * n_areas)
    return spend, management, unspent


def _beside(
    scenario: Scenario, spend: np.ndarray, years: list[int], known: dict[str, list[Row]]
) -> dict[str, tuple[object, ...]]:
    """Return what comes beside the budget (area, intervention, year), where an area has money for activity."""
    dims = ("area", "intervention", "year")
    if not known:
        return {name: (dims, np.zeros_like(spend)) for name in ("national", "offers")}
    each = portfolio.national(scenario, known.get("national", []), years)
    is_funded = (spend > 0).any(axis=(1, 2))[:, None, None]
    return {str(name): (dims, is_funded * brought.values, brought.attrs) for name, brought in each.items()}


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


def _reallocated(budget: Budget, rolls: xr.DataArray, pounds: int, weights: list[float]) -> list[float]:
    """Return weights that give no area more than it can use, as long as others have room.

    An area can use ``enough_gbp_per_pupil`` for each pupil on its roll; what is above goes to the others in proportion
    to their weights. That caps what is allotted for a year; money carried over from the first year comes on top.
    """
    most = budget.enough_gbp_per_pupil * rolls.sel(year_group=list(SCHOOL_YEARS)).sum(["group", "year_group"]).values
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
    found: list[float] = given.tolist()
    return found


def reconcile(money: xr.Dataset) -> dict[str, int]:
    """Return the account in whole pounds: money in, and where it went.

    ``difference`` is money in less allocated, management and unspent; it is 0.
    """
    account = {"money_in": int(money.attrs["total_gbp"])}
    for name, variable in (("allocated", "spend"), ("management", "management"), ("unspent", "unspent")):
        account[name] = int(money[variable].values.sum())
    account["difference"] = account["money_in"] - sum(list(account.values())[1:])
    return account


def reviewed(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset) -> xr.Dataset:
    """Return the money after the scenario's review; the same where it has none, or ends before it.

    What is known at the review is what a dashboard shows: how much of the planned delivery is there, and what studies
    lead one to expect of a pound. One decision is made for all draws, so the money still adds up to the pound.

    Parameters
    ----------
    scenario
        Its organisation: the rule, and the funded years after which shares are set anew.
    money
        ``spend`` (area, intervention, year), whole GBP / year.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    Dataset
        As ``money``; each area has as much in each year as before.
    """
    rule, after = scenario.organisation.review, scenario.organisation.review_after
    spend = money.spend.values
    funded = np.flatnonzero(spend.sum(axis=(0, 1)) > 0)
    if rule == "none" or len(funded) <= after:
        return money
    year = funded[after - 1]
    progress = np.stack([_progress(scenario, money, drawn, name, year) for name in scenario.interventions], axis=1)
    shares = reviewed_shares(rule, spend[:, :, year], progress, expected_gain_per_pound(scenario, drawn))
    new = spend.copy()
    for t in funded[after:]:
        for a, share in enumerate(shares):
            if share.sum() > 0:
                new[a, :, t] = whole_pounds(int(spend[a, :, t].sum()), share.tolist())
    return money.assign(spend=(money.spend.dims, new, money.spend.attrs))


def expected_gain_per_pound(scenario: Scenario, drawn: xr.Dataset) -> np.ndarray:
    """Return what studies lead one to expect of a pound (intervention), SD of pupils, over all channels."""
    weight = np.array([sum(about.acts_on.values()) for about in scenario.interventions.values()])
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

    Parameters
    ----------
    rule
        ``none``; ``to_progress``: in proportion to the share of planned delivery that is there; ``to_effect``: in
        proportion to the gain expected for a pound.
    before : array (area, intervention)
        Shares, or pounds, before it.
    progress : array (area, intervention)
        Expected delivery in the year of the review, as a share of what was planned.
    per_pound : array (intervention)
        Expected gain for a pound, SD of pupils; what is below 0 gets nothing.
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
    scale = sum(weights)
    exact = [total * weight / scale for weight in weights]
    floor = [int(np.floor(value)) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(exact[i] - floor[i]), i))
    for i in by_remainder[: total - sum(floor)]:
        floor[i] += 1
    return floor


def whole_pounds_each(totals: np.ndarray, weights: list[float]) -> np.ndarray:
    """Return what ``whole_pounds`` returns of each of several totals (place, total)."""
    exact = totals * np.array(weights)[:, None] / sum(weights)
    floor: np.ndarray = np.floor(exact)
    by_remainder = np.argsort(floor - exact, axis=0, kind="stable")
    is_more = np.arange(len(weights))[:, None] < totals - floor.sum(axis=0)
    np.put_along_axis(floor, by_remainder, np.take_along_axis(floor, by_remainder, axis=0) + is_more, axis=0)
    return floor


def _equal(scenario: Scenario, roll: xr.DataArray, programme: list[Row], t: int) -> list[float]:
    return [1.0] * roll.sizes["area"]


def _per_pupil(scenario: Scenario, roll: xr.DataArray, programme: list[Row], t: int) -> list[float]:
    found: list[float] = roll.sel(year_group=list(SCHOOL_YEARS)).sum(["group", "year_group"]).values.tolist()
    return found


def _per_disadvantaged_pupil(scenario: Scenario, roll: xr.DataArray, programme: list[Row], t: int) -> list[float]:
    mine = roll.sel(year_group=list(SCHOOL_YEARS), group="disadvantaged")
    found: list[float] = mine.sum("year_group").values.tolist()
    return found


def _custom(scenario: Scenario, roll: xr.DataArray, programme: list[Row], t: int) -> list[float]:
    return [scenario.split.shares[area] for area in roll.area.values]


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
    "equal": _equal,
    "per_pupil": _per_pupil,
    "per_disadvantaged_pupil": _per_disadvantaged_pupil,
    "as_paid": _as_paid,
    "custom": _custom,
}
