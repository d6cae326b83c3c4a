"""Narrative: a decision and the value of information in sentences, each with its interval and its limits."""

import numpy as np
import pandas as pd

from oa_sim.decide.decision import Decision
from oa_sim.decide.objective import OF, Objective
from oa_sim.decide.plan_evaluation import split_in_words
from oa_sim.decide.robustness import BEST, SMALL_LOSS
from oa_sim.decide.value_of_information import PERFECT, Information
from oa_sim.definitions import MEASURES, academic_year, percent
from oa_sim.formatting import chance, estimate, number, pounds, significant, with_error
from oa_sim.projection.variance_decomposition import LABELS
from oa_sim.scenario import unverified
from oa_sim.scenario.rules import spelled

CLEAR = 2.0  # standard errors: from here a value is named as one
SMALLEST_SPREAD = 1e-6  # of an interval, in units or millions of pounds
YEAR_LIMIT = "the allocation of year"  # the constraints that stand for a year's budget


def information_sentences(information: Information) -> list[str]:
    """Return what information is worth in a few sentences; the first stands for all."""
    plans, studies = information.decisions, information.known  # known: what a study would tell
    unit = plans.unit.iloc[0]
    best = plans.loc[plans["mean"].idxmax()]
    perfect = studies[studies.known == PERFECT].iloc[0]
    share = ""
    if best["mean"] > 0:
        share = f", {chance(perfect.value / best['mean'])} of what that plan achieves"
    sentences = [
        f"Of {len(plans)} plans, {best.plan!r} is best on average and in {_of_draws(best.p_best, best.n_draws)} of "
        f"draws. The expected value of perfect information is {_value(perfect, unit)}{share}."
    ]
    blocks = _clear(studies[studies.kind == "block"]).head(2).itertuples()
    largest = ", then on ".join(f"{LABELS[row.known]} ({_value(row, unit)})" for row in blocks)
    sentences.append(
        f"Information is worth most on {largest}." if largest else "No block of parameters is clearly worth studying."
    )
    effects = [
        f"{row.known.replace('_', ' ')} ({_value(row, unit)})"
        for row in _clear(studies[studies.kind == "effect"]).head(3).itertuples()
    ]
    sentences += [f"Single effects with the most value: {', '.join(effects)}."] if effects else []
    sentences.append(_trial(information.trials))
    if unit != "GBP":
        sentences.append(_conversion(information, unit))
    sentences += _stage_gates(information)
    to_verify, gates = unverified.sentence(information.manifest["to_verify"], "voi.json"), information.manifest["gates"]
    return [*sentences, *([to_verify] if to_verify else []), f"{gates['verdict']}: {gates['reason']}"]


def _clear(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose value is clear of its error, the largest first."""
    return rows[rows.value > CLEAR * rows.error].sort_values("value", ascending=False)


def _of_draws(share: float, n_draws: int) -> str:
    """Return a share of draws in steps that so many of them support."""
    return chance(share, float(np.sqrt(share * (1 - share) / n_draws)))


def _value(row: pd.Series, unit: str) -> str:
    """Return a value of information with its standard error, and in pounds."""
    in_pounds = f", or {pounds(row.gbp)}" if unit != "GBP" and np.isfinite(row.gbp) else ""
    return with_error(row.value, row.error, unit=unit) + in_pounds


def _trial(trials: pd.DataFrame) -> str:
    """Return which trial of a single effect is worth most beyond its cost."""
    paying = trials[(trials.net_gbp > 0) & (trials.value > CLEAR * trials.error)]
    if paying.empty:
        return "No trial of a single effect is clearly worth its cost for this decision alone."
    row = paying.loc[paying.net_gbp.idxmax()]
    return (
        f"The most valuable trial is of {row.trial_of.replace('_', ' ')} with {number(row.pupils, 0)} pupils. It is "
        f"worth {pounds(row.gbp)} and costs {pounds(row.cost_gbp)}; costs and design effect are assumed."
    )


def _conversion(information: Information, unit: str) -> str:
    """Return how values are converted to pounds."""
    average = information.manifest["units_a_pound_on_average"]
    if not np.isfinite(information.pound):
        return f"No values in pounds are given: the last of the best plan's money achieves no {unit}."
    on_average = f", against {significant(1e6 * average)} on average" if average else ""
    return (
        f"Values in pounds are derived: the last twentieth of the best plan's money achieves "
        f"{significant(1e6 * information.pound, unit=unit)} per £1m{on_average}."
    )


def _stage_gates(information: Information) -> list[str]:
    """Return which stage gate is worth most."""
    years = information.manifest["gate_years_left_out"]
    left_out = (
        [f"No stage gate is possible after year {', '.join(map(str, years))}: funding ends by then."] if years else []
    )
    if not len(information.gates):
        return left_out
    row = information.gates.loc[information.gates.net.idxmax()]
    waiting = max(row.waiting_costs, 0.0)
    worth, cost = with_error(row.flexibility, row.error, unit=row.unit), significant(waiting, unit=row.unit)
    value = f"deciding the rest {row.gate} by {row.signal} is worth {worth}, less {cost} for waiting"
    if row.net > CLEAR * row.error:
        return [f"{value[0].upper()}{value[1:]}.", *left_out]
    return [f"No stage gate is clearly worth more than committing now: {value}.", *left_out]


def plan_sentences(decision: Decision) -> list[str]:
    """Return a decision in a few sentences; the first stands for all."""
    report, gates = decision.sheet, decision.manifest["gates"]
    return [
        _best_plan(decision),
        _upper_bound(decision),
        *_simple_rules(decision),
        *_near_optimal(report.flat),
        *_weightings(report.views),
        _shadow_prices(decision),
        *_switching_values(report.flips, report.candidates.n_draws[0]),
        *(f"{note[0].upper()}{note[1:]}" for note in report.notes),
        *_cut(decision),
        *filter(None, [unverified.sentence(decision.manifest["to_verify"], "optimise.json")]),
        f"{gates['verdict']}: {gates['reason']}",
    ]


def amount(low: float, mean: float, high: float, unit: str) -> str:
    """Return a result with its 90% interval, or that it is the same in every draw."""
    if (high - low) / (1e6 if unit == "GBP" else 1.0) < SMALLEST_SPREAD:
        return f"{significant(mean, unit=unit)}, the same in every draw"
    return estimate(mean, low, high, unit=unit)


def objective_in_words(objective: Objective, years: list[int]) -> str:
    """Return what an objective counts, in words."""
    counted = OF[objective.of][0]
    if objective.of == "extra_pupils" and objective.group != "all":
        counted = counted.replace("pupils", f"{objective.group} pupils", 1)
    if objective.weighting == "distribution":
        counted += ", with more weight to disadvantaged pupils"
    if objective.measures:
        counted += f", on {', '.join(MEASURES[name].label for name in objective.measures)}"
    if objective.years_after is not None:
        counted += f", {objective.years_after} years after funding ends"
    elif objective.of != "earnings":
        counted += f", in {academic_year(years[0])} to {academic_year(years[-1])}"
    return counted


def _best_plan(decision: Decision) -> str:
    """Return what the best plan spends and is expected to achieve on held-out draws."""
    judge, best = decision.optimum.judge, decision.sheet.candidates.iloc[0]
    objective = judge.objective
    risk = {
        "cvar": f" Mean of the worst {percent(objective.tail)} of draws: {significant(best.value, 4)}.",
        "floor": f" Probability that every area reaches its floor: {_of_draws(best.value, best.n_draws)}.",
    }
    return (
        f"The best plan spends {pounds(decision.account['allocated'])} on activity. It is expected to achieve "
        f"{amount(best.q05, best['mean'], best.q95, objective.unit)}: "
        f"{objective_in_words(objective, objective.years or judge.scenario.years)}.{risk.get(objective.risk, '')} "
        f"It is evaluated on {number(best.n_draws, 0)} held-out draws."
    )


def _cut(decision: Decision) -> list[str]:
    """Return that the clock ended a search, since then the plan is not the same on every machine."""
    cut = " and ".join(name for name, is_cut in decision.cut.items() if is_cut)
    seconds = spelled(decision.manifest["search"]["seconds"])
    sentence = f"The search for {cut} was cut off after {seconds} seconds, so another machine may find another plan"
    return [f"{sentence}: raise search.seconds."] if cut else []


def _upper_bound(decision: Decision) -> str:
    """Return how far another plan could be better, and how the plans that were tried did."""
    optimum, tried, unit = decision.optimum, decision.challenge, decision.optimum.judge.objective.unit
    if optimum.upper_bound is None or optimum.gap is None:
        bound = (
            "There is no upper bound: probabilities of reaching a floor are not concave, so another plan may be better."
        )
    else:
        gap = significant(100 * optimum.gap, 2, unit="%")
        bound = (
            f"No plan can exceed {significant(optimum.upper_bound, 5, unit=unit)}. This one achieves "
            f"{significant(optimum.value, 5, unit=unit)} on the same draws, so at most {gap} could be gained. The "
            "bound holds as far as the interaction between allocations changes in proportion."
        )
    if not tried.n:
        return bound
    by = f", by at most {significant(100 * (tried.best / optimum.value - 1), 2, unit='%')}" if tried.n_better else ""
    return f"{bound} Of {tried.n} other plans evaluated in full, {tried.n_better or 'none'} did better{by}."


def _simple_rules(decision: Decision) -> list[str]:
    """Return how the best plan compares with simple rules."""
    table, unit = decision.sheet.candidates, decision.optimum.judge.objective.unit
    simple = table[table.plan != BEST]
    if simple.empty:
        return []
    rival = simple.loc[simple.value.idxmax()]
    gain = amount(rival.gain_of_best_q05, rival.gain_of_best_mean, rival.gain_of_best_q95, unit)
    sentences = [
        f"It achieves {gain} more than the best of {len(simple)} simple rules ({rival.plan!r}). In "
        f"{_of_draws(table.p_best[0], table.n_draws[0])} of draws no rule does better. Its expected regret is "
        f"{significant(table.expected_regret[0], unit=unit)}, and {significant(table.worst_regret[0])} at worst."
    ]
    own_portfolio = simple[simple.buys == "own portfolio"]
    if len(own_portfolio) and own_portfolio.loses.min() > SMALL_LOSS:
        first = own_portfolio.loc[own_portfolio.value.idxmax()]
        matters = "matters more than" if first.loses > 2 * rival.loses else "matters as well as"
        sentences.append(
            f"The scenario's own portfolio ({split_in_words(first.split)}) achieves {percent(first.loses)} less: what "
            f"the money buys {matters} how it is split between areas."
        )
    close = simple[simple.loses <= SMALL_LOSS]
    if len(close):
        return [*sentences, f"The simplest rule within {percent(SMALL_LOSS)} of the plan: {close.plan.iloc[0]!r}."]
    return [
        *sentences,
        f"No simple rule comes within {percent(SMALL_LOSS)} of the plan. The nearest, {rival.plan!r}, achieves "
        f"{significant(100 * rival.loses, 2, unit='%')} less.",
    ]


def _near_optimal(flat: pd.DataFrame) -> list[str]:
    """Return how far each area's money may move at little loss."""
    areas = flat[flat.of == "area"] if len(flat) else flat
    if not len(areas):
        return []
    room = areas.assign(room=(areas.most_gbp - areas.least_gbp) / areas.gbp.clip(lower=1)).sort_values("room")
    ranges = [
        f"{name} {pounds(least)} to {pounds(most)} (plan {pounds(gbp)})"
        for name, least, most, gbp in zip(room["name"], room.least_gbp, room.most_gbp, room.gbp, strict=True)
    ]
    shown, which = ranges, ""
    if len(ranges) > 4:
        shown, which = [*ranges[:2], *ranges[-2:]], " (the two areas with the least room and the two with the most)"
    return [
        f"Many plans are close to optimal. Changing one area at a time costs at most {percent(SMALL_LOSS)} within "
        f"these ranges{which}: {'; '.join(shown)}."
    ]


def _weightings(views: pd.DataFrame) -> list[str]:
    """Return a warning where the welfare weightings disagree."""
    if not len(views) or not views.alarm.iloc[0]:
        return []
    orders = []
    for view, part in views.groupby("view", sort=False):
        simple = part[part.plan != BEST]
        first, rule = part.loc[part["mean"].idxmax(), "plan"], simple.loc[simple["mean"].idxmax(), "plan"]
        orders.append(f"{view}: {first if first == BEST else f'{first!r}, ahead of the plan'}, then {rule!r}")
    return [f"ALARM: the ranking depends on the welfare weighting ({'; '.join(orders)})."]


def _shadow_prices(decision: Decision) -> str:
    """Return what the last million achieves, and the other constraint with the largest shadow price."""
    table, unit = decision.sheet.prices, decision.optimum.judge.objective.unit
    is_year = table.constraint.str.startswith(YEAR_LIMIT)
    prices = table[is_year].price_per_million_gbp
    sentence = (
        f"An additional £1m in a year would achieve {significant(prices.min())} to "
        f"{significant(prices.max(), unit=unit)}, depending on the year."
    )
    others = table[~is_year & (table.price_per_million_gbp > 0)]
    if others.empty:
        return sentence
    row = others.loc[others.price_per_million_gbp.idxmax()]
    return (
        f"{sentence} Of the other constraints, {row.constraint} has the largest shadow price: "
        f"{significant(row.price_per_million_gbp, unit=unit)} per £1m."
    )


def _switching_values(flips: pd.DataFrame, n_draws: int) -> list[str]:
    """Return which values of parameters would reverse the ranking of the plan and the next."""
    of_plan = flips[flips["first"] == BEST]
    if of_plan.empty:
        return []
    second = of_plan.second.iloc[0]
    switching = of_plan[of_plan.turns_at.notna() & (of_plan.p_turned > 0)]
    if switching.empty:
        return [f"No value of a single parameter within the draws would put {second!r} ahead of the plan."]
    values = [
        f"{row.parameter} at {significant(row.turns_at, 2)} (mean {significant(row['mean'], 2)}; "
        f"{_of_draws(row.p_turned, n_draws)} of draws are beyond)"
        for _, row in switching.head(3).iterrows()
    ]
    return [f"The ranking of the plan and {second!r} would reverse with {'; '.join(values)}."]
