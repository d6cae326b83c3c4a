"""CSV reader: rows of a table, each cell checked by the rule of its column.

Every table that a person may have written is read here; its schema says which columns it has and what a cell may hold.
What is wrong is said in one sentence that names file, row, rule and remedy. Rows are counted as a text editor counts
lines: the header is 1.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from oa_sim.errors import Refusal, unknown
from oa_sim.inputs.schemas import Row, Schema

Line = tuple[int, list[str]]  # its number in the file, and its cells


def read_table(path: Path, schema: Schema, missing: str) -> list[Row]:
    """Return the rows of a CSV file, each cell checked and converted, with ``row``, its line in the file.

    ``missing`` is the sentence for a file that is not there. The first cell or row that breaks a rule is refused.
    """
    return checked_rows(path.name, read_lines(path, missing), schema)


def read_lines(path: Path, missing: str, name: str | None = None) -> list[Line]:
    """Return the lines of a CSV file; ``name`` is how messages call it, its own name by default."""
    name = name or path.name
    return lines_of(read_bytes(path, name, missing), name)


def read_bytes(path: Path, name: str, missing: str) -> bytes:
    """Return what a file holds; see ``read_lines``."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Refusal(missing) from None
    except OSError as error:
        raise Refusal(f"{name}: cannot be read ({error}): check the file") from None


def lines_of(content: bytes, name: str) -> list[Line]:
    """Return the lines of what a CSV file holds."""
    remedy = "save it as UTF-8 text"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refusal(f"{name}: cannot be read as CSV ({error}): {remedy}") from None
    return list(numbered(io.StringIO(text, newline=""), name, remedy))


def numbered(text: Iterable[str], name: str, remedy: str) -> Iterator[Line]:
    """Yield the lines of CSV text with their numbers."""
    reader = csv.reader(text, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise Refusal(f"{name} row {reader.line_num}: cannot be read as CSV ({error}): {remedy}") from None


def check_header(name: str, header: list[str]) -> None:
    """Refuse a header that has a column twice, or one without a name."""
    for column in header:
        if header.count(column) > 1 or not column:
            raise Refusal(f"{name} row 1: column {column!r} must stand once and have a name: correct the header")


def check_length(name: str, line: Line, header: list[str], remedy: str = "correct the row") -> None:
    """Refuse a row that has not as many cells as the header."""
    number, cells = line
    if len(cells) != len(header):
        raise Refusal(f"{name} row {number}: must have {len(header)} cells, got {len(cells)}: {remedy}")


def records(name: str, lines: list[Line]) -> list[tuple[int, dict[str, str]]]:
    """Return the rows below a header, each with its number and its cells by name of column, unchecked."""
    header = [column.strip() for column in lines[0][1]] if lines else []
    check_header(name, header)
    for line in lines[1:]:
        check_length(name, line, header)
    return [(number, dict(zip(header, cells, strict=True))) for number, cells in lines[1:]]


def checked_rows(name: str, lines: list[Line], schema: Schema) -> list[Row]:
    """Return the rows of a table from the lines of a CSV file or of a sheet, the header first; see ``read_table``."""
    header, lines = (_exact if schema.is_exact else _lenient)(name, lines, schema)
    checks = schema.columns | schema.optional
    rows: list[Row] = []
    seen: dict[tuple[object, ...], int] = {}
    for number, cells in lines:
        try:
            row = schema.complete(_checked(dict(zip(header, cells, strict=True)), checks) | {"row": number})
            key = tuple(row[column] for column in schema.identity)
            if key and key in seen:
                labels = ", ".join(str(part) for part in key)
                raise Refusal(f"{labels} stands in row {seen[key]} already: keep one of the two")
        except Refusal as refusal:
            raise Refusal(f"{name} row {number}: {refusal}") from None
        seen[key] = number
        rows.append(row)
    if not rows and not schema.may_be_empty:
        raise Refusal(f"{name}: must have at least one row, got none: fill the table")
    return rows


def _checked(cells: dict[str, str], checks: dict[str, Callable[[str], object]]) -> Row:
    """Return the cells of a row, checked and converted; a column that is not there has an empty cell."""
    row = {}
    for column, check in checks.items():
        try:
            row[column] = check(cells.get(column, "").strip())
        except Refusal as refusal:
            is_unknown = str(refusal).startswith("unknown ")
            raise Refusal(f"{column} is an {refusal}" if is_unknown else f"{column}: {refusal}") from None
        except ValueError as error:
            raise Refusal(f"{column} {error}: correct the cell") from None
    return row


def _exact(name: str, lines: list[Line], schema: Schema) -> tuple[list[str], list[Line]]:
    """Return header and rows of a table that has its columns, in their order, and no line without cells."""
    header = list(schema.columns)
    if not lines or lines[0][1] != header:
        got = ",".join(lines[0][1]) if lines else "an empty file"
        raise Refusal(f"{name} row 1: the columns must be {','.join(header)}, got {got}: correct the header")
    for line in lines[1:]:
        check_length(name, line, header)
    return header, lines[1:]


def _lenient(name: str, lines: list[Line], schema: Schema) -> tuple[list[str], list[Line]]:
    """Return header and rows of a table as people write it: any order and case, blank lines and cells to the right."""
    lines = [line for line in lines if any(cell.strip() for cell in line[1])]
    header = [cell.strip().lower().replace(" ", "_") for cell in lines[0][1]] if lines else []
    while header and not header[-1]:
        header.pop()  # a workbook keeps the empty columns beside a table
    check_header(name, [column for column in header if column])
    for column in header:
        if not schema.is_open and column not in (columns := [*schema.columns, *schema.optional]):
            raise Refusal(f"{name} row 1: {unknown('column', column, columns)}")
    absent = [column for column in schema.columns if column not in header]
    if absent:
        needed = ", ".join(schema.columns)
        raise Refusal(f"{name}: {schema.noun} the columns {needed}, got no {absent[0]}: add it")
    rows = []
    for number, cells in lines[1:]:
        if any(cell.strip() for cell in cells[len(header) :]):
            check_length(name, (number, cells), header)
        rows.append((number, [*cells[: len(header)], *[""] * (len(header) - len(cells))]))
    return header, rows
