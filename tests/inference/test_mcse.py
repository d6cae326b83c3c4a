"""Monte Carlo errors are those of many repetitions."""

import numpy as np
import pytest

from oa_sim.inference import mcse


def test_monte_carlo_errors_are_those_of_many_repetitions():
    rng = np.random.default_rng(1)
    many = rng.standard_normal((2000, 4, 125))
    flat = many.reshape(2000, 500)
    mean = np.mean([mcse.error_of_mean(draws) for draws in many[:100]])
    assert mean == pytest.approx(flat.mean(axis=1).std(), rel=0.15)
    for at in (0.05, 0.95):
        typical = np.mean([mcse.error_of_quantile(draws, at, 500) for draws in many[:100]])
        assert typical == pytest.approx(np.quantile(flat, at, axis=1).std(), rel=0.15)
        fewer = np.mean([mcse.error_of_quantile(draws, at, 125) for draws in many[:100]])
        assert fewer == pytest.approx(2 * typical, rel=0.15)
