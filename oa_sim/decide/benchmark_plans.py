"""Rules: the simple plans that a best one is held against, each a sentence that anybody can follow."""

from dataclasses import dataclass, replace

import numpy as np

from oa_sim.decide import plan_evaluation
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.errors import Refusal
from oa_sim.programme import budget
from oa_sim.scenario.schema import Split

BEST = "best plan"
SPLITS = {  # from the simplest to the least simple
    "equal": "the same in each area",
    "per_pupil": "by pupils",
    "per_disadvantaged_pupil": "by disadvantaged pupils",
    "as_paid": "as last paid",
}
OWN, MIX = "own portfolio", "best mix"


@dataclass(frozen=True, eq=False)
class Candidate:
    """A plan among those that are compared.

    Attributes
    ----------
    name
        Of the split, and of what is bought.
    split, buys
        The rule of the split, and ``OWN`` (the scenario's portfolio), ``MIX`` (what the best plan buys in all areas
        together, the same everywhere) or ``BEST``.
    judge
        What it is judged by: the scenario has the rule's split.
    planned : array (area, intervention, funded year)
        Whole GBP / year; None: as the scenario shares the money.
    """

    name: str
    split: str
    buys: str
    judge: Judge
    planned: np.ndarray | None

    def by_draw(self) -> np.ndarray:
        """Return what it is worth by area and draw (area, draw)."""
        return plan_evaluation.worth(self.judge, self.planned)


def candidates(judge: Judge, best: np.ndarray) -> tuple[list[Candidate], list[str]]:
    """Return the best plan and the simple ones, and a sentence for each rule that cannot be followed.

    Parameters
    ----------
    judge
        What all are judged by.
    best : array (area, intervention, funded year)
        The best plan, whole GBP / year.
    """
    found, skipped = [Candidate(BEST, BEST, BEST, judge, best)], []
    has_portfolio = bool(judge.scenario.portfolio.shares) or judge.scenario.portfolio.rule != "shares"
    for rule, words in SPLITS.items():
        scenario = replace(judge.scenario, split=Split(rule), budget=replace(judge.scenario.budget, plan=None))
        own = replace(judge, scenario=scenario)
        try:
            weights = _weights(own)
        except Refusal as refusal:
            skipped.append(f"the rule {words} is left out: {refusal}")
            continue
        if has_portfolio:
            found.append(Candidate(f"{words}, {OWN}", rule, OWN, own, None))
        if len(weights) > 1:  # of one area alone it would be the plan itself
            found.append(Candidate(f"{words}, {MIX}", rule, MIX, own, _mixed(weights, best)))
        elif found[1:]:
            break  # and all rules are one
    return found, skipped


def _weights(judge: Judge) -> np.ndarray:
    """Return each area's share of each funded year's money by the scenario's rule (area, funded year)."""
    rule = budget.SPLIT_RULES[judge.scenario.split.rule]
    rolls = judge.known.pupils.rolls.sel(area=judge.scenario.areas.names)
    programme = judge.known.tables["programme"]
    each = [rule(judge.scenario, rolls, programme, t) for t in range(len(judge.years))]
    return (np.array(each) / np.sum(each, axis=1, keepdims=True)).T


def _mixed(weights: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return what the best plan buys in all areas together, in each area by its weight, in whole pounds."""
    out = np.zeros_like(best)
    for k, t in np.ndindex(best.shape[1:]):
        pounds = round(best[:, k, t].sum())
        if pounds:
            out[:, k, t] = budget.whole_pounds(pounds, weights[:, t].tolist())
    return out
