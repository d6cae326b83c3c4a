"""How figures are said: chances, pounds and intervals."""

import numpy as np
import pytest

from oa_sim import formatting
from oa_sim.definitions import MEASURES
from oa_sim.formatting import MINUS


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
    spans = [span.removesuffix("%").split(" to ") for *_, span in formatting.table()]
    assert [low for low, _ in spans] == ["0", *(high for _, high in spans[:-1])]
    assert spans[-1][1] == "100"
    for low, high in spans:  # a limit belongs to the band above it
        word = formatting.word(float(low) / 100)
        assert word == formatting.word((float(low) + float(high)) / 200)
    assert len({formatting.word((float(low) + float(high)) / 200) for low, high in spans}) == len(spans)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_has_no_chance_and_no_word(nothing):
    assert formatting.word(nothing) == formatting.NOT_KNOWN
    assert formatting.chance(nothing) == "no impact"


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.004, 0.00999, 0.99001, 0.996, 1 - 1e-9, 1.0])
def test_a_chance_is_never_said_to_be_certain(value):
    assert formatting.chance(value) == ("below 1%" if value < 0.5 else "above 99%")


@pytest.mark.parametrize("value", np.linspace(0.01, 0.99, 99))
def test_a_chance_that_is_not_certain_is_said_in_whole_per_cent(value):
    said = formatting.chance(float(value))
    assert said.endswith("%")
    assert float(said.removesuffix("%")) == pytest.approx(100 * value, abs=0.51)


@pytest.mark.parametrize(
    ("total", "printed"),
    [
        (0, "£0"),
        (132_000, "£132,000"),
        (999_999, "£999,999"),
        (999_999.6, "£1m"),
        (1_000_000, "£1m"),
        (21_600_000, "£21.6m"),
        (108_000_000, "£108m"),
        (1_250_000_000, "£1.25bn"),
        (-5_000_000, f"{MINUS}£5m"),
    ],
)
def test_pounds_are_said_in_millions_from_a_million_on(total, printed):
    assert formatting.pounds(total) == printed


@pytest.mark.parametrize(
    ("low", "high", "error", "places"),
    [
        (0.5, 2.0, 0.0, 1),
        (-0.029, 0.019, 0.0, 3),
        (0.0, 0.3, 0.0, 2),
        (0.0, 0.3, 0.02, 1),  # the second decimal is noise
        (0.0, 0.3, np.nan, 2),
        (3.0, 3.0, 0.0, 1),
        (0.0, 99.0, 0.0, 1),
        (0.0, 250.0, 0.0, -1),
        (81_000.0, 223_000.0, 400.0, -3),
        (0.0, 0.3, 10.0, -1),
        (50.0, np.inf, 3.0, -1),
        (np.nan, 1.0, 0.0, 1),
    ],
)
def test_decimals_come_from_the_interval_and_the_monte_carlo_error(low, high, error, places):
    assert formatting.decimals(low, high, error) == places


def test_decimals_of_an_array_are_those_of_its_numbers_and_none_is_smaller_than_the_error():
    rng = np.random.default_rng(5)
    low, width, error = rng.normal(0, 50, 3000), 10 ** rng.uniform(-4, 6, 3000), 10 ** rng.uniform(-6, 3, 3000)
    error[::7] = 10.0 ** np.round(np.log10(error[::7]))  # where a logarithm may be a last digit off
    places = formatting.decimals(low, low + width, error)
    assert places.tolist() == [formatting.decimals(*row) for row in zip(low, low + width, error, strict=True)]
    assert (10.0**-places >= error).all()
    without = formatting.decimals(low, low + width)
    assert (places <= without).all()
    assert (10.0 ** -(places + 1.0) < error)[places < without].all()  # and no digit is left out without need


@pytest.mark.parametrize(
    ("value", "places", "printed"),
    [
        (-0.004, 2, "0.00"),
        (-0.4, 0, "0"),
        (-1.25, 1, f"{MINUS}1.2"),
        (1234.5, 0, "1,234"),
        (131_820.0, -3, "132,000"),
        (-4.0, -1, "0"),
        (np.nan, 1, "not known"),
        (np.inf, 1, "no price"),
    ],
)
def test_a_number_has_a_true_minus_sign_and_is_never_minus_nothing(value, places, printed):
    assert formatting.number(value, places) == printed


@pytest.mark.parametrize(
    ("band", "unit", "printed"),
    [
        ((0.537, -1.0, 2.0), "", f"0.5 (90% interval {MINUS}1.0 to 2.0)"),
        ((0.537, 0.51, 0.56), "SD", "0.537 SD (90% interval 0.510 to 0.560)"),
        ((0.848, 0.481, 1.301), "percentage points", "0.85 percentage points (90% interval 0.48 to 1.30)"),
        ((-0.001, -0.04, 1.96), "", "0.0 (90% interval 0.0 to 2.0)"),
        ((41.03, 24.7, 58.7), "%", "41.0% (90% interval 24.7% to 58.7%)"),
        ((131_820.0, 81_000.0, 223_000.0), "GBP", "£132,000 (90% interval £81,000 to £223,000)"),
        ((132.0, 81.4, 150.4), "GBP", "£132 (90% interval £81 to £150)"),
        ((1.8, 0.8, 3.3), "GBP", "£1.8 (90% interval £0.8 to £3.3)"),
        ((12.3e6, -8.1e6, 30e6), "GBP", f"£12.3m (90% interval {MINUS}£8.1m to £30.0m)"),
        ((150.0, 100.0, np.inf), "GBP", "£150 (90% interval £100 to no price)"),
    ],
)
def test_an_estimate_has_as_many_digits_as_its_spread_supports(band, unit, printed):
    assert formatting.estimate(*band, unit=unit) == printed


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        (1234.6, "pupils", "1,230 pupils"),
        (-0.012345, "SD", f"{MINUS}0.0123 SD"),
        (0.0, "", "0"),
        (1.8234e6, "GBP", "£1.82m"),
        (950.0, "GBP", "£950"),
        (0.5, "%", "0.500%"),
        (np.nan, "SD", "not known"),
    ],
)
def test_a_number_without_an_error_has_three_significant_digits(value, unit, printed):
    assert formatting.significant(value, unit=unit) == printed


@pytest.mark.parametrize(
    ("value", "error", "unit", "printed"),
    [
        (1_243_000.0, 52_100.0, "GBP", "£1.243m (standard error £0.052m)"),
        (12.3456, 0.83, "pupils", "12.35 pupils (standard error 0.83)"),
        (1234.0, 150.0, "pupils", "1,230 pupils (standard error 150)"),
        (12.3456, 0.0, "SD", "12.3 SD"),
    ],
)
def test_a_number_with_an_error_ends_where_the_error_does(value, error, unit, printed):
    assert formatting.with_error(value, error, unit=unit) == printed


def test_a_distance_says_its_side_and_is_never_negative():
    above = formatting.distance((2.0, 1.1, 2.9), "phonics", "England")
    below = formatting.distance((-2.0, -2.9, -1.1), "phonics", "England")
    assert above == "2.0 percentage points (90% interval 1.1 to 2.9) above England"
    assert below == above.replace("above", "below")


def test_a_chance_is_never_said_as_certain_and_few_draws_say_it_coarsely():
    assert formatting.chance(1.0, 0.0) == "above 99%"
    assert formatting.chance(0.643, 0.01) == "64%"
    assert formatting.chance(0.643, 0.05) == "65%"
    assert formatting.chance(0.643, 0.08) == "60%"


def test_few_draws_never_make_a_chance_all_but_certain():
    assert formatting.chance(0.975, 0.013) == "95%"
    assert formatting.chance(0.02, 0.06) == "10%"


def test_a_share_and_its_ends_are_said_in_the_steps_that_its_error_supports():
    assert formatting.share_estimate(0.574, 0.452, 0.683) == "57% (90% interval 45% to 68%)"
    assert formatting.share_estimate(0.574, 0.452, 0.683, 0.03) == "55% (90% interval 45% to 70%)"
    assert formatting.share_estimate(0.574, 0.452, 0.683, 0.08) == "60% (90% interval 50% to 70%)"
    assert formatting.share_estimate(0.5, 0.5, 0.5) == "50%"
    assert formatting.share_estimate(float("nan"), float("nan"), float("nan")) == "none"


@pytest.mark.parametrize("measure", MEASURES)
def test_a_difference_of_percentages_is_in_percentage_points(measure):
    assert "%" not in formatting.unit(measure)
