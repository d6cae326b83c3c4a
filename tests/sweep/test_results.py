"""What a sweep found, key by key: values, and keys that go together."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc
from test_sensitivity import KEYS, table_of

from oa_sim.errors import Refusal
from oa_sim.sweep import results


def test_keys_that_go_together_after_failures_are_found_and_those_that_do_not_are_not():
    table = table_of(qmc.Sobol(3, rng=1).random(256), lambda u: 3 * u[:, 0] + u[:, 1], KEYS[:3])
    table["d"] = np.where(table.c > 0.6, "late", "early")
    rows = table[table.a + table.b <= 1]
    assert set(results.go_together(rows, KEYS)) == {("a", "b"), ("c", "d")}
    assert results.go_together(table, KEYS[:3]) == []


def test_a_key_left_unset_in_some_scenarios_is_a_value_of_its_own():
    column = pd.Series([1.0, 2.0, np.nan] * 20)
    assert not results.is_number(column)
    assert results.levels(column)[1] == ["(not set)", "1.0", "2.0"]


def test_a_constant_headline_has_nothing_to_explain():
    table = table_of(np.random.default_rng(1).random((50, 4)), lambda u: np.full(len(u), 0.25))
    with pytest.raises(Refusal, match=r"0\.25 in all 50 scenarios"):
        results.usable(table, "y")
