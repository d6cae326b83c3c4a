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
from oa_sim.scenario.schema import Areas, Scenario
from oa_sim.targets.forecast_components import Outlook
from oa_sim.targets.settings import Want

SMALLEST_GBP = 1e4
NEAR = 0.05  # of the least money: how closely it is found
SEARCH = Search(gap=0.002)  # of the plan for each amount


@dataclass(frozen=True, eq=False)
class LeastMoney:
    """The least money for a target.

    Attributes
    ----------
    want
        The target.
    gbp
        The least money, management included; 0 where none is needed, None where no amount that was tried does.
    probability, without, most
        With that money, without any, and with the most that was tried.
    plan
        ``area``, ``intervention``, ``year``, ``gbp``; empty where there is none.
    tried
        Money and probability, a row for each amount.
    n_draws
        On which it was reckoned.
    is_cut
        Whether a search for a plan was cut off by the clock, so that another machine may find a better one.
    """

    want: Want
    gbp: float | None
    probability: float
    without: float
    most: float
    plan: pd.DataFrame
    tried: pd.DataFrame
    n_draws: int
    is_cut: bool = False

    @property
    def sentence(self) -> str:
        """The answer in a few sentences, and one more where the clock ended a search."""
        cut = f" A search was cut off after {SEARCH.seconds:g} seconds, so another machine may find a better plan."
        return self._answer + (cut if self.is_cut else "")

    @property
    def _answer(self) -> str:
        want, probability = self.want, percent(self.want.probability)
        level = with_unit(f"{want.level:g}".replace("-", MINUS), unit(want.measure, level=want.scale == "level"))
        less = " less England" if want.scale == "relative" else ""
        target = f"{who(want.measure, want.group)} at {level}{less} in {academic_year(want.year)}"
        without = f"Without any money the probability is {chance(self.without)}"
        if self.gbp is None:
            return (
                f"No amount reaches {want.area}'s target ({target}) with probability {probability}. {without}; with "
                f"{pounds(want.most_gbp)}, spent in the best way, it is {chance(self.most)}."
            )
        if not self.gbp:
            return f"No money is needed for {want.area}'s target ({target}) with probability {probability}. {without}."
        spent = self.plan.groupby("intervention").gbp.sum().sort_values(ascending=False).head(3)
        largest = ", ".join(f"{name.replace('_', ' ')} {pounds(gbp)}" for name, gbp in spent.items())
        return (
            f"{want.area} reaches its target ({target}) with probability {probability} for about {pounds(self.gbp)} "
            f"(to within {percent(NEAR)}). The largest parts are {largest}. {without}."
        )


def least_money(
    scenario: Scenario, want: Want, seen: Outlook, say: Callable[[str], None] = lambda sentence: None
) -> LeastMoney:
    """Return the least money that reaches a target with a stated probability.

    Parameters
    ----------
    scenario
        Its budget says when money comes and how it ends; how much is what is looked for.
    want
        The target; its area is one of the scenario's.
    seen
        What is to come of the scenario: what would have happened anyway is used.
    say
        Called with a sentence for each amount.

    Raises
    ------
    Refusal
        For an area, measure or year that the scenario does not have.

    Notes
    -----
    For each amount the plan is sought that makes the chance largest (a chance is not concave, so a better plan may be
    missed); between an amount that is too little and one that is enough the interval is halved until both are within
    ``NEAR``. The noise of the published figure is in the chance.
    """
    _check(scenario, want)
    parts = seen.parts(want.area, want.measure, want.group, want.year)
    england = parts["england_level"] if want.scale == "relative" else 0.0
    sign = -1.0 if MEASURES[want.measure].lower_is_better else 1.0
    needs = sign * (want.level + england - (parts["projection"] - parts["programme"]))  # (draw), in published units
    alone = replace(scenario, areas=Areas([want.area]), organisation=replace(scenario.organisation, twins={}))
    judge = _judge(alone, want, sign)
    tried: dict[float, tuple[float, np.ndarray | None]] = {0.0: (float((needs <= 0).mean()), None)}
    cut: list[bool] = []

    def chance_with(gbp: float) -> float:
        if gbp not in tried:
            found = _best(judge, gbp, needs)
            tried[gbp] = found.value, found.planned
            cut.append(found.is_cut)
            say(f"{gbp:,.0f} GBP: {100 * tried[gbp][0]:.1f}%")
        return tried[gbp][0]

    least = _halved(chance_with, want)
    found = tried[want.most_gbp if least is None else least]
    rows = [{"total_gbp": gbp, "probability": p} for gbp, (p, _) in sorted(tried.items())]
    plan = _rows(judge, None if least is None else found[1])
    most = tried.get(want.most_gbp, found)[0]
    table = pd.DataFrame(rows)
    return LeastMoney(want, least, found[0], tried[0.0][0], most, plan, table, len(needs), any(cut))


def _check(scenario: Scenario, want: Want) -> None:
    if want.area not in scenario.areas.names:
        raise Refusal(f"want.area is one of the scenario's areas, got {want.area!r}: add it to areas")
    if want.measure not in scenario.measures:
        raise Refusal(f"want.measure is one of the scenario's measures, got {want.measure}: add it to measures")
    if want.year not in scenario.years:
        years = scenario.years
        raise Refusal(f"want.year is a projected year, {years[0]} to {years[-1]}, got {want.year}: choose another")


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
    ones = np.ones((2, len(judge.which)))
    factor = blocked(ones)
    factor[judge.counts.factor == 0] = 0.0
    return replace(judge, counts=Counts(figure, np.zeros_like(judge.counts.gain), factor))


def _best(judge: Judge, gbp: float, needs: np.ndarray) -> Optimum:
    """Return the plan that makes the chance largest with an amount."""
    about = replace(judge.scenario, budget=replace(judge.scenario.budget, total_gbp=float(round(gbp)), plan=None))
    asked = Optimising(objective=Objective(risk="floor"), search=SEARCH)
    own = replace(judge, scenario=about, objective=asked.objective)
    has = np.array(budget.for_activity(about), dtype=float)
    equal = np.broadcast_to(has / len(about.interventions), (1, len(about.interventions), len(has)))
    return optimiser.optimise(own, asked, start=equal.copy(), floors=needs[None])


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


def _rows(judge: Judge, planned: np.ndarray | None) -> pd.DataFrame:
    """Return a plan as rows."""
    if planned is None:
        return pd.DataFrame(columns=["area", "intervention", "year", "gbp"])
    a, k, t = np.nonzero(planned)
    names = np.array(list(judge.scenario.interventions))
    return pd.DataFrame(
        {
            "area": np.array(judge.scenario.areas.names)[a],
            "intervention": names[k],
            "year": np.array(budget.window(judge.scenario))[t],
            "gbp": planned[a, k, t].astype(np.int64),
        }
    )
