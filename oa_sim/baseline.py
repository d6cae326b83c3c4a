"""Baseline: what would have happened anyway.

On the latent scale, for area a, series s (a measure of a group) and year t:

    z[a,s,t] = national[s,t] + mu[s] + level[a,s] + deviation[a,s,t] + noise[a,s,t]

``level`` is partially pooled, ``deviation`` is first-order autoregressive and reverts to it: the areas were
chosen for being low, so part of any recovery comes free. Level, deviation and noise are integrated out in
the fit and drawn exactly, given the record and each posterior draw, in the projection.
"""

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim import scale
from oa_sim.areas import GLD
from oa_sim.inference import load_pymc
from oa_sim.streams import stream
from oa_sim.tables import Row
from oa_sim.variables import MEASURES, series

DAMPING = 0.8  # of England's drift from one year to the next: a trend is not trusted for long
# a district's own early-years figures less its county's: assumed, wide enough for the six
DISTRICT_LEVEL_SD, DISTRICT_DEVIATION_SD, DISTRICT_PERSISTENCE, DISTRICT_NOISE_SD = 0.15, 0.06, 0.8, 0.02


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
    gates = {"verdict": "FAIL", "reason": "drawn from the priors: nothing was fitted"}
    coords = {"chain": range(chains), "draw": range(draws), "series": labels(series())}
    return xr.Dataset({name: (dims, value) for name, value in found.items()}, coords, {"gates": json.dumps(gates)})


def labels(names: list[tuple[str, str]]) -> list[str]:
    """Return the labels of the series in the posterior: ``measure, group``."""
    return [f"{measure}, {group}" for measure, group in names]


def project(
    posterior: xr.Dataset, history: xr.Dataset, tables: dict[str, list[Row]], rolls: xr.DataArray,
    years: list[int], *, areas: list[str], measures: list[str], seed: int,
) -> xr.DataArray:
    """Return the counterfactual on the latent scale, noise included: what would be published.

    Parameters
    ----------
    posterior
        Draws of the hyperparameters by (chain, draw, series).
    history
        From ``areas.history``.
    tables
        The checked tables; ``proxies`` is used.
    rolls
        (area, group, year_group), pupils.
    years
        The years to project, the first of them the year after the history.
    areas, measures
        What to project.
    seed
        Root seed.

    Returns
    -------
    DataArray
        (chain, draw, area, group, measure, year), SD; NaN for a group that is not modelled.
    """
    known = record(history)
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    shape = {"area": areas, "group": ["disadvantaged", "other", "all"], "measure": measures, "year": years}
    out = np.full((*size, *(len(values) for values in shape.values())), np.nan)
    offsets = {area: _district_offset(history, area, years, size, rolls, seed) for area in areas}
    for s, name in enumerate(known.series):
        measure, group = name
        if measure not in measures:
            continue
        draws = {key: posterior[key].isel(series=s).values for key in _NEEDED}
        course = _national(draws, known.national[name], years, stream(seed, "national", *name))
        for a, area in enumerate(areas):
            rng = stream(seed, "area", area, *name)
            local = _relative(draws, known, s, known.areas.index(area), years, rng)
            local += _proxy_offset(offsets[area], tables, name, size, stream(seed, "proxy", area, *name))
            centre = course + draws["mu"][..., None] + local
            behind = _own_pupils(rolls, area, group, measure)
            typical = scale.to_published(measure, np.median(centre))
            spread = np.sqrt(draws["noise_sd"] ** 2 + scale.sampling_variance(measure, typical, behind))
            noise = spread[..., None] * rng.standard_normal((*size, len(years)))
            out[:, :, a, shape["group"].index(group), measures.index(measure)] = centre + noise
    return xr.DataArray(out, shape, ("chain", "draw", *shape), attrs={"units": "SD"}).drop_vars("chain", errors="ignore")


_NEEDED = ("mu", "level_sd", "deviation_sd", "noise_sd", "persistence", "national_drift", "national_sd")


def _relative(draws: dict, known: Record, s: int, a: int, years: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return level plus deviation in the years to come (chain, draw, year), exact given the record and each draw."""
    seen = known.observed[s, a] > 0
    at = known.years[seen]
    base = years[0] - 1
    level, deviation = draws["level_sd"] ** 2, draws["deviation_sd"] ** 2
    phi = draws["persistence"]
    lag = np.abs(np.subtract.outer(at, at))
    noise = known.sampling[s, a, seen] + draws["noise_sd"][..., None] ** 2
    covariance = level[..., None, None] + deviation[..., None, None] * phi[..., None, None] ** lag
    covariance = covariance + noise[..., None] * np.eye(len(at))
    now = deviation[..., None] * phi[..., None] ** (base - at)
    cross = np.stack([np.broadcast_to(level[..., None], now.shape), now], axis=-1)
    prior = np.zeros((*level.shape, 2, 2))
    prior[..., 0, 0], prior[..., 1, 1] = level, deviation
    residual = known.relative[s, a, seen] - draws["mu"][..., None]
    mean, rest = _condition(residual, covariance, cross, prior)
    start = mean + (_root(rest) @ rng.standard_normal((*level.shape, 2, 1)))[..., 0]
    return start[..., :1] + _revert(start[..., 1], phi, deviation, len(years), rng)


def _condition(residual: np.ndarray, covariance: np.ndarray, cross: np.ndarray, prior: np.ndarray):
    """Return the mean and covariance of a few unknowns given a record.

    Parameters
    ----------
    residual : array (..., year)
        Record less its mean, observed years only.
    covariance : array (..., year, year)
        Covariance of the record.
    cross : array (..., year, unknown)
        Covariance of record and unknowns.
    prior : array (..., unknown, unknown)
        Covariance of the unknowns.

    Returns
    -------
    mean : array (..., unknown)
    covariance : array (..., unknown, unknown)
    """
    gain = np.linalg.solve(covariance, cross)  # (..., year, unknown)
    mean = (residual[..., None] * gain).sum(-2)
    rest = prior - np.swapaxes(cross, -1, -2) @ gain
    return mean, 0.5 * (rest + np.swapaxes(rest, -1, -2))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return the lower root of 2 x 2 covariances; written out, since rounding can leave one just short of definite."""
    first = np.sqrt(np.maximum(covariance[..., 0, 0], 1e-18))
    below = covariance[..., 1, 0] / first
    second = np.sqrt(np.maximum(covariance[..., 1, 1] - below**2, 0.0))
    return np.stack([np.stack([first, np.zeros_like(first)], -1), np.stack([below, second], -1)], -2)


def _revert(now, phi, variance, n_years: int, rng: np.random.Generator) -> np.ndarray:
    """Return the course of a first-order autoregressive deviation (chain, draw, year) from its present value."""
    shock = np.sqrt(variance * (1 - phi**2))
    course = np.empty((*now.shape, n_years))
    for t in range(n_years):
        now = phi * now + shock * rng.standard_normal(now.shape)
        course[..., t] = now
    return course


def _national(draws: dict, last: tuple[int, float], years: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return England's course (chain, draw, year): a damped drift and a random walk from its last figure."""
    steps = years[-1] - last[0]
    drift = draws["national_drift"][..., None] * DAMPING ** np.arange(1, steps + 1)
    shock = draws["national_sd"][..., None] * rng.standard_normal((*draws["mu"].shape, steps))
    course = last[1] + np.cumsum(drift + shock, axis=-1)
    return course[..., years[0] - last[0] - 1 :]


def _own_pupils(rolls: xr.DataArray, area: str, group: str, measure: str) -> float:
    mine = rolls.sel(area=area, year_group=list(MEASURES[measure].year_groups)).sum("year_group")
    return float(mine.sum() if group == "all" else mine.sel(group=group))


def _district_offset(history, area: str, years: list[int], size, rolls: xr.DataArray, seed: int) -> dict | None:
    """Return how a district's good level of development differs from its county's, or None for an authority.

    The difference is a level and a reverting deviation of its own, learned from the years in which both are
    published: with fewer such years it is known less well.
    """
    if not bool(history.proxy.sel(area=area).any()):
        return None
    own = history.own.sel(area=area).values
    county = history.published.sel(area=area, group="all", measure=GLD).values
    gap = scale.to_latent(GLD, own) - scale.to_latent(GLD, county)
    seen = np.isfinite(gap)
    draws = {
        "mu": np.zeros(size),
        "level_sd": np.full(size, DISTRICT_LEVEL_SD),
        "deviation_sd": np.full(size, DISTRICT_DEVIATION_SD),
        "noise_sd": np.full(size, DISTRICT_NOISE_SD),
        "persistence": np.full(size, DISTRICT_PERSISTENCE),
    }
    sampling = scale.sampling_variance(GLD, np.where(seen, own, 50.0), _own_pupils(rolls, area, "all", GLD))
    one = Record(
        [(GLD, "all")], [area], history.year.values, np.where(seen, gap, 0.0)[None, None],
        seen[None, None].astype(float), sampling[None, None], np.empty((1, 0)), {},
    )
    course = _relative(draws, one, 0, 0, years, stream(seed, "district", area))
    return {"course": course, "level": course.mean(-1)}


def _proxy_offset(offset: dict | None, tables, name: tuple[str, str], size, rng: np.random.Generator):
    """Return what is added to a county's series to stand for its district (chain, draw, year), SD."""
    if offset is None:
        return 0.0
    row = next(row for row in tables["proxies"] if (row["measure"], row["group"]) == name)
    follows = offset["course"] if name[0] == GLD else offset["level"][..., None]
    return row["slope"] * follows + row["residual_sd"] * rng.standard_normal(size)[..., None]
