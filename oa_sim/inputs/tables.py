"""Tables: the figures inside the package, read and checked row by row.

Each table is a small CSV, each number with its source and a status. What is wrong is said in one
sentence that names file, row and rule. Rows are counted as a text editor counts lines: the header is 1.
"""

import csv
import hashlib
import os
import time
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal, unknown
from oa_sim.inputs.schemas import HAPPENINGS, LARGEST, MOST_PRIORITIES, QUANTITIES, SMALLEST, TABLES

FOLDER = Path(str(files("oa_sim") / "data"))

Row = dict[str, Any]  # a cell has the kind that its column's check gives it when the file is read
Tables = dict[str, list[Row]]
_READ: dict[Path, tuple[bytes, list[Row]]] = {}  # what was read in this process: a run asks for some tables again
_HELD: dict[str, tuple[tuple, bytes]] = {}  # what files hold, with the state in which they were read
SETTLED = 2_000_000_000  # ns after which a file that is written again is sure to have another time


def read(name: str, folder: str | Path | None = None) -> list[Row]:
    """Return the rows of one table, each cell checked and converted.

    Parameters
    ----------
    name
        Name of the table, a key of ``TABLES``.
    folder
        Where the CSV files lie; the package's own tables by default.

    Returns
    -------
    list of dict
        One dict a row, with ``row`` (its line in the file) beside the columns.

    Raises
    ------
    Refusal
        At the first cell or row that breaks a rule.
    """
    path = Path(folder or FOLDER) / f"{name}.csv"
    try:
        text = _bytes(path)
    except OSError:
        return _checked(name, path)  # which says what is wrong
    before, rows = _READ.get(path, (None, []))
    if before != text:
        rows = _checked(name, path)
        _READ[path] = text, rows
    return [row.copy() for row in rows]


def _bytes(path: Path) -> bytes:
    """Return what a file holds, read again only where it may have changed: a sweep asks before each scenario.

    What was read of a file just written is not kept: it may be written again and look the same to the clock.
    """
    name, about = str(path), os.stat(path)
    state = (about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino)
    held, text = _HELD.get(name, (None, b""))
    if held != state:
        text = path.read_bytes()
        if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) >= SETTLED:
            _HELD[name] = state, text
    return text


def _checked(name: str, path: Path) -> list[Row]:
    """Return the rows of one table file, each cell checked and converted."""
    columns, identity = TABLES[name]
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file, strict=True)
            lines = [(reader.line_num, cells) for cells in reader]
    except FileNotFoundError:
        raise Refusal(f"{path}: the table {name!r} is missing: put it there or leave out data_folder") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refusal(f"{path}: cannot be read as a CSV table ({error}): save it as UTF-8 text") from None
    if not lines or lines[0][1] != list(columns):
        got = ",".join(lines[0][1]) if lines else "an empty file"
        raise Refusal(f"{path.name} row 1: the columns must be {','.join(columns)}, got {got}: correct the header")
    rows, seen = [], {}
    for number, cells in lines[1:]:
        if len(cells) != len(columns):
            raise Refusal(
                f"{path.name} row {number}: must have {len(columns)} cells, got {len(cells)}: correct the row"
            )
        row = {"row": number}
        for (column, check), cell in zip(columns.items(), cells, strict=True):
            try:
                row[column] = check(cell.strip())
            except ValueError as error:
                raise Refusal(f"{path.name} row {number}: {column} {_sentence(error)}") from None
        key = tuple(row[column] for column in identity)
        if key in seen:
            what = ", ".join(str(part) for part in key)
            raise Refusal(f"{path.name} row {number}: {what} stands in row {seen[key]} already: keep one of the two")
        seen[key] = number
        rows.append(row)
    if not rows:
        raise Refusal(f"{path.name}: must have at least one row, got none: fill the table")
    return rows


def _sentence(error: ValueError) -> str:
    """Return a cell's error with its remedy."""
    return f"is an {error}" if isinstance(error, Refusal) else f"{error}: correct the cell"


def read_all(folder: Path | None = None) -> dict[str, list[Row]]:
    """Return every table, each checked by itself and against the others.

    Raises
    ------
    Refusal
        For a source that is not listed, a unit that is not the measure's, a value out of range, a place
        that no area needs, an area without its figures, or a year that is missing without a declared break.
    """
    tables = {name: read(name, folder) for name in TABLES}
    sources = {row["source"] for row in tables["sources"]}
    for name, rows in tables.items():
        for row in rows:
            if row["source"] not in sources:
                raise Refusal(
                    f"{name}.csv row {row['row']}: source {row['source']!r} is not in sources.csv: add it there"
                )
    _check_places(tables)
    _check_values(tables)
    _check_shares(tables)
    _check_priorities(tables)
    _check_events(tables)
    _check_spans(tables)
    _check_gaps(tables)
    return tables


def restrict_to_areas(tables: Tables, names: Collection[str]) -> Tables:
    """Return the tables with some areas alone in ``areas``, from which history and pupils take theirs."""
    return tables | {"areas": [row for row in tables["areas"] if row["area"] in names]}


def data_hash(folder: Path | None = None) -> str:
    """Return the SHA-256 of all tables, the name by which results and posteriors know their data."""
    texts = []
    for name in sorted(TABLES):
        path = Path(folder or FOLDER) / f"{name}.csv"
        try:
            texts.append(_bytes(path))
        except OSError:
            raise Refusal(f"{path}: the table {name!r} is missing: put it there or leave out data_folder") from None
    return _digest(tuple(texts))


@lru_cache(8)
def _digest(texts: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256()
    for name, text in zip(sorted(TABLES), texts, strict=True):
        digest.update(name.encode() + b"\0" + text.replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _check_places(tables: dict[str, list[Row]]) -> None:
    areas = {row["area"]: row for row in tables["areas"]}
    published = {row["published_place"] for row in areas.values()}
    places = {"England", *areas, *published}
    for name in ("outcomes", "pupils"):
        for row in tables[name]:
            if row["place"] not in places:
                error = unknown("place", row["place"], sorted(places))
                raise Refusal(f"{name}.csv row {row['row']}: {error}")
    for name in ("programme", "targets", "priorities", "area_sets"):
        for row in tables[name]:
            if row["area"] not in areas and row["area"] != "all":
                raise Refusal(f"{name}.csv row {row['row']}: {unknown('area', row['area'], areas)}")
    have = {(row["place"], row["measure"]) for row in tables["outcomes"]}
    for area, row in areas.items():
        for measure in MEASURES:
            if (row["published_place"], measure) not in have:
                raise Refusal(f"outcomes.csv: {area} has no figures of {measure}: add rows of {row['published_place']}")


def _check_values(tables: dict[str, list[Row]]) -> None:
    for name in ("outcomes", "pupils"):
        for row in tables[name]:
            unit = MEASURES[row["measure"]].unit if name == "outcomes" else QUANTITIES[row["quantity"]]
            if row["unit"] != unit:
                raise Refusal(
                    f"{name}.csv row {row['row']}: unit must be {unit!r}, got {row['unit']!r}: correct the cell"
                )
            low, high = SMALLEST.get(unit, 0.0), LARGEST[unit]
            if name == "pupils" and unit == "%":
                high = 99.9  # a share of all leaves nobody in the other group
            if not low <= row["value"] <= high:
                raise Refusal(
                    f"{name}.csv row {row['row']}: value must be {low:g} to {high:g} {unit}, "
                    f"got {row['value']:g}: correct the cell"
                )


def _check_shares(tables: dict[str, list[Row]]) -> None:
    """Refuse a part that is more than its whole, and published groups whose remainder is no share."""
    whole = {(r["place"], r["year"]): r["value"] for r in tables["pupils"] if r["quantity"] == "aged_19"}
    for row in tables["pupils"]:
        limit = 0.999 * whole.get((row["place"], row["year"]), float("inf"))
        if row["quantity"] == "aged_19_disadvantaged" and row["value"] > limit:
            raise Refusal(
                f"pupils.csv row {row['row']}: aged_19_disadvantaged must be below aged_19 of {row['place']} in "
                f"{row['year']}, got {row['value']:g}: correct the cell"
            )


def _check_priorities(tables: dict[str, list[Row]]) -> None:
    """Refuse more priorities than a delivery plan may have, and budgets for some priorities of an area only."""
    by_area: dict[str, list[Row]] = {}
    for row in tables["priorities"]:
        by_area.setdefault(row["area"], []).append(row)
    for area, rows in by_area.items():
        if len(rows) > MOST_PRIORITIES:
            raise Refusal(
                f"priorities.csv row {rows[MOST_PRIORITIES]['row']}: {area} must have at most {MOST_PRIORITIES} "
                f"priorities, got {len(rows)}: take some out"
            )
        priced = [row["budget_gbp"] is not None for row in rows]
        if any(priced) and (not all(priced) or not sum(row["budget_gbp"] for row in rows)):
            raise Refusal(
                f"priorities.csv row {rows[0]['row']}: {area} must have a budget for each priority or for none, got "
                f"{sum(priced)} of {len(rows)}: complete them"
            )


def _check_events(tables: dict[str, list[Row]]) -> None:
    """Refuse an event whose unit is not that of what it acts on, and a share above one."""
    for row in tables["events"]:
        if row["unit"] != HAPPENINGS[row["what"]]:
            raise Refusal(
                f"events.csv row {row['row']}: unit of {row['what']} must be {HAPPENINGS[row['what']]!r}, got "
                f"{row['unit']!r}: correct the cell"
            )
        if row["what"] != "attainment" and row["high"] > 1:
            raise Refusal(
                f"events.csv row {row['row']}: high is a share of at most 1, got {row['high']:g}: correct the cell"
            )


def _check_spans(tables: dict[str, list[Row]]) -> None:
    """Refuse what begins after it ends."""
    for name, first, last in (
        ("breaks", "first_year", "last_year"),
        ("programme", "first_year", "last_year"),
        ("months", "lowest_sd", "highest_sd"),
        ("events", "first_month", "last_month"),
        ("events", "low", "high"),
        ("national", "first_funded_year", "last_funded_year"),
    ):
        for row in tables[name]:
            if row[first] > row[last]:
                raise Refusal(
                    f"{name}.csv row {row['row']}: {first} must not be above {last}, got {row[first]:g} and "
                    f"{row[last]:g}: swap them"
                )


def _check_gaps(tables: dict[str, list[Row]]) -> None:
    declared = {
        (row["measure"], year)
        for row in tables["breaks"]
        if row["kind"] == "not_collected"
        for year in range(row["first_year"], row["last_year"] + 1)
    }
    years: dict[tuple, dict[int, int]] = {}
    for row in tables["outcomes"]:
        key = (row["measure"], row["group"], row["place"], row["geography"])
        years.setdefault(key, {})[row["year"]] = row["row"]
    for (measure, group, place, _), rows in years.items():
        for year in range(min(rows), max(rows)):
            if year not in rows and (measure, year) not in declared:
                raise Refusal(
                    f"outcomes.csv row {rows[min(rows)]}: the series {measure}, {group}, {place} has a gap at {year}: "
                    "add the year or declare a break of kind not_collected in breaks.csv"
                )
