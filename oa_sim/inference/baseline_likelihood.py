"""Baseline likelihood: the density of a record whose level, deviation and noise are integrated out.

The sampler then sees a few hundred hyperparameters instead of tens of thousands of latents, and authorities that
share a pattern of published years and a band of cohort sizes share one Cholesky factor. The gradient of a
Gaussian log density in its covariance is known in closed form, so density and gradient are given to PyTensor as
one compiled operation: left to itself it spends minutes compiling the derivative of a Cholesky factor. Loaded
only to fit, since PyTensor and Numba take seconds to load.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op

from oa_sim.inference.observations import MIDDLE, RECORD_FROM


class Band(NamedTuple):
    """Authorities with the same published cells and cohorts of about the same size."""

    series: np.ndarray  # (cell)
    mean: np.ndarray  # (cell): number of its mean, one a series and kind of authority
    year: np.ndarray  # (cell)
    kin: np.ndarray  # (cell): number of the cohort behind it, -1 for none: cells of the same children share it
    value: np.ndarray  # (authority, cell), SD
    sampling: np.ndarray  # (cell): sampling variance, SD squared: the mean over the band
    breaks: np.ndarray  # (cell, cell): declared breaks behind both figures, as ``observations.breaks_behind`` counts


class RecordDensity(Op):
    """Log density of the record, with its gradients as further outputs; ``constant`` and powers of pi are left out.

    Given the inputs, the published cells of an authority have a multivariate t distribution about their means: they
    are Gaussian given a factor of the authority's own, by which all its variances are larger or smaller, and whose
    inverse has a gamma distribution; the factor, whose mean is 1, is integrated out. Cells i and j, of series s and r
    and years t and u, have covariance ``deviation[s, r] persistence^|t - u|``, the persistence being that of the series
    of the later cell (a first-order autoregressive vector), plus ``level[s, r]``, plus ``drift[s, r]`` times the years
    from the beginning of records to the earlier cell (a random walk), plus ``broken[s, r]`` times the declared breaks
    behind both, plus ``link[s] link[r] sqrt(v_i v_j)`` where the
    same children are behind both, plus ``v_i + noise[s]`` where ``i = j``; ``v`` is ``luck[s]`` times the binomial
    variance. The gradients are ``d/dmean = w 1'S^-1 r`` and ``d/dS = (w S^-1 r r' S^-1 - S^-1) / 2`` (Rasmussen and
    Williams 2006, equation 5.9, with the weight ``w`` of the t distribution), taken on by the chain rule.

    Inputs: mean (number), in ``MIDDLE``, and trend (number), what is added to it a year; level, drift, broken,
    deviation (series, series): covariances in one year, those of drift a year and of broken a break; persistence
    (series); noise (series), a variance; link, luck (series); freedom (1), degrees of freedom, above 2.
    """

    __props__ = ()

    def __init__(self, bands: list[Band]):
        kinds = (*[np.int64] * 4, *[np.float64] * 3)
        self.bands = [
            [np.ascontiguousarray(part, dtype=kind) for part, kind in zip(band, kinds, strict=True)] for band in bands
        ]
        super().__init__()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, *inputs: Any) -> Apply[Any]:
        """Return the node: the density, and its gradient in each input."""
        variables = [pt.as_tensor(value) for value in inputs]
        return Apply(self, variables, [pt.dscalar(), *(value.type() for value in variables)])

    def perform(self, node: Apply[Any], inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Compute density and gradients."""
        density, gradients = self.evaluate(*inputs)
        for output, value in zip(output_storage, [np.asarray(density), *gradients], strict=True):
            output[0] = value

    def evaluate(self, *inputs: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """Return the log density and its gradients, without PyTensor."""
        arrays = [np.ascontiguousarray(value, dtype=np.float64) for value in inputs]
        gradients = [np.zeros_like(value) for value in arrays]
        density = 0.0
        for band in self.bands:
            density += density_and_gradients(*arrays, *band, *gradients)
        return density, gradients

    def constant(self, freedom: Any) -> Any:
        """Return the part of the log density that depends on the degrees of freedom alone, by PyTensor."""
        m, n = (np.array([band[4].shape[i] for band in self.bands]) for i in (0, 1))
        half = freedom / 2
        of_authority = pt.gammaln(half + n / 2) - pt.gammaln(half) - n / 2 * pt.log(freedom - 2)
        return (m * of_authority).sum()

    def pullback(
        self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]
    ) -> list[Variable[Any, Any]]:
        """Return the gradients in the inputs, as PyTensor 3 asks for them."""
        return [cotangents[0] * gradient for gradient in outputs[1:]]

    def grad(self, inputs: Sequence[Any], output_grads: Sequence[Any]) -> list[Variable[Any, Any]]:
        """Return the gradients in the inputs, as PyTensor 2 asks for them."""
        return self.pullback(inputs, self.make_node(*inputs).outputs, output_grads)


@numba.njit(nogil=True, error_model="numpy")  # far out the sampler meets a density of nothing, not an error
def covariance_of(
    level: np.ndarray, drift: np.ndarray, broken: np.ndarray, deviation: np.ndarray, noise: np.ndarray,
    link: np.ndarray, series: np.ndarray, year: np.ndarray, kin: np.ndarray, sampling: np.ndarray,
    breaks: np.ndarray, power: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Write the upper half of the covariance of a band's cells, by the table of powers of persistence (series, lag)."""
    for i in range(len(series)):
        s = series[i]
        for j in range(i, len(series)):
            r, lag = series[j], year[i] - year[j]
            later = s if lag >= 0 else r
            total = level[s, r] + drift[s, r] * (min(year[i], year[j]) - RECORD_FROM)
            total += broken[s, r] * breaks[i, j] + deviation[s, r] * power[later, abs(lag)]
            if i != j and kin[i] >= 0 and kin[i] == kin[j]:
                total += link[s] * link[r] * np.sqrt(sampling[i] * sampling[j])
            out[i, j] = total
        out[i, i] += sampling[i] + noise[s]


@numba.njit(nogil=True, error_model="numpy")
def powers(persistence: np.ndarray, span: int) -> np.ndarray:
    """Return the powers of persistence (series, lag)."""
    power = np.ones((len(persistence), span))
    for s in range(len(persistence)):
        for lag in range(1, span):
            power[s, lag] = power[s, lag - 1] * persistence[s]
    return power


@numba.njit(nogil=True, error_model="numpy")
def density_and_gradients(
    mean: np.ndarray, trend: np.ndarray, level: np.ndarray, drift: np.ndarray, broken: np.ndarray,
    deviation: np.ndarray, persistence: np.ndarray, noise: np.ndarray, link: np.ndarray, luck: np.ndarray,
    freedom: np.ndarray,
    series: np.ndarray, number: np.ndarray, year: np.ndarray, kin: np.ndarray, value: np.ndarray, sampling: np.ndarray,
    breaks: np.ndarray,
    g_mean: np.ndarray, g_trend: np.ndarray, g_level: np.ndarray, g_drift: np.ndarray, g_broken: np.ndarray,
    g_deviation: np.ndarray, g_persistence: np.ndarray, g_noise: np.ndarray, g_link: np.ndarray, g_luck: np.ndarray,
    g_freedom: np.ndarray,
) -> float:  # fmt: skip
    """Return the log density of one band and add its gradients in place.

    Written as loops for the compiler; it lets go of the interpreter's lock, so that chains run side by side.
    """
    m, n = value.shape
    sampling = sampling * luck[series]
    power = powers(persistence, year.max() - year.min() + 1)
    upper, precision = np.empty((n, n)), np.empty((n, n))
    covariance_of(level, drift, broken, deviation, noise, link, series, year, kin, sampling, breaks, power, upper)
    half = invert(upper, precision)
    if not half < np.inf:  # not positive definite: the inverse was never written
        return -np.inf
    pull, weight = np.zeros((m, n)), np.empty(m)
    centre = mean[number] + trend[number] * (year - MIDDLE)
    density, steep = _weigh(freedom[0], centre, value, precision, pull, weight)
    g_freedom[0] += steep
    for i in range(n):
        for a in range(m):
            g_mean[number[i]] += weight[a] * pull[a, i]
            g_trend[number[i]] += weight[a] * pull[a, i] * (year[i] - MIDDLE)
    slope = upper  # its content is no longer needed
    for i in range(n):
        for j in range(i, n):
            slope[i, j] = -0.5 * m * precision[i, j]
    for a in range(m):
        for i in range(n):
            for j in range(i, n):
                slope[i, j] += 0.5 * weight[a] * pull[a, i] * pull[a, j]
    _chain(
        deviation, link, luck, series, year, kin, sampling, breaks, power, slope,
        g_level, g_drift, g_broken, g_deviation, g_persistence, g_noise, g_link, g_luck,
    )  # fmt: skip
    return float(density - m * half)


@numba.njit(nogil=True, error_model="numpy")
def _weigh(
    freedom: float, centre: np.ndarray, value: np.ndarray, precision: np.ndarray, pull: np.ndarray, weight: np.ndarray,
) -> tuple[float, float]:  # fmt: skip
    """Return what the residuals add to the log density of all authorities of a band, and its slope in ``freedom``.

    Written are ``pull``, the residuals times the precision, and ``weight``: less than one where an authority's figures
    move more than most, since then its variances are likely to be larger.
    """
    m, n = value.shape
    density = slope = 0.0
    for a in range(m):
        square = 0.0
        for i in range(n):
            residual = value[a, i] - centre[i]
            for j in range(n):
                pull[a, j] += residual * precision[i, j]
        for i in range(n):
            square += (value[a, i] - centre[i]) * pull[a, i]
        density -= 0.5 * (freedom + n) * np.log1p(square / (freedom - 2))
        slope -= 0.5 * np.log1p(square / (freedom - 2))
        slope += 0.5 * (freedom + n) * square / ((freedom - 2) * (freedom - 2 + square))
        weight[a] = (freedom + n) / (freedom - 2 + square)
    return density, slope


@numba.njit(nogil=True, error_model="numpy")
def _chain(
    deviation: np.ndarray, link: np.ndarray, luck: np.ndarray, series: np.ndarray, year: np.ndarray, kin: np.ndarray,
    sampling: np.ndarray, breaks: np.ndarray, power: np.ndarray, slope: np.ndarray, g_level: np.ndarray,
    g_drift: np.ndarray, g_broken: np.ndarray, g_deviation: np.ndarray, g_persistence: np.ndarray, g_noise: np.ndarray,
    g_link: np.ndarray, g_luck: np.ndarray,
) -> None:  # fmt: skip
    """Carry the gradient in the covariance (upper half) on to the parameters."""
    for i in range(len(series)):
        s = series[i]
        g_noise[s] += slope[i, i]
        g_luck[s] += slope[i, i] * sampling[i] / luck[s]
        for j in range(i, len(series)):
            r, lag = series[j], year[i] - year[j]
            later, lag = (s, lag) if lag >= 0 else (r, -lag)
            weight = slope[i, j] if i == j else 2 * slope[i, j]
            g_level[s, r] += weight
            g_drift[s, r] += weight * (min(year[i], year[j]) - RECORD_FROM)
            g_broken[s, r] += weight * breaks[i, j]
            g_deviation[s, r] += weight * power[later, lag]
            if lag > 0:
                g_persistence[later] += weight * deviation[s, r] * lag * power[later, lag - 1]
            if i != j and kin[i] >= 0 and kin[i] == kin[j]:
                root = weight * np.sqrt(sampling[i] * sampling[j])
                g_link[s] += root * link[r]
                g_link[r] += root * link[s]
                g_luck[s] += 0.5 * root * link[s] * link[r] / luck[s]
                g_luck[r] += 0.5 * root * link[s] * link[r] / luck[r]


@numba.njit(nogil=True, error_model="numpy")
def invert(upper: np.ndarray, inverse: np.ndarray) -> float:
    """Write the inverse of the matrix whose upper half is in ``upper``; return half its log determinant.

    ``upper`` is used up. The inner loops run along rows, which the compiler vectorises without changing the order of
    any sum: the same answer on every machine. Returns infinity where the matrix is not positive definite.
    """
    half = _factorise(upper)
    if half < np.inf:
        _invert_triangle(upper, inverse)
        _square(upper, inverse)
    return half


@numba.njit(nogil=True, error_model="numpy")
def _factorise(upper: np.ndarray) -> float:
    """Write U of S = U'U over the upper half of S, row by row; return half the log determinant of S."""
    n, half = len(upper), 0.0
    for k in range(n):
        if not upper[k, k] > 0:
            return np.inf
        root = np.sqrt(upper[k, k])
        half += np.log(root)
        for j in range(k, n):
            upper[k, j] /= root
        for i in range(k + 1, n):
            factor = upper[k, i]
            for j in range(i, n):
                upper[i, j] -= factor * upper[k, j]
    return half


@numba.njit(nogil=True, error_model="numpy")
def _invert_triangle(upper: np.ndarray, inverse: np.ndarray) -> None:
    """Write the transposed inverse of U over ``upper``: its columns are rows. ``inverse`` is room to work in."""
    n = len(upper)
    inverse[:] = 0.0
    for i in range(n - 1, -1, -1):  # from the last row up
        inverse[i, i] = 1.0
        for k in range(i + 1, n):
            factor = upper[i, k]
            for j in range(k, n):
                inverse[i, j] -= factor * inverse[k, j]
        for j in range(i, n):
            inverse[i, j] /= upper[i, i]
    for i in range(n):
        for j in range(i, n):
            upper[j, i] = inverse[i, j]


@numba.njit(nogil=True, error_model="numpy")
def _square(upper: np.ndarray, inverse: np.ndarray) -> None:
    """Write the inverse of S, which is the inverse of U times its transpose."""
    n = len(upper)
    inverse[:] = 0.0
    for k in range(n):
        for i in range(k + 1):
            factor = upper[k, i]
            for j in range(i + 1):
                inverse[i, j] += factor * upper[k, j]
    for i in range(n):
        for j in range(i):
            inverse[j, i] = inverse[i, j]
