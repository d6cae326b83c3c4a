"""Monitor settings: what ``oa-sim monitor`` is told beside its scenario, and this year's published figures, checked."""

from dataclasses import dataclass, field
from pathlib import Path

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal, between, one_of, unknown
from oa_sim.inputs import csv_reader, published_files, schemas
from oa_sim.inputs.schemas import LARGEST
from oa_sim.inputs.tables import Row, Tables
from oa_sim.scenario import load

PACKAGE = "package"
YEARS = (2000, 2060)
ENGLAND = "England"


@dataclass
class Monitor:
    """What is monitored.

    Attributes
    ----------
    figures
        This year's figures: a file of the Department's as it is downloaded, or a small table with the columns
        ``place``, ``measure``, ``group``, ``year``, ``value``, England's figures among them; ``package``: those
        inside.
    until
        The last year whose figures are taken; None: the last that there is.
    last
        The folder of an earlier ``oa-sim monitor``, to be compared with.
    panel
        Figures of all authorities up to the same year, to learn from again where the draws cannot be weighed anew.
    green_from, red_from
        A figure is green where it is at least as good as what was promised with this probability, red where it is worse
        than what was promised with that one; amber between.
    """

    figures: str | None = None
    until: int | None = None
    last: str | None = None
    panel: str | None = None
    green_from: float = 0.7
    red_from: float = 0.9

    def __post_init__(self):
        between("monitor.green_from", self.green_from, 0.01, 0.99)
        between("monitor.red_from", self.red_from, self.green_from, 0.999)
        if self.until is not None:
            between("monitor.until", self.until, 2018, 2060)


@dataclass
class Monitoring:
    """What ``oa-sim monitor`` is told beside its scenario."""

    monitor: Monitor = field(default_factory=Monitor)


def rows(asked: Monitor, known: Tables, start: int, data_folder: str | None) -> list[Row]:
    """Return new figures as rows of ``outcomes.csv``, from the start on.

    Parameters
    ----------
    asked
        Where they are.
    known
        The checked tables.
    start
        The first projected year; earlier figures are left as they are.
    data_folder
        Of the scenario.

    Raises
    ------
    Refusal
        Where there are none, and for the first row that is not right.
    """
    if asked.figures is None:
        raise Refusal(
            "monitor needs this year's figures, got none: add monitor.figures=FILE, or monitor.figures=package with a "
            "start_year that lies before the last figures inside"
        )
    if asked.figures == PACKAGE:
        found = [row for row in known["outcomes"] if row["year"] >= start]
    else:
        found = _of_file(Path(asked.figures), known, data_folder)
    last = asked.until or max((row["year"] for row in found), default=start)
    found = [row for row in found if start <= row["year"] <= last]
    if not found:
        raise Refusal(f"there are no figures of {start} or later: name a later file, or an earlier start_year")
    return found


def _of_file(path: Path, known: Tables, data_folder: str | None) -> list[Row]:
    """Return the figures of a file as rows of ``outcomes.csv``: of the places that the tables know."""
    if not path.exists():
        raise Refusal(f"the figures {path} are not there: correct monitor.figures")
    places = {row["published_place"]: _geography(row) for row in known["areas"]} | {ENGLAND: "england"}
    if _is_small(path):
        return _of_small(path, known, places, data_folder)
    figures = published_files.read(path).figures
    mine = figures[figures["place"].isin(places) & figures["measure"].isin(list(MEASURES))]
    return [
        _row(row.place, places[row.place], row.measure, row.group, int(row.year), float(row.value))
        for row in mine.itertuples()
    ]


def _geography(row: Row) -> str:
    return "authority" if row["geography"] == "authority" else "county"


def _is_small(path: Path) -> bool:
    """Return whether a file is a small table, by its header."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = [cell.strip() for cell in file.readline().split(",")]
    return "measure" in header and "place" in header


def _of_small(path: Path, tables: Tables, places: dict[str, str], data_folder: str | None) -> list[Row]:
    """Return the figures of a small table."""

    def complete(row: Row) -> Row:
        about, value = MEASURES[row["measure"]], row["value"]
        one_of(f"group of {row['measure']}", row["group"], about.table_groups)
        if not 0 <= value <= LARGEST[about.unit]:
            raise Refusal(f"value must be 0 to {LARGEST[about.unit]:g} {about.unit}, got {value:g}: correct the cell")
        return _row(row["place"], places[row["place"]], row["measure"], row["group"], row["year"], value)

    columns: dict[str, schemas.Check] = {
        "place": lambda name: _place(name, tables, places, data_folder),
        "measure": schemas.one_of(*MEASURES, what="measure"),
        "group": schemas.text,
        "year": schemas.year_as_written(*YEARS),
        "value": schemas.real,
    }
    schema = schemas.Schema(
        columns,
        ("place", "measure", "group", "year"),
        complete=complete,
        noun="figures need",
        is_exact=False,
        is_open=True,
        may_be_empty=True,
    )
    return csv_reader.read_table(path, schema, f"the figures {path} are not there: correct monitor.figures")


def _place(name: str, known: Tables, places: dict[str, str], data_folder: str | None) -> str:
    """Return the published place of a name: England, an authority, or a county."""
    if name in places:
        return name
    try:
        (area,) = load.area_names([name], data_folder)
    except (Refusal, ValueError):
        raise unknown("place", name, sorted(places)) from None
    row = next(row for row in known["areas"] if row["area"] == area)
    if row["geography"] != "authority":
        raise Refusal(f"figures of {area} are published for {row['published_place']}: name that")
    return row["published_place"]


def _row(place: str, geography: str, measure: str, group: str, year: int, value: float) -> Row:
    about = MEASURES[measure]
    row = {"measure": measure, "group": group, "place": place, "geography": geography, "year": year, "value": value}
    return row | {"row": 0, "unit": about.unit, "source": "monitor.figures", "status": "found"}


def taken_in(known: Tables, new: list[Row]) -> Tables:
    """Return the tables with new figures in the place of those that were there."""
    keys = ("measure", "group", "place", "geography", "year")
    gone = {tuple(row[key] for key in keys) for row in new}
    kept = [row for row in known["outcomes"] if tuple(row[key] for key in keys) not in gone]
    return known | {"outcomes": [*kept, *new]}
