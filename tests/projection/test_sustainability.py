"""What lasts, read off a gain that is made by hand."""

import numpy as np
import pytest
import xarray as xr

from oa_sim import load_scenario
from oa_sim.inputs import tables
from oa_sim.programme import parameters
from oa_sim.projection import sustainability

YEARS = np.arange(2024, 2045)
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
    drawn = parameters.drawn(scenario, tables.read_all(), 1, 50)
    return sustainability.lasting(scenario, gain, money(scenario), drawn).sustainability.squeeze()


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
    for part in ("is below 1%", "below 33%", "100% bought-in", "funding stops at once"):
        assert part in reason


def test_the_tail_is_the_mean_of_the_worst_draws(scenario):
    lost, kept = course(0.02, 0.0), course(0.02, 0.02)
    found = lasting(scenario, lost, *[kept] * 39)  # one draw in 40: half of the worst 5%
    assert float(found.shortfall_5y_sd) == pytest.approx(0.01 / 40)
    assert float(found.shortfall_5y_cvar_sd) == pytest.approx(0.01 / 2)


def test_the_chance_of_too_little_counts_every_draw(scenario):
    much, little, nothing = course(0.02, 0.012), course(0.009, 0.009), course(0.0, 0.0)
    found = lasting(scenario, much, much, little, nothing)  # what matters: 0.01 SD
    assert float(found.p_below_what_matters_peak) == 0.5
    assert float(found.p_below_what_matters_5y) == 0.5
    assert float(lasting(scenario, course(0.02, 0.005)).p_below_what_matters_5y) == 1


def test_without_money_for_activity_nothing_fails(run_tiny):
    result = run_tiny("scenario=no_programme")
    assert set(result.lasting().intervention) == {"all"}
    assert len(result.retained()) == 0


# by intervention


def test_what_lasts_is_said_of_each_intervention_on_the_measures_it_moves(tiny):
    table = tiny.lasting()
    assert list(table.intervention.unique()) == ["all", *tiny.served.intervention.values[1:]]
    apart = table[table.intervention != "all"]
    assert set(apart.group) == {"all"}
    assert set(apart[apart.intervention == "secondary_tutoring"].measure) == {
        "attainment_8", "level_3_by_19", "he_entry_by_19"
    }  # fmt: skip
    assert table.reason.str.len().min() > 20
    assert not table.drop(columns="peak_year").isna().any().any()


def test_the_reason_says_what_kind_of_activity_it_is_who_carries_it_and_what_pupils_keep(tiny):
    table = tiny.lasting().query("area == 'Blackpool' and measure == 'attainment_8'").set_index("intervention")
    bought, trained = table.reason["secondary_tutoring"], table.reason["teacher_development"]
    assert "bought-in: " in bought
    assert "embedded: " in trained
    for part in ("of activity goes on in the first year without money", "pupils already treated keep", "principles"):
        assert part in bought
        assert part in trained
    assert "trained staff" in trained
    assert "the youngest pupils served come to this measure up to 1 year later" in bought
    assert "trained staff" not in bought
    whole = table.reason["all"].iloc[-1]
    for part in (
        "the money bought",
        " of the peak comes from '",
        " of what is left after 5 years comes from '",
        "principles",
    ):
        assert part in whole


def test_principles_in_place_are_named_with_what_they_do(run_tiny):
    reason = run_tiny("scenario=hand_over").lasting().reason.iloc[0]
    assert "in place: existing networks, clear vision (0.5)" in reason
    assert "move survival of the first year of bought-in activity from 20% to " in reason


def test_the_curve_agrees_with_the_columns_and_never_grows(tiny):
    curve = tiny.retained()
    whole = tiny.lasting()
    for k in (1, 5, 10):
        keys = ["intervention", "area", "group", "measure"]
        both = curve[curve.years_after == k].merge(whole, on=keys)
        assert len(both) == len(whole)
        np.testing.assert_allclose(both["mean"], both[f"left_{k}y"], rtol=1e-6)
    steps = curve.groupby(["intervention", "area", "group", "measure"], sort=False)["mean"].diff().dropna()
    assert (steps <= 1e-6).all()
    assert curve["mean"].between(0, 1).all()
