"""Sampling: from a model to draws from its posterior, and the gates that they have to pass.

With ``mcse`` it alone knows the sampler's and ArviZ's versions: PyMC 5 gives an InferenceData and ArviZ 0.23 takes one;
PyMC 6 gives a DataTree and ArviZ 1 takes it. Plain xarray Datasets go out.
"""

import json
import os
import platform
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from oa_sim.definitions import POSTERIOR_NAMES
from oa_sim.inference.mcse import diagnostic, plain_dataset
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Sampler

LARGEST_R_HAT, SMALLEST_ESS = 1.01, 400
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


def sample(model: Any, sampler: Sampler, seed: int, *, progress: bool = False) -> xr.Dataset:
    """Return draws from the posterior of a PyMC model whose variables are all unbounded, with its gates.

    The sampler starts about the mode and takes the curvature there as its metric, so that it has little to learn:
    with hundreds of hyperparameters a short tuning is enough.
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
    drawn = plain_dataset(tree["posterior"]).isel(draw=slice(sampler.thin - 1, None, sampler.thin))
    drawn = drawn.assign_coords(draw=np.arange(sampler.draws))
    diverging = int(np.asarray(plain_dataset(tree["sample_stats"])["diverging"]).sum())
    drawn.attrs = {"gates": json.dumps(gates(drawn, diverging))}
    return drawn


def mode(model: Any) -> tuple[np.ndarray, np.ndarray, Callable[[np.ndarray], dict[str, np.ndarray]]]:
    """Return the posterior mode (parameter), and the covariance (parameter, parameter) that its curvature gives.

    The third answer turns a point into named values, as ``initvals`` wants them.
    """
    from pymc.blocking import DictToArrayBijection, RaveledVars
    from scipy.optimize import minimize

    with model:
        function = model.logp_dlogp_function(ravel_inputs=True)
        function.set_extra_values({})
    start = model.initial_point()
    start = DictToArrayBijection.map({name: start[name] for name in (v.name for v in model.value_vars)})

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = function(RaveledVars(point, start.point_map_info))
        return -float(value), -np.asarray(slope, dtype=float)

    options = {"maxiter": 1000, "maxfun": 2000, "maxcor": 30}
    best = minimize(loss, start.data.astype(float), jac=True, method="L-BFGS-B", options=options).x
    steps = 1e-4 * np.eye(len(best))
    curvature = np.array([(loss(best + step)[1] - loss(best - step)[1]) / 2e-4 for step in steps])
    values, vectors = np.linalg.eigh(0.5 * (curvature + curvature.T))
    covariance = (vectors / np.maximum(values, 1.0)) @ vectors.T  # no prior is wider than an SD of 1
    return best, covariance, lambda point: DictToArrayBijection.rmap(RaveledVars(point, start.point_map_info))


def _about_the_mode(model: Any, sampler: Sampler, seed: int) -> dict[str, Any]:
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


def gates(draws: xr.Dataset, diverging: int) -> dict[str, Any]:
    """Return the convergence gates of draws (chain, draw, ...): R-hat, effective sample sizes and divergences.

    With the ``verdict`` (PASS or FAIL) stand the limits, the ``worst`` parameter and the ``reason`` in words.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # too few draws warn; the gate says so itself
        worst_r, where_r = _extreme(diagnostic("rhat", draws), largest=True)
        worst_b, where_b = _extreme(diagnostic("ess", draws, method="bulk"), largest=False)
        worst_t, where_t = _extreme(diagnostic("ess", draws, method="tail"), largest=False)
    wrong = []
    if not worst_r <= LARGEST_R_HAT:
        wrong.append(
            f"R-hat is {worst_r:.3f}, above {LARGEST_R_HAT}, for {where_r}: the chains disagree, run more tuning"
        )
    for name, least, where in (("bulk", worst_b, where_b), ("tail", worst_t, where_t)):
        if not least >= SMALLEST_ESS:
            wrong.append(f"{name} ESS is {least:.0f}, below {SMALLEST_ESS}, for {where}: run more draws")
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
        "n_draws": int(draws.sizes["chain"] * draws.sizes["draw"]),
    }


def _extreme(statistic: xr.Dataset, *, largest: bool) -> tuple[float, str]:
    """Return the worst value of a diagnostic and the parameter it belongs to, in words."""
    worst, where = -np.inf if largest else np.inf, ""
    for name, values in statistic.data_vars.items():
        flat = np.nan_to_num(values.values.ravel(), nan=np.inf if largest else -np.inf)
        place = int(flat.argmax() if largest else flat.argmin())
        if not where or (flat[place] > worst if largest else flat[place] < worst):
            index = np.unravel_index(place, values.shape)
            labels = [str(values[dim].values[i]) for dim, i in zip(values.dims, index, strict=True)]
            meaning = POSTERIOR_NAMES.get(str(name))
            worst, where = float(flat[place]), " ".join([f"{name!r}", *([f"({meaning})"] if meaning else []), *labels])
    return worst, where
