"""Placebo: the effect of a programme learned from later figures, for areas that had one and areas that had none.

Given a draw of the hyperparameters, the figures of an authority less England's are Gaussian, all series and years
together. A programme adds ``delta + u`` (SD) times its ramp to all later attainment; ``delta`` is common to a set of
areas and has a wide prior around zero, ``u`` is an area's own. So what each area says of ``delta`` is exact, and two
numbers an area and draw hold all of it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inference import area_forecast, observations
from oa_sim.inference.area_forecast import Law
from oa_sim.inference.observations import Record
from oa_sim.rng import stream

RAMP = (2017, 2021)  # no effect yet, and the whole effect, which then stays: money 2017/18 to 2021/22, late and uneven
EFFECT_SD = 0.2  # SD; a wide prior around zero: trials of single interventions rarely find as much
SPREAD_SD = 0.02  # SD; between areas, HalfNormal: assumed, as for the outside view on area programmes
SPREADS = np.linspace(0.0, 0.08, 33)  # SD; the values of it that are weighed
ENDS = (0.05, 0.95)
STEPS = 60  # of bisection: to the last digit


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the later figures of each authority say of an effect on it."""

    areas: list[str]
    estimate: np.ndarray  # (draw, area), the effect that the later figures are likeliest under, SD
    variance: np.ndarray  # (draw, area), its sampling variance, SD squared; infinite where nothing was published


@dataclass(frozen=True)
class Estimate:
    """The posterior of an effect: mean, SD and 90% interval, SD of pupils; and the chance that it is above zero."""

    mean: float
    sd: float
    low: float
    high: float
    p_positive: float

    @property
    def covers_zero(self) -> bool:
        """Whether the interval has zero in it."""
        return self.low <= 0 <= self.high


def ramp(year: np.ndarray) -> np.ndarray:
    """Return how much of the whole effect is there in a year, 0 to 1: a straight line between the years of ``RAMP``."""
    share: np.ndarray = np.interp(year, RAMP, (0.0, 1.0))
    return share


def evidence(hyper: Law, record: Record, until: int) -> Evidence:
    """Return what figures later than ``until`` say of an effect on each authority, given its record and each draw.

    The hyperparameters were fitted to figures up to that year; the record of all authorities includes later years.

    Notes
    -----
    With ``K`` the covariance of all an area's figures, earlier and later, ``x`` the ramp (0 for the record and for what
    is no attainment) and ``r`` figures less mean, generalised least squares gives ``x'K^-1 r / x'K^-1 x`` with variance
    ``1 / x'K^-1 x``, times the area's own factor. That is the same as conditioning the later figures on the record
    first. Later figures of absence and suspensions are not used, since a programme may move them by another amount.
    """
    later = record.years > until
    attains = np.array([MEASURES[measure].channel == "attainment" for measure, _ in record.series])
    used = (record.observed > 0) & (~later | attains[:, None, None])
    shape = (len(hyper.mean), len(record.areas))
    information, pull = np.zeros(shape), np.zeros(shape)
    patterns: dict[bytes, list[int]] = {}
    for a in range(len(record.areas)):
        patterns.setdefault(used[:, a].tobytes(), []).append(a)
    for members in patterns.values():
        series, figure = np.nonzero(used[:, members[0]])
        x = np.where(later[figure], ramp(record.years[figure]), 0.0)
        if not x.any():
            continue
        value, size = (cube[series, :, figure][:, members].T for cube in (record.relative, record.sampling))
        kin = record.kin[series, figure]
        same = (kin[:, None] == kin) & (kin >= 0) & ~np.eye(len(kin), dtype=bool)
        behind = observations.breaks_behind(record.national, series, record.years[figure])
        for d in range(shape[0]):
            whole = _course(hyper, d, series, record.years[figure], behind)
            luck = size * hyper.luck[d, series]
            load = hyper.link[d, series] * np.sqrt(luck)
            whole = whole + same * load[:, :, None] * load[:, None, :]
            whole = whole + (luck + hyper.noise[d, series])[:, :, None] * np.eye(len(series))
            solved = np.linalg.solve(whole, np.broadcast_to(x[:, None], (len(members), len(x), 1)))[..., 0]
            residual = value - _means(hyper, d, series, record.years[figure], until, record.london[members])
            told, moved = solved @ x, (solved * residual).sum(axis=1)
            square = (residual * np.linalg.solve(whole, residual[..., None])[..., 0]).sum(axis=1) - moved**2 / told
            # the area's own factor of all variances, as its figures about the effect make it expected
            factor = (hyper.freedom[d] - 2 + square) / (hyper.freedom[d] - 3 + len(series))
            information[d, members], pull[d, members] = told / factor, moved / factor
    is_informed = information > 0
    safe = np.where(is_informed, information, 1.0)
    return Evidence(record.areas, pull / safe, np.where(is_informed, 1 / safe, np.inf))


def _means(
    hyper: Law, d: int, series: np.ndarray, year: np.ndarray, until: int, london: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Return what the law expects of authorities (authority, cell) without a record, SD."""
    since = [min(y - observations.MIDDLE, area_forecast.passed(until, max(y, until))) for y in year.tolist()]
    gains = hyper.london_trend[d, series] * np.array(since)
    beside = hyper.london[d, series] + gains
    means: np.ndarray = hyper.mean[d, series] - observations.LONDON_SHARE * gains + london[:, None] * beside
    return means


def _course(hyper: Law, d: int, series: np.ndarray, year: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """Return the covariance (cell, cell) of levels and deviations in one draw, SD squared, given common breaks."""
    lag = np.abs(year[:, None] - year)
    later = np.where(year[:, None] >= year, series[:, None], series)  # whose pace carries the earlier one on
    pace = hyper.pace[d]
    long_run = hyper.shock[d] / (1 - np.outer(pace, pace))
    rows, columns = np.ix_(series, series)
    since = np.minimum(year[:, None], year) - observations.RECORD_FROM
    levels = hyper.level[d][rows, columns] + hyper.drift[d][rows, columns] * since
    levels = levels + hyper.broken[d][rows, columns] * behind
    covariance: np.ndarray = levels + long_run[rows, columns] * pace[later] ** lag
    return covariance


def effect(evidence: Evidence, chosen: list[str]) -> Estimate:
    """Return the posterior of the effect common to some areas, each of which must have later figures.

    Given a draw and the spread between areas it is normal: precisions ``1 / (variance + spread^2)`` and that of the
    prior add up. The spread is weighed by its prior and by how well it explains the areas; draws are weighed equally,
    so that the later figures do not teach the hyperparameters anything (a cut posterior): what is learned from them is
    the effect alone.
    """
    for area in chosen:
        if area not in evidence.areas or not np.isfinite(evidence.variance[:, evidence.areas.index(area)]).all():
            raise Refusal(f"{area} has no later figures of attainment to learn an effect from: leave it out")
    index = [evidence.areas.index(area) for area in chosen]
    estimate, variance = evidence.estimate[:, index, None], evidence.variance[:, index, None] + SPREADS**2
    precision = 1 / EFFECT_SD**2 + (1 / variance).sum(axis=1)  # (draw, spread)
    centre = (estimate / variance).sum(axis=1) / precision
    fit = -0.5 * (np.log(variance) + estimate**2 / variance).sum(axis=1)
    fit += 0.5 * centre**2 * precision - 0.5 * np.log(precision) - 0.5 * (SPREADS / SPREAD_SD) ** 2
    weight = np.exp(fit - fit.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True) * len(weight)
    return _described(weight.ravel(), centre.ravel(), 1 / np.sqrt(precision.ravel()))


def _described(weight: np.ndarray, centre: np.ndarray, sd: np.ndarray) -> Estimate:
    """Return mean, SD, interval and chance of a mixture of normals."""
    mean = float(weight @ centre)
    spread = float(np.sqrt(weight @ (sd**2 + (centre - mean) ** 2)))

    def end(share: float) -> float:
        """Return a quantile, by bisection."""
        low, high = mean - 12 * spread, mean + 12 * spread
        for _ in range(STEPS):
            middle = 0.5 * (low + high)
            below = weight @ ndtr((middle - centre) / sd) < share
            low, high = (middle, high) if below else (low, middle)
        return 0.5 * (low + high)

    return Estimate(mean, spread, end(ENDS[0]), end(ENDS[1]), float(weight @ ndtr(centre / sd)))


def matched(record: Record, until: int, real: list[str], barred: list[str], n_each: int = 2) -> list[str]:
    """Return the authorities that are most like some real ones, as many for each.

    The distance of two authorities is the root mean square of the differences of their mean figures (area less England,
    up to a year) over the series that both have, each over its SD among authorities. In the order of the real ones each
    takes the nearest that are left; the real ones, those barred and those that publish nothing later are never taken.
    What they published later is not looked at.
    """
    earlier = record.years <= until
    seen = record.observed[..., earlier]
    number = seen.sum(axis=2)
    mean = np.where(number > 0, (record.relative[..., earlier] * seen).sum(axis=2) / np.maximum(number, 1), np.nan)
    with_figures = np.isfinite(mean).any(axis=1)
    standard = mean[with_figures] / np.nanstd(mean[with_figures], axis=1, keepdims=True)
    left = [a for a in others(record, until, [*real, *barred]) if np.isfinite(standard[:, record.areas.index(a)]).any()]
    matches: list[str] = []
    for area in real:
        here = record.areas.index(area) if area in record.areas else None
        if here is None or not np.isfinite(standard[:, here]).any():
            raise Refusal(f"{area} has no figure up to {until} to match others by: name a file that goes back")
        apart = {other: _apart(standard[:, here], standard[:, record.areas.index(other)]) for other in left}
        matches += sorted(left, key=lambda other: apart[other])[:n_each]
        left = [other for other in left if other not in matches]
    if len(matches) < n_each * len(real):
        raise Refusal(
            f"{n_each * len(real)} authorities to match are needed, got {len(matches)}: read a file of all of them"
        )
    return matches


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    """Return the root mean square difference of two areas' standardised means over the series that both have."""
    both = np.isfinite(first) & np.isfinite(second)
    return float(np.sqrt(np.mean((first - second)[both] ** 2))) if both.any() else np.inf


def others(record: Record, until: int, barred: list[str]) -> list[str]:
    """Return the authorities that had no programme and have figures of attainment later than a year.

    London is left out, as it is among the areas: its authorities move together, away from the rest of England.
    """
    attains = [s for s, (measure, _) in enumerate(record.series) if MEASURES[measure].channel == "attainment"]
    is_later = (record.years > until) & (ramp(record.years) > 0)
    counts = record.observed[attains][..., is_later].any(axis=(0, 2))
    counts &= ~record.london
    return [area for area, some in zip(record.areas, counts, strict=True) if some and area not in barred]


def at_random(evidence: Evidence, pool: list[str], size: int, sets: int, seed: int) -> list[Estimate]:
    """Return the estimates of sets of areas drawn at random from a pool, each set without repeats."""
    if size > len(pool):
        raise Refusal(f"a set of {size} areas needs a pool as large, got {len(pool)}: ask for smaller sets")
    drawn = (stream(seed, "placebo", str(size), str(i)).choice(len(pool), size, replace=False) for i in range(sets))
    return [effect(evidence, [pool[a] for a in sorted(members)]) for members in drawn]


def coverage(estimates: list[Estimate]) -> float:
    """Return the share of 90% intervals that have zero in them."""
    return float(np.mean([estimate.covers_zero for estimate in estimates]))
