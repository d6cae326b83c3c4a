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
    "mean": ("mean over the draws: what is expected", OF_THE_ROW, NUMBER),
    "sd": ("standard deviation over the draws: how sure", OF_THE_ROW, NUMBER),
} | {
    name: (f"{100 * at:.0f}% of the draws lie below this figure", OF_THE_ROW, NUMBER) for name, at in QUANTILES.items()
}
ENDS = {  # of a column's name: what it adds to what the column means without it
    "_q05": "lower end of the 90% interval of",
    "_q50": "median of",
    "_q95": "upper end of the 90% interval of",
}
_GROUPS = f"which pupils: {'; '.join(f'{name}: {what}' for name, what in GROUPS.items())}"
_MEASURES = f"what is measured: {'; '.join(f'{name}: {about.label}' for name, about in MEASURES.items())}"
ANYWHERE: dict[str, About] = STATISTICS | {
    "scenario": ("name of the scenario; [FAIL] where a gate failed", "", STRING),
    "area": ("name of the Opportunity Area, or of all areas together", "", STRING),
    "group": (_GROUPS, "", STRING),
    "measure": (_MEASURES, "", STRING),
    "year": ("calendar year in which the academic year ends: 2026 is 2025/26", "year", YEAR),
    "quantity": ("what the figure is", "", STRING),
    "unit": ("unit of the figures of the row", "", STRING),
    "price_base": ("the prices that pounds of the row are in; nothing is deflated", "", STRING),
    "proxy": ("True where the figures behind the row are a county\u2019s and stand in for the area\u2019s", "", TRUTH),
    "n_draws": ("number of posterior draws behind the row", "draws", INTEGER),
    "note": ("what is to be known before the figure is used", "", STRING),
    "alarm": ("a warning where the three views disagree", "", STRING),
    "verdict": ("PASS where every gate was passed, FAIL otherwise", "", STRING),
    "status": ("how well the number is known: published, found, assumed, recalled or to verify", "", STRING),
    "source": ("where the number was read; keys are those of sources.csv", "", STRING),
}
ANYWHERE |= {  # of the one table of published figures, and of the long table in the form of other tools
    "model": ("oa_sim and its version", "", STRING),
    "region": ("area, or what the areas are together", "", STRING),
    "variable": ("quantity, measure and group", "", STRING),
    "value": ("the figure: mean over the draws, of a price the median", OF_THE_ROW, NUMBER),
    "figure": ("name of the figure, the same in every format", "", STRING),
    "label": ("what the figure is, in words", "", STRING),
    "text": ("the figure as it is printed in every format", "", STRING),
    "lower": ("lower end of the 90% interval", OF_THE_ROW, NUMBER),
    "upper": ("upper end of the 90% interval", OF_THE_ROW, NUMBER),
    "interval": ("the 90% interval as it is printed; none where nothing is uncertain", "", STRING),
    "monte_carlo_error": ("Monte Carlo standard error of the figure", OF_THE_ROW, NUMBER),
    "marks": ("what must stand beside the figure", "", STRING),
    "shown_in": ("the packs that print the figure", "", STRING),
    "run_id": ("of the run", "", STRING),
    "draws": ("checksum of the posterior draws", "", STRING),
    "data_hash": ("checksum of the tables that the run read", "", STRING),
    "version": ("of oa_sim", "", STRING),
}
_LEFT = "share of the peak that is left {} years after the last money"
_SERVED = "{} who are served, counted as full places; mean over the draws"
RUN_TABLES: dict[str, dict[str, About]] = {
    "table": {
        "quantity": ("; ".join(f"{name}: {what}" for name, what in QUANTITIES.items()), "", STRING),
        "unit": ("unit of the measure; % of an impact means percentage points", "", STRING),
    },
    "value": {
        "quantity": (
            "extra pupils, gaps, cost of one more, present values of benefit and cost; said with its unit in the row",
            "",
            STRING,
        ),
        "year": ("year in which an academic year ends; empty for a sum over all projected years", "year", YEAR),
    },
    "ranking": {
        "view": ("how a pound is weighed: plain, by who gains, or by the gap it closes", "", STRING),
        "unit": ("pounds of benefit for each pound of cost", "", STRING),
        "p_first": ("chance that it gives most per pound", SHARE, NUMBER),
        "expected_rank": ("mean of its rank over the draws, 1 the best", "rank", NUMBER),
        "place": (
            "its place by expected benefit per pound, 1 the best; half a place where two are equal",
            "place",
            NUMBER,
        ),
    }
    | {name: (what, "GBP of benefit / GBP of cost", kind) for name, (what, _, kind) in STATISTICS.items()},
    "sustainability": {
        "intervention": ("the activity whose impact it is; all: the whole programme", "", STRING),
        "money_ends": ("last year with money for activity", "year", YEAR),
        "p_impact": ("share of draws that have an impact to keep, on which the other columns rest", SHARE, NUMBER),
        "peak_sd": ("largest impact while and after money is spent", "SD of pupils", NUMBER),
        "peak_year": ("year of the largest impact, the median over the draws; it may lie between two", "year", NUMBER),
        **{f"left_{k}y": (_LEFT.format(k), SHARE, NUMBER) for k in (1, 5, 10)},
        "half_life_years": (
            "years after the last money until the impact stays below half its peak, 15 at most",
            "years",
            NUMBER,
        ),
        "p_half_at_end": ("share of draws in which half the peak is still there after 15 years", SHARE, NUMBER),
        "p_half_left_5y": ("chance that at least half the peak is left after 5 years", SHARE, NUMBER),
        "p_half_left_10y": ("chance that at least half the peak is left after 10 years", SHARE, NUMBER),
        "shortfall_5y_sd": ("expected amount by which half the peak is missed after 5 years", "SD of pupils", NUMBER),
        "shortfall_5y_cvar_sd": ("the same in the mean of the worst 5% of draws", "SD of pupils", NUMBER),
        "p_below_what_matters_peak": ("chance that even the peak is smaller than what matters", SHARE, NUMBER),
        "p_below_what_matters_5y": (
            "chance that the impact 5 years after the money is smaller than what matters",
            SHARE,
            NUMBER,
        ),
        "risk": ("risk that the impact does not last: high, medium or low, by p_half_left_5y", "", STRING),
        "reason": ("why the risk is what it is, in words", "", STRING),
    },
    "retention": {
        "intervention": ("the activity whose impact it is; all: the whole programme", "", STRING),
        "years_after": ("years after the last year with money", "years", INTEGER),
        "mean": ("expected share of the peak that is left", SHARE, NUMBER),
        "q05": ("5% of the draws have less left", SHARE, NUMBER),
        "q95": ("95% of the draws have less left", SHARE, NUMBER),
        "p_half_left": ("chance that at least half the peak is left", SHARE, NUMBER),
    },
    "pupils_served": {
        "intervention": ("the activity; any: all of them, each pupil once in pupils and pupils_so_far", "", STRING),
        "roll": ("pupils of the year groups it serves", "pupils", NUMBER),
        "places": (_SERVED.format("places"), "pupils", NUMBER),
        "pupils": (_SERVED.format("different pupils"), "pupils", NUMBER),
        "pupils_so_far": ("different pupils served in this year or before; mean over the draws", "pupils", NUMBER),
        "share_of_roll": ("different pupils served over the roll", SHARE, NUMBER),
    },
    "money": {
        "line": ("the activity, management, or what stays unspent", "", STRING),
        "paid_from": ("budget; or national programmes, which stand beside it and are no part of its sum", "", STRING),
        "gbp": ("pounds of the year, in the prices of price_base", "GBP", INTEGER),
    },
    "uncertainty": {
        "quantity": ("impact: of the programme; projection: of the level", "", STRING),
        "block": ("the part of the model that is uncertain", "", STRING),
        "share": ("share of the variance of the headline that comes from the block", SHARE, NUMBER),
        "standard_error": ("standard error of that share", SHARE, NUMBER),
    },
    "compare": {
        "reference": ("the scenario that the row\u2019s is compared with", "", STRING),
        "p_better": ("share of draws in which it is better for pupils than the reference", SHARE, NUMBER),
    },
    "long": {
        "model": ("name and version of the model", "", STRING),
        "region": ("name of the area, or the mean of the areas", "", STRING),
        "variable": ("quantity, measure, group and statistic, with | between them", "", STRING),
        "unit": ("unit of the value; (county proxy) where a county\u2019s figures stand in", "", STRING),
        "value": ("the figure", OF_THE_ROW, NUMBER),
    },
    "assumptions": {
        "number": ("name of the number, the same in every run", "", STRING),
        "what": ("what it is, in words", "", STRING),
        "value": ("what was taken for it, with its distribution where it is uncertain", OF_THE_ROW, STRING),
        "unit": ("unit of the value", "", STRING),
        "rating": ("red, amber or green, by the rule in why", "", STRING),
        "why": ("the rule that gave the rating", "", STRING),
        "owner": ("the role that has to confirm it", "", STRING),
    },
    "verification": {
        "check": ("name of the check", "", STRING),
        "asks": ("the question that it answers", "", STRING),
        "found": ("what was found", "", STRING),
        "limit": ("what would still have passed", "", STRING),
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
    "value": "Extra pupils, gaps, cost of one more, and present values",
    "ranking": "Areas in order of benefit per pound",
    "sustainability": "What lasts once the money stops",
    "retention": "Share of the peak that is left, year by year",
    "pupils_served": "Places and different pupils served",
    "money": "Where the money goes, to the pound",
    "uncertainty": "Where the uncertainty of the headline comes from",
    "compare": "Scenarios side by side",
    "long": "The long table that the IAMC form asks for",
    "assumptions": "Each number that the answer rests on",
    "verification": "What was checked, and what was found",
    "dictionary": "What each column means",
}


_AIM = "unit of the objective"
_ACTIVITY: About = ("the activity", "", STRING)
_PART = "{} part of the expected move from the last figure"
_FREE: About = ("share of the move against England that is the area\u2019s own course, and so free", "1", NUMBER)
LEVELS = {  # of names that end in a chance in per cent
    "promised_": "figure that is reached or bettered with a chance of {}%",
    "mc_error_": "Monte Carlo error of the figure that is reached with a chance of {}%",
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
        "base_rate_years": ("years that the base rate tells of", "years", NUMBER),
    },
    "targets": {
        "scale": ("level: the figure itself; relative: less England\u2019s", "", STRING),
        "baseline_year": ("year from which the target starts", "year", YEAR),
        "baseline": ("figure from which the target starts", OF_THE_ROW, NUMBER),
        "target_year": ("year by which it is to be reached", "year", YEAR),
        "target": ("figure that is to be reached", OF_THE_ROW, NUMBER),
        "probability": ("chance that it is reached", SHARE, NUMBER),
        "mc_error": ("Monte Carlo error of that chance", SHARE, NUMBER),
        "colour": ("green, amber or red by the chance", "", STRING),
        "base_rate": ("share of comparable authorities that moved as far in that time", SHARE, NUMBER),
        "base_rate_n": ("number of comparable authorities", "authorities", NUMBER),
        "base_rate_years": ("years that the base rate tells of", "years", NUMBER),
        "warning": ("a warning of regression to the mean; empty where there is none", "", STRING),
        "judged_from": ("when the target was judged from, where its year is over", "", STRING),
        "needed_against_england": ("how far the area must move against England", OF_THE_ROW, NUMBER),
        "own_share_of_move": _FREE,
        "programme_mean": ("the programme\u2019s part of the move", OF_THE_ROW, NUMBER),
        "expected": ("median of the figure in the target\u2019s year", OF_THE_ROW, NUMBER),
        "published": ("figure that was published since, where there is one", OF_THE_ROW, NUMBER),
        "promised_year": ("year that promises are for, where there is no target", "year", YEAR),
        "published_year": ("year of the published figure", "year", YEAR),
        "published_of": ("whose the published figure is", "", STRING),
        "met": ("whether the target was met, as far as is published", "", STRING),
        "run_id": ("the run that the target was judged by", "", STRING),
    },
    "plan": {"intervention": _ACTIVITY, "gbp": ("pounds planned for the year", "GBP", NUMBER)},
    "paid": {
        "intervention": _ACTIVITY,
        "gbp": ("pounds spent in the year, since the first payments come late", "GBP", NUMBER),
    },
    "split": {
        "gbp": ("pounds that the best plan gives the area", "GBP", NUMBER),
        "share": ("its share of the money", SHARE, NUMBER),
        "gbp_per_pupil": ("pounds for each pupil on the roll", "GBP / pupil", NUMBER),
        "worth_mean": ("what the area\u2019s money brings, expected", OF_THE_ROW, NUMBER),
        "worth": ("what the area\u2019s money brings", OF_THE_ROW, NUMBER),
    },
    "candidates": {
        "plan": ("name of the plan", "", STRING),
        "split": ("how it shares the money among areas", "", STRING),
        "buys": ("what it buys with it", "", STRING),
        "value": ("what it brings by the measure of risk that was asked for", _AIM, NUMBER),
        **{name: (what, _AIM, kind) for name, (what, _, kind) in STATISTICS.items()},
        "gain_of_best_mean": ("by how much the best plan brings more, expected", _AIM, NUMBER),
        "gain_of_best_se": ("Monte Carlo error of that gain", _AIM, NUMBER),
        "gain_of_best": ("by how much the best plan brings more", _AIM, NUMBER),
        "p_best": ("chance that it is the best of all", SHARE, NUMBER),
        "p_worse_than_best_plan": ("chance that it brings less than the best plan", SHARE, NUMBER),
        "expected_regret": ("what is lost on average for not knowing which is the best", _AIM, NUMBER),
        "worst_regret": ("the most that is lost in any draw", _AIM, NUMBER),
        "loses": ("share of the best plan\u2019s value that it loses", SHARE, NUMBER),
    },
    "prices": {
        "constraint": ("name of the constraint", "", STRING),
        "limit_gbp": ("its limit", "GBP", NUMBER),
        "used_gbp": ("pounds that the best plan uses of it", "GBP", NUMBER),
        "kind": ("most or least", "", STRING),
        "price_per_million_gbp": ("what a million pounds more room would bring", OF_THE_ROW, NUMBER),
        "to_change": ("the key that changes it", "", STRING),
    },
    "views": {
        "view": ("how a pound is weighed", "", STRING),
        "plan": ("name of the plan", "", STRING),
        "mean": ("what it brings in that view", _AIM, NUMBER),
        "place": ("its place, 1 the best", "place", NUMBER),
        "alarm": ("True where the views disagree", "", TRUTH),
    },
}
DECISION_TITLES = {
    "promises": "What can be promised, with which chance, and where it comes from",
    "targets": "Targets, how likely each is met, and what was published since",
    "plan": "The best plan: pounds by area, activity and year",
    "split": "The best plan by area",
    "candidates": "The best plan beside simple ones",
    "prices": "What more room under each constraint would bring",
    "views": "Plans by three ways to weigh a pound",
    "paid": "When the pounds of the plan are spent",
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
        For a column that nobody has said the meaning of.
    """
    rows = [(name, column, *about(name, column)) for name, table in tables.items() for column in table.columns]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def about(table: str, column: str) -> About:
    """Return meaning, unit and type of a column.

    Raises
    ------
    Refusal
        For a column that nobody has said the meaning of.
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
