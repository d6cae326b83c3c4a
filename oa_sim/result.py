"""Result: what a run hands on, with its question inside.

A result carries its scenario, draws, data hash, versions and verdict, so that every printed number can be
traced. It is one netCDF file that opens with plain xarray (the draws) and with ArviZ (the posterior).
"""

import errno
import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.refusal import Refusal
from oa_sim.sustain import WHOLE
from oa_sim.variables import MEASURES, QUANTILES, QUANTITIES, TABLE_COLUMNS

FORMAT = 2
GROUPS_IN_FILE = ("posterior", "money", "sustainability", "outside", "by_intervention", "retention", "served")
ADDED = dict.fromkeys(("outside", "by_intervention", "retention", "served"), 2)  # group: the format that first had it


@dataclass(frozen=True, eq=False)
class Result:
    """The outcome of one scenario.

    Attributes
    ----------
    draws
        ``projection``, ``counterfactual``, ``impact`` (chain, draw, area, group, measure, year), in the unit of each
        measure; ``history`` (area, group, measure, history_year) and ``own_history`` as published; ``proxy``
        (area, group, measure), 1 where the figures are a county's.
    posterior
        Draws of the baseline's hyperparameters (chain, draw, series).
    money
        ``spend`` (area, intervention, money_year), ``management``, ``unspent`` (area, money_year), GBP / year.
    sustainability
        What lasts (area, group, measure).
    outside
        ``whole_area`` (SD), ``weight``, ``taken`` (chain, draw): the outside view on the whole-area effect; ``impact``
        (chain, draw, year) and what lasts of the headline, the other way from ``draws``. Empty in an older file.
    manifest
        Run id, scenario in full, seed, versions, data hash, gates, verdict, account of the money.
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
    outside: xr.Dataset
    manifest: dict
    by_intervention: xr.Dataset = field(default_factory=xr.Dataset)
    retention: xr.Dataset = field(default_factory=xr.Dataset)
    served: xr.Dataset = field(default_factory=xr.Dataset)

    @property
    def label(self) -> str:
        """The scenario's name, marked where the gates failed; it stands in every table and picture."""
        name = self.manifest["scenario"]["name"]
        return name if self.manifest["gates"]["verdict"] == "PASS" else f"{name} [FAIL]"

    @property
    def n_draws(self) -> int:
        """Number of posterior draws behind each figure."""
        return self.draws.sizes["chain"] * self.draws.sizes["draw"]

    def summary(self) -> pd.DataFrame:
        """Return the long table: mean, SD and quantiles of every quantity, by area, group, measure and year."""
        parts = []
        for name in self.draws.measure.values.tolist():
            for group in MEASURES[name].table_groups:
                parts.extend(self._part(name, group, quantity) for quantity in QUANTITIES)
        return pd.concat(parts, ignore_index=True)[list(TABLE_COLUMNS)]

    def _part(self, measure: str, group: str, quantity: str) -> pd.DataFrame:
        at = {"measure": measure, "group": group}
        about = {"scenario": self.label, **at, "quantity": quantity, "unit": MEASURES[measure].unit}
        return described(self.draws[quantity].sel(at), self.draws.proxy.sel(at)).assign(**about)

    def lasting(self) -> pd.DataFrame:
        """Return what lasts as a table: a row for each area, group and measure, then for each intervention as well."""
        rows = self.sustainability.to_dataframe().reset_index()
        rows = _in_table(rows).assign(intervention=WHOLE)
        if self.by_intervention.sizes.get("intervention"):
            apart = self.by_intervention.to_dataframe().reset_index().assign(group="all")
            rows = pd.concat([rows, apart[apart.p_impact.notna()][rows.columns]], ignore_index=True)
        rows.insert(0, "scenario", self.label)
        rows.insert(4, "intervention", rows.pop("intervention"))
        rows.insert(5, "money_ends", self.sustainability.attrs["last_funded_year"])
        return self._marked(rows)

    def retained(self) -> pd.DataFrame:
        """Return the share of the peak that is left k years after the money, where there is an impact to keep."""
        if not self.retention.data_vars:
            return pd.DataFrame()
        order = {"intervention": self.retention.sizes["intervention"], "area": self.retention.sizes["area"]}
        rows = self.retention.to_dataframe(dim_order=[*order, "group", "measure", "years_after"]).reset_index()
        rows = _in_table(rows[rows.left.notna()])
        rows.insert(0, "scenario", self.label)
        return self._marked(rows.rename(columns={"left": "mean", "left_q05": "q05", "left_q95": "q95"}))

    def pupils_served(self) -> pd.DataFrame:
        """Return places and distinct pupils as a table: a row for each area, intervention (or ``any``) and year."""
        if not self.served.data_vars:
            return pd.DataFrame()
        rows = (
            self.served.rename(money_year="year").to_dataframe(dim_order=["area", "intervention", "year"]).reset_index()
        )
        rows.insert(0, "scenario", self.label)
        return self._marked(rows.assign(group="all", measure=self.draws.measure.values[0])).drop(
            columns=["group", "measure"]
        )

    def _marked(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows with the mark of a county's figures and the number of draws."""
        proxy = self.draws.proxy.to_series()
        keys = pd.MultiIndex.from_frame(rows[list(proxy.index.names)])
        return rows.assign(proxy=proxy.reindex(keys).values.astype(bool), n_draws=self.n_draws)

    def save(self, path: str | Path) -> Path:
        """Write the result to one netCDF file, whole or not at all, and return its path.

        Raises
        ------
        Refusal
            Where the file cannot be written.
        """
        path = Path(path)
        coded = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in QUANTITIES}
        attrs = {"format": FORMAT, "manifest": json.dumps(self.manifest), "verdict": self.manifest["gates"]["verdict"]}
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._check_room(path.parent)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            os.close(handle)
            self.draws.assign_attrs(attrs).to_netcdf(temporary, engine="h5netcdf", encoding=coded)
            for name in GROUPS_IN_FILE:
                getattr(self, name).to_netcdf(temporary, engine="h5netcdf", mode="a", group=name)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except OSError as error:
            raise Refusal(f"{path} cannot be written ({error.strerror or error}): choose another folder") from None
        finally:
            if temporary:
                Path(temporary).unlink(missing_ok=True)
        return path

    def _check_room(self, folder: Path) -> None:
        """Raise where the disk cannot take the file: HDF5 does not survive a disk that fills under it."""
        need = sum(part.nbytes for part in (self.draws, self.posterior, self.money, self.sustainability))
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
            wanted = GROUPS_IN_FILE if form <= FORMAT else ()  # a later version may have other groups
            parts = {
                name: xr.load_dataset(path, group=name, engine="h5netcdf")
                if form >= ADDED.get(name, 1)
                else xr.Dataset()
                for name in wanted
            }
        except Exception as error:  # a damaged file fails in as many ways as there are readers
            raise Refusal(f"{path} is not a whole result ({type(error).__name__}): run the scenario again") from None
        if form > FORMAT:
            raise Refusal(f"{path} has format {form}, this version reads up to {FORMAT}: update oa_sim")
        draws.attrs.pop("verdict", None)
        return cls(draws=draws, manifest=manifest, **parts)


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
    values = draws.values.reshape(-1, draws.sizes["area"] * draws.sizes["year"]).astype(float)
    area, year = np.meshgrid(draws.area.values, draws.year.values, indexing="ij")
    quantiles = np.quantile(values, list(QUANTILES.values()), axis=0)
    columns = {"area": area.ravel(), "year": year.ravel(), "mean": values.mean(0), "sd": values.std(0, ddof=1)}
    columns |= dict(zip(QUANTILES, quantiles, strict=True))
    columns["proxy"] = np.repeat(proxy.values.astype(bool), draws.sizes["year"])
    return pd.DataFrame(columns | {"n_draws": len(values)})
