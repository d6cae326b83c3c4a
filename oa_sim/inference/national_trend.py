"""National trend: the law of the country's own course, one for the fit and for the years to come.

From figure to figure the course makes steps. A step is the sum of what its years bring: a shock that stays, and a trend
that is damped. A declared shift of level adds two shocks of unknown size, one that stays and one that fades; a figure
that was graded otherwise is off by a shock of its own. So all steps, of both groups of a measure, are Gaussian
together, and a recovery after a break is read as what it mostly is, and only in part as a trend.
"""

from dataclasses import dataclass

import numpy as np

from oa_sim.inference.observations import National

FADES = 0.5  # what is left a year later of the part of a break that does not stay: assumed, records are short of breaks


@dataclass(frozen=True)
class Steps:
    """Steps of England's course, or where it stands at the end, and what each two of them have in common.

    Attributes
    ----------
    series : array (step)
        Which series each belongs to.
    change : array (step)
        How far the figure moved, SD; NaN for where the course stands.
    same, partner : array (step, step)
        1 where both belong to one series; to the two groups of one measure.
    shocks, breaks : array (step, step)
        Yearly shocks that are in both; shocks of declared breaks that are in both.
    trends : array (lag, step, step)
        Yearly trends, one of each, that lie so many years apart.
    """

    series: np.ndarray
    change: np.ndarray
    same: np.ndarray
    partner: np.ndarray
    shocks: np.ndarray
    breaks: np.ndarray
    trends: np.ndarray


def steps(names: list[tuple[str, str]], courses: list[National], *, ends: bool = False) -> Steps:
    """Return the steps of England's courses.

    Parameters
    ----------
    names
        Pairs (measure, group), one for each course.
    courses
        What was published, and what is declared.
    ends
        Whether rows are added for where each course stands in the year of its last figure: its trend, by how much
        that figure is off (where it was graded otherwise), and what has not yet faded of breaks (after any).
    """
    first = min((int(course.years[0]) for course in courses if len(course.years)), default=0)
    last = max((int(course.years[-1]) for course in courses if len(course.years)), default=0)
    span = np.arange(first, last + 1)
    nothing = np.zeros(len(span))
    rows = []
    for s, course in enumerate(courses):
        shift, off = (np.isin(span, years).astype(float) for years in (course.shifts, course.otherwise))
        for begin, end, change in zip(course.years[:-1], course.years[1:], np.diff(course.figures), strict=True):
            covers = ((span > begin) & (span <= end)).astype(float)
            ill = ((span == end) - 1.0 * (span == begin)) * off
            fading = (_left(span, end) - _left(span, begin)) * shift
            rows.append((s, change, covers, covers, covers * shift, ill, fading))
    for s, course in enumerate(courses if ends else []):
        now = course.years[-1]
        rows.append((s, np.nan, nothing, (span == now).astype(float), nothing, nothing, nothing))
        if now in course.otherwise:
            rows.append((s, np.nan, nothing, nothing, nothing, (span == now).astype(float), nothing))
        if _unfaded(course, first):
            rows.append((s, np.nan, *[nothing] * 4, _left(span, now) * np.isin(span, course.shifts)))
    shape = (len(rows), len(span))
    shock, trend, *broken = (np.array([row[i] for row in rows], dtype=float).reshape(shape) for i in range(2, 7))
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
        breaks=sum(one @ one.T for one in broken),
        trends=np.array(trends),
    )


def _unfaded(course: National, first: int) -> bool:
    """Return whether a break lies between the first year looked at and the last figure."""
    return any(first <= year <= course.years[-1] for year in course.shifts)


def _left(span: np.ndarray, now: int) -> np.ndarray:
    """Return what is left in a year of what began to fade in each year of a span."""
    return np.where(span <= now, FADES ** np.maximum(now - span, 0.0), 0.0)


def covariance(of: Steps, sd, trend, damping, alike, break_sd, xp=np):
    """Return the covariance of steps (draw, step, step), SD squared.

    Parameters
    ----------
    of
        The steps.
    sd : (draw, series)
        SD of a year's shock.
    trend : (draw)
        SD of the trend in the long run, as a share of ``sd``.
    damping : (draw)
        What is left of a trend a year later.
    alike : (draw)
        Correlation of the two groups of a measure in all that moves them.
    break_sd : (draw)
        SD of each shock of a declared break.
    xp
        NumPy, or ``pytensor.tensor`` in the fit.
    """
    lags, n = of.trends.shape[:2]
    left = damping[:, None] ** np.arange(lags)
    trended = xp.reshape(left @ of.trends.reshape(lags, -1), (-1, n, n))
    size = sd[:, of.series]
    moved = size[:, :, None] * size[:, None, :] * (of.shocks + trend[:, None, None] ** 2 * trended)
    return (moved + break_sd[:, None, None] ** 2 * of.breaks) * (of.same + alike[:, None, None] * of.partner)


def ahead(names: list[tuple[str, str]], courses: list[National], last: int, law: dict, normal: dict) -> list:
    """Return the courses of the groups of one measure in the years to come, exact given what was published.

    Where each course stands is drawn given all its steps, and carried on year by year.

    Parameters
    ----------
    names
        Pairs (measure, group) of one measure.
    courses
        What was published of each, one figure at least, and what is declared of the past and the future.
    last
        The last year to come.
    law
        Arguments of ``covariance`` by name, ``sd`` for these groups alone.
    normal
        Standard normal numbers (5, draw, year) by group, for shock, trend, a break's lasting and fading part, and
        where it stands (three numbers); the years begin after the earliest last figure.

    Returns
    -------
    list of array (draw, year after its last figure)
        Figures as they would be published, SD, by group.
    """
    of = steps(names, courses, ends=True)
    past = np.isfinite(of.change)
    p = int(past.sum())
    root = np.linalg.cholesky(covariance(of, **law))
    given = np.linalg.solve(root[:, :p, :p], np.broadcast_to(of.change[:p, None], (len(root), p, 1)))
    at = np.concatenate([np.arange((of.series[p:] == s).sum()) for s in range(len(names))])
    own = np.stack([normal[names[s][1]][4, :, i] for s, i in zip(of.series[p:], at, strict=True)], axis=1)
    stands = (root[:, p:, :p] @ given)[..., 0] + (root[:, p:, p:] @ own[..., None])[..., 0]
    damping, alike = law["damping"], law["alike"]
    start, found = min(int(course.years[-1]) for course in courses) + 1, []
    for s, (course, (_, group)) in enumerate(zip(courses, names, strict=True)):
        shocks = normal[group][:4]
        if s:  # the second group leans on the first
            shocks = alike[:, None] * normal[names[0][1]][:4] + np.sqrt(1 - alike**2)[:, None] * shocks
        here = iter(stands[:, of.series[p:] == s].T)
        trend = next(here)
        off = next(here) if course.years[-1] in course.otherwise else 0.0
        fading = next(here, 0.0)  # nothing where no break has been
        level = course.figures[-1] - off - fading
        sd, out = law["sd"][:, s], []
        for year in range(int(course.years[-1]) + 1, last + 1):
            one, pushed, stays, fades = shocks[:, :, year - start]
            trend = damping * trend + sd * law["trend"] * np.sqrt(1 - damping**2) * pushed
            level = level + trend + sd * one + (year in course.shifts) * law["break_sd"] * stays
            fading = FADES * fading + (year in course.shifts) * law["break_sd"] * fades
            out.append(level + fading + (year in course.otherwise) * law["break_sd"] * stays)
        found.append(np.stack(out, axis=1))
    return found
