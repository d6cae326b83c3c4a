"""Data dictionary: what each column of each table means, with its unit and its type.

``ANYWHERE`` has names that mean the same in every table. ``RUN_TABLES`` and ``DECISION_TABLES`` say what a table means
by a name otherwise. A unit of ``{}`` is in the row's own column ``unit``.
"""

from collections.abc import Mapping

import pandas as pd

from oa_sim.definitions import GROUPS, MEASURES, QUANTILES, QUANTITIES
from oa_sim.errors import Refusal, nearest

STRING, NUMBER, INTEGER, YEAR, TRUTH = "string", "number", "integer", "year", "boolean"
OF_THE_ROW = "as the column unit says"
SHARE = "1 (a share of 0 to 1)"

About = tuple[str, str, str]  # meaning, unit, type

STATISTICS: dict[str, About] = {
    "mean": ("mean over the draws: the expected value", OF_THE_ROW, NUMBER),
    "sd": ("standard deviation over the draws", OF_THE_ROW, NUMBER),
} | {
    name: (f"{100 * at:.0f}% of the draws are below this figure", OF_THE_ROW, NUMBER) for name, at in QUANTILES.items()
}
ENDS = {  # of a column's name: what it adds to what the column means without it
    "_q05": "lower end of the 90% interval of",
    "_q50": "median of",
    "_q95": "upper end of the 90% interval of",
}
_GROUPS = f"which pupils: {'; '.join(f'{name}: {what}' for name, what in GROUPS.items())}"
_MEASURES = f"what is measured: {'; '.join(f'{name}: {about.label}' for name, about in MEASURES.items())}"
ANYWHERE: dict[str, About] = STATISTICS | {
    "scenario": ("name of the scenario; [FAIL] where a convergence check failed", "", STRING),
    "area": ("name of the Opportunity Area, or of all areas together", "", STRING),
    "group": (_GROUPS, "", STRING),
    "measure": (_MEASURES, "", STRING),
    "year": ("calendar year in which the academic year ends: 2026 is 2025/26", "year", YEAR),
    "quantity": ("what the figure is", "", STRING),
    "unit": ("unit of the figures of the row", "", STRING),
    "price_base": ("prices of the pounds in the row; nothing is deflated", "", STRING),
    "proxy": ("True where a county\u2019s figures are used for the area", "", TRUTH),
    "n_draws": ("number of posterior draws behind the row", "draws", INTEGER),
    "note": ("what to know before using the figure", "", STRING),
    "alarm": ("a warning where the three welfare weightings disagree", "", STRING),
    "verdict": ("PASS where every convergence check passed, FAIL otherwise", "", STRING),
    "status": ("how well the number is known: published, found, assumed, recalled or to verify", "", STRING),
    "source": ("where the number was read; keys are those of sources.csv", "", STRING),
}
ANYWHERE |= {  # of the one table of published figures, and of the long table in the form of other tools
    "model": ("oa_sim and its version", "", STRING),
    "region": ("area, or the mean of the areas", "", STRING),
    "variable": ("quantity, measure and group", "", STRING),
    "value": ("the figure: mean over the draws, of a price the median", OF_THE_ROW, NUMBER),
    "figure": ("name of the figure, the same in every format", "", STRING),
    "label": ("what the figure is, in words", "", STRING),
    "text": ("the figure as printed in every format", "", STRING),
    "lower": ("lower end of the 90% interval", OF_THE_ROW, NUMBER),
    "upper": ("upper end of the 90% interval", OF_THE_ROW, NUMBER),
    "interval": ("the 90% interval as printed; none where nothing is uncertain", "", STRING),
    "monte_carlo_error": ("Monte Carlo standard error of the figure", OF_THE_ROW, NUMBER),
    "marks": ("marks to keep beside the figure", "", STRING),
    "shown_in": ("the reports that print the figure", "", STRING),
    "run_id": ("of the run", "", STRING),
    "draws": ("checksum of the posterior draws", "", STRING),
    "data_hash": ("checksum of the tables that the run read", "", STRING),
    "version": ("of oa_sim", "", STRING),
}
_LEFT = "share of the peak impact that remains {} years after funding ends"
_SERVED = "{} reached, counted as full places; mean over the draws"
RUN_TABLES: dict[str, dict[str, About]] = {
    "table": {
        "quantity": ("; ".join(f"{name}: {what}" for name, what in QUANTITIES.items()), "", STRING),
        "unit": ("unit of the measure; % of an impact means percentage points", "", STRING),
    },
    "value": {
        "quantity": (
            "additional pupils, gaps, cost of one additional pupil, present values; each row has its unit",
            "",
            STRING,
        ),
        "year": ("year in which an academic year ends; empty for a sum over all projected years", "year", YEAR),
    },
    "ranking": {
        "view": ("welfare weighting: plain, distribution-weighted or gap-closing", "", STRING),
        "unit": ("pounds of benefit for each pound of cost", "", STRING),
        "p_first": ("probability of the highest benefit per pound", SHARE, NUMBER),
        "expected_rank": ("mean of its rank over the draws, 1 the best", "rank", NUMBER),
        "place": (
            "rank by expected benefit per pound, 1 the best; half a rank where two are equal",
            "place",
            NUMBER,
        ),
    }
    | {name: (what, "GBP of benefit / GBP of cost", kind) for name, (what, _, kind) in STATISTICS.items()},
    "sustainability": {
        "intervention": ("the intervention; all: the whole programme", "", STRING),
        "money_ends": ("last funded year", "year", YEAR),
        "p_impact": ("share of draws with an impact, which the other columns use", SHARE, NUMBER),
        "peak_sd": ("largest impact during and after funding", "SD of pupils", NUMBER),
        "peak_year": ("year of the largest impact, the median over the draws; it may lie between two", "year", NUMBER),
        **{f"left_{k}y": (_LEFT.format(k), SHARE, NUMBER) for k in (1, 5, 10)},
        "half_life_years": (
            "years after funding ends until the impact stays below half its peak, at most 15",
            "years",
            NUMBER,
        ),
        "p_half_at_end": ("share of draws in which half the peak remains after 15 years", SHARE, NUMBER),
        "p_half_left_5y": ("probability that at least half the peak remains after 5 years", SHARE, NUMBER),
        "p_half_left_10y": ("probability that at least half the peak remains after 10 years", SHARE, NUMBER),
        "shortfall_5y_sd": ("expected shortfall below half the peak after 5 years", "SD of pupils", NUMBER),
        "shortfall_5y_cvar_sd": ("the same, mean of the worst 5% of draws", "SD of pupils", NUMBER),
        "p_below_what_matters_peak": ("probability that the peak is smaller than what matters", SHARE, NUMBER),
        "p_below_what_matters_5y": (
            "probability that the impact 5 years after funding is smaller than what matters",
            SHARE,
            NUMBER,
        ),
        "risk": ("risk that the impact does not last: high, medium or low, by p_half_left_5y", "", STRING),
        "reason": ("the reason for the risk", "", STRING),
    },
    "retention": {
        "intervention": ("the intervention; all: the whole programme", "", STRING),
        "years_after": ("years after funding ends", "years", INTEGER),
        "mean": ("expected share of the peak that remains", SHARE, NUMBER),
        "q05": ("in 5% of the draws less remains", SHARE, NUMBER),
        "q95": ("in 95% of the draws less remains", SHARE, NUMBER),
        "p_half_left": ("probability that at least half the peak remains", SHARE, NUMBER),
    },
    "pupils_served": {
        "intervention": ("the intervention; any: all of them, each pupil once in pupils and pupils_so_far", "", STRING),
        "roll": ("pupils in the year groups it serves", "pupils", NUMBER),
        "places": (_SERVED.format("places"), "pupils", NUMBER),
        "pupils": (_SERVED.format("different pupils"), "pupils", NUMBER),
        "pupils_so_far": ("different pupils reached in this year or before; mean over the draws", "pupils", NUMBER),
        "share_of_roll": ("different pupils reached divided by the roll", SHARE, NUMBER),
    },
    "money": {
        "line": ("the intervention, management, or unspent money", "", STRING),
        "paid_from": ("budget; or national programmes, which are beside it and not in its sum", "", STRING),
        "gbp": ("pounds of the year, in the prices of price_base", "GBP", INTEGER),
    },
    "uncertainty": {
        "quantity": ("impact: of the programme; projection: of the level", "", STRING),
        "block": ("the part of the model that is uncertain", "", STRING),
        "share": ("share of the variance of the headline that comes from the block", SHARE, NUMBER),
        "standard_error": ("standard error of that share", SHARE, NUMBER),
    },
    "compare": {
        "reference": ("the scenario for comparison", "", STRING),
        "p_better": ("share of draws in which it is better for pupils than the reference", SHARE, NUMBER),
    },
    "long": {
        "model": ("name and version of the model", "", STRING),
        "region": ("name of the area, or the mean of the areas", "", STRING),
        "variable": ("quantity, measure, group and statistic, with | between them", "", STRING),
        "unit": ("unit of the value; (county proxy) where a county\u2019s figures are used", "", STRING),
        "value": ("the figure", OF_THE_ROW, NUMBER),
    },
    "assumptions": {
        "number": ("name of the input, the same in every run", "", STRING),
        "what": ("what it is, in words", "", STRING),
        "value": ("its value, with its distribution where it is uncertain", OF_THE_ROW, STRING),
        "unit": ("unit of the value", "", STRING),
        "rating": ("red, amber or green, by the rule in why", "", STRING),
        "why": ("the rule that gave the rating", "", STRING),
        "owner": ("the role that must confirm it", "", STRING),
    },
    "verification": {
        "check": ("name of the check", "", STRING),
        "asks": ("the question that it answers", "", STRING),
        "found": ("what was found", "", STRING),
        "limit": ("the limit for a pass", "", STRING),
        "verdict": ("PASS, FAIL, on record, or not run", "", STRING),
        "from": ("when and where it was found, or the command that runs it", "", STRING),
    },
    "dictionary": {
        "table": ("name of the table, that of its file without .csv", "", STRING),
        "column": ("name of the column", "", STRING),
        "meaning": ("what it means", "", STRING),
        "unit": ("its unit", "", STRING),
        "type": ("type of its cells, by the names of Table Schema", "", STRING),
    },
}
RUN_TITLES = {
    "table": "Projection, counterfactual and impact by area, group, measure and year",
    "value": "Additional pupils, gaps, cost of one additional pupil, and present values",
    "ranking": "Areas in order of benefit per pound",
    "sustainability": "What remains after funding ends",
    "retention": "Share of the peak impact that remains, year by year",
    "pupils_served": "Places and different pupils reached",
    "money": "Where the money goes, to the pound",
    "uncertainty": "Where the uncertainty of the headline comes from",
    "compare": "Scenarios side by side",
    "long": "The long table in IAMC form",
    "assumptions": "Every input to the answer",
    "verification": "What was checked, and what was found",
    "dictionary": "What each column means",
}


_AIM = "unit of the objective"
_ACTIVITY: About = ("the intervention", "", STRING)
_PART = "{} part of the expected change since the last figure"
_FREE: About = (
    "share of the change against England that is the area\u2019s own course, and so not impact",
    "1",
    NUMBER,
)
LEVELS = {  # of names that end in a probability in per cent
    "promised_": "level that is attainable with probability {}%",
    "mc_error_": "Monte Carlo error of the level that is attainable with probability {}%",
}
DECISION_TABLES: dict[str, dict[str, About]] = {
    "promises": {
        "scale": ("level: the figure itself; relative: less England\u2019s", "", STRING),
        "last": ("last published figure", OF_THE_ROW, NUMBER),
        "last_year": ("year of the last published figure", "year", YEAR),
        "england_mean": (_PART.format("England\u2019s"), OF_THE_ROW, NUMBER),
        "england": (_PART.format("England\u2019s"), OF_THE_ROW, NUMBER),
        "own_mean": (_PART.format("the area\u2019s own"), OF_THE_ROW, NUMBER),
        "own": (_PART.format("the area\u2019s own"), OF_THE_ROW, NUMBER),
        "programme_mean": (_PART.format("the programme\u2019s"), OF_THE_ROW, NUMBER),
        "programme": (_PART.format("the programme\u2019s"), OF_THE_ROW, NUMBER),
        "own_share_of_move": _FREE,
        "warning": ("a warning of regression to the mean; empty where there is none", "", STRING),
        "needed_against_england": ("how far the area must move against England", OF_THE_ROW, NUMBER),
        "base_rate": ("share of comparable authorities that moved as far in that time", SHARE, NUMBER),
        "base_rate_n": ("number of comparable authorities", "authorities", NUMBER),
        "base_rate_years": ("years of the base rate", "years", NUMBER),
    },
    "targets": {
        "scale": ("level: the figure itself; relative: less England\u2019s", "", STRING),
        "baseline_year": ("year from which the target starts", "year", YEAR),
        "baseline": ("figure from which the target starts", OF_THE_ROW, NUMBER),
        "target_year": ("year of the target", "year", YEAR),
        "target": ("the target", OF_THE_ROW, NUMBER),
        "probability": ("probability that it is reached", SHARE, NUMBER),
        "mc_error": ("Monte Carlo error of that probability", SHARE, NUMBER),
        "colour": ("green, amber or red, by the probability", "", STRING),
        "base_rate": ("share of comparable authorities that moved as far in that time", SHARE, NUMBER),
        "base_rate_n": ("number of comparable authorities", "authorities", NUMBER),
        "base_rate_years": ("years of the base rate", "years", NUMBER),
        "warning": ("a warning of regression to the mean; empty where there is none", "", STRING),
        "judged_from": ("the year whose knowledge the assessment uses", "", STRING),
        "needed_against_england": ("how far the area must move against England", OF_THE_ROW, NUMBER),
        "own_share_of_move": _FREE,
        "programme_mean": ("the programme\u2019s part of the change", OF_THE_ROW, NUMBER),
        "expected": ("median of the figure in the target\u2019s year", OF_THE_ROW, NUMBER),
        "published": ("figure published since, where there is one", OF_THE_ROW, NUMBER),
        "promised_year": ("year of the attainable level, where there is no target", "year", YEAR),
        "published_year": ("year of the published figure", "year", YEAR),
        "published_of": ("the place of the published figure", "", STRING),
        "met": ("whether the target was met, where that is published", "", STRING),
        "run_id": ("the run that assessed the target", "", STRING),
    },
    "plan": {"intervention": _ACTIVITY, "gbp": ("pounds planned for the year", "GBP", NUMBER)},
    "paid": {
        "intervention": _ACTIVITY,
        "gbp": ("pounds spent in the year, since the first payments come late", "GBP", NUMBER),
    },
    "split": {
        "gbp": ("pounds for the area in the best plan", "GBP", NUMBER),
        "share": ("its share of the money", SHARE, NUMBER),
        "gbp_per_pupil": ("pounds for each pupil on the roll", "GBP / pupil", NUMBER),
        "worth_mean": ("what the area\u2019s money achieves, expected", OF_THE_ROW, NUMBER),
        "worth": ("what the area\u2019s money achieves", OF_THE_ROW, NUMBER),
    },
    "candidates": {
        "plan": ("name of the plan", "", STRING),
        "split": ("how it splits the money between areas", "", STRING),
        "buys": ("which interventions it buys", "", STRING),
        "value": ("what it achieves, by the chosen measure of risk", _AIM, NUMBER),
        **{name: (what, _AIM, kind) for name, (what, _, kind) in STATISTICS.items()},
        "gain_of_best_mean": ("how much more the best plan achieves, expected", _AIM, NUMBER),
        "gain_of_best_se": ("Monte Carlo error of that gain", _AIM, NUMBER),
        "gain_of_best": ("how much more the best plan achieves", _AIM, NUMBER),
        "p_best": ("probability that it is the best", SHARE, NUMBER),
        "p_worse_than_best_plan": ("probability that it achieves less than the best plan", SHARE, NUMBER),
        "expected_regret": ("expected regret: the mean loss against the best plan of each draw", _AIM, NUMBER),
        "worst_regret": ("the largest regret in any draw", _AIM, NUMBER),
        "loses": ("share of the best plan\u2019s value that it does not achieve", SHARE, NUMBER),
    },
    "prices": {
        "constraint": ("name of the constraint", "", STRING),
        "limit_gbp": ("its limit", "GBP", NUMBER),
        "used_gbp": ("pounds that the best plan uses of it", "GBP", NUMBER),
        "kind": ("most or least", "", STRING),
        "price_per_million_gbp": ("shadow price: what £1m more room would achieve", OF_THE_ROW, NUMBER),
        "to_change": ("the key that changes it", "", STRING),
    },
    "views": {
        "view": ("welfare weighting", "", STRING),
        "plan": ("name of the plan", "", STRING),
        "mean": ("what it achieves with that weighting", _AIM, NUMBER),
        "place": ("its rank, 1 the best", "place", NUMBER),
        "alarm": ("True where the weightings disagree", "", TRUTH),
    },
}
DECISION_TITLES = {
    "promises": "Attainable levels, their probabilities, and where the change comes from",
    "targets": "Targets, the probability of each, and what was published since",
    "plan": "The best plan: pounds by area, intervention and year",
    "split": "The best plan by area",
    "candidates": "The best plan compared with simple rules",
    "prices": "Shadow prices of the constraints",
    "views": "Plans by three welfare weightings",
    "paid": "When the money of the plan is spent",
}


TABLES = RUN_TABLES | DECISION_TABLES
TITLES = RUN_TITLES | DECISION_TITLES
COLUMNS = ("table", "column", "meaning", "unit", "type")


def dictionary(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return what each column of some tables means.

    Parameters
    ----------
    tables
        By name, that of the file without ``.csv``.

    Returns
    -------
    DataFrame
        ``table``, ``column``, ``meaning``, ``unit`` (empty where there is none) and ``type`` (as in Table Schema).

    Raises
    ------
    Refusal
        For a column without a meaning.
    """
    rows = [(name, column, *about(name, column)) for name, table in tables.items() for column in table.columns]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def about(table: str, column: str) -> About:
    """Return meaning, unit and type of a column.

    Raises
    ------
    Refusal
        For a column without a meaning.
    """
    own = TABLES.get(table, {})
    for known in (own, ANYWHERE):
        if column in known:
            return known[column]
    for end, what in ENDS.items():
        stem = column.removesuffix(end)
        if stem != column and stem in own:
            meaning, unit, kind = own[stem]
            return f"{what}: {meaning}", unit, NUMBER if kind == INTEGER else kind
    for begin, what in LEVELS.items():
        level = column.removeprefix(begin)
        if level != column and level.isdigit() and table in DECISION_TABLES:
            return what.format(level), OF_THE_ROW, NUMBER
    guess = nearest(column, [*own, *ANYWHERE])
    raise Refusal(
        f"column {column!r} of table {table!r} has no meaning in the dictionary"
        f"{f', is it {guess!r}' if guess else ''}: say it in oa_sim/report/data_dictionary.py"
    )
