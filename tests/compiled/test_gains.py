"""The tiled convolution of ``gains`` is the plain one beside it."""

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
def test_new_gain_is_convolved_with_what_is_seen_of_it_later(sight, n_years):
    rng = np.random.default_rng(n_years)
    new, retention = rng.standard_normal((2, n_years, activity.BLOCK)).astype(np.float32)
    seen = np.zeros(n_years, np.float32)
    seen[sight] = rng.uniform(0.1, 1, seen[sight].size)
    eligible, gain = np.array([0.7, 0.2], np.float32), np.ones((2, n_years, activity.BLOCK), np.float32)
    expected = gain.astype(float)
    gains.convolve_plain(eligible, seen, retention, new, expected)
    room = activity.workspace_for(1, n_years)
    room.new[activity.LEAD :] = new
    gains.convolve(eligible, seen, retention, room, gain)
    np.testing.assert_allclose(gain, expected, rtol=1e-4, atol=1e-5)


def test_the_plain_convolution_worked_by_hand():
    gain = np.zeros((2, 3, 1))
    gains.convolve_plain(
        np.array([1.0, 0.5]), np.array([1.0, 0.5, 0.0]), np.array([[1.0], [0.8], [0.6]]),
        np.array([[10.0], [0.0], [20.0]]), gain,
    )  # fmt: skip
    np.testing.assert_allclose(gain[:, :, 0], [[10.0, 4.0, 20.0], [5.0, 2.0, 10.0]])
