"""Findings: a sweep's folder in, what its headline rests on out, as tables, a picture and sentences.

The folder of a single run answers too, from its own draws: by block of what is not known instead of by varied key.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import __version__
from oa_sim.errors import Refusal, unknown
from oa_sim.plots import tornado
from oa_sim.projection import variance_decomposition
from oa_sim.scenario import unverified
from oa_sim.sweep import remarks, scenario_discovery, sensitivity
from oa_sim.sweep.results import (
    Swept,
    has_failed,
    read,
    refuse_all_failed,
    standing_alone,
    unknown_column,
    usable,
    varied,
)

KEYS = ("headline", "fails", "outputs")
DEFAULT = "impact_mean"
QUANTITIES = ("impact", "projection")  # whose uncertainty a run tells by block


@dataclass(frozen=True, eq=False)
class Findings:
    """What a headline rests on.

    Attributes
    ----------
    tables
        ``indices``, and as far as they were made ``tornado`` and ``boxes``, each with its marks.
    picture
        The tornado as SVG, or nothing.
    said
        The same in sentences.
    facts
        What was asked, of which sweep, with its hashes and marks.
    """

    tables: dict[str, pd.DataFrame]
    picture: str
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
    verdict, unit = remarks.verdict(sweep), remarks.unit(rows, sweep.facts, headline)
    mark = "" if verdict == "PASS" else f" [{verdict}]"
    tables = {"indices": shares, "tornado": moved}
    lines = [*remarks.whence(shares, headline, len(rows), mark), *remarks.overlaps(sweep, rows, shares)]
    lines += remarks.moves(moved, alone, headline, unit, set(remarks.clear(shares).key))
    lines += remarks.subject(rows, headline)
    if fails:
        seed = sweep.design["seed"]
        every = standing_alone(sweep.table, sweep.design, sweep.keys)
        boxes = scenario_discovery.boxes(every[~has_failed(every)], sweep.keys, fails, sweep.headlines, seed=seed)
        tables["boxes"] = boxes
        lines += scenario_discovery.sentences(boxes, fails)
    lines += [*remarks.left_out(sweep, rows), *remarks.marks(sweep, verdict)]
    n_doubts = remarks.n_doubts(sweep)
    facts = {"headline": headline, "unit": unit, "fails": fails, "verdict": verdict, "oa_sim": __version__}
    facts |= {"to_verify": n_doubts, "scenarios": len(sweep.table), "used": len(rows), "sweep": sweep.facts}
    picture = tornado.picture(moved, alone, headline, unit, mark)
    marked = {name: table.assign(unit=unit, verdict=verdict, to_verify=n_doubts) for name, table in tables.items()}
    marked["indices"]["unit"] = "share of variance"
    return Findings(marked, picture, lines, facts)


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
        known = remarks.clear(part).nlargest(3, "share")
        named = [f"{variance_decomposition.LABELS[row.key]} ({remarks.share(row)})" for row in known.itertuples()]
        n, mark = part.n_rows.iloc[0], "" if facts["verdict"] == "PASS" else f" [{facts['verdict']}]"
        whence = f"most comes from {', then from '.join(named)}" if named else "no block has a share clear of chance"
        lines.append(f"Of the variance of the {about}{mark} over {n} draws {whence}.")
    unsure = manifest.get("to_verify", {})
    lines += [line for line in [unverified.sentence(unsure)] if line]
    told = {"headline": headline, "fails": "", "run": facts, "verdict": facts["verdict"], "oa_sim": __version__}
    marked = shares.assign(verdict=facts["verdict"], to_verify=sum(map(len, unsure.values())))
    return Findings({"indices": marked}, "", lines, told | {"to_verify": unsure})


def _json(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
