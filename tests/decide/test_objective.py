import pytest

from oa_sim.decide.constraints import Constraints, Search
from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal

WRONG = [
    (lambda: Objective(of="happiness"), "objective.of"),
    (lambda: Objective(measures=["attainment_8"]), r"unknown objective\.measures"),
    (lambda: Objective(years=[2028], years_after=5), "in two ways"),
    (lambda: Objective(of="gap_closed", group="other"), "goes with extra_pupils"),
    (lambda: Objective(of="earnings", years=[2028]), "every cohort"),
    (lambda: Objective(tail=0.0), "objective.tail"),
    (lambda: Constraints(most_priorities=0), "most_priorities"),
    (lambda: Constraints(smallest_gbp=float("nan")), "smallest_gbp"),
    (
        lambda: Constraints(area_cap_gbp={"each": -1.0}),
        r"^constraints\.area_cap_gbp\.each must be £0 to £100,000,000,000",
    ),
    (lambda: Objective(years_after=16), r"^objective\.years_after must be 0 to 15 years, got 16"),
    (lambda: Search(start="warm"), "search.start"),
]


@pytest.mark.parametrize(("make", "words"), WRONG)
def test_settings_check_themselves(make, words):
    with pytest.raises(Refusal, match=words):
        make()
