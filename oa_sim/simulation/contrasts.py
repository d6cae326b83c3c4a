"""Contrasts: what sets scenarios apart, in sentences, each with its interval."""

import numpy as np

from oa_sim.definitions import academic_year
from oa_sim.formatting import better, distance, who
from oa_sim.projection import ranking
from oa_sim.scenario import unverified
from oa_sim.simulation import narrative
from oa_sim.simulation.comparison import Comparison
from oa_sim.simulation.result import Result


def compared(comparison: Comparison) -> list[str]:
    """Return a sentence for each scenario that is compared with the reference."""
    reference = comparison.results[0]
    measure, group = narrative.headline_measure(reference)
    year = max(narrative.headline_year(result) for result in comparison.results)
    sentences = []
    for other in comparison.results[1:]:
        sentences += [_against(reference, other, measure, group, year), _left_by(reference, other, measure, group)]
    unsure = unverified.together([result.manifest.get("to_verify", {}) for result in comparison.results])
    sentences = [one for one in [*sentences, unverified.sentence(unsure, "compare.json")] if one]
    alarm = ranking.alarm([result.label for result in comparison.results], comparison.views())
    return [*sentences, alarm] if alarm else sentences


def _against(reference: Result, other: Result, measure: str, group: str, year: int) -> str:
    """Return how a scenario differs from the reference: in the last funded year of each, where those are two."""
    earlier = min(narrative.headline_year(one) for one in (reference, other))
    said = []
    for at in dict.fromkeys((earlier, year)):
        change = narrative.mean_draws(other, "projection", measure, group, at)
        change = change - narrative.mean_draws(reference, "projection", measure, group, at)
        if not np.abs(change).max() > narrative.SMALLEST_CHANGE:
            said.append(f"in {academic_year(at)} does not differ")
            continue
        also = _compared_other_way(reference, other, at) if at == year else ""
        said.append(
            f"in {academic_year(at)} is {distance(change, measure)}; the chance that it is better is "
            f"{better(change, measure)}{also}"
        )
    if all(one.endswith("does not differ") for one in said):
        said += _moved_most(reference, other, year)
    return f"{other.label} against {reference.label}: {who(measure, group)} {'; '.join(said)}."


def _moved_most(reference: Result, other: Result, year: int) -> list[str]:
    """Return which other measure differs most surely, as a mean over its spread; nothing where none does."""
    found = {}
    for measure in reference.draws.measure.values.tolist():
        change = narrative.mean_draws(other, "projection", measure, "all", year)
        change = change - narrative.mean_draws(reference, "projection", measure, "all", year)
        if np.abs(change).max() > narrative.SMALLEST_CHANGE:
            found[measure] = (abs(float(change.mean())) / max(float(change.std()), 1e-12), change)
    if not found:
        return []
    measure = max(found, key=lambda name: found[name][0])
    change = found[measure][1]
    return [
        f"what differs most surely is {who(measure, 'all')}, which is {distance(change, measure)}; the chance that it "
        f"is better is {better(change, measure)}"
    ]


def _left_by(reference: Result, other: Result, measure: str, group: str) -> str:
    """Return what each scenario leaves of its own peak five years after its money; nothing where one has no impact."""
    kept = [one.sustainability.sel(measure=measure, group=group) for one in (other, reference)]
    if not all(float(one.p_impact.max()) > 0 for one in kept):
        return ""
    (left, low, high, *_), (less, least, most, *_) = (narrative.left_of(one) for one in kept)
    return (
        f"Of its own peak, {other.label} leaves {left} five years after its money (90 % in the average area: {low} to "
        f"{high}), {reference.label} {less} ({least} to {most})."
    )


def _compared_other_way(reference: Result, other: Result, year: int) -> str:
    """Return the difference of two scenarios the other way, each weighed by itself."""
    if not np.array_equal(*(one.draws.counterfactual.values for one in (reference, other)), equal_nan=True):
        return ""  # what differs is not the impact alone, and the outside view is of impact
    speaking = [result for result in (reference, other) if result.outside.attrs.get("speaks")]
    if not speaking or len({result.outside.attrs["is_on"] for result in speaking}) > 1:
        return ""
    measure, _ = narrative.headline_measure(reference)
    parts = [
        result.outside.impact.sel(year=year).values.ravel() if result in speaking else 0.0
        for result in (reference, other)
    ]
    change = parts[1] - parts[0]
    way, apart = narrative.other_way(speaking[-1]), distance(change, measure)
    return f"; {way} it is {apart}, with a chance of {better(change, measure)}"
