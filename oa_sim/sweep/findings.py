"""Findings: what the headline of a sweep's folder rests on, as tables and sentences.

The folder of a single run answers too, from its own draws: by block of what is not known instead of by varied key.
Each sentence has its interval and the marks of its figures.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import __version__, formatting
from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.errors import Refusal, unknown
from oa_sim.projection import variance_decomposition
from oa_sim.scenario import unverified
from oa_sim.sweep import scenario_discovery, sensitivity, tornado
from oa_sim.sweep.results import (
    MIXED,
    NUMBER,
    Swept,
    go_together,
    has_failed,
    read,
    refuse_all_failed,
    said,
    standing_alone,
    unknown_column,
    usable,
    varied,
)

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
KEYS = ("headline", "fails", "outputs")
DEFAULT = "impact_mean"
QUANTITIES = ("impact", "projection")  # whose uncertainty a run tells by block


def sweep_verdict(sweep: Swept) -> str:
    """Return FAIL where any scenario's draws did not pass their gates."""
    if "verdict" not in sweep.table:
        return "verdict not known"
    answered = sweep.table.verdict[~has_failed(sweep.table)].astype(str)
    return "FAIL" if answered.str.contains("FAIL").any() else "PASS"


def unit_of(rows: pd.DataFrame, facts: dict, headline: str) -> str:
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
        parts.append(f"{mean} (90% interval {low} to {high}) in scenario {row[NUMBER]}{failed} ({levers})")
    of = f"{headline} in {unit_of(rows, sweep.facts, f'{headline}_mean')}"
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
            f"{n_rows} scenarios are too few to say what share comes from {', '.join(unknown.key)}: the 90% "
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
    return f"{share}, exactly, over this grid" if row.low == row.high else f"{share}, 90% interval {low} to {high}"


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
        f"{said(row['mean'])} (90% interval {said(row['low'])} to {said(row['high'])}) where it is {row['where']}"
        for row in tornado.span(moved[moved.key == key])
    ]
    within = tornado.draws_interval(rows, headline)
    beside = f"; within one scenario its draws run from {said(within[0])} to {said(within[1])} (90%)" if within else ""
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
    n = n_unverified(sweep)
    if n is None:
        return [*lines, "How many figures are still to verify is not known: the sweep does not say it."]
    if isinstance(sweep.facts.get("to_verify"), dict):
        return [*lines, *(line for line in [unverified.sentence(sweep.facts["to_verify"], "sensitivity.json")] if line)]
    if n:
        lines.append(f"A scenario rests on up to {n} figures still to verify, recalled or assumed so far.")
    return lines


def n_unverified(sweep: Swept) -> int | None:
    """Return on how many figures that are still to verify a scenario rests at most, or None where nobody counted."""
    if isinstance(sweep.facts.get("to_verify"), dict):
        return sum(len(names) for names in sweep.facts["to_verify"].values())
    counted = sweep.table["to_verify"].dropna() if "to_verify" in sweep.table else []
    return int(max(counted)) if len(counted) else None


@dataclass(frozen=True, eq=False)
class Findings:
    """What a headline rests on.

    Attributes
    ----------
    tables
        ``indices``, and as far as they were made ``tornado`` and ``boxes``, each with its marks.
    scenarios
        The rows behind the tornado, which stand alone; None where there is no tornado.
    said
        The same in sentences.
    facts
        What was asked, of which sweep, with its hashes and marks.
    """

    tables: dict[str, pd.DataFrame]
    scenarios: pd.DataFrame | None
    said: list[str]
    facts: dict

    @property
    def identity(self) -> str:
        """Made from the question and the tables: the same answer has the same folder."""
        text = json.dumps(self.facts, sort_keys=True) + "".join(table.to_csv() for table in self.tables.values())
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def in_short(self) -> dict:
        """The answer for machines: the question, the marks, the sentences, and each share with its interval."""
        numbers = ("share", "low", "high", "chance")
        shares = [
            {name: row[name] for name in ("headline", "key", "index")} | {name: _json(row[name]) for name in numbers}
            for row in self.tables["indices"].to_dict("records")
        ]
        asked = {key: self.facts[key] for key in ("headline", "fails", "verdict")}
        return asked | {"said": self.said, "shares": shares}


def answer(words: list[str], check: Callable[[str], None]) -> tuple[str, Findings]:
    """Return where to write, and what a headline rests on.

    Parameters
    ----------
    words
        A folder, and any of ``headline=``, ``fails=``, ``outputs=``.
    check
        Refuses a folder that cannot be written.

    Raises
    ------
    Refusal
        For anything that cannot be honoured, in a sentence.
    """
    folder, asked = _asked(words)
    outputs = asked.get("outputs", str(folder / "sensitivity"))
    check(outputs)
    headline, fails = asked.get("headline", DEFAULT), asked.get("fails", "")
    is_run = (folder / "run.json").is_file() and not (folder / "sweep.json").is_file()
    return outputs, of_run(folder, headline, fails) if is_run else of_sweep(read(folder), headline, fails)


def _asked(words: list[str]) -> tuple[Path, dict[str, str]]:
    """Return the folder and the keys that a command line names."""
    folders, asked = [], {}
    for word in words:
        key, is_key, value = word.partition("=")
        if is_key and key in KEYS:
            asked[key] = value
        elif is_key and not Path(word).is_dir():
            raise unknown("key", key, KEYS)
        else:
            folders.append(Path(word))
    if len(folders) != 1:
        raise Refusal(f"sensitivity takes the folder of one sweep or run, got {len(folders)}: name one")
    if not folders[0].is_dir():
        raise Refusal(f"{folders[0]} is not a folder: give the folder that oa-sim sweep or run printed")
    return folders[0], asked


def of_sweep(sweep: Swept, headline: str = DEFAULT, fails: str = "") -> Findings:
    """Return what a headline of a sweep rests on.

    Parameters
    ----------
    sweep
        From ``results.read``.
    headline
        A column of its summary.
    fails
        What failing means, such as ``"impact_q05<0.1"``; nothing where no boxes are asked for.

    Raises
    ------
    Refusal
        Where the headline is unknown or constant, nothing was varied, or there are too few scenarios.
    """
    refuse_all_failed(sweep.table)
    if headline not in sweep.headlines:
        raise unknown_column("headline", headline, sweep.headlines)
    if not varied(sweep.table, sweep.keys):
        raise Refusal(f"no key was varied in these {len(sweep.table)} scenarios: sweep over two values or more of one")
    if fails:
        scenario_discovery.condition(fails, sweep.headlines)  # before anything slow
    rows = usable(sweep.table, headline)
    whole = sweep.table if sweep.design["kind"] == "saltelli" else rows
    n_gone = len(sweep.table) - len(rows)
    shares = sensitivity.indices(whole, sweep.design, sweep.keys, sweep.bounds, headline, n_gone=n_gone)
    alone = standing_alone(rows, sweep.design, sweep.keys)
    moved = tornado.table(alone, sweep.keys, headline)
    verdict, unit = sweep_verdict(sweep), unit_of(rows, sweep.facts, headline)
    mark = "" if verdict == "PASS" else f" [{verdict}]"
    tables = {"indices": shares, "tornado": moved}
    lines = [*whence(shares, headline, len(rows), mark), *overlaps(sweep, rows, shares)]
    lines += moves(moved, alone, headline, unit, set(clear(shares).key))
    lines += subject(rows, headline)
    if fails:
        seed = sweep.design["seed"]
        every = standing_alone(sweep.table, sweep.design, sweep.keys)
        boxes = scenario_discovery.boxes(every[~has_failed(every)], sweep.keys, fails, sweep.headlines, seed=seed)
        tables["boxes"] = boxes
        lines += scenario_discovery.sentences(boxes, fails)
    lines += [*left_out(sweep, rows), *marks(sweep, verdict)]
    n_doubts = n_unverified(sweep)
    facts = {"headline": headline, "unit": unit, "fails": fails, "verdict": verdict, "oa_sim": __version__}
    facts |= {"to_verify": n_doubts, "scenarios": len(sweep.table), "used": len(rows), "sweep": sweep.facts}
    marked = {name: table.assign(unit=unit, verdict=verdict, to_verify=n_doubts) for name, table in tables.items()}
    marked["indices"]["unit"] = "share of variance"
    return Findings(marked, alone, lines, facts)


def of_run(folder: Path, headline: str = DEFAULT, fails: str = "") -> Findings:
    """Return where the uncertainty of one run comes from, by block of what is not known, as the run told it itself.

    Raises
    ------
    Refusal
        Where the folder is damaged, the run told nothing of the headline, or boxes are asked for.
    """
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
    lines = []
    for about, part in shares.groupby("headline", sort=False):
        known = clear(part).nlargest(3, "share")
        named = [f"{variance_decomposition.LABELS[row.key]} ({share(row)})" for row in known.itertuples()]
        n, mark = part.n_rows.iloc[0], "" if facts["verdict"] == "PASS" else f" [{facts['verdict']}]"
        whence = f"most comes from {', then from '.join(named)}" if named else "no block has a share clear of chance"
        lines.append(f"Of the variance of the {about}{mark} over {n} draws {whence}.")
    unsure = manifest.get("to_verify", {})
    lines += [line for line in [unverified.sentence(unsure)] if line]
    told = {"headline": headline, "fails": "", "run": facts, "verdict": facts["verdict"], "oa_sim": __version__}
    marked = shares.assign(verdict=facts["verdict"], to_verify=sum(map(len, unsure.values())))
    return Findings({"indices": marked}, None, lines, told | {"to_verify": unsure})


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
