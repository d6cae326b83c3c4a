"""In which futures a plan fails: a planted box is found, and noise has none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oa_sim.errors import Refusal
from oa_sim.sweep import scenario_discovery

ROOT = Path(__file__).parents[2]
KEYS = ["dose", "cost", "scenario", "horizon", "is_on"]


@pytest.fixture(scope="module")
def futures():
    """Give futures in which a plan fails where the dose is low, the cost high and the scenario not b."""
    rng = np.random.default_rng(3)
    n = 600
    table = pd.DataFrame({
        "dose": rng.uniform(0, 1, n), "cost": rng.uniform(0, 1, n), "scenario": rng.choice(["a", "b", "c"], n),
        "horizon": rng.integers(5, 11, n), "is_on": rng.random(n) < 0.5,
    })  # fmt: skip
    table["impact_q05"] = 1.0 - ((table.dose < 0.5) & (table.cost > 0.4) & (table.scenario != "b"))
    table["other"] = 1.0 - ((table.horizon < 7) & table.is_on)
    return table


@pytest.fixture(scope="module")
def found(futures):
    return scenario_discovery.boxes(futures, KEYS, "impact_q05<0.5", ["impact_q05"])


def test_a_planted_box_is_found_with_its_limits_and_no_others(found):
    assert (found.box == 1).all()
    rows = found.set_index("key")
    assert set(rows.index) == {"dose", "cost", "scenario"}
    assert abs(rows.high["dose"] - 0.5) < 0.05
    assert abs(rows.low["cost"] - 0.4) < 0.05
    assert np.isnan(rows.low["dose"])
    assert rows["values"]["scenario"] == "a; c"
    assert (rows.coverage > 0.95).all()
    assert (rows.density > 0.95).all()
    assert (rows.quasi_p_low.fillna(0) < 0.001).all()
    assert (found.held_out_low > found.base_rate).all()


def test_the_sentence_says_where_how_often_and_how_sure(found):
    (said,) = scenario_discovery.sentences(found, "impact_q05<0.5")
    assert re.search(r"dose is below 0\.(4[5-9]|5)", said)
    assert "scenario is a or c" in said
    assert "In scenarios that were not used to find this range" in said


def test_whole_numbers_and_switches_make_limits_too(futures):
    rows = scenario_discovery.boxes(futures, KEYS, "other<=0.5", ["other"]).set_index("key")
    assert set(rows.index) == {"horizon", "is_on"}
    assert 6 < rows.high["horizon"] < 7
    assert rows["values"]["is_on"] == "True"


def test_two_planted_boxes_are_both_found():
    rng = np.random.default_rng(4)
    table = pd.DataFrame(rng.uniform(0, 1, (800, 4)), columns=list("abcd"))
    table["y"] = (((table.a < 0.4) & (table.b > 0.6)) | ((table.c > 0.7) & (table.d < 0.4))).astype(float)
    found = scenario_discovery.boxes(table, list("abcd"), "y>0.5", ["y"])
    assert {frozenset(part.key) for _, part in found.groupby("box")} == {frozenset("ab"), frozenset("cd")}
    assert found.groupby("box").coverage.first().sum() > 0.9


def test_noise_has_no_box_worth_its_name():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.uniform(0, 1, (150, 5)), columns=list("abcde")).assign(y=rng.random(150))
        assert scenario_discovery.boxes(table, list("abcde"), f"y<{[0.1, 0.3, 0.6][seed % 3]}", ["y"]).empty
    assert "No range of the keys was found" in scenario_discovery.sentences(pd.DataFrame(), "y<0.1")[0]


@pytest.mark.slow
def test_the_order_in_which_python_hashes_names_changes_nothing():
    code = (
        "import numpy as np, pandas as pd; from oa_sim.sweep import scenario_discovery as discovery;"
        "rng = np.random.default_rng(1);"
        "t = pd.DataFrame({'k': rng.choice(list('abcdef'), 200), 'x': rng.random(200)});"
        "t['y'] = t.k.isin(['a', 'd']) * 1.0 + (rng.random(200) < 0.2);"
        "print(discovery.boxes(t, ['k', 'x'], 'y>0.5', ['y']).to_csv())"
    )
    said = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
                       env=os.environ | {"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert said[0] == said[1]
    assert "a; d" in said[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("impact_q5<0.5", "did you mean 'impact_q05'"),
        ("dose<0.5", "unknown column"),
        ("impact_q05", "takes a column"),
        ("impact_q05=0.5", "takes a column"),
        ("impact_q05<0.5 or 1", "takes a column"),
        ("impact_q05<__import__('os')", "must compare with a number"),
        ("impact_q05<nan", "must compare with a number"),
        ("impact_q05<-1", "none of 600 scenarios"),
        ("impact_q05<2", "all of 600 scenarios"),
    ],
)
def test_a_condition_that_says_nothing_is_refused_in_a_sentence(futures, text, why):
    with pytest.raises(Refusal, match=why):
        scenario_discovery.boxes(futures, KEYS, text, ["impact_q05", "other"])


def test_fewer_than_thirty_futures_are_refused(futures):
    with pytest.raises(Refusal, match="needs 30 scenarios, got 29"):
        scenario_discovery.boxes(futures.head(29), KEYS, "impact_q05<0.5", ["impact_q05"])


def test_a_future_without_a_figure_neither_fails_nor_holds(futures):
    some = futures.assign(impact_q05=futures.impact_q05.where(futures.index % 2 == 0))
    found = scenario_discovery.boxes(some, KEYS, "impact_q05<0.5", ["impact_q05"])
    assert found.n_rows.iloc[0] == 300
