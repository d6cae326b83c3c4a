"""Office: what Word and PowerPoint files share: text that XML takes, the room that a text needs, the same bytes."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from oa_sim.report.document import Cell, Dossier, Grid, cell
from oa_sim.report.reported_statistic import Published
from oa_sim.report.sanitise import cleaned

BLUE, RED, INK, GREY, PALE, RULE = "0072B2", "A80000", "222222", "595959", "EEF4F9", "C9D3DB"
FONT = "Arial"
LINE = 1.17  # height of a line, of the size of its letters
DATED = datetime(2020, 1, 1)  # of every file, so that the same run has the same bytes
MONTH_ONE = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file knows
THUMBNAIL = "docProps/thumbnail.jpeg"
APPLICATION = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns="http://schemas.openxmlformats.org/'
    b'officeDocument/2006/extended-properties"><Application>oa_sim</Application></Properties>'
)
WIDTHS = {  # of Arial, thousandths of the size
    191: "'", 222: "ijl", 260: "|", 278: " !,./:;I[\\]ft\u2019\u2018", 333: "()-`r\u201c\u201d", 355: '"', 389: "*",
    500: "Jcksvxyz", 584: "+<=>~\u2212", 611: "FTZ", 667: "&ABEKPSVXY", 722: "CDHNRUw", 778: "GOQ", 833: "Mm",
    889: "%", 944: "W", 1000: "\u2026", 1015: "@",
}  # fmt: skip
WIDTH_OF = {letter: width for width, letters in WIDTHS.items() for letter in letters}
LONGEST_WORD = 0.14  # of a table's width; a longer word is broken where that helps the rest
USUAL, WIDEST, BOLD = 556, 1100, 1.09
MARKS = re.compile("[\u200e\u200f\ufeff]")  # of direction, without a shape: Word sees for itself which way a piece runs
RIGHT_TO_LEFT = re.compile("([\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc](?:[ \u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]*"
                           "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc])?)")  # fmt: skip
NUMERIC = re.compile(r"(?:below |above )?[\u2212\d]")
NO_FIGURE = ("exact", "none", "")


def xml_safe(text: str) -> str:
    """Return text without the characters that XML refuses or that turn the direction of what follows."""
    return MARKS.sub("", cleaned(str(text)))


def directions(text: str) -> list[tuple[str, bool]]:
    """Return text in pieces, each with whether it is read from right to left."""
    return [(piece, i % 2 == 1) for i, piece in enumerate(RIGHT_TO_LEFT.split(text)) if piece]


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is in letters of a size, points."""
    wide = sum(WIDTH_OF.get(letter, USUAL if letter < "\u2e80" else WIDEST) for letter in text)
    return wide * size / 1000 * (BOLD if bold else 1.0)


def lines(text: str, room: float, size: float, *, bold: bool = False) -> int:
    """Return how many lines a text takes.

    Parameters
    ----------
    text
        Words; one that is wider than the room is broken.
    room
        Width of a line, points.
    size
        Of the letters, points.
    bold
        Whether they are bold.
    """
    count, at, space = 1, 0.0, width(" ", size)
    for word in text.split():
        wide = width(word, size, bold=bold)
        if at and at + space + wide > room:
            count, at = count + 1, 0.0
        at += wide + (space if at else 0.0)
        while at > room:
            count, at = count + 1, at - room
    return count


def height(text: str, room: float, size: float, *, bold: bool = False) -> float:
    """Return how high a text stands, points; see ``lines``."""
    return lines(text, room, size, bold=bold) * size * LINE


def shortened(text: str, room: float, size: float, *, most: int = 1, bold: bool = False) -> str:
    """Return a text cut between words, with an ellipsis, so that it takes no more than a number of lines."""
    if lines(text, room, size, bold=bold) <= most:
        return text
    few, many = 0, len(text)
    while few < many:  # the longest beginning that fits
        middle = (few + many + 1) // 2
        fits = lines(f"{text[:middle].rstrip()}\u2026", room, size, bold=bold) <= most
        few, many = (middle, many) if fits else (few, middle - 1)
    space = text.rfind(" ", 0, few + 1)  # between words, so that no number is cut into another
    return f"{text[: space if space > few / 2 else few].rstrip()}\u2026"


def texts(grid: Grid) -> list[list[str]]:
    """Return a table's rows as text that XML takes."""
    return [[xml_safe(cell(part)) for part in row] for row in grid.rows]


def of_figures(rows: Sequence[Sequence[Cell]], columns: int) -> list[bool]:
    """Return for each column whether it holds figures, which are set to the right."""
    found = []
    for i in range(columns):
        parts = [row[i] for row in rows]
        fits = all(isinstance(part, Published) or part in NO_FIGURE or NUMERIC.match(part) for part in parts)
        found.append(i > 0 and fits and any(part not in NO_FIGURE for part in parts))
    return found


def columns(
    head: Sequence[str], rows: list[list[str]], room: float, size: float, *, pad: float, right: Sequence[bool]
) -> list[float]:
    """Return the widths of a table's columns, points: what each word needs, and the rest by what would take one line.

    Parameters
    ----------
    head, rows
        Words of the table.
    room
        Width of the table, points.
    size
        Of its letters, points.
    pad
        Width that each cell loses at its sides, points.
    right
        Which columns hold figures, which are not broken.
    """
    longest_word, need, wish, weight = max(LONGEST_WORD * room, 9 * size), [], [], []
    for i, title in enumerate(head):
        cells = sorted(width(row[i], size) for row in rows) or [0.0]
        words = [cells[-1]] if right[i] else [width(word, size) for row in rows for word in row[i].split()]
        words += [width(word, size, bold=True) for word in title.split()]
        need.append(min(max(words, default=0.0), room / 3 if right[i] else longest_word) + pad + 1)
        usual = cells[-int(0.05 * len(cells)) - 1]  # of many rows a few may be longer
        wish.append(max(usual + pad + 1, width(title, size, bold=True) / 2 + pad, need[-1]))
        weight.append(max(cells[int(0.9 * (len(cells) - 1))], 1.0) ** 0.5)
    if sum(need) >= room:
        return [one * room / sum(need) for one in need]
    if sum(wish) <= room:
        return [one + (room - sum(wish)) * one / sum(wish) for one in wish]
    return _shared(need, wish, weight, room)


def _shared(need: list[float], wish: list[float], weight: list[float], room: float) -> list[float]:
    """Return widths where not all wishes fit: who needs little more has it, the others share the rest by weight."""
    spare, given = room - sum(need), list(need)
    order = sorted(range(len(need)), key=lambda i: (wish[i] - need[i]) / weight[i])
    for place, i in enumerate(order):
        more = min(wish[i] - need[i], spare * weight[i] / sum(weight[j] for j in order[place:]))
        given[i], spare = given[i] + more, spare - more
    return given


def row_height(cells: Sequence[str], widths: Sequence[float], size: float, *, pad: float, bold: bool = False) -> float:
    """Return how high the letters of a row stand, points."""
    each = [lines(text, wide - pad, size, bold=bold) for text, wide in zip(cells, widths, strict=True)]
    return max(each) * size * LINE


def describe(properties: Any, dossier: Dossier, subject: str) -> None:
    """Write what a file says about itself; its dates are fixed.

    Parameters
    ----------
    properties
        The core properties of a document.
    dossier
        What it prints.
    subject
        Which pack it is.
    """
    properties.title, properties.subject = xml_safe(dossier.title)[:250], subject
    properties.author = properties.last_modified_by = f"oa_sim {dossier.manifest['oa_sim']}"
    properties.created = properties.modified = DATED
    properties.comments, properties.keywords = "", ""
    properties.language, properties.revision = "en-GB", 1


def sealed(document: Any) -> bytes:
    """Return a document as a file that is the same bytes for the same content."""
    written, made = io.BytesIO(), io.BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():  # the first is the list of content types, as readers expect
            if name == THUMBNAIL:
                continue
            part = zipfile.ZipInfo(name, MONTH_ONE)
            part.compress_type, part.create_system = zipfile.ZIP_DEFLATED, 0
            after.writestr(part, _cleaned(name, before.read(name)))
    return made.getvalue()


def _cleaned(name: str, part: bytes) -> bytes:
    """Return a part without what the library's template says of another program and shows of another document."""
    if name == "docProps/app.xml":
        return APPLICATION
    if name == "_rels/.rels":
        return re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", part)
    return part
