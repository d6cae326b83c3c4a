"""Assumptions: what we do not know, as values that check themselves.

How studies are read, how money becomes activity, what survives it, and how the baseline is learned. What we
choose stands in ``schema``. A distribution is a value too, and priors of shares, durations and helps keep its rules.
"""

from dataclasses import dataclass, field

from omegaconf import MISSING

from oa_sim.definitions import CARRYING
from oa_sim.errors import Refusal, between, one_of

DISTRIBUTIONS = ("Beta", "Normal", "LogNormal", "Uniform", "HalfNormal")
SAMPLERS = ("nutpie", "pymc")


@dataclass
class Prior:
    """A distribution, said by its name and two numbers.

    ``Beta(a, b)``; ``Normal(mean a, sd b)``; ``LogNormal(median a, sigma b)``; ``Uniform(a, b)``;
    ``HalfNormal(sd a)``, where b is not used.
    """

    dist: str = MISSING
    a: float = MISSING
    b: float = 0.0

    def __post_init__(self) -> None:
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


@dataclass
class FadeOut:
    """What treated pupils keep: ``R(t) = f + (r1 - f) s^(t-1)`` with ``f = floor * r1``, t years after treatment."""

    first_year: Prior = MISSING
    later: Prior = MISSING
    floor: Prior = MISSING

    def __post_init__(self) -> None:
        for name, prior in vars(self).items():
            check_share(f"fade_out: {name}", prior)


@dataclass
class OutsideView:
    """What programmes of this kind have mostly done: a Student-t on the whole-area effect at its peak, SD."""

    location: float = MISSING
    scale: float = MISSING
    degrees_of_freedom: float = MISSING
    is_on: bool = MISSING

    def __post_init__(self) -> None:
        between("evidence.outside_view.location", self.location, -1, 1, " SD")
        between("evidence.outside_view.scale", self.scale, 1e-4, 10, " SD")
        between("evidence.outside_view.degrees_of_freedom", self.degrees_of_freedom, 1, 1000)


@dataclass
class Evidence:
    """How the studies are read, not the studies.

    Attributes
    ----------
    attendance_link
        Share of what is gained in a channel (absence, suspensions) that carries over to attainment within the year.
    without
        The studies that are left out.
    """

    family_mean: Prior = MISSING
    family_spread: Prior = MISSING
    kept_from_efficacy: Prior = MISSING
    kept_from_effectiveness: Prior = MISSING
    doubt_factor: float = MISSING
    fade_out: dict[str, FadeOut] = MISSING
    attendance_link: dict[str, Prior] = MISSING
    outside_view: OutsideView = MISSING
    without: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in self.without:
            if self.without.count(name) > 1:
                raise Refusal(f"evidence.without names study {name!r} twice: name each study once")
        self.outside_view.__post_init__()
        between("evidence.doubt_factor", self.doubt_factor, 1, 10)
        for channel, prior in self.attendance_link.items():
            one_of("channel of evidence.attendance_link", channel, CARRYING)
            check_share(f"evidence.attendance_link.{channel}", prior)
        for channel in CARRYING:
            if channel not in self.attendance_link:
                raise Refusal(f"evidence.attendance_link lacks {channel}: add its share, such as Beta(2, 6)")
        for name in ("kept_from_efficacy", "kept_from_effectiveness"):
            kept = getattr(self, name)
            check_share(f"evidence.{name}", kept)
            if kept.dist == "Uniform" and kept.b < 0.01:
                raise Refusal(f"evidence.{name} must keep something of an effect, got {said(kept)}: raise it")
        if self.family_spread.dist != "HalfNormal" or self.family_mean.dist != "Normal":
            raise Refusal("evidence: the family of trials needs a Normal mean and a HalfNormal spread: choose those")
        between("evidence.family_mean.a", self.family_mean.a, -1, 1, " SD")
        between("evidence.family_mean.b", self.family_mean.b, 1e-4, 1, " SD")
        between("evidence.family_spread.a", self.family_spread.a, 1e-4, 0.5, " SD")


@dataclass
class Delivery:
    """How money becomes activity: late, unevenly, and less than planned.

    Attributes
    ----------
    lag_years, ramp_years
        Announcement to first delivery, as the programme was run; first delivery to full reach.
    dose, overlap, leave_area
        Delivered over planned; what is left of a sum where programmes meet on one pupil; pupils who leave a year.
    cost_sigma, area_sigma
        Log SD of unit costs, and of delivery between areas.
    board_slower, board_weaker
        What the lack of one part of the board costs: share by which the lag is longer, log-odds of dose.
    procurement
        Model to the factor on the lag, against the programme's own mixture.
    open_procurement_years, network_years
        What full open procurement takes of the lag, and what the lack of networks adds.
    sharing_faster, sharing_better
        Where areas share fully: share by which the lag is shorter, log-odds of dose.
    spill
        Share of an area's activity that its twin takes up a year later.
    engagement_reach, engagement_survives
        Between a partner absent and fully there: log-odds of reach, and of first-year survival.
    load_loss
        Share of fidelity lost for each programme beyond what a school can take on.
    disadvantage_factor, recovery
        A learning shock where all pupils are disadvantaged over one where none is; share of it left a year later.
    """

    lag_years: Prior = MISSING
    ramp_years: Prior = MISSING
    dose: Prior = MISSING
    overlap: Prior = MISSING
    cost_sigma: float = MISSING
    area_sigma: float = MISSING
    leave_area: Prior = MISSING
    board_slower: Prior = MISSING
    board_weaker: Prior = MISSING
    procurement: dict[str, Prior] = MISSING
    open_procurement_years: Prior = MISSING
    network_years: Prior = MISSING
    sharing_faster: Prior = MISSING
    sharing_better: Prior = MISSING
    spill: Prior = MISSING
    engagement_reach: Prior = MISSING
    engagement_survives: Prior = MISSING
    load_loss: Prior = MISSING
    disadvantage_factor: Prior = MISSING
    recovery: Prior = MISSING

    def __post_init__(self) -> None:
        for name in ("lag_years", "ramp_years", "open_procurement_years", "network_years"):
            check_duration(f"delivery.{name}", getattr(self, name))
        for name in (
            "dose",
            "overlap",
            "leave_area",
            "board_slower",
            "sharing_faster",
            "spill",
            "load_loss",
            "recovery",
        ):
            check_share(f"delivery.{name}", getattr(self, name))
        for name in ("board_weaker", "sharing_better", "engagement_reach", "engagement_survives"):
            check_gain(f"delivery.{name}", getattr(self, name))
        for name, factor in self.procurement.items():
            check_duration(f"delivery.procurement.{name}", factor)
        between("delivery.cost_sigma", self.cost_sigma, 0, 2)
        between("delivery.area_sigma", self.area_sigma, 0, 2)


@dataclass
class Survival:
    """What goes on unpaid: the share that survives the first year, and each later year."""

    first_year: Prior = MISSING
    later: Prior = MISSING

    def __post_init__(self) -> None:
        check_share("survival: first_year", self.first_year)
        check_share("survival: later", self.later)


@dataclass
class Value:
    """What an outcome is worth in money, and to whom.

    Attributes
    ----------
    point_gbp
        Lifetime earnings that go with one Attainment 8 point of one pupil, present value at age 16, GBP.
    causal_share
        Share of that which the point causes.
    disadvantaged_factor
        What a point is worth to a disadvantaged pupil, as a share of what it is worth to another.
    benefit_prices, neet_prices
        The prices that ``point_gbp`` and ``neet_gbp`` are in; nothing is deflated.
    discount_rate, later_discount_rate
        Yearly, in the first 30 years and after them.
    elasticity
        Of the marginal utility of income: a pound counts ``ratio ** elasticity`` times as much to the poorer.
    income_ratio
        Income of other pupils, once grown up, over that of disadvantaged ones.
    neet_gbp, neet_causal_share
        Lifetime cost to the public purse of a young person who is NEET, GBP, and the share that is saved where one is
        not. It overlaps with earnings and is never added to them.
    review_above
        A ratio of benefit to cost above this is to be reviewed before it is used.
    """

    point_gbp: float = MISSING
    causal_share: Prior = MISSING
    disadvantaged_factor: float = MISSING
    benefit_prices: str = MISSING
    discount_rate: float = MISSING
    later_discount_rate: float = MISSING
    elasticity: float = MISSING
    income_ratio: Prior = MISSING
    neet_gbp: float = MISSING
    neet_causal_share: Prior = MISSING
    neet_prices: str = MISSING
    review_above: float = MISSING

    def __post_init__(self) -> None:
        between("value.point_gbp", self.point_gbp, 0, 1e6, " GBP")
        between("value.neet_gbp", self.neet_gbp, 0, 1e7, " GBP")
        between("value.disadvantaged_factor", self.disadvantaged_factor, 0, 5)
        between("value.discount_rate", self.discount_rate, 0, 0.2)
        between("value.later_discount_rate", self.later_discount_rate, 0, 0.2)
        between("value.elasticity", self.elasticity, 0, 5)
        between("value.review_above", self.review_above, 0, 1000)
        check_share("value.causal_share", self.causal_share)
        check_share("value.neet_causal_share", self.neet_causal_share)
        ratio = self.income_ratio
        if ratio.dist != "LogNormal" and not (ratio.dist == "Uniform" and ratio.a > 0):
            raise Refusal(f"value.income_ratio must be LogNormal or Uniform above 0, got {said(ratio)}: change it")


@dataclass
class Sampler:
    """How the baseline is sampled."""

    backend: str = MISSING
    chains: int = MISSING
    tune: int = MISSING
    draws: int = MISSING
    thin: int = MISSING
    target_accept: float = MISSING

    def __post_init__(self) -> None:
        one_of("sampler.backend", self.backend, SAMPLERS)
        between("sampler.chains", self.chains, 2, 16)
        between("sampler.tune", self.tune, 10, 20_000)
        between("sampler.draws", self.draws, 10, 20_000)
        between("sampler.thin", self.thin, 1, 100)
        between("sampler.target_accept", self.target_accept, 0.5, 0.999)


@dataclass
class Draws:
    """How many draws of the learned posterior a run carries."""

    draws: int = MISSING

    def __post_init__(self) -> None:
        between("sampler.draws", self.draws, 10, 20_000, " a chain")


@dataclass
class Panel:
    """The user's own files: published figures of authorities and of England.

    Attributes
    ----------
    path
        A file, or a folder of files that are read together.
    train_until
        The last year that may be learned from; 2019 is 2018/19. None: all.
    actuals
        What was published later, to score against; for a backtest only.
    """

    path: str | None = None
    train_until: int | None = None
    actuals: str | None = None

    def __post_init__(self) -> None:
        if self.train_until is not None:
            between("panel.train_until", self.train_until, 2000, 2100)


@dataclass
class Learning:
    """What the baseline is learned from, and how it is sampled."""

    panel: Panel = MISSING
    sampler: Sampler = MISSING
    seed: int = MISSING
    outputs: str = "outputs"
    data_folder: str | None = None

    def __post_init__(self) -> None:
        between("seed", self.seed, 0, 2**63 - 1)
        if not self.panel.path:
            raise Refusal("panel.path must name a file or a folder of published figures, got none: add panel.path=FILE")
