"""Sampling: from a model to draws from its posterior, and the gates that they have to pass.

The only file that knows the sampler's and ArviZ's versions: PyMC 5 gives an InferenceData and ArviZ 0.23
takes one; PyMC 6 gives a DataTree and ArviZ 1 takes it. Plain xarray Datasets go out.
"""

import json
import os
import platform
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from oa_sim.definitions import POSTERIOR_NAMES
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Sampler

LARGEST_R_HAT = 1.01
SMALLEST_ESS = 400
LIMITS = {"r_hat_max": LARGEST_R_HAT, "ess_min": SMALLEST_ESS, "divergences": 0}
LIBRARIES = ("numpy", "scipy", "pymc", "pytensor", "nutpie", "numba", "arviz", "xarray", "hydra-core")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that make the numbers."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def load_pymc() -> Any:
    """Return PyMC, loaded without the notices that it and ArviZ 0.23 print at import and while sampling."""
    import logging

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pymc
    logging.getLogger("pymc").setLevel(logging.ERROR)
    return pymc


def sample(model, sampler: Sampler, seed: int, *, progress: bool = False) -> xr.Dataset:
    """Return draws from the posterior of a PyMC model, with its gates.

    The sampler starts about the mode and takes the curvature there as its metric, so that it has little to learn:
    with hundreds of hyperparameters a short tuning is enough.

    Parameters
    ----------
    model
        A PyMC model whose variables are all unbounded.
    sampler
        Backend, chains, iterations.
    seed
        Root seed.
    progress
        Whether to show progress.
    """
    pm = load_pymc()
    import pytensor
    from threadpoolctl import threadpool_limits

    # one thread of linear algebra a chain: matrices are small, and threads that wait for each other slow all chains;
    # with fast arithmetic a cold and a warm compilation cache give different draws
    with warnings.catch_warnings(), pytensor.config.change_flags(numba__fastmath=False), threadpool_limits(1):
        warnings.simplefilter("ignore")
        options = {"nuts_sampler": sampler.backend, "target_accept": sampler.target_accept}
        if sampler.backend == "pymc":
            options = _about_the_mode(model, sampler, seed)
        tree = pm.sample(
            draws=sampler.draws * sampler.thin,
            tune=sampler.tune,
            chains=sampler.chains,
            cores=min(sampler.chains, os.cpu_count() or 1),
            random_seed=seed % 2**32,
            progressbar=progress,
            compute_convergence_checks=False,
            model=model,
            **options,
        )
    found = _dataset(tree["posterior"]).isel(draw=slice(sampler.thin - 1, None, sampler.thin))
    found = found.assign_coords(draw=np.arange(sampler.draws))
    found.attrs = {}
    diverging = int(np.asarray(_dataset(tree["sample_stats"])["diverging"]).sum())
    found.attrs["gates"] = json.dumps(gates(found, diverging))
    return found


def mode(model) -> tuple[np.ndarray, np.ndarray, Callable]:
    """Return the posterior mode, the covariance that its curvature gives, and what turns a point into named values.

    Returns
    -------
    mode : array (parameter)
    covariance : array (parameter, parameter)
    named : callable
        Takes a point and returns a dict of values, as ``initvals`` wants them.
    """
    from pymc.blocking import DictToArrayBijection, RaveledVars
    from scipy.optimize import minimize

    with model:
        function = model.logp_dlogp_function(ravel_inputs=True)
        function.set_extra_values({})
    start = model.initial_point()
    start = DictToArrayBijection.map({name: start[name] for name in (v.name for v in model.value_vars)})

    def loss(point):
        value, slope = function(RaveledVars(point, start.point_map_info))
        return -float(value), -np.asarray(slope, dtype=float)

    options = {"maxiter": 1000, "maxfun": 2000, "maxcor": 30}
    found = minimize(loss, start.data.astype(float), jac=True, method="L-BFGS-B", options=options).x
    step = 1e-4 * np.eye(len(found))
    curvature = np.array([(loss(found + one)[1] - loss(found - one)[1]) / 2e-4 for one in step])
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    covariance = (vectors / np.maximum(values, 1.0)) @ vectors.T  # no prior is wider than an SD of 1
    return found, covariance, lambda point: DictToArrayBijection.rmap(RaveledVars(point, start.point_map_info))


def fingerprint(model) -> list[list[float]]:
    """Return how a model's density behaves at three fixed points: it tells one law from another, whatever its text.

    Parameters
    ----------
    model
        A PyMC model whose variables are all unbounded.

    Returns
    -------
    list of [log density, length of its gradient, mean of the gradient along a wave], a row for each point
    """
    import pytensor

    with model, pytensor.config.change_flags(numba__fastmath=False):
        density = model.logp_dlogp_function(ravel_inputs=True, mode="FAST_COMPILE")
    density.set_extra_values({})
    size = sum(np.size(value) for value in model.initial_point().values())
    found = []
    for point in range(3):
        value, slope = density(0.3 * np.cos(point + np.arange(size) * (1 + point)))
        wave = float(np.mean(slope * np.cos(np.arange(size))))
        found.append([float(value), float(np.linalg.norm(slope)), wave])
    return found


def _about_the_mode(model, sampler: Sampler, seed: int) -> dict:
    """Return the sampler's step, with the curvature at the mode as its metric, and where each chain starts."""
    pm = load_pymc()
    from pymc.step_methods.hmc.quadpotential import QuadPotentialFull

    centre, covariance, named = mode(model)
    root = np.linalg.cholesky(covariance)
    starts = [
        named(centre + root @ stream(seed, "start", str(chain)).standard_normal(len(centre)))
        for chain in range(sampler.chains)
    ]
    with model:
        step = pm.NUTS(potential=QuadPotentialFull(covariance), target_accept=sampler.target_accept)
    return {"step": step, "initvals": starts}


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
