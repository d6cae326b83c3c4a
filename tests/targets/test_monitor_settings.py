"""A table of new figures: what is refused in one sentence."""

import pytest
from test_monitor import small

from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.targets import settings
from oa_sim.targets.settings import Monitor

WRONG = {
    "a place": ("Oldam,key_stage_2,all,2022,50", "place"),
    "a district": ("Norwich,key_stage_2,all,2022,50", "published for Norfolk"),
    "a measure": ("Oldham,key_stage_9,all,2022,50", "measure"),
    "a group": ("Oldham,suspensions,other,2022,5", "group of suspensions"),
    "a year": ("Oldham,key_stage_2,all,soon,50", "year must be"),
    "a value": ("Oldham,key_stage_2,all,2022,many", "must be a number"),
    "a share": ("Oldham,key_stage_2,all,2022,150", "0 to 100%"),
    "what is not finite": ("Oldham,key_stage_2,all,2022,nan", "0 to 100%"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_figure_is_refused_in_one_sentence(tmp_path, case):
    row, words = WRONG[case]
    with pytest.raises(Refusal, match=words):
        settings.figure_rows(Monitor(figures=small(tmp_path / "f.csv", row)), tables.read_all(), 2022, None)
