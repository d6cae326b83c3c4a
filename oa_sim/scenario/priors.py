"""Priors: a distribution as a value, and the rules that priors of shares, durations and helps keep."""

from dataclasses import dataclass

from omegaconf import MISSING

from oa_sim.errors import Refusal, between, one_of

DISTRIBUTIONS = ("Beta", "Normal", "LogNormal", "Uniform", "HalfNormal")


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
        for value in (self.a, self.b):
            between(f"a number of {self.dist}", value, -1e6, 1e6)
        positive = {"Beta": (self.a, self.b), "LogNormal": (self.a, self.b), "HalfNormal": (self.a,)}
        for value in positive.get(self.dist, (self.b,) if self.dist == "Normal" else ()):
            if not value > 0:
                raise Refusal(
                    f"{self.dist}({self.a:g}, {self.b:g}): its shape must be above 0, got {value:g}: raise it"
                )
        if self.dist == "Uniform" and self.b < self.a:
            raise Refusal(f"Uniform must run from low to high, got {self.a:g} to {self.b:g}: swap them")


def check_share(what: str, prior: Prior) -> None:
    """Refuse a prior of a share that can leave 0 to 1."""
    if prior.dist != "Beta" and not (prior.dist == "Uniform" and prior.a >= 0 and prior.b <= 1):
        raise Refusal(
            f"{what} is a share, so its prior must be Beta or Uniform within 0 to 1, got {said(prior)}: change it"
        )


def check_duration(what: str, prior: Prior) -> None:
    """Refuse a prior of a duration that can be 0 or less."""
    if prior.dist != "LogNormal" and not (prior.dist == "Uniform" and prior.a > 0):
        raise Refusal(f"{what} must be LogNormal or Uniform above 0 years, got {said(prior)}: change it")


def check_gain(what: str, prior: Prior) -> None:
    """Refuse a prior of what helps, or of what its lack costs, that can be below 0."""
    if prior.dist not in ("HalfNormal", "LogNormal", "Beta") and not (prior.dist == "Uniform" and prior.a >= 0):
        raise Refusal(f"{what} must be HalfNormal, LogNormal, Beta or Uniform from 0, got {said(prior)}: change it")


def said(prior: Prior) -> str:
    """Return a prior as it is written: its name and its two numbers."""
    return f"{prior.dist}({prior.a:g}, {prior.b:g})"
