"""Formatting: how a figure is said, with its interval, its unit and no more digits than it has.

One chance has one probability word in every pack. The words are those of the yardstick of the Professional Head of
Intelligence Assessment, which British officials read every day. It leaves gaps between its bands; here each gap is
split in the middle, so that every chance has a word.
"""

from typing import overload

import numpy as np

from oa_sim.definitions import MEASURES, percent

Numbers = np.ndarray | float

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
NOT_KNOWN, NO_PRICE = "not known", "no price"
MINUS = "\N{MINUS SIGN}"
MOST_DECIMALS, FEWEST_DECIMALS = 3, -9
FINEST_CHANCE = 0.0125  # up to this Monte Carlo error a chance is said to one per cent: 2,000 draws have 0.0112 at most


def word(probability: float) -> str:
    """Return the word for a chance.

    Parameters
    ----------
    probability
        0 to 1; what is not a number has no word.
    """
    if not np.isfinite(probability):
        return NOT_KNOWN
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


@overload
def decimals(low: float, high: float, error: float = 0.0) -> int: ...
@overload
def decimals(low: np.ndarray, high: np.ndarray, error: np.ndarray | float = 0.0) -> np.ndarray: ...
def decimals(low: Numbers, high: Numbers, error: Numbers = 0.0) -> int | np.ndarray:
    """Return how many decimals a figure has: as many as its spread supports, and none that is Monte Carlo noise.

    One decimal where the 90% interval is at least 1 wide, two from 0.1, three below; from a width of 100 two digits of
    its half. Works on numbers and on arrays of one shape.

    Parameters
    ----------
    low, high
        Ends of the interval. Where they are not finite, as of a price that some draws do not have, only the error
        limits the decimals.
    error
        Monte Carlo standard error; the last digit printed stands for no less. Nothing, or not finite: it sets no limit.

    Returns
    -------
    int or array of int
        Negative where whole tens, hundreds and so on are rounded.
    """
    low, high, error = (np.asarray(value, dtype=float) for value in (low, high, error))
    with np.errstate(all="ignore"):
        width = high - low
        places = np.where((width >= 1) | (width == 0), 1.0, np.where(width >= 0.1, 2.0, MOST_DECIMALS))
        places = np.where(width >= 100, 1 - np.floor(np.log10(width / 2)), places)
        is_limited = np.isfinite(error) & (error > 0)
        from_error = np.where(is_limited, np.floor(-np.log10(error)), MOST_DECIMALS)
        # a logarithm may be a last digit off: the last digit printed is never smaller than the error
        from_error = np.where(is_limited & (10.0**-from_error < error), from_error - 1, from_error)
        open_ended = np.where(is_limited, -np.floor(np.log10(error)) - 1, 1.0)
        places = np.where(np.isfinite(width), np.minimum(places, np.maximum(from_error, FEWEST_DECIMALS)), open_ended)
    return places.astype(int) if places.ndim else int(places)


def number(value: float, places: int) -> str:
    """Return a number as it is printed: thousands grouped, a true minus sign, and never minus nothing.

    Parameters
    ----------
    value
        What is not a number is not known; what is infinite is a price that nothing reaches.
    places
        Decimals, from ``decimals``; negative ones round to whole tens, hundreds and so on.
    """
    if np.isnan(value):
        return NOT_KNOWN
    if np.isinf(value):
        return NO_PRICE
    rounded = round(float(value), places)
    text = f"{rounded:,.{max(places, 0)}f}"
    return text.lstrip("-") if rounded == 0 else text.replace("-", MINUS)


def with_unit(text: str, unit: str) -> str:
    """Return a printed number with its unit: £ before it, % close behind it, others after a space."""
    if text in (NOT_KNOWN, NO_PRICE):
        return text
    if unit == "GBP":
        return f"{MINUS}£{text.removeprefix(MINUS)}" if text.startswith(MINUS) else f"£{text}"
    return f"{text}{unit}" if unit in ("", "%") else f"{text} {unit}"


def estimate(middle: float, low: float, high: float, error: float = 0.0, *, unit: str = "") -> str:
    """Return an estimate with its 90% interval, in as many digits as ``decimals`` allows.

    Parameters
    ----------
    middle, low, high
        The mean (of a price the median) and the ends of the interval.
    error
        Monte Carlo standard error of the middle.
    unit
        Behind the middle; pounds and per cent stand at every number. ``GBP`` from a million on is in millions.
    """
    ends = [abs(value) for value in (middle, low, high) if np.isfinite(value)]
    size = 1e6 if unit == "GBP" and max(ends, default=0.0) >= 1e6 else 1.0
    places = decimals(low / size, high / size, error / size)
    if unit == "GBP" and max(ends, default=0.0) >= 100 * size:
        places = min(places, 0)
    tail, each = ("m" if size > 1 else ""), (unit if unit in ("GBP", "%") else "")
    first, lower, upper = (
        with_unit(number(value / size, places) + (tail if np.isfinite(value) else ""), each)
        for value in (middle, low, high)
    )
    return f"{first if each else with_unit(first, unit)} (90% interval {lower} to {upper})"


def significant(value: float, digits: int = 3, *, unit: str = "") -> str:
    """Return a number whose error is not known, in so many significant digits; pounds from a million on in millions."""
    size = 1e6 if unit == "GBP" and np.isfinite(value) and abs(value) >= 1e6 else 1.0
    scaled = value / size
    places = digits - 1 - int(np.floor(np.log10(abs(scaled)))) if np.isfinite(scaled) and scaled else 0
    return with_unit(number(scaled, places) + ("m" if size > 1 else ""), unit)


def with_error(value: float, error: float, *, unit: str = "") -> str:
    """Return a number with its standard error; the error has two digits, and the number ends where the error does."""
    if not (np.isfinite(error) and error > 0):
        return significant(value, unit=unit)
    size = 1e6 if unit == "GBP" and abs(value) >= 1e6 else 1.0
    places = 1 - int(np.floor(np.log10(error / size)))
    tail, each = ("m" if size > 1 else ""), ("GBP" if unit == "GBP" else "")
    first, second = (with_unit(number(part / size, places) + tail, each) for part in (value, error))
    return f"{first if each else with_unit(first, unit)} (standard error {second})"


def distance(summary: tuple[float, ...], measure: str, what: str = "it") -> str:
    """Return how far a figure lies above or below another, with its interval; for the summary see ``estimate``."""
    middle, low, high, *error = summary
    if middle < 0:
        middle, low, high = -middle, -high, -low
    return f"{estimate(middle, low, high, *error, unit=unit(measure))} {'below' if summary[0] < 0 else 'above'} {what}"


def pounds(total: float) -> str:
    """Return a sum of money as people say it: £108m, £21.6m, £1.25bn; below a million to the pound, £132,000."""
    for size, places, name in ((1e9, 2, "bn"), (1e8, 0, "m"), (1e6, 1, "m")):
        if round(abs(total)) >= size:
            text = number(total / min(size, 1e6 if name == "m" else size), places)
            return with_unit(f"{text.rstrip('0').rstrip('.') if '.' in text else text}{name}", "GBP")
    return with_unit(number(total, 0), "GBP")


def steps(error: float) -> int:
    """Return the steps, in percentage points, in which a share with a Monte Carlo error is said."""
    return 1 if not error > FINEST_CHANCE else 5 if error <= 0.05 else 10


def chance(value: float, error: float = 0.0) -> str:
    """Return a probability as people say it, never as certainty, since the draws are finite.

    Parameters
    ----------
    value
        0 to 1; not finite where there is nothing that could happen.
    error
        Its Monte Carlo standard error: it is said in steps no finer than this supports, see ``steps``.
    """
    if not np.isfinite(value):
        return "no impact"
    if 0.01 <= value <= 0.99 and (step := steps(error)) > 1:  # few draws cannot say that something is all but certain
        value = float(np.clip(round(100 * value / step) * step, step, 100 - step)) / 100
    return "above 99%" if value > 0.99 else "below 1%" if value < 0.01 else percent(value)


def share(value: float, error: float = 0.0) -> str:
    """Return a share in per cent, in steps no finer than its Monte Carlo error; ``none`` where it is not finite."""
    step = steps(error)
    return percent(round(100 * value / step) * step / 100) if np.isfinite(value) else "none"


def share_estimate(middle: float, low: float, high: float, error: float = 0.0) -> str:
    """Return a share with its 90% interval, such as "57% (90% interval 45% to 68%)"; see ``share``."""
    ends = f" (90% interval {share(low, error)} to {share(high, error)})" if high > low else ""
    return f"{share(middle, error)}{ends}"


def who(measure: str, group: str) -> str:
    """Return a measure and whose it is, as it stands within a sentence."""
    whose = {"disadvantaged": " of disadvantaged pupils", "other": " of other pupils", "all": ""}[group]
    label = MEASURES[measure].label
    return f"{label[0].lower()}{label[1:]}{whose}" if not label.startswith("Attainment 8") else f"{label}{whose}"


def outcome(measure: str, group: str) -> str:
    """Return a measure of a group as the subject of a sentence, such as "the share of disadvantaged pupils who ..."."""
    return MEASURES[measure].noun_phrase.format(pupils=f"{group} pupils")


def unit(measure: str, *, level: bool = False) -> str:
    """Return the unit of a change, or of a level, as it stands within a sentence."""
    unit = MEASURES[measure].unit
    return ("%" if level else "percentage points") if unit == "%" else unit
