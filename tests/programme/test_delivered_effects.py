"""Interventions: channels, and what money for activity buys."""

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.inputs import areas
from oa_sim.programme import budget, delivered_effects, parameters


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


def drawn_of(known, *overrides, draws=200):
    scenario = load_scenario(*overrides)
    return scenario, parameters.drawn(scenario, known, 2, draws)


def test_an_area_without_money_for_activity_has_no_national_money(known, pupils):
    shares = "split.shares={Norwich: 0.5, Oldham: 0, Derby: 0.5}"
    scenario, drawn = drawn_of(known, "areas=[Norwich, Oldham, Derby]", "split=custom", shares, draws=10)
    money = budget.allocate(scenario, pupils, known)
    for name in ("national", "offers"):
        assert money[name].dims == money.spend.dims
        assert not money[name].sel(area="Oldham").any()
        assert float(money[name].sel(area="Norwich").sum()) == float(money[name].sel(area="Derby").sum()) > 0
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    assert all((each[:, :, scenario.areas.names.index("Oldham")] == 0).all() for each in active.values())


def test_an_effect_on_attainment_that_was_measured_is_never_counted_twice():
    scenario = load_scenario()
    link = {"persistent_absence": np.array([[0.25]]), "suspensions": np.array([[0.25]])}
    measured = scenario.interventions["breakfast_clubs"]
    assert measured.acts_on["persistent_absence"] > 0  # the link would apply, had attainment not been measured
    assert delivered_effects.reaches(measured, link)["attainment"] == measured.acts_on["attainment"] == 1.0
    for name in ("attendance_support", "inclusion_support"):
        assert "attainment" not in scenario.interventions[name].acts_on
        assert (
            delivered_effects.reaches(scenario.interventions[name], link)["attainment"] == 0.5
        )  # 0.25 of 1.5 and of 0.5
        assert "attainment" in delivered_effects.channels(scenario.interventions[name])
    assert "attainment" not in delivered_effects.channels(scenario.interventions["careers_and_work"])[2:]
