"""Attainable: which levels a plan attains with a stated probability, and how often authorities have moved as far.

A level with a probability of 70% is the figure, less England's, that is reached with that probability. Levels are
calibrated where about so many were reached: they are set for every authority from what was known in a year, and those
that were reached are counted.

A base rate is how often authorities that started as far from England moved as far against it in as many years.
Movements of one authority in years that overlap are counted each, so the numbers say how many there were and not how
many are independent.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import MEASURES, percent
from oa_sim.errors import Refusal
from oa_sim.inputs.tables import Row
from oa_sim.targets.forecast_components import PARTS, Outlook
from oa_sim.targets.settings import SCALES
from oa_sim.validation.scoring import Entry

MOST_OF_IT = 0.5  # of the expected movement against England: from here regression to the mean does the work
SMALLEST_MOVE = 0.05  # in a measure's unit; a smaller one needs no warning


def promised(draws: np.ndarray, probability: float, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the figure that is reached or bettered with a probability, from draws of it, and its Monte Carlo error."""
    n, share = len(draws), probability if lower_is_better else 1 - probability
    spread = np.sqrt(probability * (1 - probability) / n)
    low, value, high = np.quantile(draws, [max(share - spread, 0.0), share, min(share + spread, 1.0)])
    return float(value), float(high - low) / 2


def reached(draws: np.ndarray, target: float, *, lower_is_better: bool) -> tuple[float, float]:
    """Return the chance that a figure reaches a target, and its Monte Carlo error."""
    p = float((draws <= target).mean() if lower_is_better else (draws >= target).mean())
    return p, error_of_chance(p, len(draws))


def error_of_chance(p: float, n: int) -> float:
    """Return the Monte Carlo error of a chance from so many draws; one that none or all of them show has some too."""
    return float(np.sqrt(max(p * (1 - p), 1 / n) / n))


def reversion(parts: dict[str, np.ndarray], *, lower_is_better: bool) -> tuple[float, str]:
    """Return the share of the expected movement against England that is the area's own course, and a warning.

    The share is NaN where nothing moves; it lies above 1 where the programme works against it. The warning is empty
    where regression to the mean does not do the work of what is better. Where a district or the mean of two groups is
    taken to stand is no movement and has no part in it.
    """
    sign = -1.0 if lower_is_better else 1.0
    own, programme = (sign * float(parts[name].mean()) for name in ("own", "programme"))
    movement = own + programme
    share = own / movement if abs(movement) > 1e-12 else float("nan")
    if own > SMALLEST_MOVE and movement > 0 and share >= MOST_OF_IT:
        free = percent(min(share, 1))
        return share, f"{free} of the expected change against England is regression to the mean, which is not impact"
    return share, ""


class Ground(NamedTuple):
    """From where a figure is to be reached, in the measure's unit."""

    measure: str
    group: str
    start: float  # how far the area is taken to stand from England: what a district is off its county is no way to go
    span: int  # years from the year of its last figure
    england: float  # England's expected figure in the year that is asked for


def ground(seen: Outlook, area: str, measure: str, group: str, year: int, parts: dict[str, np.ndarray]) -> Ground:
    """Return from where a figure of a year is to be reached; ``parts`` are those of that year."""
    place = {"area": area, "measure": measure, "group": group}
    stands = float(seen.last.sel(place)) + float(seen.standing.sel(place).mean())
    start = stands - float(seen.last_england.sel(place)) - float(seen.england_standing.sel(place))
    return Ground(measure, group, start, year - int(seen.last_year.sel(place)), float(parts["england_level"].mean()))


def base_rate(rows: list[Row], come_from: Ground, figure: float, scale: str) -> dict[str, float]:
    """Return how often comparable authorities moved as far against England as a figure asks, and of how many.

    On the scale ``relative`` the figure is less England's; of a level, England's expected course is taken off. The
    years that the rate tells of may be fewer than are asked for; ``base_rate_half`` is the figure that half of them
    would come to.
    """
    measure, group, start, span, england = come_from
    england = 0.0 if scale == "relative" else england
    needed = figure - england - start
    rate, n, years = movement_rate(rows, measure, group, span, start, needed)
    half = england + start + typical(rows, measure, group, span, start)
    values = {"needed_against_england": needed, "base_rate": rate, "base_rate_n": n, "base_rate_years": years}
    return values | {"base_rate_half": half}


def rungs(draws: np.ndarray, levels: list[float], *, lower_is_better: bool) -> dict[str, float]:
    """Return what can be promised with each probability, and its Monte Carlo error, by name of column."""
    columns: dict[str, float] = {}
    for level in levels:
        value, error = promised(draws, level, lower_is_better=lower_is_better)
        columns |= {f"promised_{100 * level:g}": value, f"mc_error_{100 * level:g}": error}
    return columns


def _rows(
    seen: Outlook, place: dict[str, str], year: int, levels: list[float], moves: list[Row]
) -> Iterator[dict[str, Any]]:
    """Yield what can be promised of one area, measure, group and year, on both scales."""
    definition, level_parts = MEASURES[place["measure"]], seen.parts(**place, year=year)
    come_from = ground(seen, **place, year=year, parts=level_parts)
    last, england = float(seen.last.sel(place)), float(seen.last_england.sel(place))
    since, draws_of = int(seen.last_year.sel(place)), seen.result.draws
    kinds = {name: bool(draws_of[name].sel(place)) for name in ("proxy", "estimated")}
    share, warning = reversion(level_parts, lower_is_better=definition.lower_is_better)
    for scale in SCALES:
        parts, draws, figure = level_parts, level_parts["projection"], last
        if scale == "relative":
            parts = seen.less_england(level_parts, **place)
            draws, figure = draws - parts["england_level"], last - england
        row: dict[str, Any] = place | {"year": year, "scale": scale, "unit": definition.unit}
        row |= {"last": figure, "last_year": since}
        row |= rungs(draws, levels, lower_is_better=definition.lower_is_better)
        for name in PARTS:
            low, high = np.quantile(parts[name], [0.05, 0.95])
            row |= {f"{name}_mean": parts[name].mean(), f"{name}_q05": low, f"{name}_q95": high}
        row |= {"own_share_of_move": share, "warning": warning}
        for name in (f"{100 * level:g}" for level in levels):
            rate = base_rate(moves, come_from, row[f"promised_{name}"], scale)
            row |= {f"{key}_{name}": rate[key] for key in ("needed_against_england", "base_rate")}
        row |= {key: rate[key] for key in ("base_rate_n", "base_rate_years", "base_rate_half")}
        yield row | kinds | {"n_draws": len(draws), "verdict": seen.result.manifest["gates"]["verdict"]}


def table(seen: Outlook, levels: list[float], years: list[int], moves: list[Row]) -> pd.DataFrame:
    """Return what can be promised, a row for each area, measure, group, year and scale."""
    scenario = seen.result.manifest["scenario"]["name"]
    places = [
        {"area": area, "measure": measure, "group": group}
        for area in seen.last.area.values.tolist()
        for measure in seen.last.measure.values.tolist()
        for group in MEASURES[measure].table_groups
    ]
    rows = (row for place in places for year in years for row in _rows(seen, place, year, levels, moves))
    return pd.DataFrame([{"scenario": scenario} | row for row in rows])


def tidy(promised: pd.DataFrame) -> pd.DataFrame:
    """Return promises as a long table: a row for each quantity of each area, measure, group, year and scale.

    ``quantity`` is ``last``, ``promise`` (with its ``probability``, Monte Carlo error and base rate) or a part of the
    way (with a 90% interval: ``q05``, ``q95``), each with its unit and marks.
    """
    keys = ["scenario", "area", "group", "measure", "year", "scale"]
    marks = ["unit", "last_year", "own_share_of_move", "warning", "proxy", "estimated", "n_draws", "verdict"]
    shared = promised[keys + marks]
    pieces = [shared.assign(quantity="last", value=promised["last"])]
    for name in [column.removeprefix("promised_") for column in promised if column.startswith("promised_")]:
        figures = {"value": promised[f"promised_{name}"], "mc_error": promised[f"mc_error_{name}"]}
        rate = {key: promised[f"{key}_{name}"] for key in ("needed_against_england", "base_rate")}
        rate |= {key: promised[key] for key in ("base_rate_n", "base_rate_years")}
        pieces.append(shared.assign(quantity="promise", probability=float(name) / 100, **figures, **rate))
    for name in PARTS:
        ends = {end: promised[f"{name}_{end}"] for end in ("q05", "q95")}
        pieces.append(shared.assign(quantity=name, value=promised[f"{name}_mean"], **ends))
    whole = pd.concat(pieces).sort_index(kind="stable").reset_index(drop=True)
    numbers = ["probability", "value", "q05", "q95", "mc_error", "needed_against_england", "base_rate"]
    numbers += ["base_rate_n", "base_rate_years"]
    return whole[[*keys, "quantity", "unit", *numbers, *marks[1:]]]


def kept(entries: list[Entry], levels: list[float], scale: str = "relative") -> pd.DataFrame:
    """Return how many promises were kept, a row for each level, year, measure and group.

    ``entries`` are forecasts as draws with what was published, as from ``backtest.ours``. ``promised`` and ``kept`` are
    shares; ``n`` is of authorities with a figure.
    """
    rows = []
    for entry in entries:
        draws = entry.forecast.draws
        if entry.scale != scale or draws is None:
            continue
        lower = MEASURES[entry.measure].lower_is_better
        there = np.flatnonzero(np.isfinite(entry.actual))
        for level in levels:
            figures = [promised(draws[:, a], level, lower_is_better=lower)[0] for a in there]
            actual = entry.actual[there]
            met = actual <= np.array(figures) if lower else actual >= np.array(figures)
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

    A row for each measure, group, span in years and band of the distance from England at the start (fifths of all
    distances, 1 the furthest below): quantiles of the change of that distance, in the measure's unit. The record is as
    from ``panel.history``.
    """
    rows = []
    for measure, definition in MEASURES.items():
        for group in definition.table_groups:
            series = {"measure": measure, "group": group}
            away = record.published.sel(series).values - record.england.sel(series).values  # (area, year)
            distances = away[np.isfinite(away)]
            if not len(distances):
                continue
            edges = np.quantile(distances, np.linspace(0, 1, BANDS + 1))
            for span in range(1, min(LONGEST_SPAN, away.shape[1] - 1) + 1):
                start, change = away[:, :-span].ravel(), (away[:, span:] - away[:, :-span]).ravel()
                is_known = np.isfinite(change)
                band = np.clip(np.searchsorted(edges, start[is_known], side="right"), 1, BANDS)
                rows += [
                    _row(measure, group, span, b, edges, change[is_known][band == b])
                    for b in range(1, BANDS + 1)
                    if (band == b).any()
                ]
    return rows


def _row(measure: str, group: str, span: int, band: int, edges: np.ndarray, change: np.ndarray) -> dict[str, object]:
    row = {"measure": measure, "group": group, "span": span, "band": band}
    row |= {"least_start": round(edges[band - 1], DIGITS), "most_start": round(edges[band], DIGITS), "n": len(change)}
    quantiles = np.quantile(change, np.array(SHARES) / 100)
    return row | {name: round(float(value), DIGITS) for name, value in zip(QUANTILE_NAMES, quantiles, strict=True)}


def movement_rate(
    rows: list[Row], measure: str, group: str, span: int, start: float, needed: float
) -> tuple[float, int, int]:
    """Return how often authorities like this one moved at least so far, of how many movements, and over how many years.

    ``start`` is the distance from England at the start and ``needed`` the change of it, in the measure's unit; at least
    so far is at least so much better. More years than are known are taken as the longest known.

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
    nearest = min({row["span"] for row in mine}, key=lambda years: (abs(years - span), years))
    mine = sorted((row for row in mine if row["span"] == nearest), key=lambda row: row["band"])
    return next((row for row in mine if start <= row["most_start"]), mine[-1])
