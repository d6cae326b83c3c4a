"""What is left of the peak: over which years, and of which activity more."""

import numpy as np
import pytest
from test_sustainability import course

from oa_sim import load_scenario
from oa_sim.inputs import areas
from oa_sim.programme import budget, delivered_effects, parameters
from oa_sim.projection import cohort, impact_retention, sustainability

YEARS = np.arange(2024, 2045)
LAST = 2028


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("areas=[Norwich]", "measures=[phonics]", "horizon=5")


def test_the_curve_runs_from_the_last_funded_year_to_fifteen_after(scenario):
    values = np.array([course(0.02, 0.01, 0.004)]).T[None]
    found = impact_retention.described(values, YEARS, LAST, smallest=5e-4, matters=0.01)
    assert found["curve"][0].tolist() == pytest.approx([1, 0.5] + [0.2] * 14)
    assert found["curve_p_half"][0].tolist() == [1, 1] + [0] * 14
    assert (found["curve_q05"] <= found["curve_q95"]).all()


@pytest.mark.parametrize("n_with_impact", [0, 1, 2, 57])
def test_the_ends_of_an_interval_are_the_quantiles_of_the_draws_that_have_an_impact(n_with_impact):
    peak = np.random.default_rng(2).uniform(0.01, 0.03, 57) * (np.arange(57) < n_with_impact)
    gain = peak * np.array([1.0, *np.linspace(0.9, 0.1, len(YEARS) - 1)])[:, None]
    described = impact_retention.described(gain[None], YEARS, YEARS[0], smallest=5e-4, matters=0.01)
    half_lives = described["half_life_years_q05"][0], described["half_life_years_q95"][0]
    assert np.isnan(half_lives).all() == (n_with_impact == 0)
    for end, share in (("q05", 0.05), ("q95", 0.95)):
        assert described[f"peak_sd_{end}"][0] == pytest.approx(np.quantile(gain.max(axis=0), share))
        if n_with_impact:
            left = np.quantile(np.full(n_with_impact, 0.9), share)
            assert described[f"left_1y_{end}"][0] == pytest.approx(left)


@pytest.fixture(scope="module")
def left_of(known):
    """Answer the share of its own peak left five years after three years of money, by draw."""

    def answer(name, measure):
        shares = f"portfolio.shares={{{name}: 1.0}}"
        scenario = load_scenario("areas=[Norwich]", "budget=three_years", "portfolio=custom", shares)
        pupils = areas.pupils(known)
        money = budget.allocate(scenario, pupils)
        drawn = parameters.drawn(scenario, known, 4, 500)
        active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=["Norwich"]), drawn)
        gain = cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn).sel(
            group="disadvantaged", measure=measure, area="Norwich"
        )
        return impact_retention.share_left(gain, sustainability.last_funded(money), 5).values.ravel()

    return answer


@pytest.mark.parametrize(
    ("bought", "measure"), [("primary_tutoring", "key_stage_2"), ("secondary_tutoring", "attainment_8")]
)
@pytest.mark.parametrize("embedded", ["teacher_development", "maths_mastery"])
def test_bought_in_tutoring_keeps_less_than_embedded_training_of_equal_peak(left_of, bought, embedded, measure):
    tutoring, training = left_of(bought, measure), left_of(embedded, measure)
    both = np.isfinite(tutoring) & np.isfinite(training)  # shares of each one's own peak: equal peaks
    assert both.mean() > 0.9
    assert (tutoring < training)[both].mean() >= 0.9
