"""Sanitise: a text as a cell that no spreadsheet takes for a formula and no page or document breaks on.

A number is no text and is left alone; a text that reads as a number is left as it is, too.
"""

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"  # what a formula begins with, also in full width
PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?([eE][+-]?[0-9]+)?( ?%)?", re.ASCII)
BLANKS = "\t\n\r\v\f\x85\u2028\u2029"  # each becomes one blank
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # make the reader see another order than there is
DROPPED = ("Cc", "Cs")  # control characters, and halves of a pair that cannot be written


def harmless(text: str, *, spares_numbers: bool = True) -> str:
    """Return a text as it may stand in a cell of CSV, Excel or a page.

    Control characters, characters that no XML holds and those that turn the order of reading are dropped; line ends and
    tabs become blanks. A text that then begins with what begins a formula gets an apostrophe before it, but with
    ``spares_numbers`` not one that is a number. Quotes, emoji and text that runs from right to left stay as they are.

    Examples
    --------
    >>> harmless("=HYPERLINK(1)")
    "'=HYPERLINK(1)"
    """
    kept = cleaned(text)
    begins = kept.lstrip(" \u00a0\u200b\ufeff")[:1]
    is_spared = spares_numbers and PLAIN_NUMBER.fullmatch(kept)
    return f"'{kept}" if begins and begins in FORMULA and not is_spared else kept


def cleaned(text: str) -> str:
    """Return a text as ``harmless`` does, for a document, where nothing is taken for a formula."""
    spaced = "".join(" " if character in BLANKS else character for character in text)
    return "".join(character for character in spaced if is_kept(character))


def in_table(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return a table whose text cells and column names are harmless; numbers are left alone."""
    changed = {}
    for place, column in enumerate(table.columns):
        if table.dtypes.iloc[place].kind not in "biuf":
            texts = table[column].astype(object)
            cells = {text: harmless(text) for text in texts.unique() if isinstance(text, str)}
            changed[column] = texts.map(lambda cell, cells=cells: cells[cell] if isinstance(cell, str) else cell)
    return table.assign(**changed).rename(columns=lambda name: harmless(name) if isinstance(name, str) else name)


def is_kept(character: str) -> bool:
    """Return whether a character has a place in a cell, a page or a document."""
    is_nothing = ord(character) & 0xFFFE == 0xFFFE  # no character, in any plane
    return not is_nothing and character not in TURNING and unicodedata.category(character) not in DROPPED
