"""Formatting: how a figure is said, with its interval, its unit and no more digits than it has.

One chance has one probability word in every pack. The words are those of the yardstick of the Professional Head of
Intelligence Assessment, which British officials read every day. It leaves gaps between its bands; here each gap is
split in the middle, so that every chance has a word.
"""

import numpy as np

from oa_sim.definitions import MEASURES, percent

YARDSTICK = (  # word, the band as it is published (%), and the chance below which it is used here
    ("a remote chance", "0 to 5", 0.075),
    ("highly unlikely", "10 to 20", 0.225),
    ("unlikely", "25 to 35", 0.375),
    ("a realistic possibility", "40 to 50", 0.525),
    ("likely", "55 to 75", 0.775),
    ("highly likely", "80 to 90", 0.925),
    ("almost certain", "95 to 100", np.inf),
)
SOURCE = "probability yardstick of the Professional Head of Intelligence Assessment (gaps between bands split in half)"
NO_CHANCE = "not known"


def word(probability: float) -> str:
    """Return the word for a chance.

    Parameters
    ----------
    probability
        0 to 1; what is not a number has no word.
    """
    if not np.isfinite(probability):
        return NO_CHANCE
    return next(name for name, _, below in YARDSTICK if probability < below)


def clause(probability: float) -> str:
    """Return a chance as a clause that "that ..." may follow; its number stands beside it.

    Parameters
    ----------
    probability
        0 to 1.
    """
    name = word(probability)
    return f"there is {name}" if name.startswith("a ") else f"it is {name}"


def table() -> list[tuple[str, str, str]]:
    """Return the table as rows: word, published band, the chances for which it is used here."""
    rows, low = [], 0.0
    for name, band, below in YARDSTICK:
        high = min(below, 1.0)
        rows.append((name, f"{band}%", f"{100 * low:g} to {100 * high:g}%"))
        low = high
    return rows


def interval(draws: np.ndarray) -> str:
    """Return a mean with its 90% interval, in as many digits as the spread supports."""
    return spelled(draws.mean(), *np.quantile(draws, [0.05, 0.95]))


def spelled(mean: float, low: float, high: float) -> str:
    """Return a mean with the ends of its 90% interval, in as many digits as the spread supports."""
    digits = 1 if high - low >= 1 else 2 if high - low >= 0.1 else 3
    mean, low, high = (round(float(value), digits) + 0.0 for value in (mean, low, high))
    return f"{mean:.{digits}f} (90%: {low:.{digits}f} to {high:.{digits}f})"


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
    return "above 99%" if value > 0.99 else "below 1%" if value < 0.01 else percent(value)


def who(measure: str, group: str) -> str:
    """Return a measure and whose it is, as it stands within a sentence."""
    whose = {"disadvantaged": " of disadvantaged pupils", "other": " of other pupils", "all": ""}[group]
    label = MEASURES[measure].label
    return f"{label[0].lower()}{label[1:]}{whose}" if not label.startswith("Attainment 8") else f"{label}{whose}"


def unit(measure: str, *, level: bool = False) -> str:
    """Return the unit of a change, or of a level, as it stands within a sentence."""
    unit = MEASURES[measure].unit
    return ("per cent" if level else "percentage points") if unit == "%" else unit
