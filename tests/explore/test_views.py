"""Views: what a page to explore holds is what the run or the sweep holds, with all that must be said beside it."""

import json
import warnings

import made_up_view
import numpy as np
import pandas as pd
import pytest

from oa_sim import load_scenario
from oa_sim.definitions import MEAN_OF_AREAS, MEASURES
from oa_sim.errors import Refusal
from oa_sim.explore import views
from oa_sim.scenario.load import load_sweeping
from oa_sim.simulation.scenario_run import run
from oa_sim.sweep.sweep_run import sweep

FEW = "measures=[key_stage_2,neet_16_17]"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Sweep four small scenarios, of two horizons."""
    folder = tmp_path_factory.mktemp("swept") / "sweep"
    sweeping, rest = load_sweeping(["areas=three_areas", "split=equal,per_pupil", "horizon=5,6", FEW])
    sweep(rest, sweeping, folder)
    return folder


def test_a_view_of_a_run_holds_what_its_table_holds(tiny):
    view, table = views.of_results([tiny]), tiny.summary()
    rows = table.sample(200, random_state=1)
    for row in rows.itertuples():
        at = {"place": row.area, "group": row.group, "measure": row.measure, "year": row.year}
        found = view.figures[row.quantity].isel(scenario=0).sel(at)
        np.testing.assert_array_equal(found.values, [getattr(row, name) for name in views.STATISTICS])
        assert bool(view.figures.proxy.sel(place=row.area, group=row.group, measure=row.measure)) == row.proxy


def test_the_mean_of_areas_is_formed_draw_by_draw(tiny):
    found = views.of_results([tiny]).figures.impact.sel(place=MEAN_OF_AREAS, measure="key_stage_2", group="all")
    draws = tiny.draws.impact.sel(measure="key_stage_2", group="all").mean("area")
    wanted = draws.quantile([0.05, 0.5, 0.95], ["chain", "draw"]).T
    np.testing.assert_allclose(found.isel(scenario=0).sel(statistic=["q05", "q50", "q95"]), wanted, rtol=1e-5)


def test_history_breaks_and_marks_go_with_the_view(tiny):
    view = views.of_results([tiny])
    area = tiny.draws.area.values[0]
    np.testing.assert_array_equal(view.figures.history.sel(place=area), tiny.draws.history.sel(area=area))
    assert {row["measure"] for row in view.breaks} <= set(MEASURES)
    assert any(row["kind"] == "not_collected" for row in view.breaks)
    (case,) = view.cases
    assert (case.run_id, case.n_draws, case.verdict) == (tiny.manifest["run_id"], tiny.n_draws, "PASS")
    assert case.last_funded_year == tiny.sustainability.attrs["last_funded_year"]
    assert case.to_verify == sum(map(len, tiny.manifest["to_verify"].values())) > 0


def test_runs_of_other_years_stand_side_by_side_and_lack_what_they_lack(tiny, run_tiny):
    view = views.of_results([tiny, run_tiny("horizon=6")])
    impact = view.figures.impact.sel(place=MEAN_OF_AREAS, measure="key_stage_2", group="all", statistic="mean")
    assert np.isfinite(impact.values).sum(axis=1).tolist() == [5, 6]
    assert impact.year.values.tolist() == sorted(impact.year.values)


def test_a_page_needs_a_result():
    with pytest.raises(Refusal, match="needs a result"):
        views.of_results([])


@pytest.mark.slow
def test_a_view_of_a_sweep_holds_what_its_store_holds_and_what_was_varied(kept):
    view = views.of_sweep(kept)
    assert view.keys == ["split", "horizon"]
    assert [case.values for case in view.cases] == [
        ("equal", "5"), ("equal", "6"), ("per pupil", "5"), ("per pupil", "6"),
    ]  # fmt: skip
    assert {case.n_areas for case in view.cases} == {3}
    assert view.figures.place.values[-1] == MEAN_OF_AREAS
    assert np.isfinite(view.figures.history.sel(measure="key_stage_2", group="all")).any()
    one = load_scenario("areas=three_areas", "split=per_pupil", "horizon=6", FEW)
    single = views.of_results([run(one)]).figures
    for name in ("projection", "counterfactual", "impact"):
        theirs = view.figures[name].isel(scenario=3).sel(place=single.place, measure=single.measure)
        np.testing.assert_allclose(theirs, single[name].isel(scenario=0), atol=1e-3)


def test_what_is_no_sweep_is_refused(tmp_path):
    with pytest.raises(Refusal, match="holds neither a sweep nor a run"):
        views.of_sweep(tmp_path)


@pytest.fixture
def written(tmp_path):
    """Write the folder of a sweep of four scenarios, of which the last failed."""
    figures = made_up_view.view(4).figures
    names = ["projection", "counterfactual", "impact"]
    whole = figures[names].astype("float32").reindex(statistic=[*views.STATISTICS, "sd"])
    for name, error in zip(names, figures.error, strict=True):
        whole[name].loc[{"statistic": "sd"}] = error * 2000**0.5
        whole[name][3] = np.nan
    whole["proxy"] = figures.proxy.astype("float32").expand_dims(scenario=4)
    whole["n_draws"] = ("scenario", [2000.0, 2000.0, 2000.0, np.nan])
    whole.attrs["columns"] = {"n_draws": "int"}
    with warnings.catch_warnings():  # zarr before 3.2 warns of labels of fixed length, which only this test writes
        warnings.simplefilter("ignore", UserWarning)
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3 specification.*")
        whole.to_zarr(tmp_path / "store.zarr", zarr_format=3, consolidated=False)
    facts = {"design": {"kind": "grid", "seed": 1}, "keys": ["split", "budget.total_gbp"], "bounds": {}}
    facts |= {"oa_sim": "0.0.0", "data_hash": {"inside the package": "da7a"}}
    (tmp_path / "sweep.json").write_text(json.dumps(facts), encoding="utf-8")
    table = pd.DataFrame({"scenario": range(4), "split": ["equal", "equal", "per_pupil", "per_pupil"]})
    table["budget.total_gbp"] = [36e6, 72e6] * 2
    table = table.assign(verdict="PASS", reason="good", n_draws=2000, to_verify=3, last_funded_year=2028, identity="1d")
    table["failed"] = [None, None, None, "the money cannot be spent"]
    table.to_csv(tmp_path / "summary.csv", index=False)
    return tmp_path


def test_a_sweep_is_read_from_its_folder_with_the_scenario_that_failed(written):
    view = views.of_sweep(written)
    wanted = made_up_view.view(4)
    np.testing.assert_allclose(view.figures.impact[:3], wanted.figures.impact[:3], rtol=1e-6)
    np.testing.assert_allclose(view.figures.error[:, :3], wanted.figures.error[:, :3], rtol=1e-5)
    assert view.keys == ["split", "budget total"]
    assert [case.values for case in view.cases][1:3] == [("equal", "£72m"), ("per pupil", "£36m")]
    assert [case.failed for case in view.cases] == ["", "", "", "the money cannot be spent"]
    assert [case.n_areas for case in view.cases] == [12, 12, 12, 0]
    assert view.cases[2].label == "scenario 2: split per pupil, budget total £36m"


def test_history_is_not_shown_beside_a_sweep_of_other_tables(written):
    assert np.isnan(views.of_sweep(written).figures.history).all()
