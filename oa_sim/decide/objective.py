"""Objective: what a plan is judged by, as settings that check themselves, and as weights of what it adds.

Whatever is asked for is a sum over measures, groups and years of what the programme adds to a published figure or to
earnings, so that it can be weighed before any plan is known.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import ATTAINMENT_8_SD, GROUPS, MEASURES
from oa_sim.errors import Refusal, one_of
from oa_sim.programme.parameters import draw
from oa_sim.projection.appraisal import EARNINGS, discount, pupils_of, welfare_weight
from oa_sim.rng import stream
from oa_sim.scenario.rules import NAME, NAMES, Checked, requested
from oa_sim.scenario.schema import Scenario

OF = {  # what is summed up, and its unit
    "extra_pupils": ("additional pupils who reach a standard", "pupils"),
    "gap_closed": ("disadvantaged pupils who reach a standard, beyond those if they gained as others do", "pupils"),
    "earnings": ("lifetime earnings through Attainment 8, present value", "GBP"),
}  # fmt: skip
WEIGHTINGS = ("plain", "distribution")
RISKS = ("mean", "cvar", "floor")
STANDARDS = tuple(name for name, about in MEASURES.items() if about.unit == "%" and about.channel == "attainment")


@dataclass
class Objective(Checked):
    """What a plan is judged by."""

    key = "objective"
    of: str = requested("What is summed up", NAME, choices=tuple(OF), default="extra_pupils")
    # a pupil who reaches two standards counts twice
    measures: list[str] = requested(
        "Shares of pupils that are counted; none named: every one of attainment that the scenario has",
        NAMES,
        choices=STANDARDS,
        default=list,
    )
    group: str = requested("Whose pupils are counted, for extra_pupils", NAME, choices=tuple(GROUPS), default="all")
    # not for earnings, which count every cohort that reaches Year 11 while the programme is followed
    years: list[int] = requested("Years that are counted; none named: the scenario\u2019s", default=list)
    years_after: int | None = requested(
        "Instead of years: the one year so many years after the last funded one", "years", 0, 15, None
    )
    weighting: str = requested(
        "distribution: gains of disadvantaged pupils count for more, by incomes and the Green Book\u2019s elasticity",
        NAME,
        choices=WEIGHTINGS,
        default="plain",
    )
    risk: str = requested(
        "mean; cvar: the mean of the worst draws; floor: the chance that every area reaches its floor",
        NAME,
        choices=RISKS,
        default="mean",
    )
    tail: float = requested("Share of draws in the tail, for cvar", "share", 0.01, 1, 0.1)
    floor: float = requested(
        "What each area must reach, for 1,000 pupils on its roll", "of the objective", -1e9, 1e9, 0.0
    )

    def _check_together(self) -> None:
        if self.years and self.years_after is not None:
            raise self.wrong("years", " and objective.years_after name the years in two ways, got both: drop one")
        if self.of != "extra_pupils" and self.group != "all":
            raise self.wrong("group", f" goes with extra_pupils, got {self.group} with {self.of}: drop it")
        if self.of == "gap_closed" and self.weighting != "plain":
            raise self.wrong("weighting", " goes with extra_pupils and earnings, got gap_closed: drop it")
        if self.of == "earnings" and (self.years or self.years_after is not None or self.measures):
            raise Refusal("earnings count every cohort through Attainment 8, got measures or years: drop them")

    @property
    def unit(self) -> str:
        """The unit of a plan's value."""
        return OF[self.of][1]


class Weights(NamedTuple):
    """What one more of a published figure or of a gain counts for."""

    # (area, measure, group, year): of one percentage point, in the objective's unit; disadvantaged, other
    figure: np.ndarray
    gain: np.ndarray  # (area, measure, group, year): of one SD
    factor: np.ndarray  # (group, draw): what each draw makes of them; the chains one after another


def weights(
    objective: Objective, scenario: Scenario, pupils: xr.Dataset, years: list[int], last: int, size: tuple[int, int]
) -> Weights:
    """Return what counts for how much, over the years that the programme is followed.

    ``pupils`` has ``rolls`` and ``share``; ``last`` is the last funded year, ``size`` is of chains and draws.

    Raises
    ------
    Refusal
        For a measure that the scenario does not have, and for a year that it does not reach.
    """
    names = scenario.measures
    behind = pupils_of(pupils, scenario.areas.names, names).values  # (area, group, measure)
    shape = (len(scenario.areas.names), len(names), 2, len(years))
    figure, gain = np.zeros(shape), np.zeros(shape)
    factor = np.ones((2, size[0] * size[1]))
    if objective.of == "earnings":
        gain[:], factor[:] = _earnings(scenario, behind, years, size)
    else:
        counted = _years(objective, scenario, years, last)
        for name in _measures(objective, names):
            m = names.index(name)
            figure[:, m][:, :, counted] = _pupils(objective, behind[:, :, m])[:, :, None] / 100
    if objective.weighting == "distribution":
        ratio = draw(scenario.value.income_ratio, stream(scenario.seed, "income ratio"), size)
        factor[0] *= welfare_weight(ratio, scenario.value.elasticity).ravel()
    return Weights(figure, gain, factor)


def _pupils(objective: Objective, behind: np.ndarray) -> np.ndarray:
    """Return how many pupils a share of each group stands for (area, 2)."""
    poor, other = behind[:, 0], behind[:, 1]
    if objective.of == "gap_closed":
        return np.stack([poor, -poor], axis=1)
    nobody = np.zeros_like(poor)
    counted = {"all": (poor, other), "disadvantaged": (poor, nobody), "other": (nobody, other)}
    return np.stack(counted[objective.group], axis=1)


def _measures(objective: Objective, names: list[str]) -> list[str]:
    if not objective.measures and not set(names) & set(STANDARDS):
        raise Refusal(f"{objective.of} counts {', '.join(STANDARDS)}, and the scenario has none of them: add one")
    for name in objective.measures:
        one_of("measure of the objective among the scenario's measures", name, tuple(names))
    return objective.measures or [name for name in names if name in STANDARDS]


def _years(objective: Objective, scenario: Scenario, years: list[int], last: int) -> list[int]:
    """Return the positions of the years that are counted."""
    counted = objective.years or scenario.years
    if objective.years_after is not None:
        counted = [last + objective.years_after]
    for year in counted:
        if year not in scenario.years:
            raise Refusal(
                f"the objective counts {year}, which is not in {scenario.years[0]} to {scenario.years[-1]}: choose "
                "another year or a longer horizon"
            )
    return [years.index(year) for year in counted if year in years]


def _earnings(
    scenario: Scenario, behind: np.ndarray, years: list[int], size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return what one more SD of Attainment 8 is worth, GBP at present value; see ``appraisal.earnings``."""
    if EARNINGS not in scenario.measures:
        raise Refusal("earnings are claimed through attainment_8, which is not among the measures: add it")
    value, m = scenario.value, scenario.measures.index(EARNINGS)
    worth = discount(np.array(years) - scenario.start_year, value.discount_rate, value.later_discount_rate)
    point = value.point_gbp * ATTAINMENT_8_SD * worth
    gain = np.zeros((len(behind), len(scenario.measures), 2, len(years)))
    gain[:, m, 0] = value.disadvantaged_factor * behind[:, 0, m, None] * point
    gain[:, m, 1] = behind[:, 1, m, None] * point
    return gain, draw(value.causal_share, stream(scenario.seed, "causal share"), size).ravel()
