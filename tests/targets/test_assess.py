"""Promises, targets and base rates: laws, wrong tables, and whether promises to authorities were kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest
import xarray as xr

from oa_sim import load_scenario
from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit, counterfactual, link_functions
from oa_sim.inputs import areas, panel, published_files, tables
from oa_sim.plots import target_charts
from oa_sim.simulation import scenario_run
from oa_sim.targets import assess, attainable, base_rates, minimum_budget, narrative, outlook, target_settings
from oa_sim.targets.target_settings import Target, Want, of_user
from oa_sim.validation import backtest
from oa_sim.validation.forecasts import Forecast
from oa_sim.validation.scoring import Entry

LAIT = Path(__file__).resolve().parents[3] / "shared" / "facts" / "lait_to_2022_23.parquet"
AREAS = ["Derby", "North Yorkshire Coast", "Oldham"]


@pytest.fixture(scope="module")
def scenario():
    return load_scenario(f"areas=[{', '.join(AREAS)}]", "sampler.draws=50", horizon=6)


@pytest.fixture(scope="module")
def found(scenario):
    return assess.promise(scenario, Target())


@pytest.fixture(scope="module")
def seen(found):
    return found.seen


@pytest.mark.parametrize("probability", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("lower", [False, True])
def test_what_is_promised_is_reached_with_that_probability(probability, lower):
    draws = np.random.default_rng(1).standard_normal(4001)
    value, error = attainable.promised(draws, probability, lower_is_better=lower)
    assert attainable.reached(draws, value, lower_is_better=lower)[0] == pytest.approx(probability, abs=1e-3)
    assert error == pytest.approx(np.sqrt(probability * (1 - probability) / 4001) / density(value), rel=0.3)


def density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def test_a_surer_promise_is_never_better(found):
    for _, row in found.promised.iterrows():
        sign = -1 if MEASURES[row.measure].lower_is_better else 1
        assert sign * row.promised_90 <= sign * row.promised_70 <= sign * row.promised_50


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


def parts(own, programme, n=500):
    noise = np.random.default_rng(0).standard_normal(n)
    return {"own": own + noise - noise.mean(), "programme": np.full(n, programme)}


def test_regression_to_the_mean_is_warned_of_where_it_does_the_work():
    share, warning = attainable.reversion(parts(3.0, 1.0), lower_is_better=False)
    assert share == pytest.approx(0.75)
    assert "75 %" in warning
    assert attainable.reversion(parts(0.5, 1.0), lower_is_better=False)[1] == ""
    assert attainable.reversion(parts(-3.0, 1.0), lower_is_better=False)[1] == ""
    assert attainable.reversion(parts(-3.0, -1.0), lower_is_better=True)[1]
    assert attainable.reversion(parts(3.0, 1.0), lower_is_better=True)[1] == ""


def made_up(n=400, years=9):
    """Return a record in which every authority moves against England by its rank's normal number times the years."""
    away = np.random.default_rng(2).standard_normal((n, 1)) * np.ones(years)
    published = 60 + 5 * away + np.arange(years)
    shape = {"area": [f"a{i}" for i in range(n)], "group": list(GROUPS), "measure": list(MEASURES)}
    every = np.broadcast_to(published[:, None, None], (n, len(GROUPS), len(MEASURES), years))
    england = np.broadcast_to(60.0 + np.arange(years), every.shape[1:])
    coords = {**shape, "year": 2010 + np.arange(years)}
    return xr.Dataset(
        {
            "published": (("area", "group", "measure", "year"), every),
            "england": (("group", "measure", "year"), england),
        },
        coords,
    )


def test_authorities_that_keep_their_distance_never_move():
    rows = base_rates.summarised(made_up())
    assert {row["n"] for row in rows if row["span"] == 1} == {80 * 8}
    assert base_rates.base_rate(rows, "key_stage_2", "all", 5, -7.0, 0.01) == (0.0, 80 * 4, 5)
    assert base_rates.base_rate(rows, "key_stage_2", "all", 30, -7.0, 0.0) == (1.0, 80, 8)  # the longest that is known
    assert base_rates.base_rate(rows, "suspensions", "all", 5, 3.0, 0.0)[0] == 1.0  # exactly so far is far enough
    assert base_rates.typical(rows, "key_stage_2", "all", 5, -7.0) == 0.0
    assert base_rates.base_rate(rows, "key_stage_2", "all", 5, -7.0, -0.01)[0] == 1.0
    assert base_rates.base_rate(rows, "suspensions", "all", 5, 3.0, -0.01)[0] == 0.0  # lower is better


def test_the_further_one_has_to_move_the_fewer_did():
    rows = tables.read("movements")
    for measure in ("key_stage_2", "attainment_8", "good_level_of_development"):
        rates = [base_rates.base_rate(rows, measure, "all", 5, -5.0, needed)[0] for needed in (-4, 0, 2, 4, 8)]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > rates[-1]
    rates = [base_rates.base_rate(rows, "persistent_absence", "all", 5, 2.0, needed)[0] for needed in (4, 0, -2, -4)]
    assert rates == sorted(rates, reverse=True)


def test_those_furthest_behind_came_nearer_more_often():
    rows = tables.read("movements")
    behind = base_rates.base_rate(rows, "key_stage_2", "all", 5, -10.0, 3.0)[0]
    ahead = base_rates.base_rate(rows, "key_stage_2", "all", 5, 8.0, 3.0)[0]
    assert behind > ahead


def test_every_target_of_the_package_is_judged(found):
    judged = found.judged
    asked = [row for row in tables.read("targets") if row["area"] in AREAS]
    assert len(judged) == len(asked)
    has = judged[judged.target.notna()]
    assert len(has) == sum(row["target"] is not None for row in asked)
    assert has.probability.between(0, 1).all()
    assert has.colour.isin(["green", "amber", "red"]).all()
    assert (has.base_rate.between(0, 1) & (has.base_rate_n > 0)).all()
    assert (judged[judged.target.isna()].colour == "none").all()
    assert (has.judged_from == "2016/17").all()
    assert judged.published.notna().all()
    derby = has[(has.area == "Derby") & (has.measure == "key_stage_2")].iloc[0]
    assert derby.met == "missed"
    assert derby.published == pytest.approx(-6.0, abs=1.5)  # 53 against 59 in 2021/22


def test_the_money_of_a_target_that_is_over_was_shared_by_all_twelve_areas(found, scenario):
    before = assess._before([one for one in target_settings.package(AREAS, None) if one.area == "Derby"], scenario, str)
    assert before.result.draws.sizes["area"] == 12
    spent = before.result.money.spend.sel(area="Derby").sum()
    assert 5e6 < float(spent) < 10e6  # of 108m GBP in all
    again = found.facts["judged_before"]
    assert again["scenario"]["data_folder"] is None  # a name that does not hang on where files lay
    assert again["scenario"]["start_year"] == 2018
    assert again["run_id"] in set(found.judged.run_id)
    assert again["data_hash"] != found.facts["data_hash"]  # shares of pupils of that time alone


def test_a_target_whose_outcome_is_known_is_never_judged_by_draws_that_know_it(tmp_path):
    path = written(tmp_path / "t.csv", [GOOD[0], ["Derby", "KS2", "all", "60", "2021/22", "level"]])
    early = load_scenario("areas=[Derby]", "sampler.draws=20", "start_year=2018", "measures=[key_stage_2]", horizon=6)
    for scenario in (early, load_scenario("areas=[Derby]", "sampler.draws=20", horizon=5)):
        found = assess.promise(scenario, Target(table=path, package=False))
        (row,) = found.judged.to_dict("records")
        assert row["judged_from"] == "2016/17"
        assert row["run_id"] == found.facts["judged_before"]["run_id"]
        assert row["met"] == "missed"
    assert "with hindsight" in narrative.target_sentences(assess.promise(early, Target(package=False)))[-1]
    honest = replace(early, posterior=str(assess.POSTERIOR))
    found = assess.promise(honest, Target(table=path, package=False))
    assert "judged_before" not in found.facts


def test_what_cannot_be_judged_is_refused_before_anything_is_run(scenario, tmp_path):
    narrow = load_scenario("areas=[Derby]", "sampler.draws=20", "measures=[phonics]", horizon=5)
    asked = (
        (narrow, ["Derby", "KS2", "all", "60", "2028", "level"], "add it to measures"),
        (scenario, ["Derby", "NEET", "all", "4", "2022", "level"], "not published by then"),
        (load_scenario(horizon=5, start_year=2032), ["Derby", "KS2", "all", "60", "2029", "level"], "earlier"),
    )
    for one, row, words in asked:
        path = written(tmp_path / "t.csv", [GOOD[0], row])
        with pytest.raises(Refusal, match=words):
            assess.promise(one, Target(table=path, package=False))


def test_promises_are_written_a_row_for_each_quantity(found):
    long = attainable.tidy(found.promised)
    assert set(long.quantity) == {"last", "promise", *outlook.PARTS}
    assert len(long) == len(found.promised) * (1 + 3 + len(outlook.PARTS))
    assert long.unit.notna().all()
    told = long[long.quantity == "promise"]
    assert (told.probability.between(0, 1) & told.mc_error.notna() & told.base_rate.between(0, 1)).all()
    mine = long[(long.area == "Derby") & (long.measure == "phonics") & (long.group == "all") & (long.scale == "level")]
    mine = mine[mine.year == mine.year.min()].set_index("quantity").value
    draws = found.seen.parts("Derby", "phonics", "all", int(long.year.min()))["projection"]
    assert mine["last"] + mine[list(outlook.PARTS)].sum() == pytest.approx(draws.mean(), abs=1e-3)


def test_the_ladder_says_in_words_what_it_shows(found):
    told = target_charts.ladder(found)
    assert told.startswith("<svg")
    for words in ("target 70, chance", "(red)", "promised", "comparable authorities came to", "published", "baseline"):
        assert words in told
    plain = target_charts.ladder(replace(found, judged=found.judged.iloc[:0]))
    assert "What can be promised" in plain
    assert target_charts.ladder_picture(found).png.startswith(b"\x89PNG")
    assert target_charts.ladder_picture(found).svg == told


def test_sentences_mark_proxies_figures_to_verify_and_baselines(found):
    said = " ".join(narrative.target_sentences(found))
    assert "county proxy" in said
    assert ", to verify" in said or "(to verify" in said
    assert "baselines without a target" in said
    assert "PASS" in said or "FAIL" in said


@pytest.mark.parametrize(("p", "colour"), [(0.7, "green"), (0.69, "amber"), (0.5, "amber"), (0.49, "red")])
def test_colours_follow_their_thresholds(p, colour):
    assert assess.colour(p, Target()) == colour


GOOD = [
    ["Area", "Measure", "Group", "Target", "Target year", "Scale"],
    ["oldham", "Key stage 2", "all", "60", "2027/28", "level"],
    ["N. Yorkshire", "", "", "", "", ""],
]


def written(path, rows):
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for row in rows:
            book.active.append([int(cell) if cell.isdigit() else cell or None for cell in row])
        book.save(path)
    else:
        path.write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    return str(path)


def test_a_table_reads_the_same_as_text_and_as_a_workbook(tmp_path, seen):
    rows = [*GOOD[:2], ["DERBY", "persistent_absence", "", "0", "2026", "relative"]]
    text, book = (of_user(written(tmp_path / name, rows), AREAS, None) for name in ("t.csv", "t.xlsx"))
    assert text == book
    assert (text[0].area, text[0].measure, text[0].year) == ("Oldham", "key_stage_2", 2028)
    judged = [assess.judge(one, seen, tables.read("movements"), Target()) for one in text]
    assert all(0 <= row["probability"] <= 1 for row in judged)
    assert judged[1]["judged_from"] == "2022/23"


def test_a_measure_is_known_by_its_label_and_by_what_people_call_it(tmp_path):
    names = ["GLD", "Good level of development (age 5)", "good level of development"]
    for name in names:
        path = written(tmp_path / "t.csv", [GOOD[0], ["Derby", name, "all", "60", "2028", "level"]])
        assert of_user(path, AREAS, None)[0].measure == "good_level_of_development"


HEAD = "area,measure,group,target,target_year\n"
WRONG = {
    "an area that is unknown": (HEAD + "Oldam,key_stage_2,all,60,2027", "row 2: unknown area.*Oldham"),
    "an area of another scenario": (
        HEAD + "Norwich,key_stage_2,all,60,2027",
        "row 2: area must be one of the scenario",
    ),
    "a measure that is unknown": (HEAD + "Oldham,key_stage_3,all,60,2027", "key_stage_2"),
    "a group that is unknown": (HEAD + "Oldham,key_stage_2,poor,60,2027", "group"),
    "a group that the measure has not": (HEAD + "Oldham,suspensions,other,6,2027", "group of suspensions"),
    "a target that is no number": (HEAD + "Oldham,key_stage_2,all,sixty,2027", "must be a number, got 'sixty'"),
    "a target that is not finite": (HEAD + "Oldham,key_stage_2,all,nan,2027", "must be 0 to 100"),
    "a target above all": (HEAD + "Oldham,key_stage_2,all,160,2027", "must be 0 to 100"),
    "a year in words": (HEAD + "Oldham,key_stage_2,all,60,soon", "target_year must be"),
    "an academic year that is none": (HEAD + "Oldham,key_stage_2,all,60,2027/29", "target_year must be"),
    "a column that is unknown": (
        "area,measure,group,target,target_yaer\nOldham,key_stage_2,all,60,2027",
        "target_year",
    ),
    "a column that is missing": ("area,measure,group,target\nOldham,key_stage_2,all,60", "no target_year"),
    "a scale that is unknown": (
        "area,measure,group,target,target_year,scale\nOldham,key_stage_2,all,60,2027,log",
        "scale",
    ),
    "a row that is too short": (HEAD + "Oldham,key_stage_2", "must be a number, got ''"),
    "a row that is too long": (HEAD + "Oldham,key_stage_2,all,60,2028,61", "row 2: must have 5 cells, got 6"),
    "a column that stands there twice": (
        "area,measure,group,target,target_year,target\nOldham,key_stage_2,all,60,2028,5",
        "target stands there twice",
    ),
    "a target that stands there twice": (
        HEAD + "Oldham,key_stage_2,all,60,2028\nOldham,KS2,all,61,2027/28",
        "row 3: this target stands in row 2",
    ),
    "a unit of another measure": (
        "area,measure,group,target,target_year,unit\nOldham,attainment_8,all,45,2028,%",
        "unit of attainment_8",
    ),
    "a status that is unknown": (
        "area,measure,group,target,target_year,status\nOldham,attainment_8,all,45,2028,perhaps",
        "status",
    ),
    "no rows": (HEAD, "at least one target"),
    "nothing": ("", "empty table"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_table_is_refused_in_one_sentence(tmp_path, case):
    text, words = WRONG[case]
    path = tmp_path / "targets.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=words):
        of_user(str(path), AREAS, None)


def test_what_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "targets.xlsx"
    path.write_bytes(b"not a workbook")
    with pytest.raises(Refusal, match="cannot be read as an Excel workbook"):
        of_user(str(path), AREAS, None)
    with pytest.raises(Refusal, match="is not there"):
        of_user(str(tmp_path / "none.xlsx"), AREAS, None)


def test_a_year_that_is_not_projected_is_refused(scenario, tmp_path):
    with pytest.raises(Refusal, match="2024 to 2029"):
        assess.promise(scenario, Target(years=[2035]))
    path = written(tmp_path / "t.csv", [GOOD[0], ["Oldham", "key_stage_2", "all", "60", "2040", "level"]])
    with pytest.raises(Refusal, match="2024 to 2029"):
        assess.promise(scenario, Target(table=path))


def test_without_money_nothing_of_the_way_is_the_programme(scenario):
    seen = outlook.outlook(load_scenario("scenario=no_programme", "areas=[Derby]", "sampler.draws=20", horizon=5))
    assert (seen.parts("Derby", "key_stage_2", "all", 2028)["programme"] == 0).all()


def test_a_promise_to_those_who_are_as_expected_is_kept_as_often_as_was_said():
    rng = np.random.default_rng(11)
    draws, actual = rng.standard_normal((500, 3000)), rng.standard_normal(3000)
    entries = [
        Entry(
            "oa_sim", measure, "all", 2022, 3, "relative", tuple(map(str, range(3000))), actual, Forecast(draws=draws)
        )
        for measure in ("key_stage_2", "suspensions")
    ]
    table = attainable.overall(attainable.kept(entries, [0.5, 0.7, 0.9]), ("measure",))
    assert (table.kept - table.promised).abs().max() < 0.03
    narrow = [replace(entry, forecast=Forecast(draws=draws / 3)) for entry in entries]
    sure = attainable.overall(attainable.kept(narrow, [0.9]))
    assert sure.kept.iloc[0] < 0.75


@pytest.mark.slow
def test_promises_to_authorities_were_kept_within_ten_points():
    if not LAIT.is_file():
        pytest.skip("the figures of all authorities are not beside the repository")
    breaks, reading = tables.read("breaks"), published_files.read(str(LAIT))
    history, truth = panel.history(reading, breaks, 2019), panel.history(reading, breaks)
    posterior = baseline_fit.load(assess.POSTERIOR).isel(draw=slice(100))
    entries = backtest.ours(posterior, history, truth, breaks, [2022, 2023], 2017)
    table = attainable.overall(attainable.kept(entries, [0.5, 0.7, 0.9]), ("year",))
    assert (table.kept - table.promised).abs().max() < 0.10
    assert table.n.min() > 1500


def test_the_least_money_is_more_for_a_surer_target_and_none_where_it_comes_free(seen):
    parts = seen.parts("Oldham", "key_stage_2", "all", 2029)
    without = parts["projection"] - parts["programme"] - parts["england_level"]
    level = float(np.quantile(without, 0.6))  # reached in four draws of ten
    want = Want("Oldham", "key_stage_2", "all", 2029, level, "relative", 0.41, 1e8)
    some = minimum_budget.least_money(seen.scenario, want, seen)
    more = minimum_budget.least_money(seen.scenario, replace(want, probability=0.45), seen)
    assert 0 < some.gbp < more.gbp
    assert some.probability >= 0.41
    assert more.plan.gbp.sum() <= more.gbp
    free = minimum_budget.least_money(seen.scenario, replace(want, probability=0.39), seen)
    assert free.gbp == 0
    assert "No money is needed" in free.sentence


def test_a_target_that_no_amount_reaches_has_a_plain_answer(seen):
    want = Want("Derby", "key_stage_2", "all", 2026, 99.0, "level", 0.9, 1e9)
    found = minimum_budget.least_money(seen.scenario, want, seen)
    assert found.gbp is None
    assert found.sentence.startswith("No amount reaches Derby")
    with pytest.raises(Refusal, match=r"want\.year"):
        minimum_budget.least_money(seen.scenario, replace(want, year=2045), seen)
