"""Words: a result in sentences, each with its interval.

A figure is never said without its uncertainty, its unit and its year, and never with more digits than it has.
"""

import numpy as np
import xarray as xr

from oa_sim import accounts, origins, ranking
from oa_sim.comparison import Comparison
from oa_sim.result import Result
from oa_sim.value import price_of
from oa_sim.variables import MEASURES, academic_year, percent

SMALLEST_CHANGE = 1e-4  # in a measure's unit; below it a sentence about size would be noise
CANNOT_SAY = (
    "What the real programme of 2017 to 2022 achieved: no causal estimate of it exists, and the areas\u2019 published "
    "past already contains it. The comparison here is with no further programme.",
    "How precise the studies behind the effects truly are: all their standard errors are assumed in this version, and "
    "some studies are still marked \u2018to verify\u2019.",
    "What holds for districts alone: six of the twelve areas are districts, and most of their figures are their "
    "county\u2019s (marked here as county proxies).",
    "How disadvantaged and other pupils move together: given the record the groups are independent in this version, so "
    "the bands of all pupils may be a little too narrow.",
    "What outcomes other than Attainment 8 are worth: no benefit is claimed through them, so the value is a part, not "
    "the whole; and how much of the link between grades and earnings is causal is an assumption.",
    "That area programmes have mostly done less than their parts promised: this outside view is not applied in this "
    "version, so the impact is more likely stated too high than too low.",
)


def headline_measure(result: Result) -> tuple[str, str]:
    """Return the measure and group that the headline speaks of."""
    return origins.headline_of(result.draws.measure.values.tolist())


def headline_year(result: Result) -> int:
    """Return the year the headline speaks of: the last funded one, or the last projected where that is earlier."""
    last = int(result.sustainability.attrs["last_funded_year"])
    years = result.draws.year.values
    return int(np.clip(last, years[0], years[-1]))


def headline(result: Result) -> list[str]:
    """Return the result in a few sentences; the first stands for all."""
    if not result.money.spend.values.any():
        return [
            f"Without money for activity there is no impact, exactly: projection and counterfactual of "
            f"{result.label!r} are the same on every draw.",
            _level(result),
            *whence(result),
        ]
    return [_impact(result), _lasts(result), *worth(result), _level(result), *whence(result)]


def verdict(result: Result) -> str:
    """Return whether the baseline passed its gates, and why."""
    gates, until = result.manifest["gates"], result.manifest["learned"].get("until", 0)
    start = int(result.draws.year.values[0])
    hindsight = f"; with hindsight: learned from figures up to {academic_year(until)}, after the start"
    return f"{gates['verdict']}: {gates['reason']}{hindsight if until >= start else ''}"


def compared(comparison: Comparison) -> list[str]:
    """Return a sentence for each scenario that is compared with the reference."""
    reference = comparison.results[0]
    measure, group = headline_measure(reference)
    year = max(headline_year(result) for result in comparison.results)
    before = _mean_draws(reference, "projection", measure, group, year)
    sentences = []
    for other in comparison.results[1:]:
        change = _mean_draws(other, "projection", measure, group, year) - before
        sentences.append(
            f"{other.label} against {reference.label}: {_who(measure, group)} in {academic_year(year)} is "
            f"{_distance(change, measure)}; the chance that it is better is {_better(change, measure)}."
        )
    alarm = ranking.alarm([result.label for result in comparison.results], comparison.views())
    return [*sentences, alarm] if alarm else sentences


def worth(result: Result) -> list[str]:
    """Return what the money buys: benefit over cost and the price of one more; nothing where it was not reckoned."""
    value = result.value
    if not len(value) or not value.spent.values.any():
        return []
    sentences = []
    ratio = ranking.per_pound(value, whole=True).get("plain")
    if ratio is None:
        sentences.append(
            "No benefit in pounds is claimed (nor a 90 % interval): Attainment 8 is not among the measures."
        )
    else:
        above = value.attrs["review_above"]
        review = f" REVIEW this before it is used: a ratio above {above:g} is more than comparable programmes found."
        sentences.append(
            f"A pound buys {_interval(ratio[0])} pounds of lifetime earnings, through Attainment 8 alone and both "
            f"discounted; the chance that benefit exceeds cost is {_chance(float((ratio[0] > 1).mean()))}. Benefits "
            f"are in prices of {value.attrs['benefit_prices']}, the money is {value.attrs['price_base']}: nothing is "
            f"deflated."
            f"{review if ratio[0].mean() > above else ''}"
        )
    return [*sentences, _price(result)]


def whence(result: Result) -> list[str]:
    """Return where the uncertainty of the headline comes from; nothing where it was not reckoned."""
    if not len(result.uncertainty):
        return []
    year = headline_year(result)
    about = result.uncertainty.sel(place=origins.MEAN, reading_year=year)
    said = []
    for quantity, whose in (("impact", "the impact\u2019s"), ("projection", "the level\u2019s")):
        part = about.sel(quantity=quantity).dropna("block", subset=["share"])
        if "together" in part.block.values.tolist():
            said.append(_origin(part, whose))
        elif np.ptp(_mean_draws(result, quantity, *headline_measure(result), year)) > 0:
            said.append(f"the draws are too few to tell where {whose} comes from")
    who = _who(about.attrs["measure"], about.attrs["group"])
    return [f"Of the uncertainty about {who} in {academic_year(year)}, {'; '.join(said)}."]


def _origin(part: xr.Dataset, whose: str) -> str:
    """Return which block most of an uncertainty comes from, and which is next."""
    known = zip(part.block.values.tolist(), part.share.values, part.error.values, strict=True)
    (top, share, error), (second, less, _) = sorted(known, key=lambda one: -one[1])[:2]
    low, high = (percent(float(np.clip(share + sign * 1.645 * error, 0, 1))) for sign in (-1, 1))
    return (
        f"{'most' if share > 0.5 else 'the largest part'} of {whose} comes from {origins.LABELS[top]} "
        f"({percent(min(share, 1.0))} of its variance, 90 %: {low} to {high}), then from {origins.LABELS[second]} "
        f"({percent(max(less, 0.0))})"
    )


def prices(bought: np.ndarray) -> tuple[str, str, str]:
    """Return 5 % quantile, median and 95 % quantile of the price of one more, from how many a pound buys (draw)."""
    found = [float(price_of(bought)[name]) for name in ("q05", "q50", "q95")]
    size = 10 ** (np.floor(np.log10(found[0])) - 1) if np.isfinite(found[0]) else 1.0
    low, middle, high = (f"{round(x / size) * size:,.0f}" if np.isfinite(x) else "no price" for x in found)
    return low, middle, high


def _price(result: Result) -> str:
    """Return what one more of the headline's measure costs, all the money being set against it alone."""
    measure, _ = headline_measure(result)
    years = result.draws.year.values
    bought = accounts.per_pound(accounts.extra(result.draws, result.value.pupils, measure, "all"), result.value, years)
    without = float((bought[-1, -1] <= 0).mean())
    if without > 0.5:
        return f"{_one_more(measure)} has no price (nor a 90 % interval): {_chance(without)} of draws gain none."
    low, middle, high = prices(bought[-1, -1])
    none = f"; in {_chance(without)} of draws nothing is gained, and there is no price" if without else ""
    return (
        f"{_one_more(measure)} costs {middle} GBP (median; 90 %: {low} to {high}){none}: all that is spent until "
        f"{academic_year(int(years[-1]))} over all who do better until then, were this measure its only use."
    )


def _one_more(measure: str) -> str:
    about, label = MEASURES[measure], _who(measure, "all")
    if about.unit == "points":
        return f"One more point of one pupil in {label}"
    if about.unit == "per 100 pupils":
        return "One suspension fewer"
    who = f"One pupil {'fewer' if about.lower_is_better else 'more'} in the figure for {label}"
    return f"{who}, for a year," if len(about.year_groups) > 1 else who


def _impact(result: Result) -> str:
    measure, group = headline_measure(result)
    year = headline_year(result)
    draws = _mean_draws(result, "impact", measure, group, year)
    total = result.manifest["account_gbp"]["money_in"]
    names = result.draws.area.values.tolist()
    where = f"in {names[0]}" if len(names) == 1 else f"in the mean of {len(names)} areas"
    if not np.abs(draws).max() > SMALLEST_CHANGE:
        return f"With {_pounds(total)}, {_who(measure, group)} in {academic_year(year)} does not change {where}."
    return (
        f"With {_pounds(total)}, {_who(measure, group)} in {academic_year(year)} is expected to be "
        f"{_distance(draws, measure, 'what would have happened anyway')}, {where}; "
        f"the chance that it is better at all is {_better(draws, measure)}."
    )


def _lasts(result: Result) -> str:
    """Return what is left of the headline's measure, and how the other measures fare, so that none is picked."""
    measure, group = headline_measure(result)
    kept = result.sustainability.sel(measure=measure, group=group)
    if not float(kept.p_impact.max()) > 0:
        return "The impact is too small to say what of it lasts."
    left, low, high = (percent(float(kept[f"left_5y{end}"].mean())) for end in ("", "_q05", "_q95"))
    later = percent(float(kept.left_10y.mean()))
    measures = result.sustainability.measure.values.tolist()
    risks = [result.sustainability.risk.sel(measure=name, group="all").values.tolist() for name in measures]
    lost = sum(risk.count("high") > len(risk) / 2 for risk in risks)
    chance = _chance(float(kept.p_half_left_5y.mean()))
    return (
        f"Of the peak of {_who(measure, group)}, {left} is still to be seen five years after the money ends "
        f"(90 % in the average area: {low} to {high}) and {later} after ten; the chance that at least half is left "
        f"after five is {chance}. Over all measures, the risk that impact does not last is high in most areas for "
        f"{lost} of {len(measures)}."
    )


def _level(result: Result) -> str:
    measure, group = headline_measure(result)
    year = int(result.draws.year.values[-1])
    draws = _mean_draws(result, "counterfactual", measure, group, year)
    return (
        f"What would have happened anyway is far less certain than the impact: {_who(measure, group)} in "
        f"{academic_year(year)} is {_interval(draws)} {_unit(measure, level=True)} without the programme."
    )


def _mean_draws(result: Result, quantity: str, measure: str, group: str, year: int) -> np.ndarray:
    """Return the unweighted mean over areas of a quantity, by draw."""
    at = result.draws[quantity].sel(measure=measure, group=group, year=year)
    return at.mean("area").values.astype(float).ravel()


def _interval(draws: np.ndarray) -> str:
    """Return a mean with its 90 % interval, in as many digits as the spread supports."""
    low, high = np.quantile(draws, [0.05, 0.95])
    digits = 1 if high - low >= 1 else 2 if high - low >= 0.1 else 3
    mean, low, high = (round(float(value), digits) + 0.0 for value in (draws.mean(), low, high))
    return f"{mean:.{digits}f} (90 %: {low:.{digits}f} to {high:.{digits}f})"


def _distance(change: np.ndarray, measure: str, what: str = "it") -> str:
    """Return how far a figure lies above or below another, with its interval."""
    side = "above" if change.mean() >= 0 else "below"
    sign = 1 if side == "above" else -1
    return f"{_interval(sign * change)} {_unit(measure)} {side} {what}"


def _better(change: np.ndarray, measure: str) -> str:
    return _chance(float((change < 0 if MEASURES[measure].lower_is_better else change > 0).mean()))


def _pounds(total: float) -> str:
    return f"{total / 1e6:,.0f}m GBP" if total >= 1e6 else f"{total:,.0f} GBP"


def _chance(value: float) -> str:
    return "above 99 %" if value > 0.99 else "below 1 %" if value < 0.01 else percent(value)


def _who(measure: str, group: str) -> str:
    whose = {"disadvantaged": " of disadvantaged pupils", "other": " of other pupils", "all": ""}[group]
    label = MEASURES[measure].label
    return f"{label[0].lower()}{label[1:]}{whose}" if not label.startswith("Attainment 8") else f"{label}{whose}"


def _unit(measure: str, *, level: bool = False) -> str:
    unit = MEASURES[measure].unit
    return ("per cent" if level else "percentage points") if unit == "%" else unit
