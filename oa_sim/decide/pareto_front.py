"""Front: what closing gaps costs in pupils helped, as plans between the best of the one and the best of the other."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from oa_sim.decide import optimiser, plan_evaluation
from oa_sim.decide.constraints import Optimising
from oa_sim.decide.objective import STANDARDS, Objective
from oa_sim.decide.optimiser import Optimum
from oa_sim.decide.plan_evaluation import Judge
from oa_sim.projection.appraisal import described

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
        90 % interval. Where both are concave no plan lies far beyond the line; nothing where no measure can be counted.
        ``attrs["ended"]`` says why the search for the other plan ended.
    """
    if not set(judge.scenario.measures) & set(STANDARDS):
        return pd.DataFrame(columns=COLUMNS)
    other = GAP if found.judge.objective.of != "gap_closed" else PUPILS
    say("finding the plan at the other end of the front")
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
    table.attrs["ended"] = end.ended
    return table
