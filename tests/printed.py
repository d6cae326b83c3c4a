"""Printed: a dossier of a run, all that it prints, the same with awkward names or failed gates, and its pages."""

import io
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from oa_sim.report import run_brief
from oa_sim.report.document import Grid, Only, Passage, Percent, said
from oa_sim.report.reported_statistic import Published

FORMULA, SCRIPT, LONG = '=HYPERLINK("http://x","y")', "<script>alert(1)</script>", "N" * 200
HEBREW, ARABIC = "\u05e2\u05d9\u05e8 \u05d2\u05d3\u05d5\u05dc\u05d4", "\u0645\u062f\u064a\u0646\u0629"
HOSTILE = (
    FORMULA, SCRIPT, LONG, "Long name " * 20, "\"quoted\" 'name' & more", "\U0001f600 school \U0001f3eb", HEBREW,
    ARABIC, "bell\x07 and \ud800 half", "@cmd|calc", "\u202eturned\u202c", "new\nline\ttab", "-1+1", "]]> <!-- %s {0}",
)  # fmt: skip


def dossier_of(result):
    """Return the brief of a run without its map."""
    made = run_brief.run_document(result)
    without = tuple(replace(part, pictures=tuple(one for one in part.pictures if one.name != "map"))
                    for part in made.passages)  # fmt: skip
    return replace(made, passages=without)


def sentences(dossier):
    """Return every sentence of the brief."""
    return [dossier.headline, *(one for part in dossier.passages for one in (*part.said, *part.points))]


def figures(dossier):
    """Return every figure of the brief as it must be printed."""
    cells = [cell for part in dossier.passages for grid in part.grids for row in grid.rows for cell in row]
    in_tables = [one.in_cell for one in cells if isinstance(one, Published)]
    return [*in_tables, *(said(part) for one in sentences(dossier) for part in one if not isinstance(part, str)),
            *(one.in_cell for _, one in dossier.numbers), *(one.interval for _, one in dossier.numbers)]  # fmt: skip


def with_areas(dossier, names):
    """Return the dossier with a row for each name in its table of areas, the figures of its own areas repeated."""

    def renamed(part):
        if not part.grids:
            return part
        first, *rest = part.grids
        rows = tuple((name, *first.rows[i % len(first.rows)][1:]) for i, name in enumerate(names))
        return replace(part, grids=(replace(first, rows=rows), *rest))

    return replace(dossier, passages=tuple(renamed(part) for part in dossier.passages))


def labelled(dossier, label):
    return replace(dossier, label=label, title=f"Opportunity Areas: {label}")


def failed(dossier):
    """Return the dossier as it is where gates failed: the mark stands at each figure."""

    def marked(part):
        if isinstance(part, Published):
            return replace(part, marks=f"{part.marks}; FAIL")
        if isinstance(part, Only | Percent):
            return type(part)(marked(part.figure))
        if isinstance(part, tuple):
            return tuple(marked(one) for one in part)
        if isinstance(part, Passage):
            return replace(part, said=marked(part.said), grids=marked(part.grids))
        return replace(part, rows=marked(part.rows)) if isinstance(part, Grid) else part

    every = {name: marked(getattr(dossier, name)) for name in ("headline", "numbers", "passages", "figures")}
    return replace(labelled(dossier, f"{dossier.label} [FAIL]"), verdict="FAIL", reason="R-hat is 1.20", **every)


AS_WIDE = ("Arial", "Liberation Sans", "Arimo")


def pages(blob, ending, folder):
    """Return the words of each page that LibreOffice makes of a file, each word with its box."""
    for program in ("soffice", "pdftotext"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed: pages cannot be counted")
    font = subprocess.run(["fc-match", "Arial"], capture_output=True, text=True, check=True).stdout
    if not any(name in font for name in AS_WIDE):
        pytest.skip(f"no font is as wide as Arial, which documents name: pages would be set in {font.strip()}")
    (folder / f"pack.{ending}").write_bytes(blob)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    made = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder)]
    subprocess.run([*made, str(folder / f"pack.{ending}")], check=True, capture_output=True, timeout=180)
    told = subprocess.run(["pdftotext", "-bbox", str(folder / "pack.pdf"), "-"], check=True, capture_output=True)
    box = re.compile(r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>')
    return [[(*(float(one) for one in at[:4]), at[4]) for at in box.findall(page)]
            for page in told.stdout.decode().split("<page ")[1:]]  # fmt: skip


def collisions(words):
    """Return pairs of words that lie on each other."""
    found = []
    for i, one in enumerate(words):
        for other in words[i + 1 :]:
            wide = min(one[2], other[2]) - max(one[0], other[0])
            high = min(one[3], other[3]) - max(one[1], other[1])
            least = min((at[2] - at[0]) * (at[3] - at[1]) for at in (one, other))
            if wide > 0 and high > 0 and wide * high > 0.3 * least:
                found.append((one[4], other[4]))
    return found


class Text(HTMLParser):
    """What a reader of a page sees, and its figures by name."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.figures, self.at, self.tags = [], {}, None, []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "data":
            self.at = dict(attrs)["data-figure"]
            self.figures.setdefault(self.at, []).append("")

    def handle_endtag(self, tag):
        self.at = None if tag == "data" else self.at

    def handle_data(self, data):
        self.seen.append(data)
        if self.at:
            self.figures[self.at][-1] += data.replace("\xa0", " ")

    @property
    def text(self):
        return " ".join("".join(self.seen).replace("\xa0", " ").split())


def word_text(made):
    import docx

    found = docx.Document(io.BytesIO(made))
    lines = [one.text for one in found.paragraphs]
    cells = [cell.text for table in found.tables for row in table.rows for cell in row.cells]
    return lines, cells


def slide_text(made):
    from pptx import Presentation

    lines, cells = [], []
    for slide in Presentation(io.BytesIO(made)).slides:
        for shape in slide.shapes:
            if shape.has_text_frame:
                lines += [one.text for one in shape.text_frame.paragraphs]
            if shape.has_table:
                cells += [cell.text for row in shape.table.rows for cell in row.cells]
    return lines, cells


def book_text(made):
    import openpyxl

    rows = list(openpyxl.load_workbook(io.BytesIO(made))["Figures"].iter_rows(values_only=True))
    top = next(i for i, row in enumerate(rows) if row[0] and str(row[0]).lower().startswith("figure") and row[1])
    head = [str(name).lower() for name in rows[top]]
    return [dict(zip(head, row, strict=True)) for row in rows[top + 1 :] if row[0]]
