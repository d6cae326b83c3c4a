import numpy as np
import pytest
from scipy.stats import multivariate_normal

from oa_sim import counterfactual, gaussian
from oa_sim.baseline import Record

pytestmark = pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")
N_SERIES, N_AREAS = 15, 3
YEARS = np.array([2012, 2013, 2014, 2016, 2017, 2018, 2019, 2022, 2023])


@pytest.fixture(scope="module")
def record():
    """Give made-up figures with years missing here and there, and one area with none at all."""
    rng = np.random.default_rng(1)
    shape = (N_SERIES, N_AREAS, len(YEARS))
    observed = (rng.uniform(size=shape) > 0.3).astype(float)
    observed[3, 1] = 0
    return YEARS, rng.normal(0, 0.2, shape) * observed, observed, rng.uniform(1e-4, 1e-2, shape)


@pytest.fixture(scope="module")
def theta():
    rng = np.random.default_rng(2)
    ranges = [(-0.2, 0.2), (0.05, 0.2), (0.05, 0.2), (0.01, 0.05), (0.5, 0.95)]
    return np.array([rng.uniform(*limits, N_SERIES) for limits in ranges])


def density(theta, record):
    years, value, observed, sampling = record
    gradients = np.zeros_like(theta)
    found = gaussian.density_and_gradients(theta, years, value, observed > 0, sampling, gradients)
    return found, gradients


def reference(theta, record):
    """Return the same density from scipy, its constant taken out."""
    years, value, observed, sampling = record
    total = 0.0
    for s, (mean, level, deviation, noise, persistence) in enumerate(theta.T):
        for a in range(N_AREAS):
            seen = observed[s, a] > 0
            n = int(seen.sum())
            if n:
                lag = np.abs(np.subtract.outer(years[seen], years[seen]))
                covariance = level**2 + deviation**2 * persistence**lag + np.diag(sampling[s, a, seen] + noise**2)
                total += multivariate_normal.logpdf(value[s, a, seen], np.full(n, mean), covariance)
                total += n / 2 * np.log(2 * np.pi)
    return total


def test_the_density_is_scipys_with_years_missing(record, theta):
    assert density(theta, record)[0] == pytest.approx(reference(theta, record), rel=1e-10)


@pytest.mark.parametrize("parameter", range(5))
def test_the_gradient_is_what_central_differences_give(record, theta, parameter):
    gradients = density(theta, record)[1]
    step = 1e-6
    for s in range(N_SERIES):
        up, down = theta.copy(), theta.copy()
        up[parameter, s] += step
        down[parameter, s] -= step
        slope = (density(up, record)[0] - density(down, record)[0]) / (2 * step)
        assert gradients[parameter, s] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_pytensor_takes_the_density_and_its_gradient_as_they_are(record, theta):
    import pytensor
    import pytensor.tensor as pt

    inputs = [pt.dvector(f"theta_{i}") for i in range(5)]
    found = gaussian.RecordDensity(*record)(*inputs)[0]
    compiled = pytensor.function(inputs, [found, *pytensor.grad(2 * found, inputs)], mode="FAST_COMPILE")
    value, *slopes = compiled(*theta)
    expected, gradients = density(theta, record)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(slopes, 2 * gradients, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13])
def test_the_inverse_is_an_inverse_and_the_determinant_a_determinant(n):
    rng = np.random.default_rng(n)
    root = rng.normal(size=(n, n))
    matrix = root @ root.T + 0.1 * np.eye(n)
    precision = np.full((n + 2, n + 2), np.nan)  # work space is larger than the matrix and never clean
    factor = np.full((n + 2, n + 2), np.nan)
    factor[:n, :n] = matrix
    half = gaussian._invert(factor, precision, n)
    np.testing.assert_allclose(precision[:n, :n], np.linalg.inv(matrix), rtol=1e-8, atol=1e-8)
    assert 2 * half == pytest.approx(np.linalg.slogdet(matrix)[1])


# the projection is the exact conditional of the same Gaussian


def test_a_conditional_is_that_of_a_covariance_parted_by_hand():
    rng = np.random.default_rng(3)
    root = rng.normal(size=(4, 7, 7))
    joint = root @ np.swapaxes(root, -1, -2) + 0.2 * np.eye(7)
    residual = rng.normal(size=(4, 5))
    mean, rest = counterfactual._condition(residual, joint[:, :5, :5], joint[:, :5, 5:], joint[:, 5:, 5:])
    precision = np.linalg.inv(joint)  # the other road: through the precision
    by_precision = np.linalg.inv(precision[:, 5:, 5:])
    np.testing.assert_allclose(rest, by_precision, rtol=1e-8)
    expected = -(by_precision @ precision[:, 5:, :5] @ residual[..., None])[..., 0]
    np.testing.assert_allclose(mean, expected, rtol=1e-8)


def test_the_root_of_a_covariance_gives_it_back_even_where_it_is_flat():
    for covariance in ([[0.04, 0.01], [0.01, 0.09]], [[0.04, 0.06], [0.06, 0.09]], [[0.0, 0.0], [0.0, 0.0]]):
        root = counterfactual._root(np.array(covariance))
        np.testing.assert_allclose(root @ root.T, covariance, atol=1e-9)


def test_what_is_projected_is_the_exact_conditional_of_the_record():
    rng = np.random.default_rng(4)
    n, ahead = 40_000, np.array([2024, 2025, 2028])
    seen = np.array([1, 1, 0, 1, 1, 1, 1, 0, 1.0])
    value, sampling = rng.normal(0, 0.15, 9) * seen, rng.uniform(1e-4, 4e-3, 9)
    known = Record(
        [("phonics", "other")], ["Norwich"], YEARS, value[None, None], seen[None, None], sampling[None, None],
        np.empty((1, 0)), {},
    )  # fmt: skip
    numbers = {"mu": 0.05, "level_sd": 0.1, "deviation_sd": 0.08, "noise_sd": 0.02, "persistence": 0.8}
    draws = {name: np.full((1, n), number) for name, number in numbers.items()}
    found = counterfactual._relative(draws, known, 0, 0, list(range(2024, 2029)), rng)[0][:, ahead - 2024]
    at = YEARS[seen > 0]
    every = np.concatenate([at, ahead])
    joint = 0.1**2 + 0.08**2 * 0.8 ** np.abs(np.subtract.outer(every, every))
    past, future = slice(0, len(at)), slice(len(at), None)
    with_noise = joint[past, past] + np.diag(sampling[seen > 0] + 0.02**2)
    gain = np.linalg.solve(with_noise, joint[past, future]).T
    mean = gain @ (value[seen > 0] - 0.05)
    covariance = joint[future, future] - gain @ joint[past, future]
    np.testing.assert_allclose(found.mean(0), mean, atol=5 * np.sqrt(covariance.max() / n))
    np.testing.assert_allclose(np.cov(found.T), covariance, rtol=0.06)


@pytest.mark.parametrize("absurd", [0.0, 1e200, np.inf])
def test_a_sampler_that_strays_far_out_meets_no_error(theta, record, absurd):
    years, value, observed, _ = record
    strayed = theta.copy()
    strayed[1:4] = absurd
    found, _ = density(strayed, (years, value, observed, np.zeros_like(value)))
    assert not found > 0 or not np.isfinite(found)
