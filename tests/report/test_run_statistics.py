"""The figures of a run: each bears its marks, and money adds up."""

import json
from dataclasses import replace

from oa_sim.report import reported_statistic, run_statistics


def test_every_mark_stands_beside_the_number_it_touches(every_area):
    found = run_statistics.brief(every_area)
    assert reported_statistic.PROXY in found["impact in Norwich"].marks
    assert "\N{DAGGER}" in found["impact in Norwich"].in_cell
    assert reported_statistic.PROXY not in found["impact in Oldham"].marks
    assert reported_statistic.VERIFY in found["impact"].marks
    assert reported_statistic.VERIFY not in found["counterfactual"].marks
    failed = replace(every_area, manifest=json.loads(json.dumps(every_area.manifest)))
    failed.manifest["gates"]["verdict"] = "FAIL"
    assert all("[FAIL]" in one.whole for one in run_statistics.brief(failed).values())


def test_the_money_of_the_areas_adds_up_to_the_money_in(every_area):
    found = run_statistics.brief(every_area)
    by_area = sum(one.value for name, one in found.items() if name.startswith("money in "))
    assert by_area == found["money_in"].value
    assert found["money_in"].value == sum(found[name].value for name in ("allocated", "management", "unspent"))
