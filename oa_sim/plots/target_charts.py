"""Target charts: attainable levels as a ladder, and what was expected, published and is expected now.

A rung of the ladder is the figure that is reached with a probability; a target is red, amber or green by its shape and
in words too, so that the picture tells as much in grey.
"""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.plots.picture import CHANGE, INK, WIDE, WITH, Picture, drawn, legible
from oa_sim.targets.assess import Promises
from oa_sim.targets.monitor import Monitored

ACROSS, WIDEST_TITLE = 4, 20
MOST_ROWS = 14
LINE = 36  # characters of a label
COLOURS = {"green": ("#009e73", "o"), "amber": ("#e69f00", "s"), "red": ("#a30000", "X")}
STEMS = "promised_"
SCALES = {"level": "as published", "relative": "less England"}


def trajectory_picture(found: Monitored) -> Picture:
    """Return the headline's measure by area: expected, published and expected now."""
    measure, group = headline_of(list(dict.fromkeys(found.figures.measure)))
    names = found.before.area.values.tolist()
    rows = found.figures[(found.figures.measure == measure) & (found.figures.group == group)]
    at = {"measure": measure, "group": group}
    years, ahead = found.before.year.values, found.update.outcomes.year.values
    down = -(-len(names) // ACROSS)
    unit = MEASURES[measure].unit
    said = "; ".join(
        f"{row.area} {academic_year(int(row.year))}: {row.published:.1f}, expected {row.expected:.1f} ({row.colour})"
        for row in rows.itertuples()
    )

    def paint(figure: Figure) -> None:
        grid = figure.subplots(down, min(ACROSS, len(names)), squeeze=False, sharex=True)
        for axes, area in zip(grid.flat, names, strict=False):
            old, new = (
                np.quantile(one.projection.sel(area=area).transpose("year", "chain", "draw").values.reshape(n, -1),
                            [0.05, 0.5, 0.95], axis=1)
                for one, n in ((found.before.sel(at), len(years)), (found.update.outcomes.sel(at), len(ahead)))
            )  # fmt: skip
            axes.fill_between(years, old[0], old[2], color=WIDE, linewidth=0)
            axes.plot(years, old[1], color=INK, linewidth=0.8, linestyle="--")
            axes.fill_between(ahead, new[0], new[2], color=WITH, alpha=0.25, linewidth=0)
            axes.plot(ahead, new[1], color=WITH)
            mine = rows[rows.area == area]
            axes.plot(mine.year, mine.published, "o", color=CHANGE, markersize=4)
            axes.set_title(legible(area, line=WIDEST_TITLE, mark=" (county)" if mine.proxy.any() else ""))
            axes.set_xticks([int(years[0]), int(years[-1])])
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        what = f"{MEASURES[measure].label}, {group}: {unit}"
        figure.supylabel(what, fontsize=8)
        figure.supxlabel("academic year ending; grey, dashed: expected at the start; blue: now; dots: published",
                         fontsize=8)  # fmt: skip
        figure.tight_layout()

    title = f"Expected, published and expected now: {MEASURES[measure].label}, {group} pupils"
    return drawn("trajectory", title, said, (7.2, 0.6 + 1.5 * down), paint)


def ladder_picture(found: Promises) -> Picture:
    """Return targets beside what could be promised; an area each where there are no targets."""
    judged = found.judged
    if len(judged) and (judged.quantity == "target").any():
        rows = judged[judged.quantity == "target"].head(MOST_ROWS)
        title = "Targets beside what could be promised for their year"
    else:
        rows = _of_areas(found.promised)
        about = f"{_short(rows.measure.iloc[0])}, {rows.group.iloc[0]} pupils"
        title = f"What can be promised: {about}, {academic_year(int(rows.year.iloc[0]))}"
    title += "" if (rows.verdict == "PASS").all() else " [FAIL]"
    panels = [rows[rows.scale == scale] for scale in SCALES if (rows.scale == scale).any()]
    levels = [name for name in rows.columns if name.startswith(STEMS) and name != "promised_year"]
    heights = [1.0 + len(panel) for panel in panels]

    def paint(figure: Figure) -> None:
        each = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(each, panels, strict=True):
            _paint(axes, panel, levels)
        figure.suptitle(title, x=0.02, ha="left", fontsize=9)
        marks = {}
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
    mine = (promised.measure == measure) & (promised.group == group) & (promised.scale == "level")
    rows = promised[mine & (promised.year == promised.year.max())].head(MOST_ROWS)
    blank = {"target": np.nan, "colour": "none", "probability": np.nan, "met": "", "published": np.nan}
    return rows.assign(baseline=rows["last"], target_year=rows.year, **blank)


def _paint(axes: Axes, rows: pd.DataFrame, levels: list[str]) -> None:
    at = np.arange(len(rows))
    ends = rows[levels].to_numpy(float)
    axes.hlines(at, ends.min(axis=1), ends.max(axis=1), color=WIDE, linewidth=7)
    axes.plot(ends, at, "|", color=WITH, markersize=13, markeredgewidth=1.8, linestyle="")
    for row, told in enumerate(ends):
        for name, value in zip(levels, told, strict=True):
            axes.annotate(
                name.removeprefix(STEMS), (value, row), (0, 8), textcoords="offset points", ha="center", fontsize=6
            )
    axes.plot([], [], "|", color=WITH, markersize=9, markeredgewidth=1.8, linestyle="",
              label="promised, number: probability, %")  # fmt: skip
    half = rows.base_rate_half.to_numpy(float)
    axes.plot(
        half,
        at + 0.24,
        "^",
        color=INK,
        markersize=4.5,
        linestyle="",
        label="half of comparable authorities came so far",
    )
    if rows.baseline.notna().any():
        before = rows.baseline.astype(float)
        axes.plot(before, at, "o", color="white", markeredgecolor=INK, markersize=5.5, linestyle="",
                  label="baseline, or last published")  # fmt: skip
    for name, (colour, mark) in COLOURS.items():
        mine = (rows.colour == name).to_numpy()
        if mine.any():
            axes.plot(rows.target[mine], at[mine], mark, color=colour, markeredgecolor=INK, linestyle="", markersize=8,
                      label=f"target, {name}")  # fmt: skip
    there = rows.met.isin(["met", "missed"]).to_numpy()
    if there.any():
        axes.plot(rows.published[there], at[there], "D", color="white", markeredgecolor=INK, linestyle="",
                  markersize=6, label="published in that year")  # fmt: skip
    labels = [_label(row) for _, row in rows.iterrows()]
    axes.set_yticks(at, labels, fontsize=7)
    axes.set_ylim(len(rows) - 0.45, -0.75)
    units = " and ".join(dict.fromkeys(rows.unit))
    axes.set_xlabel(f"{units}, {SCALES[rows.scale.iloc[0]]}", fontsize=7)
    axes.margins(x=0.08)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)


def _label(row: pd.Series) -> str:
    """Return what a row is; of a promise the title says the rest."""
    area = legible(row.area, mark=" (county proxy)" if row.proxy else "")
    if row.colour not in COLOURS:
        return area
    about = textwrap.wrap(f"{_short(row.measure)}, {row.group}, {academic_year(int(row.target_year))}", LINE)
    return "\n".join([area, *about, f"{row.colour}: {100 * row.probability:.0f}%"])


def _in_words(row: pd.Series, levels: list[str]) -> str:
    rungs = ", ".join(f"{row[name]:.1f} with {name.removeprefix(STEMS)}%" for name in levels)
    said = (
        f"{row.area}, {_short(row.measure)}, {row.group}, {academic_year(int(row.target_year))}, {SCALES[row.scale]}:"
    )
    if row.colour in COLOURS:
        said += f" target {row.target:g}, chance {100 * row.probability:.0f}% ({row.colour});"
    said += f" promised {rungs} ({row.unit}); half of comparable authorities came to {row.base_rate_half:.1f}"
    if pd.notna(row.baseline):
        said += f"; baseline {row.baseline:.1f}"
    if row.met in ("met", "missed"):
        said += f"; published {row.published:.1f}: {row.met}"
    return said + "."


def _short(measure: str) -> str:
    return MEASURES[measure].label.split(" (")[0]
