"""Area forecast: where an area stands at the end of its record, by each draw's law, and its course from there, exactly.

Given one draw of the hyperparameters, levels, deviations and the sampling errors of cohorts are Gaussian, so the Kalman
filter gives their joint distribution at the end of the record without approximation; one draw from it is carried on
year by year. It is the same law as the density in ``baseline_likelihood``, written a second way: a test holds the two
together. What a programme contributed can be taken off the figures, draw by draw, so that the counterfactual is learned
from them too.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
import xarray as xr

from oa_sim.definitions import LINKED
from oa_sim.inference import baseline_model, observations
from oa_sim.inference.observations import LONDON_SHARE, MIDDLE, RECORD_FROM, Record

FADES = 0.9  # what is left of London's trend a year later, once the record has ended; assumed
JITTER = 1e-12  # rounding can leave a covariance just short of definite


class Law(NamedTuple):
    """The hyperparameters of a posterior in the form in which areas are carried on, chains one after another."""

    mean: np.ndarray  # (draw, series): mean over areas, SD
    london: np.ndarray  # (draw, series): what is added to it in London in ``MIDDLE``, SD
    london_trend: np.ndarray  # (draw, series): and by how much that grows in a year, SD
    level: np.ndarray  # (draw, series, series): covariance of levels at the beginning of records, SD squared
    drift: np.ndarray  # (draw, series, series): covariance of what is added to levels in a year, SD squared
    broken: np.ndarray  # (draw, series, series): covariance of what a declared break adds to levels, SD squared
    shock: np.ndarray  # (draw, series, series): covariance of the yearly shocks of deviations, SD squared
    pace: np.ndarray  # (draw, series): what is left of a deviation a year later
    noise: np.ndarray  # (draw, series): variance of noise, SD squared
    link: np.ndarray  # (draw, series): share of sampling error that goes with a cohort
    luck: np.ndarray  # (draw, series): sampling variance as a share of that of independent pupils
    freedom: np.ndarray  # (draw): degrees of freedom of how much the figures of one area move


class Cells(NamedTuple):
    """An area's published figures less England's in order of years, one an entry."""

    series: np.ndarray
    year: np.ndarray
    kin: np.ndarray  # number of the cohort behind a figure, -1 where cohorts are not followed
    value: np.ndarray  # (draw, cell), SD; one row where figures are the same in every draw
    sampling: np.ndarray  # sampling variance, SD squared
    london: bool  # whether the area is in London
    breaks: np.ndarray  # (kind, series, year since the beginning of records): see ``observations.break_years``


def law(posterior: xr.Dataset, names: list[tuple[str, str]]) -> Law:
    """Return the law of each draw."""

    def flat(name: str) -> np.ndarray:
        values = posterior[name].values
        return np.ascontiguousarray(values.reshape(-1, *values.shape[2:]), dtype=float)

    linked = np.array([LINKED.index(measure) if measure in LINKED else -1 for measure, _ in names])
    by_series = np.where(linked < 0, 0.0, flat("cohort_link")[:, linked])
    correlation = np.eye(len(names)) + baseline_model.partners(names) * flat("deviation_alike")[:, linked][:, :, None]
    sd, pace = flat("deviation_sd"), flat("persistence")
    size = sd * np.sqrt(1 - pace**2)
    together = baseline_model.correlation(flat("level_partials"), names)
    of_levels = "level_sd", "drift_sd", "area_break_sd"
    level, drift, broken = (together * flat(sd)[:, :, None] * flat(sd)[:, None, :] for sd in of_levels)
    return Law(
        mean=flat("mu"),
        london=flat("london"),
        london_trend=flat("london_trend"),
        level=level,
        drift=drift,
        broken=broken,
        shock=correlation * size[:, :, None] * size[:, None, :],
        pace=pace,
        noise=flat("noise_sd") ** 2,
        link=np.ascontiguousarray(by_series),
        luck=flat("luck"),
        freedom=flat("freedom"),
    )


def relative(
    hyper: Law,
    record: Record,
    area: str,
    years: list[int],
    behind: np.ndarray,
    rng: np.random.Generator,
    *,
    is_proxy: bool = False,
    brought: np.ndarray | None = None,
    luck: np.random.Generator | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return an area's course less England's in the years to come, exact given the record and each draw, and errors.

    Both are (draw, series, year), SD; the errors are sampling error and noise about the course. The years are
    contiguous, and the first one follows any year of the record. ``behind`` (series) is the sampling variance of the
    figures to come, SD squared. Where the record is a county's, the sampling errors of its cohorts are not carried on.
    ``brought`` (draw, series, year) is the contribution of a programme to the record's figures, SD, which is taken off.
    ``luck`` is the random stream of the errors where they are of other pupils than the course: of a district's, whose
    county's course is one for all its districts.
    """
    cells = cells_of(record, area, years[0], is_proxy=is_proxy, brought=brought)
    future = observations.kin(record.series, years)
    followed = [number for number in (*cells.kin, *future.ravel()) if number >= 0]
    first = min(followed, default=0)  # cohorts are counted from the first that occurs
    cells, future = _counted_from(first, cells), np.where(future >= 0, future - first, -1)
    normal = rng.standard_normal((len(hyper.mean), numbers_needed(cells.kin, future)))
    squares = rng.chisquare(hyper.freedom + len(cells.series))
    if luck is not None:
        of_errors = numbers_of_errors(cells.kin, future)
        normal[:, of_errors] = luck.standard_normal((len(normal), len(of_errors)))
    centre, error = courses(hyper, cells, years[0] - 1, future, behind, normal, squares)
    return centre, error


def cells_of(
    record: Record, area: str, before: int, *, is_proxy: bool = False, brought: np.ndarray | None = None
) -> Cells:
    """Return the figures of an area before a year; see ``relative``."""
    a = record.areas.index(area)
    is_seen = (record.observed[:, a].T > 0) & (record.years < before)[:, None]
    year, series = np.nonzero(is_seen)
    kin = np.full(len(series), -1) if is_proxy else record.kin[series, year]
    value = record.relative[series, a, year][None]
    if brought is not None:
        value = value - brought[:, series, year]
    years = record.years[year].astype(np.int64)
    sampling, in_london = record.sampling[series, a, year], bool(record.london[a])
    declared = [year for course in record.national for year in (*course.shifts, *course.otherwise)]
    breaks = observations.break_years(record.national, max(declared, default=RECORD_FROM))
    return Cells(series, years, kin, np.ascontiguousarray(value), sampling, in_london, breaks)


def log_density(
    hyper: Law, record: Record, area: str, since: int, *, is_proxy: bool = False, brought: np.ndarray | None = None
) -> np.ndarray:
    """Return the log density (draw) of an area's figures from a year on, given those before; see ``relative``."""
    cells = cells_of(record, area, int(record.years[-1]) + 1, is_proxy=is_proxy, brought=brought)
    first = min((number for number in cells.kin if number >= 0), default=0)
    return density_since(hyper, _counted_from(first, cells), since)


def _counted_from(first: int, cells: Cells) -> Cells:
    return cells._replace(kin=np.where(cells.kin >= 0, cells.kin - first, -1))


def numbers_needed(kin: np.ndarray, future: np.ndarray) -> int:
    """Return how many standard normal numbers a draw of ``courses`` takes."""
    n, ahead = future.shape
    numbers: int = 2 * n + max(kin.max(initial=-1), future.max(initial=-1)) + 1 + 3 * n * ahead
    return numbers


def numbers_of_errors(kin: np.ndarray, future: np.ndarray) -> np.ndarray:
    """Return which of the ``numbers_needed`` make sampling errors and noise, where the record has no cohorts."""
    n, ahead = future.shape
    cohorts = numbers_needed(kin, future) - 2 * n - 3 * n * ahead
    yearly = (2 * n + cohorts + 3 * n * np.arange(ahead)[:, None] + np.arange(2 * n, 3 * n)).ravel()
    return np.concatenate([2 * n + np.arange(cohorts), yearly])


# The filter's state is the level of each series, its deviation, and the sampling error of each cohort, in this order;
# ``spread`` is the state's covariance. Both are written over as the record is taken in.


@numba.njit(nogil=True, cache=True, error_model="numpy")
def courses(
    law: Law, cells: Cells, last: int, future: np.ndarray, behind: np.ndarray, normal: np.ndarray, squares: np.ndarray
) -> np.ndarray:
    """Return courses of an area's figures less England's, and what sampling error and noise add to them, SD.

    The answer is (course or error, draw, series, year to come). Cohorts are counted from 0; the years to come follow
    ``last``. Of them ``future`` (series, year) has the cohort behind each figure (-1: none), ``behind`` (series) the
    sampling variance, SD squared. ``normal`` (draw, number) are standard normal numbers, ``numbers_needed`` at least;
    ``squares`` (draw) have a chi-squared distribution of ``freedom`` plus the number of cells: an area whose figures
    moved more than the law expects goes on to move more.
    """
    n_draws, n = law.mean.shape
    out = np.empty((2, n_draws, n, future.shape[1]))
    state, spread = _room(n, cells.kin)
    for d in range(n_draws):
        _, square = _take_in(law, d, cells, last + 1, state, spread)
        for before in range(cells.year[-1] if len(cells.year) else RECORD_FROM, last):
            _step(law, d, cells.breaks, before + 1, state, spread)
        factor = np.sqrt((law.freedom[d] - 2 + square) / squares[d])
        _carry_on(law, d, cells.breaks, last, state, spread, future, behind, factor * normal[d], out[:, d])
        for s in range(n):
            for t in range(future.shape[1]):
                out[0, d, s, t] += _mean(law, d, s, cells.london, passed(last, last + 1 + t))
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def density_since(law: Law, cells: Cells, since: int) -> np.ndarray:
    """Return the log density (draw) of the figures from a year on, given those before it; cohorts from 0."""
    n_draws, n = law.mean.shape
    out = np.empty(n_draws)
    state, spread = _room(n, cells.kin)
    for d in range(n_draws):
        out[d] = _take_in(law, d, cells, since, state, spread)[0]
    return out


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _room(n: int, kin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    width = 2 * n + kin.max() + 1 if len(kin) else 2 * n
    return np.empty(width), np.empty((width, width))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _take_in(law: Law, d: int, cells: Cells, since: int, state: np.ndarray, spread: np.ndarray) -> tuple[float, float]:
    """Leave in the state what is known after the last figure, up to the area's own factor of all variances.

    Returned are the log density of the figures from a year on, given those before, and the sum of squares of all
    surprises over their SDs.
    """
    density, square, free = 0.0, 0.0, law.freedom[d]
    series, year = cells.series, cells.year
    _begin(law, d, state, spread)
    for i in range(len(series)):
        for before in range(year[i - 1] if i else RECORD_FROM, year[i]):
            _step(law, d, cells.breaks, before + 1, state, spread)
        s, kin = series[i], cells.kin[i]
        sampling = cells.sampling[i] * law.luck[d, s]
        link = law.link[d, s] if kin >= 0 else 0.0
        noise = law.noise[d, s] + law.broken[d, s, s] * _broken(cells.breaks, 1, s, year[i])
        figure = cells.value[d if len(cells.value) > 1 else 0, i] - _mean(law, d, s, cells.london, year[i] - MIDDLE)
        centre, variance = _expected(law, d, state, spread, s, kin, link, sampling, noise)
        surprise = (figure - centre) ** 2 / variance
        if year[i] >= since:  # Student's t, its scale what the figures before have told
            scale = variance * (law.freedom[d] - 2 + square)
            density += math.lgamma((free + 1) / 2) - math.lgamma(free / 2)
            density -= 0.5 * (np.log(np.pi * scale) + (free + 1) * np.log1p(surprise * variance / scale))
        square, free = square + surprise, free + 1
        _see(law, d, state, spread, s, kin, link, figure, sampling, noise)
    return density, square


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _mean(law: Law, d: int, s: int, in_london: bool, passed: float) -> float:
    gains = law.london_trend[d, s] * passed
    if in_london:
        return float(law.mean[d, s] + law.london[d, s] + (1 - LONDON_SHARE) * gains)
    return float(law.mean[d, s] - LONDON_SHARE * gains)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _broken(breaks: np.ndarray, kind: int, s: int, year: int) -> float:
    since = year - RECORD_FROM
    return float(breaks[kind, s, since]) if 0 <= since < breaks.shape[2] else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def passed(last: int, year: int) -> float:
    """Return the years since ``MIDDLE``; those after the record count for less and less."""
    return last - MIDDLE + FADES * (1 - FADES ** (year - last)) / (1 - FADES)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _begin(law: Law, d: int, state: np.ndarray, spread: np.ndarray) -> None:
    """Write what is known before the record: levels and deviations in the long run, sampling errors of variance 1."""
    n, pace = law.mean.shape[1], law.pace[d]
    state[:] = 0.0
    spread[:] = 0.0
    for i in range(n):
        for j in range(n):
            spread[i, j] = law.level[d, i, j]
            spread[n + i, n + j] = law.shock[d, i, j] / (1 - pace[i] * pace[j])
    for i in range(2 * n, len(state)):
        spread[i, i] = 1.0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _step(law: Law, d: int, breaks: np.ndarray, year: int, state: np.ndarray, spread: np.ndarray) -> None:
    """Carry the state on to a year; the sampling error of a cohort does not change."""
    n = law.mean.shape[1]
    left = np.ones(len(state))
    left[n : 2 * n] = law.pace[d]
    for i in range(len(state)):
        state[i] *= left[i]
        for j in range(len(state)):
            spread[i, j] *= left[i] * left[j]
    for i in range(n):
        for j in range(n):
            both = _broken(breaks, 0, i, year) * _broken(breaks, 0, j, year)
            spread[i, j] += law.drift[d, i, j] + both * law.broken[d, i, j]
            spread[n + i, n + j] += law.shock[d, i, j]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _expected(
    law: Law, d: int, state: np.ndarray, spread: np.ndarray, s: int, kin: int, link: float, sampling: float,
    noise: float,
) -> tuple[float, float]:  # fmt: skip
    """Return mean and variance of a figure before it is seen."""
    n, loading = law.mean.shape[1], link * np.sqrt(sampling)
    centre = state[s] + state[n + s]
    variance = spread[s, s] + 2 * spread[s, n + s] + spread[n + s, n + s] + sampling * (1 - link**2) + noise
    if kin >= 0:
        k = 2 * n + kin
        centre += loading * state[k]
        variance += loading * (2 * (spread[s, k] + spread[n + s, k]) + loading * spread[k, k])
    return centre, variance


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _see(
    law: Law, d: int, state: np.ndarray, spread: np.ndarray, s: int, kin: int, link: float, figure: float,
    sampling: float, noise: float,
) -> None:  # fmt: skip
    """Take one figure in: level plus deviation plus the part of its sampling error that is a cohort's."""
    n, width, loading = law.mean.shape[1], len(state), link * np.sqrt(sampling)
    pull = spread[s] + spread[n + s]  # by symmetry rows are columns
    if kin >= 0:
        pull = pull + loading * spread[2 * n + kin]
    variance = pull[s] + pull[n + s] + sampling * (1 - link**2) + noise
    surprise = figure - state[s] - state[n + s]
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
    law: Law, d: int, breaks: np.ndarray, last: int, state: np.ndarray, spread: np.ndarray, future: np.ndarray,
    behind: np.ndarray, normal: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Draw the state and write one course from it; a cohort that the record has not seen has an error of its own."""
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
    at, behind = len(now), behind * law.luck[d]
    pace, noise, link = law.pace[d], law.noise[d], law.link[d]
    level_root, shock_root, drift = np.zeros((n, n)), np.zeros((n, n)), np.empty((n, n))
    lower(law.shock[d], shock_root)
    for t in range(ahead):
        year = last + 1 + t
        for s in range(n):
            for r in range(n):
                both = _broken(breaks, 0, s, year) * _broken(breaks, 0, r, year)
                drift[s, r] = law.drift[d, s, r] + both * law.broken[d, s, r]
        lower(drift, level_root)
        for s in range(n):
            now[n + s] *= pace[s]
            for r in range(s + 1):
                now[s] += level_root[s, r] * normal[at + r]
                now[n + s] += shock_root[s, r] * normal[at + n + r]
        at += 2 * n
        for s in range(n):
            shared = link[s] if future[s, t] >= 0 else 0.0
            unsure = law.broken[d, s, s] * _broken(breaks, 1, s, year)
            error = np.sqrt(behind[s] * (1 - shared**2) + noise[s] + unsure) * normal[at + s]
            if future[s, t] >= 0:
                error += shared * np.sqrt(behind[s]) * now[2 * n + future[s, t]]
            out[0, s, t] = now[s] + now[n + s]
            out[1, s, t] = error
        at += n


@numba.njit(nogil=True, cache=True, error_model="numpy")
def lower(covariance: np.ndarray, root: np.ndarray) -> None:
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
