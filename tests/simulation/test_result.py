import dataclasses
import json
import os
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tiny import DRAWS

from oa_sim import Refusal, Result
from oa_sim.definitions import MEASURES, QUANTILES, QUANTITIES, TABLE_COLUMNS
from oa_sim.report import run_brief


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    return tiny.save(tmp_path_factory.mktemp("result") / "result.nc")


def refused(call):
    with pytest.raises(Refusal) as caught:
        call()
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


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
    titles = [part.title for part in run_brief.annex(back, run_brief.RunPictures(back))]
    assert "What lasts, by measure" in titles
    assert "What lasts, by intervention" not in titles


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


# side by side


def test_a_result_of_a_later_format_is_refused_in_words(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("oa_sim.simulation.result.FORMAT", 99)
    path = tiny.save(tmp_path / "later.nc")
    monkeypatch.undo()
    with pytest.raises(Refusal, match="has format 99, this version reads up to 4"):
        Result.load(path)


# the tables


def test_the_table_has_the_promised_columns(tiny):
    assert tuple(tiny.summary().columns) == TABLE_COLUMNS


def test_the_table_has_every_figure_once_and_none_missing(tiny):
    table = tiny.summary()
    expected = {
        (area, group, measure, year, quantity)
        for area in ("Blackpool", "Norwich", "Oldham")
        for measure, about in MEASURES.items()
        for group in about.table_groups
        for year in range(2026, 2031)
        for quantity in QUANTITIES
    }
    keys = list(table[["area", "group", "measure", "year", "quantity"]].itertuples(index=False, name=None))
    assert len(keys) == len(expected)
    assert set(keys) == expected
    assert not table.isna().any().any()


def test_quantiles_stand_in_order(every_area):
    assert (np.diff(every_area.summary()[list(QUANTILES)].values, axis=1) >= 0).all()


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
