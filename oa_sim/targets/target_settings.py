"""Target settings: what ``oa-sim target`` is told beside its scenario, and the targets of a table, checked."""

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from oa_sim.definitions import GROUPS, MEASURES, academic_year
from oa_sim.errors import Refusal, between, one_of, unknown
from oa_sim.inputs import tables
from oa_sim.inputs.schemas import STATUSES
from oa_sim.scenario import load

COLUMNS = ("area", "measure", "group", "target", "target_year")
MORE_COLUMNS = ("baseline", "baseline_year", "scale", "source", "status", "unit")
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


def package(areas: list[str], data_folder: str | None) -> list[Asked]:
    """Return the targets and baselines of ``targets.csv`` for some areas."""
    keys = (
        "area",
        "measure",
        "group",
        "baseline_year",
        "baseline",
        "target_year",
        "target",
        "scale",
        "source",
        "status",
    )
    rows = tables.read("targets", data_folder)
    return [Asked(*(row[key] for key in keys)) for row in rows if row["area"] in areas]


def of_user(path: str, areas: list[str], data_folder: str | None) -> list[Asked]:
    """Return the targets of a user's table.

    Parameters
    ----------
    path
        CSV or Excel (first sheet) with the columns ``COLUMNS`` and any of ``MORE_COLUMNS``.
    areas
        Areas of the scenario.
    data_folder
        Of the scenario.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
    header, lines = _cells(Path(path))
    for name in header:
        if name not in (*COLUMNS, *MORE_COLUMNS):
            raise Refusal(f"{Path(path).name}: {unknown('column', name, (*COLUMNS, *MORE_COLUMNS))}")
        if header.count(name) > 1:
            raise Refusal(f"{Path(path).name}: the column {name} stands there twice: keep one")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise Refusal(f"{Path(path).name}: targets need the columns {', '.join(COLUMNS)}, got no {missing[0]}: add it")
    if not lines:
        raise Refusal(f"{Path(path).name}: must have at least one target, got none: fill the table")
    found, seen = [], {}
    for number, cells in lines:
        where = f"{Path(path).name} row {number}"
        try:
            one = _asked(dict(zip(header, cells, strict=False)), areas, data_folder)
        except Refusal as refusal:
            raise Refusal(f"{where}: {refusal}") from None
        key = (one.area, one.measure, one.group, one.year, one.scale)
        if key in seen:
            raise Refusal(f"{where}: this target stands in row {seen[key]} already: keep one of the two")
        seen[key] = number
        found.append(one)
    return found


def _cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return the header and the rows that have anything, as text."""
    try:
        if path.suffix.lower() in (".xlsx", ".xlsm"):
            rows = _of_excel(path)
        else:
            with path.open(newline="", encoding="utf-8-sig") as file:
                rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise Refusal(f"the table of targets {path} is not there: correct target.table") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refusal(f"{path.name}: cannot be read as CSV ({error}): save it as UTF-8 text or as .xlsx") from None
    filled = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1)]
    filled = [(number, row) for number, row in filled if any(row)]
    if not filled:
        raise Refusal(f"{path.name}: must have a header and targets, got an empty table: fill it")
    header = [name.lower().replace(" ", "_") for name in filled[0][1]]
    while not header[-1]:
        header.pop()  # a workbook keeps the empty columns beside a table
    for number, row in filled[1:]:
        if any(row[len(header) :]):
            raise Refusal(f"{path.name} row {number}: must have {len(header)} cells, got {len(row)}: correct the row")
    return header, [(number, row + [""] * (len(header) - len(row))) for number, row in filled[1:]]


def _of_excel(path: Path) -> list[list[str]]:
    """Return the cells of the first sheet as text."""
    import openpyxl  # half a second that only a workbook pays for

    if not path.is_file():
        raise FileNotFoundError(path)
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


def _asked(cells: dict[str, str], areas: list[str], data_folder: str | None) -> Asked:
    """Return one row of a user's table, checked."""
    names = load.area_names([cells["area"]], data_folder)
    if len(names) != 1 or names[0] not in areas:
        raise Refusal(f"area must be one of the scenario's, got {cells['area']!r}: correct it, or add it to areas")
    measure = _measure(cells["measure"])
    group = (cells["group"] or "all").lower()
    one_of("group", group, tuple(GROUPS))
    one_of(f"group of {measure}", group, MEASURES[measure].table_groups)
    scale = (cells.get("scale") or "level").lower()
    one_of("scale", scale, SCALES)
    low = 0.0 if scale == "level" else -100.0
    target = _number("target", cells["target"], low, 100)
    year = _year("target_year", cells["target_year"])
    if cells.get("unit") and cells["unit"] != MEASURES[measure].unit:
        raise Refusal(f"unit of {measure} is {MEASURES[measure].unit!r}, got {cells['unit']!r}: correct the cell")
    baseline = _number("baseline", cells["baseline"], 0, 100) if cells.get("baseline") else None
    before = _year("baseline_year", cells["baseline_year"], first=2000) if cells.get("baseline_year") else None
    said = cells.get("source") or "the user's table"
    return Asked(names[0], measure, group, before, baseline, year, target, scale, said, _status(cells))


def _status(cells: dict[str, str]) -> str:
    status = cells.get("status") or STATUSES[0]
    one_of("status", status, STATUSES)
    return status


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


def _number(name: str, text: str, low: float, high: float) -> float:
    try:
        value = float(text)
    except ValueError:
        raise Refusal(f"{name} must be a number, got {text!r}: correct the cell") from None
    if not low <= value <= high:
        raise Refusal(f"{name} must be {low:g} to {high:g}, got {text}: correct the cell")
    return value


def _year(name: str, text: str, first: int = FIRST_YEAR) -> int:
    """Return a year as it may be written: 2026, 2026.0, or 2025/26."""
    head, _, tail = text.partition("/")
    if tail.isdigit() and head.isdigit() and len(head) == 4 and len(tail) == 2:
        year = int(head) + 1
        if year % 100 == int(tail):
            text = str(year)
    text = text.removesuffix(".0")
    if not (text.isdigit() and first <= int(text) <= LAST_YEAR):
        raise Refusal(
            f"{name} must be the year in which an academic year ends, {first} to {LAST_YEAR}, or such as "
            f"{academic_year(2026)}, got {text!r}: correct the cell"
        )
    return int(text)
