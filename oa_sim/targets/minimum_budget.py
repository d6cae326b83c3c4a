"""Minimum budget: the least money that reaches a target with a stated probability, or that no amount does."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from oa_sim.compiled.arrays import blocked
from oa_sim.compiled.gradient import Counts
from oa_sim.decide import optimiser, plan_evaluation
from oa_sim.decide.constraints import Optimising, Search
from oa_sim.decide.objective import Objective
from oa_sim.decide.optimiser import Optimum
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.errors import Refusal
from oa_sim.formatting import MINUS, chance, pounds, unit, who, with_unit
from oa_sim.programme import budget
from oa_sim.scenario.config_files import title_of
from oa_sim.scenario.rules import spelled
from oa_sim.scenario.schema import Areas, Scenario
from oa_sim.targets.attainable import error_of_chance
from oa_sim.targets.forecast_components import Outlook
from oa_sim.targets.settings import Want

SMALLEST_GBP = 1e4
NEAR = 0.05  # of the least money: how closely it is found
SEARCH = Search(gap=0.002)  # of the plan for each amount


@dataclass(frozen=True, eq=False)
class LeastMoney:
    """The least money for a target."""

    want: Want
    gbp: float | None  # management included; 0 where none is needed, None where no amount that was tried does
    probability: float  # with that money
    without: float  # without any
    most: float  # with the most that was tried
    plan: pd.DataFrame  # area, intervention, year, gbp; empty where there is none
    tried: pd.DataFrame  # money and probability, a row for each amount
    n_draws: int  # on which it was reckoned
    is_cut: bool = False  # by the clock, so that another machine may find a better plan

    @property
    def sentence(self) -> str:
        """The answer in a few sentences, and one more where the clock ended a search."""
        seconds = spelled(SEARCH.seconds)
        cut = f" A search was cut off after {seconds} seconds, so another machine may find a better plan."
        return self._answer + (cut if self.is_cut else "")

    def _chance(self, probability: float) -> str:
        return chance(probability, error_of_chance(probability, self.n_draws))

    @property
    def _answer(self) -> str:
        want, probability = self.want, percent(self.want.probability)
        level = with_unit(spelled(want.level).replace("-", MINUS), unit(want.measure, level=want.scale == "level"))
        less = " less England" if want.scale == "relative" else ""
        target = f"{who(want.measure, want.group)} at {level}{less} in {academic_year(want.year)}"
        without = f"Without any money the probability is {self._chance(self.without)}"
        if self.gbp is None:
            return (
                f"No amount reaches {want.area}'s target ({target}) with probability {probability}. {without}; with "
                f"{pounds(want.most_gbp)}, spent in the best way, it is {self._chance(self.most)}."
            )
        if not self.gbp:
            return f"No money is needed for {want.area}'s target ({target}) with probability {probability}. {without}."
        spent = self.plan.groupby("intervention").gbp.sum().sort_values(ascending=False).head(3)
        largest = ", ".join(f"{title_of('intervention', name)} {pounds(gbp)}" for name, gbp in spent.items())
        return (
            f"{want.area} reaches its target ({target}) with probability {probability} for about {pounds(self.gbp)} "
            f"(to within {percent(NEAR)}). The largest parts are {largest}. {without}."
        )


def least_money(
    scenario: Scenario, want: Want, seen: Outlook, say: Callable[[str], None] = lambda sentence: None
) -> LeastMoney:
    """Return the least money that reaches a target with a stated probability.

    The scenario's budget says when money comes and how it ends. For each amount the plan is sought that makes the
    chance largest (a chance is not concave, so a better plan may be missed); between an amount that is too little and
    one that is enough the interval is halved until both are within ``NEAR``. The noise of the published figure is in
    the chance.

    Raises
    ------
    Refusal
        For an area, measure or year that the scenario does not have.
    """
    area = _check(scenario, want)
    parts = seen.parts(area, want.measure, want.group, want.year)
    england = parts["england_level"] if want.scale == "relative" else 0.0
    sign = -1.0 if MEASURES[want.measure].lower_is_better else 1.0
    needs = sign * (want.level + england - (parts["projection"] - parts["programme"]))  # (draw), in published units
    alone = replace(scenario, areas=Areas([area]), organisation=replace(scenario.organisation, twins={}))
    judge = _judge(alone, want, sign)
    tried: dict[float, tuple[float, np.ndarray | None]] = {0.0: (float((needs <= 0).mean()), None)}
    cut: list[bool] = []

    def chance_with(gbp: float) -> float:
        if gbp not in tried:
            answer = _best(judge, gbp, needs)
            tried[gbp] = answer.value, answer.planned
            cut.append(answer.is_cut)
            say(f"{pounds(gbp)}: {chance(answer.value, error_of_chance(answer.value, len(needs)))}")
        return tried[gbp][0]

    least = _halved(chance_with, want)
    probability, planned = tried[want.most_gbp if least is None else least]
    plan = plan_evaluation.plan_table(judge, np.zeros((0, 0, 0)) if least is None or planned is None else planned)
    most = tried.get(want.most_gbp, (probability, None))[0]
    table = pd.DataFrame([{"total_gbp": gbp, "probability": p} for gbp, (p, _) in sorted(tried.items())])
    return LeastMoney(want, least, probability, tried[0.0][0], most, plan, table, len(needs), any(cut))


def _check(scenario: Scenario, want: Want) -> str:
    """Return the area of a target whose place and year the scenario has."""
    if want.area is None or want.area not in scenario.areas.names:
        raise Refusal(f"want.area is one of the scenario's areas, got {want.area!r}: add it to areas")
    if want.measure not in scenario.measures:
        raise Refusal(f"want.measure is one of the scenario's measures, got {want.measure}: add it to measures")
    if want.year not in scenario.years:
        years = scenario.years
        raise Refusal(f"want.year is a projected year, {years[0]} to {years[-1]}, got {want.year}: choose another")
    return want.area


def _judge(alone: Scenario, want: Want, sign: float) -> Judge:
    """Return a judge of what is added to one figure, in its unit, positive where it is better."""
    judge = plan_evaluation.judge(alone, Objective())
    figure = np.zeros_like(judge.counts.figure)
    m, t = alone.measures.index(want.measure), want.year - alone.start_year
    share = float(judge.programme.shape.poor[0, m])
    weight = {"all": (share, 1 - share), "disadvantaged": (1.0, 0.0), "other": (0.0, 1.0)}[want.group]
    if len(MEASURES[want.measure].groups) == 1:
        weight = (0.0, 1.0)  # all pupils are one series
    figure[0, m, :, t] = 100 * sign * np.array(weight)
    factor = blocked(np.ones((2, len(judge.which))))
    factor[judge.counts.factor == 0] = 0.0
    return replace(judge, counts=Counts(figure, np.zeros_like(judge.counts.gain), factor))


def _best(judge: Judge, gbp: float, needs: np.ndarray) -> Optimum:
    """Return the plan that makes the chance largest with an amount."""
    funded = replace(judge.scenario, budget=replace(judge.scenario.budget, total_gbp=float(round(gbp)), plan=None))
    request = Optimising(objective=Objective(risk="floor"), search=SEARCH)
    own = replace(judge, scenario=funded, objective=request.objective)
    has = np.array(budget.for_activity(funded), dtype=float)
    equal = np.broadcast_to(has / len(funded.interventions), (1, len(funded.interventions), len(has)))
    return optimiser.optimise(own, request, start=equal.copy(), floors=needs[None])


def _halved(chance_with: Callable[[float], float], want: Want) -> float | None:
    """Return the least amount whose chance is enough; None where none is."""
    if chance_with(0.0) >= want.probability:
        return 0.0
    if chance_with(want.most_gbp) < want.probability:
        return None
    low, high = SMALLEST_GBP, want.most_gbp
    if chance_with(low) >= want.probability:
        return low
    while high > low * (1 + NEAR):
        middle = float(round(np.sqrt(low * high)))
        low, high = (low, middle) if chance_with(middle) >= want.probability else (middle, high)
    return high
