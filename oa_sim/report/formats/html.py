"""Brief page: a dossier in, the two-page brief as one HTML page out; it prints on two sheets of A4.

No script and no network; each figure is marked as data, with its name, so that a machine finds it again.
"""

from html import escape
from importlib.resources import files

from oa_sim.report import document as packs
from oa_sim.report.document import Dossier, Drawn, Grid, Only, Passage, Sentence
from oa_sim.report.formats.markup import as_table
from oa_sim.report.reported_figure import Published

STYLE = files(__package__) / "brief_page.css"
NBSP = "\N{NO-BREAK SPACE}"


def page(dossier: Dossier) -> str:
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
    text = escape(text).replace(" %", f"{NBSP}%")
    return f'<data class="figure" value="{one.value!r}" data-figure="{escape(one.figure)}">{text}</data>'


def _opening(dossier: Dossier) -> str:
    verdict = f'<p class="badge {"pass" if dossier.verdict == "PASS" else "failed"}">Verdict: {dossier.verdict}</p>'
    numbers = "".join(
        f"<li><strong>{_data(one, one.in_cell)}</strong>"
        f"{f' <small>90 %: {escape(one.interval)}</small>' if one.interval else ''}<span>{escape(label)}</span></li>"
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
