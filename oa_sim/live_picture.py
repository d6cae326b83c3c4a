"""Live picture: the past and the future of one figure from the summaries of a kernel, and its impact below."""

import numpy as np
import xarray as xr

from oa_sim import figures, kernel
from oa_sim.variables import MEASURES, academic_year

BAND = ("q05", "q25", "q50", "q75", "q95")
SIZE = (6.4, 5.0)  # inches


def fan(shown: xr.Dataset, history: xr.Dataset, asked, areas: list[str], where: str, last: int, has_money: bool) -> str:
    """Return the picture of one figure as inline SVG.

    Parameters
    ----------
    shown
        ``projection``, ``counterfactual``, ``impact`` (year, statistic), in the measure's unit.
    history
        What is published (area, group, measure, year), and where it breaks (measure, year).
    asked
        The setting, whose place, measure and group are shown.
    areas
        Those of the scenario.
    where
        The place, as it stands in a sentence.
    last
        The last funded year.
    has_money
        Whether there is a programme to draw.
    """
    past = _past(history, asked, areas)
    bands = {
        name: shown[name].sel(statistic=list(BAND)).transpose("statistic", "year").values.astype(float)
        for name in ("counterfactual", "projection", "impact")
    }
    years, marks = shown.year.values, _breaks(history, asked.measure)

    def paint(figure: figures.Figure) -> None:
        axes = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
        figure.subplots_adjust(left=0.1, right=0.97, top=0.94, bottom=0.06, hspace=0.22)
        _future(axes[0], years, past, bands, marks, has_money)
        axes[0].set_title(f"{MEASURES[asked.measure].unit}, {where.removeprefix('in ')}")
        _impact(axes[1], years, bands["impact"], asked.measure, last)

    return figures.picture("live", _in_words(asked, where, years, past, bands, marks), SIZE, paint)


def _past(history: xr.Dataset, asked, areas: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the published years and their figures: of the area, or the mean of all."""
    names = areas if asked.place == kernel.MEAN else [asked.place]
    found = history.published.sel(area=names, measure=asked.measure, group=asked.group).transpose("area", ...)
    return found[found.dims[-1]].values, found.values.mean(axis=0)


def _breaks(history: xr.Dataset, measure: str) -> list[int]:
    """Return the years in which a measure breaks."""
    found = history.breaks.sel(measure=measure)
    return found[found.dims[0]].values[found.values > 0].tolist()


def _future(axes, years, past, bands, marks: list[int], has_money: bool) -> None:
    without, with_it = bands["counterfactual"], bands["projection"]
    axes.fill_between(years, without[0], without[4], color=figures.WIDE, linewidth=0)
    axes.fill_between(years, without[1], without[3], color=figures.NARROW, linewidth=0)
    axes.plot(years, without[2], color=figures.INK, linestyle=(0, (4, 2)))
    if has_money:
        axes.plot(years, with_it[2], color=figures.WITH, linewidth=1.7)
        axes.plot(years, with_it[[0, 4]].T, color=figures.WITH, linewidth=0.9, linestyle=":")
    axes.plot(*past, color=figures.INK, marker="o", markersize=3, linewidth=0.9)
    for year in marks:
        axes.axvline(year - 0.5, color="#8a8a8a", linewidth=0.6, linestyle=(0, (2, 3)))
    axes.axvline(years[0] - 0.5, color=figures.INK, linewidth=0.7)
    axes.annotate(" projected \N{RIGHTWARDS ARROW}", (years[0] - 0.5, 1), xycoords=("data", "axes fraction"), va="top")
    first = min([*past[0][np.isfinite(past[1])].tolist(), int(years[0]) - 1])
    axes.set_xlim(first - 0.6, years[-1] + 0.6)
    axes.margins(y=0.1)
    step = max(2, int(np.ceil((years[-1] - first) / 6)))
    ticks = [year for year in range(int(first), int(years[-1]) + 1) if (year - int(years[0])) % step == 0]
    axes.set_xticks(ticks, [academic_year(year) for year in ticks])


def _impact(axes, years, band, measure: str, last: int) -> None:
    axes.fill_between(years, band[0], band[4], color=figures.CHANGE, alpha=0.2, linewidth=0)
    axes.fill_between(years, band[1], band[3], color=figures.CHANGE, alpha=0.35, linewidth=0)
    axes.plot(years, band[2], color=figures.CHANGE)
    axes.axhline(0, color=figures.INK, linewidth=0.8)
    axes.axvline(years[0] - 0.5, color=figures.INK, linewidth=0.7)
    down = MEASURES[measure].lower_is_better
    if years[0] <= last < years[-1]:
        axes.axvline(last + 0.5, color=figures.INK, linewidth=0.7, linestyle=":")
        height, anchor = (0.03, "bottom") if down else (0.97, "top")
        place = (last + 0.5, height)
        axes.annotate(" money ends", place, xycoords=("data", "axes fraction"), va=anchor, fontsize=7)
    axes.set_title(f"impact, {figures.unit_of_change(measure)}{' (down is better)' * down}")


def _in_words(asked, where: str, years, past, bands, marks: list[int]) -> str:
    """Return what the picture shows, for those who do not see it."""
    about, known, end = MEASURES[asked.measure], np.flatnonzero(np.isfinite(past[1])), academic_year(int(years[-1]))
    said = [f"{about.label}, {about.unit}, group {asked.group}, {where}."]
    if known.size:
        said.append(f"Last published: {past[1][known[-1]]:.1f} in {academic_year(int(past[0][known[-1]]))}.")
    for words, name in (("Without the programme, median", "counterfactual"), ("With it", "projection")):
        band = bands[name][:, -1]
        said.append(f"{words} in {end}: {figures.interval(band[2], band[0], band[4])}.")
    band = bands["impact"]
    most = int(np.abs(band[2]).argmax())
    said.append(
        f"Median impact is largest in {academic_year(int(years[most]))}: "
        f"{figures.interval(band[2][most], band[0][most], band[4][most])} {figures.unit_of_change(asked.measure)}."
    )
    if marks:
        said.append(f"The published figures break in {', '.join(map(academic_year, marks))}.")
    return " ".join(said)
