"""Studies: the studies as they are read, before anything is inferred from them.

Months of progress become SD once. A study that is marked `to verify` counts for less. How much of an effect is left
at scale depends on how the study was made, and that loss is taken once: in ``meta_analysis``, and nowhere else.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, logsumexp, roots_jacobi

from oa_sim.errors import Refusal, one_of
from oa_sim.inputs.tables import Row
from oa_sim.scenario.assumptions import Evidence, Prior
from oa_sim.scenario.schema import Scenario

FAMILY = "family"  # the study type of an intervention that no study speaks for
DOUBTED = "to verify"
NODES = 40  # to sum a share out: the log-likelihood is then right to 0.0002 wherever it matters
LARGEST_SHAPE = 500
SMALLEST_SHARE, SMALLEST_WEIGHT = 1e-4, 1e-290  # so that nothing is divided by zero, and every logarithm is finite


class Study(NamedTuple):
    """A study as it is read; the prior of the share kept at scale is ``lowest + (highest - lowest) Beta(a, b)``."""

    name: str
    study_type: str
    effect: float  # as published, SD
    error: float  # its standard error, SD, wider where the study is doubted
    lowest: float
    highest: float
    a: float
    b: float

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Return shares and weights that stand for the prior of the share kept (Gauss and Jacobi's quadrature)."""
        if self.a + self.b > LARGEST_SHAPE:  # all but a point: the quadrature overflows and is not needed
            return self.share_at((np.arange(NODES) + 0.5) / NODES), np.full(NODES, 1 / NODES)
        nodes, weights = roots_jacobi(NODES, self.b - 1, self.a - 1)
        shares = self.lowest + (self.highest - self.lowest) * (nodes + 1) / 2
        return np.maximum(shares, SMALLEST_SHARE), np.maximum(weights / weights.sum(), SMALLEST_WEIGHT)

    def share_at(self, quantile: np.ndarray) -> np.ndarray:
        """Return the share kept at a quantile of its prior."""
        share = self.lowest + (self.highest - self.lowest) * betaincinv(self.a, self.b, quantile)
        least: np.ndarray = np.maximum(share, SMALLEST_SHARE)
        return least

    def log_likelihood(self, effect: np.ndarray) -> np.ndarray:
        """Return the log-likelihood of effects at scale, the share kept summed out (...)."""
        shares, weights = self.shares()
        away = (self.effect - effect[..., None] / shares) / self.error
        relative = logsumexp(-0.5 * away**2 + np.log(weights), axis=-1)
        density: np.ndarray = relative - np.log(self.error * np.sqrt(2 * np.pi))
        return density

    @property
    def kept(self) -> tuple[float, float]:
        """Prior mean and variance of the share kept at scale."""
        mean, variance = moments(Prior("Beta", self.a, self.b))
        width = self.highest - self.lowest
        return self.lowest + width * mean, width**2 * variance

    def at_scale(self) -> tuple[float, float]:
        """Return the effect that the study alone speaks for at scale, and its SD: ``k y`` with both uncertain, SD."""
        mean, variance = self.kept
        error, effect = self.error, self.effect
        return mean * effect, float(np.sqrt(mean**2 * error**2 + effect**2 * variance + error**2 * variance))


def studies(tables: dict[str, list[Row]], reading: Evidence) -> list[Study]:
    """Return the studies that are read, in the order of their names, so that the order of rows never matters.

    Refused: months that the table does not convert, a study to leave out that is not there, and none left.
    """
    by_months = {row["months"]: (row["lowest_sd"] + row["highest_sd"]) / 2 for row in tables["months"]}
    rows = tables["studies"]
    for name in reading.without:
        one_of("study", name, [row["study"] for row in rows])
    read = []
    for row in rows:
        effect = row["effect"]
        if row["effect_unit"] == "months":
            if effect not in by_months:
                raise Refusal(f"studies.csv row {row['row']}: {effect} months is not in months.csv: give whole months")
            effect = by_months[effect]
        error = row["standard_error_sd"] * (reading.doubt_factor if row["status"] == DOUBTED else 1.0)
        kept = reading.kept_from_effectiveness if row["design"] == "effectiveness" else reading.kept_from_efficacy
        share = (kept.a, kept.b, 1.0, 1.0) if kept.dist == "Uniform" else (0.0, 1.0, kept.a, kept.b)
        read.append(Study(row["study"], row["study_type"], float(effect), float(error), *map(float, share)))
    left = sorted(study for study in read if study.name not in reading.without)
    if not left:
        raise Refusal("evidence.without must leave a study to read, got every one: name fewer")
    return left


def study_types(tables: dict[str, list[Row]]) -> list[str]:
    """Return the study types of the table, those without a study that is read too."""
    return sorted({row["study_type"] for row in tables["studies"]})


def check(scenario: Scenario, tables: dict[str, list[Row]]) -> None:
    """Refuse what ``studies`` refuses, and an intervention of a type that no study has."""
    studies(tables, scenario.evidence)
    for intervention in scenario.interventions.values():
        one_of(f"study_type of {intervention.label!r}", intervention.study_type, (*study_types(tables), FAMILY))


def moments(prior: Prior) -> tuple[float, float]:
    """Return the mean and the variance of the prior of a share."""
    if prior.dist == "Uniform":
        return (prior.a + prior.b) / 2, (prior.b - prior.a) ** 2 / 12
    total = prior.a + prior.b
    return prior.a / total, prior.a * prior.b / (total**2 * (total + 1))
