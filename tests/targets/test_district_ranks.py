"""District ranks: laws of ranks, thresholds and base rates, and what targets by rank say."""

import numpy as np
import pandas as pd
import pytest
from test_assess import AREAS, GOOD, written

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.plots import target_charts
from oa_sim.targets import assess, district_ranks, narrative, settings
from oa_sim.targets.district_ranks import Goal
from oa_sim.targets.settings import Target, of_user

KS2 = ("key_stage_2", "all")
STOKE = ("Stoke-on-Trent", "key_stage_2", "disadvantaged")


@pytest.fixture(scope="module")
def districts():
    return district_ranks.read(None)


def figures(measure, group, year):
    """Return the figures of a year as they stand in the table, by code."""
    rows = tables.read("district_figures")
    return {
        row["code"]: row["value"]
        for row in rows
        if (row["measure"], row["group"], row["year"]) == (measure, group, year)
    }


@pytest.mark.parametrize("series", [KS2, ("good_level_of_development", "all"), ("persistent_absence", "all")])
def test_the_best_district_has_rank_1_and_the_worst_the_last(districts, series):
    names = {row["code"]: row["district"] for row in tables.read("districts")}
    known = figures(*series, 2019)
    order = sorted(known, key=lambda code: known[code], reverse=not Goal(*series, 0.5).lower_is_better)
    for code, expected in ((order[0], 1), (order[-1], len(known))):
        ranks = districts.ranks(names[code], *series).set_index("year")
        assert (ranks["rank"][2019], ranks.n_districts[2019]) == (expected, len(known))


@pytest.mark.parametrize("series", [KS2, ("persistent_absence", "all")])
def test_the_top_half_begins_at_the_median_and_half_of_the_districts_are_in_it(series):
    known, goal = np.array(list(figures(*series, 2019).values())), Goal(*series, 0.5)
    assert goal.threshold(known) == np.median(known)
    assert (goal.away(known, goal.threshold(known)) >= 0).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("series", [KS2, ("persistent_absence", "all")])
def test_a_smaller_share_takes_a_better_figure(districts, series):
    known = np.array(list(figures(*series, 2019).values()))
    sign = -1 if Goal(*series, 0.5).lower_is_better else 1
    levels = [sign * Goal(*series, share).threshold(known) for share in (0.9, 0.5, 1 / 3, 0.25, 0.1)]
    assert (np.diff(levels) > 0).all()
    gaps = [sign * districts.gaps(Goal(*series, share)).iloc[-1] for share in (0.9, 0.5, 0.1)]
    assert (np.diff(gaps) > 0).all()


def test_the_threshold_of_a_year_that_is_known_is_that_of_the_districts(districts):
    """With England at the mean of all districts' pupils, a gap of no age gives back the median, without any error."""
    goal = Goal(*KS2, 0.5)
    known = [
        row for row in tables.read("district_figures") if (row["measure"], row["group"], row["year"]) == (*KS2, 2019)
    ]
    england = np.average([row["value"] for row in known], weights=[row["pupils"] for row in known])
    drawn = districts.thresholds(goal, 2019, 2019, np.full(5, england), np.random.default_rng(1))
    np.testing.assert_allclose(drawn, np.median([row["value"] for row in known]))


def test_the_error_of_a_threshold_grows_with_the_years(districts):
    england, goal = np.full(4000, 60.0), Goal(*KS2, 0.5)
    spreads = [districts.thresholds(goal, year, 2023, england, np.random.default_rng(1)).std() for year in (2024, 2028)]
    assert spreads[1] == pytest.approx(spreads[0] * np.sqrt(5), rel=0.01)


def test_nothing_later_than_what_was_known_moves_a_threshold(districts):
    goal, england = Goal(*KS2, 0.5), np.full(3, 62.0)
    early = district_ranks.Districts(districts.figures[districts.figures.year <= 2017], districts.parts, districts.n)
    assert early.gaps(goal)[2017] == districts.gaps(goal)[2017]
    middle = np.median(districts.thresholds(goal, 2018, 2017, np.full(9999, 62.0), np.random.default_rng(1)))
    assert middle == pytest.approx(early.thresholds(goal, 2017, 2017, england, np.random.default_rng(1))[0], abs=0.05)


def test_a_base_rate_is_a_count_of_districts_that_stood_alike(districts):
    area, measure, group = STOKE
    rate = districts.base_rate(Goal(measure, group, 0.5), area, 2016, 2019)
    assert rate["base_rate_years"] == 3  # 2015/16 to 2018/19 alone
    start, end = figures(measure, group, 2016), figures(measure, group, 2019)
    place = {code: sum(other > value for other in start.values()) + 1 for code, value in start.items()}
    mine = -(-5 * place["E06000021"] // len(start))
    alike = [code for code in start if -(-5 * place[code] // len(start)) == mine]
    median = np.median(list(end.values()))
    assert rate["base_rate_n"] == len(alike)
    assert rate["base_rate"] == np.mean([end[code] >= median for code in alike])
    assert rate["base_rate_half"] == pytest.approx(np.median([end[code] - median for code in alike]))


def test_the_measured_calibration_has_every_band_and_is_near_what_was_said():
    table = pd.read_csv(district_ranks.CALIBRATION)
    assert set(table.measure) == {"key_stage_2", "good_level_of_development"}
    for _, rows in table.groupby("measure"):
        assert (rows.least.iloc[0], rows.most.iloc[-1]) == (0.0, 1.0)
        np.testing.assert_array_equal(rows.least.iloc[1:], rows.most.iloc[:-1])
        assert rows.said.between(rows.least, rows.most).all()
        assert rows.reached.is_monotonic_increasing
        error = np.sqrt(rows.said * (1 - rows.said) / rows.n) * 5  # districts and shares go together
        assert ((rows.reached - rows.said).abs() < 0.08 + error).all()


@pytest.mark.parametrize("p", [0.0, 0.149, 0.15, 0.5, 1.0])
def test_a_probability_has_the_band_of_the_test_in_which_it_lies(p):
    found = district_ranks.calibration("key_stage_2", p)
    assert found["calibration_least"] <= p <= found["calibration_most"]
    assert found["calibration_n"] > 90
    assert found["calibration_longest"] == 6


def test_what_has_figures_of_one_year_alone_is_not_calibrated_and_says_so(plans):
    found = district_ranks.calibration("attainment_8", 0.5)
    assert (found["calibration_n"], np.isnan(found["calibration_reached"])) == (0, True)
    ranked = plans.judged[plans.judged.scale == "rank"]
    said = narrative.target_sentences(plans)
    for _, row in ranked.iterrows():
        (sentence,) = (line for line in said if f"{row.area}, " in line and f"Rank {row.ranks} (" in line)
        is_tested = row.measure != "attainment_8"
        assert ("years ahead, districts with a probability" in sentence) == is_tested
        assert ("probability not tested" in sentence) != is_tested


@pytest.mark.parametrize(
    ("p", "words"), [(0.02, "a probability below 5%"), (0.12, "a probability of 10% to 20%"), (1.0, "of 95% or more")]
)
def test_the_band_of_the_test_is_said_in_words(p, words):
    row = pd.Series(district_ranks.calibration("key_stage_2", p))
    assert f"{words} reached their place in " in narrative._tested(row)


def test_an_area_of_two_districts_is_ranked_once_by_their_pupils(districts):
    ranks = districts.ranks("Fenland and East Cambridgeshire", *KS2).set_index("year")
    rows = [row for row in tables.read("district_figures") if row["code"] in ("E07000009", "E07000010")]
    rows = [row for row in rows if (row["measure"], row["group"], row["year"]) == (*KS2, 2023)]
    value = np.average([row["value"] for row in rows], weights=[row["pupils"] for row in rows])
    others = [figure for code, figure in figures(*KS2, 2023).items() if code not in ("E07000009", "E07000010")]
    assert ranks.value[2023] == pytest.approx(value)
    assert ranks["rank"][2023] == 1 + sum(figure > value for figure in others)
    assert ranks.n_districts[2023] == len(others) + 1


def test_years_without_nearly_all_districts_give_ranks_but_neither_thresholds_nor_base_rates(districts):
    assert max(districts.gaps(Goal(*KS2, 0.5)).index) == 2023
    ranks = districts.ranks("Ipswich", *KS2).set_index("year")
    assert ranks.n_districts[2025] < district_ranks.COMPLETE * districts.n
    assert "districts with figures in 2024/25" in district_ranks.said(ranks.reset_index(), 2025)


@pytest.mark.parametrize(
    ("area", "series", "year", "met"),
    [
        (STOKE[0], STOKE[1:], 2021, "met"),  # no figures of 2020/21; in the top half in 2018/19 and 2022/23
        ("Ipswich", KS2, 2021, "missed"),
        ("Ipswich", KS2, 2019, "missed"),
        ("Hastings", KS2, 2021, "not published"),  # in the top half before, and not after
        ("Ipswich", ("attainment_8", "all"), 2021, "not published"),
    ],
)
def test_a_target_of_a_year_without_figures_was_met_if_it_was_before_and_after(districts, area, series, year, met):
    assert districts.reached(Goal(*series, 0.5), area, year)["met"] == met


def test_derbys_target_of_key_stage_2_is_of_2021_and_prints_no_number():
    (row,) = [
        row
        for row in tables.read("targets")
        if (row["area"], row["measure"]) == ("Derby", "key_stage_2") and row["target_year"]
    ]
    assert (row["target_year"], row["target"], row["status"]) == (2021, None, "found")
    assert {"Derby", "Norwich"} == {
        one["area"]
        for one in settings.not_judged([row["area"] for row in tables.read("areas")], None)
        if one["why"] == settings.NO_NUMBER
    }


def test_every_target_of_the_plans_is_judged_or_listed():
    areas = [row["area"] for row in tables.read("areas")]
    rows, listed = settings.package(areas, None), settings.not_judged(areas, None)
    n_both = sum(row.target is None and row.year is not None for row in rows)
    assert len(rows) + len(listed) - n_both == len(tables.read("targets"))


def asked(tmp_path, target, scale="rank", measure="key_stage_2", year="2028"):
    path = written(tmp_path / "t.csv", [GOOD[0], ["Derby", measure, "all", target, year, scale]])
    return of_user(path, AREAS, None)


def test_a_rank_is_a_share_or_a_name(tmp_path):
    assert asked(tmp_path, "Top  Half")[0].target == asked(tmp_path, "0.5")[0].target == 0.5
    assert asked(tmp_path, "top third", scale="")[0].scale == "rank"
    assert asked(tmp_path, "60", scale="")[0].scale == "level"
    assert assess.goal_in_words(asked(tmp_path, "top quarter")[0]) == "top quarter of districts"
    assert assess.goal_in_words(asked(tmp_path, "0.4")[0]) == "best 40% of districts"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": "0.5", "scale": "position"}, "unknown scale 'position'"),
        ({"target": "top half", "scale": "level"}, "row 2: scale of the target 'top half' must be rank, got level"),
        ({"target": "50"}, "row 2: target on the scale rank must be a share of districts between 0 and 1.*got 50"),
        ({"target": "top dog"}, "row 2: target must be a number, got 'top dog'"),
    ],
)
def test_a_rank_that_is_none_is_refused(tmp_path, given, words):
    with pytest.raises(Refusal, match=words):
        asked(tmp_path, **given)


def test_a_rank_of_a_measure_without_figures_of_districts_is_refused_before_anything_is_run(scenario, tmp_path):
    path = written(tmp_path / "t.csv", [GOOD[0], ["Derby", "phonics", "all", "0.5", "2028", "rank"]])
    with pytest.raises(Refusal, match=r"needs figures of districts, got phonics \(all\): choose one of attainment_8"):
        assess.promise(scenario, Target(table=path, package=False))


def test_a_target_by_rank_is_judged_against_draws_of_its_threshold(seen, districts, tmp_path):
    judged = {}
    for name in ("top half", "top quarter", "0.9"):
        (target,) = asked(tmp_path, name)
        judged[name] = assess.judge(target, seen, [], Target(), None, districts)
    chances = [judged[name]["probability"] for name in ("0.9", "top half", "top quarter")]
    assert chances[0] > chances[1] >= chances[2]
    half = judged["top half"]
    parts = seen.parts("Derby", *KS2, 2028)
    needed = np.median(
        districts.thresholds(Goal(*KS2, 0.5), 2028, 2023, parts["england_level"], np.random.default_rng(3))
    )
    assert half["expected"] == pytest.approx(np.median(parts["projection"]) - needed, abs=2.0)
    assert half["expected_q05"] < half["promised_90"] < half["promised_50"]
    assert (half["share_of_districts"], half["goal"]) == (0.5, "top half of districts")
    assert np.isnan(half["target"])
    told = narrative._rank_assessment(pd.Series(half), 2024)
    assert (
        "Derby, Key stage 2 reading, writing and maths (Year 6), all pupils: top half of districts by 2027/28" in told
    )
    assert "Rank 272 of 324 in 2015/16" in told
    assert "estimated from school tables, by place of school" in told
    assert "met" not in told.split("Rank")[1].lower().replace("estimated", "").split("probability")[0]


@pytest.fixture(scope="module")
def plans():
    names = "areas=[Ipswich, Stoke-on-Trent]"
    return assess.promise(load_scenario(names, "sampler.draws=20", "measures=[key_stage_2]", horizon=5), Target())


def test_the_targets_of_the_plans_by_rank_stand_beside_the_ranks_since(plans):
    ranked = plans.judged[plans.judged.scale == "rank"]
    assert len(ranked) == 4
    assert ranked.probability.between(0, 1).all()
    said = " ".join(narrative.target_sentences(plans))
    assert "top half of districts by 2020/21. Rank 261 of 324 in 2015/16, 271 in 2018/19, 282 in 2022/23" in said
    assert "Not met (districts have no figures for 2020/21; judged by the years before and after)" in said
    assert "5 targets of the plans (Stoke-on-Trent 2, Ipswich 3) have no probability: not modelled." in said
    stoke = plans.progress[(plans.progress.area == STOKE[0]) & (plans.progress.group == "disadvantaged")]
    assert dict(zip(stoke.year, stoke["rank"], strict=True)) | {2016: 212, 2019: 155, 2023: 64} == dict(
        zip(stoke.year, stoke["rank"], strict=True)
    )
    assert (stoke.how_made == "estimated from school tables, by place of school").all()
    drawn = target_charts.ladder_picture(plans).svg
    assert "less the figure that the rank takes" in drawn
    assert "rank 261 of 324 in 2015/16" in drawn
