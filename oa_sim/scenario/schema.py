"""Schema: one complete set of choices, as values that check themselves.

A group in ``configs/`` is a field here. The classes are plain dataclasses, not frozen, because Hydra
cannot compose into frozen ones: treat them as values and change a copy with ``dataclasses.replace``.

``Organisation`` says how the programme is run: who steers it, how it buys, which networks it can use, what it learns
from others, whom it engages, what goes on beside it in the same schools, and what happens to it on the way. What each
of these does is an assumption and stands in ``assumptions``.
"""

from dataclasses import dataclass, field

from omegaconf import MISSING

from oa_sim.definitions import CHANNELS, GROUPS, LONGEST_HORIZON, MEASURES, PHASES, SHORTEST_HORIZON, YEAR_GROUPS
from oa_sim.errors import Refusal, between, one_of
from oa_sim.scenario.assumptions import Delivery, Draws, Evidence, Prior, Survival, Value, check_share

BOARD = ("partnership_board", "independent_chair", "programme_manager", "administrative_support", "subgroups")
PARTNERS = ("families", "employers", "voluntary_sector")
PROCUREMENT = ("mixed", "tender", "school_to_school", "grants")
REVIEWS = ("none", "to_progress", "to_effect")
SHARE_TOLERANCE = 1e-6
SPLITS = ("equal", "per_pupil", "per_disadvantaged_pupil", "as_paid", "custom")
RULES = ("shares", "delivery_plans")
ENDINGS = ("stop", "taper", "extend", "hand_over")
PRINCIPLES = (
    *("existing_networks", "clear_vision", "capacity_not_posts", "partners_beyond_education"),
    *("community", "evidence_shared", "manager_stays"),
)


@dataclass
class Organisation:
    """How the programme is run.

    Attributes
    ----------
    board
        What steers it, each from 0 (absent) to 1 (fully there): time to first delivery, and fidelity.
    procurement
        How activity is bought; ``mixed`` is the programme's own mixture.
    sign_off_gbp
        A line of an area's spend that is above it in some year goes through open procurement, GBP a year.
    networks
        Whether networks stood before the programme, by phase, 0 to 1: without them work starts later.
    sharing
        How far areas share what works, 0 to 1.
    twins
        An area, and the area that takes up what it does.
    engagement
        Partners won, 0 to 1; 0.5 is the partial engagement that the evaluation found. Reach and survival.
    national
        National programmes that the areas have priority access to, names of ``national.csv``.
    schools_take
        Programmes that a school can take on at once before fidelity falls.
    events
        Names of ``events.csv`` that come about.
    review, review_after
        The rule by which an area's shares are re-set, and the funded years after which it is.
    """

    board: dict[str, float] = MISSING
    procurement: str = MISSING
    sign_off_gbp: float = MISSING
    networks: dict[str, float] = MISSING
    sharing: float = MISSING
    twins: dict[str, str] = MISSING
    engagement: dict[str, float] = MISSING
    national: list[str] = MISSING
    schools_take: float = MISSING
    events: list[str] = MISSING
    review: str = MISSING
    review_after: int = MISSING

    def __post_init__(self) -> None:
        _scores("board", self.board, BOARD)
        _scores("networks", self.networks, PHASES)
        _scores("engagement", self.engagement, PARTNERS)
        one_of("organisation.procurement", self.procurement, PROCUREMENT)
        one_of("organisation.review", self.review, REVIEWS)
        between("organisation.sign_off_gbp", self.sign_off_gbp, 0, 1e12, " GBP")
        between("organisation.sharing", self.sharing, 0, 1)
        between("organisation.schools_take", self.schools_take, 0, 100, " programmes")
        between("organisation.review_after", self.review_after, 1, 14, " funded years")
        for what, names in (("national", self.national), ("events", self.events)):
            if len(set(names)) != len(names):
                raise Refusal(f"organisation.{what} must name each once, got {names}: list them once")
        self.national, self.events = sorted(self.national), sorted(self.events)  # an order typed is no other question
        for area, twin in self.twins.items():
            if area == twin:
                raise Refusal(f"organisation.twins: {area!r} is twinned with itself: name another area")


def _scores(what: str, scores: dict[str, float], known: tuple[str, ...]) -> None:
    """Refuse scores that are not 0 to 1, one for each known name."""
    for name, score in scores.items():
        one_of(f"key of organisation.{what}", name, known)
        between(f"organisation.{what}.{name}", score, 0, 1)
    for name in known:
        if name not in scores:
            raise Refusal(f"organisation.{what} must give each a score, got none for {name!r}: add it")


def _sums_to_one(what: str, shares: dict[str, float]) -> None:
    """Refuse shares that are negative or do not sum to one."""
    for name, share in shares.items():
        between(f"{what}: share of {name!r}", share, 0, 1)
    total = sum(shares.values())
    if abs(total - 1) > SHARE_TOLERANCE:
        raise Refusal(f"{what}: shares must sum to 1, got {total:g}: change them so that they do")


@dataclass
class Areas:
    """Which areas, by name; kept in the order of the table, so the order given never matters."""

    names: list[str] = MISSING


@dataclass
class Budget:
    """How much money, over which years, and what comes off the top.

    Attributes
    ----------
    total_gbp
        All the money, GBP of ``price_base``; no year is inflated.
    profile
        Relative size of each funded year.
    management_share
        Share for programme managers, taken before anything else.
    announced_years_before
        Years between the announcement of the first group of areas and the first funded year.
    second_group_later_years
        Years by which the second group of areas was announced later.
    payment_rounds
        Payments of the first funded year, each a share of that year's money; the rest comes too late for that year.
    carry_over
        Whether that rest is spent in the next year; otherwise it stays unspent.
    reallocation
        Whether money that an area cannot use goes to the others.
    enough_gbp_per_pupil
        What an area can use, GBP a pupil on the roll and year; for ``reallocation``.
    plan
        A file of pounds by area, intervention and year that stands for split and portfolio; ``budget.read``.
    """

    total_gbp: float = MISSING
    profile: list[float] = MISSING
    management_share: float = MISSING
    announced_years_before: float = MISSING
    second_group_later_years: float = MISSING
    payment_rounds: list[float] = MISSING
    carry_over: bool = MISSING
    reallocation: bool = MISSING
    enough_gbp_per_pupil: float = MISSING
    price_base: str = MISSING
    plan: str | None = None

    def __post_init__(self) -> None:
        between("budget.total_gbp", self.total_gbp, 0, 1e11, " GBP")
        between("budget.management_share", self.management_share, 0, 1)
        between("budget.announced_years_before", self.announced_years_before, 0, 5, " years")
        between("budget.second_group_later_years", self.second_group_later_years, 0, 5, " years")
        between("budget.enough_gbp_per_pupil", self.enough_gbp_per_pupil, 1, 1e6, " GBP")
        for share in self.payment_rounds:
            between("budget.payment_rounds: a round's share", share, 0, 1)
        between("budget.payment_rounds: their sum", sum(self.payment_rounds), 0, 1 + SHARE_TOLERANCE)
        if not 1 <= len(self.profile) <= 15:
            raise Refusal(f"budget.profile must have 1 to 15 funded years, got {len(self.profile)}: change the list")
        for weight in self.profile:
            between("budget.profile: a year's weight", weight, 0, 1e12)
        if sum(self.profile) <= 0:
            raise Refusal("budget.profile must give weight to some year, got only zeros: name a funded year")


@dataclass
class Split:
    """How the money is shared among areas; ``shares`` belongs to the rule ``custom`` alone."""

    rule: str = MISSING
    shares: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        one_of("split.rule", self.rule, SPLITS)
        if self.rule == "custom" and not self.shares:
            raise Refusal("split=custom needs a share for each area, got none: add split.shares={Norwich: 0.5, ...}")
        if self.rule != "custom" and self.shares:
            raise Refusal(f"split.shares belongs to split=custom, got split={self.rule}: choose custom or drop it")
        if self.shares:
            _sums_to_one("split 'custom'", self.shares)


@dataclass
class Portfolio:
    """Which interventions, and each one's share of the money; no shares means that nothing is bought.

    By the rule ``delivery_plans`` each area buys what serves its own priorities (``priorities.csv``).
    """

    name: str = MISSING
    shares: dict[str, float] = field(default_factory=dict)
    rule: str = "shares"

    def __post_init__(self) -> None:
        one_of("portfolio.rule", self.rule, RULES)
        if self.rule == "delivery_plans" and self.shares:
            raise Refusal("portfolio.shares does not go with the rule delivery_plans, got both: drop one")


@dataclass
class Intervention:
    """One funded activity with evidence about its effect.

    Attributes
    ----------
    phase, kind
        Where it works; what carries it on when the money stops (a key of ``sustainability.kinds``).
    year_groups
        The year groups it serves, Reception = 0.
    eligible
        Share of each group that may be served.
    acts_on
        Channel to the share of the effect that reaches it.
    study_type
        The rows of ``studies.csv`` that speak for it, or ``family`` where only the family of large trials does.
    fade_out
        A key of ``studies.fade_out``.
    unit_cost_gbp
        Median cost per fully served pupil and year, GBP.
    capacity
        Largest share of eligible pupils that can be reached.
    extra_lag_years
        Years by which it starts later than early-years and school work.
    rests_on_trained_staff
        True where what goes on unpaid leaves with the staff who were trained.
    """

    label: str = MISSING
    phase: str = MISSING
    kind: str = MISSING
    year_groups: list[int] = MISSING
    eligible: dict[str, float] = MISSING
    acts_on: dict[str, float] = MISSING
    study_type: str = MISSING
    fade_out: str = MISSING
    unit_cost_gbp: float = MISSING
    capacity: float = MISSING
    extra_lag_years: float = 0.0
    rests_on_trained_staff: bool = False
    source: str = MISSING

    def __post_init__(self) -> None:
        one_of("intervention phase", self.phase, PHASES)
        if not self.year_groups or len(set(self.year_groups)) != len(self.year_groups):
            raise Refusal(
                f"{self.label}: year_groups must name each year group once, got {self.year_groups}: list them"
            )
        for year_group in self.year_groups:
            between(f"{self.label}: a year group", year_group, YEAR_GROUPS[0], YEAR_GROUPS[-1])
        if set(self.eligible) != set(GROUPS) - {"all"}:
            raise Refusal(
                f"{self.label}: eligible must name disadvantaged and other, got {sorted(self.eligible)}: name both"
            )
        for group, share in self.eligible.items():
            between(f"{self.label}: eligible share of {group}", share, 0, 1)
        for channel, weight in self.acts_on.items():
            one_of(f"channel of {self.label}", channel, CHANNELS)
            between(f"{self.label}: share of the effect on {channel}", weight, 0, 3)
        between(f"{self.label}: unit_cost_gbp", self.unit_cost_gbp, 1, 1e5, " GBP")
        between(f"{self.label}: capacity", self.capacity, 0.001, 1)
        between(f"{self.label}: extra_lag_years", self.extra_lag_years, 0, 5, " years")


@dataclass
class Sustainability:
    """How the money ends, what survives it, and when a risk is called high."""

    ending: str = MISSING
    taper_years: int = MISSING
    extend_years: int = MISSING
    kinds: dict[str, Survival] = MISSING
    quality: Prior = MISSING
    principles: dict[str, float] = MISSING
    principle_shift: Prior = MISSING
    staff_stay: Prior = MISSING  # share of trained staff who are still in their school a year later
    retraining: float = MISSING  # share of leavers whose successors are trained, without the programme's money
    what_matters_sd: float = MISSING  # the smallest impact worth speaking of
    high_risk_below: float = MISSING
    low_risk_above: float = MISSING

    def __post_init__(self) -> None:
        one_of("sustainability.ending", self.ending, ENDINGS)
        check_share("sustainability.quality", self.quality)
        check_share("sustainability.staff_stay", self.staff_stay)
        between("sustainability.retraining", self.retraining, 0, 1)
        between("sustainability.what_matters_sd", self.what_matters_sd, 0, 1, " SD")
        if self.ending == "hand_over" and not any(self.principles.values()):
            raise Refusal(
                "sustainability.ending=hand_over needs a principle above 0, since those carry it on, got none: choose "
                "sustainability=hand_over"
            )
        between("sustainability.taper_years", self.taper_years, 1, 10, " years")
        between("sustainability.extend_years", self.extend_years, 1, 10, " years")
        for name, score in self.principles.items():
            one_of("principle of sustainability", name, PRINCIPLES)
            between(f"sustainability.principles.{name}", score, 0, 1)
        between("sustainability.low_risk_above", self.low_risk_above, 0, 1)
        between("sustainability.high_risk_below", self.high_risk_below, 0, self.low_risk_above)


@dataclass
class Scenario:
    """One complete set of choices.

    Attributes
    ----------
    start_year
        The first funded and first projected year; 2024 is 2023/24. History before it is what the baseline knows.
    horizon
        Years projected, 5 to 15.
    seed
        Root of every random number.
    posterior
        A learned posterior that ``oa-sim fit`` wrote; None: the one inside the package.
    """

    name: str = MISSING
    start_year: int = MISSING
    horizon: int = MISSING
    seed: int = MISSING
    measures: list[str] = MISSING
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
    posterior: str | None = None
    outputs: str = "outputs"
    data_folder: str | None = None

    def __post_init__(self) -> None:
        between("horizon", self.horizon, SHORTEST_HORIZON, LONGEST_HORIZON, " years")
        between("start_year", self.start_year, 2018, 2040)
        between("seed", self.seed, 0, 2**63 - 1)
        for measure in self.measures:
            one_of("measure", measure, tuple(MEASURES))
        if len(set(self.measures)) != len(self.measures) or not self.measures:
            raise Refusal(f"measures must name each measure once, got {self.measures}: list them once")
        for name in self.portfolio.shares:
            one_of(f"intervention in portfolio {self.portfolio.name!r}", name, tuple(self.interventions))
        if self.portfolio.name == "custom" and not self.portfolio.shares:
            raise Refusal("portfolio=custom needs shares, got none: add portfolio.shares={early_language: 1.0}")
        if self.portfolio.shares:
            _sums_to_one(f"portfolio {self.portfolio.name!r}", self.portfolio.shares)
        if not all(character.isalnum() or character in "-_" for character in self.name) or not 0 < len(self.name) < 65:
            raise Refusal(
                f"name must be 1 to 64 letters, digits, - and _, since a folder bears it, got {self.name!r}: change it"
            )
        one_of(
            "procurement without a prior in delivery", self.organisation.procurement, tuple(self.delivery.procurement)
        )
        for name, intervention in self.interventions.items():
            one_of(f"kind of {name}", intervention.kind, tuple(self.sustainability.kinds))
            one_of(f"fade_out of {name}", intervention.fade_out, tuple(self.evidence.fade_out))
        self.measures = [measure for measure in MEASURES if measure in self.measures]

    @property
    def years(self) -> list[int]:
        """The projected years, each the calendar year in which an academic year ends."""
        return list(range(self.start_year, self.start_year + self.horizon))
