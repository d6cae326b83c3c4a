"""The outside view: weights and their smoothing, and a headline said both ways."""

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr
from scipy.stats import t as student
from tiny import TINY

from oa_sim import Result, load_scenario
from oa_sim.inference import importance_sampling
from oa_sim.inputs import areas
from oa_sim.programme import budget, delivered_effects, parameters
from oa_sim.projection import cohort, outside_view
from oa_sim.report import run_brief
from oa_sim.report.formats import html_pages
from oa_sim.simulation import narrative
from oa_sim.simulation.scenario_run import run

ON = "evidence.outside_view.is_on=true"
LARGE = "budget.total_gbp=1e10"  # so much that the outside view disagrees


# the whole-area effect


def gain_of(values, measures=("phonics", "key_stage_2")):
    """Return gain by draw and year, the same in every area, group and measure."""
    values = np.asarray(values, dtype=float)
    dims = ("chain", "draw", "area", "group", "measure", "year")
    whole = np.broadcast_to(
        values[None, :, None, None, None, :], (1, len(values), 2, 3, len(measures), values.shape[1])
    )
    coords = {"group": ["disadvantaged", "other", "all"], "measure": list(measures), "year": range(values.shape[1])}
    return xr.DataArray(whole.copy(), coords, dims)


def test_the_peak_is_the_largest_year_and_keeps_its_sign():
    peak = outside_view.whole_area(gain_of([[0.0, 0.01, 0.03, 0.02], [0.0, -0.01, -0.04, 0.01]]))
    assert peak.values.tolist() == [[0.03, -0.04]]


def test_the_whole_area_is_all_pupils_attainment_meaned_over_areas_and_measures():
    gain = gain_of([[0.02]], measures=("phonics", "key_stage_2", "suspensions"))
    gain.loc[{"group": "disadvantaged"}] = 1.0
    gain.loc[{"measure": "suspensions"}] = 1.0
    gain[:, :, 0, 2, 1] = 0.06
    assert float(outside_view.whole_area(gain)[0, 0]) == pytest.approx((0.02 * 3 + 0.06) / 4)


def test_weights_are_the_density_of_the_outside_view():
    view = load_scenario().evidence.outside_view
    peaks = np.linspace(-0.05, 0.2, 30)
    found = outside_view.log_likelihood(view, peaks)
    expected = student.logpdf((peaks - 0.015) / 0.02, 4)
    np.testing.assert_allclose(np.diff(found), np.diff(expected), atol=1e-12)


def test_where_no_attainment_is_measured_nothing_is_weighed(run_tiny):
    result = run_tiny("measures=[neet_16_17]", "horizon=10")
    assert outside_view.whole_area(gain_of([[0.1]], measures=("neet_16_17",))) is None
    assert np.ptp(result.outside.weight.values) == 0
    assert "The outside view is about attainment, which is not measured here." in narrative.headline(result)[0]


@pytest.mark.parametrize("view", ["evidence.outside_view.is_on=false", ON])
def test_without_money_weights_are_alike_and_nothing_is_said(run_tiny, view):
    result = run_tiny("scenario=no_programme", view)
    assert np.ptp(result.outside.weight.values) == 0
    assert float(abs(result.draws.impact).max()) == 0
    assert not any("outside view" in sentence for sentence in narrative.headline(result))


# what it does to a result


def test_the_outside_view_moves_the_mean_towards_its_own(run_tiny):
    before, after = run_tiny(LARGE), run_tiny(LARGE, ON)
    promised = before.outside.whole_area
    taken = promised.values.ravel()[after.outside.taken.values.ravel()]
    assert abs(taken.mean() - 0.015) < abs(float(promised.mean()) - 0.015)
    assert float(after.draws.impact.sel(measure="key_stage_2", group="all").mean()) < float(
        before.draws.impact.sel(measure="key_stage_2", group="all").mean()
    )


def test_the_outside_view_leaves_what_would_have_happened_as_it_is(run_tiny):
    before, after = run_tiny(LARGE), run_tiny(LARGE, ON)
    xr.testing.assert_identical(before.draws.counterfactual, after.draws.counterfactual)
    has = np.isfinite(after.draws.projection.values)
    total = (after.draws.counterfactual + after.draws.impact).values
    assert (total[has] == after.draws.projection.values[has]).all()


def test_what_is_said_the_other_way_is_what_one_gets_the_other_way(run_tiny):
    before, after = run_tiny(LARGE), run_tiny(LARGE, ON)
    at = {"measure": "key_stage_2", "group": "disadvantaged"}
    for one, other in ((before, after), (after, before)):
        mean = other.draws.impact.sel(at).mean("area", dtype=float)
        np.testing.assert_allclose(one.outside.impact.values, mean.values, atol=1e-6)
        for name in ("left_5y", "p_half_left_5y", "peak_sd"):
            np.testing.assert_array_equal(one.outside[name].sel(at), other.sustainability[name].sel(at))


@pytest.mark.parametrize(("view", "said"), [("evidence.outside_view.is_on=false", "With"), (ON, "Without")])
def test_every_sentence_about_impact_is_said_both_ways(run_tiny, view, said):
    result = run_tiny(LARGE, view)
    impacts, lasts, *others = narrative.headline(result)
    level = next(line for line in others if line.startswith("The counterfactual is far less certain"))
    assert f". {said} the outside view: " in impacts
    assert f". {said} the outside view: " in lasts
    assert "outside view" not in level
    assert (" areas, with the outside view. " in impacts) == (view == ON)


def test_the_page_says_the_whole_area_effect_both_ways(run_tiny):
    page = html_pages.brief_page(run_brief.run_document(run_tiny(LARGE, ON)))
    assert "The outside view is on" in page
    assert "from the components of the programme and" in page
    assert "17 studies were combined" in page
    without = html_pages.brief_page(run_brief.run_document(run_tiny("scenario=no_programme")))
    assert "from the components of the programme and" not in without


def test_a_result_keeps_its_outside_view_in_its_file(run_tiny, tmp_path):
    result = run_tiny(LARGE, ON)
    back = Result.load(result.save(tmp_path / "result.nc"))
    xr.testing.assert_identical(back.outside, result.outside)
    assert narrative.headline(back) == narrative.headline(result)
    assert back.manifest["outside_view"]["pareto_k"] == result.outside.attrs["pareto_k"]


def test_what_is_said_of_single_interventions_rests_on_the_draws_that_are_taken(run_tiny):
    weighed, as_promised = run_tiny(LARGE, ON), run_tiny(LARGE)
    for name in ("retention", "by_intervention", "served"):
        assert not getattr(weighed, name).identical(getattr(as_promised, name))
    curve = weighed.retention.sel(intervention="all", years_after=5).left
    np.testing.assert_allclose(curve, weighed.sustainability.left_5y.transpose(*curve.dims), rtol=1e-5)
    xr.testing.assert_identical(weighed.draws.counterfactual, as_promised.draws.counterfactual)


def test_a_result_of_the_first_format_still_loads_and_says_one_way(run_tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("oa_sim.simulation.result.FORMAT", 1)
    monkeypatch.setattr("oa_sim.simulation.result.GROUPS_IN_FILE", ("posterior", "money", "sustainability"))
    path = run_tiny().save(tmp_path / "result.nc")
    monkeypatch.undo()
    assert not any("outside view" in sentence for sentence in narrative.headline(Result.load(path)))


def test_draws_that_hardly_agree_are_doubted_and_fail_where_it_is_on(run_tiny):
    seen = run_tiny().outside.copy().assign_attrs(run_tiny().outside.attrs | {"pareto_k": 0.83})
    doubted = dataclasses.replace(run_tiny(), outside=seen)
    assert "unreliable: Pareto k\u0302 is 0.83" in narrative.headline(doubted)[0]


def test_an_outside_view_that_few_draws_agree_with_marks_the_scenario(tiny_posterior, monkeypatch):
    monkeypatch.setattr(
        importance_sampling, "weigh", lambda log_ratio: (np.full(log_ratio.size, 1 / log_ratio.size), 0.83)
    )
    for view, verdict in (("true", "FAIL"), ("false", "PASS")):
        scenario = load_scenario(*TINY, "measures=[phonics]", f"evidence.outside_view.is_on={view}")
        result = run(scenario, posterior=tiny_posterior)
        assert result.manifest["gates"]["verdict"] == verdict
        assert ("[FAIL]" in result.label) == (verdict == "FAIL")
        assert ("Pareto k is 0.83" in result.manifest["gates"]["reason"]) == (verdict == "FAIL")


def test_a_synthesis_that_failed_marks_the_scenario(tiny_posterior, monkeypatch):
    from oa_sim.evidence import meta_analysis

    shipped = meta_analysis.posterior

    def failing(*asked):
        found = shipped(*asked)
        gates = json.loads(found.attrs["gates"]) | {"verdict": "FAIL", "reason": "4 divergent transitions"}
        return found.assign_attrs(gates=json.dumps(gates))

    monkeypatch.setattr(meta_analysis, "posterior", failing)
    result = run(load_scenario(*TINY, "measures=[phonics]"), posterior=tiny_posterior)
    assert result.label == "as_delivered [FAIL]"
    assert "the synthesis of the studies: 4 divergent transitions" in narrative.verdict(result)


# before any outcome is seen


@pytest.fixture(scope="module")
def peaks(known):
    """Give the whole-area effect of the default scenario at its peak, over all areas and by area."""
    scenario, pupils = load_scenario("sampler.draws=250"), areas.pupils(known)
    drawn = parameters.drawn(scenario, known, 4, 250)
    money = budget.allocate(scenario, pupils)
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    gain = cohort.with_all(
        cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), pupils
    )
    by_area = {name: outside_view.whole_area(gain.sel(area=[name])).values.ravel() for name in scenario.areas.names}
    return scenario, outside_view.weigh(scenario, gain), by_area


def test_before_any_outcome_the_whole_programme_does_what_such_programmes_may(peaks):
    _, seen, by_area = peaks
    drawn = seen.whole_area.values
    assert 0.01 < drawn.mean() < 0.04
    for drawn in (seen.whole_area.values, *by_area.values()):  # an equal split gives large areas less a pupil
        low, high = np.quantile(drawn, [0.05, 0.95])
        assert -0.03 < low < high < 0.12


def test_before_any_outcome_the_outside_view_brings_the_mean_closer_to_its_own(peaks):
    _, seen, _ = peaks
    drawn = seen.whole_area.values.ravel()
    weighed = drawn @ seen.weight.values.ravel()
    assert abs(weighed - 0.015) < abs(drawn.mean() - 0.015)
    assert abs(drawn[seen.taken.values.ravel()].mean() - weighed) < 2e-4
