"""Tornado: how far a headline moves between the ends of each varied key, as a table and as a picture."""

import re

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import t

from oa_sim.plots import fan_charts
from oa_sim.plots.fan_charts import CHANGE, INK, NARROW, WIDE, WITH
from oa_sim.sweep.results import MOST_LEVELS, by_level, is_number, is_whole_grid, levels, said, varied

COLUMNS = ("headline", "key", "end", "where", "value_from", "value_to", "mean", "low", "high", "swing", "n_rows")
LOW, HIGH, LEVEL = "low end", "high end", "value"
TENTH, FEWEST = 10, 5  # an end is a tenth of the rows, and at least so many
LINE = 24  # characters of a key's name in a picture
MOST_DRAWN = 15  # keys in a picture; the table has them all


def table(rows: pd.DataFrame, keys: list[str], headline: str) -> pd.DataFrame:
    """Return the mean of a headline at the ends of each key, the key that moves it most first.

    Parameters
    ----------
    rows
        A row for each scenario, without those that failed; rows that do not hang together.
    keys
        The varied keys.
    headline
        The column that moves.

    Returns
    -------
    DataFrame
        ``COLUMNS``. An end of a scale is its lowest or highest tenth; of a choice, or a number with few values, each
        value stands in a row. ``swing`` is how far apart the means at the two ends are, or of a choice the greatest
        and the least. Intervals are of the mean, 90 %, by Student's t, all other keys as they were varied; over a
        whole grid the mean is what it is.
    """
    keys = varied(rows, keys)
    is_exact = is_whole_grid(rows, keys)
    parts = [pd.DataFrame(_of_key(rows, key, headline, is_exact)) for key in keys]
    swings = [float(greater["mean"] - lesser["mean"]) for lesser, greater in map(span, parts)]
    order = np.argsort(-np.array(swings), kind="stable")
    found = pd.concat([parts[k].assign(swing=swings[k]) for k in order])
    return found.assign(headline=headline).reindex(columns=list(COLUMNS)).reset_index(drop=True)


def _of_key(rows: pd.DataFrame, key: str, headline: str, is_exact: bool) -> list[dict]:
    """Return a row for each end or value of a key."""
    y = rows[headline].to_numpy(float)
    if by_level(rows[key]) or (is_exact and rows[key].nunique() <= MOST_LEVELS):
        codes, values = levels(rows[key])
        ends = [LEVEL] * len(values)
        if is_number(rows[key]):
            ends[0], ends[-1] = LOW, HIGH
        parts = [(end, said(value), codes == k) for k, (end, value) in enumerate(zip(ends, values, strict=True))]
    else:
        x = rows[key].to_numpy(float)
        n = min(max(len(x) // TENTH, FEWEST), len(x) // 2)
        ordered = np.sort(x)
        ends = ((LOW, x <= ordered[n - 1]), (HIGH, x >= ordered[-n]))
        parts = [(end, f"{said(x[held].min())} to {said(x[held].max())}", held) for end, held in ends]
    found = [{"key": key, "end": end, "where": where} | _mean(y[held], is_exact) for end, where, held in parts]
    if is_number(rows[key]):
        for row, (_, _, held) in zip(found, parts, strict=True):
            row |= {"value_from": rows[key][held].min(), "value_to": rows[key][held].max()}
    return found


def _mean(y: np.ndarray, is_exact: bool) -> dict[str, float]:
    """Return a mean with its interval; of one row alone there is none."""
    error = 0.0 if is_exact else np.nan if len(y) < 2 else float(y.std(ddof=1) / np.sqrt(len(y)))
    half = float(t.ppf(0.95, max(len(y) - 1, 1))) * error
    return {"mean": float(y.mean()), "low": y.mean() - half, "high": y.mean() + half, "n_rows": len(y)}


def draws_interval(rows: pd.DataFrame, headline: str) -> tuple[float, float] | None:
    """Return the 90 % interval of the draws within a scenario, its ends averaged, where the table has them."""
    stem, _, statistic = headline.rpartition("_")
    ends = [f"{stem}_{end}" for end in ("q05", "q95")]
    if statistic != "mean" or not set(ends) <= set(rows):
        return None
    return float(rows[ends[0]].mean()), float(rows[ends[1]].mean())


def picture(found: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, mark: str = "") -> str:
    """Return ``tornado_picture`` as one SVG element."""
    return tornado_picture(found, rows, headline, unit, mark).svg


def tornado_picture(
    found: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, mark: str = ""
) -> fan_charts.Picture:
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
            axes.axvspan(*within, color=WIDE, linewidth=0, label="draws of a scenario, 90 %")
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
    return fan_charts.drawn("tornado", f"What moves {headline.replace('_', ' ')}{mark}", words, (6.4, height), paint)


def _paint_key(axes: Axes, part: pd.DataFrame, at: int, *, is_narrow: bool) -> None:
    """Draw one key: low end hollow, high end filled, values as diamonds, each with its interval."""
    lesser, greater = span(part)
    axes.hlines(at, lesser["mean"], greater["mean"], color=NARROW, linewidth=6)
    looks = {LOW: ("o", "white", WITH), HIGH: ("o", WITH, WITH), LEVEL: ("D", "white", CHANGE)}
    names = {LOW: "low end of the key", HIGH: "high end", LEVEL: "one value of the key"}
    for row in part.itertuples():
        shape, face, edge = looks[row.end]
        axes.hlines(at, row.low, row.high, color=edge, linewidth=1.2)
        axes.plot(row.mean, at, shape, markersize=5, color=edge, markerfacecolor=face, label=names[row.end])
    inset = -3 if is_narrow else 10  # points; two labels of a narrow bar would stand in each other's place
    for row, side, inwards in ((lesser, "right", inset), (greater, "left", -inset)):
        axes.annotate(
            fan_charts.legible(row["where"], 30), (row["mean"], at),
            (inwards, 6), textcoords="offset points", ha=side, va="bottom", fontsize=6.5,
        )  # fmt: skip


def span(part: pd.DataFrame) -> list[pd.Series]:
    """Return the two rows that a key's bar runs between, the lesser mean first: its ends, or a choice's extremes."""
    ends = part[part.end != LEVEL] if (part.end != LEVEL).any() else part
    return [ends.loc[ends["mean"].idxmin()], ends.loc[ends["mean"].idxmax()]]


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
        said.append(f"The draws of a scenario run from {within[0]:.4g} to {within[1]:.4g} (90 %, mean of scenarios).")
    for key in keys:
        ends = [
            f"{row['where']}: {row['mean']:.4g} (90 %: {row['low']:.4g} to {row['high']:.4g})"
            for row in span(found[found.key == key])
        ]
        said.append(f"{key} {'; '.join(ends)}.")
    return " ".join(said)
