import dataclasses
import importlib
import json
import os
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tiny import CHAINS, DRAWS, TINY

from oa_sim import Refusal, Result, compare, load_scenario
from oa_sim.definitions import MEASURES, QUANTILES, QUANTITIES, TABLE_COLUMNS
from oa_sim.inference import baseline_fit, counterfactual
from oa_sim.inputs import areas
from oa_sim.report.formats import run_page

DISTRICTS = {
    *("Fenland and East Cambridgeshire", "Hastings", "Ipswich", "North Yorkshire Coast", "Norwich", "West Somerset"),
}


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("result") / "result.nc")


@pytest.fixture
def few_draws(monkeypatch, tiny_posterior):
    """Let compare, which takes no posterior, use the few draws."""
    monkeypatch.setattr(baseline_fit, "load", lambda *_: tiny_posterior)


def refused(call):
    with pytest.raises(Refusal) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


# the table


def test_the_table_has_the_promised_columns(tiny):
    assert tuple(tiny.summary().columns) == TABLE_COLUMNS


def test_the_table_has_every_figure_once_and_none_missing(tiny):
    table = tiny.summary()
    expected = {
        (area, group, measure, year, quantity)
        for area in ("Blackpool", "Norwich", "Oldham")
        for measure, about in MEASURES.items()
        for group in about.table_groups
        for year in range(2024, 2029)
        for quantity in QUANTITIES
    }
    keys = list(table[["area", "group", "measure", "year", "quantity"]].itertuples(index=False, name=None))
    assert len(keys) == len(expected)
    assert set(keys) == expected
    assert not table.isna().any().any()


def test_quantiles_stand_in_order(every_area):
    assert (np.diff(every_area.summary()[list(QUANTILES)].values, axis=1) >= 0).all()


def test_the_mean_lies_within_the_draws(tiny):
    table = tiny.summary()
    assert (abs(table["mean"] - table["q50"]) <= table["sd"] + 1e-9).all()
    assert (table["n_draws"] == CHAINS * DRAWS).all()


def test_levels_stay_on_the_scale_of_the_measure(every_area):
    table = every_area.summary().query("quantity != 'impact'")
    top = table.unit.map({"%": 100, "points": 90, "per 100 pupils": 100})  # 69 in five years
    assert (table[list(QUANTILES)].min(axis=1) >= 0).all()
    assert (table[list(QUANTILES)].max(axis=1) <= top).all()


def test_a_rate_most_likely_stays_below_one_for_two_pupils(every_area):
    table = every_area.summary().query("unit == 'per 100 pupils' and quantity != 'impact'")
    assert (table.q75 <= 50).all()


def test_each_row_bears_its_measures_unit(tiny):
    table = tiny.summary()
    assert (table.unit == table.measure.map(lambda name: MEASURES[name].unit)).all()


def test_a_choice_of_measures_is_a_choice_of_rows(run_tiny):
    assert set(run_tiny("measures=[phonics,suspensions]").summary().measure) == {"phonics", "suspensions"}


def test_what_lasts_has_a_row_for_each_area_group_and_measure(tiny):
    groups = sum(len(about.table_groups) for about in MEASURES.values())
    rows = tiny.lasting()
    assert (rows.intervention == "all").sum() == 3 * groups
    assert set(rows.risk) <= {"high", "medium", "low", "none"}
    assert rows.reason.str.len().min() > 20


def test_without_money_nothing_is_said_to_last(run_tiny):
    rows = run_tiny("scenario=no_programme").lasting()
    assert set(rows.risk) == {"none"}
    assert (rows.p_impact == 0).all()


# proxies


def test_all_that_rests_on_a_county_is_marked(every_area):
    table = every_area.summary()
    assert (table.proxy == table.area.isin(DISTRICTS)).all()


def test_a_districts_own_figures_move_its_early_years(known, tiny_posterior):
    other = [dict(row) for row in known["outcomes"]]
    for row in other:
        if (row["place"], row["geography"]) == ("Norwich", "district"):
            row["value"] -= 10
    scenario = load_scenario("areas=[Norwich]", "measures=[good_level_of_development]", "horizon=5")
    rolls = areas.pupils(known).rolls
    means = []
    for tables in (known, known | {"outcomes": other}):
        history = areas.history(tables, 2023)
        latent = counterfactual.project(scenario, tiny_posterior, history, tables, rolls)
        means.append(float(latent.sel(group="other").mean()))
    assert means[1] < means[0] - 0.1


def test_a_proxy_has_a_wider_interval_than_an_authority(every_area):
    rows = every_area.summary().query("measure == 'key_stage_2' and quantity == 'counterfactual' and year == 2024")
    width = (rows.q95 - rows.q05).groupby(rows.area.where(rows.group == "disadvantaged")).first()
    assert width["Norwich"] > width["Blackpool"]


# the file


def test_a_saved_result_loads_as_it_was(tiny, saved):
    back = Result.load(saved)
    for part in ("draws", "posterior", "money", "sustainability", "by_intervention", "retention", "served"):
        xr.testing.assert_identical(getattr(back, part), getattr(tiny, part))
    assert back.manifest == tiny.manifest
    pd.testing.assert_frame_equal(back.summary(), tiny.summary(), check_exact=True)
    pd.testing.assert_frame_equal(back.lasting(), tiny.lasting())


def test_a_result_of_before_there_were_more_parts_still_loads(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("oa_sim.simulation.result.FORMAT", 1)
    monkeypatch.setattr("oa_sim.simulation.result.GROUPS_IN_FILE", ("posterior", "money", "sustainability"))
    path = tiny.save(tmp_path / "before.nc")
    monkeypatch.undo()
    back = Result.load(path)
    assert not any(getattr(back, name).data_vars for name in ("by_intervention", "retention", "served"))
    xr.testing.assert_identical(back.sustainability, tiny.sustainability)
    assert set(back.lasting().intervention) == {"all"}
    assert len(back.retained()) == len(back.pupils_served()) == 0
    assert "What is left of each intervention" not in run_page.section(back)


@pytest.mark.parametrize("form", [1, 2])
def test_national_money_of_an_earlier_format_is_read_as_it_was_meant(run_tiny, tmp_path, monkeypatch, form):
    now = run_tiny("split=custom", "split.shares={Norwich: 0.5, Oldham: 0.5, Blackpool: 0}")
    money = now.money.drop_vars(["national", "offers"])
    if form == 2:  # it stood once, for each of the areas that have money for activity
        money = money.assign({name: now.money[name].sel(area="Norwich", drop=True) for name in ("national", "offers")})
    monkeypatch.setattr("oa_sim.simulation.result.FORMAT", form)
    path = dataclasses.replace(now, money=money).save(tmp_path / "before.nc")
    monkeypatch.undo()
    back = Result.load(path)
    if form == 2:
        xr.testing.assert_identical(back.money.transpose("area", ...), now.money.transpose("area", ...))
        pd.testing.assert_frame_equal(back.account(), now.account())
    else:
        assert set(back.account().paid_from) == {"budget"}


def test_a_result_loads_from_its_folder(tiny, saved):
    assert Result.load(saved.parent).label == tiny.label


def test_a_result_opens_with_plain_xarray(saved):
    with xr.open_dataset(saved, engine="h5netcdf") as opened:
        assert set(QUANTITIES) <= set(opened.data_vars)
        assert opened.attrs["verdict"] == "PASS"
        assert json.loads(opened.attrs["manifest"])["scenario"]["name"] == "as_delivered"


def test_a_result_opens_with_arviz(saved):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ speaks of its own future when it is imported
        import arviz

        opened = arviz.from_netcdf(saved)
    assert opened["posterior"].sizes["draw"] == DRAWS
    assert "persistence" in opened["posterior"]


def test_a_save_leaves_no_other_file_behind(saved):
    assert [file.name for file in saved.parent.iterdir()] == ["result.nc"]


def test_a_result_that_cannot_be_written_is_refused(tiny, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refused(lambda: tiny.save(tmp_path / "file" / "result.nc"))


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
def test_a_truncated_result_is_refused(saved, tmp_path, kept):
    whole = saved.read_bytes()
    (tmp_path / "result.nc").write_bytes(whole[: int(len(whole) * kept)])
    assert "not a whole result" in refused(lambda: Result.load(tmp_path / "result.nc"))


@pytest.mark.parametrize("content", ["", "area,value\nNorwich,1\n"])
def test_a_text_file_is_refused(tmp_path, content):
    (tmp_path / "result.nc").write_text(content)
    assert "not a whole result" in refused(lambda: Result.load(tmp_path / "result.nc"))


def test_another_netcdf_file_is_refused(tmp_path, tiny_posterior):
    tiny_posterior.to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    assert "not a whole result" in refused(lambda: Result.load(tmp_path / "other.nc"))


def test_a_missing_result_is_refused(tmp_path):
    assert "no result here" in refused(lambda: Result.load(tmp_path / "nothing.nc"))
    assert "no result here" in refused(lambda: Result.load(tmp_path))


def test_a_saved_file_may_be_read_by_others(saved):
    assert os.stat(saved).st_mode & 0o044 == 0o044


# gates


def test_a_failed_gate_marks_every_output(tiny_posterior, run_tiny):
    failed = json.loads(tiny_posterior.attrs["gates"]) | {"verdict": "FAIL", "reason": "the chains disagree"}
    scenario = load_scenario(*TINY, "measures=[phonics]")
    marked = importlib.import_module("oa_sim.simulation.scenario_run").run(
        scenario, posterior=tiny_posterior.assign_attrs(gates=json.dumps(failed))
    )
    assert marked.label == "as_delivered [FAIL]"
    assert set(marked.summary().scenario) == set(marked.lasting().scenario) == {"as_delivered [FAIL]"}


def test_a_result_carries_its_question(tiny, run_tiny):
    assert tiny.manifest["scenario"]["areas"]["names"] == ["Blackpool", "Norwich", "Oldham"]
    assert tiny.manifest["seed"] == 2017
    assert len(tiny.manifest["data_hash"]) == 64
    assert tiny.manifest["run_id"] != run_tiny("seed=5").manifest["run_id"]


# side by side

FEW = ("intervention=[early_language]", "portfolio=none")


def test_one_scenario_is_not_compared():
    assert "two scenarios" in refused(lambda: compare(load_scenario(*TINY)))


def test_a_scenario_is_not_compared_with_itself():
    assert "with itself" in refused(lambda: compare(load_scenario(*TINY), load_scenario(*TINY, "split=per_pupil")))


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ("seed=1", "seed"), ("horizon=6", "horizon"), ("areas=[Norwich]", "areas"), ("measures=[phonics]", "measures"),
        ("sampler=quick", "sampler"), ("start_year=2023", "start_year"),
    ],
)  # fmt: skip
def test_scenarios_that_are_not_alike_are_not_compared(other, shared):
    reference = load_scenario(*TINY, *FEW)
    sentence = refused(lambda: compare(reference, load_scenario(*TINY, *FEW, "name=another", other)))
    assert f"must share {shared}" in sentence


def test_against_no_programme_the_difference_is_the_impact(few_draws, tiny):
    found = compare(load_scenario(*TINY, "scenario=no_programme"), load_scenario(*TINY))
    keys = ["area", "group", "measure", "year"]
    mine = found.table.set_index(keys).sort_index()
    impact = tiny.summary().query("quantity == 'impact'").set_index(keys).sort_index()
    for column in ("mean", "sd", *QUANTILES):
        np.testing.assert_allclose(mine[column], impact[column], atol=1e-6)
    assert mine.p_better.between(0, 1).all()
    assert set(mine.reference) == {"no_programme"}
    pd.testing.assert_frame_equal(found.summary(), found.table)


def test_three_scenarios_are_compared_with_the_first(few_draws):
    names = ("as_delivered", "hand_over", "three_years_only")
    found = compare(*(load_scenario(*TINY, f"scenario={name}", "measures=[neet_16_17]") for name in names))
    assert list(found.table.scenario.unique()) == ["hand_over", "three_years_only"]
    assert [result.label for result in found.results] == list(names)


def test_a_result_of_a_later_format_is_refused_in_words(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("oa_sim.simulation.result.FORMAT", 99)
    path = tiny.save(tmp_path / "later.nc")
    monkeypatch.undo()
    with pytest.raises(Refusal, match="has format 99, this version reads up to 3"):
        Result.load(path)
