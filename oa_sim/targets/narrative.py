"""Narrative: attainable levels, assessed targets and monitored figures in sentences."""

import pandas as pd

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.formatting import chance, unit
from oa_sim.scenario import unverified
from oa_sim.simulation import narrative
from oa_sim.targets.assess import Promises
from oa_sim.targets.monitor import Monitored

SAID = {  # parts of the way, in words
    "standing": "where areas are taken to stand",
    "england": "England's course",
    "own": "the area's own",
    "programme": "the programme",
}


def monitoring_sentences(found: Monitored) -> list[str]:
    """Return what the figures say in a few sentences; the first stands for all."""
    table, gates = found.figures, found.manifest["gates"]
    year = int(table.year.max())
    mine = table[table.year == year]
    counts = {colour: int((mine.colour == colour).sum()) for colour in ("green", "amber", "red")}
    lines = [
        f"Of {len(mine)} figures of {academic_year(year)} {counts['green']} are green, {counts['amber']} amber and "
        f"{counts['red']} red against what could be promised at the start."
    ]
    measure, group = headline_of(list(dict.fromkeys(table.measure)))
    goal = mine[(mine.measure == measure) & (mine.group == group)]
    if len(goal):
        last = academic_year(int(goal.last_year.iloc[0]))
        lines.append(
            f"{MEASURES[measure].label} of {group} pupils in {last}, in the mean of {len(goal)} areas: expected "
            f"{goal.before.mean():.1f} at the start and {goal.now.mean():.1f} now; the chance to reach what was "
            f"expected went from {chance(goal.p_goal_before.mean())} to {chance(goal.p_goal_now.mean())}; impact from "
            f"{goal.impact_before.mean():.2f} to {goal.impact_now.mean():.2f}."
        )
    reds = mine[mine.colour == "red"].sort_values("better_than").head(3)
    if len(reds):
        told = "; ".join(
            f"{row.area}, {MEASURES[row.measure].label}, {row.group}: {row.published:.1f} where at least "
            f"{row.should_be:.1f} was due{' (county proxy)' if row.proxy else ''}"
            for row in reds.itertuples()
        )
        lines.append(f"Furthest below: {told}.".replace("at least", "about"))
    if len(found.changes):
        better = int((found.changes.moved == "better").sum())
        lines.append(f"Since last time {len(found.changes)} changed colour: {better} for the better.")
    how = "learned again from the panel" if found.learned_again else "weighed anew"
    lines.append(
        f"The draws were {how}: Pareto k {found.manifest['pareto_k']:.2f}, worth "
        f"{found.manifest['effective_draws']:,.0f} of {found.update.weight.size:,} draws."
    )
    unsure = unverified.sentence(found.manifest["to_verify"], "monitor.json")
    return [*lines, *([unsure] if unsure else []), f"{gates['verdict']}: {gates['reason']}"]


def target_sentences(found: Promises) -> list[str]:
    """Return promises and judged targets in a few sentences; the first stands for all."""
    start = found.seen.scenario.start_year
    told = [_judged(row, start) for _, row in found.judged.iterrows() if row.colour != "none"]
    lines = [_promise(found), *told]
    if "judged_before" in found.facts and told:
        known = "breaks that came are declared, though not their size"
        if found.facts["asked"]["panel"] is None:
            known += ", and base rates count movements up to 2022/23"
        lines.append(f"Some hindsight is left in what is judged of years that are over: {known}.")
    baselines = found.judged[found.judged.colour == "none"] if len(found.judged) else found.judged
    if len(baselines):
        lines.append(
            f"{len(baselines)} rows of the package are baselines without a target: they have no chance and no colour, "
            "but what could have been promised for the figure that came (targets.csv)."
        )
    warned = found.promised[(found.promised.warning != "") & (found.promised.scale == "level")]
    if len(warned):
        of = len(found.promised[found.promised.scale == "level"])
        lines.append(
            f"In {len(warned)} of {of} promises most of what is expected against England is regression to the mean, "
            "which comes free: do not call it impact."
        )
    unsure = unverified.sentence(found.facts["to_verify"], "target.json")
    return [*lines, *([unsure] if unsure else []), narrative.verdict(found.seen.result)]


def _promise(found: Promises) -> str:
    """Return what can be promised of the headline's measure and group, in the mean of the areas."""
    table = found.promised
    measure, group = headline_of(list(dict.fromkeys(table.measure)))
    year = int(table.year.max())
    mine = table[(table.measure == measure) & (table.group == group) & (table.year == year) & (table.scale == "level")]
    levels = [name for name in mine.columns if name.startswith("promised_")]
    told = ", ".join(f"{mine[name].mean():.1f} with {name[9:]}%" for name in levels)
    parts = ", ".join(
        f"{word} {mine[f'{name}_mean'].mean():+.1f} (90% interval {mine[f'{name}_q05'].mean():+.1f} to "
        f"{mine[f'{name}_q95'].mean():+.1f})"
        for name, word in SAID.items()
    )
    year_said, level, last = academic_year(year), unit(measure, level=True), mine["last"].mean()
    return (
        f"For {MEASURES[measure].label} of {group} pupils in {year_said} an area can promise, on average over "
        f"{len(mine)} areas, {told} probability ({level}; last published {last:.1f}); of the way {parts}."
    )


def _judged(row: pd.Series, start: int) -> str:
    at = f"{row.area}, {MEASURES[row.measure].label}, {row.group} pupils"
    what = f"{row.target:g} {row.unit}"
    if row.scale == "relative":
        side = "above" if row.target >= 0 else "below"
        what = f"{f'{abs(row.target):g} {unit(row.measure)} ' if row.target else ''}{side} England"
    tense = "had" if row.target_year < start else "has"
    since = f"{row.base_rate_years:.0f} year{'s' if row.base_rate_years != 1 else ''}"
    said = (
        f"{row.colour.upper()}: {at}: {what} in {academic_year(int(row.target_year))} {tense} a chance of "
        f"{chance(row.probability)} as known in {row.judged_from}; comparable authorities moved that far against "
        f"England within {since} in {chance(row.base_rate)} of {row.base_rate_n:,.0f} cases"
    )
    if row.warning:
        said += f"; {row.warning}"
    if row.met in ("met", "missed"):
        said += f"; published was {row.published:.1f}: {row.met}"
    elif pd.notna(row.published_year):
        what = "last published" if row.target_year >= start else "nothing was published for that year, and"
        when = "" if row.target_year >= start else " before it"
        said += f"; {what} {row.published:.1f} of {row.published_of} in {academic_year(int(row.published_year))}{when}"
    marks = [mark for mark, is_so in (("county proxy", row.proxy), ("to verify", row.status == "to verify")) if is_so]
    marks += [f"[{row.verdict}]"] if row.verdict != "PASS" else []
    marked = f" ({', '.join(marks)})" if marks else ""
    return f"{said}{marked}."
