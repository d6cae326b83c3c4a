"""Fan charts: the past and the future of a measure, one large or many small, and what the programme leaves.

Every picture carries its main figures in words, for those who cannot see it, and identifiers of its own, so that many
can stand in one page. Small pictures stand on comparable axes. A gap is what other pupils reach less what
disadvantaged pupils reach, formed draw by draw.

Years in which a published series cannot be compared are marked. A change of level is a dotted line before its first
year; years that were graded otherwise are shaded, and years without a figure are hatched too, so that each is told
apart in grey.
"""

from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal
from oa_sim.formatting import estimate, number, share, unit
from oa_sim.inputs import tables
from oa_sim.inputs.tables import Row
from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH, Look, Picture, drawn, legible, name_rows, visible
from oa_sim.projection.impact_retention import YEARS_AFTER
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result

SHIFT, REGRADED, MISSING = "level_shift", "regraded", "not_collected"
SHADE, HATCH = "#f0f0f0", "#cccccc"
COUNTY = "#8a8a8a"  # light beside INK, and dark enough for a thin line on white
LOOKS: dict[str, Look] = {
    SHIFT: {"color": INK, "linewidth": 0.8, "linestyle": (0, (1, 2))},
    REGRADED: {"facecolor": SHADE, "edgecolor": SHADE, "linewidth": 0},
    MISSING: {"facecolor": SHADE, "edgecolor": HATCH, "hatch": "////", "linewidth": 0},
}
LABELS = {SHIFT: "not comparable with earlier years", REGRADED: "graded differently", MISSING: "not collected"}
WORDS = {SHIFT: "break in", REGRADED: "graded otherwise in", MISSING: "not collected in"}
DOWN = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
LONGEST_ROW = 44  # characters of a name beside a row
MARKS = dict(zip(YEARS_AFTER, "os^", strict=True))
ACROSS = 4  # small pictures side by side
LINE = 31  # characters of a small picture's heading
TALL, HEAD, FOOT = 1.45, 0.35, 0.75  # inches of a row of small pictures, above the first and below the last

Place = tuple[str, str, str | None]  # measure, group and area; the mean over all areas where it is None
Futures = tuple[np.ndarray, np.ndarray | None]  # bands (quantile, year) without the programme, and with it if it acts


class Small(NamedTuple):
    """A small picture among many."""

    heading: str
    futures: Futures
    past: np.ndarray  # (history year), as published
    county: np.ndarray  # (history year), of the county beside a district's own; NaN where there is none
    breaks: list[Row]


def breaks_of(result: Result, measure: str) -> list[Row]:
    """Return the declared breaks of a measure that touch the years of a result's history.

    Its scenario says which tables it was made with; where those are gone, no break is known.
    """
    folder, years = result.manifest["scenario"].get("data_folder"), result.draws.history_year.values
    try:
        rows = tables.read("breaks", folder)
    except Refusal:
        return []
    has_figure = np.isfinite(result.draws.history.sel(measure=measure, group="all")).any("area").values
    first = years[has_figure].min() if has_figure.any() else years[-1] + 1
    return [
        row
        for row in rows
        if row["measure"] == measure
        and row["last_year"] > first - (row["kind"] != SHIFT)
        and row["first_year"] <= years[-1]
    ]


def _paint_breaks(axes: Axes, rows: list[Row], last: int) -> None:
    """Draw the marks of breaks up to a last year, behind everything else."""
    for row in rows:
        look = LOOKS[row["kind"]]
        if row["kind"] == SHIFT:
            axes.axvline(row["first_year"] - 0.5, zorder=0, **look)
            top, look = (row["first_year"] - 0.5, 1), {"ha": "center", "va": "center", "fontsize": 7}
            axes.annotate(DOWN, top, xycoords=("data", "axes fraction"), annotation_clip=False, **look)
        else:
            axes.axvspan(row["first_year"] - 0.5, min(row["last_year"], last) + 0.5, zorder=-1, **look)


def _break_key(rows: list[Row]) -> list[tuple[Artist, str]]:
    """Return a legend's entries for the kinds of break there are, each a mark and its words."""
    kinds = [kind for kind in LOOKS if any(row["kind"] == kind for row in rows)]
    marks = [
        Line2D([], [], marker="v", markersize=3.5, **LOOKS[kind]) if kind == SHIFT else Patch(**LOOKS[kind])
        for kind in kinds
    ]
    return [(mark, LABELS[kind]) for mark, kind in zip(marks, kinds, strict=True)]


def _breaks_in_words(rows: list[Row]) -> str:
    """Return the breaks as a sentence, or nothing where there are none."""
    words = []
    for row in rows:
        years = dict.fromkeys(academic_year(row[end]) for end in ("first_year", "last_year"))
        words.append(f"{WORDS[row['kind']]} {' to '.join(years)} ({visible(str(row['what_changed']))})")
    return f"Declared: {'; '.join(words)}." if words else ""


def fan_picture(result: Result, measure: str, group: str = "all", area: str | None = None) -> Picture:
    """Return the past and the future of a measure, of one area or the mean, and below it the impact if there is one."""
    shown, rows, place = summaries.has_impact(result), breaks_of(result, measure), (measure, group, area)
    own = "own estimate" if np.isfinite(summaries.county_published(result, *place)).any() else ""
    below = 0.12 + 0.135 * -(-len(_legend(result, rows, own=own)) // 2)
    height = (4.1 if shown else 2.8) + below

    def paint(figure: Figure) -> None:
        axes = figure.subplots(2 if shown else 1, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + shown])
        figure.subplots_adjust(
            left=0.13, right=0.95, top=1 - 0.25 / height, bottom=(0.28 + below) / height, hspace=0.22
        )
        _paint_future(axes[0, 0], result, place, rows)
        if shown:
            _paint_impact(axes[1, 0], result, place)
        _paint_key(figure, result, rows, own=own)

    name = f"fan-{measure}{'' if group == 'all' else f'-{group}'}{_suffix(result, area)}"
    title = f"{MEASURES[measure].label}: {summaries.whose(result, *place)}"
    return drawn(name, title, _fan_in_words(result, place, rows), (3.6, height), paint)


def _suffix(result: Result, area: str | None) -> str:
    """Return what tells the picture of an area from that of the mean in its name."""
    return "" if area is None else f"-{result.draws.area.values.tolist().index(area)}"


def side_by_side_picture(result: Result, measure: str, group: str) -> Picture:
    """Return the impact in each area as intervals, in the order of the table; a county's figures are hollow."""
    mean, band = summaries.impact_by_area(result, measure, group)
    names, change = result.draws.area.values.tolist(), unit(measure)
    proxy = result.draws.proxy.sel(measure=measure, group=group).values.astype(bool)
    marks = [summaries.mark_of(result, measure, group, name).removesuffix(result.mark) for name in names]
    subject = f"impact in {academic_year(summaries.headline_year(result))}"

    def paint(figure: Figure) -> None:
        labels = [legible(name, LONGEST_ROW, 29, mark) for name, mark in zip(names, marks, strict=True)]
        axes, rows = _rows(figure, labels), np.arange(len(names))
        axes.hlines(rows, band[0], band[4], color=WITH, linewidth=1.2)
        axes.hlines(rows, band[1], band[3], color=WITH, linewidth=4.5)
        axes.scatter(band[2], rows, s=34, zorder=3, color=np.where(proxy, "white", WITH), edgecolor=WITH, linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"{subject}, {change}{result.mark}")

    areas = "; ".join(
        f"{name}{mark} {estimate(middle, ends[0], ends[4])}"
        for name, mark, middle, ends in zip(names, marks, mean, band.T, strict=True)
    )
    words = f"Impact on {MEASURES[measure].label}, group {group}, {change}, mean by area{result.mark}: {areas}."
    title = f"{MEASURES[measure].label}, {group} pupils: {subject}"
    return drawn("areas", title, words, (5.0, 0.6 + 0.33 * len(names)), paint)


def retention_picture(result: Result) -> Picture:
    """Return the share of the peak left 1, 5 and 10 years after the money, by measure."""
    everyone = result.sustainability.sel(group="all")
    by_year = [everyone[f"left_{years}y"].mean("area", skipna=True) for years in YEARS_AFTER]
    left: xr.DataArray = xr.concat(by_year, "years").transpose("measure", "years")
    is_moved = np.isfinite(left.values[:, 0])
    measures = [MEASURES[name].label for name in everyone.measure.values[is_moved].tolist()]
    table = 100 * left.values[is_moved].astype(float)

    def paint(figure: Figure) -> None:
        axes, rows = _rows(figure, [legible(name, 99, 29) for name in measures]), np.arange(len(measures))
        axes.hlines(rows, table.min(axis=1), table.max(axis=1), color=NARROW)
        for (years, mark), shares in zip(MARKS.items(), table.T, strict=True):
            face = "white" if years > 1 else CHANGE
            axes.plot(shares, rows, mark, color=CHANGE, markerfacecolor=face, label=str(years))
        axes.set(xlim=(-3, 103), xlabel=f"% of the peak still to be seen{result.mark}")
        figure.legend(title="years after the money", loc="upper right", ncols=len(MARKS), frameon=False)
        figure.subplots_adjust(top=1 - 0.5 / figure.get_figheight())

    shares = "; ".join(
        f"{name} {', '.join(share(value / 100) for value in row)}" for name, row in zip(measures, table, strict=True)
    )
    title = "Share of the peak left 1, 5 and 10 years after the money"
    whom = f"{summaries.over_areas(result)}{result.mark}"
    words = f"Share of the peak impact left 1, 5 and 10 years after the money, {whom}: {shares}."
    return drawn("lasting", title, words, (5.0, 1.1 + 0.33 * len(measures)), paint)


def _paint_key(
    figure: Figure,
    result: Result,
    rows: list[Row],
    across: int = 2,
    *,
    with_impact: bool = True,
    own: str = "",
) -> None:
    """Draw what the marks of pasts and futures mean below everything else, in a number of columns."""
    entries = _legend(result, rows, with_impact=with_impact, own=own)
    marks, names = zip(*entries, strict=True)
    figure.legend(marks, names, loc="lower center", ncols=across, frameon=False, fontsize=6.5, handlelength=2.4,
                  labelspacing=0.3, borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def _legend(result: Result, rows: list[Row], *, with_impact: bool = True, own: str = "") -> list[tuple[Artist, str]]:
    """Return what the fan's marks mean, as a legend inside the picture takes it.

    ``own`` is what a district's own figures are called, where its county's stand beside them.
    """
    county = (Line2D([], [], color=COUNTY, marker="s", markersize=2, linewidth=0.8), "the county, as published")
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=INK, marker="o", markersize=3, linewidth=0.9), own or "published"),
        *([county] if own else []),
        (Line2D([], [], color=INK, linestyle=(0, (4, 2))), "median without programme"),
        (Patch(color=NARROW), "50% interval without it"),
        (Patch(color=WIDE), "90% interval without it"),
    ]
    if summaries.has_impact(result):
        entries += [
            (Line2D([], [], color=WITH, linewidth=1.7), "median with programme"),
            (Line2D([], [], color=WITH, linewidth=0.9, linestyle=":"), "90% interval with programme"),
        ]
    if summaries.has_impact(result) and with_impact:
        entries.append((Patch(color=CHANGE, alpha=0.35), "impact, below: median, intervals"))
    return entries + _break_key(rows)


def _paint_future(axes: Axes, result: Result, place: Place, rows: list[Row]) -> None:
    years, past = result.draws.year.values, result.draws.history_year.values
    measure, _, area = place
    figures = summaries.published(result, *place)
    _paint_futures(axes, years, _futures(result, *place))
    _paint_past(axes, past, figures, summaries.county_published(result, *place), 3)
    _paint_breaks(axes, rows, int(years[0]) - 1)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.7)
    axes.annotate(" projected \N{RIGHTWARDS ARROW}", (years[0] - 0.5, 1), xycoords=("data", "axes fraction"), va="top")
    mark = summaries.mark_of(result, *place)
    mark = result.mark if "of them" in mark else mark  # a heading has no room; how many are counties' the words say
    axes.set_title(f"{MEASURES[measure].unit}, {legible(summaries.over_areas(result, area), 28, mark=mark)}")
    has_figure = np.isfinite(figures) | np.isfinite(summaries.county_published(result, *place))
    first = min([*past[has_figure].tolist(), int(years[0]) - 1])
    axes.set_xlim(first - 0.6, years[-1] + 0.6)
    axes.margins(y=0.1)
    step = max(2, int(np.ceil((years[-1] - first) / 5)))
    ticks = [year for year in range(first, int(years[-1]) + 1) if (year - int(years[0])) % step == 0]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])


def _paint_past(axes: Axes, years: np.ndarray, figures: np.ndarray, county: np.ndarray, size: int) -> None:
    """Draw what was published, and lighter what is published of the county beside a district's own figures."""
    if np.isfinite(county).any():
        axes.plot(years, county, color=COUNTY, marker="s", markersize=size - 1, linewidth=0.8, zorder=1.9)
    axes.plot(years, figures, color=INK, marker="o", markersize=size, linewidth=0.9)


def _futures(result: Result, measure: str, group: str, area: str | None) -> Futures:
    without, programme = (
        summaries.mean_of_areas(result, quantity, measure, group, area) for quantity in ("counterfactual", "projection")
    )
    return without, programme if summaries.has_impact(result) else None


def _paint_futures(axes: Axes, years: np.ndarray, futures: Futures) -> None:
    without, programme = futures
    axes.fill_between(years, without[0], without[4], color=WIDE, linewidth=0)
    axes.fill_between(years, without[1], without[3], color=NARROW, linewidth=0)
    axes.plot(years, without[2], color=INK, linestyle=(0, (4, 2)))
    if programme is not None:
        axes.plot(years, programme[2], color=WITH, linewidth=1.7)
        axes.plot(years, programme[[0, 4]].T, color=WITH, linewidth=0.9, linestyle=":")


def _paint_impact(axes: Axes, result: Result, place: Place) -> None:
    years, band, measure = result.draws.year.values, summaries.mean_of_areas(result, "impact", *place), place[0]
    last = result.sustainability.attrs["last_funded_year"]
    axes.fill_between(years, band[0], band[4], color=CHANGE, alpha=0.2, linewidth=0)
    axes.fill_between(years, band[1], band[3], color=CHANGE, alpha=0.35, linewidth=0)
    axes.plot(years, band[2], color=CHANGE)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.7)
    if last < years[-1]:
        down = MEASURES[measure].lower_is_better
        axes.axvline(last + 0.5, color=INK, linewidth=0.7, linestyle=":")
        point, side = (last + 0.5, 0.03 if down else 0.97), "bottom" if down else "top"
        axes.annotate(" money ends", point, xycoords=("data", "axes fraction"), va=side, fontsize=7)
    axes.set_title(f"impact, {unit(measure)}{' (down is better)' * MEASURES[measure].lower_is_better}")


def _rows(figure: Figure, labels: list[str]) -> Axes:
    """Return axes with a named row for each label, the first on top."""
    axes = figure.subplots()
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.4, right=0.97, bottom=0.45 / height, top=1 - 0.1 / height)
    name_rows(axes, labels)
    axes.spines.left.set_visible(False)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    return axes


def _fan_in_words(result: Result, place: Place, rows: list[Row]) -> str:
    draws, definition, past = result.draws, MEASURES[place[0]], summaries.published(result, *place)
    words = [f"{definition.label}, {definition.unit}, {summaries.whose(result, *place)}."]
    if np.isfinite(past).any():
        last = np.flatnonzero(np.isfinite(past))[-1]
        figure = number(past[last], 2 if np.nanmax(np.abs(past)) < 10 else 1)
        county = summaries.county_published(result, *place)[last]
        said, beside = (
            ("own estimate", f" (the county: {number(county, 1)})") if np.isfinite(county) else ("published", "")
        )
        words.append(f"Last {said}: {figure} in {academic_year(int(draws.history_year[last]))}{beside}.")
    without, programme = _futures(result, *place)
    end = academic_year(int(draws.year.values[-1]))
    words.append(f"Without the programme, median in {end}: {_median(without[:, -1])}.")
    if programme is not None:
        year = summaries.headline_year(result)
        change = summaries.mean_of_areas(result, "impact", *place)[:, draws.year.values.tolist().index(year)]
        words.append(f"With it: {_median(programme[:, -1])}.")
        words.append(f"Median impact in {academic_year(year)}: {_median(change)} {unit(place[0])}.")
    return " ".join([*words, _breaks_in_words(rows)]).strip()


def _median(band: np.ndarray) -> str:
    return estimate(band[2], band[0], band[4])


def by_area(result: Result, measure: str | None = None, group: str | None = None) -> Picture:
    """Return past and future of a measure in each area, all on the same axes; that of the headline by default."""
    favourite = summaries.headline_measure(result)
    measure, group = measure or favourite[0], group or favourite[1]
    rows, names = breaks_of(result, measure), {}
    for area in result.draws.area.values.tolist():
        mark, place = summaries.mark_of(result, measure, group, area), (measure, group, area)
        heading = legible(area, 36, LINE, mark)
        pasts = summaries.published(result, *place), summaries.county_published(result, *place)
        names[f"{area}{mark}"] = Small(heading, _futures(result, *place), *pasts, rows)
    label = f"{MEASURES[measure].label}, {MEASURES[measure].unit}{result.mark}"

    def paint(figure: Figure) -> None:
        _paint_small_pictures(figure, result, list(names.values()), label)

    end = academic_year(int(result.draws.year.values[-1]))
    title = f"{MEASURES[measure].label}, {group} pupils, by area{result.mark}"
    areas = "; ".join(f"{name} {_ends_in_words(*small.futures)}" for name, small in names.items())
    words = f"{title}, {MEASURES[measure].unit}, median in {end}: {areas}. {_breaks_in_words(rows)}".strip()
    return drawn(f"by-area-{measure}-{group}", title, words, (7.4, _height(len(names))), paint)


def gaps(result: Result, area: str | None = None) -> Picture | None:
    """Return the gap with and without the programme, of an area or the mean; None where no measure has two groups."""
    measures = {}
    for name in result.draws.measure.values.tolist():
        if len(MEASURES[name].groups) == 2:
            heading = legible(f"{MEASURES[name].label}, {unit(name)}", 99, 36)
            past, futures = _published_gap(result, name, area), _gap_bands(result, name, area)
            measures[name] = Small(heading, futures, past, past * np.nan, breaks_of(result, name))
    if not measures:
        return None
    across, label = min(3, len(measures)), f"gap: other less disadvantaged pupils{result.mark}"

    def paint(figure: Figure) -> None:
        _paint_small_pictures(figure, result, list(measures.values()), label, across, is_same=False)

    where = (
        f"{summaries.over_areas(result, area)}{summaries.mark_of(result, next(iter(measures)), 'disadvantaged', area)}"
    )
    title = f"The gap between other and disadvantaged pupils, {where}"
    words = " ".join(_gap_in_words(result, name, area, small) for name, small in measures.items())
    size = (7.4, _height(len(measures), across))
    return drawn(f"gaps{_suffix(result, area)}", title, f"{title}. {words}", size, paint)


def gap_draws(result: Result, quantity: str, measure: str, area: str | None = None) -> np.ndarray:
    """Return the gap (draw, year) of an area, or the mean over areas, in the measure's unit."""
    draws = result.draws[quantity].sel(measure=measure)
    gap = draws.sel(group="other").astype(float) - draws.sel(group="disadvantaged").astype(float)
    gap = gap.mean("area") if area is None else gap.sel(area=area)
    return np.asarray(gap.transpose("chain", "draw", "year").values.reshape(-1, gap.sizes["year"]))


def _published_gap(result: Result, measure: str, area: str | None = None) -> np.ndarray:
    """Return the gap as published (history year)."""
    other, disadvantaged = (summaries.published(result, measure, group, area) for group in ("other", "disadvantaged"))
    gap: np.ndarray = other - disadvantaged
    return gap


def _gap_bands(result: Result, measure: str, area: str | None) -> Futures:
    without, programme = (
        np.quantile(gap_draws(result, quantity, measure, area), summaries.BAND, axis=0)
        for quantity in ("counterfactual", "projection")
    )
    return without, programme if summaries.has_impact(result) else None


def _height(n: int, across: int = ACROSS) -> float:
    return round(HEAD + FOOT + TALL * -(-n // across), 2)


def _paint_small_pictures(
    figure: Figure, result: Result, smalls: list[Small], label: str, across: int = ACROSS, *, is_same: bool = True
) -> None:
    """Draw small pictures with the years that they share, and at the left what they show; on one scale or several."""
    n, height = len(smalls), figure.get_figheight()
    years, before = result.draws.year.values, result.draws.history_year.values
    panels = list(figure.subplots(-(-n // across), min(across, n), squeeze=False, sharex=True, sharey=is_same).flat)
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - HEAD / height, bottom=FOOT / height, hspace=0.42,
                           wspace=0.12 if is_same else 0.2)  # fmt: skip
    for axes in panels[n:]:
        axes.set_visible(False)
    for axes in panels[max(n - min(across, n), 0) : n]:
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes, small in zip(panels, smalls, strict=False):
        _paint_futures(axes, years, small.futures)
        _paint_past(axes, before, small.past, small.county, 2)
        _paint_breaks(axes, small.breaks, int(years[0]) - 1)
        axes.axvline(years[0] - 0.5, color=INK, linewidth=0.6)
        axes.tick_params(labelsize=6.5)
        axes.set_title(small.heading, fontsize=6.5 if is_same else 7)
    _scale_years(panels[0], result, np.array([past for small in smalls for past in (small.past, small.county)]))
    figure.supylabel(legible(label, 99, int(11 * height)), fontsize=7.5, x=0.012)
    every = [row for small in smalls for row in small.breaks]
    own = "published, or own estimate" if any(np.isfinite(small.county).any() for small in smalls) else ""
    _paint_key(figure, result, every, across=4, with_impact=False, own=own)


def _scale_years(axes: Axes, result: Result, past: np.ndarray) -> None:
    """Let the years that all panels share begin where any has a figure, and name the first, the last and the start."""
    start, last = (int(year) for year in result.draws.year.values[[0, -1]])
    has_figure = np.isfinite(past).any(axis=0)
    first = min([*result.draws.history_year.values[has_figure].tolist(), start - 1])
    axes.set_xlim(first - 0.6, last + 0.6)
    ticks = [first, start, last] if start - first > 3 else [start, last]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])
    for panel in axes.figure.axes:
        for year, label in zip(ticks, panel.get_xticklabels(), strict=False):
            label.set_horizontalalignment("left" if year == first else "right" if year == last else "center")


def _ends_in_words(without: np.ndarray, programme: np.ndarray | None) -> str:
    """Return the last median without the programme and with it."""
    words = f"without the programme {_median(without[:, -1])}"
    return words if programme is None else f"{words}, with it {_median(programme[:, -1])}"


def _gap_in_words(result: Result, measure: str, area: str | None, small: Small) -> str:
    years, words = result.draws.year.values.tolist(), []
    if np.isfinite(small.past).any():
        last = np.flatnonzero(np.isfinite(small.past))[-1]
        year = academic_year(int(result.draws.history_year[last]))
        words.append(f"last published {number(small.past[last], 1)} in {year}")
    words.append(f"median in {academic_year(years[-1])} {_ends_in_words(*small.futures)}")
    if summaries.has_impact(result):
        read = summaries.headline_year(result)
        change = np.quantile(gap_draws(result, "impact", measure, area)[:, years.index(read)], summaries.BAND)
        words.append(f"median change in {academic_year(read)} {_median(change)}")
    return f"{MEASURES[measure].label}, {unit(measure)}: {', '.join(words)}."
