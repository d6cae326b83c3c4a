"""Sustainability: does it last once the money stops, as a posterior and not as an opinion.

Everything is read off the same draws as the impact: for the whole programme by area, group and measure, and for each
intervention by area and measure. Within one intervention the share that is left is the same for every group, since
groups differ only by how many of them may be served; so each stands once, for all pupils. The reasons in words rest on
the same numbers.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import MEASURES, percent
from oa_sim.evidence import studies
from oa_sim.programme import laws, parameters
from oa_sim.projection import impact_retention
from oa_sim.projection.impact_retention import LONGEST
from oa_sim.rng import stream
from oa_sim.scenario.schema import ENDINGS, Scenario

DRAWS_OF_A_KIND = 4000  # from which the mean effect of the principles is taken
SMALLEST_PEAK_SD = 5e-4  # below this a draw has no impact to keep
SMALLEST_PART_SD = 1e-6  # the same of one intervention, whose shares do not depend on its size
WHOLE = "all"  # the name of the programme as a whole among interventions
Coords = dict[str, np.ndarray | list[str]]  # labels by dimension


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
    chance_in_words = formatting.chance(chance)
    return f"the chance that at least half the peak is left 5 years after the money is {chance_in_words}, {rule}; {why}"


def mix(scenario: Scenario, money: xr.Dataset) -> str:
    """Return what the money bought, by kind of activity, and how it ends."""
    by_kind: dict[str, float] = {}
    for name, intervention in scenario.interventions.items():
        gbp = float(money.spend.sel(intervention=name).sum())
        by_kind[intervention.kind] = by_kind.get(intervention.kind, 0.0) + gbp
    total = sum(by_kind.values())
    if not total:
        return "nothing was bought"
    parts = [f"{percent(gbp / total)} {_kind(kind)}" for kind, gbp in sorted(by_kind.items()) if gbp]
    return f"the money bought {', '.join(parts)} activity; {ENDINGS[scenario.sustainability.ending]}"


def rationale(scenario: Scenario, name: str, drawn: xr.Dataset) -> str:
    """Return what becomes of an intervention: its activity without money, its staff, and the pupils it treated."""
    intervention, draws = scenario.interventions[name], drawn.sel(intervention=name)
    first, later, quality = (float(draws[key].mean()) for key in ("survives", "survives_later", "quality"))
    words = (
        f"{_kind(intervention.kind)}: {percent(first)} of activity goes on in the first year without money and "
        f"{percent(later)} of that in each later one, at {percent(quality)} of its quality"
    )
    if intervention.rests_on_trained_staff:
        lost = 1 - float(draws.staff_renewed.mean())
        words += f"; it rests on trained staff, of whom {percent(lost)} a year leave without a trained successor"
    first_year, later_years, floor = (draws[key].values for key in ("first_year", "later", "floor"))
    year, five = (float(np.mean(laws.retention(first_year, later_years, floor, t))) for t in (1, 5))
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
    scores = scenario.sustainability.principles
    there = [
        f"{name.replace('_', ' ')}{'' if score == 1 else f' ({score:g})'}" for name, score in scores.items() if score
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

    ``means`` are the gains (year,) on one measure of one group in one area, SD, by title of the intervention;
    ``behind_each`` says what becomes of it. ``peak`` and ``later`` are the places among the years of the peak, and of
    the largest gain left later.
    """
    named, words = set(), []
    for place, subject in ((peak, "the peak"), (later, "what is left after 5 years")):
        gains = {title: max(float(gain[place]), 0.0) for title, gain in means.items()}
        total = sum(gains.values())
        if not total > 0:
            continue
        first = max(gains, key=lambda title: gains[title])
        note = "" if first in named else f" ({behind_each[first]})"
        share = gains[first] / total
        part = "most" if share > 0.5 else "the largest part"
        words.append(f"{part} of {subject} comes from '{first}', {percent(share)} of it{note}")
        named.add(first)
    return "; ".join(words) or "no intervention adds to it"


def _kind(kind: str) -> str:
    return kind.replace("_", "-")


class Part(NamedTuple):
    """What one intervention adds, summed up."""

    name: str
    measures: list[str]
    figures: dict[str, np.ndarray]  # of all pupils, by (measure, area, ...)
    mean: np.ndarray  # gain of pupils who are all eligible (measure, area, year), SD


class Lasting(NamedTuple):
    """What lasts."""

    sustainability: xr.Dataset  # (area, group, measure)
    by_intervention: xr.Dataset  # (intervention, area, measure), all pupils
    retention: xr.Dataset  # (intervention, area, group, measure, years_after), the whole first


def part(scenario: Scenario, name: str, own: xr.DataArray, share: xr.DataArray, money: xr.Dataset) -> Part:
    """Return what is left of one intervention's gain, for all pupils.

    ``own`` is its gain (chain, draw, area, measure, year), SD, of pupils who are all eligible; ``share`` the
    disadvantaged share of pupils (area, measure).
    """
    measures, years = own.measure.values.tolist(), own.year.values
    factor = _factors(scenario, name, share.sel(measure=measures))["all"]  # (area, measure)
    limits = {"smallest": SMALLEST_PART_SD, "matters": scenario.sustainability.what_matters_sd}
    by_measure, means = [], []
    for m, measure in enumerate(measures):
        values = _draws_last(own.sel(measure=measure).values)
        means.append(values.mean(-1))
        values = values * factor[:, m, None, None]
        by_measure.append(impact_retention.described(values, years, last_funded(money), **limits))
    keys = by_measure[0] if by_measure else ()
    figures = {key: np.stack([of_measure[key] for of_measure in by_measure]) for key in keys}
    return Part(name, measures, figures, np.array(means))


def lasting(
    scenario: Scenario,
    gain: xr.DataArray,
    money: xr.Dataset,
    drawn: xr.Dataset,
    parts: Iterable[Part] = (),
    share: xr.DataArray | None = None,
) -> Lasting:
    """Return what lasts, of the whole programme and of each intervention.

    Parameters
    ----------
    scenario
        Its thresholds and ending.
    gain
        (chain, draw, area, group, measure, year), SD, over a window that runs long past the money.
    money
        ``spend`` (area, intervention, year), GBP / year.
    drawn
        Draws of the programme's parameters, from which the reasons speak.
    parts
        What each intervention adds, from ``part``.
    share
        The disadvantaged share of pupils (area, measure); needed where there are parts.

    Returns
    -------
    Lasting
        ``sustainability`` and ``by_intervention`` hold ``peak_sd`` with ``_q05`` and ``_q95``, SD; ``peak_year``
        (median); ``left_1y``, ``left_5y``, ``left_10y`` with intervals, share of the peak; ``half_life_years`` with
        interval, years after the money until the gain stays below half the peak, counted as 15 in the share
        ``p_half_at_end`` of draws in which it is not yet; ``p_half_left_5y``, ``p_half_left_10y``;
        ``shortfall_5y_sd``, the expected amount by which half the peak is missed after 5 years, and
        ``shortfall_5y_cvar_sd``, its mean over the worst 5% of draws (CVaR); ``p_impact``, the share of draws that
        have an impact to keep, on which the others rest; ``p_below_what_matters_peak`` and ``_5y``, over all draws,
        the chance that the impact is below ``what_matters_sd`` at its peak and 5 years after the money; ``risk`` and
        ``reason`` in words. ``retention`` holds ``left`` with ``_q05`` and ``_q95`` and ``p_half_left``, shares.
    """
    parts = [added for added in parts if added.measures]  # an intervention may move nothing that is asked for
    coords: Coords = {dim: gain[dim].values for dim in ("area", "group", "measure")}
    behind = {added.name: rationale(scenario, added.name, drawn) for added in parts}
    figures = _figures(scenario, gain, money)
    whole = _dataset(scenario, figures, coords, _whys(scenario, gain, money, parts, behind, share))
    apart = _by_intervention(scenario, parts, coords, behind)
    for added in (whole, apart):
        added.attrs = {"last_funded_year": last_funded(money), "ending": scenario.sustainability.ending}
    return Lasting(whole, apart, _curves(parts, figures, coords))


def risk(scenario: Scenario, gain: xr.DataArray, money: xr.Dataset) -> xr.Dataset:
    """Return the ``sustainability`` of ``lasting`` alone, with what the money bought as its reason."""
    coords: Coords = {dim: gain[dim].values for dim in ("area", "group", "measure")}
    why = np.full([len(values) for values in coords.values()], mix(scenario, money), dtype=object)
    out = _dataset(scenario, _figures(scenario, gain, money), coords, why)
    return out.assign_attrs(last_funded_year=last_funded(money), ending=scenario.sustainability.ending)


def _figures(scenario: Scenario, gain: xr.DataArray, money: xr.Dataset) -> dict[str, np.ndarray]:
    """Return what is left of the whole programme's gain, as numbers (area, group, measure, ...)."""
    limits = {"smallest": SMALLEST_PEAK_SD, "matters": scenario.sustainability.what_matters_sd}
    values = gain.transpose("measure", "group", "chain", "draw", "area", "year").values
    years, last = gain.year.values, last_funded(money)
    by_measure = [
        [impact_retention.described(_draws_last(series), years, last, **limits) for series in by_group]
        for by_group in values
    ]
    return {
        key: np.moveaxis(np.array([[left[key] for left in by_group] for by_group in by_measure]), (2, 1, 0), (0, 1, 2))
        for key in by_measure[0][0]
    }


def last_funded(money: xr.Dataset) -> int:
    """Return the last year with money for activity, or the year before the first where there is none."""
    years = money.year.values
    paid = money.spend.transpose("year", ...).values.reshape(len(years), -1).any(axis=1)
    return int(years[paid][-1]) if paid.any() else int(years[0]) - 1


def _draws_last(values: np.ndarray) -> np.ndarray:
    """Return (chain, draw, area, year) as (area, year, draw), contiguous."""
    return np.ascontiguousarray(np.moveaxis(values.reshape(-1, *values.shape[2:]), 0, -1))


def _factors(scenario: Scenario, name: str, share: xr.DataArray) -> dict[str, np.ndarray]:
    """Return the share of each group that an intervention may serve (area, measure)."""
    eligible = scenario.interventions[name].eligible
    poor, other = (np.full(share.shape, eligible[group]) for group in ("disadvantaged", "other"))
    return {"disadvantaged": poor, "other": other, "all": share.values * poor + (1 - share.values) * other}


def _dataset(scenario: Scenario, figures: dict[str, np.ndarray], coords: Coords, why: np.ndarray) -> xr.Dataset:
    """Return numbers but curves with their units, and the grade and its reason in words."""
    dims = tuple(coords)
    numbers = {name: (dims, value) for name, value in figures.items() if not name.startswith("curve")}
    out = xr.Dataset(numbers, coords)
    chance = figures["p_half_left_5y"]
    words, graded = (np.empty(chance.shape, dtype=object) for _ in range(2))
    for place in np.ndindex(chance.shape):
        graded[place] = grade(scenario, float(chance[place]))
        words[place] = sentence(scenario, float(chance[place]), str(why[place]))
    out["risk"], out["reason"] = (dims, graded.astype(str)), (dims, words.astype(str))
    for name in out.data_vars:
        out[name].attrs["units"] = _unit(str(name))
    return out


def _unit(name: str) -> str:
    if name.endswith("_sd") or "_sd_" in name:
        return "SD"
    if name.startswith("half_life"):
        return "years"
    return "year" if name == "peak_year" else "text" if name in ("risk", "reason") else "1"


def _whys(
    scenario: Scenario,
    gain: xr.DataArray,
    money: xr.Dataset,
    parts: list[Part],
    behind: dict[str, str],
    share: xr.DataArray | None,
) -> np.ndarray:
    """Return what lies behind each grade of the whole programme (area, group, measure), in words."""
    bought, rules = mix(scenario, money), principles(scenario)
    out = np.full([gain.sizes[dim] for dim in ("area", "group", "measure")], bought, dtype=object)
    if not parts:
        return out
    assert share is not None  # it is given where there are parts
    after = slice(int(np.searchsorted(gain.year.values, last_funded(money) + 5)), None)
    means = gain.mean(("chain", "draw")).transpose("area", "group", "measure", "year").values
    titles = {added.name: scenario.interventions[added.name].label for added in parts}
    behind_each = {titles[name]: words for name, words in behind.items()}
    factors = {added.name: _factors(scenario, added.name, share.sel(measure=added.measures)) for added in parts}
    for a, g, m in np.ndindex(out.shape):
        group, measure = str(gain.group.values[g]), str(gain.measure.values[m])
        means_here = {}
        for added in parts:
            if measure in added.measures:
                i = added.measures.index(measure)
                means_here[titles[added.name]] = added.mean[i, a] * factors[added.name][group][a, i]
        later = after.start + int(np.argmax(means[a, g, m, after]))
        led = leaders(means_here, behind_each, int(np.argmax(means[a, g, m])), later)
        out[a, g, m] = f"{bought}; {led}; {rules}"
    return out


def _by_intervention(scenario: Scenario, parts: list[Part], coords: Coords, behind: dict[str, str]) -> xr.Dataset:
    """Return what lasts of each intervention (intervention, area, measure); NaN where it moves nothing."""
    names = [added.name for added in parts]
    labels: Coords = {"intervention": names, "area": coords["area"], "measure": coords["measure"]}
    if not parts:
        return xr.Dataset(coords=labels)
    shape = [len(values) for values in labels.values()]
    figures, order, rules = {}, list(coords["measure"]), principles(scenario)
    for key in [key for key in parts[0].figures if not key.startswith("curve")]:
        figures[key] = np.full(shape, np.nan)
        for i, added in enumerate(parts):
            figures[key][i][:, [order.index(measure) for measure in added.measures]] = added.figures[key].T
    why = [[f"{behind[p.name]}; {arrives(scenario, p.name, m)}; {rules}" for m in order] for p in parts]
    return _dataset(scenario, figures, labels, np.broadcast_to(np.array(why, dtype=object)[:, None, :], shape))


def _curves(parts: list[Part], whole: dict[str, np.ndarray], coords: Coords) -> xr.Dataset:
    """Return the share of the peak left in each year after the money, of the whole and of each intervention."""
    labels: Coords = {
        "intervention": [WHOLE, *(added.name for added in parts)],
        **coords,
        "years_after": np.arange(LONGEST + 1),
    }
    out = xr.Dataset(coords=labels)
    order, everyone = list(coords["measure"]), list(coords["group"]).index("all")
    for key, name in {"": "left", "_q05": "left_q05", "_q95": "left_q95", "_p_half": "p_half_left"}.items():
        values = np.full([len(value) for value in labels.values()], np.nan, dtype=np.float32)
        values[0] = whole[f"curve{key}"]
        for i, added in enumerate(parts, start=1):
            for m, measure in enumerate(added.measures):
                values[i, :, everyone, order.index(measure)] = added.figures[f"curve{key}"][m]
        out[name] = (tuple(labels), values)
        out[name].attrs["units"] = "1"
    return out
