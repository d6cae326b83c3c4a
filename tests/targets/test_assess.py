"""Promises and targets: what is judged, in which words and colours, and what is refused."""

from dataclasses import replace

import numpy as np
import openpyxl
import pytest

from oa_sim import load_scenario
from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit, counterfactual, link_functions
from oa_sim.inputs import areas, tables
from oa_sim.plots import target_charts
from oa_sim.simulation import scenario_run
from oa_sim.targets import assess, attainable, forecast_components, narrative, settings
from oa_sim.targets.settings import Target, of_user

AREAS = ["Derby", "North Yorkshire Coast", "Oldham"]


def test_every_target_of_the_package_is_judged(found):
    judged = found.judged
    asked = [row for row in tables.read("targets") if row["area"] in AREAS and row["measure"]]
    assert len(judged) == len(asked)
    has = judged[judged.target.notna()]
    assert len(has) == sum(row["target"] is not None for row in asked)
    assert has.probability.between(0, 1).all()
    assert has.colour.isin(["green", "amber", "red"]).all()
    assert (has.base_rate.between(0, 1) & (has.base_rate_n > 0)).all()
    assert (judged[judged.target.isna()].colour == "none").all()
    assert (has.judged_from == "2016/17").all()
    assert judged.published.notna().all()
    derby = judged[(judged.area == "Derby") & (judged.target_year == 2021) & (judged.measure == "key_stage_2")].iloc[0]
    assert (derby.quantity, derby.met) == ("no number printed", "no target")
    assert derby.published == pytest.approx(-4.0)  # 61 against 65 in 2018/19, the last before the target's year


def test_the_money_of_a_target_that_is_over_was_shared_by_all_twelve_areas(found, scenario):
    before = assess._before([one for one in settings.package(AREAS, None) if one.area == "Derby"], scenario, str)
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
        (narrow, ["Derby", "KS2", "all", "60", "2030", "level"], "add it to measures"),
        (scenario, ["Derby", "NEET", "all", "4", "2022", "level"], "not published by then"),
        (load_scenario(horizon=5, start_year=2032), ["Derby", "KS2", "all", "60", "2029", "level"], "earlier"),
    )
    for one, row, words in asked:
        path = written(tmp_path / "t.csv", [GOOD[0], row])
        with pytest.raises(Refusal, match=words):
            assess.promise(one, Target(table=path, package=False))


def test_the_ladder_says_in_words_what_it_shows(found):
    told = target_charts.ladder_picture(found).svg
    assert told.startswith("<svg")
    for words in ("target 70%, chance", "(red)", "promised", "comparable places came to", "published", "baseline"):
        assert words in told
    plain = target_charts.ladder_picture(replace(found, judged=found.judged.iloc[:0])).svg
    assert "What can be promised" in plain
    assert target_charts.ladder_picture(found).png.startswith(b"\x89PNG")


def test_sentences_mark_proxies_figures_to_verify_and_baselines(found):
    some = found.judged.assign(status=["to verify", *found.judged.status[1:]])
    said = " ".join(narrative.target_sentences(replace(found, judged=some)))
    assert "county proxy" in said
    assert ", to verify" in said or "(to verify" in said
    assert "baselines without a target" in said
    assert "PASS" in said or "FAIL" in said


@pytest.mark.parametrize(("p", "colour"), [(0.7, "green"), (0.69, "amber"), (0.5, "amber"), (0.49, "red")])
def test_colours_follow_their_thresholds(p, colour):
    assert assess.colour(p, Target()) == colour


GOOD = [
    ["Area", "Measure", "Group", "Target", "Target year", "Scale"],
    ["oldham", "Key stage 2", "all", "60", "2029/30", "level"],
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
    rows = [*GOOD[:2], ["DERBY", "persistent_absence", "", "0", "2028", "relative"]]
    text, book = (of_user(written(tmp_path / name, rows), AREAS, None) for name in ("t.csv", "t.xlsx"))
    assert text == book
    assert (text[0].area, text[0].measure, text[0].year) == ("Oldham", "key_stage_2", 2030)
    judged = [assess.judge(one, seen, tables.read("movements"), Target()) for one in text]
    assert all(0 <= row["probability"] <= 1 for row in judged)
    assert judged[1]["judged_from"] == "2024/25"


def test_a_year_that_is_not_projected_is_refused(scenario, tmp_path):
    with pytest.raises(Refusal, match="2026 to 2031"):
        assess.promise(scenario, Target(years=[2037]))
    path = written(tmp_path / "t.csv", [GOOD[0], ["Oldham", "key_stage_2", "all", "60", "2040", "level"]])
    with pytest.raises(Refusal, match="2026 to 2031"):
        assess.promise(scenario, Target(table=path))


@pytest.mark.parametrize("measure", MEASURES)
def test_the_parts_of_the_way_add_up_on_every_draw(seen, measure):
    for group in MEASURES[measure].table_groups:
        parts = seen.parts("Oldham", measure, group, 2030)
        last = float(seen.last.sel(area="Oldham", measure=measure, group=group))
        whole = sum(parts[name] for name in forecast_components.PARTS)
        np.testing.assert_allclose(whole + last, parts["projection"], atol=1e-4)
        less = seen.less_england(parts, "Oldham", measure, group)
        away = last - float(seen.last_england.sel(area="Oldham", measure=measure, group=group))
        whole = sum(less[name] for name in forecast_components.PARTS)
        np.testing.assert_allclose(whole + away, parts["projection"] - parts["england_level"], atol=1e-4)


def test_england_is_the_course_by_which_the_run_was_drawn(scenario, seen):
    known = tables.read_all()
    here = known | {"areas": [row for row in known["areas"] if row["area"] in AREAS]}
    history, rolls = areas.history(here, until=2025), areas.pupils(here).rolls
    posterior = baseline_fit.load(draws=50)
    latent = counterfactual.project(scenario_run.check_scenario(scenario), posterior, history, known, rolls)
    at = {"measure": "phonics", "group": "other"}
    drawn = link_functions.to_published("phonics", latent.national.sel(at).values)
    np.testing.assert_allclose(seen.england.sel(at).transpose("chain", "draw", "year").values, drawn)


def test_where_the_only_figure_is_the_areas_own_nothing_is_added_before_it_moves(seen):
    at = {"measure": "key_stage_2", "group": "disadvantaged"}
    assert np.abs(seen.standing.sel(area="Oldham", **at)).max() < 1e-9
    county = seen.standing.sel(area="North Yorkshire Coast", **at)
    assert county.std() > 1  # a district may lie far off its county, and this is no regression to the mean


def test_a_break_in_england_is_no_movement_of_a_districts_own(seen):
    parts = seen.parts("North Yorkshire Coast", "good_level_of_development", "all", 2026)
    assert parts["england"].mean() < -1  # the last figure is of 2018/19, before the reform of the profile
    assert parts["own"].mean() > -1


def test_the_programme_is_the_impact_of_the_run(seen):
    at = {"area": "Derby", "measure": "key_stage_2", "group": "all", "year": 2030}
    impact = seen.result.draws.impact.sel(at).transpose("chain", "draw").values.ravel()
    np.testing.assert_allclose(seen.parts(**at)["programme"], impact, atol=1e-4)


def test_a_district_starts_from_its_own_good_level_of_development(seen):
    at = {"area": "North Yorkshire Coast", "measure": "good_level_of_development"}
    assert int(seen.last_year.sel(at | {"group": "all"})) == 2019  # the last that was published of the district
    assert int(seen.last_year.sel(at | {"group": "disadvantaged"})) == 2025  # its county's


def test_without_money_nothing_of_the_way_is_the_programme(scenario):
    seen = forecast_components.outlook(
        load_scenario("scenario=no_programme", "areas=[Derby]", "sampler.draws=20", horizon=5)
    )
    assert (seen.parts("Derby", "key_stage_2", "all", 2030)["programme"] == 0).all()


def test_a_surer_promise_is_never_better(found):
    for _, row in found.promised.iterrows():
        sign = -1 if MEASURES[row.measure].lower_is_better else 1
        assert sign * row.promised_90 <= sign * row.promised_70 <= sign * row.promised_50


def test_promises_are_written_a_row_for_each_quantity(found):
    long = attainable.tidy(found.promised)
    assert set(long.quantity) == {"last", "promise", *forecast_components.PARTS}
    assert len(long) == len(found.promised) * (1 + 3 + len(forecast_components.PARTS))
    assert long.unit.notna().all()
    told = long[long.quantity == "promise"]
    assert (told.probability.between(0, 1) & told.mc_error.notna() & told.base_rate.between(0, 1)).all()
    mine = long[(long.area == "Derby") & (long.measure == "phonics") & (long.group == "all") & (long.scale == "level")]
    mine = mine[mine.year == mine.year.min()].set_index("quantity").value
    draws = found.seen.parts("Derby", "phonics", "all", int(long.year.min()))["projection"]
    assert mine["last"] + mine[list(forecast_components.PARTS)].sum() == pytest.approx(draws.mean(), abs=1e-3)
