"""Estimators of the value of information: what knowing more would be worth to a decision, from the draws.

``values`` (decision, draw), what each decision brings, in; out come the value of perfect information (EVPI), of knowing
some parameters (EVPPI) and of a study of one of them (EVSI), each with its standard error. What a decision is expected
to bring, given what would be known, is a regression over the draws; each draw's decision is made by a regression that
has not seen it, and what it then brings is counted, so that no value comes from fitting noise and none lies above that
of perfect information.
"""

from typing import NamedTuple

import numpy as np

PARTS = 20  # of the draws, each left out once: by the regression, and for the standard error
RIDGE = 1e-3  # of the variance of a column
MOST_PRODUCTS = 6  # columns up to which products enter beside squares
DRAWS_A_TERM = 8  # fewer draws for each term, and squares are left out


class Worth(NamedTuple):
    """What information is worth, in the unit of the values, and its standard error."""

    value: float
    error: float


def perfect(values: np.ndarray) -> Worth:
    """Return the expected value of perfect information: ``E[max V] - max E[V]``.

    Never below 0; a little too small with few draws, since the largest of several means, which is taken off, is too
    large; see ``bias``.
    """
    return _gained(values, values.argmax(axis=0))


def bias(values: np.ndarray) -> float:
    """Return the bias that few draws give to the value of perfect information, by a jackknife; below 0: too small.

    Where plans are equally good the jackknife sees only part of it, since the largest of means has a kink there.
    """
    parts = _parts(values.shape[1])
    left_out = [perfect(values[:, ~part]).value for part in parts] if len(parts) > 1 else [perfect(values).value]
    return float((len(parts) - 1) * (np.mean(left_out) - perfect(values).value))


def partial(values: np.ndarray, parameters: np.ndarray) -> Worth:
    """Return the expected value of knowing some ``parameters`` (draw, column)."""
    return _gained(values, expected(values, parameters).argmax(axis=0), is_held=True)


def sample(values: np.ndarray, parameter: np.ndarray, error: float, rng: np.random.Generator, rounds: int = 8) -> Worth:
    """Return the expected value of a study that estimates one ``parameter`` (draw).

    ``error`` is the standard error of the study's estimate, in the unit of the parameter; its noise is drawn ``rounds``
    times.
    """
    studies = [
        partial(values, (parameter + error * rng.standard_normal(len(parameter)))[:, None]) for _ in range(rounds)
    ]
    value = float(np.mean([study.value for study in studies]))
    between = np.var([study.value for study in studies], ddof=1) / rounds
    return Worth(value, float(np.sqrt(np.mean([study.error**2 for study in studies]) + between)))


def stepped(values: np.ndarray, seen: list[np.ndarray]) -> tuple[int, Worth]:
    """Return with which first step to begin, and what deciding the second by what is then seen is worth.

    ``values`` (first, then, draw) is what each pair of steps brings; ``seen`` has what each first step lets see (draw,
    column). Counted against the best pair that could be fixed beforehand. Never below 0: what is seen need not be
    heeded. As with ``partial``, a draw's second step is chosen by a regression that has not seen it.
    """
    draws = np.arange(values.shape[2])
    fixed = np.unravel_index(np.argmax(values.mean(axis=2)), values.shape[:2])
    brought = [
        plan_values[expected(plan_values, signal).argmax(axis=0), draws]
        for plan_values, signal in zip(values, seen, strict=True)
    ]
    first = int(np.argmax([np.mean(achieved) for achieved in brought]))
    worth = _jackknifed(brought[first] - values[fixed], is_held=True)
    return first if worth.value > 0 else int(fixed[0]), worth


def expected(values: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Return what each decision is expected to bring given ``parameters`` (decision, draw), each draw left out once.

    Ridge regression on the columns (draw, column), their squares, and their products where they are few. Only
    differences between decisions matter, so what all have in common is taken off first, which leaves less noise.
    """
    terms = _terms(parameters, values.shape[1])
    common = values.mean(axis=0)
    apart = (values - common).T  # (draw, decision)
    out = np.empty_like(apart)
    for part in _parts(len(apart)):
        rest = ~part
        centre, spread = terms[rest].mean(axis=0), terms[rest].std(axis=0)
        spread = np.where(spread > 1e-12, spread, 1.0)
        x, mean = (terms[rest] - centre) / spread, apart[rest].mean(axis=0)
        gram = x.T @ x + RIDGE * rest.sum() * np.eye(x.shape[1])
        slope = np.linalg.solve(gram, x.T @ (apart[rest] - mean))
        out[part] = mean + ((terms[part] - centre) / spread) @ slope
    return out.T


def _terms(parameters: np.ndarray, n: int) -> np.ndarray:
    """Return the columns that a regression takes."""
    some = parameters[:, np.ptp(parameters, axis=0) > 0] if parameters.size else np.zeros((n, 0))
    if not some.shape[1]:
        return np.zeros((n, 0))
    z = (some - some.mean(axis=0)) / some.std(axis=0)
    parts = [z]
    if 2 * z.shape[1] * DRAWS_A_TERM <= n:
        parts.append(z**2 - 1)
    if z.shape[1] <= MOST_PRODUCTS:
        left, right = np.triu_indices(z.shape[1], 1)
        parts.append(z[:, left] * z[:, right])
    return np.concatenate(parts, axis=1)


def _parts(n: int) -> list[np.ndarray]:
    """Return which draws each part holds; a draw in so many, so that all chains are in each."""
    number = np.arange(n) % min(PARTS, n)
    return [number == part for part in np.unique(number)]


def _gained(values: np.ndarray, chosen: np.ndarray, *, is_held: bool = False) -> Worth:
    """Return what choices by draw bring beyond the best choice for all, with the standard error of a jackknife."""
    brought = values[chosen, np.arange(values.shape[1])]
    committed = np.argmax(values.mean(axis=1))
    return _jackknifed(brought - values[committed], is_held=is_held)


def _jackknifed(each: np.ndarray, *, is_held: bool) -> Worth:
    """Return the mean over draws, held at 0 where asked, with the standard error of a jackknife over parts."""
    parts = _parts(len(each))
    left_out = np.array([each[~part].mean() for part in parts])
    n = len(parts)
    error = float(np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()))
    return Worth(max(float(each.mean()), 0.0) if is_held else float(each.mean()), error)


def standard_error(pupils: float, design_effect: float) -> float:
    """Return the standard error (SD) of a trial's estimate: two arms of half its pupils, an outcome of SD 1."""
    return float(np.sqrt(4 * design_effect / pupils))


def design_effect(cluster: float, correlation: float) -> float:
    """Return by how much schools that are given it whole widen the variance: ``1 + (m - 1) rho``."""
    return 1 + (cluster - 1) * correlation
