"""Budget: pounds to spend by area, intervention and year, adding up to the pound.

    budget (per year, how it ends) x split (over areas) x portfolio (over interventions) = spend

Every share is turned into whole pounds by the largest remainder, so that nothing is lost or made.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

from oa_sim.scenario import Budget, Scenario, Sustainability
from oa_sim.variables import SCHOOL_YEARS

AFTER_FUNDING = 15  # years kept in view after the last funded year, whatever the horizon


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


def allocate(scenario: Scenario, pupils: xr.Dataset) -> xr.Dataset:
    """Return who gets how much, for what, when.

    Parameters
    ----------
    scenario
        The choices; its areas, budget, split, portfolio and ending are used.
    pupils
        ``rolls`` (area, group, year_group), pupils.

    Returns
    -------
    Dataset
        ``spend`` (area, intervention, year), ``management`` (area, year) and ``unspent`` (area, year), whole
        GBP / year of ``price_base``. They sum to ``total_gbp``, exactly.
    """
    years = window(scenario)
    names = list(scenario.interventions)
    profile = funded_profile(scenario.budget, scenario.sustainability)
    by_year = whole_pounds(round(scenario.budget.total_gbp), profile)
    weights = SPLIT_RULES[scenario.split.rule](scenario, pupils.rolls.sel(area=scenario.areas.names))
    buys = [scenario.portfolio.shares.get(name, 0.0) for name in names]
    spend = np.zeros((len(weights), len(names), len(years)))
    management = np.zeros((len(weights), len(years)))
    unspent = np.zeros((len(weights), len(years)))
    for t, pounds in enumerate(by_year):
        for a, share in enumerate(whole_pounds(pounds, weights)):
            management[a, t] = round(share * scenario.budget.management_share)
            rest = share - int(management[a, t])
            if sum(buys) > 0:
                spend[a, :, t] = whole_pounds(rest, buys)
            else:
                unspent[a, t] = rest
    areas = scenario.areas.names
    money = xr.Dataset(
        {
            "spend": (("area", "intervention", "year"), spend),
            "management": (("area", "year"), management),
            "unspent": (("area", "year"), unspent),
        },
        {"area": areas, "intervention": names, "year": years},
        {"total_gbp": round(scenario.budget.total_gbp), "price_base": scenario.budget.price_base},
    )
    for name, meaning in (
        ("spend", "money for activity"),
        ("management", "programme management"),
        ("unspent", "unspent"),
    ):
        money[name].attrs = {"units": "GBP / year", "long_name": meaning}
    return money


def reconcile(money: xr.Dataset) -> dict[str, int]:
    """Return the account in whole pounds: money in, and where it went.

    ``difference`` is money in less allocated, management and unspent; it is 0.
    """
    account = {"money_in": int(money.attrs["total_gbp"])}
    for name, variable in (("allocated", "spend"), ("management", "management"), ("unspent", "unspent")):
        account[name] = int(money[variable].sum())
    account["difference"] = account["money_in"] - sum(list(account.values())[1:])
    return account


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


def _equal(scenario: Scenario, roll: xr.DataArray) -> list[float]:
    return [1.0] * roll.sizes["area"]


def _per_pupil(scenario: Scenario, roll: xr.DataArray) -> list[float]:
    return roll.sel(year_group=list(SCHOOL_YEARS)).sum(["group", "year_group"]).values.tolist()


def _per_disadvantaged_pupil(scenario: Scenario, roll: xr.DataArray) -> list[float]:
    return roll.sel(year_group=list(SCHOOL_YEARS), group="disadvantaged").sum("year_group").values.tolist()


def _custom(scenario: Scenario, roll: xr.DataArray) -> list[float]:
    return [scenario.split.shares[area] for area in roll.area.values]


SPLIT_RULES: dict[str, Callable[[Scenario, xr.DataArray], list[float]]] = {
    "equal": _equal,
    "per_pupil": _per_pupil,
    "per_disadvantaged_pupil": _per_disadvantaged_pupil,
    "custom": _custom,
}
