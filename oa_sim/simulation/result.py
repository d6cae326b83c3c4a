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

import xarray as xr

from oa_sim.definitions import QUANTITIES
from oa_sim.errors import Refusal
from oa_sim.simulation import result_tables

FORMAT = 3
FIRST_GROUPS = ("posterior", "money", "sustainability")
GROUPS_IN_FILE = (*FIRST_GROUPS, "outside", "by_intervention", "retention", "served", "value", "uncertainty")


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
    manifest: dict
    outside: xr.Dataset = field(default_factory=xr.Dataset)
    value: xr.Dataset = field(default_factory=xr.Dataset)
    uncertainty: xr.Dataset = field(default_factory=xr.Dataset)
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

    summary = result_tables.summary
    lasting = result_tables.lasting
    retained = result_tables.retained
    pupils_served = result_tables.pupils_served
    account = result_tables.account
    valued = result_tables.valued
    ranked = result_tables.ranked
    origins = result_tables.origins

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
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._check_room(path.parent)
            handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
            os.close(handle)
            self.draws.assign_attrs(attrs).to_netcdf(temporary, engine="h5netcdf", encoding=coded)
            for name in names:
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
        return cls(draws=draws, manifest=manifest, **parts)


def _by_area(money: xr.Dataset) -> xr.Dataset:
    """Return the money of an earlier format, where national programmes stood once for all funded areas, or nowhere."""
    is_funded = (money.spend > 0).any(["intervention", "money_year"])
    each = {name: money.get(name, xr.zeros_like(money.spend)) for name in ("national", "offers")}
    return money.assign({name: (is_funded * brought).assign_attrs(brought.attrs) for name, brought in each.items()})
