"""The figures of a run: each bears its marks, and money adds up."""

import json
from dataclasses import replace

import numpy as np
import pytest

from oa_sim.definitions import MEASURES
from oa_sim.inference import mcse
from oa_sim.report import reported_statistic, run_statistics
from oa_sim.simulation import summaries


def test_every_mark_stands_beside_the_number_it_touches(every_area):
    found = run_statistics.brief(every_area)
    assert reported_statistic.OWN in found["impact in Norwich"].marks
    assert "\N{SECTION SIGN}" in found["impact in Norwich"].in_cell
    assert reported_statistic.OWN not in found["impact in Oldham"].marks
    county = reported_statistic.About("", "", marks=run_statistics.place(every_area, "phonics", "all", "Norwich").marks)
    assert reported_statistic.PROXY in county.marks
    assert reported_statistic.of_number(county, 1.0, run_statistics.origin(every_area)).mark.startswith("\N{DAGGER}")
    assert reported_statistic.VERIFY in found["impact"].marks
    assert reported_statistic.VERIFY not in found["counterfactual"].marks
    failed = replace(every_area, manifest=json.loads(json.dumps(every_area.manifest)))
    failed.manifest["gates"]["verdict"] = "FAIL"
    assert all("[FAIL]" in one.whole for one in run_statistics.brief(failed).values())


def test_the_money_of_the_areas_adds_up_to_the_money_in(every_area):
    found = run_statistics.brief(every_area)
    by_area = sum(one.value for name, one in found.items() if name.startswith("money in "))
    assert by_area == found["money_in"].value
    assert found["money_in"].value == sum(found[name].value for name in ("allocated", "management", "unspent"))


@pytest.fixture(scope="module")
def found(tiny):
    return {one.figure: one for one in run_statistics.workbook(tiny)}


def test_every_place_group_measure_and_year_has_its_three_outcomes(tiny, found):
    pairs = sum(len(MEASURES[name].table_groups) for name in tiny.draws.measure.values.tolist())
    wanted = 3 * pairs * (tiny.draws.sizes["area"] + 1) * tiny.draws.sizes["year"]
    outcomes = [one for one in found.values() if one.quantity in ("projection", "counterfactual", "impact")]
    assert len(outcomes) == wanted
    assert len(found) == len(run_statistics.workbook(tiny))


def test_a_figure_that_the_brief_has_is_the_briefs_own(tiny, found):
    brief = run_statistics.brief(tiny)
    shared = [one for one in brief.values() if one.figure in found]
    assert len(shared) > 20
    assert all(found[one.figure] == one for one in shared)
    assert all(one.shown_in == "workbook" for name, one in found.items() if name not in {b.figure for b in shared})


def test_what_is_formed_from_whole_arrays_is_what_each_figure_alone_would_be(tiny, found):
    area, year = tiny.draws.area.values[1], int(tiny.draws.year.values[-1])
    name = f"counterfactual/attainment_8/other/{area}/{year}"
    draws = tiny.draws.counterfactual.sel(area=area, year=year, measure="attainment_8", group="other")
    about = reported_statistic.About("", "")
    alone = reported_statistic.of_draws(about, draws.transpose("chain", "draw").values, run_statistics.origin(tiny))
    assert (found[name].text, found[name].interval) == (alone.text, alone.interval)
    assert found[name].error == pytest.approx(alone.error)


def test_a_promise_is_kept_in_its_share_of_draws_and_less_is_promised_with_more_chance(tiny, found):
    year = int(tiny.draws.year.values[-1])
    for measure, sign in (("key_stage_2", 1), ("persistent_absence", -1)):
        draws = tiny.draws.projection.sel(measure=measure, group="all", year=year).mean("area").values
        levels = [found[f"promised_{p}/{measure}/all/mean of areas/{year}"].value for p in (50, 70, 90)]
        for chance, level in zip((0.5, 0.7, 0.9), levels, strict=True):
            assert (sign * draws >= sign * level).mean() == pytest.approx(chance, abs=1 / draws.size)
        assert sign * levels[0] > sign * levels[1] > sign * levels[2]


def test_promises_are_of_the_headlines_year_and_the_last(tiny, found):
    years = {one.year for one in found.values() if one.quantity == "promised_50"}
    assert years == {summaries.headline_year(tiny), int(tiny.draws.year.values[-1])}


def test_the_error_of_a_median_by_quantile_is_that_of_a_normal_and_none_where_nothing_varies():
    draws = np.random.default_rng(3).standard_normal((4, 500, 2))
    draws[..., 1] = 7.0
    error = mcse.error_of_quantile(draws, 0.5, 2000)
    assert error[0] == pytest.approx(np.sqrt(np.pi / 2 / 2000), rel=0.35)
    assert error[1] == 0


def test_money_adds_up_to_the_pound_by_area_and_to_the_account(tiny, found):
    areas = tiny.draws.area.values.tolist()
    lines = [name for name in {one.quantity for one in found.values()} if name.startswith("spent_on_")]
    for area in [*areas, "all areas"]:
        spent = sum(found[f"{name}/{area}"].value for name in lines)
        assert spent == pytest.approx(found[f"allocated/{area}"].value, abs=0.01)
        parts = sum(found[f"{name}/{area}"].value for name in ("allocated", "management", "unspent"))
        assert parts == pytest.approx(found[f"money_in/{area}"].value, abs=0.01)
    for name in ("money_in", "management", "unspent"):
        assert round(sum(found[f"{name}/{area}"].value for area in areas)) == tiny.manifest["account_gbp"][name]


def test_risk_is_a_word_over_a_grade(tiny, found):
    area = tiny.draws.area.values[0]
    one = found[f"risk/key_stage_2/disadvantaged/{area}"]
    word = str(tiny.sustainability.risk.sel(area=area, measure="key_stage_2", group="disadvantaged").values)
    assert (one.text, one.value) == (word, {"low": 1, "medium": 2, "high": 3}[word])


def test_without_the_programme_nothing_rests_on_what_it_does(found):
    assert not any(reported_statistic.VERIFY in one.marks for one in found.values() if one.quantity == "counterfactual")


def test_without_money_there_is_no_impact_and_nothing_that_could_last(run_tiny):
    found = run_statistics.workbook(run_tiny("budget.total_gbp=0"))
    assert {one.text for one in found if one.quantity == "impact"} == {"0.0"}
    assert not [one for one in found if one.quantity.startswith(("left_", "risk"))]


@pytest.mark.slow
def test_every_number_is_finite(found):
    assert np.isfinite([(one.value, one.lower, one.upper, one.error) for one in found.values()]).all()
