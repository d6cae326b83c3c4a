"""Folders that 0.6.1 wrote: every command that reads one reads these, and what will not go on says so in a sentence.

``tests/data/written_by_0_6_1.zip`` holds a run, a comparison, a sweep, targets, a plan, the value of information,
monitored figures, a fitted posterior and a scenario file, as version 0.6.1 wrote them.
"""

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from oa_sim import Refusal, Result, load_scenario
from oa_sim.cli.main import main
from oa_sim.explore import session, views
from oa_sim.inference import baseline_fit
from oa_sim.sweep import results, store

PACK = Path(__file__).parents[1] / "data" / "written_by_0_6_1.zip"
FOLDERS = ("run", "compare", "sweep", "target", "plan", "voi", "monitor")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written_by_0_6_1")
    with zipfile.ZipFile(PACK) as file:
        file.extractall(folder)
    return folder


def answer(capsys, *words):
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("name", FOLDERS)
def test_a_report_is_made_of_each_folder(written, name, capsys):
    code, out, err = answer(capsys, "report", written / name, "--to", "html,csv,json", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["figures"] > 0
    assert {"briefing.html", "table.csv", "figures.json"} <= {path.name for path in Path(told["folder"]).iterdir()}


def test_a_result_is_read_to_the_digits_of_its_table(written):
    found = Result.load(written / "run" / "result.nc").summary()
    table = pd.read_csv(written / "run" / "table.csv")
    assert len(found) == len(table)
    np.testing.assert_allclose(found["mean"], table["mean"], rtol=1e-5, atol=1e-6)


def test_a_sweep_is_read_and_its_sensitivity_told(written, tmp_path, capsys):
    assert len(results.read(written / "sweep").table) == 6
    with xr.open_zarr(written / "sweep" / store.NAME, consolidated=True) as found:
        assert np.isfinite(found.impact.values).any()
        assert found.sizes["scenario"] == 6
    code, out, _ = answer(capsys, "sensitivity", written / "sweep", f"outputs={tmp_path}")
    assert code == 0
    assert (Path(out.splitlines()[-1]) / "tornado.svg").is_file()


def test_the_sensitivity_of_a_run_is_told(written, tmp_path, capsys):
    assert answer(capsys, "sensitivity", written / "run", f"outputs={tmp_path}")[0] == 0


def test_a_folder_is_explored(written):
    for view in (views.of_results([Result.load(written / "run")]), views.of_sweep(written / "sweep")):
        assert np.isfinite(view.figures.impact).any()
        assert (view.figures.proxy == 1).any()
        assert not (view.figures.estimated == 1).any()  # no district had figures of its own then


@pytest.mark.parametrize("name", ["run", "sweep"])
def test_a_folder_is_not_taken_on_with_other_tables_than_its_own(written, name):
    with pytest.raises(Refusal, match=r"was not made from the (tables|posterior) installed here: (run|sweep).* again"):
        session.opened(written / name)


@pytest.mark.parametrize("words", [["resume"], ["extend", "split=per_disadvantaged_pupil", "horizon=5"]])
def test_a_sweep_does_not_go_on_under_other_code_and_says_so_in_a_sentence(written, words, capsys):
    before = stamps(written / "sweep")
    code, out, err = answer(capsys, words[0], written / "sweep", *words[1:])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "was made by oa_sim 0.6.1 with code" in err
    assert stamps(written / "sweep") == before


def stamps(folder):
    """Give when each file was written, but for the lock, which is taken to look."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != "lock"}


def test_a_posterior_of_another_law_is_refused_and_says_what_to_do(written, tmp_path, capsys):
    path = written / "posterior" / "learned.nc"
    few = ("areas=Norwich", "measures=[key_stage_2]", "horizon=5", "sampler.draws=20", f"outputs={tmp_path}")
    code, out, err = answer(capsys, "run", f"posterior={path}", *few)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"of format {baseline_fit.FORMAT} is needed, got format 1: fit it again with oa-sim fit" in err


def test_a_scenario_file_and_a_plan_are_taken(written):
    mine = load_scenario(f"scenario={written / 'scenario.yaml'}")
    assert (mine.name, mine.split.rule, mine.budget.total_gbp) == ("mine", "per_pupil", 9e7)
    few = ("areas=[Norwich,Oldham]", "measures=[key_stage_2,attainment_8]", "horizon=6", "budget.total_gbp=20e6")
    planned = load_scenario(*few, f"budget.plan={written / 'plan' / 'plan.csv'}")
    assert planned.budget.plan == str(written / "plan" / "plan.csv")


def test_monitored_figures_are_what_the_next_are_held_against(written, capsys, tmp_path):
    few = ("areas=[Norwich,Oldham]", "measures=[key_stage_2,attainment_8]", "sampler.draws=20", "start_year=2022")
    asked = ("monitor.figures=package", f"monitor.last={written / 'monitor'}", f"outputs={tmp_path}")
    assert answer(capsys, "monitor", *few, *asked)[0] == 0
