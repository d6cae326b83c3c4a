"""The verb explore: what it cannot honour is refused."""

import pytest

from oa_sim.cli import explore
from oa_sim.errors import Refusal


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ([], "needs the folder"),
        (["x", "host=0.0.0.0"], "host must be 127.0.0.1"),
        (["x", "port=80"], "port must be"),
        (["x", "prt=8000"], "port"),
        (["x", "--open"], "flag"),
    ],
)
def test_the_door_refuses_what_it_cannot_honour(typed, why):
    with pytest.raises(Refusal, match=why):
        explore.explore(typed)
