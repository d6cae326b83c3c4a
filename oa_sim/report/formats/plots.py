"""Plots: what the native charts of a workbook show, as tables of numbers with words for what is seen."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from oa_sim.definitions import academic_year
from oa_sim.formatting import unit, who
from oa_sim.report.formats import cells
from oa_sim.report.formats.cells import Shown
from oa_sim.report.formats.run_sheets import capital
from oa_sim.report.reported_figure import Published
from oa_sim.report.run_figures import EVERYWHERE

MOST_BARS = 20
MOST_NAME = 36  # characters of a name on an axis


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
    made = (_by_area(found, first), _courses(found, first), _left(found, first))
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
    return Plot("bars", title, "Area", capital(f"{unit(first.measure)}, with 90 % interval"), _said(title, here),
                ("Area", "Impact", "Below it", "Above it", "As printed"),
                tuple((*row, one.whole) for row, one in zip(rows, here, strict=True)))  # fmt: skip


def _short(name: str) -> str:
    """Return a name that leaves room for the chart beside it."""
    return name if len(name) <= MOST_NAME else f"{name[: MOST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def _around(one: Published) -> tuple[Shown, Shown, Shown]:
    """Return a value and how far the ends of its interval lie from it."""
    shown, form = cells.value(one)
    return (shown, form), (one.value - one.lower, form), (one.upper - one.value, form)


def _courses(found: dict, first: Published) -> Plot:
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
    return Plot("courses", f"{title}: with and without the programme", "Academic year", f"{up}, with 90 % interval",
                said, head, rows)  # fmt: skip


def _band(one: Published) -> tuple[Shown, Shown, Shown]:
    return cells.value(one), *cells.ends(one)


def _left(found: dict, first: Published) -> Plot:
    """Return the share of the peak left some years after the money, mean of areas."""
    names = {one.quantity: one for (quantity, area, _), one in found.items()
             if area == EVERYWHERE and quantity.startswith("left_") and math.isfinite(one.value)}  # fmt: skip
    each = sorted(names.values(), key=lambda one: one.year)
    title = f"Share of the peak left after the money, {who(first.measure, first.group)}, {EVERYWHERE}"
    rows = tuple((one.quantity.removeprefix("left_").removesuffix("y"), *_around(one), one.whole) for one in each)
    return Plot("left", title, "Years after the money ends", "Share of the peak, with 90 % interval",
                _said(title, each, lambda one: f"{one.quantity.removeprefix('left_').removesuffix('y')} years"),
                ("Years after", "Left", "Below it", "Above it", "As printed"), rows)  # fmt: skip


def _said(title: str, each: Iterable[Published], name=lambda one: one.area) -> str:
    """Return what a chart shows, in words."""
    return f"{title}: {'; '.join(f'{name(one)} {one.whole}' for one in each)}."
