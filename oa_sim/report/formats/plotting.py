"""Plotting: native charts of a workbook beside the tables that they draw, each with a title, axes and words for it."""

import math

from oa_sim.plots.intervals import COLOURS
from oa_sim.report.formats import cells
from oa_sim.report.formats.plots import Plot

WITH, WITHOUT = COLOURS[0], COLOURS[1]
WIDTHS = [34, 13, 13, 13, 30, 13, 13]  # of the columns of its tables, characters
TALL, APART = 20, 24  # rows of a chart, and from one to the next
FONT = {"name": "Arial", "size": 9}
MOST_SAID = 2_000  # characters of alternative text


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
        chart = MADE[plot.kind](pen.book, at.get_name(), plot, rows)
        _dress(chart, plot)
        said = cells.text(plot.alternative)[:MOST_SAID]
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


def _courses(book, sheet: str, plot: Plot, rows: tuple[int, int]):
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


def _left(book, sheet: str, plot: Plot, rows: tuple[int, int]):
    chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
    chart.add_series({
        "name": plot.head[1], "categories": [sheet, rows[0], 0, rows[1], 0], "values": [sheet, rows[0], 1, rows[1], 1],
        "line": {"color": WITH, "width": 2.25}, "y_error_bars": _ends(sheet, rows),
        "marker": {"type": "circle", "size": 7, "fill": {"color": WITH}, "border": {"color": WITH}},
    })  # fmt: skip
    chart.set_x_axis({"name": plot.across, **AXIS, "min": 0, "max": 12, "major_unit": 1})
    chart.set_y_axis({"name": plot.up, **AXIS, "min": 0, "max": 1, "num_format": "0 %", "major_gridlines": GRID})
    chart.set_legend({"none": True})
    return chart


def _ends(sheet: str, rows: tuple[int, int]) -> dict:
    """Return error bars from the two columns that stand behind the value."""
    quoted = sheet.replace("'", "''")
    lower, upper = (f"='{quoted}'!${column}${rows[0] + 1}:${column}${rows[1] + 1}" for column in "CD")
    return {"type": "custom", "plus_values": upper, "minus_values": lower, "line": {"color": "#222222", "width": 1.25}}


def _dress(chart, plot: Plot) -> None:
    chart.set_title({"name": cells.text(plot.title)[:250], "name_font": {**FONT, "size": 11}, "overlay": False})
    chart.set_size({"width": 640, "height": TALL * 20})
    chart.set_chartarea({"border": {"color": "#bbbbbb"}})


AXIS = {"name_font": FONT, "num_font": FONT}
GRID = {"visible": True, "line": {"color": "#dddddd", "width": 0.5}}
MADE = {"bars": _bars, "courses": _courses, "left": _left}
