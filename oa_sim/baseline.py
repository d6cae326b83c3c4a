"""Baseline: what would have happened anyway.

On the latent scale, for area a, series s (a measure of a group) and year t:

    z[a,s,t] = national[s,t] + mu[s] + level[a,s,t] + deviation[a,s,t] + luck[a,s,t] + noise[a,s,t]

``level`` is where an area stands: correlated over all series, and it moves so slowly that it differs little from a
constant. ``deviation`` is alike in the two groups of a measure and reverts within years: the areas were chosen for
being low, so part of any recovery comes free. ``luck`` is the sampling error of a cohort of finite size; it goes with
the same children from stage to stage (the cohort link). All are integrated out here, and drawn exactly, given the
record and each posterior draw, in ``counterfactual``.
"""

import numpy as np

from oa_sim.inference import load_pymc
from oa_sim.record import Record, kin, record  # noqa: F401  the record is handed on with its model
from oa_sim.refusal import one_of
from oa_sim.variables import LINKED

# priors: the centre of each SD over series (SD, or SD / year), the log spread of that centre, and that of a series
# about it; noise has less room, since a deviation that reverts quickly can hardly be told from it
CENTRES = {
    "level_sd": (0.12, 0.4, 0.5),
    "deviation_sd": (0.06, 0.3, 0.5),
    "noise_sd": (0.015, 0.4, 0.3),
    "national_sd": (0.04, 0.4, 0.5),
}
MU_SD = 0.3
PERSISTENCE = (1.5, 0.5)  # centre over series of the logit of what is left of a deviation a year later, and its spread
PERSISTENCE_SPREAD = 0.3
LEVEL_PERSISTENCE = (4.5, 1.0)  # logit: about 1 % of a level is lost in a year
ROWS_SD = 0.4  # of the rows that make the correlation matrix of levels; with 1.0 the sampler did not pass its gates
ALIKE = (0.5, 0.5)  # inverse hyperbolic tangent: correlation of the two groups of a measure in their deviations
LINK = (0.0, 1.0)  # logit: share of a cohort's luck that goes with it
DAMPING = (0.7, 0.8)  # logit: share of England's last change that is repeated
GROUPS_ALIKE = (1.1, 0.7)  # logit: correlation of the two groups of a measure in what moves England
BREAK = (0.12, 0.6)  # SD, and log SD: how far a declared break moves England
PARTS = ("joint levels", "joint deviations", "cohort link", "free persistence", "moving level")
AUTHORITIES_IN_A_BAND = 40  # about: those of one size share a factor


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
        for name, (typical, spread, about) in CENTRES.items():
            centre = pm.Normal(f"{name}_centre", np.log(typical), spread)
            logarithm = pm.Normal(f"{name}_log", centre, about, dims="series")
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
    return (
        alike * shock[..., :, None] * shock[..., None, :] / (1 - persistence[..., :, None] * persistence[..., None, :])
    )


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
        np.stack([getattr(one, name) for one in known.national]) for name in ("change", "before", "steps", "broken")
    )
    seen = np.isfinite(change)
    plain = (steps == 1) & (broken == 0)
    data = load_pymc().Data  # held apart from the graph, so that a compiled model takes another record
    error = data("england_change", np.nan_to_num(change))
    error = error - damping * data("england_before", np.nan_to_num(np.where(plain, before, 0.0)))
    # without a change to go on from, the course is as uncertain as it is in the long run
    fresh = ~plain | ~np.isfinite(before)
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
