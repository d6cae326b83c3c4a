"""Sensitivity: what the differences between the scenarios of a sweep come from, as shares of variance by varied key.

Three ways, each for the sweep that it fits: Sobol indices for a Saltelli design, the exact decomposition for a whole
grid, and first-order shares from the sample itself for any other. Each scenario is one number here, its headline; what
the draws within a scenario do not know is no part of these shares.
"""

import numpy as np
import pandas as pd
from scipy.fft import dct

from oa_sim.definitions import MEAN_OF_AREAS
from oa_sim.errors import Refusal
from oa_sim.rng import stream
from oa_sim.sweep.results import LAYOUTS, by_level, has_failed, is_whole_grid, layout_of, levels, varied

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


def indices(
    table: pd.DataFrame, design: dict, keys: list[str], bounds: dict, headline: str, *, n_gone: int = 0
) -> pd.DataFrame:
    """Return how much of a headline's variance over scenarios comes from each key, in the way that fits the design.

    Parameters
    ----------
    table
        A row for each scenario, as ``usable`` gives it.
    design
        ``kind`` and ``seed``.
    keys
        The varied keys.
    bounds
        Low and high of the keys that were given as an interval.
    headline
        The column that is explained.
    n_gone
        Scenarios that were designed and have no answer: a sample with holes is not laid out evenly, and keys that
        were varied apart from each other go together in what is left of it.

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


def sobol(
    table: pd.DataFrame, keys: list[str], bounds: dict, headline: str, layout: str | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Return first and total Sobol indices of a Saltelli design, with 90% bootstrap intervals, by SALib.

    Parameters
    ----------
    table
        A row for each scenario in the design's order, whole.
    keys
        The varied keys in the design's order.
    bounds
        Low and high of the keys that were given as an interval; a choice has none.
    headline
        The column that is explained.
    layout
        One of ``LAYOUTS``; found from the rows where it is not given.
    seed
        Of the bootstrap.

    Raises
    ------
    Refusal
        Where scenarios failed or are missing, or there are too few.

    Notes
    -----
    First order: the share of variance that knowing the key alone would take away. Total: what would be left if all
    others were known. ``together`` is what no key explains alone. Estimators of Saltelli et al. (2010), Computer
    Physics Communications 181(2); half-widths are 1.645 standard deviations over resampled base points.
    """
    bad = has_failed(table) | ~np.isfinite(table[headline].to_numpy(float))
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        why = str(table["failed"].iloc[at]).strip().rstrip(".") if has_failed(table)[at] else f"no {headline}"
        raise Refusal(
            f"Sobol indices need every scenario of the design, and {bad.sum()} of {len(table)} have no {headline!r} "
            f"(the first is number {at}: {why}): narrow the bounds, or sweep with design=sobol"
        )
    rows = LAYOUTS[layout or layout_of(table[keys])](len(keys))
    y = table[headline].to_numpy(float)
    n_base = len(y) // rows
    if len(y) % rows or n_base < SMALLEST_BASE:
        raise Refusal(
            f"Sobol indices need {SMALLEST_BASE} base points of {rows} rows or more, got {len(y)} rows: sweep with a "
            "larger design.n"
        )
    points = y.reshape(n_base, rows)
    needed = np.column_stack([points[:, : len(keys) + 1], points[:, -1]])  # those of first and total indices alone
    if np.ptp(needed[:, [0, -1]]) == 0:
        raise Refusal(f"{headline!r} is the same at every base point: sweep with a larger design.n")
    analyse = _salib().analyze
    problem = {
        "num_vars": len(keys),
        "names": [f"x{j}" for j in range(len(keys))],
        "bounds": [list(bounds.get(key, (0.0, 1.0))) for key in keys],
    }
    found = analyse(
        problem, needed.ravel(), calc_second_order=False, num_resamples=RESAMPLES, conf_level=LEVEL,
        keep_resamples=True, seed=int(stream(seed, "sensitivity", "sobol").integers(1, 2**31)),
    )  # fmt: skip
    listed = [(key, FIRST, found["S1"][j], found["S1_conf"][j]) for j, key in enumerate(keys)]
    alone = found["S1_conf_all"].sum(axis=1)
    listed.append((TOGETHER, FIRST, 1 - found["S1"].sum(), NORMAL_90 * alone.std(ddof=1)))
    listed += [(key, TOTAL, found["ST"][j], found["ST_conf"][j]) for j, key in enumerate(keys)]
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

    Parameters
    ----------
    table
        A row for each scenario, without those that failed.
    keys
        The varied keys.
    headline
        The column that is explained.
    seed
        Of the halves.
    is_even
        Whether the rows are a Sobol sequence.

    Raises
    ------
    Refusal
        For fewer rows than say anything.

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
    found = np.array([_adjusted(*_raw(read, y, part), len(part), is_even)[0] for part in parts])
    found = np.column_stack([found, 1 - found.sum(axis=1)])
    half = NORMAL_90 * found.std(axis=0, ddof=1)
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
    found = [(_of_levels if is_level else _of_ranks)(codes[part], y[part]) for is_level, codes in read.values()]
    return np.array([r2 for r2, _ in found]), np.array([terms for _, terms in found], dtype=float)


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
    found = [_adjusted(*_raw(read, rng.permutation(y)), len(y), False)[0] for _ in range(SHUFFLES)]
    return noise * np.quantile(found, 1 - RARE, axis=0)


def of_draws(told: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Return the shares by block that a run found in its own draws, in the form of ``indices``.

    Parameters
    ----------
    told
        ``uncertainty.csv`` of a run.
    quantity
        ``impact`` or ``projection``.
    """
    rows = told[(told["area"] == MEAN_OF_AREAS) & (told["quantity"] == quantity)]
    parts = []
    for row in rows.itertuples():
        half = NORMAL_90 * row.standard_error
        one = [(row.block, FIRST, row.share, row.share - half, row.share + half)]
        parts.append(_as_table(one, f"{quantity} {row.year}", DRAWS, row.n_draws))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def _as_table(
    listed: list[tuple], headline: str, method: str, n_rows: int, chance: float | list[float] = np.nan
) -> pd.DataFrame:
    table = pd.DataFrame(listed, columns=["key", "index", "share", "low", "high"])
    return table.assign(headline=headline, method=method, n_rows=n_rows, chance=chance)[list(COLUMNS)]


def _salib():
    """Return SALib's Sobol analysis.

    Raises
    ------
    Refusal
        Where SALib is not installed.
    """
    try:
        from SALib.analyze import sobol
    except ImportError:
        raise Refusal('Sobol indices need SALib: pip install "oa-sim[sensitivity]"') from None
    return sobol
