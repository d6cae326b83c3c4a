"""Exports: the table of figures as data: a row for each, in the form that tools for scenarios read, as CSV and JSON."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pandas as pd

from oa_sim.report.document import Dossier
from oa_sim.report.reported_figure import Published
from oa_sim.report.sanitise import harmless

SERIES = ("model", "scenario", "region", "variable", "unit", "year", "value")
ORIGIN = ("scenario", "run_id", "draws", "data_hash", "version", "n_draws")


def table(figures: Iterable[Published]) -> pd.DataFrame:
    """Return figures as a table: a row for each, no cell missing; the first that has a name stands for it.

    Parameters
    ----------
    figures
        Of a dossier.
    """
    once: dict[str, Published] = {}
    for one in figures:
        once.setdefault(one.figure, one)
    return pd.DataFrame(rows(once.values()))


def csv(figures: Iterable[Published]) -> str:
    """Return figures as CSV, in full precision, so that pandas and ``pyam.IamDataFrame`` load it.

    A text that a spreadsheet might take for a formula is led by an apostrophe. A value that is infinite or none is an
    empty cell, since pyam refuses it and leaves out a row without value; any other number that is, says ``inf``, since
    pyam takes no other empty cell. Where years are to stand side by side, hand ``SERIES`` alone to pyam.
    """
    rows = table(figures)
    for name in rows.columns[[kind.kind == "f" for kind in rows.dtypes]]:
        rows[name] = rows[name].where(np.isfinite(rows[name]), np.nan if name == "value" else np.inf)
    for name in rows.columns[[kind.kind not in "iuf" for kind in rows.dtypes]]:
        rows[name] = [harmless(said, spares_numbers=False) for said in rows[name]]
    return rows.to_csv(index=False, lineterminator="\n")


def json_text(dossier: Dossier) -> str:
    """Return the figures of a dossier as JSON: what all can be traced to, then each; no number is null.

    Parameters
    ----------
    dossier
        Of any kind; where its figures are of several scenarios, each names its own origin as well.
    """
    rows = table(dossier.figures).to_dict("records")
    about = asdict(dossier.figures[0].origin) if dossier.figures else {}
    shared = all(row[name] == about[name] for row in rows for name in ORIGIN)
    dropped = (*ORIGIN, "model") if shared else ("model",)
    each = [{name: _plain(value) for name, value in row.items() if name not in dropped} for row in rows]
    origin = {"kind": dossier.kind, "label": dossier.label, "verdict": dossier.verdict, "reason": dossier.reason}
    origin |= {"trace": dossier.trace} | (about if shared else {})
    return json.dumps({"origin": origin, "figures": each}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    """Return a value that JSON can hold; it has no number that is none or infinite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rows(figures: Iterable[Published]) -> list[dict[str, object]]:
    """Return figures as the rows of a table in the form that tools for scenarios read, no cell empty.

    ``model``, ``scenario``, ``region``, ``variable``, ``unit``, ``year`` and ``value`` are the columns that they know;
    what follows says how the figure is printed, how sure it is, and what it can be traced to.
    """
    return [_row(one) for one in figures]


def _row(one: Published) -> dict[str, object]:
    where = "|".join(part for part in (one.quantity, one.measure, one.group) if part != "none")
    return {
        "model": f"oa_sim {one.origin.version}",
        "scenario": one.origin.scenario,
        "region": one.area,
        "variable": where,
        "unit": one.unit,
        "year": one.year,
        "value": one.value,
        "figure": one.figure,
        "label": one.label,
        "text": one.text,
        "lower": one.lower,
        "upper": one.upper,
        "interval": one.interval or "none",
        "price_base": one.price_base,
        "monte_carlo_error": one.error,
        "marks": one.marks,
        "shown_in": one.shown_in,
        "n_draws": one.origin.n_draws,
        "run_id": one.origin.run_id,
        "draws": one.origin.draws,
        "data_hash": one.origin.data_hash,
        "version": one.origin.version,
    }
