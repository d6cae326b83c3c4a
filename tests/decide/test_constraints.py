"""Constraints: each holds to the pound, and what no plan can keep is refused with the smallest relaxation."""

import numpy as np
import pytest

from oa_sim.decide import allocation_problem, constraints, optimiser, spending_profiles
from oa_sim.decide.constraints import Constraints, Optimising, Search
from oa_sim.errors import Refusal


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
    assert constraints.is_kept(found.rows, planned)
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
    rows = "Oldham,life_skills,2027,123456\nOldham,life_skills,2028,1\nNorwich,early_language,2026,0\n"
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


def test_pinned_lines_that_cannot_be_are_refused(judge, tmp_path):
    too_much = pinned_file(tmp_path, "Oldham,life_skills,2026,9000000")
    with pytest.raises(Refusal, match="raise the allocation of year 2026 by"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=too_much)))
    two = pinned_file(tmp_path, "Oldham,life_skills,2026,5", "Oldham,mental_health,2026,5")
    with pytest.raises(Refusal, match="raise it to 2"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=two, most_priorities=1)))
    below = pinned_file(tmp_path, "Oldham,life_skills,2026,500000")
    with pytest.raises(Refusal, match="by £400,000"):
        optimiser.optimise(judge, Optimising(constraints=Constraints(pinned=below, area_cap_gbp={"Oldham": 1e5})))
