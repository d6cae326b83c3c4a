"""Narrative: a result, and how scenarios differ, in sentences, each with its interval.

Every figure has its uncertainty, its unit and its year, and no more digits than ``formatting`` allows.
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.formatting import chance, estimate, number, outcome, pounds, share, share_estimate, unit, who, with_unit
from oa_sim.inference import mcse
from oa_sim.inference.importance_sampling import LARGEST_K
from oa_sim.projection import appraisal, ranking, variance_decomposition
from oa_sim.scenario import rules, unverified
from oa_sim.simulation.comparison import Comparison
from oa_sim.simulation.result import Result
from oa_sim.simulation.summaries import SMALLEST_CHANGE, headline_measure, headline_year, left_after

CANNOT_SAY = (
    "What the real programme of 2017 to 2022 achieved. No causal estimate of it exists, and the areas\u2019 published "
    "figures already contain it.",
    "How precise the studies of effects are. All their standard errors are assumed, and some studies are still marked "
    "\u2018to verify\u2019.",
    "What holds for districts. Their figures are own estimates and county proxies.",
    "How many pupils will count as disadvantaged. Figures for all pupils use the last known shares of the two groups.",
    "How much less area programmes achieve than their components imply. The outside view is our judgement from a few "
    "such programmes. Tables and pictures exclude it unless it was switched on.",
    "What outcomes other than Attainment 8 are worth. No benefit is claimed for them. How much of the link between "
    "grades and earnings is causal is an assumption.",
)


def subject(result: Result) -> tuple[str, str]:
    """Return what the headline is about, as the subject of a sentence, and the unit of its change."""
    measure, group = headline_measure(result)
    return f"the impact on {who(measure, group)} in {academic_year(headline_year(result))}", unit(measure)


def headline(result: Result) -> list[str]:
    """Return the result in a few sentences; the first stands for all."""
    to_verify = unverified.sentence(result.manifest.get("to_verify", {}))
    sentences = [_level(result), *sources_of_uncertainty(result)]
    if result.money.spend.values.any():
        without = result.manifest["scenario"]["evidence"]["without"]
        are = "study is" if len(without) == 1 else "studies are"
        left_out = f"{len(without)} {are} left out: {', '.join(without)}."
        sentences = [_impact(result), _lasts(result), *worth(result), *sentences, *([left_out] if without else [])]
    else:
        nothing = "No money is spent on activity, so the impact is exactly zero: projection and counterfactual of"
        sentences = [f"{nothing} \u2018{result.title}\u2019 are the same on every draw.", *sentences]
    return [*sentences, *([to_verify] if to_verify else [])]


def verdict(result: Result) -> str:
    """Return whether the baseline passed its convergence checks, and why."""
    gates, until = result.manifest["gates"], result.manifest["learned"].get("until", 0)
    hindsight = f"; with hindsight: fitted to figures up to {academic_year(until)}, after the scenario starts"
    has_hindsight = until >= int(result.draws.year.values[0])
    return f"{gates['verdict']}: {gates['reason']}{hindsight if has_hindsight else ''}"


def evidence_behind(result: Result) -> list[str]:
    """Return how the studies were combined, and the whole-area effect with and without the outside view."""
    synthesis, outside = result.manifest.get("synthesis"), result.outside
    sentences = []
    if synthesis:
        sentences.append(f"{synthesis['studies']} studies were combined: {synthesis['gates']['reason']}.")
    if outside.attrs.get("speaks"):
        draws = outside.whole_area.values.ravel()
        components, reweighted = (_estimate(result, x, "SD") for x in (draws, draws[outside.taken.values.ravel()]))
        if outside.attrs["is_on"]:
            sentences.append("The outside view is on: tables and pictures include it.")
        sentences.append(
            f"The peak effect on the attainment of all pupils, averaged over the areas, is {components} from the "
            f"components of the programme and {reweighted} with the outside view on programmes of this kind (Pareto "
            f"k\u0302 {number(outside.attrs['pareto_k'], 2)}; effective sample size "
            f"{number(outside.attrs['effective_draws'], 0)})."
        )
    return sentences


def worth(result: Result) -> list[str]:
    """Return benefit over cost and the price of one more; nothing where they were not computed."""
    value = result.value
    if not len(value) or not value.spent.values.any():
        return []
    ratio = ranking.per_pound(value, whole=True).get("plain")
    if ratio is None:
        benefit = "No benefit in pounds is claimed, so it has no 90% interval: Attainment 8 is not among the measures."
        return [benefit, _price(result)]
    likely, limit = chance_of(_by_chain(result, ratio[0] > 1)), value.attrs["review_above"]
    most = with_unit(rules.spelled(limit), "GBP")
    review = f" REVIEW this before it is used: comparable programmes bring less than {most}."
    return [
        f"Each £1 spent buys {_estimate(result, ratio[0], 'GBP')} of lifetime earnings, through Attainment 8 alone, "
        f"both discounted. Probability that benefits exceed costs: {likely}. Benefits are in prices "
        f"of {value.attrs['benefit_prices']}; money is {value.attrs['price_base']}. Neither is deflated."
        f"{review if ratio[0].mean() > limit else ''}",
        _price(result),
    ]


def sources_of_uncertainty(result: Result) -> list[str]:
    """Return where the uncertainty of the headline comes from; nothing where it was not computed."""
    if not len(result.uncertainty):
        return []
    year = headline_year(result)
    shares = result.uncertainty.sel(place=MEAN_OF_AREAS, reading_year=year)
    outcome = f"{who(shares.attrs['measure'], shares.attrs['group'])} in {academic_year(year)}"
    sentences: list[str] = []
    for quantity, name, preposition in (("impact", "impact", "on"), ("projection", "level", "of")):
        name = name if sentences else f"{name} {preposition} {outcome}"
        part = shares.sel(quantity=quantity).dropna("block", subset=["share"])
        if "together" in part.block.values.tolist():
            sentences.append(_largest_sources(part, name))
        elif np.ptp(mean_draws(result, quantity, *headline_measure(result), year)) > 0:
            sentences.append(f"There are too few draws to say where the uncertainty of the {name} comes from.")
    return [" ".join(sentences)]


def _largest_sources(part: xr.Dataset, name: str) -> str:
    """Return which block most of the variance of the impact or the level comes from, and which is next."""
    blocks = zip(part.block.values.tolist(), part.share.values, part.error.values, strict=True)
    (first, largest, error), (second, following, its_error) = sorted(blocks, key=lambda block: -block[1])[:2]
    middle, low, high = np.clip(largest + 1.645 * error * np.array([0, -1, 1]), 0, 1).tolist()
    return (
        f"{'Most' if largest > 0.5 else 'The largest part'} of the variance of the {name} comes from "
        f"{variance_decomposition.LABELS[first]}: {share_estimate(middle, low, high, error)}. "
        f"{share(max(following, 0.0), its_error)} comes from {variance_decomposition.LABELS[second]}."
    )


def _price(result: Result) -> str:
    """Return what one more of the headline's measure costs, with the whole cost attributed to it."""
    measure, _ = headline_measure(result)
    years = result.draws.year.values
    extra = appraisal.extra(result.draws, result.value.pupils, measure, "all")
    bought = appraisal.per_pound(extra, result.value, years)[-1, -1]
    has_gain, without = bought > 0, chance_of(_by_chain(result, bought <= 0))
    if has_gain.mean() < 0.5:
        return f"{_one_more(measure)} has no price, and no 90% interval: {without} of draws show no gain."
    prices = np.where(has_gain, 1.0 / np.where(has_gain, bought, 1.0), np.inf)
    summary = mcse.summarise(_by_chain(result, prices), as_median=True)
    price = estimate(*summary, unit="GBP").replace("(90%", "(median; 90%")
    no_price = "" if has_gain.all() else f" In {without} of draws there is no gain, and no price."
    return (
        f"{_one_more(measure)} costs {price}: total spending to {academic_year(int(years[-1]))} divided by all "
        f"additional pupils, attributing the whole cost to this measure.{no_price}"
    )


def _one_more(measure: str) -> str:
    definition, label = MEASURES[measure], who(measure, "all")
    if definition.unit == "points":
        return f"One additional point for one pupil in {label}"
    if definition.unit == "per 100 pupils":
        return "One suspension fewer"
    change = f"One {'fewer' if definition.lower_is_better else 'additional'} pupil in the figure for {label}"
    return f"{change}, for a year," if len(definition.year_groups) > 1 else change


def _impact(result: Result) -> str:
    """Return the impact of the headline, and its probability."""
    measure, group = headline_measure(result)
    year = headline_year(result)
    draws = mean_draws(result, "impact", measure, group, year)
    areas = result.draws.area.values.tolist()
    is_weighted = result.outside.attrs.get("speaks") and result.outside.attrs["is_on"]
    where = mean_place(areas) + (", with the outside view" if is_weighted else "")
    funding = funding_in_words(result.manifest["account_gbp"]["money_in"], float(result.money.national.sum()))
    expected = expected_change(funding, draws, measure, group, year, where)
    return expected + (_impact_other_way(result, measure, year) if np.abs(draws).max() > SMALLEST_CHANGE else "")


def expected_change(funding: str, draws: np.ndarray, measure: str, group: str, year: int, where: str) -> str:
    """Return the impact (draws by chain and draw) that funding is expected to have, and its probability."""
    subject = f"{outcome(measure, group)} in {academic_year(year)}"
    if not np.abs(draws).max() > SMALLEST_CHANGE:
        return f"{funding} does not change {subject}, {where}."
    direction, size = _change(draws, measure)
    return (
        f"{funding} is expected to {'raise' if direction == 'higher' else 'lower'} {subject} by {size}, {where}. "
        f"Probability of any improvement: {better(draws, measure)}."
    )


def mean_place(areas: list[str]) -> str:
    """Return where a mean over areas is, as it stands in a sentence."""
    return f"in {areas[0]}" if len(areas) == 1 else f"averaged over the {len(areas)} areas"


def funding_in_words(budget: float, national: float) -> str:
    """Return the budget and the national programmes beside it (£), as the subject of a sentence."""
    return f"{pounds(budget)}, plus {pounds(national)} from national programmes," if national else pounds(budget)


def _other_view(result: Result) -> str:
    """Return the name of the figures with the outside view switched, with a doubt where few draws agree with it."""
    k = result.outside.attrs["pareto_k"]
    doubt = f" (unreliable: Pareto k\u0302 is {number(k, 2)}, so few draws agree with it)" if k >= LARGEST_K else ""
    return f"{'Without' if result.outside.attrs['is_on'] else 'With'} the outside view{doubt}"


def _impact_other_way(result: Result, measure: str, year: int) -> str:
    """Return the impact with the outside view switched; the outside view is about attainment only."""
    if not result.outside.attrs.get("speaks"):
        return " The outside view is about attainment, which is not measured here." if result.outside.attrs else ""
    return f" {_sentence_other_way(result, _impact_otherwise(result, year), measure)}"


def _impact_otherwise(result: Result, year: int) -> np.ndarray:
    """Return the impact with the outside view switched (chain, draw); none where the view is silent."""
    if not result.outside.attrs.get("speaks"):
        return np.zeros((result.draws.sizes["chain"], result.draws.sizes["draw"]))
    return np.asarray(result.outside.impact.sel(year=year).transpose("chain", "draw").values)


def _sentence_other_way(result: Result, draws: np.ndarray, measure: str) -> str:
    """Return a change with the outside view switched, as a sentence of its own."""
    direction, size = _change(draws, measure)
    return f"{_other_view(result)}: {size} {direction}; probability of improvement {better(draws, measure)}."


def _lasts(result: Result) -> str:
    """Return what remains of the headline's impact, and how many measures are at risk, so that none is picked."""
    measure, group = headline_measure(result)
    left = _mean_left(result.sustainability.sel(measure=measure, group=group))
    if not left["p_impact"] > 0:
        return persistence(left, result.n_draws)
    n_high, n_measures = _high_risks(result.sustainability)
    also = also_high = ""
    if "p_impact" in result.outside:
        other, view = _mean_left(result.outside.sel(measure=measure, group=group)), _other_view(result)
        also = " {}: {}, {} and {}.".format(view, *left_in_words(other, result.n_draws))
        also_high = f" ({_high_risks(result.outside)[0]} {view[0].lower()}{view[1:]})"
    return (
        f"{persistence(left, result.n_draws)}{also}{_over_areas(result)} The risk that the impact does not last is "
        f"high in most areas for {n_high} of {n_measures} measures{also_high}."
    )


def persistence(left: Mapping[str, float], n_draws: int) -> str:
    """Return what remains after funding ends, as sentences; see ``left_in_words``."""
    if not left["p_impact"] > 0:
        return "The impact is too small to say how much of it lasts."
    five, ten, half = left_in_words(left, n_draws)
    return (
        f"Five years after funding ends, {five} of the peak impact remains; after ten years, {ten}. Probability that "
        f"at least half remains after five years: {half}."
    )


def _over_areas(result: Result) -> str:
    """Return that shares of a peak are means of areas, where there are several."""
    several = result.draws.sizes["area"] > 1
    return " Shares, and the ends of their intervals, are means over the areas." if several else ""


def _mean_left(sustainability: xr.Dataset) -> dict[str, float]:
    """Return what is left of the peaks of areas, as the mean over those that have an impact to keep."""
    numbers = [name for name in sustainability.data_vars if "left" in str(name) or name == "p_impact"]
    return {str(name): float(sustainability[name].mean()) for name in numbers}


def left_in_words(left: Mapping[str, float], n_draws: int) -> tuple[str, str, str]:
    """Return the share of a peak after five years with its interval, the share after ten, and the chance of half.

    For ``left`` see ``summaries.left_after``; the number of draws limits the digits.
    """
    (five, half), (ten, _) = (left_after(left, years, n_draws) for years in (5, 10))
    return share_estimate(*five), share(ten.middle, ten.error), chance(*half)


def _high_risks(sustainability: xr.Dataset) -> tuple[int, int]:
    """Return for how many measures the risk is high in most areas, and of how many."""
    measures = sustainability.measure.values.tolist()
    risks = [sustainability.risk.sel(measure=name, group="all").values.tolist() for name in measures]
    return sum(risk.count("high") > len(risk) / 2 for risk in risks), len(risks)


def _level(result: Result) -> str:
    measure, group = headline_measure(result)
    year = int(result.draws.year.values[-1])
    draws = mean_draws(result, "counterfactual", measure, group, year)
    level = estimate(*mcse.summarise(draws), unit=unit(measure, level=True))
    return (
        f"The counterfactual is far less certain than the impact: without the programme, {outcome(measure, group)} in "
        f"{academic_year(year)} is expected to be {level}."
    )


def _by_chain(result: Result, draws: np.ndarray) -> np.ndarray:
    """Return draws that were flattened over chains by chain and draw, as their Monte Carlo error needs them."""
    return np.reshape(draws, (result.draws.sizes["chain"], -1))


def _estimate(result: Result, draws: np.ndarray, unit: str) -> str:
    return estimate(*mcse.summarise(_by_chain(result, draws)), unit=unit)


def chance_of(happens: np.ndarray) -> str:
    """Return the chance of what happens in some draws (chain, draw), in steps that its Monte Carlo error supports."""
    probability = mcse.summarise(happens)
    return chance(probability.middle, probability.error)


def better(change: np.ndarray, measure: str) -> str:
    """Return the chance that a change (chain, draw) is better for pupils."""
    return chance_of(change < 0 if MEASURES[measure].lower_is_better else change > 0)


def _change(draws: np.ndarray, measure: str) -> tuple[str, str]:
    """Return whether a figure (chain, draw) is higher or lower, and by how much, with its interval."""
    middle, low, high, error = mcse.summarise(draws)
    ends = (-middle, -high, -low) if middle < 0 else (middle, low, high)
    return "lower" if middle < 0 else "higher", estimate(*ends, error, unit=unit(measure))


def mean_draws(result: Result, quantity: str, measure: str, group: str, year: int) -> np.ndarray:
    """Return the unweighted mean over areas of a quantity (chain, draw)."""
    draws = result.draws[quantity].sel(measure=measure, group=group, year=year).mean("area")
    return np.asarray(draws.transpose("chain", "draw").values, dtype=float)


def compared(comparison: Comparison) -> list[str]:
    """Return a sentence for each scenario that is compared with the reference."""
    results = comparison.results
    measure, group = headline_measure(results[0])
    year = max(headline_year(result) for result in results)
    sentences = []
    for other in results[1:]:
        sentences.append(_difference(results[0], other, measure, group, year))
        sentences.append(_left_by(results[0], other, measure, group))
    to_verify = unverified.together([result.manifest.get("to_verify", {}) for result in results])
    warning = ranking.alarm([result.title for result in results], comparison.views())
    return [line for line in [*sentences, unverified.sentence(to_verify, "compare.json"), warning] if line]


def _difference(reference: Result, other: Result, measure: str, group: str, year: int) -> str:
    """Return how a scenario differs from the reference: in the last funded year of each, where those are two."""
    earlier = min(headline_year(result) for result in (reference, other))
    sentences, differs, subject = [], False, outcome(measure, group)
    for each in dict.fromkeys((earlier, year)):
        draws = _projection_difference(reference, other, measure, group, each)
        if not np.abs(draws).max() > SMALLEST_CHANGE:
            sentences.append(f"In {academic_year(each)}, {subject} does not differ.")
        else:
            differs = True
            direction, size = _change(draws, measure)
            otherwise = _compared_other_way(reference, other, each) if each == year else ""
            sentences.append(
                f"In {academic_year(each)}, {subject} is {size} {direction}. Probability that it is better: "
                f"{better(draws, measure)}.{otherwise}"
            )
        subject = "it"
    if not differs:
        sentences += _most_certain_difference(reference, other, year)
    return f"\u2018{other.title}\u2019 compared with \u2018{reference.title}\u2019. {' '.join(sentences)}"


def _projection_difference(reference: Result, other: Result, measure: str, group: str, year: int) -> np.ndarray:
    """Return the difference in the mean over areas of two scenarios (chain, draw)."""
    ours, theirs = (mean_draws(result, "projection", measure, group, year) for result in (other, reference))
    return np.asarray(ours - theirs)


def _most_certain_difference(reference: Result, other: Result, year: int) -> list[str]:
    """Return which other measure differs most certainly, by mean over spread; nothing where none does."""
    measures = reference.draws.measure.values.tolist()
    differences = {name: _projection_difference(reference, other, name, "all", year) for name in measures}
    certainty = {
        name: abs(float(draws.mean())) / max(float(draws.std()), 1e-12)
        for name, draws in differences.items()
        if np.abs(draws).max() > SMALLEST_CHANGE
    }
    if not certainty:
        return []
    measure = max(certainty, key=lambda name: certainty[name])
    draws = differences[measure]
    direction, size = _change(draws, measure)
    return [
        f"The most certain difference is in {outcome(measure, 'all')}: {size} {direction}. Probability that it is "
        f"better: {better(draws, measure)}."
    ]


def _left_by(reference: Result, other: Result, measure: str, group: str) -> str:
    """Return what remains of each scenario's own peak after its funding; nothing where one has no impact."""
    parts = [_mean_left(result.sustainability.sel(measure=measure, group=group)) for result in (other, reference)]
    if not all(part["p_impact"] > 0 for part in parts):
        return ""
    left, of_reference = (left_in_words(part, reference.n_draws)[0] for part in parts)
    return (
        f"Five years after its own funding ends, {left} of the peak impact of \u2018{other.title}\u2019 remains. For "
        f"\u2018{reference.title}\u2019 it is {of_reference}.{_over_areas(reference)}"
    )


def _compared_other_way(reference: Result, other: Result, year: int) -> str:
    """Return the difference of two scenarios with the outside view switched, each weighted by itself."""
    if not np.array_equal(reference.draws.counterfactual.values, other.draws.counterfactual.values, equal_nan=True):
        return ""  # more than the impact differs, and the outside view is about impact
    speaking = [result for result in (reference, other) if result.outside.attrs.get("speaks")]
    if not speaking or len({result.outside.attrs["is_on"] for result in speaking}) > 1:
        return ""
    ours, theirs = (_impact_otherwise(result, year) for result in (other, reference))
    return f" {_sentence_other_way(speaking[-1], ours - theirs, headline_measure(reference)[0])}"
