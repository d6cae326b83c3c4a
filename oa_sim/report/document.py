"""Document: what the packs print, whatever its kind and whatever the format: sentences, tables, pictures and figures.

A sentence keeps its figures as figures until it is printed, so that a page can mark each, and none is typed twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from re import search

import pandas as pd

from oa_sim.report.reported_statistic import SIGNS, Published

KINDS = ("run", "compare", "sweep", "target", "optimise", "monitor", "voi")
Cell = str | Published


@dataclass(frozen=True)
class Only:
    """A figure whose value alone is said, its interval standing elsewhere."""

    figure: Published


Sentence = tuple[str | Published | Only, ...]


@dataclass(frozen=True)
class Grid:
    """A table of a pack: words and figures by rows; the first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Drawn:
    """A picture of a pack.

    Attributes
    ----------
    name, title
        A name of its own; what stands above it.
    alternative
        What is seen, in words.
    svg
        The picture.
    """

    name: str
    title: str
    alternative: str
    svg: str

    def png(self, *, scale: float = 3.0) -> bytes:
        """Return the picture as PNG on white."""
        from vl_convert import svg_to_png  # its library is large, and most uses of a dossier need no PNG

        width, height = self.size
        fixed = self.svg.replace("<svg ", f'<svg width="{width:g}" height="{height:g}" ', 1)
        ground = f'<rect width="{width:g}" height="{height:g}" fill="white"/>'
        at = fixed.index(">", fixed.index("<svg")) + 1
        return svg_to_png(fixed[:at] + ground + fixed[at:], scale=scale)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, points."""
        found = search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', self.svg)
        return (float(found[1]), float(found[2])) if found else (360.0, 240.0)


def drawn(name: str, title: str, svg: str) -> Drawn:
    """Return a picture from SVG that says in words what is seen (``aria-label``)."""
    found = search(r'aria-label="([^"]*)"', svg)
    return Drawn(name, title, unescape(found[1]) if found else title, svg)


@dataclass(frozen=True)
class Passage:
    """A part of a pack under its own heading.

    Attributes
    ----------
    title
        Its heading.
    said
        Sentences.
    points
        Sentences that stand as a list.
    grids, pictures
        What stands below.
    page
        The page of the brief on which it stands.
    """

    title: str
    said: tuple[Sentence, ...] = ()
    points: tuple[Sentence, ...] = ()
    grids: tuple[Grid, ...] = ()
    pictures: tuple[Drawn, ...] = ()
    page: int = 1


@dataclass(frozen=True)
class Dossier:
    """All that the packs print.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    title, label
        The title of the brief; the scenario or folder, marked where gates failed.
    verdict, reason
        Of the gates.
    headline
        The sentence that stands for all.
    numbers
        Four figures, each with what it is in a few words.
    passages
        The parts of the two-page brief, in order.
    figures
        The one table of published figures: those of the brief first.
    annex
        Parts that a page shows below the two-page brief and does not print.
    assumptions, log, dictionary
        The assumptions register, the verification log, the data dictionary: a row each.
    statement, changes
        On uncertainty; what changed since the last version: sentences.
    sheets
        Further sheets of the workbook, by name: rows of words and figures.
    manifest
        What makes it traceable.
    """

    kind: str
    title: str
    label: str
    verdict: str
    reason: str
    headline: Sentence
    numbers: tuple[tuple[str, Published], ...]
    passages: tuple[Passage, ...]
    figures: tuple[Published, ...]
    manifest: dict
    assumptions: pd.DataFrame = field(default_factory=pd.DataFrame)
    log: pd.DataFrame = field(default_factory=pd.DataFrame)
    dictionary: pd.DataFrame = field(default_factory=pd.DataFrame)
    statement: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    sheets: dict[str, Grid] = field(default_factory=dict)
    annex: tuple[Passage, ...] = ()

    @property
    def trace(self) -> str:
        """One line that says what every figure comes from."""
        about = self.manifest
        parts = [f"{self.kind} {about.get('run_id', 'none')}", f"scenario {self.label}", f"oa_sim {about['oa_sim']}"]
        parts += [f"data {str(about['data_hash'])[:12]}", f"draws {str(about.get('posterior', 'none'))[:12]}"]
        seed = about.get("seed", about.get("scenario", {}).get("seed"))
        return "; ".join([*parts, *([f"seed {seed}"] if seed is not None else [])]) + "."


def capital(text: str) -> str:
    """Return a text with its first letter in capitals."""
    return text[:1].upper() + text[1:]


def plain(sentence: Sentence) -> str:
    """Return a sentence as text."""
    return "".join(said(part) for part in sentence)


def said(part: Cell | Only) -> str:
    """Return a part of a sentence, or a cell, as text: of a figure its value, interval and marks."""
    if isinstance(part, Only):
        return part.figure.in_cell
    return part.whole if isinstance(part, Published) else part


def cell(part: Cell) -> str:
    """Return a cell of a table as text: of a figure its value and marks."""
    return part.in_cell if isinstance(part, Published) else part


def key_of_brief(document: Dossier) -> str:
    """Return what the signs mean that stand beside the figures of the brief."""
    return key(one for one in document.figures if "brief" in one.shown_in)


def key(figures: Iterable[Published]) -> str:
    """Return what the signs mean that stand beside figures; nothing where there is none."""
    marks = " ".join(one.marks for one in figures)
    meant = {
        "county proxy": "uses a county\u2019s figures in place of a district\u2019s (county proxy)",
        "rests on figures to verify": "uses inputs that are still to be verified",
        "FAIL": "convergence checks failed: do not use",
    }
    said = [f"{sign.strip()} {meant[mark]}" for sign, mark in SIGNS.items() if mark in marks]
    return f"{'; '.join(said)}." if said else ""
