"""Declared breaks: years in which a published series cannot be compared, as marks on a picture of it and in words.

A change of level is a dotted line before its first year; years that were graded otherwise are shaded, and years without
a figure are hatched too, so that each is told apart in grey.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from oa_sim.definitions import academic_year
from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.inputs.tables import Row
from oa_sim.plots.picture import INK, visible
from oa_sim.simulation.result import Result

SHIFT, REGRADED, MISSING = "level_shift", "regraded", "not_collected"
SHADE, HATCH = "#f0f0f0", "#cccccc"
LOOKS = {
    SHIFT: {"color": INK, "linewidth": 0.8, "linestyle": (0, (1, 2))},
    REGRADED: {"facecolor": SHADE, "edgecolor": SHADE, "linewidth": 0},
    MISSING: {"facecolor": SHADE, "edgecolor": HATCH, "hatch": "////", "linewidth": 0},
}
LABELS = {SHIFT: "declared break", REGRADED: "graded otherwise", MISSING: "not collected"}
WORDS = {SHIFT: "break in", REGRADED: "graded otherwise in", MISSING: "not collected in"}
DOWN = "\N{BLACK DOWN-POINTING SMALL TRIANGLE}"


def of(result: Result, measure: str) -> list[Row]:
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


def key(rows: list[Row]) -> list[tuple[object, str]]:
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
