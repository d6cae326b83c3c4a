"""Charts of intervals and courses for any table."""

import numpy as np

from oa_sim.plots import intervals


def test_charts_for_any_table_give_pictures_too():
    band = np.array([[1.0, 2.0], [0.5, 1.0], [1.5, 3.0]])
    one = intervals.intervals_picture("x", "Which is better", ["$a$", "b" * 200], band, "points")
    assert one.title == "Which is better"
    assert "$a$ 1.0 (90% interval 0.5 to 1.5)" in one.alternative
    lines = {"<b>": np.array([[1.0, 2.0], [0.5, 1.0], [1.5, 3.0]])}
    two = intervals.courses_picture("y", "Over years", np.array([1, 2]), lines, "year", "points")
    assert "<b>" not in two.svg
    assert len(two.png) > 1000
