"""Counterfactual: what would have been published without the programme, drawn exactly from each posterior draw.

Level and deviation are Gaussian given the record, so their present values are drawn from the exact conditional
and carried on: the deviation reverts, England drifts and wanders, and a district is moved off its county.
"""

import numpy as np
import xarray as xr

from oa_sim import scale
from oa_sim.areas import GLD
from oa_sim.baseline import Record, record
from oa_sim.refusal import Refusal
from oa_sim.scenario import Scenario
from oa_sim.streams import stream
from oa_sim.tables import Row
from oa_sim.variables import LONGEST_HORIZON, MEASURES

DAMPING = 0.8  # of England's drift from one year to the next: a trend is not trusted for long
# a district's own early-years figures less its county's: assumed; West Somerset closed its gap faster than this allows
DISTRICT_LEVEL_SD, DISTRICT_DEVIATION_SD, DISTRICT_PERSISTENCE, DISTRICT_NOISE_SD = 0.15, 0.06, 0.8, 0.02
NEEDED = ("mu", "level_sd", "deviation_sd", "noise_sd", "persistence", "national_drift", "national_sd")


def project(
    scenario: Scenario, posterior: xr.Dataset, history: xr.Dataset, tables: dict[str, list[Row]], rolls: xr.DataArray
) -> xr.DataArray:
    """Return the counterfactual on the latent scale, noise included: what would be published.

    Parameters
    ----------
    scenario
        Its areas, measures, years and seed; the first year follows the history.
    posterior
        Draws of the hyperparameters by (chain, draw, series).
    history
        From ``areas.history``.
    tables
        The checked tables; ``proxies`` is used.
    rolls
        (area, group, year_group), pupils.

    Returns
    -------
    DataArray
        (chain, draw, area, group, measure, year), SD; NaN for a group that is not modelled.
    """
    known = record(history)
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    areas, measures, seed = scenario.areas.names, scenario.measures, scenario.seed
    # always the longest horizon, and then cut, so that a year is the same whatever horizon is asked for
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    shape = {"area": areas, "group": ["disadvantaged", "other", "all"], "measure": measures, "year": years}
    out = np.full((*size, *(len(values) for values in shape.values())), np.nan)
    offsets = {area: _district_offset(history, area, years, size, rolls, seed) for area in areas}
    for s, name in enumerate(known.series):
        measure, group = name
        if measure not in measures:
            continue
        draws = {key: posterior[key].isel(series=s).values for key in NEEDED}
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
    drawn = xr.DataArray(out, shape, ("chain", "draw", *shape), attrs={"units": "SD"})
    return drawn.sel(year=scenario.years)


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
        [(GLD, "all")],
        [area],
        history.year.values,
        np.where(seen, gap, 0.0)[None, None],
        seen[None, None].astype(float),
        sampling[None, None],
        np.empty((1, 0)),
        {},
    )
    course = _relative(draws, one, 0, 0, years, stream(seed, "district", area))
    return {"course": course, "level": course.mean(-1)}


def _proxy_offset(offset: dict | None, tables, name: tuple[str, str], size, rng: np.random.Generator):
    """Return what is added to a county's series to stand for its district (chain, draw, year), SD."""
    if offset is None:
        return 0.0
    row = next((row for row in tables["proxies"] if (row["measure"], row["group"]) == name), None)
    if row is None:
        raise Refusal(f"proxies.csv has no row for {name[0]}, {name[1]}, which a district needs: add one")
    follows = offset["course"] if name[0] == GLD else offset["level"][..., None]
    return row["slope"] * follows + row["residual_sd"] * rng.standard_normal(size)[..., None]
