import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import multivariate_t

from oa_sim.inference import baseline_likelihood
from oa_sim.inference.baseline_likelihood import Band, RecordDensity

pytestmark = pytest.mark.filterwarnings("ignore:Numba will use object mode:UserWarning")
N_SERIES = 4
NAMES = (
    *("mean", "trend", "level", "drift", "broken", "deviation", "persistence", "noise", "link", "luck", "freedom"),
)
MATRICES = ("level", "drift", "broken", "deviation")


@pytest.fixture(scope="module")
def inputs():
    """Give means of two kinds of authority, and covariances of the four parts of what is told apart."""
    rng = np.random.default_rng(2)
    pace, parts = rng.uniform(0.5, 0.9, N_SERIES), []
    for size in (0.2, 0.03, 0.05, 0.1):
        root = rng.normal(0, size, (N_SERIES, N_SERIES))
        parts.append(root @ root.T + 0.2 * size**2 * np.eye(N_SERIES))
    parts[3] /= 1 - np.outer(pace, pace)
    return [
        rng.normal(0, 0.1, 2 * N_SERIES), rng.normal(0, 0.02, 2 * N_SERIES), *parts, pace,
        rng.uniform(1e-4, 1e-3, N_SERIES), rng.uniform(0.1, 0.9, N_SERIES), rng.uniform(0.5, 1.2, N_SERIES),
        np.array([8.0]),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def bands():
    """Give three bands with their own missing cells; the children of series 0 are in series 1 a year later."""
    rng = np.random.default_rng(1)
    found = []
    for n_areas, missing in ((3, 0.2), (1, 0.5), (4, 0.0)):
        series, year = (grid.ravel() for grid in np.meshgrid(range(N_SERIES), [2013, 2014, 2016, 2017, 2021]))
        seen = rng.uniform(size=len(series)) >= missing
        series, year = series[seen], year[seen]
        kin = np.where(series < 2, year - series, -1)
        value = rng.normal(0, 0.2, (n_areas, len(series)))
        mean = series + N_SERIES * (n_areas == 3)  # as in London
        broke = (year >= 2014) & (series < 3)  # in all series but one
        breaks = np.outer(broke, broke) + np.diag(year == 2014)
        found.append(Band(series, mean, year, kin, value, rng.uniform(1e-4, 1e-2, len(series)), breaks))
    return found


def covariance(inputs, band):
    """Return the covariance of a band's cells, element by element from its definition."""
    _, _, level, drift, broken, deviation, persistence, noise, link, luck, _ = inputs
    n, size = len(band.series), band.sampling * luck[band.series]
    out = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            later, lag = i if band.year[i] >= band.year[j] else j, abs(int(band.year[i]) - int(band.year[j]))
            s, r, since = band.series[i], band.series[j], min(band.year[i], band.year[j]) - 2013
            out[i, j] = level[s, r] + drift[s, r] * since + broken[s, r] * band.breaks[i, j]
            out[i, j] += deviation[s, r] * persistence[band.series[later]] ** lag
            if i == j:
                out[i, j] += size[i] + noise[s]
            elif band.kin[i] == band.kin[j] != -1:
                out[i, j] += link[s] * link[r] * np.sqrt(size[i] * size[j])
    return out


def reference(inputs, bands):
    """Return the density from scipy, its constant taken out."""
    total, free = 0.0, inputs[-1][0]
    for band in bands:
        mean = inputs[0][band.mean] + inputs[1][band.mean] * (band.year - 2019)
        shape = covariance(inputs, band) * (free - 2) / free  # so that it is the covariance
        for row in band.value:
            n = len(row)
            total += multivariate_t.logpdf(row, mean, shape, df=free) + n / 2 * np.log(np.pi)
            total -= gammaln((free + n) / 2) - gammaln(free / 2) - n / 2 * np.log(free - 2)
    return total


def test_the_density_is_scipys_with_cells_missing_and_children_in_two_series(inputs, bands):
    assert RecordDensity(bands).evaluate(*inputs)[0] == pytest.approx(reference(inputs, bands), rel=1e-10)


def test_the_constant_is_what_the_degrees_of_freedom_alone_bring(inputs, bands):
    free = inputs[-1][0]
    expected = sum(
        len(band.value) * (gammaln((free + n) / 2) - gammaln(free / 2) - n / 2 * np.log(free - 2))
        for band in bands
        for n in [len(band.series)]
    )
    assert RecordDensity(bands).constant(free).eval() == pytest.approx(expected)


def test_the_density_of_all_bands_is_the_sum_of_their_densities(inputs, bands):
    apart = sum(RecordDensity([band]).evaluate(*inputs)[0] for band in bands)
    assert RecordDensity(bands).evaluate(*inputs)[0] == pytest.approx(apart, rel=1e-12)


def test_the_made_up_bands_have_what_the_density_must_take(bands):
    for band in bands:
        followed = band.kin[band.kin >= 0]
        assert len(np.unique(followed)) < len(followed)  # the same children twice
    assert len({len(band.series) for band in bands}) == len(bands)  # cells missing


@pytest.mark.parametrize("which", range(len(NAMES)), ids=NAMES)
def test_the_gradient_is_what_central_differences_give(inputs, bands, which):
    op = RecordDensity(bands)
    gradient = op.evaluate(*inputs)[1][which]
    for at in np.ndindex(inputs[which].shape):
        step = 1e-6 * max(abs(inputs[which][at]), 1e-2)
        ends = []
        for sign in (1, -1):
            moved = [value.copy() for value in inputs]
            moved[which][at] += sign * step
            ends.append(op.evaluate(*moved)[0])
        slope = (ends[0] - ends[1]) / (2 * step)
        assert gradient[at] == pytest.approx(slope, rel=1e-5, abs=1e-4 * np.abs(gradient).max()), at


def test_the_order_of_authorities_does_not_matter(inputs, bands):
    turned = [band._replace(value=band.value[::-1]) for band in reversed(bands)]
    one, other = RecordDensity(bands).evaluate(*inputs), RecordDensity(turned).evaluate(*inputs)
    assert one[0] == pytest.approx(other[0], rel=1e-12)
    for mine, theirs in zip(one[1], other[1], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-9)


def test_the_order_of_cells_does_not_matter(inputs, bands):
    rng = np.random.default_rng(3)
    shuffled = []
    for band in bands:
        to = rng.permutation(len(band.series))
        cells = [getattr(band, name)[to] for name in ("series", "mean", "year", "kin")]
        shuffled.append(Band(*cells, band.value[:, to], band.sampling[to], band.breaks[np.ix_(to, to)]))
    one, other = RecordDensity(bands).evaluate(*inputs), RecordDensity(shuffled).evaluate(*inputs)
    assert one[0] == pytest.approx(other[0], rel=1e-10)
    for name, mine, theirs in zip(NAMES, one[1], other[1], strict=True):
        if name in MATRICES:  # symmetric matrices go in: which of two equal elements is read is of no account
            mine, theirs = (np.triu(g + g.T) for g in (mine, theirs))
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-7 * np.abs(mine).max())


def test_two_authorities_that_are_alike_count_twice(inputs, bands):
    band = bands[0]
    twice = band._replace(value=np.concatenate([band.value, band.value]))
    assert RecordDensity([twice]).evaluate(*inputs)[0] == pytest.approx(2 * RecordDensity([band]).evaluate(*inputs)[0])


def test_children_seen_once_have_no_link_to_carry(inputs, bands):
    band = bands[2]
    alone = band._replace(kin=np.where(band.series == 0, band.kin, -1))
    unlinked = [np.zeros(N_SERIES) if name == "link" else value for name, value in zip(NAMES, inputs, strict=True)]
    one, other = RecordDensity([alone]).evaluate(*inputs)[0], RecordDensity([band]).evaluate(*unlinked)[0]
    assert one == pytest.approx(other, rel=1e-12)


def test_pytensor_takes_the_density_and_its_gradient_as_they_are(inputs, bands):
    import pytensor
    import pytensor.tensor as pt

    op = RecordDensity(bands)
    symbols = [pt.tensor(name, shape=value.shape, dtype="float64") for name, value in zip(NAMES, inputs, strict=True)]
    found = op(*symbols)[0]
    compiled = pytensor.function(symbols, [found, *pytensor.grad(2 * found, symbols)], mode="FAST_COMPILE")
    value, *slopes = compiled(*inputs)
    expected, gradients = op.evaluate(*inputs)
    assert value == pytest.approx(expected, rel=1e-12)
    for slope, gradient in zip(slopes, gradients, strict=True):
        np.testing.assert_allclose(slope, 2 * gradient, rtol=1e-12)


@pytest.mark.parametrize("absurd", [-1.0, np.nan, np.inf])
def test_a_sampler_that_strays_far_out_meets_a_density_of_nothing_and_no_error(inputs, bands, absurd):
    for which in (NAMES.index("level"), NAMES.index("noise")):
        strayed = [value.copy() for value in inputs]
        strayed[which][...] = absurd
        assert RecordDensity(bands).evaluate(*strayed)[0] == -np.inf


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13, 60])
def test_the_inverse_is_an_inverse_and_the_determinant_a_determinant(n):
    rng = np.random.default_rng(n)
    root = rng.normal(size=(n, n))
    matrix = root @ root.T + 0.1 * np.eye(n)
    upper = np.where(np.triu(np.ones((n, n))) > 0, matrix, np.nan)  # work space below the diagonal is never clean
    inverse = np.full((n, n), np.nan)
    half = baseline_likelihood.invert(upper, inverse)
    np.testing.assert_allclose(inverse, np.linalg.inv(matrix), rtol=1e-8, atol=1e-8)
    assert 2 * half == pytest.approx(np.linalg.slogdet(matrix)[1], abs=1e-9)
    np.testing.assert_array_equal(inverse, inverse.T)


@pytest.mark.parametrize("matrix", [[[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
def test_a_matrix_that_is_not_positive_definite_has_no_inverse(matrix):
    assert baseline_likelihood.invert(np.array(matrix), np.empty((2, 2))) == np.inf
