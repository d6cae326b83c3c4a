"""Posterior files: draws from a posterior in a file, written whole or not at all, and known by their checksum."""

import hashlib
import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim.atomic_write import atomic_file
from oa_sim.errors import Refusal

POSTERIORS_KEPT = 16  # of those read in this process


def cache_folder() -> Path:
    """Return where posteriors are kept: ``OA_SIM_CACHE``, or the user's cache."""
    if folder := os.environ.get("OA_SIM_CACHE"):
        return Path(folder)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "oa_sim"


def checksum(posterior: xr.Dataset) -> str:
    """Return the SHA-256 of a posterior: its draws and its gates."""
    digest = hashlib.sha256(str(posterior.attrs.get("gates")).encode())
    for name in sorted(str(name) for name in posterior.data_vars):
        digest.update(name.encode() + np.ascontiguousarray(posterior[name].values, dtype="<f8").tobytes())
    return digest.hexdigest()


def write(posterior: xr.Dataset, path: Path) -> None:
    """Write a posterior whole or not at all, in single precision and compressed."""
    posterior = posterior.astype(np.float32).astype(float)  # what is read again is what the checksum is of
    packed = {key: {"zlib": True, "complevel": 6, "shuffle": True, "dtype": "float32"} for key in posterior.data_vars}
    with atomic_file(path) as part:
        posterior.assign_attrs(checksum=checksum(posterior)).to_netcdf(part, engine="h5netcdf", encoding=packed)


def read(path: Path, name: str, remedy: str) -> xr.Dataset:
    """Return a posterior in double precision; refused, with a name and a remedy, where it is not what was written."""
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size, name, remedy).copy()


@lru_cache(POSTERIORS_KEPT)
def _read(path: Path, modified: int, size: int, name: str, remedy: str) -> xr.Dataset:
    """Return what ``read`` does; a run asks three times."""
    try:
        posterior = xr.load_dataset(path, engine="h5netcdf")
        posterior = posterior.map(lambda values: values.astype(float), keep_attrs=True).assign_attrs(posterior.attrs)
        is_whole = posterior.attrs.pop("checksum", None) == checksum(posterior) and json.loads(posterior.attrs["gates"])
    except Exception as error:  # a damaged file fails in as many ways as there are readers
        raise Refusal(f"{name} {path} cannot be read ({type(error).__name__}): {remedy}") from None
    if not is_whole:
        raise Refusal(f"{name} {path} is not what was written: {remedy}")
    return posterior
