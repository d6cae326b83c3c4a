"""Word: the ministerial pack on two pages and the assurance pack, as documents that people amend and hand on.

Every figure is printed as the dossier prints it; the letters are as large as two pages allow.
"""

from collections.abc import Sequence

import pandas as pd

from oa_sim import formatting
from oa_sim.report.document import Dossier, Drawn, Grid, Passage, cell, key, plain
from oa_sim.report.formats.office import RED, describe, of_figures, sealed, texts, width, xml_safe
from oa_sim.report.formats.word_document import PAD, Box, Look, Paper, frame_of_cells, paragraph, run
from oa_sim.report.reported_statistic import Published

SETTINGS = (  # size of letters and least height of pictures, points, the most readable first
    *((body, 265.0) for body in (11.0, 10.5, 10.0, 9.5)),
    *((body, 215.0) for body in (10.0, 9.5, 9.0, 8.5)),
    *((body, 170.0) for body in (8.5, 8.0, 7.5, 7.0, 6.5)),
)
AIRS, TALLER = (2.2, 1.9, 1.6, 1.3, 1.0), (1.5, 1.35, 1.2, 1.1)
SPARE = 0.03  # of a page's height: other programs set letters a little wider
BANNER = (  # a red ground, and borders of the same red so that the letters do not touch its edge
    "<w:pBdr>"
    + "".join(
        f'<w:{side} w:val="single" w:sz="{wide}" w:space="0" w:color="{RED}"/>'
        for side, wide in (("top", 24), ("left", 48), ("bottom", 24), ("right", 48))
    )
    + f'</w:pBdr><w:shd w:val="clear" w:color="auto" w:fill="{RED}"/>'
)
ROLES = ("Analyst", "Quality assurer", "Senior responsible owner")
RATINGS = {"red": ("F6D5D5", "7A0000"), "amber": ("FCE8C3", "5C3B00"), "green": ("D5EFE3", "00452F")}
VERDICTS = {"FAIL": RATINGS["red"], "PASS": RATINGS["green"]}


def brief(dossier: Dossier) -> bytes:
    """Return the ministerial pack, two pages of A4, as a Word document.

    Parameters
    ----------
    dossier
        What it prints.

    Returns
    -------
    bytes
        The same for the same dossier.
    """
    pictures = {one.name: one.png() for passage in dossier.passages for one in passage.pictures}
    paper = _largest(dossier, pictures)
    describe(paper.document.core_properties, dossier, "Ministerial pack")
    return sealed(paper.document)


def _largest(dossier: Dossier, pictures: dict[str, bytes]) -> Paper:
    """Return the pack in the largest letters, then the most space and the largest pictures, that two pages take."""
    beside = (Paper(Look()).wide / max(len(dossier.numbers), 1)) - PAD - 4
    widest = max((width(xml_safe(cell(one)), 1.0, bold=True) for _, one in dossier.numbers), default=1.0)

    def made(body: float, air: float, tall: tuple[float, float]) -> tuple[Paper, bool]:
        look = Look(body, max(6.5, min(8.0, body - 1.5)), min(2 * body, beside / widest), air)
        return _brief(dossier, look, tall, pictures)

    for body, least in SETTINGS:
        best, fits = made(body, AIRS[-1], (least, least))
        if fits:
            break
    if not fits:
        return best
    tall = (least, least)
    air = next((one for one in AIRS if made(body, one, tall)[1]), AIRS[-1])
    best, _ = made(body, air, tall)
    for page in (0, 1):  # each page takes the tallest pictures that it has room for
        for more in (least * one for one in TALLER):
            paper, fits = made(body, air, (more, tall[1]) if page == 0 else (tall[0], more))
            if fits:
                best, tall = paper, (more, tall[1]) if page == 0 else (tall[0], more)
                break
    return best


def _brief(dossier: Dossier, look: Look, tall: tuple[float, float], pictures: dict[str, bytes]) -> tuple[Paper, bool]:
    """Return the pack in one look, pictures of each page as tall as given, and whether each part stays on its page."""
    paper, most = Paper(look), 0.0
    paper.footer(dossier.trace)
    paper.heading(dossier.title, 1)
    _verdict(paper, dossier)
    paper.write("Lead", plain(dossier.headline))
    _numbers(paper, dossier.numbers)
    for page in (1, 2):
        for i, passage in enumerate(one for one in dossier.passages if one.page == page):
            _passage(paper, passage, pictures, tall[page - 1], new_page=page == 2 and i == 0)
        paper.clear()
        _key(paper, key(dossier.figures))
        most = max(most, paper.used)
    lines = 1 + -(-width(xml_safe(dossier.trace), 7.0) // paper.wide)
    return paper, most <= paper.high * (1 - SPARE) - max(0.0, lines - 2) * 9


def verdict(dossier: Dossier) -> str:
    """Return the verdict of the gates as a sentence."""
    warning = "" if dossier.verdict == "PASS" else " do not use these figures."
    return f"Verdict {dossier.verdict}:{warning} {dossier.reason.rstrip('.')}."


def _verdict(paper: Paper, dossier: Dossier) -> None:
    passed = dossier.verdict == "PASS"
    paper.write("Pass" if passed else "Banner", verdict(dossier), extra="" if passed else BANNER)


def _numbers(paper: Paper, numbers: Sequence[tuple[str, Published]]) -> None:
    """Lay the four numbers side by side."""
    if not numbers:
        return
    wide = paper.wide / len(numbers)
    cells = []
    for label, one in numbers:
        parts = [("Big", cell(one)), ("Between", between(one)), ("Small", label)]
        cells.append("".join(paragraph(style, run(text)) for style, text in parts))
    paper.lay(frame_of_cells(cells, wide))
    paper.lay(paragraph("After", ""))
    paper.used += paper.tallest([label for label, _ in numbers], wide)


def between(one: Published) -> str:
    """Return where a figure lies, or that it is exact; of a chance nothing but its own error is known."""
    return f"90% interval {one.interval}" if one.interval else "no interval" if one.error else "exact"


def _key(paper: Paper, meaning: str) -> None:
    if meaning:
        paper.write("Key", f"Signs: {meaning}")


def _passage(paper: Paper, passage: Passage, pictures: dict[str, bytes], tall: float, *, new_page: bool) -> None:
    paper.heading(passage.title, 2, new_page=new_page)
    first = () if passage.grids else passage.pictures
    _pictures(paper, first, pictures, tall)
    for sentence in passage.said:
        paper.write("Normal", plain(sentence))
    for sentence in passage.points:
        paper.write("ListBullet", plain(sentence))
    for grid in passage.grids:
        _grid(paper, grid)
    if passage.grids:
        _pictures(paper, passage.pictures, pictures, tall)


def _pictures(paper: Paper, drawn: Sequence[Drawn], pictures: dict[str, bytes], tall: float) -> None:
    for one in drawn:
        paper.picture(one, pictures[one.name], tall)


def _grid(paper: Paper, grid: Grid, *, whole: bool = True) -> None:
    paper.clear()
    rows = [[Box(text) for text in row] for row in texts(grid)]
    paper.table(grid.caption, grid.head, rows, of_figures(grid.rows, len(grid.head)), whole=whole)


def assurance(dossier: Dossier) -> bytes:
    """Return the assurance pack as a Word document.

    It holds the sign-off block, what changed, the statement on uncertainty, the probability words and the verification
    log, then, in landscape, the figures of the brief and the assumptions register.

    Parameters
    ----------
    dossier
        What it prints.
    """
    paper = Paper(Look(9.5, 7.5))
    paper.footer(dossier.trace)
    paper.heading(f"Assurance: {dossier.title}", 1)
    _verdict(paper, dossier)
    _sign_off(paper)
    _sentences(paper, "Change since the last version", dossier.changes, "No earlier version is known.")
    _sentences(paper, "Uncertainty statement", dossier.statement, "No statement was made.")
    _words(paper)
    paper.heading("Verification log", 2)
    _log(paper, dossier.log)
    paper.turned()
    paper.heading("Figures of the brief", 2)
    _figures(paper, dossier)
    paper.heading("Assumptions register", 2)
    _register(paper, dossier.assumptions)
    describe(paper.document.core_properties, dossier, "Assurance pack")
    return sealed(paper.document)


def _sign_off(paper: Paper) -> None:
    paper.heading("Sign-off", 2)
    rows = [[Box(role, bold=True), Box(""), Box(""), Box("")] for role in ROLES]
    paper.table(
        "",
        ("Role", "Name", "Date", "Signature"),
        rows,
        [False] * 4,
        told="Sign-off",
        deep=30.0,
        shares=(0.24, 0.28, 0.16, 0.32),
    )


def _sentences(paper: Paper, title: str, said: Sequence[str], none: str) -> None:
    paper.heading(title, 2)
    for sentence in said or (none,):
        paper.write("Normal", sentence)


def _words(paper: Paper) -> None:
    paper.heading("Probability words", 2)
    said = f"One chance has one word in every pack: the {formatting.SOURCE}."
    paper.write("Normal", said, extra="<w:keepNext/>")
    rows = [[Box(one) for one in row] for row in formatting.table()]
    paper.table("", ("Word", "Band as published", "Used here for"), rows, [False] * 3, told="Probability words")


def _log(paper: Paper, log: pd.DataFrame) -> None:
    _frame(paper, log, "Verification log", "No check was logged.", "verdict", VERDICTS)


def _register(paper: Paper, assumptions: pd.DataFrame) -> None:
    _frame(paper, assumptions, "Assumptions register", "No assumption was registered.", "rating", RATINGS)


def _frame(paper: Paper, frame: pd.DataFrame, told: str, none: str, judged: str, colours: dict) -> None:
    """Lay a table of data; the column that judges says so in words and in colour."""
    if not len(frame):
        paper.write("Normal", none)
        return
    head = [str(name) for name in frame.columns]
    rows = [
        [_judged(text, colours) if name == judged else Box(text) for name, text in zip(head, row, strict=True)]
        for row in zip(*(frame[name].map(_text) for name in frame.columns), strict=True)
    ]
    paper.table(
        "", [name.replace("_", " ").capitalize() for name in head], rows, [False] * len(head), told=told, whole=False
    )


def _judged(text: str, colours: dict) -> Box:
    ground, ink = colours.get(text.strip(), colours.get(text.strip().lower(), ("", "")))
    return Box(text, ground, ink, bold=bool(ground))


def _text(value: object) -> str:
    if isinstance(value, Published):
        return xml_safe(cell(value))
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "\N{MINUS SIGN}") if pd.notna(value) else "none"
    return xml_safe(str(value)) if value is not None else "none"


def _figures(paper: Paper, dossier: Dossier) -> None:
    """Lay the brief's figures with what is needed to check them."""
    shown = [one for one in dossier.figures if "brief" in one.shown_in]
    if not shown:
        paper.write("Normal", "The brief prints no figure.")
        return
    head = ("Figure", "Value", "90% interval", "Unit", "Price base", "Draws", "Monte Carlo error", "Marks")
    rows = [
        [Box(xml_safe(text)) for text in (
            one.label, cell(one), one.interval or "none", one.unit, one.price_base, f"{one.origin.n_draws:,}",
            f"{float(f'{one.error:.2g}'):,.10g}" if one.error else "none", one.marks,
        )] for one in shown
    ]  # fmt: skip
    right = [False, True, True, False, False, True, True, False]
    paper.table("", head, rows, right, told="Figures of the brief", whole=False)
    _key(paper, key(shown))
