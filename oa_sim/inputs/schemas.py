"""Schemas: what each table holds, column by column, and the rule that each cell keeps.

A check takes the text of a cell and returns its value, or raises a ``ValueError`` whose text goes on from the
name of the column.
"""

import datetime
from collections.abc import Callable

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES
from oa_sim.errors import unknown

STATUSES = ("found", "to verify")
GEOGRAPHIES = ("england", "authority", "county", "district")
DESIGNS = ("toolkit", "efficacy", "effectiveness")
BREAKS = ("not_collected", "regraded", "level_shift")
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


def _number(low: float, high: float, blank: bool = False) -> Callable:
    def check(text: str):
        if blank and text == "":
            return None
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"must be a number, got {text!r}") from None
        if not low <= value <= high:
            raise ValueError(f"must be {low:g} to {high:g}, got {text}")
        return value

    return check


def _year(blank: bool = False, ahead: int = 0) -> Callable:
    def check(text: str):
        if blank and text == "":
            return None
        last = datetime.date.today().year + ahead
        if not (text.isdigit() and FIRST_YEAR <= int(text) <= last):
            raise ValueError(f"must be the year in which an academic year ended, {FIRST_YEAR} to {last}, got {text!r}")
        return int(text)

    return check


def _whole(low: int, high: int) -> Callable:
    def check(text: str) -> int:
        if not (text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"must be a whole number from {low} to {high}, got {text!r}")
        return int(text)

    return check


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


def _one_of(*known: str) -> Callable:
    def check(text: str) -> str:
        if text not in known:
            raise unknown("name", text, known)
        return text

    return check


def _month(text: str) -> float:
    """Return a month such as 2017-04 as the year and fraction at which it begins."""
    year, _, month = text.partition("-")
    if not (year.isdigit() and month.isdigit() and len(text) == 7 and 1 <= int(month) <= 12):
        raise ValueError(f"must be a month such as 2017-04, got {text!r}")
    return int(year) + (int(month) - 1) / 12


def _names(text: str) -> tuple[str, ...]:
    """Return names that stand with a blank between them."""
    found = tuple(text.split())
    if not found or len(set(found)) != len(found):
        raise ValueError(f"must name one or more, each once, with a blank between them, got {text!r}")
    return found


_measure = _one_of(*MEASURES)
_group = _one_of(*GROUPS)
_known = {"source": _text, "status": _one_of(*STATUSES)}
_any = _number(-1e12, 1e12)

# table -> (columns with their checks, the columns that identify a row)
TABLES: dict[str, tuple[dict[str, Callable], tuple[str, ...]]] = {
    "sources": (dict.fromkeys(("source", "publisher", "title", "published", "licence"), _text), ("source",)),
    "areas": (
        {
            "area": _text,
            "code": _text,
            "published_place": _text,
            "geography": _one_of("authority", "district"),
            "announced": _text,
            "wave": _number(1, 2),
            **_known,
        },
        ("area",),
    ),
    "outcomes": (
        {
            "measure": _measure,
            "group": _group,
            "place": _text,
            "geography": _one_of(*GEOGRAPHIES),
            "year": _year(),
            "value": _any,
            "unit": _text,
            **_known,
        },
        ("measure", "group", "place", "geography", "year"),
    ),
    "pupils": (
        {
            "quantity": _one_of(*QUANTITIES),
            "place": _text,
            "geography": _one_of(*GEOGRAPHIES),
            "year": _year(),
            "value": _any,
            "unit": _text,
            **_known,
        },
        ("quantity", "place", "geography", "year"),
    ),
    "breaks": (
        {
            "measure": _measure,
            "first_year": _year(ahead=LONGEST_HORIZON),  # a change to come may be declared
            "last_year": _year(ahead=LONGEST_HORIZON),
            "kind": _one_of(*BREAKS),
            "what_changed": _text,
            **_known,
        },
        ("measure", "first_year"),
    ),
    "programme": (
        {
            "area": _text,
            "item": _text,
            "first_year": _year(),
            "last_year": _year(),
            "value": _number(0, 1e11),
            "unit": _text,
            **_known,
        },
        ("area", "item"),
    ),
    "targets": (
        {
            "area": _text,
            "measure": _measure,
            "group": _group,
            "baseline_year": _year(blank=True),
            "baseline": _number(0, 100, blank=True),
            "target_year": _year(blank=True, ahead=LONGEST_HORIZON),
            "target": _number(-100, 100, blank=True),
            "scale": _one_of("level", "relative"),
            "unit": _text,
            **_known,
        },
        ("area", "measure", "group", "target_year"),
    ),
    "studies": (
        {
            "study": _text,
            "study_type": _text,
            "outcome": _text,
            "effect": _number(-12, 12),
            "effect_unit": _one_of("months", "sd"),
            "standard_error_sd": _number(0.001, 2),
            "standard_error_basis": _one_of("published", "assumed"),
            "design": _one_of(*DESIGNS),
            **_known,
        },
        ("study",),
    ),
    "months": (
        {"months": _number(0, 12), "lowest_sd": _number(-1, 1), "highest_sd": _number(-1, 1), **_known},
        ("months",),
    ),
    "proxies": (
        {
            "measure": _measure,
            "group": _group,
            "slope": _number(-3, 3),
            "residual_sd": _number(0, 2),
            "n_authorities": _number(10, 1000),
            **_known,
        },
        ("measure", "group"),
    ),
    "events": (
        {
            "event": _text,
            "what": _one_of(*HAPPENINGS),
            "first_month": _month,
            "last_month": _month,
            "low": _number(0, 2),
            "high": _number(0, 2),
            "unit": _one_of(*HAPPENINGS.values()),
            "what_happened": _text,
            **_known,
        },
        ("event",),
    ),
    "national": (
        {
            "national": _text,
            "interventions": _names,
            "first_funded_year": _whole(1, 15),
            "last_funded_year": _whole(1, 15),
            "gbp": _number(0, 1e10),
            "alignment": _number(0, 1),
            "take_up": _number(0, 1),
            "schools_share": _number(0, 1),
            "what_it_is": _text,
            **_known,
        },
        ("national",),
    ),
    "priorities": (
        {
            "area": _text,
            "priority": _text,
            "interventions": _names,
            "budget_gbp": _number(0, 1e9, blank=True),
            **_known,
        },
        ("area", "priority"),
    ),
    "movements": (
        {
            "measure": _measure,
            "group": _group,
            "span": _whole(1, 30),
            "band": _whole(1, 9),
            "least_start": _any,
            "most_start": _any,
            "n": _whole(1, 10_000_000),
            **{f"q{share:02d}": _any for share in range(0, 101, 5)},
            **_known,
        },
        ("measure", "group", "span", "band"),
    ),
    "area_sets": (
        {"area_set": _text, "area": _text, **_known},
        ("area_set", "area"),
    ),
}
