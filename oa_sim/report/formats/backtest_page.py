"""Backtest page: the scores of a contest in, one page of HTML out.

The page stands alone as the briefing does, and says first how good the forecasts were, in numbers that lie further
down in tables and pictures.
"""

from html import escape
from importlib.resources import files

import numpy as np
import pandas as pd

from oa_sim.definitions import GROUPS, MEASURES, academic_year
from oa_sim.formatting import number
from oa_sim.plots import calibration
from oa_sim.report.formats import run_page
from oa_sim.validation.benchmark_forecasters import REFERENCE
from oa_sim.validation.scoring import CENTRAL, SCALES, Scores, overall, series_in_words, verdict

STYLE = files(__package__) / "reliability.css"
PLACES = {"relative": 4, "level": 2}  # decimals of a CRPS: SD, and the unit as published
BETTER, WORSE = (0, 114, 178), (213, 94, 0)  # blue to orange, told apart by those who see no red or green
FULL_COLOUR = 0.3  # a ratio this far from 1 is coloured in full
STRONGEST = 0.45  # of a background, so that dark text stays readable on it


def page(scores: Scores, read: list[str], made: dict) -> str:
    """Return the report on a contest as one HTML page.

    Parameters
    ----------
    scores
        From ``scoring.score``.
    read
        Ready sentences on what was read and what was left out, and why.
    made
        ``train_until`` (the last year that the models were given), ``version``, ``files`` (name to hash) and
        ``gates`` (``verdict`` and ``reason``); what else it holds is printed as it is.
    """
    title = f"How far to trust the forecasts of {escape(scores.ours)}"
    parts = (_contest, _calibrated, _years, _series, _missed)
    body = "\n".join(f"<section>\n{part(scores)}\n</section>" for part in parts)
    style = run_page.STYLE.read_text(encoding="utf-8") + STYLE.read_text(encoding="utf-8")
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n{_opening(scores, title, made)}\n<main>\n{body}\n"
        f"<section>\n{_made(read, made)}\n</section>\n{_every_score(scores)}\n</main>\n</body>\n</html>\n"
    )


def _opening(scores: Scores, title: str, made: dict) -> str:
    gates = made["gates"]
    passed = gates["verdict"] == "PASS"
    alarm = f"FAIL: the model did not pass its convergence gates, do not rely on its scores: {gates['reason']}"
    warning = "" if passed else f'<p class="fail" role="alert">{escape(alarm)}</p>\n'
    badge = f'\n<p class="badge pass">Verdict: PASS, {escape(gates["reason"])}</p>' if passed else ""
    lead, rest = (escape(line) for line in verdict(scores))
    return (
        f'{warning}<header>\n<h1>{title}</h1>\n<p class="lead">{lead}</p>\n<p>{rest}</p>\n'
        f'<p class="scenario">All models were given the record up to {escape(_year(made["train_until"]))}. The CRPS is '
        "the distance of a whole forecast from the figure, in the figure\u2019s unit: smaller is better.</p>"
        f"{badge}\n</header>"
    )


def _contest(scores: Scores) -> str:
    found = overall(scores.table)
    head = ["Model", "Figures", "Mean CRPS", "CRPS, random walk = 1", "Worst series"]
    head += [f"Held by the {level}% interval" for level in CENTRAL]
    tables = []
    for kind in calibration.kinds(found):
        part = found[found.scale == kind]
        part = pd.concat([part[part.model == scores.ours], part[part.model != scores.ours]])
        rows = [
            [
                f"<strong>{escape(row.model)}</strong>" if row.model == scores.ours else escape(row.model),
                f"{row.n:,}",
                number(row.crps, PLACES[kind]),
                number(row.crps_ratio_rw, 3),
                _worst(row),
                *(_percent(getattr(row, f"cov{level}")) for level in CENTRAL),
            ]
            for row in part.itertuples()
        ]
        tables.append(run_page.as_table(f"Scale {kind}: {escape(SCALES[kind])}", head, rows))
    return (
        "<h2>The contest</h2>\n<p>A figure is scored only where every model forecast it. Means are over measures, "
        "groups and years, so that each counts the same; a mean CRPS over published figures "
        f"mixes units and only compares models.</p>\n{''.join(tables)}"
    )


def _worst(row) -> str:
    if row.model == REFERENCE:  # it is the measure of all, so that no series is its worst
        return "\N{EN DASH}"
    return f"{number(row.worst_ratio, 2)} <small>{escape(series_in_words(row.worst))}</small>"


def _calibrated(scores: Scores) -> str:
    return (
        "<h2>Does it know how sure it is?</h2>\n<p>On the diagonal an interval holds as many figures as it says. Below "
        "it a model is too sure, above it not sure enough.</p>\n"
        '<figure class="wide">\n<h3>Share of figures that each interval held</h3>\n'
        f"{calibration.reliability_picture(scores).svg}\n"
        "</figure>"
    )


def _years(scores: Scores) -> str:
    return (
        "<h2>Further ahead</h2>\n"
        '<figure class="wide">\n<h3>CRPS against the random walk, mean over measures and groups</h3>\n'
        f"{calibration.by_year_picture(scores).svg}\n</figure>"
    )


def _series(scores: Scores) -> str:
    """Return where our model is good and where it is not, a table for each scale."""
    mine = scores.table[(scores.table.model == scores.ours) & (scores.table.n > 0)]
    tables = []
    for kind in calibration.kinds(mine):
        part = mine[mine.scale == kind]
        groups = [group for group in GROUPS if (part.group == group).any()]
        rows = [
            [escape(MEASURES[name].label), *(_heat(part[(part.measure == name) & (part.group == g)]) for g in groups)]
            for name in MEASURES
            if (part.measure == name).any()
        ]
        caption = f"{escape(scores.ours)}, scale {kind}: CRPS, random walk = 1; below it what the 80% interval held"
        tables.append(run_page.as_table(caption, ["Measure", *groups], rows))
    return (
        "<h2>Where it is good, and where not</h2>\n<p>Blue is closer than the random walk, orange is further away; "
        f"means over the years forecast.</p>\n{''.join(tables)}"
    )


def _heat(part: pd.DataFrame) -> str:
    if part.empty:
        return "\N{EN DASH}"
    ratio, held = float(part.crps_ratio_rw.mean()), float(np.average(part.cov80, weights=part.n))
    strength = STRONGEST * min(abs(ratio - 1) / FULL_COLOUR, 1) if np.isfinite(ratio) else 0
    red, green, blue = BETTER if ratio < 1 else WORSE
    style = f"background: rgba({red}, {green}, {blue}, {strength:.2f})"
    return f'<span class="heat" style="{style}">{number(ratio, 2)} <small>{_percent(held)}</small></span>'


def _missed(scores: Scores) -> str:
    head = ["Area", "Measure", "Group", "Year", "Scale", "Published", "Median", "95% interval", "SDs away"]
    head.append("Chance of that or further")
    rows = []
    for row in scores.misses.itertuples():
        places = PLACES[row.scale] - 1
        low, high, actual, median = (number(value, places) for value in (row.low, row.high, row.actual, row.median))
        about = [escape(row.area), escape(MEASURES[row.measure].label), row.group, academic_year(row.year), row.scale]
        rows.append([*about, actual, median, f"{low} to {high}", number(row.sds, 1), f"{row.chance:.1g}"])
    return (
        "<h2>The worst misses</h2>\n<p>Where the figure lay furthest from the forecast, in SDs of the forecast. On the "
        "scale relative, figures are SD of pupils above England.</p>\n"
        f"{run_page.as_table(f'The {len(rows)} worst of {escape(scores.ours)}', head, rows, kind='crowded words')}"
    )


def _made(read: list[str], made: dict) -> str:
    lines = "\n".join(f"<li>{escape(line)}</li>" for line in read)
    facts = {"Trained on figures up to": _year(made["train_until"]), "oa_sim": made["version"]}
    facts |= {"Gates": f"{made['gates']['verdict']}: {made['gates']['reason']}"}
    facts |= {name: value for name, value in made.items() if name not in ("train_until", "version", "gates", "files")}
    rows = [[escape(str(name)), escape(str(value))] for name, value in facts.items()]
    files = [[escape(name), f'<span class="hash">{escape(mark)}</span>'] for name, mark in made["files"].items()]
    return (
        f"<h2>What was read, and what was left</h2>\n<ul>\n{lines}\n</ul>\n<h2>How it was made</h2>\n"
        f"{run_page.as_table('The run', ['What', 'Value'], rows)}\n"
        f"{run_page.as_table('The files it read', ['File', 'Hash'], files)}"
    )


def _every_score(scores: Scores) -> str:
    head = ["Model", "Measure", "Group", "Year", "Years ahead", "Scale", "Areas", "CRPS", "Random walk = 1"]
    head += [f"Held by {level}%" for level in CENTRAL]
    rows = [
        [
            *(escape(row.model), escape(MEASURES[row.measure].label), row.group, academic_year(row.year)),
            *(str(row.horizon), row.scale, f"{row.n:,}", number(row.crps, 4), number(row.crps_ratio_rw, 3)),
            *(_percent(getattr(row, f"cov{level}")) for level in CENTRAL),
        ]
        for row in scores.table.itertuples()
    ]
    whole = run_page.as_table(
        "One row for each model, measure, group, year and scale", head, rows, kind="crowded words"
    )
    return f"<details>\n<summary>Every score ({len(rows):,} rows)</summary>\n{whole}\n</details>"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if np.isfinite(share) else "none scored"


def _year(value) -> str:
    return academic_year(value) if isinstance(value, int | np.integer) else str(value)
