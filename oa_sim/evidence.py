"""Evidence: studies to the effect of each intervention, and priors to draws of every programme parameter.

A random-effects synthesis: what an intervention does per fully served pupil in a new place, shrunk to the
family of large trials. Months of progress become SD once, and the loss on the way to scale is taken once.
All is Gaussian given the spread of the family, so the synthesis is exact on a grid of that spread.
"""

import numpy as np
import xarray as xr

from oa_sim.assumptions import Evidence, Prior
from oa_sim.refusal import Refusal, one_of
from oa_sim.scenario import Scenario
from oa_sim.streams import stream
from oa_sim.tables import Row

FAMILY = "family"  # the study type of an intervention that no study speaks for
GRID = 200  # points on the spread of the family of trials


def scaled_studies(tables: dict[str, list[Row]], reading: Evidence) -> list[dict]:
    """Return each study as an estimate of the effect at scale.

    Parameters
    ----------
    tables
        The checked tables; ``studies`` and ``months`` are used.
    reading
        How studies are read: what is kept on the way to scale, how doubted ones widen.

    Returns
    -------
    list of dict
        ``study_type``, ``effect`` (SD per fully served pupil) and ``sd`` (its standard error, the uncertainty
        about the loss included: ``Var(k y) = k^2 s^2 + y^2 v + s^2 v`` for a kept share of mean k, variance v).
    """
    by_months = {row["months"]: (row["lowest_sd"] + row["highest_sd"]) / 2 for row in tables["months"]}
    found = []
    for row in tables["studies"]:
        effect = row["effect"]
        if row["effect_unit"] == "months":
            if effect not in by_months:
                raise Refusal(
                    f"studies.csv row {row['row']}: {effect:g} months is not in months.csv: give whole months"
                )
            effect = by_months[effect]
        error = row["standard_error_sd"] * (reading.doubt_factor if row["status"] == "to verify" else 1.0)
        kept = reading.kept_from_effectiveness if row["design"] == "effectiveness" else reading.kept_from_efficacy
        mean, variance = moments(kept)
        spread = np.sqrt(mean**2 * error**2 + effect**2 * variance + error**2 * variance)
        found.append({"study_type": row["study_type"], "effect": mean * effect, "sd": float(spread)})
    return found


def check(scenario: Scenario, tables: dict[str, list[Row]]) -> None:
    """Refuse studies that cannot be read, and an intervention of a type that no study has.

    Raises
    ------
    Refusal
        For months that the table does not convert, and an unknown ``study_type``.
    """
    types = {study["study_type"]: None for study in scaled_studies(tables, scenario.evidence)}
    for about in scenario.interventions.values():
        one_of(f"study_type of {about.label!r}", about.study_type, (*types, FAMILY))


def effects(scenario: Scenario, tables: dict[str, list[Row]], chains: int, draws: int) -> xr.DataArray:
    """Return draws of the effect of each intervention.

    Parameters
    ----------
    scenario
        Its interventions, reading of the evidence and seed.
    tables
        The checked tables.
    chains, draws
        How many, to match the posterior.

    Returns
    -------
    DataArray
        (chain, draw, intervention), SD per fully served pupil and year.

    Notes
    -----
    ``theta_i ~ Normal(mu, tau)``, ``mu ~ Normal``, ``tau ~ HalfNormal``, ``y_ij ~ Normal(theta_i, s_ij)``. With mu and
    the thetas integrated out, the likelihood of tau is Gaussian and is laid on a grid.
    """
    reading = scenario.evidence
    by_type = _pooled(scaled_studies(tables, reading))
    grid = 4 * reading.family_spread.a * np.arange(1, GRID + 1) / GRID
    weight, mean_mu, sd_mu = _family(by_type, reading, grid)
    rng = stream(scenario.seed, "family of trials")
    cell = rng.choice(GRID, size=(chains, draws), p=weight)
    mu = mean_mu[cell] + sd_mu[cell] * rng.standard_normal((chains, draws))
    tau = grid[cell]
    out = np.empty((chains, draws, len(scenario.interventions)))
    for i, (name, intervention) in enumerate(scenario.interventions.items()):
        precision, pull = by_type.get(intervention.study_type, (0.0, 0.0))
        variance = 1 / (1 / tau**2 + precision)
        mean = variance * (mu / tau**2 + pull)
        out[..., i] = mean + np.sqrt(variance) * stream(scenario.seed, "effect", name).standard_normal((chains, draws))
    return xr.DataArray(
        out,
        dims=("chain", "draw", "intervention"),
        name="effect",
        coords={"intervention": list(scenario.interventions)},
        attrs={"units": "SD / year", "long_name": "effect per fully served pupil"},
    )


def _pooled(studies: list[dict]) -> dict[str, tuple[float, float]]:
    """Return, for each study type, the sum of precisions and of precision-weighted effects."""
    pooled: dict[str, tuple[float, float]] = {}
    for study in studies:
        precision, pull = pooled.get(study["study_type"], (0.0, 0.0))
        weight = study["sd"] ** -2
        pooled[study["study_type"]] = (precision + weight, pull + weight * study["effect"])
    return pooled


def _family(by_type: dict, reading: Evidence, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the posterior weight of each tau on the grid, and the mean and SD of mu given it."""
    prior_mean, prior_sd = reading.family_mean.a, reading.family_mean.b
    log_weight = -0.5 * (grid / reading.family_spread.a) ** 2
    precision = np.full(GRID, prior_sd**-2)
    pull = np.full(GRID, prior_mean * prior_sd**-2)
    quadratic = np.full(GRID, prior_mean**2 * prior_sd**-2)
    for total, weighted in by_type.values():
        effect, variance = weighted / total, 1 / total + grid**2
        log_weight -= 0.5 * np.log(variance)
        precision += 1 / variance
        pull += effect / variance
        quadratic += effect**2 / variance
    log_weight += -0.5 * np.log(precision) - 0.5 * (quadratic - pull**2 / precision)
    weight = np.exp(log_weight - log_weight.max())
    return weight / weight.sum(), pull / precision, precision**-0.5


def moments(prior: Prior) -> tuple[float, float]:
    """Return the mean and the variance of the prior of a share."""
    if prior.dist == "Uniform":
        return (prior.a + prior.b) / 2, (prior.b - prior.a) ** 2 / 12
    total = prior.a + prior.b
    return prior.a / total, prior.a * prior.b / (total**2 * (total + 1))
