"""Listed: a file with a row for each scenario and a column for each key, CSV or YAML."""

import csv
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.scenario.load import PLAIN, read_word
from oa_sim.scenario.overrides import bare, kind_of, of_kind, quoted, written
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import check_number

KEPT = 4096  # cells that are read once however often they stand
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
    is_yaml = Path(file).suffix.lower() in (".yaml", ".yml")
    try:
        found = _yaml(file) if is_yaml else _csv(file)
    except FileNotFoundError:
        raise Refusal(f"design.file={file}: there is no such file: name one with a row for each scenario") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refusal(f"{file}: cannot be read ({error}): save it as UTF-8 text") from None
    if not found:
        raise Refusal(f"{file}: it holds no scenario: add a row for each")
    check_number(len(found))
    first: dict[str, int] = {}
    for number, cells in found:
        for key in cells:
            first.setdefault(key, number if is_yaml else 1)
    for key, number in first.items():
        _check_column(file, number, key)
    cell = lru_cache(KEPT)(_cell)
    rows, seen = [], {}
    for number, cells in found:
        row = tuple(_in_place(file, number, key, cell, cells.get(key, "")) for key in first)
        if row in seen:
            raise Refusal(f"{file} row {number}: the same scenario as row {seen[row]}: leave one of them out")
        seen[row] = number
        rows.append(row)
    return tuple(first), rows


def _csv(file: str) -> list[tuple[int, Cells]]:
    """Return the rows of a CSV file, each with its line."""
    with Path(file).open(newline="", encoding="utf-8-sig") as opened:
        reader = csv.reader(opened, strict=True)
        lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    if not lines:
        return []
    header = [key.strip() for key in lines[0][1]]
    for key in header:
        if header.count(key) > 1 or not key:
            raise Refusal(f"{file} row 1: column {key!r} must stand once and have a name: correct the header")
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise Refusal(f"{file} row {number}: must have {len(header)} cells, got {len(cells)}: correct the row")
    return [(number, dict(zip(header, cells, strict=True))) for number, cells in lines[1:]]


def _yaml(file: str) -> list[tuple[int, Cells]]:
    """Return the mappings of a YAML list, numbered from 1."""
    import yaml

    try:
        found = yaml.safe_load(Path(file).read_text(encoding="utf-8-sig"))
    except yaml.YAMLError as error:
        raise Refusal(f"{file}: {' '.join(str(error).split())}, which is no YAML: correct the file") from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Refusal(f"{file}: it must be a list of mappings such as '- {{split: equal, horizon: 10}}': rewrite it")
    return [(number, {str(key): _said(value) for key, value in row.items()}) for number, row in enumerate(found, 1)]


def _said(value: object) -> str:
    """Return a value of YAML as an override writes it; null leaves the key alone."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(("[", "{")):
        return value  # a list or mapping in quotes, which a cell of CSV reads too
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) else quoted(value)
    return written(value)


def _check_column(file: str, number: int, key: str) -> None:
    if key.startswith("+"):
        raise Refusal(f"{file} row {number}, column {key!r}: no key is added or forced: write {bare(key)}")
    try:
        kind_of(bare(key), Scenario)
    except Refusal as refusal:
        raise Refusal(f"{file} row {number}, column {key!r}: {refusal}") from None


def _in_place(file: str, number: int, key: str, cell: Callable[[str, str], object], text: str) -> object:
    """Return the value of a cell; a refusal says where it stands."""
    try:
        return cell(key, text.strip())
    except Refusal as refusal:
        raise Refusal(f"{file} row {number}, column {key!r}: {refusal}") from None


def _cell(key: str, text: str) -> object:
    """Return the one value of a cell as its key's kind; None where the cell is empty."""
    if not text:
        return None
    value = read_word(f"{key}={text}")
    if isinstance(value, list | tuple):
        raise Refusal(f"a cell holds one value, got {text}: add a row for each")
    return of_kind(key, value)
