"""Summaries: figures read off the draws of a result. A mean over areas is formed draw by draw."""

from collections.abc import Mapping

import numpy as np

from oa_sim.definitions import headline_of
from oa_sim.inference.mcse import Summary
from oa_sim.inputs import areas
from oa_sim.simulation.result import Result

KINDS = {"proxy": ("county proxy", "county proxies"), "estimated": ("own estimate", "own estimates")}
BAND = (0.05, 0.25, 0.5, 0.75, 0.95)  # the 90% band, the 50% band and the median
SMALLEST_CHANGE = 1e-4  # in a measure's unit; below it a sentence about size would be noise


def has_impact(result: Result) -> bool:
    """Return whether the scenario changes anything at all."""
    return bool((result.draws.impact.sel(group="all").values != 0).any())


def mean_of_areas(
    result: Result, quantity: str, measure: str, group: str = "all", area: str | None = None
) -> np.ndarray:
    """Return the band (quantile, year) of an area, or of the unweighted mean over areas formed draw by draw."""
    draws = result.draws[quantity].sel(measure=measure, group=group).transpose("chain", "draw", "area", "year").values
    mean = draws[:, :, _which(result, area)].astype(float).mean(axis=2)
    return np.asarray(np.quantile(mean.reshape(-1, mean.shape[-1]), BAND, axis=0))


def published(result: Result, measure: str, group: str = "all", area: str | None = None) -> np.ndarray:
    """Return the published figures (history year) of an area, or their mean; see ``areas.mean_past``."""
    past = result.draws[["history", "county_history"]].sel(measure=measure, group=group)
    if area := _alone(result, area):
        return np.asarray(past.history.sel(area=area).values)
    return np.asarray(areas.mean_past(past.history, past.county_history).values)


def county_published(result: Result, measure: str, group: str, area: str | None = None) -> np.ndarray:
    """Return what is published of a county (history year), beside its district's own; nothing beside a mean."""
    past = result.draws.county_history.sel(measure=measure, group=group)
    area = _alone(result, area)
    return np.asarray(past.sel(area=area).values if area else past.isel(area=0).values * np.nan)


def _alone(result: Result, area: str | None) -> str | None:
    """Return an area, or the only one that a result has; None of a mean over several."""
    return str(result.draws.area.values[0]) if area is None and result.draws.sizes["area"] == 1 else area


def _which(result: Result, area: str | None) -> list[int] | slice:
    return slice(None) if area is None else [result.draws.area.values.tolist().index(area)]


def impact_by_area(result: Result, measure: str, group: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (area) and band (quantile, area) of the impact in the headline's year, in the measure's unit."""
    place = {"measure": measure, "group": group, "year": headline_year(result)}
    values = result.draws.impact.sel(place).transpose("chain", "draw", "area").values.astype(float)
    values = values.reshape(-1, values.shape[-1])
    return values.mean(axis=0), np.quantile(values, BAND, axis=0)


def over_areas(result: Result, area: str | None = None) -> str:
    """Return what a mean over areas is called, or an area."""
    n = result.draws.sizes["area"]
    return area or (f"mean of the {n} areas" if n > 1 else str(result.draws.area.values[0]))


def whose(result: Result, measure: str, group: str, area: str | None = None) -> str:
    """Return whom figures are of: pupils and place, with their marks."""
    return f"{group} pupils, {over_areas(result, area)}{mark_of(result, measure, group, area)}"


def mark_of(result: Result, measure: str, group: str, area: str | None = None) -> str:
    """Return the mark of figures that are a county's or estimates, and of a failed gate; nothing where all is well."""
    kinds = result.draws[["proxy", "estimated"]].sel(measure=measure, group=group)
    marked = [(int(kinds[kind].values[_which(result, area)].sum()), *words) for kind, words in KINDS.items()]
    if _alone(result, area):
        said = [one for n, one, _ in marked if n]
    else:
        said = [f"{n} of them {several}" for n, _, several in marked if n]
    return (f" ({', '.join(said)})" if said else "") + failed(result)


def failed(result: Result) -> str:
    """Return the mark of a result whose gates failed; nothing where they passed."""
    return result.mark


def headline_measure(result: Result) -> tuple[str, str]:
    """Return the measure and group that the headline speaks of."""
    return headline_of(result.draws.measure.values.tolist())


def headline_year(result: Result) -> int:
    """Return the year the headline speaks of: the last funded one, or the last projected where that is earlier."""
    first, last = result.draws.year.values[[0, -1]].tolist()
    return int(np.clip(result.sustainability.attrs["last_funded_year"], first, last))


def left_after(left: Mapping[str, float], years: int, n_draws: int) -> tuple[Summary, tuple[float, float]]:
    """Return the share of a peak that is left some years after funding ends, and the chance of half with its error.

    ``left`` holds ``left_5y`` with ``_q05`` and ``_q95``, and ``p_half_left_5y``, or those of another year. The errors
    are those of independent draws, since the draws themselves are not kept.
    """
    middle, low, high = (left[f"left_{years}y{end}"] for end in ("", "_q05", "_q95"))
    half, scatter = left[f"p_half_left_{years}y"], 1 / np.sqrt(n_draws)
    of_share, of_half = (high - low) / (3.29) * scatter, np.sqrt(max(half * (1 - half), 0)) * scatter
    return Summary(middle, low, high, float(of_share)), (half, float(of_half))
