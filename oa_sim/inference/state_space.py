"""State space: what is known of an area at the end of its record, exactly, and its course from there.

Given one draw of the hyperparameters, levels, deviations and the luck of cohorts are Gaussian, so the Kalman filter
gives their joint distribution at the end of the record without approximation; one draw from it is carried on
year by year. It is the same law as the density in ``baseline_likelihood``, written a second way: a test holds the two
together.
"""

import numba
import numpy as np

JITTER = 1e-12  # rounding can leave a covariance just short of definite


@numba.njit(nogil=True, cache=True, error_model="numpy")
def courses(
    mean, level, level_pace, shock, pace, noise, link, series, year, kin, value, sampling, last, ahead, future, behind,
    normal,
):  # fmt: skip
    """Return courses of an area's figures less England's, and what luck and noise add to them.

    Parameters
    ----------
    mean, noise, link : array (draw, series)
        Mean over areas, variance of noise, share of luck that goes with a cohort.
    level, shock : array (draw, series, series)
        Covariance of the levels in one year; of the yearly shocks of the deviations.
    level_pace : array (draw)
        What is left of a level a year later.
    pace : array (draw, series)
        What is left of a deviation a year later.
    series, year, kin, sampling : array (cell)
        The record in order of years: which series, which year, which cohort (-1: none), SD squared.
    value : array (draw or 1, cell)
        The figures, SD; one row where they are the same in every draw.
    last : int
        The year at whose end the state is wanted.
    ahead : int
        Years to come.
    future : array (series, ahead)
        The cohort behind each figure to come (-1: none).
    behind : array (series)
        Sampling variance of the figures to come, SD squared.
    normal : array (draw, number)
        Standard normal numbers, ``numbers_needed`` of them at least.

    Returns
    -------
    array (course or error, draw, series, ahead)
        SD.
    """
    n_draws, n = mean.shape
    width = 2 * n + kin.max() + 1 if len(kin) else 2 * n
    out = np.empty((2, n_draws, n, ahead))
    state, spread = np.empty(width), np.empty((width, width))
    for d in range(n_draws):
        _begin(state, spread, level[d], shock[d], pace[d], n)
        now = year[0] if len(year) else last
        for i in range(len(series)):
            while now < year[i]:
                _step(state, spread, level[d], level_pace[d], shock[d], pace[d], n)
                now += 1
            s = series[i]
            luck = link[d, s] if kin[i] >= 0 else 0.0
            figure = value[d if len(value) > 1 else 0, i]
            _see(state, spread, n, s, kin[i], luck, figure - mean[d, s], sampling[i], noise[d, s])
        while now < last:
            _step(state, spread, level[d], level_pace[d], shock[d], pace[d], n)
            now += 1
        _carry_on(
            state, spread, mean[d], level[d], level_pace[d], shock[d], pace[d], noise[d], link[d], future, behind,
            normal[d], out[:, d],
        )  # fmt: skip
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def log_density(
    mean, level, level_pace, shock, pace, noise, link, series, year, kin, value, sampling, since,
):  # fmt: skip
    """Return the log density (draw) of the figures from a year on, given those before it.

    Parameters
    ----------
    mean, level, level_pace, shock, pace, noise, link, series, year, kin, value, sampling
        As for ``courses``.
    since : int
        The first year whose figures count.
    """
    n_draws, n = mean.shape
    width = 2 * n + kin.max() + 1 if len(kin) else 2 * n
    out = np.zeros(n_draws)
    state, spread = np.empty(width), np.empty((width, width))
    for d in range(n_draws):
        _begin(state, spread, level[d], shock[d], pace[d], n)
        now = year[0] if len(year) else since
        for i in range(len(series)):
            while now < year[i]:
                _step(state, spread, level[d], level_pace[d], shock[d], pace[d], n)
                now += 1
            s = series[i]
            luck = link[d, s] if kin[i] >= 0 else 0.0
            figure = value[d if len(value) > 1 else 0, i] - mean[d, s]
            if year[i] >= since:
                centre, variance = _expected(state, spread, n, s, kin[i], luck, sampling[i], noise[d, s])
                out[d] -= 0.5 * (np.log(2 * np.pi * variance) + (figure - centre) ** 2 / variance)
            _see(state, spread, n, s, kin[i], luck, figure, sampling[i], noise[d, s])
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _expected(state, spread, n, s, kin, link, sampling, noise):
    """Return mean and variance of a figure before it is seen."""
    loading = link * np.sqrt(sampling)
    centre = state[s] + state[n + s]
    variance = spread[s, s] + 2 * spread[s, n + s] + spread[n + s, n + s] + sampling * (1 - link**2) + noise
    if kin >= 0:
        k = 2 * n + kin
        centre += loading * state[k]
        variance += loading * (2 * (spread[s, k] + spread[n + s, k]) + loading * spread[k, k])
    return centre, variance


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _begin(state, spread, level, shock, pace, n):
    """Write what is known before the record: levels and deviations in the long run, luck of variance 1."""
    state[:] = 0.0
    spread[:] = 0.0
    for i in range(n):
        for j in range(n):
            spread[i, j] = level[i, j]
            spread[n + i, n + j] = shock[i, j] / (1 - pace[i] * pace[j])
    for i in range(2 * n, len(state)):
        spread[i, i] = 1.0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _step(state, spread, level, level_pace, shock, pace, n):
    """Carry the state one year on; luck does not change."""
    left = np.ones(len(state))
    left[:n] = level_pace
    left[n : 2 * n] = pace
    for i in range(len(state)):
        state[i] *= left[i]
        for j in range(len(state)):
            spread[i, j] *= left[i] * left[j]
    for i in range(n):
        for j in range(n):
            spread[i, j] += level[i, j] * (1 - level_pace**2)
            spread[n + i, n + j] += shock[i, j]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _see(state, spread, n, s, kin, link, value, sampling, noise):
    """Take one figure in: level plus deviation plus the part of its luck that is a cohort's."""
    width = len(state)
    loading = link * np.sqrt(sampling)
    pull = spread[s] + spread[n + s]  # by symmetry rows are columns
    if kin >= 0:
        pull = pull + loading * spread[2 * n + kin]
    variance = pull[s] + pull[n + s] + sampling * (1 - link**2) + noise
    surprise = value - state[s] - state[n + s]
    if kin >= 0:
        variance += loading * pull[2 * n + kin]
        surprise -= loading * state[2 * n + kin]
    for i in range(width):
        gain = pull[i] / variance
        state[i] += gain * surprise
        if gain != 0.0:
            for j in range(width):
                spread[i, j] -= gain * pull[j]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _carry_on(
    state, spread, mean, level, level_pace, shock, pace, noise, link, future, behind, normal, out
):  # fmt: skip
    """Draw the state and write one course from it; cohorts that the record has not seen bring luck of their own."""
    n, ahead = future.shape
    width = len(state)
    root = np.zeros_like(spread)
    lower(spread, root)
    now = np.zeros(2 * n + max(width - 2 * n, future.max() + 1))
    now[:width] = state
    for i in range(width):
        for j in range(i + 1):
            now[i] += root[i, j] * normal[j]
    now[width:] = normal[width : len(now)]
    at = len(now)
    level_root, shock_root = np.zeros((n, n)), np.zeros((n, n))
    lower(level * (1 - level_pace**2), level_root)
    lower(shock, shock_root)
    for t in range(ahead):
        for s in range(n):
            now[s] *= level_pace
            now[n + s] *= pace[s]
            for r in range(s + 1):
                now[s] += level_root[s, r] * normal[at + r]
                now[n + s] += shock_root[s, r] * normal[at + n + r]
        at += 2 * n
        for s in range(n):
            shared = link[s] if future[s, t] >= 0 else 0.0
            error = np.sqrt(behind[s] * (1 - shared**2) + noise[s]) * normal[at + s]
            if future[s, t] >= 0:
                error += shared * np.sqrt(behind[s]) * now[2 * n + future[s, t]]
            out[0, s, t] = mean[s] + now[s] + now[n + s]
            out[1, s, t] = error
        at += n


def numbers_needed(kin: np.ndarray, future: np.ndarray) -> int:
    """Return how many standard normal numbers a draw of ``courses`` takes."""
    n, ahead = future.shape
    return 2 * n + max(kin.max(initial=-1), future.max(initial=-1)) + 1 + 3 * n * ahead


@numba.njit(nogil=True, cache=True, error_model="numpy")
def lower(covariance, root):
    """Write the lower root of a covariance; a direction without variance gets none."""
    n = len(covariance)
    for j in range(n):
        rest = covariance[j, j]
        for k in range(j):
            rest -= root[j, k] ** 2
        root[j, j] = np.sqrt(rest) if rest > JITTER else 0.0
        for i in range(j + 1, n):
            total = covariance[i, j]
            for k in range(j):
                total -= root[i, k] * root[j, k]
            root[i, j] = total / root[j, j] if root[j, j] > 0 else 0.0
