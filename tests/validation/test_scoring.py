"""The scores: laws of the CRPS and of coverage, forms of a forecast, and a contest in which all are treated alike."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from oa_sim.errors import Refusal
from oa_sim.inference import link_functions
from oa_sim.validation.scoring import (
    COLUMNS,
    Entry,
    Forecast,
    calibration,
    covered,
    crps,
    crps_draws,
    crps_normal,
    interval,
    misses,
    overall,
    published,
    quantile,
    score,
    table,
)

RNG = np.random.default_rng(12)
AREAS = tuple(f"area {i:03d}" for i in range(400))


def contest(rng=RNG, areas=AREAS):
    """A toy whose truth is Normal(0, 1): ours knows it, the walk is too wide, the mean too narrow."""
    entries = []
    for measure, group, year in (
        ("key_stage_2", "other", 2022),
        ("key_stage_2", "other", 2023),
        ("phonics", "other", 2022),
    ):
        actual = rng.standard_normal(len(areas))
        zero, one = np.zeros(len(areas)), np.ones(len(areas))
        told = {
            "ours": Forecast(rng.standard_normal((500, len(areas)))),
            "random walk": Forecast(mean=zero, sd=2 * one),
            "mean": Forecast(mean=zero, sd=one / 2),
        }
        for model, forecast in told.items():
            for kind in ("relative", "level"):
                entries.append(Entry(model, measure, group, year, year - 2019, kind, areas, actual, forecast))
    return entries


@pytest.fixture(scope="module")
def entries():
    return contest()


@pytest.fixture(scope="module")
def scored(entries):
    return table(entries)


def shuffled(entry, rng):
    """The same entry with its areas in another order."""
    order, given = rng.permutation(len(entry.areas)), entry.forecast
    forecast = (
        Forecast(mean=given.mean[order], sd=given.sd[order]) if given.draws is None else Forecast(given.draws[:, order])
    )
    areas = tuple(entry.areas[i] for i in order)
    return dataclasses.replace(entry, areas=areas, actual=entry.actual[order], forecast=forecast)


def test_an_interval_of_either_form_holds_what_it_says():
    levels = np.array([50, 80, 95])
    actual = np.random.default_rng(4).standard_normal(20_000)
    forecasts = (
        Forecast(mean=np.zeros(20_000), sd=np.ones(20_000)),
        Forecast(np.repeat(ndtri((np.arange(199) + 0.5) / 199)[:, None], 20_000, 1)),
    )
    for forecast in forecasts:
        share = covered(*interval(forecast, levels), actual).mean(1)
        assert (np.abs(share - levels / 100) < 4 * np.sqrt(levels / 100 * (1 - levels / 100) / 20_000)).all()


def test_both_forms_of_a_forecast_have_the_same_quantiles():
    normal = Forecast(mean=np.array([0.1, -0.4]), sd=np.array([0.2, 0.5]))
    steps = ndtri((np.arange(199) + 0.5) / 199)
    draws = Forecast(normal.mean + normal.sd * steps[:, None])
    shares = np.array([0.025, 0.25, 0.5, 0.9])
    np.testing.assert_allclose(quantile(draws, shares), quantile(normal, shares), atol=0.005)
    assert quantile(normal, 0.5).shape == quantile(draws, 0.5).shape == (2,)


@pytest.mark.parametrize("measure", ["key_stage_2", "attainment_8"])
def test_a_published_forecast_keeps_its_quantiles_on_the_published_scale(measure):
    latent = Forecast(mean=np.array([0.3]), sd=np.array([0.2]))
    found = published(latent, measure)
    for share in (0.1, 0.5, 0.9):
        expected = link_functions.to_published(measure, quantile(latent, share))
        np.testing.assert_allclose(quantile(found, share), expected, rtol=1e-3)
    actual = float(link_functions.to_published(measure, 0.3))
    assert 0 < crps(found, np.array([actual]))[0] < 5


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"mean": np.zeros(2)},
        {"mean": np.zeros(2), "sd": np.ones(3)},
        {"draws": np.zeros(3)},
        {"draws": np.zeros((4, 2)), "mean": np.zeros(2)},
    ],
    ids=["nothing", "no sd", "lengths", "one dimension", "both"],
)
def test_a_forecast_of_no_form_is_refused(given):
    with pytest.raises(Refusal):
        Forecast(**given)


def test_the_score_of_many_draws_is_that_of_their_distribution():
    actual = np.array([-2.0, 0.0, 0.7, 3.0])
    draws = 0.5 + 0.8 * np.random.default_rng(1).standard_normal((40_000, 4))
    np.testing.assert_allclose(crps_draws(draws, actual), crps_normal(0.5, 0.8, actual), atol=0.015)


def test_the_score_of_draws_is_its_definition():
    draws, actual = RNG.standard_normal((30, 5)), RNG.standard_normal(5)
    apart = np.abs(draws[:, None] - draws[None]).mean((0, 1))
    np.testing.assert_allclose(crps_draws(draws, actual), np.abs(draws - actual).mean(0) - apart / 2)


def test_the_score_of_a_point_is_the_absolute_error():
    actual = np.array([-1.0, 0.0, 2.5])
    np.testing.assert_allclose(crps_draws(np.full((7, 3), 0.5), actual), np.abs(actual - 0.5))
    np.testing.assert_allclose(crps_normal(0.5, 0.0, actual), np.abs(actual - 0.5))
    np.testing.assert_allclose(crps_normal(0.5, 1e-9, actual), np.abs(actual - 0.5), atol=1e-8)


def test_nothing_scores_better_than_the_truth():
    actual = np.random.default_rng(2).normal(0.2, 0.7, 100_000)
    truth = crps_normal(0.2, 0.7, actual).mean()
    for centre, spread in ((0.3, 0.7), (0.1, 0.7), (0.2, 0.8), (0.2, 0.6)):
        assert crps_normal(centre, spread, actual).mean() > truth
    np.testing.assert_allclose(truth, 0.7 / np.sqrt(np.pi), rtol=0.01)


def test_a_score_has_the_unit_of_the_figure():
    np.testing.assert_allclose(crps_normal(20.0, 70.0, 55.0), 100 * crps_normal(0.2, 0.7, 0.55))


def test_the_table_has_its_columns_and_a_row_for_each_model_and_cell(scored):
    assert scored.columns.tolist() == COLUMNS
    assert len(scored) == 3 * 3 * 2
    assert not scored.duplicated(COLUMNS[:6]).any()
    assert scored.model.drop_duplicates().tolist() == ["ours", "random walk", "mean"]
    assert scored.measure.drop_duplicates().tolist() == ["phonics", "key_stage_2"]


def test_the_random_walk_is_exactly_one_of_itself(scored):
    assert (scored[scored.model == "random walk"].crps_ratio_rw == 1).all()


def test_the_best_forecast_wins_and_a_calibrated_one_is_calibrated(scored):
    found = overall(scored).set_index(["model", "scale"])
    assert found.crps.idxmin() in [("ours", "relative"), ("ours", "level")]
    ours = found.loc["ours", "relative"]
    for level in (50, 80, 95):
        assert abs(ours[f"cov{level}"] - level / 100) < 4 * np.sqrt(level / 100 * (1 - level / 100) / 1200)
    assert found.loc[("random walk", "relative"), "cov80"] > 0.95
    assert found.loc[("mean", "relative"), "cov80"] < 0.6


def test_the_order_of_areas_and_of_entries_does_not_matter(entries, scored):
    rng = np.random.default_rng(9)
    mixed = [shuffled(entry, rng) for entry in entries]
    rng.shuffle(mixed)
    pd.testing.assert_frame_equal(table(mixed), scored)
    pd.testing.assert_frame_equal(calibration(mixed), calibration(entries))
    pd.testing.assert_frame_equal(misses(mixed, "ours"), misses(entries, "ours"))


def test_an_area_that_one_model_cannot_forecast_is_scored_for_none(entries, scored):
    blind, first = Forecast(mean=np.r_[np.nan, np.zeros(399)], sd=np.full(400, 2.0)), entries[0]
    changed = [
        dataclasses.replace(entry, forecast=blind)
        if entry.model == "random walk" and entry.cell == first.cell
        else entry
        for entry in entries
    ]
    at = (scored.measure == first.measure) & (scored.year == first.year) & (scored.scale == first.scale)
    found = table(changed)
    assert (found[at].n == 399).all()
    pd.testing.assert_frame_equal(found[~at], scored[~at])
    ours = found[at & (found.model == "ours")].crps.item()
    np.testing.assert_allclose(ours, crps(first.forecast, first.actual)[1:].mean())


def test_a_figure_that_was_not_published_is_not_scored(entries):
    actual = np.r_[np.full(10, np.nan), np.zeros(390)]
    found = table([dataclasses.replace(entry, actual=actual) for entry in entries])
    assert (found.n == 390).all()


def test_a_cell_with_nothing_to_score_stays_and_counts_nowhere(entries, scored):
    nothing = np.full(len(AREAS), np.nan)
    dark = [dataclasses.replace(e, actual=nothing) if e.measure == "phonics" else e for e in entries]
    found = table(dark)
    empty = found[found.measure == "phonics"]
    assert (empty.n == 0).all()
    assert empty.crps.isna().all()
    rest = scored[scored.measure != "phonics"].reset_index(drop=True)
    pd.testing.assert_frame_equal(overall(found), overall(rest))


def test_calibration_is_the_coverage_of_the_table_at_more_levels(entries, scored):
    found = calibration(entries).set_index(["model", "scale", "nominal"]).covered.sort_index()
    whole = overall(scored).set_index(["model", "scale"])
    for level in (50, 80, 95):
        for key in whole.index:
            np.testing.assert_allclose(found[*key, level], whole.loc[key, f"cov{level}"])
    assert (found["ours", "relative"].diff().dropna() >= 0).all()


def test_the_worst_miss_is_the_one_that_was_planted(entries):
    entries = list(entries)
    first = entries[0]
    actual = first.actual.copy()
    actual[17] = -9.0
    entries = [dataclasses.replace(e, actual=actual) if e.cell == first.cell else e for e in entries]
    found = misses(entries, "ours")
    assert len(found) == 10
    worst = found.iloc[0]
    assert (worst.area, worst.measure, worst.year, worst.actual) == (AREAS[17], first.measure, first.year, -9.0)
    assert worst.sds < -8
    assert worst.chance == pytest.approx(1 / 501)
    assert worst.low < worst["median"] < worst.high
    assert found.sds.abs().is_monotonic_decreasing


def test_the_tail_of_a_normal_forecast_is_that_of_the_normal(entries):
    worst = misses(entries, "random walk").iloc[0]
    np.testing.assert_allclose(ndtri(worst.chance), -abs(worst.sds))


def test_scores_hold_all_that_a_report_needs(entries, scored):
    found = score(entries, "ours", scale="level")
    pd.testing.assert_frame_equal(found.table, scored)
    assert (found.misses.scale == "level").all()


def test_an_unfair_contest_is_refused(entries):
    with pytest.raises(Refusal, match="'mean' has no entry"):
        table([entry for entry in entries if (entry.model, entry.year) != ("mean", 2023)])
    with pytest.raises(Refusal, match="'random walk' has no entry"):
        table([entry for entry in entries if entry.model == "ours"])
    with pytest.raises(Refusal, match="twice"):
        table([*entries, entries[0]])
    with pytest.raises(Refusal, match="different figures"):
        table([dataclasses.replace(entries[0], actual=entries[0].actual + 1), *entries[1:]])
    with pytest.raises(Refusal, match="unknown model"):
        misses(entries, "our")


def test_an_entry_whose_parts_do_not_fit_is_refused():
    told = Forecast(mean=np.zeros(2), sd=np.ones(2))
    whole = ("ours", "key_stage_2", "other", 2022, 3, "relative")
    with pytest.raises(Refusal, match="align them"):
        Entry(*whole, ("Derby",), np.zeros(1), told)
    with pytest.raises(Refusal, match="align them"):
        Entry(*whole, ("Derby", "Derby"), np.zeros(2), told)
    with pytest.raises(Refusal, match="did you mean 'relative'"):
        Entry(*whole[:-1], "relativ", ("Derby", "Oldham"), np.zeros(2), told)
