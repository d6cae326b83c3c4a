"""The least money that reaches a target."""

from dataclasses import replace

import numpy as np
import pytest

from oa_sim.errors import Refusal
from oa_sim.targets import minimum_budget
from oa_sim.targets.settings import Want


def test_the_least_money_is_more_for_a_surer_target_and_none_where_it_comes_free(seen):
    parts = seen.parts("Oldham", "key_stage_2", "all", 2031)
    without = parts["projection"] - parts["programme"] - parts["england_level"]
    level = float(np.quantile(without, 0.6))  # reached in four draws of ten
    want = Want("Oldham", "key_stage_2", "all", 2031, level, "relative", 0.41, 1e8)
    some = minimum_budget.least_money(seen.scenario, want, seen)
    more = minimum_budget.least_money(seen.scenario, replace(want, probability=0.45), seen)
    assert 0 < some.gbp < more.gbp
    assert some.probability >= 0.41
    assert more.plan.gbp.sum() <= more.gbp
    free = minimum_budget.least_money(seen.scenario, replace(want, probability=0.39), seen)
    assert free.gbp == 0
    assert "No money is needed" in free.sentence


def test_a_target_that_no_amount_reaches_has_a_plain_answer(seen):
    want = Want("Derby", "key_stage_2", "all", 2028, 99.0, "level", 0.9, 1e9)
    found = minimum_budget.least_money(seen.scenario, want, seen)
    assert found.gbp is None
    assert found.sentence.startswith("No amount reaches Derby's target")
    with pytest.raises(Refusal, match=r"want\.year"):
        minimum_budget.least_money(seen.scenario, replace(want, year=2045), seen)
