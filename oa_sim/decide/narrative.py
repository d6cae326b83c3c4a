"""Narrative: a decision and the value of information in sentences, each with its interval and its limits."""

import numpy as np
import pandas as pd

from oa_sim.decide.decision import Decision
from oa_sim.decide.objective import OF, Objective
from oa_sim.decide.robustness import BEST, SMALL_LOSS
from oa_sim.decide.value_of_information import PERFECT, Information
from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.formatting import chance, pounds
from oa_sim.projection.variance_decomposition import LABELS
from oa_sim.scenario import unverified

CLEAR = 2.0  # standard errors: from here a worth is told as one
SMALLEST_SPREAD, MOST_DIGITS = 1e-6, 3  # of an interval, in units or millions of pounds; decimals


def information_sentences(found: Information) -> list[str]:
    """Return what information is worth in a few sentences; the first stands for all."""
    plans, known = found.decisions, found.known
    unit = plans.unit.iloc[0]
    best = plans.loc[plans["mean"].idxmax()]
    whole = known[known.known == PERFECT].iloc[0]
    lines = [
        f"Of {len(plans)} plans {best.plan} is best on average and in {chance(best.p_best)} of draws; to know "
        f"everything before choosing would be worth {_amount(whole, unit)}{_share(whole.value, best['mean'])}."
    ]
    blocks = known[(known.kind == "block") & (known.value > CLEAR * known.error)].sort_values("value", ascending=False)
    told = ", then ".join(f"{LABELS[row.known]} ({_amount(row, unit)})" for _, row in blocks.head(2).iterrows())
    lines.append(f"Of what is not known most would be worth {told}." if told else "No block alone is clearly worth it.")
    effects = known[(known.kind == "effect") & (known.value > CLEAR * known.error)].sort_values("value")[::-1]
    if len(effects):
        each = ", ".join(f"{row.known} ({_amount(row, unit)})" for _, row in effects.head(3).iterrows())
        lines.append(f"Of single effects: {each}.")
    paying = found.trials[(found.trials.net_gbp > 0) & (found.trials.value > CLEAR * found.trials.error)]
    if len(paying):
        row = paying.loc[paying.net_gbp.idxmax()]
        lines.append(
            f"The trial that pays most is of {row.trial_of.replace('_', ' ')} with {int(row.pupils):,} pupils: it is "
            f"worth {row.gbp / 1e6:.1f}m GBP and costs {row.cost_gbp / 1e6:.1f}m; costs and design effect are assumed."
        )
    else:
        lines.append("No trial of a single effect is clearly worth its cost to this choice alone.")
    if unit != "GBP":
        lines.append(_pounds(found, unit))
    lines += _gates(found)
    unsure, gated = unverified.sentence(found.manifest["to_verify"], "voi.json"), found.manifest["gates"]
    return [*lines, *([unsure] if unsure else []), f"{gated['verdict']}: {gated['reason']}"]


def _amount(row, unit: str) -> str:
    """Return a worth with its standard error, and in pounds."""
    pounds = f", {row.gbp / 1e6:.2f}m GBP" if unit != "GBP" and np.isfinite(row.gbp) else ""
    return _told(row.value, row.error, unit) + pounds


def _told(value: float, error: float, unit: str) -> str:
    """Return a worth with its standard error."""
    if unit == "GBP":
        return f"{value / 1e6:.2f}m ± {error / 1e6:.2f}m GBP"
    return f"{value:,.3g} ± {error:.2g} {unit}"


def _plainly(value: float, unit: str) -> str:
    """Return a worth alone, pounds in millions."""
    return f"{value / 1e6:.2f}m" if unit == "GBP" else f"{value:,.3g}"


def _share(value: float, brings: float) -> str:
    """Return a worth as a share of what the best plan brings, where it brings anything."""
    return f", {100 * value / brings:.1f}% of what it brings" if brings > 0 else ""


def _pounds(found: Information, unit: str) -> str:
    """Return where pounds come from."""
    average = found.manifest["units_a_pound_on_average"]
    if not np.isfinite(found.pound):
        return f"No pounds are given: the last of the best plan's money brings no {unit}."
    all_of_it = f" (all of it: {1e6 * average:,.3g} a million)" if average else ""
    return (
        f"Pounds are derived: the last twentieth of the best plan's money brings {1e6 * found.pound:,.3g} {unit} a "
        f"million{all_of_it}."
    )


def _gates(found: Information) -> list[str]:
    """Return which gate is worth most."""
    out = found.manifest["gate_years_left_out"]
    none = [f"No gate stands after year {', '.join(map(str, out))}: the money ends by then."] if out else []
    if not len(found.gates):
        return none
    row = found.gates.loc[found.gates.net.idxmax()]
    sure = row.net > CLEAR * row.error
    said = (
        f"deciding the rest {row.gate} by {row.signal} is worth {_told(row.flexibility, row.error, row.unit)}, "
        f"less {_plainly(max(row.waiting_costs, 0.0), row.unit)} for waiting"
    )
    if sure:
        return [f"{said[0].upper()}{said[1:]}.", *none]
    return [f"No gate is clearly worth more than committing now: {said}.", *none]


def plan_sentences(found: Decision) -> list[str]:
    """Return a decision in a few sentences; the first stands for all."""
    lines = [_best(found), _proof(found), *_rivals(found), *_flat(found.sheet.flat), *_views(found.sheet.views)]
    lines += [*_prices(found), *_flips(found.sheet.flips), *found.sheet.notes, *_cut(found)]
    unsure = unverified.sentence(found.manifest["to_verify"], "optimise.json")
    gates = found.manifest["gates"]
    return [*lines, *([unsure] if unsure else []), f"{gates['verdict']}: {gates['reason']}"]


def amount(low: float, mean: float, high: float, unit: str) -> str:
    """Return a worth with its 90% interval, in as many digits as the spread supports."""
    size, of = (1e6, "m GBP") if unit == "GBP" else (1.0, f" {unit}")
    spread = (high - low) / size
    if spread < SMALLEST_SPREAD:
        return f"{mean / size:,.3g}{of}, the same in every draw"
    digits = min(-int(np.floor(np.log10(spread))) + 1, MOST_DIGITS)
    said = [f"{round(value / size, digits) + 0.0:,.{max(digits, 0)}f}" for value in (mean, low, high)]
    return f"{said[0]} (90% interval {said[1]} to {said[2]}){of}"


def what(asked: Objective, years: list[int]) -> str:
    """Return what an objective counts, in words."""
    said = OF[asked.of][0]
    if asked.of == "extra_pupils" and asked.group != "all":
        said = f"{asked.group} {said}"
    if asked.weighting == "distribution":
        said += ", disadvantaged pupils counting for more"
    if asked.measures:
        said += f", of {', '.join(MEASURES[name].label for name in asked.measures)}"
    if asked.years_after is not None:
        said += f", {asked.years_after} years after the money"
    elif asked.of != "earnings":
        said += f", in {academic_year(years[0])} to {academic_year(years[-1])}"
    return said


def _best(found: Decision) -> str:
    asked, best = found.optimum.judge.objective, found.sheet.candidates.iloc[0]
    scenario = found.optimum.judge.scenario
    years = asked.years or scenario.years
    worth = amount(best.q05, best["mean"], best.q95, asked.unit)
    spent = pounds(found.account["allocated"])
    said = f"With {spent} for activity the best plan brings {worth}: {what(asked, years)}"
    if asked.risk == "cvar":
        said += f"; the mean of the worst {percent(asked.tail)} of draws is {best.value:,.4g}"
    if asked.risk == "floor":
        said += f"; the chance that every area reaches its floor is {percent(best.value)}"
    return f"{said}; judged on {int(best.n_draws):,} draws that had no part in finding it."


def _cut(found: Decision) -> list[str]:
    """Return that the clock ended a search, since then the plan is not the same on every machine."""
    cut = " and ".join(name for name, is_cut in found.cut.items() if is_cut)
    seconds = found.manifest["search"]["seconds"]
    told = f"The search for {cut} was cut off after {seconds:g} seconds, so another machine may find another plan: "
    return [told + "raise search.seconds."] if cut else []


def _proof(found: Decision) -> str:
    best, tried = found.optimum, found.challenge
    if best.upper_bound is None:
        said = "No bound is given: chances of reaching a floor are not concave, so another plan may be better"
    else:
        said = (
            f"No plan passes {best.upper_bound:,.5g} {best.judge.objective.unit} where this one has {best.value:,.5g}, "
            f"both on the draws on which it was found, so at most {100 * best.gap:.2g}% is left; proven as far "
            "as what lines take from each other changes in proportion"
        )
    others = f"of {tried.n} other plans tried by the whole law {tried.n_better or 'none'} did better"
    if tried.n_better:
        others += f", by {100 * (tried.best / best.value - 1):.2g}% at most"
    return f"{said}; {others}." if tried.n else f"{said}."


def _rivals(found: Decision) -> list[str]:
    """Return how the best plan stands against simple rules."""
    table, unit = found.sheet.candidates, found.optimum.judge.objective.unit
    simple = table[table.plan != BEST]
    if simple.empty:
        return []
    rival = simple.loc[simple.value.idxmax()]
    gain = amount(rival.gain_of_best_q05, rival.gain_of_best_mean, rival.gain_of_best_q95, unit)
    lines = [
        f"That is {gain} more than the best of {len(simple)} simple rules ({rival.plan}); in {chance(table.p_best[0])} "
        f"of draws no rule does better, and to follow the plan costs {table.expected_regret[0]:,.3g} {unit} of regret "
        f"on average, {table.worst_regret[0]:,.3g} at worst."
    ]
    own = simple[simple.buys == "own portfolio"]
    if len(own) and own.loses.min() > SMALL_LOSS:
        first = own.loc[own.value.idxmax()]
        lines.append(
            f"The scenario's own portfolio, {first.split.replace('_', ' ')}, loses {percent(first.loses)}: what is "
            "bought matters "
            + ("more than" if first.loses > 2 * rival.loses else "beside")
            + " how it is split over areas."
        )
    near = simple[simple.loses <= SMALL_LOSS]
    lines.append(
        f"The simplest rule that loses less than {percent(SMALL_LOSS)} is: {near.plan.iloc[0]}."
        if len(near)
        else f"No simple rule loses less than {percent(SMALL_LOSS)}; the nearest, {rival.plan}, loses "
        f"{100 * rival.loses:.1f}%."
    )
    return lines


def _flat(flat: pd.DataFrame) -> list[str]:
    """Return how far money may move, in words."""
    areas = flat[flat.of == "area"] if len(flat) else flat
    if not len(areas):
        return []
    wide = areas.assign(wide=(areas.most_gbp - areas.least_gbp) / areas.gbp.clip(lower=1)).sort_values("wide")
    each = zip(wide["name"], wide.least_gbp, wide.most_gbp, wide.gbp, strict=True)
    told = [f"{name} {_m(least)} to {_m(most)} (plan {_m(gbp)})" for name, least, most, gbp in each]
    some = told if len(told) <= 4 else [told[0], told[1], told[-2], told[-1]]
    which = "" if len(told) <= 4 else " (the two with the least room and the two with the most)"
    return [
        f"Many plans are as good: one area at a time may have, with {percent(SMALL_LOSS)} lost at most{which}: "
        f"{'; '.join(some)}."
    ]


def _m(gbp: float) -> str:
    return f"{gbp / 1e6:.1f}m"


def _views(views: pd.DataFrame) -> list[str]:
    """Return the alarm where views disagree."""
    if not len(views) or not views.alarm.iloc[0]:
        return []
    firsts = []
    for view, part in views.groupby("view", sort=False):
        simple = part[part.plan != BEST]
        overall, rule = part.loc[part["mean"].idxmax(), "plan"], simple.loc[simple["mean"].idxmax(), "plan"]
        firsts.append(f"{view}: {overall if overall == BEST else f'{overall}, before the plan'}, then {rule}")
    return [f"ALARM: who comes first depends on the view ({'; '.join(firsts)})."]


def _prices(found: Decision) -> list[str]:
    """Return what the last million brings, and the dearest other constraint."""
    table, unit = found.sheet.prices, found.optimum.judge.objective.unit
    years = table[table.constraint.str.startswith("the allocation of year")]
    low, high = years.price_per_million_gbp.min(), years.price_per_million_gbp.max()
    said = f"One million more in a year would bring {low:,.3g} to {high:,.3g} {unit}, by the year"
    others = table[~table.constraint.str.startswith("the allocation of year") & (table.price_per_million_gbp > 0)]
    if len(others):
        dear = others.loc[others.price_per_million_gbp.idxmax()]
        said += f"; of the other constraints {dear.constraint} costs most, {dear.price_per_million_gbp:,.3g} a million"
    return [f"{said}."]


def _flips(flips: pd.DataFrame) -> list[str]:
    """Return which parameters would turn the ranking."""
    mine = flips[flips["first"] == BEST]
    turned = mine[mine.turns_at.notna() & (mine.p_turned > 0)]
    if mine.empty:
        return []
    if turned.empty:
        return [f"No value of any one parameter that the draws hold would put {mine.second.iloc[0]} before the plan."]
    told = [
        f"{row.parameter} at {row.turns_at:.2g} (mean {row['mean']:.2g}; {chance(row.p_turned)} of draws lie beyond)"
        for _, row in turned.head(3).iterrows()
    ]
    return [f"The ranking of the plan and {mine.second.iloc[0]} would turn with {'; '.join(told)}."]
