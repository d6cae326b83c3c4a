"""Wordml: the few pieces of Word's XML that a pack needs: runs, paragraphs, rows and the opening of a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from xml.sax.saxutils import escape

from oa_sim.report.formats.office import PALE, RULE, directions, xml_safe

PAD = 9.0  # width that a cell loses at its sides, points


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
