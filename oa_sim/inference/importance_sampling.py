"""Importance sampling: draws weighed anew without running anything again, and whether that may be trusted.

Pareto-smoothed importance sampling: the largest weights are replaced by what a generalised Pareto distribution fitted
to them expects, and its shape k says how far the weights can be relied on. Below 0.7 they can (Vehtari, Simpson,
Gelman, Yao and Gabry, Journal of Machine Learning Research 25, 2024).
"""

import math

import numpy as np

LARGEST_K = 0.7  # from here on the answer must be reckoned in another way
FEWEST_IN_TAIL, TOO_FEW = 5, 99.0
PRIOR_K, PRIOR_WEIGHT = 0.5, 10  # a weak prior on the shape, worth ten draws


def weigh(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weight of each draw, which add up to one, and the Pareto shape k of the largest.

    ``log_ratio`` (draw) is the log of the density that is wanted over the one that was drawn from, up to a constant.
    Below 0.7 the weights can be trusted; k is 0 where all are alike, 99 where too few differ to tell.
    """
    log_ratio = np.asarray(log_ratio, dtype=float)
    n = log_ratio.size
    shifted = log_ratio - log_ratio.max()
    if np.ptp(shifted) < 1e-12:
        return np.full(n, 1 / n), 0.0
    order = np.argsort(shifted, kind="stable")
    size = math.ceil(min(0.2 * n, 3 * math.sqrt(n)))
    cutoff = max(shifted[order[-size - 1]], np.log(np.finfo(float).tiny))
    tail = order[-size:][shifted[order[-size:]] > cutoff]
    k = TOO_FEW
    if tail.size >= FEWEST_IN_TAIL:
        above = np.exp(shifted[tail]) - np.exp(cutoff)
        k, sigma = pareto(above)
        share = (np.arange(tail.size) + 0.5) / tail.size
        expected = sigma * np.expm1(-k * np.log1p(-share)) / k if abs(k) > 1e-9 else -sigma * np.log1p(-share)
        shifted[tail] = np.minimum(np.log(expected + np.exp(cutoff)), 0.0)
    weight = np.exp(shifted)
    return weight / weight.sum(), float(k)


def pareto(above: np.ndarray) -> tuple[float, float]:
    """Return shape and scale of the generalised Pareto distribution of exceedances, in ascending order above zero.

    The posterior mean of Zhang and Stephens (Technometrics 51, 2009) over a grid of ``b = -k / sigma``, with their
    data-driven prior; then the shape is drawn a little towards 0.5, which steadies short tails.
    """
    n = above.size
    points = 30 + int(math.sqrt(n))
    step = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    b = 1 / above[-1] + step / (3 * above[int(n / 4 + 0.5) - 1])
    shape = np.log1p(-b[:, None] * above).mean(axis=1)
    profile = n * (np.log(-b / shape) - shape - 1)
    weight = np.exp(profile - profile.max())
    b = float((b * weight).sum() / weight.sum())
    k = float(np.log1p(-b * above).mean())
    sigma = -k / b
    return (n * k + PRIOR_WEIGHT * PRIOR_K) / (n + PRIOR_WEIGHT), sigma


def effective(weight: np.ndarray) -> float:
    """Return the number of equally weighted draws that are worth as much as these."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def systematic(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which draws to take so that each comes as often as its weight says, with the least chance about it.

    One random number is taken. A draw that is taken keeps its own place, and further copies fill the places of those
    that are not, so that draws stay paired with all else that they were drawn beside.
    """
    n = weight.size
    if np.ptp(weight) < 1e-15:
        return np.arange(n)
    grid = (np.arange(n) + rng.random()) / n
    chosen = np.minimum(np.searchsorted(np.cumsum(weight) / weight.sum(), grid, side="right"), n - 1)
    times = np.bincount(chosen, minlength=n)
    taken = np.arange(n)
    taken[times == 0] = np.repeat(taken, np.maximum(times - 1, 0))
    return taken


def quantiles(values: np.ndarray, weight: np.ndarray, shares: tuple[float, ...]) -> np.ndarray:
    """Return quantiles of draws with weights that add up to one: the plain ones where all weights are alike."""
    order = np.argsort(values, kind="stable")
    values, weight = values[order], weight[order]
    below = np.cumsum(weight) - weight  # what lies below each draw, from 0 for the least to 1 for the largest
    return np.asarray(np.interp(shares, below / max(1 - weight[-1], 1e-300), values))
