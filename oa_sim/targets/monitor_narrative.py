"""Narrative of monitoring: what new figures say, in sentences."""

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.formatting import chance
from oa_sim.scenario import unverified
from oa_sim.targets.monitor import Monitored


def sentences(found: Monitored) -> list[str]:
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
