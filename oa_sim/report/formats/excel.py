"""Excel workbook: a dossier as an Excel workbook for evaluators: real numbers, tables that filter, native charts.

Names from outside are written as strings and never as formulas; the same dossier gives the same bytes.
"""

import math
import re
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING

from oa_sim.report.document import Dossier
from oa_sim.report.formats import excel_charts, excel_sheets
from oa_sim.report.formats.excel_sheets import Cell, Sheet

if TYPE_CHECKING:
    import xlsxwriter

MADE = datetime(1980, 1, 1)  # the same for all, so that the same dossier gives the same bytes
MOST_NAME = 31  # characters of a sheet's name
LINE, TALLEST = 13.0, 400.0  # points: of a line, and the most that a row takes
WIDEST = 130  # characters of a sentence above a table
STYLE = "Table Style Light 1"
PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
BASE = {"font_name": "Arial", "font_size": 10, "valign": "top"}
RATINGS = {"red": ("#9c0006", "#ffc7ce"), "amber": ("#7f4f00", "#ffeb9c"), "green": ("#005c1f", "#c6efce")}
LETTERS = {"high": "red", "medium": "amber", "low": "green", "FAIL": "red"}
RATED = ("Rating", "Risk", "Verdict")


@dataclass
class Pen:
    """What writes: the book, and each format once."""

    book: "xlsxwriter.Workbook"
    kept: dict = field(default_factory=dict)

    def look(self, **asked: object):
        """Return a format, made when it is first asked for."""
        key = tuple(asked.items())
        if key not in self.kept:
            self.kept[key] = self.book.add_format({**BASE, **asked})
        return self.kept[key]

    def write(self, sheet, row: int, column: int, said: Cell, **look: object) -> None:
        """Write a cell: a tuple as a number under its format, a whole number as one, all else as a string."""
        if isinstance(said, tuple) and not isinstance(said[0], str) and math.isfinite(said[0]):
            sheet.write_number(row, column, said[0], self.look(num_format=said[1], align="right", **look))
        elif isinstance(said, int):
            sheet.write_number(row, column, said, self.look(num_format="#,##0", align="right", **look))
        else:
            raw = said if isinstance(said, str) else said[0] if isinstance(said[0], str) else "none"
            text = excel_sheets.text(raw)
            risky = excel_sheets.starts_like_a_formula(text) or excel_sheets.starts_like_a_formula(raw)
            wrap = {"text_wrap": True, "align": "left", "indent": 1} | ({"quote_prefix": True} if risky else {})
            sheet.write_string(row, column, text, self.look(**{**wrap, **look}))


def book(dossier: Dossier) -> bytes:
    """Return a dossier as a workbook.

    Parameters
    ----------
    dossier
        Of any kind.
    """
    import xlsxwriter  # not every use of a dossier needs it

    made = BytesIO()
    pen = Pen(xlsxwriter.Workbook(made, PLAIN))
    pen.book.set_properties({"title": excel_sheets.text(dossier.title)[:250], "subject": "oa_sim", "author": "oa_sim",
                             "comments": excel_sheets.text(dossier.trace)[:250], "created": MADE})  # fmt: skip
    pen.book.set_size(2400, 1400)
    taken: set[str] = set()
    drawn = excel_charts.plots(dossier.figures) if dossier.kind == "run" else ()
    for number, each in enumerate(excel_sheets.sheets(dossier), start=1):
        _add(pen, each, dossier, number, taken)
        if each.name == "Read me" and drawn:
            at = pen.book.add_worksheet(name("Charts", taken))
            excel_charts.add(
                pen, at, drawn, _opened(pen, at, dossier, "Charts of the headline measure", excel_charts.WIDTHS)
            )
            _print(at, dossier, pages=1)
    pen.book.close()
    return made.getvalue()


def name(asked: str, taken: set[str]) -> str:
    """Return the name of a sheet that no spreadsheet refuses, unlike any that is taken.

    Parameters
    ----------
    asked
        Any text.
    taken
        Names in small letters; the new one is added.
    """
    kept = re.sub(r"[\[\]:*?/\\\n]", " ", excel_sheets.text(asked)).strip(" '") or "Sheet"
    kept = "History of it" if kept.lower() == "history" else kept
    short = kept.encode("utf-16-le")[: 2 * MOST_NAME].decode("utf-16-le", "ignore").strip(" '")
    number = 2
    while short.lower() in taken:
        end = f" {number}"
        short, number = (
            kept.encode("utf-16-le")[: 2 * (MOST_NAME - len(end))].decode("utf-16-le", "ignore") + end,
            number + 1,
        )
    taken.add(short.lower())
    return short


def _add(pen: Pen, each: Sheet, dossier: Dossier, number: int, taken: set[str]) -> None:
    """Add a sheet: title, banner, sentences, and the table that filters."""
    at = pen.book.add_worksheet(name(each.name, taken))
    widths = _widths(each)
    top = _opened(pen, at, dossier, each.title, widths, each.said)
    for column, width in enumerate(widths):
        at.set_column(column, column, width)
    _print(at, dossier, pages=int(each.name == "Read me"))
    if not each.rows:
        return
    heads = _heads(each)
    about = {"name": f"table_{number}", "style": STYLE, "columns": [{"header": head} for head in heads]}
    at.add_table(top, 0, top + len(each.rows), len(heads) - 1, about)
    for column, head in enumerate(heads):
        pen.write(at, top, column, head, bold=True, bottom=1, bg_color="#e8eef4", valign="vcenter")
    deep = max(-(-len(head) // max(width - 3, 4)) for head, width in zip(heads, widths, strict=True))
    at.set_row(top, 14 * deep + 4)
    for r, row in enumerate(each.rows, start=top + 1):
        lines = max(_lines(said, width) for said, width in zip(row, widths, strict=True))
        if lines > 1:
            at.set_row(r, min(LINE * lines + 2, TALLEST))
        for c, said in enumerate(row):
            pen.write(at, r, c, said)
    _rated(pen, at, heads, top, len(each.rows))
    at.freeze_panes(top + 1, 1)
    at.repeat_rows(top)


def _widths(each: Sheet) -> list[int]:
    """Return widths of columns, characters: as wide as what stands in them, and no wider than they may be."""
    found = []
    for column, (head, most) in enumerate(each.columns):
        longest = max((len(_seen(row[column])) for row in each.rows), default=0)
        word = max(len(part) for part in [*head.split(), ""])
        found.append(max(word + 3, min(round(0.9 * longest) + 3, most)))
    return found or [100]


def _seen(said: Cell) -> str:
    """Return about what a cell shows."""
    if not isinstance(said, tuple):
        return str(said)
    number, form = said
    return number if isinstance(number, str) else f"{number:,.{len(form.partition('.')[2])}f}"


def _lines(said: Cell, width: int) -> int:
    """Return on how many lines a cell's text stands; a number takes one."""
    return sum(math.ceil(len(part) / (1.15 * width)) or 1 for part in said.split("\n")) if isinstance(said, str) else 1


def _heads(each: Sheet) -> list[str]:
    """Return headings of a table, which must differ and be no longer than a cell of a table's head."""
    found: list[str] = []
    for asked, _ in each.columns:
        head = " ".join(excel_sheets.text(asked)[:200].split()) or "Column"
        same = sum(one.lower() == head.lower() or one.lower().startswith(f"{head.lower()} (") for one in found)
        found.append(f"{head} ({same + 1})" if same else head)
    return found


def _opened(pen: Pen, at, dossier: Dossier, title: str, widths: list[int], said: tuple[str, ...] = ()) -> int:
    """Write what stands above a table and return the row on which the table starts."""
    failed = dossier.verdict != "PASS"
    last = next((c for c in range(len(widths)) if sum(widths[: c + 1]) >= WIDEST), len(widths) - 1)
    wide = sum(widths[: last + 1])
    lines = [(title, {"bold": True, "font_size": 14, "font_color": "#00437a"})]
    if failed:
        lines.append((f"{dossier.verdict}: DO NOT USE. {dossier.reason}",
                      {"bold": True, "font_color": "#ffffff", "bg_color": "#a00000"}))  # fmt: skip
    lines += [(f"Scenario {dossier.label}", {"font_color": "#444444"})]
    lines += [(line, {}) for line in said]
    for row, (line, look) in enumerate(lines):
        text = excel_sheets.text(line)
        if last:
            at.merge_range(row, 0, row, last, "", pen.look(text_wrap=True, align="left", **look))
        pen.write(at, row, 0, line, **{"indent": 0, **look})
        size = look.get("font_size", 10)
        at.set_row(row, 1.4 * size * max(1, -(-int(len(text) * size / 10) // max(wide, 1))))
    return len(lines) + 1


def _rated(pen: Pen, at, heads: list[str], top: int, n_rows: int) -> None:
    """Colour words that rate, in the columns that hold them; the word stays, so that nothing rests on colour."""
    for column, head in enumerate(heads):
        if head not in RATED and "marks" not in head.lower():
            continue
        words = {**dict(zip(RATINGS, RATINGS, strict=True)), **LETTERS} if head in RATED else {"FAIL": "red"}
        for word, colour in words.items():
            ink, ground = RATINGS[colour]
            look = pen.book.add_format({"font_color": ink, "bg_color": ground})
            rule = {"type": "text", "criteria": "containing", "value": word, "format": look}
            at.conditional_format(top + 1, column, top + n_rows, column, rule)


def _print(at, dossier: Dossier, *, pages: int = 0) -> None:
    """Set a sheet up for paper: landscape A4, one page wide, its source and page at the foot."""
    at.set_landscape()
    at.set_paper(9)
    at.fit_to_pages(1, pages)
    at.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    foot = re.sub(r"\s+", " ", excel_sheets.text(dossier.label))[:60].replace("&", "&&")
    at.set_footer(f"&L&8{' ' if foot[:1].isdigit() else ''}{foot}&C&8&A&R&8&P of &N")
