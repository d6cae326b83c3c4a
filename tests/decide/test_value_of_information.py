"""What information is worth: laws, closed forms, gates, and what the verb writes."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from oa_sim import definitions, load_scenario
from oa_sim.decide import narrative, plan_evaluation, staged_decisions, value_of_information, voi_estimators
from oa_sim.decide.objective import Objective
from oa_sim.decide.voi_settings import Studying, Voi
from oa_sim.errors import Refusal
from oa_sim.plots import decision_charts

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
    found = voi_estimators.perfect(values)
    assert found.value == pytest.approx(loss(mean, np.sqrt(slopes @ slopes + 1)), abs=4 * found.error)


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 1], [0, 1, 2]])
def test_knowing_parameters_has_its_closed_form(linear, which):
    theta, slopes, mean, values = linear
    found = voi_estimators.partial(values, theta[:, which])
    sd = np.sqrt((slopes[which] ** 2).sum())
    truth = loss(mean, sd) if sd else 0.0
    assert found.value == pytest.approx(truth, abs=4 * found.error + 0.005)


def test_knowing_is_never_worth_more_than_knowing_everything(linear):
    theta, _, _, values = linear
    for which in ([0], [1], [0, 1], [0, 1, 2]):
        assert voi_estimators.partial(values, theta[:, which]).value <= voi_estimators.perfect(values).value


def test_knowing_more_is_never_worth_less(linear):
    theta, _, _, values = linear
    found = [voi_estimators.partial(values, theta[:, :n]) for n in (1, 2, 3)]
    for before, after in pairwise(found):
        assert after.value >= before.value - 2 * np.hypot(before.error, after.error)


def test_what_cannot_change_the_choice_is_worth_nothing(linear):
    theta, _, _, values = linear
    ahead = np.stack([values[0], values[0] + 100 + theta[:, 0]])
    assert voi_estimators.perfect(ahead).value == 0.0
    assert voi_estimators.partial(ahead, theta).value == 0.0


def test_noise_is_worth_nothing_however_many_columns_there_are():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((4, 800))
    found = voi_estimators.partial(values, rng.standard_normal((800, 30)))
    assert found.value < 3 * found.error + 0.02  # the regression has not seen the draw that it decides


def test_the_error_tells_how_far_the_worth_varies():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(60):
        theta = rng.standard_normal((1000, 1))
        values = np.stack([np.zeros(1000), theta[:, 0] + rng.standard_normal(1000)])
        found.append(voi_estimators.partial(values, theta))
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.35)


def test_a_study_is_worth_more_the_larger_it_is_and_no_more_than_knowing(linear):
    theta, slopes, mean, values = linear
    found = []
    for n in (10, 100, 1_000, 100_000):
        error = voi_estimators.standard_error(n, 1.0)
        one = voi_estimators.sample(values, theta[:, 0], error, np.random.default_rng(n), rounds=3)
        truth = loss(mean, abs(slopes[0]) * np.sqrt(1 / (1 + error**2)))  # what the estimate tells of it
        assert one.value == pytest.approx(truth, abs=4 * one.error + 0.005)
        found.append(one.value)
    assert found == sorted(found)
    known = voi_estimators.partial(values, theta[:, :1])
    assert found[-1] == pytest.approx(known.value, abs=4 * known.error)


def test_a_trial_of_whole_schools_tells_less():
    assert voi_estimators.design_effect(1, 0.3) == 1
    assert voi_estimators.design_effect(25, 0.15) == pytest.approx(4.6)
    assert voi_estimators.standard_error(4_000, 4.0) == pytest.approx(2 * voi_estimators.standard_error(4_000, 1.0))
    assert voi_estimators.standard_error(400, 1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("n", [20, 100])
def test_few_draws_make_perfect_information_too_small_and_the_jackknife_says_so(n):
    rng = np.random.default_rng(5)
    equal = [rng.standard_normal((2, n)) for _ in range(400)]
    missed = np.mean([voi_estimators.perfect(values).value for values in equal]) - 1 / np.sqrt(np.pi)
    told = np.mean([voi_estimators.bias(values) for values in equal])
    assert missed < told < 0  # part of it, where plans are equally good
    ahead = equal[0] + np.array([[0.0], [100.0]])
    assert voi_estimators.bias(ahead) == 0.0


@pytest.fixture(scope="module")
def two_steps():
    """Two first steps, the second of which costs 0.3 and changes nothing else; the then better depends on theta."""
    rng = np.random.default_rng(6)
    theta, noise, common = rng.standard_normal((3, N))
    values = np.zeros((2, 2, N))
    values[0] = common
    values[0, 1] += -0.5 + 2 * theta + noise
    values[1] = values[0] - 0.3
    error = 0.5
    return values, (theta + error * rng.standard_normal(N))[:, None], loss(-0.5, 2 / np.sqrt(1 + error**2))


def test_deciding_in_two_steps_has_its_closed_form(two_steps):
    values, signal, truth = two_steps
    first, worth = voi_estimators.stepped(values, [signal, signal])
    assert first == 0
    assert worth.value == pytest.approx(truth, abs=4 * worth.error)
    assert worth.value <= voi_estimators.perfect(values[0]).value


def test_a_first_step_that_tells_more_is_taken_though_it_brings_less(two_steps):
    values, signal, truth = two_steps
    nothing = np.zeros((N, 0))
    first, worth = voi_estimators.stepped(values, [nothing, signal])
    assert first == 1
    assert worth.value == pytest.approx(truth - 0.3, abs=4 * worth.error)


def test_a_signal_that_tells_nothing_is_worth_nothing_and_does_no_harm(two_steps):
    values = two_steps[0][..., :2000]
    noise = np.random.default_rng(7).standard_normal((2000, 3))
    for seen in (np.zeros((2000, 0)), noise):
        first, worth = voi_estimators.stepped(values, [seen, seen])
        assert first == 0
        assert 0 <= worth.value <= 3 * worth.error + 1e-9


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


@pytest.fixture(scope="module")
def found(scenario):
    asked = Studying(
        Objective(),
        Voi(
            splits=["equal", "per_pupil"],
            portfolios=["balanced", "tutoring", "early_years_first"],
            trial_pupils=[1000, 1_000_000],
            gate_years=[1, 2, 40],
        ),
    )
    return value_of_information.voi(scenario, asked)


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


def test_pounds_are_those_of_the_margin_where_a_pound_brings_less(found):
    assert 0 < found.pound < found.manifest["units_a_pound_on_average"]
    assert found.pound == found.manifest["units_a_pound_at_the_margin"]


def test_a_gate_after_the_money_is_told_and_not_reckoned(found):
    assert found.manifest["gate_years_left_out"] == [40]
    assert not found.gates.gate.str.contains("40").any()
    assert any("No gate stands after year 40" in line for line in narrative.information_sentences(found))


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
    assert set(found.gates.signal) == set(staged_decisions.SIGNALS)


def test_sentences_and_pictures_say_what_is_worth(found):
    said = narrative.information_sentences(found)
    assert said[0].startswith("Of 6 plans")
    assert any("trial" in line for line in said)
    assert any("gate" in line.lower() or "deciding the rest" in line.lower() for line in said)
    assert "perfect information" in decision_charts.known(found)
    assert "<svg" in decision_charts.trials(found)


def test_one_plan_is_no_choice():
    with pytest.raises(Refusal, match="two plans or more"):
        Voi(splits=["equal"], portfolios=["balanced"])
    with pytest.raises(Refusal, match="split in voi"):
        Voi(splits=["equal", "by_rain"], portfolios=["balanced"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"splits": ["equal", "equal"]}, "voi.splits must name each once"),
        ({"gate_years": [2, 2]}, "voi.gate_years must name each once"),
        ({"gate_years": [0]}, "voi.gate_years: one must be 1 to"),
        ({"trial_pupils": [49]}, "a school or more in each of two arms"),
    ],
)
def test_a_study_that_cannot_be_is_refused(more, said):
    with pytest.raises(Refusal, match=said):
        Voi(**{"splits": ["equal", "per_pupil"], "portfolios": ["balanced"]} | more)


@pytest.mark.parametrize("risk", ["cvar", "floor"])
def test_information_is_of_the_mean_and_no_other_risk_is_quietly_dropped(risk):
    with pytest.raises(Refusal, match=r"objective\.risk=mean"):
        Studying(objective=Objective(risk=risk))


@pytest.mark.parametrize(("word", "portfolio"), [("budget.total_gbp=0", "balanced"), ("budget.total_gbp=20e6", "none")])
def test_plans_without_money_are_refused(word, portfolio):
    scenario = load_scenario("areas=three_areas", "sampler.draws=20", word, horizon=6)
    asked = Studying(voi=Voi(splits=["equal", "per_pupil"], portfolios=[portfolio]))
    with pytest.raises(Refusal, match="without money"):
        value_of_information.voi(scenario, asked)
