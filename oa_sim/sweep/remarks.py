"""Remarks: what was found in a sweep, in sentences, each with its interval and the marks of its figures."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from oa_sim import formatting
from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.plots import tornado
from oa_sim.scenario import unverified
from oa_sim.sweep import sensitivity
from oa_sim.sweep.results import MIXED, NUMBER, Swept, go_together, has_failed, said

LEVELS = ("impact", "projection", "counterfactual")  # headlines in the unit of their measure
UNITS = {  # what stands in a headline's name: its unit
    "_p_": "probability",
    "_benefit_per_pound": "GBP for a GBP",
    "_left_": "share of the peak",
    "_gbp": "GBP",
    "_whole_area_": "SD",
    "_pareto_k": "no unit",
}
UNIT = "in the unit of its measure"
MOST_NAMED, NOTHING = 3, 1e-9  # keys in a sentence; a share no greater is rounding
ABOUT = ["headline_measure", "headline_group", "headline_year"]


def verdict(sweep: Swept) -> str:
    """Return FAIL where any scenario's draws did not pass their gates."""
    if "verdict" not in sweep.table:
        return "verdict not known"
    answered = sweep.table.verdict[~has_failed(sweep.table)].astype(str)
    return "FAIL" if answered.str.contains("FAIL").any() else "PASS"


def unit(rows: pd.DataFrame, facts: dict, headline: str) -> str:
    """Return the unit of a headline, as the sweep says it, or as its name and its measure tell."""
    known = facts.get("units", {}).get(headline)
    named = [unit for part, unit in UNITS.items() if part in f"_{headline}"]
    if known or named:
        return known or named[0]
    measures = rows[ABOUT[0]].unique() if ABOUT[0] in rows else []
    of_measure = headline.startswith(LEVELS) and len(measures) == 1 and measures[0] in MEASURES
    return formatting.unit(measures[0], level=not headline.startswith("impact")) if of_measure else UNIT


def subject(rows: pd.DataFrame, headline: str) -> list[str]:
    """Return what a headline speaks of; scenarios in which it speaks of different things are told."""
    if not set(ABOUT) <= set(rows):
        return []
    each = rows[ABOUT].drop_duplicates()
    if len(each) > 1:
        return [f"{headline} speaks of {len(each)} different measures, groups or years in these scenarios."]
    measure, group, year = each.iloc[0]
    if measure not in MEASURES:
        return []
    return [f"{headline} speaks of {formatting.who(measure, group)} in {academic_year(int(year))}, mean of the areas."]


def ends(sweep: Swept, headline: str = "impact") -> list[str]:
    """Return between what a headline ranges, with interval and levers at both ends; nothing where all failed."""
    rows = sweep.table[~has_failed(sweep.table)]
    if f"{headline}_mean" not in rows or not len(rows):
        return []
    told = subject(rows, f"{headline}_mean")
    if len(told) and "different" in told[0]:
        return told
    parts = []
    for at in (rows[f"{headline}_mean"].idxmin(), rows[f"{headline}_mean"].idxmax()):
        row = rows.loc[at]
        levers = ", ".join(f"{key}={said(row[key])}" for key in sweep.keys)
        mean, low, high = (said(row[f"{headline}_{part}"]) for part in ("mean", "q05", "q95"))
        failed = " [FAIL]" if "FAIL" in str(row.get("verdict", "")) else ""
        parts.append(f"{mean} (90 %: {low} to {high}) in scenario {row[NUMBER]}{failed} ({levers})")
    of = f"{headline} in {unit(rows, sweep.facts, f'{headline}_mean')}"
    return [*told, f"Over {len(rows):,} scenarios {of} ranges from {' to '.join(parts)}."]


def clear(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the keys whose share alone is known, and with its low end above nothing and above chance (row)."""
    keys = _alone(shares)
    floor = np.fmax(keys.chance.to_numpy(float), NOTHING)  # no chance where none was needed
    return keys[_is_known(keys) & (keys.low > floor)]


def whence(shares: pd.DataFrame, headline: str, n_rows: int, mark: str) -> list[str]:
    """Return which keys most of the variance comes from, and of which that cannot be said."""
    keys, named = _alone(shares), clear(shares).nlargest(MOST_NAMED, "share")
    unknown = keys[~_is_known(keys)]
    rival = unknown.high.fillna(np.inf).max() if len(unknown) else -np.inf  # what an unknown share may reach
    ahead = named[named.low >= rival]
    told = []
    if len(named):
        largest = "most comes from" if ahead.share.sum() > 0.5 else "the largest parts come from"
        start, rows = (largest, ahead) if len(ahead) else ("what can be told comes from", named)
        each = [f"{row.key} ({share(row)}{_beside(shares, row.key)})" for row in rows.itertuples()]
        told.append(f"{_variance(headline, n_rows, mark)} {start} {', then from '.join(each)}.")
    if len(unknown):
        told.append(
            f"{n_rows} scenarios are too few to say what share comes from {', '.join(unknown.key)}: the 90 % "
            "interval is wider than half of all."
        )
    if named.empty and len(unknown) < len(keys):
        key = "none of the other keys" if len(unknown) else "no key"
        what = "has a share by itself" if (keys.low == keys.high).all() else "alone has a share that is clear of chance"
        total = shares[shares["index"] == sensitivity.TOTAL].nlargest(1, "share")
        most = [f"; the most that one does beside others is {row.key} ({share(row)})" for row in total.itertuples()]
        told.append(f"{_variance(headline, n_rows, mark)} {key} {what}{''.join(most)}.")
    return told


def _alone(shares: pd.DataFrame) -> pd.DataFrame:
    return shares[(shares["index"] == sensitivity.FIRST) & (shares.key != sensitivity.TOGETHER)]


def _is_known(keys: pd.DataFrame) -> pd.Series:
    return keys.high - keys.low <= sensitivity.TOO_WIDE  # NaN is not known


def _variance(headline: str, n_rows: int, mark: str) -> str:
    about = "what their draws do not know is no part of it"
    return f"Of the variance of {headline}{mark} over {n_rows} scenarios ({about})"


def _beside(shares: pd.DataFrame, key: str) -> str:
    """Return what a key does beside others, where that is known."""
    total = shares[(shares["index"] == sensitivity.TOTAL) & (shares.key == key)]
    return "".join(f"; with all it does beside others {share(row)}" for row in total.itertuples())


def share(row) -> str:
    """Return a share with its interval, as far as a share can go; one that is exact has none."""
    share, low, high = (percent(float(np.clip(value, 0, 1))) for value in (row.share, row.low, row.high))
    return f"{share}, exactly, over this grid" if row.low == row.high else f"{share}, 90 %: {low} to {high}"


def moves(
    moved: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, known: Collection[str] | None = None
) -> list[str]:
    """Return what the greatest mover does to the mean, and how wide the draws within a scenario are beside it.

    Parameters
    ----------
    moved
        From ``tornado.table``.
    rows
        The scenarios behind it.
    headline
        The column that moves.
    unit
        Its unit.
    known
        The keys that are ``clear`` of chance; the greatest of many that do nothing moves the mean too.
    """
    key = moved.key.iloc[0]
    ends = [
        f"{said(row['mean'])} (90 %: {said(row['low'])} to {said(row['high'])}) where it is {row['where']}"
        for row in tornado.span(moved[moved.key == key])
    ]
    within = tornado.draws_interval(rows, headline)
    beside = f"; within one scenario its draws run from {said(within[0])} to {said(within[1])} (90 %)" if within else ""
    is_known = known is None or key in known
    most = f"{key} moves {headline} most" if is_known else f"{headline} differs most with {key}, which may be chance"
    return [f"{most}: from {ends[0]} to {ends[1]}, {unit}{beside}."]


def left_out(sweep: Swept, rows: pd.DataFrame) -> list[str]:
    """Return how many scenarios have no answer and why."""
    lines = []
    if gone := len(sweep.table) - len(rows):
        at = np.flatnonzero(~sweep.table.index.isin(rows.index))[0]
        is_failed = has_failed(sweep.table)[at]
        why = str(sweep.table.failed.iloc[at]).strip().rstrip(".") if is_failed else "its headline is no number"
        number = sweep.table[NUMBER].iloc[at] if NUMBER in sweep.table else at
        lines.append(
            f"{gone} of {len(sweep.table)} scenarios have no answer and were left out (first number {number}: {why})."
        )
    return lines


def overlaps(sweep: Swept, rows: pd.DataFrame, shares: pd.DataFrame) -> list[str]:
    """Return what scenarios that are no one sample cannot tell: in what is left after failures keys go together."""
    if (shares.method == sensitivity.HOLED).any():
        pairs = [f"{one} with {other}" for one, other in go_together(rows, sweep.keys)]
        clearly = f" (clearly: {', '.join(pairs[:MOST_NAMED])})" if pairs else ""
        return [
            f"Keys may go together where scenarios failed{clearly}: shares overlap, and a key that does nothing can "
            "have one."
        ]
    if sweep.design["kind"] in ("list", MIXED):
        return ["The scenarios are no one sample: where keys go together, their shares overlap."]
    return []


def marks(sweep: Swept, verdict: str) -> list[str]:
    """Return the marks that the figures carry."""
    lines = []
    if verdict == "FAIL":
        n = int(sweep.table.verdict.astype(str).str.contains("FAIL").sum())
        lines.append(f"[FAIL] {n} of {len(sweep.table)} scenarios rest on draws that did not pass their gates.")
    elif verdict != "PASS":
        lines.append("Whether the draws passed their gates is not known: the sweep has no verdict.")
    n = n_doubts(sweep)
    if n is None:
        return [*lines, "How many figures are still to verify is not known: the sweep does not say it."]
    if isinstance(sweep.facts.get("to_verify"), dict):
        return [*lines, *(line for line in [unverified.sentence(sweep.facts["to_verify"], "sensitivity.json")] if line)]
    if n:
        lines.append(f"A scenario rests on up to {n} figures still to verify, recalled or assumed so far.")
    return lines


def n_doubts(sweep: Swept) -> int | None:
    """Return on how many figures that are still to verify a scenario rests at most, or None where nobody counted."""
    if isinstance(sweep.facts.get("to_verify"), dict):
        return sum(len(names) for names in sweep.facts["to_verify"].values())
    counted = sweep.table["to_verify"].dropna() if "to_verify" in sweep.table else []
    return int(max(counted)) if len(counted) else None
