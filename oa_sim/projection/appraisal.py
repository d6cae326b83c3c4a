"""Appraisal: what the impact is worth, to whom, and what was paid for it.

Benefits are lifetime earnings through Attainment 8, of every cohort that reaches Year 11 while the programme is
followed. Value through any other measure is not claimed. Benefits and costs are discounted to the first funded year,
draw by draw.

``rows`` gives impact and value by area and of all areas, each with its unit and its marks. Extra pupils of the two
groups add to those of all, areas add to all areas, and the money adds to the account.
"""

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import xarray as xr

from oa_sim.definitions import ALL_AREAS, ATTAINMENT_8_SD, MEASURES, QUANTILES
from oa_sim.programme.parameters import draw
from oa_sim.projection import cohort
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

EARNINGS, NEET = "attainment_8", "neet_16_17"
NEAR_YEARS = 30  # after these the discount rate is the later one
STATISTICS = ("mean", "sd", *QUANTILES)
COLUMNS = (
    *("scenario", "area", "measure", "group", "quantity", "year", "unit", "price_base", "mean", "sd"),
    *QUANTILES,
    *("proxy", "estimated", "n_draws", "note"),
)
PER_GBP = 100_000
NOBODY = "none: no money is spent"
COUNTED = {  # unit of a measure: what more of it is called, one of it, and its unit a year
    "%": ("extra_pupils", "extra_pupil", "pupils"),
    "points": ("extra_points", "extra_point", "points x pupils"),
    "per 100 pupils": ("suspensions_avoided", "suspension_avoided", "suspensions"),
}
EARNINGS_NOTE = (
    "through Attainment 8 alone; causal share assumed; the pupil SD of Attainment 8 and the discount rate after 30 "
    "years are to verify; benefits in prices of {benefit}, money {money}: nothing is deflated"
)
Piece = dict[str, Any]  # columns by name: a value for each row, or one for all


def discount(years_ahead: np.ndarray | int, rate: float, later_rate: float) -> np.ndarray:
    """Return what a pound so many years ahead is worth in the first year: ``1 / (1 + rate)^years``.

    For the years beyond 30 it is the later rate (Green Book). Rates are fractions a year.
    """
    near = np.minimum(years_ahead, NEAR_YEARS)
    worth: np.ndarray = (1 + rate) ** -near * (1 + later_rate) ** -(np.asarray(years_ahead, dtype=float) - near)
    return worth


def welfare_weight(income_ratio: np.ndarray, elasticity: float) -> np.ndarray:
    """Return how much more a pound counts to the poorer: ``income_ratio ** elasticity`` (Green Book, annex 3)."""
    return income_ratio**elasticity


def pupils_of(pupils: xr.Dataset, areas: list[str], measures: list[str]) -> xr.DataArray:
    """Return the area's own pupils that each measure describes in a year (area, group, measure).

    The groups divide the roll by the share with which the impact on ``all`` is formed, so that the pupils of the two
    groups add to all; ``all`` alone where a measure has no groups.
    """
    out = np.zeros((len(areas), 3, len(measures)))
    for m, measure in enumerate(measures):
        rolls = pupils.rolls.sel(area=areas, year_group=list(MEASURES[measure].year_groups))
        everyone = rolls.sum(("group", "year_group")).values
        if len(MEASURES[measure].groups) == 2:
            share = cohort.weights(pupils, areas, measure)
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
    paid: np.ndarray = (
        sum(each.sum(axis=1) for each in by_intervention) + money.management.transpose("area", "year").values
    )
    return paid


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

    ``benefit`` (chain, draw, area, group), and ``weighted_benefit`` and ``gap_closing_benefit`` (chain, draw, area),
    from the gain in Attainment 8 of a disadvantaged (``poor``) and of an ``other`` pupil (chain, draw, area), SD,
    summed over cohorts, each at present value.
    """
    settings, size = scenario.value, poor.shape[:2]
    causal = draw(settings.causal_share, stream(scenario.seed, "causal share"), size)[..., None]
    ratio = draw(settings.income_ratio, stream(scenario.seed, "income ratio"), size)[..., None]
    poor, other = poor * ATTAINMENT_8_SD, other * ATTAINMENT_8_SD
    behind = pupils.values[..., pupils.get_index("measure").get_loc(EARNINGS)]
    here, there = (behind[:, pupils.get_index("group").get_loc(group)] for group in ("disadvantaged", "other"))
    pound = settings.point_gbp * causal
    mine = pound * settings.disadvantaged_factor * here * poor
    theirs = pound * there * other
    return {
        "benefit": np.stack([mine, theirs, mine + theirs], axis=-1),
        "weighted_benefit": welfare_weight(ratio, settings.elasticity) * mine + theirs,
        "gap_closing_benefit": pound * settings.disadvantaged_factor * here * (poor - other),
    }


def _add_neet(out: xr.Dataset, scenario: Scenario, outcomes: xr.Dataset) -> None:
    """Write what is saved where young people are not NEET, in the projected years alone, by draw and area."""
    settings = scenario.value
    change = outcomes.impact.sel(measure=NEET, group="all").transpose("chain", "draw", "area", "year")
    worth = discount(change.year.values - scenario.start_year, settings.discount_rate, settings.later_discount_rate)
    # a person is in the figure once in each of its year groups
    people = out.pupils.sel(measure=NEET, group="all").values / len(MEASURES[NEET].year_groups)
    spared = -(change.values.astype(float) @ worth) / 100 * people
    share = draw(settings.neet_causal_share, stream(scenario.seed, "neet causal share"), change.shape[:2])
    out["neet_saving"] = (("chain", "draw", "area"), spared * settings.neet_gbp * share[..., None])


def _gain_in_sd(gain: xr.DataArray, behind: xr.DataArray) -> xr.DataArray:
    """Return mean, SD and quantiles of the gain (statistic, place, group, measure, year); all areas by pupils."""
    gain = gain.sel(group=behind.group.values).transpose("area", "group", "measure", "year", "chain", "draw")
    values = gain.values.reshape(*gain.shape[:4], -1)
    weight = (behind / behind.sum("area").where(lambda total: total > 0, 1.0)).values
    everywhere = np.einsum("agmyd,agm->gmyd", values, weight)
    statistics = np.stack(list(described(np.concatenate([values, everywhere[None]])).values()))
    shape: dict[str, list[str] | np.ndarray] = {
        "statistic": list(STATISTICS),
        "place": [*behind.area.values.tolist(), ALL_AREAS],
    }
    shape |= {dim: gain[dim].values for dim in ("group", "measure", "year")}
    return xr.DataArray(
        statistics, shape, tuple(shape), attrs={"units": "SD", "long_name": "impact on the latent scale"}
    )


def described(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, SD and quantiles over the last axis, the draws."""
    ordered = np.sort(values.astype(np.float32), axis=-1)  # seven digits are enough for a quantile, and twice as fast
    last = ordered.shape[-1] - 1
    statistics = {"mean": values.mean(axis=-1), "sd": values.std(axis=-1, ddof=min(1, last))}
    for name, share in QUANTILES.items():
        place = share * last
        low, high = ordered[..., int(place)], ordered[..., min(int(place) + 1, last)]
        statistics[name] = low.astype(float) + (high - low) * (place - int(place))
    return statistics


def price_of(per_pound: np.ndarray) -> dict[str, np.ndarray]:
    """Return quantiles of the cost of one more (last axis: draws), from how many a pound buys.

    A draw in which nothing is gained has no price: it is dearer than any, infinite. A mean over such draws does not
    exist and is not given. The order is by how many a pound buys, most first, so that the 5% quantile is the price
    that one draw in twenty undercuts.
    """
    bought = described(per_pound)
    statistics = {"mean": np.full(per_pound.shape[:-1], np.nan), "sd": np.full(per_pound.shape[:-1], np.nan)}
    mirror = dict(zip(QUANTILES, reversed(QUANTILES), strict=True))
    for name in QUANTILES:
        rate = bought[mirror[name]]
        statistics[name] = np.where(rate > 0, 1 / np.where(rate > 0, rate, 1.0), np.inf)
    return statistics


def extra(draws: xr.Dataset, pupils: xr.DataArray, measure: str, group: str) -> np.ndarray:
    """Return how many more pupils do better (place, year, draw), positive where they do; all areas are the last place.

    Pupils a year for a share of pupils, points times pupils for Attainment 8, suspensions for suspensions. A pupil who
    is counted in several year groups is counted in each. ``all`` is the sum of the two groups where there are two.
    """
    definition = MEASURES[measure]
    if group == "all" and len(definition.groups) == 2:
        return cast(np.ndarray, sum(extra(draws, pupils, measure, part) for part in definition.groups))
    size = (-1.0 if definition.lower_is_better else 1.0) / (1.0 if definition.unit == "points" else 100.0)
    series = {"measure": measure, "group": group}
    impact = draws.impact.sel(series).transpose("area", "year", "chain", "draw").values.astype(float)
    return _with_all_areas(impact.reshape(*impact.shape[:2], -1) * (size * pupils.sel(series).values)[:, None, None])


def rows(draws: xr.Dataset, value: xr.Dataset) -> Iterator[Piece]:
    """Yield the rows of the table in pieces, each a dict of columns, from a result's draws and ``appraise``."""
    years = draws.year.values
    county = {}
    for measure in draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            series = {"measure": measure, "group": group}
            mark = draws.proxy.sel(series).values.astype(bool)
            county[measure, group] = np.append(mark, mark.any())
            more = extra(draws, value.pupils, measure, group)
            name, _, unit = COUNTED[MEASURES[measure].unit]
            labels = series | {"proxy": county[measure, group]}
            yield _piece(more, value, **labels, quantity=name, unit=unit, year=years)
            yield _piece(more.sum(1), value, **labels, quantity=name, unit=unit_over_years(measure))
            gain = value.gain_sd.sel(series).transpose("statistic", "place", "year").values
            statistics = dict(zip(STATISTICS, gain, strict=True))
            yield _piece(statistics, value, **labels, quantity="impact_sd", unit="SD", year=years)
            if group == "all":
                yield from _prices(more, value, years, measure, labels)
        if len(MEASURES[measure].groups) == 2:
            yield from _gaps(draws, value, measure, county[measure, "all"])
    yield from _money(value)
    if "benefit" in value:
        yield from _earnings(value, county["attainment_8", "all"])
    if "neet_saving" in value:
        note = "public purse, projected years alone; share saved assumed, figure to verify; prices of "
        yield _piece(
            _draws_by_place(value.neet_saving), value, measure="neet_16_17", group="all",
            proxy=county["neet_16_17", "all"], quantity="neet_saving_not_added", unit="GBP",
            note=f"never to be added to the benefit, which it overlaps; {note}{value.attrs['neet_prices']}",
        )  # fmt: skip


def per_pound(more: np.ndarray, value: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Return how many a pound bought until each year (place, year, draw), NaN until the first pound is spent.

    ``more`` is from ``extra``; all that was spent by then counts, as it was paid.
    """
    spent = np.stack([value.spent.sel(money_year=value.money_year <= year).sum("money_year").values for year in years])
    spent = np.concatenate([spent.T, spent.sum(1)[None]])[..., None]
    return np.where(spent > 0, np.cumsum(more, axis=1) / np.where(spent > 0, spent, 1.0), np.nan)


def unit_over_years(measure: str) -> str:
    """Return the unit of a sum over years of ``extra``: a pupil of several year groups is counted once a year."""
    unit = COUNTED[MEASURES[measure].unit][2]
    several = unit == "pupils" and len(MEASURES[measure].year_groups) > 1
    return "pupil-years" if several else unit


def _prices(more: np.ndarray, value: xr.Dataset, years: np.ndarray, measure: str, labels: Piece) -> Iterator[Piece]:
    """Yield what a pound buys of one measure and what one more costs, until each year and over all.

    All the money that was spent by then is set against each measure alone.
    """
    name, name_of_one, _ = COUNTED[MEASURES[measure].unit]
    bought = per_pound(more, value, years)
    unit = unit_over_years(measure)
    unit_of_one = "point of one pupil" if unit.startswith("points") else unit.removesuffix("s")
    for rate, year in ((bought[-1:], years), (bought[:, -1], None)):  # each year for all areas, the whole for each
        where = labels if year is None else labels | {"area": [ALL_AREAS], "proxy": labels["proxy"][-1:]}
        has = np.isfinite(rate[..., 0])
        note = np.where(has, "all money spent by then against this measure alone", NOBODY)
        shared = where | {"year": year, "note": note, "price_base": value.attrs["price_base"]}
        yield _piece(PER_GBP * rate, value, **shared, quantity=f"{name}_per_100k_gbp", unit=f"{unit} / 100,000 GBP")
        price = {key: np.where(has, column, np.nan) for key, column in price_of(rate).items()}
        yield _piece(price, value, **shared, quantity=f"cost_per_{name_of_one}", unit=f"GBP / {unit_of_one}")
        without = np.where(has, (rate <= 0).mean(-1), np.nan)
        yield _piece({"mean": without}, value, **shared, quantity=f"share_of_draws_without_{name_of_one}", unit="1")


def _gaps(draws: xr.Dataset, value: xr.Dataset, measure: str, county: np.ndarray) -> Iterator[Piece]:
    """Yield the gap, disadvantaged less other, with and without the programme, and by how much it closes."""

    def figures(quantity: str, group: str) -> np.ndarray:
        """Return the figures of a group (place, year, draw), those of all areas by pupils."""
        series = {"measure": measure, "group": group}
        by_area = draws[quantity].sel(series).transpose("area", "year", "chain", "draw").values.astype(float)
        by_area = by_area.reshape(*by_area.shape[:2], -1)
        behind = value.pupils.sel(series).values
        return np.concatenate([by_area, np.einsum("ayd,a->yd", by_area, behind / behind.sum())[None]])

    gaps = {
        name: figures(quantity, "disadvantaged") - figures(quantity, "other")
        for name, quantity in (("gap_without", "counterfactual"), ("gap_with", "projection"))
    }
    gaps["gap_closed"] = gaps["gap_with"] - gaps["gap_without"]
    unit = "percentage points" if MEASURES[measure].unit == "%" else MEASURES[measure].unit
    for name, gap in gaps.items():
        yield _piece(
            gap, value, measure=measure, group="disadvantaged minus other", quantity=name, unit=unit,
            year=draws.year.values, proxy=county, note="all areas: by pupils",
        )  # fmt: skip


def _money(value: xr.Dataset) -> Iterator[Piece]:
    """Yield what was paid, year by year and in all, and its present value."""
    spent = _with_all_areas(value.spent.transpose("area", "money_year").values)
    labels: Piece = {"measure": "", "group": "", "price_base": value.attrs["price_base"]}
    labels["proxy"] = np.zeros(len(spent), dtype=bool)
    labels["note"] = "activity, management and what national programmes bring; what is unspent is no cost"
    yield _piece(_certain(spent), value, **labels, quantity="spent", unit="GBP / year", year=value.money_year.values)
    yield _piece(_certain(spent.sum(1)), value, **labels, quantity="spent", unit="GBP")
    yield _piece(_certain(_with_all_areas(value.cost.values)), value, **labels, quantity="present_cost", unit="GBP")


def _earnings(value: xr.Dataset, county: np.ndarray) -> Iterator[Piece]:
    """Yield benefits through earnings, their balance with the cost, and the two other ways to weigh them."""
    base = f"benefits {value.attrs['benefit_prices']}; money {value.attrs['price_base']}"
    note = EARNINGS_NOTE.format(benefit=value.attrs["benefit_prices"], money=value.attrs["price_base"])
    labels: Piece = {"measure": "attainment_8", "proxy": county, "price_base": base, "note": note}
    for group in value.group.values.tolist():
        benefit = _draws_by_place(value.benefit.sel(group=group))
        yield _piece(benefit, value, **labels, group=group, quantity="benefit", unit="GBP")
    labels["group"] = "all"
    plain, cost = _draws_by_place(value.benefit.sel(group="all")), _with_all_areas(value.cost.values)[:, None]
    yield _piece(plain - cost, value, **labels, quantity="net_present_value", unit="GBP")
    paid, pounds = cost[:, 0] > 0, np.where(cost > 0, cost, np.nan)

    def where_paid(labels: Piece) -> Piece:
        """Return the labels of a row that has no figure where no money is spent."""
        return labels | {"note": np.where(paid, labels["note"], NOBODY)}

    chance = {"mean": np.where(paid, (plain > cost).mean(-1), np.nan)}
    yield _piece(chance, value, **where_paid(labels), quantity="p_benefit_above_cost", unit="1")
    ratio, limit = plain / pounds, value.attrs["review_above"]
    checked = np.where(ratio.mean(-1) > limit, f"REVIEW before use: above {limit:g}; {note}", note)
    yield _piece(ratio, value, **where_paid(labels | {"note": checked}), quantity="benefit_cost_ratio", unit="1")
    for name, caution in {"weighted_benefit": "income ratio assumed; ", "gap_closing_benefit": ""}.items():
        benefit, own_labels = _draws_by_place(value[name]), labels | {"note": f"{caution}{note}"}
        yield _piece(benefit, value, **own_labels, quantity=name, unit="GBP")
        yield _piece(benefit / pounds, value, **where_paid(own_labels), quantity=f"{name}_per_pound", unit="1")


def _with_all_areas(values: np.ndarray) -> np.ndarray:
    """Return what each area has (area, ...) with the sum of all as the last place."""
    return np.concatenate([values, values.sum(0, keepdims=True)])


def _draws_by_place(by_area: xr.DataArray) -> np.ndarray:
    """Return draws of each area and of all (place, draw)."""
    return _with_all_areas(by_area.transpose("area", "chain", "draw").values.reshape(by_area.sizes["area"], -1))


def _certain(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of what is the same in every draw."""
    return {name: np.zeros_like(values) if name == "sd" else values for name in STATISTICS}


def _piece(
    figures: np.ndarray | dict[str, np.ndarray],
    value: xr.Dataset,
    *,
    area: list[str] | None = None,
    year: np.ndarray | None = None,
    proxy: np.ndarray,
    note: str | np.ndarray = "",
    price_base: str = "",
    **labels: Any,
) -> Piece:
    """Return rows as columns: one for each place and, where there are years, each year.

    ``figures`` are draws (place, [year,] draw) or their statistics (place[, year]); what is not given is unknown.
    """
    statistics = described(figures) if isinstance(figures, np.ndarray) else figures
    shape = statistics["mean"].shape
    places = [*value.area.values.tolist(), ALL_AREAS] if area is None else area
    n_years = 1 if year is None else len(year)
    columns: Piece = {**labels, "area": np.repeat(np.array(places, dtype=object), n_years)}
    columns["year"] = np.full(len(places), -1) if year is None else np.tile(year, len(places))
    columns["proxy"] = np.repeat(proxy, n_years)
    columns |= {"note": np.broadcast_to(note, shape).ravel(), "price_base": price_base}
    unknown = np.full(shape, np.nan)
    return columns | {name: np.asarray(statistics.get(name, unknown), dtype=float).ravel() for name in STATISTICS}
