"""Decision: a question of money in; the best plan, its proof and how stable it is out, as values kept together.

The front has plans between the best one and the one that closes gaps best: what closing gaps costs in pupils helped.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from oa_sim.decide import optimiser, plan_evaluation, robustness
from oa_sim.decide.constraints import Optimising
from oa_sim.decide.objective import STANDARDS, Objective
from oa_sim.decide.optimiser import Optimum
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.decide.robustness import Challenge, Sheet
from oa_sim.programme import budget
from oa_sim.projection.appraisal import described
from oa_sim.scenario.schema import Scenario

PARTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PUPILS, GAP = Objective(), Objective(of="gap_closed")
COLUMNS = ("part", "pupils", "pupils_q05", "pupils_q95", "gap_closed", "gap_closed_q05", "gap_closed_q95")


def front(
    optimum: Optimum, judge: Judge, request: Optimising, say: Callable[[str], None] = lambda sentence: None
) -> pd.DataFrame:
    """Return plans between the best one and the one that closes gaps best, on draws that had no part in finding either.

    A row for each part of the money that follows the other plan: pupils who reach a standard and would not have, and
    disadvantaged pupils among them beyond those there would be had they gained as others did, each with its 90%
    interval. Where both are concave no plan lies far beyond the line; nothing where no measure can be counted. The
    request's constraints and search hold for the other plan too; ``attrs["is_cut"]`` says whether the clock ended that
    search.
    """
    if not set(judge.scenario.measures) & set(STANDARDS):
        return pd.DataFrame(columns=COLUMNS)
    other = GAP if optimum.judge.objective.of != "gap_closed" else PUPILS
    say("optimising the plan at the other end of the Pareto frontier")
    end_judge = plan_evaluation.judge(judge.scenario, other, optimum.judge.which)
    end = optimiser.optimise(end_judge, replace(request, objective=other), say, start=optimum.planned)
    judges = [plan_evaluation.judge(judge.scenario, objective, judge.which) for objective in (PUPILS, GAP)]
    rows = []
    for part in PARTS:
        planned = np.floor((1 - part) * optimum.planned + part * end.planned)
        row = {"part": part}
        for name, other_judge in zip(("pupils", "gap_closed"), judges, strict=True):
            worth = described(plan_evaluation.worth(other_judge, planned).sum(axis=0))
            row |= {name: float(worth["mean"])} | {f"{name}_{tail}": float(worth[tail]) for tail in ("q05", "q95")}
        rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.attrs["is_cut"] = end.is_cut
    return table


@dataclass(frozen=True, eq=False)
class Decision:
    """The best plan, its proof and how stable it is."""

    optimum: Optimum  #: the plan, its value and bound, on the draws on which it was found
    sheet: Sheet  #: how stable it is, on the other draws
    challenge: Challenge  #: how other plans did
    front: pd.DataFrame  #: plans between this one and the one that closes gaps best
    account: dict[str, int]  #: whole GBP: money in, allocated, management, unspent, difference
    manifest: dict[str, Any]  #: what makes its numbers traceable

    @property
    def cut(self) -> dict[str, bool]:
        """Whether the clock ended the search for each plan, which is then not the same on every machine."""
        return {
            "the plan": self.optimum.is_cut,
            "the other end of the Pareto frontier": self.front.attrs.get("is_cut", False),
        }

    def summary(self) -> pd.DataFrame:
        """Return the plans that were compared, a row each."""
        return self.sheet.candidates

    def plan(self) -> pd.DataFrame:
        """Return the plan: area, intervention, year, whole GBP, a row for each that has any."""
        return plan_evaluation.plan_table(self.optimum.judge, self.optimum.planned)

    def paid(self) -> pd.DataFrame:
        """Return when the plan's money is paid, since the first year's comes late; whole GBP of activity."""
        money = plan_evaluation.money_of(self.optimum.judge, self.optimum.planned).spend
        table = money.to_series().rename("gbp").reset_index()
        return table[table.gbp > 0].astype({"gbp": np.int64}).reset_index(drop=True)

    def facts(self) -> dict[str, Any]:
        """Return the decision in a few numbers."""
        optimum, best = self.optimum, self.sheet.candidates.iloc[0]
        numbers = {name: getattr(optimum, name) for name in ("value", "upper_bound", "gap", "seconds")}
        cut = [part for part, is_cut in self.cut.items() if is_cut]
        return {
            **{
                key: None if value is None or not np.isfinite(value) else float(value) for key, value in numbers.items()
            },
            "spent_gbp": int(optimum.planned.sum()),
            "unspent_gbp": self.account["unspent"],
            "ended": optimum.ended,
            **({"cut_off": cut} if cut else {}),
            "value_unseen": float(best.value),
            "value_unseen_q05": float(best.q05),
            "value_unseen_q95": float(best.q95),
            "unit": optimum.judge.objective.unit,
            "account_gbp": self.account,
            "verdict": self.manifest["gates"]["verdict"],
        }

    def split(self) -> pd.DataFrame:
        """Return money and worth by area, with the mark of a county's figures."""
        optimum, judge = self.optimum, self.optimum.judge
        scenario = judge.scenario
        pounds = optimum.planned.sum(axis=(1, 2))
        rolls = judge.known.pupils.rolls.sel(area=scenario.areas.names).sum(("group", "year_group")).values
        proxy = judge.known.history.proxy.sel(measure=scenario.measures).any(("group", "measure")).values
        table = pd.DataFrame({"area": scenario.areas.names, "gbp": pounds.astype(np.int64)})
        table["share"] = pounds / max(pounds.sum(), 1.0)
        table["gbp_per_pupil"] = pounds / rolls
        table["worth_mean"] = optimum.by_draw.mean(axis=1)
        table["worth_q05"], table["worth_q95"] = np.quantile(optimum.by_draw, [0.05, 0.95], axis=1)
        return table.assign(unit=judge.objective.unit, proxy=proxy, n_draws=optimum.by_draw.shape[1])


def decide(
    scenario: Scenario, request: Optimising, say: Callable[[str], None] = lambda sentence: None, *, quick: bool = False
) -> Decision:
    """Return the best plan of a scenario, its proof and how stable it is.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its split and portfolio are what the plan is held against.
    request
        Objective, constraints and search.
    say
        Called with a sentence at each stage.
    quick
        Without the parts of the sheet that take the longest.

    Raises
    ------
    Refusal
        For what cannot be asked, and constraints that cannot all be kept, with the smallest relaxation that would help.
    """
    say("reading the tables and projecting the counterfactual")
    here, there = plan_evaluation.halves(plan_evaluation.size(scenario), scenario.seed)
    judge = plan_evaluation.judge(scenario, request.objective, here)
    optimum = optimiser.optimise(judge, request, say)
    say("testing other plans against it")
    limits = request.constraints
    tried = robustness.challenge(optimum, limits.smallest_gbp, limits.most_priorities, scenario.seed)
    unseen = plan_evaluation.judge(scenario, request.objective, there)
    sheet = robustness.sheet(optimum, unseen, say, quick=quick)
    between = pd.DataFrame(columns=COLUMNS) if quick else front(optimum, unseen, request, say)
    account = budget.reconcile(plan_evaluation.money_of(judge, optimum.planned))
    made_from = {
        "asked": {key: value for key, value in asdict(request).items() if key != "search"},
        "seed": scenario.seed,
        "plan": hashlib.sha256(optimum.planned.astype(np.int64).tobytes()).hexdigest(),
        "n_draws": int(np.prod(plan_evaluation.size(scenario))),
    }
    manifest = plan_evaluation.manifest(judge, made_from, search=asdict(request.search))
    return Decision(optimum, sheet, tried, between, account, manifest)
