import numpy as np
import pytest
from scipy.stats import norm
from test_optimiser import random_plan

from oa_sim import load_scenario
from oa_sim.decide import plan_evaluation, spending_profiles
from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal
from oa_sim.programme import budget
from oa_sim.simulation import scenario_run


@pytest.mark.parametrize("asked", [Objective(of="earnings"), Objective(of="earnings", weighting="distribution")])
def test_earnings_are_those_of_a_run(scenario, asked):
    run = scenario_run.run(scenario)
    name = "benefit" if asked.weighting == "plain" else "weighted_benefit"
    whole = run.value[name].sel(group="all") if name == "benefit" else run.value[name]
    each = whole.transpose("area", "chain", "draw").values.reshape(3, -1)
    np.testing.assert_allclose(plan_evaluation.worth(plan_evaluation.judge(scenario, asked)), each, rtol=2e-5)


def test_no_money_is_worth_nothing(judge):
    nothing = np.zeros((3, len(judge.scenario.interventions), len(judge.years)))
    assert (plan_evaluation.worth(judge, nothing) == 0).all()


def test_prices_say_what_one_more_brings(judge):
    planned = random_plan(judge, 1, part=0.9)
    _, prices = plan_evaluation.priced(judge, planned)
    desk = spending_profiles.desk(judge, budget.for_activity(judge.scenario))
    every = np.arange(desk.n_lines)
    ground = plan_evaluation.worth(judge, planned).sum(axis=0).mean()
    flat = planned.reshape(desk.n_lines, -1)
    here = spending_profiles.brings(desk, prices, every, flat)
    for line in np.argsort(-flat.sum(axis=1))[:6]:
        more = flat.copy()
        more[line] = np.floor(more[line] * 1.02)
        told = spending_profiles.brings(desk, prices, every, more)[line] - here[line]
        found = plan_evaluation.worth(judge, more.reshape(planned.shape)).sum(axis=0).mean() - ground
        assert told == pytest.approx(found, rel=5e-3)


def test_what_plans_do_not_know_is_refused(scenario):
    words = ("areas=three_areas", "sampler.draws=40")
    for word in ("evidence.outside_view.is_on=true", "organisation.review=to_progress"):
        with pytest.raises(Refusal):
            plan_evaluation.judge(load_scenario(*words, word), Objective())
    with pytest.raises(Refusal, match="not in 2026 to 2033"):
        plan_evaluation.judge(scenario, Objective(years_after=10))


def test_the_mean_of_the_tail_is_that_of_a_gaussian():
    n, tail = 200_000, 0.1
    draws = norm.ppf((np.arange(n) + 0.5) / n)
    closed = -norm.pdf(norm.ppf(tail)) / tail
    assert plan_evaluation.tail_mean(3 + 2 * draws, tail) == pytest.approx(3 + 2 * closed, abs=1e-3)


def test_the_tail_of_a_gaussian_sample_is_within_its_error_of_the_closed_form():
    n, tail = 4_000, 0.05
    draws = np.random.default_rng(5).standard_normal(n)
    closed = -norm.pdf(norm.ppf(tail)) / tail
    below = draws[draws <= np.quantile(draws, tail)]
    error = np.sqrt((below.var() + (1 - tail) * (np.quantile(draws, tail) - below.mean()) ** 2) / (n * tail))
    assert abs(plan_evaluation.tail_mean(draws, tail) - closed) < 4 * error
