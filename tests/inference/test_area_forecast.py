"""The exact course of an area, against plain algebra on the joint covariance of all its figures.

The course is linear in the standard normal numbers it is given, so its mean and covariance are read off without chance:
no numbers give the mean, and one number at a time gives a column of the root of the covariance.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy.stats import multivariate_t

from oa_sim import definitions
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, observations
from oa_sim.inputs import areas, tables

LAST, AHEAD = 2023, 5
MANY = 1e13  # degrees of freedom
AREAS = ["Derby", "Norwich", "Oldham"]


@dataclass(frozen=True)
class Case:
    """One draw of the hyperparameters, a record in the order of years, and what is asked."""

    mean: np.ndarray
    level: np.ndarray
    drift: np.ndarray
    broken: np.ndarray
    shock: np.ndarray
    pace: np.ndarray
    noise: np.ndarray
    link: np.ndarray
    series: np.ndarray
    year: np.ndarray
    kin: np.ndarray
    value: np.ndarray
    sampling: np.ndarray
    future: np.ndarray
    behind: np.ndarray
    breaks: np.ndarray


def courses(case, normal):
    """Return the course and the error (2, draw, series, year) for given standard normal numbers (draw, number)."""
    law = gaussian(case)
    laws = area_forecast.Law(*(np.repeat(part, len(normal), axis=0) for part in law))
    cells = cells_of(case)
    # so many degrees of freedom that all areas have the same variances
    return area_forecast.courses(laws, cells, LAST, case.future, case.behind, normal, np.full(len(normal), MANY))


def cells_of(case, *, london=False):
    values = case.value[None]
    return area_forecast.Cells(case.series, case.year, case.kin, values, case.sampling, london, case.breaks)


def gaussian(case):
    """Return the law of one draw in which areas' variances do not differ, and luck is that of independent pupils."""
    n = len(case.mean)
    names = ("mean", "level", "drift", "broken", "shock", "pace", "noise", "link")
    parts = {name: getattr(case, name)[None] for name in names}
    none = np.zeros((1, n))
    return area_forecast.Law(**parts, london=none, london_trend=none, luck=np.ones((1, n)), freedom=np.array([MANY]))


def moments(case):
    """Return mean and covariance of (course, error), flat, without chance."""
    numbers = area_forecast.numbers_needed(case.kin, case.future)
    found = courses(case, np.concatenate([np.zeros((1, numbers)), np.eye(numbers)]))
    flat = found.transpose(1, 0, 2, 3).reshape(numbers + 1, -1)
    root = (flat[1:] - flat[0]).T
    return flat[0], root @ root.T


def by_algebra(case):
    """Return the same from the joint covariance of record and future, element by element from the law's words."""
    n, ahead = case.future.shape
    s_to, y_to = (grid.ravel() for grid in np.meshgrid(np.arange(n), LAST + 1 + np.arange(ahead), indexing="ij"))
    series, year = np.concatenate([case.series, s_to]), np.concatenate([case.year, y_to])
    kin = np.concatenate([case.kin, case.future.ravel()])
    size = np.concatenate([case.sampling, np.repeat(case.behind, ahead)])
    lag = abs(year[:, None] - year)
    later = np.where(year[:, None] >= year, series[:, None], series)  # whose pace carries the earlier one on
    one, other = np.ix_(series, series)
    long_run = case.shock / (1 - np.outer(case.pace, case.pace))
    since = np.minimum(year[:, None], year) - observations.RECORD_FROM
    course = case.level[one, other] + case.drift[one, other] * since + long_run[one, other] * case.pace[later] ** lag
    years = range(observations.RECORD_FROM + 1, LAST + AHEAD + 1)
    shifts = [case.breaks[0, series, y - observations.RECORD_FROM] * (year >= y) for y in years]
    course = course + case.broken[one, other] * sum(np.outer(shift, shift) for shift in shifts)
    unsure = case.broken[series, series] * case.breaks[1, series, year - observations.RECORD_FROM]
    loading = np.where(kin >= 0, case.link[series], 0.0) * np.sqrt(size)
    shared = np.outer(loading, loading) * ((kin[:, None] == kin) & (kin >= 0))
    np.fill_diagonal(shared, 0.0)
    luck = shared + np.diag(size + case.noise[series] + unsure)
    seen, to = np.arange(len(case.series)), np.arange(len(case.series), len(series))
    gain_on = np.linalg.inv((course + luck)[np.ix_(seen, seen)]) if len(seen) else np.zeros((0, 0))
    both = np.concatenate([course[np.ix_(to, seen)], luck[np.ix_(to, seen)]])
    zero = np.zeros((len(to), len(to)))
    before = np.block([[course[np.ix_(to, to)], zero], [zero, luck[np.ix_(to, to)]]])
    surprise = case.value - case.mean[case.series]
    start = np.concatenate([case.mean[s_to], np.zeros(len(to))])
    return start + both @ gain_on @ surprise, before - both @ gain_on @ both.T


def case_of(seed, n=2, gaps=0.3):
    """Return a made-up case: series of which the second holds the children of the first three years later."""
    rng = np.random.default_rng(seed)

    def covariance(size):
        root = size * rng.normal(size=(n, n))
        return root @ root.T + 0.1 * size**2 * np.eye(n)

    year, series = (grid.ravel() for grid in np.meshgrid(range(2014, LAST + 1), range(n), indexing="ij"))
    seen = rng.uniform(size=len(year)) >= gaps
    seen[year == 2019] = False  # nothing at all was published
    year, series = year[seen].astype(np.int64), series[seen].astype(np.int64)

    def cohort(series, year):
        return np.where(series < 2, year - 2008 - 3 * series, -1)  # from the third on, cohorts are not followed

    future = cohort(np.arange(n)[:, None], LAST + 1 + np.arange(AHEAD)[None])
    breaks = np.zeros((2, n, LAST + AHEAD - observations.RECORD_FROM + 1))
    breaks[:, :, [3, 9, 12]] = 1.0  # two shifts of level, one to come, and a year that was otherwise graded
    breaks[:, -1, 3], breaks[1, 0, 8] = 0.0, 1.0
    return Case(
        rng.normal(0, 0.1, n), covariance(0.1), covariance(0.02), covariance(0.03), covariance(0.04),
        rng.uniform(0.5, 0.9, n), rng.uniform(1e-4, 1e-3, n), rng.uniform(0.3, 0.9, n), series, year,
        cohort(series, year), rng.normal(0, 0.2, len(year)), rng.uniform(1e-4, 4e-3, len(year)), future,
        rng.uniform(1e-4, 4e-3, n), breaks,
    )  # fmt: skip


def keep(case, which):
    """Return a case with some of its cells."""
    return replace(
        case, **{name: getattr(case, name)[which] for name in ("series", "year", "kin", "value", "sampling")}
    )


# against plain algebra


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "gaps"), [(1, 0.0), (2, 0.0), (2, 0.3), (4, 0.5)])
def test_mean_and_covariance_are_those_of_plain_algebra(seed, n, gaps):
    case = case_of(seed, n, gaps)
    for found, expected in zip(moments(case), by_algebra(case), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_the_made_up_cases_have_what_they_are_for():
    case = case_of(0)
    followed = case.kin[case.kin >= 0]
    assert len(np.unique(followed)) < len(followed)  # the same children twice in the record
    assert np.isin(case.future, case.kin).any()  # and again in what is to come
    assert (~np.isin(case.future, case.kin)).any()  # beside children never seen
    assert len(case.year) < 2 * (LAST - 2013)
    assert not (case.year == 2019).any()


@pytest.mark.parametrize("what", ["link", "noise", "shock", "level", "drift", "broken"])
def test_without_a_part_of_the_law_algebra_agrees_too(what):
    case = case_of(5)
    case = replace(case, **{what: np.zeros_like(getattr(case, what))})
    for found, expected in zip(moments(case), by_algebra(case), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-9)


def test_the_shipped_law_on_a_real_record_agrees_with_algebra(known):
    own = observations.record(areas.history(known, LAST))
    law = area_forecast.law(baseline_fit.load().isel(chain=[0], draw=[0]), own.series)
    law = law._replace(luck=np.ones_like(law.luck), freedom=np.array([MANY]))

    def lost(series, years):  # what the rest of England loses to London
        return -observations.LONDON_SHARE * law.london_trend[0][series] * years

    behind = counterfactual.last_variance(own, "Blackpool")
    at_year, at_series = np.nonzero(own.observed[:, own.areas.index("Blackpool")].T > 0)
    a = own.areas.index("Blackpool")
    case = Case(
        law.mean[0], law.level[0], law.drift[0], law.broken[0], law.shock[0], law.pace[0], law.noise[0], law.link[0],
        at_series, own.years[at_year], own.kin[at_series, at_year], own.relative[at_series, a, at_year],
        own.sampling[at_series, a, at_year],
        observations.kin(own.series, list(range(LAST + 1, LAST + 1 + AHEAD))), behind,
        observations.break_years(own.national, LAST + AHEAD),
    )  # fmt: skip
    mean, spread = by_algebra(replace(case, value=case.value - lost(case.series, case.year - observations.MIDDLE)))
    after = np.cumsum(area_forecast.FADES ** np.arange(1, AHEAD + 1)) + LAST - observations.MIDDLE
    mean[: mean.size // 2] += lost(np.arange(len(own.series))[:, None], after).ravel()

    class OneAtATime:
        """Stands for a random stream: the first draw has no numbers, each other one has a single one."""

        def standard_normal(self, size):
            return np.concatenate([np.zeros((1, size[1])), np.eye(size[1])])[: size[0]]

        def chisquare(self, freedom):
            return np.full(len(freedom), MANY)

    first = min(kin for kin in (*case.kin, *case.future.ravel()) if kin >= 0)
    counted = [np.where(kin >= 0, kin - first, -1) for kin in (case.kin, case.future)]
    every = area_forecast.numbers_needed(*counted) + 1
    many = area_forecast.Law(*(np.repeat(part[:1], every, axis=0) for part in law))
    years = list(range(LAST + 1, LAST + 1 + AHEAD))
    found = np.stack(area_forecast.relative(many, own, "Blackpool", years, behind, OneAtATime()))
    flat = found.transpose(1, 0, 2, 3).reshape(every, -1)
    np.testing.assert_allclose(flat[0], mean, rtol=1e-7, atol=1e-10)
    root = (flat[1:] - flat[0]).T
    np.testing.assert_allclose(root @ root.T, spread, rtol=1e-6, atol=1e-10)
    assert len(case.value) > 100
    assert len(np.unique(case.kin[case.kin >= 0])) < (case.kin >= 0).sum()  # children are seen again in the record


# as draws


def test_moments_of_draws_lie_within_their_monte_carlo_error():
    case, n = case_of(1), 20_000
    normal = np.random.default_rng(1).standard_normal((n, area_forecast.numbers_needed(case.kin, case.future)))
    found = courses(case, normal).transpose(1, 0, 2, 3).reshape(n, -1)
    mean, spread = by_algebra(case)
    sd = np.sqrt(np.diag(spread))
    assert (abs(found.mean(0) - mean) < 4.5 * sd / np.sqrt(n)).all()
    assert (abs(found.std(0) / sd - 1) < 4.5 / np.sqrt(2 * n)).all()


def test_draws_are_used_one_by_one():
    case = case_of(2)
    normal = np.random.default_rng(2).standard_normal((6, area_forecast.numbers_needed(case.kin, case.future)))
    np.testing.assert_array_equal(courses(case, normal)[:, 4:], courses(case, normal[4:]))


def test_numbers_are_enough_and_each_one_is_used():
    case = case_of(3)
    numbers = area_forecast.numbers_needed(case.kin, case.future)
    found = courses(case, np.concatenate([np.zeros((1, numbers)), np.eye(numbers)]))
    moved = abs(found[:, 1:] - found[:, :1]).max(axis=(0, 2, 3)) > 0
    n, unseen = len(case.mean), max(case.kin.max(), case.future.max()) + 1
    assert moved[: 2 * n].all()
    assert moved[2 * n + unseen :].all()  # those in between are the luck of cohorts, some of them gone by


# what a record is worth


def test_without_a_record_what_is_known_is_the_law_alone():
    case = keep(replace(case_of(0), broken=np.zeros((2, 2))), slice(0))
    mean, spread = moments(case)
    n = len(case.mean)
    half = n * AHEAD
    np.testing.assert_allclose(mean, [*np.repeat(case.mean, AHEAD), *np.zeros(half)], atol=1e-12)
    course = np.diag(case.level + case.shock / (1 - np.outer(case.pace, case.pace)))
    drifted = np.diag(case.drift)[:, None] * (LAST + 1 + np.arange(AHEAD) - observations.RECORD_FROM)
    np.testing.assert_allclose(np.diag(spread)[:half], (course[:, None] + drifted).ravel(), rtol=1e-9)
    np.testing.assert_allclose(np.diag(spread)[half:], np.repeat(case.behind + case.noise, AHEAD), rtol=1e-9)
    np.testing.assert_allclose(spread[:half, half:], 0, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_a_year_further_from_the_record_is_never_known_better(seed):
    case = case_of(seed, gaps=0.0)
    spread = np.diag(moments(case)[1])[: case.future.size].reshape(case.future.shape)
    assert (np.diff(spread, axis=1) >= 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_another_figure_never_makes_anything_less_certain(seed):
    case = case_of(seed)
    for at in range(0, len(case.year), 3):
        fewer = np.diag(moments(keep(case, np.arange(len(case.year)) != at))[1])
        assert (np.diag(moments(case)[1]) <= fewer + 1e-12).all()


def test_the_longer_ago_the_record_ends_the_less_is_known():
    case = case_of(0, gaps=0.0)
    spreads = [np.diag(moments(keep(case, case.year <= until))[1])[: case.future.size] for until in (2023, 2020, 2016)]
    assert (spreads[0] <= spreads[1]).all()
    assert (spreads[1] <= spreads[2]).all()


def test_a_figure_of_a_large_cohort_is_followed_and_that_of_a_small_one_is_not():
    case = keep(case_of(0, gaps=0.0), np.array([-1]))
    exact, vague = (replace(case, sampling=np.array([size]), noise=np.zeros(2)) for size in (1e-10, 1e6))
    s = case.series[0]
    now = [moments(replace(one, future=case.future[:, :1]))[0][s] for one in (exact, vague)]
    assert abs(now[0] - case.value[0]) < abs(case.mean[s] - case.value[0])
    assert now[1] == pytest.approx(case.mean[s], abs=1e-6)


def test_the_luck_of_a_cohort_comes_back_with_its_children_and_with_nobody_else():
    case = replace(case_of(0, gaps=0.0), link=np.array([0.9, 0.9]))
    lucky = replace(case, value=case.value + 0.2 * (case.kin == 13) * (case.series == 0))
    half = case.future.size
    moved = (moments(lucky)[0] - moments(case)[0])[half:].reshape(case.future.shape)
    assert (case.future[1] == 13).sum() == 1
    assert moved[1].argmax() == np.flatnonzero(case.future[1] == 13)[0]
    assert (abs(moved[~np.isin(case.future, case.kin)]) < 1e-12).all()  # children never seen have no luck yet


def test_cohorts_that_are_not_followed_carry_nothing_on():
    case = case_of(0)
    unknown = replace(case, kin=np.full_like(case.kin, -1))
    mean, _ = moments(unknown)
    assert (abs(mean[case.future.size :]) < 1e-15).all()
    unlinked = replace(case, link=np.zeros(2))
    np.testing.assert_allclose(moments(unknown)[0], moments(unlinked)[0], atol=1e-12)


# small parts


@pytest.mark.parametrize("n", [1, 2, 5, 13])
def test_the_root_of_a_covariance_is_a_root(n):
    half = np.random.default_rng(n).normal(size=(n, n))
    root = np.zeros((n, n))
    area_forecast.lower(half @ half.T, root)
    np.testing.assert_allclose(root @ root.T, half @ half.T, rtol=1e-9, atol=1e-9)
    assert (np.triu(root, 1) == 0).all()


def test_a_direction_without_variance_gets_none():
    one = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    root = np.zeros((3, 3))
    area_forecast.lower(one, root)
    np.testing.assert_allclose(root @ root.T, one, atol=1e-12)
    assert (root[:, 1:] == 0).all()


# figures that are new, and contributions that are taken off


@pytest.fixture(scope="module")
def three():
    rows = tables.read_all()
    here = rows | {"areas": [row for row in rows["areas"] if row["area"] in AREAS]}
    return observations.record(areas.history(here, 2023))


def law_of(draws=4):
    posterior = baseline_fit.load(draws=10).isel(chain=[0], draw=slice(draws))
    return posterior, area_forecast.law(posterior, definitions.series())


def test_the_density_of_new_figures_is_that_of_the_joint_law(three):
    """Sum of the steps of the filter = joint density of all figures less that of the earlier ones, by algebra."""
    _, hyper = law_of(2)
    for area in ("Derby", "Oldham"):
        told = area_forecast.log_density(hyper, three, area, 2022)
        cells = area_forecast.cells_of(three, area, 2024)
        for d in range(2):
            free = hyper.freedom[d]
            joint = covariance_by_hand(hyper, d, cells) * (free - 2) / free
            gains = hyper.london_trend[d][cells.series] * (cells.year - observations.MIDDLE)
            values = cells.value[0] - hyper.mean[d][cells.series] + observations.LONDON_SHARE * gains
            before = cells.year < 2022
            whole = multivariate_t(None, joint, df=free).logpdf(values)
            early = multivariate_t(None, joint[np.ix_(before, before)], df=free).logpdf(values[before])
            assert told[d] == pytest.approx(whole - early, abs=1e-6)


def covariance_by_hand(hyper, d, cells):
    """Return the covariance of figures from the law's words, element by element."""
    s, y, kin = cells.series, cells.year, cells.kin
    apart = np.abs(y[:, None] - y[None])
    level = hyper.level[d][np.ix_(s, s)] + hyper.drift[d][np.ix_(s, s)] * (np.minimum(y[:, None], y) - 2013)
    for year in range(1, cells.breaks.shape[2]):
        broke = cells.breaks[0, s, year] * (y >= 2013 + year)
        level = level + hyper.broken[d][np.ix_(s, s)] * np.outer(broke, broke)
    pace = hyper.pace[d]
    late = np.where(y[:, None] >= y[None], pace[s][:, None], pace[s][None])
    shocks = hyper.shock[d][np.ix_(s, s)] / (1 - pace[s][:, None] * pace[s][None])
    sampling = cells.sampling * hyper.luck[d][s]
    link = np.where(kin >= 0, hyper.link[d][s], 0.0) * np.sqrt(sampling)
    same = (kin[:, None] == kin[None]) & (kin[:, None] >= 0)
    own = np.where(kin >= 0, 1 - hyper.link[d][s] ** 2, 1.0) * sampling + hyper.noise[d][s]
    own = own + hyper.broken[d][s, s] * cells.breaks[1, s, y - 2013]
    return level + shocks * late**apart + same * np.outer(link, link) + np.diag(own)


def test_taking_off_what_was_brought_is_taking_it_off_the_figures(three):
    _, hyper = law_of(3)
    brought = np.zeros((3, len(three.series), len(three.years)))
    brought[1, :, -1] = 0.05
    plain, moved = (area_forecast.log_density(hyper, three, "Oldham", 2023, brought=b) for b in (None, brought))
    np.testing.assert_allclose(plain[[0, 2]], moved[[0, 2]])
    assert plain[1] != moved[1]
    lower = observations.Record(**(vars(three) | {"relative": three.relative - 0.05 * (three.years == 2023)}))
    np.testing.assert_allclose(moved[1], area_forecast.log_density(hyper, lower, "Oldham", 2023)[1])


def test_the_course_from_lowered_figures_is_lower_by_what_the_law_carries_on(three):
    _, hyper = law_of(2)
    rng = lambda: np.random.default_rng(0)  # noqa: E731  the same numbers for both
    behind = counterfactual.last_variance(three, "Oldham")
    brought = np.zeros((2, len(three.series), len(three.years)))
    brought[:, :, -1] = 0.1
    plain, _ = area_forecast.relative(hyper, three, "Oldham", [2024, 2025], behind, rng())
    moved, _ = area_forecast.relative(hyper, three, "Oldham", [2024, 2025], behind, rng(), brought=brought)
    fall = plain - moved
    assert (fall[:, :, 0] > 0).mean() > 0.9
    assert fall.max() < 0.2


# areas that differ in how much their figures move, and London


def test_an_area_whose_figures_moved_more_goes_on_to_move_more():
    case = keep(case_of(0, gaps=0.0), slice(None))
    wild = replace(case, value=case.mean[case.series] + 3 * (case.value - case.mean[case.series]))
    law = gaussian(case)._replace(freedom=np.array([10.0]))
    spreads = []
    for each in (case, wild):
        laws = area_forecast.Law(*(np.repeat(part, 4000, axis=0) for part in law))
        rng = np.random.default_rng(3)
        normal = rng.standard_normal((4000, area_forecast.numbers_needed(case.kin, case.future)))
        cells = cells_of(each)
        squares = rng.chisquare(10.0 + len(each.series), 4000)
        spreads.append(area_forecast.courses(laws, cells, LAST, case.future, case.behind, normal, squares)[0].std(0))
    assert (spreads[1] > 1.5 * spreads[0]).all()


def test_londons_difference_is_carried_on_and_its_growth_fades():
    case = keep(case_of(0), slice(0))
    law = gaussian(case)._replace(london=np.array([[0.3, 0.0]]), london_trend=np.array([[0.02, 0.0]]))
    normal = np.zeros((1, area_forecast.numbers_needed(case.kin, case.future)))
    here, beside = (
        area_forecast.courses(
            law, cells_of(case, london=london), LAST, case.future, case.behind, normal, np.array([MANY])
        )[0, 0]
        for london in (True, False)
    )  # fmt: skip
    passed = LAST - observations.MIDDLE + np.cumsum(area_forecast.FADES ** np.arange(1, AHEAD + 1))
    np.testing.assert_allclose((here - beside)[0], 0.3 + 0.02 * passed)
    np.testing.assert_allclose((here - beside)[1], 0.0)
    england = observations.LONDON_SHARE * here + (1 - observations.LONDON_SHARE) * beside  # what London gains, it lacks
    np.testing.assert_allclose(np.diff(england[0]), 0.0, atol=1e-12)
