"""Words: a result in sentences, each with its interval.

A figure is never said without its uncertainty, its unit and its year, and never with more digits than it has.
"""

import numpy as np

from oa_sim.comparison import Comparison
from oa_sim.outside import spoken_of
from oa_sim.result import Result
from oa_sim.smoothing import LARGEST_K
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
    "How much less than their parts promised area programmes do: the headline is said with and without an outside view "
    "that we judged from a few such programmes; tables and pictures are without it unless it was switched on.",
)


def headline_measure(result: Result) -> tuple[str, str]:
    """Return the measure and group that the headline speaks of."""
    return spoken_of(result.draws.measure.values.tolist())


def headline_year(result: Result) -> int:
    """Return the year the headline speaks of: the last funded one, or the last projected where that is earlier."""
    last = int(result.sustainability.attrs["last_funded_year"])
    years = result.draws.year.values
    return int(np.clip(last, years[0], years[-1]))


def subject(result: Result) -> tuple[str, str]:
    """Return what the headline speaks of, and the unit of its change, as they stand in a sentence."""
    measure, group = headline_measure(result)
    return f"the impact on {_who(measure, group)} in {academic_year(headline_year(result))}", _unit(measure)


def headline(result: Result) -> list[str]:
    """Return the result in a few sentences; the first stands for all."""
    if not result.money.spend.values.any():
        return [
            f"Without money for activity there is no impact, exactly: projection and counterfactual of "
            f"{result.label!r} are the same on every draw.",
            _level(result),
        ]
    left_out = result.manifest["scenario"]["evidence"]["without"]
    read = [f"Read without {len(left_out)} of the studies: {', '.join(left_out)}."] if left_out else []
    return [_impact(result), _lasts(result), _level(result), *read]


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
        said.append(
            f"The effect on all pupils' attainment in the mean of the areas at its peak is {_interval(promised)} SD as "
            f"the parts promise and {_interval(promised[seen.taken.values.ravel()])} SD with the outside view on "
            f"programmes of this kind (Pareto k {seen.attrs['pareto_k']:.2f}, worth {worth} draws)."
        )
    return said


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
            f"{_distance(change, measure)}; the chance that it is better is {_better(change, measure)}"
            f"{_compared_other_way(reference, other, year)}."
        )
    return sentences


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
        f"With {_pounds(total)}, {_who(measure, group)} in {academic_year(year)} is expected{_this_way(result)} to be "
        f"{_distance(draws, measure, 'what would have happened anyway')}, {where}; "
        f"the chance that it is better at all is {_better(draws, measure)}{_impact_other_way(result, measure, year)}."
    )


def _this_way(result: Result) -> str:
    return ", with the outside view," if result.outside.attrs.get("speaks") and result.outside.attrs["is_on"] else ""


def _other_way(result: Result) -> str:
    """Return what a figure is called that is said the other way, with a doubt where the draws hardly agree with it."""
    k = result.outside.attrs["pareto_k"]
    doubt = f" (doubtful: Pareto k is {k:.2f}, few draws agree with it)" if k >= LARGEST_K else ""
    return f"{'without' if result.outside.attrs['is_on'] else 'with'} the outside view{doubt}"


def _impact_other_way(result: Result, measure: str, year: int) -> str:
    """Return the impact of the headline the other way; the outside view is of attainment and speaks of nothing else."""
    if not result.outside.attrs.get("speaks"):
        return "; the outside view is of attainment, which is not measured here" if result.outside.attrs else ""
    draws = result.outside.impact.sel(year=year).values.ravel()
    return f"; {_other_way(result)} it is {_distance(draws, measure)}, with a chance of {_better(draws, measure)}"


def _compared_other_way(reference: Result, other: Result, year: int) -> str:
    """Return the difference of two scenarios the other way, each weighed by itself."""
    speaking = [result for result in (reference, other) if result.outside.attrs.get("speaks")]
    if not speaking or len({result.outside.attrs["is_on"] for result in speaking}) > 1:
        return ""
    measure, _ = headline_measure(reference)
    parts = [
        result.outside.impact.sel(year=year).values.ravel() if result in speaking else 0.0
        for result in (reference, other)
    ]
    change = parts[1] - parts[0]
    return (
        f"; {_other_way(speaking[-1])} it is {_distance(change, measure)}, with a chance of {_better(change, measure)}"
    )


def _lasts(result: Result) -> str:
    """Return what is left of the headline's measure, and how the other measures fare, so that none is picked."""
    measure, group = headline_measure(result)
    kept = result.sustainability.sel(measure=measure, group=group)
    if not float(kept.p_impact.max()) > 0:
        return "The impact is too small to say what of it lasts."
    left, low, high, later, chance = _left(kept)
    lost, of = _high_risks(result.sustainability)
    also = also_lost = ""
    if "p_impact" in result.outside:
        other, way = result.outside.sel(measure=measure, group=group), _other_way(result)
        also = "; {way}: {0} ({1} to {2}), {3} and {4}".format(*_left(other), way=way)
        also_lost = f" ({_high_risks(result.outside)[0]} {way})"
    return (
        f"Of the peak of {_who(measure, group)}, {left} is still to be seen five years after the money ends "
        f"(90 % in the average area: {low} to {high}) and {later} after ten; the chance that at least half is left "
        f"after five is {chance}{also}. Over all measures, the risk that impact does not last is high in most areas "
        f"for {lost} of {of}{also_lost}."
    )


def _left(kept) -> tuple[str, ...]:
    """Return what is left of a peak after five years, its interval, after ten, and the chance of half after five."""
    five = (percent(float(kept[f"left_5y{end}"].mean())) for end in ("", "_q05", "_q95"))
    return *five, percent(float(kept.left_10y.mean())), _chance(float(kept.p_half_left_5y.mean()))


def _high_risks(lasting) -> tuple[int, int]:
    """Return for how many measures the risk is high in most areas, and of how many."""
    risks = [lasting.risk.sel(measure=name, group="all").values.tolist() for name in lasting.measure.values.tolist()]
    return sum(risk.count("high") > len(risk) / 2 for risk in risks), len(risks)


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
