"""Excel charts: native charts of a workbook beside the tables that they draw, each with a title, axes and a text."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from oa_sim.definitions import academic_year
from oa_sim.formatting import unit, who
from oa_sim.plots.intervals import COLOURS
from oa_sim.report.formats import excel_sheets
from oa_sim.report.formats.excel_sheets import Shown, capital
from oa_sim.report.reported_statistic import Published
from oa_sim.simulation.comparison import EVERYWHERE

MOST_BARS = 20
MOST_NAME = 36  # characters of a name on an axis
WITH, WITHOUT = COLOURS[0], COLOURS[1]
WIDTHS = [34, 13, 13, 13, 30, 13, 13]  # of the columns of its tables, characters
TALL, APART = 20, 24  # rows of a chart, and from one to the next
FONT = {"name": "Arial", "size": 9}
MOST_SAID = 2_000  # characters of alternative text
AXIS = {"name_font": FONT, "num_font": FONT}
GRID = {"visible": True, "line": {"color": "#dddddd", "width": 0.5}}


@dataclass(frozen=True)
class Plot:
    """A native chart and the table that it draws.

    Attributes
    ----------
    kind
        ``bars`` with ends, ``courses`` over years, or ``left`` of a peak.
    title, across, up
        Above it; of its axes.
    alternative
        What is seen, in words.
    head, rows
        The table: a word, then numbers with their formats.
    """

    kind: str
    title: str
    across: str
    up: str
    alternative: str
    head: tuple[str, ...]
    rows: tuple[tuple[str | Shown, ...], ...]


def plots(figures: tuple[Published, ...]) -> tuple[Plot, ...]:
    """Return the charts of a run, all of the measure and group that its first impact speaks of.

    Parameters
    ----------
    figures
        Of a dossier, the brief's first.
    """
    first = next((one for one in figures if one.quantity == "impact"), None)
    if first is None:
        return ()
    found = {(one.quantity, one.area, one.year): one for one in reversed(figures)
             if (one.measure, one.group) == (first.measure, first.group)}  # fmt: skip
    made = (_by_area(found, first), _level_data(found, first), _retention_data(found, first))
    return tuple(plot for plot in made if len(plot.rows) > 1)


def _by_area(found: dict, first: Published) -> Plot:
    """Return the impact by area in the year of the headline, the largest on top."""
    there = [one for (quantity, area, year), one in found.items()
             if quantity == "impact" and year == first.year and area != EVERYWHERE]  # fmt: skip
    here = sorted((one for one in there if math.isfinite(one.value)), key=lambda one: (-one.value, one.area))[
        :MOST_BARS
    ]
    title = f"Impact by area, {who(first.measure, first.group)}, {academic_year(first.year)}"
    rows = tuple((f"{_short(one.area)}{one.mark}", *_around(one)) for one in here)
    return Plot("bars", title, "Area", capital(f"{unit(first.measure)}, with 90% interval"), _said(title, here),
                ("Area", "Impact", "Below it", "Above it", "As printed"),
                tuple((*row, one.whole) for row, one in zip(rows, here, strict=True)))  # fmt: skip


def _short(name: str) -> str:
    """Return a name that leaves room for the chart beside it."""
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _around(one: Published) -> tuple[Shown, Shown, Shown]:
    """Return a value and how far the ends of its interval lie from it."""
    shown, form = excel_sheets.value(one)
    return (shown, form), (one.value - one.lower, form), (one.upper - one.value, form)


def _level_data(found: dict, first: Published) -> Plot:
    """Return the level with and without the programme over years, mean of areas."""
    years = sorted(year for quantity, area, year in found if quantity == "projection" and area == EVERYWHERE)
    sides = [[found[name, EVERYWHERE, year] for year in years] for name in ("projection", "counterfactual")
             if all((name, EVERYWHERE, year) in found for year in years)]  # fmt: skip
    title = f"{capital(who(first.measure, first.group))}, {EVERYWHERE}"
    head = ("Year", *(f"{what} the programme{end}" for what in ("With", "Without")
            for end in ("", ", lower end", ", upper end")))  # fmt: skip
    if len(sides) < 2 or not years:
        return Plot("courses", title, "", "", "", head, ())
    rows = tuple((academic_year(one.year), *_band(one), *_band(two)) for one, two in zip(*sides, strict=True))
    last = [side[-1].whole for side in sides]
    said = f"{title}, {rows[0][0]} to {rows[-1][0]}. In {rows[-1][0]}: with the programme {last[0]}, without {last[1]}."
    up = capital(unit(first.measure, level=True))
    return Plot("courses", f"{title}: with and without the programme", "Academic year", f"{up}, with 90% interval",
                said, head, rows)  # fmt: skip


def _band(one: Published) -> tuple[Shown, Shown, Shown]:
    return excel_sheets.value(one), *excel_sheets.interval_ends(one)


def _retention_data(found: dict, first: Published) -> Plot:
    """Return the share of the peak left some years after the money, mean of areas."""
    names = {one.quantity: one for (quantity, area, _), one in found.items()
             if area == EVERYWHERE and quantity.startswith("left_") and math.isfinite(one.value)}  # fmt: skip
    each = sorted(names.values(), key=lambda one: one.year)
    title = f"Share of the peak left after the money, {who(first.measure, first.group)}, {EVERYWHERE}"
    rows = tuple((one.quantity.removeprefix("left_").removesuffix("y"), *_around(one), one.whole) for one in each)
    return Plot("left", title, "Years after the money ends", "Share of the peak, with 90% interval",
                _said(title, each, lambda one: f"{one.quantity.removeprefix('left_').removesuffix('y')} years"),
                ("Years after", "Left", "Below it", "Above it", "As printed"), rows)  # fmt: skip


def _said(title: str, each: Iterable[Published], name=lambda one: one.area) -> str:
    """Return what a chart shows, in words."""
    return f"{title}: {'; '.join(f'{name(one)} {one.whole}' for one in each)}."


def add(pen, at, drawn: tuple[Plot, ...], top: int) -> None:
    """Add charts to a sheet: each table on the left, its chart on the right.

    Parameters
    ----------
    pen, at
        What writes, and the sheet.
    drawn
        From ``plots``.
    top
        The first free row.
    """
    for column, width in enumerate(WIDTHS):
        at.set_column(column, column, width)
    for plot in drawn:
        rows = _table(pen, at, plot, top)
        chart = DRAWN[plot.kind](pen.book, at.get_name(), plot, rows)
        _dress(chart, plot)
        said = excel_sheets.text(plot.alternative)[:MOST_SAID]
        at.insert_chart(rows[0] - 1, 8, chart, {"description": said, "object_position": 2})
        top = max(rows[1] + 4, rows[0] + APART)


def _table(pen, at, plot: Plot, top: int) -> tuple[int, int]:
    """Write the table that a chart draws and return its first and last row."""
    pen.write(at, top, 0, plot.title, bold=True, text_wrap=False)
    at.set_row(top + 1, 42)
    for column, head in enumerate(plot.head):
        pen.write(at, top + 1, column, head, bold=True, bottom=1, bg_color="#e8eef4")
    for r, row in enumerate(plot.rows, start=top + 2):
        for c, said in enumerate(row):
            as_number = plot.kind == "left" and c == 0  # a scatter needs the years as numbers
            pen.write(at, r, c, int(said) if as_number else said)
    return top + 2, top + 1 + len(plot.rows)


def _bars(book, sheet: str, plot: Plot, rows: tuple[int, int]):
    chart = book.add_chart({"type": "bar"})
    chart.add_series({
        "name": plot.head[1], "categories": [sheet, rows[0], 0, rows[1], 0], "values": [sheet, rows[0], 1, rows[1], 1],
        "fill": {"color": WITH}, "gap": 60, "y_error_bars": _ends(sheet, rows),
    })  # fmt: skip
    chart.set_x_axis({"name": plot.up, **AXIS, "major_gridlines": GRID, **_reach(plot)})
    chart.set_y_axis({"name": plot.across, **AXIS, "reverse": True, "label_position": "low", "crossing": "max",
                      "major_gridlines": {"visible": False}})  # fmt: skip
    chart.set_legend({"none": True})
    return chart


def _reach(plot: Plot) -> dict[str, float]:
    """Return the ends of an axis that holds all intervals, which spreadsheets leave out of account."""
    low = min(0.0, *(row[1][0] - row[2][0] for row in plot.rows))
    high = max(0.0, *(row[1][0] + row[3][0] for row in plot.rows))
    step = 10.0 ** math.floor(math.log10(max(high - low, 1e-9))) / 2
    return {"min": step * math.floor(low / step), "max": step * math.ceil(high / step), "major_unit": step}


def _level_chart(book, sheet: str, plot: Plot, rows: tuple[int, int]):
    chart = book.add_chart({"type": "line"})
    looks = ((WITH, "circle", "solid"), (WITHOUT, "square", "dash"))
    for column in range(1, 7):
        colour, marker, dash = looks[(column - 1) // 3]
        middle = (column - 1) % 3 == 0
        line = {"color": colour, "width": 2.25, "dash_type": dash}
        chart.add_series({
            "name": [sheet, rows[0] - 1, column], "categories": [sheet, rows[0], 0, rows[1], 0],
            "values": [sheet, rows[0], column, rows[1], column],
            "line": line if middle else {**line, "width": 0.75, "transparency": 30},
            "marker": {"type": marker, "size": 6, "fill": {"color": colour}, "border": {"color": colour}}
            if middle else {"type": "none"},
        })  # fmt: skip
    values = [said[0] for row in plot.rows for said in row[1:] if not isinstance(said[0], str)]
    low = 5 * int(min(values, default=0) // 5)
    chart.set_x_axis({"name": plot.across, **AXIS})
    chart.set_y_axis({"name": plot.up, **AXIS, "min": low, "major_gridlines": GRID})
    chart.set_legend({"position": "bottom", "font": FONT, "delete_series": [1, 2, 4, 5]})
    return chart


def _retention_chart(book, sheet: str, plot: Plot, rows: tuple[int, int]):
    chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    chart.add_series({
        "name": plot.head[1], "categories": [sheet, rows[0], 0, rows[1], 0], "values": [sheet, rows[0], 1, rows[1], 1],
        "line": {"color": WITH, "width": 2.25}, "y_error_bars": _ends(sheet, rows),
        "marker": {"type": "circle", "size": 7, "fill": {"color": WITH}, "border": {"color": WITH}},
    })  # fmt: skip
    chart.set_x_axis({"name": plot.across, **AXIS, "min": 0, "max": 12, "major_unit": 1})
    chart.set_y_axis({"name": plot.up, **AXIS, "min": 0, "max": 1, "num_format": "0%", "major_gridlines": GRID})
    chart.set_legend({"none": True})
    return chart


def _ends(sheet: str, rows: tuple[int, int]) -> dict:
    """Return error bars from the two columns that stand behind the value."""
    quoted = sheet.replace("'", "''")
    lower, upper = (f"='{quoted}'!${column}${rows[0] + 1}:${column}${rows[1] + 1}" for column in "CD")
    return {"type": "custom", "plus_values": upper, "minus_values": lower, "line": {"color": "#222222", "width": 1.25}}


def _dress(chart, plot: Plot) -> None:
    chart.set_title({"name": excel_sheets.text(plot.title)[:250], "name_font": {**FONT, "size": 11}, "overlay": False})
    chart.set_size({"width": 640, "height": TALL * 20})
    chart.set_chartarea({"border": {"color": "#bbbbbb"}})


DRAWN = {"bars": _bars, "courses": _level_chart, "left": _retention_chart}
