"""Decision: a question of money in; the best plan, its proof and how stable it is out, as values kept together.

The front has plans between the best one and the one that closes gaps best: what closing gaps costs in pupils helped.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd

from oa_sim.decide import optimiser, plan_evaluation, robustness
from oa_sim.decide.constraints import Optimising
from oa_sim.decide.objective import STANDARDS, Objective
from oa_sim.decide.optimiser import Optimum
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.decide.robustness import Challenge, Sheet
from oa_sim.evidence import meta_analysis
from oa_sim.inference import posterior_files
from oa_sim.programme import budget
from oa_sim.projection.appraisal import described
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import run_manifest

PARTS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
PUPILS, GAP = Objective(), Objective(of="gap_closed")
COLUMNS = ("part", "pupils", "pupils_q05", "pupils_q95", "gap_closed", "gap_closed_q05", "gap_closed_q95")


def front(
    found: Optimum, judge: Judge, asked: Optimising, say: Callable[[str], None] = lambda sentence: None
) -> pd.DataFrame:
    """Return plans between the best one and the one that closes gaps best.

    Parameters
    ----------
    found
        The best plan by the objective that was asked for.
    judge
        The same question on draws that had no part in finding it.
    asked
        Its constraints and search hold for the other plan too.
    say
        Called with a sentence at each round.

    Returns
    -------
    DataFrame
        A row for each part of the money that follows the other plan: pupils who reach a standard and would not have,
        and disadvantaged pupils among them beyond those there would be had they gained as others did, each with its
        90% interval. Where both are concave no plan lies far beyond the line; nothing where no measure can be counted.
        ``attrs["is_cut"]`` says whether the clock ended the search for the other plan.
    """
    if not set(judge.scenario.measures) & set(STANDARDS):
        return pd.DataFrame(columns=COLUMNS)
    other = GAP if found.judge.objective.of != "gap_closed" else PUPILS
    say("optimising the plan at the other end of the Pareto frontier")
    there = plan_evaluation.judge(judge.scenario, other, found.judge.which)
    end = optimiser.optimise(there, replace(asked, objective=other), say, start=found.planned)
    seen = [plan_evaluation.judge(judge.scenario, one, judge.which) for one in (PUPILS, GAP)]
    rows = []
    for part in PARTS:
        planned = np.floor((1 - part) * found.planned + part * end.planned)
        row = {"part": part}
        for name, one in zip(("pupils", "gap_closed"), seen, strict=True):
            worth = described(plan_evaluation.worth(one, planned).sum(axis=0))
            row |= {name: worth["mean"], f"{name}_q05": worth["q05"], f"{name}_q95": worth["q95"]}
        rows.append({key: float(value) for key, value in row.items()})
    table = pd.DataFrame(rows, columns=COLUMNS)
    table.attrs["is_cut"] = end.is_cut
    return table


@dataclass(frozen=True, eq=False)
class Decision:
    """The best plan, its proof and how stable it is.

    Attributes
    ----------
    optimum
        The plan, its value and bound, on the draws on which it was found.
    sheet
        How stable it is, on the other draws.
    challenge
        How other plans did.
    front
        Plans between this one and the one that closes gaps best; see ``front``.
    account : dict
        Whole GBP: money in, allocated, management, unspent, difference.
    manifest : dict
        What makes its numbers traceable.
    """

    optimum: Optimum
    sheet: Sheet
    challenge: Challenge
    front: pd.DataFrame
    account: dict[str, int]
    manifest: dict

    @property
    def cut(self) -> dict[str, bool]:
        """Return whether the clock ended the search for each plan, which is then not the same on every machine."""
        return {
            "the plan": self.optimum.is_cut,
            "the other end of the Pareto frontier": self.front.attrs.get("is_cut", False),
        }

    def summary(self) -> pd.DataFrame:
        """Return the plans that were compared, a row each."""
        return self.sheet.candidates

    def plan(self) -> pd.DataFrame:
        """Return the plan: area, intervention, year, whole GBP, a row for each that has any."""
        scenario, found = self.optimum.judge.scenario, self.optimum
        a, k, t = np.nonzero(found.planned)
        return pd.DataFrame(
            {
                "area": np.array(scenario.areas.names)[a],
                "intervention": np.array(list(scenario.interventions))[k],
                "year": np.array(found.judge.years)[t],
                "gbp": found.planned[a, k, t].astype(np.int64),
            }
        )

    def paid(self) -> pd.DataFrame:
        """Return when the plan's money is paid, since the first year's comes late; whole GBP of activity."""
        money = plan_evaluation.money_of(self.optimum.judge, self.optimum.planned).spend
        table = money.to_series().rename("gbp").reset_index()
        return table[table.gbp > 0].astype({"gbp": np.int64}).reset_index(drop=True)

    def facts(self) -> dict:
        """Return the decision in a few numbers."""
        found, best = self.optimum, self.sheet.candidates.iloc[0]
        left = {key: None if value is None or not np.isfinite(value) else float(value) for key, value in (
            ("value", found.value), ("upper_bound", found.upper_bound), ("gap", found.gap), ("seconds", found.seconds),
        )}  # fmt: skip
        spent = int(found.planned.sum())
        judged = {"value_unseen": float(best.value), "value_unseen_q05": float(best.q05)}
        judged |= {"value_unseen_q95": float(best.q95), "unit": found.judge.objective.unit}
        left |= {"spent_gbp": spent, "unspent_gbp": self.account["unspent"], "ended": found.ended}
        cut = [part for part, is_cut in self.cut.items() if is_cut]
        left |= {"cut_off": cut} if cut else {}
        return left | judged | {"account_gbp": self.account, "verdict": self.manifest["gates"]["verdict"]}

    def split(self) -> pd.DataFrame:
        """Return money and worth by area, with the mark of a county's figures."""
        found, about = self.optimum, self.optimum.judge
        pounds = found.planned.sum(axis=(1, 2))
        rolls = about.known.pupils.rolls.sel(area=about.scenario.areas.names).sum(("group", "year_group")).values
        proxy = about.known.history.proxy.sel(measure=about.scenario.measures).any(("group", "measure")).values
        table = pd.DataFrame({"area": about.scenario.areas.names, "gbp": pounds.astype(np.int64)})
        table["share"] = pounds / max(pounds.sum(), 1.0)
        table["gbp_per_pupil"] = pounds / rolls
        table["worth_mean"] = found.by_draw.mean(axis=1)
        table["worth_q05"], table["worth_q95"] = np.quantile(found.by_draw, [0.05, 0.95], axis=1)
        return table.assign(unit=about.objective.unit, proxy=proxy, n_draws=found.by_draw.shape[1])


def decide(
    scenario: Scenario, asked: Optimising, say: Callable[[str], None] = lambda sentence: None, *, quick: bool = False
) -> Decision:
    """Return the best plan of a scenario, its proof and how stable it is.

    Parameters
    ----------
    scenario
        From ``load_scenario``; its split and portfolio are what the plan is held against.
    asked
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
    judge = plan_evaluation.judge(scenario, asked.objective, here)
    found = optimiser.optimise(judge, asked, say)
    say("testing other plans against it")
    limits = asked.constraints
    tried = robustness.challenge(found, limits.smallest_gbp, limits.most_priorities, scenario.seed)
    unseen = plan_evaluation.judge(scenario, asked.objective, there)
    sheet = robustness.sheet(found, unseen, say, quick=quick)
    between = pd.DataFrame(columns=COLUMNS) if quick else front(found, unseen, asked, say)
    account = budget.reconcile(plan_evaluation.money_of(judge, found.planned))
    return Decision(found, sheet, tried, between, account, _manifest(found, asked))


def _manifest(found: Optimum, asked: Optimising) -> dict:
    """Return what makes a decision's numbers traceable."""
    scenario, known = found.judge.scenario, found.judge.known
    studied = meta_analysis.posterior(known.tables, scenario.evidence)
    made_from = {
        "asked": {key: value for key, value in asdict(asked).items() if key != "search"},
        "seed": scenario.seed,
        "synthesis": posterior_files.checksum(studied),
        "plan": hashlib.sha256(found.planned.astype(np.int64).tobytes()).hexdigest(),
        "n_draws": int(np.prod(plan_evaluation.size(scenario))),
    }
    gates = run_manifest.verdict(scenario, known.posterior, studied)
    search = asdict(asked.search)
    return run_manifest.manifest(scenario, known.tables, known.posterior, gates, made_from, search=search)
