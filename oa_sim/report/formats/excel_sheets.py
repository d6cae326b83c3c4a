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
from oa_sim.definitions import ALL_AREAS, GROUPS, MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.formatting import MINUS
from oa_sim.report.document import Dossier, Grid, capital, key, plain
from oa_sim.report.reported_statistic import NO_MARK, Published
from oa_sim.report.sanitise import is_kept

MOST = 32_766  # characters that a cell holds, less one for the ellipsis
STARTERS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # what a spreadsheet may take for the start of a formula
PRINTED = re.compile(rf"([{MINUS}-]?)(\u00a3?)([\d,]+(?:\.(\d+))?)(%|m|bn)?")
SCALES = {None: (0, ""), "%": (2, "%"), "m": (-6, ',,"m"'), "bn": (-9, ',,,"bn"')}  # power of ten; end of the format

Shown = tuple[float | str, str]  # what stands in a cell, and its number format
Cell = str | int | Shown
WIDE, NARROW, NUMBER = 30, 14, 12  # characters
PLACE = (("Area", WIDE), ("Measure", 46), ("Group", 15))
MARKS, PRICE_BASE, LOWER, UPPER = ("Marks", 42), ("Price base", 24), ("Lower", NUMBER), ("Upper", NUMBER)
ERROR = "Monte Carlo error"
WORDS = 60  # characters, of the widest column of a table


def value(figure: Published) -> Shown:
    """Return the value of a figure as a cell, pounds with their sign; see ``shown``."""
    number, form = shown(figure.value, figure.text)
    return number, f"\u00a3{form}" if figure.unit == "GBP" and form[0] in "#0" else form


def interval_ends(figure: Published) -> tuple[Shown, Shown]:
    """Return the ends of a figure's interval as cells; both are its value where nothing is uncertain."""
    low, _, high = figure.interval.partition(" to ")
    if not high:
        return value(figure), value(figure)
    return shown(figure.lower, low), shown(figure.upper, high)


def shown(number: float, text: str) -> Shown:
    """Return a number with the format under which a spreadsheet shows exactly a printed text.

    The number is in full where a format can show the text, and as printed where it was rounded to more than a unit, or
    where a spreadsheet would round a half the other way. Where there is no number, the text stands in its place. Words
    such as ``above 99%`` are the number's format, and the number stays beneath them.
    """
    if not math.isfinite(number):
        return text, "@"
    printed = PRINTED.fullmatch(text)
    if not printed:
        return number, '"' + text.replace('"', "") + '"'
    sign, pound, digits, decimals, suffix = printed.groups()
    power, end = SCALES[suffix]
    # thousands that are not grouped where they are printed are not grouped here
    grouped = suffix != "%" and ("," in digits or abs(number) < 999.5 or suffix is not None)
    form = pound + ("#,##0" if grouped else "0") + (f".{'0' * len(decimals)}" if decimals else "") + end
    as_printed = Decimal(sign.replace(MINUS, "-") + digits.replace(",", ""))
    # spreadsheets round fifteen digits, and halves away from zero
    rounded = Decimal(f"{number:.15g}").scaleb(power).quantize(Decimal(1).scaleb(-len(decimals or "")), ROUND_HALF_UP)
    return number if str(rounded) == str(as_printed) else float(as_printed.scaleb(-power)), form


def text(value: object) -> str:
    """Return text without what a cell cannot hold: control characters, and more than it has room for."""
    clean = str(value)
    if not clean.isprintable():
        clean = "".join(sign for sign in clean if sign == "\n" or is_kept(sign))
    if len(clean) <= MOST // 2:
        return clean
    encoded = clean.encode("utf-16-le")  # spreadsheets count as this does
    if len(encoded) <= 2 * (MOST + 1):
        return clean
    return f"{encoded[: 2 * MOST].decode('utf-16-le', 'ignore')}\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name on the tab, its title, and one table under sentences.

    ``columns`` has the heading and the width of each, in characters; ``rows`` has text, whole numbers as they are, and
    numbers with their format; ``sentences`` stand above the table.
    """

    name: str
    title: str
    columns: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    sentences: tuple[str, ...] = ()


def brief(figures: tuple[Published, ...]) -> Sheet:
    """Return the figures that the brief prints."""
    columns = (("Figure", 44), ("What it is", 52), ("Value", NUMBER), ("As printed", 18), LOWER, UPPER,
               ("90% interval", 18), ("Unit", 18), PRICE_BASE, (ERROR, NUMBER), MARKS, ("Draws", 9))  # fmt: skip
    rows = [(figure.figure, figure.label, value(figure), figure.in_cell, *interval_ends(figure),
             figure.interval or "exact", figure.unit, figure.price_base, _error(figure), figure.marks,
             figure.origin.n_draws) for figure in figures if "brief" in figure.shown_in]  # fmt: skip
    return Sheet("Figures", "The figures of the brief", columns, tuple(rows))


def targets(figures: tuple[Published, ...]) -> Sheet:
    """Return the levels that can be promised, a row for each place, measure, group and year."""
    chances = (50, 70, 90)
    columns = (*PLACE, ("Year", NARROW), ("Better is", 9), ("Unit", 16),
               *((f"{chance}% chance", NUMBER) for chance in chances), ("As printed, 50 / 70 / 90%", 26),
               *((f"{ERROR}, {chance}%", NUMBER) for chance in chances), MARKS)  # fmt: skip
    rows = []
    for levels in _by_place(figures, *(f"promised_{chance}" for chance in chances)):
        first = levels[0]
        lower = first.measure in MEASURES and MEASURES[first.measure].lower_is_better
        rows.append((*_place(first), "lower" if lower else "higher", first.unit, *(value(level) for level in levels),
                     " / ".join(level.in_cell for level in levels), *(_error(level) for level in levels),
                     first.marks))  # fmt: skip
    sentences = (
        "The level that is reached (where lower is better: not exceeded) with each chance, if the model is right "
        "and the programme runs as set out. It is the whole outcome, not what the programme adds.",
    )
    return Sheet("Targets", "Realistic targets", columns, tuple(rows), sentences)


def projections(figures: tuple[Published, ...]) -> Sheet:
    """Return levels with and without the programme, a row for each place, measure, group and year."""
    parts = (("Value", NUMBER), LOWER, UPPER, ("As printed", 25), (ERROR, NUMBER))
    columns = (*PLACE, ("Year", NARROW), ("Unit", 16),
               *((f"{part}, {side}", width) for side in ("with", "without") for part, width in parts),
               MARKS)  # fmt: skip
    rows = tuple((*_place(pair[0]), pair[0].unit, *(cell for figure in pair for cell in _spread(figure)), pair[0].marks)
                 for pair in _by_place(figures, "projection", "counterfactual"))  # fmt: skip
    sentences = ("With and without the programme, on the same draws and the same noise.",)
    return Sheet("Projections", "Levels with and without the programme", columns, rows, sentences)


def impact(figures: tuple[Published, ...]) -> Sheet:
    """Return what the programme adds, a row for each place, measure, group and year."""
    columns = (*PLACE, ("Year", NARROW), ("Unit", 18), ("Impact", NUMBER), LOWER, UPPER, ("As printed", 26),
               (ERROR, NUMBER), MARKS, ("Figure", 56))  # fmt: skip
    rows = tuple((*_place(figure), figure.unit, *_spread(figure), figure.marks, figure.figure)
                 for (figure,) in _by_place(figures, "impact"))  # fmt: skip
    sentences = ("What the programme adds: with less without. Negative is better for absence, suspensions and NEET.",)
    return Sheet("Impact", "What the programme adds", columns, rows, sentences)


def lasting(figures: tuple[Published, ...]) -> Sheet:
    """Return what lasts once the money stops, a row for each place, measure and group."""
    left = ("left_1y", "left_5y", "left_10y")
    quantities = (*left, "p_half_left_5y", "half_life_years", "risk")
    by: dict[tuple[str, str, str], dict[str, Published]] = {}
    for figure in {figure.figure: figure for figure in figures if figure.quantity in quantities}.values():
        by.setdefault((figure.measure, figure.group, figure.area), {})[figure.quantity] = figure
    heads = [f"Left after {name[5:-1]} year{'s' * (name != 'left_1y')}" for name in left]
    columns = (*PLACE, ("Risk", 10), ("Chance half is left after 5 years", NARROW),
               *((f"{part}{head}", NUMBER) for head in heads for part in ("", "Lower: ", "Upper: ")),
               ("Half-life, years", NUMBER), ("Lower: half-life", NUMBER), ("Upper: half-life", NUMBER),
               ("As printed, after 5 years", 26), MARKS)  # fmt: skip
    order, rows = _order(figures), []
    for place in sorted((place for place in by if set(left) <= set(by[place])), key=lambda place: order(*place)):
        parts, first = by[place], by[place]["left_5y"]
        half = parts.get("half_life_years")
        rows.append((*_place(first)[:3], parts["risk"].text if "risk" in parts else "none",
                     value(parts["p_half_left_5y"]), *(cell for name in left for cell in band(parts[name])),
                     *(band(half) if half else ("none",) * 3), first.whole, first.marks))  # fmt: skip
    sentences = ("Shares of the peak that are left after the money ends; the half-life counts at most 15 years.",)
    return Sheet("Sustainability", "Does it last once the money stops", columns, tuple(rows), sentences)


def money(figures: tuple[Published, ...]) -> Sheet:
    """Return the account, a row for each area and one for all: every line to the pound, and what it is out by."""
    spent = [name for name in dict.fromkeys(figure.quantity for figure in figures) if name.startswith("spent_on_")]
    lines = [*sorted(spent), "allocated", "management", "unspent", "money_in", "national"]
    by = {(figure.area, figure.quantity): figure for figure in figures if figure.quantity in lines and not figure.year}
    areas = [area for area in dict.fromkeys(area for area, _ in by) if area != ALL_AREAS]
    heads = {name: capital(figure.label.removesuffix(f", {area}").removesuffix(f" for {area}"))
             for (area, name), figure in by.items()}  # fmt: skip
    heads |= {"allocated": "All activity", "money_in": "Money in", "national": "National programmes beside"}
    lines = [name for name in lines if any((area, name) in by for area in areas)]
    columns = (("Area", WIDE), *((heads[name], NARROW) for name in lines), ("Money in less its parts", NARROW),
               PRICE_BASE)  # fmt: skip
    rows = []
    for area in [*areas, ALL_AREAS] if areas and "allocated" in lines else []:
        row = {name: by[area, name] for name in lines if (area, name) in by}
        parts = sum(round(row[name].value) for name in ("allocated", "management", "unspent"))
        rows.append((area, *(value(row[name]) if name in row else "none" for name in lines),
                     (float(round(row["money_in"].value) - parts), "\u00a3#,##0"),
                     row["money_in"].price_base))  # fmt: skip
    sentences = ("Exact to the pound. Activity, management and what is unspent make up the money in; what national "
            "programmes bring stands beside the budget.",)  # fmt: skip
    return Sheet("Money", "The money by area", columns, tuple(rows), sentences)


def by_year(figures: tuple[Published, ...]) -> Sheet:
    """Return the money of each area and year."""
    columns = (("Area", WIDE), ("Line", 24), ("Year", NARROW), ("Money", NARROW), PRICE_BASE)
    rows = tuple((figure.area, capital(figure.label.split(",")[0]), academic_year(figure.year), value(figure),
                  figure.price_base) for figure in figures
                 if figure.quantity in ("allocated", "management", "unspent") and figure.year)  # fmt: skip
    return Sheet("Money by year", "The money by area and year", columns, rows)


def _by_place(figures: tuple[Published, ...], *quantities: str) -> list[tuple[Published, ...]]:
    """Return the figures of several quantities that go together, in the order of areas, measures, groups and years."""
    by: dict[tuple, dict[str, Published]] = {}
    for figure in figures:
        if figure.quantity in quantities and figure.year:
            place = (figure.measure, figure.group, figure.area, figure.year)
            by.setdefault(place, {})[figure.quantity] = figure
    order = _order(figures)
    places = sorted((place for place in by if len(by[place]) == len(quantities)), key=lambda place: order(*place))
    return [tuple(by[place][name] for name in quantities) for place in places]


def _order(figures: tuple[Published, ...]) -> Callable:
    """Return what sorts: the mean of areas first, then areas as they come; measures and groups as everywhere."""
    areas = {name: n for n, name in enumerate(dict.fromkeys([MEAN_OF_AREAS, *(figure.area for figure in figures)]))}
    measures, groups = ({name: n for n, name in enumerate(names)} for names in (MEASURES, GROUPS))

    def rank(measure: str, group: str, area: str, year: int = 0) -> tuple:
        ranks = measures.get(measure, len(measures)), measure, groups.get(group, len(groups))
        return areas[area], *ranks, year

    return rank


def _place(figure: Published) -> tuple[str, str, str, str]:
    label = MEASURES[figure.measure].label if figure.measure in MEASURES else figure.measure
    return figure.area, label, figure.group, academic_year(figure.year) if figure.year else "none"


def band(figure: Published) -> tuple[Shown, Shown, Shown]:
    """Return the value of a figure and the ends of its interval as cells."""
    return value(figure), *interval_ends(figure)


def _spread(figure: Published) -> tuple[Cell, ...]:
    printed = f"{figure.text} ({figure.interval}){figure.mark}" if figure.interval else figure.in_cell
    return *band(figure), printed, _error(figure)


def _error(figure: Published) -> Shown:
    """Return a Monte Carlo error, in two digits that count."""
    if not math.isfinite(figure.error):
        return "none", "@"
    places = max(0, 1 - math.floor(math.log10(figure.error))) if figure.error > 0 else 0
    return figure.error, f"0.{'0' * places}" if places else "#,##0"


OF_FIGURES = (targets, projections, impact, lasting, money, by_year)
OF_FRAMES = (  # name, title, what the dossier calls it, and what the pack was made without where it is empty
    ("Assumptions", "The assumptions register", "assumptions", "the assumptions register"),
    ("Verification", "The verification log", "log", "a verification log"),
    ("Data dictionary", "What each column means", "dictionary", "a data dictionary"),
)


def sheets(dossier: Dossier) -> tuple[Sheet, ...]:
    """Return the sheets of a dossier of any kind in order; of figures only those that it has."""
    once: dict[str, Published] = {}
    for figure in dossier.figures:
        once.setdefault(figure.figure, figure)
    figures = tuple(once.values())
    others = [
        brief(figures),
        *(sheet for make in OF_FIGURES if (sheet := make(figures)).rows),
        *(_of_grid(name, grid) for name, grid in dossier.sheets.items()),
        *(_of_frame(name, title, getattr(dossier, attribute), f"This pack was made without {missing}.")
          for name, title, attribute, missing in OF_FRAMES),
        provenance(dossier),
    ]  # fmt: skip
    return (read_me(dossier, figures, others), *others)


def read_me(dossier: Dossier, figures: tuple[Published, ...], others: list[Sheet]) -> Sheet:
    """Return the first sheet: what this is, what it says, and how to read it."""
    rows = [
        ("What this is", f"{dossier.title}. The figures, targets and sources behind the two-page brief."),
        ("Headline", plain(dossier.headline)), ("Verdict", f"{dossier.verdict}: {dossier.reason}"),
        *((capital(label), figure.whole) for label, figure in dossier.numbers),
        ("Value", "The mean over the draws; of a price the median. A cell shows the digits that the brief prints and "
         "holds the number in full wherever its digits allow; figures.json and the CSV hold every number in full."),
        ("Lower, upper", "The ends of the 90% interval (5% and 95% of the draws); both are the value where nothing "
         "is uncertain."),
        (ERROR, "The standard error of a value for want of more draws, in its unit; the last digit "
         "printed is about as large, or larger."),
        ("Signs beside figures", key(figures) or "No figure has a mark."),
        ("Name of a figure", "quantity/measure/group/area/year; the same in every pack."),
        *((f"\u2018{capital(word)}\u2019", f"used for chances of {used} (yardstick: {band})")
          for word, band, used in formatting.table()),
        ("Words for chances", capital(formatting.SOURCE)),
        *(("Uncertainty", line) for line in dossier.statement),
        *(("Changed since the last version", line) for line in dossier.changes),
        ("How to cite", f"{dossier.title}. {dossier.trace}"),
        *((f"Sheet \u2018{sheet.name}\u2019", f"{sheet.title}; {len(sheet.rows):,} rows") for sheet in others),
    ]  # fmt: skip
    return Sheet("Read me", dossier.title, (("About", 34), ("What it says", 110)), tuple(rows))


def provenance(dossier: Dossier) -> Sheet:
    """Return all that makes the pack traceable, a row for each key, the scenario in full among them."""
    columns = (("Key", 60), ("Value", 90))
    return Sheet(
        "Provenance", "What every figure comes from", columns, tuple(_flat("", dossier.manifest)), (dossier.trace,)
    )


def _flat(name: str, value: object) -> Iterable[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for part, inner in value.items():
            yield from _flat(f"{name}.{part}" if name else str(part), inner)
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value, start=1):
            yield from _flat(f"{name}.{number}", inner)
    else:
        yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _of_frame(name: str, title: str, table: pd.DataFrame, otherwise: str) -> Sheet:
    """Return a table as it is; a sentence where there is none."""
    if not len(table):
        return Sheet(name, title, sentences=(otherwise,))
    widths = [max(10, min(WORDS, int(table[head].astype(str).str.len().quantile(0.9)) + 3)) for head in table.columns]
    columns = tuple((capital(str(head).replace("_", " ")), width) for head, width in zip(table, widths, strict=True))
    rows = tuple(tuple(_plain(value) for value in row) for row in table.astype(object).itertuples(index=False))
    return Sheet(name, title, columns, rows)


def _plain(value: object) -> Cell:
    """Return a cell of a table: a number as one, all else as text."""
    if isinstance(value, Published):
        return value.whole
    if isinstance(value, bool) or not hasattr(value, "__float__") or value != value:
        return "none" if value is None or value != value else str(value)
    return (float(value), "General")


def _of_grid(name: str, grid: Grid) -> Sheet:
    """Return a grid of a pack, each figure as a number and as it is printed, with its interval and marks."""
    has_figures = [any(isinstance(row[c], Published) for row in grid.rows) for c in range(len(grid.head))]
    columns: list[tuple[str, int]] = []
    for head, is_figure in zip(grid.head, has_figures, strict=True):
        further = [(f"{head}, as printed", 28), (f"{head}, marks", 24)] if is_figure else []
        columns += [(head, NARROW if is_figure else WIDE), *further]
    rows = []
    for row in grid.rows:
        cells: list[Cell] = []
        for cell, is_figure in zip(row, has_figures, strict=True):
            figure = isinstance(cell, Published)
            cells.append(value(cell) if figure else cell)
            if is_figure:
                cells += [cell.whole, cell.marks] if figure else [cell, NO_MARK]
        rows.append(tuple(cells))
    return Sheet(name, grid.caption, tuple(columns), tuple(rows))
