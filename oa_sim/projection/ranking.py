"""Ranking: who comes first per pound, seen in three ways, and an alarm where the ways disagree.

Ranked on the same draws: areas within a run, scenarios in a comparison.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import QUANTILES
from oa_sim.projection.appraisal import NOBODY, described

VIEWS = {  # view: the benefit that it ranks by, and what people call it
    "plain": ("benefit", "plain benefit"),
    "weighted": ("weighted_benefit", "distribution-weighted benefit"),
    "gap_closing": ("gap_closing_benefit", "gap-closing benefit"),
}
COLUMNS = (
    *("view", "quantity", "price_base", "mean", "sd"),
    *QUANTILES,
    *("p_first", "expected_rank", "place", "proxy", "n_draws", "alarm"),
)
NOT_CLAIMED = "none: no benefit is claimed, since Attainment 8 is not among the measures"
SAME = 1e-9  # of the larger one; differences below it are rounding


def prices(value: xr.Dataset) -> str:
    """Return the prices that benefit and money are in, which differ: nothing is deflated."""
    return f"benefits {value.attrs['benefit_prices']}; money {value.attrs['price_base']}; nothing is deflated"


def per_pound(value: xr.Dataset, *, whole: bool = False) -> dict[str, np.ndarray]:
    """Return benefit over cost, both discounted, in each view (candidate, draw); nothing where no benefit is claimed.

    NaN where no money is spent. Candidates are the areas, or all together where ``whole``.
    """
    if "benefit" not in value:
        return {}
    cost = value.cost.values
    ratios = {}
    for view, (name, _) in VIEWS.items():
        benefit = value[name].sel(group="all") if "group" in value[name].dims else value[name]
        by_draw = benefit.transpose("area", "chain", "draw").values.reshape(len(cost), -1)
        by_draw, paid = (by_draw.sum(0, keepdims=True), cost.sum(keepdims=True)) if whole else (by_draw, cost)
        ratios[view] = np.where(paid > 0, 1.0, np.nan)[:, None] * by_draw / np.where(paid > 0, paid, 1.0)[:, None]
    return ratios


def places(values: np.ndarray) -> np.ndarray:
    """Return the place of each candidate in each draw (candidate, draw), 1 the best; equals share theirs."""
    better = (values[None] > values[:, None]).sum(1)
    equal = (values[None] == values[:, None]).sum(1) - 1
    place: np.ndarray = 1 + better + equal / 2
    return place


def first(values: np.ndarray) -> np.ndarray:
    """Return the chance of each candidate (values by candidate and draw) to come first; equals share it."""
    best = values == values.max(axis=0)
    chance: np.ndarray = (best / best.sum(axis=0)).mean(axis=1)
    return chance


def rows(names: list[str], views: dict[str, np.ndarray], column: str) -> Iterator[dict[str, object]]:
    """Yield the ranking in each view as columns, from benefit per pound by view (candidate, draw).

    A candidate that spends no money has NaN and is not ranked. ``column``, which names them, is ``area`` or
    ``scenario``.
    """
    alarm_sentence = alarm(names, views)
    for view, values in views.items():
        runs = np.isfinite(values).all(axis=1)
        columns = described(values)
        chance, rank, place = (np.full(len(names), np.nan) for _ in range(3))
        if runs.any():
            chance[runs], rank[runs] = first(values[runs]), places(values[runs]).mean(axis=1)
            place[runs] = places(values[runs].mean(axis=1)[:, None])[:, 0]
        yield {
            column: names, "view": view, "quantity": "benefit_per_pound", **columns,
            "p_first": chance, "expected_rank": rank, "place": place,
            "alarm": np.where(runs, alarm_sentence, NOBODY),
        }  # fmt: skip


def alarm(names: list[str], views: dict[str, np.ndarray]) -> str:
    """Return who wins in which view where the three disagree, in a sentence; nothing where they agree.

    Candidates are in order of their expected benefit per pound; one that spends no money is left out.
    """
    kept = {view: np.isfinite(values).all(axis=1) for view, values in views.items()}
    if not views or not all(runs.sum() > 1 for runs in kept.values()):
        return ""
    means = {view: np.where(kept[view], np.nan_to_num(values).mean(axis=1), -np.inf) for view, values in views.items()}
    winners = [set(np.flatnonzero(mean >= mean.max() - SAME * abs(mean.max()))) for mean in means.values()]
    if set.intersection(*winners):
        if not _cross(list(means.values())):
            return ""
        lead = names[min(set.intersection(*winners))]
        return (
            f"{lead} gives most per pound by each of the three welfare weightings, which rank the others differently."
        )
    winners_by_view = []
    for view, mean in means.items():
        best, runs = int(np.argmax(mean)), kept[view]
        chance = first(views[view][runs])[int(runs[:best].sum())]
        odds = formatting.chance(chance)
        winners_by_view.append(f"{names[best]} by {VIEWS[view][1]} (first with probability {odds})")
    winners_in_words = "; ".join(winners_by_view)
    return f"Warning: the three welfare weightings disagree on what gives most per pound: {winners_in_words}."


def _cross(means: list[np.ndarray]) -> bool:
    """Return whether some pair stands one way in one view and the other way in another."""
    signs = []
    for mean in means:
        finite = mean[np.isfinite(mean)]
        apart = finite[:, None] - finite[None]
        size = np.maximum(abs(finite[:, None]), abs(finite[None]))
        signs.append(np.where(abs(apart) > SAME * size, np.sign(apart), 0))
    return bool(any((first_view * second_view < 0).any() for first_view in signs for second_view in signs))
