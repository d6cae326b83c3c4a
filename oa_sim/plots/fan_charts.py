"""Fan charts: a result in, a picture out, as inline SVG or with all that a document needs.

Every picture carries its main figures in words, for those who cannot see it, and identifiers of its own,
so that many can stand in one page.

Years in which a published series cannot be compared are marked. A change of level is a dotted line before its first
year; years that were graded otherwise are shaded, and years without a figure are hatched too, so that each is told
apart in grey.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal
from oa_sim.formatting import estimate, number
from oa_sim.inputs import tables
from oa_sim.inputs.tables import Row
from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH, Picture, drawn, legible, visible
from oa_sim.projection.impact_retention import YEARS_AFTER
from oa_sim.simulation.result import Result
from oa_sim.simulation.summaries import (
    failed,
    has_impact,
    impact_by_area,
    mark_of,
    mean_of_areas,
    over_areas,
    published,
    reading_year,
    unit_of_change,
    whose,
)

SHIFT, REGRADED, MISSING = "level_shift", "regraded", "not_collected"
SHADE, HATCH = "#f0f0f0", "#cccccc"
LOOKS = {
    SHIFT: {"color": INK, "linewidth": 0.8, "linestyle": (0, (1, 2))},
    REGRADED: {"facecolor": SHADE, "edgecolor": SHADE, "linewidth": 0},
    MISSING: {"facecolor": SHADE, "edgecolor": HATCH, "hatch": "////", "linewidth": 0},
}
LABELS = {SHIFT: "not comparable with earlier years", REGRADED: "graded differently", MISSING: "not collected"}
WORDS = {SHIFT: "break in", REGRADED: "graded otherwise in", MISSING: "not collected in"}
DOWN = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"
LONGEST_ROW = 44  # characters of a name beside a row
MARKS = dict(zip(YEARS_AFTER, "os^", strict=True))


def breaks_of(result: Result, measure: str) -> list[Row]:
    """Return the declared breaks of a measure that touch the years of a result's history.

    Parameters
    ----------
    result
        Its scenario says which tables it was made with; where those are gone, no break is known.
    measure
        Whose.
    """
    folder, years = result.manifest["scenario"].get("data_folder"), result.draws.history_year.values
    try:
        rows = tables.read("breaks", folder)
    except Refusal:
        return []
    known = np.isfinite(result.draws.history.sel(measure=measure, group="all")).any("area").values
    first = years[known].min() if known.any() else years[-1] + 1
    mine = [row for row in rows if row["measure"] == measure]
    return [row for row in mine if row["last_year"] > first - (row["kind"] != SHIFT) and row["first_year"] <= years[-1]]


def paint(axes: Axes, rows: list[Row], last: int) -> None:
    """Draw the marks of breaks up to a last year, behind everything else."""
    for row in rows:
        look = LOOKS[row["kind"]]
        if row["kind"] == SHIFT:
            axes.axvline(row["first_year"] - 0.5, zorder=0, **look)
            axes.annotate(DOWN, (row["first_year"] - 0.5, 1), xycoords=("data", "axes fraction"), ha="center",
                          va="center", fontsize=7, annotation_clip=False)  # fmt: skip
        else:
            axes.axvspan(row["first_year"] - 0.5, min(row["last_year"], last) + 0.5, zorder=-1, **look)


def break_key(rows: list[Row]) -> list[tuple[object, str]]:
    """Return a legend's entries for the kinds of break there are, each a mark and its words."""
    from matplotlib.lines import Line2D

    kinds = [kind for kind in LOOKS if any(row["kind"] == kind for row in rows)]
    return [
        (
            Line2D([], [], marker="v", markersize=3.5, **LOOKS[kind]) if kind == SHIFT else Patch(**LOOKS[kind]),
            LABELS[kind],
        )
        for kind in kinds
    ]


def svg_key(rows: list[Row]) -> list[tuple[str, str]]:
    """Return the same entries for a page: each the inside of a small SVG, 28 by 14, and its words."""
    inside = {
        SHIFT: f'<path d="M14 2v12" stroke="{INK}" stroke-dasharray="1.5 2"/><path d="M11 0h6l-3 4z" fill="{INK}"/>',
        REGRADED: f'<path d="M0 0h28v14h-28z" fill="{SHADE}"/>',
        MISSING: f'<path d="M0 0h28v14h-28z" fill="{SHADE}"/><path d="M0 14l14-14M14 14l14-14" stroke="{HATCH}"/>',
    }
    return [(inside[kind], LABELS[kind]) for kind in LOOKS if any(row["kind"] == kind for row in rows)]


def in_words(rows: list[Row]) -> str:
    """Return the breaks as a sentence, or nothing where there are none."""
    if not rows:
        return ""
    said = []
    for row in rows:
        first, last = (academic_year(row[end]) for end in ("first_year", "last_year"))
        when = first if first == last else f"{first} to {last}"
        said.append(f"{WORDS[row['kind']]} {when} ({visible(str(row['what_changed']))})")
    return f"Declared: {'; '.join(said)}."


def fan_picture(
    result: Result, measure: str, group: str = "all", area: str | None = None, *, keyed: bool = True
) -> Picture:
    """Return the past and the future of a measure, and below it the impact where there is one.

    Parameters
    ----------
    result
        Of a run.
    measure, group
        What, and of which pupils.
    area
        Of one area; the mean over all by default.
    keyed
        Whether what its marks mean stands below it.
    """
    shown, rows, of = has_impact(result), breaks_of(result, measure), (measure, group, area)
    below = 0.12 + 0.135 * -(-len(_legend(result, rows)) // 2) if keyed else 0.0
    height = (4.1 if shown else 2.8) + below

    def paint(figure: Figure) -> None:
        axes = figure.subplots(2 if shown else 1, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + shown])
        figure.subplots_adjust(
            left=0.13, right=0.95, top=1 - 0.25 / height, bottom=(0.28 + below) / height, hspace=0.22
        )
        _paint_future(axes[0, 0], result, of, rows)
        if shown:
            _paint_impact(axes[1, 0], result, of)
        if keyed:
            paint_key(figure, result, rows)

    where = "" if area is None else f"-{result.draws.area.values.tolist().index(area)}"
    name = f"fan-{measure}{'' if group == 'all' else f'-{group}'}{where}"
    title = f"{MEASURES[measure].label}: {whose(result, *of)}"
    return drawn(name, title, _fan_in_words(result, of, rows), (3.6, height), paint)


def side_by_side_picture(result: Result, measure: str, group: str) -> Picture:
    """Return the impact in each area as intervals, in the order of the table; a county's figures are hollow."""
    mean, band = impact_by_area(result, measure, group)
    names = result.draws.area.values.tolist()
    proxy = result.draws.proxy.sel(measure=measure, group=group).values.astype(bool)
    marks = [" (county proxy)" if county else "" for county in proxy]
    unit = unit_of_change(measure)

    def paint(figure: Figure) -> None:
        labels = [legible(name, LONGEST_ROW, 29, mark) for name, mark in zip(names, marks, strict=True)]
        axes, rows = _rows(figure, labels), np.arange(len(names))
        axes.hlines(rows, band[0], band[4], color=WITH, linewidth=1.2)
        axes.hlines(rows, band[1], band[3], color=WITH, linewidth=4.5)
        axes.scatter(band[2], rows, s=34, zorder=3, color=np.where(proxy, "white", WITH), edgecolor=WITH, linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_xlabel(f"impact in {academic_year(reading_year(result))}, {unit}{failed(result)}")

    said = [
        f"{name}{mark} {estimate(m, b[0], b[4])}" for name, mark, m, b in zip(names, marks, mean, band.T, strict=True)
    ]
    words = (
        f"Impact on {MEASURES[measure].label}, group {group}, {unit}, mean by area{failed(result)}: {'; '.join(said)}."
    )
    title = f"{MEASURES[measure].label}, {group} pupils: impact in {academic_year(reading_year(result))}"
    return drawn("areas", title, words, (5.0, 0.6 + 0.33 * len(names)), paint)


def retention_picture(result: Result) -> Picture:
    """Return the share of the peak left 1, 5 and 10 years after the money, by measure."""
    found = result.sustainability.sel(group="all")
    left = {k: found[f"left_{k}y"].mean("area", skipna=True) for k in YEARS_AFTER}
    measures = [m for m in found.measure.values.tolist() if np.isfinite(float(left[1].sel(measure=m)))]
    table = np.array([[100 * float(left[k].sel(measure=m)) for k in YEARS_AFTER] for m in measures])

    def paint(figure: Figure) -> None:
        axes, rows = _rows(figure, [legible(MEASURES[m].label, 99, 29) for m in measures]), np.arange(len(measures))
        axes.hlines(rows, table.min(axis=1), table.max(axis=1), color=NARROW)
        for (k, mark), shares in zip(MARKS.items(), table.T, strict=True):
            axes.plot(shares, rows, mark, color=CHANGE, markerfacecolor="white" if k > 1 else CHANGE, label=str(k))
        axes.set(xlim=(-3, 103), xlabel=f"% of the peak still to be seen{failed(result)}")
        figure.legend(title="years after the money", loc="upper right", ncols=len(MARKS), frameon=False)
        figure.subplots_adjust(top=1 - 0.5 / figure.get_figheight())

    said = [
        f"{MEASURES[m].label} {', '.join(f'{value:.0f}%' for value in row)}"
        for m, row in zip(measures, table, strict=True)
    ]
    whom = f"{over_areas(result)}{failed(result)}"
    words = f"Share of the peak impact left 1, 5 and 10 years after the money, {whom}: {'; '.join(said)}."
    title = "Share of the peak left 1, 5 and 10 years after the money"
    return drawn("lasting", title, words, (5.0, 1.1 + 0.33 * len(measures)), paint)


def key(result: Result) -> list[tuple[str, str]]:
    """Return what the fan's lines and bands mean, each as a small SVG and its words."""
    marks = [
        (f'<path d="M0 7h28" stroke="{INK}"/><circle cx="14" cy="7" r="3" fill="{INK}"/>', "published"),
        (f'<path d="M0 7h28" stroke="{INK}" stroke-width="2" stroke-dasharray="5 3"/>', "median without the programme"),
        (f'<path d="M0 0h28v14h-28z" fill="{NARROW}"/>', "50% band without the programme"),
        (f'<path d="M0 0h28v14h-28z" fill="{WIDE}"/>', "90% band without the programme"),
    ]
    if has_impact(result):
        marks += [
            (f'<path d="M0 7h28" stroke="{WITH}" stroke-width="2.5"/>', "median with the programme"),
            (f'<path d="M0 2h28M0 12h28" stroke="{WITH}" stroke-dasharray="2 2"/>', "edges of its 90% band"),
            (f'<path d="M0 2h28v10h-28z" fill="{CHANGE}" fill-opacity=".3"/><path d="M0 7h28" stroke="{CHANGE}" '
             'stroke-width="2.5"/>', "impact, below: median, 50% and 90% band"),
        ]  # fmt: skip
    rows = [row for measure in result.draws.measure.values.tolist() for row in breaks_of(result, measure)]
    marks += svg_key(rows)
    return [(f'<svg aria-hidden="true" width="28" height="14" viewBox="0 0 28 14">{s}</svg>', t) for s, t in marks]


def paint_key(figure: Figure, result: Result, rows: list, across: int = 2, *, with_impact: bool = True) -> None:
    """Draw what the marks of pasts and futures mean below everything else, in a number of columns."""
    marks, said = zip(*_legend(result, rows, with_impact=with_impact), strict=True)
    figure.legend(marks, said, loc="lower center", ncols=across, frameon=False, fontsize=6.5, handlelength=2.4,
                  labelspacing=0.3, borderaxespad=0.2, columnspacing=1.2)  # fmt: skip


def _legend(result: Result, rows: list, *, with_impact: bool = True) -> list[tuple[object, str]]:
    """Return what the fan's marks mean, as a legend inside the picture takes it."""
    entries = [
        (Line2D([], [], color=INK, marker="o", markersize=3, linewidth=0.9), "published"),
        (Line2D([], [], color=INK, linestyle=(0, (4, 2))), "median without programme"),
        (Patch(color=NARROW), "50% interval without it"),
        (Patch(color=WIDE), "90% interval without it"),
    ]
    if has_impact(result):
        entries += [
            (Line2D([], [], color=WITH, linewidth=1.7), "median with programme"),
            (Line2D([], [], color=WITH, linewidth=0.9, linestyle=":"), "90% interval with programme"),
        ]
    if has_impact(result) and with_impact:
        entries.append((Patch(color=CHANGE, alpha=0.35), "impact, below: median, intervals"))
    return entries + break_key(rows)


def _paint_future(axes: Axes, result: Result, of: tuple, rows: list) -> None:
    years, past = result.draws.year.values, result.draws.history_year.values
    measure, _, area = of
    figures = published(result, *of)
    paint_futures(axes, years, mean_of_areas(result, "counterfactual", *of),
                  mean_of_areas(result, "projection", *of) if has_impact(result) else None)  # fmt: skip
    axes.plot(past, figures, color=INK, marker="o", markersize=3, linewidth=0.9)
    paint(axes, rows, int(years[0]) - 1)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.7)
    axes.annotate(" projected \N{RIGHTWARDS ARROW}", (years[0] - 0.5, 1), xycoords=("data", "axes fraction"), va="top")
    axes.set_title(f"{MEASURES[measure].unit}, {legible(over_areas(result, area), 28, mark=_short_mark(result, of))}")
    first = min([*past[np.isfinite(figures)].tolist(), int(years[0]) - 1])
    axes.set_xlim(first - 0.6, years[-1] + 0.6)
    axes.margins(y=0.1)
    step = max(2, int(np.ceil((years[-1] - first) / 5)))
    ticks = [year for year in range(first, int(years[-1]) + 1) if (year - int(years[0])) % step == 0]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])


def paint_futures(axes: Axes, years: np.ndarray, without: np.ndarray, programme: np.ndarray | None) -> None:
    """Draw the bands (quantile, year) of a future without the programme, and with it where there is one."""
    axes.fill_between(years, without[0], without[4], color=WIDE, linewidth=0)
    axes.fill_between(years, without[1], without[3], color=NARROW, linewidth=0)
    axes.plot(years, without[2], color=INK, linestyle=(0, (4, 2)))
    if programme is not None:
        axes.plot(years, programme[2], color=WITH, linewidth=1.7)
        axes.plot(years, programme[[0, 4]].T, color=WITH, linewidth=0.9, linestyle=":")


def _short_mark(result: Result, of: tuple) -> str:
    """Return the mark of figures that has room in a heading: how many of a mean are counties' the words say."""
    said = mark_of(result, *of)
    return failed(result) if "of them" in said else said


def _paint_impact(axes: Axes, result: Result, of: tuple) -> None:
    years, band, measure = result.draws.year.values, mean_of_areas(result, "impact", *of), of[0]
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
    axes.set_yticks(np.arange(len(labels)), labels)
    axes.spines.left.set_visible(False)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    return axes


def _fan_in_words(result: Result, of: tuple, rows: list) -> str:
    draws, about, past = result.draws, MEASURES[of[0]], published(result, *of)
    known = np.flatnonzero(np.isfinite(past))
    words = [f"{about.label}, {about.unit}, {whose(result, *of)}."]
    if known.size:
        places = 2 if np.nanmax(np.abs(past)) < 10 else 1
        year = int(draws.history_year.values[known[-1]])
        words.append(f"Last published: {number(past[known[-1]], places)} in {academic_year(year)}.")
    end = academic_year(int(draws.year.values[-1]))
    without = mean_of_areas(result, "counterfactual", *of)[:, -1]
    words.append(f"Without the programme, median in {end}: {estimate(without[2], without[0], without[4])}.")
    if has_impact(result):
        after = mean_of_areas(result, "projection", *of)[:, -1]
        change = mean_of_areas(result, "impact", *of)[:, draws.year.values.tolist().index(reading_year(result))]
        words.append(f"With it: {estimate(after[2], after[0], after[4])}. Median impact in")
        words.append(f"{academic_year(reading_year(result))}: {estimate(change[2], change[0], change[4])}")
        words.append(f"{unit_of_change(of[0])}.")
    return " ".join([*words, in_words(rows)]).strip()
