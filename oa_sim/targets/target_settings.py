"""Target settings: what ``oa-sim target`` is told beside its scenario, and the targets of a table, checked."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.errors import Refusal, between, one_of, unknown
from oa_sim.inputs import csv_reader, schemas, tables
from oa_sim.inputs.schemas import STATUSES
from oa_sim.inputs.tables import Row
from oa_sim.scenario import load

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
class Want:
    """A target for which the least money is asked.

    Attributes
    ----------
    area, measure, group, year
        Where and when.
    level
        The figure to be reached, in the measure's unit; on the scale ``relative``, less England's.
    scale
        ``level`` or ``relative``.
    probability
        With which it is to be reached.
    most_gbp
        The most that is tried.
    """

    area: str | None = None
    measure: str = "key_stage_2"
    group: str = "all"
    year: int = 2029
    level: float = 0.0
    scale: str = "level"
    probability: float = 0.5
    most_gbp: float = 1e9

    def __post_init__(self):
        one_of("measure in want.measure", self.measure, tuple(MEASURES))
        one_of("group in want.group", self.group, MEASURES[self.measure].table_groups)
        one_of("scale in want.scale", self.scale, SCALES)
        between("want.year", self.year, FIRST_YEAR, LAST_YEAR)
        between("want.level", self.level, -100, 100)
        between("want.probability", self.probability, 0.01, 0.99)
        between("want.most_gbp", self.most_gbp, 1e4, 1e11, " GBP")


@dataclass
class Target:
    """What is promised, and how targets are judged.

    Attributes
    ----------
    levels
        Probabilities with which a figure is promised.
    years
        Years of promises; none named: the fifth projected one and the last.
    table
        The user's targets, CSV or Excel; None: none but those inside the package.
    package
        Whether the delivery-plan targets inside the package are judged.
    panel
        Figures of all authorities for base rates; None: those of our own summary.
    green_from, red_below
        Probabilities from which a target is green, and below which it is red; amber between.
    """

    levels: list[float] = field(default_factory=lambda: [0.5, 0.7, 0.9])
    years: list[int] = field(default_factory=list)
    table: str | None = None
    package: bool = True
    panel: str | None = None
    green_from: float = 0.7
    red_below: float = 0.5

    def __post_init__(self):
        if not self.levels or len(set(self.levels)) != len(self.levels):
            raise Refusal(f"target.levels must name each probability once, got {self.levels}: list one or more")
        for level in self.levels:
            between("target.levels: a probability", level, 0.01, 0.99)
        between("target.green_from", self.green_from, 0, 1)
        between("target.red_below", self.red_below, 0, self.green_from)


@dataclass
class Targeting:
    """What ``oa-sim target`` is told beside its scenario."""

    target: Target = field(default_factory=Target)
    want: Want = field(default_factory=Want)


class Asked(NamedTuple):
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


def package(areas: list[str], data_folder: str | None) -> list[Asked]:
    """Return the targets and baselines of ``targets.csv`` for some areas."""
    rows = tables.read("targets", data_folder)
    return [_target(row) for row in rows if row["area"] in areas]


def _target(row: Row) -> Asked:
    return Asked(**{name: row[TARGET_COLUMNS.get(name, name)] for name in Asked._fields})


def of_user(path: str, areas: list[str], data_folder: str | None) -> list[Asked]:
    """Return the targets of a user's table.

    Parameters
    ----------
    path
        CSV or Excel (first sheet) with the columns ``area``, ``measure``, ``group``, ``target``, ``target_year`` and
        any of ``baseline``, ``baseline_year``, ``scale``, ``source``, ``status``, ``unit``.
    areas
        Areas of the scenario.
    data_folder
        Of the scenario.

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
        "group": lambda name: schemas.one_of(*GROUPS, what="group", default="all")(name.lower()),
        "target": schemas.number(-100, 100),
        "target_year": schemas.year_as_written(FIRST_YEAR, LAST_YEAR),
    }
    optional: dict[str, schemas.Check] = {
        "baseline": schemas.number(0, 100, blank=True),
        "baseline_year": schemas.year_as_written(schemas.FIRST_YEAR, LAST_YEAR, blank=True),
        "scale": lambda name: schemas.one_of(*SCALES, what="scale", default="level")(name.lower()),
        "source": lambda name: name or "the user's table",
        "status": schemas.one_of(*STATUSES, what="status", default=STATUSES[0]),
        "unit": str,
    }
    identity = ("area", "measure", "group", "target_year", "scale")
    return schemas.Schema(columns, identity, optional, _complete, noun="targets need", is_exact=False)


def _complete(row: Row) -> Row:
    """Return a target after checks that need several cells."""
    about = MEASURES[row["measure"]]
    one_of(f"group of {row['measure']}", row["group"], about.table_groups)
    if row["scale"] == "level" and row["target"] < 0:
        raise Refusal(f"target must be 0 to 100, got {row['target']:g}: correct the cell")
    if row["unit"] and row["unit"] != about.unit:
        raise Refusal(f"unit of {row['measure']} is {about.unit!r}, got {row['unit']!r}: correct the cell")
    return row


def _measure(text: str) -> str:
    """Return the measure of a name, of its label or of what people call it for short."""
    known = {_plain(name): name for name in MEASURES}
    known |= {_plain(about.label): name for name, about in MEASURES.items()}
    known |= {_plain(about.label.split(" (")[0]): name for name, about in MEASURES.items()}
    known |= SHORT
    if _plain(text) not in known:
        raise unknown("measure", text, (*MEASURES, *SHORT))
    return known[_plain(text)]


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())
