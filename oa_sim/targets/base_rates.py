"""Base rates: how far authorities have moved against England in so many years, from how far behind or ahead.

A base rate: whatever one expects of a place, so often did places like it move that far. Movements of one authority in
years that overlap are counted each, so the numbers say how many there were and not how many are independent.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inputs.tables import Row

LONGEST_SPAN, BANDS = 8, 5
SHARES = tuple(range(0, 101, 5))  # % of movements below each quantile
QUANTILE_NAMES = tuple(f"q{share:02d}" for share in SHARES)
DIGITS = 3


def summarised(record: xr.Dataset) -> list[dict[str, object]]:
    """Return movements of all authorities, summed up, as rows of ``movements.csv`` without source and status.

    Parameters
    ----------
    record
        ``published`` (area, group, measure, year) and ``england`` (group, measure, year), as from ``panel.history``.

    Returns
    -------
    list of dict
        A row for each measure, group, span in years and band of the distance from England at the start (fifths of all
        distances, 1 the furthest below): quantiles of the change of that distance, in the measure's unit.
    """
    rows = []
    for measure, about in MEASURES.items():
        for group in about.table_groups:
            at = {"measure": measure, "group": group}
            away = record.published.sel(at).values - record.england.sel(at).values  # (area, year)
            known = away[np.isfinite(away)]
            if not len(known):
                continue
            edges = np.quantile(known, np.linspace(0, 1, BANDS + 1))
            for span in range(1, min(LONGEST_SPAN, away.shape[1] - 1) + 1):
                start, change = away[:, :-span].ravel(), (away[:, span:] - away[:, :-span]).ravel()
                seen = np.isfinite(change)
                band = np.clip(np.searchsorted(edges, start[seen], side="right"), 1, BANDS)
                rows += [
                    _row(measure, group, span, b, edges, change[seen][band == b])
                    for b in range(1, BANDS + 1)
                    if (band == b).any()
                ]
    return rows


def _row(measure: str, group: str, span: int, band: int, edges: np.ndarray, change: np.ndarray) -> dict[str, object]:
    row = {"measure": measure, "group": group, "span": span, "band": band}
    row |= {"least_start": round(edges[band - 1], DIGITS), "most_start": round(edges[band], DIGITS), "n": len(change)}
    found = np.quantile(change, np.array(SHARES) / 100)
    return row | {name: round(float(value), DIGITS) for name, value in zip(QUANTILE_NAMES, found, strict=True)}


def base_rate(
    rows: list[Row], measure: str, group: str, span: int, start: float, needed: float
) -> tuple[float, int, int]:
    """Return how often authorities like this one moved at least so far, of how many movements, and over how many years.

    Parameters
    ----------
    rows
        Of ``movements.csv``, or from ``summarised``.
    measure, group
        Where; at least so far is at least so much better.
    span
        Years; more than are known are taken as the longest known.
    start
        Distance from England at the start, in the measure's unit.
    needed
        Change of that distance, in the same unit.

    Raises
    ------
    Refusal
        Where there are no movements of that measure and group.
    """
    row = _alike(rows, measure, group, span, start)
    quantiles, shares = np.array([row[name] for name in QUANTILE_NAMES]), np.array(SHARES) / 100
    lower = MEASURES[measure].lower_is_better
    if lower:  # better is less: turned round, so that who came exactly so far counts as having come
        quantiles, shares, needed = -quantiles[::-1], 1 - shares[::-1], -needed
    # figures are rounded, so that many movements are equal; those that are exactly what is needed count
    first = np.searchsorted(quantiles, needed, side="left")
    if first < len(quantiles) and quantiles[first] == needed:
        below = float(shares[first])
    else:
        below = float(np.interp(needed, quantiles, shares, left=0.0, right=1.0))
    return 1 - below, int(row["n"]), int(row["span"])


def typical(rows: list[Row], measure: str, group: str, span: int, start: float) -> float:
    """Return the change of the distance from England that half of the authorities like this one bettered."""
    return float(_alike(rows, measure, group, span, start)["q50"])


def _alike(rows: list[Row], measure: str, group: str, span: int, start: float) -> Row:
    """Return the movements over the nearest known span from the band in which an authority starts."""
    mine = [row for row in rows if (row["measure"], row["group"]) == (measure, group)]
    if not mine:
        raise Refusal(f"there are no movements of {measure}, {group}: give a panel that has it with target.panel=FILE")
    nearest = min({row["span"] for row in mine}, key=lambda one: (abs(one - span), one))
    mine = sorted((row for row in mine if row["span"] == nearest), key=lambda row: row["band"])
    return next((row for row in mine if start <= row["most_start"]), mine[-1])
