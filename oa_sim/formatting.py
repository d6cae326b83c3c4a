"""Phrases: how a figure is said, with its interval, its unit and no more digits than it has."""

import numpy as np

from oa_sim.definitions import MEASURES, percent


def interval(draws: np.ndarray) -> str:
    """Return a mean with its 90 % interval, in as many digits as the spread supports."""
    return spelled(draws.mean(), *np.quantile(draws, [0.05, 0.95]))


def spelled(mean: float, low: float, high: float) -> str:
    """Return a mean with the ends of its 90 % interval, in as many digits as the spread supports."""
    digits = 1 if high - low >= 1 else 2 if high - low >= 0.1 else 3
    mean, low, high = (round(float(value), digits) + 0.0 for value in (mean, low, high))
    return f"{mean:.{digits}f} (90 %: {low:.{digits}f} to {high:.{digits}f})"


def distance(change: np.ndarray, measure: str, what: str = "it") -> str:
    """Return how far a figure lies above or below another, with its interval."""
    side = "above" if change.mean() >= 0 else "below"
    sign = 1 if side == "above" else -1
    return f"{interval(sign * change)} {unit(measure)} {side} {what}"


def better(change: np.ndarray, measure: str) -> str:
    """Return the chance that a change is better for pupils, as people say it."""
    return chance(float((change < 0 if MEASURES[measure].lower_is_better else change > 0).mean()))


def pounds(total: float) -> str:
    """Return a sum of money as people say it."""
    return f"{total / 1e6:,.0f}m GBP" if total >= 1e6 else f"{total:,.0f} GBP"


def chance(value: float) -> str:
    """Return a probability as people say it, never as certainty, since the draws are finite."""
    if not np.isfinite(value):
        return "no impact"
    return "above 99 %" if value > 0.99 else "below 1 %" if value < 0.01 else percent(value)


def who(measure: str, group: str) -> str:
    """Return a measure and whose it is, as it stands within a sentence."""
    whose = {"disadvantaged": " of disadvantaged pupils", "other": " of other pupils", "all": ""}[group]
    label = MEASURES[measure].label
    return f"{label[0].lower()}{label[1:]}{whose}" if not label.startswith("Attainment 8") else f"{label}{whose}"


def unit(measure: str, *, level: bool = False) -> str:
    """Return the unit of a change, or of a level, as it stands within a sentence."""
    unit = MEASURES[measure].unit
    return ("per cent" if level else "percentage points") if unit == "%" else unit
