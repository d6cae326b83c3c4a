"""Constraints: what a plan may be, in pounds and in words: settings that check themselves, and rows of a problem."""

from dataclasses import dataclass, field
from types import EllipsisType
from typing import NamedTuple

import numpy as np

from oa_sim.decide.objective import Objective
from oa_sim.definitions import PHASES
from oa_sim.errors import Refusal, unknown
from oa_sim.programme import budget
from oa_sim.scenario import load
from oa_sim.scenario.rules import NAME, TRUTH, Checked, requested
from oa_sim.scenario.schema import Scenario

EVERY_AREA = "each"  # stands for every area, one by one
Cells = int | tuple[int | slice | EllipsisType | list[int], ...]  # an index of (area, intervention, funded year)
POUNDS = ("£ over all funded years", 0, 1e11)  # unit and range of a floor or a cap


@dataclass
class Constraints(Checked):
    """What a plan may be; all pounds are over all funded years unless said."""

    key = "constraints"
    area_floor_gbp: dict[str, float] = requested("Least for activity in an area; each: every area", *POUNDS, dict)
    area_cap_gbp: dict[str, float] = requested("Most for activity in an area; each: every area", *POUNDS, dict)
    ring_fence_gbp: dict[str, float] = requested("Least for an intervention or a phase over all areas", *POUNDS, dict)
    ring_cap_gbp: dict[str, float] = requested("Most for an intervention or a phase over all areas", *POUNDS, dict)
    pinned: str | None = requested(
        "Columns of a plan: each line that it names gets just that, and nothing in other years", "a file", default=None
    )
    most_priorities: int | None = requested("Interventions that an area may fund; null: all of them", "", 1, 1000, None)
    smallest_gbp: float = requested(
        "Smallest viable size: what a line has in each of its years if it has anything", "£ per year", 0, 1e11, 0.0
    )
    school_capacity: bool = requested(
        "Whether no stage of schooling may have more programmes at once, on average, than schools can take on",
        TRUTH,
        default=False,
    )


@dataclass
class Search(Checked):
    """How a plan is looked for."""

    key = "search"
    gap: float = requested("Share of the bound at which the search ends", "share", 0, 1, 0.0005)
    rounds: int = requested("Most rounds of all starts together, and then one more at the least", "", 1, 10_000, 100)
    seconds: float = requested(
        "Time after which it ends all the same, looked at after each round: another machine may find another plan",
        "seconds",
        1,
        1e6,
        600.0,
    )
    start: str = requested("An equal split, or random money", NAME, choices=("equal", "random"), default="equal")
    seed: int = requested("Root of the random start", "", 0, 2**63 - 1, 1)


@dataclass
class Optimising:
    """What ``oa-sim optimise`` is told beside its scenario."""

    objective: Objective = field(default_factory=Objective)
    constraints: Constraints = field(default_factory=Constraints)
    search: Search = field(default_factory=Search)


class Row(NamedTuple):
    """Pounds of some lines in some years, held below or above a limit."""

    name: str  # the constraint in words
    key: str  # what to change to relax it
    cells: np.ndarray  # (area, intervention, funded year): 1 where a pound counts
    limit: float  # GBP
    is_least: bool


def rows(settings: Constraints, scenario: Scenario, has: list[int]) -> list[Row]:
    """Return the constraints in pounds, those of the years first; ``has`` is for activity by funded year, GBP.

    Raises
    ------
    Refusal
        For an area, intervention or phase that the scenario does not have.
    """
    areas, names = scenario.areas.names, list(scenario.interventions)
    shape = (len(areas), len(names), len(has))
    constraint_rows = []

    def add(name: str, key: str, where: Cells, limit: float, *, is_least: bool = False) -> None:
        cells = np.zeros(shape)
        cells[where] = 1
        constraint_rows.append(Row(name, key, cells, limit, is_least))

    for t, pounds in enumerate(has):
        add(f"the allocation of year {scenario.start_year + t}", "budget.total_gbp", (..., t), pounds)
    for setting, word, is_least in (("area_floor_gbp", "floor", True), ("area_cap_gbp", "cap", False)):
        for area, limit in _by_area(getattr(settings, setting), setting, scenario).items():
            key = f"constraints.{setting}.{area}"
            add(f"the {word} of {area}", key, areas.index(area), limit, is_least=is_least)
    for setting, word, is_least in (("ring_fence_gbp", "ring-fence", True), ("ring_cap_gbp", "limit", False)):
        for name, limit in getattr(settings, setting).items():
            lines = [names.index(intervention) for intervention in _named(name, scenario)]
            key = f"constraints.{setting}.{name}"
            add(f"the {word} of {_title(name, scenario)}", key, (slice(None), lines), limit, is_least=is_least)
    return constraint_rows


def _by_area(limits: dict[str, float], setting: str, scenario: Scenario) -> dict[str, float]:
    """Return pounds by the areas' names of the scenario; one named for itself goes before ``each``."""
    by_area = dict.fromkeys(scenario.areas.names, limits[EVERY_AREA]) if EVERY_AREA in limits else {}
    for written, pounds in limits.items():
        if written == EVERY_AREA:
            continue
        for area in load.area_names([written], scenario.data_folder):
            if area not in scenario.areas.names:
                raise Refusal(f"constraints.{setting} names {area}, which is not in areas: drop it or add the area")
            by_area[area] = pounds
    return {area: by_area[area] for area in scenario.areas.names if area in by_area}


def _named(name: str, scenario: Scenario) -> list[str]:
    """Return the interventions that a name stands for: itself, or those of a phase."""
    if name in scenario.interventions:
        return [name]
    of_phase = [key for key, intervention in scenario.interventions.items() if intervention.phase == name]
    if not of_phase:
        raise unknown("intervention or phase of a ring-fence", name, (*scenario.interventions, *PHASES))
    return of_phase


def _title(name: str, scenario: Scenario) -> str:
    """Return the title of an intervention, or a phase in words."""
    return scenario.interventions[name].label if name in scenario.interventions else name.replace("_", " ")


def pinned(settings: Constraints, scenario: Scenario, years: list[int]) -> dict[tuple[int, int], np.ndarray]:
    """Return the lines that are pinned: by place of area and intervention, whole GBP by funded year."""
    amounts: dict[tuple[int, int], np.ndarray] = {}
    if settings.pinned is None:
        return amounts
    names = list(scenario.interventions)
    for (area, name, year), gbp in budget.rows(settings.pinned, scenario, years).items():
        line = amounts.setdefault((scenario.areas.names.index(area), names.index(name)), np.zeros(len(years)))
        line[years.index(year)] = gbp
    return amounts


def is_kept(rows: list[Row], planned: np.ndarray) -> bool:
    """Return whether a plan (area, intervention, funded year) keeps every row of pounds."""
    return all((row.limit - (row.cells * planned).sum()) * (1 if row.is_least else -1) <= 0 for row in rows)
