"""One small picture each: gaps are those of the draws."""

import pytest

from oa_sim.definitions import MEASURES
from oa_sim.plots import small_multiples


def test_a_gap_is_the_difference_of_the_two_groups_draw_by_draw(every_area):
    gap = small_multiples.gap_draws(every_area, "projection", "phonics", "Derby")
    draws = every_area.draws.projection.sel(measure="phonics", area="Derby").transpose("group", "chain", "draw", "year")
    by_hand = draws.sel(group="other").values.astype(float) - draws.sel(group="disadvantaged").values
    assert gap == pytest.approx(by_hand.reshape(gap.shape))
    both = [
        small_multiples.gap_draws(every_area, name, "phonics") for name in ("projection", "counterfactual", "impact")
    ]
    assert both[0] - both[1] == pytest.approx(both[2], abs=1e-4)


def test_gaps_are_shown_for_measures_with_two_groups_alone(every_area, run_tiny):
    said = small_multiples.gaps(every_area).alternative
    for name, about in MEASURES.items():
        assert (about.label in said) == (len(about.groups) == 2), name
    assert small_multiples.gaps(run_tiny("measures=[persistent_absence]")) is None
