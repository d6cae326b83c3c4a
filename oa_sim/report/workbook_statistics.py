"""Workbook statistics: the figures of a run that its workbook prints beyond the brief, each formed once.

Every area, group, measure and year; what lasts; the money to the pound; and the levels that can be promised.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import xarray as xr

from oa_sim.definitions import ALL_AREAS, MEAN_OF_AREAS, MEASURES, QUANTITIES, academic_year
from oa_sim.formatting import unit, who
from oa_sim.inference import mcse
from oa_sim.inference.mcse import HIGH, LOW
from oa_sim.report import reported_statistic, run_statistics
from oa_sim.report.reported_statistic import PROXY, About, Published
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result

PROMISES = (50, 70, 90)  # %: the chance with which a level is reached
YEARS_AFTER = (1, 5, 10)
RISKS = ("low", "medium", "high")  # graded 1 to 3, so that the cell of a workbook holds a number
SAID = {"projection": "{} with the programme", "counterfactual": "{} without the programme", "impact": "impact on {}"}


def figures(result: Result, brief: dict[str, Published] | None = None) -> tuple[Published, ...]:
    """Return the figures of a run's workbook; one that the brief has is the brief's own.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    brief
        From ``run_statistics.brief``, where it is made already.

    Returns
    -------
    tuple of Published
        ``projection``, ``counterfactual`` and ``impact`` by place, group, measure and year; ``promised_50``, ``_70``
        and ``_90``; ``left_1y``, ``_5y``, ``_10y``, ``p_half_left_5y``, ``half_life_years`` and ``risk``; the money by
        area. A place is an area or the unweighted mean of all.
    """
    brief = {one.figure: one for one in (brief or run_statistics.brief(result)).values()}
    found: dict[str, Published] = {}
    for one in (*_outcomes(result), *_lasting(result), *_money(result)):
        found.setdefault(one.figure, brief.get(one.figure, one))
    return tuple(found.values())


def _pairs(result: Result) -> Iterator[tuple[str, str]]:
    for measure in result.draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            yield measure, group


def _places(result: Result) -> list[str]:
    return [*result.draws.area.values.tolist(), MEAN_OF_AREAS]


def _marks(result: Result, measure: str, group: str, quantity: str) -> list[tuple[str, ...]]:
    """Return the marks of each place; without the programme nothing rests on what it does."""
    doubt = () if quantity == "counterfactual" else run_statistics.doubtful(result)
    county = result.draws.proxy.sel(measure=measure, group=group).values.astype(bool)
    return [(*((PROXY,) if one else ()), *doubt) for one in (*county.tolist(), bool(county.any()))]


def _outcomes(result: Result) -> Iterator[Published]:
    """Yield outcomes of every place and year, and what can be promised of those with the programme."""
    for measure, group in _pairs(result):
        for quantity in QUANTITIES:
            draws = _draws(result, quantity, measure, group)
            marks = _marks(result, measure, group, quantity)
            yield from _courses(result, quantity, measure, group, draws, marks)
            if quantity == "projection":
                yield from _promises(result, measure, group, draws, marks)


def _draws(result: Result, quantity: str, measure: str, group: str) -> np.ndarray:
    """Return draws of every place (chain, draw, place, year)."""
    at = result.draws[quantity].sel(measure=measure, group=group).transpose("chain", "draw", "area", "year")
    values = at.values.astype(float)
    return np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2)


def _looked_at(result: Result) -> list[int]:
    """Return the places of the years at which it is seen how many draws a course is worth."""
    every = result.draws.year.values.tolist()
    return [every.index(summaries.headline_year(result)), len(every) - 1]


def _courses(result: Result, quantity: str, measure: str, group: str, draws: np.ndarray, marks: list) -> Iterator:
    made, places, years = run_statistics.origin(result), _places(result), result.draws.year.values.tolist()
    bands = np.stack([draws.mean(axis=(0, 1)), *np.quantile(draws, [LOW, HIGH], axis=(0, 1))], axis=-1)
    errors = mcse.error_of_courses(draws, _looked_at(result))
    its_unit, whose = unit(measure, level=quantity != "impact"), who(measure, group)
    for p, place in enumerate(places):
        for y, year in enumerate(years):
            label = f"{SAID[quantity].format(f'{whose} in {academic_year(year)}')}, {place}"
            about = About(quantity, label, its_unit, measure, group, place, year, marks=marks[p], shown_in="workbook")
            yield reported_statistic.of_summary(about, tuple(bands[p, y].tolist()), float(errors[p, y]), made)


def _promises(result: Result, measure: str, group: str, draws: np.ndarray, marks: list) -> Iterator:
    """Yield the levels that are reached with each chance, at the headline's year and at the last."""
    every = result.draws.year.values.tolist()
    years = sorted({summaries.headline_year(result), every[-1]})
    seen = draws[..., [every.index(year) for year in years]]
    lower = MEASURES[measure].lower_is_better
    reached = "not exceeded" if lower else "reached"
    made, its_unit = run_statistics.origin(result), unit(measure, level=True)
    effective = float(mcse.worth(draws, _looked_at(result)).min())
    for chance in PROMISES:
        at = chance / 100 if lower else 1 - chance / 100
        levels = np.quantile(seen, at, axis=(0, 1))
        errors = mcse.error_of_quantile(seen, at, effective)
        for p, place in enumerate(_places(result)):
            for y, year in enumerate(years):
                label = f"{who(measure, group)} in {academic_year(year)}: {reached} with a chance of {chance}%, {place}"
                about = About(f"promised_{chance}", label, its_unit, measure, group, place, year, marks=marks[p],
                              shown_in="workbook")  # fmt: skip
                yield reported_statistic.of_summary(about, (float(levels[p, y]),) * 3, float(errors[p, y]), made)


def _lasting(result: Result) -> Iterator[Published]:
    """Yield what lasts of every place, group and measure that has an impact to keep."""
    for measure, group in _pairs(result):
        kept = result.sustainability.sel(measure=measure, group=group)
        numbers = {str(name): _with_mean(kept[name]) for name in kept.data_vars if kept[name].dtype.kind == "f"}
        marks, risks = _marks(result, measure, group, "impact"), kept.risk.values.tolist()
        for p, place in enumerate(_places(result)):
            if numbers["p_impact"][p] > 0:
                where = About("", "", "", measure, group, place, marks=marks[p], shown_in="workbook")
                yield from _left(result, where, {name: float(values[p]) for name, values in numbers.items()})
                if p < len(risks):
                    yield _risk(result, where, risks[p])


def _with_mean(values: xr.DataArray) -> np.ndarray:
    """Return values of every place; the mean is of the areas that have one."""
    known = values.values[np.isfinite(values.values)]
    return np.append(values.values, known.mean() if known.size else np.nan)


def _left(result: Result, where: About, kept: dict[str, float]) -> Iterator[Published]:
    """Yield shares that are left, the chance that half is, and the half-life, of one place."""
    made, whose = run_statistics.origin(result), who(where.measure, where.group)
    last, scatter = int(result.sustainability.attrs["last_funded_year"]), 1 / np.sqrt(result.n_draws)

    def band(name: str) -> tuple[tuple[float, float, float], float]:
        ends = tuple(kept[f"{name}{end}"] for end in ("", "_q05", "_q95"))
        return ends, (ends[2] - ends[1]) / 3.29 * scatter  # 90% of a normal is 3.29 standard deviations wide

    for years in YEARS_AFTER:
        after = f"{years} year{'s' if years > 1 else ''} after the money"
        about = replace(where, quantity=f"left_{years}y", label=f"share of the peak of {whose} left {after}",
                        unit="share", year=last + years)  # fmt: skip
        yield reported_statistic.of_shares(about, *band(f"left_{years}y"), made)
    half = kept["p_half_left_5y"]
    about = replace(where, quantity="p_half_left_5y", label=f"chance that half the peak of {whose} is left 5 years "
                    "after the money", unit="probability", year=last + 5)  # fmt: skip
    error = np.sqrt(max(half * (1 - half), 0)) * scatter if np.isfinite(half) else 0.0
    yield reported_statistic.of_share(about, half, float(error), made)
    label = f"years after the money until half the peak of {whose} is lost (at most 15 are counted)"
    about = replace(where, quantity="half_life_years", label=label, unit="years")
    yield reported_statistic.of_summary(about, *band("half_life_years"), made)


def _risk(result: Result, where: About, grade: str) -> Published:
    label = f"risk of losing the impact on {who(where.measure, where.group)}"
    about = replace(where, quantity="risk", label=label, unit="grade: 1 low, 2 medium, 3 high")
    one = reported_statistic.of_count(about, RISKS.index(grade) + 1, run_statistics.origin(result))
    return replace(one, text=grade)


def _money(result: Result) -> Iterator[Published]:
    """Yield the money by area and in all: what is spent on each intervention, management, unspent; then by year."""
    money = result.money
    each = {f"spent_on_{name}": money.spend.sel(intervention=name) for name in money.intervention.values.tolist()}
    lines = {"allocated": money.spend.sum("intervention"), "management": money.management, "unspent": money.unspent}
    beside = {"national": money.national.sum("intervention")}
    whole = {"money_in": sum(lines.values())}
    years = money.money_year.values.tolist()
    for name, line in (each | lines | whole | beside).items():
        marks = run_statistics.doubtful(result) if name == "national" else ()
        values = line.transpose("area", "money_year").values
        if not name.startswith("spent_on_") or values.any():
            yield from _sums(result, name, values.sum(axis=1), marks)
        if name in lines:
            for y in np.flatnonzero(values.any(axis=0)):
                yield from _sums(result, name, values[:, y], marks, years[y])


def _sums(result: Result, name: str, gbp: np.ndarray, marks: tuple[str, ...], year: int = 0) -> Iterator[Published]:
    """Yield a line of the account for each area and for all."""
    base, made = str(result.manifest["price_base"]), run_statistics.origin(result)
    said = _line(result, name) + (f", {academic_year(year)}" if year else "")
    for area, pounds in zip([*result.draws.area.values.tolist(), ALL_AREAS], [*gbp, gbp.sum()], strict=True):
        about = About(name, f"{said}, {area}", "GBP", area=area, year=year, price_base=base, marks=marks,
                      shown_in="workbook")  # fmt: skip
        yield reported_statistic.of_money(about, float(pounds), made)


def _line(result: Result, name: str) -> str:
    """Return a line of the account in words."""
    known = {"allocated": "spent on activity", "management": "management", "unspent": "unspent", "money_in": "money in",
             "national": "national programmes beside the budget"}  # fmt: skip
    if name in known:
        return known[name]
    asked = result.manifest["scenario"]["interventions"]
    return f"spent on {asked[name.removeprefix('spent_on_')]['label']}"
