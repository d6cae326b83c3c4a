"""Quantiles of draws are those of a full sort."""

import numpy as np
import pytest

from oa_sim.compiled import quantiles, simulate
from oa_sim.definitions import QUANTILES
from oa_sim.projection import appraisal


def test_statistics_are_those_of_the_draws():
    draws = np.random.default_rng(5).standard_normal((7, 333)).astype(np.float32)
    out = np.empty((7, len(simulate.STATISTICS) + 2))
    quantiles.describe(draws, np.array(list(QUANTILES.values())), out)
    wanted = appraisal.described(draws.astype(float))
    for s, name in enumerate(simulate.STATISTICS):
        np.testing.assert_allclose(out[:, s], wanted[name], atol=1e-7)
    np.testing.assert_allclose(out[:, -2], (draws > 0).mean(axis=1))
    np.testing.assert_allclose(out[:, -1], (draws < 0).mean(axis=1))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e38, -1e38])
def test_what_is_no_number_among_draws_stays_within_the_room(odd):
    draws = np.random.default_rng(3).standard_normal((3, 333)).astype(np.float32)
    draws[1, 200:210] = odd
    out = np.empty((3, len(simulate.STATISTICS) + 2))
    quantiles.describe(draws, np.array(list(QUANTILES.values())), out)
    wanted = appraisal.described(draws[[0, 2]].astype(float))
    for s, name in enumerate(simulate.STATISTICS):
        np.testing.assert_allclose(out[[0, 2], s], wanted[name], atol=1e-7)


def test_quantiles_of_draws_that_hardly_differ_are_those_of_a_sort():
    draws = np.full((2, 400), 3e-37, dtype=np.float32)
    draws[0, :150], draws[1, ::2] = 2e-37, 0.0
    out = np.empty((2, len(simulate.STATISTICS) + 2))
    quantiles.describe(draws, np.array(list(QUANTILES.values())), out)
    wanted = appraisal.described(draws.astype(float))
    for s, name in list(enumerate(simulate.STATISTICS))[2:]:
        np.testing.assert_allclose(out[:, s], wanted[name], rtol=1e-6)


DRAWN = {  # the ways in which draws crowd, tie and stretch
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy": lambda rng, shape: rng.standard_cauchy(shape),
    "skewed": lambda rng, shape: np.exp(5 * rng.standard_normal(shape)),
    "tied": lambda rng, shape: np.rint(rng.standard_normal(shape)),
    "mostly nothing": lambda rng, shape: np.where(rng.random(shape) < 0.9, 0, rng.standard_normal(shape)),
    "nothing": lambda rng, shape: np.zeros(shape),
    "in order": lambda rng, shape: np.sort(rng.standard_normal(shape)),
}


@pytest.mark.parametrize("drawn", DRAWN.values(), ids=DRAWN)
@pytest.mark.parametrize("n", [1, 2, 3, 7, 9, 40, 129, 1003, 2000])
@pytest.mark.parametrize("shares", [[0.5], list(QUANTILES.values()), list(np.linspace(0, 1, 23)), [0, 0, 0.5, 0.5, 1]])
def test_quantiles_are_those_of_a_full_sort_however_many_and_however_close(drawn, n, shares):
    draws = drawn(np.random.default_rng(n), (20, n)).astype(np.float32)
    out = np.empty((20, 4 + len(shares)))
    quantiles.describe(draws, np.array(shares, dtype=float), out)
    np.testing.assert_allclose(out[:, 2:-2], np.quantile(draws.astype(float), shares, axis=1).T, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(out[:, -2:].T, [(draws > 0).mean(axis=1), (draws < 0).mean(axis=1)])
