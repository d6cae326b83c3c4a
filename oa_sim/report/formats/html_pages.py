"""HTML pages: the brief, the assurance pack, the gallery of pictures and the backtest report, from Jinja2 templates.

A page needs no script and no network. Every figure is marked as data under its name, so that a program can find it.
The templates lie in ``oa_sim/report/templates``; a folder of edited copies may take the place of any of them.
"""

from functools import lru_cache
from pathlib import Path
from traceback import walk_tb

import jinja2
import numpy as np
import pandas as pd
from jinja2.sandbox import ImmutableSandboxedEnvironment

from oa_sim import formatting
from oa_sim.definitions import GROUPS, MEASURES, academic_year
from oa_sim.errors import Refusal
from oa_sim.formatting import number
from oa_sim.plots import calibration
from oa_sim.report import document as documents
from oa_sim.report.document import Dossier, Drawn, Grid, drawn
from oa_sim.report.template_files import SHIPPED, template_file
from oa_sim.validation import district_backtest
from oa_sim.validation.benchmark_forecasters import REFERENCE
from oa_sim.validation.scoring import CENTRAL, SCALES, Scores, overall, series_in_words, verdict

NONE = "\N{EN DASH}"
PLACES = {"relative": 4, "level": 2}  # decimals of a CRPS: SD, and the unit as published
BETTER, WORSE = (0, 114, 178), (213, 94, 0)  # blue to orange, told apart by those who see no red or green
FULL_COLOUR = 0.3  # a ratio this far from 1 is coloured in full
STRONGEST = 0.45  # of a background, so that dark text stays readable on it


def brief_page(document: Dossier, templates: Path | None = None) -> str:
    """Return the brief as one HTML page; ``templates`` is a folder of edited copies of templates.

    One that cannot be read or rendered is refused, with its file and line.
    """
    return _render("brief.html", templates, title=document.title, document=document)


def assurance_page(document: Dossier, templates: Path | None = None) -> str:
    """Return the assurance pack as one HTML page; see ``brief_page``."""
    words = pd.DataFrame(formatting.table(), columns=["word", "band as published", "used here for"])
    blank = pd.DataFrame([{"role": role, "name": "", "date": "", "signature": ""} for role in documents.ROLES])
    return _render(
        "assurance.html",
        templates,
        title=f"Assurance pack: {document.label}",
        document=document,
        assumptions=_table("Each number that the answer rests on", document.assumptions),
        log=_table("Each check, its result and its limit", document.log),
        figures=documents.brief_statistics(document),
        words=_table("Word and chance", words),
        words_source=formatting.SOURCE,
        sign_off=_table("To be signed before the figures are used", blank),
    )


def pictures_page(pictures: list[Drawn], document: Dossier, templates: Path | None = None) -> str:
    """Return the gallery of a folder's pictures, each with its words; nothing where it has none."""
    if not pictures:
        return ""
    title = f"Pictures: {document.label}"
    return _render("pictures.html", templates, title=title, document=document, pictures=pictures)


def backtest_page(
    scores: Scores, read: list[str], made: dict, districts: pd.DataFrame | None = None, templates: Path | None = None
) -> str:
    """Return the report on a contest of forecasts as one HTML page.

    ``read`` are ready sentences on what was read and what was left out. ``made`` has ``train_until`` (the last year
    that the models were given), ``version``, ``files`` (name to hash) and ``gates`` (``verdict`` and ``reason``); what
    else it holds is printed as it is. ``districts`` are the scores of districts, from ``district_backtest.table``.
    """
    until, gates = _year(made["train_until"]), made["gates"]
    facts = {"Trained on figures up to": until, "oa_sim": made["version"]}
    facts |= {"Convergence checks": f"{gates['verdict']}: {gates['reason']}"}
    facts |= {name: value for name, value in made.items() if name not in ("train_until", "version", "gates", "files")}
    reliability, by_year = calibration.reliability_picture(scores).svg, calibration.by_year_picture(scores).svg
    return _render(
        "backtest.html",
        templates,
        title=f"How far to trust the forecasts of {scores.ours}",
        document=gates,
        verdict=verdict(scores),
        trained_until=until,
        ours=scores.ours,
        contest=_contest(scores),
        reliability=drawn("reliability", "Share of figures that each interval held", reliability),
        by_year=drawn("by-year", "CRPS against the random walk, by years ahead", by_year),
        series=_series(scores),
        districts=() if districts is None else _districts(districts),
        said_of_districts=() if districts is None else district_backtest.sentences(districts),
        misses=_misses(scores),
        read=read,
        run=Grid("The run", ("What", "Value"), tuple((str(name), str(value)) for name, value in facts.items())),
        files=Grid("The files it read", ("File", "Hash"), tuple(made["files"].items())),
        scores=_every_score(scores),
    )


def _loader(folder: Path | None) -> jinja2.FunctionLoader:
    """Return what finds a template in a folder of edited copies, otherwise among the shipped ones."""

    def source(name: str) -> tuple[str, str, None] | None:
        path = template_file(name, folder)
        try:
            return (path.read_text(encoding="utf-8"), str(path), None) if path.is_file() else None
        except UnicodeDecodeError as error:
            line = path.read_bytes()[: error.start].count(b"\n") + 1
            raise jinja2.TemplateSyntaxError("the text is not UTF-8", line, name, str(path)) from None

    return jinja2.FunctionLoader(source)


def _environment(folder: Path | None) -> jinja2.Environment:
    """Return what renders templates: autoescaped, and strict, so that a wrong name is refused and not left out."""
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(folder), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "repr": repr,
        "with_figures": lambda sentence: [(documents.figure_of(part), documents.said(part)) for part in sentence],
        "key_of_marks": lambda document: documents.key(documents.of_brief(document)),
    }
    return environment


_shipped = lru_cache(maxsize=1)(_environment)  # compiled once; edited ones may change between two reports


def _render(name: str, folder: Path | None, **content) -> str:
    try:
        page = (_environment(folder) if folder else _shipped(None)).get_template(name).render(content)
    except Exception as error:  # an edited template may fail in any way; a shipped one fails by a fault of ours
        if folder is None:
            raise
        raise Refusal(f"{_place(error, name, folder)}: {_reason(error)}; mend or delete that copy") from None
    return f"{page.strip()}\n"


def _place(error: Exception, name: str, folder: Path) -> str:
    """Return the file and line of a template at which it failed."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f"{error.filename or error.name}, line {error.lineno}"
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    edited = [f"{file}, line {line}" for file, line in frames if Path(file).parent == folder]
    shipped = [f"{file}, line {line}" for file, line in frames if file.startswith(str(SHIPPED))]
    return (edited or shipped or [str(folder / name)])[-1]  # a shipped macro may fail by what a copy hands it


def _reason(error: Exception) -> str:
    if isinstance(error, jinja2.TemplateNotFound):
        return f"there is no template {error.name!r}"
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _table(caption: str, table: pd.DataFrame) -> Grid:
    head = tuple(str(name).capitalize() for name in table.columns)
    return Grid(caption, head, tuple(table.astype(str).itertuples(index=False, name=None)))


def _contest(scores: Scores) -> list[Grid]:
    """Return the scores of every model, ours first, a table for each scale."""
    means = overall(scores.table)
    head = ("Model", "Figures", "Mean CRPS", "CRPS, random walk = 1", "Worst series",
            *(f"Held by the {level}% interval" for level in CENTRAL))  # fmt: skip
    tables = []
    for kind in calibration.kinds(means):
        part = means[means.scale == kind]
        part = pd.concat([part[part.model == scores.ours], part[part.model != scores.ours]])
        rows = tuple(
            (
                row.model, f"{row.n:,}", number(row.crps, PLACES[kind]), number(row.crps_ratio_rw, 3),
                # the reference is the measure of all, so that no series is its worst
                NONE if row.model == REFERENCE else f"{number(row.worst_ratio, 2)}, {series_in_words(row.worst)}",
                *(_percent(getattr(row, f"cov{level}")) for level in CENTRAL),
            )
            for row in part.itertuples()
        )  # fmt: skip
        tables.append(Grid(f"Scale {kind}: {SCALES[kind]}", head, rows))
    return tables


def _series(scores: Scores) -> list[Grid]:
    """Return where our model is good and where it is not, a table for each scale."""
    mine = scores.table[(scores.table.model == scores.ours) & (scores.table.n > 0)]
    tables = []
    for kind in calibration.kinds(mine):
        part = mine[mine.scale == kind]
        groups = tuple(group for group in GROUPS if (part.group == group).any())
        rows = tuple(
            (MEASURES[name].label, *(_heat(part[(part.measure == name) & (part.group == g)]) for g in groups))
            for name in MEASURES
            if (part.measure == name).any()
        )
        caption = f"{scores.ours}, scale {kind}: CRPS, random walk = 1; below it what the 80% interval held"
        tables.append(Grid(caption, ("Measure", *groups), rows))
    return tables


def _heat(part: pd.DataFrame) -> dict[str, str]:
    """Return a ratio of CRPS with its colour, and what the 80% interval held; nothing where nothing was scored."""
    if part.empty:
        return {}
    ratio, held = float(part.crps_ratio_rw.mean()), float(np.average(part.cov80, weights=part.n))
    strength = STRONGEST * min(abs(ratio - 1) / FULL_COLOUR, 1) if np.isfinite(ratio) else 0
    red, green, blue = BETTER if ratio < 1 else WORSE
    colour = f"rgba({red}, {green}, {blue}, {strength:.2f})"
    return {"ratio": number(ratio, 2), "held": _percent(held), "colour": colour}


def _districts(scores: pd.DataFrame) -> list[Grid]:
    """Return the scores of districts: of every model over all figures, and of ours by measure and group."""
    tables = []
    ours = scores[scores.model == district_backtest.OURS]
    by_series = ours.groupby(["measure", "group"], sort=False)
    of_series = [(f"{MEASURES[measure].label}, {group} pupils", part) for (measure, group), part in by_series]
    for caption, first, parts in (
        ("Each model, over all groups and years", "Model", scores.groupby("model", sort=False)),
        (f"{district_backtest.OURS}, by measure and group", "Series", of_series),
    ):
        head = (first, "Figures", "CRPS", "CRPS, county = 1", "CRPS, random walk = 1",
                *(f"Held by the {level}% interval" for level in CENTRAL))  # fmt: skip
        rows = tuple(
            (
                str(name), f"{part.n.sum():,}", number(part.crps.mean(), PLACES["relative"]),
                *(_ratio(part[column]) for column in ("crps_ratio_county", "crps_ratio_rw")),
                *(_percent(np.average(part[f"cov{level}"], weights=part.n)) for level in CENTRAL),
            )
            for name, part in parts
        )  # fmt: skip
        tables.append(Grid(caption, head, rows))
    return tables


def _ratio(column: pd.Series) -> str:
    """Return the mean of ratios of CRPS; none where no cell has one."""
    return number(column.mean(), 2) if column.notna().any() else NONE


def _misses(scores: Scores) -> Grid:
    head = ("Area", "Measure", "Group", "Year", "Scale", "Published", "Median", "95% interval", "SDs away",
            "Chance of that or further")  # fmt: skip
    rows = []
    for row in scores.misses.itertuples():
        places = PLACES[row.scale] - 1
        low, high, actual, median = (number(value, places) for value in (row.low, row.high, row.actual, row.median))
        series = (row.area, MEASURES[row.measure].label, row.group, academic_year(row.year), row.scale)
        rows.append((*series, actual, median, f"{low} to {high}", number(row.sds, 1), f"{row.chance:.1g}"))
    return Grid(f"The {len(rows)} worst of {scores.ours}", head, tuple(rows))


def _every_score(scores: Scores) -> Grid:
    head = ("Model", "Measure", "Group", "Year", "Years ahead", "Scale", "Areas", "CRPS", "Random walk = 1",
            *(f"Held by {level}%" for level in CENTRAL))  # fmt: skip
    rows = tuple(
        (
            row.model, MEASURES[row.measure].label, row.group, academic_year(row.year), str(row.horizon), row.scale,
            f"{row.n:,}", number(row.crps, 4), number(row.crps_ratio_rw, 3),
            *(_percent(getattr(row, f"cov{level}")) for level in CENTRAL),
        )
        for row in scores.table.itertuples()
    )  # fmt: skip
    return Grid("One row for each model, measure, group, year and scale", head, rows)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%" if np.isfinite(share) else "none scored"


def _year(value) -> str:
    return academic_year(value) if isinstance(value, int | np.integer) else str(value)
