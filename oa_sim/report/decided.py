"""Decided: what each column of the tables of targets and of the best plan means, as ``meanings`` has it for a run."""

from oa_sim.report.meanings import NUMBER, OF_THE_ROW, SHARE, STATISTICS, STRING, TRUTH, YEAR, About

_AIM = "unit of the objective"
_ACTIVITY: About = ("the activity", "", STRING)
_PART = "{} part of the expected move from the last figure"
_FREE: About = ("share of the move against England that is the area\u2019s own course, and so free", "1", NUMBER)
LEVELS = {  # of names that end in a chance in per cent
    "promised_": "figure that is reached or bettered with a chance of {} %",
    "mc_error_": "Monte Carlo error of the figure that is reached with a chance of {} %",
}
TABLES: dict[str, dict[str, About]] = {
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
TITLES = {
    "promises": "What can be promised, with which chance, and where it comes from",
    "targets": "Targets, how likely each is met, and what was published since",
    "plan": "The best plan: pounds by area, activity and year",
    "split": "The best plan by area",
    "candidates": "The best plan beside simple ones",
    "prices": "What more room under each constraint would bring",
    "views": "Plans by three ways to weigh a pound",
    "paid": "When the pounds of the plan are spent",
}
