"""Small multiples: the same picture for every area, and for the gap in every measure, on comparable axes.

A gap is what other pupils reach less what disadvantaged pupils reach, formed draw by draw.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.formatting import estimate, number
from oa_sim.plots import fan_charts as series_breaks
from oa_sim.plots.fan_charts import paint_futures, paint_key
from oa_sim.plots.picture import INK, Picture, drawn, legible
from oa_sim.simulation.result import Result
from oa_sim.simulation.summaries import (
    BAND,
    failed,
    has_impact,
    mark_of,
    mean_of_areas,
    over_areas,
    published,
    reading_year,
    unit_of_change,
)

ACROSS = 4  # small pictures side by side
LINE = 31  # characters of a heading's line
TALL, HEAD, FOOT = 1.45, 0.35, 0.75  # inches of a row, above the first and below the last


def by_area(result: Result, measure: str | None = None, group: str | None = None) -> Picture:
    """Return past and future of a measure in each area, all on the same axes.

    Parameters
    ----------
    result
        Of a run.
    measure, group
        Those of the headline by default.
    """
    favourite = headline_of(result.draws.measure.values.tolist())
    measure, group = measure or favourite[0], group or favourite[1]
    names, rows = result.draws.area.values.tolist(), series_breaks.breaks_of(result, measure)
    futures = {name: _bands(result, measure, group, name) for name in names}
    past = {name: published(result, measure, group, name) for name in names}

    def paint(figure: Figure) -> None:
        panels = _grid(figure, len(names))
        for axes, name in zip(panels, names, strict=False):
            _paint(axes, result, futures[name], past[name], rows)
            axes.set_title(legible(name, 36, LINE, mark_of(result, measure, group, name)), fontsize=6.5)
        _scale_years(panels[0], result, past)
        _name_heights(figure, f"{MEASURES[measure].label}, {MEASURES[measure].unit}{failed(result)}")
        paint_key(figure, result, rows, across=4, with_impact=False)

    end = academic_year(int(result.draws.year.values[-1]))
    title = f"{MEASURES[measure].label}, {group} pupils, by area{failed(result)}"
    said = "; ".join(
        f"{name}{mark_of(result, measure, group, name)} {_ends_in_words(*futures[name])}" for name in names
    )
    words = f"{title}, {MEASURES[measure].unit}, median in {end}: {said}. {series_breaks.in_words(rows)}".strip()
    return drawn(f"by-area-{measure}-{group}", title, words, (7.4, _height(len(names))), paint)


def gaps(result: Result, area: str | None = None) -> Picture | None:
    """Return the gap over time with and without the programme, for each measure that has two groups; None for none.

    Parameters
    ----------
    result
        Of a run.
    area
        Of one area; the mean over all by default.
    """
    measures = [name for name in result.draws.measure.values.tolist() if len(MEASURES[name].groups) == 2]
    if not measures:
        return None
    futures = {name: _gap_bands(result, name, area) for name in measures}
    past = {name: published_gap(result, name, area) for name in measures}
    breaks = {name: series_breaks.breaks_of(result, name) for name in measures}
    every = [row for rows in breaks.values() for row in rows]
    across = min(3, len(measures))

    def paint(figure: Figure) -> None:
        panels = _grid(figure, len(measures), across, is_same=False)
        for axes, name in zip(panels, measures, strict=False):
            _paint(axes, result, futures[name], past[name], breaks[name])
            axes.set_title(legible(f"{MEASURES[name].label}, {unit_of_change(name)}", 99, 36), fontsize=7)
        _scale_years(panels[0], result, past)
        _name_heights(figure, f"gap: other less disadvantaged pupils{failed(result)}")
        paint_key(figure, result, every, across=4, with_impact=False)

    where = f"{over_areas(result, area)}{mark_of(result, measures[0], 'disadvantaged', area)}"
    title = f"The gap between other and disadvantaged pupils, {where}"
    said = " ".join(_gap_in_words(result, name, area, futures[name]) for name in measures)
    place = "" if area is None else f"-{result.draws.area.values.tolist().index(area)}"
    return drawn(f"gaps{place}", title, f"{title}. {said}", (7.4, _height(len(measures), across)), paint)


def gap_draws(result: Result, quantity: str, measure: str, area: str | None = None) -> np.ndarray:
    """Return the gap (draw, year) of an area, or the mean over areas, in the measure's unit."""
    draws = result.draws[quantity].sel(measure=measure)
    gap = draws.sel(group="other").astype(float) - draws.sel(group="disadvantaged").astype(float)
    gap = gap.mean("area") if area is None else gap.sel(area=area)
    return gap.transpose("chain", "draw", "year").values.reshape(-1, gap.sizes["year"])


def published_gap(result: Result, measure: str, area: str | None = None) -> np.ndarray:
    """Return the gap as published (history year)."""
    return published(result, measure, "other", area) - published(result, measure, "disadvantaged", area)


def _bands(result: Result, measure: str, group: str, area: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the bands (quantile, year) without the programme, and with it where it changes anything."""
    without, after = (
        mean_of_areas(result, quantity, measure, group, area) for quantity in ("counterfactual", "projection")
    )
    return without, after if has_impact(result) else None


def _gap_bands(result: Result, measure: str, area: str | None) -> tuple[np.ndarray, np.ndarray | None]:
    without, after = (
        np.quantile(gap_draws(result, quantity, measure, area), BAND, axis=0)
        for quantity in ("counterfactual", "projection")
    )
    return without, after if has_impact(result) else None


def _height(n: int, across: int = ACROSS) -> float:
    return round(HEAD + FOOT + TALL * -(-n // across), 2)


def _grid(figure: Figure, n: int, across: int = ACROSS, *, is_same: bool = True) -> list[Axes]:
    """Return the panels of ``n`` small pictures; those that are left over are not shown."""
    down, height = -(-n // across), figure.get_figheight()
    grid = figure.subplots(down, min(across, n), squeeze=False, sharex=True, sharey=is_same)
    figure.subplots_adjust(left=0.085, right=0.985, top=1 - HEAD / height, bottom=FOOT / height, hspace=0.42,
                           wspace=0.12 if is_same else 0.2)  # fmt: skip
    for axes in list(grid.flat)[n:]:
        axes.set_visible(False)
    for axes in list(grid.flat)[max(n - min(across, n), 0) : n]:
        axes.xaxis.set_tick_params(labelbottom=True)
    return list(grid.flat)[:n]


def _name_heights(figure: Figure, label: str) -> None:
    """Say at the left what all panels show, in lines no longer than the figure is high."""
    figure.supylabel(legible(label, 99, int(11 * figure.get_figheight())), fontsize=7.5, x=0.012)


def _paint(axes: Axes, result: Result, futures: tuple, past: np.ndarray, rows: list) -> None:
    years, before = result.draws.year.values, result.draws.history_year.values
    paint_futures(axes, years, *futures)
    axes.plot(before, past, color=INK, marker="o", markersize=2, linewidth=0.8)
    series_breaks.paint(axes, rows, int(years[0]) - 1)
    axes.axvline(years[0] - 0.5, color=INK, linewidth=0.6)
    axes.tick_params(labelsize=6.5)


def _scale_years(axes: Axes, result: Result, past: dict[str, np.ndarray]) -> None:
    """Let the years that all panels share begin where any has a figure, and name the first, the last and the start."""
    start, last = (int(year) for year in result.draws.year.values[[0, -1]])
    known = np.isfinite(np.array(list(past.values()))).any(axis=0)
    first = min([*result.draws.history_year.values[known].tolist(), start - 1])
    axes.set_xlim(first - 0.6, last + 0.6)
    ticks = [first, start, last] if start - first > 3 else [start, last]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])
    for panel in axes.figure.axes:
        for year, label in zip(ticks, panel.get_xticklabels(), strict=False):
            label.set_ha("left" if year == first else "right" if year == last else "center")


def _ends_in_words(without: np.ndarray, after: np.ndarray | None) -> str:
    """Return the last median without the programme and with it."""
    said = f"without the programme {estimate(without[2, -1], without[0, -1], without[4, -1])}"
    return said if after is None else f"{said}, with it {estimate(after[2, -1], after[0, -1], after[4, -1])}"


def _gap_in_words(result: Result, measure: str, area: str | None, futures: tuple) -> str:
    past, known = published_gap(result, measure, area), []
    if np.isfinite(past).any():
        last = np.flatnonzero(np.isfinite(past))[-1]
        known = [f"last published {number(past[last], 1)} in {academic_year(int(result.draws.history_year[last]))}"]
    end = academic_year(int(result.draws.year.values[-1]))
    known.append(f"median in {end} {_ends_in_words(*futures)}")
    if has_impact(result):
        year = reading_year(result)
        at = result.draws.year.values.tolist().index(year)
        change = np.quantile(gap_draws(result, "impact", measure, area)[:, at], BAND)
        known.append(f"median change in {academic_year(year)} {estimate(change[2], change[0], change[4])}")
    return f"{MEASURES[measure].label}, {unit_of_change(measure)}: {', '.join(known)}."
