"""England: the law of the country's own course, one for the fit and for the years to come.

From figure to figure the course makes steps. A step is the sum of what its years bring: a shock that stays, and a trend
that is damped. A declared shift of level adds a shock of unknown size that stays; a figure that was graded otherwise
is off by a shock of its own. So all steps, of both groups of a measure, are Gaussian together, and a first change after
a break is read as what it mostly is, a shock, and only in part as a trend.
"""

from dataclasses import dataclass

import numpy as np

from oa_sim.record import National


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
        Yearly shocks that are in both; declared breaks that are in both.
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
        Whether two rows are added for each course: its trend in the year of its last figure, and by how much that
        figure is off (left out where it is not).
    """
    first = min((int(course.years[0]) for course in courses if len(course.years)), default=0)
    last = max((int(course.years[-1]) for course in courses if len(course.years)), default=0)
    rows = []
    for s, course in enumerate(courses):
        shift, off = (np.isin(np.arange(first, last + 1), years) for years in (course.shifts, course.otherwise))
        at = course.years.astype(int) - first
        for begin, end, change in zip(at[:-1], at[1:], np.diff(course.figures), strict=True):
            covers = np.zeros(last - first + 1)
            covers[begin + 1 : end + 1] = 1
            rows.append(
                (s, change, covers, covers, covers * shift, _one(covers, end) * off - _one(covers, begin) * off)
            )
    for s, course in enumerate(courses if ends else []):
        nothing = np.zeros(last - first + 1)
        end = _one(nothing, int(course.years[-1]) - first)
        rows.append((s, np.nan, nothing, end, nothing, nothing))
        if course.years[-1] in course.otherwise:
            rows.append((s, np.nan, nothing, nothing, nothing, end))
    shape = (len(rows), last - first + 1)
    shock, trend, shift, off = (np.array([row[i] for row in rows], dtype=float).reshape(shape) for i in range(2, 6))
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
        breaks=shift @ shift.T + off @ off.T,
        trends=np.array(trends),
    )


def _one(like: np.ndarray, at: int) -> np.ndarray:
    return (np.arange(len(like)) == at).astype(float)


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
        SD of a declared break.
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
        Standard normal numbers (4, draw, year) by group, for shock, trend, break and where it stands; the years begin
        after the earliest last figure.

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
    own = np.stack([normal[names[s][1]][3, :, i] for s, i in zip(of.series[p:], at, strict=True)], axis=1)
    stands = (root[:, p:, :p] @ given)[..., 0] + (root[:, p:, p:] @ own[..., None])[..., 0]
    damping, alike = law["damping"], law["alike"]
    start, found = min(int(course.years[-1]) for course in courses) + 1, []
    for s, (course, (_, group)) in enumerate(zip(courses, names, strict=True)):
        shocks = normal[group][:3]
        if s:  # the second group leans on the first
            shocks = alike[:, None] * normal[names[0][1]][:3] + np.sqrt(1 - alike**2)[:, None] * shocks
        here = stands[:, of.series[p:] == s]
        trend, level = here[:, 0], course.figures[-1] - (here[:, 1] if here.shape[1] > 1 else 0.0)
        sd, out = law["sd"][:, s], []
        for year in range(int(course.years[-1]) + 1, last + 1):
            t = year - start
            trend = damping * trend + sd * law["trend"] * np.sqrt(1 - damping**2) * shocks[1, :, t]
            broken = law["break_sd"] * shocks[2, :, t]
            level = level + trend + sd * shocks[0, :, t] + (year in course.shifts) * broken
            out.append(level + (year in course.otherwise) * broken)
        found.append(np.stack(out, axis=1))
    return found
