"""Office: what Word and PowerPoint files share: templates, text that XML takes, the room of a text, the same bytes."""

import io
import re
import zipfile
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from oa_sim.errors import Refusal
from oa_sim.report.document import Cell, Dossier, Grid, cell, key
from oa_sim.report.reported_statistic import Published
from oa_sim.report.sanitise import cleaned

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
NUMERIC = re.compile(r"(?:below |above )?[\u2212\u00a3\d]")
NO_FIGURE = ("exact", "none", "")


def open_template(opener: Callable[[Any], Any], template: Path | None, shipped: str) -> Any:
    """Return the document of a template.

    ``opener`` is ``Document`` of python-docx or ``Presentation`` of python-pptx; ``shipped`` is the name of the
    template that is taken where no path is given. A file that cannot be read or is no such document is refused.
    """
    ending = Path(shipped).suffix
    try:
        source = files("oa_sim.report") / "templates" / shipped if template is None else template
        content = source.read_bytes()
    except OSError as error:
        raise Refusal(
            f"a pack is written from a {ending} template and {template} cannot be read ({error.strerror}): give the "
            f"path of a {ending} file, or none for the shipped {shipped}"
        ) from None
    try:
        return opener(io.BytesIO(content))
    except Exception:  # the libraries raise what their parsers raise: zip, XML, missing parts, another content type
        raise Refusal(
            f"a pack is written from a {ending} template and {template} is no {ending} file: save the template as "
            f"{ending}, or start from a copy of the shipped {shipped}"
        ) from None


def check_template(needed: Collection[str], present: Collection[str], what: str, template: Path | None) -> None:
    """Refuse a template that lacks what the writer names.

    ``needed`` and ``present`` are names of ``what``.
    """
    missing = [name for name in needed if name not in present]
    if missing:
        raise Refusal(
            f"a template must have each {what} that the writer uses and {template} lacks {', '.join(missing)}: add "
            f"{'it' if len(missing) == 1 else 'them'}, or start from a copy of the shipped template"
        )


def xml_safe(text: str) -> str:
    """Return text without the characters that XML refuses or that turn the direction of what follows."""
    return MARKS.sub("", cleaned(str(text)))


def directions(text: str) -> list[tuple[str, bool]]:
    """Return text in pieces, each with whether it is read from right to left."""
    return [(piece, i % 2 == 1) for i, piece in enumerate(RIGHT_TO_LEFT.split(text)) if piece]


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide a text is in letters of a size, points."""
    units = sum(WIDTH_OF.get(letter, USUAL if letter < "\u2e80" else WIDEST) for letter in text)
    return units * size / 1000 * (BOLD if bold else 1.0)


def lines(text: str, room: float, size: float, *, bold: bool = False) -> int:
    """Return how many lines a text takes.

    A word that is wider than the room is broken; ``room`` and ``size`` are the width of a line and the size of its
    letters, points.
    """
    count, used, space = 1, 0.0, width(" ", size)
    for word in text.split():
        word_width = width(word, size, bold=bold)
        if used and used + space + word_width > room:
            count, used = count + 1, 0.0
        used += word_width + (space if used else 0.0)
        while used > room:
            count, used = count + 1, used - room
    return count


def height(text: str, room: float, size: float, *, bold: bool = False) -> float:
    """Return how high a text stands, points; see ``lines``."""
    return lines(text, room, size, bold=bold) * size * LINE


def shortened(text: str, room: float, size: float, *, most: int = 1, bold: bool = False) -> str:
    """Return a text cut between words, with an ellipsis, so that it takes no more than a number of lines."""
    if lines(text, room, size, bold=bold) <= most:
        return text
    fits, length = 0, len(text)
    while fits < length:  # bisection for the longest beginning that fits
        middle = (fits + length + 1) // 2
        if lines(f"{text[:middle].rstrip()}\u2026", room, size, bold=bold) <= most:
            fits = middle
        else:
            length = middle - 1
    space = text.rfind(" ", 0, fits + 1)  # between words, so that no number is cut into another
    return f"{text[: space if space > fits / 2 else fits].rstrip()}\u2026"


def texts(grid: Grid) -> list[list[str]]:
    """Return a table's rows as text that XML takes."""
    return [[xml_safe(cell(value)) for value in row] for row in grid.rows]


def of_figures(rows: Sequence[Sequence[Cell]], columns: int) -> list[bool]:
    """Return for each column whether it holds figures, which are set to the right."""

    def holds_figures(values: list[Cell]) -> bool:
        words = [value for value in values if not isinstance(value, Published) and value not in NO_FIGURE]
        return all(NUMERIC.match(word) for word in words) and any(value not in NO_FIGURE for value in values)

    return [i > 0 and holds_figures([row[i] for row in rows]) for i in range(columns)]


def columns(
    head: Sequence[str], rows: list[list[str]], room: float, size: float, *, pad: float, right: Sequence[bool]
) -> list[float]:
    """Return the widths of a table's columns, points: what each word needs, and the rest by what would take one line.

    ``room`` is the width of the table, ``size`` that of its letters, and ``pad`` what each cell loses at its sides,
    points; ``right`` says which columns hold figures, which are not broken.
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
        return [width * room / sum(need) for width in need]
    if sum(wish) <= room:
        return [width * room / sum(wish) for width in wish]
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
    return max(height(text, room - pad, size, bold=bold) for text, room in zip(cells, widths, strict=True))


def verdict(dossier: Dossier) -> str:
    """Return the verdict of the convergence checks as a sentence; a failure with its reason."""
    if dossier.verdict == "PASS":
        return "All convergence checks passed."
    return f"Verdict {dossier.verdict}: do not use these figures. {dossier.reason.rstrip('.')}."


def verdict_name(dossier: Dossier) -> str:
    """Return the name of the style, and of the placeholder, in which a template has the verdict."""
    return "Verdict Pass" if dossier.verdict == "PASS" else "Verdict Fail"


def signs(figures: Sequence[Published]) -> list[str]:
    """Return what the signs beside figures mean as a sentence; none where there are none."""
    return [f"Signs: {meaning}"] if (meaning := key(figures)) else []


def interval_of(figure: Published) -> str:
    """Return the interval of a figure, or that it is exact; of a chance nothing but its own error is known."""
    return f"90% interval {figure.interval}" if figure.interval else "no interval" if figure.error else "exact"


def describe(properties: Any, dossier: Dossier, subject: str) -> None:
    """Write into the core properties what a file says about itself; its dates are fixed, ``subject`` is the pack."""
    properties.title, properties.subject = xml_safe(dossier.title)[:250], subject
    properties.author = properties.last_modified_by = f"oa_sim {dossier.manifest['oa_sim']}"
    properties.created = properties.modified = DATED
    properties.comments, properties.keywords = "", ""
    properties.language, properties.revision = "en-GB", 1


def sealed(document: Any) -> bytes:
    """Return a document as a file that is the same bytes for the same content."""
    saved, sealed_file = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as before, zipfile.ZipFile(sealed_file, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():  # the first is the list of content types, as readers expect
            if name == THUMBNAIL:
                continue
            part = zipfile.ZipInfo(name, MONTH_ONE)
            part.compress_type, part.create_system = zipfile.ZIP_DEFLATED, 0
            after.writestr(part, _cleaned(name, before.read(name)))
    return sealed_file.getvalue()


def _cleaned(name: str, part: bytes) -> bytes:
    """Return a part without what the template says of another program and shows of another document."""
    if name == "docProps/app.xml":
        return APPLICATION
    if name == "_rels/.rels":
        return re.sub(rb"<Relationship [^>]*thumbnail[^>]*/>", b"", part)
    return part
