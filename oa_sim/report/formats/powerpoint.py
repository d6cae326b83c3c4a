"""PowerPoint: the brief as two slides; what is too long for its place is cut, and stands whole in the notes.

A slide is a title, then bands from top to foot. In each band the letters are as large as its room allows, and no box,
table or picture holds more than its room.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt

from oa_sim.report.document import Dossier, Drawn, Grid, Passage, cell, key, plain
from oa_sim.report.formats import word
from oa_sim.report.formats.office import (
    BLUE,
    FONT,
    GREY,
    INK,
    LINE,
    PALE,
    RED,
    RULE,
    columns,
    describe,
    height,
    of_figures,
    row_height,
    sealed,
    shortened,
    texts,
    width,
    xml_safe,
)
from oa_sim.report.reported_statistic import Published

ACROSS, HIGH = 960.0, 540.0
LEFT, GAP = 28.0, 14.0
WIDE = ACROSS - 2 * LEFT
TITLE_AT, TITLE = 14.0, 34.0
TOP, BOTTOM, FOOT = TITLE_AT + TITLE + 2, 504.0, 510.0
PAD, ABOVE = 4.0, 1.5  # of a cell: at each side, above and below
TABLE_LETTERS = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
MOST_LETTERS = 80  # of a name in a table; the longest of a measure has 72
GROUND = "FFFFFF"
LETTERS = (14.0, 13.0, 12.0, 11.5, 11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0)  # of the passages
LEADS = (20.0, 18.0, 17.0, 16.0, 15.0, 14.0, 13.0, 12.0, 11.0)  # of the headline
MOST_LEAD, CARD, VERDICT, TITLED = 72.0, 84.0, 20.0, 25.0
MOST_TABLES, LEAST_WORDS = 0.6, 130.0  # of the room below the title; points
MOST_LABEL = 60  # letters of a scenario's label at the foot
LEGIBLE = 0.55  # of its own size; a smaller picture is left to the Word pack and said in words in the notes
TALLEST, WIDEST = 250.0, 0.36  # of a picture: points, and of a slide's width


@dataclass(frozen=True)
class Line:
    """A paragraph: words, size, weight, colour, the space after it in points, and whether it is a point of a list."""

    text: str
    size: float
    bold: bool = False
    ink: str = INK
    after: float = 0.0
    bullet: bool = False


def opened(show):
    """Return a presentation of 16:9 and its one layout, a title above free room."""
    scale = ACROSS / Pt(720).pt
    show.slide_width, show.slide_height = Pt(ACROSS), Pt(HIGH)
    show.element.sldSz.attrib.pop("type", None)  # of the template: a screen of 4:3
    layout = next(one for one in show.slide_layouts if one.name == "Title Only")
    for other in list(show.slide_layouts):
        if other != layout:
            show.slide_layouts.remove(other)
    for shape in [*show.slide_master.shapes, *layout.shapes]:
        shape.left, shape.top, shape.width, shape.height = (int(shape.left * scale), shape.top,
                                                            int(shape.width * scale), shape.height)  # fmt: skip
    for holder in (show.slide_master, layout):
        title = next(one for one in holder.placeholders if one.placeholder_format.type.name == "TITLE")
        title.left, title.top, title.width, title.height = Pt(LEFT), Pt(TITLE_AT), Pt(WIDE), Pt(TITLE)
    return show, layout


def stacked(parts: Sequence[Line], wide: float) -> float:
    """Return how high paragraphs stand, points."""
    return sum(_tall(one, wide) + one.after for one in parts)


def _tall(line: Line, wide: float) -> float:
    return height(xml_safe(line.text), wide - _indent(line), line.size, bold=line.bold)


def _indent(line: Line) -> float:
    return line.size if line.bullet else 0.0


def box(
    slide, name: str, place: tuple[float, float, float, float], parts: Sequence[Line], *,
    most: int | None = None, fill: str = "", inside: float = 0.0,
):  # fmt: skip
    """Write paragraphs into a box and return it; what its room does not hold is cut with an ellipsis.

    Parameters
    ----------
    slide, name
        Where, and what readers of the outline call it.
    place
        Left, top, width and height, points.
    parts
        Paragraphs.
    most
        Lines that each may take.
    fill
        Colour of the ground.
    inside
        Room left free at its sides, points.
    """
    shape = slide.shapes.add_textbox(*(Pt(one) for one in place))
    shape.name = xml_safe(name)[:80]
    if fill:
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor.from_string(fill)
    filled(shape, _within(parts, place[2] - 2 * inside, place[3]), most=most, inside=inside, wide=place[2])
    return shape


def _within(parts: Sequence[Line], wide: float, high: float) -> list[Line]:
    """Return the paragraphs that a room holds, the last of them cut where it does not hold the whole."""
    kept, used = [], 0.0
    for one in parts:
        most = int((high - used + 0.5) / (one.size * LINE))
        if most < 1:
            break
        text = shortened(xml_safe(one.text), wide - _indent(one), one.size, most=most, bold=one.bold)
        kept.append(replace(one, text=text))
        used += _tall(kept[-1], wide) + one.after
        if text != xml_safe(one.text):
            break
    return kept


def filled(shape, parts: Sequence[Line], *, most: int | None = None, inside: float = 0.0, wide: float = WIDE) -> None:
    """Write paragraphs into a shape; see ``box``."""
    frame = shape.text_frame
    frame.word_wrap, frame.auto_size, frame.vertical_anchor = True, MSO_AUTO_SIZE.NONE, MSO_ANCHOR.TOP
    frame.margin_left = frame.margin_right = Pt(inside)
    frame.margin_top = frame.margin_bottom = Pt(2 if inside else 0)
    for i, one in enumerate(parts):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        text = xml_safe(one.text)
        if most:
            text = shortened(text, wide - 2 * inside - _indent(one), one.size, most=most, bold=one.bold)
        _lettered(paragraph, text, one)


def _lettered(paragraph, text: str, look: Line) -> None:
    paragraph.alignment, paragraph.space_after, paragraph.space_before = PP_ALIGN.LEFT, Pt(look.after), Pt(0)
    run = paragraph.add_run()
    run.text = text
    run.font.size, run.font.bold, run.font.name = Pt(int(look.size * 2) / 2), look.bold, FONT
    run.font.color.rgb = RGBColor.from_string(look.ink)
    run._r.get_or_add_rPr().set("lang", "en-GB")
    if look.bullet:
        about = paragraph._p.get_or_add_pPr()
        about.set("marL", str(Pt(look.size)))
        about.set("indent", str(-Pt(look.size)))
        about.append(parse_xml(f'<a:buChar {nsdecls("a")} char="\u2022"/>'))


def card(slide, name: str, place: tuple[float, float, float, float], parts: Sequence[Line], label: str) -> None:
    """Write one of the numbers: what stands on top, and its label in the largest letters that fit below."""
    room, inside = place[3] - stacked(parts, place[2]) - 6, 8.0
    wide = place[2] - 2 * inside
    size = next((one for one in (11.0, 10.5, 10.0, 9.5, 9.0, 8.5) if height(label, wide, one) <= room), 8.0)
    box(slide, name, place, [*parts, Line(label, size)], fill=PALE, inside=inside)


def placed(slide, picture: Drawn, place: tuple[float, float, float, float]) -> None:
    """Lay a picture, with what is seen in words."""
    shape = slide.shapes.add_picture(io.BytesIO(picture.png()), *(Pt(one) for one in place))
    shape.name = xml_safe(picture.name)
    shape._element.nvPicPr.cNvPr.set("descr", xml_safe(picture.alternative))


@dataclass(frozen=True)
class Laid:
    """A table as it fits: its rows from the head, widths, heights and letters in points, and whole the rows cut."""

    grid: Grid
    rows: list[list[str]]
    widths: list[float]
    heights: list[float]
    size: float
    cut: list[str]


def fitted(grids: Sequence[Grid], choices: Sequence[Sequence[float]], high: float) -> list[Laid]:
    """Return tables that stand side by side in the largest letters in which all fit.

    Parameters
    ----------
    grids
        The tables; names are cut with an ellipsis where they are very long, figures never.
    choices
        Widths that the tables may have, points.
    high
        Height that none may exceed, points; rows that it does not hold are left out.
    """
    for size in TABLE_LETTERS:
        found = [[_laid(grid, wide, size) for grid, wide in zip(grids, widths, strict=True)] for widths in choices]
        best = min(found, key=lambda laid: max(sum(one.heights) for one in laid))
        if max(sum(one.heights) for one in best) <= high:
            return best
    return [_held(one, high) for one in best]


def _laid(grid: Grid, wide: float, size: float) -> Laid:
    whole, right = texts(grid), of_figures(grid.rows, len(grid.head))
    rows = [[_brief(text) for text in row] for row in whole]
    head = [xml_safe(one) for one in grid.head]
    widths = columns(head, rows, wide, size, pad=2 * PAD + 1, right=right)
    heights = [
        row_height(row, widths, size, pad=2 * PAD + 1, bold=i == 0) + 2 * ABOVE for i, row in enumerate([head, *rows])
    ]
    cut = ["; ".join(row) for row, now in zip(whole, rows, strict=True) if row != now]
    return Laid(grid, [head, *rows], widths, heights, size, cut)


def _brief(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1].rstrip()}\u2026"


def _held(laid: Laid, high: float) -> Laid:
    """Return a table without the last rows, which its room does not hold."""
    many = len(laid.rows)
    while sum(laid.heights[:many]) > high and many > 2:
        many -= 1
    lost = ["; ".join(row) for row in texts(laid.grid)[many - 1 :]]
    return replace(laid, rows=laid.rows[:many], heights=laid.heights[:many], cut=[*laid.cut, *lost])


def tabled(slide, laid: Laid, left: float, top: float) -> None:
    """Lay a table at a place, points."""
    wide, high, caption = sum(laid.widths), sum(laid.heights), xml_safe(laid.grid.caption)
    shape = slide.shapes.add_table(len(laid.rows), len(laid.widths), Pt(left), Pt(top), Pt(wide), Pt(high))
    shape.name = caption[:80]
    shape._element.nvGraphicFramePr.cNvPr.set("descr", caption)
    right = of_figures(laid.grid.rows, len(laid.widths))
    _table(shape.table, laid.rows, laid.widths, laid.heights, right, laid.size)


def _table(table, rows, widths, heights, right, size: float) -> None:
    table.first_row, table.horz_banding, table.first_col = True, False, False
    for column, wide in zip(table.columns, widths, strict=True):
        column.width = Pt(wide)
    for i, (row, high) in enumerate(zip(rows, heights, strict=True)):
        table.rows[i].height = Pt(high)
        for text, to_right, at in zip(row, right, table.rows[i].cells, strict=True):
            _celled(at, text, Line(text, size, bold=i == 0, ink=INK if i else BLUE), to_right=to_right)


def _celled(at, text: str, look: Line, *, to_right: bool) -> None:
    at.margin_left = at.margin_right = Pt(PAD)
    at.margin_top = at.margin_bottom = Pt(ABOVE)
    at.vertical_anchor = MSO_ANCHOR.MIDDLE
    _lettered(at.text_frame.paragraphs[0], text, look)
    if to_right:
        at.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT
    at.fill.solid()
    at.fill.fore_color.rgb = RGBColor.from_string(PALE if look.bold else GROUND)
    about = at._tc.get_or_add_tcPr()
    for name in ("lnB", "lnT", "lnR", "lnL"):  # rules between rows and none between columns, whatever the style draws
        drawn = f'<a:solidFill><a:srgbClr val="{RULE}"/></a:solidFill>' if name in ("lnB", "lnT") else "<a:noFill/>"
        about.insert(0, parse_xml(f'<a:{name} {nsdecls("a")} w="6350">{drawn}</a:{name}>'))


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
