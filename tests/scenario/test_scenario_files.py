"""Files of scenarios: what is none is refused."""

import pytest

from oa_sim.errors import Refusal
from oa_sim.scenario import load, scenario_files


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("- a", "mapping"),
        ("a: [", "no YAML"),
        ("defaults: [split]", "a default has the form"),
        ("horizn: 7", "horizon"),
    ],
)
def test_a_scenario_file_that_is_none_is_refused(tmp_path, text, why):
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=why):
        load.load_scenario(f"scenario={tmp_path / 'x.yaml'}")
    with pytest.raises(Refusal, match="no such file"):
        scenario_files.words_of(tmp_path / "y.yaml")
