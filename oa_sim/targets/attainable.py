"""Attainable: which levels a plan attains with a stated probability, and how often authorities have moved as far.

A level with a probability of 70% is the figure, less England's, that is reached with that probability. Levels are
calibrated where about so many were reached: they are set for every authority from what was known in a year, and those
that were reached are counted.

A base rate is how often authorities that started as far from England moved as far against it in as many years.
Movements of one authority in years that overlap are counted each, so the numbers say how many there were and not how
many are independent.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inputs.tables import Row
from oa_sim.targets.forecast_components import PARTS, Outlook
from oa_sim.validation.scoring import Entry

MOST_OF_IT = 0.5  # of the expected movement against England: from here regression to the mean does the work
SCALES = ("level", "relative")
SMALLEST_MOVE = 0.05  # in a measure's unit; a smaller one needs no warning


def promised(draws: np.ndarray, probability: float, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the figure that is reached or bettered with a probability, and its Monte Carlo error.

    Parameters
    ----------
    draws : array (draw)
        Of the figure.
    probability
        With which it is reached.
    lower_is_better
        Whether reaching means staying at or below.
    """
    n, share = len(draws), probability if lower_is_better else 1 - probability
    spread = np.sqrt(probability * (1 - probability) / n)
    low, value, high = np.quantile(draws, [max(share - spread, 0.0), share, min(share + spread, 1.0)])
    return float(value), float(high - low) / 2


def reached(draws: np.ndarray, target: float, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the chance that a figure reaches a target, and its Monte Carlo error."""
    p = float((draws <= target).mean() if lower_is_better else (draws >= target).mean())
    n = len(draws)
    return p, float(np.sqrt(max(p * (1 - p), 1 / n) / n))


def reversion(parts: dict[str, np.ndarray], *, lower_is_better: bool) -> tuple[float, str]:
    """Return the share of the expected movement against England that is the area's own course, and a warning.

    Parameters
    ----------
    parts
        ``own`` and ``programme`` (draw), in the unit of the measure; where a district or the mean of two groups is
        taken to stand is no movement and has no part in it.
    lower_is_better
        Which way is better.

    Returns
    -------
    tuple
        The share is NaN where nothing moves; it lies above 1 where the programme works against it. The warning is
        empty where regression to the mean does not do the work of what is better.
    """
    sign = -1.0 if lower_is_better else 1.0
    own, programme = (sign * float(parts[name].mean()) for name in ("own", "programme"))
    whole = own + programme
    share = own / whole if abs(whole) > 1e-12 else float("nan")
    if own > SMALLEST_MOVE and whole > 0 and share >= MOST_OF_IT:
        return (
            share,
            f"regression to the mean: {100 * min(share, 1):.0f}% of what is expected against England comes free",
        )
    return share, ""


class Ground(NamedTuple):
    """From where a figure is to be reached.

    Attributes
    ----------
    measure, group
        Whose.
    start
        How far the area is taken to stand from England in the year of its last figure, in the measure's unit: what a
        district is off its county is no way to go.
    span
        Years from then.
    england
        England's expected figure in the year that is asked for.
    """

    measure: str
    group: str
    start: float
    span: int
    england: float


def ground(seen: Outlook, area: str, measure: str, group: str, year: int, parts: dict[str, np.ndarray]) -> Ground:
    """Return from where a figure of a year is to be reached; ``parts`` are those of that year."""
    at = {"area": area, "measure": measure, "group": group}
    stands = float(seen.last.sel(at)) + float(seen.standing.sel(at).mean())
    start = stands - float(seen.last_england.sel(at)) - float(seen.england_standing.sel(at))
    return Ground(measure, group, start, year - int(seen.last_year.sel(at)), float(parts["england_level"].mean()))


def base_rate(rows: list[Row], come_from: Ground, figure: float, scale: str) -> dict[str, float]:
    """Return how often comparable authorities moved as far against England as a figure asks, and of how many.

    Parameters
    ----------
    rows
        Of ``movements.csv``, or of a panel.
    come_from
        From where; England's expected course is taken off the figure where it is a level.
    figure
        That is to be reached, in the unit of the measure; on the scale ``relative``, less England's.

    Returns
    -------
    dict
        ``needed_against_england``; ``base_rate``, ``base_rate_n`` and the years they tell of, which may be fewer than
        are asked for; ``base_rate_half``, the figure that half of them would come to.
    """
    measure, group, start, span, england = come_from
    england = 0.0 if scale == "relative" else england
    needed = figure - england - start
    rate, n, years = movement_rate(rows, measure, group, span, start, needed)
    half = typical(rows, measure, group, span, start)
    return {
        "needed_against_england": needed,
        "base_rate": rate,
        "base_rate_n": n,
        "base_rate_years": years,
        "base_rate_half": england + start + half,
    }


def rows(seen: Outlook, levels: list[float], years: list[int], moves: list[Row]) -> Iterator[dict[str, object]]:
    """Yield what can be promised, a row for each area, measure, group, year and scale.

    Parameters
    ----------
    seen
        What is to come.
    levels
        Probabilities.
    years
        Which.
    moves
        Rows of ``movements.csv``.
    """
    scenario = seen.result.manifest["scenario"]["name"]
    for area in seen.last.area.values.tolist():
        for measure in seen.last.measure.values.tolist():
            for group in MEASURES[measure].table_groups:
                for year in years:
                    for row in _rows(seen, {"area": area, "measure": measure, "group": group}, year, levels, moves):
                        yield {"scenario": scenario} | row


def rungs(draws: np.ndarray, levels: list[float], *, lower_is_better: bool) -> dict[str, float]:
    """Return what can be promised with each probability, and its Monte Carlo error, by name of column."""
    columns = {}
    for level in levels:
        value, error = promised(draws, level, lower_is_better=lower_is_better)
        columns |= {f"promised_{100 * level:g}": value, f"mc_error_{100 * level:g}": error}
    return columns


def _rows(seen: Outlook, at: dict, year: int, levels: list[float], moves: list[Row]) -> Iterator[dict[str, object]]:
    """Yield what can be promised of one area, measure, group and year, on both scales."""
    about, level_parts = MEASURES[at["measure"]], seen.parts(**at, year=year)
    come_from = ground(seen, **at, year=year, parts=level_parts)
    last, england = float(seen.last.sel(at)), float(seen.last_england.sel(at))
    since, proxy = int(seen.last_year.sel(at)), bool(seen.result.draws.proxy.sel(at))
    share, warning = reversion(level_parts, lower_is_better=about.lower_is_better)
    for scale in SCALES:
        parts, draws, figure = level_parts, level_parts["projection"], last
        if scale == "relative":
            parts = seen.less_england(level_parts, **at)
            draws, figure = draws - parts["england_level"], last - england
        row = at | {"year": year, "scale": scale, "unit": about.unit, "last": figure, "last_year": since}
        row |= rungs(draws, levels, lower_is_better=about.lower_is_better)
        for name in PARTS:
            low, high = np.quantile(parts[name], [0.05, 0.95])
            row |= {f"{name}_mean": parts[name].mean(), f"{name}_q05": low, f"{name}_q95": high}
        row |= {"own_share_of_move": share, "warning": warning}
        for name in (f"{100 * level:g}" for level in levels):
            rate = base_rate(moves, come_from, row[f"promised_{name}"], scale)
            row |= {f"{key}_{name}": rate[key] for key in ("needed_against_england", "base_rate")}
        row |= {key: rate[key] for key in ("base_rate_n", "base_rate_years", "base_rate_half")}
        yield row | {"proxy": proxy, "n_draws": len(draws), "verdict": seen.result.manifest["gates"]["verdict"]}


def table(seen: Outlook, levels: list[float], years: list[int], moves: list[Row]) -> pd.DataFrame:
    """Return what can be promised as a table; see ``rows``."""
    return pd.DataFrame(list(rows(seen, levels, years, moves)))


def tidy(promised: pd.DataFrame) -> pd.DataFrame:
    """Return promises as a long table: a row for each quantity of each area, measure, group, year and scale.

    Parameters
    ----------
    promised
        From ``table``.

    Returns
    -------
    DataFrame
        ``quantity`` is ``last``, ``promise`` (with its ``probability``, Monte Carlo error and base rate) or a part of
        the way (with a 90% interval: ``q05``, ``q95``), each with its unit and marks.
    """
    about = ["scenario", "area", "group", "measure", "year", "scale"]
    marks = ["unit", "last_year", "own_share_of_move", "warning", "proxy", "n_draws", "verdict"]
    shared = promised[about + marks]
    pieces = [shared.assign(quantity="last", value=promised["last"])]
    for name in [column.removeprefix("promised_") for column in promised if column.startswith("promised_")]:
        told = {"value": promised[f"promised_{name}"], "mc_error": promised[f"mc_error_{name}"]}
        rate = {key: promised[f"{key}_{name}"] for key in ("needed_against_england", "base_rate")}
        rate |= {key: promised[key] for key in ("base_rate_n", "base_rate_years")}
        pieces.append(shared.assign(quantity="promise", probability=float(name) / 100, **told, **rate))
    for name in PARTS:
        ends = {end: promised[f"{name}_{end}"] for end in ("q05", "q95")}
        pieces.append(shared.assign(quantity=name, value=promised[f"{name}_mean"], **ends))
    whole = pd.concat(pieces).sort_index(kind="stable").reset_index(drop=True)
    numbers = ["probability", "value", "q05", "q95", "mc_error", "needed_against_england", "base_rate"]
    numbers += ["base_rate_n", "base_rate_years"]
    return whole[[*about, "quantity", "unit", *numbers, *marks[1:]]]


def kept(entries: list[Entry], levels: list[float], scale: str = "relative") -> pd.DataFrame:
    """Return how many promises were kept, a row for each level, year, measure and group.

    Parameters
    ----------
    entries
        Forecasts as draws with what was published, as from ``backtest.ours``.
    levels
        Probabilities.
    scale
        ``relative``, less England, or ``level``.

    Returns
    -------
    DataFrame
        ``promised`` and ``kept``, shares; ``n``, authorities with a figure.
    """
    rows = []
    for entry in entries:
        if entry.scale != scale:
            continue
        lower = MEASURES[entry.measure].lower_is_better
        there = np.flatnonzero(np.isfinite(entry.actual))
        for level in levels:
            told = [promised(entry.forecast.draws[:, a], level, lower_is_better=lower)[0] for a in there]
            actual = entry.actual[there]
            met = actual <= np.array(told) if lower else actual >= np.array(told)
            rows.append([level, entry.year, entry.measure, entry.group, met.mean() if len(met) else np.nan, len(met)])
    return pd.DataFrame(rows, columns=["promised", "year", "measure", "group", "kept", "n"])


def overall(table: pd.DataFrame, by: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the share of promises that was kept over all figures, by level and what else is named."""
    some = table[table.n > 0]
    hits = some.assign(hits=some.kept * some.n).groupby(["promised", *by], sort=True)[["hits", "n"]].sum()
    return hits.assign(kept=hits.hits / hits.n).drop(columns="hits").reset_index()[["promised", *by, "kept", "n"]]


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


def movement_rate(
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
