"""Word document: paragraphs, tables and headings in the house style, written as ready XML.

It estimates how much of each page is used. Ready XML makes a table of four hundred rows in a moment.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from xml.sax.saxutils import escape

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Emu, Pt, RGBColor

from oa_sim.report.document import Drawn
from oa_sim.report.formats.office import (
    BLUE,
    FONT,
    GREY,
    INK,
    LINE,
    PALE,
    RULE,
    columns,
    directions,
    height,
    row_height,
    xml_safe,
)

PAD = 9.0  # width that a cell loses at its sides, points
A4 = (595.3, 841.9)
MARGIN, FOOT, FOOT_AT = 45.4, 51.0, 22.7  # of a page; 16 and 18 mm, the footer 8 mm above the edge
GUTTER = 12.0  # between a picture and the words beside it
WIDEST_BESIDE = 1.45  # width over height up to which a picture stands beside words
NAMESPACES = nsdecls("w")


@dataclass(frozen=True)
class Box:
    """A cell of a table: its words, and the colours of its ground and of its letters."""

    text: str
    fill: str = ""
    ink: str = ""
    bold: bool = False


def run(text: str, *, bold: bool = False, ink: str = "") -> str:
    """Return words as the XML of runs; what is read from right to left is marked so."""
    look = ("<w:b/><w:bCs/>" if bold else "") + (f'<w:color w:val="{ink}"/>' if ink else "")
    made = []
    for piece, right_to_left in directions(xml_safe(text)):
        inner = look + ("<w:rtl/>" if right_to_left else "")
        made.append(f'<w:r><w:rPr>{inner}</w:rPr><w:t xml:space="preserve">{escape(piece)}</w:t></w:r>')
    return "".join(made)


def paragraph(style: str, inner: str, *, extra: str = "") -> str:
    """Return a paragraph as XML; ``extra`` are further properties, in the order of the format."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{extra}</w:pPr>{inner}</w:p>'


def frame_of_cells(cells: Sequence[str], wide: float) -> str:
    """Return cells of one width side by side, each of paragraphs, as the XML of a table without header."""
    inner = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{20 * wide:.0f}" w:type="dxa"/><w:shd w:val="clear" w:color="auto" '
        f'w:fill="{PALE}"/></w:tcPr>{one}</w:tc>'
        for one in cells
    )
    return f"{opening('Numbers', [wide] * len(cells))}<w:tr><w:trPr><w:cantSplit/></w:trPr>{inner}</w:tr></w:tbl>"


@cache
def _borders(colour: str) -> str:
    sides = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="{colour}"/>'
                    for side in ("top", "bottom", "insideH"))  # fmt: skip
    return f"<w:tblBorders>{sides}</w:tblBorders>"


def opening(caption: str, widths: Sequence[float]) -> str:
    """Return the beginning of a table of columns of given widths, points; what is its caption, in words, is told."""
    grid = "".join(f'<w:gridCol w:w="{20 * wide:.0f}"/>' for wide in widths)
    margins = "".join(f'<w:{side} w:w="{10 * PAD:.0f}" w:type="dxa"/>' for side in ("left", "right"))
    told = escape(xml_safe(caption), {'"': "&quot;"})
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{20 * sum(widths):.0f}" w:type="dxa"/>{_borders(RULE)}'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar>'
        f'<w:tblLook w:val="00A0" w:firstRow="1" w:lastRow="0" w:firstColumn="1" w:lastColumn="0" w:noHBand="1" '
        f'w:noVBand="1"/><w:tblCaption w:val="{told}"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>'
    )


def row_of(
    boxes: Sequence[Box], widths: Sequence[float], right: Sequence[bool], *,
    head: bool = False, keep: bool = False, deep: float = 0.0,
) -> str:  # fmt: skip
    """Return a row as XML; it is not cut at the end of a page.

    Parameters
    ----------
    boxes, widths, right
        Its cells, how wide they are in points, and whether each is set to the right.
    head
        Whether it is the header, which is repeated on each page.
    keep
        Whether it stays with the next row.
    deep
        Its least height, points.
    """
    about = "<w:cantSplit/>" + (f'<w:trHeight w:val="{20 * deep:.0f}" w:hRule="atLeast"/>' if deep else "")
    about += "<w:tblHeader/>" if head else ""
    cells, stands = [], "bottom" if head else "center" if deep else "top"
    for box, wide, to_right in zip(boxes, widths, right, strict=True):
        fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{box.fill}"/>' if box.fill else ""
        extra = ("<w:keepNext/>" if keep else "") + ('<w:jc w:val="right"/>' if to_right else "")
        inner = paragraph("Cell", run(box.text, bold=box.bold, ink=box.ink), extra=extra)
        cells.append(f'<w:tc><w:tcPr><w:tcW w:w="{20 * wide:.0f}" w:type="dxa"/>{fill}<w:vAlign w:val="{stands}"/>'
                     f"</w:tcPr>{inner}</w:tc>")  # fmt: skip
    return f"<w:tr><w:trPr>{about}</w:trPr>{''.join(cells)}</w:tr>"


@dataclass(frozen=True)
class Look:
    """Sizes of letters of body, tables and the four numbers, points, and how much more space than usual there is."""

    body: float = 9.5
    table: float = 8.0
    big: float = 19.0
    air: float = 1.0


class Paper:
    """A document that is being written.

    Attributes
    ----------
    document
        Of python-docx.
    look
        Sizes.
    used
        Height that is used of the page, points.
    """

    def __init__(self, look: Look, *, landscape: bool = False) -> None:
        """Open an empty document."""
        self.document, self.look = Document(), look
        self.used, self.beside, self.lost = 0.0, 0.0, 0.0  # a picture stands beside words down to here; its width
        _page(self.document.sections[0], landscape=landscape)
        self.wide = (A4[1] if landscape else A4[0]) - 2 * MARGIN
        self.high = (A4[0] if landscape else A4[1]) - MARGIN - FOOT
        self.body = self.document.element.body
        self.end = self.body.sectPr
        _settings(self.document)
        self.styles = _styles(self.document, look)

    @property
    def room(self) -> float:
        """Width of a line, points: less where a picture stands beside it."""
        return self.wide - (self.lost if self.used < self.beside else 0.0)

    def lay(self, xml: str) -> None:
        """Lay a paragraph or a table."""
        opened = re.sub(r"^<(w:\w+)", rf"<\1 {NAMESPACES}", xml, count=1)
        self.end.addprevious(parse_xml(opened))

    def write(self, style: str, text: str, *, inner: str = "", extra: str = "") -> None:
        """Write a paragraph; ``inner`` are its runs where they are not the plain text."""
        _, size, bold, before, after, indent = self.styles[style]
        self.lay(paragraph(style, inner or run(text), extra=extra))
        self.used += before + height(xml_safe(text), self.room - indent, size, bold=bold) + after

    def heading(self, text: str, level: int, *, new_page: bool = False) -> None:
        """Write a heading, on a new page where asked."""
        if new_page:
            self.used = self.beside = 0.0
        self.write(f"Heading{level}", text, extra="<w:pageBreakBefore/>" if new_page else "")

    def picture(self, picture: Drawn, png: bytes, tallest: float) -> None:
        """Lay a picture under its title: beside the words that follow where it is no wider than high, else across.

        Parameters
        ----------
        picture, png
            The picture, and the same as pixels.
        tallest
            Height that it may have, points.
        """
        wide, high = picture.size
        beside = wide / high <= WIDEST_BESIDE
        scale = min(tallest / high, self.wide * (0.56 if beside else 1.0) / wide)
        size = (wide * scale, high * scale)
        frame = ""
        if beside:
            frame = (f'<w:framePr w:w="{20 * size[0]:.0f}" w:hSpace="{20 * GUTTER:.0f}" w:wrap="around" '
                     'w:vAnchor="text" w:hAnchor="margin" w:xAlign="right" w:y="1"/>')  # fmt: skip
        self.lay(paragraph("Caption", run(picture.title), extra=f"<w:keepNext/>{frame}"))
        self.lay(paragraph("Picture", "", extra=frame))
        _place(self.document, picture, png, size)
        tall = size[1] + height(picture.title, size[0], self.look.table, bold=True) + 8
        self.lost = size[0] + GUTTER if beside else 0.0
        self.beside = self.used + tall if beside else 0.0
        self.used += 0.0 if beside else tall

    def clear(self) -> None:
        """Count on below a picture that stands beside the words so far."""
        self.used, self.beside = max(self.used, self.beside), 0.0

    def table(
        self, caption: str, head: Sequence[str], rows: Sequence[Sequence[Box]], right: Sequence[bool],
        *, told: str = "", whole: bool = True, shares: Sequence[float] = (), deep: float = 0.0,
    ) -> None:  # fmt: skip
        """Lay a table whose first row is its header, repeated on each page.

        Parameters
        ----------
        caption
            What stands above it.
        head, rows
            Its cells.
        right
            For each column, whether it is set to the right.
        told
            What it is called where nothing stands above it.
        whole
            Whether it must stand on one page.
        shares
            Of its width that the columns have; by what they hold where none are given.
        deep
            Least height of a row, points.
        """
        size, words = self.look.table, [[box.text for box in row] for row in rows]
        widths = [self.wide * share for share in shares]
        widths = widths or columns([xml_safe(one) for one in head], words, self.wide, size, pad=PAD + 1.5, right=right)
        if caption:
            self.write("Caption", caption, extra="<w:keepNext/>")
        top = [Box(one, PALE, BLUE, bold=True) for one in head]
        body = [row_of(row, widths, right, keep=whole and i + 1 < len(rows), deep=deep) for i, row in enumerate(rows)]
        self.lay(
            opening(caption or told, widths)
            + row_of(top, widths, right, head=True, keep=True)
            + "".join(body)
            + "</w:tbl>"
        )
        self.lay(paragraph("After", ""))
        for i, row in enumerate([list(head), *words]):
            self.used += max(
                row_height(row, widths, size, pad=PAD + 1.5, bold=i == 0) + 2.4 * self.look.air + 0.8, deep
            )
        self.used += 4.0

    def tallest(self, labels: Sequence[str], wide: float) -> float:
        """Return how high a row of numbers stands, each a big value, its interval and a label below."""
        rest = sum(self.styles[name][3] + self.styles[name][4] for name in ("Big", "Between", "Small"))
        high = max(height(xml_safe(label), wide - PAD - 1.5, self.look.table) for label in labels)
        return (self.look.big + self.look.table) * LINE + high + rest + 4

    def turned(self) -> None:
        """Go on, on a new page in landscape."""
        from docx.enum.section import WD_SECTION

        _page(self.document.add_section(WD_SECTION.NEW_PAGE), landscape=True)
        self.end = self.body.sectPr
        self.wide, self.high, self.used = A4[1] - 2 * MARGIN, A4[0] - MARGIN - FOOT, 0.0

    def footer(self, text: str) -> None:
        """Write what stands at the foot of each page, with the page's number."""
        number = "".join(
            f'{run(before)}<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve">'
            f' {field} </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>{run("2")}'
            '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
            for before, field in (("Page ", "PAGE"), (" of ", "NUMPAGES"))
        )
        foot = self.document.sections[0].footer
        foot.is_linked_to_previous = False
        only = foot.paragraphs[0]._p
        for xml in (paragraph("Footer", run(text)), paragraph("Footer", number)):
            only.addprevious(parse_xml(re.sub("^<w:p", f"<w:p {NAMESPACES}", xml, count=1)))
        only.getparent().remove(only)


def _page(section, *, landscape: bool) -> None:
    from docx.enum.section import WD_ORIENT

    wide, high = A4[::-1] if landscape else A4
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = Pt(wide), Pt(high)
    section.left_margin = section.right_margin = section.top_margin = Pt(MARGIN)
    section.bottom_margin, section.footer_distance, section.header_distance = Pt(FOOT), Pt(FOOT_AT), Pt(FOOT_AT)


def _settings(document) -> None:
    """Say that the language is British English, and that no older version of Word is to be imitated."""
    settings = document.settings.element
    for one in settings.iter(qn("w:compatSetting")):
        if one.get(qn("w:name")) == "compatibilityMode":
            one.set(qn("w:val"), "15")
    settings.find(qn("w:themeFontLang")).set(qn("w:val"), "en-GB")
    defaults = document.styles.element.find(qn("w:docDefaults")).find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for old in defaults.findall(qn("w:lang")):
        defaults.remove(old)
    defaults.append(parse_xml(f'<w:lang {NAMESPACES} w:val="en-GB" w:eastAsia="en-GB" w:bidi="he-IL"/>'))


def _looks(look: Look) -> dict[str, tuple[str, float, bool, float, float, float]]:
    """Return for each style: colour, size, whether bold, points before and after, and the indent."""
    body, small, air = look.body, look.table, look.air
    return {
        "Normal": (INK, body, False, 0, body * 0.3 * air, 0),
        "Heading1": (BLUE, body * 1.8, True, 0, 3, 0),
        "Heading2": (BLUE, body * 1.2, True, body * 0.75 * air, body * 0.25 * air, 0),
        "Caption": (INK, small, True, 4 * air, 3, 0),
        "Lead": (INK, body * 1.22, True, 4 * air, 7 * air, 0),
        "ListBullet": (INK, body, False, 0, body * 0.2 * air, 12),
        "Pass": (GREY, small, False, 0, 3, 0),
        "Banner": ("FFFFFF", body * 1.2, True, 5, 8, 0),
        "Cell": (INK, small, False, 1.2 * air, 1.2 * air, 0),
        "Big": (BLUE, look.big, True, 3 * air, 0, 0),
        "Between": (GREY, small, True, 0, 2 * air, 0),
        "Small": (INK, small, False, 0, 3 * air, 0),
        "Key": (GREY, small, False, 5, 0, 0),
        "Picture": (INK, small, False, 0, 0, 0),
        "After": (INK, 2, False, 0, 0, 0),
        "Footer": (GREY, 7.0, False, 0, 0, 0),
    }


def _styles(document, look: Look) -> dict:
    made, styles = _looks(look), document.styles
    by_id = {style.style_id: style for style in styles}
    for name, (ink, size, bold, before, after, indent) in made.items():
        style = by_id.get(name) or styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
        if name not in by_id:
            style.base_style = styles["Normal"]
        letters = style.element.get_or_add_rPr()
        for old in letters.findall(qn("w:rFonts")):
            letters.remove(old)
        style.font.name = FONT
        letters.rFonts.set(qn("w:cs"), FONT)
        style.font.size, style.font.bold, style.font.italic = Pt(round(2 * size) / 2), bold, False
        style.font.color.rgb = RGBColor.from_string(ink)
        _also_complex(letters)
        shape = style.paragraph_format
        shape.space_before, shape.space_after, shape.line_spacing = Pt(before), Pt(after), 1.0
        shape.left_indent = Pt(indent)
        shape.keep_with_next, shape.widow_control = name.startswith("Heading"), True
    points = by_id["ListBullet"]
    points.paragraph_format.first_line_indent = Pt(-12)
    points.element.pPr.remove(points.element.pPr.find(qn("w:contextualSpacing")))
    return made


def _also_complex(letters) -> None:
    """Give letters that run from right to left the size and weight of the others."""
    for name in ("w:b", "w:sz"):
        for old in letters.findall(qn(f"{name}Cs")):
            letters.remove(old)
        same = letters.find(qn(name))
        same.addnext(parse_xml(f"<{name}Cs {NAMESPACES}/>"))
        if same.get(qn("w:val")) is not None:
            same.getnext().set(qn("w:val"), same.get(qn("w:val")))


def _place(document, picture: Drawn, png: bytes, size: tuple[float, float]) -> None:
    """Put a picture into the last paragraph, with what is seen in words."""
    shape = (
        document.paragraphs[-1]
        .add_run()
        .add_picture(io.BytesIO(png), Emu(int(size[0] * 12700)), Emu(int(size[1] * 12700)))
    )
    about = shape._inline.docPr
    about.set("descr", xml_safe(picture.alternative))
    about.set("title", xml_safe(picture.title))
    about.set("name", xml_safe(picture.name))
