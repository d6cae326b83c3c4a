"""Gaussian: the density of a record whose level, deviation and noise are integrated out.

The sampler then sees a few dozen hyperparameters instead of thousands of latents. The gradient of a
Gaussian log density in its covariance is known in closed form, so density and gradient are given to
PyTensor as one operation: left to itself it spends a minute compiling the derivative of a Cholesky factor.
"""

from typing import NamedTuple

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op


class Batch(NamedTuple):
    """Series with equally many years, so that one batch of small covariances serves them."""

    members: list[int]  # which series
    lag: np.ndarray  # (series, year, year), years apart
    value: np.ndarray  # (series, area, year), SD
    observed: np.ndarray  # (series, area, year), 1 or 0
    sampling: np.ndarray  # (series, area, year), sampling variance, SD squared


def batches(years: np.ndarray, value: np.ndarray, observed: np.ndarray, sampling: np.ndarray) -> list[Batch]:
    """Return a record (series, area, year) as batches, each series cut to the years in which any area is observed."""
    seen = observed.any(axis=1)
    found = []
    for n_years in sorted(set(seen.sum(axis=1)) - {0}):
        members = np.flatnonzero(seen.sum(axis=1) == n_years).tolist()
        columns = np.array([np.flatnonzero(seen[s]) for s in members])
        at = (np.array(members)[:, None, None], np.arange(value.shape[1])[:, None], columns[:, None])
        lag = np.abs(years[columns][:, :, None] - years[columns][:, None])
        found.append(Batch(members, lag, value[at], observed[at], sampling[at]))
    return found


class RecordDensity(Op):
    """Log density of the record, with its gradients as further outputs; the constant is left out.

    Inputs are vectors by series: mean, level SD, deviation SD, noise SD, persistence. Given them, the years of an
    area are Gaussian about the mean with covariance ``S = level^2 + deviation^2 persistence^lag + (sampling +
    noise^2) I``. The gradients are ``d/dmean = 1'S^-1 r`` and ``d/dS = (S^-1 r r' S^-1 - S^-1) / 2``
    (Rasmussen and Williams 2006, equation 5.9), taken on to each SD by the chain rule.
    """

    __props__ = ()

    def __init__(self, record: list[Batch]):
        self.record = record
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
        """Compute density and gradients with NumPy."""
        density = 0.0
        gradients = [np.zeros_like(value) for value in inputs]
        for batch in self.record:
            part, slopes = _density(batch, *(value[batch.members] for value in inputs))
            density += part
            for gradient, slope in zip(gradients, slopes, strict=True):
                gradient[batch.members] = slope
        for output, value in zip(outputs, [np.asarray(density), *gradients], strict=True):
            output[0] = value

    def pullback(self, inputs, outputs, cotangents):
        """Return the gradients in the inputs, as PyTensor 3 asks for them."""
        return [cotangents[0] * gradient for gradient in outputs[1:]]

    def grad(self, inputs, output_gradients):
        """Return the gradients in the inputs, as PyTensor 2 asks for them."""
        return self.pullback(inputs, self(*inputs), output_gradients)


def _density(batch: Batch, mean, level_sd, deviation_sd, noise_sd, persistence):
    """Return a batch's log density and its gradients by series.

    An unobserved year becomes an independent unit variance with a zero residual, which adds nothing.
    """
    power = persistence[:, None, None] ** batch.lag
    shared = level_sd[:, None, None] ** 2 + deviation_sd[:, None, None] ** 2 * power
    both = batch.observed[..., :, None] * batch.observed[..., None, :]
    own = np.where(batch.observed > 0, batch.sampling + noise_sd[:, None, None] ** 2, 1.0)
    covariance = shared[:, None] * both
    diagonal = np.arange(batch.lag.shape[-1])
    covariance[..., diagonal, diagonal] += own
    residual = (batch.value - mean[:, None, None]) * batch.observed
    log_root = np.log(np.diagonal(np.linalg.cholesky(covariance), axis1=-2, axis2=-1)).sum()
    precision = np.linalg.inv(covariance)
    pull = (precision @ residual[..., None])[..., 0]
    slope = 0.5 * both * (pull[..., :, None] * pull[..., None, :] - precision)
    trace = np.trace(slope, axis1=-2, axis2=-1).sum(-1)
    slope = slope.sum(axis=1)  # (series, year, year)
    slower = batch.lag * persistence[:, None, None] ** np.maximum(batch.lag - 1, 0)
    slopes = (
        (pull * batch.observed).sum((1, 2)),
        2 * level_sd * slope.sum((1, 2)),
        2 * deviation_sd * (slope * power).sum((1, 2)),
        2 * noise_sd * trace,
        deviation_sd**2 * (slope * slower).sum((1, 2)),
    )
    return -0.5 * (residual * pull).sum() - log_root, slopes
