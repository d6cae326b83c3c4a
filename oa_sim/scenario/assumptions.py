"""Assumptions: what we do not know, as values that check themselves by the rules of their fields.

How studies are read, how money becomes activity, what survives it, and how the baseline is learned. What we choose
stands in ``schema``. Distributions of shares, durations and helps keep the rules of ``rules.SUPPORTS``.
"""

from dataclasses import dataclass

from omegaconf import MISSING

from oa_sim.definitions import CARRYING
from oa_sim.errors import Refusal
from oa_sim.scenario import rules
from oa_sim.scenario.rules import KEY, NAME, NAMES, SHARE, TRUTH, Checked, WrongValue, distribution, requested, setting

DISTRIBUTIONS = ("Beta", "Normal", "LogNormal", "Uniform", "HalfNormal")
POSITIVE = {"Beta": ("a", "b"), "LogNormal": ("a", "b"), "HalfNormal": ("a",), "Normal": ("b",)}
SAMPLERS = ("nutpie", "pymc")
LARGEST = 1e6  # of a number of a distribution


@dataclass
class Prior:
    """A distribution, given by its name and two numbers.

    ``Beta(a, b)``; ``Normal(mean a, sd b)``; ``LogNormal(median a, sigma b)``; ``Uniform(a, b)``;
    ``HalfNormal(sd a)``, where b is not used.
    """

    dist: str = MISSING
    a: float = MISSING
    b: float = 0.0

    def __post_init__(self) -> None:  # by hand, for speed: a scenario has more than fifty
        if self.dist not in DISTRIBUTIONS:
            raise rules.unknown_choice("dist", self.dist, DISTRIBUTIONS)
        if not (abs(self.a) <= LARGEST and abs(self.b) <= LARGEST):
            raise WrongValue(f"{KEY} must have numbers of at most {LARGEST:,.0f} in size, got {self}: change it")
        for name in POSITIVE.get(self.dist, ()):
            if not (value := getattr(self, name)) > 0:
                raise WrongValue(f"{KEY} must be above 0 in {self}, got {rules.spelled(value)}: raise it", name)
        if self.dist == "Uniform" and self.b < self.a:
            raise WrongValue(f"{KEY} must run from low to high, got {self}: swap its numbers")

    def __str__(self) -> str:
        return f"{self.dist}({self.a:g}, {self.b:g})"


@dataclass
class FadeOut(Checked):
    """What treated pupils keep: ``R(t) = f + (r1 - f) s^(t-1)`` with ``f = floor * r1``, t years after treatment."""

    owner = "evidence lead"
    first_year: Prior = distribution("Share of a gain left a year after treatment (r1)")
    later: Prior = distribution("Share of the fading part left after each later year (s)")
    floor: Prior = distribution("Share of the first year\u2019s remainder that never fades")


@dataclass
class OutsideView(Checked):
    """What programmes of this kind have mostly done: a Student-t on the whole-area effect at its peak, SD."""

    owner = "evidence lead"
    location: float = setting("Outside view: whole-area effect at its peak, centre", "SD of pupils", -1, 1)
    scale: float = setting("Outside view: whole-area effect at its peak, spread", "SD of pupils", 1e-4, 10)
    degrees_of_freedom: float = setting(
        "Outside view: weight of the tails, heavier if lower", "degrees of freedom", 1, 1000
    )
    is_on: bool = setting("Whether tables use the outside view; the headline is given both ways", TRUTH)


@dataclass
class Evidence(Checked):
    """How the studies are read, not the studies."""

    key, owner = "evidence", "evidence lead"
    family_mean: Prior = distribution("Mean effect of large trials, at scale", "normal", "SD of pupils")
    family_spread: Prior = distribution("Spread of effects between intervention types", "half_normal", "SD of pupils")
    kept_from_efficacy: Prior = distribution("Share of an efficacy or toolkit effect left at scale")
    kept_from_effectiveness: Prior = distribution("Share of an effectiveness effect left in local delivery")
    doubt_factor: float = setting("Factor on the standard errors of studies still to verify", "factor", 1, 10)
    fade_out: dict[str, FadeOut] = MISSING
    attendance_link: dict[str, Prior] = setting(
        "Share of a gain in the channel that carries over to attainment within the year",
        SHARE,
        support="share",
        choices=tuple(CARRYING),
        has_all=True,
    )
    outside_view: OutsideView = MISSING
    without: list[str] = setting("Studies left out", NAMES, default=list)

    def _check_together(self) -> None:
        for name in ("kept_from_efficacy", "kept_from_effectiveness"):
            kept = getattr(self, name)
            if kept.dist == "Uniform" and kept.b < 0.01:
                raise self.wrong(name, f" must keep something of an effect, got {kept}: raise it")
        ranges = {"family_mean.a": (-1, 1), "family_mean.b": (1e-4, 1), "family_spread.a": (1e-4, 0.5)}
        for name, (low, high) in ranges.items():
            field, _, part = name.partition(".")
            value = getattr(getattr(self, field), part)
            if not low <= value <= high:
                limits = rules.limits_in_words(low, high, "SD")
                raise self.wrong(name, f" must be {limits}, got {rules.spelled(value)}: choose a number in that range")


@dataclass
class Delivery(Checked):
    """How money becomes activity: late, unevenly, and less than planned."""

    key, owner = "delivery", "delivery lead"
    lag_years: Prior = distribution("Announcement to first delivery, as the programme was run", "positive", "years")
    ramp_years: Prior = distribution("First delivery to full reach", "positive", "years")
    dose: Prior = distribution("Activity delivered over activity planned")
    overlap: Prior = distribution("Share of the sum that is left where programmes meet on one pupil")
    cost_sigma: float = setting("Spread of unit costs", "log SD", 0, 2)
    area_sigma: float = setting("Spread of delivery between areas", "log SD", 0, 2)
    leave_area: Prior = distribution("Pupils who leave the area in a year")
    board_slower: Prior = distribution("Lag added where a part of the board is absent", "share", "share of the lag")
    board_weaker: Prior = distribution("Dose lost where a part of the board is absent", "gain", "log-odds")
    procurement: dict[str, Prior] = distribution(
        "Factor on the lag of this procurement model, against the programme\u2019s mixture", "positive", "factor"
    )
    open_procurement_years: Prior = distribution("Part of the lag that open procurement takes", "positive", "years")
    network_years: Prior = distribution("Lag added where there were no networks", "positive", "years")
    sharing_faster: Prior = distribution("Lag saved where areas share fully", "share", "share of the lag")
    sharing_better: Prior = distribution("Dose gained where areas share fully", "gain", "log-odds")
    spill: Prior = distribution("Share of an area\u2019s activity that its twin takes up a year later")
    engagement_reach: Prior = distribution("Reach gained from an engaged partner", "gain", "log-odds")
    engagement_survives: Prior = distribution("First-year survival gained from an engaged partner", "gain", "log-odds")
    load_loss: Prior = distribution("Fidelity lost for each programme beyond what a school can take on")
    disadvantage_factor: Prior = setting("Learning shock of disadvantaged pupils, over that of others", "factor")
    recovery: Prior = distribution("Share of a learning shock left a year later")


@dataclass
class Survival(Checked):
    """What goes on unpaid."""

    owner = "evidence lead"
    first_year: Prior = distribution("Share of activity that goes on in the first year without money")
    later: Prior = distribution("Share of that activity that goes on in each later year")


@dataclass
class Value(Checked):
    """What an outcome is worth in money, and to whom; nothing is deflated."""

    key, owner = "value", "value-for-money analyst"
    point_gbp: float = setting("Lifetime earnings per Attainment 8 point, present value at 16", "£ per point", 0, 1e6)
    causal_share: Prior = distribution("Share of those earnings that the point causes")
    disadvantaged_factor: float = setting("Worth of a point to a disadvantaged pupil, over others", "factor", 0, 5)
    benefit_prices: str = setting("Prices of lifetime earnings", NAME)
    discount_rate: float = setting("Discount rate of the first 30 years", "1 / year", 0, 0.2)
    later_discount_rate: float = setting("Discount rate after 30 years", "1 / year", 0, 0.2)
    elasticity: float = setting("Elasticity of the marginal utility of income", "1", 0, 5)
    income_ratio: Prior = distribution("Adult income of other pupils, over disadvantaged ones", "positive", "factor")
    neet_gbp: float = setting("Lifetime public cost of a young person who is NEET", "£ per person", 0, 1e7)
    neet_causal_share: Prior = distribution("Share of that cost saved where a person is not NEET")
    neet_prices: str = setting("Prices of the cost of NEET", NAME)
    review_above: float = setting("Benefit over cost above which a figure is reviewed before use", "£ per £", 0, 1000)


@dataclass
class Sampler(Checked):
    """How the baseline is sampled."""

    key = "sampler"
    backend: str = setting("Library that samples", NAME, choices=SAMPLERS)
    chains: int = setting("Chains", "", 2, 16)
    tune: int = setting("Iterations of a chain before draws are kept", "", 10, 20_000)
    draws: int = setting("Draws kept", "draws a chain", 10, 20_000)
    thin: int = setting("One draw in so many is kept", "", 1, 100)
    target_accept: float = setting("Acceptance rate that the step size aims at", SHARE, 0.5, 0.999)


@dataclass
class Draws(Checked):
    """How many draws of the learned posterior a run carries."""

    key = "sampler"
    draws: int = requested("Draws of the posterior that a run carries", "draws a chain", 10, 20_000)


SCORED = ("later", "missing")  # all after train_until, or those that the panel lacks


@dataclass
class Panel(Checked):
    """The user's own files: published figures of authorities and of England."""

    key = "panel"
    path: str | None = setting("File, or folder of files that are read together", "a file", default=None)
    train_until: int | None = setting("Last year to learn from, 2019 is 2018/19", "", 2000, 2100, default=None)
    actuals: str | None = setting("Later figures to score a backtest against", "a file", default=None)
    districts: str | None = setting("Key stage 2 of districts, to forecast what it lacks", "a file", default=None)
    districts_actuals: str | None = setting("Later figures to score districts against", "a file", default=None)
    score: str = setting("Which figures of actuals are scored", NAME, choices=SCORED, default="later")


@dataclass
class Learning(Checked):
    """What the baseline is learned from, and how it is sampled."""

    panel: Panel = MISSING
    sampler: Sampler = MISSING
    seed: int = setting("Root of the random numbers", "", 0, 2**63 - 1)
    outputs: str = setting("Where results go", "a folder", default="outputs")
    data_folder: str | None = setting("Where the tables are; null: inside the package", "a folder", default=None)

    def _check_together(self) -> None:
        if not self.panel.path:
            raise Refusal("panel.path must name a file or a folder of published figures, got none: add panel.path=FILE")
