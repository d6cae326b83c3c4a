"""Listed: a file with a row for each scenario and a column for each key, CSV or YAML."""

import csv
from pathlib import Path

from oa_sim.choices import PLAIN, read_word
from oa_sim.design import check_number
from oa_sim.overrides import kind_of, of_kind, quoted, written
from oa_sim.refusal import Refusal
from oa_sim.scenario import Scenario

Cells = dict[str, str]  # key: the value as an override writes it; empty where the key is left alone


def read(file: str) -> tuple[tuple[str, ...], list[tuple]]:
    """Return the keys of a file of scenarios, and a value of each key for each row.

    Parameters
    ----------
    file
        CSV with a header of keys, its cells written as overrides write them; or YAML, a list of mappings. An empty
        cell, and a key that a mapping lacks, leave the key alone: the value is None.

    Raises
    ------
    Refusal
        At the first row and column that cannot be read or is not known, and for a scenario named twice.
    """
    found = _yaml(file) if Path(file).suffix.lower() in (".yaml", ".yml") else _csv(file)
    if not found:
        raise Refusal(f"{file}: it holds no scenario: add a row for each")
    check_number(len(found))
    first: dict[str, int] = {}
    for number, cells in found:
        for key in cells:
            first.setdefault(key, number)
    is_csv = Path(file).suffix.lower() not in (".yaml", ".yml")
    for key, number in first.items():
        _at(file, 1 if is_csv else number, key, lambda key=key: kind_of(key.lstrip("+"), Scenario))
    rows, seen = [], {}
    for number, cells in found:
        row = tuple(_at(file, number, key, lambda key=key, cells=cells: _value(key, cells.get(key, ""))) for key in first)
        if row in seen:
            raise Refusal(f"{file} row {number}: the same scenario as row {seen[row]}: leave one of them out")
        seen[row] = number
        rows.append(row)
    return tuple(first), rows
