"""Inference: from a model to a posterior that has passed its gates, kept for the next run.

The only file that knows the sampler's and ArviZ's versions: PyMC 5 gives an InferenceData and ArviZ 0.23
takes one; PyMC 6 gives a DataTree and ArviZ 1 takes it. Plain xarray Datasets go out.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim.assumptions import Sampler
from oa_sim.refusal import Refusal
from oa_sim.variables import POSTERIOR_NAMES

LARGEST_R_HAT = 1.01
SMALLEST_ESS = 400
LIMITS = {"r_hat_max": LARGEST_R_HAT, "ess_min": SMALLEST_ESS, "divergences": 0}
LIBRARIES = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz", "xarray", "hydra-core")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that make the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def cache_folder() -> Path:
    """Return where posteriors are kept: ``OA_SIM_CACHE``, or the user's cache."""
    if os.environ.get("OA_SIM_CACHE"):
        return Path(os.environ["OA_SIM_CACHE"])
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "oa_sim"


def identity(data_hash: str, until: int, sampler: Sampler, seed: int, sources: list[Path]) -> str:
    """Return the name of a posterior: all that it depends on, hashed.

    Parameters
    ----------
    data_hash
        Of the tables.
    until
        The last year of the record.
    sampler, seed
        How it is sampled.
    sources
        The files whose text is the model and its priors.
    """
    libraries = {name: version(name) for name in ("pymc", "pytensor", "nutpie", "numpy")}
    parts = {
        "data": data_hash,
        "until": until,
        "sampler": vars(sampler),
        "seed": seed,
        "model": [hashlib.sha256(path.read_bytes()).hexdigest() for path in sources],
        "libraries": libraries | {"python": platform.python_version()},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:20]


def posterior(key: str, build: Callable, sampler: Sampler, seed: int, *, progress: bool = False) -> xr.Dataset:
    """Return a posterior: the one kept under ``key``, or a new one.

    Parameters
    ----------
    key
        From ``identity``.
    build
        Makes the PyMC model; called only when sampling is needed.
    sampler, seed
        How to sample.
    progress
        Whether to show the sampler's progress.

    Returns
    -------
    Dataset
        The model's variables by (chain, draw, ...); ``attrs["gates"]`` holds the convergence gates as JSON.

    Raises
    ------
    Refusal
        Where the kept file cannot be read or is not what was written.
    """
    path = cache_folder() / f"posterior-{key}.nc"
    if path.exists():
        return _read(path)
    found = sample(build(), sampler, seed, progress=progress)
    _keep(found, path)
    return found


def is_kept(key: str) -> bool:
    """Return whether a posterior is in the cache."""
    return (cache_folder() / f"posterior-{key}.nc").exists()


def load_pymc():
    """Return PyMC, loaded without the notices that it and ArviZ 0.23 print at import and while sampling."""
    import logging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pymc
    logging.getLogger("pymc").setLevel(logging.ERROR)
    return pymc


def sample(model, sampler: Sampler, seed: int, *, progress: bool = False) -> xr.Dataset:
    """Return draws from the posterior of a PyMC model, with its gates.

    Parameters
    ----------
    model
        A PyMC model.
    sampler
        Backend, chains, iterations.
    seed
        Root seed.
    progress
        Whether to show progress.
    """
    pm = load_pymc()
    import pytensor

    # with fast arithmetic a cold and a warm compilation cache give different draws
    with warnings.catch_warnings(), pytensor.config.change_flags(numba__fastmath=False):
        warnings.simplefilter("ignore")
        tree = pm.sample(
            draws=sampler.draws * sampler.thin,
            tune=sampler.tune,
            chains=sampler.chains,
            cores=min(sampler.chains, os.cpu_count() or 1),
            target_accept=sampler.target_accept,
            nuts_sampler=sampler.backend,
            random_seed=seed % 2**32,
            progressbar=progress,
            compute_convergence_checks=False,
            model=model,
        )
    found = _dataset(tree["posterior"]).isel(draw=slice(sampler.thin - 1, None, sampler.thin))
    found = found.assign_coords(draw=np.arange(sampler.draws))
    found = found[[name for name in found.data_vars if not name.endswith("__")]]
    found.attrs = {}
    diverging = int(np.asarray(_dataset(tree["sample_stats"])["diverging"]).sum())
    found.attrs["gates"] = json.dumps(gates(found, diverging))
    return found


def gates(found: xr.Dataset, diverging: int) -> dict:
    """Return the convergence gates: R-hat, effective sample sizes and divergences, the worst named in words.

    Parameters
    ----------
    found
        Draws by (chain, draw, ...).
    diverging
        Number of divergent transitions.

    Returns
    -------
    dict
        ``verdict`` (PASS or FAIL), ``r_hat_max``, ``ess_bulk_min``, ``ess_tail_min``, ``divergences``, the limits,
        ``worst`` and ``reason``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few draws warn; the gate says so itself
        r_hat, bulk, tail = _statistics(found)
    worst_r, where_r = _extreme(r_hat, largest=True)
    worst_b, where_b = _extreme(bulk, largest=False)
    worst_t, where_t = _extreme(tail, largest=False)
    wrong = []
    if not worst_r <= LARGEST_R_HAT:
        wrong.append(
            f"R-hat is {worst_r:.3f}, above {LARGEST_R_HAT}, for {where_r}: the chains disagree, run more tuning"
        )
    if not worst_b >= SMALLEST_ESS:
        wrong.append(f"bulk ESS is {worst_b:.0f}, below {SMALLEST_ESS}, for {where_b}: run more draws")
    if not worst_t >= SMALLEST_ESS:
        wrong.append(f"tail ESS is {worst_t:.0f}, below {SMALLEST_ESS}, for {where_t}: run more draws")
    if diverging:
        wrong.append(f"{diverging} divergent transitions: raise sampler.target_accept")
    fine = f"R-hat at most {worst_r:.3f}, ESS at least {worst_b:.0f} in bulk and {worst_t:.0f} in tails, no divergences"
    return {
        "verdict": "FAIL" if wrong else "PASS",
        "reason": "; ".join(wrong) if wrong else fine,
        "r_hat_max": worst_r,
        "ess_bulk_min": worst_b,
        "ess_tail_min": worst_t,
        "divergences": diverging,
        "worst": where_r,
        "limits": LIMITS,
        "n_draws": int(found.sizes["chain"] * found.sizes["draw"]),
    }


def _statistics(found: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    if sys.version_info >= (3, 12):
        from arviz_stats import ess, rhat  # ArviZ 1 in its parts: no plotting is loaded
    else:
        from arviz import ess, rhat
    return tuple(_dataset(part) for part in (rhat(found), ess(found, method="bulk"), ess(found, method="tail")))


def _dataset(part) -> xr.Dataset:
    """Return a plain Dataset of what either version gives."""
    return part.to_dataset() if hasattr(part, "to_dataset") else part


def _extreme(statistic: xr.Dataset, *, largest: bool) -> tuple[float, str]:
    """Return the worst value of a diagnostic and the parameter it belongs to, in words."""
    worst, where = None, ""
    for name, values in statistic.data_vars.items():
        flat = np.nan_to_num(values.values.ravel(), nan=np.inf if largest else -np.inf)
        at = int(flat.argmax() if largest else flat.argmin())
        if worst is None or (flat[at] > worst if largest else flat[at] < worst):
            index = np.unravel_index(at, values.shape)
            labels = [str(values[dim].values[i]) for dim, i in zip(values.dims, index, strict=True)]
            meaning = POSTERIOR_NAMES.get(str(name))
            worst, where = float(flat[at]), " ".join([f"{name!r}", *([f"({meaning})"] if meaning else []), *labels])
    return worst, where


def checksum(found: xr.Dataset) -> str:
    """Return the SHA-256 of a posterior: its draws and its gates."""
    digest = hashlib.sha256(str(found.attrs.get("gates")).encode())
    for name in sorted(str(name) for name in found.data_vars):
        digest.update(name.encode() + np.ascontiguousarray(found[name].values, dtype="<f8").tobytes())
    return digest.hexdigest()


def _keep(found: xr.Dataset, path: Path) -> None:
    """Write a posterior whole or not at all; a cache that cannot be written costs time, not the run."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
        os.close(handle)
        try:
            found.assign_attrs(checksum=checksum(found)).to_netcdf(name, engine="h5netcdf")
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        print(f"the posterior was not kept, so the next run samples again ({error})", file=sys.stderr)


def _read(path: Path) -> xr.Dataset:
    try:
        found = xr.load_dataset(path, engine="h5netcdf")
        whole = found.attrs.pop("checksum", None) == checksum(found) and bool(json.loads(found.attrs["gates"]))
    except Exception as error:  # a damaged file fails in as many ways as there are readers
        raise Refusal(
            f"the kept posterior {path} cannot be read ({type(error).__name__}): delete it and run again"
        ) from None
    if not whole:
        raise Refusal(f"the kept posterior {path} is not what was written: delete it and run again")
    return found
