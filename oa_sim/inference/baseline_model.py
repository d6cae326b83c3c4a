"""Baseline model: what would have happened anyway.

On the latent scale, for area a, series s (a measure of a group) and year t:

    z[a,s,t] = national[s,t] + mean[a,s,t] + level[a,s,t] + deviation[a,s,t] + luck[a,s,t] + noise[a,s,t]

``mean`` is one for London and one for the rest of England, with trends that cancel out over England's pupils. ``level``
is where an area stands beside it: correlated over all series, and a slow random walk with a shock of its own at each
declared break, so that areas drift apart. ``deviation`` is correlated in the two groups of a measure and reverts within
years: the areas were chosen for being low, so part of any recovery comes free. ``luck`` is the sampling error of a
cohort of finite size; it goes with the same children from stage to stage (the cohort link). All variances of an area
are larger or smaller by a factor of its own. All this is integrated out here,
and drawn exactly, given the record and each posterior draw, in ``counterfactual``.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from oa_sim.definitions import LINKED, MEASURES
from oa_sim.errors import one_of
from oa_sim.inference import national_trend
from oa_sim.inference.observations import LONDON_SHARE, Record, breaks_behind
from oa_sim.inference.sampling import load_pymc

if TYPE_CHECKING:
    from oa_sim.inference.baseline_likelihood import Band  # PyTensor is loaded only to fit

# priors: the centre of each SD over series (SD, or SD / year), the log spread of that centre, and that of a series
# about it; noise has less room, since a deviation that reverts quickly can hardly be told from it
CENTRES = {
    "level_sd": (0.12, 0.4, 0.5),
    "drift_sd": (0.015, 0.5, 0.7),
    "deviation_sd": (0.06, 0.3, 0.5),
    "noise_sd": (0.015, 0.4, 0.3),
    "area_break_sd": (0.04, 0.5, 0.5),
    "national_sd": (0.03, 0.4, 0.5),
}
MU_SD = 0.3
LONDON_TREND_SD = 0.02  # SD / year
PERSISTENCE = (1.5, 0.5)  # centre over series of the logit of what is left of a deviation a year later, and its spread
PERSISTENCE_SPREAD = 0.3
# inverse hyperbolic tangent: correlation of two levels given those before them; the more are given, the less is new
PARTIALS_SD, PARTIALS_FADE = 0.6, 0.5
ALIKE = (0.5, 0.5)  # inverse hyperbolic tangent: correlation of the two groups of a measure in their deviations
LUCK = (0.8, 0.3)  # sampling variance as a share of that of independent pupils, and log spread: alike pupils come back
FREEDOM = (20.0, 1.0)  # degrees of freedom, less 2, of how much the figures of one area move, and log spread
LINK = (0.0, 1.0)  # logit: share of a cohort's luck that goes with it
TREND = (0.4, 0.5)  # England's trend in the long run, as a share of its yearly shock, and log spread
DAMPING = (1.4, 0.6)  # logit: what is left of England's trend a year later
GROUPS_ALIKE = (1.1, 0.7)  # logit: correlation of the two groups of a measure in what moves England
# SD of the part of a declared break that stays, and of the part that fades, and log SD: a new test moves a figure less
# than a pandemic moves attendance
BREAKS = {"break_sd": (0.11, 0.6), "behaviour_break_sd": (0.25, 0.6)}
PARTS = (
    "joint levels",
    "joint deviations",
    "cohort link",
    "free persistence",
    "moving level",
    "breaks of areas",
    "London",
)
# the order in which levels are told from one another, the one that says most that is new first: in another order a
# series that is all but known from earlier ones has a remainder that the record says nothing of, and later ones lean on
TOLD = (
    ("he_entry_by_19", "disadvantaged"),
    ("persistent_absence", "all"),
    ("key_stage_2", "other"),
    ("attainment_8", "other"),
    ("good_level_of_development", "disadvantaged"),
    ("neet_16_17", "all"),
    ("suspensions", "all"),
    ("good_level_of_development", "other"),
    ("attainment_8", "disadvantaged"),
    ("level_3_by_19", "other"),
    ("phonics", "other"),
    ("key_stage_2", "disadvantaged"),
    ("he_entry_by_19", "other"),
    ("phonics", "disadvantaged"),
    ("level_3_by_19", "disadvantaged"),
)
AUTHORITIES_IN_A_BAND = 40  # about: those of one size share a factor


def model(record: Record, without: tuple[str, ...] = ()) -> Any:
    """Return the PyMC model of the record, less the parts of ``PARTS`` that are to be left out for a comparison.

    By series: ``mu`` (SD), ``london`` and ``london_trend`` (what is added to it in London, SD, and its growth, SD /
    year), ``level_sd``, ``deviation_sd``, ``noise_sd``, ``area_break_sd`` (SD; the last of the shock to an area at a
    declared break), ``drift_sd`` and ``national_sd`` (SD / year),
    ``persistence`` (share of a deviation left a year later), ``luck`` (share of the binomial variance). One for all:
    ``freedom`` (degrees of freedom), ``national_trend`` (share of ``national_sd``), ``national_damping``,
    ``groups_alike``, ``break_sd`` and ``behaviour_break_sd`` (SD). By linked measure: ``deviation_alike``,
    ``cohort_link``. By pair of series: ``level_partials``, which ``correlation`` turns into a
    matrix. The priors stand at the top of this file.
    """
    for part in without:
        one_of("part", part, PARTS)
    pm, pt = load_pymc(), _tensors()
    from oa_sim.inference.baseline_likelihood import RecordDensity

    n = len(record.series)
    linked = np.array([list(LINKED).index(m) if m in LINKED else -1 for m, _ in record.series])
    names = labels(record.series)
    with pm.Model(coords={"series": names, "linked": list(LINKED), "pair": pairs(record.series)}) as described:
        sd = {}
        for name, (typical, spread, spread_of_series) in CENTRES.items():
            centre = pm.Normal(f"{name}_centre", np.log(typical), spread)
            sd[name] = _unbounded(name, "log", centre, spread_of_series, dims="series")
        mu = pm.Normal("mu", 0.0, MU_SD, dims="series")
        london = trend = pt.zeros(n)
        if "London" not in without:
            london = pm.Normal("london", 0.0, MU_SD, dims="series")
            trend = pm.Normal("london_trend", 0.0, LONDON_TREND_SD, dims="series")
        centre = pm.Normal("persistence_centre", *PERSISTENCE)
        spread = 0.01 if "free persistence" in without else PERSISTENCE_SPREAD
        persistence = _unbounded("persistence", "logit", centre, spread, dims="series")
        free = None if "joint levels" in without else pm.Normal("level_partials", 0.0, partials_sd(n), dims="pair")
        together = _level_correlation(free, record.series)
        of_levels = "level_sd", "drift_sd", "area_break_sd"
        level, drift, broken = (together * sd[name][:, None] * sd[name] for name in of_levels)
        if "moving level" in without:
            drift = 0.0 * drift
        if "breaks of areas" in without:
            broken = 0.0 * broken
        alike = link = np.zeros(len(LINKED))
        if "joint deviations" not in without:
            alike = _unbounded("deviation_alike", "arctanh", *ALIKE, dims="linked")
        if "cohort link" not in without:
            link = _unbounded("cohort_link", "logit", *LINK, dims="linked")
        alike = pt.eye(n) + (pt.as_tensor(alike)[np.maximum(linked, 0)] * partners(record.series))
        deviation = covariance(alike, sd["deviation_sd"], persistence, pt)
        link = pt.where(linked < 0, 0.0, pt.as_tensor(link)[np.maximum(linked, 0)])
        density: Any = RecordDensity(bands(record))
        means = pt.concatenate([mu, mu + london]), pt.concatenate([-LONDON_SHARE * trend, (1 - LONDON_SHARE) * trend])
        luck = _unbounded("luck", "log", np.log(LUCK[0]), LUCK[1], dims="series")
        freedom = pm.Deterministic("freedom", 2 + pt.exp(pm.Normal("freedom_log", np.log(FREEDOM[0]), FREEDOM[1])))
        parts = level, drift, broken, deviation, persistence
        given = density(*means, *parts, sd["noise_sd"] ** 2, link, luck, freedom[None])
        pm.Potential("history", given[0] + density.constant(freedom))
        _add_england(record, sd["national_sd"])
    return described


def _tensors() -> Any:
    """Return ``pytensor.tensor``, loaded only to fit; many of its functions have no types."""
    import pytensor.tensor

    return pytensor.tensor


def _unbounded(name: str, scale: str, centre: Any, spread: float, **dims: str) -> Any:
    """Return a hyperparameter whose logarithm, logit or inverse hyperbolic tangent has a normal prior."""
    pm, pt = load_pymc(), _tensors()
    back = {"log": pt.exp, "logit": pt.sigmoid, "arctanh": pt.tanh}[scale]
    return pm.Deterministic(name, back(pm.Normal(f"{name}_{scale}", centre, spread, **dims)), **dims)


def _add_england(record: Record, sd: Any) -> None:
    """Add England's own course to the model that is being described."""
    pm = load_pymc()
    law = {
        "trend": _unbounded("national_trend", "log", np.log(TREND[0]), TREND[1]),
        "damping": _unbounded("national_damping", "logit", *DAMPING),
        "alike": _unbounded("groups_alike", "logit", *GROUPS_ALIKE),
    }
    law = {name: value[None] for name, value in law.items()}
    breaks = {name: _unbounded(name, "log", np.log(middle), spread)[None] for name, (middle, spread) in BREAKS.items()}
    # apart from the graph, so that a compiled model takes another
    change = pm.Data("england_change", national_trend.steps(record.series, record.national).change)
    density, begin = 0.0, 0
    for measure in dict.fromkeys(measure for measure, _ in record.series):  # nothing in common: small blocks
        here = [s for s, name in enumerate(record.series) if name[0] == measure]
        steps = national_trend.steps([record.series[s] for s in here], [record.national[s] for s in here])
        end = begin + len(steps.change)
        if end > begin:
            law["break_sd"] = breaks[break_of(measure)]
            spread = national_trend.covariance(steps, sd[None, here], **law, xp=_tensors())[0]
            density += pm.logp(pm.MvNormal.dist(np.zeros(end - begin), cov=spread), change[begin:end])
        begin = end
    pm.Potential("england", density)


def break_of(measure: str) -> str:
    """Return the name of the SD of a measure's declared breaks: those of attainment, or of behaviour."""
    return "break_sd" if MEASURES[measure].channel == "attainment" else "behaviour_break_sd"


def covariance(alike: Any, sd: Any, persistence: Any, xp: Any = np) -> Any:
    """Return the covariance, in one year, of autoregressive deviations (..., series, series).

    Their shocks are correlated by ``alike``; those that revert at another pace are less correlated in their state:
    ``G_ij = Q_ij / (1 - p_i p_j)``, which is positive definite.
    """
    shock = sd * xp.sqrt(1 - persistence**2)
    return (
        alike * shock[..., :, None] * shock[..., None, :] / (1 - persistence[..., :, None] * persistence[..., None, :])
    )


def partners(names: list[tuple[str, str]]) -> np.ndarray:
    """Return 1 where two series are the two groups of one measure (series, series)."""
    measures = np.array([measure for measure, _ in names])
    same = measures[:, None] == measures
    both: np.ndarray = (same & ~np.eye(len(names), dtype=bool)).astype(float)
    return both


def correlation(partials: np.ndarray, names: list[tuple[str, str]]) -> np.ndarray:
    """Return correlation matrices (..., series, series) from partial correlations (..., pair).

    Each is the inverse hyperbolic tangent of the correlation of a series with an earlier one of ``TOLD``, given those
    before that (Lewandowski, Kurowicka and Joe 2009): any values make a correlation matrix.
    """
    n = len(names)
    below = np.zeros((*partials.shape[:-1], n, n))
    below[..., *np.tril_indices(n, -1)] = partials
    lower = _root(below)[..., np.argsort(_order(names)), :]
    product: np.ndarray = lower @ np.swapaxes(lower, -1, -2)
    return product


def _order(names: list[tuple[str, str]]) -> list[int]:
    """Return the positions of the series in the order of ``TOLD``."""
    return sorted(range(len(names)), key=lambda s: TOLD.index(names[s]))


def partials_sd(n: int) -> np.ndarray:
    """Return the prior SD (pair) of the partial correlations of so many levels."""
    return PARTIALS_SD / np.sqrt(1 + PARTIALS_FADE * np.tril_indices(n, -1)[1])


def _level_correlation(partials: Any, names: list[tuple[str, str]]) -> Any:
    """Return the correlation matrix of levels in the fit; the identity without partial correlations."""
    n, pt = len(names), _tensors()
    if partials is None:
        return pt.eye(n)
    below = pt.set_subtensor(pt.zeros((n, n))[np.tril_indices(n, -1)], partials)
    lower = _root(below, pt)[np.argsort(_order(names))]
    return lower @ lower.T


def _root(below: Any, xp: Any = np) -> Any:
    """Return the lower root of a correlation matrix from partial correlations (arctanh) below the diagonal."""
    n = below.shape[-1] if xp is np else int(below.type.shape[-1])
    left = np.log(2) - xp.logaddexp(below, -below)  # log of the share of the SD that earlier series leave to each
    return (xp.tanh(below) + np.eye(n)) * xp.exp(left @ np.triu(np.ones((n, n)), 1))


def bands(record: Record, size: int = AUTHORITIES_IN_A_BAND) -> "list[Band]":
    """Return the record as bands: authorities of London or the rest with the same cells and cohorts of one size."""
    from oa_sim.inference.baseline_likelihood import Band

    observed, value, sampling = (
        part.swapaxes(0, 1).reshape(len(record.areas), -1)
        for part in (record.observed > 0, record.relative, record.sampling)
    )
    at_series, at_year = np.divmod(np.arange(observed.shape[1]), len(record.years))
    patterns: dict[tuple[bytes, bool], list[int]] = {}
    for area in range(len(record.areas)):
        patterns.setdefault((observed[area].tobytes(), bool(record.london[area])), []).append(area)
    made = []
    for (pattern, is_london), members in sorted(patterns.items()):
        cells = np.flatnonzero(np.frombuffer(pattern, bool))
        if not len(cells):
            continue
        order = sorted(members, key=lambda area: (sampling[area, cells].mean(), area))
        for areas in np.array_split(np.array(order), max(1, round(len(order) / size))):
            where = np.ix_(areas, cells)
            s, y = at_series[cells], at_year[cells]
            mean = s + len(record.series) * is_london
            years, behind = record.years[y], breaks_behind(record.national, s, record.years[y])
            made.append(Band(s, mean, years, record.kin[s, y], value[where], sampling[where].mean(axis=0), behind))
    return made


def pairs(names: list[tuple[str, str]]) -> list[str]:
    """Return the labels of the pairs of series, in the order of the partial correlations of their levels."""
    ordered = labels([names[s] for s in _order(names)])
    return [f"{ordered[i]} | {ordered[j]}" for i, j in zip(*np.tril_indices(len(names), -1), strict=True)]


def labels(names: list[tuple[str, str]]) -> list[str]:
    """Return the labels of the series in the posterior: ``measure, group``."""
    return [f"{measure}, {group}" for measure, group in names]
