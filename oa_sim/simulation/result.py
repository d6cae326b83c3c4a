"""Result: what a run hands on, with its question inside, and as tables.

A result carries its scenario, draws, data hash, versions and verdict, so that every printed number can be
traced. It is one netCDF file that opens with plain xarray (the draws) and with ArviZ (the posterior). In a table, each
row has its marks.
"""

import errno
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.atomic_write import atomic_file
from oa_sim.definitions import GROUPS, MEASURES, QUANTITIES, TABLE_COLUMNS
from oa_sim.errors import Refusal
from oa_sim.projection import appraisal, ranking
from oa_sim.projection.sustainability import WHOLE
from oa_sim.scenario import title_of

FORMAT = 4
FIRST_GROUPS = ("posterior", "money", "sustainability")
GROUPS_IN_FILE = (*FIRST_GROUPS, "outside", "by_intervention", "retention", "served", "value", "uncertainty")


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of one scenario.

    Attributes
    ----------
    draws
        ``projection``, ``counterfactual``, ``impact`` (chain, draw, area, group, measure, year), in the unit of each
        measure; ``history``, ``county_history``, ``own_history`` (area, group, measure, history_year), see
        ``areas.past``; ``proxy`` (area, group, measure), 1 where the figures are a county's, and ``estimated``, 1 where
        they are a district's own.
    posterior
        Draws of the baseline's hyperparameters (chain, draw, series).
    money
        ``spend`` (area, intervention, money_year), ``management``, ``unspent`` (area, money_year), GBP / year; beside
        the budget ``national``, GBP / year, and ``offers``, programmes (area, intervention, money_year).
    sustainability
        What lasts (area, group, measure).
    outside
        ``whole_area`` (SD), ``weight``, ``taken`` (chain, draw): the outside view on the whole-area effect; ``impact``
        (chain, draw, year) and what lasts of the headline, the other way from ``draws``. Empty in an older file.
    manifest
        Run id, scenario in full, seed, versions, data hash, gates, verdict, account of the money.
    value
        What the impact is worth, by draw, and what was paid; empty in a file from before it was reckoned.
    uncertainty
        Where the uncertainty of the headline comes from; empty in a file from before it was reckoned.
    by_intervention
        What lasts of each intervention (intervention, area, measure), all pupils.
    retention
        Share of the peak left (intervention, area, group, measure, years_after); ``all`` is the whole programme.
    served
        Places and distinct pupils (intervention, area, money_year); ``any`` is the whole programme.
    """

    draws: xr.Dataset
    posterior: xr.Dataset
    money: xr.Dataset
    sustainability: xr.Dataset
    manifest: dict[str, Any]
    outside: xr.Dataset = field(default_factory=xr.Dataset)
    value: xr.Dataset = field(default_factory=xr.Dataset)
    uncertainty: xr.Dataset = field(default_factory=xr.Dataset)
    by_intervention: xr.Dataset = field(default_factory=xr.Dataset)
    retention: xr.Dataset = field(default_factory=xr.Dataset)
    served: xr.Dataset = field(default_factory=xr.Dataset)

    @property
    def label(self) -> str:
        """The scenario's name, marked where the gates failed; it stands in every table."""
        return f"{self.manifest['scenario']['name']}{self.mark}"

    @property
    def title(self) -> str:
        """The scenario's title as people read it, marked where the gates failed; it stands in every sentence."""
        return f"{title_of('scenario', self.manifest['scenario']['name'])}{self.mark}"

    @property
    def mark(self) -> str:
        """The mark of a result whose gates failed; nothing where they passed."""
        return "" if self.manifest["gates"]["verdict"] == "PASS" else " [FAIL]"

    @property
    def n_draws(self) -> int:
        """Number of posterior draws behind each figure."""
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    def summary(self) -> pd.DataFrame:
        """Return the long table: mean, SD and quantiles of every quantity, by area, group, measure and year."""
        parts = []
        for measure, group in self.parts:
            part = self.draws.sel(measure=measure, group=group)
            names = {"scenario": self.label, "measure": measure, "group": group, "unit": MEASURES[measure].unit}
            parts += [
                described(part[name], part.proxy, part.estimated).assign(**names, quantity=name) for name in QUANTITIES
            ]
        return pd.concat(parts, ignore_index=True)[list(TABLE_COLUMNS)]

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Each measure with each group that stands in a table."""
        measures = self.draws.measure.values.tolist()
        return [(measure, group) for measure in measures for group in MEASURES[measure].table_groups]

    def lasting(self) -> pd.DataFrame:
        """Return what lasts as a table: a row for each area, group and measure, then for each intervention as well."""
        rows = self.sustainability.to_dataframe().reset_index()
        rows = _in_table(rows).assign(intervention=WHOLE)
        if self.by_intervention.sizes.get("intervention"):
            apart = self.by_intervention.to_dataframe().reset_index().assign(group="all")
            rows = pd.concat([rows, apart[apart.p_impact.notna()][rows.columns]], ignore_index=True)
        rows.insert(3, "intervention", rows.pop("intervention"))
        rows.insert(4, "money_ends", self.sustainability.attrs["last_funded_year"])
        return self._marked(rows)

    def retained(self) -> pd.DataFrame:
        """Return the share of the peak that is left k years after the money, where there is an impact to keep."""
        if not self.retention.data_vars:
            return pd.DataFrame()
        order = ["intervention", "area", "group", "measure", "years_after"]
        rows = self.retention.to_dataframe(dim_order=order).reset_index()
        rows = _in_table(rows[rows.left.notna()])
        return self._marked(rows.rename(columns={"left": "mean", "left_q05": "q05", "left_q95": "q95"}))

    def pupils_served(self) -> pd.DataFrame:
        """Return places and distinct pupils as a table: a row for each area, intervention (or ``any``) and year."""
        if not self.served.data_vars:
            return pd.DataFrame()
        served = self.served.rename(money_year="year")
        rows = served.to_dataframe(dim_order=["area", "intervention", "year"]).reset_index()
        return self._marked(rows)

    def _marked(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with the scenario before them, and behind them the marks of districts' figures and the draws."""
        rows.insert(0, "scenario", self.label)
        kinds = {kind: self._is_of_kind(kind, rows) for kind in ("proxy", "estimated")}
        return rows.assign(**kinds, n_draws=self.n_draws)

    def _is_of_kind(self, kind: str, rows: pd.DataFrame) -> list[bool]:
        """Return whether a kind of figure stands behind each row: in any area or series where the row says none."""
        of_kind = self.draws[kind].transpose("area", "group", "measure").to_series()
        known = of_kind[of_kind > 0].index.tolist()
        labels = [self.draws.area.values.tolist(), GROUPS, MEASURES]
        columns = [rows.get(name, pd.Series("", rows.index)) for name in ("area", "group", "measure")]
        columns[1] = columns[1].where(columns[1].isin(GROUPS) | (columns[2] == ""), "all")  # of a gap
        found: dict[tuple[str, ...], bool] = {}
        keys = list(zip(*columns, strict=True))
        for key in dict.fromkeys(keys):
            asked = [(at, name) for at, name in enumerate(key) if name in labels[at]]
            found[key] = any(all(each[at] == name for at, name in asked) for each in known)
        return [found[key] for key in keys]

    def account(self) -> pd.DataFrame:
        """Return the money as a table: a row for each area, line and year with any, adding up to the pound.

        A line is an intervention, ``management`` or ``unspent``; what national programmes bring to an area stands
        beside the budget (``paid_from``) and is no part of its sum.
        """
        parts = []
        for name in ("spend", "management", "unspent", "national"):
            part = self.money[name].rename("gbp").to_dataframe().reset_index().rename(columns={"intervention": "line"})
            paid_from = "national programmes" if name == "national" else "budget"
            parts.append(part.assign(line=part.get("line", name), paid_from=paid_from))
        rows = pd.concat(parts, ignore_index=True)
        rows = rows[rows.gbp > 0].rename(columns={"money_year": "year"})
        rows = rows.assign(scenario=self.label, price_base=self.manifest["price_base"])
        return rows[["scenario", "area", "line", "year", "paid_from", "gbp", "price_base"]].reset_index(drop=True)

    def valued(self) -> pd.DataFrame:
        """Return impact and value as a table: extra pupils, gaps, cost of one more, present values, each with marks."""
        parts = [pd.DataFrame(piece) for piece in appraisal.rows(self.draws, self.value)] if len(self.value) else []
        table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(appraisal.COLUMNS))
        own = np.array(self._is_of_kind("estimated", table), dtype=bool) & (table.measure != "")
        table = table.assign(scenario=self.label, estimated=own, n_draws=self.n_draws)[list(appraisal.COLUMNS)]
        return table.assign(year=table.year.astype("Int64").where(table.year > 0))

    def ranked(self) -> pd.DataFrame:
        """Return the areas in order of benefit per pound, in three views, with an alarm where those disagree."""
        names = self.draws.area.values.tolist() if len(self.value) else []
        table = in_order(names, ranking.per_pound(self.value), "area")
        county = self.draws.proxy.sel(group="all").any("measure").to_series()
        table["proxy"] = table.area.map(county.to_dict()).astype(bool)
        table["price_base"] = ranking.prices(self.value) if len(table) else ""
        return table.assign(scenario=self.label, n_draws=self.n_draws)[["scenario", "area", *ranking.COLUMNS]]

    def origins(self) -> pd.DataFrame:
        """Return where the headline's uncertainty comes from as a table: shares of variance with standard errors."""
        columns = [
            *("scenario", "area", "measure", "group", "quantity", "year", "block"),
            *("share", "standard_error", "proxy", "estimated", "n_draws"),
        ]
        if not len(self.uncertainty):
            return pd.DataFrame(columns=columns)
        headline = {name: self.uncertainty.attrs[name] for name in ("measure", "group")}
        table = self.uncertainty.transpose("quantity", "reading_year", ...).to_dataframe().reset_index()
        names = {"place": "area", "reading_year": "year", "error": "standard_error"}
        table = table.rename(columns=names).dropna(subset="share")
        table = table.assign(scenario=self.label, n_draws=self.n_draws, **headline)
        table = table.assign(**{kind: self._is_of_kind(kind, table) for kind in ("proxy", "estimated")})
        return table[columns].reset_index(drop=True)

    def save(self, path: str | Path) -> Path:
        """Write the result to one netCDF file, whole or not at all, and return its path.

        Raises
        ------
        Refusal
            Where the file cannot be written.
        """
        path = Path(path)
        coded = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in QUANTITIES}
        names = [name for name in GROUPS_IN_FILE if name in FIRST_GROUPS or len(getattr(self, name))]
        attrs = {"format": FORMAT, "groups": json.dumps(names), "manifest": json.dumps(self.manifest)}
        attrs["verdict"] = self.manifest["gates"]["verdict"]
        try:
            with atomic_file(path) as part:
                self._check_room(path.parent)
                self.draws.assign_attrs(attrs).to_netcdf(part, engine="h5netcdf", encoding=coded)
                for name in names:
                    getattr(self, name).to_netcdf(part, engine="h5netcdf", mode="a", group=name)
        except OSError as error:
            raise Refusal(f"{path} cannot be written ({error.strerror or error}): choose another folder") from None
        return path

    def _check_room(self, folder: Path) -> None:
        """Raise where the disk cannot take the file: HDF5 does not survive a disk that fills under it."""
        need = self.draws.nbytes + sum(getattr(self, name).nbytes for name in GROUPS_IN_FILE)
        if shutil.disk_usage(folder).free < need:
            raise OSError(errno.ENOSPC, f"the disk has less than the {need / 1e6:.0f} MB that a result may take")

    @classmethod
    def load(cls, path: str | Path) -> "Result":
        """Return a saved result, from its netCDF file or from the folder of a run.

        Raises
        ------
        Refusal
            Where there is no such file, or it is damaged or of a newer version.
        """
        path = Path(path)
        path = path / "result.nc" if path.is_dir() else path
        if not path.exists():
            raise Refusal(f"{path}: there is no result here: give the folder that a run printed")
        try:
            draws = xr.load_dataset(path, engine="h5netcdf")
            form = int(draws.attrs.pop("format"))
            manifest = json.loads(draws.attrs.pop("manifest"))
            names = json.loads(draws.attrs.pop("groups", json.dumps(FIRST_GROUPS)))
            names = names if form <= FORMAT else ()  # a later version may have other groups
            parts = {name: xr.load_dataset(path, group=name, engine="h5netcdf") for name in names}
        except Exception as error:  # a damaged file fails in as many ways as there are readers
            raise Refusal(f"{path} is not a whole result ({type(error).__name__}): run the scenario again") from None
        if form > FORMAT:
            raise Refusal(f"{path} has format {form}, this version reads up to {FORMAT}: update oa_sim")
        draws.attrs.pop("verdict", None)
        if form < 3:
            parts["money"] = _by_area(parts["money"])
        if form < 4:  # what was known of districts' own figures then is not of this form
            nothing = draws.history * np.nan
            draws = draws.assign(county_history=nothing, own_history=nothing, estimated=draws.proxy * 0)
        return cls(draws=draws, manifest=manifest, **parts)


def _by_area(money: xr.Dataset) -> xr.Dataset:
    """Return the money of an earlier format, where national programmes stood once for all funded areas, or nowhere."""
    is_funded = (money.spend > 0).any(["intervention", "money_year"])
    beside = {name: money.get(name, xr.zeros_like(money.spend)) for name in ("national", "offers")}
    return money.assign({name: (is_funded * values).assign_attrs(values.attrs) for name, values in beside.items()})


def in_order(names: list[str], views: dict[str, np.ndarray], column: str) -> pd.DataFrame:
    """Return a ranking as a table, without its marks; a row without figures where no benefit is claimed.

    ``views`` are benefit per pound by view, each (candidate, draw); ``column`` names the candidates.
    """
    parts = [pd.DataFrame(piece) for piece in ranking.rows(names, views, column)]
    nothing = pd.DataFrame({column: names, "alarm": ranking.NOT_CLAIMED}, columns=[column, *ranking.COLUMNS])
    return pd.concat(parts, ignore_index=True) if parts else nothing


def _in_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of groups that their measure has."""
    keep = [group in MEASURES[name].table_groups for group, name in zip(rows["group"], rows["measure"], strict=True)]
    return rows[np.array(keep, dtype=bool)].reset_index(drop=True)


def described(draws: xr.DataArray, proxy: xr.DataArray, own: xr.DataArray) -> pd.DataFrame:
    """Return draws (chain, draw, area, year) as a table: mean, SD and quantiles, a row for each area and year.

    ``proxy`` (area) is 1 where the figures are a county's, ``own`` where they are a district's own.
    """
    values = draws.values.reshape(-1, draws.sizes["area"] * draws.sizes["year"])
    area, year = np.meshgrid(draws.area.values, draws.year.values, indexing="ij")
    columns = {"area": area.ravel(), "year": year.ravel()}
    columns |= appraisal.described(np.ascontiguousarray(values.T, dtype=float))
    for name, kind in (("proxy", proxy), ("estimated", own)):
        columns[name] = np.repeat(kind.values.astype(bool), draws.sizes["year"])
    return pd.DataFrame(columns | {"n_draws": len(values)})
