"""Document: what the packs print, whatever its kind and whatever the format: sentences, tables, pictures and figures.

A sentence keeps its figures as figures until it is printed, so that a page can mark each, and none is typed twice.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from re import search
from typing import Any

import pandas as pd

from oa_sim.formatting import significant
from oa_sim.report.reported_statistic import FAILED, OWN, PROXY, SIGNS, VERIFY, Published

ROLES = ("Analyst", "Quality assurer", "Senior responsible owner")  # who sign an assurance pack
Cell = str | Published


@dataclass(frozen=True)
class Only:
    """A figure whose value alone is said, its interval standing elsewhere."""

    figure: Published

    def __str__(self) -> str:
        return self.figure.in_cell


@dataclass(frozen=True)
class Percent:
    """A figure that is said in per cent, with its interval."""

    figure: Published

    def __str__(self) -> str:
        ends = f" (90% interval {self.figure.interval.replace(' to ', '% to ')}%)" if self.figure.interval else ""
        return f"{self.figure.text}%{ends}{self.figure.mark}"


Part = str | Published | Only | Percent
Sentence = tuple[Part, ...]


@dataclass(frozen=True)
class Grid:
    """A table of a pack: words and figures by rows; the first column names the row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Drawn:
    """A picture of a pack: a name of its own, what stands above it, what is seen in words, and its SVG."""

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
        return bytes(svg_to_png(fixed[:at] + ground + fixed[at:], scale=scale))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height, points."""
        box = search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+) ([\d.]+)"', self.svg)
        return (float(box[1]), float(box[2])) if box else (360.0, 240.0)


def drawn(name: str, title: str, svg: str) -> Drawn:
    """Return a picture from SVG that says in words what is seen (``aria-label``)."""
    label = search(r'aria-label="([^"]*)"', svg)
    return Drawn(name, title, unescape(label[1]) if label else title, svg)


@dataclass(frozen=True)
class Passage:
    """A part of a pack under its own heading: sentences, sentences that stand as a list, and what stands below.

    ``page`` is the page of the brief on which it stands.
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

    ``kind`` is that of the folder, as ``run``; ``label`` the scenario or folder, marked where gates failed; ``verdict``
    and ``reason`` are of the gates. The brief has a ``headline`` that stands for all, four ``numbers``, each with what
    it is in a few words, and the ``passages`` of its two pages in order; ``annex`` are parts that a page shows below
    these and does not print. ``figures`` is the one table of published figures, those of the brief first.
    ``assumptions``, ``log`` and ``dictionary`` are the assumptions register, the verification log and the data
    dictionary; ``statement`` (on uncertainty) and ``changes`` (since the last version) are sentences; ``sheets`` are
    further ones of the workbook; ``manifest`` makes it traceable.
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
    manifest: dict[str, Any]
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
        facts = self.manifest
        parts = [f"{self.kind} {facts.get('run_id', 'none')}", f"scenario {self.label}", f"oa_sim {facts['oa_sim']}"]
        parts += [f"data {str(facts['data_hash'])[:12]}", f"draws {str(facts.get('posterior', 'none'))[:12]}"]
        seed = facts.get("seed", facts.get("scenario", {}).get("seed"))
        return "; ".join([*parts, *([f"seed {seed}"] if seed is not None else [])]) + "."


def capital(text: str) -> str:
    """Return a text with its first letter in capitals."""
    return text[:1].upper() + text[1:]


def plain(sentence: Sentence) -> str:
    """Return a sentence as text."""
    return "".join(said(part) for part in sentence)


def said(part: Part) -> str:
    """Return a part of a sentence as text: of a figure its value, interval and marks."""
    return part.whole if isinstance(part, Published) else str(part)


def figure_of(part: Part) -> Published | None:
    """Return the figure that a part of a sentence, or a cell, says; of words none."""
    return part.figure if isinstance(part, Only | Percent) else part if isinstance(part, Published) else None


def cell(part: Cell) -> str:
    """Return a cell of a table as text: of a figure its value and marks."""
    return part.in_cell if isinstance(part, Published) else part


def of_brief(document: Dossier) -> list[Published]:
    """Return the figures that the brief prints."""
    return [figure for figure in document.figures if "brief" in figure.shown_in]


def brief_statistics(document: Dossier) -> Grid:
    """Return the figures of the brief, with what each can be traced by."""
    rows = tuple(
        (
            figure.label, figure, figure.interval or "none", figure.printed_unit, figure.price_base,
            f"{figure.origin.n_draws:,}", significant(figure.error, 2) if figure.error else "none", figure.marks,
        )
        for figure in of_brief(document)
    )  # fmt: skip
    head = ("Figure", "Printed", "90% interval", "Unit", "Price base", "Draws", "Monte Carlo error", "Marks")
    return Grid("What the brief prints", head, rows)


def key(figures: Iterable[Published]) -> str:
    """Return what the signs mean that stand beside figures; nothing where there is none."""
    marks = " ".join(figure.marks for figure in figures)
    meant = {
        PROXY: "county proxy: a county\u2019s figures for a district\u2019s",
        OWN: "own estimate of a district, from school tables by place of school",
        VERIFY: "uses inputs still to be verified",
        FAILED: "convergence checks failed: do not use",
    }
    signs = [f"{sign.strip()} {meant[mark]}" for sign, mark in SIGNS.items() if mark in marks]
    return f"{'; '.join(signs)}." if signs else ""
