"""Schema: one complete set of choices, as values that check themselves by the rules of their fields.

A group in ``configs/`` is a field here. The classes are plain dataclasses, not frozen, because Hydra
cannot compose into frozen ones: treat them as values and change a copy with ``dataclasses.replace``.

``Organisation`` says how the programme is run. What each of its choices does is an assumption and stands in
``assumptions``. The meaning, unit, range and owner of a field stand beside it alone.
"""

from dataclasses import dataclass

from omegaconf import MISSING

from oa_sim.definitions import CHANNELS, GROUPS, LONGEST_HORIZON, MEASURES, PHASES, SHORTEST_HORIZON, YEAR_GROUPS
from oa_sim.scenario import rules
from oa_sim.scenario.assumptions import Delivery, Draws, Evidence, Prior, Survival, Value
from oa_sim.scenario.config_files import title_of
from oa_sim.scenario.rules import NAME, NAMES, SCORE, SHARE, TRUTH, Checked, distribution, requested, scores, setting

BOARD = ("partnership_board", "independent_chair", "programme_manager", "administrative_support", "subgroups")
PARTNERS = ("families", "employers", "voluntary_sector")
PROCUREMENT = ("mixed", "tender", "school_to_school", "grants")
REVIEWS = ("none", "to_progress", "to_effect")
SHARE_TOLERANCE = 1e-6
SPLITS = {  # how the money is shared, in words, from the simplest to the least simple
    "equal": "equally between the areas",
    "per_pupil": "by number of pupils",
    "per_disadvantaged_pupil": "by number of disadvantaged pupils",
    "as_paid": "as it was paid",
    "custom": "by chosen weights",
}
RULES = ("shares", "delivery_plans")
ENDINGS = {  # what happens when funding ends, in words
    "stop": "funding stops at once",
    "taper": "funding tapers off",
    "extend": "the same money is spread over more years",
    "hand_over": "local partners take over",
}
PRINCIPLES = (
    *("existing_networks", "clear_vision", "capacity_not_posts", "partners_beyond_education"),
    *("community", "evidence_shared", "manager_stays"),
)
LONGEST_NAME = 64
SERVED = tuple(group for group in GROUPS if group != "all")
YEARS = YEAR_GROUPS[0], YEAR_GROUPS[-1]
FINANCE, EVIDENCE, DELIVERY = "programme finance", "evidence lead", "delivery lead"


@dataclass
class Organisation(Checked):
    """How the programme is run."""

    key, owner = "organisation", DELIVERY
    board: dict[str, float] = scores("How far this part of the board is in place", BOARD)
    procurement: str = setting("How activity is bought", NAME, choices=PROCUREMENT)
    sign_off_gbp: float = setting("Spending line above which open procurement applies", "£ per year", 0, 1e12)
    networks: dict[str, float] = scores("How far networks existed before the programme", PHASES)
    sharing: float = setting("How far areas share what works", SCORE, 0, 1)
    twins: dict[str, str] = setting("The area that takes up what this one does", NAMES)
    engagement: dict[str, float] = scores("How far these partners are engaged", PARTNERS)
    national: list[str] = setting("National programmes with priority access, beside the budget", NAMES)
    schools_take: float = setting("Programmes that a school can take on at once", "programmes", 0, 100)
    events: list[str] = setting("Events that come about", NAMES)
    review: str = setting("Rule by which an area\u2019s shares are reset", NAME, choices=REVIEWS)
    review_after: int = setting("Funded years after which shares are reset", "funded years", 1, 14)

    def _check_together(self) -> None:
        self.national, self.events = sorted(self.national), sorted(self.events)  # an order typed is no other question
        for area, twin in self.twins.items():
            if area == twin:
                raise self.wrong("twins", f": {area!r} is twinned with itself: name another area")


@dataclass
class Areas(Checked):
    """Which areas, by name; kept in the order of the table, so the order given never matters."""

    key = "areas"
    names: list[str] = requested("Any districts or authorities of England, however written; or a set of areas", NAMES)


@dataclass
class Budget(Checked):
    """How much money, over which years, and what comes off the top."""

    key, owner = "budget", FINANCE
    total_gbp: float = setting("Total budget, in the prices of price_base; no year is inflated", "£, nominal", 0, 1e11)
    profile: list[float] = setting("Relative size of each funded year", "weights", 0, 1e12)
    management_share: float = setting("Share for programme management, taken first", SHARE, 0, 1)
    announced_years_before: float = setting("Announcement of the first areas to the first funded year", "years", 0, 5)
    second_group_later_years: float = setting("Delay of the second areas\u2019 announcement", "years", 0, 5)
    payment_rounds: list[float] = setting("Share of the first year\u2019s money paid in time, by payment", SHARE, 0, 1)
    carry_over: bool = setting("Whether money that arrives too late is spent in the second year", TRUTH)
    reallocation: bool = setting("Whether money that an area cannot use goes to others", TRUTH)
    enough_gbp_per_pupil: float = setting("What an area can use", "£ per pupil and year", 1, 1e6)
    price_base: str = setting("Prices of the budget", NAME)
    plan: str | None = setting("File of a plan in place of split and portfolio", "a file", default=None)

    def _check_together(self) -> None:
        if not sum(self.payment_rounds) <= 1 + SHARE_TOLERANCE:
            paid = rules.spelled(sum(self.payment_rounds))
            raise self.wrong("payment_rounds", f" must sum to at most 1, got {paid}: change them so that they do")
        if not 1 <= len(self.profile) <= 15:
            raise self.wrong("profile", f" must have 1 to 15 funded years, got {len(self.profile)}: change the list")
        if sum(self.profile) <= 0:
            raise self.wrong("profile", " must give weight to some year, got only zeros: name a funded year")


@dataclass
class Split(Checked):
    """How the money is shared among areas; ``shares`` belongs to the rule ``custom`` alone."""

    key, owner = "split", FINANCE
    rule: str = setting("How the money is shared among areas", NAME, choices=tuple(SPLITS))
    shares: dict[str, float] = setting("Share of the money for an area", SHARE, 0, 1, default=dict)

    def _check_together(self) -> None:
        if self.rule == "custom" and not self.shares:
            raise self.wrong(
                "shares", " must give a share for each area where split=custom, got none: add {Norwich: 0.5, ...}"
            )
        if self.rule != "custom" and self.shares:
            raise self.wrong("shares", f" belongs to split=custom, got split={self.rule}: choose custom or drop it")
        _check_sum(self, self.shares)


@dataclass
class Portfolio(Checked):
    """Which interventions, and each one's share of the money; no shares means that nothing is bought.

    By the rule ``delivery_plans`` each area buys what serves its own priorities (``priorities.csv``).
    """

    key, owner = "portfolio", DELIVERY
    name: str = requested("Name of the portfolio; its shares are numbers", NAME)
    shares: dict[str, float] = setting("Share of the money that goes to an intervention", SHARE, 0, 1, default=dict)
    rule: str = setting("How each area chooses what it buys", NAME, choices=RULES, default="shares")

    def _check_together(self) -> None:
        if self.rule == "delivery_plans" and self.shares:
            raise self.wrong("shares", " does not go with the rule delivery_plans, got both: drop one")
        if self.name == "custom" and not self.shares:
            raise self.wrong("shares", " must be given where portfolio=custom, got none: add {early_language: 1.0}")
        _check_sum(self, self.shares)


def _check_sum(holder: Split | Portfolio, shares: dict[str, float]) -> None:
    """Refuse shares that do not sum to one."""
    total = sum(shares.values())
    if shares and abs(total - 1) > SHARE_TOLERANCE:
        raise holder.wrong("shares", f" must sum to 1, got {rules.spelled(total)}: change them so that they do")


@dataclass
class Intervention(Checked):
    """One funded activity with evidence about its effect."""

    owner = DELIVERY
    label: str = requested("Title of the intervention", NAME)
    phase: str = setting("Phase in which it works", NAME, choices=PHASES)
    kind: str = setting("What carries it on when the money stops, a key of sustainability.kinds", NAME)
    year_groups: list[int] = setting("Year groups served, Reception = 0", "year groups", *YEARS)
    eligible: dict[str, float] = setting("Share of pupils who may be served", SHARE, 0, 1, choices=SERVED, has_all=True)
    acts_on: dict[str, float] = setting(
        "Share of the effect on the channel", "share, 0 to 3", 0, 3, choices=CHANNELS, owner=EVIDENCE
    )
    study_type: str = setting("Type of the studies of its effect, or family", NAME, owner=EVIDENCE)
    fade_out: str = setting("How its gain fades, a key of evidence.fade_out", NAME, owner=EVIDENCE)
    unit_cost_gbp: float = setting("Median cost of a fully served pupil", "£ per pupil and year", 1, 1e5, owner=FINANCE)
    capacity: float = setting("Largest share of eligible pupils that it can reach", SHARE, 0.001, 1)
    extra_lag_years: float = setting("Delay against early-years and school work", "years", 0, 5, default=0.0)
    rests_on_trained_staff: bool = setting("Whether activity ends where trained staff leave", TRUTH, default=False)
    source: str = requested("Source of its numbers, in words", NAME)

    def _check_together(self) -> None:
        if not self.year_groups:
            raise self.wrong("year_groups", " must name each year group once, got none: list them")


@dataclass
class Sustainability(Checked):
    """How the money ends, what survives it, and when a risk is called high."""

    key, owner = "sustainability", EVIDENCE
    ending: str = setting("How the money ends", NAME, choices=tuple(ENDINGS))
    taper_years: int = setting("Years over which the end is spread", "years", 1, 10)
    extend_years: int = setting("Years over which the same money is spread", "years", 1, 10)
    kinds: dict[str, Survival] = MISSING
    quality: Prior = distribution("Quality of what goes on, against what was paid for")
    principles: dict[str, float] = setting("How far this principle is in place", SCORE, 0, 1, choices=PRINCIPLES)
    principle_shift: Prior = setting("First-year survival gained from a principle fully in place", "log-odds")
    staff_stay: Prior = distribution("Share of trained staff who are still in their school a year later")
    retraining: float = setting("Share of leavers whose successors are trained unpaid", SHARE, 0, 1)
    what_matters_sd: float = setting("Smallest impact worth reporting", "SD of pupils", 0, 1)
    high_risk_below: float = setting("High risk: P(half the peak left after five years) below this", SHARE, 0, 1)
    low_risk_above: float = setting("Low risk: P(half the peak left after five years) above this", SHARE, 0, 1)

    def _check_together(self) -> None:
        if self.ending == "hand_over" and not any(self.principles.values()):
            raise self.wrong(
                "ending",
                "=hand_over needs a principle above 0, since those carry it on, got none: choose "
                "sustainability=hand_over",
            )
        if self.high_risk_below > self.low_risk_above:
            limits, share = rules.limits_in_words(0, self.low_risk_above, ""), rules.spelled(self.high_risk_below)
            raise self.wrong("high_risk_below", f" must be {limits} (low_risk_above), got {share}: lower it")


@dataclass
class Scenario(Checked):
    """One complete set of choices. History before ``start_year`` is what the baseline knows."""

    owner = DELIVERY
    name: str = requested("Name of the scenario", NAME)
    start_year: int = requested("First funded and projected year, 2024 is 2023/24", "", 2018, 2040)
    horizon: int = requested("Years projected", "years", SHORTEST_HORIZON, LONGEST_HORIZON)
    seed: int = requested("Root of every random number", "", 0, 2**63 - 1)
    measures: list[str] = requested("Published outcomes", NAMES, choices=tuple(MEASURES))
    areas: Areas = MISSING
    budget: Budget = MISSING
    split: Split = MISSING
    portfolio: Portfolio = MISSING
    interventions: dict[str, Intervention] = MISSING
    evidence: Evidence = MISSING
    delivery: Delivery = MISSING
    organisation: Organisation = MISSING
    sustainability: Sustainability = MISSING
    value: Value = MISSING
    sampler: Draws = MISSING
    posterior: str | None = requested("Posterior of oa-sim fit; null: inside the package", "a file", default=None)
    outputs: str = requested("Where results go", "a folder", default="outputs")
    data_folder: str | None = requested("Where the tables are; null: inside the package", "a folder", default=None)

    def _check_together(self) -> None:
        if not self.measures:
            raise self.wrong("measures", " must name at least one measure, got none: list some")
        for name in self.portfolio.shares:
            if name not in self.interventions:
                raise self.unknown("intervention in portfolio.shares", name, self.interventions)
        is_plain = all(letter.isalnum() or letter in "-_" for letter in self.name)
        if not is_plain or not 0 < len(self.name) <= LONGEST_NAME:
            raise self.wrong(
                "name",
                f" must be 1 to {LONGEST_NAME} letters, digits, - and _, since a folder bears it, got {self.name!r}: "
                "change it",
            )
        procurement = self.organisation.procurement
        if procurement not in self.delivery.procurement:
            raise self.unknown("organisation.procurement", procurement, self.delivery.procurement)
        for name, intervention in self.interventions.items():
            for field, choices in (("kind", self.sustainability.kinds), ("fade_out", self.evidence.fade_out)):
                if getattr(intervention, field) not in choices:
                    raise self.unknown(f"interventions.{name}.{field}", getattr(intervention, field), choices)
        self.measures = [measure for measure in MEASURES if measure in self.measures]  # however typed

    @property
    def title(self) -> str:
        """The title that people read; of a scenario without one, its name in words."""
        return title_of("scenario", self.name)

    @property
    def years(self) -> list[int]:
        """The projected years, each the calendar year in which an academic year ends."""
        return list(range(self.start_year, self.start_year + self.horizon))
