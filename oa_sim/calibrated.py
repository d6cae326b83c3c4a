"""Calibrated: the fixed table of probability words; one chance has one word in every pack.

The words are those of the yardstick of the Professional Head of Intelligence Assessment, which British officials read
every day. It leaves gaps between its bands; here each gap is split in the middle, so that every chance has a word.
"""

import numpy as np

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
        rows.append((name, f"{band} %", f"{100 * low:g} to {100 * high:g} %"))
        low = high
    return rows
