"""Spending: a plan as a file, the pounds of each area, intervention and year, read and checked."""

import csv
from pathlib import Path

import numpy as np

from oa_sim.errors import Refusal, unknown
from oa_sim.scenario.schema import Scenario

COLUMNS = ("area", "intervention", "year", "gbp")
MOST_GBP = 1e11


def read(path: str | Path, scenario: Scenario, years: list[int]) -> np.ndarray:
    """Return a plan (area, intervention, funded year), whole GBP / year.

    Parameters
    ----------
    path
        CSV with the columns ``area``, ``intervention``, ``year``, ``gbp`` among others; what it does not name gets
        nothing. ``year`` is the calendar year in which the academic year ends.
    scenario
        Its areas and interventions.
    years
        The funded years.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
    found = np.zeros((len(scenario.areas.names), len(scenario.interventions), len(years)))
    for (area, name, year), gbp in rows(path, scenario, years).items():
        found[scenario.areas.names.index(area), list(scenario.interventions).index(name), years.index(year)] = gbp
    return found


def rows(path: str | Path, scenario: Scenario, years: list[int]) -> dict[tuple[str, str, int], int]:
    """Return the lines that a file names, each with its whole GBP / year; see ``read``.

    Raises
    ------
    Refusal
        At the first row that is not right.
    """
    path, found = Path(path), {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            lines = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or []
    except FileNotFoundError:
        raise Refusal(f"the plan {path} is not there: give the plan.csv that oa-sim optimise wrote") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refusal(f"{path}: cannot be read as a CSV table ({error}): save it as UTF-8 text") from None
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise Refusal(f"{path.name}: a plan needs the columns {', '.join(COLUMNS)}, got no {missing[0]}: add it")
    for number, row in lines:
        key, gbp = _line(f"{path.name} row {number}", row, scenario, years)
        if key in found:
            raise Refusal(f"{path.name} row {number}: {', '.join(map(str, key))} stands there twice: keep one row")
        found[key] = gbp
    return found


def _line(where: str, row: dict, scenario: Scenario, years: list[int]) -> tuple[tuple[str, str, int], int]:
    """Return one row, checked."""
    area, name, year, gbp = ((row[column] or "").strip() for column in COLUMNS)
    for what, word, known in (("area", area, scenario.areas.names), ("intervention", name, scenario.interventions)):
        if word not in known:
            raise Refusal(f"{where}: {unknown(f'{what} of the scenario', word, known)}")
    if not year.isdigit() or int(year) not in years:
        raise Refusal(f"{where}: year must be a funded one, {years[0]} to {years[-1]}, got {year!r}: correct the cell")
    try:
        pounds = float(gbp)
    except ValueError:
        pounds = float("nan")
    if not (0 <= pounds <= MOST_GBP and pounds == round(pounds)):
        raise Refusal(f"{where}: gbp must be whole pounds, 0 to {MOST_GBP:g}, got {gbp!r}: correct the cell")
    return (area, name, int(year)), round(pounds)
