"""Baseline: what would have happened anyway.

On the latent scale, for area a, series s (a measure of a group) and year t:

    z[a,s,t] = national[s,t] + mu[s] + level[a,s,t] + deviation[a,s,t] + luck[a,s,t] + noise[a,s,t]

``level`` is where an area stands: correlated over all series, and it moves so slowly that it differs little from a
constant. ``deviation`` is alike in the two groups of a measure and reverts within years: the areas were chosen for
being low, so part of any recovery comes free. ``luck`` is the sampling error of a cohort of finite size; it goes with the same children from
stage to stage (the cohort link). All are integrated out here, and drawn exactly, given the record and each
posterior draw, in ``counterfactual``.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from oa_sim import scale
from oa_sim.inference import load_pymc
from oa_sim.refusal import one_of
from oa_sim.variables import LINKED, MEASURES, series

RECORD_FROM = 2013  # first year of the record of areas: what lies further back says little of today
# priors: the centre of each SD over series (SD, or SD / year), the spread of that centre, and what else there is
CENTRES = {"level_sd": (0.12, 0.4), "deviation_sd": (0.06, 0.3), "noise_sd": (0.02, 0.4), "national_sd": (0.04, 0.4)}
SERIES_SPREAD = 0.5  # log SD of a series about the centre
MU_SD = 0.3
PERSISTENCE = (1.5, 0.5)  # centre over series of the logit of what is left of a deviation a year later, and its spread
PERSISTENCE_SPREAD = 0.4
LEVEL_PERSISTENCE = (4.5, 1.0)  # logit: about 1 % of a level is lost in a year
ROWS_SD = 0.4  # of the rows that make the correlation matrix of levels
ALIKE = (0.5, 0.5)  # inverse hyperbolic tangent: correlation of the two groups of a measure in their deviations
LINK = (0.0, 1.0)  # logit: share of a cohort's luck that goes with it
DAMPING = (0.7, 0.8)  # logit: share of England's last change that is repeated
GROUPS_ALIKE = (1.1, 0.7)  # logit: correlation of the two groups of a measure in what moves England
BREAK = (0.12, 0.6)  # SD, and log SD: how far a declared break moves England
PARTS = ("joint levels", "joint deviations", "cohort link", "free persistence", "moving level")
AUTHORITIES_IN_A_BAND = 40  # about: those of one size share a factor


@dataclass(frozen=True)
class Record:
    """The record on the latent scale, as plain arrays.

    Attributes
    ----------
    series
        Pairs (measure, group).
    areas, years
        Their labels.
    relative : array (series, area, year)
        Published figure less England's, SD; 0 where not observed.
    observed : array (series, area, year)
        1 where observed.
    sampling : array (series, area, year)
        Sampling variance, SD squared.
    kin : array (series, year)
        Number of the cohort of pupils of a group behind a figure, -1 where cohorts are not followed.
    national : list of dict
        By series: England's usable course as ``National``.
    """

    series: list[tuple[str, str]]
    areas: list[str]
    years: np.ndarray
    relative: np.ndarray
    observed: np.ndarray
    sampling: np.ndarray
    kin: np.ndarray
    national: "list[National]"


@dataclass(frozen=True)
class National:
    """England's course in one series.

    Attributes
    ----------
    change, before : array (year)
        Change on the year before and the change before that, SD; NaN where there is none.
    steps : array (year)
        Years since the last usable figure; 0 where nothing is usable.
    broken : array (year)
        Declared breaks that shift the level since the last usable figure.
    last_year, last, last_change
        The last usable figure, and the last change (0 across a break or a gap).
    """

    change: np.ndarray
    before: np.ndarray
    steps: np.ndarray
    broken: np.ndarray
    last_year: int | None
    last: float
    last_change: float


def record(history: xr.Dataset, first: int = RECORD_FROM) -> Record:
    """Return the history on the latent scale, England's course taken out.

    A year that was graded otherwise moves England and areas alike, so areas' figures of that year are used and
    England's are not.

    Parameters
    ----------
    history
        From ``areas.history`` or ``panel.history``.
    first
        First year of the areas' record; England's begins where it begins.
    """
    names, areas = series(), [str(a) for a in history.area.values]
    used = history.sel(year=history.year >= first)
    shape = (len(names), len(areas), used.sizes["year"])
    relative, observed, sampling = np.zeros(shape), np.zeros(shape), np.full(shape, 1e-4)
    for s, (measure, group) in enumerate(names):
        at = {"measure": measure, "group": group}
        published = used.published.sel(at).values
        gap = scale.to_latent(measure, published) - scale.to_latent(measure, used.england.sel(at).values)
        seen = np.isfinite(gap)
        relative[s], observed[s] = np.where(seen, gap, 0.0), seen
        behind = used.behind.sel(at).values[:, None]
        typical = np.where(seen, published, np.nanmean(published) if seen.any() else 50.0)
        sampling[s] = scale.sampling_variance(measure, typical, behind)
    national = [_national(history, measure, group) for measure, group in names]
    return Record(names, areas, used.year.values, relative, observed, sampling, kin(names, used.year.values), national)


def kin(names: list[tuple[str, str]], years) -> np.ndarray:
    """Return the number of the cohort behind each (series, year); -1 where cohorts are not followed."""
    found = np.full((len(names), len(years)), -1)
    for s, (measure, group) in enumerate(names):
        if measure in LINKED:
            found[s] = 2 * (np.asarray(years) - MEASURES[measure].year_groups[0]) + (group == "other")
    return found


def _national(history: xr.Dataset, measure: str, group: str) -> National:
    years = history.year.values
    marks = history.breaks.sel(measure=measure).values
    england = history.england.sel(measure=measure, group=group).values
    latent = scale.to_latent(measure, np.where(marks < 2, england, np.nan))
    change, before = np.full(len(years), np.nan), np.full(len(years), np.nan)
    steps, broken = np.zeros(len(years), int), np.zeros(len(years), int)
    usable = np.flatnonzero(np.isfinite(latent))
    last_change = 0.0
    for earlier, now in zip(usable, usable[1:], strict=False):
        change[now], steps[now] = latent[now] - latent[earlier], years[now] - years[earlier]
        broken[now] = (marks[earlier + 1 : now + 1] == 1).sum()
        before[now] = last_change
        last_change = change[now] if steps[now] == 1 and not broken[now] else 0.0
    if not len(usable):
        return National(change, before, steps, broken, None, np.nan, 0.0)
    return National(change, before, steps, broken, int(years[usable[-1]]), float(latent[usable[-1]]), float(last_change))


def model(known: Record, without: tuple[str, ...] = ()):
    """Return the PyMC model of the record.

    Parameters
    ----------
    known
        From ``record``.
    without
        Parts to leave out, for a comparison, of ``PARTS``.

    Notes
    -----

    By series: ``mu`` (SD), ``level_sd``, ``deviation_sd``, ``noise_sd`` (SD), ``persistence`` (share of a deviation
    left a year later), ``national_sd`` (SD / year). One for all: ``level_persistence``, ``national_damping``,
    ``break_sd``, ``groups_alike``. By linked measure: ``deviation_alike``, ``cohort_link``. By pair of series:
    ``level_rows``, which ``correlation`` turns into a matrix. The priors stand at the top of this file.
    """
    for part in without:
        one_of("part", part, PARTS)
    pm = load_pymc()
    import pytensor.tensor as pt

    from oa_sim.gaussian import RecordDensity  # PyTensor is loaded only to fit

    def share(name, centre, spread, **dims):
        return pm.Deterministic(name, pt.sigmoid(pm.Normal(f"{name}_logit", centre, spread, **dims)), **dims)

    n = len(known.series)
    linked = np.array([list(LINKED).index(m) if m in LINKED else -1 for m, _ in known.series])
    names = labels(known.series)
    with pm.Model(coords={"series": names, "linked": list(LINKED), "pair": pairs(names)}) as described:
        sd = {}
        for name, (typical, spread) in CENTRES.items():
            centre = pm.Normal(f"{name}_centre", np.log(typical), spread)
            logarithm = pm.Normal(f"{name}_log", centre, SERIES_SPREAD, dims="series")
            sd[name] = pm.Deterministic(name, pt.exp(logarithm), dims="series")
        mu = pm.Normal("mu", 0.0, MU_SD, dims="series")
        centre = pm.Normal("persistence_centre", *PERSISTENCE)
        spread = 0.01 if "free persistence" in without else PERSISTENCE_SPREAD
        persistence = share("persistence", centre, spread, dims="series")
        slow = 1.0 - 1e-9 if "moving level" in without else share("level_persistence", *LEVEL_PERSISTENCE)
        rows = np.zeros(n * (n - 1) // 2)
        if "joint levels" not in without:
            rows = pm.Normal("level_rows", 0.0, ROWS_SD, dims="pair")
        lower = pt.set_subtensor(pt.eye(n)[np.tril_indices(n, -1)], rows)
        lower = lower / pt.sqrt((lower**2).sum(axis=1, keepdims=True))
        level = (lower @ lower.T) * sd["level_sd"][:, None] * sd["level_sd"]
        alike = link = np.zeros(len(LINKED))
        if "joint deviations" not in without:
            alike = pm.Normal("deviation_alike_arctanh", *ALIKE, dims="linked")
            alike = pm.Deterministic("deviation_alike", pt.tanh(alike), dims="linked")
        if "cohort link" not in without:
            link = share("cohort_link", *LINK, dims="linked")
        alike = pt.eye(n) + (pt.as_tensor(alike)[np.maximum(linked, 0)] * partners(known.series))
        parts = [level, covariance(alike, sd["deviation_sd"], persistence, pt)]
        pace = [slow * pt.ones(n), persistence]
        link = pt.where(linked < 0, 0.0, pt.as_tensor(link)[np.maximum(linked, 0)])
        seen = RecordDensity(bands(known))
        pm.Potential("history", seen(mu, pt.stack(parts), pt.stack(pace), sd["noise_sd"] ** 2, link)[0])
        moves = [share("national_damping", *DAMPING), share("groups_alike", *GROUPS_ALIKE)]
        break_sd = pm.Deterministic("break_sd", pt.exp(pm.Normal("break_sd_log", np.log(BREAK[0]), BREAK[1])))
        pm.Potential("england", _england(known, *moves, break_sd, sd["national_sd"], pt))
    return described


def covariance(alike, sd, persistence, xp=np):
    """Return the covariance, in one year, of autoregressive deviations (..., series, series).

    Their shocks are correlated by ``alike``; those that revert at another pace are less alike in their state:
    ``G_ij = Q_ij / (1 - p_i p_j)``, which is positive definite.
    """
    shock = sd * xp.sqrt(1 - persistence**2)
    return alike * shock[..., :, None] * shock[..., None, :] / (1 - persistence[..., :, None] * persistence[..., None, :])


def partners(names: list[tuple[str, str]]) -> np.ndarray:
    """Return 1 where two series are the two groups of one measure (series, series)."""
    same = np.array([[one[0] == other[0] for other in names] for one in names])
    return (same & ~np.eye(len(names), dtype=bool)).astype(float)


def correlation(rows: np.ndarray) -> np.ndarray:
    """Return correlation matrices (..., series, series) from the rows (..., pair) of a triangle, row by row."""
    n = round((1 + np.sqrt(1 + 8 * rows.shape[-1])) / 2)
    lower = np.broadcast_to(np.eye(n), (*rows.shape[:-1], n, n)).copy()
    lower[..., *np.tril_indices(n, -1)] = rows
    lower /= np.linalg.norm(lower, axis=-1, keepdims=True)
    return lower @ np.swapaxes(lower, -1, -2)


def _england(known: Record, damping, groups_alike, break_sd, sd, pt):
    """Return the log density of England's changes: damped, shifted at declared breaks, alike in two groups."""
    n = len(known.series)
    change, before, steps, broken = (
        np.stack([getattr(one, name) for one in known.national])
        for name in ("change", "before", "steps", "broken")
    )
    seen = np.isfinite(change)
    plain = (steps == 1) & (broken == 0)
    data = load_pymc().Data  # held apart from the graph, so that a compiled model takes another record
    error = data("england_change", np.nan_to_num(change))
    error = error - damping * data("england_before", np.nan_to_num(np.where(plain, before, 0.0)))
    # without a change to go on from, the course is as uncertain as it is in the long run
    fresh = ~plain | (np.nan_to_num(before) == 0)
    variance = sd[:, None] ** 2 * np.maximum(steps, 1) * pt.where(fresh, 1 / (1 - damping**2), 1.0)
    variance = variance + break_sd**2 * broken
    first = np.array([np.flatnonzero(row)[0] if row.any() else s for s, row in enumerate(partners(known.series))])
    partner = np.minimum(first, np.arange(n))  # the second group of a measure leans on the first
    both = seen & seen[partner] & (partner != np.arange(n))[:, None]
    scaled = error / pt.sqrt(variance)
    alike = pt.where(both, groups_alike, 0.0)
    rest = variance * (1 - alike**2)
    surprise = (scaled - alike * scaled[partner]) ** 2 / (1 - alike**2)
    return (-0.5 * (surprise + pt.log(rest)) * seen).sum()


def bands(known: Record, size: int = AUTHORITIES_IN_A_BAND) -> list:
    """Return the record as bands: authorities with the same published cells and cohorts of about the same size."""
    from oa_sim.gaussian import Band

    observed = known.observed.transpose(1, 0, 2).reshape(len(known.areas), -1) > 0
    value = known.relative.transpose(1, 0, 2).reshape(len(known.areas), -1)
    sampling = known.sampling.transpose(1, 0, 2).reshape(len(known.areas), -1)
    at_series, at_year = (
        grid.ravel() for grid in np.meshgrid(np.arange(len(known.series)), np.arange(len(known.years)), indexing="ij")
    )
    patterns: dict[bytes, list[int]] = {}
    for area in range(len(known.areas)):
        patterns.setdefault(observed[area].tobytes(), []).append(area)
    found = []
    for pattern, members in sorted(patterns.items()):
        cells = np.flatnonzero(np.frombuffer(pattern, bool))
        if not len(cells):
            continue
        order = sorted(members, key=lambda area: (sampling[area, cells].mean(), area))
        for some in np.array_split(np.array(order), max(1, round(len(order) / size))):
            where = np.ix_(some, cells)
            s, y = at_series[cells], at_year[cells]
            found.append(Band(s, known.years[y], known.kin[s, y], value[where], sampling[where].mean(axis=0)))
    return found


def pairs(names: list[str]) -> list[str]:
    """Return the labels of the pairs of series, in the order of the rows of a lower triangle."""
    return [f"{names[i]} | {names[j]}" for i, j in zip(*np.tril_indices(len(names), -1), strict=True)]


def labels(names: list[tuple[str, str]]) -> list[str]:
    """Return the labels of the series in the posterior: ``measure, group``."""
    return [f"{measure}, {group}" for measure, group in names]
