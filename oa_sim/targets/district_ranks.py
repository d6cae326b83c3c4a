"""District ranks: where an area stands among the districts of England, and which figure a place among them takes.

A target such as "top half of all districts" is a share of districts. The figure that it takes in a year is England's
plus a gap, on the latent scale. The gap is the figure at which that share of districts began, less the mean of all
districts' pupils, which is England's made in the same way. It moves as a random walk, as fast as such gaps moved.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal
from oa_sim.inference.link_functions import to_latent, to_published
from oa_sim.inputs import tables
from oa_sim.targets.attainable import BANDS

CALIBRATION = Path(tables.FOLDER) / "rank_calibration.csv"  # of experiments/are_ranks_calibrated.py
COMPLETE = 0.95  # share of all districts that must have figures where a year gives a threshold or a base rate
HALF = 0.5
ABOUT = {  # source of figures: how they were made, in words
    "KS2-SCHOOLS": "estimated from school tables, by place of school",
    "KS4-SCHOOLS": "estimated from school tables, provisional, by place of school",
    "ABSENCE-SCHOOLS": "estimated from school tables, by place of school",
    "EYFS-DISTRICT": "published by district of residence",
}


class Goal(NamedTuple):
    """A place among districts: the best share of them, by one measure and group."""

    measure: str
    group: str
    share: float

    @property
    def lower_is_better(self) -> bool:
        """Whether a lower figure is better."""
        return MEASURES[self.measure].lower_is_better

    def threshold(self, figures: np.ndarray) -> float:
        """Return the figure from which on districts are among the best share of them; the median for a half."""
        known = figures[np.isfinite(figures)]
        return float(np.quantile(known, self.share if self.lower_is_better else 1 - self.share))

    def away(self, figures: np.ndarray | float, threshold: float) -> np.ndarray:
        """Return by how much figures are better than a threshold; exactly there is 0."""
        off: np.ndarray = np.asarray(figures, float) - threshold
        return -off if self.lower_is_better else off


@dataclass(frozen=True, eq=False)
class Districts:
    """Figures of all districts.

    Attributes
    ----------
    figures
        From ``district_figures.csv``.
    parts
        The codes of the districts of which each area is made.
    n
        How many districts there are.
    """

    figures: pd.DataFrame
    parts: dict[str, list[str]]
    n: int

    @cached_property
    def series(self) -> dict[tuple[str, str], tuple[pd.DataFrame, pd.DataFrame]]:
        """Figures and pupils (code, year) by measure and group."""
        found = {}
        for (measure, group), rows in self.figures.groupby(["measure", "group"]):
            table = rows.pivot(index="code", columns="year", values=["value", "pupils"])
            found[str(measure), str(group)] = (table["value"], table["pupils"])
        return found

    def complete(self, measure: str, group: str) -> pd.DataFrame:
        """Return figures (code, year) of the years in which nearly all districts have one."""
        values, _ = self.series[measure, group]
        return values.loc[:, values.notna().sum() >= COMPLETE * self.n]

    def ranks(self, area: str, measure: str, group: str) -> pd.DataFrame:
        """Return an area's figure and rank in each year: ``year``, ``value``, ``rank``, ``n_districts``, ``top_half``.

        The best rank is 1. An area of several districts is ranked once, in their place, by their pupils. ``top_half``
        is the figure at which the top half of districts began. There are no rows where the area has no figures.
        """
        columns = ["year", "value", "rank", "n_districts", "top_half"]
        parts = self.parts.get(area, [])
        if (measure, group) not in self.series or not parts:
            return pd.DataFrame(columns=columns)
        goal, (values, pupils) = Goal(measure, group, HALF), self.series[measure, group]
        mine, weight = (frame.reindex(parts) for frame in (values, pupils))
        own = mine.iloc[0] if len(parts) == 1 else (mine * weight).sum(skipna=False) / weight.sum(skipna=False)
        others = values.drop(index=parts, errors="ignore")
        better = (others.lt(own) if goal.lower_is_better else others.gt(own)).sum()
        table = pd.DataFrame({"value": own, "rank": 1 + better, "n_districts": 1 + others.notna().sum()})
        table["top_half"] = [goal.threshold(values[year].to_numpy()) for year in table.index]
        return table[own.notna()].rename_axis("year").reset_index()[columns]

    def gaps(self, goal: Goal) -> pd.Series:
        """Return, by complete year, the threshold less the mean of all pupils (SD)."""
        _, pupils = self.series[goal.measure, goal.group]
        gaps = {}
        for year, column in self.complete(goal.measure, goal.group).items():
            known = column.dropna()
            england = np.average(known, weights=pupils.loc[known.index, year])
            ends = to_latent(goal.measure, [goal.threshold(known.to_numpy()), england])
            gaps[year] = float(ends[0] - ends[1])
        return pd.Series(gaps, dtype=float)

    def pace(self, share: float) -> float:
        """Return how far such a gap moves in a year (SD), over all series that have several years."""
        moves = []
        for measure, group in self.series:
            gaps = self.gaps(Goal(measure, group, share))
            moves += list(np.diff(gaps) / np.sqrt(np.diff(gaps.index)))
        return float(np.sqrt(np.mean(np.square(moves)))) if moves else 0.0

    def thresholds(
        self, goal: Goal, year: int, known: int, england: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return draws of the figure that a goal takes in a year, from draws of England's figure.

        ``known`` is the last year whose figures may be used; where the measure has only later ones, the first of them
        is, with as much error as if it were of ``known``.
        """
        gaps = self.gaps(goal)
        last = max((at for at in gaps.index if at <= known), default=gaps.index[0])
        spread = self.pace(goal.share) * np.sqrt(max(year - min(last, known), 0))
        gap = gaps[last] + spread * rng.standard_normal(len(england))
        return to_published(goal.measure, to_latent(goal.measure, england) + gap)

    def base_rate(self, goal: Goal, area: str, known: int, year: int) -> dict[str, float]:
        """Return how many districts that stood as an area does reached a goal in as many years, by name of column.

        Those stood alike that were in the same fifth of all districts. The span is the nearest that the figures have.
        ``base_rate_half`` is by how much half of them were better than the goal asks.
        """
        nothing = {"base_rate": np.nan, "base_rate_n": 0, "base_rate_years": np.nan, "base_rate_half": np.nan}
        figures = self.complete(goal.measure, goal.group)
        own = self.ranks(area, goal.measure, goal.group)
        own = own[own.year.isin(figures.columns) & (own.year <= known)]
        spans = {int(b - a) for a in figures.columns for b in figures.columns if b > a}
        if own.empty or not spans:
            return nothing
        last = own.iloc[-1]
        span = min(spans, key=lambda years: (abs(years - (year - last.year)), years))
        places = figures.rank(ascending=goal.lower_is_better, method="min") / figures.notna().sum()
        band = np.ceil(BANDS * last["rank"] / last.n_districts)
        lengths = []
        for start in (start for start in figures.columns if start + span in figures.columns):
            later = figures[start + span][np.ceil(BANDS * places[start]) == band].dropna()
            lengths.append(goal.away(later.to_numpy(), goal.threshold(figures[start + span].to_numpy())))
        away = np.concatenate(lengths)
        if not len(away):
            return nothing
        half = -np.median(away) if goal.lower_is_better else np.median(away)
        rate = {"base_rate": float((away >= 0).mean()), "base_rate_n": len(away)}
        return rate | {"base_rate_years": span, "base_rate_half": float(half)}

    def reached(self, goal: Goal, area: str, year: int) -> dict[str, object]:
        """Return how far an area stood from a goal when its year's figures, or the last before, were published.

        Where the year itself has no figures, a goal was met (or missed) if it was so both in the last year before and
        in the first year after.
        """
        figures = self.complete(goal.measure, goal.group)
        own = self.ranks(area, goal.measure, goal.group).set_index("year").value
        own = own[own.index.isin(figures.columns)]
        off = {int(at): float(value) - goal.threshold(figures[at].to_numpy()) for at, value in own.items()}
        before = max((at for at in off if at <= year), default=None)
        after = min((at for at in off if at >= year), default=None)
        both = {bool(goal.away(off[at], 0.0) >= 0) if at is not None else None for at in (before, after)}
        met = {True: "met", False: "missed", None: "not published"}[both.pop()] if len(both) == 1 else "not published"
        nearest = {"published": np.nan if before is None else off[before], "published_year": before}
        return nearest | {"published_of": "" if before is None else "the area", "met": met}


def read(data_folder: str | None) -> Districts:
    """Return the figures of all districts, and of which of them each area is made."""
    known = tables.read("districts", data_folder)
    parts: dict[str, list[str]] = {}
    for row in known:
        parts.setdefault(row["authority"], []).append(row["code"])
    parts |= {row["district"]: [row["code"]] for row in known}
    parts |= {row["name"]: row["codes"].split("+") for row in tables.read("place_names", data_folder)}
    parts |= {row["area"]: row["code"].split("+") for row in tables.read("areas", data_folder)}
    return Districts(pd.DataFrame(tables.read("district_figures", data_folder)), parts, len(known))


def check(districts: Districts, goal: Goal, area: str) -> None:
    """Refuse a goal for which there are no figures of districts."""
    if (goal.measure, goal.group) not in districts.series:
        have = ", ".join(f"{measure} ({group})" for measure, group in districts.series)
        raise Refusal(
            f"a target by rank needs figures of districts, got {goal.measure} ({goal.group}): choose one of {have}"
        )
    if districts.ranks(area, goal.measure, goal.group).empty:
        raise Refusal(
            f"a target by rank needs the area's own figures among the districts', and {area} has none of "
            f"{goal.measure}: leave the target out"
        )


@cache
def _calibration() -> pd.DataFrame:
    return pd.read_csv(CALIBRATION)


def calibration(measure: str, p: float) -> dict[str, float]:
    """Return how often districts got there that were given about such a probability, by name of column.

    ``least`` and ``most`` are the band of the probability, ``longest`` the most years ahead. All is NaN where it could
    not be measured, since the measure has no figures of districts of later years; ``n`` is 0 then.
    """
    rows = _calibration()
    rows = rows[(rows.measure == measure) & (rows.least <= p)]
    if rows.empty:
        row = dict.fromkeys(("reached", "least", "most", "longest"), np.nan) | {"n": 0}
    else:
        row = rows.loc[rows.least.idxmax()].to_dict()
    return {f"calibration_{name}": row[name] for name in ("reached", "n", "least", "most", "longest")}


def said(ranks: pd.DataFrame, year: int | None) -> str:
    """Return ranks of an area in words: in its first year, and in the last by a target's year and the first after."""
    if ranks.empty:
        return ""
    end = ranks.year.max() if year is None else year
    shown = {ranks.index[0], *ranks.index[ranks.year <= end][-1:], *ranks.index[ranks.year > end][:1]}
    words, n = [], 0
    for row in ranks.loc[sorted(shown)].itertuples():
        few = " districts with figures" if row.n_districts < COMPLETE * ranks.n_districts.max() else ""
        of = f" of {row.n_districts}{few}" if row.n_districts != n else ""
        words.append(f"{row.rank}{of} in {academic_year(int(row.year))}")
        n = row.n_districts
    return ", ".join(words)


def about(districts: Districts, measure: str, group: str) -> str:
    """Return how figures of districts were made, in words."""
    rows = districts.figures[(districts.figures.measure == measure) & (districts.figures.group == group)]
    return ABOUT.get(rows.source.iloc[0], rows.source.iloc[0]) if len(rows) else ""


def progress(districts: Districts, places: list[tuple[str, str, str]]) -> pd.DataFrame:
    """Return ranks of areas in every year, a row for each area, measure, group and year.

    ``places`` are areas with a measure and a group; one without figures of districts has no row.
    """
    tables_of = []
    for area, measure, group in dict.fromkeys(places):
        ranks = districts.ranks(area, measure, group)
        made = {"unit": MEASURES[measure].unit, "how_made": about(districts, measure, group)}
        ranks.insert(0, "area", area)
        tables_of.append(ranks.assign(measure=measure, group=group, **made))
    columns = ["area", "measure", "group", "year", "value", "unit", "rank", "n_districts", "top_half", "how_made"]
    return pd.concat(tables_of)[columns].reset_index(drop=True) if tables_of else pd.DataFrame(columns=columns)
