"""Objective: what a plan is judged by, as settings that check themselves, and as weights of what it adds.

Whatever is asked for is a sum over measures, groups and years of what the programme adds to a published figure or to
earnings, so that it can be weighed before any plan is known.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim.definitions import ATTAINMENT_8_SD, GROUPS, MEASURES
from oa_sim.errors import Refusal, between, one_of
from oa_sim.programme.parameters import draw
from oa_sim.projection.appraisal import EARNINGS, discount, pupils_of, welfare_weight
from oa_sim.rng import stream
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
class Objective:
    """What a plan is judged by.

    Attributes
    ----------
    of
        A key of ``OF``.
    measures
        Shares of pupils that are counted; none named: every one of attainment that the scenario has. A pupil who
        reaches two standards counts twice.
    group
        Whose pupils are counted, for ``extra_pupils``.
    years
        Years that are counted; none named: the scenario's. Not for ``earnings``, which counts every cohort that
        reaches Year 11 while the programme is followed.
    years_after
        Instead of ``years``: the one year that lies so many years after the last funded one, for what is sustained.
    weighting
        ``distribution``: what disadvantaged pupils gain counts for more, by the ratio of incomes and the Green Book's
        elasticity.
    risk
        ``mean``; ``cvar``: the mean of the worst ``tail`` of draws; ``floor``: the chance that every area reaches
        ``floor``.
    tail
        Share of draws in the tail.
    floor
        What each area must reach, in the unit of the objective for 1,000 pupils on its roll.
    """

    of: str = "extra_pupils"
    measures: list[str] = field(default_factory=list)
    group: str = "all"
    years: list[int] = field(default_factory=list)
    years_after: int | None = None
    weighting: str = "plain"
    risk: str = "mean"
    tail: float = 0.1
    floor: float = 0.0

    def __post_init__(self):
        one_of("objective.of", self.of, tuple(OF))
        one_of("objective.group", self.group, tuple(GROUPS))
        one_of("objective.weighting", self.weighting, WEIGHTINGS)
        one_of("objective.risk", self.risk, RISKS)
        between("objective.tail", self.tail, 0.01, 1)
        between("objective.floor", self.floor, -1e9, 1e9)
        for name in self.measures:
            one_of("measure in objective.measures, a share of pupils", name, STANDARDS)
        if len(set(self.measures)) != len(self.measures):
            raise Refusal(f"objective.measures must name each measure once, got {self.measures}: list them once")
        if self.years and self.years_after is not None:
            raise Refusal("objective.years and objective.years_after name the years in two ways, got both: drop one")
        if self.years_after is not None:
            between("objective.years_after", self.years_after, 0, 15, " years")
        if self.of != "extra_pupils" and self.group != "all":
            raise Refusal(f"objective.group goes with extra_pupils, got {self.group} with {self.of}: drop it")
        if self.of == "gap_closed" and self.weighting != "plain":
            raise Refusal("objective.weighting goes with extra_pupils and earnings, got gap_closed: drop it")
        if self.of == "earnings" and (self.years or self.years_after is not None or self.measures):
            raise Refusal("earnings count every cohort through Attainment 8, got measures or years: drop them")

    @property
    def unit(self) -> str:
        """The unit of a plan's value."""
        return OF[self.of][1]


class Weights(NamedTuple):
    """What one more of a published figure or of a gain counts for.

    Attributes
    ----------
    figure : array (area, measure, group, year)
        Of one more percentage point, in the objective's unit; groups ``disadvantaged`` and ``other``.
    gain : array (area, measure, group, year)
        Of one more SD.
    factor : array (group, draw)
        What each draw makes of them; the chains one after another.
    """

    figure: np.ndarray
    gain: np.ndarray
    factor: np.ndarray


def weights(
    objective: Objective, scenario: Scenario, pupils: xr.Dataset, years: list[int], last: int, size: tuple[int, int]
) -> Weights:
    """Return what counts for how much.

    Parameters
    ----------
    objective
        What is asked for.
    scenario
        Its areas, measures, years, ``value`` and seed.
    pupils
        ``rolls`` and ``share``.
    years
        The years that the programme is followed over.
    last
        The last funded year.
    size
        Chains, and draws in each.

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
    asked = objective.years or scenario.years
    if objective.years_after is not None:
        asked = [last + objective.years_after]
    for year in asked:
        if year not in scenario.years:
            raise Refusal(
                f"the objective counts {year}, which is not in {scenario.years[0]} to {scenario.years[-1]}: "
                f"choose another year or a longer horizon"
            )
    return [years.index(year) for year in asked if year in years]


def _earnings(scenario: Scenario, behind: np.ndarray, years: list[int], size: tuple[int, int]) -> tuple:
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
