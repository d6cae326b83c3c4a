import numpy as np
from test_optimiser import random_plan

from oa_sim.decide import plan_evaluation, spending_profiles
from oa_sim.programme import budget


def test_slopes_are_those_of_what_a_line_brings(judge):
    desk = spending_profiles.desk(judge, budget.for_activity(judge.scenario))
    planned = np.random.default_rng(3).exponential(size=(desk.n_lines, len(judge.years))) * 5e4
    _, prices = plan_evaluation.priced(judge, random_plan(judge, 2, part=0.9))
    every = np.arange(desk.n_lines)
    told = spending_profiles.slopes(desk, prices, every, planned)
    for t in range(planned.shape[1]):
        step = np.zeros_like(planned)
        step[:, t] = 0.02 * planned[:, t]
        up, down = (spending_profiles.brings(desk, prices, every, planned + sign * step) for sign in (1, -1))
        found = (up - down) / (2 * step[:, t])
        assert np.abs(found - told[:, t]).max() < 0.02 * np.abs(told[:, t]).max()
