"""Calibration: the scores of a contest in, pictures as inline SVG out.

One model is ours and drawn boldly; the peers are told apart by dash and mark as well as by colour.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim import formatting
from oa_sim.definitions import academic_year
from oa_sim.plots.intervals import DASHES
from oa_sim.plots.picture import NARROW, WITH, Look, Picture, drawn
from oa_sim.validation.benchmark_forecasters import PEERS
from oa_sim.validation.scoring import SCALES, Scores

OURS = {"color": WITH, "linewidth": 2.6, "marker": "o", "markersize": 4.5, "zorder": 3}
COLOURS = ("#222222", "#b34700", "#7a7a7a", "#009e73", "#cc79a7", "#997700")  # told apart without red and green
MARKS = "sd^vxP"
HIGHEST = 1.5  # of the ratios in a picture: one poor peer would flatten all the others


def reliability_picture(scores: Scores) -> Picture:
    """Return how often each interval held the figure against how often it should, a panel for each scale."""
    table = scores.calibration
    names, scales = table.model.unique().tolist(), kinds(table)

    def paint(figure: Figure) -> None:
        for axes, kind in zip(_panels(figure, scales), scales, strict=True):
            axes.plot([0, 100], [0, 100], color=NARROW, linewidth=1)
            for name in reversed(names):
                part = table[(table.model == name) & (table.scale == kind)]
                axes.plot(part.nominal, 100 * part.covered, **_look(name, scores.ours, every=4))
            axes.set(xlim=(0, 100), ylim=(0, 100), xlabel="the interval should hold, %", aspect="equal")
        figure.axes[0].set_ylabel("it held, %")
        _legend(figure)

    return drawn("reliability", "", _reliability_in_words(table, names), (3.2 * len(scales) + 0.4, 3.9), paint)


def by_year_picture(scores: Scores) -> Picture:
    """Return the mean ratio to the random walk in each year that was forecast, a panel for each scale."""
    table = scores.table[scores.table.n > 0]
    names, scales = table.model.unique().tolist(), kinds(table)
    mean = table.groupby(["scale", "model", "horizon", "year"]).crps_ratio_rw.mean().reset_index()

    def paint(figure: Figure) -> None:
        for axes, kind in zip(_panels(figure, scales), scales, strict=True):
            _paint_years(axes, mean[mean.scale == kind], names, scores.ours)
        figure.axes[0].set_ylabel("CRPS, random walk = 1")
        _legend(figure)

    return drawn("years", "", _years_in_words(mean, names), (3.2 * len(scales) + 0.4, 3.5), paint)


def when(horizon: int, year: int) -> str:
    """Return a forecast year with its distance: ``2021/22, 3 years ahead``."""
    return f"{academic_year(year)}, {horizon} year{'s' * (horizon > 1)} ahead"


def kinds(table: pd.DataFrame) -> list[str]:
    """Return the scales that a table of scores holds, in the order of the dictionary."""
    return [kind for kind in SCALES if (table.scale == kind).any()]


def _paint_years(axes: Axes, mean: pd.DataFrame, names: list[str], ours: str) -> None:
    spots = sorted(set(zip(mean.horizon, mean.year, strict=True)))
    for name in reversed(names):
        part = mean[mean.model == name]
        places = [spots.index(spot) for spot in zip(part.horizon, part.year, strict=True)]
        axes.plot(places, part.crps_ratio_rw, **_look(name, ours))
    axes.set_xticks(range(len(spots)), [when(*spot).replace(", ", "\n") for spot in spots])
    axes.margins(x=0.12, y=0.1)
    axes.set_ylim(top=min(axes.get_ylim()[1], HIGHEST))
    lowest = mean.groupby("model", sort=False).crps_ratio_rw.min()
    if above := lowest[lowest > HIGHEST].index.tolist():
        axes.annotate(f"above the picture: {', '.join(above)}", (0.02, 0.98), xycoords="axes fraction", va="top")
    axes.grid(axis="y", color="#eeeeee")
    axes.set_axisbelow(True)


def _panels(figure: Figure, scales: list[str]) -> list[Axes]:
    panels: list[Axes] = figure.subplots(1, len(scales), squeeze=False)[0].tolist()
    for axes, kind in zip(panels, scales, strict=True):
        axes.set_title(f"{kind}: {SCALES[kind]}")
    figure.subplots_adjust(left=0.1, right=0.98, top=0.93, bottom=0.28, wspace=0.25)
    return panels


def _legend(figure: Figure) -> None:
    """Put one key for all panels below them, in the order of the tables."""
    marks, names = figure.axes[0].get_legend_handles_labels()
    figure.legend(marks[::-1], names[::-1], loc="lower center", ncols=4, frameon=False, fontsize=8, handlelength=3)


def _look(name: str, ours: str, every: int = 1) -> Look:
    if name == ours:
        return OURS | {"label": name, "markevery": (every - 1, every)}
    place = list(PEERS).index(name) if name in PEERS else len(name) % len(COLOURS)
    look: Look = {"color": COLOURS[place], "linestyle": DASHES[place], "marker": MARKS[place], "markersize": 4}
    return look | {"linewidth": 1.1, "label": name, "markevery": (every - 1, every)}


def _reliability_in_words(table: pd.DataFrame, names: list[str]) -> str:
    words = ["Share of figures inside the 50, 80 and 95% intervals."]
    for kind in kinds(table):
        models = []
        for name in names:
            covered = table[(table.model == name) & (table.scale == kind)].set_index("nominal").covered
            models.append(f"{name} {', '.join(formatting.number(100 * covered[level], 0) for level in (50, 80, 95))}%")
        words.append(f"Scale {kind}: {'; '.join(models)}.")
    return " ".join(words)


def _years_in_words(mean: pd.DataFrame, names: list[str]) -> str:
    words = ["CRPS as a share of the random walk\u2019s, mean over measures and groups."]
    for (kind, horizon, year), part in mean.groupby(["scale", "horizon", "year"]):
        ratios = part.set_index("model").crps_ratio_rw
        models = [f"{name} {formatting.number(float(ratios.get(name, np.nan)), 2)}" for name in names]
        words.append(f"Scale {kind}, {when(horizon, year)}: {', '.join(models)}.")
    return " ".join(words)
