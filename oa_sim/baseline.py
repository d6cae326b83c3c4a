"""Baseline: what would have happened anyway.

On the latent scale, for area a, series s (a measure of a group) and year t:

    z[a,s,t] = national[s,t] + mu[s] + level[a,s] + deviation[a,s,t] + noise[a,s,t]

``level`` is partially pooled, ``deviation`` is first-order autoregressive and reverts to it: the areas were
chosen for being low, so part of any recovery comes free. Level, deviation and noise are integrated out here,
and drawn exactly, given the record and each posterior draw, in ``counterfactual``.
"""

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim import scale
from oa_sim.inference import LIMITS, load_pymc
from oa_sim.streams import stream
from oa_sim.variables import series

# priors: the centre of each SD over series (SD, or SD / year), the spread of that centre, and what else there is
CENTRES = {"level_sd": (0.12, 0.4), "deviation_sd": (0.07, 0.3), "noise_sd": (0.035, 0.3), "national_sd": (0.03, 0.4)}
SERIES_SPREAD = 0.4  # log SD of a series about the centre
MU_SD, DRIFT_SD = 0.3, 0.02
PERSISTENCE = (8.0, 2.0)  # Beta


@dataclass(frozen=True)
class Record:
    """The record on the latent scale, as plain arrays.

    Attributes
    ----------
    series
        Pairs (measure, group).
    areas, years
        Their labels.
    relative : array (series, area, year)
        Published figure less England's, SD; 0 where not observed.
    observed : array (series, area, year)
        1 where observed and not left out by a break.
    sampling : array (series, area, year)
        Sampling variance, SD squared.
    change : array (series, year)
        England's change on the year before, SD; NaN across a break or a gap.
    national : dict
        Series to (year, value) of England's last usable figure, SD.
    """

    series: list[tuple[str, str]]
    areas: list[str]
    years: np.ndarray
    relative: np.ndarray
    observed: np.ndarray
    sampling: np.ndarray
    change: np.ndarray
    national: dict[tuple[str, str], tuple[int, float]]


def record(history: xr.Dataset) -> Record:
    """Return the history on the latent scale, England's course taken out.

    Parameters
    ----------
    history
        From ``areas.history``.
    """
    names, areas, years = series(), [str(a) for a in history.area.values], history.year.values
    shape = (len(names), len(areas), len(years))
    relative, observed, sampling = np.zeros(shape), np.zeros(shape), np.full(shape, 1e-4)
    change, national = np.full((len(names), len(years)), np.nan), {}
    for s, (measure, group) in enumerate(names):
        at = {"measure": measure, "group": group}
        usable = history.breaks.sel(measure=measure).values < 2
        shifts = history.breaks.sel(measure=measure).values == 1
        england = np.where(usable, history.england.sel(at).values, np.nan)
        published = history.published.sel(at).values
        latent = scale.to_latent(measure, england)
        gap = scale.to_latent(measure, published) - latent
        seen = np.isfinite(gap)
        relative[s], observed[s] = np.where(seen, gap, 0.0), seen
        behind = history.behind.sel(at).values[:, None]
        sampling[s] = np.where(seen, scale.sampling_variance(measure, np.where(seen, published, 50.0), behind), 1e-4)
        change[s, 1:] = np.where(shifts[1:], np.nan, np.diff(latent))
        if np.isfinite(latent).any():
            last = np.flatnonzero(np.isfinite(latent))[-1]
            national[measure, group] = (int(years[last]), float(latent[last]))
    return Record(names, areas, years, relative, observed, sampling, change, national)


def model(known: Record):
    """Return the PyMC model of the record.

    Variables by series: ``mu`` (SD), ``level_sd``, ``deviation_sd``, ``noise_sd`` (SD), ``persistence`` (share of a
    deviation left a year later), ``national_drift`` and ``national_sd`` (SD / year). Each SD is shrunk to a centre
    that all series share. The priors stand at the top of this file.
    """
    pm = load_pymc()
    from oa_sim.gaussian import RecordDensity  # PyTensor is loaded only to fit

    change, changed = np.nan_to_num(known.change), np.isfinite(known.change).astype(float)
    with pm.Model(coords={"series": labels(known.series)}) as described:
        sd = {}
        for name, (typical, spread) in CENTRES.items():
            centre = pm.Normal(f"{name}_centre", np.log(typical), spread)
            sd[name] = pm.LogNormal(name, centre, SERIES_SPREAD, dims="series")
        mu = pm.Normal("mu", 0.0, MU_SD, dims="series")
        persistence = pm.Beta("persistence", *PERSISTENCE, dims="series")
        drift = pm.Normal("national_drift", 0.0, DRIFT_SD, dims="series")
        seen = RecordDensity(known.years, known.relative, known.observed, known.sampling)
        density = seen(mu, sd["level_sd"], sd["deviation_sd"], sd["noise_sd"], persistence)[0]
        pm.Potential("history", density)
        density = pm.logp(pm.Normal.dist(drift[:, None], sd["national_sd"][:, None]), change)
        pm.Potential("england", (density * changed).sum())
    return described


def prior_draws(chains: int, draws: int, seed: int) -> xr.Dataset:
    """Return draws of the hyperparameters from their priors, for a look that needs no fit.

    They carry the verdict FAIL, since no data stand behind them.
    """
    size = (chains, draws, len(series()))
    found = {}
    for name, (typical, spread) in CENTRES.items():
        rng = stream(seed, "prior", name)
        centre = np.log(typical) + spread * rng.standard_normal((chains, draws, 1))
        found[name] = np.exp(centre + SERIES_SPREAD * rng.standard_normal(size))
    found["mu"] = MU_SD * stream(seed, "prior", "mu").standard_normal(size)
    found["national_drift"] = DRIFT_SD * stream(seed, "prior", "national_drift").standard_normal(size)
    found["persistence"] = stream(seed, "prior", "persistence").beta(*PERSISTENCE, size)
    dims = ("chain", "draw", "series")
    gates = {"verdict": "FAIL", "reason": "drawn from the priors: nothing was fitted", "worst": "all"}
    gates |= {"r_hat_max": float("inf"), "ess_bulk_min": 0.0, "ess_tail_min": 0.0, "divergences": 0, "limits": LIMITS}
    coords = {"chain": range(chains), "draw": range(draws), "series": labels(series())}
    return xr.Dataset({name: (dims, value) for name, value in found.items()}, coords, {"gates": json.dumps(gates)})


def labels(names: list[tuple[str, str]]) -> list[str]:
    """Return the labels of the series in the posterior: ``measure, group``."""
    return [f"{measure}, {group}" for measure, group in names]
