import errno

import planted
import pytest

from oa_sim.errors import Refusal
from oa_sim.sweep import sweep_run


@pytest.fixture
def broken(tmp_path):
    """Give a sweep that stopped after some of its blocks."""

    def law(scenario):
        if scenario.seed == 16:
            raise OSError(errno.ENOSPC, "No space left on device")
        return planted.law(scenario)

    sweeping = planted.Sweeping(engine=planted.Engine(workers=1))
    folder = tmp_path / "broken"
    with planted.space(), pytest.raises(Refusal, match="full"):
        sweep_run.sweep(["seed=3:23"], sweeping, folder, law=law)
    return folder
