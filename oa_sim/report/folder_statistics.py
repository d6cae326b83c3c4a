"""Folder statistics: the tables of a folder as figures: a column with its interval is one, other numbers have none."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from oa_sim import formatting
from oa_sim.definitions import ALL_AREAS, MEASURES, academic_year
from oa_sim.report import reported_statistic
from oa_sim.report.document import Cell, Grid
from oa_sim.report.reported_statistic import FAILED, PROXY, VERIFY, About, Origin, Published

MOST_ROWS, MOST_COLUMNS = 16, 6  # of the table in the brief
NOT_SHOWN = (
    *(
        "n_draws",
        "proxy",
        "verdict",
        "failed",
        "identity",
        "run_id",
        "status",
        "source",
        "to_verify",
        "last_funded_year",
    ),
    *("sd", "q10", "q25", "q50", "q75", "q90"),
)
SPREADS = ("_sd", "_q10", "_q25", "_q50", "_q75", "_q90")
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


@dataclass(frozen=True)
class Told:
    """What is told of every figure of a folder.

    Attributes
    ----------
    origin, marks
        What it can be traced to, and what must stand beside it.
    units, price_base
        By column, where the folder says them; of pounds.
    """

    origin: Origin
    marks: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    price_base: str = "as in the folder"


def figures(name: str, table: pd.DataFrame, spec: Spec, told: Told) -> dict:
    """Return the figures of a table, by (row, column).

    Parameters
    ----------
    name, table
        The table and its name.
    spec
        Of the kind of folder.
    told
        What is told of every figure; a row that failed its gates, or rests on figures to verify, adds its own marks.
    """
    triples, found = _triples(table), {}
    ends = {end for three in triples.values() for end in three[1:]}
    keys = [
        key for key in dict.fromkeys((*spec.named_by, "plan", "part", "constraint", "area", "line")) if key in table
    ]
    left_out = {*ends, *keys, *NOT_SHOWN, *YEARS}
    numbers = [column for column in table.select_dtypes("number").columns if column not in left_out]
    numbers = [column for column in numbers if not column.endswith(SPREADS)]
    for i, row in enumerate(table.to_dict("records")):
        who = ", ".join(said(key, row[key]) for key in keys) or f"row {i + 1}"
        marks = (*_marks(row), *told.marks)
        for column in numbers:
            unit = told.units.get(column) or _unit(column, row)
            about = About(
                f"{name}.{column}.{i + 1}", f"{column.replace('_', ' ')}: {who}", unit,
                str(row.get("measure", "none")), str(row.get("group", "none")), str(row.get("area", ALL_AREAS)),
                _year(row), marks=marks, shown_in="workbook", price_base=told.price_base if "gbp" in column else "none",
            )  # fmt: skip
            found[i, column] = _one(about, row, column, triples.get(column), told.origin)
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
    ends = {end: three[0] for three in _triples(table).values() for end in three[1:]}
    left_out = [c for c in table if c in NOT_SHOWN[-6:] or str(c).endswith(SPREADS)]
    columns = [column for column in table.columns if column not in left_out]
    rows = tuple(
        tuple(_in_sheet(found, i, column, row[column], ends) for column in columns)
        for i, row in enumerate(table.to_dict("records"))
    )
    return Grid(name, tuple(map(str, columns)), rows)


def _in_sheet(found: dict, i: int, column: str, value: object, ends: dict[str, str]) -> Cell:
    """Return a cell of a sheet: the ends of an interval as figures in the digits of their middle."""
    middle = found.get((i, ends.get(column)))
    if middle is None or not middle.interval or isinstance(value, str):
        return _cell(found, i, column, value)
    at = 0 if column.endswith("q05") else 1
    end = (middle.lower, middle.upper)[at]
    name = f"{middle.figure}/{('lower', 'upper')[at]}"
    return replace(middle, figure=name, value=end, text=middle.interval.split(" to ")[at], interval="")


def in_brief(spec: Spec, table: pd.DataFrame, found: dict, levers: list[str], where: dict) -> Grid | None:
    """Return the rows and columns that the brief shows: of many rows both ends of the order.

    Parameters
    ----------
    spec, table, found
        As in ``figures``.
    levers
        Further columns that name a row, as the varied keys of a sweep.
    where
        By column, the value of the rows that are meant, as the measure, group and year of a headline.
    """
    columns = [next((c for c in (f"{name}_mean", name) if c in table), None) for name in spec.shown]
    columns = [column for column in columns if column][:MOST_COLUMNS]
    if not len(table) or not columns:
        return None
    meant = np.logical_and.reduce([np.ones(len(table), bool), *(table[key] == value for key, value in where.items())])
    order = np.flatnonzero(meant).tolist() or list(range(len(table)))
    table_rows = len(order)
    if spec.ordered_by in table:
        order = table[spec.ordered_by].astype(float).fillna(-np.inf).to_numpy().argsort(kind="stable")[::-1].tolist()
        order = [i for i in order if meant[i]]
    shown = order if len(order) <= MOST_ROWS else [*order[: MOST_ROWS // 2], *order[-MOST_ROWS // 2 :]]
    banded = {c for c in columns for i in shown if (i, c) in found and found[i, c].interval}
    rows = tuple(_shown_row(spec, table, found, i, columns, banded, levers) for i in shown)
    head = ["Row" if spec.named_by != ("scenario",) else "Scenario"]
    for column in columns:
        head += [column.removesuffix("_mean").replace("_", " "), *(["90% interval"] if column in banded else [])]
    few = "" if len(shown) == table_rows else f": {len(shown)} of {table_rows:,}, from both ends"
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
    if key == "scenario" and isinstance(value, int | np.integer):
        return f"scenario {value}"
    if isinstance(value, float | np.floating):
        return "" if value != value else f"{value:,.10g}"
    return str(value)


def _triples(table: pd.DataFrame) -> dict[str, tuple[str, str, str]]:
    """Return the columns of a 90% interval by the column of its middle."""
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
    is_chance = column.startswith("p_") or "_p_" in column or column in CHANCES
    if any(name in column for name in SHARES) and not is_chance and np.isfinite(value):
        return reported_statistic.of_shares(
            replace(about, unit="share"), band, (band[2] - band[1]) / 3.29 * scatter, origin
        )
    if three:
        named = {"mean": "sd"}.get(column, column.replace("_mean", "_sd"))
        spread = float(row[named]) if named != column and named in row else np.nan
        spread = spread if np.isfinite(spread) else (band[2] - band[1]) / 3.29
        return reported_statistic.of_summary(about, band, spread * scatter if np.isfinite(spread) else 0.0, origin)
    if is_chance:
        error = float(row.get("mc_error", np.nan))
        error = error if np.isfinite(error) else np.sqrt(max(value * (1 - value), 0.0)) * scatter
        return reported_statistic.of_share(replace(about, unit="probability"), value, float(error), origin)
    if column == "value" and "error" in row:
        error = float(row["error"])
        low, high = (f"{value + sign * 1.645 * error:.3g}".replace("-", formatting.MINUS) for sign in (-1, 1))
        one = reported_statistic.as_said(about, value, f"{value:.3g}".replace("-", formatting.MINUS), origin)
        band = {"lower": value - 1.645 * error, "upper": value + 1.645 * error, "interval": f"{low} to {high}"}
        return replace(one, error=error, **band)
    return reported_statistic.of_number(about, value, origin)


def _marks(row: dict) -> tuple[str, ...]:
    """Return what must stand beside the figures of a row by its own columns."""
    found = [PROXY] if str(row.get("proxy", "")) == "True" else []
    found += [VERIFY] if str(row.get("status", "")) == "to verify" or _is_more(row.get("to_verify")) else []
    return (*found, *([FAILED] if "FAIL" in str(row.get("verdict", "")) else []))


def _is_more(value: object) -> bool:
    return isinstance(value, int | float) and value > 0


def _unit(column: str, row: dict) -> str:
    return "GBP" if "gbp" in column else str(row.get("unit", "1"))


def _year(row: dict) -> int:
    found = [row[key] for key in YEARS if key in row and row[key] == row[key]]
    return int(found[0]) if found else 0


def _cell(found: dict, i: int, column: str, value: object) -> Cell:
    return found[i, column] if (i, column) in found else said(str(column), value)
