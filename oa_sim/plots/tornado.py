"""Tornado: the picture of how far a headline moves between the ends of each varied key."""

import re

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH, Picture, drawn, legible
from oa_sim.sweep.findings import Findings
from oa_sim.sweep.sensitivity import HIGH, LOW, VALUE, draws_interval, span

LINE = 24  # characters of a key's name in a picture
MOST_DRAWN = 15  # keys in a picture; the table has them all


def findings_picture(found: Findings) -> Picture:
    """Return the tornado of a sweep's findings."""
    facts = found.facts
    mark = "" if facts["verdict"] == "PASS" else f" [{facts['verdict']}]"
    return tornado_picture(found.tables["tornado"], found.scenarios, facts["headline"], facts["unit"], mark)


def tornado_picture(found: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, mark: str = "") -> Picture:
    """Return the tornado, which stands alone.

    Parameters
    ----------
    found
        From ``table``.
    rows
        The scenarios behind it.
    headline
        The column that moves.
    unit
        Its unit.
    mark
        What stands beside the title where the numbers carry a doubt.
    """
    keys = list(dict.fromkeys(found.key))[:MOST_DRAWN]
    middle, within = float(rows[headline].mean()), draws_interval(rows, headline)
    height = 1.75 + 0.42 * len(keys)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.3, right=0.96, bottom=0.95 / height, top=1 - 0.42 / height)
        if within:
            axes.axvspan(*within, color=WIDE, linewidth=0, label="draws of a scenario, 90%")
        axes.axvline(middle, color=INK, linewidth=0.9, label="mean of all scenarios")
        for at, key in enumerate(keys):
            part = found[found.key == key]
            _paint_key(axes, part, at, is_narrow=part.swing.max() < found.swing.max() / 4)
        axes.set_yticks(range(len(keys)), [_plain("\n".join(lines(key))) for key in keys])
        axes.set_ylim(len(keys) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines.left.set_visible(False)
        axes.margins(x=0.2)
        axes.set_xlabel(f"{_plain(headline.replace('_', ' '))}, {_plain(unit)}")
        figure.suptitle(_plain(f"What moves {headline.replace('_', ' ')}{mark}"), x=0.02, ha="left", fontsize=9)
        marks = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(marks.values(), marks, loc="lower center", ncols=3, frameon=False, fontsize=7)

    words = _in_words(found, keys, headline, unit, mark, middle, within)
    return drawn("tornado", f"What moves {headline.replace('_', ' ')}{mark}", words, (6.4, height), paint)


def _paint_key(axes: Axes, part: pd.DataFrame, at: int, *, is_narrow: bool) -> None:
    """Draw one key: low end hollow, high end filled, values as diamonds, each with its interval."""
    lesser, greater = span(part)
    axes.hlines(at, lesser["mean"], greater["mean"], color=NARROW, linewidth=6)
    looks = {LOW: ("o", "white", WITH), HIGH: ("o", WITH, WITH), VALUE: ("D", "white", CHANGE)}
    names = {LOW: "low end of the key", HIGH: "high end", VALUE: "one value of the key"}
    for row in part.itertuples():
        shape, face, edge = looks[row.end]
        axes.hlines(at, row.low, row.high, color=edge, linewidth=1.2)
        axes.plot(row.mean, at, shape, markersize=5, color=edge, markerfacecolor=face, label=names[row.end])
    inset = -3 if is_narrow else 10  # points; two labels of a narrow bar would stand in each other's place
    for row, side, inwards in ((lesser, "right", inset), (greater, "left", -inset)):
        axes.annotate(
            legible(row["where"], 30), (row["mean"], at),
            (inwards, 6), textcoords="offset points", ha=side, va="bottom", fontsize=6.5,
        )  # fmt: skip


def lines(key: str, width: int = LINE) -> list[str]:
    """Return a key in lines of a number of characters at most, broken after a dot, else an underscore, else anywhere.

    Parameters
    ----------
    key
        Such as ``organisation.schools_take``.
    width
        Of a line, in characters.
    """
    pieces = []
    for piece in re.findall(r"[^.]*\.|[^.]+", key):
        parts = [piece] if len(piece) <= width else re.findall(r"[^_]*_|[^_]+", piece)
        pieces += [part[at : at + width] for part in parts for at in range(0, len(part), width)]
    found = [""]
    for piece in pieces:
        if len(found[-1] + piece) > width:
            found.append("")
        found[-1] += piece
    return found


def _plain(text: str) -> str:
    """Return a text in which the picture finds no formula."""
    return text.replace("$", r"\$")


def _in_words(
    found: pd.DataFrame, keys: list[str], headline: str, unit: str, mark: str, middle: float,
    within: tuple[float, float] | None,
) -> str:  # fmt: skip
    said = [f"What moves {headline}{mark}, {unit}; mean of all scenarios {middle:.4g}."]
    if within:
        said.append(f"The draws of a scenario run from {within[0]:.4g} to {within[1]:.4g} (90%, mean of scenarios).")
    for key in keys:
        ends = [
            f"{row['where']}: {row['mean']:.4g} (90% interval {row['low']:.4g} to {row['high']:.4g})"
            for row in span(found[found.key == key])
        ]
        said.append(f"{key} {'; '.join(ends)}.")
    return " ".join(said)
