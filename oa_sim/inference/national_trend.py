"""National trend: the law of the country's own course, one for the fit and for the years to come.

From figure to figure the course makes steps. A step is the sum of what its years bring: a shock that stays, and a trend
that is damped. A declared shift of level adds two shocks of unknown size, one that stays and one that fades; a figure
that was graded otherwise is off by a shock of its own. So all steps, of both groups of a measure, are Gaussian
together, and a recovery after a break is read as what it mostly is, and only in part as a trend.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from oa_sim.inference.observations import National

FADES = 0.5  # what is left a year later of the part of a break that does not stay: assumed, records are short of breaks


@dataclass(frozen=True)
class Steps:
    """Steps of England's course, or where it stands at the end, and what each two of them have in common."""

    series: np.ndarray  # (step): which series each belongs to
    change: np.ndarray  # (step): how far the figure moved, SD; NaN for where the course stands
    same: np.ndarray  # (step, step): 1 where both belong to one series
    partner: np.ndarray  # (step, step): 1 where they belong to the two groups of one measure
    shocks: np.ndarray  # (step, step): yearly shocks that are in both
    breaks: np.ndarray  # (step, step): shocks of declared breaks that are in both
    trends: np.ndarray  # (lag, step, step): yearly trends, one of each, that lie so many years apart


def steps(names: list[tuple[str, str]], courses: list[National], *, ends: bool = False) -> Steps:
    """Return the steps of England's courses, each of a pair (measure, group).

    Rows may be added for where each course stands in the year of its last figure: its trend, by how much that figure
    is off (where it was graded otherwise), and what has not yet faded of breaks (after any).
    """
    first = min((int(course.years[0]) for course in courses if len(course.years)), default=0)
    last = max((int(course.years[-1]) for course in courses if len(course.years)), default=0)
    span = np.arange(first, last + 1)
    nothing = np.zeros(len(span))
    # the series of each step, its change, and what of each year is in it: shock, trend, and the three parts of a break
    rows: list[tuple[int, float, tuple[np.ndarray, ...]]] = []
    for s, course in enumerate(courses):
        shift, off = (np.isin(span, years).astype(float) for years in (course.shifts, course.otherwise))
        for begin, end, moved in zip(course.years[:-1], course.years[1:], np.diff(course.figures), strict=True):
            covers = ((span > begin) & (span <= end)).astype(float)
            graded = ((span == end) - 1.0 * (span == begin)) * off
            fading = (_left(span, end) - _left(span, begin)) * shift
            rows.append((s, moved, (covers, covers, covers * shift, graded, fading)))
    for s, course in enumerate(courses if ends else []):
        now = course.years[-1]
        is_now = (span == now).astype(float)
        rows.append((s, np.nan, (nothing, is_now, nothing, nothing, nothing)))
        if now in course.otherwise:
            rows.append((s, np.nan, (nothing, nothing, nothing, is_now, nothing)))
        if any(first <= year <= now for year in course.shifts):
            rows.append((s, np.nan, (*[nothing] * 4, _left(span, now) * np.isin(span, course.shifts))))
    shape = (len(rows), len(span))
    shock, trend, *broken = (np.array([row[2][i] for row in rows], dtype=float).reshape(shape) for i in range(5))
    series = np.array([row[0] for row in rows], dtype=int)
    measure = np.array([names[s][0] for s in series])
    same = (series[:, None] == series).astype(float)
    trends = [trend @ trend.T]
    for lag in range(1, shape[1]):
        apart = trend[:, lag:] @ trend[:, :-lag].T
        trends.append(apart + apart.T)
    return Steps(
        series=series,
        change=np.array([row[1] for row in rows], dtype=float),
        same=same,
        partner=(measure[:, None] == measure) - same,
        shocks=shock @ shock.T,
        breaks=sum((part @ part.T for part in broken), np.zeros(())),
        trends=np.array(trends),
    )


def _left(span: np.ndarray, now: int) -> np.ndarray:
    """Return what is left in a year of what began to fade in each year of a span."""
    return np.where(span <= now, FADES ** np.maximum(now - span, 0.0), 0.0)


def covariance(steps: Steps, sd: Any, trend: Any, damping: Any, alike: Any, break_sd: Any, xp: Any = np) -> Any:
    """Return the covariance of steps (draw, step, step), SD squared, by NumPy, or by ``pytensor.tensor`` in the fit.

    By (draw, series): ``sd``, that of a year's shock. By (draw): ``trend``, the SD of the trend in the long run, as a
    share of ``sd``; ``damping``, what is left of a trend a year later; ``alike``, the correlation of the two groups of
    a measure in all that moves them; ``break_sd``, the SD of each shock of a declared break.
    """
    lags, n = steps.trends.shape[:2]
    left = damping[:, None] ** np.arange(lags)
    trended = xp.reshape(left @ steps.trends.reshape(lags, -1), (-1, n, n))
    size = sd[:, steps.series]
    moved = size[:, :, None] * size[:, None, :] * (steps.shocks + trend[:, None, None] ** 2 * trended)
    broken = break_sd[:, None, None] ** 2 * steps.breaks
    return (moved + broken) * (steps.same + alike[:, None, None] * steps.partner)


def ahead(
    names: list[tuple[str, str]], courses: list[National], last: int, law: dict[str, np.ndarray],
    normal: dict[str, np.ndarray],
) -> list[np.ndarray]:  # fmt: skip
    """Return the courses of the groups of one measure to a last year, exact given what was published, by group.

    Where each course stands is drawn given all its steps, and carried on year by year (draw, year after its last
    figure), as it would be published, SD. Each has one figure at least, and what is declared of the past and the
    future; ``law`` has the arguments of ``covariance`` by name, ``sd`` for these groups alone. ``normal`` are by group
    standard normal numbers (5, draw, year) for shock, trend, a break's lasting and fading part, and where it stands
    (three numbers); the years begin after the earliest last figure.
    """
    made = steps(names, courses, ends=True)
    p = int(np.isfinite(made.change).sum())
    root = np.linalg.cholesky(covariance(made, **law))
    given = np.linalg.solve(root[:, :p, :p], np.broadcast_to(made.change[:p, None], (len(root), p, 1)))
    place = np.concatenate([np.arange((made.series[p:] == s).sum()) for s in range(len(names))])
    own = np.stack([normal[names[s][1]][4, :, i] for s, i in zip(made.series[p:], place, strict=True)], axis=1)
    stands = (root[:, p:, :p] @ given)[..., 0] + (root[:, p:, p:] @ own[..., None])[..., 0]
    damping, alike = law["damping"], law["alike"]
    start, drawn = min(int(course.years[-1]) for course in courses) + 1, []
    for s, (course, (_, group)) in enumerate(zip(courses, names, strict=True)):
        shocks = normal[group][:4]
        if s:  # the second group leans on the first
            shocks = alike[:, None] * normal[names[0][1]][:4] + np.sqrt(1 - alike**2)[:, None] * shocks
        here = iter(stands[:, made.series[p:] == s].T)
        trend = next(here)
        off = next(here) if course.years[-1] in course.otherwise else 0.0
        fading = next(here, 0.0)  # nothing where no break has been
        level = course.figures[-1] - off - fading
        sd, out = law["sd"][:, s], []
        for year in range(int(course.years[-1]) + 1, last + 1):
            shock, pushed, stays, fades = shocks[:, :, year - start]
            trend = damping * trend + sd * law["trend"] * np.sqrt(1 - damping**2) * pushed
            level = level + trend + sd * shock + (year in course.shifts) * law["break_sd"] * stays
            fading = FADES * fading + (year in course.shifts) * law["break_sd"] * fades
            out.append(level + fading + (year in course.otherwise) * law["break_sd"] * stays)
        drawn.append(np.stack(out, axis=1))
    return drawn
