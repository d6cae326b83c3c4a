"""Ranking by views of value: places, ties, and the alarm where views disagree."""

import numpy as np
import pandas as pd
import pytest
from test_appraisal import helped, made_up

from oa_sim.inputs import areas
from oa_sim.projection import ranking


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


def views_of(pupils, *programmes):
    found = [ranking.per_pound(made_up(pupils, gained)[2], whole=True) for gained in programmes]
    return {view: np.concatenate([one[view] for one in found]) for view in ranking.VIEWS}


def test_what_helps_only_disadvantaged_pupils_wins_by_gap_closing_and_the_alarm_rings(pupils):
    for_all = helped("disadvantaged", 0.1) | helped("other", 0.1)
    views = views_of(pupils, for_all, helped("disadvantaged", 0.11))
    assert (views["plain"][0] > views["plain"][1]).all()
    assert (views["gap_closing"][1] > views["gap_closing"][0]).all()
    said = ranking.alarm(["for all", "for some"], views)
    assert "disagree on what gives most" in said
    assert "for all by plain benefit (first with probability above 99%)" in said
    assert "for some by gap-closing benefit (first with probability above 99%)" in said


def test_the_alarm_is_silent_where_one_is_best_in_every_view(pupils):
    views = views_of(pupils, helped("disadvantaged", 0.1), helped("disadvantaged", 0.2))
    assert ranking.alarm(["less", "more"], views) == ""


def test_the_alarm_tells_an_order_that_differs_below_the_first_place(pupils):
    best = helped("disadvantaged", 0.9) | helped("other", 0.5)
    views = views_of(pupils, best, helped("other", 0.2), helped("disadvantaged", 0.1))
    assert (
        "best gives most per pound by each of the three welfare weightings, which rank the others differently"
        in ranking.alarm(["best", "b", "c"], views)
    )


def test_scenarios_that_are_the_same_ring_no_alarm_and_share_the_first_place(pupils):
    views = views_of(pupils, helped("other", 0.1), helped("other", 0.1))
    assert ranking.alarm(["one", "other"], views) == ""
    assert ranking.first(views["plain"]).tolist() == [0.5, 0.5]
    assert (ranking.places(views["plain"]) == 1.5).all()


def test_chances_to_be_first_add_to_one_and_places_to_what_they_must(tiny):
    for _, rows in tiny.ranked().groupby("view"):
        assert rows.p_first.sum() == pytest.approx(1)
        assert rows.expected_rank.sum() == pytest.approx(6)
        assert sorted(rows.place) == [1, 2, 3]


def test_one_that_spends_nothing_is_left_out_of_the_ranking(pupils):
    views = views_of(pupils, helped("other", 0.1), helped("disadvantaged", 0.2))
    views = {view: np.vstack([np.full(values.shape[1], np.nan), values]) for view, values in views.items()}
    rows = pd.concat(pd.DataFrame(piece) for piece in ranking.rows(["none", "a", "b"], views, "scenario"))
    assert rows[rows.scenario == "none"].place.isna().all()
    assert not rows[rows.scenario != "none"].place.isna().any()
