"""The peers: what each expects of records whose future is known by hand."""

import sys

import numpy as np
import pytest

from oa_sim.errors import Refusal
from oa_sim.validation.benchmark_forecasters import PEERS, REFERENCE, drift, mean, random_walk

YEARS = np.arange(2010, 2020)
TARGETS = np.array([2022, 2023])
AUTOMATIC = ("AutoETS", "AutoARIMA", "AutoTheta")
PLAIN = tuple(name for name in PEERS if name not in AUTOMATIC)


@pytest.fixture(scope="module")
def wandering():
    """Twelve random walks, a gap in each of the first six, the last but one seen once and the last never."""
    values = np.cumsum(0.05 * np.random.default_rng(7).standard_normal((12, YEARS.size)), axis=1)
    values[:6, 4:6] = np.nan
    values[10, :9] = np.nan
    values[11] = np.nan
    return values


def test_the_random_walk_stands_first_and_is_the_reference():
    assert list(PEERS) == [REFERENCE, "drift", "mean", *AUTOMATIC]


@pytest.mark.parametrize("name", PLAIN)
def test_a_unit_never_observed_has_no_forecast_and_changes_no_other(wandering, name):
    whole = PEERS[name](wandering, YEARS, TARGETS)
    assert np.isnan(whole.mean[11]).all()
    assert np.isnan(whole.sd[11]).all()
    without = PEERS[name](wandering[:11], YEARS, TARGETS)
    np.testing.assert_array_equal(whole.mean[:11], without.mean)
    np.testing.assert_array_equal(whole.sd[:11], without.sd)


@pytest.mark.parametrize("name", PLAIN)
def test_a_unit_observed_once_is_expected_to_stay_with_a_spread_learned_from_the_others(wandering, name):
    found = PEERS[name](wandering, YEARS, TARGETS)
    np.testing.assert_allclose(found.mean[10], wandering[10, 9])
    assert (found.sd[10] > 0).all()


@pytest.mark.parametrize("name", PLAIN)
def test_the_order_of_units_does_not_matter(wandering, name):
    order = np.random.default_rng(1).permutation(12)
    one, other = PEERS[name](wandering, YEARS, TARGETS), PEERS[name](wandering[order], YEARS, TARGETS)
    np.testing.assert_allclose(one.mean[order], other.mean)
    np.testing.assert_allclose(one.sd[order], other.sd)


@pytest.mark.parametrize("name", PLAIN)
def test_one_figure_of_one_unit_says_nothing_of_its_spread_so_there_is_no_forecast(name):
    found = PEERS[name]([[np.nan, 0.3]], [2018, 2019], [2020])
    assert np.isnan(found.mean).all()
    assert np.isnan(found.sd).all()


def test_a_random_walk_finds_the_variance_it_was_made_with_and_spreads_with_the_root_of_time():
    values = np.cumsum(0.05 * np.random.default_rng(3).standard_normal((4000, YEARS.size)), axis=1)
    whole = random_walk(values, YEARS, TARGETS)
    np.testing.assert_allclose(whole.sd[0], 0.05 * np.sqrt([3, 4]), rtol=0.02)
    values[:, 3:6] = np.nan  # the changes across a gap are larger, and the variance of a year is the same
    np.testing.assert_allclose(random_walk(values, YEARS, TARGETS).sd, whole.sd, rtol=0.03)


def test_years_are_counted_from_the_last_figure_of_each_unit():
    values = np.array([[0.0, 0.1, 0.2], [0.0, 0.1, np.nan]])
    found = random_walk(values, [2017, 2018, 2019], [2020])
    np.testing.assert_allclose(found.mean[:, 0], [0.2, 0.1])
    np.testing.assert_allclose(found.sd[1, 0] / found.sd[0, 0], np.sqrt(2))


def test_drift_continues_a_straight_line_even_across_a_gap():
    line = 0.02 * (YEARS - 2010.0)
    broken = np.where(np.isin(YEARS, (2013, 2014)), np.nan, line)
    found = drift(np.stack([line, 1 - line, broken]), YEARS, TARGETS)
    future = 0.02 * (TARGETS - 2010.0)
    np.testing.assert_allclose(found.mean, [future, 1 - future, future])
    np.testing.assert_allclose(found.sd, 0.0, atol=1e-9)


def test_drift_is_less_sure_than_a_random_walk_by_the_uncertainty_of_its_slope():
    values = np.array([[0.0, 0.1, 0.0, 0.1, 0.0], [0.0, -0.1, 0.0, -0.1, 0.0]])  # no slope: the same changes
    years, targets = np.arange(2015, 2020), np.array([2020, 2023])
    walk, sloped = random_walk(values, years, targets), drift(values, years, targets)
    steps = np.array([1, 4])
    np.testing.assert_allclose(sloped.sd[0], walk.sd[0] * np.sqrt((1 + steps / 4) * 8 / 6))  # 8 changes, 2 slopes


def test_the_mean_has_the_textbook_spread():
    values = np.array([[0.0, 0.2, np.nan], [1.0, 1.0, 1.3]])
    found = mean(values, [2017, 2018, 2019], [2020])
    variance = (2 * 0.1**2 + 2 * 0.1**2 + 0.2**2) / 3
    np.testing.assert_allclose(found.mean[:, 0], [0.1, 1.1])
    np.testing.assert_allclose(found.sd[:, 0], np.sqrt(variance * (1 + 1 / np.array([2, 3]))))


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize(
    ("years", "targets", "rule"),
    [
        ([2017, 2019], [2020], "follow each other"),
        ([2018, 2019], [2019], "come after 2019"),
        ([2018, 2019], [], "come after 2019"),
        ([2017, 2018, 2019], [2020], "one column for each"),
    ],
)
def test_what_is_no_record_or_no_future_is_refused(name, years, targets, rule):
    with pytest.raises(Refusal, match=rule):
        PEERS[name](np.zeros((3, 2)), years, targets)


def test_without_the_library_the_automatic_peers_say_what_to_install(monkeypatch, wandering):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(Refusal, match=r"install oa-sim\[panel\]"):
        PEERS["AutoETS"](wandering, YEARS, TARGETS)


@pytest.fixture(scope="module")
def automatic(wandering):
    pytest.importorskip("statsforecast", reason="the automatic peers are fitted by statsforecast, an extra")
    return {name: PEERS[name](wandering, YEARS, TARGETS) for name in AUTOMATIC}


@pytest.mark.parametrize("name", AUTOMATIC)
def test_an_automatic_peer_forecasts_every_unit_that_was_seen(automatic, wandering, name):
    found, walk = automatic[name], random_walk(wandering, YEARS, TARGETS)
    assert np.isfinite(found.mean[:11]).all()
    assert (found.sd[:11] > 0).all()
    assert np.isnan(found.mean[11]).all()
    assert not found.stood_in[11]  # nothing stands in where there is nothing
    assert found.stood_in[10]
    np.testing.assert_array_equal(found.mean[10], walk.mean[10])
    assert found.stood_in.sum() < 3


@pytest.mark.parametrize("name", AUTOMATIC)
def test_a_constant_record_is_left_to_the_random_walk(automatic, wandering, name):
    values = np.stack([np.full(YEARS.size, 0.3), wandering[6]])
    found, walk = PEERS[name](values, YEARS, TARGETS), random_walk(values, YEARS, TARGETS)
    assert found.stood_in.tolist() == [True, False]
    np.testing.assert_array_equal(found.sd[0], walk.sd[0])


def test_automatic_arima_and_ets_follow_a_steep_line(automatic):
    line = 0.1 * np.arange(YEARS.size) + 0.01 * np.random.default_rng(5).standard_normal(YEARS.size)
    for name in ("AutoETS", "AutoARIMA"):
        found = PEERS[name](line[None], YEARS, TARGETS)
        np.testing.assert_allclose(found.mean[0], [1.2, 1.3], atol=0.06)
