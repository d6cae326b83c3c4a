"""Word: the ministerial pack on two pages and the assurance pack, as documents that people amend and hand on.

Colours, fonts, sizes, spacing, page, logo and foot are those of a template; the writer names its styles. It estimates
how much of each page is used, and makes all letters smaller together until the brief has two pages. The body is ready
XML, which makes a table of four hundred rows in a moment.
"""

import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import pandas as pd
from docx import Document
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Emu, Pt

from oa_sim import formatting
from oa_sim.report.document import ROLES, Dossier, Drawn, Grid, Passage, brief_statistics, cell, of_brief, plain
from oa_sim.report.formats import office
from oa_sim.report.reported_statistic import Published

SHIPPED = "brief.docx"
STYLES = {
    WD_STYLE_TYPE.PARAGRAPH: (
        *("Normal", "Heading 1", "Heading 2", "Caption", "Lead", "List Bullet", "Verdict Pass", "Verdict Fail"),
        *("Table Cell", "Table Head", "Table Space", "Number", "Number Interval", "Number Label", "Signs", "Picture"),
        "Footer",
    ),
    WD_STYLE_TYPE.CHARACTER: ("Mark Red", "Mark Amber", "Mark Green"),
    WD_STYLE_TYPE.TABLE: ("Brief Table", "Brief Numbers"),
}
SETTINGS = (  # scale of the letters and least height of pictures in points, the most readable first
    *((scale, 265.0) for scale in (1.0, 0.95, 0.91, 0.86)),
    *((scale, 215.0) for scale in (0.91, 0.86, 0.82, 0.77)),
    *((scale, 170.0) for scale in (0.77, 0.73, 0.68, 0.64, 0.59)),
)
SPACINGS, TALLER = (2.2, 1.9, 1.6, 1.3, 1.0), (1.5, 1.35, 1.2, 1.1, 1.0)
SMALLEST, BELOW_BODY = 6.5, 1.5  # letters smaller than the body shrink once it is within so many points of them
SPARE = 0.03  # of a page's height: other programs set letters a little wider
GUTTER = 12.0  # between a picture and the words beside it, points
WIDEST_BESIDE = 1.45  # width over height up to which a picture stands beside words
RATINGS = {"red": "Mark Red", "amber": "Mark Amber", "green": "Mark Green"}
VERDICTS = {"fail": "Mark Red", "pass": "Mark Green"}
NAMESPACES = nsdecls("w")


class Style(NamedTuple):
    """A paragraph style as far as it takes room: sizes and spaces in points; ``line`` is the spacing of lines."""

    key: str
    size: float
    bold: bool
    before: float
    after: float
    indent: float
    line: float


class Box(NamedTuple):
    """A cell of a table: its words, the character style that marks them, and the style of its paragraph."""

    text: str
    mark: str = ""
    style: str = "Table Cell"


class Template:
    """A template that was opened: the document, its styles, and the room of its page in points.

    ``path`` is a .docx file, the shipped one where there is none; one that lacks a style is refused.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.document = office.open_template(Document, path, SHIPPED)
        for kind, names in STYLES.items():
            present = {style.name: style for style in self.document.styles if style.type == kind}
            office.check_template(names, present, f"{kind.name.lower()} style", path)
        defaults = self.document.styles.element.xpath("w:docDefaults/w:rPrDefault/w:rPr/w:sz/@w:val")
        self.default_size = int(defaults[0]) / 2 if defaults else 10.0
        self.keys = {style.name: style.style_id for style in self.document.styles}
        self.styles = {name: self._style(name) for name in STYLES[WD_STYLE_TYPE.PARAGRAPH]}
        margins = self.document.styles["Brief Table"].element.findall(f"{qn('w:tblPr')}/{qn('w:tblCellMar')}/*")
        sides = [int(side.get(qn("w:w"))) for side in margins if side.tag in (qn("w:left"), qn("w:right"))]
        self.cell_padding = sum(sides) / 20 if sides else 10.8
        self.body = self.document.element.body
        for sample in self.body[:-1]:  # what the template shows of its styles is not printed
            self.body.remove(sample)
        for relation in list(self.document.part.rels.values()):
            if relation.reltype == RELATIONSHIP_TYPE.IMAGE:
                self.document.part.drop_rel(relation.rId)
        page = self.document.sections[-1]
        self.page = (page.page_width.pt, page.page_height.pt)
        self.margins = (page.left_margin.pt + page.right_margin.pt, page.top_margin.pt + page.bottom_margin.pt)

    def _style(self, name: str) -> Style:
        chain = [self.document.styles[name]]
        while chain[-1].base_style is not None:
            chain.append(chain[-1].base_style)

        def inherited(attribute: str, default):
            values = (getattr(style, attribute) for style in formats)
            return next((value for value in values if value is not None), default)

        formats = [style.font for style in chain]
        size, bold = inherited("size", Pt(self.default_size)).pt, inherited("bold", False)
        formats = [style.paragraph_format for style in chain]
        spaces = [inherited(name, Pt(0)).pt for name in ("space_before", "space_after", "left_indent")]
        line = inherited("line_spacing", 1.0)
        line = line if isinstance(line, float) else line.pt / (size * office.LINE)
        return Style(self.keys[name], size, bold, *spaces, line)

    def scaled(self, scale: float, spacing: float, number_room: float = math.inf) -> dict[str, Style]:
        """Return the styles with smaller letters and more space; a number is no larger than ``number_room``."""
        body, scaled = self.styles["Normal"].size, {}
        for name, style in self.styles.items():
            size, factor = style.size * scale, scale * spacing
            if style.size < body:
                size = min(style.size, max(SMALLEST, body * scale - min(BELOW_BODY, body - style.size)))
            size = round(2 * min(size, number_room if name == "Number" else size)) / 2
            changes = {"size": size, "before": style.before * factor, "after": style.after * factor}
            scaled[name] = style if name == "Footer" else style._replace(**changes)
        return scaled

    def restyle(self, styles: dict[str, Style]) -> None:
        """Give the document the sizes and spaces of scaled styles."""
        for name, style in styles.items():
            if style != self.styles[name]:
                target = self.document.styles[name]
                target.font.size, shape = Pt(style.size), target.paragraph_format
                shape.space_before, shape.space_after = Pt(style.before), Pt(style.after)
                for complex_size in target.element.rPr.findall(qn("w:szCs")):
                    complex_size.set(qn("w:val"), str(int(2 * style.size)))


def run(text: str, mark: str = "") -> str:
    """Return words as the XML of runs, in a character style; what is read from right to left is marked so."""
    style = f'<w:rStyle w:val="{mark}"/>' if mark else ""
    return "".join(
        f"<w:r><w:rPr>{style}{'<w:rtl/>' if right_to_left else ''}</w:rPr>"
        f'<w:t xml:space="preserve">{escape(piece)}</w:t></w:r>'
        for piece, right_to_left in office.directions(office.xml_safe(text))
    )


def paragraph(style: str, inner: str, *, extra: str = "") -> str:
    """Return a paragraph as XML; ``extra`` are further properties, in the order of the format."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{extra}</w:pPr>{inner}</w:p>'


class Layout:
    """Pages that are being laid out: the height that is used of the page, and its room, points."""

    def __init__(self, template: Template, styles: dict[str, Style]) -> None:
        self.template, self.styles = template, styles
        self.blocks: list[str | tuple[Drawn, str, tuple[float, float]] | None] = []  # None turns the page
        self.used, self.beside, self.lost = 0.0, 0.0, 0.0  # a picture stands beside words down to here; its width
        self.wide, self.high = (page - margin for page, margin in zip(template.page, template.margins, strict=True))

    def text_height(self, style: str, text: str, room: float) -> float:
        """Return how high a paragraph stands with its spaces, points."""
        look = self.styles[style]
        letters = office.height(office.xml_safe(text), room - look.indent, look.size, bold=look.bold)
        return look.before + letters * look.line + look.after

    def write(self, style: str, text: str, *, extra: str = "") -> None:
        """Write a paragraph."""
        room = self.wide - (self.lost if self.used < self.beside else 0.0)
        self.blocks.append(paragraph(self.styles[style].key, run(text), extra=extra))
        self.used += self.text_height(style, text, room)

    def heading(self, text: str, level: int, *, new_page: bool = False) -> None:
        """Write a heading, on a new page where asked."""
        if new_page:
            self.used = self.beside = 0.0
        self.write(f"Heading {level}", text, extra="<w:pageBreakBefore/>" if new_page else "")

    def picture(self, picture: Drawn, tallest: float) -> None:
        """Lay a picture under its title: beside the words that follow where it is no wider than high, else across."""
        width, high = picture.size
        beside = width / high <= WIDEST_BESIDE
        scale = min(tallest / high, self.wide * (0.56 if beside else 1.0) / width)
        size = (width * scale, high * scale)
        frame = (
            f'<w:framePr w:w="{20 * size[0]:.0f}" w:hSpace="{20 * GUTTER:.0f}" w:wrap="around" w:vAnchor="text" '
            'w:hAnchor="margin" w:xAlign="right" w:y="1"/>'
        ) * beside
        self.blocks.append(paragraph(self.styles["Caption"].key, run(picture.title), extra=f"<w:keepNext/>{frame}"))
        self.blocks.append((picture, frame, size))
        tall = size[1] + office.height(picture.title, size[0], self.styles["Caption"].size, bold=True) + 8
        self.lost = size[0] + GUTTER if beside else 0.0
        self.beside = self.used + tall if beside else 0.0
        self.used += 0.0 if beside else tall

    def clear(self) -> None:
        """Count on below a picture that stands beside the words so far."""
        self.used, self.beside = max(self.used, self.beside), 0.0

    def _table(self, style: str, title: str, widths: Sequence[float], rows: str) -> None:
        grid = "".join(f'<w:gridCol w:w="{20 * width:.0f}"/>' for width in widths)
        self.blocks.append(
            f'<w:tbl><w:tblPr><w:tblStyle w:val="{self.template.keys[style]}"/><w:tblW w:w="{20 * sum(widths):.0f}" '
            f'w:type="dxa"/><w:tblLayout w:type="fixed"/><w:tblLook w:val="00A0" w:firstRow="1" w:lastRow="0" '
            f'w:firstColumn="1" w:lastColumn="0" w:noHBand="1" w:noVBand="1"/><w:tblCaption '
            f"w:val={quoteattr(office.xml_safe(title))}/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
        )
        self.blocks.append(paragraph(self.styles["Table Space"].key, ""))

    def _row(
        self, boxes: Sequence[Box], widths: Sequence[float], right: Sequence[bool], properties: str, keep: bool
    ) -> str:
        """Return a row as XML; it is not cut at the end of a page, and is kept with the next where asked."""
        stands = "bottom" if "tblHeader" in properties else "center" if "trHeight" in properties else "top"
        cells = []
        for box, room, to_right in zip(boxes, widths, right, strict=True):
            extra = ("<w:keepNext/>" if keep else "") + ('<w:jc w:val="right"/>' if to_right else "")
            words = run(box.text, self.template.keys[box.mark] if box.mark else "")
            cells.append(
                f'<w:tc><w:tcPr><w:tcW w:w="{20 * room:.0f}" w:type="dxa"/><w:vAlign w:val="{stands}"/></w:tcPr>'
                f"{paragraph(self.styles[box.style].key, words, extra=extra)}</w:tc>"
            )
        return f"<w:tr><w:trPr><w:cantSplit/>{properties}</w:trPr>{''.join(cells)}</w:tr>"

    def table(
        self, title: str, head: Sequence[str], rows: Sequence[Sequence[Box]], right: Sequence[bool] | None = None,
        *, captioned: bool = False, whole: bool = False, shares: Sequence[float] = (), deep: float = 0.0,
    ) -> None:  # fmt: skip
        """Lay a table whose first row is its header, repeated on each page.

        ``right`` says for each column whether it is set to the right, ``captioned`` whether the title stands above it,
        ``whole`` whether it must stand on one page. ``shares`` are parts of its width, by what the columns hold where
        none are given; ``deep`` is the least height of a row, points.
        """
        right, look, pad = right or [False] * len(head), self.styles["Table Cell"], self.template.cell_padding + 1.5
        words = [[box.text for box in row] for row in rows]
        widths = [self.wide * share for share in shares]
        widths = widths or office.columns(head, words, self.wide, look.size, pad=pad, right=right)
        if captioned:
            self.write("Caption", title, extra="<w:keepNext/>")
        properties = f'<w:trHeight w:val="{20 * deep:.0f}" w:hRule="atLeast"/>' if deep else ""
        top = self._row([Box(name, "", "Table Head") for name in head], widths, right, "<w:tblHeader/>", True)
        body = [self._row(row, widths, right, properties, whole and i + 1 < len(rows)) for i, row in enumerate(rows)]
        self._table("Brief Table", title, widths, top + "".join(body))
        spaces = look.before + look.after + 0.8
        for i, row in enumerate([list(head), *words]):
            self.used += max(office.row_height(row, widths, look.size, pad=pad, bold=i == 0) * look.line + spaces, deep)
        self.used += 4.0

    def numbers(self, numbers: Sequence[tuple[str, Published]]) -> None:
        """Lay the four numbers side by side: the value, its interval and what it is."""
        if not numbers:
            return
        width = self.wide / len(numbers)
        cards = [
            {"Number": cell(figure), "Number Interval": office.interval_of(figure), "Number Label": label}
            for label, figure in numbers
        ]
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{20 * width:.0f}" w:type="dxa"/></w:tcPr>'
            + "".join(paragraph(self.styles[style].key, run(text)) for style, text in card.items()) + "</w:tc>"
            for card in cards
        )  # fmt: skip
        row = f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"
        self._table("Brief Numbers", "Numbers", [width] * len(cards), row)
        room = width - self.template.cell_padding - 1.5
        heights = [sum(self.text_height(style, text, room) for style, text in card.items()) for card in cards]
        self.used += 4.0 + max(heights)

    def landscape(self) -> None:
        """Go on, on a new page in landscape."""
        self.blocks.append(None)
        (high, wide), (sides, ends) = self.template.page, self.template.margins
        self.wide, self.high, self.used = wide - sides, high - ends, 0.0

    def saved(self, dossier: Dossier, subject: str) -> bytes:
        """Return the pages as a file, the trace of the dossier at the foot of each."""
        document = self.template.document
        self.template.restyle(self.styles)
        for block in self.blocks:
            if isinstance(block, str):
                self._append(block)
            elif block is None:
                section = document.add_section(WD_SECTION.NEW_PAGE)
                section.orientation = WD_ORIENT.LANDSCAPE
                section.page_width, section.page_height = section.page_height, section.page_width
            else:
                self._append_picture(*block)
        foot = document.sections[0].footer.paragraphs[0]
        foot._p.addprevious(_parsed(paragraph(self.styles["Footer"].key, run(dossier.trace))))
        office.describe(document.core_properties, dossier, subject)
        return office.sealed(document)

    def _append(self, xml: str) -> None:
        self.template.body.sectPr.addprevious(_parsed(xml))

    def _append_picture(self, picture: Drawn, frame: str, size: tuple[float, float]) -> None:
        """Put a picture into a paragraph, with what is seen in words."""
        self._append(paragraph(self.styles["Picture"].key, "", extra=frame))
        shape = self.template.document.paragraphs[-1].add_run().add_picture(
            io.BytesIO(picture.png()), *(Emu(int(side * 12700)) for side in size))  # fmt: skip
        properties = {"descr": picture.alternative, "title": picture.title, "name": picture.name}
        for name, text in properties.items():
            shape._inline.docPr.set(name, office.xml_safe(text))


def _parsed(xml: str):
    return parse_xml(xml.replace(">", f" {NAMESPACES}>", 1))


def brief(dossier: Dossier, template: Path | None = None) -> bytes:
    """Return the ministerial pack, two pages of A4, as a Word document; see ``assurance`` of its template."""
    return _largest(dossier, Template(template)).saved(dossier, "Ministerial pack")


def _largest(dossier: Dossier, template: Template) -> Layout:
    """Return the pack in the largest letters, then the most space and the largest pictures, that two pages take."""

    def first(choices: Sequence, layout_of: Callable[..., tuple[Layout, bool]]):
        return next((choice for choice in choices if layout_of(choice)[1]), choices[-1])

    def lay(scale: float, spacing: float, *heights: float) -> tuple[Layout, bool]:
        return _brief(dossier, template, template.scaled(scale, spacing, number_room), heights)

    room = (template.page[0] - template.margins[0]) / max(len(dossier.numbers), 1) - template.cell_padding - 4
    widest = max(
        (office.width(office.xml_safe(cell(figure)), 1.0, bold=True) for _, figure in dossier.numbers), default=1.0
    )
    number_room = room / widest
    scale, least = first(SETTINGS, lambda setting: lay(setting[0], SPACINGS[-1], setting[1], setting[1]))
    spacing = first(SPACINGS, lambda choice: lay(scale, choice, least, least))
    upper = first(TALLER, lambda factor: lay(scale, spacing, least * factor, least))
    lower = first(TALLER, lambda factor: lay(scale, spacing, least * upper, least * factor))
    return lay(scale, spacing, least * upper, least * lower)[0]


def _brief(
    dossier: Dossier, template: Template, styles: dict[str, Style], heights: Sequence[float]
) -> tuple[Layout, bool]:
    """Return the pack, the pictures of each page as high as given, and whether each part stays on its page."""
    layout, most = Layout(template, styles), 0.0
    layout.heading(dossier.title, 1)
    layout.write(office.verdict_name(dossier), office.verdict(dossier))
    layout.write("Lead", plain(dossier.headline))
    layout.numbers(dossier.numbers)
    for page, tall in enumerate(heights, start=1):
        for i, passage in enumerate(passage for passage in dossier.passages if passage.page == page):
            _passage(layout, passage, tall, new_page=page == 2 and i == 0)
        layout.clear()
        for signs in office.signs(dossier.figures):
            layout.write("Signs", signs)
        most = max(most, layout.used)
    foot = styles["Footer"].size
    lines = 1 + -(-office.width(office.xml_safe(dossier.trace), foot) // layout.wide)
    return layout, most <= layout.high * (1 - SPARE) - max(0.0, lines - 2) * (foot + 2)


def _passage(layout: Layout, passage: Passage, tall: float, *, new_page: bool) -> None:
    layout.heading(passage.title, 2, new_page=new_page)
    for picture in () if passage.grids else passage.pictures:
        layout.picture(picture, tall)
    for sentence in passage.said:
        layout.write("Normal", plain(sentence))
    for sentence in passage.points:
        layout.write("List Bullet", plain(sentence))
    for grid in passage.grids:
        _grid(layout, grid)
    for picture in passage.pictures if passage.grids else ():
        layout.picture(picture, tall)


def _grid(layout: Layout, grid: Grid) -> None:
    layout.clear()
    rows = [[Box(text) for text in row] for row in office.texts(grid)]
    right = office.of_figures(grid.rows, len(grid.head))
    layout.table(grid.caption, grid.head, rows, right, captioned=True, whole=True)


def assurance(dossier: Dossier, template: Path | None = None) -> bytes:
    """Return the assurance pack as a Word document.

    ``template`` is a .docx file, the shipped one where there is none. The same dossier and template give the same
    bytes. A template that is no document of Word, or lacks a style, is refused.
    """
    opened = Template(template)
    layout = Layout(opened, opened.scaled(0.82, 1.0))
    layout.heading(f"Assurance: {dossier.title}", 1)
    layout.write(office.verdict_name(dossier), office.verdict(dossier))
    layout.heading("Sign-off", 2)
    rows = [[Box(role, "", "Table Head"), Box(""), Box(""), Box("")] for role in ROLES]
    layout.table("Sign-off", ("Role", "Name", "Date", "Signature"), rows, whole=True, deep=30.0,
                 shares=(0.24, 0.28, 0.16, 0.32))  # fmt: skip
    _sentences(layout, "Change since the last version", dossier.changes, "No earlier version is known.")
    _sentences(layout, "Uncertainty statement", dossier.statement, "No statement was made.")
    layout.heading("Probability words", 2)
    layout.write("Normal", f"One chance has one word in every pack: the {formatting.SOURCE}.", extra="<w:keepNext/>")
    words = [[Box(text) for text in row] for row in formatting.table()]
    layout.table("Probability words", ("Word", "Band as published", "Used here for"), words, whole=True)
    _frame(layout, "Verification log", dossier.log, "No check was logged.", "verdict", VERDICTS)
    layout.landscape()
    _figures(layout, dossier)
    _frame(layout, "Assumptions register", dossier.assumptions, "No assumption was registered.", "rating", RATINGS)
    return layout.saved(dossier, "Assurance pack")


def _sentences(layout: Layout, title: str, sentences: Sequence[str], otherwise: str) -> None:
    layout.heading(title, 2)
    for sentence in sentences or (otherwise,):
        layout.write("Normal", sentence)


def _frame(layout: Layout, title: str, frame: pd.DataFrame, otherwise: str, rated: str, marks: dict[str, str]) -> None:
    """Lay a table of data under a heading; the column that rates does so in words and in a mark."""
    layout.heading(title, 2)
    if not len(frame):
        layout.write("Normal", otherwise)
        return
    names = [str(name) for name in frame.columns]
    marked = [marks if name == rated else {} for name in names]
    boxes = [[Box(text, mark.get(text.strip().lower(), "")) for text in frame[name].map(_text)]
             for name, mark in zip(frame.columns, marked, strict=True)]  # fmt: skip
    layout.table(title, [name.replace("_", " ").capitalize() for name in names], list(zip(*boxes, strict=True)))


def _text(value: object) -> str:
    if isinstance(value, Published):
        return office.xml_safe(cell(value))
    if isinstance(value, float):
        return f"{value:.6g}".replace("-", "\N{MINUS SIGN}") if pd.notna(value) else "none"
    return office.xml_safe(str(value)) if value is not None else "none"


def _figures(layout: Layout, dossier: Dossier) -> None:
    """Lay the brief's figures with what is needed to check them."""
    layout.heading("Figures of the brief", 2)
    grid = brief_statistics(dossier)
    if not grid.rows:
        layout.write("Normal", "The brief prints no figure.")
        return
    rows = [[Box(text) for text in row] for row in office.texts(grid)]
    layout.table("Figures of the brief", grid.head, rows, [False, True, True, False, False, True, True, False])
    for signs in office.signs(of_brief(dossier)):
        layout.write("Signs", signs)
