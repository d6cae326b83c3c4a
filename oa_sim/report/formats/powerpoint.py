"""Slides: the ministerial pack as two slides; what is too long for its place is cut, and stands whole in the notes.

A slide is a title, then bands from top to foot; in each band the letters are as large as its room allows.
"""

from collections.abc import Sequence
from itertools import combinations

from pptx import Presentation

from oa_sim.report.document import Dossier, Drawn, Grid, Passage, cell, key, plain
from oa_sim.report.formats import word
from oa_sim.report.formats.board import (  # fmt: skip
    BOTTOM,
    FOOT,
    GAP,
    HIGH,
    LEFT,
    TOP,
    WIDE,
    Line,
    box,
    card,
    filled,
    fitted,
    opened,
    placed,
    stacked,
    tabled,
)
from oa_sim.report.formats.office import BLUE, GREY, RED, describe, height, sealed, shortened, width, xml_safe
from oa_sim.report.reported_figure import Published

LETTERS = (14.0, 13.0, 12.0, 11.5, 11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0)  # of the passages
LEADS = (20.0, 18.0, 17.0, 16.0, 15.0, 14.0, 13.0, 12.0, 11.0)  # of the headline
MOST_LEAD, CARD, VERDICT, TITLED = 72.0, 84.0, 20.0, 25.0
MOST_TABLES, LEAST_WORDS = 0.6, 130.0  # of the room below the title; points
MOST_LABEL = 60  # letters of a scenario's label at the foot
LEGIBLE = 0.55  # of its own size; a smaller picture is left to the Word pack and said in words in the notes
TALLEST, WIDEST = 250.0, 0.36  # of a picture: points, and of a slide's width


def brief(dossier: Dossier) -> bytes:
    """Return the ministerial pack, two slides, as a PowerPoint file.

    Parameters
    ----------
    dossier
        What it prints.

    Returns
    -------
    bytes
        The same for the same dossier.
    """
    show, layout = opened(Presentation())
    for page in (1, 2):
        passages = [one for one in dossier.passages if one.page == page]
        title = dossier.title if page == 1 else " \N{MIDDLE DOT} ".join(one.title for one in passages) or dossier.title
        slide = show.slides.add_slide(layout)
        filled(slide.shapes.title, [Line(title, 24, bold=True, ink=BLUE)], most=1)
        top = _verdict(slide, dossier, TOP)
        if page == 1:
            top = _numbers(slide, dossier.numbers, _lead(slide, dossier, top))
        cut = _content(slide, passages, top)
        _foot(slide, dossier)
        slide.notes_slide.notes_text_frame.text = "\n".join(_notes(dossier, page, passages, cut))
    describe(show.core_properties, dossier, "Ministerial pack")
    return sealed(show)


def _verdict(slide, dossier: Dossier, top: float) -> float:
    """Write the verdict, a red banner where it is no pass, and return where it ends."""
    if dossier.verdict == "PASS":
        box(slide, "Verdict", (LEFT, top, WIDE, VERDICT - 4), [Line(word.verdict(dossier), 9, ink=GREY)], most=1)
        return top + VERDICT - 2
    line = Line(word.verdict(dossier), 12, bold=True, ink="FFFFFF")
    box(slide, "Verdict", (LEFT, top, WIDE, VERDICT), [line], most=1, fill=RED, inside=6)
    return top + VERDICT + 5


def _lead(slide, dossier: Dossier, top: float) -> float:
    text = plain(dossier.headline)
    size = next((one for one in LEADS if height(text, WIDE, one, bold=True) <= MOST_LEAD), LEADS[-1])
    tall = min(height(xml_safe(text), WIDE, size, bold=True), MOST_LEAD)
    most = max(int(MOST_LEAD / height("x", WIDE, size)), 1)
    box(slide, "Headline", (LEFT, top, WIDE, tall + 2), [Line(text, size, bold=True)], most=most)
    return top + tall + 10


def _numbers(slide, numbers: Sequence[tuple[str, Published]], top: float) -> float:
    """Write the four numbers side by side and return where they end."""
    if not numbers:
        return top
    wide = (WIDE - GAP * (len(numbers) - 1)) / len(numbers)
    big = min(26.0, (wide - 18) / max(width(cell(one), 1.0, bold=True) for _, one in numbers))
    for i, (label, one) in enumerate(numbers):
        parts = [Line(cell(one), big, bold=True, ink=BLUE), Line(word.between(one), 10, bold=True, ink=GREY)]
        card(slide, f"Number {i + 1}", (LEFT + i * (wide + GAP), top, wide, CARD), parts, label)
    return top + CARD + 10


def _content(slide, passages: Sequence[Passage], top: float) -> list[str]:
    """Lay tables above words and pictures beside them; return the rows that were cut, whole."""
    grids = [grid for one in passages for grid in one.grids]
    pictures = [picture for one in passages for picture in one.pictures]
    cut: list[str] = []
    if grids:
        room = min((BOTTOM - top) * MOST_TABLES, BOTTOM - top - LEAST_WORDS)
        top, cut = _tables(slide, grids, top, room)
    sized = [(one, _size(one, BOTTOM - top - TITLED)) for one in pictures]
    sized = [(one, size) for one, size in sized if size[1] >= LEGIBLE * one.size[1]]
    taken = sum(size[0] + GAP for _, size in sized)
    _words(slide, passages, (LEFT, top, WIDE - taken, BOTTOM - top))
    left = LEFT + WIDE - taken + GAP
    for one, size in sized:
        _picture(slide, one, (left, top, *size))
        left += size[0] + GAP
    return cut


def _size(picture: Drawn, room: float) -> tuple[float, float]:
    wide, high = picture.size
    scale = min(TALLEST / high, room / high, WIDE * WIDEST / wide)
    return wide * scale, high * scale


def _picture(slide, picture: Drawn, place: tuple[float, float, float, float]) -> None:
    left, top, wide, high = place
    box(slide, f"{picture.name} title", (left, top, wide, TITLED - 2), [Line(picture.title, 9, bold=True)], most=2)
    placed(slide, picture, (left, top + TITLED, wide, high))


def _tables(slide, grids: Sequence[Grid], top: float, room: float) -> tuple[float, list[str]]:
    """Lay tables side by side, in the largest letters in which all fit, and return where they end and the rows cut."""
    across = WIDE - GAP * (len(grids) - 1)
    laid = fitted(grids, [[across * one for one in shares] for shares in _shares(len(grids))], room - 15)
    left, lowest, cut = LEFT, top, []
    for one in laid:
        wide = sum(one.widths)
        many = len(one.grid.rows) - len(one.rows) + 1
        more = f" (first {len(one.rows) - 1} of {len(one.grid.rows)} rows, the rest in the notes)" if many else ""
        caption = f"{shortened(xml_safe(one.grid.caption), wide - width(more, 9, bold=True), 9, bold=True)}{more}"
        box(slide, f"{one.grid.caption} title", (left, top, wide, 13), [Line(caption, 9, bold=True)], most=1)
        tabled(slide, one, left, top + 15)
        left, lowest = left + wide + GAP, max(lowest, top + 15 + sum(one.heights))
        cut += one.cut
    return lowest + 10, cut


def _shares(many: int) -> list[tuple[float, ...]]:
    """Return the parts of a slide's width that tables may have: of two, the one or the other may be wider."""
    if many == 2:
        return [(one / 100, 1 - one / 100) for one in (50, 47, 53, 44, 56, 41, 59, 38, 62)]
    return [(1 / many,) * many]


def _block(passage: Passage, size: float) -> list[Line]:
    if not passage.said and not passage.points:
        return []
    lines = [Line(passage.title, size + 1, bold=True, ink=BLUE, after=2)]
    lines += [Line(plain(one), size, after=size * 0.35) for one in passage.said]
    return [*lines, *(Line(plain(one), size, after=size * 0.25, bullet=True) for one in passage.points)]


def _words(slide, passages: Sequence[Passage], place: tuple[float, float, float, float]) -> None:
    """Write passages in columns, in the largest letters in which all of them fit."""
    left, top, wide, high = place
    there = [one for one in passages if one.said or one.points]
    if not there:
        return
    best = None
    for size in LETTERS:
        best = _columns([_block(one, size) for one in there], wide)
        if max(stacked(column, best[0]) for column in best[1]) <= high:
            break
    across, columns = best
    for i, column in enumerate(columns):
        box(slide, f"Words {i + 1}", (left + i * (across + GAP), top, across, high), column)


def _columns(blocks: list[list[Line]], wide: float) -> tuple[float, list[list[Line]]]:
    """Return the width of columns and what stands in each, so that the longest is as short as can be."""
    found = []
    for many in range(1, min(len(blocks), 3) + 1):
        across = (wide - GAP * (many - 1)) / many
        for cuts in combinations(range(1, len(blocks)), many - 1):
            parts = [blocks[low:high] for low, high in zip((0, *cuts), (*cuts, len(blocks)), strict=True)]
            columns = [[line for block in part for line in block] for part in parts]
            found.append((max(stacked(column, across) for column in columns), across, columns))
    _, across, columns = min(found, key=lambda one: one[0])
    return across, columns


def _foot(slide, dossier: Dossier) -> None:
    meaning = key(dossier.figures)
    lines = [Line(f"Signs: {meaning}", 8, ink=GREY)] if meaning else []
    label = dossier.label if len(dossier.label) <= MOST_LABEL else f"{dossier.label[:MOST_LABEL]}\u2026"
    trace = dossier.trace.replace(f"scenario {dossier.label};", f"scenario {label};")
    lines.append(Line(trace, 8 if width(xml_safe(trace), 8) <= WIDE else 6, ink=GREY))
    box(slide, "Signs and trace", (LEFT, FOOT, WIDE, HIGH - FOOT - 4), lines)


def _notes(dossier: Dossier, page: int, passages: Sequence[Passage], cut: list[str]) -> list[str]:
    """Return the whole sentences of a slide, and the rows of its tables that were cut."""
    said = [dossier.title, word.verdict(dossier)]
    if page == 1:
        said += [plain(dossier.headline), *(f"{one.whole} {label}" for label, one in dossier.numbers)]
    for passage in passages:
        said += ["", passage.title, *(plain(one) for one in (*passage.said, *passage.points))]
        said += [f"Picture: {one.alternative}" for one in passage.pictures]
    if cut:
        said += ["", "Rows whose words were cut on the slide:", *cut]
    meaning = key(dossier.figures)
    return [xml_safe(one) for one in (*said, "", *([f"Signs: {meaning}"] if meaning else []), dossier.trace)]
