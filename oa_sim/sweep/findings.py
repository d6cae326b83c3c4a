"""Findings: what the headline of a sweep's folder depends on, as tables and sentences.

The folder of a single run answers too, from its own draws: by block of parameters instead of by varied key.
Each sentence has its interval and the marks of its figures.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from oa_sim import __version__, formatting
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal, unknown
from oa_sim.projection import variance_decomposition
from oa_sim.scenario import unverified
from oa_sim.sweep import results, scenario_discovery, sensitivity
from oa_sim.sweep.journal import Record
from oa_sim.sweep.results import MIXED, NUMBER, Swept, has_failed, standing_alone, value_in_words

LEVELS = ("impact", "projection", "counterfactual")  # headlines in the unit of their measure
UNITS = {  # what stands in a headline's name: its unit
    "_p_": "probability",
    "_benefit_per_pound": "£ per £1",
    "_left_": "share of the peak",
    "_gbp": "GBP",
    "_whole_area_": "SD",
    "_pareto_k": "no unit",
}
UNIT = "in the unit of its measure"
MOST_NAMED, NOTHING = 3, 1e-9  # keys in a sentence; a share no greater is rounding
SUBJECT = ["headline_measure", "headline_group", "headline_year"]
DEFAULT = "impact_mean"
QUANTITIES = ("impact", "projection")  # whose uncertainty a run tells by block


def sweep_verdict(sweep: Swept) -> str:
    """Return FAIL where any scenario's draws did not pass their gates."""
    if "verdict" not in sweep.table:
        return "verdict not known"
    answered = sweep.table.verdict[~has_failed(sweep.table)].astype(str)
    return "FAIL" if answered.str.contains("FAIL").any() else "PASS"


def unit_of(rows: pd.DataFrame, facts: Record, headline: str) -> str:
    """Return the unit of a headline, as the sweep says it, or as its name and its measure tell."""
    named = [unit for part, unit in UNITS.items() if part in f"_{headline}"]
    if unit := facts.get("units", {}).get(headline) or next(iter(named), None):
        return str(unit)
    measures = rows[SUBJECT[0]].unique() if SUBJECT[0] in rows else []
    of_measure = headline.startswith(LEVELS) and len(measures) == 1 and measures[0] in MEASURES
    return formatting.unit(measures[0], level=not headline.startswith("impact")) if of_measure else UNIT


def subject(rows: pd.DataFrame, headline: str) -> list[str]:
    """Return what a headline refers to, or that scenarios differ in it."""
    if not set(SUBJECT) <= set(rows):
        return []
    subjects = rows[SUBJECT].drop_duplicates()
    if len(subjects) > 1:
        return [f"{headline} refers to {len(subjects)} different measures, groups or years in these scenarios."]
    measure, group, year = subjects.iloc[0]
    if measure not in MEASURES:
        return []
    label = formatting.who(measure, group)
    return [f"{headline} refers to {label} in {academic_year(int(year))}, averaged over the areas."]


def ends(sweep: Swept, headline: str = "impact") -> list[str]:
    """Return the lowest and highest mean of a headline, with interval and settings; nothing where all failed."""
    rows = sweep.table[~has_failed(sweep.table)]
    if f"{headline}_mean" not in rows or not len(rows):
        return []
    sentences = subject(rows, f"{headline}_mean")
    if sentences and "different" in sentences[0]:
        return sentences
    unit = unit_of(rows, sweep.facts, f"{headline}_mean")
    extremes = []
    for index in (rows[f"{headline}_mean"].idxmin(), rows[f"{headline}_mean"].idxmax()):
        row = rows.loc[index]
        settings = ", ".join(f"{key}: {value_in_words(key, row[key])}" for key in sweep.keys)
        failed = " [FAIL]" if "FAIL" in str(row.get("verdict", "")) else ""
        estimate = formatting.estimate(*(row[f"{headline}_{part}"] for part in ("mean", "q05", "q95")), unit=unit)
        extremes.append(f"{estimate} in scenario {row[NUMBER]}{failed} ({settings})")
    return [*sentences, f"Over {len(rows):,} scenarios, {headline} ranges from {' to '.join(extremes)}."]


def clear(shares: pd.DataFrame) -> pd.DataFrame:
    """Return the keys whose share alone is known, and whose interval lies above nothing and above chance (row)."""
    keys = _alone(shares)
    floor = np.fmax(keys.chance.to_numpy(float), NOTHING)  # no chance where none was needed
    return keys[_is_known(keys) & (keys.low > floor)]


def whence(shares: pd.DataFrame, headline: str, n_rows: int, mark: str) -> list[str]:
    """Return which keys most of the variance comes from, and of which that cannot be said."""
    keys, named = _alone(shares), clear(shares).nlargest(MOST_NAMED, "share")
    unknown = keys[~_is_known(keys)]
    rival = unknown.high.fillna(np.inf).max() if len(unknown) else -np.inf  # what an unknown share may reach
    largest = named[named.low >= rival]
    variance = f"Variance of {headline}{mark} between {n_rows} scenarios (without the uncertainty within each):"
    sentences = []
    if len(named):
        most = "most comes from" if largest.share.sum() > 0.5 else "the largest parts come from"
        start, rows = (most, largest) if len(largest) else ("a known part comes from", named)
        parts = [f"{row.key}, {share(row)}{_with_interactions(shares, row.key)}" for row in rows.itertuples()]
        sentences.append(f"{variance} {start} {', then from '.join(parts)}.")
    if len(unknown):
        sentences.append(
            f"{n_rows} scenarios are too few to say what share comes from {', '.join(unknown.key)}: the 90% interval "
            "is wider than half of the variance."
        )
    if named.empty and len(unknown) < len(keys):
        sentences.append(f"{variance} {_no_key(shares, keys, unknown)}.")
    return sentences


def _no_key(shares: pd.DataFrame, keys: pd.DataFrame, unknown: pd.DataFrame) -> str:
    """Return that no key alone has a share, and the largest share with interactions."""
    key = "none of the other keys" if len(unknown) else "no key"
    is_exact = (keys.low == keys.high).all()
    total = shares[shares["index"] == sensitivity.TOTAL].nlargest(1, "share")
    most = [f"; the largest share with interactions is that of {row.key}, {share(row)}" for row in total.itertuples()]
    return f"{key} alone has a share{'' if is_exact else ' that is clear of chance'}{''.join(most)}"


def _alone(shares: pd.DataFrame) -> pd.DataFrame:
    return shares[(shares["index"] == sensitivity.FIRST) & (shares.key != sensitivity.TOGETHER)]


def _is_known(keys: pd.DataFrame) -> pd.Series:
    return keys.high - keys.low <= sensitivity.TOO_WIDE  # NaN is not known


def _with_interactions(shares: pd.DataFrame, key: str) -> str:
    """Return the share of a key with its interactions, where that is known."""
    total = shares[(shares["index"] == sensitivity.TOTAL) & (shares.key == key)]
    return "".join(f", with interactions {share(row)}" for row in total.itertuples())


def share(row: Any) -> str:
    """Return a share with its interval, as far as a share can go; one that is exact has none."""
    ends = (float(np.clip(value, 0, 1)) for value in (row.share, row.low, row.high))
    return f"{formatting.share_estimate(*ends)}{' (exact for this grid)' if row.low == row.high else ''}"


def moves(
    ends: pd.DataFrame, rows: pd.DataFrame, headline: str, unit: str, clear_keys: Collection[str] | None = None
) -> list[str]:
    """Return how the most influential key changes the mean, beside the width of the draws within a scenario.

    The ends are those of ``sensitivity.tornado`` over the rows. Of many keys without effect the largest changes the
    mean too: only those in ``clear_keys`` are clear of chance.
    """
    key = ends.key.iloc[0]
    lesser, greater = (
        f"{_mean_in_words(row, unit)} where it is {_quoted(_setting_in_words(row))}"
        for row in sensitivity.span(ends[ends.key == key])
    )
    draws = sensitivity.draws_interval(rows, headline)
    each = unit if unit in ("GBP", "%") else ""
    width = " to ".join(formatting.significant(end, unit=each) for end in draws or ())
    within = f" Within one scenario the 90% interval is {width}." if draws else ""
    is_clear = clear_keys is None or key in clear_keys
    start = f"{key} changes {headline} most" if is_clear else f"{headline} differs most with {key}, which may be chance"
    return [f"{start}: from {lesser} to {greater}.{within}"]


def _mean_in_words(row: pd.Series, unit: str) -> str:
    """Return the mean at an end of a key; over a whole grid it is exact, and of one row alone it has no interval."""
    if row["low"] < row["high"]:
        return formatting.estimate(row["mean"], row["low"], row["high"], unit=unit)
    return formatting.significant(row["mean"], unit=unit)


def _setting_in_words(row: pd.Series) -> str:
    """Return the value of a key at one end, or the lowest and the highest in it."""
    if not np.isfinite(row["value_from"]):
        return value_in_words(row["key"], row["where"])
    values = dict.fromkeys(value_in_words(row["key"], row[end]) for end in ("value_from", "value_to"))
    return " to ".join(values)


def _quoted(words: str) -> str:
    """Return words within quotation marks where they are a title, which begins with a capital letter."""
    return f"'{words}'" if words[:1].isupper() else words


def left_out(sweep: Swept, rows: pd.DataFrame) -> list[str]:
    """Return how many scenarios have no result and why."""
    n_missing = len(sweep.table) - len(rows)
    if not n_missing:
        return []
    first = np.flatnonzero(~sweep.table.index.isin(rows.index))[0]
    is_failed = has_failed(sweep.table)[first]
    reason = str(sweep.table.failed.iloc[first]).strip().rstrip(".") if is_failed else "its headline is no number"
    number = sweep.table[NUMBER].iloc[first] if NUMBER in sweep.table else first
    return [
        f"{n_missing} of {len(sweep.table)} scenarios have no result and are left out (the first is number {number}: "
        f"{reason})."
    ]


def overlaps(sweep: Swept, rows: pd.DataFrame, shares: pd.DataFrame) -> list[str]:
    """Return what scenarios that are not one sample cannot tell: after failures keys may be correlated."""
    if (shares.method == sensitivity.HOLED).any():
        pairs = [f"{key} with {other}" for key, other in results.go_together(rows, sweep.keys)]
        clearly = f" (clearly: {', '.join(pairs[:MOST_NAMED])})" if pairs else ""
        return [
            f"Failed scenarios may leave keys correlated{clearly}: shares then overlap, and a key without effect can "
            "have one."
        ]
    if sweep.design["kind"] in ("list", MIXED):
        return ["The scenarios are not one sample: where keys are correlated, their shares overlap."]
    return []


def marks(sweep: Swept, verdict: str) -> list[str]:
    """Return the marks that the figures carry."""
    sentences = []
    if verdict == "FAIL":
        failed = int(sweep.table.verdict.astype(str).str.contains("FAIL").sum())
        sentences.append(
            f"[FAIL] {failed} of {len(sweep.table)} scenarios use draws that failed their convergence checks."
        )
    elif verdict != "PASS":
        sentences.append("Whether the draws passed their convergence checks is not known: the sweep has no verdict.")
    to_verify, n = sweep.facts.get("to_verify"), n_unverified(sweep)
    if n is None:
        sentences.append("How many figures are still to verify is not known: the sweep does not say.")
    elif isinstance(to_verify, dict):
        sentences += filter(None, [unverified.sentence(to_verify, "sensitivity.json")])
    elif n:
        sentences.append(f"A scenario depends on up to {n} figures still to verify, recalled or assumed.")
    return sentences


def n_unverified(sweep: Swept) -> int | None:
    """Return on how many figures still to verify a scenario depends at most, or None where nobody counted."""
    if isinstance(sweep.facts.get("to_verify"), dict):
        return sum(len(names) for names in sweep.facts["to_verify"].values())
    counted = sweep.table["to_verify"].dropna() if "to_verify" in sweep.table else []
    return int(max(counted)) if len(counted) else None


@dataclass(frozen=True, eq=False)
class Findings:
    """What a headline depends on."""

    tables: dict[str, pd.DataFrame]  # indices, and as far as they were made tornado and boxes, each with its marks
    scenarios: pd.DataFrame | None  # the rows behind the tornado, which stand alone
    sentences: list[str]  # the same in words
    facts: dict[str, Any]  # what was asked, of which sweep, with its hashes and marks

    @property
    def identity(self) -> str:
        """Made from the question and the tables: the same answer has the same folder."""
        text = json.dumps(self.facts, sort_keys=True) + "".join(table.to_csv() for table in self.tables.values())
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def in_short(self) -> dict[str, Any]:
        """The answer for machines: the question, the marks, the sentences, and each share with its interval."""
        numbers = ("share", "low", "high", "chance")
        shares = [
            {name: row[name] for name in ("headline", "key", "index")} | {name: _json(row[name]) for name in numbers}
            for row in self.tables["indices"].to_dict("records")
        ]
        question = {key: self.facts[key] for key in ("headline", "fails", "verdict")}
        return question | {"said": self.sentences, "shares": shares}


def answer(folder: Path, headline: str = DEFAULT, fails: str = "") -> Findings:
    """Return what a headline of the sweep or the run in a folder depends on."""
    if not folder.is_dir():
        raise Refusal(f"{folder} is not a folder: give the folder that oa-sim sweep or run printed")
    is_run = (folder / "run.json").is_file() and not (folder / "sweep.json").is_file()
    return of_run(folder, headline, fails) if is_run else of_sweep(results.read(folder), headline, fails)


def of_sweep(sweep: Swept, headline: str = DEFAULT, fails: str = "") -> Findings:
    """Return what a headline of a sweep depends on, and the boxes in which it fails where a condition is named."""
    results.refuse_all_failed(sweep.table)
    if headline not in sweep.headlines:
        raise results.unknown_column("headline", headline, sweep.headlines)
    if not results.varied(sweep.table, sweep.keys):
        raise Refusal(f"no key was varied in these {len(sweep.table)} scenarios: sweep over two values or more of one")
    if fails:
        scenario_discovery.condition(fails, sweep.headlines)  # before anything slow
    rows = results.usable(sweep.table, headline)
    whole = sweep.table if sweep.design["kind"] == "saltelli" else rows
    n_gone = len(sweep.table) - len(rows)
    shares = sensitivity.indices(whole, sweep.design, sweep.keys, sweep.bounds, headline, n_gone=n_gone)
    alone = standing_alone(rows, sweep.design, sweep.keys)
    ends = sensitivity.tornado(alone, sweep.keys, headline)
    verdict, unit = sweep_verdict(sweep), unit_of(rows, sweep.facts, headline)
    mark = "" if verdict == "PASS" else f" [{verdict}]"
    tables = {"indices": shares, "tornado": ends}
    lines = [*whence(shares, headline, len(rows), mark), *overlaps(sweep, rows, shares)]
    lines += moves(ends, alone, headline, unit, set(clear(shares).key))
    lines += subject(rows, headline)
    if fails:
        seed = sweep.design["seed"]
        every = standing_alone(sweep.table, sweep.design, sweep.keys)
        boxes = scenario_discovery.boxes(every[~has_failed(every)], sweep.keys, fails, sweep.headlines, seed=seed)
        tables["boxes"] = boxes
        lines += scenario_discovery.sentences(boxes, fails)
    lines += [*left_out(sweep, rows), *marks(sweep, verdict)]
    n_to_verify = n_unverified(sweep)
    facts: dict[str, Any] = {"headline": headline, "unit": unit, "fails": fails, "verdict": verdict}
    facts |= {"oa_sim": __version__, "to_verify": n_to_verify}
    facts |= {"scenarios": len(sweep.table), "used": len(rows), "sweep": sweep.facts}
    marked = {name: table.assign(unit=unit, verdict=verdict, to_verify=n_to_verify) for name, table in tables.items()}
    marked["indices"]["unit"] = "share of variance"
    return Findings(marked, alone, lines, facts)


def of_run(folder: Path, headline: str = DEFAULT, fails: str = "") -> Findings:
    """Return where the uncertainty of one run comes from, by block of what is not known, as the run told it itself."""
    if fails:
        raise Refusal("fails= needs many futures, got the folder of one run: give the folder of a sweep")
    quantity = headline.removesuffix("_mean")
    if quantity not in QUANTITIES:
        raise unknown("headline of a run", headline, [f"{name}_mean" for name in QUANTITIES])
    try:
        manifest = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        shares = sensitivity.of_draws(pd.read_csv(folder / "uncertainty.csv"), quantity)
        facts = {key: manifest[key] for key in ("label", "verdict", "run_id", "data_hash")}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise Refusal(f"{folder} is not the whole folder of a run ({type(error).__name__}): run it again") from None
    if shares.empty:
        raise Refusal(f"this run tells nothing of where its {quantity} comes from: choose another headline=")
    sentences: list[str] = []
    for name, part in shares.groupby("headline", sort=False):
        largest = clear(part).nlargest(MOST_NAMED, "share")
        blocks = [f"{variance_decomposition.LABELS[row.key]}, {share(row)}" for row in largest.itertuples()]
        mark = "" if facts["verdict"] == "PASS" else f" [{facts['verdict']}]"
        source = f"most comes from {', then from '.join(blocks)}" if blocks else "no block has a share clear of chance"
        sentences.append(f"Variance of the {name}{mark} over {part.n_rows.iloc[0]} draws: {source}.")
    to_verify = manifest.get("to_verify", {})
    sentences += filter(None, [unverified.sentence(to_verify)])
    question = {"headline": headline, "fails": "", "run": facts, "verdict": facts["verdict"], "oa_sim": __version__}
    marked = shares.assign(verdict=facts["verdict"], to_verify=sum(map(len, to_verify.values())))
    return Findings({"indices": marked}, None, sentences, question | {"to_verify": to_verify})


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
