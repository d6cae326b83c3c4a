"""Folder tables: the tables of a folder as figures: a column with its interval is one, other numbers have none."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from oa_sim import published
from oa_sim.dossier import Cell, Grid
from oa_sim.published import PROXY, About, Origin, Published
from oa_sim.variables import MEASURES, academic_year

MOST_ROWS, MOST_COLUMNS = 16, 6  # of the table in the brief
NOT_SHOWN = ("n_draws", "proxy", "verdict", "failed", "identity", "run_id", "status", "source", "to_verify")
YEARS = ("year", "target_year", "headline_year")
CHANCES = ("probability", "base_rate", "better_than", "loses")  # beside those whose name says so
SHARES = ("left_5y", "left_10y", "share")


@dataclass(frozen=True)
class Spec:
    """How a kind of folder is read.

    Attributes
    ----------
    facts
        The file of its facts.
    main
        Its main table, and the columns that name a row of it.
    title
        Of the brief.
    shown
        The columns that the brief shows, a triple by the start of its name.
    ordered_by
        The column by which rows stand, largest first; as in the table where empty.
    """

    facts: str
    main: str
    named_by: tuple[str, ...]
    title: str
    shown: tuple[str, ...]
    ordered_by: str = ""


def figures(name: str, table: pd.DataFrame, spec: Spec, origin: Origin, marks: tuple[str, ...]) -> dict:
    """Return the figures of a table, by (row, column).

    Parameters
    ----------
    name, table
        The table and its name.
    spec
        Of the kind of folder.
    origin, marks
        What every figure can be traced to, and what must stand beside it.
    """
    triples, found = _triples(table), {}
    ends = {end for three in triples.values() for end in three[1:]}
    keys = [
        key for key in dict.fromkeys((*spec.named_by, "plan", "part", "constraint", "area", "line")) if key in table
    ]
    left_out = {*ends, *keys, *NOT_SHOWN, *YEARS}
    numbers = [column for column in table.select_dtypes("number").columns if column not in left_out]
    numbers = [column for column in numbers if not column.endswith(("_sd", "_q10", "_q25", "_q50", "_q75", "_q90"))]
    for i, row in enumerate(table.to_dict("records")):
        who = ", ".join(said(key, row[key]) for key in keys) or f"row {i + 1}"
        proxy = (PROXY,) if str(row.get("proxy", "")) == "True" else ()
        for column in numbers:
            about = About(
                f"{name}.{column}.{i + 1}", f"{column.replace('_', ' ')}: {who}", _unit(column, row),
                str(row.get("measure", "none")), str(row.get("group", "none")), str(row.get("area", "all areas")),
                _year(row), marks=(*proxy, *marks), shown_in="workbook",
            )  # fmt: skip
            found[i, column] = _one(about, row, column, triples.get(column), origin)
    return found


def grid(name: str, table: pd.DataFrame, found: dict) -> Grid:
    """Return a whole table as words and figures.

    Parameters
    ----------
    name, table
        The table and its name.
    found
        From ``figures``.
    """
    rows = tuple(
        tuple(_cell(found, i, column, value) for column, value in zip(table.columns, row, strict=True))
        for i, row in enumerate(table.itertuples(index=False))
    )
    return Grid(name, tuple(map(str, table.columns)), rows)


def in_brief(spec: Spec, table: pd.DataFrame, found: dict, levers: list[str]) -> Grid | None:
    """Return the rows and columns that the brief shows: of many rows both ends of the order.

    Parameters
    ----------
    spec, table, found
        As in ``figures``.
    levers
        Further columns that name a row, as the varied keys of a sweep.
    """
    columns = [next((c for c in (f"{name}_mean", name) if c in table), None) for name in spec.shown]
    columns = [column for column in columns if column][:MOST_COLUMNS]
    if not len(table) or not columns:
        return None
    order = list(range(len(table)))
    if spec.ordered_by in table:
        order = table[spec.ordered_by].astype(float).fillna(-np.inf).to_numpy().argsort(kind="stable")[::-1].tolist()
    shown = order if len(order) <= MOST_ROWS else [*order[: MOST_ROWS // 2], *order[-MOST_ROWS // 2 :]]
    banded = {c for c in columns for i in shown if (i, c) in found and found[i, c].interval}
    rows = tuple(_shown_row(spec, table, found, i, columns, banded, levers) for i in shown)
    head = ["Row" if spec.named_by != ("scenario",) else "Scenario"]
    for column in columns:
        head += [column.removesuffix("_mean").replace("_", " "), *(["90 % interval"] if column in banded else [])]
    few = "" if len(shown) == len(table) else f": {len(shown)} of {len(table):,}, from both ends"
    return Grid(f"{spec.title}{few}", tuple(head), rows)


def _shown_row(spec, table: pd.DataFrame, found: dict, i: int, columns: list, banded: set, levers: list) -> tuple:
    row = table.iloc[i]
    keys = [key for key in dict.fromkeys((*spec.named_by, *levers)) if key in table]
    cells: list[Cell] = [", ".join(said(key, row[key]) for key in keys)]
    for column in columns:
        one = _cell(found, i, column, row[column])
        cells.append(one)
        if column in banded:
            cells.append(one.interval if isinstance(one, Published) and one.interval else "none")
    return tuple(cells)


def said(key: str, value: object) -> str:
    """Return what names a row as people read it."""
    if key in YEARS and value == value:
        return academic_year(int(value))
    if key == "measure" and value in MEASURES:
        return MEASURES[value].label
    if isinstance(value, float | np.floating):
        return "" if value != value else f"{value:,.10g}"
    return str(value)


def _triples(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Return the columns of a 90 % interval by the column of its middle."""
    found = {}
    for low in (column for column in table.columns if str(column).endswith("q05")):
        start = low.removesuffix("q05")  # ends with an underscore, or is empty
        middles = (f"{start}mean", start.removesuffix("_"), f"{start}q50")
        middle = next((one for one in middles if one and one in table), None)
        if middle and f"{start}q95" in table:
            found[middle] = (middle, low, f"{start}q95")
    return found


def _one(about: About, row: dict, column: str, three: tuple | None, origin: Origin) -> Published:
    value, scatter = float(row[column]), 1 / np.sqrt(max(origin.n_draws, 1))
    band = tuple(float(row[key]) for key in three) if three else (value, value, value)
    is_share = any(name in column for name in SHARES)
    if is_share and np.isfinite(value):
        return published.of_shares(replace(about, unit="share"), band, (band[2] - band[1]) / 3.29 * scatter, origin)
    if three:
        named = {"mean": "sd"}.get(column, column.replace("_mean", "_sd"))
        spread = float(row[named]) if named != column and named in row else np.nan
        spread = spread if np.isfinite(spread) else (band[2] - band[1]) / 3.29
        return published.of_summary(about, band, spread * scatter if np.isfinite(spread) else 0.0, origin)
    if column.startswith("p_") or "_p_" in column or column in CHANCES:
        error = float(row.get("mc_error", np.nan))
        error = error if np.isfinite(error) else np.sqrt(max(value * (1 - value), 0.0)) * scatter
        return published.of_share(replace(about, unit="probability"), value, float(error), origin)
    if column == "value" and "error" in row:
        error = float(row["error"])
        return published.of_summary(about, (value, value - 1.645 * error, value + 1.645 * error), error, origin)
    return published.of_number(about, value, origin)


def _unit(column: str, row: dict) -> str:
    return "GBP" if "gbp" in column else str(row.get("unit", "1"))


def _year(row: dict) -> int:
    found = [row[key] for key in YEARS if key in row and row[key] == row[key]]
    return int(found[0]) if found else 0


def _cell(found: dict, i: int, column: str, value: object) -> Cell:
    return found[i, column] if (i, column) in found else said(str(column), value)
