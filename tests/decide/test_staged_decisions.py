"""Gates: which plans stand at one, when one is left out, and what has been seen by then."""

import numpy as np
import pytest

from oa_sim import definitions, load_scenario
from oa_sim.decide import plan_evaluation, staged_decisions
from oa_sim.decide.objective import Objective


def test_plans_at_a_gate_are_those_that_leave_least_to_regret():
    rng = np.random.default_rng(8)
    best = rng.standard_normal(500)
    alike = [best - 0.01 * k for k in range(1, 9)]  # nearly as good, and never better
    other = -best - 1.0  # far behind on average, ahead in some draws
    order = staged_decisions.telling(np.stack([*alike, other, best]))
    assert order[:2].tolist() == [9, 8]
    assert len(order) == staged_decisions.MOST_PLANS


def test_a_gate_that_comes_when_the_money_is_over_is_left_out():
    assert staged_decisions.left_out([1, 2, 3, 9], 3) == [3, 9]
    assert staged_decisions.left_out([1, 2], 3) == []


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("areas=three_areas", "sampler.draws=60", "budget.total_gbp=20e6", horizon=6)


def test_what_is_seen_is_the_mean_of_areas_that_have_had_money(scenario):
    judge = plan_evaluation.judge(scenario, Objective(), which=np.arange(1))
    shape = (1, 2, 3, 2)  # draw, what is seen, area, year
    money = np.array([[5.0, 5.0], [0.0, 5.0], [0.0, 0.0]])
    served = np.broadcast_to(np.array([1.0, 2.0, 9.0])[:, None], shape)
    added = np.zeros((1, len(definitions.series(judge.scenario.measures)), 3, 2))
    looked = staged_decisions.Looked(money, served, added)
    assert staged_decisions._signals(judge, looked, 1)["pupils served"].tolist() == [[1.0, 1.0]]
    assert staged_decisions._signals(judge, looked, 2)["pupils served"].tolist() == [[1.5, 1.5]]
    nothing = staged_decisions.Looked(np.zeros((3, 2)), served, added)
    assert staged_decisions._signals(judge, nothing, 2)["both"].shape == (1, 0)
    one, two = (staged_decisions._noise(judge, n, 1) for n in (1, 4))
    np.testing.assert_allclose(one, 2 * two)  # more areas, less noise
