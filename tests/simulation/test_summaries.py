"""Summaries: means over areas are formed draw by draw, and no number says more than its interval supports."""

import numpy as np
import pytest

from oa_sim.definitions import MEASURES
from oa_sim.simulation import narrative, summaries


def test_a_mean_of_areas_is_formed_draw_by_draw(tiny):
    found = summaries.mean_of_areas(tiny, "impact", "phonics")
    draws = tiny.draws.impact.sel(measure="phonics", group="all").astype(float).mean("area")
    plain = draws.quantile(summaries.BAND, ["chain", "draw"]).transpose("quantile", "year")
    np.testing.assert_allclose(found, plain, rtol=1e-12)
    assert (np.diff(found, axis=0) >= 0).all()


def test_one_area_has_its_own_figures_and_not_the_mean(tiny):
    for area in tiny.draws.area.values.tolist():
        one = summaries.mean_of_areas(tiny, "counterfactual", "key_stage_2", area=area)
        draws = tiny.draws.counterfactual.sel(measure="key_stage_2", group="all", area=area).astype(float)
        np.testing.assert_allclose(one[2], draws.median(["chain", "draw"]), rtol=1e-12)
        assert summaries.over_areas(tiny, area) == area
    assert summaries.over_areas(tiny) == "mean of the 3 areas"


def test_areas_are_compared_in_the_last_funded_year_or_in_the_last_that_is_projected(tiny, run_tiny):
    last = tiny.sustainability.attrs["last_funded_year"]
    assert summaries.headline_year(tiny) == min(last, int(tiny.draws.year.max()))
    _, band = summaries.impact_by_area(tiny, "phonics", "all")
    at = {"measure": "phonics", "group": "all", "year": summaries.headline_year(tiny)}
    np.testing.assert_allclose(band[2], tiny.draws.impact.sel(at).astype(float).median(["chain", "draw"]), rtol=1e-12)


def test_without_money_there_is_no_impact(tiny, run_tiny):
    assert summaries.has_impact(tiny)
    assert not summaries.has_impact(run_tiny("scenario=no_programme"))


def test_a_countys_figures_are_marked_and_counted(tiny):
    for measure, one, several in (
        ("phonics", "county proxy", "county proxies"),
        ("key_stage_2", "own estimate", "own estimates"),
    ):
        assert summaries.mark_of(tiny, measure, "all", "Norwich") == f" ({one})"
        assert summaries.mark_of(tiny, measure, "all", "Oldham") == ""
        assert summaries.mark_of(tiny, measure, "all") == f" (1 of them {several})"


def test_what_is_left_has_the_error_of_independent_draws():
    left = {"left_5y": 0.5, "left_5y_q05": 0.2, "left_5y_q95": 0.8, "p_half_left_5y": 0.5}
    share, (half, error) = summaries.left_after(left, 5, 400)
    assert share[:3] == (0.5, 0.2, 0.8)
    np.testing.assert_allclose([share.error, half, error], [0.6 / 3.29 / 20, 0.5, 0.5 / 20])


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_better_for_pupils_is_less_where_less_is_better(measure):
    draws = np.linspace(-0.9, 0.1, 101)[None]  # 90 of 101 are below nothing, which is said in steps of 5%
    less = MEASURES[measure].lower_is_better
    assert narrative.better(draws, measure) == ("90%" if less else "10%")
    assert narrative.better(-draws, measure) == ("10%" if less else "90%")
