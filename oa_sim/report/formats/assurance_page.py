"""Assurance page: what a quality assurer signs, as one HTML page, from the assumptions to the signatures."""

from html import escape

import pandas as pd

from oa_sim import calibrated
from oa_sim.report import document as packs
from oa_sim.report.document import Dossier, Grid
from oa_sim.report.formats import html
from oa_sim.report.formats.markup import as_table

ROLES = ("Analyst", "Quality assurer", "Senior responsible owner")
FIGURE_HEAD = ("Figure", "Printed", "90 % interval", "Unit", "Price base", "Draws", "Monte Carlo error", "Marks")


def page(dossier: Dossier) -> str:
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
        ("Figures of the brief", html.as_grid(figures(dossier))),
        ("Probability words", _words()),
        ("Sign-off", _signatures()),
    )
    sections = "\n".join(f"<section>\n<h2>{title}</h2>\n{text or NONE}\n</section>" for title, text in parts)
    title = f"Assurance pack: {dossier.label}"
    body = (
        f"{html.warning(dossier)}<header><h1><bdi>{escape(title)}</bdi></h1></header>\n"
        f'<p class="lead">{html.as_html(dossier.headline)}</p>\n'
        f"<p>Verdict: <strong>{escape(dossier.verdict)}</strong>: {escape(dossier.reason)}.</p>\n<main>\n{sections}\n"
        f"</main>\n<p class=\"key\">{escape(packs.key(dossier.figures))}</p>\n"
        f"<footer><p>{escape(dossier.trace)}</p></footer>"
    )  # fmt: skip
    return html.whole(title, body)


NONE = "<p>Nothing is on record here for this folder.</p>"


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
    table = pd.DataFrame(calibrated.table(), columns=["word", "band as published", "used here for"])
    return f"<p>The words are those of the {escape(calibrated.SOURCE)}.</p>\n{words_table('Word and chance', table)}"


def _signatures() -> str:
    blank = [{"role": role, "name": "", "date": "", "signature": ""} for role in ROLES]
    return words_table("To be signed before the figures are used", pd.DataFrame(blank))
