"""Settings of the value of information: what ``oa-sim voi`` is told beside its scenario."""

from dataclasses import dataclass, field

from oa_sim.decide.objective import Objective
from oa_sim.errors import Refusal, between, one_of
from oa_sim.scenario.schema import SPLITS

MOST_YEARS = 50


@dataclass
class Voi:
    """Which decisions there are, and which studies.

    Attributes
    ----------
    splits, portfolios
        The decisions are every split with every portfolio.
    plans
        Files of plans that are decisions too, as ``oa-sim optimise`` writes them.
    trial_pupils
        Sizes of a trial.
    cluster, correlation
        Pupils of a school in a trial, and the correlation between them.
    trial_fixed_gbp, trial_gbp_per_pupil
        What a trial costs.
    gate_years
        After how many years the rest is decided anew.
    """

    splits: list[str] = field(default_factory=list)
    portfolios: list[str] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    trial_pupils: list[int] = field(default_factory=list)
    cluster: float = 25.0
    correlation: float = 0.15
    trial_fixed_gbp: float = 200_000.0
    trial_gbp_per_pupil: float = 30.0
    gate_years: list[int] = field(default_factory=list)

    def __post_init__(self):
        for rule in self.splits:
            one_of("split in voi.splits", rule, tuple(name for name in SPLITS if name != "custom"))
        for name in ("splits", "portfolios", "plans", "trial_pupils", "gate_years"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise Refusal(f"voi.{name} must name each once, got {values}: list them once")
        for value in self.gate_years:
            between("voi.gate_years: one", value, 1, MOST_YEARS, " years")
        between("voi.cluster", self.cluster, 1, 1000, " pupils")
        for value in self.trial_pupils:
            between("voi.trial_pupils, a school or more in each of two arms: one", value, 2 * self.cluster, 10_000_000)
        between("voi.correlation", self.correlation, 0, 1)
        between("voi.trial_fixed_gbp", self.trial_fixed_gbp, 0, 1e9, " GBP")
        between("voi.trial_gbp_per_pupil", self.trial_gbp_per_pupil, 0, 1e6, " GBP")
        if len(self.splits) * len(self.portfolios) + len(self.plans) < 2:
            raise Refusal("a decision needs two plans or more, got fewer: name more of voi.splits or voi.portfolios")


@dataclass
class Studying:
    """What ``oa-sim voi`` is told beside its scenario."""

    objective: Objective = field(default_factory=Objective)
    voi: Voi = field(default_factory=lambda: Voi(splits=["equal", "per_pupil"], portfolios=["balanced"]))

    def __post_init__(self):
        if self.objective.risk != "mean":
            raise Refusal(
                f"information is worth what it adds to the mean, got objective.risk={self.objective.risk}: write "
                "objective.risk=mean"
            )
