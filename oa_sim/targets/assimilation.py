"""Assimilation: what new figures say of an area, of England, and of the draws themselves.

Given a draw of the hyperparameters and of the programme everything else is Gaussian, so new figures are taken in
exactly: the programme's part is taken off them, and areas and England are carried on from there. How likely the figures
are in each draw says what it counts for from then on; where a few draws would count for nearly all, the
hyperparameters must be learned again.
"""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES
from oa_sim.inference import area_forecast, counterfactual, importance_sampling, national_trend
from oa_sim.inference.observations import Record, record
from oa_sim.inputs import areas
from oa_sim.inputs.tables import Row, restrict_to_areas
from oa_sim.programme import delivery
from oa_sim.projection import impact
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario


@dataclass(frozen=True, eq=False)
class Update:
    """What new figures make of a projection.

    Attributes
    ----------
    weight : array (draw)
        What each draw counts for; they sum to 1.
    k
        Pareto shape of the weights; from 0.7 on they cannot be relied on.
    effective
        Draws that they are worth.
    taken : array (draw)
        Draws in the place of draws, as often as their weight says.
    outcomes : Dataset
        ``projection``, ``counterfactual``, ``impact`` (chain, draw, area, group, measure, year) of the years to come,
        draws taken by their weight.
    history : Dataset
        From ``areas.history``, new figures among them.
    """

    weight: np.ndarray
    k: float
    effective: float
    taken: np.ndarray
    outcomes: xr.Dataset
    history: xr.Dataset


def update(
    scenario: Scenario,
    posterior: xr.Dataset,
    tables: dict[str, list[Row]],
    gain: xr.DataArray,
    drawn: xr.Dataset,
    until: int,
    *,
    is_learned_again: bool = False,
) -> Update:
    """Return what new figures make of a projection.

    Parameters
    ----------
    scenario
        The question; its start lies before the new figures.
    posterior
        Draws of the hyperparameters by (chain, draw, ...).
    tables
        The checked tables with the new figures.
    gain
        (chain, draw, area, group, measure, year), SD, ``all`` among the groups: what the programme adds.
    drawn
        Draws of the programme's parameters.
    until
        The last year with new figures.
    is_learned_again
        Whether the hyperparameters know the new figures already; then only the programme is weighed by them.
    """
    here = restrict_to_areas(tables, scenario.areas.names)
    history = areas.history(here, until)
    known, pupils = record(history), areas.pupils(here)
    brought = {area: _brought(scenario, known, gain, history, area) for area in scenario.areas.names}
    log_ratio = _log_density(scenario, posterior, known, history, brought)
    if is_learned_again:
        nothing = {area: np.zeros_like(values) for area, values in brought.items()}
        log_ratio = log_ratio - _log_density(scenario, posterior, known, history, nothing)
    else:
        log_ratio = log_ratio + of_england(posterior, known, scenario)
    weight, k = importance_sampling.weigh(log_ratio)
    taken = _taken(weight, scenario.seed)
    ahead = replace(scenario, start_year=until + 1, horizon=LONGEST_HORIZON)
    latent = counterfactual.project(ahead, posterior, history, tables, pupils.rolls, brought)
    lost = delivery.learning_lost(ahead, drawn, pupils.share)
    years = [year for year in scenario.years if year > until]
    latent = (latent.drop_vars("national") - lost.reindex(group=list(GROUPS), fill_value=0.0)).sel(year=years)
    found = impact.outcomes(latent, gain.sel(year=years), pupils)
    return Update(weight, k, importance_sampling.effective(weight), taken, by_weight(found, taken), history)


def _brought(scenario: Scenario, known: Record, gain: xr.DataArray, history: xr.Dataset, area: str) -> np.ndarray:
    """Return what the programme has added to an area's own figures (draw, series, year), SD; to a county's nothing."""
    n = gain.sizes["chain"] * gain.sizes["draw"]
    out = np.zeros((n, len(known.series), len(known.years)))
    if bool(history.proxy.sel(area=area).any()):
        return out
    years = [int(year) for year in known.years if year >= scenario.start_year and year in gain.year.values]
    for s, (measure, group) in enumerate(known.series):
        if measure in scenario.measures and years:
            sign = -1.0 if MEASURES[measure].lower_is_better else 1.0
            mine = gain.sel(area=area, group=group, measure=measure, year=years).transpose("chain", "draw", "year")
            out[:, s, np.isin(known.years, years)] = sign * mine.values.reshape(n, -1)
    return out


def _log_density(scenario: Scenario, posterior, known: Record, history, brought: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log density of all areas' new figures in each draw (draw)."""
    hyper = area_forecast.law(posterior, known.series)
    total = np.zeros(len(hyper.mean))
    for area in _once(scenario, history):
        is_proxy = bool(history.proxy.sel(area=area).any())
        total += area_forecast.log_density(
            hyper, known, area, scenario.start_year, is_proxy=is_proxy, brought=brought[area]
        )
    return total


def _once(scenario: Scenario, history: xr.Dataset) -> list[str]:
    """Return areas whose published figures differ: two districts of one county have its figures once."""
    found: dict[bytes, str] = {}
    for area in scenario.areas.names:
        found.setdefault(np.nan_to_num(history.published.sel(area=area).values, nan=-1.0).tobytes(), area)
    return list(found.values())


def of_england(posterior: xr.Dataset, known: Record, scenario: Scenario) -> np.ndarray:
    """Return the log density of England's new figures in each draw (draw), given those before."""
    law = {name: posterior[kept].values.ravel() for name, kept in counterfactual.MOVES.items()}
    sd = posterior["national_sd"].values.reshape(len(law["trend"]), -1)
    total = np.zeros(len(sd))
    for measure in dict.fromkeys(measure for measure, _ in known.series):
        here = [s for s, name in enumerate(known.series) if name[0] == measure and len(known.national[s].years) > 1]
        if not here:
            continue
        names = [known.series[s] for s in here]
        before = [_cut(known.national[s], scenario.start_year) for s in here]
        if any(len(one.years) < 1 for one in before):
            continue
        mine = law | {"sd": sd[:, here]}
        total += _of_steps(names, [known.national[s] for s in here], mine) - _of_steps(names, before, mine)
    return total


def _cut(one, start: int):
    """Return England's course without the figures from a year on."""
    seen = one.years < start
    return replace(one, years=one.years[seen], figures=one.figures[seen])


def _of_steps(names: list[tuple[str, str]], courses: list, law: dict[str, np.ndarray]) -> np.ndarray:
    """Return the log density of all steps of courses in each draw (draw)."""
    of = national_trend.steps(names, courses)
    if not len(of.change):
        return np.zeros(len(law["trend"]))
    root = np.linalg.cholesky(national_trend.covariance(of, **law))
    change = np.broadcast_to(of.change[:, None], (len(root), len(of.change), 1))
    white = np.linalg.solve(root, change)[..., 0]
    diagonal = np.diagonal(root, axis1=1, axis2=2)
    return -0.5 * (white**2).sum(axis=1) - np.log(diagonal).sum(axis=1) - 0.5 * len(of.change) * np.log(2 * np.pi)


def _taken(weight: np.ndarray, seed: int) -> np.ndarray:
    """Return draws taken in the place of draws, as often as their weight says (systematic resampling)."""
    n = len(weight)
    at = (np.arange(n) + stream(seed, "draws taken by new figures").uniform()) / n
    return np.minimum(np.searchsorted(np.cumsum(weight), at), n - 1)


def by_weight(outcomes: xr.Dataset, taken: np.ndarray) -> xr.Dataset:
    """Return outcomes with draws taken in the place of draws."""
    size = (outcomes.sizes["chain"], outcomes.sizes["draw"])
    chain, draw = np.unravel_index(taken.reshape(size), size)
    at = {"chain": xr.DataArray(chain, dims=("chain_", "draw_")), "draw": xr.DataArray(draw, dims=("chain_", "draw_"))}
    found = outcomes.isel(at).rename(chain_="chain", draw_="draw")
    return found.drop_vars([name for name in ("chain", "draw") if name in found.coords and found[name].ndim > 1])
