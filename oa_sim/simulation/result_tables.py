"""Result tables: a result as tables, a row for each thing that can be asked of it, each with its marks."""

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEASURES, QUANTITIES, TABLE_COLUMNS
from oa_sim.projection import appraisal, ranking
from oa_sim.projection.sustainability import WHOLE


def summary(result) -> pd.DataFrame:
    """Return the long table: mean, SD and quantiles of every quantity, by area, group, measure and year."""
    parts = []
    for name in result.draws.measure.values.tolist():
        for group in MEASURES[name].table_groups:
            parts.extend(_part(result, name, group, quantity) for quantity in QUANTITIES)
    return pd.concat(parts, ignore_index=True)[list(TABLE_COLUMNS)]


def _part(result, measure: str, group: str, quantity: str) -> pd.DataFrame:
    at = {"measure": measure, "group": group}
    about = {"scenario": result.label, **at, "quantity": quantity, "unit": MEASURES[measure].unit}
    return described(result.draws[quantity].sel(at), result.draws.proxy.sel(at)).assign(**about)


def lasting(result) -> pd.DataFrame:
    """Return what lasts as a table: a row for each area, group and measure, then for each intervention as well."""
    rows = result.sustainability.to_dataframe().reset_index()
    rows = _in_table(rows).assign(intervention=WHOLE)
    if result.by_intervention.sizes.get("intervention"):
        apart = result.by_intervention.to_dataframe().reset_index().assign(group="all")
        rows = pd.concat([rows, apart[apart.p_impact.notna()][rows.columns]], ignore_index=True)
    rows.insert(0, "scenario", result.label)
    rows.insert(4, "intervention", rows.pop("intervention"))
    rows.insert(5, "money_ends", result.sustainability.attrs["last_funded_year"])
    return _marked(result, rows)


def retained(result) -> pd.DataFrame:
    """Return the share of the peak that is left k years after the money, where there is an impact to keep."""
    if not result.retention.data_vars:
        return pd.DataFrame()
    order = {"intervention": result.retention.sizes["intervention"], "area": result.retention.sizes["area"]}
    rows = result.retention.to_dataframe(dim_order=[*order, "group", "measure", "years_after"]).reset_index()
    rows = _in_table(rows[rows.left.notna()])
    rows.insert(0, "scenario", result.label)
    return _marked(result, rows.rename(columns={"left": "mean", "left_q05": "q05", "left_q95": "q95"}))


def pupils_served(result) -> pd.DataFrame:
    """Return places and distinct pupils as a table: a row for each area, intervention (or ``any``) and year."""
    if not result.served.data_vars:
        return pd.DataFrame()
    rows = (
        result.served.rename(money_year="year").to_dataframe(dim_order=["area", "intervention", "year"]).reset_index()
    )
    rows.insert(0, "scenario", result.label)
    return _marked(result, rows.assign(group="all", measure=result.draws.measure.values[0])).drop(
        columns=["group", "measure"]
    )


def _marked(result, rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the mark of a county's figures and the number of draws."""
    proxy = result.draws.proxy.to_series()
    keys = pd.MultiIndex.from_frame(rows[list(proxy.index.names)])
    return rows.assign(proxy=proxy.reindex(keys).values.astype(bool), n_draws=result.n_draws)


def account(result) -> pd.DataFrame:
    """Return the money as a table: a row for each area, line and year in which there is any, adding up to the pound.

    A line is an intervention, ``management`` or ``unspent``; what national programmes bring to an area stands beside
    the budget (``paid_from``) and is no part of its sum.
    """
    money = result.money
    parts = [money.spend.rename("gbp").to_dataframe().reset_index().rename(columns={"intervention": "line"})]
    parts += [
        money[name].rename("gbp").to_dataframe().reset_index().assign(line=name) for name in ("management", "unspent")
    ]
    rows = pd.concat(parts, ignore_index=True).assign(paid_from="budget")
    beside = money.national.rename("gbp").to_dataframe().reset_index().rename(columns={"intervention": "line"})
    rows = pd.concat([rows, beside.assign(paid_from="national programmes")], ignore_index=True)
    rows = rows[rows.gbp > 0].rename(columns={"money_year": "year"})
    rows = rows.assign(scenario=result.label, price_base=result.manifest["price_base"])
    return rows[["scenario", "area", "line", "year", "paid_from", "gbp", "price_base"]].reset_index(drop=True)


def valued(result) -> pd.DataFrame:
    """Return impact and value as a table: extra pupils, gaps, cost of one more, present values, each with marks."""
    pieces = appraisal.rows(result.draws, result.value) if len(result.value) else ()
    parts = [pd.DataFrame(piece) for piece in pieces]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(appraisal.COLUMNS))
    table = table.assign(scenario=result.label, n_draws=result.n_draws)[list(appraisal.COLUMNS)]
    return table.assign(year=table.year.astype("Int64").where(table.year > 0))


def ranked(result) -> pd.DataFrame:
    """Return the areas in order of benefit per pound, in three views, with an alarm where those disagree."""
    names = result.draws.area.values.tolist() if len(result.value) else []
    table = in_order(names, ranking.per_pound(result.value), "area")
    county = result.draws.proxy.sel(group="all").any("measure").to_series()
    table["proxy"] = table.area.map(county.to_dict()).astype(bool)
    table["price_base"] = ranking.prices(result.value) if len(table) else ""
    return table.assign(scenario=result.label, n_draws=result.n_draws)[["scenario", "area", *ranking.COLUMNS]]


def origins(result) -> pd.DataFrame:
    """Return where the headline's uncertainty comes from as a table: shares of variance with standard errors."""
    columns = ["scenario", "area", "measure", "group", "quantity", "year", "block"]
    columns += ["share", "standard_error", "proxy", "n_draws"]
    if not len(result.uncertainty):
        return pd.DataFrame(columns=columns)
    about = {name: result.uncertainty.attrs[name] for name in ("measure", "group")}
    table = result.uncertainty.transpose("quantity", "reading_year", ...).to_dataframe().reset_index()
    names = {"place": "area", "reading_year": "year", "error": "standard_error"}
    table = table.rename(columns=names).dropna(subset="share")
    county = result.draws.proxy.sel(about).to_series().astype(bool)
    table["proxy"] = table.area.map(county.to_dict()).fillna(county.any()).astype(bool)
    table = table.assign(scenario=result.label, n_draws=result.n_draws, **about)
    return table[columns].reset_index(drop=True)


def in_order(names: list[str], views: dict[str, np.ndarray], what: str) -> pd.DataFrame:
    """Return a ranking as a table, without its marks; a row without figures where no benefit is claimed.

    Parameters
    ----------
    names
        Of the candidates.
    views
        By view, benefit per pound (candidate, draw).
    what
        The column that names the candidates.
    """
    parts = [pd.DataFrame(piece) for piece in ranking.rows(names, views, what)]
    nothing = pd.DataFrame({what: names, "alarm": ranking.NOT_CLAIMED}, columns=[what, *ranking.COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _in_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of groups that their measure has."""
    keep = [group in MEASURES[name].table_groups for group, name in zip(rows["group"], rows["measure"], strict=True)]
    return rows[np.array(keep, dtype=bool)].reset_index(drop=True)


def described(draws: xr.DataArray, proxy: xr.DataArray) -> pd.DataFrame:
    """Return draws as a table: mean, SD and quantiles, a row for each area and year.

    Parameters
    ----------
    draws
        (chain, draw, area, year).
    proxy
        (area), 1 where the figures are a county's.
    """
    values = draws.values.reshape(-1, draws.sizes["area"] * draws.sizes["year"])
    area, year = np.meshgrid(draws.area.values, draws.year.values, indexing="ij")
    columns = {"area": area.ravel(), "year": year.ravel()}
    columns |= appraisal.described(np.ascontiguousarray(values.T, dtype=float))
    columns["proxy"] = np.repeat(proxy.values.astype(bool), draws.sizes["year"])
    return pd.DataFrame(columns | {"n_draws": len(values)})
