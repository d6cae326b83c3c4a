"""Target charts: attainable levels as a ladder, and what was expected, published and is expected now.

A rung of the ladder is the figure that is reached with a probability; a target is red, amber or green by its shape and
in words too, so that the picture tells as much in grey.
"""

import textwrap

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.formatting import chance, number
from oa_sim.plots.picture import CHANGE, INK, WIDE, WITH, Look, Picture, drawn, legible, name_rows
from oa_sim.targets.assess import Promises
from oa_sim.targets.monitor import Monitored

ACROSS, WIDEST_TITLE = 4, 20
MOST_ROWS = 14
LINE = 36  # characters of a label
COLOURS = {"green": ("#009e73", "o"), "amber": ("#e69f00", "s"), "red": ("#a30000", "X")}
STEMS = "promised_"
SCALES = {"level": "as published", "relative": "less England", "rank": "less the figure that the rank takes"}


def trajectory_picture(monitored: Monitored) -> Picture:
    """Return the headline's measure by area: expected, published and expected now."""
    figures = monitored.figures
    measure, group = headline_of(list(dict.fromkeys(figures.measure)))
    rows = figures[(figures.measure == measure) & (figures.group == group)]
    names, label = monitored.before.area.values.tolist(), MEASURES[measure].label
    outcomes = (monitored.before, monitored.update.outcomes)
    before, now = (part.projection.sel(measure=measure, group=group) for part in outcomes)
    down = -(-len(names) // ACROSS)
    words = "; ".join(
        f"{row.area} {academic_year(int(row.year))}: {number(row.published, 1)}, expected {number(row.expected, 1)} "
        f"({row.colour})"
        for row in rows.itertuples()
    )

    def paint(figure: Figure) -> None:
        panels = list(figure.subplots(down, min(ACROSS, len(names)), squeeze=False, sharex=True).flat)
        for axes, area in zip(panels, names, strict=False):
            (years, old), (ahead, new) = (_band(part.sel(area=area)) for part in (before, now))
            axes.fill_between(years, old[0], old[2], color=WIDE, linewidth=0)
            axes.plot(years, old[1], color=INK, linewidth=0.8, linestyle="--")
            axes.fill_between(ahead, new[0], new[2], color=WITH, alpha=0.25, linewidth=0)
            axes.plot(ahead, new[1], color=WITH)
            own = rows[rows.area == area]
            axes.plot(own.year, own.published, "o", color=CHANGE, markersize=4)
            axes.set_title(legible(area, line=WIDEST_TITLE, mark=" (county)" if own.proxy.any() else ""))
            axes.set_xticks([int(years[0]), int(years[-1])])
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        figure.supylabel(f"{label}, {group}: {MEASURES[measure].unit}", fontsize=8)
        figure.supxlabel("academic year ending; grey, dashed: expected at the start; blue: now; dots: published",
                         fontsize=8)  # fmt: skip
        figure.tight_layout()

    title = f"Expected, published and expected now: {label}, {group} pupils"
    return drawn("trajectory", title, words, (7.2, 0.6 + 1.5 * down), paint)


def _band(projection: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the years of a projection, and its median between the ends of the 90% interval (3, year)."""
    draws = projection.transpose("year", "chain", "draw").values
    return projection.year.values, np.quantile(draws.reshape(len(draws), -1), [0.05, 0.5, 0.95], axis=1)


def ladder_picture(promises: Promises) -> Picture:
    """Return targets beside what could be promised; an area each where there are no targets."""
    judged = promises.judged
    if len(judged) and (judged.quantity == "target").any():
        rows = judged[judged.quantity == "target"].head(MOST_ROWS)
        title = "Targets beside what could be promised for their year"
    else:
        rows = _of_areas(promises.promised)
        subject = f"{_short(rows.measure.iloc[0])}, {rows.group.iloc[0]} pupils"
        title = f"What can be promised: {subject}, {academic_year(int(rows.year.iloc[0]))}"
    title += "" if (rows.verdict == "PASS").all() else " [FAIL]"
    panels = [rows[rows.scale == scale] for scale in SCALES if (rows.scale == scale).any()]
    levels = [name for name in rows.columns if name.startswith(STEMS) and name != "promised_year"]
    heights = [1.0 + len(panel) for panel in panels]

    def paint(figure: Figure) -> None:
        each = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(each, panels, strict=True):
            _paint(axes, panel, levels)
        figure.suptitle(title, x=0.02, ha="left", fontsize=9)
        marks: dict[str, Artist] = {}
        for axes in each:
            marks |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(marks.values(), marks, loc="lower center", ncols=3, frameon=False, fontsize=7)
        tall = figure.get_figheight()
        figure.subplots_adjust(left=0.36, right=0.95, top=1 - 0.5 / tall, bottom=1.15 / tall, hspace=1.6 / max(heights))

    words = f"{title}. {' '.join(_in_words(row, levels) for _, row in rows.iterrows())}"
    tallness = 0.72 if (rows.colour != "none").any() else 0.42  # inches of a row
    return drawn("ladder", title, words, (7.2, 2.0 + tallness * len(rows) + 0.5 * (len(panels) - 1)), paint)


def _of_areas(promised: pd.DataFrame) -> pd.DataFrame:
    """Return the promises of the headline's measure and group in the last year, a row for each area."""
    measure, group = headline_of(list(dict.fromkeys(promised.measure)))
    is_shown = (promised.measure == measure) & (promised.group == group) & (promised.scale == "level")
    rows = promised[is_shown & (promised.year == promised.year.max())].head(MOST_ROWS)
    blank = {"target": np.nan, "colour": "none", "probability": np.nan, "met": "", "published": np.nan}
    blank |= {"published_year": np.nan}
    return rows.assign(baseline=rows["last"], target_year=rows.year, **blank)


def _paint(axes: Axes, rows: pd.DataFrame, levels: list[str]) -> None:
    places, ends = np.arange(len(rows)), rows[levels].to_numpy(float)
    axes.hlines(places, ends.min(axis=1), ends.max(axis=1), color=WIDE, linewidth=7)
    look: Look = {"color": WITH, "markeredgewidth": 1.8, "linestyle": ""}
    axes.plot(ends, places, "|", markersize=13, **look)
    for (row, level), value in np.ndenumerate(ends):
        text = levels[level].removeprefix(STEMS)
        axes.annotate(text, (value, row), (0, 8), textcoords="offset points", ha="center", fontsize=6)
    axes.plot([], [], "|", markersize=9, label="promised, number: probability, %", **look)
    half = rows.base_rate_half.to_numpy(float)
    axes.plot(half, places + 0.24, "^", color=INK, markersize=4.5, linestyle="",
              label="half of comparable places came so far")  # fmt: skip
    before = rows.baseline.astype(float).where(rows.scale == "level")  # a baseline is a figure as published
    if before.notna().any():
        axes.plot(before, places, "o", color="white", markeredgecolor=INK, markersize=5.5, linestyle="",
                  label="baseline, or last published")  # fmt: skip
    for name, (colour, mark) in COLOURS.items():
        judged = (rows.colour == name).to_numpy()
        if judged.any():
            asked = rows.target.where(rows.scale != "rank", 0.0)
            axes.plot(asked[judged], places[judged], mark, color=colour, markeredgecolor=INK, linestyle="",
                      markersize=8, label=f"target, {name}")  # fmt: skip
    is_published = (rows.met.isin(["met", "missed"]) & (rows.published_year == rows.target_year)).to_numpy()
    if is_published.any():
        axes.plot(rows.published[is_published], places[is_published], "D", color="white", markeredgecolor=INK,
                  linestyle="", markersize=6, label="published in that year")  # fmt: skip
    name_rows(axes, [_label(row) for _, row in rows.iterrows()], above=0.75, below=0.45, fontsize=7)
    units = " and ".join(dict.fromkeys(rows.unit))
    axes.set_xlabel(f"{units}, {SCALES[rows.scale.iloc[0]]}", fontsize=7)
    axes.margins(x=0.08)
    axes.spines.left.set_visible(False)


def _label(row: pd.Series) -> str:
    """Return what a row is; of a promise the title says the rest."""
    area = legible(row.area, mark=" (county proxy)" if row.proxy else " (own estimate)" if row.estimated else "")
    if row.colour not in COLOURS:
        return area
    place = f": {row.goal}" if row.scale == "rank" else ""
    subject = textwrap.wrap(f"{_short(row.measure)}, {row.group}, {academic_year(int(row.target_year))}{place}", LINE)
    return "\n".join([area, *subject, f"{row.colour}: {chance(row.probability)}"])


def _in_words(row: pd.Series, levels: list[str]) -> str:
    rungs = ", ".join(f"{number(row[name], 1)} with {name.removeprefix(STEMS)}%" for name in levels)
    year = academic_year(int(row.target_year))
    words = f"{row.area}, {_short(row.measure)}, {row.group}, {year}, {SCALES[row.scale]}:"
    if row.colour in COLOURS:
        words += f" target {row.goal}, chance {chance(row.probability)} ({row.colour});"
    words += f" promised {rungs} ({row.unit})"
    if pd.notna(row.base_rate_half):
        words += f"; half of comparable places came to {number(row.base_rate_half, 1)}"
    if pd.notna(row.baseline):
        words += f"; baseline {number(row.baseline, 1)}"
    if row.met in ("met", "missed") and row.published_year == row.target_year:
        words += f"; published {number(row.published, 1)}: {row.met}"
    if row.get("ranks"):
        words += f"; rank {row.ranks}"
    return words + "."


def _short(measure: str) -> str:
    return MEASURES[measure].label.split(" (")[0]
