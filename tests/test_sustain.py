"""What lasts, read off a gain that is made by hand."""

import numpy as np
import pytest
import xarray as xr

from oa_sim import load_scenario, sustain

YEARS = np.arange(2024, 2040)
LAST = 2028


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("areas=[Norwich]", "measures=[phonics]", "horizon=5")


def money(scenario):
    """Return money for tutoring alone, up to the last funded year."""
    names = list(scenario.interventions)
    spend = np.zeros((1, len(names), len(YEARS)))
    spend[0, names.index("primary_tutoring"), YEARS <= LAST] = 1000.0
    coords = {"area": ["Norwich"], "intervention": names, "year": YEARS}
    return xr.Dataset({"spend": (tuple(coords), spend)}, coords)


def lasting(scenario, *courses):
    """Return what lasts of gains, one course of years a draw."""
    values = np.array(courses)[None, :, None, None, None, :]
    dims = ("chain", "draw", "area", "group", "measure", "year")
    gain = xr.DataArray(values, {"area": ["Norwich"], "group": ["all"], "measure": ["phonics"], "year": YEARS}, dims)
    return sustain.risk(scenario, gain, money(scenario)).squeeze()


def course(peak, *after):
    """Return a gain that is at its peak to the last funded year, then what is given, then its last value."""
    later = YEARS - LAST - 1
    return [peak if k < 0 else after[min(k, len(after) - 1)] for k in later]


def test_a_gain_that_stays_is_all_there_and_low_risk(scenario):
    found = lasting(scenario, course(0.02, 0.02))
    assert [float(found[name]) for name in ("left_1y", "left_5y", "left_10y", "p_half_left_10y")] == [1, 1, 1, 1]
    assert float(found.half_life_years) == np.sum(YEARS > LAST)
    assert str(found.risk.values) == "low"


def test_a_gain_that_goes_at_once_is_high_risk(scenario):
    found = lasting(scenario, course(0.02, 0.0))
    assert float(found.left_1y) == 0
    assert float(found.half_life_years) == 0
    assert float(found.shortfall_5y_sd) == pytest.approx(0.01)
    assert str(found.risk.values) == "high"


def test_half_life_counts_the_years_until_the_gain_stays_below_half(scenario):
    assert float(lasting(scenario, course(0.02, 0.015, 0.011, 0.009)).half_life_years) == 2


def test_a_gain_whose_cohorts_arrive_later_is_not_called_lost(scenario):
    late = course(0.01, 0.002, 0.002, 0.002, 0.002, 0.002, 0.01)  # back at its peak six years after the money
    assert float(lasting(scenario, late).left_5y) == 1


def test_shares_are_those_of_draws(scenario):
    found = lasting(scenario, course(0.02, 0.02), course(0.02, 0.0), course(0.02, 0.0), course(0.02, 0.0))
    assert float(found.p_half_left_5y) == 0.25
    assert str(found.risk.values) == "high"


def test_a_draw_without_impact_does_not_count_as_kept(scenario):
    found = lasting(scenario, course(0.02, 0.02), course(-0.02, -0.02), course(0.0, 0.0))
    assert float(found.p_impact) == pytest.approx(1 / 3)
    assert float(found.left_5y) == 1


def test_no_impact_at_all_is_said_in_words(scenario):
    found = lasting(scenario, course(0.0, 0.0))
    assert str(found.risk.values) == "none"
    assert str(found.reason.values) == "there is no impact to keep"
    assert np.isnan(float(found.left_5y))


def test_the_reason_names_the_chance_the_rule_and_what_was_bought(scenario):
    reason = str(lasting(scenario, course(0.02, 0.0)).reason.values)
    for part in ("is 0 %", "below 33 %", "100 % bought-in", "'stop'"):
        assert part in reason
