"""Accounts: impact and value as the rows of a table, by area and of all areas, each row with its unit and its marks.

Extra pupils of the two groups add to those of all, areas add to all areas, and the money adds to the account.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from oa_sim.definitions import MEASURES, QUANTILES
from oa_sim.projection.appraisal import EVERYWHERE, STATISTICS, described, price_of

COLUMNS = (
    *("scenario", "area", "measure", "group", "quantity", "year", "unit", "price_base", "mean", "sd"),
    *QUANTILES,
    *("proxy", "n_draws", "note"),
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

Piece = dict[str, object]


def extra(draws: xr.Dataset, pupils: xr.DataArray, measure: str, group: str) -> np.ndarray:
    """Return how many more pupils do better (place, year, draw); all areas are the last place.

    Parameters
    ----------
    draws
        ``impact`` (chain, draw, area, group, measure, year), in the unit of each measure.
    pupils
        (area, group, measure).
    measure, group
        Where; ``all`` is the sum of the two groups where there are two.

    Returns
    -------
    array
        Pupils a year for a share of pupils, points times pupils for Attainment 8, suspensions for suspensions;
        positive where pupils do better. A pupil who is counted in several year groups is counted in each.
    """
    about = MEASURES[measure]
    if group == "all" and len(about.groups) == 2:
        return sum(extra(draws, pupils, measure, part) for part in about.groups)
    size = (-1.0 if about.lower_is_better else 1.0) / (1.0 if about.unit == "points" else 100.0)
    at = {"measure": measure, "group": group}
    impact = draws.impact.sel(at).transpose("area", "year", "chain", "draw").values.astype(float)
    each = impact.reshape(*impact.shape[:2], -1) * (size * pupils.sel(at).values)[:, None, None]
    return np.concatenate([each, each.sum(0, keepdims=True)])


def rows(draws: xr.Dataset, value: xr.Dataset) -> Iterator[Piece]:
    """Yield the rows of the table in pieces, each a dict of columns.

    Parameters
    ----------
    draws
        A result's draws: ``impact``, ``projection``, ``counterfactual`` and ``proxy``.
    value
        From ``appraisal.appraise``.
    """
    years = draws.year.values
    county = {}
    for measure in draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            at = {"measure": measure, "group": group}
            mark = draws.proxy.sel(at).values.astype(bool)
            county[measure, group] = np.append(mark, mark.any())
            more = extra(draws, value.pupils, measure, group)
            name, _, unit = COUNTED[MEASURES[measure].unit]
            places = at | {"proxy": county[measure, group]}
            yield _piece(more, value, **places, quantity=name, unit=unit, year=years)
            yield _piece(more.sum(1), value, **places, quantity=name, unit=unit_over_years(measure))
            statistics = value.gain_sd.sel(at).transpose("statistic", "place", "year").values
            found = dict(zip(STATISTICS, statistics, strict=True))
            yield _piece(found, value, **places, quantity="impact_sd", unit="SD", year=years)
            if group == "all":
                yield from _prices(more, value, years, measure, places)
        if len(MEASURES[measure].groups) == 2:
            yield from _gaps(draws, value, measure, county[measure, "all"])
    yield from _money(value)
    if "benefit" in value:
        yield from _earnings(value, county["attainment_8", "all"])
    if "neet_saving" in value:
        note = f"public purse, projected years alone; share saved assumed, figure to verify; prices of {_neet(value)}"
        yield _piece(
            _everywhere(value.neet_saving), value, measure="neet_16_17", group="all",
            proxy=county["neet_16_17", "all"], quantity="neet_saving_not_added", unit="GBP",
            note=f"never to be added to the benefit, which it overlaps; {note}",
        )  # fmt: skip


def per_pound(more: np.ndarray, value: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Return how many a pound bought until each year (place, year, draw), NaN until the first pound is spent.

    Parameters
    ----------
    more
        From ``extra``.
    value
        ``spent`` (area, money_year), GBP / year; all that was spent by then counts, as it was paid.
    years
        Of ``more``.
    """
    spent = np.stack([value.spent.sel(money_year=value.money_year <= year).sum("money_year").values for year in years])
    spent = np.concatenate([spent.T, spent.sum(1)[None]])[..., None]
    return np.where(spent > 0, np.cumsum(more, axis=1) / np.where(spent > 0, spent, 1.0), np.nan)


def unit_over_years(measure: str) -> str:
    """Return the unit of a sum over years of ``extra``: a pupil of several year groups is counted once a year."""
    unit = COUNTED[MEASURES[measure].unit][2]
    several = unit == "pupils" and len(MEASURES[measure].year_groups) > 1
    return "pupil-years" if several else unit


def _one_of(unit: str) -> str:
    """Return the unit of one more."""
    return "point of one pupil" if unit.startswith("points") else unit.removesuffix("s")


def _neet(value: xr.Dataset) -> str:
    return str(value.attrs["neet_prices"])


def _prices(more: np.ndarray, value: xr.Dataset, years: np.ndarray, measure: str, about: Piece) -> Iterator:
    """Yield what a pound buys of one measure and what one more costs, until each year and over all.

    All the money that was spent by then is set against each measure alone.
    """
    name, one, _ = COUNTED[MEASURES[measure].unit]
    bought = per_pound(more, value, years)
    unit = unit_over_years(measure)
    for at, year in ((bought[-1:], years), (bought[:, -1], None)):  # each year for all areas, the whole for each
        where = about if year is None else about | {"area": [EVERYWHERE], "proxy": about["proxy"][-1:]}
        has = np.isfinite(at[..., 0])
        note = np.where(has, "all money spent by then against this measure alone", NOBODY)
        shared = where | {"year": year, "note": note, "price_base": value.attrs["price_base"]}
        yield _piece(PER_GBP * at, value, **shared, quantity=f"{name}_per_100k_gbp", unit=f"{unit} / 100,000 GBP")
        price = {key: np.where(has, column, np.nan) for key, column in price_of(at).items()}
        yield _piece(price, value, **shared, quantity=f"cost_per_{one}", unit=f"GBP / {_one_of(unit)}")
        without = np.where(has, (at <= 0).mean(-1), np.nan)
        yield _piece({"mean": without}, value, **shared, quantity=f"share_of_draws_without_{one}", unit="1")


def _gaps(draws: xr.Dataset, value: xr.Dataset, measure: str, county: np.ndarray) -> Iterator[Piece]:
    """Yield the gap, disadvantaged less other, with and without the programme, and by how much it closes."""
    found = {}
    for name, quantity in (("gap_without", "counterfactual"), ("gap_with", "projection")):
        sides = []
        for group in ("disadvantaged", "other"):
            at = {"measure": measure, "group": group}
            side = draws[quantity].sel(at).transpose("area", "year", "chain", "draw").values.astype(float)
            side = side.reshape(*side.shape[:2], -1)
            behind = value.pupils.sel(at).values
            everyone = np.einsum("ayd,a->yd", side, behind / behind.sum())
            sides.append(np.concatenate([side, everyone[None]]))
        found[name] = sides[0] - sides[1]
    found["gap_closed"] = found["gap_with"] - found["gap_without"]
    unit = "percentage points" if MEASURES[measure].unit == "%" else MEASURES[measure].unit
    for name, gap in found.items():
        yield _piece(
            gap, value, measure=measure, group="disadvantaged minus other", quantity=name, unit=unit,
            year=draws.year.values, proxy=county, note="all areas: by pupils",
        )  # fmt: skip


def _money(value: xr.Dataset) -> Iterator[Piece]:
    """Yield what was paid, year by year and in all, and its present value."""
    base = value.attrs["price_base"]
    spent = value.spent.transpose("area", "money_year").values
    spent = np.concatenate([spent, spent.sum(0, keepdims=True)])
    cost = np.append(value.cost.values, value.cost.values.sum())
    about = {"measure": "", "group": "", "price_base": base, "proxy": np.zeros(len(spent), dtype=bool)}
    about["note"] = "activity, management and what national programmes bring; what is unspent is no cost"
    yield _piece(_certain(spent), value, **about, quantity="spent", unit="GBP / year", year=value.money_year.values)
    yield _piece(_certain(spent.sum(1)), value, **about, quantity="spent", unit="GBP")
    yield _piece(_certain(cost), value, **about, quantity="present_cost", unit="GBP")


def _earnings(value: xr.Dataset, county: np.ndarray) -> Iterator[Piece]:
    """Yield benefits through earnings, their balance with the cost, and the two other ways to weigh them."""
    base = f"benefits {value.attrs['benefit_prices']}; money {value.attrs['price_base']}"
    note = EARNINGS_NOTE.format(benefit=value.attrs["benefit_prices"], money=value.attrs["price_base"])
    about = {"measure": "attainment_8", "proxy": county, "price_base": base, "note": note}
    for group in value.group.values.tolist():
        each = _everywhere(value.benefit.sel(group=group))
        yield _piece(each, value, **about, group=group, quantity="benefit", unit="GBP")
    about["group"] = "all"
    plain = _everywhere(value.benefit.sel(group="all"))
    cost = np.append(value.cost.values, value.cost.values.sum())[:, None]
    yield _piece(plain - cost, value, **about, quantity="net_present_value", unit="GBP")
    paid = cost[:, 0] > 0
    chance = {"mean": np.where(paid, (plain > cost).mean(-1), np.nan)}
    yield _piece(chance, value, **_told(about, paid), quantity="p_benefit_above_cost", unit="1")
    ratio = plain / np.where(cost > 0, cost, np.nan)
    high = ratio.mean(-1) > value.attrs["review_above"]
    checked = about | {
        "note": np.where(high, f"REVIEW before use: above {value.attrs['review_above']:g}; {note}", note)
    }
    yield _piece(ratio, value, **_told(checked, paid), quantity="benefit_cost_ratio", unit="1")
    for name, more in {"weighted_benefit": "income ratio assumed", "gap_closing_benefit": ""}.items():
        each = _everywhere(value[name])
        mine = about | {"note": f"{more}; {note}" if more else note}
        yield _piece(each, value, **mine, quantity=name, unit="GBP")
        ratio = each / np.where(cost > 0, cost, np.nan)
        yield _piece(ratio, value, **_told(mine, paid), quantity=f"{name}_per_pound", unit="1")


def _told(about: Piece, paid: np.ndarray) -> Piece:
    """Return the marks of a row that has no figure where no money is spent."""
    return about | {"note": np.where(paid, about["note"], NOBODY)}


def _everywhere(each: xr.DataArray) -> np.ndarray:
    """Return draws of each area and of all (place, draw)."""
    values = each.transpose("area", "chain", "draw").values.reshape(each.sizes["area"], -1)
    return np.concatenate([values, values.sum(0, keepdims=True)])


def _certain(values: np.ndarray) -> dict[str, np.ndarray]:
    """Return the statistics of what is the same in every draw."""
    return {name: np.zeros_like(values) if name == "sd" else values for name in STATISTICS}


def _piece(found, value: xr.Dataset, *, area=None, year=None, proxy, note="", price_base="", **about) -> Piece:
    """Return rows as columns: one for each place and, where there are years, each year.

    ``found`` is draws (place, [year,] draw) or their statistics (place[, year]); what is not given is unknown.
    """
    found = described(found) if isinstance(found, np.ndarray) else found
    shape = found["mean"].shape
    places = [*value.area.values.tolist(), EVERYWHERE] if area is None else area
    n_years = 1 if year is None else len(year)
    columns: Piece = {**about, "area": np.repeat(np.array(places, dtype=object), n_years)}
    columns["year"] = np.full(len(places), -1) if year is None else np.tile(year, len(places))
    columns["proxy"] = np.repeat(proxy, n_years)
    columns |= {"note": np.broadcast_to(note, shape).ravel(), "price_base": price_base}
    unknown = np.full(shape, np.nan)
    return columns | {name: np.asarray(found.get(name, unknown), dtype=float).ravel() for name in STATISTICS}
