import pytest

from oa_sim.decide import constraints, linear_program, optimiser
from oa_sim.decide.constraints import Constraints, Optimising
from oa_sim.errors import Refusal
from oa_sim.programme import budget

INFEASIBLE = {
    "floors above all": (Constraints(area_floor_gbp={"each": 10e6}), "raise the allocation of year"),
    "a floor above all": (Constraints(area_floor_gbp={"Norwich": 200e6}), "lower the floor of Norwich by £181,2"),
    "a floor above a cap": (
        Constraints(area_floor_gbp={"Norwich": 5e6}, area_cap_gbp={"Norwich": 2e6}),
        "of Norwich by £3,000,000",
    ),
    "a ring-fence above all": (
        Constraints(ring_fence_gbp={"post_16": 50e6}),
        "lower the ring-fence of post 16 by £31,2",
    ),
    "a ring-fence above its limit": (
        Constraints(ring_fence_gbp={"early_language": 4e6}, ring_cap_gbp={"early_years": 1e6}),
        "by £3,000,000",
    ),
    "caps below a ring-fence": (
        Constraints(area_cap_gbp={"each": 1e6}, ring_fence_gbp={"primary": 5e6}),
        "by £2,000,000",
    ),
    "a smallest size that no year has": (
        Constraints(smallest_gbp=9e6, area_floor_gbp={"Norwich": 1e6}),
        "lower the floor of Norwich by £1,000,000",
    ),
    "few lines against many ring-fences": (
        Constraints(
            most_priorities=1,
            ring_fence_gbp=dict.fromkeys(("life_skills", "mental_health", "study_support", "early_language"), 1000.0),
        ),
        "lower the ring-fence",
    ),
    "two ring-fences together": (
        Constraints(ring_fence_gbp={"post_16": 10e6, "early_years": 12e6}),
        "lower the ring-fence of post 16 by £3,200,00",
    ),
    "a cap of nothing": (
        Constraints(area_cap_gbp={"each": 0.0}, ring_fence_gbp={"primary": 5e6}),
        "by £5,000,000",
    ),
}


@pytest.mark.parametrize("case", INFEASIBLE)
def test_what_no_plan_can_keep_is_refused_with_the_smallest_relaxation(judge, case):
    asked, remedy = INFEASIBLE[case]
    with pytest.raises(Refusal) as refused:
        optimiser.optimise(judge, Optimising(constraints=asked))
    assert remedy in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_the_relaxation_that_is_told_helps(judge):
    asked, _ = INFEASIBLE["two ring-fences together"]
    shape = (3, len(judge.scenario.interventions), len(judge.years))

    def check(post_16):
        own = Constraints(ring_fence_gbp={**asked.ring_fence_gbp, "post_16": post_16})
        rows = constraints.rows(own, judge.scenario, budget.for_activity(judge.scenario))
        linear_program.check(rows, own, {}, shape)

    room = sum(budget.for_activity(judge.scenario)) - 12e6
    check(room)
    with pytest.raises(Refusal, match="by £10"):
        check(room + 10)
