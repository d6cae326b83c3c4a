import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from oa_sim.report import reported_statistic, run_statistics
from oa_sim.report.document import Dossier
from oa_sim.report.formats import data_files
from oa_sim.report.reported_statistic import About, Origin

ORIGIN = Origin("plan", "r1", "d1", "h1", "0.0", 2000)


def figure(name="impact", value=1.25, area="Derby", **about):
    about = About(name, "a figure", "points", area=area, **about)
    return reported_statistic.of_summary(about, (value, 0.5, 2.0), 0.01, ORIGIN)


def of(*figures):
    gates = {"verdict": "PASS", "reason": "fine"}
    manifest = {"oa_sim": "0.0", "data_hash": "h1", "run_id": "r1", "posterior": "d1", "seed": 1, "gates": gates}
    return Dossier("run", "A plan", "plan", "PASS", "fine", ("All is well.",), (), (), figures, manifest)


def test_a_figure_has_one_row_and_no_cell_is_missing(tiny):
    brief = tuple(run_statistics.brief(tiny).values())
    rows = data_files.table((*brief, *run_statistics.workbook(tiny)))
    assert rows.figure.is_unique
    assert not rows.isna().to_numpy().any()
    assert rows.columns.tolist() == list(data_files.table(brief[:1]))


def test_a_csv_keeps_every_number_in_full(tiny):
    figures = run_statistics.workbook(tiny)
    back = pd.read_csv(io.StringIO(data_files.csv_text(figures)))
    assert back.value.tolist() == [one.value for one in figures]
    assert not back.isna().to_numpy().any()


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1"])
def test_text_that_would_be_a_formula_is_led_by_an_apostrophe(name):
    back = pd.read_csv(io.StringIO(data_files.csv_text([figure(area=name)])))
    assert back.region[0].startswith("'")
    assert not {"\t", "\r"} & set(back.region[0])


def test_a_number_that_is_none_is_empty_as_a_value_and_inf_elsewhere():
    none = replace(figure(), value=np.nan, upper=np.nan)
    back = pd.read_csv(io.StringIO(data_files.csv_text([figure("other"), none])))
    assert np.isnan(back.value[1])
    assert np.isinf(back.upper[1])
    assert back.drop(columns="value").notna().to_numpy().all()


def test_json_holds_the_origin_once_and_null_for_what_is_none():
    said = json.loads(data_files.json_text(of(figure(), replace(figure("price"), value=np.inf))))
    assert said["origin"]["run_id"] == "r1"
    assert said["origin"]["trace"] == of(figure()).trace
    assert [one["value"] for one in said["figures"]] == [1.25, None]
    assert "run_id" not in said["figures"][0]


def test_json_says_whose_each_figure_is_where_there_are_several_scenarios():
    other = replace(figure("price"), origin=replace(ORIGIN, scenario="another", run_id="r2"))
    said = json.loads(data_files.json_text(of(figure(), other)))
    assert [one["run_id"] for one in said["figures"]] == ["r1", "r2"]


def test_json_of_no_figures_is_json():
    assert json.loads(data_files.json_text(of()))["figures"] == []


def test_the_columns_that_scenario_tools_read_come_first_and_years_are_whole(tiny):
    rows = data_files.table(run_statistics.brief(tiny).values())
    assert rows.columns[: len(data_files.COLUMNS)].tolist() == list(data_files.COLUMNS)
    assert rows.year.dtype.kind == "i"


def test_a_dossier_is_exported_with_its_verdict():
    failed = replace(of(figure()), verdict="FAIL", reason="R-hat is 2")
    assert json.loads(data_files.json_text(failed))["origin"]["verdict"] == "FAIL"
