"""England's own course: one law, written as a covariance and walked year by year."""

import numpy as np
import pytest
import simulated

from oa_sim.inference import national_trend
from oa_sim.inference.observations import National

NAMES = [("key_stage_2", "disadvantaged"), ("key_stage_2", "other"), ("neet_16_17", "all")]
LAW = {"sd": (0.03, 0.05, 0.04), "trend": 0.6, "damping": 0.8, "alike": 0.7, "break_sd": 0.2}
N, WALKS = 40_000, 8_000


def course(years, figures=None, shifts=(), otherwise=()):
    years = np.array(years)
    return National(years, np.zeros(len(years)) if figures is None else np.array(figures, float), shifts, otherwise)


def law(n=1, names=NAMES, **given):
    wanted = LAW | given
    sd = np.tile(wanted.pop("sd")[: len(names)], (n, 1))
    return {name: np.full(n, value) for name, value in wanted.items()} | {"sd": sd}


def covariance(courses, names=NAMES, **given):
    return national_trend.covariance(national_trend.steps(names, courses), **law(names=names, **given))[0]


@pytest.fixture(scope="module")
def pattern():
    """Give courses with a gap, a shift, a year graded otherwise, and a beginning and an end of their own."""
    both = {"shifts": (2016,), "otherwise": (2014, 2019)}
    return [
        course([2012, 2013, 2014, 2016, 2017, 2018, 2019], **both),
        course([2013, 2014, 2016, 2017, 2019], **both),
        course([2015, 2016, 2017, 2018, 2019, 2020], shifts=(2020,)),
    ]


@pytest.fixture(scope="module")
def walked(pattern):
    """Give the steps of courses that were walked year by year, many times, by code that knows no covariance."""
    known = simulated.small()
    known = type(known)(
        NAMES, [], known.years, *(np.zeros((3, 0, 6)),) * 3, np.zeros((3, 6), int), pattern, np.zeros(0, bool)
    )
    truth = {f"national_{name}": LAW[name] for name in ("sd", "trend", "damping")}
    truth |= {"groups_alike": LAW["alike"], "break_sd": LAW["break_sd"], "behaviour_break_sd": LAW["break_sd"]}
    rng = np.random.default_rng(1)
    return np.array([national_trend.steps(NAMES, simulated._england(known, truth, rng)).change for _ in range(WALKS)])


def test_the_covariance_of_steps_is_that_of_courses_walked_year_by_year(pattern, walked):
    expected = covariance(pattern)
    size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    error = np.sqrt((size**2 + expected**2) / WALKS)  # of a covariance of Gaussian numbers
    assert np.abs((walked.T @ walked / WALKS - expected) / error).max() < 4.5


def test_steps_are_counted_from_figure_to_figure(pattern):
    of = national_trend.steps(NAMES, pattern)
    assert len(of.change) == sum(len(one.years) - 1 for one in pattern)
    assert np.diag(of.shocks).tolist() == [1, 1, 2, 1, 1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 1]
    # begins with an off figure; that and a shift, with its fading part; a quarter fades; ends off and fades; a shift
    np.testing.assert_allclose(np.diag(of.breaks)[[1, 2, 4, 5, 14]], [1, 3, 1 / 16, 1 + 1 / 64, 2])


def test_plain_steps_share_nothing_but_the_trend():
    plain = [course(range(2010, 2016))]
    np.testing.assert_allclose(covariance(plain, NAMES[:1], trend=0.0), np.eye(5) * 0.03**2)
    apart = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    trend = covariance(plain, NAMES[:1]) - np.eye(5) * 0.03**2
    np.testing.assert_allclose(trend, (0.03 * 0.6) ** 2 * 0.8**apart)


def test_a_course_of_one_figure_makes_no_step_and_its_trend_is_what_it_is_in_the_long_run():
    assert not len(national_trend.steps(NAMES[:1], [course([2019])]).change)
    of = national_trend.steps(NAMES[:1], [course([2019])], ends=True)
    found = national_trend.covariance(of, **law(names=NAMES[:1]))
    np.testing.assert_allclose(found, [[[(0.03 * 0.6) ** 2]]])


def test_a_break_fades_by_half_a_year_and_in_part_stays():
    names = NAMES[:1]
    found = covariance([course(range(2014, 2021), shifts=(2016,))], names, trend=0.0, sd=(1e-9, 0, 0), break_sd=1.0)
    fades = np.array([0.0, 1.0, -0.5, -0.25, -0.125, -0.0625])
    stays = np.array([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(found, np.outer(fades, fades) + np.outer(stays, stays), atol=1e-12)


def test_a_break_before_the_first_figure_leaves_nothing_to_fade():
    names = NAMES[:1]
    drawn = national_trend.ahead(
        names, [course(range(2018, 2022), shifts=(2015,))], 2023, law(10, names), numbers(names, 2, 10)
    )
    assert np.isfinite(drawn[0]).all()


# the years to come


def numbers(names, years, n=N, seed=1):
    rng = np.random.default_rng(seed)
    return {group: rng.standard_normal((5, n, max(years, 3))) for _, group in names}


def test_what_is_to_come_is_the_conditional_of_the_whole_given_the_past():
    names, until = NAMES[:2], 2023
    marks = {"shifts": (2016, 2021), "otherwise": (2019, 2022)}
    figures = [[0.0, 0.05, 0.10, 0.40, 0.55], [0.3, 0.33, 0.35, 0.5, 0.62]]
    past = [course([2014, 2015, 2017, 2018, 2019], one, **marks) for one in figures]
    drawn = national_trend.ahead(names, past, until, law(N, names), numbers(names, 4))
    # the same by the book: the covariance of all steps, those to come among them, parted in two
    whole = [course([*one.years, *range(2020, until + 1)], [*one.figures, *[0.0] * 4], **marks) for one in past]
    all_steps, seen = covariance(whole, names), np.tile([True] * 4 + [False] * 4, 2)
    change = np.concatenate([np.diff(one) for one in figures])
    gain = all_steps[np.ix_(~seen, seen)] @ np.linalg.inv(all_steps[np.ix_(seen, seen)])
    mean, rest = gain @ change, all_steps[np.ix_(~seen, ~seen)] - gain @ all_steps[np.ix_(seen, ~seen)]
    sums = np.kron(np.eye(2), np.tril(np.ones((4, 4))))
    mean, rest = sums @ mean + np.repeat([one[-1] for one in figures], 4), sums @ rest @ sums.T
    found = np.concatenate(drawn, axis=1)
    sd = np.sqrt(np.diag(rest))
    assert np.abs((found.mean(0) - mean) / sd).max() < 4.5 / np.sqrt(N)
    assert np.abs(np.cov(found.T) - rest).max() < 5 * np.outer(sd, sd).max() * np.sqrt(2 / N)


def test_a_jump_after_a_break_is_not_carried_on_as_a_trend():
    """After a steady course, a break and a rebound of 0.15 SD: no year to come is expected to repeat a third of it."""
    names = NAMES[:1]
    steady = course(range(2012, 2024), [0.02 * t for t in range(10)] + [0.0, 0.15], shifts=(2022,))
    moved = np.diff(national_trend.ahead(names, [steady], 2038, law(N, names), numbers(names, 15))[0].mean(0))
    assert (moved < 0.05).all()
    assert moved[-1] < 0.005


def test_a_steady_course_is_carried_on_and_damped():
    names = NAMES[:1]
    steady = course(range(2012, 2024), 0.02 * np.arange(12))
    drawn = national_trend.ahead(names, [steady], 2038, law(N, names), numbers(names, 15))[0]
    moved = np.diff(drawn.mean(0), prepend=0.02 * 11)
    assert 0.008 < moved[0] < 0.02
    np.testing.assert_allclose(moved[1:5] / moved[:4], 0.8, atol=0.12)


def test_a_figure_that_was_graded_otherwise_says_little_of_the_next():
    names = NAMES[:1]
    lifted = [0.0, 0.0, 0.0, 0.3]
    plain, otherwise = (
        national_trend.ahead(
            names, [course(range(2016, 2020), lifted, **marks)], 2021, law(N, names), numbers(names, 2)
        )[0]
        for marks in ({}, {"otherwise": (2019,)})
    )
    assert plain[:, 0].mean() > 0.28
    assert otherwise[:, 0].mean() < 0.05
    assert otherwise[:, 0].std() < plain[:, 0].std() + 0.05


def test_groups_that_end_in_different_years_are_carried_to_the_same_year():
    names = NAMES[:2]
    courses = [course(range(2012, 2018)), course(range(2012, 2020))]
    one, other = national_trend.ahead(names, courses, 2022, law(N, names, damping=0.0), numbers(names, 5))
    assert (one.shape[1], other.shape[1]) == (5, 3)
    moved = [np.diff(drawn, axis=1)[:, -1] for drawn in (one, other)]
    assert np.corrcoef(*moved)[0, 1] == pytest.approx(LAW["alike"], abs=0.02)
