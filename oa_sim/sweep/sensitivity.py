"""Sensitivity: what the differences between scenarios come from, and how far each key moves a headline (the tornado).

Shares of variance are found in three ways, each for the sweep that it fits: Sobol indices for a Saltelli design, the
exact decomposition for a whole grid, and first-order shares from the sample itself for any other. Each scenario is one
number here, its headline; what the draws within a scenario do not know is no part of these shares.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.fft import dct
from scipy.stats import t

from oa_sim.definitions import MEAN_OF_AREAS
from oa_sim.errors import Refusal
from oa_sim.rng import stream
from oa_sim.sweep import results
from oa_sim.sweep.results import by_level, has_failed, is_number, is_whole_grid, levels, value_text, varied

Bounds = dict[str, tuple[float, float]]  # of the keys that were given as an interval
COLUMNS = ("headline", "key", "index", "share", "low", "high", "chance", "method", "n_rows")
FIRST, TOTAL, TOGETHER = "first", "total", "together"
SOBOL, GRID, GIVEN, DRAWS = "Sobol", "whole grid", "given data", "draws by block"
HOLED = "given data, failed rows left out"
LEVEL, NORMAL_90 = 0.90, 1.6448536269514722
RESAMPLES, HALVES = 500, 100  # of a bootstrap's base points; halves of a sample
SHUFFLES, RARE = 200, 0.05  # of the headline; how seldom chance alone gives a key more than its chance share
SMALLEST_BASE, SMALLEST_SAMPLE = 16, 30  # base points of a Saltelli design; rows of any other
ROWS_A_WAVE, MOST_WAVES = 20, 6  # of a number's scale; five waves hold 99.8% of a line
TOO_WIDE = 0.5  # of an interval: wider than this says nothing
TORNADO = ("headline", "key", "end", "where", "value_from", "value_to", "mean", "low", "high", "swing", "n_rows")
LOW, HIGH, VALUE = "low end", "high end", "value"
TENTH, FEWEST = 10, 5  # an end is a tenth of the rows, and at least so many


def indices(
    table: pd.DataFrame, design: dict[str, Any], keys: list[str], bounds: Bounds, headline: str, *, n_gone: int = 0
) -> pd.DataFrame:
    """Return how much of a headline's variance over scenarios comes from each key, in the way that fits the design.

    The table is as ``usable`` gives it. ``n_gone`` scenarios were designed and have no answer: a sample with holes is
    not laid out evenly, and keys that were varied apart from each other may be correlated in what is left of it.

    Returns
    -------
    DataFrame
        ``COLUMNS``: shares of variance (1 = all of it) with 90% intervals. ``chance`` is the share that a key which
        does nothing passes once in twenty, where that had to be found out.
    """
    seed = int(design.get("seed", 0))
    if design["kind"] == "saltelli":
        return sobol(table, keys, bounds, headline, seed=seed)
    keys = varied(table, keys)
    if is_whole_grid(table, keys):
        return grid(table, keys, headline)
    is_even = design["kind"] == "sobol" and not n_gone
    return given_data(table, keys, headline, seed=seed, is_even=is_even).assign(method=HOLED if n_gone else GIVEN)


def sobol(table: pd.DataFrame, keys: list[str], bounds: Bounds, headline: str, *, seed: int = 0) -> pd.DataFrame:
    """Return first and total Sobol indices of a Saltelli design, with 90% bootstrap intervals, by SALib.

    Notes
    -----
    First order: the share of variance that knowing the key alone would take away. Total: what would be left if all
    others were known. ``together`` is what no key explains alone. Estimators of Saltelli et al. (2010), Computer
    Physics Communications 181(2); half-widths are 1.645 standard deviations over resampled base points.
    """
    bad = has_failed(table) | ~np.isfinite(table[headline].to_numpy(float))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        why = str(table["failed"].iloc[first]).strip().rstrip(".") if has_failed(table)[first] else f"no {headline}"
        raise Refusal(
            f"Sobol indices need every scenario of the design, and {bad.sum()} of {len(table)} have no {headline!r} "
            f"(the first is number {first}: {why}): narrow the bounds, or sweep with design=sobol"
        )
    n_rows = results.rows_of_a_base_point(table[keys])
    y = table[headline].to_numpy(float)
    if len(y) // n_rows < SMALLEST_BASE:
        raise Refusal(
            f"Sobol indices need {SMALLEST_BASE} base points of {n_rows} rows or more, got {len(y)} rows: sweep with a "
            "larger design.n"
        )
    if np.ptp(y.reshape(-1, n_rows)[:, [0, -1]]) == 0:
        raise Refusal(f"{headline!r} is the same at every base point: sweep with a larger design.n")
    try:
        from SALib.analyze import sobol as salib
    except ImportError:
        raise Refusal('Sobol indices need SALib: pip install "oa-sim[sensitivity]"') from None
    problem = {
        "num_vars": len(keys),
        "names": [f"x{j}" for j in range(len(keys))],
        "bounds": [list(bounds.get(key, (0.0, 1.0))) for key in keys],
    }
    estimates = salib.analyze(
        problem, y, calc_second_order=False, num_resamples=RESAMPLES, conf_level=LEVEL,
        keep_resamples=True, seed=int(stream(seed, "sensitivity", "sobol").integers(1, 2**31)),
    )  # fmt: skip
    listed = [(key, FIRST, estimates["S1"][j], estimates["S1_conf"][j]) for j, key in enumerate(keys)]
    alone = estimates["S1_conf_all"].sum(axis=1)
    listed.append((TOGETHER, FIRST, 1 - estimates["S1"].sum(), NORMAL_90 * alone.std(ddof=1)))
    listed += [(key, TOTAL, estimates["ST"][j], estimates["ST_conf"][j]) for j, key in enumerate(keys)]
    return _as_table([(key, kind, share, share - half, share + half) for key, kind, share, half in listed],
                     headline, SOBOL, len(y))  # fmt: skip


def grid(table: pd.DataFrame, keys: list[str], headline: str) -> pd.DataFrame:
    """Return first and total shares of variance over a whole grid, each combination counting the same: exact.

    Nothing is sampled, so that low and high are the share itself; another choice of values would be another answer.
    """
    coded = pd.DataFrame({key: levels(table[key])[0] for key in keys}).assign(y=table[headline].to_numpy(float))
    whole = coded.y.var(ddof=0)
    first = [coded.groupby(key).y.transform("mean").var(ddof=0) / whole for key in keys]
    listed = [(key, FIRST, *[share] * 3) for key, share in zip(keys, first, strict=True)]
    listed.append((TOGETHER, FIRST, *[1 - sum(first)] * 3))
    for key in keys:
        others = [other for other in keys if other != key]
        left = coded.groupby(others).y.transform("mean").var(ddof=0) / whole if others else 0.0
        listed.append((key, TOTAL, *[1 - left] * 3))
    return _as_table(listed, headline, GRID, len(table))


def given_data(
    table: pd.DataFrame, keys: list[str], headline: str, *, seed: int = 0, is_even: bool = False
) -> pd.DataFrame:
    """Return first-order shares of variance from a sample as it is, with 90% intervals.

    Whether the rows are a Sobol sequence (``is_even``) says what counts as noise.

    Notes
    -----
    A number along a scale is read by the slowest cosine waves of its rank (half a wave is nearly a line), a choice or
    a number with few values by its means. Noise gives each wave and each level a share too, which is taken off. Of
    random rows the other keys are noise as well, so that all a key leaves is (adjusted R squared). A Sobol sequence
    lays the other keys out evenly behind each; there only what all keys together leave counts as noise: of a sum that
    is next to nothing, of a headline that no key moves all of it. Taking off as for random rows, or by RBD-FAST, made
    shares of a sum too low by up to 0.02 and 0.06 with 256 rows, as they are by less than 0.005; what keys do together
    is taken for noise, which makes shares a little too low at worst. Keys must have been varied independently.
    Intervals are 1.645 standard deviations over random halves of the rows: half the rows, left as they are, vary about
    the whole as the whole about the truth, and unlike a bootstrap they repeat no row, which a method that goes by
    neighbours would take for order. Of a Sobol sequence they are too wide. ``chance`` is read the same way from the
    headline shuffled among the rows, as far as it is noise.
    """
    n = len(table)
    if n < SMALLEST_SAMPLE:
        raise Refusal(
            f"shares of variance need {SMALLEST_SAMPLE} scenarios or a whole grid, got {n}: sweep more, or none failing"
        )
    y = table[headline].to_numpy(float)
    read = {key: (by_level(table[key]), levels(table[key])[0]) for key in keys}
    rng = stream(seed, "sensitivity", "halves")
    parts = [np.sort(rng.permutation(n)[: n // 2]) for _ in range(HALVES)]
    raw = _raw(read, y)
    share, noise = _adjusted(*raw, n, is_even)
    halves = np.array([_adjusted(*_raw(read, y, part), len(part), is_even)[0] for part in parts])
    halves = np.column_stack([halves, 1 - halves.sum(axis=1)])
    half = NORMAL_90 * halves.std(axis=0, ddof=1)
    shares = [*share, 1 - share.sum()]
    listed = [
        (key, FIRST, share, share - wide, share + wide)
        for key, share, wide in zip([*keys, TOGETHER], shares, half, strict=True)
    ]
    return _as_table(listed, headline, GIVEN, n, [*_chance(read, y, seed, noise if is_even else 1.0), np.nan])


def _raw(
    read: dict[str, tuple[bool, np.ndarray]], y: np.ndarray, part: np.ndarray | slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Return R squared by key in a part of the rows, as it comes, and how many terms it took for each."""
    pairs = [(_of_levels if is_level else _of_ranks)(codes[part], y[part]) for is_level, codes in read.values()]
    return np.array([r2 for r2, _ in pairs]), np.array([terms for _, terms in pairs], dtype=float)


def _of_levels(codes: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Return the share of variance between levels and its terms; NaN where they are too many."""
    count = np.bincount(codes)
    n_levels = int((count > 0).sum())
    total = ((y - y.mean()) ** 2).sum()
    if len(y) - n_levels < n_levels or total == 0:
        return np.nan, 0
    mean = np.bincount(codes, y)[codes] / count[codes]
    return float(1 - ((y - mean) ** 2).sum() / total), n_levels - 1


def _of_ranks(codes: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    """Return the share of variance along a scale and its terms: slow waves of the headline in the order of the key."""
    n_waves = int(np.clip(len(y) // ROWS_A_WAVE, 2, MOST_WAVES))
    total = ((y - y.mean()) ** 2).sum()
    waves = dct(y[np.argsort(codes, kind="stable")], norm="ortho")[1 : n_waves + 1]
    return (float((waves**2).sum() / total), n_waves) if total > 0 else (np.nan, 0)


def _adjusted(r2: np.ndarray, terms: np.ndarray, n: int, is_even: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares without what noise gives them, and the share of variance that is noise to each key."""
    noise = (1 - r2) * (n - 1) / (n - 1 - terms)
    spare = n - 1 - terms.sum()
    if is_even and spare > (n - 1) / 2:  # with fewer to spare the keys together would explain noise away
        noise = np.minimum(noise, max(1 - np.nansum(r2), 0.0) * (n - 1) / spare)
    return r2 - noise * terms / (n - 1), noise


def _chance(
    read: dict[str, tuple[bool, np.ndarray]], y: np.ndarray, seed: int, noise: np.ndarray | float
) -> np.ndarray:
    """Return the share by key that chance alone passes once in twenty, with a headline shuffled among the rows."""
    rng = stream(seed, "sensitivity", "shuffles")
    shuffled = [_adjusted(*_raw(read, rng.permutation(y)), len(y), False)[0] for _ in range(SHUFFLES)]
    return np.asarray(noise * np.quantile(shuffled, 1 - RARE, axis=0))


def of_draws(uncertainty: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the shares by block that a run found in its own draws (``uncertainty.csv``), as ``indices`` gives them."""
    rows = uncertainty[(uncertainty["area"] == MEAN_OF_AREAS) & (uncertainty["quantity"] == quantity)]
    parts = []
    for row in rows.itertuples():
        half = NORMAL_90 * row.standard_error
        listed = [(row.block, FIRST, row.share, row.share - half, row.share + half)]
        parts.append(_as_table(listed, f"{quantity} {row.year}", DRAWS, row.n_draws))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _as_table(
    listed: list[tuple[Any, ...]], headline: str, method: str, n_rows: int, chance: float | list[float] = np.nan
) -> pd.DataFrame:
    table = pd.DataFrame(listed, columns=["key", "index", "share", "low", "high"])
    return table.assign(headline=headline, method=method, n_rows=n_rows, chance=chance)[list(COLUMNS)]


def tornado(rows: pd.DataFrame, keys: list[str], headline: str) -> pd.DataFrame:
    """Return the mean of a headline at the ends of each key, the key that moves it most first.

    The rows are those of scenarios that did not fail and do not hang together.

    Returns
    -------
    DataFrame
        ``TORNADO``. An end of a scale is its lowest or highest tenth; of a choice, or a number with few values, each
        value stands in a row. ``swing`` is how far apart the means at the two ends are, or of a choice the greatest
        and the least. Intervals are of the mean, 90%, by Student's t, all other keys as they were varied; over a
        whole grid the mean is what it is.
    """
    keys = varied(rows, keys)
    is_exact = is_whole_grid(rows, keys)
    parts = [pd.DataFrame(_ends_of_key(rows, key, headline, is_exact)) for key in keys]
    swings = [float(greater["mean"] - lesser["mean"]) for lesser, greater in map(span, parts)]
    order = np.argsort(-np.array(swings), kind="stable")
    ends = pd.concat([parts[k].assign(swing=swings[k]) for k in order])
    return ends.assign(headline=headline).reindex(columns=list(TORNADO)).reset_index(drop=True)


def _ends_of_key(rows: pd.DataFrame, key: str, headline: str, is_exact: bool) -> list[dict[str, Any]]:
    """Return a row for each end or value of a key."""
    y = rows[headline].to_numpy(float)
    if by_level(rows[key]) or (is_exact and rows[key].nunique() <= results.MOST_LEVELS):
        codes, values = levels(rows[key])
        names = [VALUE] * len(values)
        if is_number(rows[key]):
            names[0], names[-1] = LOW, HIGH
        parts = [(end, value_text(value), codes == k) for k, (end, value) in enumerate(zip(names, values, strict=True))]
    else:
        x = rows[key].to_numpy(float)
        n = min(max(len(x) // TENTH, FEWEST), len(x) // 2)
        ordered = np.sort(x)
        tenths = ((LOW, x <= ordered[n - 1]), (HIGH, x >= ordered[-n]))
        parts = [(end, f"{value_text(x[held].min())} to {value_text(x[held].max())}", held) for end, held in tenths]
    ends: list[dict[str, Any]] = []
    for end, where, held in parts:
        ends.append({"key": key, "end": end, "where": where} | _mean(y[held], is_exact))
        if is_number(rows[key]):
            ends[-1] |= {"value_from": rows[key][held].min(), "value_to": rows[key][held].max()}
    return ends


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
    ends = part[part.end != VALUE] if (part.end != VALUE).any() else part
    return [ends.loc[ends["mean"].idxmin()], ends.loc[ends["mean"].idxmax()]]
