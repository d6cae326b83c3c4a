"""Constraints: each holds to the pound, and what no plan can keep is refused with the smallest relaxation."""

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.decide import allocation_problem, constraints, linear_program, optimiser, plan_evaluation, spending_profiles
from oa_sim.decide.constraints import Constraints, Optimising, Search
from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal
from oa_sim.programme import budget


@pytest.fixture(scope="module")
def judge():
    scenario = load_scenario("areas=three_areas", "sampler.draws=40", "budget.total_gbp=20e6", horizon=8)
    return plan_evaluation.judge(scenario, Objective())


@pytest.fixture(scope="module")
def best(judge):
    """Answer the best plan that keeps some constraints; each is searched once."""
    found = {}

    def answer(case):
        if case not in found:
            asked = Optimising(constraints=KEPT[case], search=Search(gap=0.01))
            found[case] = optimiser.optimise(judge, asked)
        return found[case]

    return answer


KEPT = {
    "floors and caps": Constraints(area_floor_gbp={"each": 3e6}, area_cap_gbp={"Oldham": 7e6}),
    "ring-fences": Constraints(ring_fence_gbp={"early_years": 6e6}, ring_cap_gbp={"breakfast_clubs": 1e6}),
    "few lines": Constraints(most_priorities=3),
    "a smallest size": Constraints(smallest_gbp=2e5),
    "schools": Constraints(school_capacity=True),
}


@pytest.mark.parametrize("case", KEPT)
def test_every_constraint_holds_to_the_pound(best, case):
    asked, found = KEPT[case], best(case)
    planned = found.planned
    assert not constraints.excess(found.rows, planned)
    assert (planned[planned > 0] >= asked.smallest_gbp).all()
    if asked.most_priorities:
        assert (planned.sum(axis=2) > 0).sum(axis=1).max() <= asked.most_priorities
    assert found.value <= found.upper_bound * (1 + 1e-6)


def test_schools_have_room_for_what_is_planned(judge, best):
    found = best("schools")
    given = allocation_problem.problem(judge, Optimising(constraints=KEPT["schools"], search=Search(gap=0.01)))
    every = np.arange(given.desk.n_lines)
    here = spending_profiles.presences(given.desk, every, found.planned.reshape(given.desk.n_lines, -1))
    n_years = given.rooms.shape[2]
    for s, works in enumerate(given.stages):
        at_once = (here[:, :n_years] * works[:, None]).reshape(3, -1, n_years).sum(axis=1)
        assert (at_once <= given.rooms[:, s] + 1e-6).all()


def test_a_pinned_line_gets_just_that(judge, tmp_path):
    path = tmp_path / "pinned.csv"
    rows = "Oldham,life_skills,2025,123456\nOldham,life_skills,2026,1\nNorwich,early_language,2024,0\n"
    path.write_text("area,intervention,year,gbp\n" + rows, encoding="utf-8")
    found = optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=str(path)), search=Search(gap=0.01)))
    names = judge.scenario.areas.names, list(judge.scenario.interventions)
    mine = found.planned[names[0].index("Oldham"), names[1].index("life_skills")]
    assert mine.tolist() == [0, 123456, 1, 0, 0]
    assert not found.planned[names[0].index("Norwich"), names[1].index("early_language")].any()


def pinned_file(tmp_path, *rows):
    path = tmp_path / "pinned.csv"
    path.write_text("\n".join(["area,intervention,year,gbp", *rows]), encoding="utf-8")
    return str(path)


INFEASIBLE = {
    "floors above all": (Constraints(area_floor_gbp={"each": 10e6}), "raise the allocation of year"),
    "a floor above all": (Constraints(area_floor_gbp={"Norwich": 200e6}), "lower the floor of Norwich by 181,2"),
    "a floor above a cap": (
        Constraints(area_floor_gbp={"Norwich": 5e6}, area_cap_gbp={"Norwich": 2e6}),
        "of Norwich by 3,000,000 GBP",
    ),
    "a ring-fence above all": (
        Constraints(ring_fence_gbp={"post_16": 50e6}),
        "lower the ring-fence of post_16 by 31,2",
    ),
    "a ring-fence above its limit": (
        Constraints(ring_fence_gbp={"early_language": 4e6}, ring_cap_gbp={"early_years": 1e6}),
        "by 3,000,000 GBP",
    ),
    "caps below a ring-fence": (
        Constraints(area_cap_gbp={"each": 1e6}, ring_fence_gbp={"primary": 5e6}),
        "by 2,000,000 GBP",
    ),
    "a smallest size that no year has": (
        Constraints(smallest_gbp=9e6, area_floor_gbp={"Norwich": 1e6}),
        "lower the floor of Norwich by 1,000,000 GBP",
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
        "lower the ring-fence of post_16 by 3,200,00",
    ),
    "a cap of nothing": (
        Constraints(area_cap_gbp={"each": 0.0}, ring_fence_gbp={"primary": 5e6}),
        "by 5,000,000 GBP",
    ),
}


@pytest.mark.parametrize("case", INFEASIBLE)
def test_what_no_plan_can_keep_is_refused_with_the_smallest_relaxation(judge, case):
    asked, remedy = INFEASIBLE[case]
    with pytest.raises(Refusal) as refused:
        optimiser.optimise(judge, Optimising(constraints=asked))
    assert remedy in str(refused.value)
    assert str(refused.value).count("\n") == 0


def test_pinned_lines_that_cannot_be_are_refused(judge, tmp_path):
    too_much = pinned_file(tmp_path, "Oldham,life_skills,2024,9000000")
    with pytest.raises(Refusal, match="raise the allocation of year 2024 by"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=too_much)))
    two = pinned_file(tmp_path, "Oldham,life_skills,2024,5", "Oldham,mental_health,2024,5")
    with pytest.raises(Refusal, match="raise it to 2"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=two, most_priorities=1)))
    below = pinned_file(tmp_path, "Oldham,life_skills,2024,500000")
    with pytest.raises(Refusal, match="by 400,000 GBP"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=below, area_cap_gbp={"Oldham": 1e5})))


def test_the_relaxation_that_is_told_helps(judge):
    asked, _ = INFEASIBLE["two ring-fences together"]
    shape = (3, len(judge.scenario.interventions), len(judge.years))

    def check(post_16):
        own = Constraints(ring_fence_gbp={**asked.ring_fence_gbp, "post_16": post_16})
        rows = constraints.rows(own, judge.scenario, budget.for_activity(judge.scenario))
        linear_program.check(rows, own, {}, shape)

    room = sum(budget.for_activity(judge.scenario)) - 12e6
    check(room)
    with pytest.raises(Refusal, match="by 10 GBP"):
        check(room + 10)
