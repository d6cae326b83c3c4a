"""Board: a slide's boxes, tables and pictures, in points, none holding more than its room."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, MSO_AUTO_SIZE, PP_ALIGN
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Pt

from oa_sim.report.document import Drawn, Grid
from oa_sim.report.formats.office import (  # fmt: skip
    BLUE,
    FONT,
    INK,
    LINE,
    PALE,
    RULE,
    columns,
    height,
    of_figures,
    row_height,
    shortened,
    texts,
    xml_safe,
)

ACROSS, HIGH = 960.0, 540.0
LEFT, GAP = 28.0, 14.0
WIDE = ACROSS - 2 * LEFT
TITLE_AT, TITLE = 14.0, 34.0
TOP, BOTTOM, FOOT = TITLE_AT + TITLE + 2, 504.0, 510.0
PAD, ABOVE = 4.0, 1.5  # of a cell: at each side, above and below
TABLE_LETTERS = (11.0, 10.5, 10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)
MOST_LETTERS = 80  # of a name in a table; the longest of a measure has 72
GROUND = "FFFFFF"


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
