"""Codebook: the dictionary of tables, a row for each column, so that no figure is read without its meaning."""

from collections.abc import Mapping

import pandas as pd

from oa_sim.errors import Refusal, nearest
from oa_sim.report import decided, meanings
from oa_sim.report.meanings import ANYWHERE, ENDS, INTEGER, NUMBER, OF_THE_ROW, About

TABLES = meanings.TABLES | decided.TABLES
TITLES = meanings.TITLES | decided.TITLES
COLUMNS = ("table", "column", "meaning", "unit", "type")


def dictionary(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what each column of some tables means.

    Parameters
    ----------
    tables
        By name, that of the file without ``.csv``.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``meaning``, ``unit`` (empty where there is none) and ``type`` (as in Table Schema).

    Raises
    ------
    Refusal
        For a column that nobody has said the meaning of.
    """
    rows = [(name, column, *about(name, column)) for name, table in tables.items() for column in table.columns]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def about(table: str, column: str) -> About:
    """Return meaning, unit and type of a column.

    Raises
    ------
    Refusal
        For a column that nobody has said the meaning of.
    """
    own = TABLES.get(table, {})
    for known in (own, ANYWHERE):
        if column in known:
            return known[column]
    for end, what in ENDS.items():
        stem = column.removesuffix(end)
        if stem != column and stem in own:
            meaning, unit, kind = own[stem]
            return f"{what}: {meaning}", unit, NUMBER if kind == INTEGER else kind
    for begin, what in decided.LEVELS.items():
        level = column.removeprefix(begin)
        if level != column and level.isdigit() and table in decided.TABLES:
            return what.format(level), OF_THE_ROW, NUMBER
    guess = nearest(column, [*own, *ANYWHERE])
    raise Refusal(
        f"column {column!r} of table {table!r} has no meaning in the dictionary"
        f"{f', is it {guess!r}' if guess else ''}: say it in meanings.py"
    )
