"""Summaries: figures read off the draws of a result. A mean over areas is formed draw by draw."""

import numpy as np

from oa_sim.definitions import MEASURES, headline_of
from oa_sim.simulation.result import Result

BAND = (0.05, 0.25, 0.5, 0.75, 0.95)  # the 90% band, the 50% band and the median


def has_impact(result: Result) -> bool:
    """Return whether the scenario changes anything at all."""
    return bool((result.draws.impact.sel(group="all").values != 0).any())


def reading_year(result: Result) -> int:
    """Return the year at which areas are compared: the last funded one, or the last projected one if sooner."""
    first, last = result.draws.year.values[[0, -1]].tolist()
    return int(np.clip(result.sustainability.attrs["last_funded_year"], first, last))


def mean_of_areas(
    result: Result, quantity: str, measure: str, group: str = "all", area: str | None = None
) -> np.ndarray:
    """Return the band (quantile, year) of an area, or of the unweighted mean over areas formed draw by draw."""
    values = result.draws[quantity].sel(measure=measure, group=group).transpose("chain", "draw", "area", "year").values
    values = values[:, :, _which(result, area)]
    return np.quantile(values.astype(float).mean(axis=2).reshape(-1, values.shape[-1]), BAND, axis=0)


def published(result: Result, measure: str, group: str = "all", area: str | None = None) -> np.ndarray:
    """Return the published figures (history year) of an area, or their mean where every area has one."""
    values = result.draws.history.sel(measure=measure, group=group).transpose("area", ...).values
    return values[_which(result, area)].mean(axis=0)


def _which(result: Result, area: str | None) -> list[int] | slice:
    return slice(None) if area is None else [result.draws.area.values.tolist().index(area)]


def impact_by_area(result: Result, measure: str, group: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (area) and band (quantile, area) of the impact in the reading year, in the measure's unit."""
    at = {"measure": measure, "group": group, "year": reading_year(result)}
    values = result.draws.impact.sel(at).transpose("chain", "draw", "area").values.astype(float)
    values = values.reshape(-1, values.shape[-1])
    return values.mean(axis=0), np.quantile(values, BAND, axis=0)


def unit_of_change(measure: str) -> str:
    """Return the unit of a difference: that of a percentage is the percentage point."""
    unit = MEASURES[measure].unit
    return "percentage points" if unit == "%" else unit


def over_areas(result: Result, area: str | None = None) -> str:
    """Return what a mean over areas is called, or an area."""
    n = result.draws.sizes["area"]
    return area or (f"mean of the {n} areas" if n > 1 else str(result.draws.area.values[0]))


def whose(result: Result, measure: str, group: str, area: str | None = None) -> str:
    """Return whom figures are of: pupils and place, with their marks."""
    return f"{group} pupils, {over_areas(result, area)}{mark_of(result, measure, group, area)}"


def mark_of(result: Result, measure: str, group: str, area: str | None = None) -> str:
    """Return the mark of figures that are a county's, and of a failed gate; nothing where all is well."""
    county = result.draws.proxy.sel(measure=measure, group=group).values[_which(result, area)].astype(bool)
    said = ""
    if county.any():
        said = " (county proxy)" if county.size == 1 else f" ({county.sum()} of them county proxies)"
    return said + failed(result)


def failed(result: Result) -> str:
    """Return the mark of a result whose gates failed; nothing where they passed."""
    return "" if result.manifest["gates"]["verdict"] == "PASS" else " [FAIL]"


SMALLEST_CHANGE = 1e-4  # in a measure's unit; below it a sentence about size would be noise


def headline_measure(result: Result) -> tuple[str, str]:
    """Return the measure and group that the headline speaks of."""
    return headline_of(result.draws.measure.values.tolist())


def headline_year(result: Result) -> int:
    """Return the year the headline speaks of: the last funded one, or the last projected where that is earlier."""
    last = int(result.sustainability.attrs["last_funded_year"])
    years = result.draws.year.values
    return int(np.clip(last, years[0], years[-1]))
