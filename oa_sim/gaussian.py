"""Gaussian: the density of a record whose level, deviation and noise are integrated out.

The sampler then sees a few dozen hyperparameters instead of thousands of latents. The gradient of a
Gaussian log density in its covariance is known in closed form, so density and gradient are given to
PyTensor as one compiled operation: left to itself it spends a minute compiling the derivative of a
Cholesky factor. Loaded only to fit, since PyTensor and Numba take seconds to load.
"""

import numba
import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op


class RecordDensity(Op):
    """Log density of the record, with its gradients as further outputs; the constant is left out.

    Inputs are vectors by series: mean, level SD, deviation SD, noise SD, persistence. Given them, the observed years
    of an area are Gaussian about the mean with covariance ``S = level^2 + deviation^2 persistence^lag + (sampling +
    noise^2) I``. The gradients are ``d/dmean = 1'S^-1 r`` and ``d/dS = (S^-1 r r' S^-1 - S^-1) / 2``
    (Rasmussen and Williams 2006, equation 5.9), taken on to each parameter by the chain rule.

    Parameters
    ----------
    years : array (year)
        Whole numbers.
    value, observed, sampling : array (series, area, year)
        Record (SD), 1 where observed, sampling variance (SD squared).
    """

    __props__ = ()

    def __init__(self, years, value, observed, sampling):
        self.record = (
            np.ascontiguousarray(years, dtype=np.int64),
            np.ascontiguousarray(value, dtype=np.float64),
            np.ascontiguousarray(observed, dtype=np.bool_),
            np.ascontiguousarray(sampling, dtype=np.float64),
        )
        super().__init__()

    def __eq__(self, other):
        return self is other

    def __hash__(self):
        return id(self)

    def make_node(self, *inputs):
        """Return the node: the density, and its gradient in each input."""
        inputs = [pt.as_tensor(value) for value in inputs]
        return Apply(self, inputs, [pt.dscalar(), *(value.type() for value in inputs)])

    def perform(self, node, inputs, outputs):
        """Compute density and gradients."""
        gradients = np.zeros((len(inputs), len(inputs[0])))
        density = density_and_gradients(np.stack(inputs), *self.record, gradients)
        for output, value in zip(outputs, [np.asarray(density), *gradients], strict=True):
            output[0] = value

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradients in the inputs, as PyTensor 3 asks for them."""
        return [cotangents[0] * gradient for gradient in outputs[1:]]

    def grad(self, inputs, output_gradients):
        """Return the gradients in the inputs, as PyTensor 2 asks for them."""
        return self.pullback(inputs, self(*inputs), output_gradients)


@numba.njit(nogil=True, error_model="numpy")  # far out the sampler meets a density of nothing, not an error
def density_and_gradients(parameters, years, value, observed, sampling, gradients):
    """Return the log density and write its gradients (parameter, series) in place.

    Written as loops for the compiler; it lets go of the interpreter's lock, so that chains run side by side.
    """
    n_series, n_areas, n_years = value.shape
    density = 0.0
    at = np.empty(n_years, np.int64)
    residual, pull = np.empty(n_years), np.empty(n_years)
    factor, precision = np.empty((n_years, n_years)), np.empty((n_years, n_years))
    power = np.empty(years[-1] - years[0] + 1)
    for s in range(n_series):
        mean, level, deviation, noise, persistence = parameters[:, s]
        power[0] = 1.0
        for lag in range(1, len(power)):
            power[lag] = power[lag - 1] * persistence
        for a in range(n_areas):
            n = 0
            for t in range(n_years):
                if observed[s, a, t]:
                    at[n] = t
                    residual[n] = value[s, a, t] - mean
                    n += 1
            for i in range(n):
                for j in range(i + 1):
                    factor[i, j] = level**2 + deviation**2 * power[years[at[i]] - years[at[j]]]
                factor[i, i] += sampling[s, a, at[i]] + noise**2
            density -= _invert(factor, precision, n)
            for i in range(n):
                pull[i] = 0.0
                for j in range(n):
                    pull[i] += precision[i, j] * residual[j]
                density -= 0.5 * residual[i] * pull[i]
                gradients[0, s] += pull[i]
            for i in range(n):
                for j in range(n):
                    slope = 0.5 * (pull[i] * pull[j] - precision[i, j])
                    lag = abs(years[at[i]] - years[at[j]])
                    gradients[1, s] += 2 * level * slope
                    gradients[2, s] += 2 * deviation * power[lag] * slope
                    if lag > 0:
                        gradients[4, s] += deviation**2 * lag * power[lag - 1] * slope
                    else:
                        gradients[3, s] += 2 * noise * slope
    return density


@numba.njit(nogil=True, error_model="numpy")
def _invert(factor, precision, n):
    """Write the inverse of the n x n matrix whose lower half is in ``factor``; return half its log determinant.

    ``factor`` becomes the lower Cholesky factor L; ``precision`` becomes ``L^-T L^-1``.
    """
    half = 0.0
    for j in range(n):
        for k in range(j):
            factor[j, j] -= factor[j, k] ** 2
        factor[j, j] = np.sqrt(factor[j, j])
        half += np.log(factor[j, j])
        for i in range(j + 1, n):
            for k in range(j):
                factor[i, j] -= factor[i, k] * factor[j, k]
            factor[i, j] /= factor[j, j]
    for j in range(n):  # L^-1 into the upper half of ``precision``, transposed
        precision[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, n):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * precision[j, k]
            precision[j, i] = total / factor[i, i]
    for i in range(n):  # column by column from the left, so that what is still needed is not yet overwritten
        for j in range(i, n):
            total = 0.0
            for k in range(j, n):
                total += precision[i, k] * precision[j, k]
            precision[i, j] = total
    for i in range(n):
        for j in range(i):
            precision[i, j] = precision[j, i]
    return half
