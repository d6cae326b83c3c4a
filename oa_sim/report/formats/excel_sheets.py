"""Excel sheets: what stands on each sheet of a workbook, as words and numbers, whatever library writes it.

A number shows the digits that are printed elsewhere; a text stays a text.
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from oa_sim import formatting
from oa_sim.definitions import GROUPS, MEASURES, academic_year
from oa_sim.formatting import MINUS
from oa_sim.report.document import Dossier, Grid, key, plain
from oa_sim.report.reported_statistic import NO_MARK, Published
from oa_sim.report.sanitise import is_kept
from oa_sim.simulation.comparison import EVERYWHERE

MOST = 32_766  # characters that a cell holds, less one for the ellipsis
STARTERS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"  # what a spreadsheet may take for the start of a formula
PRINTED = re.compile(rf"[{MINUS}-]?[\d,]+(?:\.(\d+))?(%)?")

Shown = tuple[float | str, str]  # what stands in a cell, and its number format
Cell = str | int | Shown
WIDE, NARROW, NUMBER = 30, 14, 12  # characters
PLACE = (("Area", WIDE), ("Measure", 46), ("Group", 15))
WORDS = 60  # characters, of the widest column of a table


def value(one: Published) -> Shown:
    """Return the value of a figure as a cell; see ``shown``."""
    return shown(one.value, one.text)


def interval_ends(one: Published) -> tuple[Shown, Shown]:
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
        as ``above 99%`` are the number's format, and the number stays beneath them.
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
    form = ("0" if plainly else "#,##0") + ("." + "0" * places if places else "") + ("%" if percent else "")
    plain = text.replace(MINUS, "-").replace(",", "").removesuffix("%")
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


@dataclass(frozen=True)
class Sheet:
    """A sheet: what it is, sentences, and one table.

    Attributes
    ----------
    name, title
        On its tab; above its table.
    columns
        Heading and width of each, characters.
    rows
        Text, whole numbers as they are, and numbers with their format.
    said
        Sentences above the table.
    """

    name: str
    title: str
    columns: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    said: tuple[str, ...] = ()


def brief(figures: tuple[Published, ...]) -> Sheet:
    """Return the figures that the brief prints."""
    columns = (("Figure", 44), ("What it is", 52), ("Value", NUMBER), ("As printed", 18), ("Lower", NUMBER),
               ("Upper", NUMBER), ("90% interval", 18), ("Unit", 18), ("Price base", 24),
               ("Monte Carlo error", NUMBER), ("Marks", 42), ("Draws", 9))  # fmt: skip
    rows = []
    for one in figures:
        if "brief" in one.shown_in:
            lower, upper = interval_ends(one)
            rows.append((one.figure, one.label, value(one), one.in_cell, lower, upper, one.interval or "exact",
                         one.unit, one.price_base, _error(one), one.marks, one.origin.n_draws))  # fmt: skip
    return Sheet("Figures", "The figures of the brief", columns, tuple(rows))


def targets(figures: tuple[Published, ...]) -> Sheet:
    """Return the levels that can be promised, a row for each place, measure, group and year."""
    found = _by_place(figures, "promised_50", "promised_70", "promised_90")
    columns = (*PLACE, ("Year", NARROW), ("Better is", 9), ("Unit", 16),
               *((f"{chance}% chance", NUMBER) for chance in (50, 70, 90)), ("As printed, 50 / 70 / 90%", 26),
               *((f"Monte Carlo error, {chance}%", NUMBER) for chance in (50, 70, 90)), ("Marks", 42))  # fmt: skip
    rows = []
    for each in found:
        first = each[0]
        lower = first.measure in MEASURES and MEASURES[first.measure].lower_is_better
        rows.append((*_place(first), "lower" if lower else "higher", first.unit, *(value(one) for one in each),
                     " / ".join(one.in_cell for one in each), *(_error(one) for one in each), first.marks))  # fmt: skip
    said = ("The level that is reached (where lower is better: not exceeded) with each chance, if the model is right "
            "and the programme runs as set out. It is the whole outcome, not what the programme adds.",)  # fmt: skip
    return Sheet("Targets", "Realistic targets", columns, tuple(rows), said)


def projections(figures: tuple[Published, ...]) -> Sheet:
    """Return levels with and without the programme, a row for each place, measure, group and year."""
    found = _by_place(figures, "projection", "counterfactual")
    sides = ("with", "without")
    columns = (*PLACE, ("Year", NARROW), ("Unit", 16),
               *((f"{what}, {side}", width) for side in sides for what, width in (("Value", NUMBER), ("Lower", NUMBER),
                 ("Upper", NUMBER), ("As printed", 25), ("Monte Carlo error", NUMBER))), ("Marks", 42))  # fmt: skip
    rows = tuple((*_place(each[0]), each[0].unit, *(cell for one in each for cell in _spread(one)), each[0].marks)
                 for each in found)  # fmt: skip
    said = ("With and without the programme, on the same draws and the same noise.",)
    return Sheet("Projections", "Levels with and without the programme", columns, rows, said)


def impact(figures: tuple[Published, ...]) -> Sheet:
    """Return what the programme adds, a row for each place, measure, group and year."""
    columns = (*PLACE, ("Year", NARROW), ("Unit", 18), ("Impact", NUMBER), ("Lower", NUMBER), ("Upper", NUMBER),
               ("As printed", 26), ("Monte Carlo error", NUMBER), ("Marks", 42), ("Figure", 56))  # fmt: skip
    rows = tuple((*_place(one), one.unit, *_spread(one), one.marks, one.figure)
                 for (one,) in _by_place(figures, "impact"))  # fmt: skip
    said = ("What the programme adds: with less without. Negative is better for absence, suspensions and NEET.",)
    return Sheet("Impact", "What the programme adds", columns, rows, said)


def lasting(figures: tuple[Published, ...]) -> Sheet:
    """Return what lasts once the money stops, a row for each place, measure and group."""
    left = ("left_1y", "left_5y", "left_10y")
    numbers = {
        one.figure: one for one in figures if one.quantity in (*left, "p_half_left_5y", "half_life_years", "risk")
    }
    by: dict[tuple[str, str, str], dict[str, Published]] = {}
    for one in numbers.values():
        by.setdefault((one.measure, one.group, one.area), {})[one.quantity] = one
    parts = [(f"Left after {name[5:-1]} year{'s' * (name != 'left_1y')}", name) for name in left]
    spread = [(f"{what}{head}", NUMBER) for head, _ in parts for what in ("", "Lower: ", "Upper: ")]
    columns = (*PLACE, ("Risk", 10), ("Chance half is left after 5 years", NARROW), *spread,
               ("Half-life, years", NUMBER), ("Lower: half-life", NUMBER), ("Upper: half-life", NUMBER),
               ("As printed, after 5 years", 26), ("Marks", 42))  # fmt: skip
    order, rows = _order(figures), []
    for place in sorted((place for place in by if set(left) <= set(by[place])), key=lambda place: order(*place)):
        each, first = by[place], by[place]["left_5y"]
        half = each.get("half_life_years")
        last = (value(half), *interval_ends(half)) if half else ("none",) * 3
        ends = (cell for _, name in parts for cell in (value(each[name]), *interval_ends(each[name])))
        rows.append((*_place(first)[:3], each["risk"].text if "risk" in each else "none",
                     value(each["p_half_left_5y"]), *ends, *last, first.whole, first.marks))  # fmt: skip
    said = ("Shares of the peak that are left after the money ends; the half-life counts at most 15 years.",)
    return Sheet("Sustainability", "Does it last once the money stops", columns, tuple(rows), said)


def money(figures: tuple[Published, ...]) -> Sheet:
    """Return the account, a row for each area and one for all: every line to the pound, and what it is out by."""
    lines = [name for name in dict.fromkeys(one.quantity for one in figures) if name.startswith("spent_on_")]
    lines = [*sorted(lines), "allocated", "management", "unspent", "money_in", "national"]
    found = {(one.area, one.quantity): one for one in figures if one.quantity in lines and not one.year}
    areas = [area for area in dict.fromkeys(area for area, _ in found) if area != "all areas"]
    heads = {name: capital(one.label.removesuffix(f", {area}").removesuffix(f" for {area}"))
             for (area, name), one in found.items()}  # fmt: skip
    heads |= {"allocated": "All activity", "money_in": "Money in", "national": "National programmes beside"}
    kept = [name for name in lines if any((area, name) in found for area in areas)]
    columns = (("Area", WIDE), *((f"{heads[name]}, GBP", NARROW) for name in kept),
               ("Money in less its parts, GBP", NARROW), ("Price base", 24))  # fmt: skip
    rows = []
    for area in [*areas, "all areas"] if areas and "allocated" in kept else []:
        row = {name: found[area, name] for name in kept if (area, name) in found}
        parts = sum(round(row[name].value) for name in ("allocated", "management", "unspent"))
        rows.append((area, *(value(row[name]) if name in row else "none" for name in kept),
                     (float(round(row["money_in"].value) - parts), "#,##0"), row["money_in"].price_base))  # fmt: skip
    said = ("Exact to the pound. Activity, management and what is unspent make up the money in; what national "
            "programmes bring stands beside the budget.",)  # fmt: skip
    return Sheet("Money", "The money by area", columns, tuple(rows), said)


def by_year(figures: tuple[Published, ...]) -> Sheet:
    """Return the money of each area and year."""
    found = [one for one in figures if one.quantity in ("allocated", "management", "unspent") and one.year]
    columns = (("Area", WIDE), ("Line", 24), ("Year", NARROW), ("GBP", NARROW), ("Price base", 24))
    rows = tuple((one.area, capital(one.label.split(",")[0]), academic_year(one.year), value(one),
                  one.price_base) for one in found)  # fmt: skip
    return Sheet("Money by year", "The money by area and year", columns, rows)


def _by_place(figures: tuple[Published, ...], *quantities: str) -> list[tuple[Published, ...]]:
    """Return the figures of several quantities that go together, in the order of areas, measures, groups and years."""
    by: dict[tuple, dict[str, Published]] = {}
    for one in figures:
        if one.quantity in quantities and one.year:
            by.setdefault((one.measure, one.group, one.area, one.year), {})[one.quantity] = one
    order = _order(figures)
    whole = sorted((at for at, each in by.items() if len(each) == len(quantities)), key=lambda at: order(*at))
    return [tuple(by[at][name] for name in quantities) for at in whole]


def _order(figures: tuple[Published, ...]) -> Callable:
    """Return what sorts: the mean of areas first, then areas as they come; measures and groups as everywhere."""
    areas = {name: n for n, name in enumerate(dict.fromkeys([EVERYWHERE, *(one.area for one in figures)]))}
    measures, groups = list(MEASURES), list(GROUPS)

    def at(measure: str, group: str, area: str, year: int = 0) -> tuple:
        known = measures.index(measure) if measure in measures else len(measures)
        return areas[area], known, measure, groups.index(group) if group in groups else len(groups), year

    return at


def _place(one: Published) -> tuple[str, str, str, str]:
    label = MEASURES[one.measure].label if one.measure in MEASURES else one.measure
    return one.area, label, one.group, academic_year(one.year) if one.year else "none"


def _spread(one: Published) -> tuple[Cell, ...]:
    return value(one), *interval_ends(one), one.whole.replace("90% interval ", ""), _error(one)


def _error(one: Published) -> Shown:
    """Return a Monte Carlo error, in two digits that count."""
    if not math.isfinite(one.error):
        return "none", "@"
    places = max(0, 1 - math.floor(math.log10(one.error))) if one.error > 0 else 0
    return one.error, f"0.{'0' * places}" if places else "#,##0"


def capital(said: str) -> str:
    """Return text with its first letter large."""
    return said[:1].upper() + said[1:]


OF_FIGURES = (targets, projections, impact, lasting, money,
              by_year)  # fmt: skip


def sheets(dossier: Dossier) -> tuple[Sheet, ...]:
    """Return the sheets of a dossier in order; of figures only those that it has.

    Parameters
    ----------
    dossier
        Of any kind.
    """
    once: dict[str, Published] = {}
    for one in dossier.figures:
        once.setdefault(one.figure, one)
    figures = tuple(once.values())
    found = [brief(figures)]
    found += [sheet for made in OF_FIGURES if (sheet := made(figures)).rows]
    found += [_of_grid(name, grid) for name, grid in dossier.sheets.items()]
    found += [
        _of_frame("Assumptions", "The assumptions register", dossier.assumptions,
                  "This pack was made without the assumptions register."),
        _of_frame("Verification", "The verification log", dossier.log,
                  "This pack was made without a verification log."),
        _of_frame("Data dictionary", "What each column means", dossier.dictionary,
                  "This pack was made without a data dictionary."),
        provenance(dossier),
    ]  # fmt: skip
    return (read_me(dossier, figures, found), *found)


def read_me(dossier: Dossier, figures: tuple[Published, ...], others: list[Sheet]) -> Sheet:
    """Return the first sheet: what this is, what it says, and how to read it."""
    rows = [("What this is", f"{dossier.title}. The figures, targets and sources behind the two-page brief."),
            ("Headline", plain(dossier.headline)), ("Verdict", f"{dossier.verdict}: {dossier.reason}")]  # fmt: skip
    rows += [(capital(label), one.whole) for label, one in dossier.numbers]
    rows += [
        ("Value", "The mean over the draws; of a price the median. A cell shows the digits that the brief prints and "
         "holds the number in full wherever its digits allow; figures.json and the CSV hold every number in full."),
        ("Lower, upper", "The ends of the 90% interval (5% and 95% of the draws); both are the value where nothing "
         "is uncertain."),
        ("Monte Carlo error", "The standard error of a value for want of more draws, in its unit; the last digit "
         "printed is about as large, or larger."),
        ("Signs beside figures", key(figures) or "No figure has a mark."),
        ("Name of a figure", "quantity/measure/group/area/year; the same in every pack."),
    ]  # fmt: skip
    rows += [(f"\u2018{capital(word)}\u2019", f"used for chances of {used} (yardstick: {band})")
             for word, band, used in formatting.table()]  # fmt: skip
    rows += [("Words for chances", capital(formatting.SOURCE))]
    rows += [("Uncertainty", line) for line in dossier.statement]
    rows += [("Changed since the last version", line) for line in dossier.changes]
    rows += [("How to cite", f"{dossier.title}. {dossier.trace}")]
    rows += [(f"Sheet \u2018{sheet.name}\u2019", f"{sheet.title}; {len(sheet.rows):,} rows") for sheet in others]
    columns = (("About", 34), ("What it says", 110))
    return Sheet("Read me", dossier.title, columns, tuple(rows))


def provenance(dossier: Dossier) -> Sheet:
    """Return all that makes the pack traceable, a row for each key, the scenario in full among them."""
    rows = tuple((name, said) for name, said in _flat("", dossier.manifest))
    return Sheet("Provenance", "What every figure comes from", (("Key", 60), ("Value", 90)), rows, (dossier.trace,))


def _flat(name: str, said: object) -> Iterable[tuple[str, str]]:
    if isinstance(said, dict) and said:
        for part, inner in said.items():
            yield from _flat(f"{name}.{part}" if name else str(part), inner)
    elif isinstance(said, list) and any(isinstance(inner, dict | list) for inner in said):
        for number, inner in enumerate(said, start=1):
            yield from _flat(f"{name}.{number}", inner)
    else:
        yield name, ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _of_frame(name: str, title: str, table: pd.DataFrame, otherwise: str) -> Sheet:
    """Return a table as it is; a sentence where there is none."""
    if not len(table):
        return Sheet(name, title, said=(otherwise,))
    widths = [max(10, min(WORDS, int(table[one].astype(str).str.len().quantile(0.9)) + 3)) for one in table.columns]
    columns = tuple((capital(str(one).replace("_", " ")), width) for one, width in zip(table, widths, strict=True))
    rows = tuple(tuple(_plain(said) for said in row) for row in table.astype(object).itertuples(index=False))
    return Sheet(name, title, columns, rows)


def _plain(said: object) -> Cell:
    """Return a cell of a table: a number as one, all else as text."""
    if isinstance(said, Published):
        return said.whole
    if isinstance(said, bool) or not hasattr(said, "__float__") or said != said:
        return "none" if said is None or said != said else str(said)
    return (float(said), "General")


def _of_grid(name: str, grid: Grid) -> Sheet:
    """Return a grid of a pack, each figure as a number and as it is printed, with its interval and marks."""
    has = [any(isinstance(row[c], Published) for row in grid.rows) for c in range(len(grid.head))]
    columns: list[tuple[str, int]] = []
    for head, is_figure in zip(grid.head, has, strict=True):
        columns += [(head, NARROW), (f"{head}, as printed", 28)] if is_figure else [(head, WIDE)]
        columns += [(f"{head}, marks", 24)] if is_figure else []
    rows = []
    for row in grid.rows:
        cut: list[Cell] = []
        for cell, is_figure in zip(row, has, strict=True):
            figure = isinstance(cell, Published)
            cut.append(value(cell) if figure else cell)
            if is_figure:
                cut += [cell.whole, cell.marks] if figure else [cell, NO_MARK]
        rows.append(tuple(cut))
    return Sheet(name, grid.caption, tuple(columns), tuple(rows))
