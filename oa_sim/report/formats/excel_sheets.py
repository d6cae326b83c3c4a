"""Sheets: what stands on each sheet of a workbook, as words and numbers, whatever library writes it."""

from collections.abc import Iterable

import pandas as pd

from oa_sim import calibrated
from oa_sim.report.document import Dossier, Grid, key, plain
from oa_sim.report.formats import cells, run_sheets
from oa_sim.report.formats.run_sheets import NARROW, WIDE, Cell, Sheet, capital
from oa_sim.report.reported_figure import NO_MARK, Published

WORDS = 60  # characters, of the widest column of a table
OF_FIGURES = (run_sheets.targets, run_sheets.projections, run_sheets.impact, run_sheets.lasting, run_sheets.money,
              run_sheets.by_year)  # fmt: skip


def sheets(dossier: Dossier) -> tuple[Sheet, ...]:
    """Return the sheets of a dossier in order; of figures only those that it has.

    Parameters
    ----------
    dossier
        Of any kind.
    """
    once: dict[str, Published] = {}
    for one in dossier.figures:
        once.setdefault(one.figure, one)
    figures = tuple(once.values())
    found = [run_sheets.brief(figures)]
    found += [sheet for made in OF_FIGURES if (sheet := made(figures)).rows]
    found += [_of_grid(name, grid) for name, grid in dossier.sheets.items()]
    found += [
        _of_frame("Assumptions", "The assumptions register", dossier.assumptions,
                  "This pack was made without the assumptions register."),
        _of_frame("Verification", "The verification log", dossier.log,
                  "This pack was made without a verification log."),
        _of_frame("Data dictionary", "What each column means", dossier.dictionary,
                  "This pack was made without a data dictionary."),
        provenance(dossier),
    ]  # fmt: skip
    return (read_me(dossier, figures, found), *found)


def read_me(dossier: Dossier, figures: tuple[Published, ...], others: list[Sheet]) -> Sheet:
    """Return the first sheet: what this is, what it says, and how to read it."""
    rows = [("What this is", f"{dossier.title}. The figures, targets and sources behind the two-page brief."),
            ("Headline", plain(dossier.headline)), ("Verdict", f"{dossier.verdict}: {dossier.reason}")]  # fmt: skip
    rows += [(capital(label), one.whole) for label, one in dossier.numbers]
    rows += [
        ("Value", "The mean over the draws; of a price the median. A cell shows the digits that the brief prints and "
         "holds the number in full wherever its digits allow; figures.json and the CSV hold every number in full."),
        ("Lower, upper", "The ends of the 90 % interval (5 % and 95 % of the draws); both are the value where nothing "
         "is uncertain."),
        ("Monte Carlo error", "The standard error of a value for want of more draws, in its unit; the last digit "
         "printed is about as large, or larger."),
        ("Signs beside figures", key(figures) or "No figure has a mark."),
        ("Name of a figure", "quantity/measure/group/area/year; the same in every pack."),
    ]  # fmt: skip
    rows += [(f"\u2018{capital(word)}\u2019", f"used for chances of {used} (yardstick: {band})")
             for word, band, used in calibrated.table()]  # fmt: skip
    rows += [("Words for chances", capital(calibrated.SOURCE))]
    rows += [("Uncertainty", line) for line in dossier.statement]
    rows += [("Changed since the last version", line) for line in dossier.changes]
    rows += [("How to cite", f"{dossier.title}. {dossier.trace}")]
    rows += [(f"Sheet \u2018{sheet.name}\u2019", f"{sheet.title}; {len(sheet.rows):,} rows") for sheet in others]
    columns = (("About", 34), ("What it says", 110))
    return Sheet("Read me", dossier.title, columns, tuple(rows))


def provenance(dossier: Dossier) -> Sheet:
    """Return all that makes the pack traceable, a row for each key, the scenario in full among them."""
    rows = tuple((name, said) for name, said in _flat("", dossier.manifest))
    return Sheet("Provenance", "What every figure comes from", (("Key", 60), ("Value", 90)), rows, (dossier.trace,))


def _flat(name: str, said: object) -> Iterable[tuple[str, str]]:
    if isinstance(said, dict) and said:
        for part, inner in said.items():
            yield from _flat(f"{name}.{part}" if name else str(part), inner)
    elif isinstance(said, list) and any(isinstance(inner, dict | list) for inner in said):
        for number, inner in enumerate(said, start=1):
            yield from _flat(f"{name}.{number}", inner)
    else:
        yield name, ", ".join(map(str, said)) if isinstance(said, list) else str(said)


def _of_frame(name: str, title: str, table: pd.DataFrame, otherwise: str) -> Sheet:
    """Return a table as it is; a sentence where there is none."""
    if not len(table):
        return Sheet(name, title, said=(otherwise,))
    widths = [max(10, min(WORDS, int(table[one].astype(str).str.len().quantile(0.9)) + 3)) for one in table.columns]
    columns = tuple((capital(str(one).replace("_", " ")), width) for one, width in zip(table, widths, strict=True))
    rows = tuple(tuple(_plain(said) for said in row) for row in table.astype(object).itertuples(index=False))
    return Sheet(name, title, columns, rows)


def _plain(said: object) -> Cell:
    """Return a cell of a table: a number as one, all else as text."""
    if isinstance(said, Published):
        return said.whole
    if isinstance(said, bool) or not hasattr(said, "__float__") or said != said:
        return "none" if said is None or said != said else str(said)
    return (float(said), "General")


def _of_grid(name: str, grid: Grid) -> Sheet:
    """Return a grid of a pack, each figure as a number and as it is printed, with its interval and marks."""
    has = [any(isinstance(row[c], Published) for row in grid.rows) for c in range(len(grid.head))]
    columns: list[tuple[str, int]] = []
    for head, is_figure in zip(grid.head, has, strict=True):
        columns += [(head, NARROW), (f"{head}, as printed", 28)] if is_figure else [(head, WIDE)]
        columns += [(f"{head}, marks", 24)] if is_figure else []
    rows = []
    for row in grid.rows:
        cut: list[Cell] = []
        for cell, is_figure in zip(row, has, strict=True):
            figure = isinstance(cell, Published)
            cut.append(cells.value(cell) if figure else cell)
            if is_figure:
                cut += [cell.whole, cell.marks] if figure else [cell, NO_MARK]
        rows.append(tuple(cut))
    return Sheet(name, grid.caption, tuple(columns), tuple(rows))
