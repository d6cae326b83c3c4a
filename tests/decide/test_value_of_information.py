"""What information is worth to the plans of a scenario: laws, gates, and what is told."""

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.decide import narrative, staged_decisions, value_of_information
from oa_sim.decide.objective import Objective
from oa_sim.decide.value_of_information import Studying, Voi
from oa_sim.errors import Refusal
from oa_sim.plots import decision_charts


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
    assert any("No stage gate is possible after year 40" in line for line in narrative.information_sentences(found))


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
    assert "perfect information" in decision_charts.information_value_picture(found).svg
    assert "<svg" in decision_charts.trial_value_picture(found).svg


@pytest.mark.parametrize(("word", "portfolio"), [("budget.total_gbp=0", "balanced"), ("budget.total_gbp=20e6", "none")])
def test_plans_without_money_are_refused(word, portfolio):
    scenario = load_scenario("areas=three_areas", "sampler.draws=20", word, horizon=6)
    asked = Studying(voi=Voi(splits=["equal", "per_pupil"], portfolios=[portfolio]))
    with pytest.raises(Refusal, match="without money"):
        value_of_information.voi(scenario, asked)


def test_one_plan_is_no_choice():
    with pytest.raises(Refusal, match="two plans or more"):
        Voi(splits=["equal"], portfolios=["balanced"])
    with pytest.raises(Refusal, match=r"unknown voi\.splits"):
        Voi(splits=["equal", "by_rain"], portfolios=["balanced"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"splits": ["equal", "equal"]}, "voi.splits must name each once"),
        ({"gate_years": [2, 2]}, "voi.gate_years must name each once"),
        ({"gate_years": [0]}, "voi.gate_years must be 1 to 50 years"),
        ({"trial_pupils": [49]}, "a school or more in each of two arms"),
    ],
)
def test_a_study_that_cannot_be_is_refused(more, words):
    with pytest.raises(Refusal, match=words):
        Voi(**{"splits": ["equal", "per_pupil"], "portfolios": ["balanced"]} | more)


@pytest.mark.parametrize("risk", ["cvar", "floor"])
def test_information_is_of_the_mean_and_no_other_risk_is_quietly_dropped(risk):
    with pytest.raises(Refusal, match=r"objective\.risk=mean"):
        Studying(objective=Objective(risk=risk))
