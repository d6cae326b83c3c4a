"""Parameters as they are drawn: what boards, partners, stages and staff change."""

import pytest
import xarray as xr
from tiny import TINY

from oa_sim import load_scenario
from oa_sim.programme import parameters


def drawn_of(known, *overrides, draws=200):
    scenario = load_scenario(*overrides)
    return scenario, parameters.drawn(scenario, known, 2, draws)


@pytest.mark.parametrize("part", load_scenario().organisation.board)
def test_each_part_of_the_board_shortens_the_lag_and_raises_the_dose(known, part):
    _, there = drawn_of(known)
    _, absent = drawn_of(known, f"organisation.board.{part}=0")
    assert (absent["lag"] > there["lag"]).all()
    assert (absent["dose"] < there["dose"]).all()


@pytest.mark.parametrize("partner", load_scenario().organisation.engagement)
def test_each_partner_widens_reach_and_survival_where_it_works_and_nowhere_else(known, partner):
    scenario, absent = drawn_of(known, f"organisation.engagement.{partner}=0")
    _, there = drawn_of(known, f"organisation.engagement.{partner}=1")
    for name, about in scenario.interventions.items():
        more = there.sel(intervention=name), absent.sel(intervention=name)
        works = about.phase in parameters.WORKS_WITH[partner]
        for key in ("reach_odds", "survives"):
            assert bool((more[0][key] > more[1][key]).all()) == works


def test_on_average_half_the_effect_of_attendance_work_reaches_attainment(known):
    link = parameters.drawn(load_scenario(*TINY), known, 4, 2000).attendance_link.mean(["chain", "draw"])
    assert float(1.5 * link[0] + 0.5 * link[1]) == pytest.approx(0.5, abs=0.02)


def test_early_years_carry_a_fifth_to_two_fifths_of_a_treatment_to_key_stage_2(known):
    drawn = parameters.drawn(load_scenario(*TINY), known, 4, 2000).sel(intervention="early_language")
    f = drawn.floor * drawn.first_year
    kept = f + (drawn.first_year - f) * drawn.later**5  # R(6): from Reception to year 6
    assert 0.2 < float(kept.mean()) < 0.4


def test_activity_that_rests_on_trained_staff_wears_with_them_unless_they_are_replaced(known):
    asked = [load_scenario(*TINY, f"sustainability.retraining={share}") for share in (0, 0.5, 1)]
    never, half, always = (parameters.drawn(scenario, known, 2, 500) for scenario in asked)
    trained = [name for name, about in asked[0].interventions.items() if about.rests_on_trained_staff]
    assert {"teacher_development", "maths_mastery"} <= set(trained) < set(asked[0].interventions)
    for name, about in asked[0].interventions.items():
        one, two, three = (found.survives_later.sel(intervention=name) for found in (never, half, always))
        if about.rests_on_trained_staff:
            assert bool((one < two).all())
            assert bool((two < three).all())
        else:
            xr.testing.assert_identical(one, three)
        xr.testing.assert_identical(*(found.survives.sel(intervention=name) for found in (never, always)))
    assert float(never.staff_renewed.sel(intervention=trained[0]).mean()) == pytest.approx(0.79, abs=0.01)
