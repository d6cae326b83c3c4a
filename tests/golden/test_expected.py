"""Frozen summaries, a small table for each shipped scenario.

One command renews them: python -m pytest tests/golden/test_expected.py --renew
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oa_sim.scenario.overrides import groups

EXPECTED = Path(__file__).parent / "expected"
NUMBERS = ["mean", "sd", "q05", "q50", "q95"]
WORDS = ["area", "group", "measure", "year", "quantity", "unit", "proxy", "n_draws"]


def headline_rows(result):
    """Return the last year of every area, all pupils where that is derived and modelled groups of key stage 2."""
    table = result.summary()
    kept = (table.year == table.year.max()) & ((table.group == "all") | (table.measure == "key_stage_2"))
    return table.loc[kept, WORDS + NUMBERS].reset_index(drop=True)


# the pairs that show what one system does have tests of their own (test_programme)
@pytest.mark.parametrize("scenario", groups()["scenario"])
def test_a_shipped_scenario_gives_what_it_gave(scenario, run_tiny, request):
    found = headline_rows(run_tiny(f"scenario={scenario}"))
    path = EXPECTED / f"{scenario}.csv"
    if request.config.getoption("--renew"):
        EXPECTED.mkdir(exist_ok=True)
        found.to_csv(path, index=False, float_format="%.7g")
    expected = pd.read_csv(path)
    pd.testing.assert_frame_equal(found[WORDS], expected[WORDS], check_dtype=False)
    np.testing.assert_allclose(found[NUMBERS], expected[NUMBERS], rtol=1e-4, atol=2e-5)
