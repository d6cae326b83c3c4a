"""Organisation: how the programme is run, as values that check themselves.

Who steers it, how it buys, which networks it can use, what it learns from others, whom it engages, what goes on
beside it in the same schools, and what happens to it on the way. What each of these does is an assumption and
stands in ``assumptions``.
"""

from dataclasses import dataclass

from omegaconf import MISSING

from oa_sim.definitions import PHASES
from oa_sim.errors import Refusal, between, one_of

BOARD = ("partnership_board", "independent_chair", "programme_manager", "administrative_support", "subgroups")
PARTNERS = ("families", "employers", "voluntary_sector")
PROCUREMENT = ("mixed", "tender", "school_to_school", "grants")
REVIEWS = ("none", "to_progress", "to_effect")


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

    def __post_init__(self):
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
