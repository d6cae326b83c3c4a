"""Reasons: why an impact lasts or is lost, in words, from the same numbers that the projection rests on."""

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import MEASURES, percent
from oa_sim.evidence import studies
from oa_sim.programme import parameters
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

DRAWS_OF_A_KIND = 4000  # from which the mean effect of the principles is taken


def grade(scenario: Scenario, chance: float) -> str:
    """Return the risk of losing an impact, of which at least half is left after five years with a chance."""
    if not np.isfinite(chance):
        return "none"
    if chance < scenario.sustainability.high_risk_below:
        return "high"
    return "low" if chance > scenario.sustainability.low_risk_above else "medium"


def sentence(scenario: Scenario, chance: float, why: str) -> str:
    """Return why a risk is graded as it is: the chance, the rule, and what lies behind."""
    limits = scenario.sustainability
    if not np.isfinite(chance):
        return "there is no impact to keep"
    rule = {
        "high": f"below {percent(limits.high_risk_below)}",
        "medium": f"between {percent(limits.high_risk_below)} and {percent(limits.low_risk_above)}",
        "low": f"above {percent(limits.low_risk_above)}",
    }[grade(scenario, chance)]
    said = formatting.chance(chance)
    return f"the chance that at least half the peak is left 5 years after the money is {said}, {rule}; {why}"


def mix(scenario: Scenario, money: xr.Dataset) -> str:
    """Return what the money bought, by kind of activity, and how it ends."""
    by_kind: dict[str, float] = {}
    for name, about in scenario.interventions.items():
        by_kind[about.kind] = by_kind.get(about.kind, 0.0) + float(money.spend.sel(intervention=name).sum())
    total = sum(by_kind.values())
    if not total:
        return "nothing was bought"
    parts = [f"{percent(share / total)} {_kind(kind)}" for kind, share in sorted(by_kind.items()) if share]
    return f"the money bought {', '.join(parts)} activity and ends by '{scenario.sustainability.ending}'"


def behind(scenario: Scenario, name: str, drawn: xr.Dataset) -> str:
    """Return what becomes of an intervention: its activity without money, its staff, and the pupils it treated."""
    about, mine = scenario.interventions[name], drawn.sel(intervention=name)
    first, later, quality = (float(mine[key].mean()) for key in ("survives", "survives_later", "quality"))
    words = (
        f"{_kind(about.kind)}: {percent(first)} of activity goes on in the first year without money and "
        f"{percent(later)} of that in each later one, at {percent(quality)} of its quality"
    )
    if about.rests_on_trained_staff:
        lost = 1 - float(mine.staff_renewed.mean())
        words += f"; it rests on trained staff, of whom {percent(lost)} a year leave without a trained successor"
    year, five = (float(_kept(mine, t).mean()) for t in (1, 5))
    return f"{words}; pupils already treated keep {percent(year)} of their gain after 1 year, {percent(five)} after 5"


def arrives(scenario: Scenario, name: str, measure: str) -> str:
    """Return how long the pupils whom an intervention serves take to come to a measure."""
    own, read = scenario.interventions[name].year_groups, MEASURES[measure].year_groups
    longest = max(read) - min(own)
    if longest <= 0:
        return "no pupil comes to this measure after the year of being served"
    return f"the youngest pupils served come to this measure up to {longest} year{'s' * (longest > 1)} later"


def principles(scenario: Scenario) -> str:
    """Return which principles are in place, and what they do to survival."""
    asked = scenario.sustainability.principles
    there = [
        f"{name.replace('_', ' ')}{'' if score == 1 else f' ({score:g})'}" for name, score in asked.items() if score
    ]
    if not there:
        return "none of the principles of sustainability is in place"
    size = (1, DRAWS_OF_A_KIND)
    shift, raised = parameters.principle_shift(scenario, size), []
    bought = scenario.portfolio.shares or scenario.interventions
    for kind in sorted({scenario.interventions[name].kind for name in bought}):
        prior = scenario.sustainability.kinds[kind].first_year
        alone = parameters.draw(prior, stream(scenario.seed, "survival of a kind", kind), size)
        before = studies.moments(prior)[0]
        after = before + float((parameters.shifted(alone, shift) - alone).mean())  # without what partners do
        raised.append(f"of {_kind(kind)} activity from {percent(before)} to {percent(after)}")
    return f"in place: {', '.join(there)}, which move survival of the first year {', '.join(raised)}"


def leaders(means: dict[str, np.ndarray], behind_each: dict[str, str], peak: int, later: int) -> str:
    """Return which interventions the peak, and what is left of it, mostly come from.

    Parameters
    ----------
    means : dict of array (year,)
        Mean gain on one measure of one group in one area, SD, by intervention.
    behind_each
        What becomes of each intervention, in words.
    peak, later
        Places of the year of the peak, and of the largest gain that is left later, among the years.
    """
    said, words = set(), []
    for place, what in ((peak, "the peak"), (later, "what is left after 5 years")):
        gains = {name: max(float(gain[place]), 0.0) for name, gain in means.items()}
        total = sum(gains.values())
        if not total > 0:
            continue
        first = max(gains, key=lambda name: gains[name])
        note = "" if first in said else f" ({behind_each[first]})"
        share = gains[first] / total
        words.append(
            f"{'most' if share > 0.5 else 'the largest part'} of {what} is {first}, {percent(share)} of it{note}"
        )
        said.add(first)
    return "; ".join(words) or "no intervention adds to it"


def _kept(mine: xr.Dataset, years: int) -> xr.DataArray:
    """Return ``R(t)``, the share of a treated pupil's gain that is left some years later (chain, draw)."""
    f = mine.floor * mine.first_year
    return f + (mine.first_year - f) * mine.later ** (years - 1)


def _kind(kind: str) -> str:
    return kind.replace("_", "-")
