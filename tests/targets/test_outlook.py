"""The way of each measure: its parts add up, and each is what it is said to be."""

import numpy as np
import pytest
from test_assess import AREAS

from oa_sim import load_scenario
from oa_sim.definitions import MEASURES
from oa_sim.inference import baseline_fit, counterfactual, link_functions
from oa_sim.inputs import areas, tables
from oa_sim.simulation import scenario_run
from oa_sim.targets import outlook


@pytest.mark.parametrize("measure", MEASURES)
def test_the_parts_of_the_way_add_up_on_every_draw(seen, measure):
    for group in MEASURES[measure].table_groups:
        parts = seen.parts("Oldham", measure, group, 2028)
        last = float(seen.last.sel(area="Oldham", measure=measure, group=group))
        whole = sum(parts[name] for name in outlook.PARTS)
        np.testing.assert_allclose(whole + last, parts["projection"], atol=1e-4)
        less = seen.less_england(parts, "Oldham", measure, group)
        away = last - float(seen.last_england.sel(area="Oldham", measure=measure, group=group))
        whole = sum(less[name] for name in outlook.PARTS)
        np.testing.assert_allclose(whole + away, parts["projection"] - parts["england_level"], atol=1e-4)


def test_england_is_the_course_by_which_the_run_was_drawn(scenario, seen):
    known = tables.read_all()
    here = known | {"areas": [row for row in known["areas"] if row["area"] in AREAS]}
    history, rolls = areas.history(here, until=2023), areas.pupils(here).rolls
    posterior = baseline_fit.load(draws=50)
    latent = counterfactual.project(scenario_run.checked(scenario), posterior, history, known, rolls)
    at = {"measure": "phonics", "group": "other"}
    drawn = link_functions.to_published("phonics", latent.national.sel(at).values)
    np.testing.assert_allclose(seen.england.sel(at).transpose("chain", "draw", "year").values, drawn)


def test_where_the_only_figure_is_the_areas_own_nothing_is_added_before_it_moves(seen):
    at = {"measure": "key_stage_2", "group": "disadvantaged"}
    assert np.abs(seen.standing.sel(area="Oldham", **at)).max() < 1e-9
    county = seen.standing.sel(area="North Yorkshire Coast", **at)
    assert county.std() > 1  # a district may lie far off its county, and this is no regression to the mean


def test_a_break_in_england_is_no_movement_of_a_districts_own(seen):
    parts = seen.parts("North Yorkshire Coast", "good_level_of_development", "all", 2024)
    assert parts["england"].mean() < -1  # the last figure is of 2018/19, before the reform of the profile
    assert parts["own"].mean() > -1


def test_the_programme_is_the_impact_of_the_run(seen):
    at = {"area": "Derby", "measure": "key_stage_2", "group": "all", "year": 2028}
    impact = seen.result.draws.impact.sel(at).transpose("chain", "draw").values.ravel()
    np.testing.assert_allclose(seen.parts(**at)["programme"], impact, atol=1e-4)


def test_a_district_starts_from_its_own_good_level_of_development(seen):
    at = {"area": "North Yorkshire Coast", "measure": "good_level_of_development"}
    assert int(seen.last_year.sel(at | {"group": "all"})) == 2019  # the last that was published of the district
    assert int(seen.last_year.sel(at | {"group": "disadvantaged"})) == 2023  # its county's


def test_without_money_nothing_of_the_way_is_the_programme(scenario):
    seen = outlook.outlook(load_scenario("scenario=no_programme", "areas=[Derby]", "sampler.draws=20", horizon=5))
    assert (seen.parts("Derby", "key_stage_2", "all", 2028)["programme"] == 0).all()
