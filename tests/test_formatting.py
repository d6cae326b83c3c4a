"""How figures are said: chances, pounds and intervals."""

import numpy as np
import pytest

from oa_sim import formatting
from oa_sim.definitions import MEASURES


def test_every_chance_has_one_word_and_words_follow_the_order_of_chances():
    words = [formatting.word(p) for p in np.linspace(0, 1, 1001)]
    assert list(dict.fromkeys(words)) == [name for name, *_ in formatting.YARDSTICK]
    for name, band, _ in formatting.YARDSTICK:
        low, high = (int(x) / 100 for x in band.split(" to "))
        assert formatting.word(low) == formatting.word(high) == name


def test_the_bands_of_the_yardstick_leave_no_gap_and_do_not_overlap():
    limits = [below for *_, below in formatting.YARDSTICK]
    assert limits == sorted(set(limits))
    assert limits[-1] > 1
    spans = [span.removesuffix(" %").split(" to ") for *_, span in formatting.table()]
    assert [low for low, _ in spans] == ["0", *(high for _, high in spans[:-1])]
    assert spans[-1][1] == "100"
    for low, high in spans:  # a limit belongs to the band above it
        word = formatting.word(float(low) / 100)
        assert word == formatting.word((float(low) + float(high)) / 200)
    assert len({formatting.word((float(low) + float(high)) / 200) for low, high in spans}) == len(spans)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_chance_and_no_word(nothing):
    assert formatting.word(nothing) == formatting.NO_CHANCE
    assert formatting.chance(nothing) == "no impact"


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.004, 0.00999, 0.99001, 0.996, 1 - 1e-9, 1.0])
def test_a_chance_is_never_said_to_be_certain(value):
    assert formatting.chance(value) == ("below 1%" if value < 0.5 else "above 99%")


@pytest.mark.parametrize("value", np.linspace(0.01, 0.99, 99))
def test_a_chance_that_is_not_certain_is_said_in_whole_per_cent(value):
    said = formatting.chance(float(value))
    assert said.endswith(" %")
    assert float(said.removesuffix(" %")) == pytest.approx(100 * value, abs=0.51)


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (0, "0 GBP"),
        (999_999, "999,999 GBP"),
        (1_000_000, "1m GBP"),
        (89_600_000, "90m GBP"),
        (1_234_567_890, "1,235m GBP"),
    ],
)
def test_pounds_are_said_in_millions_from_a_million_on(total, said):
    assert formatting.pounds(total) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-1.0, 2.0, "0.5 (90%: -1.0 to 2.0)"),
        (0.1, 1.1, "0.5 (90%: 0.1 to 1.1)"),
        (0.45, 0.62, "0.54 (90%: 0.45 to 0.62)"),
        (0.51, 0.56, "0.537 (90%: 0.510 to 0.560)"),
    ],
)
def test_a_figure_has_as_many_digits_as_its_spread_supports(low, high, said):
    assert formatting.spelled(0.537, low, high) == said


def test_a_figure_that_rounds_to_nothing_has_no_sign():
    assert formatting.spelled(-0.001, -0.04, 1.96) == "0.0 (90%: 0.0 to 2.0)"


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_better_for_pupils_is_less_where_less_is_better(measure):
    draws = np.linspace(-0.9, 0.1, 101)  # 90 of 101 are below nothing
    assert formatting.better(draws, measure) != formatting.better(-draws, measure)
    less = MEASURES[measure].lower_is_better
    assert formatting.better(draws, measure) == ("89%" if less else "10%")


def test_a_distance_says_its_side_and_is_never_negative():
    draws = np.linspace(1.0, 3.0, 101)
    above, below = (formatting.distance(sign * draws, "phonics", "England") for sign in (1, -1))
    assert above == "2.0 (90%: 1.1 to 2.9) percentage points above England"
    assert below == above.replace("above", "below")
