"""Ladder: targets beside what can be promised, as a picture with words for those who cannot see it."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from oa_sim.figures import CHANGE, INK, NARROW, WIDE, WITH, picture
from oa_sim.targets import Promises
from oa_sim.variables import MEASURES, academic_year

MOST_ROWS = 14
COLOURS = {"green": ("#009e73", "o"), "amber": ("#e69f00", "s"), "red": ("#a30000", "X"), "none": (INK, "|")}


def ladder(found: Promises) -> str:
    """Return targets, their chance and what is expected, as one SVG element; promises where there are no targets."""
    judged = found.judged
    has = len(judged) and judged.target.notna().any()
    return _targets(judged[judged.target.notna()].head(MOST_ROWS)) if has else _rungs(found.promised)


def _targets(rows: pd.DataFrame) -> str:
    said = [
        f"{row.area}, {MEASURES[row.measure].label}, {row.group}: target {row.target:g} in "
        f"{academic_year(int(row.target_year))}, chance {100 * row.probability:.0f} % ({row.colour})"
        for row in rows.itertuples()
    ]
    labels = [
        f"{row.area}\n{_short(row.measure)}, {row.group}, {academic_year(int(row.target_year))}"
        + ("\nless England" if row.scale == "relative" else "")
        for row in rows.itertuples()
    ]

    def paint(figure: Figure) -> None:
        axes, at = figure.subplots(), np.arange(len(rows))
        axes.hlines(at, rows.expected_q05, rows.expected_q95, color=WIDE, linewidth=9)
        axes.plot(rows.expected, at, "|", color=WITH, markersize=13, markeredgewidth=2, linestyle="", label="expected")
        for name, (colour, mark) in COLOURS.items():
            mine = (rows.colour == name).values
            if mine.any():
                axes.plot(rows.target[mine], at[mine], mark, color=colour, linestyle="", markersize=7,
                          label=f"target, {name}")  # fmt: skip
        there = ((rows.met == "met") | (rows.met == "missed")).values
        if there.any():
            axes.plot(rows.published[there], at[there], "D", color="white", markeredgecolor=INK, linestyle="",
                      label="published")  # fmt: skip
        beyond = np.maximum(rows.expected_q95, rows.target)
        for row, (p, at_right) in enumerate(zip(rows.probability, beyond, strict=True)):
            axes.annotate(
                f"{100 * p:.0f} %", (at_right, row), (8, 0), textcoords="offset points", va="center", color=INK
            )
        axes.set_yticks(at, labels)
        axes.set_ylim(len(rows) - 0.4, -0.8)
        axes.set_xlabel("in the unit of the measure; grey: 90 % interval; number: chance that the target is met")
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
        figure.tight_layout()

    return picture("ladder", "; ".join(said), (7.2, 1.3 + 0.55 * len(rows)), paint)


def _rungs(promised: pd.DataFrame) -> str:
    """Return the rungs of one measure and group, by area: what can be promised with each probability."""
    measure, group = promised.measure.iloc[0], "all"
    for name in ("key_stage_2", measure):
        if name in set(promised.measure):
            measure = name
            break
    year = promised.year.max()
    rows = promised[
        (promised.measure == measure)
        & (promised.group == group)
        & (promised.year == year)
        & (promised.scale == "level")
    ]
    levels = [name for name in rows.columns if name.startswith("promised_")]
    said = "; ".join(
        f"{row.area}: {', '.join(f'{getattr(row, name):.1f} with {name[9:]} %' for name in levels)}"
        for row in rows.itertuples()
    )
    shades = (NARROW, WITH, CHANGE, INK)

    def paint(figure: Figure) -> None:
        axes, at = figure.subplots(), np.arange(len(rows))
        axes.plot(rows["last"], at, "D", color="white", markeredgecolor=INK, linestyle="", label="last published")
        for name, shade in zip(levels, shades, strict=False):
            axes.plot(rows[name], at, "|", color=shade, markersize=12, markeredgewidth=2.5, linestyle="",
                      label=f"{name[9:]} %")  # fmt: skip
        axes.set_yticks(at, rows.area)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel(f"{MEASURES[measure].label}, {group}, {academic_year(int(year))}: {MEASURES[measure].unit}")
        axes.tick_params(axis="y", length=0)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=4)
        figure.tight_layout()

    return picture("ladder", said, (6.8, 1.2 + 0.34 * len(rows)), paint)


def _short(measure: str) -> str:
    return MEASURES[measure].label.split(" (")[0]
