"""What information is worth: laws and closed forms of its estimators."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from oa_sim.decide import voi_estimators

N = 20_000


def loss(mean, sd):
    """Return E[max(x, 0)] - max(E[x], 0) of a normal x: the unit normal loss."""
    return mean * norm.cdf(mean / sd) + sd * norm.pdf(mean / sd) - max(mean, 0.0)


@pytest.fixture(scope="module")
def linear():
    """Two plans whose difference is a sum of three Gaussian parameters and a noise that nobody can know before."""
    rng = np.random.default_rng(1)
    theta, noise = rng.standard_normal((N, 3)), rng.standard_normal(N)
    slopes, mean = np.array([2.0, 1.0, 0.0]), -0.5
    common = 5 * rng.standard_normal(N)
    return theta, slopes, mean, np.stack([common, common + mean + theta @ slopes + noise])


def test_perfect_information_has_its_closed_form(linear):
    _, slopes, mean, values = linear
    found = voi_estimators.perfect(values)
    assert found.value == pytest.approx(loss(mean, np.sqrt(slopes @ slopes + 1)), abs=4 * found.error)


@pytest.mark.parametrize("which", [[0], [1], [2], [0, 1], [0, 1, 2]])
def test_knowing_parameters_has_its_closed_form(linear, which):
    theta, slopes, mean, values = linear
    found = voi_estimators.partial(values, theta[:, which])
    sd = np.sqrt((slopes[which] ** 2).sum())
    truth = loss(mean, sd) if sd else 0.0
    assert found.value == pytest.approx(truth, abs=4 * found.error + 0.005)


def test_knowing_is_never_worth_more_than_knowing_everything(linear):
    theta, _, _, values = linear
    for which in ([0], [1], [0, 1], [0, 1, 2]):
        assert voi_estimators.partial(values, theta[:, which]).value <= voi_estimators.perfect(values).value


def test_knowing_more_is_never_worth_less(linear):
    theta, _, _, values = linear
    found = [voi_estimators.partial(values, theta[:, :n]) for n in (1, 2, 3)]
    for before, after in pairwise(found):
        assert after.value >= before.value - 2 * np.hypot(before.error, after.error)


def test_what_cannot_change_the_choice_is_worth_nothing(linear):
    theta, _, _, values = linear
    ahead = np.stack([values[0], values[0] + 100 + theta[:, 0]])
    assert voi_estimators.perfect(ahead).value == 0.0
    assert voi_estimators.partial(ahead, theta).value == 0.0


def test_noise_is_worth_nothing_however_many_columns_there_are():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((4, 800))
    found = voi_estimators.partial(values, rng.standard_normal((800, 30)))
    assert found.value < 3 * found.error + 0.02  # the regression has not seen the draw that it decides


def test_the_error_tells_how_far_the_worth_varies():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(60):
        theta = rng.standard_normal((1000, 1))
        values = np.stack([np.zeros(1000), theta[:, 0] + rng.standard_normal(1000)])
        found.append(voi_estimators.partial(values, theta))
    spread = np.std([one.value for one in found], ddof=1)
    assert np.mean([one.error for one in found]) == pytest.approx(spread, rel=0.35)


def test_a_study_is_worth_more_the_larger_it_is_and_no_more_than_knowing(linear):
    theta, slopes, mean, values = linear
    found = []
    for n in (10, 100, 1_000, 100_000):
        error = voi_estimators.standard_error(n, 1.0)
        one = voi_estimators.sample(values, theta[:, 0], error, np.random.default_rng(n), rounds=3)
        truth = loss(mean, abs(slopes[0]) * np.sqrt(1 / (1 + error**2)))  # what the estimate tells of it
        assert one.value == pytest.approx(truth, abs=4 * one.error + 0.005)
        found.append(one.value)
    assert found == sorted(found)
    known = voi_estimators.partial(values, theta[:, :1])
    assert found[-1] == pytest.approx(known.value, abs=4 * known.error)


def test_a_trial_of_whole_schools_tells_less():
    assert voi_estimators.design_effect(1, 0.3) == 1
    assert voi_estimators.design_effect(25, 0.15) == pytest.approx(4.6)
    assert voi_estimators.standard_error(4_000, 4.0) == pytest.approx(2 * voi_estimators.standard_error(4_000, 1.0))
    assert voi_estimators.standard_error(400, 1.0) == pytest.approx(0.1)


@pytest.mark.parametrize("n", [20, 100])
def test_few_draws_make_perfect_information_too_small_and_the_jackknife_says_so(n):
    rng = np.random.default_rng(5)
    equal = [rng.standard_normal((2, n)) for _ in range(400)]
    missed = np.mean([voi_estimators.perfect(values).value for values in equal]) - 1 / np.sqrt(np.pi)
    told = np.mean([voi_estimators.bias(values) for values in equal])
    assert missed < told < 0  # part of it, where plans are equally good
    ahead = equal[0] + np.array([[0.0], [100.0]])
    assert voi_estimators.bias(ahead) == 0.0


@pytest.fixture(scope="module")
def two_steps():
    """Two first steps, the second of which costs 0.3 and changes nothing else; the then better depends on theta."""
    rng = np.random.default_rng(6)
    theta, noise, common = rng.standard_normal((3, N))
    values = np.zeros((2, 2, N))
    values[0] = common
    values[0, 1] += -0.5 + 2 * theta + noise
    values[1] = values[0] - 0.3
    error = 0.5
    return values, (theta + error * rng.standard_normal(N))[:, None], loss(-0.5, 2 / np.sqrt(1 + error**2))


def test_deciding_in_two_steps_has_its_closed_form(two_steps):
    values, signal, truth = two_steps
    first, worth = voi_estimators.stepped(values, [signal, signal])
    assert first == 0
    assert worth.value == pytest.approx(truth, abs=4 * worth.error)
    assert worth.value <= voi_estimators.perfect(values[0]).value


def test_a_first_step_that_tells_more_is_taken_though_it_brings_less(two_steps):
    values, signal, truth = two_steps
    nothing = np.zeros((N, 0))
    first, worth = voi_estimators.stepped(values, [nothing, signal])
    assert first == 1
    assert worth.value == pytest.approx(truth - 0.3, abs=4 * worth.error)


def test_a_signal_that_tells_nothing_is_worth_nothing_and_does_no_harm(two_steps):
    values = two_steps[0][..., :2000]
    noise = np.random.default_rng(7).standard_normal((2000, 3))
    for seen in (np.zeros((2000, 0)), noise):
        first, worth = voi_estimators.stepped(values, [seen, seen])
        assert first == 0
        assert 0 <= worth.value <= 3 * worth.error + 1e-9
