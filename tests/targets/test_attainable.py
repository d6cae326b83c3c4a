"""What can be promised: laws, and whether promises to authorities were kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.inference import baseline_fit
from oa_sim.inputs import panel, published_files, tables
from oa_sim.targets import assess, attainable
from oa_sim.validation import backtest
from oa_sim.validation.scoring import Entry, Forecast

LAIT = Path(__file__).resolve().parents[3] / "shared" / "facts" / "lait_to_2022_23.parquet"


@pytest.mark.parametrize("probability", [0.5, 0.7, 0.9])
@pytest.mark.parametrize("lower", [False, True])
def test_what_is_promised_is_reached_with_that_probability(probability, lower):
    draws = np.random.default_rng(1).standard_normal(4001)
    value, error = attainable.promised(draws, probability, lower_is_better=lower)
    assert attainable.reached(draws, value, lower_is_better=lower)[0] == pytest.approx(probability, abs=1e-3)
    assert error == pytest.approx(np.sqrt(probability * (1 - probability) / 4001) / density(value), rel=0.3)


def density(x):
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def parts(own, programme, n=500):
    noise = np.random.default_rng(0).standard_normal(n)
    return {"own": own + noise - noise.mean(), "programme": np.full(n, programme)}


def test_regression_to_the_mean_is_warned_of_where_it_does_the_work():
    share, warning = attainable.reversion(parts(3.0, 1.0), lower_is_better=False)
    assert share == pytest.approx(0.75)
    assert "75%" in warning
    assert attainable.reversion(parts(0.5, 1.0), lower_is_better=False)[1] == ""
    assert attainable.reversion(parts(-3.0, 1.0), lower_is_better=False)[1] == ""
    assert attainable.reversion(parts(-3.0, -1.0), lower_is_better=True)[1]
    assert attainable.reversion(parts(3.0, 1.0), lower_is_better=True)[1] == ""


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


# how often authorities moved that far


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
    rows = attainable.summarised(made_up())
    assert {row["n"] for row in rows if row["span"] == 1} == {80 * 8}
    assert attainable.movement_rate(rows, "key_stage_2", "all", 5, -7.0, 0.01) == (0.0, 80 * 4, 5)
    assert attainable.movement_rate(rows, "key_stage_2", "all", 30, -7.0, 0.0) == (
        1.0,
        80,
        8,
    )  # the longest that is known
    assert attainable.movement_rate(rows, "suspensions", "all", 5, 3.0, 0.0)[0] == 1.0  # exactly so far is far enough
    assert attainable.typical(rows, "key_stage_2", "all", 5, -7.0) == 0.0
    assert attainable.movement_rate(rows, "key_stage_2", "all", 5, -7.0, -0.01)[0] == 1.0
    assert attainable.movement_rate(rows, "suspensions", "all", 5, 3.0, -0.01)[0] == 0.0  # lower is better


def test_the_further_one_has_to_move_the_fewer_did():
    rows = tables.read("movements")
    for measure in ("key_stage_2", "attainment_8", "good_level_of_development"):
        rates = [attainable.movement_rate(rows, measure, "all", 5, -5.0, needed)[0] for needed in (-4, 0, 2, 4, 8)]
        assert rates == sorted(rates, reverse=True)
        assert rates[0] > rates[-1]
    rates = [
        attainable.movement_rate(rows, "persistent_absence", "all", 5, 2.0, needed)[0] for needed in (4, 0, -2, -4)
    ]
    assert rates == sorted(rates, reverse=True)


def test_those_furthest_behind_came_nearer_more_often():
    rows = tables.read("movements")
    behind = attainable.movement_rate(rows, "key_stage_2", "all", 5, -10.0, 3.0)[0]
    ahead = attainable.movement_rate(rows, "key_stage_2", "all", 5, 8.0, 3.0)[0]
    assert behind > ahead
