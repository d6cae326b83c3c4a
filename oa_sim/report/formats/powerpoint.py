"""PowerPoint: the brief as two slides; what is too long for its place is cut, and stands whole in the notes.

Colours, fonts, sizes, places and logo are those of a template with two layouts; the writer names its placeholders and
the levels of their text. Letters are made smaller where a place does not hold its words.
"""

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

from pptx import Presentation
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import qn
from pptx.util import Pt

from oa_sim.report.document import Dossier, Drawn, Grid, Passage, cell, plain
from oa_sim.report.formats import office

SHIPPED = "slides.pptx"
NUMBERS, WORDS = ("Number 1", "Number 2", "Number 3", "Number 4"), ("Words 1", "Words 2", "Words 3")
SMALL, FOOT = "Tables and captions", "Signs and trace"
ON_BOTH = ("Verdict Pass", "Verdict Fail", *WORDS, SMALL, FOOT)
LAYOUTS = {"Summary": ("Headline", *NUMBERS, *ON_BOTH), "Detail": ON_BOTH}
# Levels of the placeholders: of a number its value, its interval and its label; of the small letters caption and cell
HEADING, SENTENCE, POINT = 0, 1, 2
CAPTION, CELL = 0, 1
SCALES = (1.0, 0.95, 0.9, 0.86, 0.82, 0.79, 0.75, 0.71, 0.68, 0.64, 0.61, 0.57)  # of letters, the most readable first
GAP, PAD, ABOVE = 14.0, 4.0, 1.5  # points: between columns; at each side of a cell of a table; above and below it
MOST_LETTERS, MOST_LABEL = 80, 60  # of a name in a table, the longest of a measure having 72; of a label at the foot
TITLED, CAPTIONED = 25.0, 15.0  # points, of the title of a picture and of a table
LONGEST_WHOLE = 20  # letters of a word that a table may break
MOST_TABLES, LEAST_WORDS = 0.55, 130.0  # of the room for words; points
LEGIBLE = 0.55  # of its own size; a smaller picture is left to the Word pack and said in words in the notes
TALLEST, WIDEST = 250.0, 0.36  # of a picture: points, and of the width of the words


class Line(NamedTuple):
    """A paragraph: the level of its placeholder, its words, and the scale of its letters."""

    level: int
    text: str
    scale: float = 1.0


class Look(NamedTuple):
    """A level of a placeholder: size of letters, whether bold, space after and indent; points."""

    size: float
    bold: bool
    after: float
    indent: float


class Place(NamedTuple):
    """A rectangle of a slide, points."""

    left: float
    top: float
    wide: float
    high: float


class Box(NamedTuple):
    """A placeholder of a layout: its shape, place, and levels, and the room left free at its sides, points."""

    shape: Any
    place: Place
    looks: tuple[Look, ...]
    inset: float

    def height(self, line: Line, wide: float) -> float:
        """Return how high a paragraph stands in a box of a width, points."""
        look = self.looks[line.level]
        room = wide - 2 * self.inset - look.indent
        return office.height(office.xml_safe(line.text), room, look.size * line.scale, bold=look.bold)

    def stacked(self, lines: Sequence[Line], wide: float) -> float:
        """Return how high paragraphs stand with the spaces between them, points."""
        return sum(self.height(line, wide) + self.looks[line.level].after * line.scale for line in lines)

    def fitted(self, lines: Sequence[Line], wide: float, high: float) -> list[Line]:
        """Return paragraphs in the largest letters in which all fit; where none do, what the room holds, cut."""
        for scale in SCALES:
            scaled = [line._replace(scale=scale) for line in lines]
            if self.stacked(scaled, wide) <= high + 0.5:
                return scaled
        held: list[Line] = []
        for line in scaled:
            look, left = self.looks[line.level], high - self.stacked(held, wide)
            size, room = look.size * line.scale, wide - 2 * self.inset - look.indent
            most = int((left + 0.5) / (size * office.LINE))
            if most < 1:
                break
            text = office.shortened(office.xml_safe(line.text), room, size, most=most, bold=look.bold)
            held.append(line._replace(text=text))
        return held


def _looks(shape: Any, master_style: Any) -> tuple[Look, ...]:
    """Return the levels of a placeholder: what its layout says of each, else what the master says."""
    lists, looks = (shape._element.txBody.find(qn("a:lstStyle")), master_style), []
    for level in range(1, 6):
        styles = [style.find(qn(f"a:lvl{level}pPr")) for style in lists if style is not None]
        size, bold = _first(styles, "a:defRPr", "sz", "1800"), _first(styles, "a:defRPr", "b", "0")
        after, indent = _first(styles, "a:spcAft/a:spcPts", "val", "0"), _first(styles, ".", "marL", "0")
        looks.append(Look(int(size) / 100, bold in ("1", "true"), int(after) / 100, int(indent) / 12700))
    return tuple(looks)


def _first(styles: Sequence[Any], path: str, attribute: str, default: str) -> str:
    parts = [part for style in styles if style is not None for part in style.iterfind(path, style.nsmap)]
    return next((part.get(attribute) for part in parts if part.get(attribute)), default)


def _open(template: Path | None) -> Any:
    """Return the presentation of a template without its slides; see ``brief``."""
    show = office.open_template(Presentation, template, SHIPPED)
    layouts = {layout.name: layout for layout in show.slide_layouts}
    office.check_template(LAYOUTS, layouts, "slide layout", template)
    for name, needed in LAYOUTS.items():
        present = {shape.name for shape in layouts[name].placeholders}
        office.check_template(needed, present, f"placeholder of the layout {name}", template)
    for entry in list(show.slides._sldIdLst):  # what the template shows of its layouts is not printed
        show.part.drop_rel(entry.rId)
        show.slides._sldIdLst.remove(entry)
    return show


class Slide:
    """A slide that is being written, of a presentation and in one of its layouts."""

    def __init__(self, show: Any, layout: str) -> None:
        source = next(candidate for candidate in show.slide_layouts if candidate.name == layout)
        self.slide, self.boxes = show.slides.add_slide(source), {}
        styles = show.slide_master.element.find(qn("p:txStyles"))
        self.targets = {}
        for shape in source.placeholders:
            place = Place(*(length.pt for length in (shape.left, shape.top, shape.width, shape.height)))
            index, is_title = shape.placeholder_format.idx, shape.placeholder_format.idx == 0
            style = styles.find(qn("p:titleStyle" if is_title else "p:bodyStyle"))
            inset = shape._element.txBody.bodyPr.get("lIns", "0" if is_title else "91440")
            name = "Title" if is_title else shape.name
            self.boxes[name] = Box(shape, place, _looks(shape, style), int(inset) / 12700)
            self.targets[name] = next(
                (target for target in self.slide.placeholders if target.placeholder_format.idx == index), None
            )

    def write(self, name: str, lines: Sequence[Line], place: Place | None = None) -> None:
        """Write paragraphs into a placeholder, which is moved where a place is given; see ``Box.fitted``."""
        shape = self.targets[name]
        shape.name = name
        if place:
            shape.left, shape.top, shape.width, shape.height = (Pt(length) for length in place)
        _write(shape, lines, self.boxes[name].looks)

    def fit(self, name: str, lines: Sequence[Line]) -> None:
        """Write paragraphs into a placeholder in the largest letters that it holds."""
        place = self.boxes[name].place
        self.write(name, self.boxes[name].fitted(lines, place.wide, place.high))

    def caption(self, name: str, text: str, place: Place) -> None:
        """Write a caption, which looks as the first level of the small letters."""
        box, shape = self.boxes[SMALL], self.slide.shapes.add_textbox(*(Pt(length) for length in place))
        shape.name = office.xml_safe(name)[:80]
        for tag in ("a:bodyPr", "a:lstStyle"):
            own, style = (element.txBody.find(qn(tag)) for element in (shape._element, box.shape._element))
            own.getparent().replace(own, copy.deepcopy(style))
        look = box.looks[CAPTION]
        most = max(int(place.high / (look.size * office.LINE)), 1)
        text = office.shortened(office.xml_safe(text), place.wide, look.size, most=most, bold=look.bold)
        _write(shape, [Line(CAPTION, text)], box.looks)

    def picture(self, picture: Drawn, place: Place) -> None:
        """Lay a picture under its title, with what is seen in words."""
        self.caption(f"{picture.name} title", picture.title, place._replace(high=TITLED - 2))
        frame = place._replace(top=place.top + TITLED)
        shape = self.slide.shapes.add_picture(io.BytesIO(picture.png()), *(Pt(length) for length in frame))
        shape.name = office.xml_safe(picture.name)
        shape._element.nvPicPr.cNvPr.set("descr", office.xml_safe(picture.alternative))

    def table(self, table: "Table", left: float, top: float, style: str) -> None:
        """Lay a table, in the style that tables of the template have."""
        room = (left, top, sum(table.widths), sum(table.heights))
        shape = self.slide.shapes.add_table(len(table.rows), len(table.widths), *(Pt(length) for length in room))
        caption, look = office.xml_safe(table.grid.caption), self.boxes[SMALL].looks[CELL]
        shape.name = caption[:80]
        shape._element.nvGraphicFramePr.cNvPr.set("descr", caption)
        shape.table._tbl.tblPr.find(qn("a:tableStyleId")).text = style
        shape.table.first_row, shape.table.horz_banding, shape.table.first_col = True, False, False
        for column, wide in zip(shape.table.columns, table.widths, strict=True):
            column.width = Pt(wide)
        right = office.of_figures(table.grid.rows, len(table.widths))
        for row, words, high in zip(shape.table.rows, table.rows, table.heights, strict=True):
            row.height = Pt(high)
            for target, text, to_right in zip(row.cells, words, right, strict=True):
                target.margin_left = target.margin_right = Pt(PAD)
                target.margin_top = target.margin_bottom = Pt(ABOVE)
                target.vertical_anchor = MSO_ANCHOR.MIDDLE
                _run(target.text_frame.paragraphs[0], text).font.size = Pt(int(2 * look.size * table.scale) / 2)
                target.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT if to_right else PP_ALIGN.LEFT

    def close(self) -> None:
        """Take away the placeholders without words, and let the rest be read from top to foot."""
        for shape in list(self.slide.placeholders):
            if not shape.text_frame.text:
                shape._element.getparent().remove(shape._element)
        for shape in sorted(self.slide.shapes, key=lambda shape: (shape.top, shape.left)):
            self.slide.shapes._spTree.append(shape._element)


def _run(paragraph: Any, text: str) -> Any:
    run = paragraph.add_run()
    run.text = office.xml_safe(text)
    run._r.get_or_add_rPr().set("lang", "en-GB")
    return run


def _write(shape: Any, lines: Sequence[Line], looks: tuple[Look, ...]) -> None:
    """Write paragraphs by their levels; sizes are said only where they are smaller than those of the template."""
    frame = shape.text_frame
    for i, line in enumerate(lines):
        paragraph, look = frame.paragraphs[0] if i == 0 else frame.add_paragraph(), looks[line.level]
        paragraph.level, run = line.level, _run(paragraph, line.text)
        if line.scale < 1:
            run.font.size, paragraph.space_after = Pt(int(2 * look.size * line.scale) / 2), Pt(look.after * line.scale)


@dataclass(frozen=True)
class Table:
    """A table as it fits: its rows from the head, widths and heights in points, scale of letters, and the rows cut.

    ``breaks`` says whether a word or a figure of usual length is broken over two lines.
    """

    grid: Grid
    rows: list[list[str]]
    widths: list[float]
    heights: list[float]
    scale: float
    cut: list[str]
    breaks: bool


def _table(grid: Grid, wide: float, size: float, scale: float) -> Table:
    """Return a table in a width, points; names are cut with an ellipsis where they are very long, figures never."""
    whole, pad, size = office.texts(grid), 2 * PAD + 1, size * scale
    rows = [[text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1].rstrip()}\u2026" for text in row]
            for row in whole]  # fmt: skip
    head = [office.xml_safe(title) for title in grid.head]
    widths = office.columns(head, rows, wide, size, pad=pad, right=office.of_figures(grid.rows, len(head)))
    heights = [
        office.row_height(row, widths, size, pad=pad, bold=i == 0) + 2 * ABOVE for i, row in enumerate([head, *rows])
    ]
    cut = ["; ".join(row) for row, shown in zip(whole, rows, strict=True) if row != shown]
    placed = [(word, room, i == 0) for i, row in enumerate([head, *rows])
              for text, room in zip(row, widths, strict=True) for word in text.split()]  # fmt: skip
    breaks = any(office.width(word, size, bold=bold) > room - pad for word, room, bold in placed
                 if len(word) <= LONGEST_WHOLE)  # fmt: skip
    return Table(grid, [head, *rows], widths, heights, scale, cut, breaks)


def _side_by_side(grids: Sequence[Grid], across: float, high: float, size: float) -> list[Table]:
    """Return tables in the largest letters in which all fit; rows that the height does not hold are left out."""
    shares = [(1 / len(grids),) * len(grids)]
    if len(grids) == 2:  # the one or the other may be wider
        shares = [(share / 100, 1 - share / 100) for share in (50, 47, 53, 44, 56, 41, 59, 38, 62)]
    for scale in SCALES[:10]:
        choices = [[_table(grid, across * share, size, scale) for grid, share in zip(grids, parts, strict=True)]
                   for parts in shares]  # fmt: skip
        best = min(choices, key=lambda tables: max((table.breaks, sum(table.heights)) for table in tables))
        if all(sum(table.heights) <= high and not table.breaks for table in best):
            return best
    return [_held(table, high) for table in best]


def _held(table: Table, high: float) -> Table:
    """Return a table without the last rows, which its room does not hold."""
    count = len(table.rows)
    while sum(table.heights[:count]) > high and count > 2:
        count -= 1
    lost = ["; ".join(row) for row in office.texts(table.grid)[count - 1 :]]
    return replace(table, rows=table.rows[:count], heights=table.heights[:count], cut=[*table.cut, *lost])


def brief(dossier: Dossier, template: Path | None = None) -> bytes:
    """Return the ministerial pack, two slides, as a PowerPoint file.

    ``template`` is a .pptx file, the shipped one where there is none. The same dossier and template give the same
    bytes. A template that is no presentation, or lacks a layout or a placeholder, is refused.
    """
    show = _open(template)
    style = parse_xml(show.part.part_related_by(RELATIONSHIP_TYPE.TABLE_STYLES).blob).get("def")
    for page, layout in enumerate(LAYOUTS, start=1):
        passages = [passage for passage in dossier.passages if passage.page == page]
        slide = Slide(show, layout)
        titles = " \N{MIDDLE DOT} ".join(passage.title for passage in passages)
        _one_line(slide, "Title", dossier.title if page == 1 else titles or dossier.title)
        _one_line(slide, office.verdict_name(dossier), office.verdict(dossier))
        if page == 1:
            slide.fit("Headline", [Line(0, plain(dossier.headline))])
            _numbers(slide, dossier)
        cut = _content(slide, passages, style)
        slide.fit(FOOT, [Line(0, text) for text in _foot(dossier)])
        slide.close()
        slide.slide.notes_slide.notes_text_frame.text = "\n".join(_notes(dossier, page, passages, cut))
    office.describe(show.core_properties, dossier, "Ministerial pack")
    return office.sealed(show)


def _one_line(slide: Slide, name: str, text: str) -> None:
    box = slide.boxes[name]
    room = box.place.wide - 2 * box.inset
    slide.write(
        name, [Line(0, office.shortened(office.xml_safe(text), room, box.looks[0].size, bold=box.looks[0].bold))]
    )


def _numbers(slide: Slide, dossier: Dossier) -> None:
    """Write the four numbers side by side, their values in letters of one size."""
    used = NUMBERS[: len(dossier.numbers)]
    if not used:
        return
    first, last = slide.boxes[NUMBERS[0]].place, slide.boxes[NUMBERS[-1]].place
    wide = (last.left + last.wide - first.left - GAP * (len(used) - 1)) / len(used)
    box = slide.boxes[NUMBERS[0]]
    widest = max(office.width(cell(figure), box.looks[0].size, bold=True) for _, figure in dossier.numbers)
    big = min(1.0, (wide - 2 * box.inset - 2) / widest)
    for i, (name, (label, figure)) in enumerate(zip(used, dossier.numbers, strict=True)):
        top = [Line(0, cell(figure), big), Line(1, office.interval_of(figure))]
        room = first.high - box.stacked(top, wide) - 6
        place = first._replace(left=first.left + i * (wide + GAP), wide=wide)
        slide.write(name, [*top, *box.fitted([Line(2, label)], wide, room)], place)


def _content(slide: Slide, passages: Sequence[Passage], style: str) -> list[str]:
    """Lay tables above words and pictures beside them; return the rows that were cut, whole."""
    first, last = slide.boxes[WORDS[0]].place, slide.boxes[WORDS[-1]].place
    left, top, wide, bottom = first.left, first.top, last.left + last.wide - first.left, first.top + first.high
    grids = [grid for passage in passages for grid in passage.grids]
    cut: list[str] = []
    if grids:
        room = min((bottom - top) * MOST_TABLES, bottom - top - LEAST_WORDS)
        top, cut = _tables(slide, grids, Place(left, top, wide, room), style)
    sized = []
    for picture in (picture for passage in passages for picture in passage.pictures):
        scale = min(
            TALLEST / picture.size[1], (bottom - top - TITLED) / picture.size[1], wide * WIDEST / picture.size[0]
        )
        if scale >= LEGIBLE:
            sized.append((picture, picture.size[0] * scale, picture.size[1] * scale))
    taken = sum(across + GAP for _, across, _ in sized)
    _words(slide, passages, Place(left, top, wide - taken, bottom - top))
    left += wide - taken + GAP
    for picture, across, high in sized:
        slide.picture(picture, Place(left, top, across, high))
        left += across + GAP
    return cut


def _tables(slide: Slide, grids: Sequence[Grid], place: Place, style: str) -> tuple[float, list[str]]:
    """Lay tables side by side and return where they end and the rows cut."""
    across = place.wide - GAP * (len(grids) - 1)
    caption_look, look = slide.boxes[SMALL].looks[:2]
    left, lowest, cut = place.left, place.top, []
    for table in _side_by_side(grids, across, place.high - CAPTIONED, look.size):
        wide, shown, count = sum(table.widths), len(table.rows) - 1, len(table.grid.rows)
        more = f" (first {shown} of {count} rows, the rest in the notes)" if shown < count else ""
        room = wide - office.width(more, caption_look.size, bold=True)
        caption = office.shortened(office.xml_safe(table.grid.caption), room, caption_look.size, bold=True)
        slide.caption(f"{table.grid.caption} title", f"{caption}{more}", Place(left, place.top, wide, CAPTIONED - 2))
        slide.table(table, left, place.top + CAPTIONED, style)
        left, lowest = left + wide + GAP, max(lowest, place.top + CAPTIONED + sum(table.heights))
        cut += table.cut
    return lowest + 10, cut


def _words(slide: Slide, passages: Sequence[Passage], place: Place) -> None:
    """Write passages in columns, in the largest letters in which all of them fit."""
    blocks = [
        [Line(HEADING, passage.title), *(Line(SENTENCE, plain(sentence)) for sentence in passage.said),
         *(Line(POINT, plain(sentence)) for sentence in passage.points)]
        for passage in passages if passage.said or passage.points
    ]  # fmt: skip
    if not blocks:
        return
    box = slide.boxes[WORDS[0]]
    for scale in SCALES:
        scaled = [[line._replace(scale=scale) for line in block] for block in blocks]
        longest, across, parts = _columns(box, scaled, place.wide)
        if longest <= place.high:
            break
    for i, (name, lines) in enumerate(zip(WORDS, parts, strict=False)):
        held = lines if longest <= place.high else box.fitted(lines, across, place.high)
        slide.write(name, held, Place(place.left + i * (across + GAP), place.top, across, place.high))


def _columns(box: Box, blocks: list[list[Line]], wide: float) -> tuple[float, float, list[list[Line]]]:
    """Return the height and width of columns and what stands in each, so that the longest is as short as can be."""
    choices = []
    for count in range(1, min(len(blocks), len(WORDS)) + 1):
        across = (wide - GAP * (count - 1)) / count
        for cuts in combinations(range(1, len(blocks)), count - 1):
            parts = [blocks[low:high] for low, high in zip((0, *cuts), (*cuts, len(blocks)), strict=True)]
            lines = [[line for block in part for line in block] for part in parts]
            choices.append((max(box.stacked(column, across) for column in lines), across, lines))
    return min(choices, key=lambda choice: choice[0])


def _foot(dossier: Dossier) -> list[str]:
    label = dossier.label if len(dossier.label) <= MOST_LABEL else f"{dossier.label[:MOST_LABEL]}\u2026"
    trace = dossier.trace.replace(f"scenario {dossier.label};", f"scenario {label};")
    return [*office.signs(dossier.figures), trace]


def _notes(dossier: Dossier, page: int, passages: Sequence[Passage], cut: list[str]) -> list[str]:
    """Return the whole sentences of a slide, and the rows of its tables that were cut."""
    notes = [dossier.title, office.verdict(dossier)]
    if page == 1:
        notes += [plain(dossier.headline), *(f"{figure.whole} {label}" for label, figure in dossier.numbers)]
    for passage in passages:
        notes += ["", passage.title, *(plain(sentence) for sentence in (*passage.said, *passage.points))]
        notes += [f"Picture: {picture.alternative}" for picture in passage.pictures]
    if cut:
        notes += ["", "Rows whose words were cut on the slide:", *cut]
    return [office.xml_safe(line) for line in (*notes, "", *office.signs(dossier.figures), dossier.trace)]
