"""Folder brief: a comparison, a sweep, targets, a plan, monitored figures or the worth of information, as a dossier.

It says first what follows from the folder's figures, and puts the numbers of ready sentences on record.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.errors import Refusal
from oa_sim.formatting import unit, who
from oa_sim.plots import intervals
from oa_sim.plots.picture import legible
from oa_sim.report import folder_statistics, reported_statistic
from oa_sim.report.document import Dossier, Drawn, Grid, Only, Passage, Sentence, capital, drawn
from oa_sim.report.folder_statistics import Spec, Told, said
from oa_sim.report.reported_statistic import PROXY, VERIFY, About, Origin, Published
from oa_sim.scenario import title_of, unverified
from oa_sim.simulation.narrative import CANNOT_SAY
from oa_sim.sweep import findings, results, store

NUMBER = re.compile(r"(?<![\w./-])[-\u2212+]?\d[\d,]*(?:\.\d+)?(?![\w/]|\.\d)")
LONGEST_LABEL = 200
SPECS = {
    "compare": Spec(
        "compare.json", "means", ("scenario", "measure", "group", "year"), "Scenarios compared",
        ("mean", "p_better", "unit"),
    ),
    "sweep": Spec(
        "sweep.json", "summary", ("scenario",), "A sweep of scenarios",
        ("impact", "impact_p_better", "headline_left_5y", "benefit_per_pound"), "impact_mean",
    ),
    "target": Spec(
        "target.json", "targets", ("area", "measure", "group", "target_year"), "How likely each target is to be met",
        ("target", "probability", "base_rate", "colour", "expected"),
    ),
    "optimise": Spec(
        "optimise.json", "candidates", ("plan",), "The best plan",
        ("mean", "gain_of_best", "p_best", "expected_regret", "loses"),
    ),
    "monitor": Spec(
        "monitor.json", "monitor", ("area", "measure", "group", "year"), "This year\u2019s figures against expectation",
        ("published", "expected", "better_than", "colour"),
    ),
    "voi": Spec("voi.json", "voi", ("known",), "What better information is worth", ("value", "gbp", "share")),
}  # fmt: skip
PICTURES = {  # file name: title, the one that says most first
    "ladder": "Targets, and the chance of each",
    "split": "Where the money goes",
    "trajectory": "This year against what was expected",
    "voi": "What it is worth to know",
    "front": "What closing gaps costs",
    "response": "What more money brings",
    "regret": "What other plans lose",
    "evsi": "What a trial is worth",
    "tornado": "What moves the headline most",
}


def headline_place(kind: str, table: pd.DataFrame, headline: list[str]) -> dict[str, object]:
    """Return which rows of a table a headline speaks of: its measure, group and, of a comparison, its year.

    Parameters
    ----------
    kind, table
        Of the folder, and its main table.
    headline
        Its ready sentences; the last academic year that the first of them names is the headline\u2019s.
    """
    if kind not in ("compare", "monitor") or not {"measure", "group", "year"} <= set(table):
        return {}
    measure, group = headline_of([name for name in MEASURES if name in set(table.measure)])
    years = [int(start) + 1 for start in re.findall(r"(20\d\d)/\d\d", headline[0] if headline else "")]
    there = set(table.year)
    named = [year for year in years if year in there]
    return {"measure": measure, "group": group, "year": named[-1] if named and kind == "compare" else max(there)}


def lead_sentence(
    kind: str, table: pd.DataFrame, found: dict, where: dict, headline: list[str], levers: list[str]
) -> tuple[Sentence, list[str]]:
    """Return the sentence that stands for all, from figures where there are, and the ready sentences that are left.

    Parameters
    ----------
    kind, table, found
        Of the folder, its main table and the figures of that.
    where
        From ``where``.
    headline
        The ready sentences.
    levers
        The varied keys of a sweep.
    """
    if kind == "sweep" and "impact_mean" in table and any(column == "impact_mean" for _, column in found):
        return _of_sweep(table, found, levers), [line for line in headline if not line.startswith("Over ")]
    if kind == "compare" and where:
        rows = [i for i in range(len(table)) if all(table[key].iloc[i] == value for key, value in where.items())]
        if rows and (rows[0], "mean") in found:
            return _of_comparison(table, found, rows, where), headline
    return (headline[0],), headline[1:]


def _of_sweep(table: pd.DataFrame, found: dict, levers: list[str]) -> Sentence:
    known = table.impact_mean.dropna()
    measure, group = headline_of(table.headline_measure.dropna().unique().tolist()[:1] or ["key_stage_2"])
    parts: list = [
        f"Over {len(known):,} scenarios, the impact on {who(measure, group)}, on average over the areas, is "
    ]
    for row, end in ((known.idxmin(), "at least "), (known.idxmax(), " and at most ")):
        levels = ", ".join(f"{key}={said(key, table[key].iloc[row])}" for key in levers)
        parts += [end, found[row, "impact_mean"], f" {unit(measure)} (scenario {table.scenario.iloc[row]}: {levels})"]
    return (*parts, ".")


def _of_comparison(table: pd.DataFrame, found: dict, rows: list[int], where: dict) -> Sentence:
    measure, group, year = where["measure"], where["group"], int(where["year"])
    parts: list = [f"{capital(who(measure, group))} in {academic_year(year)}, on average over the areas."]
    for i in rows:
        row, chance = table.iloc[i], found.get((i, "p_better"))
        titles = (title_of("scenario", name) for name in (row.scenario, row.reference))
        parts += [" {} compared with {}: a difference of ".format(*titles),
                  found[i, "mean"], f" {unit(measure)}."]  # fmt: skip
        if chance is not None:
            parts += [f" {capital(formatting.clause(chance.value))} (", Only(chance), ") that pupils do better."]
    return tuple(parts)


def figures_in(sentences: Iterable[Iterable]) -> Iterable[Published]:
    """Yield the figures of sentences and of rows."""
    for parts in sentences:
        for part in parts:
            if isinstance(part, Only):
                yield part.figure
            elif isinstance(part, Published):
                yield part


def quoted(sentences: list[str], told: Told) -> list[Published]:
    """Return the numbers of ready sentences as figures, as the folder\u2019s own command said them.

    Parameters
    ----------
    sentences
        Ready ones.
    told
        What is told of every figure of the folder.
    """
    found = []
    for s, sentence in enumerate(sentences):
        label = sentence if len(sentence) <= LONGEST_LABEL else f"{sentence[: LONGEST_LABEL - 1]}\u2026"
        for k, number in enumerate(NUMBER.finditer(sentence)):
            value = float(number[0].replace(",", "").replace("\u2212", "-"))
            about = About(f"said.{s + 1}.{k + 1}", label, "as the sentence says", marks=told.marks, shown_in="brief")
            found.append(reported_statistic.as_said(about, value, number[0], told.origin))
    return found


def kind_of(folder: Path) -> str:
    """Return what a folder holds.

    Raises
    ------
    Refusal
        Where it is not the folder of a finished run, comparison, sweep, target, plan, monitoring or voi.
    """
    if not folder.is_dir():
        raise Refusal(f"{folder} is no folder: give the one that oa-sim run printed")
    if (folder / "result.nc").is_file():
        return "run"
    for kind, spec in SPECS.items():
        if (folder / spec.facts).is_file():
            return kind
    raise Refusal(
        f"{folder} holds neither a result.nc nor the facts of a finished comparison, sweep, target, plan, monitoring "
        "or voi: give the folder that such a command printed"
    )


def read(folder: Path, kind: str) -> Dossier:
    """Return what the packs print of a folder that is not a run's.

    Parameters
    ----------
    folder
        What a command printed.
    kind
        From ``kind_of``.

    Raises
    ------
    Refusal
        Where its files cannot be read, or hold no figure.
    """
    spec = SPECS[kind]
    try:
        facts = json.loads((folder / spec.facts).read_text(encoding="utf-8"))
        tables = {path.stem: _table(path) for path in sorted(folder.glob("*.csv")) if path.stat().st_size > 1}
        facts, headline, levers = _facts(folder, kind, facts)
        told = _told(folder, kind, facts, tables)
    except Refusal:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"{folder} cannot be read ({type(error).__name__}): run its command again") from None
    if kind == "compare" and "means" not in tables:  # of a folder from before there were means
        spec = replace(spec, main="compare")
    found = {name: folder_statistics.figures(name, table, spec, told) for name, table in tables.items()}
    table = tables.get(spec.main, pd.DataFrame())
    where = headline_place(kind, table, headline)
    main = folder_statistics.in_brief(spec, table, found.get(spec.main, {}), levers, where)
    lead, headline = lead_sentence(kind, table, found.get(spec.main, {}), where, headline, levers)
    origin = told.origin
    printed = {one.figure for one in figures_in([lead, *([*row] for row in (main.rows if main else ()))])}
    every = {one.figure: one for each in found.values() for one in each.values()}
    figures = [replace(one, shown_in="brief, workbook") for name, one in every.items() if name in printed]
    first = [cell for row in (main.rows if main else ()) for cell in row if isinstance(cell, Published)]
    figures += quoted(headline, told)
    figures += [one for name, one in every.items() if name not in printed]
    if not every:
        raise Refusal(f"{folder} holds no figure that could be reported: run its command again")
    return Dossier(
        kind=kind,
        title=f"Opportunity Areas: {spec.title.lower()}",
        label=origin.scenario,
        verdict=facts["gates"]["verdict"],
        reason=facts["gates"]["reason"],
        headline=lead,
        numbers=tuple(_numbers(first)),
        passages=_passages(headline, facts, main, pictures(folder) or _side_by_side(main)),
        figures=tuple(figures),
        manifest=facts,
        sheets={name: folder_statistics.grid(name, table, found[name]) for name, table in tables.items()},
    )


def _table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=False, na_values=[""])


def _facts(folder: Path, kind: str, facts: dict) -> tuple[dict, list[str], list[str]]:
    """Return facts in the same form for every kind, the sentences of the answer, and the varied keys of a sweep."""
    headline, levers = [str(one) for one in facts.get("headline", [])], []
    if kind == "sweep":
        sweep = results.read(folder)
        headline, levers = findings.ends(sweep)[::-1], list(sweep.keys)
        verdict = findings.sweep_verdict(sweep)
        facts = facts | {"gates": {"verdict": verdict, "reason": _reason(sweep.table)}}
        facts["units"] = {name: findings.unit_of(sweep.table, facts, name) for name in sweep.headlines}
        facts["n_to_verify"] = findings.n_unverified(sweep) or 0
        facts |= {"data_hash": next(iter(facts["data_hash"].values()), "none")}
        facts |= {"posterior": next(iter(facts["posterior"].values()), "none")}
    if kind == "compare":
        runs = facts["runs"]
        facts = {"label_of_all": " against ".join(reversed(facts["scenarios"]))} | runs[0] | facts
        facts |= {"to_verify": unverified.together([one.get("to_verify", {}) for one in runs])}
        bad = [one["gates"] for one in runs if one["gates"]["verdict"] != "PASS"]
        facts["gates"] = bad[0] if bad else runs[0]["gates"]
    asked = facts.get("scenario")
    seed = asked.get("seed") if isinstance(asked, dict) else facts.get("design", {}).get("seed", "not kept")
    facts = {"run_id": folder.resolve().name, "learned": {}, "seed": seed} | facts
    facts.setdefault("gates", {"verdict": str(facts.get("verdict", "FAIL")), "reason": "see the folder"})
    return facts, headline or ["No sentence is on record in this folder."], levers


def _reason(table: pd.DataFrame) -> str:
    """Return why a sweep passed its gates or did not: of one that failed, where there is any."""
    failed = table[table.get("verdict", pd.Series("", table.index)).astype(str).str.contains("FAIL")]
    reasons = (failed if len(failed) else table).get("reason", pd.Series(dtype=str)).dropna().astype(str).tolist()
    said = reasons[0] if reasons else "see summary.csv"
    return f"{len(failed)} of {len(table)} scenarios failed theirs, the first: {said}" if len(failed) else said


def _told(folder: Path, kind: str, facts: dict, tables: dict[str, pd.DataFrame]) -> Told:
    draws = [int(table.n_draws.max()) for table in tables.values() if "n_draws" in table and len(table)]
    asked = facts.get("scenario")
    name = facts.get("label_of_all") or (asked.get("name", "") if isinstance(asked, dict) else "")
    label = str(name or folder.resolve().name)
    whole = facts["gates"]["verdict"] != "PASS" and kind != "sweep"  # rows of a sweep have verdicts of their own
    origin = Origin(
        scenario=f"{label}{' [FAIL]' if whole and '[FAIL]' not in label else ''}",
        run_id=str(facts["run_id"]),
        draws=str(facts.get("posterior", "none")),
        data_hash=str(facts["data_hash"]),
        version=str(facts["oa_sim"]),
        n_draws=max(draws, default=int(facts.get("n_draws", 0))),
    )
    marks = (
        *((VERIFY,) if facts.get("to_verify") else ()),
        *((PROXY,) if kind == "sweep" and _has_proxy(folder) else ()),
    )
    return Told(origin, marks, facts.get("units", {}), str(facts.get("price_base", "as in the folder")))


def _has_proxy(folder: Path) -> bool:
    """Return whether figures of a county stand in for any area of a sweep."""
    with xr.open_zarr(folder / store.NAME) as kept:
        return "proxy" in kept and bool((kept.proxy.isel(scenario=0) > 0).any())


def _numbers(first: list[Published]) -> list[tuple[str, Published]]:
    told = [one for one in first if one.interval] or first
    return [(f"{one.label} ({one.unit})" if one.unit != "1" else one.label, one) for one in told[:4]]


def _passages(headline: list[str], facts: dict, main: Grid | None, shown: list[Drawn]) -> tuple:
    gates = facts["gates"]
    unsure = unverified.sentence(facts["to_verify"], "the facts of the folder") if facts.get("to_verify") else ""
    if facts.get("n_to_verify"):
        unsure = f"Still to verify (recalled or assumed so far): {facts['n_to_verify']} figures (column to_verify)."
    sure = [(f"Convergence checks: {gates['verdict']} ({gates['reason']}).",), *([(unsure,)] if unsure else [])]
    told = [(line,) for line in headline if not line.startswith(("PASS:", "FAIL:", "Still to verify"))]
    return (
        Passage("What the figures say", tuple(told), pictures=tuple(shown[:1])),
        *([Passage("Side by side", grids=(main,), page=2)] if main else []),
        Passage("How sure are we?", tuple(sure), page=2),
        Passage("What it cannot say", points=tuple((line,) for line in CANNOT_SAY), page=2),
    )


def pictures(folder: Path) -> list[Drawn]:
    """Return the pictures that a folder holds, the one that says most first.

    Parameters
    ----------
    folder
        What a command printed.
    """
    found = [(name, folder / f"{name}.svg") for name in PICTURES]
    return [drawn(name, PICTURES[name], path.read_text(encoding="utf-8")) for name, path in found if path.is_file()]


def _side_by_side(main: Grid | None) -> list[Drawn]:
    """Return the rows of the brief's table as intervals, where their first figure has one."""
    rows = [(row[0], row[1]) for row in (main.rows if main else ()) if len(row) > 1 and isinstance(row[1], Published)]
    rows = [(str(name), one) for name, one in rows if one.interval]
    if not rows:
        return []
    band = np.array([(one.value, one.lower, one.upper) for _, one in rows]).T
    what = f"{main.head[1]}, {rows[0][1].unit}"
    svg = intervals.intervals_picture("side-by-side", what, [legible(name, 60, 30) for name, _ in rows], band, what).svg
    return [drawn("side-by-side", f"{what[0].upper()}{what[1:]}, with 90% intervals", svg)]
