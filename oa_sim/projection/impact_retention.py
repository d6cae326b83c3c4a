"""Impact retention: what is left of a peak once the money stops, draw by draw.

What is left k years after the last funded year is the largest gain still to be seen from then on, so that a measure
whose cohorts have yet to arrive is not called lost. Shares are of a draw's own peak; draws that have no peak worth
the name have nothing to keep and stand aside.
"""

import numpy as np
import xarray as xr

from oa_sim.errors import Refusal

LONGEST = 15  # years after the money that are looked at
YEARS_AFTER = (1, 5, 10)  # those that get a column of their own
INTERVAL = (0.05, 0.95)
TAIL = 0.05  # share of draws that the tail mean is taken over: the worst of them


def described(
    values: np.ndarray, years: np.ndarray, last: int, *, smallest: float, matters: float
) -> dict[str, np.ndarray]:
    """Return what is left of a gain, as numbers by area.

    By area: the variables that ``sustainability.lasting`` names, without words. By (area, years after, 0 to 15):
    ``curve`` with ``_q05``, ``_q95`` and ``_p_half``, shares of the peak; NaN past the end of the years.

    Parameters
    ----------
    values : array (area, year, draw)
        Gain, SD.
    years
        The years of ``values``, past ``last``, the last funded year, by 5 or more.
    smallest, matters
        Peak below which a draw has no impact to keep, and the smallest impact worth speaking of, SD.
    """
    peak, still = values.max(axis=1), left(values)
    has = peak > smallest
    after = np.minimum(np.searchsorted(years, last + np.arange(LONGEST + 1)), len(years) - 1)
    shares = still[:, after] / np.where(has, peak, 1.0)[:, None]
    figures: dict[str, np.ndarray] = {"p_impact": has.mean(-1)}
    _describe(figures, "peak_sd", peak, np.ones_like(has))
    figures["peak_year"] = np.where(has.any(-1), np.median(years[values.argmax(1)], axis=-1), np.nan)
    _describe(figures, "curve", shares, np.broadcast_to(has[:, None], shares.shape))
    figures["curve_p_half"] = mean(shares >= 0.5, has[:, None])
    for end in ("", "_q05", "_q95", "_p_half"):
        figures[f"curve{end}"] = np.where(last + np.arange(LONGEST + 1) > years[-1], np.nan, figures[f"curve{end}"])
    for k in YEARS_AFTER:
        for end in ("", "_q05", "_q95"):
            figures[f"left_{k}y{end}"] = figures[f"curve{end}"][:, k]
    lasting = (still >= 0.5 * peak[:, None]) & (years > last)[:, None]
    _describe(figures, "half_life_years", lasting.sum(1).astype(float), has)
    figures["p_half_at_end"] = mean(lasting[:, -1], has)
    for k in (5, 10):
        figures[f"p_half_left_{k}y"] = figures["curve_p_half"][:, k]
    missed = np.maximum(0.5 - shares[:, 5], 0.0) * peak
    figures["shortfall_5y_sd"] = mean(missed, has)
    figures["shortfall_5y_cvar_sd"] = tail_mean(missed, has)
    figures["p_below_what_matters_peak"] = (peak < matters).mean(-1)
    figures["p_below_what_matters_5y"] = (still[:, after[5]] < matters).mean(-1)
    return figures


def share_left(gain: xr.DataArray, last: int, years_after: int) -> xr.DataArray:
    """Return the share of its peak that a gain (..., year) still has to show some years after the last funded one.

    Between 0 and 1; NaN where a gain, positive where pupils do better, has no peak above 0. A gain that is not followed
    that far is refused.
    """
    if last + years_after not in gain.year.values:
        raise Refusal(
            f"what is left {years_after} years after {last} needs the year {last + years_after}, got years up to "
            f"{int(gain.year[-1])}: ask for a longer horizon"
        )
    peak = gain.max("year")
    return gain.sel(year=slice(last + years_after, None)).max("year").clip(min=0) / peak.where(peak > 0)


def left(values: np.ndarray) -> np.ndarray:
    """Return the largest gain still to be seen from each year on (area, year, draw), SD, of a gain of those dims."""
    return np.maximum.accumulate(values[:, ::-1], axis=1)[:, ::-1]


def mean(value: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Return the mean (...) over the draws (..., draw) that have an impact, NaN where none has."""
    n = has.sum(-1)
    return np.where(n > 0, (value * has).sum(-1) / np.maximum(n, 1), np.nan)


def tail_mean(loss: np.ndarray, has: np.ndarray) -> np.ndarray:
    """Return the mean (...) of the worst 5% of losses (..., draw) among draws with an impact: CVaR at 5%."""
    most = max(int(np.ceil(TAIL * has.shape[-1])), 1)  # no cell has more to look at
    tail = np.partition(np.where(has, loss, -np.inf), loss.shape[-1] - most, axis=-1)[..., -most:]
    ordered = np.sort(tail, axis=-1)[..., ::-1]
    worst = np.arange(most) < np.ceil(TAIL * has.sum(-1))[..., None]
    return mean(np.where(worst, ordered, 0.0), worst)


def _describe(figures: dict[str, np.ndarray], name: str, value: np.ndarray, has: np.ndarray) -> None:
    """Write mean and interval of a quantity (..., draw) over the draws that have an impact."""
    figures[name] = mean(value, has)
    n = has.sum(-1)
    places = [np.maximum(q * (n - 1), 0.0) for q in INTERVAL]
    below = [np.floor(place).astype(int) for place in places]
    above = [np.minimum(place + 1, np.maximum(n - 1, 0)) for place in below]
    # no more order than is asked for; draws without an impact lie behind all others
    ordered = np.partition(np.where(has, value, np.inf), np.unique([*below, *above]), axis=-1)
    for label, place, *ranks in zip(("q05", "q95"), places, below, above, strict=True):
        low, high = (
            np.where(n > 0, np.take_along_axis(ordered, rank[..., None], -1)[..., 0], np.nan) for rank in ranks
        )
        figures[f"{name}_{label}"] = low + (high - low) * (place - ranks[0])
