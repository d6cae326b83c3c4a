"""HTML pages: the brief, the assurance pack and the gallery of charts.

Each is one page without a script and without a network. Every figure is marked as data under its name, so that a
program can find it.
"""

from html import escape
from importlib.resources import files

import pandas as pd

from oa_sim import formatting
from oa_sim.definitions import MEASURES
from oa_sim.plots import fan_charts, posterior, small_multiples
from oa_sim.plots.picture import Picture
from oa_sim.report import document as packs
from oa_sim.report.document import Dossier, Drawn, Grid, Only, Passage, Sentence
from oa_sim.report.formats import run_page
from oa_sim.report.formats.run_page import as_table
from oa_sim.report.reported_statistic import Published
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result

STYLE = files(__package__) / "brief_page.css"
NBSP = "\N{NO-BREAK SPACE}"
ROLES = ("Analyst", "Quality assurer", "Senior responsible owner")
FIGURE_HEAD = ("Figure", "Printed", "90% interval", "Unit", "Price base", "Draws", "Monte Carlo error", "Marks")
NONE = "<p>Nothing is on record here for this folder.</p>"


def brief_page(dossier: Dossier) -> str:
    """Return the brief as one HTML page.

    Parameters
    ----------
    dossier
        What is printed.
    """
    first, second = ("\n".join(_passage(one) for one in dossier.passages if one.page == number) for number in (1, 2))
    body = (
        f'<main>\n<div class="sheet">\n{_opening(dossier)}\n{first}\n</div>\n<div class="sheet">\n{second}\n'
        f'<p class="key">{escape(packs.key(dossier.figures))}</p>\n</div>\n</main>\n'
        f"<footer><p>{escape(dossier.trace)}</p></footer>"
    )
    return whole(dossier.title, body)


def whole(title: str, body: str) -> str:
    """Return a page that stands alone, from what stands in it."""
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def warning(dossier: Dossier) -> str:
    """Return the banner of a dossier whose gates failed; nothing where they passed."""
    if dossier.verdict == "PASS":
        return ""
    said = f"FAIL: the gates were not passed, do not use these figures: {dossier.reason}"
    return f'<p class="fail" role="alert">{escape(said)}</p>\n'


def as_html(sentence: Sentence) -> str:
    """Return a sentence as HTML, each figure marked as data with its name and its full value."""
    return "".join(_part(part) for part in sentence)


def _part(part: str | Published | Only) -> str:
    if isinstance(part, str):
        return escape(part)
    one = part.figure if isinstance(part, Only) else part
    return _data(one, packs.said(part))


def _data(one: Published, text: str) -> str:
    text = escape(text)
    return f'<data class="figure" value="{one.value!r}" data-figure="{escape(one.figure)}">{text}</data>'


def _opening(dossier: Dossier) -> str:
    verdict = f'<p class="badge {"pass" if dossier.verdict == "PASS" else "failed"}">Verdict: {dossier.verdict}</p>'
    numbers = "".join(
        f"<li><strong>{_data(one, one.in_cell)}</strong>"
        f"{f' <small>90% interval {escape(one.interval)}</small>' if one.interval else ''}"
        f"<span>{escape(label)}</span></li>"
        for label, one in dossier.numbers
    )
    return (
        f"{warning(dossier)}<header><h1><bdi>{escape(dossier.title)}</bdi></h1>{verdict}</header>\n"
        f'<p class="lead">{as_html(dossier.headline)}</p>\n'
        + (f'<ul class="numbers">{numbers}</ul>' if numbers else "")
    )


def _passage(passage: Passage) -> str:
    lines = "".join(f"<p>{as_html(one)}</p>\n" for one in passage.said)
    points = "".join(f"<li>{as_html(one)}</li>\n" for one in passage.points)
    points = f"<ul>\n{points}</ul>\n" if points else ""
    grids = "".join(as_grid(one) for one in passage.grids)
    pictures = "".join(_picture(one) for one in passage.pictures)
    section = f"<section>\n<h2>{escape(passage.title)}</h2>\n{lines}{points}{grids}</section>\n"
    return section + pictures if passage.grids else pictures + section  # a picture stands beside what follows it


def as_grid(grid: Grid) -> str:
    """Return a table of words and figures as HTML."""
    rows = [[f"<bdi>{escape(packs.cell(name))}</bdi>", *(_cell(cell) for cell in cells)] for name, *cells in grid.rows]
    return as_table(escape(grid.caption), [escape(cell) for cell in grid.head], rows)


def _cell(cell: str | Published) -> str:
    return _data(cell, cell.in_cell) if isinstance(cell, Published) else escape(cell)


def _picture(picture: Drawn) -> str:
    title = f"<figcaption>{escape(picture.title)}</figcaption>"
    return f'<figure class="{escape(picture.name)}">\n{title}\n{picture.svg}\n</figure>\n'


def picture_book(result: Result, dossier: Dossier) -> str:
    """Return the page of pictures.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    dossier
        The same run as its packs print it.
    """
    return of_folder([Drawn(one.name, one.title, one.alternative, one.svg) for one in pictures(result)], dossier)


def of_folder(drawn: list[Drawn], dossier: Dossier) -> str:
    """Return the page of a folder's own pictures; nothing where it has none.

    Parameters
    ----------
    drawn
        The pictures.
    dossier
        The folder as its packs print it.
    """
    if not drawn:
        return ""
    shown = "\n".join(_figure(one) for one in drawn)
    title = f"Pictures: {dossier.label}"
    body = (
        f"{warning(dossier)}<header><h1><bdi>{escape(title)}</bdi></h1></header>\n"
        f'<p class="lead">{as_html(dossier.headline)}</p>\n<main class="book">\n{shown}\n</main>\n'
        f'<p class="key">{escape(packs.key(dossier.figures))}</p>\n<footer><p>{escape(dossier.trace)}</p></footer>'
    )
    return whole(title, body)


def pictures(result: Result) -> list[Picture]:
    """Return the pictures of a run, from what is asked first to how far to trust it.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    """
    measure, group = summaries.headline_measure(result)
    found = [fan_charts.fan_picture(result, measure, group)]
    found += [fan_charts.fan_picture(result, name) for name in result.draws.measure.values.tolist()]
    found.append(small_multiples.by_area(result))
    found.append(small_multiples.gaps(result))
    if summaries.has_impact(result):
        found.append(fan_charts.side_by_side_picture(result, measure, MEASURES[measure].table_groups[0]))
        found.append(fan_charts.retention_picture(result))
        found.append(run_page.curves_picture(result) if result.by_intervention.sizes.get("intervention") else None)
    found.append(run_page.origins_picture(result) if len(result.uncertainty) else None)
    found.append(posterior.forest(result))
    return [one for one in found if one is not None]


def _figure(picture: Drawn) -> str:
    title = f"<figcaption>{escape(picture.title)}</figcaption>"
    said = f"<details><summary>In words</summary><p>{escape(picture.alternative)}</p></details>"
    return f"<figure>\n{title}\n{picture.svg}\n{said}\n</figure>"


def assurance_page(dossier: Dossier) -> str:
    """Return the assurance pack as one HTML page.

    Parameters
    ----------
    dossier
        What is assured.
    """
    parts = (
        ("Assumptions register", words_table("Each number that the answer rests on", dossier.assumptions)),
        ("Uncertainty statement", "".join(f"<p>{escape(line)}</p>\n" for line in dossier.statement)),
        ("Verification log", words_table("Each check, what it found and its limit", dossier.log)),
        ("Change since the last version", _list(dossier.changes)),
        ("Figures of the brief", as_grid(figures(dossier))),
        ("Probability words", _words()),
        ("Sign-off", _signatures()),
    )
    sections = "\n".join(f"<section>\n<h2>{title}</h2>\n{text or NONE}\n</section>" for title, text in parts)
    title = f"Assurance pack: {dossier.label}"
    body = (
        f"{warning(dossier)}<header><h1><bdi>{escape(title)}</bdi></h1></header>\n"
        f'<p class="lead">{as_html(dossier.headline)}</p>\n'
        f"<p>Verdict: <strong>{escape(dossier.verdict)}</strong>: {escape(dossier.reason)}.</p>\n<main>\n{sections}\n"
        f"</main>\n<p class=\"key\">{escape(packs.key(dossier.figures))}</p>\n"
        f"<footer><p>{escape(dossier.trace)}</p></footer>"
    )  # fmt: skip
    return whole(title, body)


def figures(dossier: Dossier) -> Grid:
    """Return the figures of the brief, with what each can be traced by."""
    rows = tuple(
        (
            one.label, one, one.interval or "exact", one.unit, one.price_base, f"{one.origin.n_draws:,}",
            f"{one.error:.2g}", one.marks,
        )
        for one in dossier.figures if "brief" in one.shown_in
    )  # fmt: skip
    return Grid("What the brief prints", FIGURE_HEAD, rows)


def words_table(caption: str, table: pd.DataFrame) -> str:
    """Return a table of words as HTML, ratings in colour as well; nothing where there is none."""
    if not len(table):
        return ""
    head = [escape(str(name).capitalize()) for name in table.columns]
    rows = [[_rated(cell) for cell in row] for row in table.astype(str).itertuples(index=False)]
    return as_table(escape(caption), head, rows, kind="words")


def _rated(cell: str) -> str:
    return f'<span class="{cell}">{cell}</span>' if cell in ("red", "amber", "green") else escape(cell)


def _list(lines: tuple[str, ...]) -> str:
    return f"<ul>\n{''.join(f'<li>{escape(line)}</li>' for line in lines)}\n</ul>" if lines else ""


def _words() -> str:
    table = pd.DataFrame(formatting.table(), columns=["word", "band as published", "used here for"])
    return f"<p>The words are those of the {escape(formatting.SOURCE)}.</p>\n{words_table('Word and chance', table)}"


def _signatures() -> str:
    blank = [{"role": role, "name": "", "date": "", "signature": ""} for role in ROLES]
    return words_table("To be signed before the figures are used", pd.DataFrame(blank))
