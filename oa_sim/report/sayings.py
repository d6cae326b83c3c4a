"""Sayings: what a folder's brief says first, from its figures; and the numbers of ready sentences, put on record."""

import re
from collections.abc import Iterable

import pandas as pd

from oa_sim import calibrated
from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.formatting import unit, who
from oa_sim.report import reported_figure
from oa_sim.report.document import Only, Sentence
from oa_sim.report.folder_figures import Told, said
from oa_sim.report.reported_figure import About, Published

NUMBER = re.compile(r"(?<![\w./-])[-\u2212+]?\d[\d,]*(?:\.\d+)?(?![\w/]|\.\d)")
LONGEST_LABEL = 200


def where(kind: str, table: pd.DataFrame, headline: list[str]) -> dict[str, object]:
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


def lead(
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
    parts: list = [f"Over {len(known):,} scenarios the impact on {who(measure, group)} is put between "]
    for at, then in ((known.idxmin(), " and "), (known.idxmax(), "; each in the mean of the areas.")):
        levels = ", ".join(f"{key}={said(key, table[key].iloc[at])}" for key in levers)
        parts += [found[at, "impact_mean"], f" {unit(measure)} (scenario {table.scenario.iloc[at]}: {levels}){then}"]
    return tuple(parts)


def _of_comparison(table: pd.DataFrame, found: dict, rows: list[int], where: dict) -> Sentence:
    measure, group, year = where["measure"], where["group"], int(where["year"])
    whose = who(measure, group)
    parts: list = [f"{whose[0].upper()}{whose[1:]} in {academic_year(year)}, mean of the areas"]
    for i in rows:
        row, chance = table.iloc[i], found.get((i, "p_better"))
        parts += [f"; {row.scenario} against {row.reference}: ", found[i, "mean"], f" {unit(measure)} apart"]
        if chance is not None:
            parts += [f", {calibrated.clause(chance.value)} (", Only(chance), ") that it is better"]
    return (*parts, ".")


def figures(sentences: Iterable[Iterable]) -> Iterable[Published]:
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
            found.append(reported_figure.as_said(about, value, number[0], told.origin))
    return found
