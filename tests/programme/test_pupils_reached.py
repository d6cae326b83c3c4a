"""Pupils are counted once each, however many programmes meet on them."""

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.definitions import YEAR_GROUPS
from oa_sim.programme import pupils_reached

EVERYONE = np.full((2, len(YEAR_GROUPS)), 100.0)


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("areas=[Norwich]", "horizon=5")


def everywhere(share, *names, years=3):
    return {name: np.full((years, 4), share) for name in names}


def test_a_pupil_whom_three_programmes_serve_counts_once(scenario):
    names = ("primary_tutoring", "breakfast_clubs", "teacher_development")
    within, _ = pupils_reached.distinct(scenario, everywhere(0.5, *names), EVERYONE)
    poor = 1 - (1 - 0.5 * 0.6) * (1 - 0.5 * 0.7) * (1 - 0.5 * 0.8)  # eligible shares, year 6
    other = 1 - (1 - 0.5 * 0.15) * (1 - 0.5 * 0.4) * (1 - 0.5 * 0.8)
    assert within[6, 0, 0] == pytest.approx(100 * poor + 100 * other, abs=1e-10)
    assert within[9, 0, 0] == pytest.approx(200 * 0.5 * 0.8, abs=1e-10)  # year 9: teachers' development alone


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999, 1.0])
def test_no_year_group_is_served_more_than_once_over(scenario, share):
    active = everywhere(share, *scenario.interventions)
    within, so_far = pupils_reached.distinct(scenario, active, EVERYONE)
    assert (within <= 200 + 1e-9).all()
    assert (within >= 0).all()
    assert (np.diff(so_far, axis=0) >= 0).all()
    passed_through = 200 * (len(YEAR_GROUPS) + np.arange(3))  # cohorts that were there so far
    assert (so_far <= passed_through[:, None] + 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_distinct_pupils_are_at_most_places_and_at_least_the_largest_programme(scenario, seed):
    rng = np.random.default_rng(seed)
    active = {name: rng.uniform(0, 1, (3, 4)) for name in scenario.interventions}
    within, _ = pupils_reached.distinct(scenario, active, EVERYONE)
    alone = [pupils_reached.distinct(scenario, {name: active[name]}, EVERYONE)[0].sum(0) for name in active]
    assert (within.sum(0) <= sum(alone) + 1e-9).all()
    assert (within.sum(0) >= np.max(alone, axis=0) - 1e-9).all()


def test_who_is_served_again_the_year_after_counts_once(scenario):
    roll = np.zeros((2, len(YEAR_GROUPS)))
    roll[0] = 100.0  # disadvantaged pupils alone; half the eligible 60% of years 5 and 6 each year
    within, so_far = pupils_reached.distinct(scenario, everywhere(0.5, "primary_tutoring", years=2), roll)
    assert within.sum(0)[:, 0] == pytest.approx([60, 60], abs=1e-10)
    again = 100 * 0.7 * 0.3  # of the second year 6, who were year 5, those who were missed before
    assert so_far[1, 0] == pytest.approx(60 + 30 + again, abs=1e-10)


def test_the_table_has_a_row_for_each_area_intervention_and_year(tiny):
    table = tiny.pupils_served()
    asked = tiny.served
    assert len(table) == asked.sizes["area"] * asked.sizes["intervention"] * asked.sizes["money_year"]
    assert list(table.intervention.unique()) == ["any", *tiny.served.intervention.values[1:]]
    assert (table.places_q05 <= table.places).all()
    assert (table.places <= table.places_q95).all()
    alone = table[table.intervention != "any"]
    np.testing.assert_allclose(alone.pupils, alone.places, rtol=1e-12)
    whole = alone.groupby(["area", "year"], sort=False).places.sum()
    np.testing.assert_allclose(table[table.intervention == "any"].places, whole, rtol=1e-9)
    assert (table.proxy == (table.area == "Norwich")).all()
    assert not table.isna().any().any()


def test_without_a_programme_nobody_is_served(run_tiny):
    table = run_tiny("scenario=no_programme").pupils_served()
    assert set(table.intervention) == {"any"}
    assert (table[["places", "pupils", "pupils_so_far", "share_of_roll"]] == 0).all().all()
