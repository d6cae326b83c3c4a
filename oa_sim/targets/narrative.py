"""Narrative: attainable levels, assessed targets and monitored figures in sentences."""

import pandas as pd

from oa_sim.definitions import MEASURES, academic_year, headline_of, percent
from oa_sim.formatting import chance, estimate, number, outcome, unit, with_unit
from oa_sim.scenario import unverified
from oa_sim.simulation import narrative
from oa_sim.targets.assess import Promises
from oa_sim.targets.monitor import Monitored

SAID = {  # parts of the expected change, in words
    "standing": "current level",
    "england": "England's trend",
    "own": "the area's own course",
    "programme": "the programme",
}
LEVEL_PLACES, IMPACT_PLACES = 1, 2  # decimals of a published figure, and of an impact


def monitoring_sentences(monitored: Monitored) -> list[str]:
    """Return what the new figures say in a few sentences; the first stands for all."""
    table, gates = monitored.figures, monitored.manifest["gates"]
    latest = table[table.year == int(table.year.max())]
    n_green, n_amber, n_red = (int((latest.colour == colour).sum()) for colour in ("green", "amber", "red"))
    sentences = [
        f"{n_green} of {len(latest)} figures for {academic_year(int(table.year.max()))} are green, {n_amber} amber and "
        f"{n_red} red, compared with what was attainable at the start.",
        *_monitored_headline(latest, *headline_of(list(dict.fromkeys(table.measure)))),
        *_furthest_below(latest),
    ]
    if len(monitored.changes):
        n_better = int((monitored.changes.moved == "better").sum())
        sentences.append(
            f"{len(monitored.changes)} figures changed colour since last time, {n_better} of them for the better."
        )
    method = "Baseline fitted again to the panel" if monitored.learned_again else "Posterior reweighted by PSIS"
    sentences.append(
        f"{method} (Pareto k\u0302 {number(monitored.manifest['pareto_k'], 2)}; effective sample size "
        f"{number(monitored.manifest['effective_draws'], 0)} of {number(monitored.update.weight.size, 0)} draws)."
    )
    to_verify = unverified.sentence(monitored.manifest["to_verify"], "monitor.json")
    return [*sentences, *([to_verify] if to_verify else []), f"{gates['verdict']}: {gates['reason']}"]


def _monitored_headline(latest: pd.DataFrame, measure: str, group: str) -> list[str]:
    """Return how the figures changed what is expected of the headline's measure; nothing where it has no figure."""
    rows = latest[(latest.measure == measure) & (latest.group == group)]
    if rows.empty:
        return []
    before, now = (_level(rows[name].mean(), measure) for name in ("before", "now"))
    impact_before, impact = (number(rows[name].mean(), IMPACT_PLACES) for name in ("impact_before", "impact_now"))
    subject = outcome(measure, group)
    return [
        f"{subject[0].upper()}{subject[1:]} in {academic_year(int(rows.last_year.iloc[0]))}, averaged over "
        f"{len(rows)} areas: {before} was expected at the start, {now} is expected now. Probability of reaching the "
        f"first expectation: {chance(rows.p_goal_before.mean())} at the start, {chance(rows.p_goal_now.mean())} now. "
        f"Expected impact: {impact_before} {unit(measure)} at the start, {impact} now."
    ]


def _furthest_below(latest: pd.DataFrame) -> list[str]:
    """Return the red figures that lie furthest below what was attainable; nothing where none is red."""
    red = latest[latest.colour == "red"].sort_values("better_than").head(3)
    places = [
        f"{row.area}, {MEASURES[row.measure].label}, {row.group} pupils: {_level(row.published, row.measure)} "
        f"published, about {_level(row.should_be, row.measure)} attainable{' (county proxy)' if row.proxy else ''}"
        for row in red.itertuples()
    ]
    return [f"Furthest from what was attainable: {'; '.join(places)}."] if places else []


def target_sentences(promises: Promises) -> list[str]:
    """Return attainable levels and assessed targets in a few sentences; the first stands for all."""
    start, assessed = promises.seen.scenario.start_year, promises.judged
    judged = [row for _, row in assessed.iterrows() if row.colour != "none"]
    targets = [(_rank_assessment if row.scale == "rank" else _assessment)(row, start) for row in judged]
    sentences = [_attainable(promises), *targets]
    if "judged_before" in promises.facts and targets:
        hindsight = ["the dates (not the sizes) of later series breaks"]
        if promises.facts["asked"]["panel"] is None:
            hindsight.append("base rates that include data to 2024/25")
        if any(row.scale == "rank" for row in judged):
            hindsight.append("how far the figure needed for a rank moved against England in later years")
        remains = "; ".join(hindsight)
        sentences.append(f"Hindsight remains in the assessment of targets for past years: {remains}.")
    sentences += _not_judged(promises.not_judged)
    n_baselines = int((assessed.quantity == "baseline").sum()) if len(assessed) else 0
    if n_baselines:
        sentences.append(
            f"{n_baselines} rows of the package are baselines without a target, so they have no probability or colour. "
            "targets.csv has what was attainable in the year of the published figure."
        )
    levels = promises.promised[promises.promised.scale == "level"]
    n_warned = int((levels.warning != "").sum())
    if n_warned:
        sentences.append(
            f"For {n_warned} of {len(levels)} attainable levels, most of the expected change against England is "
            "regression to the mean, which is not impact."
        )
    to_verify = unverified.sentence(promises.facts["to_verify"], "target.json")
    return [*sentences, *([to_verify] if to_verify else []), narrative.verdict(promises.seen.result)]


def _attainable(promises: Promises) -> str:
    """Return the attainable levels of the headline's measure and group, averaged over the areas."""
    table = promises.promised
    measure, group = headline_of(list(dict.fromkeys(table.measure)))
    is_headline = (table.measure == measure) & (table.group == group) & (table.scale == "level")
    rows = table[is_headline & (table.year == int(table.year.max()))]
    levels = [name for name in rows.columns if name.startswith("promised_")]
    attainable = ", ".join(f"{_level(rows[name].mean(), measure)} with probability {name[9:]}%" for name in levels)
    parts = "; ".join(
        f"{label} {estimate(*(rows[f'{name}_{end}'].mean() for end in ('mean', 'q05', 'q95')))}"
        for name, label in SAID.items()
    )
    return (
        f"Attainable in {academic_year(int(table.year.max()))} for {outcome(measure, group)}, averaged over "
        f"{len(rows)} areas: {attainable}. Last published: {_level(rows['last'].mean(), measure)}. Expected change in "
        f"{unit(measure)}, by source: {parts}."
    )


def _level(value: float, measure: str) -> str:
    return with_unit(number(value, LEVEL_PLACES), unit(measure, level=True))


def _assessment(row: pd.Series, start: int) -> str:
    """Return the colour and the probability of a target, its base rate, what was published, and its marks."""
    years = _years(row.base_rate_years)
    tense = "had" if row.target_year < start else "has"
    asks = "to be" if row.scale == "relative" else "of"
    warning = f" {row.warning[0].upper()}{row.warning[1:]}." if row.warning else ""
    ranks = f" Rank among districts: {row.ranks} ({row.ranks_of})." if row.ranks else ""
    return (
        f"{row.colour.upper()}: {row.area}, {MEASURES[row.measure].label}, {row.group} pupils: the target {asks} "
        f"{row.goal} in {academic_year(int(row.target_year))} {tense} probability "
        f"{chance(row.probability, row.mc_error)}, as known in {row.judged_from}. Comparable authorities gained as "
        f"much on England within {years} in {chance(row.base_rate)} of {number(row.base_rate_n, 0)} cases."
        f"{warning}{_publication(row, start)}{ranks}{_marks(row)}"
    )


def _rank_assessment(row: pd.Series, start: int) -> str:
    """Return the ranks of an area beside a target by rank, whether it was met, and its probability and base rate."""
    year = academic_year(int(row.target_year))
    tense = "had" if row.target_year < start else "has"
    found = {"met": " Met", "missed": " Not met"}.get(row.met, " Not known whether met")
    if row.published_year != row.target_year:
        around = "; judged by the years before and after" if row.met in ("met", "missed") else ""
        found += f" (districts have no figures for {year}{around})"
    found = f"{found}." if row.target_year < start else ""
    return (
        f"{row.colour.upper()}: {row.area}, {MEASURES[row.measure].label}, {row.group} pupils: {row.goal} by {year}. "
        f"Rank {row.ranks} ({row.ranks_of}).{found} The target {tense} probability "
        f"{chance(row.probability, row.mc_error)}, as known in {row.judged_from}. {_base_rate_of_districts(row)} "
        f"{_tested(row)}{_marks(row)}"
    )


def _base_rate_of_districts(row: pd.Series) -> str:
    """Return how many districts that stood as an area does were where its target by rank asks, so many years later."""
    if not row.base_rate_n:
        return "There is no base rate: the figures of districts are of one year."
    n, there = number(row.base_rate_n, 0), round(row.base_rate * row.base_rate_n)
    return (
        f"Of {n} districts that had been in the same fifth of all districts, {there} ({chance(row.base_rate)}) "
        f"{'was' if there == 1 else 'were'} in the {row.goal} {_years(row.base_rate_years)} later."
    )


def _tested(row: pd.Series) -> str:
    """Return how often a probability like that of a target by rank came true, where that could be tested."""
    if not row.calibration_n:
        return "How often such a probability comes true could not be tested for this measure."
    least, most = percent(row.calibration_least), percent(row.calibration_most)
    band = f"of {least} to {most}"
    if row.calibration_least == 0:
        band = f"below {most}"
    elif row.calibration_most == 1:
        band = f"of {least} or more"
    return (
        f"In a test up to {_years(row.calibration_longest)} ahead, districts with a probability {band} reached their "
        f"place in {percent(row.calibration_reached)} of {number(row.calibration_n, 0)} cases."
    )


def _years(span: float) -> str:
    return f"{number(span, 0)} year{'s' if span != 1 else ''}"


def _marks(row: pd.Series) -> str:
    kinds = {"county proxy": row.proxy, "own estimate": row.estimated, "to verify": row.status == "to verify"}
    kinds["probability not tested"] = row.scale == "rank" and row.get("calibration_n") == 0
    marks = [mark for mark, holds in kinds.items() if holds]
    marks += [f"[{row.verdict}]"] if row.verdict != "PASS" else []
    return f" ({', '.join(marks)})" if marks else ""


def _not_judged(rows: pd.DataFrame) -> list[str]:
    """Return how many targets of the plans have no probability, a sentence for each reason."""
    sentences = []
    for why, part in rows.groupby("why", sort=False) if len(rows) else []:
        whose = ", ".join(f"{area} {len(own)}" for area, own in part.groupby("area", sort=False))
        n = f"{len(part)} target{'s' if len(part) > 1 else ''} of the plans"
        have = "have" if len(part) > 1 else "has"
        sentences.append(f"{n} ({whose}) {have} no probability: {why}. See not_judged.csv.")
    return sentences


def _published(row: pd.Series) -> str:
    """Return the published figure of a target, or how far it lay from England's."""
    if row.scale != "relative":
        return _level(row.published, row.measure)
    side = "below" if row.published < 0 else "above"
    return f"{number(abs(row.published), LEVEL_PLACES)} {unit(row.measure)} {side} England"


def _publication(row: pd.Series, start: int) -> str:
    """Return what was published for a target's year, or last before it; nothing where nothing was."""
    if row.met in ("met", "missed"):
        return f" Published: {_published(row)}, so the target was {row.met}."
    if pd.isna(row.published_year):
        return ""
    figure = f"{_published(row)} for {row.published_of} in {academic_year(int(row.published_year))}"
    if row.target_year >= start:
        return f" Last published: {figure}."
    return f" Nothing was published for that year; the last figure before it is {figure}."
