"""What may be asked of the value of information."""

import pytest

from oa_sim.decide.objective import Objective
from oa_sim.decide.voi_settings import Studying, Voi
from oa_sim.errors import Refusal


def test_one_plan_is_no_choice():
    with pytest.raises(Refusal, match="two plans or more"):
        Voi(splits=["equal"], portfolios=["balanced"])
    with pytest.raises(Refusal, match="split in voi"):
        Voi(splits=["equal", "by_rain"], portfolios=["balanced"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"splits": ["equal", "equal"]}, "voi.splits must name each once"),
        ({"gate_years": [2, 2]}, "voi.gate_years must name each once"),
        ({"gate_years": [0]}, "voi.gate_years: one must be 1 to"),
        ({"trial_pupils": [49]}, "a school or more in each of two arms"),
    ],
)
def test_a_study_that_cannot_be_is_refused(more, said):
    with pytest.raises(Refusal, match=said):
        Voi(**{"splits": ["equal", "per_pupil"], "portfolios": ["balanced"]} | more)


@pytest.mark.parametrize("risk", ["cvar", "floor"])
def test_information_is_of_the_mean_and_no_other_risk_is_quietly_dropped(risk):
    with pytest.raises(Refusal, match=r"objective\.risk=mean"):
        Studying(objective=Objective(risk=risk))
