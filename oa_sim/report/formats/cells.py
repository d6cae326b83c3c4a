"""Cells: how a figure and a name stand in a cell: a number that shows its printed digits, and text that stays text."""

import math
import re
from decimal import ROUND_HALF_UP, Decimal

from oa_sim.report.reported_figure import MINUS, Published
from oa_sim.report.sanitise import is_kept

MOST = 32_766  # characters that a cell holds, less one for the ellipsis
STARTERS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # what a spreadsheet may take for the start of a formula
PRINTED = re.compile(rf"[{MINUS}-]?[\d,]+(?:\.(\d+))?( %)?")

Shown = tuple[float | str, str]  # what stands in a cell, and its number format


def value(one: Published) -> Shown:
    """Return the value of a figure as a cell; see ``shown``."""
    return shown(one.value, one.text)


def ends(one: Published) -> tuple[Shown, Shown]:
    """Return the ends of a figure's interval as cells; both are its value where nothing is uncertain."""
    low, _, high = one.interval.partition(" to ")
    if not high:
        return value(one), value(one)
    return shown(one.lower, low), shown(one.upper, high)


def shown(number: float, text: str) -> Shown:
    """Return a number with the format under which a spreadsheet shows exactly a printed text.

    Parameters
    ----------
    number
        In full precision.
    text
        As it is printed.

    Returns
    -------
    tuple
        The number in full where a format can show the text; the number as printed where it was rounded to more than
        a unit, or where a spreadsheet would round a half the other way; the text where there is no number. Words such
        as ``above 99 %`` are the number's format, and the number stays beneath them.
    """
    if not math.isfinite(number):
        return text, "@"
    found = PRINTED.fullmatch(text)
    if not found:
        return number, '"' + text.replace('"', "") + '"'
    places, percent = len(found[1] or ""), bool(found[2])
    plainly = percent or (
        "," not in text and abs(number) >= 999.5
    )  # thousands that are not grouped where they are said
    form = ("0" if plainly else "#,##0") + ("." + "0" * places if places else "") + (" %" if percent else "")
    plain = text.replace(MINUS, "-").replace(",", "").removesuffix(" %")
    return (number if _rounded(number, places, percent) == plain else float(plain) / (100 if percent else 1)), form


def _rounded(number: float, places: int, percent: bool) -> str:
    """Return a number as spreadsheets round it: fifteen digits, halves away from zero."""
    exact = Decimal(f"{number:.15g}") * (100 if percent else 1)
    return f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"


def text(said: object) -> str:
    """Return text without what a cell cannot hold: control characters, and more than it has room for."""
    kept = str(said)
    if not kept.isprintable():
        kept = "".join(sign for sign in kept if sign == "\n" or is_kept(sign))
    if len(kept) <= MOST // 2:
        return kept
    whole = kept.encode("utf-16-le")  # spreadsheets count as this does
    if len(whole) <= 2 * (MOST + 1):
        return kept
    return f"{whole[: 2 * MOST].decode('utf-16-le', 'ignore')}\N{HORIZONTAL ELLIPSIS}"


def starts_like_a_formula(said: str) -> bool:
    """Return whether a spreadsheet might take a text for a formula once it is edited or read from a CSV."""
    return said[:1] in STARTERS if said else False
