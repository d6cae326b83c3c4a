"""Assumptions: what we do not know, as values that check themselves.

How studies are read, how money becomes activity, what survives it, and how the baseline is sampled. What we
choose stands in ``scenario``.
"""

from dataclasses import dataclass

from omegaconf import MISSING

from oa_sim.refusal import Refusal, between, one_of

DISTRIBUTIONS = ("Beta", "Normal", "LogNormal", "Uniform", "HalfNormal")
SAMPLERS = ("nutpie", "pymc", "numpyro")


@dataclass
class Prior:
    """A distribution, said by its name and two numbers.

    ``Beta(a, b)``; ``Normal(mean a, sd b)``; ``LogNormal(median a, sigma b)``; ``Uniform(a, b)``;
    ``HalfNormal(sd a)``, where b is not used.
    """

    dist: str = MISSING
    a: float = MISSING
    b: float = 0.0

    def __post_init__(self):
        one_of("distribution", self.dist, DISTRIBUTIONS)
        positive = {"Beta": (self.a, self.b), "LogNormal": (self.a, self.b), "HalfNormal": (self.a,)}
        for value in positive.get(self.dist, (self.b,) if self.dist == "Normal" else ()):
            if not value > 0:
                raise Refusal(
                    f"{self.dist}({self.a:g}, {self.b:g}): its shape must be above 0, got {value:g}: raise it"
                )
        if self.dist == "Uniform" and self.b < self.a:
            raise Refusal(f"Uniform must run from low to high, got {self.a:g} to {self.b:g}: swap them")


@dataclass
class FadeOut:
    """What treated pupils keep: ``R(t) = f + (r1 - f) s^(t-1)`` with ``f = floor * r1``, t years after treatment."""

    first_year: Prior = MISSING
    later: Prior = MISSING
    floor: Prior = MISSING


@dataclass
class Evidence:
    """How the studies are read, not the studies."""

    family_mean: Prior = MISSING
    family_spread: Prior = MISSING
    kept_from_efficacy: Prior = MISSING
    kept_from_effectiveness: Prior = MISSING
    doubt_factor: float = MISSING
    fade_out: dict[str, FadeOut] = MISSING

    def __post_init__(self):
        between("evidence.doubt_factor", self.doubt_factor, 1, 10)
        if self.family_spread.dist != "HalfNormal" or self.family_mean.dist != "Normal":
            raise Refusal("evidence: the family of trials needs a Normal mean and a HalfNormal spread: choose those")


@dataclass
class Delivery:
    """How money becomes activity: late, unevenly, and less than planned."""

    lag_years: Prior = MISSING
    ramp_years: Prior = MISSING
    dose: Prior = MISSING
    overlap: Prior = MISSING
    cost_sigma: float = MISSING
    area_sigma: float = MISSING
    leave_area: Prior = MISSING

    def __post_init__(self):
        between("delivery.cost_sigma", self.cost_sigma, 0, 2)
        between("delivery.area_sigma", self.area_sigma, 0, 2)


@dataclass
class Survival:
    """What goes on unpaid: the share that survives the first year, and each later year."""

    first_year: Prior = MISSING
    later: Prior = MISSING


@dataclass
class Sampler:
    """How the baseline is sampled."""

    backend: str = MISSING
    chains: int = MISSING
    tune: int = MISSING
    draws: int = MISSING
    thin: int = MISSING
    target_accept: float = MISSING

    def __post_init__(self):
        one_of("sampler.backend", self.backend, SAMPLERS)
        between("sampler.chains", self.chains, 2, 16)
        between("sampler.tune", self.tune, 10, 20_000)
        between("sampler.draws", self.draws, 10, 20_000)
        between("sampler.thin", self.thin, 1, 100)
        between("sampler.target_accept", self.target_accept, 0.5, 0.999)
