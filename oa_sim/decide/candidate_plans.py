"""Candidate plans: the plans among which one is chosen, and what each brings in each draw."""

from dataclasses import dataclass, replace

import numpy as np

from oa_sim.decide import plan_evaluation
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.decide.voi_settings import Voi
from oa_sim.errors import Refusal
from oa_sim.programme import budget
from oa_sim.scenario.load import load_scenario
from oa_sim.scenario.schema import Split


@dataclass(frozen=True, eq=False)
class Decisions:
    """Plans, and what each brings.

    Attributes
    ----------
    names
        Of the plans.
    planned : array (decision, area, intervention, funded year)
        Whole GBP / year.
    values : array (decision, draw)
        In the objective's unit.
    judge
        What they are judged by.
    """

    names: list[str]
    planned: np.ndarray
    values: np.ndarray
    judge: Judge


def decisions(judge: Judge, asked: Voi) -> Decisions:
    """Return every split with every portfolio, and the plans of files.

    Parameters
    ----------
    judge
        What they are judged by.
    asked
        Which.

    Raises
    ------
    Refusal
        For a portfolio or a file that is not there, and where no plan has any money.
    """
    names, planned = [], []
    for portfolio in asked.portfolios:
        bought = load_scenario(f"portfolio={portfolio}").portfolio
        for rule in asked.splits:
            scenario = replace(judge.scenario, split=Split(rule), portfolio=bought)
            scenario = replace(scenario, budget=replace(scenario.budget, plan=None))
            names.append(f"{portfolio}, {rule}".replace("_", " "))
            planned.append(_within(budget.planned(scenario, judge.known.pupils, judge.known.tables), judge))
    for path in asked.plans:
        names.append(str(path))
        planned.append(budget.read(path, judge.scenario, judge.years))
    if not np.any(planned):
        raise Refusal(
            f"plans without money leave nothing to choose, got 0 GBP in all {len(names)}: name a budget and a "
            "portfolio that has some"
        )
    values = np.stack([plan_evaluation.worth(judge, one).sum(axis=0) for one in planned])
    return Decisions(names, np.stack(planned), values, judge)


def _within(planned: np.ndarray, judge: Judge) -> np.ndarray:
    """Return a plan that is at most what a year has: management is rounded area by area, so pounds may be over."""
    has, spent = np.array(budget.for_activity(judge.scenario)), planned.sum(axis=(0, 1))
    return np.floor(planned * np.minimum(1.0, has / np.maximum(spent, 1.0)))
