"""Sustain: does it last once the money stops, as a posterior and not as an opinion.

Everything is read off the same draws as the impact. What is left k years after the last funded year is the
largest gain still to be seen from then on, so that a measure whose cohorts have yet to arrive is not
called lost.
"""

import numpy as np
import xarray as xr

from oa_sim.scenario import Scenario
from oa_sim.variables import percent

SMALLEST_PEAK_SD = 5e-4  # below this a draw has no impact to keep
YEARS_AFTER = (1, 5, 10)
INTERVAL = (0.05, 0.95)


def risk(scenario: Scenario, gain: xr.DataArray, money: xr.Dataset) -> xr.Dataset:
    """Return what lasts, by area, group and measure.

    Parameters
    ----------
    scenario
        Its thresholds and ending.
    gain
        (chain, draw, area, group, measure, year), SD, over a window that runs long past the money.
    money
        ``spend`` (area, intervention, year), GBP / year.

    Returns
    -------
    Dataset
        ``peak_sd`` with ``_q05`` and ``_q95``, SD; ``peak_year`` (median); ``left_1y``, ``left_5y``, ``left_10y`` with
        intervals, share of the peak; ``half_life_years`` with interval, years after the money until the gain stays
        below half the peak, counted as 15 in the share ``p_half_at_end`` of draws in which it is not yet;
        ``p_half_left_5y``, ``p_half_left_10y``; ``shortfall_5y_sd``, the expected amount by which half the peak is
        missed after 5 years; ``p_impact``, the share of draws that have an impact to keep, on which the others rest;
        ``risk`` and ``reason`` in words.
    """
    values = gain.values.reshape(-1, *gain.shape[2:])  # (draw, area, group, measure, year)
    years = gain.year.values
    paid = money.spend.sum(("area", "intervention")).values > 0
    last = int(years[paid][-1]) if paid.any() else int(years[0]) - 1
    peak = values.max(axis=-1)
    has = peak > SMALLEST_PEAK_SD
    still = np.maximum.accumulate(values[..., ::-1], axis=-1)[..., ::-1]  # the largest gain from a year on
    found: dict[str, np.ndarray] = {"p_impact": has.mean(0)}
    _describe(found, "peak_sd", peak, np.ones_like(has))
    found["peak_year"] = np.where(has.any(0), np.median(years[values.argmax(-1)], axis=0), np.nan)
    left = {k: still[..., int(np.searchsorted(years, last + k))] / np.where(has, peak, 1.0) for k in YEARS_AFTER}
    for k, share in left.items():
        _describe(found, f"left_{k}y", share, has)
    lasting = (still >= 0.5 * peak[..., None]) & (years > last)
    _describe(found, "half_life_years", lasting.sum(-1).astype(float), has)
    found["p_half_at_end"] = _mean(lasting[..., -1].astype(float), has)
    for k in (5, 10):
        found[f"p_half_left_{k}y"] = _mean(left[k] >= 0.5, has)
    found["shortfall_5y_sd"] = _mean(np.maximum(0.5 - left[5], 0.0) * peak, has)
    dims = ("area", "group", "measure")
    out = xr.Dataset({name: (dims, value) for name, value in found.items()}, {dim: gain[dim].values for dim in dims})
    grade = np.vectorize(lambda p: _grade(scenario, p), otypes=[object])(found["p_half_left_5y"])
    why = _why(scenario, money)
    words = np.vectorize(lambda p: _reason(scenario, p, why), otypes=[object])(found["p_half_left_5y"])
    out["risk"], out["reason"] = (dims, grade.astype(str)), (dims, words.astype(str))
    out.attrs = {"last_funded_year": last, "ending": scenario.sustainability.ending}
    for name in out.data_vars:
        out[name].attrs["units"] = _unit(str(name))
    return out


def _unit(name: str) -> str:
    if "_sd" in name:
        return "SD"
    if name.startswith("half_life"):
        return "years"
    return "year" if name == "peak_year" else "text" if name in ("risk", "reason") else "1"


def _mean(value: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Return the mean over the draws that have an impact, NaN where none has."""
    n = has.sum(0)
    return np.where(n > 0, (value * has).sum(0) / np.maximum(n, 1), np.nan)


def _describe(found: dict, name: str, value: np.ndarray, has: np.ndarray) -> None:
    """Write mean and interval of a quantity over the draws that have an impact."""
    found[name] = _mean(value, has)
    ordered = np.sort(np.where(has, value, np.inf), axis=0)
    n = has.sum(0)
    for label, q in zip(("q05", "q95"), INTERVAL, strict=True):
        at = np.clip(np.round(q * (n - 1)), 0, len(ordered) - 1).astype(int)
        found[f"{name}_{label}"] = np.where(n > 0, np.take_along_axis(ordered, at[None], 0)[0], np.nan)


def _grade(scenario: Scenario, chance: float) -> str:
    if not np.isfinite(chance):
        return "none"
    if chance < scenario.sustainability.high_risk_below:
        return "high"
    return "low" if chance > scenario.sustainability.low_risk_above else "medium"


def _reason(scenario: Scenario, chance: float, why: str) -> str:
    """Return why a risk is graded as it is."""
    limits = scenario.sustainability
    if not np.isfinite(chance):
        return "there is no impact to keep"
    rule = {
        "high": f"below {percent(limits.high_risk_below)}",
        "medium": f"between {percent(limits.high_risk_below)} and {percent(limits.low_risk_above)}",
        "low": f"above {percent(limits.low_risk_above)}",
    }[_grade(scenario, chance)]
    return f"the chance that at least half the peak is left 5 years after the money is {percent(chance)}, {rule}; {why}"


def _why(scenario: Scenario, money: xr.Dataset) -> str:
    """Return what carries the activity on, by the share of spend."""
    by_kind: dict[str, float] = {}
    for name, about in scenario.interventions.items():
        by_kind[about.kind] = by_kind.get(about.kind, 0.0) + float(money.spend.sel(intervention=name).sum())
    total = sum(by_kind.values())
    if not total:
        return "nothing was bought"
    parts = [f"{percent(share / total)} {kind.replace('_', '-')}" for kind, share in sorted(by_kind.items()) if share]
    return f"the money bought {', '.join(parts)} activity and ends by '{scenario.sustainability.ending}'"
