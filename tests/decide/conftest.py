import pytest

from oa_sim import load_scenario
from oa_sim.decide import plan_evaluation
from oa_sim.decide.objective import Objective

MONEY = 20e6


@pytest.fixture(scope="session")
def scenario():
    return load_scenario("areas=three_areas", "sampler.draws=40", f"budget.total_gbp={MONEY}", horizon=8)


@pytest.fixture(scope="session")
def judge(scenario):
    return plan_evaluation.judge(scenario, Objective())
