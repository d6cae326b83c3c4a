"""Excel workbook: a dossier as an Excel workbook for evaluators: real numbers, tables that filter, native charts.

Names from outside are written as strings and never as formulas; the same dossier gives the same bytes.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from oa_sim.definitions import MEAN_OF_AREAS, academic_year
from oa_sim.formatting import unit, who
from oa_sim.plots.intervals import COLOURS
from oa_sim.report.document import Dossier, capital
from oa_sim.report.formats import excel_sheets
from oa_sim.report.formats.excel_sheets import STARTERS, Cell, Sheet, Shown
from oa_sim.report.reported_statistic import Published

if TYPE_CHECKING:
    import xlsxwriter

MADE = datetime(1980, 1, 1)  # the same for all, so that the same dossier gives the same bytes
MOST_NAME = 31  # characters of a sheet's name
LINE, TALLEST = 13.0, 400.0  # points: of a line, and the most that a row takes
WIDEST = 130  # characters of a sentence above a table
TABLE_STYLE = "Table Style Light 1"
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
BASE = {"font_name": "Arial", "font_size": 10, "valign": "top"}
STYLES: dict[str, dict[str, Any]] = {  # of cells, each said once
    "text": {"text_wrap": True, "align": "left", "indent": 1},
    "number": {"align": "right"},
    "head": {"text_wrap": True, "indent": 1, "valign": "vcenter", "bold": True, "bottom": 1, "bg_color": "#e8eef4"},
    "title": {"text_wrap": True, "align": "left", "bold": True, "font_size": 14, "font_color": "#00437a"},
    "banner": {"text_wrap": True, "align": "left", "bold": True, "font_color": "#ffffff", "bg_color": "#a00000"},
    "label": {"text_wrap": True, "align": "left", "font_color": "#444444"},
    "sentence": {"text_wrap": True, "align": "left"},
    "chart": {"align": "left", "indent": 1, "bold": True},
}
RATINGS = {"red": ("#9c0006", "#ffc7ce"), "amber": ("#7f4f00", "#ffeb9c"), "green": ("#005c1f", "#c6efce")}
LETTERS = {"high": "red", "medium": "amber", "low": "green", "FAIL": "red"}
RATED = ("Rating", "Risk", "Verdict")

MOST_BARS = 20
MOST_AREA = 36  # characters of a name on an axis
WITH, WITHOUT = COLOURS[0], COLOURS[1]
WIDTHS = [34, 13, 13, 13, 30, 13, 13]  # of the columns of the tables of charts, characters
TALL, APART = 20, 24  # rows of a chart, and from one to the next
FONT = {"name": "Arial", "size": 9}
MOST_ALTERNATIVE = 2_000  # characters of alternative text
AXIS = {"name_font": FONT, "num_font": FONT}
GRID = {"visible": True, "line": {"color": "#dddddd", "width": 0.5}}


Places = dict[tuple[str, str, int], Published]  # by quantity, area and year


@dataclass
class Pen:
    """What writes: the book, and each format once."""

    book: "xlsxwriter.Workbook"
    formats: dict = field(default_factory=dict)

    def look(self, style: str, **further: object):
        """Return the format of a style, made when it is first asked for."""
        key = (style, *further.items())
        if key not in self.formats:
            self.formats[key] = self.book.add_format({**BASE, **STYLES[style], **further})
        return self.formats[key]

    def write(self, sheet, row: int, column: int, value: Cell, style: str = "text") -> None:
        """Write a cell: a tuple as a number under its format, a whole number as one, all else as a string."""
        if isinstance(value, tuple) and not isinstance(value[0], str) and math.isfinite(value[0]):
            sheet.write_number(row, column, value[0], self.look("number", num_format=value[1]))
        elif isinstance(value, int):
            sheet.write_number(row, column, value, self.look("number", num_format="#,##0"))
        else:
            raw = value if isinstance(value, str) else value[0] if isinstance(value[0], str) else "none"
            text = excel_sheets.text(raw)
            is_risky = text.startswith(STARTERS) or raw.startswith(STARTERS)
            sheet.write_string(row, column, text, self.look(style, **({"quote_prefix": True} if is_risky else {})))


def book(dossier: Dossier) -> bytes:
    """Return a dossier of any kind as a workbook."""
    import xlsxwriter  # not every use of a dossier needs it

    content = BytesIO()
    pen = Pen(xlsxwriter.Workbook(content, PLAIN))
    pen.book.set_properties({"title": excel_sheets.text(dossier.title)[:250], "subject": "oa_sim", "author": "oa_sim",
                             "comments": excel_sheets.text(dossier.trace)[:250], "created": MADE})  # fmt: skip
    pen.book.set_size(2400, 1400)
    taken: set[str] = set()
    charts = plots(dossier.figures) if dossier.kind == "run" else ()
    for number, sheet in enumerate(excel_sheets.sheets(dossier), start=1):
        _add(pen, sheet, dossier, number, taken)
        if sheet.name == "Read me" and charts:
            page = pen.book.add_worksheet(name("Charts", taken))
            add(pen, page, charts, _open(pen, page, dossier, "Charts of the headline measure", WIDTHS))
            _print(page, dossier, pages=1)
    pen.book.close()
    return content.getvalue()


def name(wish: str, taken: set[str]) -> str:
    """Return a name of a sheet that no spreadsheet refuses, unlike those taken, to which it is added in lower case."""
    clean = re.sub(r"[\[\]:*?/\\\n]", " ", excel_sheets.text(wish)).strip(" '") or "Sheet"
    clean = "History of it" if clean.lower() == "history" else clean

    def cut(length: int) -> str:  # spreadsheets count as this encoding does
        return clean.encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore")

    short, number = cut(MOST_NAME).strip(" '"), 2
    while short.lower() in taken:
        end = f" {number}"
        short, number = cut(MOST_NAME - len(end)) + end, number + 1
    taken.add(short.lower())
    return short


def _add(pen: Pen, sheet: Sheet, dossier: Dossier, number: int, taken: set[str]) -> None:
    """Add a sheet: title, banner, sentences, and the table that filters."""
    page, widths = pen.book.add_worksheet(name(sheet.name, taken)), _widths(sheet)
    top = _open(pen, page, dossier, sheet.title, widths, sheet.sentences)
    for column, width in enumerate(widths):
        page.set_column(column, column, width)
    _print(page, dossier, pages=int(sheet.name == "Read me"))
    if not sheet.rows:
        return
    heads = _heads(sheet)
    options = {"name": f"table_{number}", "style": TABLE_STYLE, "columns": [{"header": head} for head in heads]}
    page.add_table(top, 0, top + len(sheet.rows), len(heads) - 1, options)
    for column, head in enumerate(heads):
        pen.write(page, top, column, head, "head")
    deep = max(-(-len(head) // max(width - 3, 4)) for head, width in zip(heads, widths, strict=True))
    page.set_row(top, 14 * deep + 4)
    for r, row in enumerate(sheet.rows, start=top + 1):
        lines = max(_lines(value, width) for value, width in zip(row, widths, strict=True))
        if lines > 1:
            page.set_row(r, min(LINE * lines + 2, TALLEST))
        for c, value in enumerate(row):
            pen.write(page, r, c, value)
    _rate(pen, page, heads, top, len(sheet.rows))
    page.freeze_panes(top + 1, 1)
    page.repeat_rows(top)


def _widths(sheet: Sheet) -> list[int]:
    """Return widths of columns, characters: as wide as what stands in them, and no wider than they may be."""
    widths = []
    for column, (head, most) in enumerate(sheet.columns):
        longest = max((len(_shown(row[column])) for row in sheet.rows), default=0)
        word = max(len(part) for part in [*head.split(), ""])
        widths.append(max(word + 3, min(round(0.9 * longest) + 3, most)))
    return widths or [100]


def _shown(value: Cell) -> str:
    """Return about what a cell shows."""
    if not isinstance(value, tuple):
        return str(value)
    number, form = value
    return number if isinstance(number, str) else f"{number:,.{len(form.partition('.')[2])}f}"


def _lines(value: Cell, width: int) -> int:
    """Return on how many lines a cell's text stands; a number takes one."""
    parts = value.split("\n") if isinstance(value, str) else [""]
    return sum(math.ceil(len(part) / (1.15 * width)) or 1 for part in parts)


def _heads(sheet: Sheet) -> list[str]:
    """Return headings of a table, which must differ and be no longer than a cell of a table's head."""
    heads: list[str] = []
    for wish, _ in sheet.columns:
        head = " ".join(excel_sheets.text(wish)[:200].split()) or "Column"
        same = sum(other.lower() == head.lower() or other.lower().startswith(f"{head.lower()} (") for other in heads)
        heads.append(f"{head} ({same + 1})" if same else head)
    return heads


def _open(pen: Pen, page, dossier: Dossier, title: str, widths: list[int], sentences: tuple[str, ...] = ()) -> int:
    """Write what stands above a table and return the row on which the table starts."""
    last = next((c for c in range(len(widths)) if sum(widths[: c + 1]) >= WIDEST), len(widths) - 1)
    wide = max(sum(widths[: last + 1]), 1)
    banner = [("banner", f"{dossier.verdict}: DO NOT USE. {dossier.reason}")] if dossier.verdict != "PASS" else []
    lines = [("title", title), *banner, ("label", f"Scenario {dossier.label}")]
    lines += [("sentence", sentence) for sentence in sentences]
    for row, (style, line) in enumerate(lines):
        text = excel_sheets.text(line)
        if last:
            page.merge_range(row, 0, row, last, "", pen.look(style))
        pen.write(page, row, 0, line, style)
        size = STYLES[style].get("font_size", BASE["font_size"])
        page.set_row(row, 1.4 * size * max(1, -(-int(len(text) * size / 10) // wide)))
    return len(lines) + 1


def _rate(pen: Pen, page, heads: list[str], top: int, n_rows: int) -> None:
    """Colour words that rate, in the columns that hold them; the word stays, so that nothing rests on colour."""
    for column, head in enumerate(heads):
        if head not in RATED and "marks" not in head.lower():
            continue
        words = {**dict(zip(RATINGS, RATINGS, strict=True)), **LETTERS} if head in RATED else {"FAIL": "red"}
        for word, colour in words.items():
            ink, ground = RATINGS[colour]
            look = pen.book.add_format({"font_color": ink, "bg_color": ground})
            rule = {"type": "text", "criteria": "containing", "value": word, "format": look}
            page.conditional_format(top + 1, column, top + n_rows, column, rule)


def _print(page, dossier: Dossier, *, pages: int = 0) -> None:
    """Set a sheet up for paper: landscape A4, one page wide, its source and page at the foot."""
    page.set_landscape()
    page.set_paper(9)
    page.fit_to_pages(1, pages)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    foot = re.sub(r"\s+", " ", excel_sheets.text(dossier.label))[:60].replace("&", "&&")
    page.set_footer(f"&L&8{' ' if foot[:1].isdigit() else ''}{foot}&C&8&A&R&8&P of &N")


class Plot(NamedTuple):
    """A native chart and the table that it draws: a word and then numbers with their formats in each row.

    ``draw`` makes the chart from a book, the name of a sheet, this and the rows of the sheet; ``up`` is the title of
    its axis of values; ``alternative`` says what is seen in words.
    """

    draw: Callable[..., Any]
    title: str
    up: str
    alternative: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | int | Shown, ...], ...]


def plots(figures: tuple[Published, ...]) -> tuple[Plot, ...]:
    """Return the charts of a run, all of the measure and group that its first impact speaks of."""
    first = next((figure for figure in figures if figure.quantity == "impact"), None)
    if first is None:
        return ()
    by = {(figure.quantity, figure.area, figure.year): figure for figure in reversed(figures)
          if (figure.measure, figure.group) == (first.measure, first.group)}  # fmt: skip
    charts = (_by_area(by, first), _levels(by, first), _retention(by, first))
    return tuple(chart for chart in charts if len(chart.rows) > 1)


def _by_area(by: Places, first: Published) -> Plot:
    """Return the impact by area in the year of the headline, the largest on top."""
    figures = [figure for (quantity, area, year), figure in by.items() if quantity == "impact" and year == first.year
               and area != MEAN_OF_AREAS and math.isfinite(figure.value)]  # fmt: skip
    figures = sorted(figures, key=lambda figure: (-figure.value, figure.area))[:MOST_BARS]
    title = f"Impact by area, {who(first.measure, first.group)}, {academic_year(first.year)}"
    seen = "; ".join(f"{figure.area} {figure.whole}" for figure in figures)
    rows = tuple((f"{_short(figure.area)}{figure.mark}", *_around(figure), figure.whole) for figure in figures)
    head = ("Area", "Impact", "Below it", "Above it", "As printed")
    return Plot(_bars, title, capital(f"{unit(first.measure)}, with 90% interval"), f"{title}: {seen}.", head, rows)


def _short(area: str) -> str:
    """Return a name that leaves room for the chart beside it."""
    return area if len(area) <= MOST_AREA else f"{area[: MOST_AREA - 1]}\N{HORIZONTAL ELLIPSIS}"


def _around(figure: Published) -> tuple[Shown, Shown, Shown]:
    """Return a value and how far the ends of its interval lie from it."""
    shown, form = excel_sheets.value(figure)
    return (shown, form), (figure.value - figure.lower, form), (figure.upper - figure.value, form)


def _levels(by: Places, first: Published) -> Plot:
    """Return the level with and without the programme over years, mean of areas."""
    sides = [{year: figure for (quantity, area, year), figure in by.items()
              if quantity == side and area == MEAN_OF_AREAS} for side in ("projection", "counterfactual")]  # fmt: skip
    years = sorted(sides[0].keys() & sides[1].keys())
    rows = tuple((academic_year(year), *(cell for side in sides for cell in excel_sheets.band(side[year])))
                 for year in years)  # fmt: skip
    title = f"{capital(who(first.measure, first.group))}, {MEAN_OF_AREAS}"
    head = ("Year", *(f"{side} the programme{end}" for side in ("With", "Without")
            for end in ("", ", lower end", ", upper end")))  # fmt: skip
    text = ""
    if years:
        last = [side[years[-1]].whole for side in sides]
        text = (f"{title}, {rows[0][0]} to {rows[-1][0]}. In {rows[-1][0]}: with the programme {last[0]}, without "
                f"{last[1]}.")  # fmt: skip
    up = f"{capital(unit(first.measure, level=True))}, with 90% interval"
    return Plot(_level_chart, f"{title}: with and without the programme", up, text, head, rows)


def _retention(by: Places, first: Published) -> Plot:
    """Return the share of the peak left some years after the money, mean of areas."""
    left = {figure.quantity: figure for (quantity, area, _), figure in by.items()
            if area == MEAN_OF_AREAS and quantity.startswith("left_") and math.isfinite(figure.value)}  # fmt: skip
    figures = {int(name[5:-1]): figure for name, figure in sorted(left.items(), key=lambda item: item[1].year)}
    title = f"Share of the peak left after the money, {who(first.measure, first.group)}, {MEAN_OF_AREAS}"
    seen = "; ".join(f"{years} years {figure.whole}" for years, figure in figures.items())
    rows = tuple((years, *_around(figure), figure.whole) for years, figure in figures.items())
    head = ("Years after", "Left", "Below it", "Above it", "As printed")
    return Plot(_retention_chart, title, "Share of the peak, with 90% interval", f"{title}: {seen}.", head, rows)


def add(pen: Pen, page: Any, charts: tuple[Plot, ...], top: int) -> None:
    """Add charts to a sheet from its first free row: each table on the left, its chart on the right."""
    for column, width in enumerate(WIDTHS):
        page.set_column(column, column, width)
    for plot in charts:
        rows = _table(pen, page, plot, top)
        chart = plot.draw(pen.book, page.get_name(), plot, rows)
        title = excel_sheets.text(plot.title)[:250]
        chart.set_title({"name": title, "name_font": FONT | {"size": 11}, "overlay": False})
        chart.set_size({"width": 640, "height": TALL * 20})
        chart.set_chartarea({"border": {"color": "#bbbbbb"}})
        text = excel_sheets.text(plot.alternative)[:MOST_ALTERNATIVE]
        page.insert_chart(rows[0] - 1, 8, chart, {"description": text, "object_position": 2})
        top = max(rows[1] + 4, rows[0] + APART)


def _table(pen: Pen, page: Any, plot: Plot, top: int) -> tuple[int, int]:
    """Write the table that a chart draws and return its first and last row."""
    pen.write(page, top, 0, plot.title, "chart")
    page.set_row(top + 1, 42)
    for column, head in enumerate(plot.head):
        pen.write(page, top + 1, column, head, "head")
    for r, row in enumerate(plot.rows, start=top + 2):
        for c, value in enumerate(row):
            pen.write(page, r, c, value)
    return top + 2, top + 1 + len(plot.rows)


def _bars(book: Any, sheet: str, plot: Plot, rows: tuple[int, int]) -> Any:
    chart = book.add_chart({"type": "bar"})
    chart.add_series(_series(sheet, plot, rows) | {"fill": {"color": WITH}, "gap": 60})
    low = min(0.0, *(value - below for _, (value, _), (below, _), *_ in plot.rows))
    high = max(0.0, *(value + above for _, (value, _), _, (above, _), *_ in plot.rows))
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9))) / 2  # spreadsheets leave intervals out of account
    ends = {"min": step * math.floor(low / step), "max": step * math.ceil(high / step), "major_unit": step}
    chart.set_x_axis({"name": plot.up, **AXIS, "major_gridlines": GRID, **ends})
    chart.set_y_axis({"name": "Area", **AXIS, "reverse": True, "label_position": "low", "crossing": "max",
                      "major_gridlines": {"visible": False}})  # fmt: skip
    chart.set_legend({"none": True})
    return chart


def _level_chart(book: Any, sheet: str, plot: Plot, rows: tuple[int, int]) -> Any:
    chart = book.add_chart({"type": "line"})
    for column in range(1, 7):
        colour, marker, dash = ((WITH, "circle", "solid"), (WITHOUT, "square", "dash"))[(column - 1) // 3]
        line, is_middle = {"color": colour, "width": 2.25, "dash_type": dash}, (column - 1) % 3 == 0
        chart.add_series({
            "name": [sheet, rows[0] - 1, column], "categories": [sheet, rows[0], 0, rows[1], 0],
            "values": [sheet, rows[0], column, rows[1], column],
            "line": line if is_middle else {**line, "width": 0.75, "transparency": 30},
            "marker": _marker(marker, 6, colour) if is_middle else {"type": "none"},
        })  # fmt: skip
    values = [value[0] for row in plot.rows for value in row[1:] if not isinstance(value[0], str)]
    low = 5 * int(min(values, default=0) // 5)
    chart.set_x_axis({"name": "Academic year", **AXIS})
    chart.set_y_axis({"name": plot.up, **AXIS, "min": low, "major_gridlines": GRID})
    chart.set_legend({"position": "bottom", "font": FONT, "delete_series": [1, 2, 4, 5]})
    return chart


def _retention_chart(book: Any, sheet: str, plot: Plot, rows: tuple[int, int]) -> Any:
    chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    line = {"color": WITH, "width": 2.25}
    chart.add_series(_series(sheet, plot, rows) | {"line": line, "marker": _marker("circle", 7, WITH)})
    chart.set_x_axis({"name": "Years after the money ends", **AXIS, "min": 0, "max": 12, "major_unit": 1})
    chart.set_y_axis({"name": plot.up, **AXIS, "min": 0, "max": 1, "num_format": "0%", "major_gridlines": GRID})
    chart.set_legend({"none": True})
    return chart


def _marker(kind: str, size: int, colour: str) -> dict[str, Any]:
    return {"type": kind, "size": size, "fill": {"color": colour}, "border": {"color": colour}}


def _series(sheet: str, plot: Plot, rows: tuple[int, int]) -> dict[str, Any]:
    """Return the value of a table as a series, with error bars from the two columns that stand behind it."""
    quoted = sheet.replace("'", "''")
    lower, upper = (f"='{quoted}'!${column}${rows[0] + 1}:${column}${rows[1] + 1}" for column in "CD")
    line = {"color": "#222222", "width": 1.25}
    bars = {"type": "custom", "plus_values": upper, "minus_values": lower, "line": line}
    return {"name": plot.head[1], "categories": [sheet, rows[0], 0, rows[1], 0],
            "values": [sheet, rows[0], 1, rows[1], 1], "y_error_bars": bars}  # fmt: skip
