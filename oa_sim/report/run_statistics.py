"""Run statistics: the figures of a run that may be quoted, each formed once from its draws, with its marks.

``brief`` has those of the two-page brief, ``workbook`` those that the workbook prints beside them: every area, group,
measure and year; what lasts; the money to the pound; and the levels that are attainable.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from oa_sim.definitions import ALL_AREAS, MEAN_OF_AREAS, MEASURES, QUANTITIES, academic_year
from oa_sim.formatting import unit, who
from oa_sim.inference import mcse
from oa_sim.inference.mcse import HIGH, LOW
from oa_sim.projection import appraisal, ranking, variance_decomposition
from oa_sim.report import reported_statistic
from oa_sim.report.reported_statistic import OWN, PROXY, VERIFY, About, Origin, Published
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result
from oa_sim.validation import track_record

KINDS = {
    "bought_in": "is bought in and stops with the money",
    "mixed": "is partly bought in",
    "embedded": "is embedded",
}
OUTCOMES = {
    "projection": "{} with the programme",
    "counterfactual": "{} without the programme",
    "impact": "impact on {}",
}
LINES = {  # of the account
    "money_in": "money in",
    "allocated": "spent on activity",
    "management": "management",
    "unspent": "unspent",
    "national": "national programmes beside the budget",
}
RISKS = ("low", "medium", "high")  # graded 1 to 3, so that the cell of a workbook holds a number
PROMISES = (50, 70, 90)  # %: the chance with which a level is reached
YEARS_AFTER = (1, 5, 10)

Statistics = dict[str, Published]


def brief(result: Result) -> Statistics:
    """Return the figures of the two-page brief, by a short name."""
    found = _headline(result) | _headline_lasting(result) | _account(result) | _worth(result) | _sources(result)
    return found | _by_area(result) | _by_measure(result) | _behind(result)


def origin(result: Result) -> Origin:
    """Return what every figure of a run can be traced to."""
    manifest = result.manifest
    return Origin(
        scenario=result.label,
        run_id=manifest["run_id"],
        draws=manifest["posterior"],
        data_hash=manifest["data_hash"],
        version=manifest["oa_sim"],
        n_draws=result.n_draws,
    )


def doubtful(result: Result) -> tuple[str, ...]:
    """Return the mark of what the programme does, where it rests on figures that are still to verify."""
    return (VERIFY,) if result.manifest.get("to_verify") else ()


def place(
    result: Result, measure: str, group: str, area: str = MEAN_OF_AREAS, year: int = 0, *, is_effect: bool = True
) -> About:
    """Return what figures of an area, or of the mean of all, are of, with their marks.

    Without the programme (not ``is_effect``) nothing rests on what it does.
    """
    kinds = result.draws[["proxy", "estimated"]].sel(measure=measure, group=group)
    kinds = kinds.sel(area=area) if area in kinds.area else kinds
    of_district = tuple(mark for name, mark in (("proxy", PROXY), ("estimated", OWN)) if kinds[name].any())
    marks = (*of_district, *(doubtful(result) if is_effect else ()))
    return About("", "", measure=measure, group=group, area=area, year=year, marks=marks)


def _draws(result: Result, quantity: str, measure: str, group: str, area: str = MEAN_OF_AREAS) -> np.ndarray:
    """Return draws (chain, draw) of a quantity in the year of the headline, in an area or the unweighted mean."""
    where = {"measure": measure, "group": group, "year": summaries.headline_year(result)}
    draws = result.draws[quantity].sel(where).transpose("chain", "draw", "area")
    return (draws.mean("area") if area == MEAN_OF_AREAS else draws.sel(area=area)).values.astype(float)


def _outcome(result: Result, quantity: str, measure: str, group: str, area: str = MEAN_OF_AREAS) -> Published:
    """Return a quantity in the year of the headline."""
    year = summaries.headline_year(result)
    label = OUTCOMES[quantity].format(f"{who(measure, group)} in {academic_year(year)}")
    where = place(result, measure, group, area, year, is_effect=quantity != "counterfactual")
    about = where.named(
        quantity,
        label if area == MEAN_OF_AREAS else f"{label}, {area}",
        unit(measure, level=quantity != "impact"),
    )
    return reported_statistic.of_draws(about, _draws(result, quantity, measure, group, area), origin(result))


def _chance_better(result: Result, measure: str, group: str) -> Published | None:
    """Return the chance that the mean of areas is better with the programme; nothing where nothing changes."""
    year, change = summaries.headline_year(result), _draws(result, "impact", measure, group)
    if not change.any():
        return None
    label = f"chance that {who(measure, group)} in {academic_year(year)} is better"
    is_better = change < 0 if MEASURES[measure].lower_is_better else change > 0
    about = place(result, measure, group, year=year).named("chance_better", label)
    return reported_statistic.of_chance(about, is_better, origin(result))


def _headline(result: Result) -> Statistics:
    measure, group = summaries.headline_measure(result)
    year = summaries.headline_year(result)
    found = {name: _outcome(result, name, measure, group) for name in ("impact", "counterfactual", "projection")}
    if chance := _chance_better(result, measure, group):
        found["chance_better"] = chance
    view = result.outside
    if view.attrs.get("speaks"):
        label = f"the same {'without' if view.attrs['is_on'] else 'with'} the outside view"
        about = place(result, measure, group, year=year).named("impact_other_way", label, unit(measure))
        draws = view.impact.sel(year=year).transpose("chain", "draw").values
        found["impact_other_way"] = reported_statistic.of_draws(about, draws, origin(result))
    return found | _by_group(result, measure, year) | _last_published(result, measure, group)


def _by_group(result: Result, measure: str, year: int) -> Statistics:
    """Return the impact of each group, and on the gap, where the measure has two."""
    if len(MEASURES[measure].groups) < 2:
        return {}
    found = {f"impact {group}": _outcome(result, "impact", measure, group) for group in MEASURES[measure].groups}
    label = f"change of the gap (other less disadvantaged pupils) in {who(measure, 'all')} in {academic_year(year)}"
    marks = place(result, measure, "other").marks
    about = About("gap_change", label, unit(measure), measure, "none", MEAN_OF_AREAS, year, marks=marks)
    gap = _draws(result, "impact", measure, "other") - _draws(result, "impact", measure, "disadvantaged")
    return found | {"gap_change": reported_statistic.of_draws(about, gap, origin(result))}


def _last_published(result: Result, measure: str, group: str) -> Statistics:
    past = summaries.published(result, measure, group)
    known = np.flatnonzero(np.isfinite(past))
    if not known.size:
        return {}
    year, value = int(result.draws.history_year.values[known[-1]]), float(past[known[-1]])
    about = place(result, measure, group, year=year, is_effect=False).named(
        "published", f"{who(measure, group)} as last published, {academic_year(year)}", unit(measure, level=True)
    )
    return {"published": reported_statistic.of_summary(about, (value,) * 3, 0.0, origin(result))}


def _headline_lasting(result: Result) -> Statistics:
    """Return what is left of the headline's peak, and in how many areas the risk of losing it is high, medium, low."""
    measure, group = summaries.headline_measure(result)
    if not (found := lasting(result, measure, group)):
        return {}
    grades = result.sustainability.risk.sel(measure=measure, group=group).values.tolist()
    for grade in reversed(RISKS):
        label = f"areas where the risk of losing the impact is {grade}"
        about = About(f"areas_at_{grade}_risk", label, "areas", measure, group)
        count = grades.count(grade)
        found[f"{grade} risk"] = reported_statistic.as_said(about, count, f"{count:,}", origin(result))
    return found


def lasting(result: Result, measure: str, group: str, area: str = MEAN_OF_AREAS) -> Statistics:
    """Return the share of the peak that is left after 5 and 10 years and the chance that half is.

    It is of an area, or of the mean of those that have an impact to keep; empty where there is none.
    """
    kept = result.sustainability.sel(measure=measure, group=group)
    kept = kept[[name for name in kept.data_vars if kept[name].dtype.kind == "f"]]
    kept = kept if area == MEAN_OF_AREAS else kept.sel(area=[area])
    if not float(kept.p_impact.max()) > 0:
        return {}
    where, means = place(result, measure, group, area), kept.mean("area")
    numbers = {str(name): float(means[name]) for name in means}
    return {
        one.quantity: one
        for years in (5, 10)
        for one in (_left(result, where, numbers, years), _half_left(result, where, numbers, years))
    }


def _left(result: Result, where: About, numbers: Mapping[str, float], years: int) -> Published:
    """Return the share of a peak that is left some years after the money."""
    after = f"{years} year{'s' if years > 1 else ''} after the money"
    label = f"share of the peak of {who(where.measure, where.group)} left {after}"
    about = where.named(f"left_{years}y", label, year=last_funded_year(result) + years)
    return reported_statistic.of_shares(about, *_band(result, numbers, f"left_{years}y"), origin(result))


def _half_left(result: Result, where: About, numbers: Mapping[str, float], years: int) -> Published:
    """Return the chance that half of a peak is left some years after the money."""
    chance = numbers[f"p_half_left_{years}y"]
    label = f"chance that half the peak of {who(where.measure, where.group)} is left {years} years after the money"
    about = where.named(f"p_half_left_{years}y", label, year=last_funded_year(result) + years)
    error = reported_statistic.error_of_share(chance, result.n_draws) if np.isfinite(chance) else 0.0
    return reported_statistic.of_share(about, chance, error, origin(result))


def last_funded_year(result: Result) -> int:
    """Return the last year that has money."""
    return int(result.sustainability.attrs["last_funded_year"])


def _band(result: Result, numbers: Mapping[str, float], name: str) -> tuple[tuple[float, float, float], float]:
    """Return the middle and the ends of a number that lasts, and its Monte Carlo error, as of a normal."""
    band = (numbers[name], numbers[f"{name}_q05"], numbers[f"{name}_q95"])
    return band, reported_statistic.error_of_band(band, result.n_draws)


def _money(result: Result, quantity: str, label: str, gbp: float, *, area: str = ALL_AREAS, year: int = 0) -> Published:
    """Return a sum of money; only national programmes rest on figures to verify."""
    marks = doubtful(result) if quantity == "national" else ()
    base = str(result.manifest["price_base"])
    about = About(quantity, label, area=area, year=year, price_base=base, marks=marks)
    return reported_statistic.of_money(about, gbp, origin(result))


def _account(result: Result) -> Statistics:
    """Return the money in all, and the shares of activity by what happens to it when funding ends."""
    sums = {name: float(gbp) for name, gbp in result.manifest["account_gbp"].items() if name in LINES}
    sums["national"] = float(result.money.national.sum())
    found = {name: _money(result, name, label, sums[name]) for name, label in LINES.items()}
    total = float(result.money.spend.sum())
    interventions = result.manifest["scenario"]["interventions"]
    for kind, meaning in KINDS.items():
        names = [name for name in result.money.intervention.values.tolist() if interventions[name]["kind"] == kind]
        share = float(result.money.spend.sel(intervention=names).sum()) / total if total and names else 0.0
        about = About(f"money_share_{kind}", f"share of the money for activity that {meaning}")
        found[f"money_share_{kind}"] = reported_statistic.of_shares(about, (share,) * 3, 0.0, origin(result))
    return found


def _worth(result: Result) -> Statistics:
    """Return benefit over cost and the price of one more; nothing where no money was spent or it was not reckoned."""
    value, made, found = result.value, origin(result), {}
    if not len(value) or not value.spent.values.any():
        return {}
    ratio = ranking.per_pound(value, whole=True).get("plain")
    if ratio is not None:
        prices = f"benefit {value.attrs['benefit_prices']}, money {value.attrs['price_base']}"
        marks = (*place(result, "attainment_8", "all", is_effect=False).marks, VERIFY)
        about = About("benefit_per_pound", "lifetime earnings for each pound, both discounted, through Attainment 8",
                      "GBP / GBP", price_base=prices, marks=marks)  # fmt: skip
        draws = by_chain(result, ratio[0])
        found["benefit_per_pound"] = reported_statistic.of_draws(about, draws, made)
        about = About("chance_worth", "chance that benefit exceeds cost", marks=marks)
        found["chance_worth"] = reported_statistic.of_chance(about, draws > 1, made)
    return found | one_more(result, summaries.headline_measure(result)[0])


def by_chain(result: Result, draws: np.ndarray) -> np.ndarray:
    """Return flat draws by chain and draw."""
    return np.asarray(draws).reshape(result.draws.sizes["chain"], result.draws.sizes["draw"])


def one_more(result: Result, measure: str) -> Statistics:
    """Return how many more do better in a measure, of all pupils of a programme that was appraised.

    Where more than half of the draws gain any, the cost of one more stands beside it: the median in pounds, if it were
    the only use of the money.
    """
    value, made, years = result.value, origin(result), result.draws.year.values
    more = appraisal.extra(result.draws, value.pupils, measure, "all")
    where = About("", "", measure=measure, group="all", year=int(years[-1]), marks=place(result, measure, "all").marks)
    label = f"more who do better in {who(measure, 'all')} until {academic_year(where.year)}"
    about = where.named("extra", label, appraisal.unit_over_years(measure))
    found = {"extra": reported_statistic.of_draws(about, by_chain(result, more[-1].sum(axis=0)), made)}
    bought = by_chain(result, appraisal.per_pound(more, value, years)[-1, -1])
    if (bought > 0).mean() > 0.5:
        with np.errstate(divide="ignore"):
            price = np.where(bought > 0, 1 / np.where(bought > 0, bought, 1.0), np.inf)
        label = f"cost of one more in {who(measure, 'all')} (median), this being its only use"
        about = where.named("cost_of_one_more", label, "GBP", price_base=str(value.attrs["price_base"]))
        found["cost_of_one_more"] = reported_statistic.of_draws(about, price, made, as_median=True)
    return found


def _sources(result: Result) -> Statistics:
    """Return the two largest parts of the uncertainty of impact and of level."""
    if not len(result.uncertainty):
        return {}
    year, found = summaries.headline_year(result), {}
    parts = result.uncertainty.sel(place=MEAN_OF_AREAS, reading_year=year)
    for quantity, whose in (("impact", "the impact"), ("projection", "the level")):
        part = parts.sel(quantity=quantity)
        table = zip(part.share.values.tolist(), part.error.values.tolist(), part.block.values.tolist(), strict=True)
        largest = sorted((row for row in table if np.isfinite(row[0])), reverse=True)[:2]
        for rank, (share, error, block) in enumerate(largest):
            label = f"share of the variance of {whose} from {variance_decomposition.LABELS[block]}"
            about = About(f"variance_of_{quantity}", label, area=block, year=year)
            low, high = (float(np.clip(share + sign * 1.645 * error, 0, 1)) for sign in (-1, 1))
            band = (float(np.clip(share, 0, 1)), low, high)
            found[f"{quantity} from {rank}"] = reported_statistic.of_shares(about, band, error, origin(result))
    return found


def _by_area(result: Result) -> Statistics:
    measure, group = summaries.headline_measure(result)
    found = {}
    for area in result.draws.area.values.tolist():
        found[f"impact in {area}"] = _outcome(result, "impact", measure, group, area)
        if left := lasting(result, measure, group, area):
            found[f"left_5y in {area}"] = left["left_5y"]
        money = result.money.sel(area=area)
        gbp = float(money.spend.sum() + money.management.sum() + money.unspent.sum())
        found[f"money in {area}"] = _money(result, "money_in", f"money for {area}", gbp, area=area)
    return found


def _by_measure(result: Result) -> Statistics:
    found = {}
    for measure in result.draws.measure.values.tolist():
        found[f"impact on {measure}"] = _outcome(result, "impact", measure, "all")
        if chance := _chance_better(result, measure, "all"):
            found[f"chance on {measure}"] = chance
        if left := lasting(result, measure, "all"):
            found[f"left_5y on {measure}"] = left["left_5y"]
    return found


def _behind(result: Result) -> Statistics:
    """Return what the brief says of the draws and the sources themselves, in the digits of its sentences."""
    gates, n_areas = result.manifest["gates"], result.draws.sizes["area"]
    rows = [
        ("r_hat_max", "largest R-hat of baseline and evidence", "1", gates["r_hat_max"], ".3f"),
        ("ess_bulk_min", "smallest effective sample size, bulk", "draws", gates["ess_bulk_min"], ".0f"),
        ("ess_tail_min", "smallest effective sample size, tails", "draws", gates["ess_tail_min"], ".0f"),
        ("divergences", "divergent transitions", "transitions", gates["divergences"], ".0f"),
        ("n_draws", "draws behind every figure", "draws", result.n_draws, ",d"),
        ("n_areas", "areas", "areas", n_areas, ",d"),
    ]
    # of the posterior in the package; one of the user's own has no record
    if not result.manifest["scenario"]["posterior"] and (record := track_record.record()):
        until = f"of forecasts frozen with figures to {record.until}, less England"
        rows += [
            ("record_figures", f"figures published since, {until}", "figures", record.n, ",d"),
            (
                "record_crps_ratio",
                f"error (CRPS) against a random walk, {until}",
                "ratio",
                record.crps_ratio,
                ".2f",
            ),
            ("record_held", f"share of figures in the 80% intervals, {until}", "share", record.held, ".0%"),
        ]
    for table, names in result.manifest.get("to_verify", {}).items():
        label = f"figures of the table {table} still to verify"
        rows.append((f"to_verify_{table}", label, "figures", len(names), ",d"))
    return {
        name: reported_statistic.as_said(About(name, label, of), value, format(value, form), origin(result))
        for name, label, of, value, form in rows
    }


def workbook(result: Result, statistics: Statistics | None = None) -> tuple[Published, ...]:
    """Return the figures of a run's workbook; one that the brief has is the brief's own.

    They are ``projection``, ``counterfactual`` and ``impact`` by place, group, measure and year; ``promised_50``,
    ``_70`` and ``_90``; ``left_1y``, ``_5y``, ``_10y``, ``p_half_left_5y``, ``half_life_years`` and ``risk``; and the
    money by area. A place is an area or the unweighted mean of all; ``statistics`` are from ``brief``.
    """
    own = {one.figure: one for one in (statistics or brief(result)).values()}
    figures: dict[str, Published] = {}
    for one in (*_outcomes(result), *_lasting(result), *money(result)):
        figures.setdefault(one.figure, own.get(one.figure) or replace(one, shown_in="workbook"))
    return tuple(figures.values())


def _pairs(result: Result) -> Iterator[tuple[str, str]]:
    for measure in result.draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            yield measure, group


def _places(result: Result, measure: str, group: str, *, is_effect: bool = True) -> list[About]:
    """Return what figures of each area, and then of their mean, are of."""
    names = [*result.draws.area.values.tolist(), MEAN_OF_AREAS]
    return [place(result, measure, group, name, is_effect=is_effect) for name in names]


def _outcomes(result: Result) -> Iterator[Published]:
    """Yield outcomes of every place and year, and what can be promised of those with the programme."""
    for measure, group in _pairs(result):
        for quantity in QUANTITIES:
            draws = result.draws[quantity].sel(measure=measure, group=group).transpose("chain", "draw", "area", "year")
            values = draws.values.astype(float)
            values = np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2)  # (chain, draw, place, year)
            places = _places(result, measure, group, is_effect=quantity != "counterfactual")
            yield from _courses(result, quantity, values, places)
            if quantity == "projection":
                yield from _promises(result, values, places)


def _looked_at(result: Result) -> list[int]:
    """Return the places of the years at which it is seen how many draws a course is worth."""
    every = result.draws.year.values.tolist()
    return [every.index(summaries.headline_year(result)), len(every) - 1]


def _courses(result: Result, quantity: str, draws: np.ndarray, places: list[About]) -> Iterator[Published]:
    made, years = origin(result), result.draws.year.values.tolist()
    bands = np.stack([draws.mean(axis=(0, 1)), *np.quantile(draws, [LOW, HIGH], axis=(0, 1))], axis=-1)
    errors = mcse.error_of_courses(draws, _looked_at(result))
    whose = who(places[0].measure, places[0].group)
    its_unit = unit(places[0].measure, level=quantity != "impact")
    for p, where in enumerate(places):
        for y, year in enumerate(years):
            label = f"{OUTCOMES[quantity].format(f'{whose} in {academic_year(year)}')}, {where.area}"
            about = where.named(quantity, label, its_unit, year=year)
            yield reported_statistic.of_summary(about, tuple(bands[p, y].tolist()), float(errors[p, y]), made)


def _promises(result: Result, draws: np.ndarray, places: list[About]) -> Iterator[Published]:
    """Yield the levels that are reached with each chance, at the headline's year and at the last."""
    made, measure, group = origin(result), places[0].measure, places[0].group
    every = result.draws.year.values.tolist()
    years = sorted({summaries.headline_year(result), every[-1]})
    levels_of = draws[..., [every.index(year) for year in years]]
    effective = float(mcse.worth(draws, _looked_at(result)).min())
    reached = "not exceeded" if MEASURES[measure].lower_is_better else "reached"
    for chance in PROMISES:
        share = chance / 100 if MEASURES[measure].lower_is_better else 1 - chance / 100
        levels = np.quantile(levels_of, share, axis=(0, 1))
        errors = mcse.error_of_quantile(levels_of, share, effective)
        for p, where in enumerate(places):
            for y, year in enumerate(years):
                label = f"{who(measure, group)} in {academic_year(year)}: {reached} with a chance of {chance}%"
                label = f"{label}, {where.area}"
                about = where.named(f"promised_{chance}", label, unit(measure, level=True), year=year)
                yield reported_statistic.of_summary(about, (float(levels[p, y]),) * 3, float(errors[p, y]), made)


def _lasting(result: Result) -> Iterator[Published]:
    """Yield what lasts of every place, group and measure that has an impact to keep."""
    for measure, group in _pairs(result):
        kept = result.sustainability.sel(measure=measure, group=group)
        by_name = {str(name): _with_mean(kept[name]) for name in kept.data_vars if kept[name].dtype.kind == "f"}
        risks = kept.risk.values.tolist()
        for p, where in enumerate(_places(result, measure, group)):
            numbers = {name: float(values[p]) for name, values in by_name.items()}
            if not numbers["p_impact"] > 0:
                continue
            yield from (_left(result, where, numbers, years) for years in YEARS_AFTER)
            yield _half_left(result, where, numbers, 5)
            whose = who(measure, group)
            label = f"years after the money until half the peak of {whose} is lost (at most 15 are counted)"
            about = where.named("half_life_years", label, "years")
            yield reported_statistic.of_summary(about, *_band(result, numbers, "half_life_years"), origin(result))
            if p < len(risks):
                label = f"risk of losing the impact on {whose}"
                about = where.named("risk", label, "grade: 1 low, 2 medium, 3 high")
                yield reported_statistic.as_said(about, RISKS.index(risks[p]) + 1, risks[p], origin(result))


def _with_mean(values: xr.DataArray) -> np.ndarray:
    """Return values of every place; the mean is of the areas that have one."""
    known = values.values[np.isfinite(values.values)]
    return np.append(values.values, known.mean() if known.size else np.nan)


def money(result: Result) -> Iterator[Published]:
    """Yield the money by area and in all: what is spent on each intervention, management, unspent; then by year."""
    account, interventions = result.money, result.manifest["scenario"]["interventions"]
    sums = {"allocated": account.spend.sum("intervention"), "management": account.management}
    sums["unspent"] = account.unspent
    whole = {"money_in": sum(sums.values()), "national": account.national.sum("intervention")}
    each = {name: account.spend.sel(intervention=name) for name in account.intervention.values.tolist()}
    lines = {f"spent_on_{name}": (f"spent on {interventions[name]['label']}", spend) for name, spend in each.items()}
    lines |= {name: (LINES[name], line) for name, line in (sums | whole).items()}
    years = account.money_year.values.tolist()
    for name, (label, line) in lines.items():
        values = line.transpose("area", "money_year").values
        if not name.startswith("spent_on_") or values.any():
            yield from _by_place(result, name, label, values.sum(axis=1))
        if name in sums:
            for y in np.flatnonzero(values.any(axis=0)):
                yield from _by_place(result, name, f"{label}, {academic_year(years[y])}", values[:, y], years[y])


def _by_place(result: Result, name: str, label: str, gbp: np.ndarray, year: int = 0) -> Iterator[Published]:
    """Yield a line of the account for each area and for all."""
    areas = [*result.draws.area.values.tolist(), ALL_AREAS]
    for area, pounds in zip(areas, [*gbp, gbp.sum()], strict=True):
        yield _money(result, name, f"{label}, {area}", float(pounds), area=area, year=year)
