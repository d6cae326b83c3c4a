"""Constraints: what a plan may be, in pounds and in words: settings that check themselves, and rows of a problem."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from oa_sim.decide.objective import Objective
from oa_sim.definitions import PHASES
from oa_sim.errors import Refusal, between, unknown
from oa_sim.programme import budget
from oa_sim.scenario import load
from oa_sim.scenario.schema import Scenario

EVERY_AREA = "each"  # stands for every area, one by one
MOST_GBP = 1e11


@dataclass
class Constraints:
    """What a plan may be; all pounds are over all funded years unless said.

    Attributes
    ----------
    area_floor_gbp, area_cap_gbp
        The least and the most for activity in an area, by its name; ``each`` stands for every area.
    ring_fence_gbp, ring_cap_gbp
        The least and the most for an intervention or a phase, by its name, over all areas.
    pinned
        A file with the columns of a plan: each line that it names gets just that, and nothing in other years.
    most_priorities
        Interventions that an area may fund; None: as many as there are.
    smallest_gbp
        Smallest viable size: what a line has in each of its years if it has anything, GBP / year.
    school_capacity
        Whether no stage of schooling may have more programmes at once, on average, than schools can take on.
    """

    area_floor_gbp: dict[str, float] = field(default_factory=dict)
    area_cap_gbp: dict[str, float] = field(default_factory=dict)
    ring_fence_gbp: dict[str, float] = field(default_factory=dict)
    ring_cap_gbp: dict[str, float] = field(default_factory=dict)
    pinned: str | None = None
    most_priorities: int | None = None
    smallest_gbp: float = 0.0
    school_capacity: bool = False

    def __post_init__(self):
        for name in ("area_floor_gbp", "area_cap_gbp", "ring_fence_gbp", "ring_cap_gbp"):
            for of, pounds in getattr(self, name).items():
                between(f"constraints.{name}: {of}", pounds, 0, MOST_GBP, " GBP")
        between("constraints.smallest_gbp", self.smallest_gbp, 0, MOST_GBP, " GBP")
        if self.most_priorities is not None:
            between("constraints.most_priorities", self.most_priorities, 1, 1000)


@dataclass
class Search:
    """How a plan is looked for.

    Attributes
    ----------
    gap
        Share of the bound at which the search ends.
    rounds
        Most rounds of all starts together, and then one more at the least; a round lays every line out anew.
    seconds
        Time after which it ends all the same, with the gap that it has; looked at after each round. Another machine
        may then find another plan, so it is said.
    start
        ``equal``: from an equal split; ``random``: from random money, by ``seed``.
    seed
        Of the random start.
    """

    gap: float = 0.0005
    rounds: int = 100
    seconds: float = 600.0
    start: str = "equal"
    seed: int = 1

    def __post_init__(self):
        between("search.gap", self.gap, 0, 1)
        between("search.rounds", self.rounds, 1, 10_000)
        between("search.seconds", self.seconds, 1, 1e6, " seconds")
        between("search.seed", self.seed, 0, 2**63 - 1)
        if self.start not in ("equal", "random"):
            raise unknown("search.start", self.start, ("equal", "random"))


@dataclass
class Optimising:
    """What ``oa-sim optimise`` is told beside its scenario."""

    objective: Objective = field(default_factory=Objective)
    constraints: Constraints = field(default_factory=Constraints)
    search: Search = field(default_factory=Search)


class Row(NamedTuple):
    """Pounds of some lines in some years, held below or above a limit.

    Attributes
    ----------
    name
        The constraint in words.
    key
        What to change to relax it.
    cells : array (area, intervention, funded year)
        1 where a pound counts.
    limit
        GBP.
    is_least
        True for the least, False for the most.
    """

    name: str
    key: str
    cells: np.ndarray
    limit: float
    is_least: bool


def rows(asked: Constraints, scenario: Scenario, has: list[int]) -> list[Row]:
    """Return the constraints in pounds, those of the years first.

    Parameters
    ----------
    asked
        The settings.
    scenario
        Its areas and interventions.
    has
        What each funded year has for activity, GBP.

    Raises
    ------
    Refusal
        For an area, intervention or phase that the scenario does not have.
    """
    areas, names = scenario.areas.names, list(scenario.interventions)
    shape, constraint_rows = (len(areas), len(names), len(has)), []
    for t, pounds in enumerate(has):
        cells = np.zeros(shape)
        cells[:, :, t] = 1
        year = scenario.start_year + t
        constraint_rows.append(Row(f"the allocation of year {year}", "budget.total_gbp", cells, pounds, is_least=False))
    for setting, word, is_least in (("area_floor_gbp", "floor", True), ("area_cap_gbp", "cap", False)):
        for area, pounds in _by_area(getattr(asked, setting), setting, scenario).items():
            cells = np.zeros(shape)
            cells[areas.index(area)] = 1
            constraint_rows.append(
                Row(f"the {word} of {area}", f"constraints.{setting}.{area}", cells, pounds, is_least)
            )
    for setting, word, is_least in (("ring_fence_gbp", "ring-fence", True), ("ring_cap_gbp", "limit", False)):
        for of, pounds in getattr(asked, setting).items():
            cells = np.zeros(shape)
            cells[:, [names.index(name) for name in _named(of, scenario)]] = 1
            constraint_rows.append(Row(f"the {word} of {of}", f"constraints.{setting}.{of}", cells, pounds, is_least))
    return constraint_rows


def _by_area(asked: dict[str, float], setting: str, scenario: Scenario) -> dict[str, float]:
    """Return pounds by the areas' names of the scenario; one named for itself goes before ``each``."""
    by_area = dict.fromkeys(scenario.areas.names, asked[EVERY_AREA]) if EVERY_AREA in asked else {}
    for written, pounds in asked.items():
        if written == EVERY_AREA:
            continue
        for area in load.area_names([written], scenario.data_folder):
            if area not in scenario.areas.names:
                raise Refusal(f"constraints.{setting} names {area}, which is not in areas: drop it or add the area")
            by_area[area] = pounds
    return {area: by_area[area] for area in scenario.areas.names if area in by_area}


def _named(of: str, scenario: Scenario) -> list[str]:
    """Return the interventions that a name stands for: itself, or those of a phase."""
    if of in scenario.interventions:
        return [of]
    names = [name for name, intervention in scenario.interventions.items() if intervention.phase == of]
    if not names:
        raise unknown("intervention or phase of a ring-fence", of, (*scenario.interventions, *PHASES))
    return names


def pinned(asked: Constraints, scenario: Scenario, years: list[int]) -> dict[tuple[int, int], np.ndarray]:
    """Return the lines that are pinned: by place of area and intervention, whole GBP by funded year."""
    if asked.pinned is None:
        return {}
    names, amounts = list(scenario.interventions), {}
    for (area, name, year), gbp in budget.rows(asked.pinned, scenario, years).items():
        line = amounts.setdefault((scenario.areas.names.index(area), names.index(name)), np.zeros(len(years)))
        line[years.index(year)] = gbp
    return amounts


def excess(found: list[Row], planned: np.ndarray) -> list[tuple[Row, float]]:
    """Return the rows that a plan (area, intervention, funded year) breaks, each with by how many pounds."""
    broken = []
    for row in found:
        over = (row.limit - (row.cells * planned).sum()) * (1 if row.is_least else -1)
        if over > 0:
            broken.append((row, float(over)))
    return broken
