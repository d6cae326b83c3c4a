"""Schemas: what each table holds, column by column, and the rule that each cell keeps.

A check takes the text of a cell and returns its value, or raises a ``ValueError`` whose text goes on from the
name of the column; a ``Refusal`` is a sentence of its own.
"""

import datetime
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES, academic_year
from oa_sim.errors import unknown

Row = dict[str, Any]  # a cell has the kind that its column's check gives it when the file is read
Tables = dict[str, list[Row]]
Check = Callable[[str], Any]

STATUSES = ("found", "to verify")
GEOGRAPHIES = ("england", "authority", "county", "district")
DESIGNS = ("toolkit", "efficacy", "effectiveness")
BREAKS = ("not_collected", "regraded", "level_shift")
TARGET_SCALES = ("level", "relative", "rank")  # a figure; one less England's; the best share of all districts
HAPPENINGS = {  # what an event acts on, and the unit of its size
    "commissioning": "share of work stopped",
    "delivery": "share of activity lost",
    "attainment": "SD of pupils",
}
MOST_PRIORITIES = 4  # of an area's delivery plan
FIRST_YEAR = 2000
QUANTITIES = {  # quantity of pupils.csv -> unit
    "reception_pupils": "pupils",
    "primary_pupils": "pupils",
    "secondary_pupils": "pupils",
    "aged_19": "pupils",
    "aged_19_disadvantaged": "pupils",
    "fsm_share_primary": "%",
    "fsm_share_secondary": "%",
    "disadvantaged_share_primary": "%",
    "disadvantaged_share_secondary": "%",
}
SMALLEST = {"pupils": 1.0}  # an empty cohort has no share to speak of
LARGEST = {"%": 100.0, "points": 90.0, "per 100 pupils": 100.0, "pupils": 2e7, "GBP": 1e11}


def with_unit(value: float, unit: str) -> str:
    """Return a bound with its unit: 100%, 90 points, 20,000,000 pupils."""
    from oa_sim import formatting  # which loads NumPy: only a mistake pays for it

    return formatting.with_unit(formatting.number(value, 0 if value == round(value) else 1), unit)


def real(text: str) -> float:
    """Check that a cell is a number, which need not be finite."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"must be a number, got {text!r}") from None


def number(low: float, high: float, blank: bool = False) -> Check:
    """Return the check of a number in a range; ``blank`` allows an empty cell, which is None."""

    def check(text: str) -> float | None:
        if blank and text == "":
            return None
        value = real(text)
        if not low <= value <= high:
            raise ValueError(f"must be {low:g} to {high:g}, got {text}")
        return value

    return check


def _year(blank: bool = False, ahead: int = 0) -> Check:
    def check(text: str) -> int | None:
        if blank and text == "":
            return None
        last = datetime.date.today().year + ahead
        if not (text.isdigit() and FIRST_YEAR <= int(text) <= last):
            raise ValueError(f"must be the year in which an academic year ended, {FIRST_YEAR} to {last}, got {text!r}")
        return int(text)

    return check


def _whole(low: int, high: int) -> Check:
    def check(text: str) -> int:
        if not (text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}, got {text!r}")
        return int(text)

    return check


def text(text: str) -> str:
    """Check that a cell is not empty."""
    if not text:
        raise ValueError("must not be empty")
    return text


def one_of(*choices: str, noun: str = "name", default: str | None = None) -> Check:
    """Return the check of a name among those that are known, of some kind; an empty cell has the default."""

    def check(text: str) -> str:
        text = text or default or text
        if text not in choices:
            raise unknown(noun, text, choices)
        return text

    return check


def year_as_written(first: int, last: int, blank: bool = False) -> Check:
    """Return the check of a year as people write it: 2026, 2026.0 (a workbook's), or 2025/26."""

    def check(text: str) -> int | None:
        if blank and text == "":
            return None
        head, _, tail = text.partition("/")
        year = int(head) + 1 if head.isdigit() and len(head) == 4 else 0
        plain = str(year) if year and tail == f"{year % 100:02d}" else text.removesuffix(".0")
        if not (plain.isdigit() and first <= int(plain) <= last):
            raise ValueError(
                f"must be the year in which an academic year ends, {first} to {last}, or such as "
                f"{academic_year(2026)}, got {text!r}"
            )
        return int(plain)

    return check


def _month(text: str) -> float:
    """Return a month such as 2017-04 as the year and fraction at which it begins."""
    year, _, month = text.partition("-")
    if not (year.isdigit() and month.isdigit() and len(text) == 7 and 1 <= int(month) <= 12):
        raise ValueError(f"must be a month such as 2017-04, got {text!r}")
    return int(year) + (int(month) - 1) / 12


def _names(text: str) -> tuple[str, ...]:
    """Return names that stand with a blank between them."""
    names = tuple(text.split())
    if not names or len(set(names)) != len(names):
        raise ValueError(f"must name one or more, each once, with a blank between them, got {text!r}")
    return names


def _filters(text: str) -> dict[str, set[str]]:
    """Return filters such as ``sex=total;school_type=a|b`` as the values that a column may have, in small letters."""
    parts = [part.split("=", 1) for part in text.split(";") if part]
    return {column: set(values.lower().split("|")) for column, values in parts}


@dataclass(frozen=True)
class Schema:
    """The columns of a table, by name with the check of its cells, and what its rows keep."""

    columns: dict[str, Check]
    identity: tuple[str, ...]  # columns whose cells no two rows may have in common; none where rows may be alike
    optional: dict[str, Check] = field(default_factory=dict)  # may be left out, and are then checked as empty cells
    complete: Callable[[Row], Row] = lambda row: row  # returns a checked row after checks that need several cells
    noun: str = "the table needs"  # how a message begins that names a missing column
    is_exact: bool = True  # the file has exactly these columns in this order; else as people write them
    is_open: bool = False  # other columns may stand beside them
    may_be_empty: bool = False


def series_column(measure: str, group: str) -> str:
    """Return the column of ``authority_figures.csv`` that holds a series of published figures."""
    return f"{measure}_{group}"


FIGURES = {  # column of authority_figures.csv -> unit: each published series, and what the pupils are known from
    **{
        series_column(name, group): measure.unit
        for name, measure in MEASURES.items()
        for group in measure.table_groups
        if group != "other" or not measure.derive_other
    },
    **{name: unit for name, unit in QUANTITIES.items() if name not in ("primary_pupils", "secondary_pupils")},
    "aged_16_17": "pupils",
}
_series = {"measure": one_of(*MEASURES), "group": one_of(*GROUPS)}
_marks = {"source": text, "status": one_of(*STATUSES)}
_any = number(-1e12, 1e12)
_figure = {"place": text, "geography": one_of(*GEOGRAPHIES), "year": _year(), "value": _any, "unit": text, **_marks}
_years = {"first_year": _year(), "last_year": _year()}
_years_ahead = dict.fromkeys(_years, _year(ahead=LONGEST_HORIZON))  # a change to come may be declared

_TABLES: dict[str, tuple[dict[str, Check], tuple[str, ...]]] = {  # table: columns with their checks, identity
    "sources": (dict.fromkeys(("source", "publisher", "title", "published", "licence"), text), ("source",)),
    "areas": (
        {
            "area": text,
            "code": text,
            "published_place": text,
            "geography": one_of("authority", "district"),
            "announced": text,
            "wave": number(1, 2),
            **_marks,
        },
        ("area",),
    ),
    "outcomes": (
        {**_series, **_figure, "geography": one_of(*GEOGRAPHIES[:-1])},
        ("measure", "group", "place", "geography", "year"),
    ),
    "pupils": ({"quantity": one_of(*QUANTITIES), **_figure}, ("quantity", "place", "geography", "year")),
    "breaks": (
        {"measure": _series["measure"], **_years_ahead, "kind": one_of(*BREAKS), "what_changed": text, **_marks},
        ("measure", "first_year"),
    ),
    "programme": (
        {"area": text, "item": text, **_years, "value": number(0, 1e11), "unit": text, **_marks},
        ("area", "item"),
    ),
    "targets": (
        {
            "area": text,
            "what": text,
            "measure": lambda name: name and one_of(*MEASURES)(name),  # empty: one that is not modelled
            "group": _series["group"],
            "baseline_year": _year(blank=True),
            "baseline": number(0, 100, blank=True),
            "target_year": _year(blank=True, ahead=LONGEST_HORIZON),
            "target": number(-100, 100, blank=True),
            "scale": one_of(*TARGET_SCALES),
            "unit": str,
            **_marks,
        },
        ("area", "what", "measure", "group", "target_year", "scale"),
    ),
    "studies": (
        {
            "study": text,
            "study_type": text,
            "outcome": text,
            "effect": number(-12, 12),
            "effect_unit": one_of("months", "sd"),
            "standard_error_sd": number(0.001, 2),
            "standard_error_basis": one_of("published", "assumed"),
            "design": one_of(*DESIGNS),
            **_marks,
        },
        ("study",),
    ),
    "months": (
        {"months": number(0, 12), "lowest_sd": number(-1, 1), "highest_sd": number(-1, 1), **_marks},
        ("months",),
    ),
    "events": (
        {
            "event": text,
            "what": one_of(*HAPPENINGS),
            "first_month": _month,
            "last_month": _month,
            "low": number(0, 2),
            "high": number(0, 2),
            "unit": one_of(*HAPPENINGS.values()),
            "what_happened": text,
            **_marks,
        },
        ("event",),
    ),
    "national": (
        {
            "national": text,
            "interventions": _names,
            "first_funded_year": _whole(1, 15),
            "last_funded_year": _whole(1, 15),
            "gbp": number(0, 1e10),
            "alignment": number(0, 1),
            "take_up": number(0, 1),
            "schools_share": number(0, 1),
            "what_it_is": text,
            **_marks,
        },
        ("national",),
    ),
    "priorities": (
        {"area": text, "priority": text, "interventions": _names, "budget_gbp": number(0, 1e9, blank=True), **_marks},
        ("area", "priority"),
    ),
    "movements": (
        {
            **_series,
            "span": _whole(1, 30),
            "band": _whole(1, 9),
            "least_start": _any,
            "most_start": _any,
            "n": _whole(1, 10_000_000),
            **{f"q{share:02d}": _any for share in range(0, 101, 5)},
            **_marks,
        },
        ("measure", "group", "span", "band"),
    ),
    "districts": (
        {"code": text, "district": text, "authority": text, "tier": one_of("authority", "county"), **_marks},
        ("code",),
    ),
    "district_figures": (
        {
            "code": text,
            **_series,
            "year": _year(),
            "value": number(0, 100),
            "county_value": number(0, 100, blank=True),  # made in the same way; none of an authority
            "pupils": number(1, 2e7),
            "coverage": number(0, 1, blank=True),  # share of the pupils whose schools are not suppressed
            "error": number(0, 100, blank=True),  # SD of a figure that is scaled from another one; none of the others
            **_marks,
        },
        ("code", "measure", "group", "year"),
    ),
    "authority_figures": (
        {
            "authority": text,
            "code": text,
            "year": _year(),
            **{name: number(SMALLEST.get(unit, 0.0), LARGEST[unit], blank=True) for name, unit in FIGURES.items()},
            **_marks,
        },
        ("authority", "year"),
    ),
    "place_names": (
        {"name": text, "code": str, "codes": text, "published_place": str, "what_it_is": text, **_marks},
        ("name",),
    ),
    "area_sets": ({"area_set": text, "area": text, **_marks}, ("area_set", "area")),
}
TABLES = {name: Schema(columns, identity) for name, (columns, identity) in _TABLES.items()}
PUBLISHED_NAMES = Schema(  # which published name is which measure, in each layout of a download
    {"layout": text, "name": text, "filters": _filters, "measure": text, "group": _series["group"], **_marks}, ()
)
MOST_GBP = 1e11


def _pounds(cell: str) -> int:
    try:
        value = float(cell)
    except ValueError:
        value = float("nan")
    if not (0 <= value <= MOST_GBP and value == round(value)):
        raise ValueError(f"must be whole pounds, £0 to {with_unit(MOST_GBP, 'GBP')}, got {cell!r}")
    return round(value)


def spending_plan(areas: Collection[str], interventions: Collection[str], years: list[int]) -> Schema:
    """Return the schema of a plan: whole GBP by area, intervention and funded year, other columns beside it."""

    def funded(text: str) -> int:
        if not text.isdigit() or int(text) not in years:
            raise ValueError(f"must be a funded one, {years[0]} to {years[-1]}, got {text!r}")
        return int(text)

    columns: dict[str, Check] = {
        "area": one_of(*areas, noun="area of the scenario"),
        "intervention": one_of(*interventions, noun="intervention of the scenario"),
        "year": funded,
        "gbp": _pounds,
    }
    identity = ("area", "intervention", "year")
    return Schema(columns, identity, noun="a plan needs", is_exact=False, is_open=True, may_be_empty=True)
