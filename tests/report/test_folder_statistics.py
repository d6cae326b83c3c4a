"""The figures of a folder: rows bear their own marks."""

import pytest

from oa_sim.report import folder_brief, folder_statistics, reported_statistic
from oa_sim.report.reported_statistic import Origin

ORIGIN = Origin("s", "run", "draws", "data", "1", 2000)


def test_rows_of_a_sweep_bear_their_own_marks():
    import pandas as pd

    spec, told = folder_brief.SPECS["sweep"], folder_statistics.Told(ORIGIN, (), {"impact_mean": "percentage points"})
    table = pd.DataFrame({
        "scenario": [0, 1], "impact_mean": [0.5, 0.7], "impact_q05": [0.2, 0.3], "impact_q95": [0.8, 1.1],
        "headline_p_half_left_10y": [0.001, 0.2], "to_verify": [3, 0], "verdict": ["PASS", "FAIL"],
        "last_funded_year": [2028, 2028],
    })  # fmt: skip
    found = folder_statistics.figures("summary", table, spec, told)
    assert found[0, "impact_mean"].marks == reported_statistic.VERIFY
    assert found[0, "impact_mean"].unit == "percentage points"
    assert reported_statistic.FAILED in found[1, "impact_mean"].marks
    assert found[0, "headline_p_half_left_10y"].text == "below 1%"
    assert (0, "last_funded_year") not in found
    sheet = folder_statistics.grid("summary", table, found)
    end = sheet.rows[0][sheet.head.index("impact_q05")]
    assert end.value == pytest.approx(0.2)
    assert end.text == found[0, "impact_mean"].interval.split(" to ")[0]
