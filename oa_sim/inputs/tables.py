"""Tables: the figures inside the package, read and checked row by row.

Each table is a small CSV, each number with its source and a status.
"""

import hashlib
import os
import time
from collections.abc import Collection
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal, unknown
from oa_sim.inputs.csv_reader import checked_rows, lines_of
from oa_sim.inputs.places import JOIN, with_places
from oa_sim.inputs.schemas import HAPPENINGS, LARGEST, MOST_PRIORITIES, QUANTITIES, SMALLEST, TABLES, with_unit
from oa_sim.inputs.schemas import Row as Row
from oa_sim.inputs.schemas import Tables as Tables

FOLDER = Path(str(files("oa_sim") / "data"))

SETTLED = 2_000_000_000  # ns after which a file that is written again is sure to have another time


def read(name: str, folder: str | Path | None = None) -> list[Row]:
    """Return the rows of one of the ``TABLES``, each cell checked and converted, with ``row``, its line in the file.

    ``folder`` is where the CSV files lie; the package's own tables by default.
    """
    path = _path(name, folder)
    return [row.copy() for row in _rows(name, path.name, _content(name, path))]


def _path(name: str, folder: str | Path | None) -> Path:
    return Path(folder or FOLDER) / f"{name}.csv"


@lru_cache(4 * len(TABLES))
def _rows(name: str, file: str, content: bytes) -> list[Row]:
    """Return the rows of a table; a run asks for some tables again."""
    return checked_rows(file, lines_of(content, file), TABLES[name])


def _content(name: str, path: Path) -> bytes:
    """Return what the file of a table holds, read again only where it may have changed.

    A sweep asks before each scenario. What is read of a file just written is not kept: it may be written again and look
    the same to the clock.
    """
    try:
        status = os.stat(path)
        times = (status.st_mtime_ns, status.st_ctime_ns)
        if time.time_ns() - max(times) < SETTLED:
            return path.read_bytes()
        return _settled_content(path, (*times, status.st_size, status.st_ino))
    except FileNotFoundError:
        raise Refusal(f"{path}: the table {name!r} is missing: put it there or leave out data_folder") from None
    except OSError as error:
        raise Refusal(f"{path}: cannot be read ({error}): put a table there that can") from None


@lru_cache(4 * len(TABLES))
def _settled_content(path: Path, state: tuple[int, ...]) -> bytes:
    return path.read_bytes()


def read_all(folder: str | Path | None = None, names: Collection[str] = ()) -> Tables:
    """Return every table, each checked by itself and against the others.

    Of the areas that are named, those that ``areas.csv`` lacks are added; see ``places.with_places``.

    What is refused: a source that is not listed, a unit that is not the measure's, a value out of range, a place that
    no area needs, an area without its figures, and a year that is missing without a declared break.
    """
    tables = {name: read(name, folder) for name in TABLES}
    _check_sources(tables)
    _check_places(tables)
    _check_districts(tables)
    _check_values(tables)
    _check_shares(tables)
    _check_priorities(tables)
    _check_events(tables)
    _check_spans(tables)
    _check_gaps(tables)
    return with_places(tables, names)


def restrict_to_areas(tables: Tables, names: Collection[str]) -> Tables:
    """Return the tables with some areas alone in ``areas``, from which history and pupils take theirs."""
    return tables | {"areas": [row for row in tables["areas"] if row["area"] in names]}


def data_hash(folder: str | Path | None = None) -> str:
    """Return the SHA-256 of all tables, the name by which results and posteriors know their data."""
    return _digest(tuple(_content(name, _path(name, folder)) for name in sorted(TABLES)))


@lru_cache(8)
def _digest(texts: tuple[bytes, ...]) -> str:
    digest = hashlib.sha256()
    for name, text in zip(sorted(TABLES), texts, strict=True):
        digest.update(name.encode() + b"\0" + text.replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _fault(table: str, row: Row, sentence: str) -> Refusal:
    return Refusal(f"{table}.csv row {row['row']}: {sentence}")


def _check_sources(tables: Tables) -> None:
    sources = {row["source"] for row in tables["sources"]}
    for name, rows in tables.items():
        for row in rows:
            if row["source"] not in sources:
                raise _fault(name, row, f"source {row['source']!r} is not in sources.csv: add it there")


def _check_places(tables: Tables) -> None:
    areas = {row["area"]: row for row in tables["areas"]}
    places = {"England", *areas, *(row["published_place"] for row in areas.values())}
    for name in ("outcomes", "pupils"):
        for row in tables[name]:
            if row["place"] not in places:
                raise _fault(name, row, str(unknown("place", row["place"], sorted(places))))
    for name in ("programme", "targets", "priorities", "area_sets"):
        for row in tables[name]:
            if row["area"] not in areas and row["area"] != "all":
                raise _fault(name, row, str(unknown("area", row["area"], areas)))
    have = {(row["place"], row["measure"]) for row in tables["outcomes"]}
    for area, row in areas.items():
        for measure in MEASURES:
            if (row["published_place"], measure) not in have:
                raise Refusal(f"outcomes.csv: {area} has no figures of {measure}: add rows of {row['published_place']}")


def _check_districts(tables: Tables) -> None:
    """Refuse a code that is no district, and a county without figures."""
    codes = {row["code"] for row in tables["districts"]}
    for name, column in (("district_figures", "code"), ("place_names", "codes")):
        for row in tables[name]:
            for code in row[column].split(JOIN):
                if code not in codes:
                    raise _fault(name, row, str(unknown("code", code, codes)))
    authorities = {row["authority"] for row in tables["authority_figures"]}
    for row in tables["districts"]:
        if row["tier"] == "county" and row["authority"] not in authorities:
            raise _fault("districts", row, str(unknown("authority", row["authority"], authorities)))


def _check_values(tables: Tables) -> None:
    for name in ("outcomes", "pupils"):
        for row in tables[name]:
            unit = MEASURES[row["measure"]].unit if name == "outcomes" else QUANTITIES[row["quantity"]]
            if row["unit"] != unit:
                raise _fault(name, row, f"unit must be {unit!r}, got {row['unit']!r}: correct the cell")
            low, high = SMALLEST.get(unit, 0.0), LARGEST[unit]
            if name == "pupils" and unit == "%":
                high = 99.9  # a share of all leaves nobody in the other group
            if not low <= row["value"] <= high:
                rule = f"value must be {low:g} to {with_unit(high, unit)}"
                raise _fault(name, row, f"{rule}, got {row['value']:g}: correct the cell")


def _check_shares(tables: Tables) -> None:
    """Refuse a part that is more than its whole, and published groups whose remainder is no share."""
    whole = {(row["place"], row["year"]): row["value"] for row in tables["pupils"] if row["quantity"] == "aged_19"}
    for row in tables["pupils"]:
        limit = 0.999 * whole.get((row["place"], row["year"]), float("inf"))
        if row["quantity"] == "aged_19_disadvantaged" and row["value"] > limit:
            rule = f"aged_19_disadvantaged must be below aged_19 of {row['place']} in {row['year']}"
            raise _fault("pupils", row, f"{rule}, got {row['value']:g}: correct the cell")


def _check_priorities(tables: Tables) -> None:
    """Refuse more priorities than a delivery plan may have, and budgets for some priorities of an area only."""
    by_area: Tables = {}
    for row in tables["priorities"]:
        by_area.setdefault(row["area"], []).append(row)
    for area, rows in by_area.items():
        if len(rows) > MOST_PRIORITIES:
            rule = f"{area} must have at most {MOST_PRIORITIES} priorities"
            raise _fault("priorities", rows[MOST_PRIORITIES], f"{rule}, got {len(rows)}: take some out")
        priced = [row["budget_gbp"] is not None for row in rows]
        if any(priced) and (not all(priced) or not sum(row["budget_gbp"] for row in rows)):
            rule = f"{area} must have a budget for each priority or for none"
            raise _fault("priorities", rows[0], f"{rule}, got {sum(priced)} of {len(rows)}: complete them")


def _check_events(tables: Tables) -> None:
    """Refuse an event whose unit is not that of what it acts on, and a share above one."""
    for row in tables["events"]:
        unit = HAPPENINGS[row["what"]]
        if row["unit"] != unit:
            rule = f"unit of {row['what']} must be {unit!r}"
            raise _fault("events", row, f"{rule}, got {row['unit']!r}: correct the cell")
        if row["what"] != "attainment" and row["high"] > 1:
            raise _fault("events", row, f"high is a share of at most 1, got {row['high']:g}: correct the cell")


def _check_spans(tables: Tables) -> None:
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
                rule = f"{first} must not be above {last}"
                raise _fault(name, row, f"{rule}, got {row[first]:g} and {row[last]:g}: swap them")


def _check_gaps(tables: Tables) -> None:
    declared = {
        (row["measure"], year)
        for row in tables["breaks"]
        if row["kind"] == "not_collected"
        for year in range(row["first_year"], row["last_year"] + 1)
    }
    by_series: dict[tuple[str, ...], dict[int, Row]] = {}
    for row in tables["outcomes"]:
        key = (row["measure"], row["group"], row["place"], row["geography"])
        by_series.setdefault(key, {})[row["year"]] = row
    for (measure, group, place, _), rows in by_series.items():
        for year in range(min(rows), max(rows)):
            if year not in rows and (measure, year) not in declared:
                rule = f"the series {measure}, {group}, {place} has a gap at {year}"
                remedy = "add the year or declare a break of kind not_collected in breaks.csv"
                raise _fault("outcomes", rows[min(rows)], f"{rule}: {remedy}")
