"""Figures: a result in, a picture as inline SVG out.

Every picture carries its main figures in words, for those who cannot see it, and identifiers of its own,
so that many can stand in one page.
"""

import re
import textwrap
from collections.abc import Callable
from html import escape
from io import StringIO

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.result import Result
from oa_sim.retention import YEARS_AFTER
from oa_sim.variables import MEASURES, academic_year

BAND = (0.05, 0.25, 0.5, 0.75, 0.95)  # the 90 % band, the 50 % band and the median
WITH, CHANGE, WIDE, NARROW, INK = "#0072b2", "#b34700", "#d9d9d9", "#a6a6a6", "#222222"
STYLE = {
    "font.family": "DejaVu Sans",  # what matplotlib brings along, so that no font is ever looked for in vain
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "oa_sim",
}
FONTS = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
MARKS = dict(zip(YEARS_AFTER, "os^", strict=True))


def has_impact(result: Result) -> bool:
    """Return whether the scenario changes anything at all."""
    return bool((result.draws.impact.sel(group="all").values != 0).any())


def reading_year(result: Result) -> int:
    """Return the year at which areas are compared: the last funded one, or the last projected one if sooner."""
    first, last = result.draws.year.values[[0, -1]].tolist()
    return int(np.clip(result.sustainability.attrs["last_funded_year"], first, last))


def mean_of_areas(result: Result, quantity: str, measure: str) -> np.ndarray:
    """Return the band (quantile, year) of the unweighted mean over areas, formed draw by draw."""
    values = result.draws[quantity].sel(measure=measure, group="all").transpose("chain", "draw", "area", "year").values
    return np.quantile(values.astype(float).mean(axis=2).reshape(-1, values.shape[-1]), BAND, axis=0)


def impact_by_area(result: Result, measure: str, group: str) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (area) and band (quantile, area) of the impact in the reading year, in the measure's unit."""
    at = {"measure": measure, "group": group, "year": reading_year(result)}
    values = result.draws.impact.sel(at).transpose("chain", "draw", "area").values.astype(float)
    values = values.reshape(-1, values.shape[-1])
    return values.mean(axis=0), np.quantile(values, BAND, axis=0)


def unit_of_change(measure: str) -> str:
    """Return the unit of a difference: that of a percentage is the percentage point."""
    unit = MEASURES[measure].unit
    return "percentage points" if unit == "%" else unit


def over_areas(result: Result) -> str:
    """Return what a mean over areas is called."""
    n = result.draws.sizes["area"]
    return f"mean of the {n} areas" if n > 1 else str(result.draws.area.values[0])


def decimals(low: float, high: float) -> int:
    """Return how many decimals an interval supports: two digits of its half-width, and at most two decimals."""
    half = (high - low) / 2
    return int(np.clip(1 - np.floor(np.log10(half)), 0, 2)) if np.isfinite(half) and half > 0 else 2


def number(value: float, places: int) -> str:
    """Return a number as it is printed: with a true minus sign, and never minus nothing."""
    if not np.isfinite(value):
        return "not known"
    text = f"{value:.{places}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def interval(middle: float, low: float, high: float, unit: str = "") -> str:
    """Return a figure with its 90 % interval in words."""
    places = decimals(low, high)
    return f"{number(middle, places)}{unit} (90 % interval {number(low, places)} to {number(high, places)})"


def fan(result: Result, measure: str) -> str:
    """Return the past and the future of a measure, and below it the impact where there is one."""
    shown = has_impact(result)

    def paint(figure: Figure) -> None:
        axes = figure.subplots(2 if shown else 1, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + shown])
        figure.subplots_adjust(left=0.13, right=0.95, top=0.94, bottom=0.07 if shown else 0.1, hspace=0.22)
        _paint_future(axes[0, 0], result, measure, with_programme=shown)
        if shown:
            _paint_impact(axes[1, 0], result, measure)

    return picture(f"fan-{measure}", _fan_in_words(result, measure), (3.6, 4.1 if shown else 2.8), paint)


def side_by_side(result: Result, measure: str, group: str) -> str:
    """Return the impact in each area as intervals, in the order of the table; a county's figures are hollow."""
    mean, band = impact_by_area(result, measure, group)
    names = result.draws.area.values.tolist()
    proxy = result.draws.proxy.sel(measure=measure, group=group).values.astype(bool)
    labels = [f"{name} (county proxy)" if county else name for name, county in zip(names, proxy, strict=True)]
    unit = unit_of_change(measure)

    def paint(figure: Figure) -> None:
        axes, rows = _rows(figure, labels), np.arange(len(names))
        axes.hlines(rows, band[0], band[4], color=WITH, linewidth=1.2)
        axes.hlines(rows, band[1], band[3], color=WITH, linewidth=4.5)
        axes.scatter(band[2], rows, s=34, zorder=3, color=np.where(proxy, "white", WITH), edgecolor=WITH, linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"impact in {academic_year(reading_year(result))}, {unit}")

    said = [f"{label} {interval(m, b[0], b[4])}" for label, m, b in zip(labels, mean, band.T, strict=True)]
    words = f"Impact on {MEASURES[measure].label}, group {group}, {unit}, mean by area: {'; '.join(said)}."
    return picture("areas", words, (5.0, 0.6 + 0.33 * len(names)), paint)


def retention(result: Result) -> str:
    """Return the share of the peak left 1, 5 and 10 years after the money, by measure."""
    found = result.sustainability.sel(group="all")
    left = {k: found[f"left_{k}y"].mean("area", skipna=True) for k in YEARS_AFTER}
    measures = [m for m in found.measure.values.tolist() if np.isfinite(float(left[1].sel(measure=m)))]
    table = np.array([[100 * float(left[k].sel(measure=m)) for k in YEARS_AFTER] for m in measures])

    def paint(figure: Figure) -> None:
        axes, rows = _rows(figure, [MEASURES[m].label for m in measures]), np.arange(len(measures))
        axes.hlines(rows, table.min(axis=1), table.max(axis=1), color=NARROW)
        for (k, mark), shares in zip(MARKS.items(), table.T, strict=True):
            axes.plot(shares, rows, mark, color=CHANGE, markerfacecolor="white" if k > 1 else CHANGE, label=str(k))
        axes.set(xlim=(-3, 103), xlabel="% of the peak still to be seen")
        figure.legend(title="years after the money", loc="upper right", ncols=len(MARKS), frameon=False)
        figure.subplots_adjust(top=1 - 0.5 / figure.get_figheight())

    said = [
        f"{MEASURES[m].label} {', '.join(f'{value:.0f} %' for value in row)}"
        for m, row in zip(measures, table, strict=True)
    ]
    words = f"Share of the peak impact left 1, 5 and 10 years after the money, {over_areas(result)}: {'; '.join(said)}."
    return picture("lasting", words, (5.0, 1.1 + 0.33 * len(measures)), paint)


def key(result: Result) -> list[tuple[str, str]]:
    """Return what the fan's lines and bands mean, each as a small SVG and its words."""
    marks = [
        (f'<path d="M0 7h28" stroke="{INK}"/><circle cx="14" cy="7" r="3" fill="{INK}"/>', "published"),
        (f'<path d="M0 7h28" stroke="{INK}" stroke-width="2" stroke-dasharray="5 3"/>', "median without the programme"),
        (f'<path d="M0 0h28v14h-28z" fill="{NARROW}"/>', "50 % band without the programme"),
        (f'<path d="M0 0h28v14h-28z" fill="{WIDE}"/>', "90 % band without the programme"),
    ]
    if has_impact(result):
        marks += [
            (f'<path d="M0 7h28" stroke="{WITH}" stroke-width="2.5"/>', "median with the programme"),
            (f'<path d="M0 2h28M0 12h28" stroke="{WITH}" stroke-dasharray="2 2"/>', "edges of its 90 % band"),
            (f'<path d="M0 2h28v10h-28z" fill="{CHANGE}" fill-opacity=".3"/><path d="M0 7h28" stroke="{CHANGE}" '
             'stroke-width="2.5"/>', "impact, below: median, 50 % and 90 % band"),
        ]  # fmt: skip
    return [(f'<svg aria-hidden="true" width="28" height="14" viewBox="0 0 28 14">{s}</svg>', t) for s, t in marks]


def _paint_future(axes: Axes, result: Result, measure: str, *, with_programme: bool) -> None:
    years, past = result.draws.year.values, result.draws.history_year.values
    published = result.draws.history.sel(measure=measure, group="all").transpose("area", ...).values.mean(axis=0)
    without = mean_of_areas(result, "counterfactual", measure)
    axes.fill_between(years, without[0], without[4], color=WIDE, linewidth=0)
    axes.fill_between(years, without[1], without[3], color=NARROW, linewidth=0)
    axes.plot(years, without[2], color=INK, linestyle=(0, (4, 2)))
    if with_programme:
        band = mean_of_areas(result, "projection", measure)
        axes.plot(years, band[2], color=WITH, linewidth=1.7)
        axes.plot(years, band[[0, 4]].T, color=WITH, linewidth=0.9, linestyle=":")
    axes.plot(past, published, color=INK, marker="o", markersize=3, linewidth=0.9)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.7)
    axes.annotate(" projected \N{RIGHTWARDS ARROW}", (years[0] - 0.5, 1), xycoords=("data", "axes fraction"), va="top")
    axes.set_title(f"{MEASURES[measure].unit}, {over_areas(result)}")
    first = min([*past[np.isfinite(published)].tolist(), int(years[0]) - 1])
    axes.set_xlim(first - 0.6, years[-1] + 0.6)
    axes.margins(y=0.1)
    step = max(2, int(np.ceil((years[-1] - first) / 5)))
    ticks = [year for year in range(first, int(years[-1]) + 1) if (year - int(years[0])) % step == 0]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])


def _paint_impact(axes: Axes, result: Result, measure: str) -> None:
    years, band = result.draws.year.values, mean_of_areas(result, "impact", measure)
    last = result.sustainability.attrs["last_funded_year"]
    axes.fill_between(years, band[0], band[4], color=CHANGE, alpha=0.2, linewidth=0)
    axes.fill_between(years, band[1], band[3], color=CHANGE, alpha=0.35, linewidth=0)
    axes.plot(years, band[2], color=CHANGE)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.7)
    if last < years[-1]:
        down = MEASURES[measure].lower_is_better
        axes.axvline(last + 0.5, color=INK, linewidth=0.7, linestyle=":")
        place = ((last + 0.5, 0.03 if down else 0.97), ("data", "axes fraction"), "bottom" if down else "top")
        axes.annotate(" money ends", place[0], xycoords=place[1], va=place[2], fontsize=7)
    axes.set_title(f"impact, {unit_of_change(measure)}{' (down is better)' * MEASURES[measure].lower_is_better}")


def _rows(figure: Figure, labels: list[str]) -> Axes:
    """Return axes with a named row for each label, the first on top."""
    axes = figure.subplots()
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.4, right=0.97, bottom=0.45 / height, top=1 - 0.1 / height)
    axes.set_yticks(np.arange(len(labels)), [_two_lines(label) for label in labels])
    axes.spines.left.set_visible(False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    return axes


def _two_lines(label: str) -> str:
    """Return a label broken where it is long, but not inside the mark of a proxy."""
    return textwrap.fill(label.replace("county proxy", "county_proxy"), 29).replace("county_proxy", "county proxy")


def _fan_in_words(result: Result, measure: str) -> str:
    draws, about = result.draws, MEASURES[measure]
    published = draws.history.sel(measure=measure, group="all").transpose("area", ...).values.mean(axis=0)
    known = np.flatnonzero(np.isfinite(published))
    words = [f"{about.label}, {about.unit}, {over_areas(result)}."]
    if known.size:
        places = 2 if np.nanmax(np.abs(published)) < 10 else 1
        year = int(draws.history_year.values[known[-1]])
        words.append(f"Last published: {number(published[known[-1]], places)} in {academic_year(year)}.")
    end = academic_year(int(draws.year.values[-1]))
    without = mean_of_areas(result, "counterfactual", measure)[:, -1]
    words.append(f"Without the programme, median in {end}: {interval(without[2], without[0], without[4])}.")
    if has_impact(result):
        after = mean_of_areas(result, "projection", measure)[:, -1]
        change = mean_of_areas(result, "impact", measure)[:, draws.year.values.tolist().index(reading_year(result))]
        words.append(f"With it: {interval(after[2], after[0], after[4])}. Median impact in")
        words.append(f"{academic_year(reading_year(result))}: {interval(change[2], change[0], change[4])}")
        words.append(f"{unit_of_change(measure)}.")
    return " ".join(words)


def picture(name: str, words: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> str:
    """Return what ``paint`` draws as one SVG element, of no fixed size, whose identifiers begin with ``name``."""
    buffer = StringIO()
    with rc_context(STYLE):
        figure = Figure(figsize=size)
        paint(figure)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = re.sub(r"<metadata>.*?</metadata>", "", buffer.getvalue(), flags=re.DOTALL)
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", svg).replace("'DejaVu Sans'", FONTS)
    body = svg[svg.index("<svg") :].partition(">")[2]
    width, height = (72 * side for side in size)
    space = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    head = f'<svg {space} viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">'
    return f"{head}<title>{escape(words)}</title>{body}"
