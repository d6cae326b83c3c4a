"""Scenarios side by side: which are compared, and with what."""

import numpy as np
import pandas as pd
import pytest
from test_result import refused
from tiny import TINY

from oa_sim import compare, load_scenario
from oa_sim.definitions import QUANTILES
from oa_sim.inference import baseline_fit


@pytest.fixture
def few_draws(monkeypatch, tiny_posterior):
    """Let compare, which takes no posterior, use the few draws."""
    monkeypatch.setattr(baseline_fit, "load", lambda *_: tiny_posterior)


FEW = ("intervention=[early_language]", "portfolio=none")


def test_one_scenario_is_not_compared():
    assert "two scenarios" in refused(lambda: compare(load_scenario(*TINY)))


def test_a_scenario_is_not_compared_with_itself():
    assert "with itself" in refused(lambda: compare(load_scenario(*TINY), load_scenario(*TINY, "split=per_pupil")))


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        ("seed=1", "seed"), ("horizon=6", "horizon"), ("areas=[Norwich]", "areas"), ("measures=[phonics]", "measures"),
        ("sampler=quick", "sampler"), ("start_year=2023", "start_year"),
    ],
)  # fmt: skip
def test_scenarios_that_are_not_alike_are_not_compared(other, shared):
    reference = load_scenario(*TINY, *FEW)
    sentence = refused(lambda: compare(reference, load_scenario(*TINY, *FEW, "name=another", other)))
    assert f"must share {shared}" in sentence


def test_against_no_programme_the_difference_is_the_impact(few_draws, tiny):
    found = compare(load_scenario(*TINY, "scenario=no_programme"), load_scenario(*TINY))
    keys = ["area", "group", "measure", "year"]
    mine = found.table.set_index(keys).sort_index()
    impact = tiny.summary().query("quantity == 'impact'").set_index(keys).sort_index()
    for column in ("mean", "sd", *QUANTILES):
        np.testing.assert_allclose(mine[column], impact[column], atol=1e-6)
    assert mine.p_better.between(0, 1).all()
    assert set(mine.reference) == {"no_programme"}
    pd.testing.assert_frame_equal(found.summary(), found.table)


def test_three_scenarios_are_compared_with_the_first(few_draws):
    names = ("as_delivered", "hand_over", "three_years_only")
    found = compare(*(load_scenario(*TINY, f"scenario={name}", "measures=[neet_16_17]") for name in names))
    assert list(found.table.scenario.unique()) == ["hand_over", "three_years_only"]
    assert [result.label for result in found.results] == list(names)
