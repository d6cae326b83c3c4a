"""Blocks: what a worker refuses, and what it keeps of a failure."""

import json

import pandas as pd
import planted
import pytest
from test_sweep_run import swept

from oa_sim.errors import Refusal
from oa_sim.sweep import blocks, cases


def test_a_refusal_in_the_law_is_kept_in_one_line(tmp_path):
    def law(scenario):
        raise Refusal("a rule:\n got 3: give 4") if scenario.seed == 4 else ValueError("many\nlines" * 200)

    swept(tmp_path, ["seed=3:6"], law=law)
    failed = pd.read_csv(tmp_path / "summary.csv").failed
    assert failed[1] == "a rule: got 3: give 4"
    assert failed.str.len().max() <= blocks.LONGEST_SENTENCE
    assert not failed.str.contains("\n").any()


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("code_hash", "other code"),
        ("versions", "other versions"),
        ("data_hash", "other tables"),
        ("posterior", "other posterior"),
    ],
)
def test_a_worker_of_another_make_stops_the_sweep(key, what):
    made = cases.made_by() | {"data_hash": {}, "posterior": {}}
    cases.identity_of(planted.base(), [], made)
    assert not any(blocks.computed(blocks.Task((0, 1), (planted.base(),), planted.law, json.dumps(made))).failed)
    made[key] = {cases.INSIDE: "0"} if isinstance(made[key], dict) and key != "versions" else {}
    with pytest.raises(Refusal, match=what):
        blocks.computed(blocks.Task((0, 1), (planted.base(),), planted.law, json.dumps(made)))
