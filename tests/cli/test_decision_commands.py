"""Decision commands: what cannot be honoured is refused before anything slow."""

import numpy as np
import pytest

from oa_sim.cli import decision_commands
from oa_sim.cli.main import main


def test_the_area_of_a_target_is_checked_before_anything_is_run(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("oa_sim.targets.assess.promise", lambda *given: pytest.fail("something slow was begun"))
    assert main(["target", "want.area=Norwhich", f"outputs={tmp_path / 'out'}"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "oa-sim: unknown area or choice of areas 'Norwhich': did you mean 'Norwich'?\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("cell", "value"), [(np.float64(0.5), 0.5), (np.nan, None), (np.float32("nan"), None), (np.int64(3), 3), ("a", "a")]
)
def test_a_cell_is_a_number_or_null_for_machines(cell, value):
    assert decision_commands._json_value(cell) == value
