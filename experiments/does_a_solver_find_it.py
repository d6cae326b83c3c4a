"""Does a general solver find the best plan? The same problem by SLSQP with exact gradients, from an equal start.

Compared: the plan laid out line by line with its bound, and SciPy's SLSQP over money by area, intervention and year,
each year's money as a constraint. What to look at: value and time of both, in one run; what SLSQP has found after a
minute, and after five, when it is stopped. Run with ``--quick`` for three areas.
"""

import sys
import time

import numpy as np
from scipy.optimize import minimize

from oa_sim import load_scenario
from oa_sim.decide import optimiser, plan_evaluation, spending_profiles
from oa_sim.decide.constraints import Optimising
from oa_sim.programme import budget

MILLION, MOST_SECONDS = 1e6, 300.0


def main(quick: bool) -> None:
    scenario = load_scenario(*(["areas=three_areas", "sampler.draws=50"] if quick else []))
    here, _ = plan_evaluation.halves(plan_evaluation.size(scenario), scenario.seed)
    asked = Optimising()
    judge = plan_evaluation.judge(scenario, asked.objective, here)
    found = optimiser.optimise(judge, asked)
    print(f"laid out line by line: {found.value:,.1f} pupils, bound {found.upper_bound:,.1f}, {found.seconds:.1f} s")

    has = np.array(budget.for_activity(scenario), dtype=float)
    desk = spending_profiles.desk(judge, has.astype(int).tolist())
    shape = found.planned.shape
    every, began, seen = np.arange(desk.n_lines), time.monotonic(), []

    def worth(x: np.ndarray) -> tuple[float, np.ndarray]:
        if time.monotonic() - began > MOST_SECONDS:
            raise StopIteration
        planned = np.maximum(x.reshape(shape), 0.0) * MILLION
        planned *= np.minimum(1.0, has / np.maximum(planned.sum(axis=(0, 1)), 1.0))
        by_draw, prices = plan_evaluation.priced(judge, np.floor(planned))
        slope = spending_profiles.slopes(desk, prices, every, planned.reshape(desk.n_lines, -1))
        value = float(by_draw.sum(axis=0).mean())
        seen.append((time.monotonic() - began, value))
        return -value, -slope.ravel() * MILLION

    start = np.broadcast_to(has / (shape[0] * shape[1]) / MILLION, shape).ravel()
    years = [np.tile(np.arange(shape[2]) == t, shape[0] * shape[1]).astype(float) for t in range(shape[2])]
    held = [
        {"type": "ineq", "fun": lambda x, r=row, h=most: h / MILLION - r @ x, "jac": lambda x, r=row: -r}
        for row, most in zip(years, has, strict=True)
    ]
    try:
        answer = minimize(
            worth, start, jac=True, method="SLSQP", bounds=[(0, None)] * len(start), constraints=held,
            options={"maxiter": 500, "ftol": 1e-7},
        )  # fmt: skip
        ended = f"{answer.nit} rounds, {answer.message}"
    except StopIteration:
        ended = "stopped"
    took = time.monotonic() - began
    early = max((value for at, value in seen if at <= 60), default=float("nan"))
    best = max(value for _, value in seen)
    print(f"SLSQP over {len(start)} amounts: {best:,.1f} pupils, {took:.1f} s ({ended}, {len(seen)} evaluations)")
    print(f"after a minute: {early:,.1f}; at most the bound: {best <= found.upper_bound}")
    print(f"value {best / found.value:.4f} of ours, time {took / found.seconds:.1f} times")


if __name__ == "__main__":
    main("--quick" in sys.argv)
