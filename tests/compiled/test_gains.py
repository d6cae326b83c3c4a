"""Gains are laid over the years as a plain sum over all years before says."""

import numpy as np
import pytest

from oa_sim.compiled import activity, gains

SIGHTS = {
    "one year": [3],
    "at once": [0],
    "the last": [-1],
    "a stretch": [2, 3, 4, 5, 6],
    "with gaps": [0, 1, 5, 9],
    "all": slice(None),
}


@pytest.mark.parametrize("sight", SIGHTS.values(), ids=SIGHTS)
@pytest.mark.parametrize("n_years", [10, 12, 17, 18, 19, 20])
def test_a_gift_is_laid_over_the_years_as_a_sum_over_all_years_before_says(sight, n_years):
    rng = np.random.default_rng(n_years)
    given, kept = rng.standard_normal((2, n_years, activity.BLOCK)).astype(np.float32)
    seen = np.zeros(n_years, np.float32)
    seen[sight] = rng.uniform(0.1, 1, seen[sight].size)
    eligible, gain = np.array([0.7, 0.2], np.float32), np.ones((2, n_years, activity.BLOCK), np.float32)
    laid = gains.laid_for(n_years)
    laid.given[gains.LEAD :] = given
    gains._laid_over(eligible, seen, kept, laid, gain)
    for t in range(n_years):
        own = sum(seen[since] * kept[since] * given[t - since] for since in range(t + 1))
        np.testing.assert_allclose(gain[:, t], 1 + eligible[:, None] * own, rtol=1e-4, atol=1e-5)
