"""Review: an area's shares set anew, by rule, as progress is seen.

What is known at the review is what a dashboard shows: how much of the planned delivery is there, and what studies
lead one to expect of a pound. One decision is made for all draws, so the money still adds up to the pound.
"""

import numpy as np
import xarray as xr

from oa_sim.programme import budget, delivery
from oa_sim.scenario.schema import Scenario


def review(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset) -> xr.Dataset:
    """Return the money after the scenario's review; the same where it has none, or ends before it.

    Parameters
    ----------
    scenario
        Its organisation: the rule, and the funded years after which shares are set anew.
    money
        ``spend`` (area, intervention, year), whole GBP / year.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    Dataset
        As ``money``; each area has as much in each year as before.
    """
    rule, after = scenario.organisation.review, scenario.organisation.review_after
    spend = money.spend.values
    funded = np.flatnonzero(spend.sum(axis=(0, 1)) > 0)
    if rule == "none" or len(funded) <= after:
        return money
    at = funded[after - 1]
    progress = np.stack([_progress(scenario, money, drawn, name, at) for name in scenario.interventions], axis=1)
    shares = reviewed(rule, spend[:, :, at], progress, expected_gain_per_pound(scenario, drawn))
    new = spend.copy()
    for t in funded[after:]:
        for a, share in enumerate(shares):
            if share.sum() > 0:
                new[a, :, t] = budget.whole_pounds(int(spend[a, :, t].sum()), share.tolist())
    return money.assign(spend=(money.spend.dims, new, money.spend.attrs))


def expected_gain_per_pound(scenario: Scenario, drawn: xr.Dataset) -> np.ndarray:
    """Return what studies lead one to expect of a pound (intervention), SD of pupils, over all channels."""
    weight = np.array([sum(about.acts_on.values()) for about in scenario.interventions.values()])
    expected: np.ndarray = (drawn.effect * drawn.dose / drawn.unit_cost).mean(("chain", "draw")).values * weight
    return expected


def _progress(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, name: str, at: int) -> np.ndarray:
    """Return the expected share of planned delivery that is there in a year (area,)."""
    spend = money.spend.sel(intervention=name).values
    since = at - np.argmax(spend > 0, axis=1)[:, None]
    ramp = drawn["ramp"].sel(intervention=name).values[..., None, None]
    ready = delivery.delivered(since, delivery.lag(scenario, money, drawn, name), ramp)
    return np.where(spend.any(axis=1), ready.mean(axis=(0, 1, 3)), 0.0)


def reviewed(rule: str, before: np.ndarray, progress: np.ndarray, per_pound: np.ndarray) -> np.ndarray:
    """Return the shares of an area's money after a review (area, intervention), each row as large as before.

    Parameters
    ----------
    rule
        ``none``; ``to_progress``: in proportion to the share of planned delivery that is there; ``to_effect``: in
        proportion to the gain expected for a pound.
    before : array (area, intervention)
        Shares, or pounds, before it.
    progress : array (area, intervention)
        Expected delivery in the year of the review, as a share of what was planned.
    per_pound : array (intervention)
        Expected gain for a pound, SD of pupils; what is below 0 gets nothing.
    """
    if rule == "none":
        return before
    merit = progress if rule == "to_progress" else np.broadcast_to(np.maximum(per_pound, 0.0), before.shape)
    after = before * merit
    whole = after.sum(axis=1, keepdims=True)
    return np.where(whole > 0, after / np.where(whole > 0, whole, 1.0) * before.sum(axis=1, keepdims=True), before)
