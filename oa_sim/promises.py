"""Promises: what can be promised of a plan with a stated probability, and how much of it comes free."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from oa_sim import movements
from oa_sim.outlook import PARTS, Outlook
from oa_sim.tables import Row
from oa_sim.variables import MEASURES

MOST_OF_IT = 0.5  # of the expected movement against England: from here regression to the mean does the work
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
        ``own`` and ``programme`` (draw), in the unit of the measure.
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
            f"regression to the mean: {100 * min(share, 1):.0f} % of what is expected against England comes free",
        )
    return share, ""


def base_rate(
    rows: list[Row], seen: Outlook, area: str, measure: str, group: str, year: int, figure: float, scale: str
) -> dict[str, float]:
    """Return how often comparable authorities moved as far against England as a figure asks, and of how many.

    Parameters
    ----------
    rows
        Of ``movements.csv``, or of a panel.
    seen
        What is to come; England's expected course is taken off the figure where it is a level.
    area, measure, group, year
        Where and when.
    figure
        That is to be reached, in the unit of the measure; on the scale ``relative``, less England's.
    """
    at = {"area": area, "measure": measure, "group": group}
    since = int(seen.last_year.sel(at))
    start = float(seen.last.sel(at)) - float(seen.last_england.sel(at))
    away = figure if scale == "relative" else figure - seen.parts(area, measure, group, year)["england_level"].mean()
    rate, n = movements.base_rate(rows, measure, group, year - since, start, away - start)
    return {
        "needed_against_england": away - start,
        "base_rate": rate,
        "base_rate_n": n,
        "base_rate_years": year - since,
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
                    for scale in ("level", "relative"):
                        yield {"scenario": scenario} | _row(seen, area, measure, group, year, scale, levels, moves)


def _row(seen: Outlook, area, measure, group, year, scale, levels, moves) -> dict[str, object]:
    about, parts = MEASURES[measure], seen.parts(area, measure, group, year)
    lower = about.lower_is_better
    draws = parts["projection"] - (parts["england_level"] if scale == "relative" else 0.0)
    at = {"area": area, "measure": measure, "group": group}
    last, england = float(seen.last.sel(at)), float(seen.last_england.sel(at))
    row = at | {"year": year, "scale": scale, "unit": about.unit}
    row |= {"last": last - (england if scale == "relative" else 0.0), "last_year": int(seen.last_year.sel(at))}
    for level in levels:
        value, error = promised(draws, level, lower_is_better=lower)
        row |= {f"promised_{100 * level:g}": value, f"mc_error_{100 * level:g}": error}
    for name in PARTS if scale == "level" else PARTS[1:]:
        low, high = np.quantile(parts[name], [0.05, 0.95])
        row |= {f"{name}_mean": parts[name].mean(), f"{name}_q05": low, f"{name}_q95": high}
    share, warning = reversion(parts, lower_is_better=lower)
    row |= {"own_share_of_move": share, "warning": warning}
    middle = row[f"promised_{100 * sorted(levels)[len(levels) // 2]:g}"]
    row |= base_rate(moves, seen, area, measure, group, year, middle, scale)
    proxy = bool(seen.result.draws.proxy.sel(at))
    return row | {"proxy": proxy, "n_draws": len(draws), "verdict": seen.result.manifest["gates"]["verdict"]}


def table(seen: Outlook, levels: list[float], years: list[int], moves: list[Row]) -> pd.DataFrame:
    """Return what can be promised as a table; see ``rows``."""
    return pd.DataFrame(list(rows(seen, levels, years, moves)))
