"""Register: each number that the answer of a run rests on, with its source, its status and the role that owns it."""

import math
import re
from pathlib import Path

import pandas as pd
from scipy.special import betaincinv, ndtri

from oa_sim.inputs import tables
from oa_sim.report import assumption_labels, config_comments, tabled
from oa_sim.report.assurance import changes, uncertainty_statement
from oa_sim.report.sanitise import in_table
from oa_sim.report.tabled import OURS, UNSOURCED, Entry
from oa_sim.report.verification import verification_log

__all__ = ["RATINGS", "assumptions", "changes", "uncertainty_statement", "verification_log"]

COLUMNS = ("number", "what", "value", "unit", "source", "status", "rating", "why", "owner")
STATUSES = ("published", "found", "assumed", "recalled", "to verify")
RATINGS = {
    "red": "to verify or recalled, and the headline rests on it",
    "amber": "judgement: assumed, or a spread around what was found, or an estimate of ours, or a county\u2019s "
    "figures; or to verify or recalled, but the headline does not rest on it",
    "green": "published or found in a source that is named, and read there",
}
HEADED = ("budget",)  # groups whose files name the source of their numbers in the first line
STALE = "the tables here are others than those of the run"
SCORED = "score, 0 to 1"
GIVES = re.compile(r"`[^`]*`")  # a word of the files, not said of the number


def assumptions(manifest: dict, data_folder: str | None = None) -> pd.DataFrame:
    """Return the register of a run: a row for each number that the answer rests on.

    Parameters
    ----------
    manifest
        Of a run, as ``Result.manifest`` or ``run.json`` has it.
    data_folder
        Where the tables lie; by default where the run had them, or those inside the package.

    Returns
    -------
    DataFrame
        ``number`` (a name that is the same in every run), ``what``, ``value`` (with its distribution), ``unit``,
        ``source``, ``status`` (one of ``STATUSES``), ``rating``, ``why`` and ``owner``. Every leaf of the scenario is
        in it but those of ``assumption_labels.NO_ASSUMPTION``; published figures are one row a series.

    Notes
    -----
    A rating is given by rule. Red: recalled or still to verify, and the headline of this run rests on it. Amber:
    assumed; a distribution, of which a source gives the middle at best; an estimate of this project; figures for which
    a county's stand in; recalled or to verify where the headline does not rest on it. Green: published or found.

    Raises
    ------
    Refusal
        Where the tables are missing or broken.
    """
    folder = data_folder or manifest["scenario"].get("data_folder")
    known = tables.read_all(Path(folder) if folder else None)
    is_other = tables.data_hash(Path(folder) if folder else None) != manifest["data_hash"]
    read = [entry._replace(doubt=STALE) if is_other else entry for entry in tabled.entries(manifest, known)]
    found = [*_of_scenario(manifest["scenario"], known), *read]
    said_of = tabled.titles(known)
    rows = []
    for entry in found:
        rating, why = rate(entry)
        source = "; ".join(said_of.get(key, key) for key in entry.source.split("; ")) + entry.told
        rows.append((*entry[:4], source, entry.status, rating, why, assumption_labels.owner(entry.number)))
    return in_table(pd.DataFrame(rows, columns=list(COLUMNS)))


def rate(entry: Entry) -> tuple[str, str]:
    """Return the rating of a number and the rule that gave it; see ``RATINGS``."""
    if entry.status in ("to verify", "recalled"):
        what = "recalled and still to verify" if entry.status == "recalled" else "still to verify"
        return (
            ("amber", f"{what}, but {entry.unused}")
            if entry.unused
            else ("red", f"{what}, and the headline rests on it")
        )
    off = f"; {entry.unused}" if entry.unused else ""
    if entry.status == "assumed":
        return "amber", f"judgement{off}"
    if entry.doubt:
        return "amber", f"an estimate of this project{off}" if entry.doubt == OURS else f"{entry.doubt}{off}"
    if entry.source.startswith("OWN-"):
        return "amber", f"an estimate of this project{off}"
    return "green", f"{'published' if entry.status == 'published' else 'found in the source that is named'}{off}"


def said(value: object) -> str:
    """Return a leaf as people read it; a distribution with its mean and 90 % interval."""
    if isinstance(value, dict) and "dist" in value:
        a, b = float(value["a"]), float(value.get("b") or 0)
        mean, low, high = spread(value["dist"], a, b)
        name = f"{value['dist']}({a:g}{'' if value['dist'] == 'HalfNormal' else f', {b:g}'})"
        return (
            f"{name}: mean {_short(mean)}, 90 %: {_short(low)} to {_short(high)}"
            if low < high
            else f"{_short(a)}, fixed"
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict) or value is None:
        return ", ".join(said(item) for item in value) if value else "none"
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def spread(dist: str, a: float, b: float) -> tuple[float, float, float]:
    """Return mean and both ends of the 90 % interval of a distribution, by its name and its two numbers."""
    ends = [0.05, 0.95]
    if dist == "Beta":
        return a / (a + b), *(float(betaincinv(a, b, end)) for end in ends)
    if dist == "Uniform":
        return (a + b) / 2, *(a + (b - a) * end for end in ends)
    if dist == "HalfNormal":
        return a * math.sqrt(2 / math.pi), *(float(a * ndtri((1 + end) / 2)) for end in ends)
    if dist == "LogNormal":
        return a * math.exp(b * b / 2), *(float(a * math.exp(b * ndtri(end))) for end in ends)
    return a, *(float(a + b * ndtri(end)) for end in ends)


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.095 or not value else f"{value:.3f}"


def _of_scenario(scenario: dict, known: dict) -> list[Entry]:
    """Return every leaf of a scenario that is an assumption."""
    beside = [row for row in known["national"] if row["national"] in scenario["organisation"]["national"]]
    offered = {name for row in beside for name in row["interventions"]}
    bought = {name for name, share in scenario["portfolio"]["shares"].items() if share} | offered
    if scenario["portfolio"]["rule"] == "delivery_plans" or scenario["budget"].get("plan"):
        bought = set(scenario["interventions"])
    shocks = [row for row in known["events"] if row["event"] in scenario["organisation"]["events"]]
    in_view = [row for row in shocks if row["first_month"] + 1 >= scenario["start_year"]]
    about = scenario | {"bought": sorted(bought & set(scenario["interventions"]))}
    about["shocked"] = any(row["what"] == "attainment" for row in in_view)
    notes, keys = config_comments.notes(scenario), [row["source"] for row in known["sources"]]
    return [
        _entry(path, value, about, notes.get(path, []), keys)
        for path, value in config_comments.leaves(scenario)
        if not assumption_labels.is_no_assumption(path)
    ]


def _entry(path: str, value: object, scenario: dict, notes: list[config_comments.Note], keys: list[str]) -> Entry:
    """Return one leaf with what its config file says of it."""
    what, unit = assumption_labels.about(path, scenario)
    same = next((note for note in notes if note.value == config_comments.plain(value)), None)
    spread = isinstance(value, dict) and "dist" in value
    doubt = "its middle was found, its spread is judgement" if spread else ""
    unused = assumption_labels.unused(path, scenario)
    if same is None:
        was = (
            f"changed for this run: {notes[0].file} has {_was(notes[0].value)}"
            if notes
            else "what holds where no file says otherwise"
        )
        return Entry(path, what, said(value), unit, was, "assumed", unused, doubt)
    comment = same.comment
    if path.startswith("interventions.") and path.endswith(".unit_cost_gbp"):
        comment = str(scenario["interventions"][path.split(".")[1]]["source"]).split(";")[0]
    source, status = _sourced(comment, same.heading, keys, path.split(".")[0] in HEADED)
    if status == "found" and unit == SCORED:
        status = "assumed"  # a source has words; the score is ours
    told = f" [{same.file}: {comment or same.heading or 'no comment'}]"
    return Entry(path, what, said(value), unit, source, status, unused, doubt, told)


def _was(value: object) -> str:
    """Return a value of a file as it was before a run changed it."""
    if isinstance(value, tuple):
        return said(dict(zip(("dist", "a", "b"), value, strict=True)))
    return said(value)


def _sourced(comment: str, heading: str, keys: list[str], is_headed: bool) -> tuple[str, str]:
    """Return source and status of a number by what its config file says beside it, then above it."""
    for text, counts in ((comment, True), (heading, is_headed)):
        told = GIVES.sub("", text).lower()
        named = "; ".join(key for key in keys if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text))
        for sign, status in (
            ("to verify", "to verify"),
            ("recalled", "recalled"),
            ("assum", "assumed"),
            ("judged", "assumed"),
        ):
            if sign in told:
                return named or UNSOURCED, status
        if named:
            return named, "found" if counts else "assumed"
    return UNSOURCED, "assumed"
