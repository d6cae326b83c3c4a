"""Fans: what a document and a page are given, the breaks that a measure declares, and gaps as those of the draws."""

import dataclasses

import pytest

from oa_sim.definitions import MEASURES
from oa_sim.inputs import tables
from oa_sim.plots import fan_charts


def test_the_fan_says_and_shows_the_declared_breaks_of_its_measure(every_area):
    one = fan_charts.fan_picture(every_area, "key_stage_2")
    mine = [row for row in tables.read("breaks") if row["measure"] == "key_stage_2" and row["first_year"] > 2016]
    assert len(mine) == 3
    for row in mine:
        assert row["what_changed"] in one.alternative
    assert "not collected in 2019/20 to 2020/21" in one.alternative
    assert one.svg.count(fan_charts.DOWN) == sum(row["kind"] == "level_shift" for row in mine)
    assert "not collected" in one.svg.partition("</title>")[2]
    gaps = fan_charts.gaps(every_area).svg.partition("</title>")[2]
    assert all(label in gaps for label in fan_charts.LABELS.values())


def test_a_break_before_the_first_figure_is_not_drawn(every_area):
    assert 2016 not in {
        row["first_year"] for row in fan_charts.breaks_of(every_area, "key_stage_2")
    }  # its history begins there


def test_where_the_tables_of_a_run_are_gone_no_break_is_known(every_area):
    asked = every_area.manifest["scenario"] | {"data_folder": "nowhere/at/all"}
    moved = dataclasses.replace(every_area, manifest=every_area.manifest | {"scenario": asked})
    one = fan_charts.fan_picture(moved, "key_stage_2")
    assert "Declared" not in one.alternative
    assert fan_charts.DOWN not in one.svg


def test_a_gap_is_the_difference_of_the_two_groups_draw_by_draw(every_area):
    gap = fan_charts.gap_draws(every_area, "projection", "phonics", "Derby")
    draws = every_area.draws.projection.sel(measure="phonics", area="Derby").transpose("group", "chain", "draw", "year")
    by_hand = draws.sel(group="other").values.astype(float) - draws.sel(group="disadvantaged").values
    assert gap == pytest.approx(by_hand.reshape(gap.shape))
    both = [fan_charts.gap_draws(every_area, name, "phonics") for name in ("projection", "counterfactual", "impact")]
    assert both[0] - both[1] == pytest.approx(both[2], abs=1e-4)


def test_gaps_are_shown_for_measures_with_two_groups_alone(every_area, run_tiny):
    said = fan_charts.gaps(every_area).alternative
    for name, about in MEASURES.items():
        assert (about.label in said) == (len(about.groups) == 2), name
    assert fan_charts.gaps(run_tiny("measures=[persistent_absence]")) is None
