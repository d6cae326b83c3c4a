"""A review of the programme: when it changes nothing, and what it drops."""

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.inputs import areas
from oa_sim.programme import budget, parameters, review


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


def drawn_of(known, *overrides, draws=200):
    scenario = load_scenario(*overrides)
    return scenario, parameters.drawn(scenario, known, 2, draws)


def test_a_review_that_is_none_or_too_late_changes_nothing(known, pupils):
    for overrides in ("organisation.review=none",), ("organisation.review=to_effect", "organisation.review_after=9"):
        scenario, drawn = drawn_of(known, *overrides, draws=20)
        money = budget.allocate(scenario, pupils, known)
        assert review.review(scenario, money, drawn) is money


def test_reviewed_shares_keep_the_size_of_each_row_and_drop_what_does_harm():
    before = np.array([[2.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    after = review.reviewed("to_effect", before, np.ones((2, 3)), np.array([1.0, 2.0, -1.0]))
    np.testing.assert_allclose(after, [[2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
