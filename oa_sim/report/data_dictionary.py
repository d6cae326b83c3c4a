"""Data dictionary: what each column of each table means, with its unit and its type.

Both are read from ``data/report_columns.csv``: a row for each column of a table, or of ``any``; a row without a column
has the title of its table. A ``*`` in a name stands for a number, which the meaning repeats.
"""

from collections.abc import Mapping

import pandas as pd

from oa_sim.definitions import GROUPS, MEASURES, QUANTITIES
from oa_sim.errors import Refusal, nearest
from oa_sim.inputs import csv_reader, tables

ENDS = {  # of a column's name, after a _: what it adds to what the column means without it
    "q05": "lower end of the 90% interval of",
    "q50": "median of",
    "q95": "upper end of the 90% interval of",
}
COLUMNS = ("table", "column", "meaning", "unit", "type")

About = tuple[str, str, str]  # meaning, unit, type


def shipped_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a table of words that the package ships."""
    path = tables.FOLDER / f"{name}.csv"
    lines = csv_reader.read_lines(path, f"{path} is missing: install oa_sim again")
    return [cells for _, cells in csv_reader.records(path.name, lines)]


def _titles_and_columns() -> tuple[dict[str, str], dict[str, dict[str, About]]]:
    """Return the title of each table, and what its columns mean."""
    words = {
        "groups": "; ".join(f"{name}: {meaning}" for name, meaning in GROUPS.items()),
        "measures": "; ".join(f"{name}: {measure.label}" for name, measure in MEASURES.items()),
        "quantities": "; ".join(f"{name}: {meaning}" for name, meaning in QUANTITIES.items()),
    }
    titles: dict[str, str] = {}
    columns: dict[str, dict[str, About]] = {}
    for row in shipped_rows("report_columns"):
        if row["column"]:
            meaning = row["meaning"].format_map(words)
            columns.setdefault(row["table"], {})[row["column"]] = meaning, row["unit"], row["type"]
        else:
            titles[row["table"]] = row["meaning"]
    return titles, columns


TITLES, TABLES = _titles_and_columns()
ANYWHERE = TABLES.pop("any")  # names that mean the same in every table that does not say otherwise


def dictionary(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what each column of some tables, by name, means; a column without a meaning is refused.

    The columns are ``table``, ``column``, ``meaning``, ``unit`` (empty where there is none) and ``type`` (as in Table
    Schema).
    """
    rows = [(name, column, *about(name, column)) for name, frame in frames.items() for column in frame.columns]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def about(table: str, column: str) -> About:
    """Return meaning, unit and type of a column; one without a meaning is refused."""
    own = TABLES.get(table, {})
    columns = ANYWHERE | own
    if column in columns:
        return columns[column]
    stem, _, last = column.rpartition("_")
    if stem in own and (end := ENDS.get(last)):
        meaning, unit, kind = own[stem]
        return f"{end}: {meaning}", unit, "number" if kind == "integer" else kind
    if last.isdigit() and f"{stem}_*" in columns:
        meaning, unit, kind = columns[f"{stem}_*"]
        return meaning.replace("*", last), unit, kind
    guess = nearest(column, list(columns))
    raise Refusal(
        f"column {column!r} of table {table!r} has no meaning in the dictionary"
        f"{f', is it {guess!r}' if guess else ''}: add it to oa_sim/data/report_columns.csv"
    )
