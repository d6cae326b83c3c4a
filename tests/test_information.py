"""What information is worth: laws, closed forms, gates, and what the verb writes."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from oa_sim import gates, information, load_scenario, voi, worthwhile
from oa_sim.objective import Objective
from oa_sim.refusal import Refusal
from oa_sim.studying import Studying, Voi

N = 20_000


def loss(mean, sd):
    """Return E[max(x, 0)] - max(E[x], 0) of a normal x: the unit normal loss."""
    return mean * norm.cdf(mean / sd) + sd * norm.pdf(mean / sd) - max(mean, 0.0)


@pytest.fixture(scope="module")
def linear():
    """Two plans whose difference is a sum of three Gaussian parameters and a noise that nobody can know before."""
    rng = np.random.default_rng(1)
    theta, noise = rng.standard_normal((N, 3)), rng.standard_normal(N)
    slopes, mean = np.array([2.0, 1.0, 0.0]), -0.5
    common = 5 * rng.standard_normal(N)
    return theta, slopes, mean, np.stack([common, common + mean + theta @ slopes + noise])


def test_perfect_information_has_its_closed_form(linear):
    _, slopes, mean, values = linear
    found = information.perfect(values)
    assert found.value == pytest.approx(loss(mean, np.sqrt(slopes @ slopes + 1)), abs=4 * found.error)


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 1], [0, 1, 2]])
def test_knowing_parameters_has_its_closed_form(linear, which):
    theta, slopes, mean, values = linear
    found = information.partial(values, theta[:, which])
    sd = np.sqrt((slopes[which] ** 2).sum())
    truth = loss(mean, sd) if sd else 0.0
    assert found.value == pytest.approx(truth, abs=4 * found.error + 0.005)


def test_knowing_is_never_worth_more_than_knowing_everything(linear):
    theta, _, _, values = linear
    for which in ([0], [1], [0, 1], [0, 1, 2]):
        assert information.partial(values, theta[:, which]).value <= information.perfect(values).value


def test_knowing_more_is_never_worth_less(linear):
    theta, _, _, values = linear
    found = [information.partial(values, theta[:, :n]) for n in (1, 2, 3)]
    for before, after in pairwise(found):
        assert after.value >= before.value - 2 * np.hypot(before.error, after.error)


def test_what_cannot_change_the_choice_is_worth_nothing(linear):
    theta, _, _, values = linear
    ahead = np.stack([values[0], values[0] + 100 + theta[:, 0]])
    assert information.perfect(ahead).value == 0.0
    assert information.partial(ahead, theta).value == 0.0


def test_noise_is_worth_nothing_however_many_columns_there_are():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((4, 800))
    found = information.partial(values, rng.standard_normal((800, 30)))
    assert found.value < 3 * found.error + 0.02  # the regression has not seen the draw that it decides


def test_the_error_tells_how_far_the_worth_varies():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(60):
        theta = rng.standard_normal((1000, 1))
        values = np.stack([np.zeros(1000), theta[:, 0] + rng.standard_normal(1000)])
        found.append(information.partial(values, theta))
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.35)


def test_a_study_is_worth_more_the_larger_it_is_and_no_more_than_knowing(linear):
    theta, slopes, mean, values = linear
    found = []
    for n in (10, 100, 1_000, 100_000):
        error = information.standard_error(n, 1.0)
        one = information.sample(values, theta[:, 0], error, np.random.default_rng(n), rounds=3)
        truth = loss(mean, abs(slopes[0]) * np.sqrt(1 / (1 + error**2)))  # what the estimate tells of it
        assert one.value == pytest.approx(truth, abs=4 * one.error + 0.005)
        found.append(one.value)
    assert found == sorted(found)
    known = information.partial(values, theta[:, :1])
    assert found[-1] == pytest.approx(known.value, abs=4 * known.error)


def test_a_trial_of_whole_schools_tells_less():
    assert information.design_effect(1, 0.3) == 1
    assert information.design_effect(25, 0.15) == pytest.approx(4.6)
    assert information.standard_error(4_000, 4.0) == pytest.approx(2 * information.standard_error(4_000, 1.0))
    assert information.standard_error(400, 1.0) == pytest.approx(0.1)


@pytest.fixture(scope="module")
def found():
    scenario = load_scenario("areas=three_areas", "sampler.draws=60", "budget.total_gbp=20e6", horizon=6)
    asked = Studying(
        Objective(),
        Voi(
            splits=["equal", "per_pupil"],
            portfolios=["balanced", "tutoring", "early_years_first"],
            trial_pupils=[1000, 1_000_000],
            gate_years=[1, 2],
        ),
    )
    return voi.voi(scenario, asked)


def test_the_table_keeps_the_laws(found):
    whole = found.known[found.known.kind == "all"].value.iloc[0]
    parts = found.known[found.known.kind != "all"]
    assert (parts.value <= whole + 1e-9).all()
    assert (parts.value >= 0).all()
    together = found.known[found.known.kind == "together"]
    value, error = together.value.to_numpy(), together.error.to_numpy()
    steps = np.diff(value) / np.maximum(np.hypot(error[1:], error[:-1]), 1e-9)
    assert (steps > -3).all()
    np.testing.assert_allclose(found.known.gbp * found.pound, found.known.value)


def test_plans_share_the_chance_to_be_best(found):
    assert found.decisions.p_best.sum() == pytest.approx(1)
    assert (found.decisions.expected_regret >= 0).all()
    best = found.decisions["mean"].idxmax()
    whole = found.known[found.known.kind == "all"].value.iloc[0]
    assert found.decisions.expected_regret[best] == pytest.approx(whole)


def test_a_larger_trial_costs_more_and_tells_more(found):
    small, large = (found.trials[found.trials.pupils == n].reset_index(drop=True) for n in (1000, 1_000_000))
    assert (large.cost_gbp > small.cost_gbp).all()
    assert (large.standard_error_sd < small.standard_error_sd).all()
    assert large.value.sum() >= small.value.sum() - 2 * np.hypot(large.error, small.error).sum()


def test_deciding_in_steps_is_never_worth_less_than_nothing_where_waiting_costs_nothing(found):
    by_year = found.gates[found.gates.gate.str.startswith("after year")]
    assert (by_year.waiting_costs.abs() < 1e-9).all()
    assert (by_year.flexibility >= 0).all()
    assert set(found.gates.signal) == set(gates.SIGNALS)


def test_sentences_and_pictures_say_what_is_worth(found):
    said = worthwhile.sentences(found)
    assert said[0].startswith("Of 6 plans")
    assert any("trial" in line for line in said)
    assert any("gate" in line.lower() or "deciding the rest" in line.lower() for line in said)
    assert "perfect information" in worthwhile.known(found)
    assert "<svg" in worthwhile.trials(found)


def test_one_plan_is_no_choice():
    with pytest.raises(Refusal, match="two plans or more"):
        Voi(splits=["equal"], portfolios=["balanced"])
    with pytest.raises(Refusal, match="split in voi"):
        Voi(splits=["equal", "by_rain"], portfolios=["balanced"])
