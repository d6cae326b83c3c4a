"""Results: a sweep's folder as a table, a row for each scenario: which of them count, which keys vary, in what order.

It is written as CSV and as Parquet, in the store's columns. Only the small files of the finished blocks are read; no
array of results is.
"""

import csv
import io
import itertools
import json
import math
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from oa_sim.atomic_write import write_file
from oa_sim.errors import Refusal, nearest, unknown
from oa_sim.formatting import pounds
from oa_sim.scenario.config_files import groups, title_of
from oa_sim.sweep import journal, store
from oa_sim.sweep.journal import Case, Record

MOST_LEVELS, ROWS_A_LEVEL = 20, 4  # a number with few values is read value by value, where each has rows enough
UNSET = "(not set)"
ABOUT_ROWS = ("scenario", "n_draws", "to_verify", "headline_year", "last_funded_year")  # numbers that are no headline
NUMBER, NAMED = "scenario", "scenario_name"  # the number of a row; the column of a varied key of that name
QUARTERS, RARE = 4, 0.01  # parts of a number; how seldom independent keys may look as if they went together
HANDFUL = 6  # names in a sentence; a summary has some sixty columns
MIXED = "mixed"  # the kind of a sweep that was extended: its parts are no one sample
CSV, PARQUET = "summary.csv", "summary.parquet"
FAILED, IDENTITY = "failed", "identity"
ARROW = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "float32": pa.float32()}


@dataclass(frozen=True, eq=False)
class Swept:
    """What a sweep wrote."""

    table: pd.DataFrame  # a row for each scenario in the order of the design: varied keys, headlines, verdict, failed
    design: dict[str, Any]  # kind and seed of the sample; the kind is mixed where the sweep was extended
    keys: list[str]  # columns of the varied keys, in the design's order
    bounds: dict[str, tuple[float, float]]  # of the keys that were given as an interval
    facts: Record

    @property
    def headlines(self) -> list[str]:
        """The columns that can be asked about: numbers that are neither a key nor a count."""
        others = self.table.drop(columns=[*self.keys, *ABOUT_ROWS], errors="ignore")
        return list(others.select_dtypes("number"))


def read(folder: Path) -> Swept:
    """Return what a sweep wrote into a folder."""
    if not (folder / "sweep.json").is_file():
        raise Refusal(f"{folder} holds neither a sweep nor a run: give the folder that oa-sim sweep or run printed")
    resume = journal.command("resume", folder)
    try:
        facts = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
        parts = [facts, *facts.get("extensions", [])]
        kind = str(facts["design"]["kind"]) if len(parts) == 1 else MIXED
        design = {"kind": kind, "seed": int(facts["design"].get("seed") or 0)}
        keys = list(dict.fromkeys(column(str(key)) for part in parts for key in part["keys"]))
        bounds = {str(key): (float(low), float(high)) for part in parts for key, (low, high) in part["bounds"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f"{folder} is not a whole sweep, its sweep.json cannot be read ({type(error).__name__}): put sweep.json "
            "back from a copy, or sweep again into another folder"
        ) from None
    try:
        table = _table(folder)
    except FileNotFoundError:
        raise Refusal(f"{folder} has no summary yet: finish the sweep with {resume}") from None
    except (OSError, ValueError) as error:
        problem = f"its summary cannot be read ({type(error).__name__})"
        raise Refusal(f"{folder} is not a whole sweep, {problem}: write it again with {resume}") from None
    for key in keys:
        if key not in table:
            problem = f"its summary has no column {key!r}"
            raise Refusal(f"{folder} is not a whole sweep, {problem}: write it again with {resume}")
    return Swept(table, design, keys, bounds, facts)


def _table(folder: Path) -> pd.DataFrame:
    """Return the summary of a sweep; parquet says which column is text, CSV leaves it to be seen."""
    if (folder / "summary.parquet").is_file():
        return pd.read_parquet(folder / "summary.parquet")
    return pd.read_csv(folder / "summary.csv", keep_default_na=False, na_values=[""])


def is_number(column: pd.Series) -> bool:
    """Return whether a varied key is a number in every row: not a choice, a switch, or left unset somewhere."""
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return bool(numeric and np.isfinite(column.to_numpy(float)).all())


def levels(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return which value each row has, as a number (row), and the values in order."""
    values_of_rows = column if is_number(column) else column.astype(object).where(column.notna(), UNSET).astype(str)
    codes, values = pd.factorize(values_of_rows, sort=True)
    return codes, list(values)


def value_text(value: object) -> str:
    """Return a key's value as people read it: three digits, and millions as such."""
    if not isinstance(value, int | float | np.number):
        return str(value)
    number = float(value)
    if abs(number) >= 1e6:
        return f"{number / 1e6:,.4g}m"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def value_in_words(key: str, value: object) -> str:
    """Return a key's value as a sentence has it: a choice by its title, and money in pounds."""
    group = NUMBER if key == NAMED else key
    if isinstance(value, str) and value in groups().get(group, []):
        return title_of(group, value)
    if key.endswith("_gbp") and isinstance(value, int | float | np.number):
        return pounds(float(value))
    return value_text(value)


def by_level(column: pd.Series) -> bool:
    """Return whether a key is read value by value rather than along a scale."""
    n_values = column.nunique(dropna=False)
    return not is_number(column) or n_values <= min(MOST_LEVELS, len(column) // ROWS_A_LEVEL)


def varied(table: pd.DataFrame, keys: list[str]) -> list[str]:
    """Return the keys that have more than one value in a table."""
    return [key for key in keys if table[key].nunique(dropna=False) > 1]


def standing_alone(rows: pd.DataFrame, design: dict[str, Any], keys: list[str]) -> pd.DataFrame:
    """Return the rows that do not hang together: of a Saltelli design the two bases, of any other all."""
    if design["kind"] != "saltelli":
        return rows
    step = rows_of_a_base_point(rows[keys])
    return rows[np.isin(np.arange(len(rows)) % step, [0, step - 1])]


def rows_of_a_base_point(inputs: pd.DataFrame) -> int:
    """Return the rows of each base point of a Saltelli design: base, base with one key swapped, other base.

    Refused where the rows are not in that order, which their values tell.
    """
    width = len(inputs.columns)
    n_rows = width + 2
    codes = np.column_stack([levels(inputs[key])[0] for key in inputs])
    if len(codes) % n_rows == 0:
        points = codes.reshape(-1, n_rows, width)
        base, other = points[:, 0], points[:, -1]
        expected = np.repeat(base[:, None], n_rows, axis=1)
        for j in range(width):
            expected[:, 1 + j, j] = other[:, j]
        expected[:, -1] = other
        if np.array_equal(points, expected):
            return n_rows
    raise Refusal(
        f"Sobol indices need the rows of a Saltelli design, whole and in its order, which these {len(codes)} rows of "
        f"{width} keys are not: sweep again with design=saltelli"
    )


def usable(table: pd.DataFrame, headline: str) -> pd.DataFrame:
    """Return the rows that have a headline: those of scenarios that did not fail, where it is a number."""
    rows = table[~has_failed(table) & np.isfinite(table[headline].to_numpy(float))]
    if rows.empty:
        raise Refusal(f"{headline!r} is known in none of the {len(table)} scenarios: choose another headline=")
    y = rows[headline].to_numpy(float)
    if np.ptp(y) <= 1e-9 * np.abs(y).max():
        raise Refusal(
            f"{headline!r} is {value_text(y[0])} in all {len(rows)} scenarios, so that there is nothing to explain: "
            "choose another headline= or vary other keys"
        )
    return rows


def refuse_all_failed(table: pd.DataFrame) -> None:
    """Refuse a sweep in which no scenario has an answer, with the first reason."""
    bad = has_failed(table)
    if len(bad) and bad.all():
        why = str(table["failed"].iloc[0]).strip().rstrip(".")
        raise Refusal(f"all {len(bad)} scenarios failed (the first: {why}): mend what that says and sweep again")


def unknown_column(kind: str, name: str, columns: list[str]) -> Refusal:
    """Return the refusal of a column that is not known, with the nearest right one or a handful, never all."""
    if nearest(name, columns) or len(columns) <= HANDFUL:
        return unknown(kind, name, columns)
    some = ([column for column in columns if column.endswith("_mean")] or columns)[:HANDFUL]
    rest = f"any of {len(columns) - len(some)} other columns of numbers in the summary"
    return Refusal(f"unknown {kind} {name!r}: choose {', '.join(some)}, or {rest}")


def has_failed(table: pd.DataFrame) -> np.ndarray:
    """Return which scenarios have a sentence in the place of an answer (row)."""
    if "failed" not in table:
        return np.zeros(len(table), dtype=bool)
    has_sentence = table["failed"].notna() & (table["failed"].astype(str).str.strip() != "")
    return np.asarray(has_sentence, dtype=bool)


def go_together(table: pd.DataFrame, keys: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of keys whose values are clearly not independent over rows, the clearest first.

    By the chi-squared test of the values of both, numbers in quarters, at 1% over all pairs together.
    """
    from scipy.stats import chi2_contingency  # takes a second to load, and a report needs none of it

    keys, parts = varied(table, keys), {}
    for key in keys:
        codes, values = levels(table[key])
        is_few = len(values) <= QUARTERS
        parts[key] = codes if is_few or not is_number(table[key]) else pd.qcut(codes, QUARTERS, duplicates="drop").codes
    pairs = list(itertools.combinations(keys, 2))
    p = {pair: chi2_contingency(pd.crosstab(*(parts[key] for key in pair))).pvalue for pair in pairs}
    return sorted((pair for pair in pairs if p[pair] < RARE / len(pairs)), key=lambda pair: p[pair])


def is_whole_grid(table: pd.DataFrame, keys: list[str]) -> bool:
    """Return whether every combination of the keys' values stands in a table exactly once."""
    sizes = [table[key].nunique(dropna=False) for key in keys]
    whole = float(np.prod([float(size) for size in sizes])) == len(table)
    return whole and not table[keys].astype(str).duplicated().any()


def column(key: str) -> str:
    """Return the name of a varied key's column: its own, but ``scenario_name`` for ``scenario``, which is a number."""
    return NAMED if key == NUMBER else key


def varied_columns(record: Record, cases: list[Case]) -> store.Columns:
    """Return the number of each scenario and what was varied, by the name of the column: kind and values."""
    parts = journal.parts(record)
    columns: store.Columns = {NUMBER: ("int", list(range(len(cases))))}
    for key in dict.fromkeys(key for part in parts for key in part["keys"]):
        places = [part["keys"].index(key) if key in part["keys"] else None for part in parts]
        values = []
        for case in cases:
            i = places[case["part"]]
            own = None if i is None else case["values"][i]
            values.append(case["also"].get(key) if own is None else own)
        columns[column(key)] = _of_one_kind(values)
    return columns


def _of_one_kind(values: list[Any]) -> tuple[str, list[Any]]:
    """Return the kind that all values have, and the values in it; None where there is none."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return "int", values
    if kinds and kinds <= {int, float}:
        return "float", [None if value is None else float(value) for value in values]
    return "str", [None if value is None else _text(value) for value in values]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write(folder: Path, record: Record, cases: list[Case], layout: store.Layout | None) -> dict[str, int]:
    """Write the columns of the store and both tables of a sweep whose blocks are all done; no layout where all failed.

    Return how many scenarios failed, and how many have draws in doubt.
    """
    keys = varied_columns(record, cases)
    identities: store.Columns = {IDENTITY: ("str", [case["identity"] for case in cases])}
    answers = _answers(journal.units(record), folder, layout.columns if layout else {})
    store.write_columns(folder, keys | answers | identities, [name for name in keys if name != NUMBER])
    if "verdict" in answers:
        marked = [verdict and ("PASS" if verdict == "PASS" else f"[{verdict}]") for verdict in answers["verdict"][1]]
        answers["verdict"] = ("str", marked)
    columns = keys | answers | identities
    write_file(folder / CSV, _as_csv(columns))
    write_file(folder / PARQUET, _as_parquet(columns))
    return {
        "failed": sum(bool(sentence) for sentence in answers[FAILED][1]),
        "in_doubt": sum(verdict not in ("", "PASS") for verdict in answers.get("verdict", ("str", []))[1]),
    }


def _answers(units: list[journal.Unit], folder: Path, kinds: dict[str, str]) -> store.Columns:
    """Return what came out, by column: the numbers, what a result says of itself, and why a scenario failed."""
    answers: dict[str, array[float] | list[Any]] = {
        name: array("d") if kind.startswith("float") else [] for name, kind in kinds.items()
    }
    failed = []
    for row in itertools.chain.from_iterable(journal.finished_rows(folder, unit) for unit in units):
        failed.append(row[FAILED])
        for name, kind in kinds.items():
            value = row["found"].get(name)
            if value is None:
                value = math.nan if kind.startswith("float") else "" if kind == "str" else None
            answers[name].append(value)
    columns: store.Columns = {name: (kinds[name], values) for name, values in answers.items()}
    return columns | {FAILED: ("str", failed)}


def _as_csv(columns: store.Columns) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    for values in zip(*(values for _, values in columns.values()), strict=True):
        lines.writerow("" if _is_none(value) else value for value in values)
    return text.getvalue()


def _as_parquet(columns: store.Columns) -> bytes:
    arrays = {
        name: pa.array([None if _is_none(value) else value for value in values], ARROW[kind])
        for name, (kind, values) in columns.items()
    }
    file = io.BytesIO()
    parquet.write_table(pa.table(arrays), file, compression="zstd")
    return file.getvalue()


def _is_none(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
