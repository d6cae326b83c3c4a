from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from oa_sim import load_scenario
from oa_sim.compiled import simulate
from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.projection import appraisal, ranking
from oa_sim.scenario.load import load_sweeping
from oa_sim.scenario.schema import Split
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.scenario_run import run
from oa_sim.sweep.sweep_run import sweep

# a millionth of a share, of 90 points and of 100 suspensions alike
CLOSE = {"%": 1e-4, "points": 9e-5, "per 100 pupils": 1e-4}
FEW = "sampler.draws=40"
THREE = "areas=three_areas"
QUESTIONS = [
    (),
    ("scenario=no_programme", THREE),
    ("scenario=hand_over", THREE, "horizon=15"),
    ("scenario=with_twinning",),
    ("scenario=with_reallocation", "split=per_disadvantaged_pupil", "horizon=5"),
    ("scenario=with_review", THREE),
    ("scenario=with_delivery_plans", "evidence.outside_view.is_on=true"),
    ("scenario=extended_ten_years", THREE, "horizon=12"),
    ("scenario=with_opportunity_north_east",),
    ("start_year=2020", THREE, "budget.payment_rounds=[0.2, 0.1]"),
    ("organisation.national=[]", "areas=[Norwich]", "portfolio=tutoring"),
    (THREE, "measures=[phonics, neet_16_17, suspensions]", "horizon=6"),
    (THREE, "measures=[persistent_absence]", "evidence.outside_view.is_on=true"),
    (THREE, "organisation.schools_take=0", "budget.total_gbp=1e10"),
    ("areas=[Hartlepool, Tendring, Cumberland]", "split=per_disadvantaged_pupil", "horizon=5"),
    ("areas=[Norwich, Oldham, Derby]", "split=custom", "split.shares={Norwich: 1.0, Oldham: 0.0, Derby: 0.0}"),
]


def plain(result, quantity):
    """Return the statistics of a quantity by place, group, measure and year, as the law in plain form gives them."""
    draws = result.draws[quantity].transpose("area", "group", "measure", "year", "chain", "draw").values.astype(float)
    draws = draws.reshape(*draws.shape[:4], -1)
    return appraisal.described(np.concatenate([draws, draws.mean(axis=0, keepdims=True)])), draws


@pytest.fixture(scope="module", params=QUESTIONS, ids=lambda words: " ".join(words) or "default")
def both(request):
    """Give a scenario's summaries and its result."""
    scenario = load_scenario(FEW, *request.param)
    return simulate.summary(scenario), run(scenario)


def test_every_summary_agrees_with_the_plain_law_to_a_millionth_of_a_share(both):
    fast, slow = both
    close = np.array([CLOSE[MEASURES[name].unit] for name in fast.measure.values])[:, None]
    for quantity in ("projection", "counterfactual", "impact"):
        expected, _ = plain(slow, quantity)
        for s, name in enumerate(simulate.STATISTICS):
            found, wanted = fast[quantity].values[..., s], expected[name]
            assert (np.isnan(found) == np.isnan(wanted)).all()
            assert not (np.abs(found - wanted) > close).any(), (quantity, name, np.nanmax(np.abs(found - wanted)))


def test_chances_agree_but_for_impacts_too_small_to_tell(both):
    fast, slow = both
    _, draws = plain(slow, "impact")
    lower = np.array([MEASURES[name].lower_is_better for name in fast.measure.values])[:, None, None]
    better, doubtful = np.where(lower, draws < 0, draws > 0).mean(-1), (np.abs(draws) < 1e-4).mean(-1)
    off = np.abs(fast.p_better.values[:-1] - better) - doubtful
    assert not (off[np.isfinite(draws).all(-1)] > 1e-6).any()


def test_what_is_left_of_the_peak_agrees(both):
    fast, slow = both
    for name in simulate.LEFT:
        found = fast[name].values[:-1]
        wanted = np.where(
            np.isnan(fast.projection.values[:-1, ..., 0, 0]),
            np.nan,
            slow.sustainability[name].transpose("area", "group", "measure").values,
        )
        bound = 2 / slow.n_draws if name.startswith("p_") else 1e-5  # a draw at the very edge may fall on either side
        assert not (np.abs(found - wanted) > bound).any(), name


def test_the_headline_agrees_with_that_of_a_run(both):
    fast, slow = both
    measure, group = summaries.headline_measure(slow)
    year = summaries.headline_year(slow)
    assert (fast.attrs["headline_measure"], fast.attrs["headline_group"], fast.attrs["headline_year"]) == (
        measure, group, year,
    )  # fmt: skip
    draws = narrative.mean_draws(slow, "impact", measure, group, year)
    assert float(fast.impact_mean) == pytest.approx(draws.mean(), abs=1e-4)
    assert float(fast.impact_q95) == pytest.approx(np.quantile(draws, 0.95), abs=1e-4)
    if "impact" in slow.outside:
        other = slow.outside.impact.sel(year=year).values
        assert float(fast.impact_other_way_mean) == pytest.approx(other.mean(), abs=1e-4)
    else:
        assert np.isnan(float(fast.impact_other_way_mean))
    found = ranking.per_pound(slow.value, whole=True)
    if found and slow.value.spent.values.any():
        assert float(fast.benefit_per_pound_mean) == pytest.approx(found["plain"].mean(), rel=1e-4)
        assert float(fast.gap_closing_benefit_per_pound_q05) == pytest.approx(
            np.quantile(found["gap_closing"], 0.05), rel=1e-3, abs=1e-4
        )
    else:
        assert np.isnan(float(fast.benefit_per_pound_mean))


def test_marks_go_where_the_numbers_go(both):
    fast, slow = both
    assert fast.attrs["verdict"] == slow.manifest["gates"]["verdict"]
    assert fast.attrs["n_draws"] == slow.n_draws
    assert fast.attrs["to_verify"] == sum(map(len, slow.manifest["to_verify"].values()))
    assert (fast.proxy.values[:-1] == slow.draws.proxy.transpose("area", "group", "measure").values).all()


def test_without_money_there_is_no_impact_exactly():
    found = simulate.summary(load_scenario(FEW, THREE, "scenario=no_programme"))
    assert np.nanmax(np.abs(found.impact.values)) == 0
    assert np.nanmax(found.p_better.values) == 0
    np.testing.assert_array_equal(found.projection.values, found.counterfactual.values)


def test_the_same_scenario_has_the_same_summaries_to_the_bit_whatever_came_between():
    one, other = (load_scenario(FEW, THREE, f"split={split}") for split in ("equal", "per_pupil"))
    first = simulate.summary(one)
    simulate.summary(other)
    again = simulate.summary(one)
    for name in first.data_vars:
        np.testing.assert_array_equal(first[name].values, again[name].values)
    assert first.attrs == again.attrs


def test_the_order_of_areas_does_not_matter():
    one, other = (load_scenario(FEW, f"areas=[{names}]") for names in ("Norwich, Oldham", "Oldham, Norwich"))
    assert simulate.summary(one).identical(simulate.summary(other))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda one: setattr(one.organisation, "twins", {"Norwich": "Camelot"}), "Camelot"),
        (lambda one: setattr(one.organisation, "national", ["moon_shots"]), "moon_shots"),
        (lambda one: setattr(one.evidence, "without", ["No such study"]), "No such study"),
        (lambda one: setattr(next(iter(one.interventions.values())), "study_type", "magic"), "magic"),
    ],
)
def test_what_cannot_be_run_is_refused_as_a_run_refuses_it(change, word):
    scenario = load_scenario(FEW, THREE)
    change(scenario)
    with pytest.raises(Refusal, match=word) as slow:
        run(scenario)
    with pytest.raises(Refusal, match=word) as fast:
        simulate.summary(scenario)
    assert str(fast.value) == str(slow.value)


def test_more_areas_leave_each_area_as_it_was(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "experiments")
    import made_up_areas

    names = made_up_areas.write(tmp_path / "data", 30)
    base = load_scenario(FEW, "horizon=5", data_folder=str(tmp_path / "data"))
    few, many = (
        simulate.summary(replace(base, areas=replace(base.areas, names=names[:n]), split=Split("per_pupil")))
        for n in (12, 30)
    )
    assert many.sizes["place"] == 31
    same = {"place": names[:12]}
    np.testing.assert_array_equal(few.counterfactual.sel(same).values, many.counterfactual.sel(same).values)
    assert np.isfinite(many.impact.sel(place=names[29], measure="key_stage_2").values).all()


def test_a_sweep_gives_the_numbers_of_single_runs_each_beside_its_own_labels(tmp_path):
    words = ["areas=[Norwich],[Oldham,Derby]", "split=equal,per_pupil", "horizon=5,6", FEW]
    sweeping, rest = load_sweeping(words)
    sweep(rest, sweeping, tmp_path / "sweep")
    store = xr.open_zarr(tmp_path / "sweep" / "store.zarr").load()
    assert store.sizes["scenario"] == 8
    for i in (0, 3, 6):
        one = store.isel(scenario=i)
        areas = ["Norwich"] if i < 4 else ["Derby", "Oldham"]
        single = run(
            load_scenario(
                f"areas=[{','.join(areas)}]", f"split={one.split.item()}", f"horizon={one.horizon.item():g}", FEW
            )
        )
        expected, _ = plain(single, "impact")
        at = {"place": areas, "group": single.draws.group.values, "measure": single.draws.measure.values}
        found = one.impact.sel(at).sel(year=single.draws.year.values, statistic="mean")
        np.testing.assert_allclose(found.values, expected["mean"][:-1], atol=1e-4)
        others = [name for name in ("Norwich", "Derby", "Oldham") if name not in areas]
        assert np.isnan(one.impact.sel(place=others).values).all()
        assert np.isnan(one.impact.sel(year=2029).values).all() == (one.horizon.item() == 5)


@pytest.mark.parametrize("words", [(), ("evidence.outside_view.is_on=true", "organisation.twins={Norwich: Oldham}")])
def test_the_draws_of_a_place_are_those_behind_its_summaries(words):
    followed = simulate.followed(load_scenario(FEW, THREE, *words))
    summary = simulate.summarised(followed)
    for place in summary.place.values:
        draws = simulate.draws(followed, place, "key_stage_2", "disadvantaged")
        wanted = summary.sel(place=place, measure="key_stage_2", group="disadvantaged")
        for quantity in ("projection", "counterfactual", "impact"):
            values = draws[quantity].astype(float)
            np.testing.assert_allclose(
                values.mean(("chain", "draw")), wanted[quantity].sel(statistic="mean"), rtol=1e-6, atol=1e-6
            )
            np.testing.assert_allclose(
                values.quantile(0.95, ("chain", "draw")), wanted[quantity].sel(statistic="q95"), rtol=1e-6, atol=1e-6
            )
    assert float(draws.benefit_per_pound.mean()) == pytest.approx(float(summary.benefit_per_pound_mean))
