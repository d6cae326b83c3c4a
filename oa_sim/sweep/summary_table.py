"""Tally: a row for each scenario of a sweep, in the store's columns, as CSV and as Parquet.

Only the small files of the finished blocks are read; no array of results is.
"""

import csv
import io
import math
from array import array
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from oa_sim.sweep import journal, store

CSV, PARQUET = "summary.csv", "summary.parquet"
NUMBER, FAILED, NAMED, IDENTITY = "scenario", "failed", "scenario_name", "identity"
ARROW = {"str": pa.string(), "int": pa.int64(), "float": pa.float64(), "float32": pa.float32()}


def column(key: str) -> str:
    """Return the name of a varied key's column: its own, but ``scenario_name`` for ``scenario``, which is a number."""
    return NAMED if key == NUMBER else key


def varied(about: dict, cases: list[dict]) -> dict[str, tuple[str, list]]:
    """Return the number of each scenario and what was varied, by the name of the column: kind and values."""
    parts = journal.parts(about)
    keys = [*dict.fromkeys(key for part in parts for key in part["keys"])]
    found = {}
    for key in keys:
        at = [part["keys"].index(key) if key in part["keys"] else None for part in parts]
        values = []
        for case in cases:
            i = at[case["part"]]
            own = None if i is None else case["values"][i]
            values.append(case["also"].get(key) if own is None else own)
        found[column(key)] = _of_one_kind(values)
    return {NUMBER: ("int", list(range(len(cases)))), **found}


def _of_one_kind(values: list) -> tuple[str, list]:
    """Return the kind that all values have, and the values in it; None where there is none."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return "int", values
    if kinds and kinds <= {int, float}:
        return "float", [None if value is None else float(value) for value in values]
    return "str", [None if value is None else _text(value) for value in values]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def write(folder: Path, about: dict, cases: list[dict], layout: store.Layout | None) -> dict:
    """Write the columns of the store and both tables, and return how many scenarios failed and how many are in doubt.

    Parameters
    ----------
    folder
        The folder of a sweep whose blocks are all done.
    about, cases
        Its record.
    layout
        What every scenario gives; None where all failed.
    """
    asked = varied(about, cases)
    known = {IDENTITY: ("str", [case["identity"] for case in cases])}
    found = _answered(journal.units(about), folder, layout.columns if layout else {})
    store.write_columns(folder, asked | found | known, [name for name in asked if name != NUMBER])
    if "verdict" in found:
        marked = [verdict and ("PASS" if verdict == "PASS" else f"[{verdict}]") for verdict in found["verdict"][1]]
        found["verdict"] = ("str", marked)
    columns = asked | found | known
    journal.put(folder / CSV, _as_csv(columns))
    journal.put(folder / PARQUET, _as_parquet(columns))
    return {
        "failed": sum(bool(sentence) for sentence in found[FAILED][1]),
        "in_doubt": sum(verdict not in ("", "PASS") for verdict in found.get("verdict", ("str", []))[1]),
    }


def _answered(units: list[tuple[int, int]], folder: Path, kinds: dict[str, str]) -> dict[str, tuple[str, list]]:
    """Return what came out, by column: the numbers, what a result says of itself, and why a scenario failed."""
    found = {name: array("d") if kind.startswith("float") else [] for name, kind in kinds.items()}
    failed = []
    for row in _rows(folder, units):
        failed.append(row[FAILED])
        for name, kind in kinds.items():
            value = row["found"].get(name)
            if kind.startswith("float"):
                value = math.nan if value is None else value
            found[name].append("" if kind == "str" and value is None else value)
    return {name: (kinds[name], values) for name, values in found.items()} | {FAILED: ("str", failed)}


def _rows(folder: Path, units: list[tuple[int, int]]) -> Iterator[dict]:
    for unit in units:
        yield from journal.rows(folder, unit)


def _as_csv(columns: dict[str, tuple[str, list]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(columns)
    for values in zip(*(values for _, values in columns.values()), strict=True):
        lines.writerow("" if _is_none(value) else value for value in values)
    return text.getvalue()


def _as_parquet(columns: dict[str, tuple[str, list]]) -> bytes:
    arrays = {
        name: pa.array([None if _is_none(value) else value for value in values], ARROW[kind])
        for name, (kind, values) in columns.items()
    }
    text = io.BytesIO()
    parquet.write_table(pa.table(arrays), text, compression="zstd")
    return text.getvalue()


def _is_none(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
