"""Weights: smoothed as ArviZ does, doubted where few draws carry them, taken as often as they say."""

import sys
import warnings

import numpy as np
import pytest
from scipy.stats import genpareto

from oa_sim.inference import importance_sampling


def test_equal_ratios_give_equal_weights():
    weight, k = importance_sampling.weigh(np.full(40, -3.0))
    assert (weight == 1 / 40).all()
    assert k == 0


@pytest.mark.parametrize("shape", [0.1, 0.4, 0.9])
def test_the_shape_of_a_pareto_tail_is_found(shape):
    drawn = np.sort(genpareto.rvs(shape, scale=2.0, size=2000, random_state=1))
    k, sigma = importance_sampling.pareto(drawn)
    assert k == pytest.approx(shape, abs=0.1)
    assert sigma == pytest.approx(2.0, rel=0.12)


@pytest.mark.parametrize("spread", [0.1, 0.8, 2.5])
@pytest.mark.parametrize("n", [40, 2500])  # of others one version rounds the length of the tail down, one up
def test_smoothed_weights_are_those_of_arviz(spread, n):
    log_ratio = spread * np.random.default_rng(1).standard_normal(n)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ArviZ speaks of its own future when it is imported
        if sys.version_info >= (3, 12):
            from arviz_stats.base import array_stats

            log_weight, expected = array_stats.psislw(-log_ratio)  # it takes the log-likelihood that is left out
        else:
            from arviz import psislw

            log_weight, expected = psislw(log_ratio)
    weight, k = importance_sampling.weigh(log_ratio)
    assert k == pytest.approx(float(np.asarray(expected)), abs=1e-6)
    np.testing.assert_allclose(weight, np.exp(np.asarray(log_weight)), rtol=1e-6)


def test_too_few_draws_to_tell_are_not_trusted():
    assert importance_sampling.weigh(np.array([0.0, 1.0, 2.0, 3.0]))[1] >= importance_sampling.LARGEST_K


def test_a_draw_is_taken_as_often_as_its_weight_says():
    weight = np.random.default_rng(1).dirichlet(np.full(50, 0.3))
    taken = importance_sampling.systematic(weight, np.random.default_rng(2))
    count = np.bincount(taken, minlength=50)
    assert (abs(count - 50 * weight) < 1).all()
    assert (importance_sampling.systematic(np.full(50, 0.02), np.random.default_rng(2)) == np.arange(50)).all()


def test_weighted_quantiles_are_the_plain_ones_where_weights_are_alike():
    values = np.random.default_rng(1).standard_normal(37)
    found = importance_sampling.quantiles(values, np.full(37, 1 / 37), (0.05, 0.5, 0.95))
    np.testing.assert_allclose(found, np.quantile(values, [0.05, 0.5, 0.95]))


def test_a_draw_that_is_taken_keeps_its_own_place():
    weight = np.random.default_rng(4).dirichlet(np.full(500, 0.5))
    taken = importance_sampling.systematic(weight, np.random.default_rng(5))
    times = np.bincount(taken, minlength=500)
    assert (taken[times > 0] == np.flatnonzero(times)).all()
    assert (abs(times - 500 * weight) < 1).all()
