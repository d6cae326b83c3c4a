"""Settings: what ``oa-sim target`` and ``oa-sim monitor`` are told, and tables of both, checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.errors import Refusal, one_of, unknown
from oa_sim.inputs import csv_reader, published_files, schemas, tables
from oa_sim.inputs.places import bare
from oa_sim.inputs.schemas import LARGEST, STATUSES
from oa_sim.inputs.tables import Row, Tables
from oa_sim.scenario import load
from oa_sim.scenario.rules import NAME, SHARE, TRUTH, Checked, Rule, requested, spelled

SCALES = ("level", "relative")
SHORT = {  # what people call a measure
    "gld": "good_level_of_development",
    "ks2": "key_stage_2",
    "att8": "attainment_8",
    "level3": "level_3_by_19",
    "he": "he_entry_by_19",
    "neet": "neet_16_17",
    "pa": "persistent_absence",
}
FIRST_YEAR, LAST_YEAR = 2018, 2054


@dataclass
class Want(Checked):
    """A target for which the least money is asked."""

    key = "want"
    area: str | None = requested("Area", NAME, default=None)
    measure: str = requested("Measure", NAME, choices=tuple(MEASURES), default="key_stage_2")
    group: str = requested("Group of pupils", NAME, default="all")
    year: int = requested("Year", "", FIRST_YEAR, LAST_YEAR, 2029)
    level: float = requested(
        "Figure to be reached; on the scale relative, less England\u2019s", "the measure\u2019s", -100, 100, 0.0
    )
    scale: str = requested("A level, or relative to England", NAME, choices=SCALES, default="level")
    probability: float = requested("With which it is to be reached", SHARE, 0.01, 0.99, 0.5)
    most_gbp: float = requested("Most that is tried", "£", 1e4, 1e11, 1e9)

    def _check_together(self) -> None:
        one_of("want.group", self.group, MEASURES[self.measure].table_groups)


@dataclass
class Target(Checked):
    """What is promised, and how targets are judged."""

    key = "target"
    levels: list[float] = field(
        default_factory=lambda: [0.5, 0.7, 0.9],
        metadata={"rule": Rule("Probabilities with which a figure is promised", SHARE, 0.01, 0.99)},
    )
    years: list[int] = requested("Years of promises; none named: the fifth projected one and the last", default=list)
    table: str | None = requested(
        "Your own targets, CSV or Excel; null: those of the package alone", "a file", default=None
    )
    package: bool = requested("Whether the delivery-plan targets of the package are judged", TRUTH, default=True)
    panel: str | None = requested(
        "Figures of all authorities for base rates; null: our summary", "a file", default=None
    )
    green_from: float = requested("Probability from which a target is green", SHARE, 0, 1, 0.7)
    red_below: float = requested("Probability below which a target is red; amber between", SHARE, 0, 1, 0.5)

    def _check_together(self) -> None:
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise self.wrong("levels", f" must name each probability once, got {self.levels}: list one or more")
        if self.red_below > self.green_from:
            raise self.wrong(
                "red_below", f" must be at most target.green_from={self.green_from}, got {self.red_below}: lower it"
            )


@dataclass
class Targeting:
    """What ``oa-sim target`` is told beside its scenario."""

    target: Target = field(default_factory=Target)
    want: Want = field(default_factory=Want)


class TargetRow(NamedTuple):
    """One target, or a baseline that has none."""

    area: str
    measure: str
    group: str
    baseline_year: int | None
    baseline: float | None
    year: int | None
    target: float | None
    scale: str
    source: str
    status: str


TARGET_COLUMNS = {"year": "target_year"}  # field of a target: its column, where that has another name


def package(areas: list[str], data_folder: str | None) -> list[TargetRow]:
    """Return the targets and baselines of ``targets.csv`` for some areas."""
    return [_target(row) for row in tables.read("targets", data_folder) if row["area"] in areas]


def _target(row: Row) -> TargetRow:
    return TargetRow(**{name: row[TARGET_COLUMNS.get(name, name)] for name in TargetRow._fields})


def of_user(path: str, areas: list[str], data_folder: str | None) -> list[TargetRow]:
    """Return the targets of a user's table, CSV or Excel (first sheet), for the areas of a scenario.

    It has the columns ``area``, ``measure``, ``group``, ``target``, ``target_year`` and any of ``baseline``,
    ``baseline_year``, ``scale``, ``source``, ``status``, ``unit``.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
    file = Path(path)
    rows = csv_reader.checked_rows(file.name, _lines(file), _schema(areas, data_folder))
    return [_target(row) for row in rows]


def _lines(path: Path) -> list[csv_reader.Line]:
    """Return the lines of a table of targets, CSV or the first sheet of a workbook."""
    missing = f"the table of targets {path} is not there: correct target.table"
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        return csv_reader.read_lines(path, missing)
    if not path.is_file():
        raise Refusal(missing)
    return list(enumerate(_of_excel(path), 1))


def _of_excel(path: Path) -> list[list[str]]:
    """Return the cells of the first sheet as text."""
    import openpyxl  # half a second that only a workbook pays for

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        book.close()
    except Exception as error:  # openpyxl, zipfile and the XML parser each raise kinds of their own
        raise Refusal(
            f"{path.name}: cannot be read as an Excel workbook ({type(error).__name__}): save it again"
        ) from None
    return rows


def _schema(areas: list[str], data_folder: str | None) -> schemas.Schema:
    """Return the schema of a user's table of targets."""

    def area(name: str) -> str:
        names = load.area_names([name], data_folder)
        if len(names) != 1 or names[0] not in areas:
            raise ValueError(f"must be one of the scenario's, or be added to areas, got {name!r}")
        return names[0]

    columns: dict[str, schemas.Check] = {
        "area": area,
        "measure": _measure,
        "group": lambda name: schemas.one_of(*GROUPS, noun="group", default="all")(name.lower()),
        "target": schemas.number(-100, 100),
        "target_year": schemas.year_as_written(FIRST_YEAR, LAST_YEAR),
    }
    optional: dict[str, schemas.Check] = {
        "baseline": schemas.number(0, 100, blank=True),
        "baseline_year": schemas.year_as_written(schemas.FIRST_YEAR, LAST_YEAR, blank=True),
        "scale": lambda name: schemas.one_of(*SCALES, noun="scale", default="level")(name.lower()),
        "source": lambda name: name or "the user's table",
        "status": schemas.one_of(*STATUSES, noun="status", default=STATUSES[0]),
        "unit": str,
    }
    identity = ("area", "measure", "group", "target_year", "scale")
    return schemas.Schema(columns, identity, optional, _complete, noun="targets need", is_exact=False)


def _complete(row: Row) -> Row:
    """Return a target after checks that need several cells."""
    measure = MEASURES[row["measure"]]
    one_of(f"group of {row['measure']}", row["group"], measure.table_groups)
    if row["scale"] == "level" and row["target"] < 0:
        raise Refusal(f"target must be 0 to 100, got {spelled(row['target'])}: correct the cell")
    if row["unit"] and row["unit"] != measure.unit:
        raise Refusal(f"unit of {row['measure']} is {measure.unit!r}, got {row['unit']!r}: correct the cell")
    return row


def _measure(text: str) -> str:
    """Return the measure of a name, of its label or of what people call it for short."""
    names = dict(SHORT)
    for name, measure in MEASURES.items():
        names |= dict.fromkeys(map(_plain, (name, measure.label, measure.label.split(" (")[0])), name)
    if _plain(text) not in names:
        raise unknown("measure", text, (*MEASURES, *SHORT))
    return names[_plain(text)]


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


PACKAGE = "package"
YEARS = (2000, 2060)
ENGLAND = "England"


@dataclass
class Monitor(Checked):
    """What is monitored."""

    key = "monitor"
    # a file of the Department's as it is downloaded, or a small table with the columns place, measure, group, year and
    # value, England's figures among them
    figures: str | None = requested("This year\u2019s figures; package: those inside", "a file", default=None)
    until: int | None = requested(
        "Last year whose figures are taken; null: the last that there is", "", 2018, 2060, None
    )
    last: str | None = requested("Folder of an earlier monitor, to be compared with", "a folder", default=None)
    panel: str | None = requested(
        "Figures of all authorities up to the same year, to learn from again where draws cannot be reweighted",
        "a file",
        default=None,
    )
    green_from: float = requested(
        "A figure as good as what was promised with this probability is green", SHARE, 0.01, 0.99, 0.7
    )
    red_from: float = requested(
        "A figure worse than what was promised with this probability is red", SHARE, 0.01, 0.999, 0.9
    )

    def _check_together(self) -> None:
        if self.red_from < self.green_from:
            raise self.wrong(
                "red_from", f" must be at least monitor.green_from={self.green_from}, got {self.red_from}: raise it"
            )


@dataclass
class Monitoring:
    """What ``oa-sim monitor`` is told beside its scenario."""

    monitor: Monitor = field(default_factory=Monitor)


def figure_rows(request: Monitor, tables: Tables, start: int, data_folder: str | None) -> list[Row]:
    """Return new figures as rows of ``outcomes.csv``, from the first projected year on.

    Raises
    ------
    Refusal
        Where there are none, and for the first row that is not right.
    """
    if request.figures is None:
        raise Refusal(
            "monitor needs this year's figures, got none: add monitor.figures=FILE, or monitor.figures=package with a "
            "start_year that lies before the last figures inside"
        )
    if request.figures == PACKAGE:
        figures = [row for row in tables["outcomes"] if row["year"] >= start]
    else:
        figures = _of_file(Path(request.figures), tables, data_folder)
    last = request.until or max((row["year"] for row in figures), default=start)
    figures = [row for row in figures if start <= row["year"] <= last]
    if not figures:
        raise Refusal(f"there are no figures of {start} or later: name a later file, or an earlier start_year")
    return figures


def _of_file(path: Path, tables: Tables, data_folder: str | None) -> list[Row]:
    """Return the figures of a file as rows of ``outcomes.csv``: of the places that the tables know."""
    if not path.exists():
        raise Refusal(f"the figures {path} are not there: correct monitor.figures")
    places = {ENGLAND: "england"}
    for row in tables["areas"]:
        places[row["published_place"]] = "authority" if row["geography"] == "authority" else "county"
    if _is_small(path):
        return _of_small(path, tables, places, data_folder)
    figures = published_files.read(path).figures
    ours = {bare(place): place for place in places}
    figures = figures.assign(place=figures["place"].map(bare).map(ours))
    mine = figures[figures["place"].notna() & figures["measure"].isin(list(MEASURES))]
    return [
        _row(row.place, places[row.place], row.measure, row.group, int(row.year), float(row.value))
        for row in mine.itertuples()
    ]


def _is_small(path: Path) -> bool:
    """Return whether a file is a small table, by its header."""
    if path.suffix.lower() != ".csv" or not path.is_file():
        return False
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = [cell.strip() for cell in file.readline().split(",")]
    return "measure" in header and "place" in header


def _of_small(path: Path, known_tables: Tables, places: dict[str, str], data_folder: str | None) -> list[Row]:
    """Return the figures of a small table."""

    def complete(row: Row) -> Row:
        measure, value = MEASURES[row["measure"]], row["value"]
        one_of(f"group of {row['measure']}", row["group"], measure.table_groups)
        if not 0 <= value <= LARGEST[measure.unit]:
            most = schemas.with_unit(LARGEST[measure.unit], measure.unit)
            raise Refusal(f"value must be 0 to {most}, got {spelled(value)}: correct the cell")
        return _row(row["place"], places[row["place"]], row["measure"], row["group"], row["year"], value)

    columns: dict[str, schemas.Check] = {
        "place": lambda name: _place(name, known_tables, places, data_folder),
        "measure": schemas.one_of(*MEASURES, noun="measure"),
        "group": schemas.text,
        "year": schemas.year_as_written(*YEARS),
        "value": schemas.real,
    }
    identity = ("place", "measure", "group", "year")
    schema = schemas.Schema(
        columns, identity, complete=complete, noun="figures need", is_exact=False, is_open=True, may_be_empty=True
    )
    return csv_reader.read_table(path, schema, f"the figures {path} are not there: correct monitor.figures")


def _place(name: str, tables: Tables, places: dict[str, str], data_folder: str | None) -> str:
    """Return the published place of a name: England, an authority, or a county."""
    if name in places:
        return name
    try:
        (area,) = load.area_names([name], data_folder)
    except (Refusal, ValueError):
        raise unknown("place", name, sorted(places)) from None
    row = next((row for row in tables["areas"] if row["area"] == area), None)
    if row is None:  # a place that the scenario does not name
        raise unknown("place", name, sorted(places))
    if row["geography"] != "authority":
        raise Refusal(f"figures of {area} are published for {row['published_place']}: name that")
    return str(row["published_place"])


def _row(place: str, geography: str, measure: str, group: str, year: int, value: float) -> Row:
    row = {"measure": measure, "group": group, "place": place, "geography": geography, "year": year, "value": value}
    return row | {"row": 0, "unit": MEASURES[measure].unit, "source": "monitor.figures", "status": "found"}


def taken_in(tables: Tables, new: list[Row]) -> Tables:
    """Return the tables with new figures in the place of those that were there."""
    keys = ("measure", "group", "place", "geography", "year")
    gone = {tuple(row[key] for key in keys) for row in new}
    kept = [row for row in tables["outcomes"] if tuple(row[key] for key in keys) not in gone]
    return tables | {"outcomes": [*kept, *new]}
