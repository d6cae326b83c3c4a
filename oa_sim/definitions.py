"""Definitions: every dimension, group, measure and quantity, with its meaning and unit.

One concept has one word, spelled here once. Nothing outside the standard library is imported, so
that help and ``show`` stay quick; ``coordinates`` loads xarray when it is first called.
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

KEPT = 256  # sets of coordinates that are kept: a sweep over areas, endings and horizons has as many
DIMS = ("scenario", "chain", "draw", "area", "group", "measure", "intervention", "year_group", "year")
QUANTITIES = {
    "projection": "what follows from the scenario",
    "counterfactual": "the same draws and the same noise with no spend",
    "impact": "projection minus counterfactual",
}
GROUPS = {
    "disadvantaged": "disadvantaged pupils as the measure's own publication defines them",
    "other": "all other pupils",
    "all": "all pupils: the roll-weighted mean of the two groups, or the published figure where no group is published",
}
MEAN_OF_AREAS = "mean of areas"  # a place in tables and stores: the unweighted mean, formed draw by draw
ALL_AREAS = "all areas"  # a place in tables: all pupils or all money of the areas together
MEAN_REGION = "Mean of the areas"  # the region of ``MEAN_OF_AREAS`` in IAMC's format
PHASES = ("early_years", "primary", "secondary", "post_16", "attendance")
YEAR_GROUPS = tuple(range(-2, 15))  # counted from Reception = 0; -2 is age 2 to 3, 14 is the year of turning 19
CHANNELS = ("attainment", "persistent_absence", "suspensions", "neet")
CARRYING = ("persistent_absence", "suspensions")  # channels that act on attainment within the year
QUANTILES = {"q05": 0.05, "q10": 0.10, "q25": 0.25, "q50": 0.50, "q75": 0.75, "q90": 0.90, "q95": 0.95}
TABLE_COLUMNS = (
    *("scenario", "area", "group", "measure", "year", "quantity", "unit", "mean", "sd"),
    *QUANTILES,
    *("proxy", "estimated", "n_draws"),
)
SHORTEST_HORIZON, LONGEST_HORIZON = 5, 15
SCHOOL_YEARS = tuple(range(0, 12))
FAVOURITE = ("key_stage_2", "disadvantaged")  # what a headline speaks of, where it was asked for
ATTAINMENT_8_SD = 19.0  # points; pupil standard deviation; recalled, to verify
POSTERIOR_NAMES = {
    "mu": "difference of authorities from England",
    "london": "difference of London from the rest of England",
    "london_trend": "yearly growth of London's difference",
    "level_sd": "SD of levels between areas",
    "level_partials": "correlation of levels between series",
    "drift_sd": "SD of what levels move in a year",
    "area_break_sd": "SD of what a declared break moves an area beside England",
    "deviation_sd": "SD of deviations",
    "deviation_alike": "correlation of deviations between two groups",
    "persistence": "persistence of deviations",
    "noise_sd": "noise beyond sampling error",
    "luck": "sampling variance, as a share of that of independent pupils",
    "freedom": "degrees of freedom of areas' variances",
    "cohort_link": "carry-over of a cohort's sampling error",
    "national_sd": "SD of England's yearly change",
    "national_trend": "strength of England's trend",
    "national_damping": "persistence of England's trend",
    "groups_alike": "correlation of two groups in England",
    "break_sd": "SD of declared breaks in England, attainment",
    "behaviour_break_sd": "SD of declared breaks in England, attendance and behaviour",
}


@dataclass(frozen=True)
class Measure:
    """A published outcome."""

    label: str  # the name people use
    unit: str  # of the published figure
    year_groups: tuple[int, ...]  # whose pupils the figure describes, Reception = 0
    channel: str = "attainment"  # which of an intervention's effects moves it
    groups: tuple[str, ...] = ("disadvantaged", "other")  # that are modelled; ``all`` is derived where two are
    lower_is_better: bool = False
    share: str | None = "disadvantaged_share_primary"  # quantity of ``pupils.csv`` with the disadvantaged share (%)
    derive_other: bool = False  # ``all`` and ``disadvantaged`` are published and ``other`` follows from the share
    noun_phrase: str = "the figure of {pupils}"  # the figure as the subject of a sentence; ``{pupils}`` is whose it is

    @property
    def table_groups(self) -> tuple[str, ...]:
        """The groups that appear in a table: those modelled, and ``all``."""
        return self.groups if self.groups == ("all",) else (*self.groups, "all")


MEASURES = {
    "good_level_of_development": Measure(
        "Good level of development (age 5)",
        "%",
        (0,),
        share="fsm_share_primary",
        noun_phrase="the share of {pupils} with a good level of development at age 5",
    ),
    "phonics": Measure(
        "Phonics check (Year 1)",
        "%",
        (1,),
        share="fsm_share_primary",
        derive_other=True,
        noun_phrase="the share of {pupils} who meet the expected standard in the phonics check in Year 1",
    ),
    "key_stage_2": Measure(
        "Key stage 2 reading, writing and maths (Year 6)",
        "%",
        (6,),
        noun_phrase="the share of {pupils} who meet the expected standard in reading, writing and maths at key stage 2",
    ),
    "attainment_8": Measure(
        "Attainment 8 (Year 11)",
        "points",
        (11,),
        share="disadvantaged_share_secondary",
        noun_phrase="the mean Attainment 8 score of {pupils}",
    ),
    "level_3_by_19": Measure(
        "Level 3 by age 19",
        "%",
        (14,),
        share="disadvantaged_share_age_19",
        derive_other=True,
        noun_phrase="the share of {pupils} qualified to level 3 by age 19",
    ),
    "he_entry_by_19": Measure(
        "Higher education entry by age 19",
        "%",
        (14,),
        share="disadvantaged_share_age_19",
        derive_other=True,
        noun_phrase="the share of {pupils} who enter higher education by age 19",
    ),
    "neet_16_17": Measure(
        "Not in education, employment or training, age 16 to 17",
        "%",
        (12, 13),
        "neet",
        ("all",),
        True,
        None,
        noun_phrase="the share of 16 and 17 year olds not in education, employment or training",
    ),
    "persistent_absence": Measure(
        "Persistent absence (10% of sessions or more)",
        "%",
        SCHOOL_YEARS,
        "persistent_absence",
        ("all",),
        True,
        None,
        noun_phrase="the share of {pupils} who miss 10% of sessions or more",
    ),
    "suspensions": Measure(
        "Suspensions",
        "per 100 pupils",
        SCHOOL_YEARS,
        "suspensions",
        ("all",),
        True,
        None,
        noun_phrase="the number of suspensions",
    ),
}
# stages at which the same children are seen again: one year group each, two groups
LINKED = tuple(name for name, measure in MEASURES.items() if len(measure.groups) == 2)


def series(measures: tuple[str, ...] | list[str] | None = None) -> list[tuple[str, str]]:
    """Return the modelled series as pairs (measure, group), in the order of the dictionary."""
    chosen = MEASURES if measures is None else measures
    return [(name, group) for name in MEASURES if name in chosen for group in MEASURES[name].groups]


def headline_of(measures: list[str]) -> tuple[str, str]:
    """Return the measure and group that a headline speaks of."""
    return FAVOURITE if FAVOURITE[0] in measures else (measures[0], MEASURES[measures[0]].groups[0])


def academic_year(year: int) -> str:
    """Return the academic year that ends in ``year`` as people write it: 2026 is 2025/26."""
    return f"{year - 1}/{year % 100:02d}"


def percent(share: float) -> str:
    """Return a share as people read it: 0.664 is 66%."""
    return f"{100 * share:.0f}%"


def coordinates(**labels: Iterable[Hashable]) -> "xr.Coordinates":
    """Return the coordinates of some dimensions, each with an index of its own, made once in a process.

    Making indexes takes longer than all else that makes a small dataset. A dataset that is given these copies what it
    may change, and indexes never change. Dimensions are in the order in which a dataset has them.
    """
    return _made(tuple((dim, tuple(given)) for dim, given in labels.items()))


@lru_cache(KEPT)
def _made(labels: tuple[tuple[str, tuple[Hashable, ...]], ...]) -> "xr.Coordinates":
    import xarray as xr

    return xr.Dataset(coords={dim: list(given) for dim, given in labels}).coords
