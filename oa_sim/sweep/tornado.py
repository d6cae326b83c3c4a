"""Tornado: how far a headline moves between the ends of each varied key, as a table."""

import numpy as np
import pandas as pd
from scipy.stats import t

from oa_sim.sweep.results import MOST_LEVELS, by_level, is_number, is_whole_grid, levels, said, varied

COLUMNS = ("headline", "key", "end", "where", "value_from", "value_to", "mean", "low", "high", "swing", "n_rows")


LOW, HIGH, LEVEL = "low end", "high end", "value"


TENTH, FEWEST = 10, 5  # an end is a tenth of the rows, and at least so many


def table(rows: pd.DataFrame, keys: list[str], headline: str) -> pd.DataFrame:
    """Return the mean of a headline at the ends of each key, the key that moves it most first.

    Parameters
    ----------
    rows
        A row for each scenario, without those that failed; rows that do not hang together.
    keys
        The varied keys.
    headline
        The column that moves.

    Returns
    -------
    DataFrame
        ``COLUMNS``. An end of a scale is its lowest or highest tenth; of a choice, or a number with few values, each
        value stands in a row. ``swing`` is how far apart the means at the two ends are, or of a choice the greatest
        and the least. Intervals are of the mean, 90%, by Student's t, all other keys as they were varied; over a
        whole grid the mean is what it is.
    """
    keys = varied(rows, keys)
    is_exact = is_whole_grid(rows, keys)
    parts = [pd.DataFrame(_of_key(rows, key, headline, is_exact)) for key in keys]
    swings = [float(greater["mean"] - lesser["mean"]) for lesser, greater in map(span, parts)]
    order = np.argsort(-np.array(swings), kind="stable")
    found = pd.concat([parts[k].assign(swing=swings[k]) for k in order])
    return found.assign(headline=headline).reindex(columns=list(COLUMNS)).reset_index(drop=True)


def _of_key(rows: pd.DataFrame, key: str, headline: str, is_exact: bool) -> list[dict]:
    """Return a row for each end or value of a key."""
    y = rows[headline].to_numpy(float)
    if by_level(rows[key]) or (is_exact and rows[key].nunique() <= MOST_LEVELS):
        codes, values = levels(rows[key])
        ends = [LEVEL] * len(values)
        if is_number(rows[key]):
            ends[0], ends[-1] = LOW, HIGH
        parts = [(end, said(value), codes == k) for k, (end, value) in enumerate(zip(ends, values, strict=True))]
    else:
        x = rows[key].to_numpy(float)
        n = min(max(len(x) // TENTH, FEWEST), len(x) // 2)
        ordered = np.sort(x)
        ends = ((LOW, x <= ordered[n - 1]), (HIGH, x >= ordered[-n]))
        parts = [(end, f"{said(x[held].min())} to {said(x[held].max())}", held) for end, held in ends]
    found = [{"key": key, "end": end, "where": where} | _mean(y[held], is_exact) for end, where, held in parts]
    if is_number(rows[key]):
        for row, (_, _, held) in zip(found, parts, strict=True):
            row |= {"value_from": rows[key][held].min(), "value_to": rows[key][held].max()}
    return found


def _mean(y: np.ndarray, is_exact: bool) -> dict[str, float]:
    """Return a mean with its interval; of one row alone there is none."""
    error = 0.0 if is_exact else np.nan if len(y) < 2 else float(y.std(ddof=1) / np.sqrt(len(y)))
    half = float(t.ppf(0.95, max(len(y) - 1, 1))) * error
    return {"mean": float(y.mean()), "low": y.mean() - half, "high": y.mean() + half, "n_rows": len(y)}


def draws_interval(rows: pd.DataFrame, headline: str) -> tuple[float, float] | None:
    """Return the 90% interval of the draws within a scenario, its ends averaged, where the table has them."""
    stem, _, statistic = headline.rpartition("_")
    ends = [f"{stem}_{end}" for end in ("q05", "q95")]
    if statistic != "mean" or not set(ends) <= set(rows):
        return None
    return float(rows[ends[0]].mean()), float(rows[ends[1]].mean())


def span(part: pd.DataFrame) -> list[pd.Series]:
    """Return the two rows that a key's bar runs between, the lesser mean first: its ends, or a choice's extremes."""
    ends = part[part.end != LEVEL] if (part.end != LEVEL).any() else part
    return [ends.loc[ends["mean"].idxmin()], ends.loc[ends["mean"].idxmax()]]
