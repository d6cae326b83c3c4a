"""Frozen summaries, one small table for each shipped scenario; `python -m pytest tests/test_expected.py --renew` renews them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oa_sim.choices import groups

EXPECTED = Path(__file__).parent / "expected"
COLUMNS = ["area", "group", "measure", "year", "quantity", "unit", "mean", "sd", "q05", "q50", "q95", "proxy", "n_draws"]


def headline_rows(result):
    """Return the last year of every area, all pupils where that is derived and modelled groups of key stage 2."""
    table = result.summary()
    kept = (table.year == table.year.max()) & ((table.group == "all") | (table.measure == "key_stage_2"))
    return table.loc[kept, COLUMNS].reset_index(drop=True)


@pytest.mark.parametrize("scenario", groups()["scenario"])
def test_a_shipped_scenario_gives_what_it_gave(scenario, run_tiny, request):
    found = headline_rows(run_tiny(f"scenario={scenario}"))
    path = EXPECTED / f"{scenario}.csv"
    if request.config.getoption("--renew"):
        EXPECTED.mkdir(exist_ok=True)
        found.to_csv(path, index=False, float_format="%.7g")
    expected = pd.read_csv(path)
    numbers = expected.select_dtypes("number").columns.drop(["year", "n_draws"])
    words = expected.columns.drop(numbers)
    pd.testing.assert_frame_equal(found[words], expected[words], check_dtype=False)
    np.testing.assert_allclose(found[numbers], expected[numbers], rtol=1e-4, atol=2e-5)
