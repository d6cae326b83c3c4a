"""Decided: what each column of the tables of targets and of the best plan means, as ``meanings`` has it for a run."""

from oa_sim.meanings import NUMBER, OF_THE_ROW, SHARE, STRING, YEAR, About

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
    "plan": {
        "intervention": ("the activity", "", STRING),
        "gbp": ("pounds planned for the year", "GBP", NUMBER),
    },
    "paid": {
        "intervention": ("the activity", "", STRING),
        "gbp": ("pounds spent in the year, since the first payments come late", "GBP", NUMBER),
    },
}
TITLES = {
    "promises": "What can be promised, with which chance, and where it comes from",
    "targets": "Targets, how likely each is met, and what was published since",
    "plan": "The best plan: pounds by area, activity and year",
    "paid": "When the pounds of the plan are spent",
}
