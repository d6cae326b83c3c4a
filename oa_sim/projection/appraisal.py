"""Value: what the impact is worth, to whom, and what was paid for it.

Benefits are lifetime earnings through Attainment 8, of every cohort that reaches Year 11 while the programme is
followed. Value through any other measure is not claimed. Benefits and costs are discounted to the first funded year,
draw by draw.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import ATTAINMENT_8_SD, MEASURES, QUANTILES
from oa_sim.programme.parameters import draw
from oa_sim.projection import impact
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

EARNINGS, NEET = "attainment_8", "neet_16_17"
NEAR_YEARS = 30  # after these the discount rate is the later one
EVERYWHERE = "all areas"
STATISTICS = ("mean", "sd", *QUANTILES)


def discount(years_ahead, rate: float, later_rate: float) -> np.ndarray:
    """Return what a pound so many years ahead is worth in the first year.

    ``1 / (1 + rate)^years``, with the later rate for the years beyond 30 (Green Book).

    Parameters
    ----------
    years_ahead
        Years after the first one.
    rate, later_rate
        Fractions a year.
    """
    near = np.minimum(years_ahead, NEAR_YEARS)
    return (1 + rate) ** -near * (1 + later_rate) ** -(np.asarray(years_ahead, dtype=float) - near)


def welfare_weight(income_ratio, elasticity: float):
    """Return how much more a pound counts to the poorer: ``income_ratio ** elasticity`` (Green Book, annex 3)."""
    return income_ratio**elasticity


def pupils_of(pupils: xr.Dataset, areas: list[str], measures: list[str]) -> xr.DataArray:
    """Return the area's own pupils that each measure describes in a year.

    Returns
    -------
    DataArray
        (area, group, measure), pupils. The groups divide the roll by the share with which the impact on ``all`` is
        formed, so that the pupils of the two groups add to all; ``all`` alone where a measure has no groups.
    """
    out = np.zeros((len(areas), 3, len(measures)))
    for m, measure in enumerate(measures):
        rolls = pupils.rolls.sel(area=areas, year_group=list(MEASURES[measure].year_groups))
        everyone = rolls.sum(("group", "year_group")).values
        if len(MEASURES[measure].groups) == 2:
            share = impact.weights(pupils, areas, measure)
            out[:, 0, m], out[:, 1, m] = share * everyone, (1 - share) * everyone
            everyone = out[:, 0, m] + out[:, 1, m]
        out[:, 2, m] = everyone
    shape = {"area": areas, "group": ["disadvantaged", "other", "all"], "measure": measures}
    return xr.DataArray(out, shape, tuple(shape), attrs={"units": "pupils", "long_name": "pupils behind a year"})


def appraise(
    scenario: Scenario, gain: xr.DataArray, money: xr.Dataset, pupils: xr.Dataset, outcomes: xr.Dataset
) -> xr.Dataset:
    """Return what the impact is worth and what was paid for it.

    Parameters
    ----------
    scenario
        Its ``value``, seed and years.
    gain
        (chain, draw, area, group, measure, year), SD, ``all`` among the groups, over the whole window.
    money
        ``spend``, ``national``, ``management`` and ``unspent`` by year, GBP / year.
    pupils
        ``rolls`` and ``share``.
    outcomes
        ``impact`` (chain, draw, area, group, measure, year), in the unit of each measure.

    Returns
    -------
    Dataset
        ``pupils`` (area, group, measure); ``spent`` (area, money_year), activity, management and what national
        programmes bring beside the budget, GBP / year as paid, and ``cost`` (area), its present value: unspent money
        is no cost. ``gain_sd`` (statistic, place, group, measure, year), SD, the places being the areas and all of
        them. Where Attainment 8 is asked for, by draw and area and in GBP of ``benefit_prices``: ``benefit`` (with
        group), ``weighted_benefit``, in pounds as other pupils feel them, and ``gap_closing_benefit``, what
        disadvantaged pupils gain beyond what they would had each gained as much as another. Where NEET is asked for,
        ``neet_saving``, never to be added to the benefit.

    Notes
    -----
    A cohort's benefit is ``points x pupils x GBP a point x causal share x factor of the group``; one point is
    ``1 / 19`` SD. Attainment 8 gains are not clipped at the end of the measure's scale here.
    """
    years, first = money.year.values, scenario.start_year
    out = xr.Dataset({"pupils": pupils_of(pupils, scenario.areas.names, scenario.measures)})
    paid = spent(money)
    out["spent"], out["cost"] = (("area", "money_year"), paid), ("area", paid @ present(scenario, years))
    out = out.assign_coords(money_year=years)
    out["gain_sd"] = _gain_in_sd(gain.sel(year=scenario.years), out.pupils)
    if EARNINGS in scenario.measures:
        _add_earnings(out, scenario, gain)
    if NEET in scenario.measures:
        _add_neet(out, scenario, outcomes)
    for name in out.data_vars:
        out[name].attrs.setdefault("units", "GBP / year" if name == "spent" else "GBP")
    out.attrs = {
        "price_base": str(scenario.budget.price_base),
        "benefit_prices": scenario.value.benefit_prices,
        "neet_prices": scenario.value.neet_prices,
        "review_above": scenario.value.review_above,
        "first_year": first,
        "last_year": int(years[-1]),
    }
    return out


def spent(money: xr.Dataset) -> np.ndarray:
    """Return what is paid (area, year), GBP / year: activity, management, and national programmes beside the budget.

    What national programmes do is in the gain, so their cost belongs beside it; unspent money is no cost.
    """
    by_intervention = (money[name].transpose("area", "intervention", "year").values for name in ("spend", "national"))
    return sum(each.sum(axis=1) for each in by_intervention) + money.management.transpose("area", "year").values


def present(scenario: Scenario, years: np.ndarray) -> np.ndarray:
    """Return what a pound in each year is worth in the scenario's first one (year)."""
    return discount(years - scenario.start_year, scenario.value.discount_rate, scenario.value.later_discount_rate)


def _add_earnings(out: xr.Dataset, scenario: Scenario, gain: xr.DataArray) -> None:
    """Write the benefits through earnings, three ways, by draw and area."""
    held = gain.sel(measure=EARNINGS).transpose("chain", "draw", "area", "group", "year")
    worth = present(scenario, gain.year.values)
    mine, theirs = (held.sel(group=group).values @ worth for group in ("disadvantaged", "other"))
    dims = ("chain", "draw", "area")
    for name, benefit in earnings(scenario, mine, theirs, out.pupils).items():
        out[name] = ((*dims, "group") if benefit.ndim > len(dims) else dims, benefit)


def earnings(scenario: Scenario, poor: np.ndarray, other: np.ndarray, pupils: xr.DataArray) -> dict[str, np.ndarray]:
    """Return the benefits through earnings, three ways, GBP.

    Parameters
    ----------
    scenario
        Its ``value`` and seed.
    poor, other : array (chain, draw, area)
        Gain in Attainment 8 of a disadvantaged and of another pupil, SD, summed over cohorts, each at present value.
    pupils
        (area, group, measure).

    Returns
    -------
    dict of array
        ``benefit`` (chain, draw, area, group), and ``weighted_benefit`` and ``gap_closing_benefit``
        (chain, draw, area).
    """
    about, size = scenario.value, poor.shape[:2]
    causal = draw(about.causal_share, stream(scenario.seed, "causal share"), size)[..., None]
    ratio = draw(about.income_ratio, stream(scenario.seed, "income ratio"), size)[..., None]
    poor, other = poor * ATTAINMENT_8_SD, other * ATTAINMENT_8_SD
    own = pupils.values[..., pupils.get_index("measure").get_loc(EARNINGS)]
    here, there = (own[:, pupils.get_index("group").get_loc(group)] for group in ("disadvantaged", "other"))
    pound = about.point_gbp * causal
    mine = pound * about.disadvantaged_factor * here * poor
    theirs = pound * there * other
    return {
        "benefit": np.stack([mine, theirs, mine + theirs], axis=-1),
        "weighted_benefit": welfare_weight(ratio, about.elasticity) * mine + theirs,
        "gap_closing_benefit": pound * about.disadvantaged_factor * here * (poor - other),
    }


def _add_neet(out: xr.Dataset, scenario: Scenario, outcomes: xr.Dataset) -> None:
    """Write what is saved where young people are not NEET, in the projected years alone, by draw and area."""
    about = scenario.value
    change = outcomes.impact.sel(measure=NEET, group="all").transpose("chain", "draw", "area", "year")
    worth = discount(change.year.values - scenario.start_year, about.discount_rate, about.later_discount_rate)
    # a person is in the figure once in each of its year groups
    people = out.pupils.sel(measure=NEET, group="all").values / len(MEASURES[NEET].year_groups)
    spared = -(change.values.astype(float) @ worth) / 100 * people
    share = draw(about.neet_causal_share, stream(scenario.seed, "neet causal share"), change.shape[:2])
    out["neet_saving"] = (("chain", "draw", "area"), spared * about.neet_gbp * share[..., None])


def _gain_in_sd(gain: xr.DataArray, behind: xr.DataArray) -> xr.DataArray:
    """Return mean, SD and quantiles of the gain (statistic, place, group, measure, year); all areas by pupils."""
    gain = gain.sel(group=behind.group.values).transpose("area", "group", "measure", "year", "chain", "draw")
    values = gain.values.reshape(*gain.shape[:4], -1)
    weight = (behind / behind.sum("area").where(lambda total: total > 0, 1.0)).values
    everywhere = np.einsum("agmyd,agm->gmyd", values, weight)
    found = np.stack(list(described(np.concatenate([values, everywhere[None]])).values()))
    shape = {"statistic": list(STATISTICS), "place": [*behind.area.values.tolist(), EVERYWHERE]}
    shape |= {dim: gain[dim].values for dim in ("group", "measure", "year")}
    return xr.DataArray(found, shape, tuple(shape), attrs={"units": "SD", "long_name": "impact on the latent scale"})


def described(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, SD and quantiles over the last axis, the draws."""
    ordered = np.sort(values.astype(np.float32), axis=-1)  # seven digits are enough for a quantile, and twice as fast
    last = ordered.shape[-1] - 1
    found = {"mean": values.mean(axis=-1), "sd": values.std(axis=-1, ddof=min(1, last))}
    for name, share in QUANTILES.items():
        at = share * last
        low, high = ordered[..., int(at)], ordered[..., min(int(at) + 1, last)]
        found[name] = low.astype(float) + (high - low) * (at - int(at))
    return found


def price_of(per_pound: np.ndarray) -> dict[str, np.ndarray]:
    """Return quantiles of the cost of one more (last axis: draws), from how many a pound buys.

    A draw in which nothing is gained has no price: it is dearer than any, infinite. A mean over such draws does not
    exist and is not given. The order is by how many a pound buys, most first, so that the 5 % quantile is the price
    that one draw in twenty undercuts.
    """
    bought = described(per_pound)
    found = {"mean": np.full(per_pound.shape[:-1], np.nan), "sd": np.full(per_pound.shape[:-1], np.nan)}
    mirror = dict(zip(QUANTILES, reversed(QUANTILES), strict=True))
    for name in QUANTILES:
        rate = bought[mirror[name]]
        found[name] = np.where(rate > 0, 1 / np.where(rate > 0, rate, 1.0), np.inf)
    return found
