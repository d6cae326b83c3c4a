"""Keeping: promises made to every authority from what was known in a year, and the share of them that was kept.

A promise of 70 % is the figure, less England's, that is reached with that probability. Promises are calibrated where
about so many were kept.
"""

import numpy as np
import pandas as pd

from oa_sim.definitions import MEASURES
from oa_sim.targets.attainable import promised
from oa_sim.validation.scoring import Entry


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
