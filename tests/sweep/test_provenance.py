"""What made a sweep: an identity is that of the question."""

from dataclasses import replace

import planted

from oa_sim.simulation import run_manifest
from oa_sim.sweep import cases


def test_an_identity_is_that_of_the_question_in_full_and_not_of_where_the_answer_goes():
    made = cases.made_by() | {"data_hash": {}, "posterior": {}}
    scenario = planted.base()
    name = cases.identity_of(scenario, [], made)
    parts = made | {key: made[key][cases.INSIDE] for key in ("data_hash", "posterior")}
    assert name == run_manifest.identity(parts | {"scenario": run_manifest.question(scenario)})
    assert name == cases.identity_of(replace(scenario, outputs="elsewhere"), [], made)
    assert name != cases.identity_of(replace(scenario, seed=scenario.seed + 1), [], made)
