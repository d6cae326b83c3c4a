"""Narrative: a result, and what sets scenarios apart, in sentences, each with its interval.

A figure is never said without its uncertainty, its unit and its year, and never with more digits than it has.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year, percent
from oa_sim.formatting import better, chance, distance, estimate, pounds, unit, who
from oa_sim.inference import mcse
from oa_sim.inference.importance_sampling import LARGEST_K
from oa_sim.projection import appraisal, ranking, variance_decomposition
from oa_sim.scenario import unverified
from oa_sim.simulation.comparison import Comparison
from oa_sim.simulation.result import Result
from oa_sim.simulation.summaries import SMALLEST_CHANGE, headline_measure, headline_year

CANNOT_SAY = (
    "What the real programme of 2017 to 2022 achieved: no causal estimate of it exists, and the areas\u2019 published "
    "past already contains it. The comparison here is with no further programme.",
    "How precise the studies behind the effects truly are: all their standard errors are assumed in this version, and "
    "some studies are still marked \u2018to verify\u2019.",
    "What holds for districts alone: six of the twelve areas are districts, and most of their figures are their "
    "county\u2019s (marked here as county proxies).",
    "How many pupils will count as disadvantaged: figures of all pupils take the last known shares of the two groups; "
    "when more pupils come to count, both groups can rise while their mean does not.",
    "How much less than their parts promised area programmes do: the headline is said with and without an outside view "
    "that we judged from a few such programmes; tables and pictures are without it unless it was switched on.",
    "What outcomes other than Attainment 8 are worth: no benefit is claimed through them, so the value is a part, not "
    "the whole; and how much of the link between grades and earnings is causal is an assumption.",
)


def subject(result: Result) -> tuple[str, str]:
    """Return what the headline speaks of, and the unit of its change, as they stand in a sentence."""
    measure, group = headline_measure(result)
    return f"the impact on {who(measure, group)} in {academic_year(headline_year(result))}", unit(measure)


def headline(result: Result) -> list[str]:
    """Return the result in a few sentences; the first stands for all."""
    unsure = [line for line in [unverified.sentence(result.manifest.get("to_verify", {}))] if line]
    if not result.money.spend.values.any():
        return [
            f"Without money for activity there is no impact, exactly: projection and counterfactual of "
            f"{result.label!r} are the same on every draw.",
            _level(result),
            *whence(result),
            *unsure,
        ]
    left_out = result.manifest["scenario"]["evidence"]["without"]
    read = [f"Read without {len(left_out)} of the studies: {', '.join(left_out)}."] if left_out else []
    return [_impact(result), _lasts(result), *worth(result), _level(result), *whence(result), *read, *unsure]


def verdict(result: Result) -> str:
    """Return whether the baseline passed its gates, and why."""
    gates, until = result.manifest["gates"], result.manifest["learned"].get("until", 0)
    start = int(result.draws.year.values[0])
    hindsight = f"; with hindsight: learned from figures up to {academic_year(until)}, after the start"
    return f"{gates['verdict']}: {gates['reason']}{hindsight if until >= start else ''}"


def evidence_behind(result: Result) -> list[str]:
    """Return how the studies were judged, and the whole-area effect with and without the outside view."""
    studies, seen = result.manifest.get("synthesis"), result.outside
    said = []
    if studies:
        said.append(f"{studies['studies']} studies were read together: {studies['gates']['reason']}.")
    if seen.attrs.get("speaks"):
        promised, worth = seen.whole_area.values.ravel(), f"{seen.attrs['effective_draws']:,.0f}"
        if seen.attrs["is_on"]:
            said.append("The outside view is on: tables and pictures are with it.")
        parts, viewed = (_estimate(result, x, "SD") for x in (promised, promised[seen.taken.values.ravel()]))
        said.append(
            f"The effect on all pupils' attainment in the mean of the areas at its peak is {parts} as the parts "
            f"promise and {viewed} with the outside view on programmes of this kind (Pareto k "
            f"{seen.attrs['pareto_k']:.2f}, worth {worth} draws)."
        )
    return said


def worth(result: Result) -> list[str]:
    """Return what the money buys: benefit over cost and the price of one more; nothing where it was not reckoned."""
    value = result.value
    if not len(value) or not value.spent.values.any():
        return []
    sentences = []
    ratio = ranking.per_pound(value, whole=True).get("plain")
    if ratio is None:
        sentences.append(
            "No benefit in pounds is claimed (nor a 90% interval): Attainment 8 is not among the measures."
        )
    else:
        above = value.attrs["review_above"]
        review = f" REVIEW this before it is used: a ratio above {above:g} is more than comparable programmes found."
        sentences.append(
            f"A pound buys {_estimate(result, ratio[0], 'GBP')} of lifetime earnings, through Attainment 8 alone and "
            f"both discounted; the chance that benefit exceeds cost is {chance(float((ratio[0] > 1).mean()))}. "
            f"Benefits are in prices of {value.attrs['benefit_prices']}, the money is {value.attrs['price_base']}: "
            f"nothing is deflated.{review if ratio[0].mean() > above else ''}"
        )
    return [*sentences, _price(result)]


def whence(result: Result) -> list[str]:
    """Return where the uncertainty of the headline comes from; nothing where it was not reckoned."""
    if not len(result.uncertainty):
        return []
    year = headline_year(result)
    about = result.uncertainty.sel(place=MEAN_OF_AREAS, reading_year=year)
    said = []
    for quantity, whose in (("impact", "the impact\u2019s"), ("projection", "the level\u2019s")):
        part = about.sel(quantity=quantity).dropna("block", subset=["share"])
        if "together" in part.block.values.tolist():
            said.append(_origin(part, whose))
        elif np.ptp(mean_draws(result, quantity, *headline_measure(result), year)) > 0:
            said.append(f"the draws are too few to tell where {whose} comes from")
    whose_figure = who(about.attrs["measure"], about.attrs["group"])
    return [f"Of the uncertainty about {whose_figure} in {academic_year(year)}, {'; '.join(said)}."]


def _origin(part: xr.Dataset, whose: str) -> str:
    """Return which block most of an uncertainty comes from, and which is next."""
    known = zip(part.block.values.tolist(), part.share.values, part.error.values, strict=True)
    (top, share, error), (second, less, _) = sorted(known, key=lambda one: -one[1])[:2]
    low, high = (percent(float(np.clip(share + sign * 1.645 * error, 0, 1))) for sign in (-1, 1))
    return (
        f"{'most' if share > 0.5 else 'the largest part'} of {whose} comes from {variance_decomposition.LABELS[top]} "
        f"({percent(min(share, 1.0))} of its variance, 90% interval {low} to {high}), then from "
        f"{variance_decomposition.LABELS[second]} "
        f"({percent(max(less, 0.0))})"
    )


def price_of_one_more(result: Result, bought: np.ndarray) -> str:
    """Return the median price of one more with its interval, from how many a pound buys (draw)."""
    price = np.where(bought > 0, 1.0 / np.where(bought > 0, bought, 1.0), np.inf)
    return estimate(*_summary(result, price, as_median=True), unit="GBP")


def _price(result: Result) -> str:
    """Return what one more of the headline's measure costs, all the money being set against it alone."""
    measure, _ = headline_measure(result)
    years = result.draws.year.values
    bought = appraisal.per_pound(
        appraisal.extra(result.draws, result.value.pupils, measure, "all"), result.value, years
    )
    without = float((bought[-1, -1] <= 0).mean())
    if without > 0.5:
        return f"{_one_more(measure)} has no price (nor a 90% interval): {chance(without)} of draws gain none."
    price = price_of_one_more(result, bought[-1, -1]).replace("(90%", "(median; 90%")
    none = f"; in {chance(without)} of draws nothing is gained, and there is no price" if without else ""
    return (
        f"{_one_more(measure)} costs {price}{none}: all that is spent until "
        f"{academic_year(int(years[-1]))} over all who do better until then, were this measure its only use."
    )


def _one_more(measure: str) -> str:
    about, label = MEASURES[measure], who(measure, "all")
    if about.unit == "points":
        return f"One more point of one pupil in {label}"
    if about.unit == "per 100 pupils":
        return "One suspension fewer"
    whom = f"One pupil {'fewer' if about.lower_is_better else 'more'} in the figure for {label}"
    return f"{whom}, for a year," if len(about.year_groups) > 1 else whom


def _impact(result: Result) -> str:
    measure, group = headline_measure(result)
    year = headline_year(result)
    draws = mean_draws(result, "impact", measure, group, year)
    total = _paid(result)
    names = result.draws.area.values.tolist()
    where = f"in {names[0]}" if len(names) == 1 else f"in the mean of {len(names)} areas"
    if not np.abs(draws).max() > SMALLEST_CHANGE:
        return f"With {total}, {who(measure, group)} in {academic_year(year)} does not change {where}."
    return (
        f"With {total}, {who(measure, group)} in {academic_year(year)} is expected{_this_way(result)} to be "
        f"{distance(_summary(result, draws), measure, 'what would have happened anyway')}, {where}; "
        f"the chance that it is better at all is {better(draws, measure)}{_impact_other_way(result, measure, year)}."
    )


def _this_way(result: Result) -> str:
    return ", with the outside view," if result.outside.attrs.get("speaks") and result.outside.attrs["is_on"] else ""


def other_way(result: Result) -> str:
    """Return what a figure is called that is said the other way, with a doubt where the draws hardly agree with it."""
    k = result.outside.attrs["pareto_k"]
    doubt = f" (doubtful: Pareto k is {k:.2f}, few draws agree with it)" if k >= LARGEST_K else ""
    return f"{'without' if result.outside.attrs['is_on'] else 'with'} the outside view{doubt}"


def _paid(result: Result) -> str:
    """Return what stands behind the impact: the budget, and national programmes beside it."""
    said = pounds(result.manifest["account_gbp"]["money_in"])
    beside = float(result.money.national.sum())
    return f"{said} and {pounds(beside)} of national programmes beside it" if beside else said


def _impact_other_way(result: Result, measure: str, year: int) -> str:
    """Return the impact of the headline the other way; the outside view is of attainment and speaks of nothing else."""
    if not result.outside.attrs.get("speaks"):
        return "; the outside view is of attainment, which is not measured here" if result.outside.attrs else ""
    draws = result.outside.impact.sel(year=year).values.ravel()
    apart = distance(_summary(result, draws), measure)
    return f"; {other_way(result)} it is {apart}, with a chance of {better(draws, measure)}"


def _lasts(result: Result) -> str:
    """Return what is left of the headline's measure, and how the other measures fare, so that none is picked."""
    measure, group = headline_measure(result)
    kept = result.sustainability.sel(measure=measure, group=group)
    if not float(kept.p_impact.max()) > 0:
        return "The impact is too small to say what of it lasts."
    left, low, high, later, half_left = left_of(kept)
    lost, of = _high_risks(result.sustainability)
    also = also_lost = ""
    if "p_impact" in result.outside:
        other, way = result.outside.sel(measure=measure, group=group), other_way(result)
        also = "; {way}: {0} ({1} to {2}), {3} and {4}".format(*left_of(other), way=way)
        also_lost = f" ({_high_risks(result.outside)[0]} {way})"
    return (
        f"Of the peak of {who(measure, group)}, {left} is still to be seen five years after the money ends "
        f"(90% in the average area: {low} to {high}) and {later} after ten; the chance that at least half is left "
        f"after five is {half_left}{also}. Over all measures, the risk that impact does not last is high in most areas "
        f"for {lost} of {of}{also_lost}."
    )


def left_of(kept) -> tuple[str, ...]:
    """Return what is left of a peak after five years, its interval, after ten, and the chance of half after five."""
    five = (percent(float(kept[f"left_5y{end}"].mean())) for end in ("", "_q05", "_q95"))
    return *five, percent(float(kept.left_10y.mean())), chance(float(kept.p_half_left_5y.mean()))


def _high_risks(lasting) -> tuple[int, int]:
    """Return for how many measures the risk is high in most areas, and of how many."""
    risks = [lasting.risk.sel(measure=name, group="all").values.tolist() for name in lasting.measure.values.tolist()]
    return sum(risk.count("high") > len(risk) / 2 for risk in risks), len(risks)


def _level(result: Result) -> str:
    measure, group = headline_measure(result)
    year = int(result.draws.year.values[-1])
    draws = mean_draws(result, "counterfactual", measure, group, year)
    return (
        f"What would have happened anyway is far less certain than the impact: {who(measure, group)} in "
        f"{academic_year(year)} is {_estimate(result, draws, unit(measure, level=True))} without the programme."
    )


def _summary(result: Result, draws: np.ndarray, *, as_median: bool = False) -> mcse.Summary:
    """Return the summary of draws that were flattened over chains."""
    return mcse.summarise(np.reshape(draws, (result.draws.sizes["chain"], -1)), as_median=as_median)


def _estimate(result: Result, draws: np.ndarray, unit: str) -> str:
    return estimate(*_summary(result, draws), unit=unit)


def mean_draws(result: Result, quantity: str, measure: str, group: str, year: int) -> np.ndarray:
    """Return the unweighted mean over areas of a quantity, by draw."""
    at = result.draws[quantity].sel(measure=measure, group=group, year=year)
    return at.mean("area").values.astype(float).ravel()


def compared(comparison: Comparison) -> list[str]:
    """Return a sentence for each scenario that is compared with the reference."""
    reference = comparison.results[0]
    measure, group = headline_measure(reference)
    year = max(headline_year(result) for result in comparison.results)
    sentences = []
    for other in comparison.results[1:]:
        sentences += [_against(reference, other, measure, group, year), _left_by(reference, other, measure, group)]
    unsure = unverified.together([result.manifest.get("to_verify", {}) for result in comparison.results])
    sentences = [one for one in [*sentences, unverified.sentence(unsure, "compare.json")] if one]
    alarm = ranking.alarm([result.label for result in comparison.results], comparison.views())
    return [*sentences, alarm] if alarm else sentences


def _against(reference: Result, other: Result, measure: str, group: str, year: int) -> str:
    """Return how a scenario differs from the reference: in the last funded year of each, where those are two."""
    earlier = min(headline_year(one) for one in (reference, other))
    said = []
    for at in dict.fromkeys((earlier, year)):
        change = mean_draws(other, "projection", measure, group, at)
        change = change - mean_draws(reference, "projection", measure, group, at)
        if not np.abs(change).max() > SMALLEST_CHANGE:
            said.append(f"in {academic_year(at)} does not differ")
            continue
        also = _compared_other_way(reference, other, at) if at == year else ""
        said.append(
            f"in {academic_year(at)} is {distance(_summary(reference, change), measure)}; the chance that it is better "
            f"is {better(change, measure)}{also}"
        )
    if all(one.endswith("does not differ") for one in said):
        said += _moved_most(reference, other, year)
    return f"{other.label} against {reference.label}: {who(measure, group)} {'; '.join(said)}."


def _moved_most(reference: Result, other: Result, year: int) -> list[str]:
    """Return which other measure differs most surely, as a mean over its spread; nothing where none does."""
    found = {}
    for measure in reference.draws.measure.values.tolist():
        change = mean_draws(other, "projection", measure, "all", year)
        change = change - mean_draws(reference, "projection", measure, "all", year)
        if np.abs(change).max() > SMALLEST_CHANGE:
            found[measure] = (abs(float(change.mean())) / max(float(change.std()), 1e-12), change)
    if not found:
        return []
    measure = max(found, key=lambda name: found[name][0])
    change = found[measure][1]
    apart = distance(_summary(reference, change), measure)
    return [
        f"what differs most surely is {who(measure, 'all')}, which is {apart}; the chance that it "
        f"is better is {better(change, measure)}"
    ]


def _left_by(reference: Result, other: Result, measure: str, group: str) -> str:
    """Return what each scenario leaves of its own peak five years after its money; nothing where one has no impact."""
    kept = [one.sustainability.sel(measure=measure, group=group) for one in (other, reference)]
    if not all(float(one.p_impact.max()) > 0 for one in kept):
        return ""
    (left, low, high, *_), (less, least, most, *_) = (left_of(one) for one in kept)
    return (
        f"Of its own peak, {other.label} leaves {left} five years after its money (90% in the average area: {low} to "
        f"{high}), {reference.label} {less} ({least} to {most})."
    )


def _compared_other_way(reference: Result, other: Result, year: int) -> str:
    """Return the difference of two scenarios the other way, each weighed by itself."""
    if not np.array_equal(*(one.draws.counterfactual.values for one in (reference, other)), equal_nan=True):
        return ""  # what differs is not the impact alone, and the outside view is of impact
    speaking = [result for result in (reference, other) if result.outside.attrs.get("speaks")]
    if not speaking or len({result.outside.attrs["is_on"] for result in speaking}) > 1:
        return ""
    measure, _ = headline_measure(reference)
    parts = [
        result.outside.impact.sel(year=year).values.ravel() if result in speaking else 0.0
        for result in (reference, other)
    ]
    change = parts[1] - parts[0]
    way, apart = other_way(speaking[-1]), distance(_summary(reference, change), measure)
    return f"; {way} it is {apart}, with a chance of {better(change, measure)}"
