"""Run statistics: the figures of a run that may be quoted, each formed once from its draws, with its marks.

Some are about the answer itself: where its uncertainty comes from, and what draws and sources are behind it.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.formatting import unit, who
from oa_sim.projection import appraisal, ranking, variance_decomposition
from oa_sim.report import reported_statistic
from oa_sim.report.reported_statistic import PROXY, VERIFY, About, Origin, Published
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result

KINDS = {
    "bought_in": "is bought in and stops with the money",
    "mixed": "is partly bought in",
    "embedded": "is embedded",
}


def whence(result: Result, made: Origin) -> dict[str, Published]:
    """Return the two largest parts of the uncertainty of impact and of level.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    made
        What its figures can be traced to.
    """
    if not len(result.uncertainty):
        return {}
    year, found = summaries.headline_year(result), {}
    about = result.uncertainty.sel(place=MEAN_OF_AREAS, reading_year=year)
    for quantity, whose in (("impact", "the impact"), ("projection", "the level")):
        part = about.sel(quantity=quantity)
        known = [(float(s), float(e), b) for s, e, b in zip(part.share.values, part.error.values,
                 part.block.values.tolist(), strict=True) if np.isfinite(s)]  # fmt: skip
        for rank, (share, error, block) in enumerate(sorted(known, reverse=True)[:2]):
            label = f"share of the variance of {whose} from {variance_decomposition.LABELS[block]}"
            said = About(f"variance_of_{quantity}", label, "share", area=block, year=year)
            band = tuple(float(np.clip(share + sign * 1.645 * error, 0, 1)) for sign in (0, -1, 1))
            found[f"{quantity} from {rank}"] = reported_statistic.of_shares(said, band, error, made)
    return found


def behind(result: Result, made: Origin) -> dict[str, Published]:
    """Return what the brief says of the draws and the sources themselves, in the digits of the sentences that say it.

    Parameters
    ----------
    result, made
        As in ``whence``.
    """
    gates = result.manifest["gates"]
    told = {
        "r_hat_max": ("largest R-hat of baseline and evidence", "1", f"{gates['r_hat_max']:.3f}"),
        "ess_bulk_min": ("smallest effective sample size, bulk", "draws", f"{gates['ess_bulk_min']:.0f}"),
        "ess_tail_min": ("smallest effective sample size, tails", "draws", f"{gates['ess_tail_min']:.0f}"),
        "divergences": ("divergent transitions", "transitions", f"{gates['divergences']:.0f}"),
    }
    found = {
        name: reported_statistic.as_said(About(name, label, its_unit), float(gates[name]), text, made)
        for name, (label, its_unit, text) in told.items()
    }
    counts = {"n_draws": ("draws behind every figure", "draws", result.n_draws)}
    counts["n_areas"] = ("areas", "areas", result.draws.sizes["area"])
    for table, names in result.manifest.get("to_verify", {}).items():
        counts[f"to_verify_{table}"] = (f"figures of the table {table} still to verify", "figures", len(names))
    for name, (label, its_unit, count) in counts.items():
        found[name] = reported_statistic.of_count(About(name, label, its_unit), count, made)
    return found


def origin(result: Result) -> Origin:
    """Return what every figure of a run can be traced to."""
    about = result.manifest
    return Origin(
        scenario=result.label,
        run_id=about["run_id"],
        draws=about["posterior"],
        data_hash=about["data_hash"],
        version=about["oa_sim"],
        n_draws=result.n_draws,
    )


def brief(result: Result) -> dict[str, Published]:
    """Return the figures of the two-page brief, by a short name.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    """
    found = _headline(result) | _lasting(result) | _money(result) | _worth(result) | whence(result, origin(result))
    return found | _by_area(result) | _by_measure(result) | behind(result, origin(result))


def doubtful(result: Result) -> tuple[str, ...]:
    """Return the mark of what the programme does, where it rests on figures that are still to verify."""
    return (VERIFY,) if result.manifest.get("to_verify") else ()


def proxies(result: Result, measure: str, group: str, area: str | None = None) -> tuple[str, ...]:
    """Return the mark of a county's figures, where the area, or any of them, has it."""
    at = result.draws.proxy.sel(measure=measure, group=group)
    return (PROXY,) if bool((at if area is None else at.sel(area=area)).any()) else ()


def _draws(result: Result, quantity: str, measure: str, group: str, year: int, area: str | None = None) -> np.ndarray:
    """Return draws (chain, draw) of a quantity in an area, or in the unweighted mean of all."""
    at = result.draws[quantity].sel(measure=measure, group=group, year=year).transpose("chain", "draw", "area")
    return (at.mean("area") if area is None else at.sel(area=area)).values.astype(float)


def _better(change: np.ndarray, measure: str) -> np.ndarray:
    return change < 0 if MEASURES[measure].lower_is_better else change > 0


def _headline(result: Result) -> dict[str, Published]:
    measure, group = summaries.headline_measure(result)
    year, made = summaries.headline_year(result), origin(result)
    where = {"measure": measure, "group": group, "area": MEAN_OF_AREAS, "year": year}
    county, doubt = proxies(result, measure, group), doubtful(result)
    change = _draws(result, "impact", measure, group, year)
    whose = f"{who(measure, group)} in {academic_year(year)}"
    found = {}
    for name, label, marks in (
        ("impact", f"impact on {whose}", (*county, *doubt)),
        ("counterfactual", f"{whose} without the programme", county),
        ("projection", f"{whose} with the programme", (*county, *doubt)),
    ):
        about = About(name, label, unit(measure, level=name != "impact"), **where, marks=marks)
        found[name] = reported_statistic.of_draws(about, _draws(result, name, measure, group, year), made)
    about = About("chance_better", f"chance that {whose} is better", "probability", **where, marks=(*county, *doubt))
    if change.any():  # where nothing changes there is no chance of it
        found["chance_better"] = reported_statistic.of_chance(about, _better(change, measure), made)
    seen = result.outside
    if seen.attrs.get("speaks"):
        way = "without" if seen.attrs["is_on"] else "with"
        about = About("impact_other_way", f"the same {way} the outside view", unit(measure), **where, marks=about.marks)
        other = seen.impact.sel(year=year).transpose("chain", "draw").values
        found["impact_other_way"] = reported_statistic.of_draws(about, other, made)
    return found | _by_group(result, measure, year) | _last_published(result, measure, group)


def _by_group(result: Result, measure: str, year: int) -> dict[str, Published]:
    """Return the impact of each group, and on the gap, where the measure has two."""
    if len(MEASURES[measure].groups) < 2:
        return {}
    found, each, doubt = {}, {}, doubtful(result)
    for group in MEASURES[measure].groups:
        each[group] = _draws(result, "impact", measure, group, year)
        marks = (*proxies(result, measure, group), *doubt)
        about = About("impact", f"impact on {who(measure, group)} in {academic_year(year)}", unit(measure), measure,
                      group, MEAN_OF_AREAS, year, marks=marks)  # fmt: skip
        found[f"impact {group}"] = reported_statistic.of_draws(about, each[group], origin(result))
    label = f"change of the gap (other less disadvantaged pupils) in {who(measure, 'all')} in {academic_year(year)}"
    about = About("gap_change", label, unit(measure), measure, "none", MEAN_OF_AREAS, year, marks=marks)
    gap = each["other"] - each["disadvantaged"]
    return found | {"gap_change": reported_statistic.of_draws(about, gap, origin(result))}


def _last_published(result: Result, measure: str, group: str) -> dict[str, Published]:
    past = result.draws.history.sel(measure=measure, group=group).transpose("area", "history_year").values.mean(axis=0)
    known = np.flatnonzero(np.isfinite(past))
    if not known.size:
        return {}
    year = int(result.draws.history_year.values[known[-1]])
    about = About("published", f"{who(measure, group)} as last published, {academic_year(year)}",
                  unit(measure, level=True), measure, group, MEAN_OF_AREAS, year,
                  marks=proxies(result, measure, group))  # fmt: skip
    value = float(past[known[-1]])
    one = reported_statistic.of_summary(about, (value, value, value), 0.0, origin(result))
    return {"published": one}


def _lasting(result: Result) -> dict[str, Published]:
    """Return what is left of the headline's peak, in the average area that has an impact to keep."""
    measure, group = summaries.headline_measure(result)
    kept = result.sustainability.sel(measure=measure, group=group)
    if not float(kept.p_impact.max()) > 0:
        return {}
    marks = (*proxies(result, measure, group), *doubtful(result))
    left = lasting(result, means(kept), MEAN_OF_AREAS, measure, group, marks)
    return left | _risks(result, measure, group)


def means(kept: xr.Dataset) -> xr.Dataset:
    """Return the mean over areas of every number, NaN left out."""
    numbers = [name for name in kept.data_vars if kept[name].dtype.kind == "f"]
    return kept[numbers].mean("area")


def lasting(result: Result, kept: xr.Dataset, area: str, measure: str, group: str, marks: tuple) -> dict:
    """Return shares of a peak that are left and the chance that half is, of one place.

    Parameters
    ----------
    result
        From which.
    kept
        ``left_5y``, ``left_10y`` with intervals and ``p_half_left_5y``, without dims.
    area, measure, group, marks
        Of whom, and what must stand beside it.
    """
    found, made, whose = {}, origin(result), who(measure, group)
    scatter = 1 / np.sqrt(result.n_draws)
    last = int(result.sustainability.attrs["last_funded_year"])
    for years in (5, 10):
        where = {"measure": measure, "group": group, "area": area, "year": last + years, "marks": marks}
        about = About(f"left_{years}y", f"share of the peak of {whose} left {years} years after the money", "share",
                      **where)  # fmt: skip
        band = tuple(float(kept[f"left_{years}y{end}"]) for end in ("", "_q05", "_q95"))
        found[f"left_{years}y"] = reported_statistic.of_shares(about, band, (band[2] - band[1]) / 3.29 * scatter, made)
        half = float(kept[f"p_half_left_{years}y"])
        about = About(f"p_half_left_{years}y", f"chance that half the peak of {whose} is left {years} years after the "
                      "money", "probability", **where)  # fmt: skip
        error = np.sqrt(max(half * (1 - half), 0)) * scatter if np.isfinite(half) else 0.0
        found[f"p_half_left_{years}y"] = reported_statistic.of_share(about, half, float(error), made)
    return found


def _risks(result: Result, measure: str, group: str) -> dict[str, Published]:
    """Return in how many areas the risk of losing the headline's impact is high, medium and low."""
    grades = result.sustainability.risk.sel(measure=measure, group=group).values.tolist()
    found = {}
    for grade in ("high", "medium", "low"):
        about = About(f"areas_at_{grade}_risk", f"areas where the risk of losing the impact is {grade}", "areas",
                      measure, group)  # fmt: skip
        found[f"{grade} risk"] = reported_statistic.of_count(about, grades.count(grade), origin(result))
    return found


def _money(result: Result) -> dict[str, Published]:
    made, account = origin(result), result.manifest["account_gbp"]
    base = str(result.manifest["price_base"])
    labels = {
        "money_in": "money in",
        "allocated": "spent on activity",
        "management": "management",
        "unspent": "unspent",
    }
    found = {}
    for name, label in labels.items():
        found[name] = reported_statistic.of_money(
            About(name, label, "GBP", price_base=base), float(account[name]), made
        )
    beside = float(result.money.national.sum())
    about = About("national", "national programmes beside the budget", "GBP", price_base=base, marks=doubtful(result))
    found["national"] = reported_statistic.of_money(about, beside, made)
    total = float(result.money.spend.sum())
    asked = result.manifest["scenario"]["interventions"]
    for kind, meaning in KINDS.items():
        names = [one for one in result.money.intervention.values.tolist() if asked[one]["kind"] == kind]
        share = float(result.money.spend.sel(intervention=names).sum()) / total if total and names else 0.0
        about = About(f"money_share_{kind}", f"share of the money for activity that {meaning}", "share")
        found[f"money_share_{kind}"] = reported_statistic.of_shares(about, (share, share, share), 0.0, made)
    return found


def _worth(result: Result) -> dict[str, Published]:
    """Return benefit over cost and the price of one more; nothing where no money was spent or it was not reckoned."""
    value, made, found = result.value, origin(result), {}
    if not len(value) or not value.spent.values.any():
        return {}
    shape = (result.draws.sizes["chain"], result.draws.sizes["draw"])
    ratio = ranking.per_pound(value, whole=True).get("plain")
    if ratio is not None:
        prices = f"benefit {value.attrs['benefit_prices']}, money {value.attrs['price_base']}"
        county = proxies(result, "attainment_8", "all")
        about = About("benefit_per_pound", "lifetime earnings for each pound, both discounted, through Attainment 8",
                      "GBP / GBP", price_base=prices, marks=(*county, VERIFY))  # fmt: skip
        draws = np.asarray(ratio[0]).reshape(shape)
        found["benefit_per_pound"] = reported_statistic.of_draws(about, draws, made)
        about = About("chance_worth", "chance that benefit exceeds cost", "probability", marks=(*county, VERIFY))
        found["chance_worth"] = reported_statistic.of_chance(about, draws > 1, made)
    return found | one_more(result, summaries.headline_measure(result)[0])


def one_more(result: Result, measure: str) -> dict[str, Published]:
    """Return how many more do better in a measure, and the cost of one more if it were the only use of the money.

    Parameters
    ----------
    result
        Whose money was spent and appraised.
    measure
        Of all pupils.

    Returns
    -------
    dict of Published
        ``extra`` and, where more than half of the draws gain any, ``cost_of_one_more`` (median, GBP).
    """
    value, made = result.value, origin(result)
    shape = (result.draws.sizes["chain"], result.draws.sizes["draw"])
    years, marks = result.draws.year.values, (*proxies(result, measure, "all"), *doubtful(result))
    more = appraisal.extra(result.draws, value.pupils, measure, "all")
    where = {"measure": measure, "group": "all", "year": int(years[-1]), "marks": marks}
    about = About("extra", f"more who do better in {who(measure, 'all')} until {academic_year(int(years[-1]))}",
                  appraisal.unit_over_years(measure), **where)  # fmt: skip
    found = {"extra": reported_statistic.of_draws(about, more[-1].sum(axis=0).reshape(shape), made)}
    bought = appraisal.per_pound(more, value, years)[-1, -1].reshape(shape)
    if (bought > 0).mean() > 0.5:
        with np.errstate(divide="ignore"):
            price = np.where(bought > 0, 1 / np.where(bought > 0, bought, 1.0), np.inf)
        base = str(value.attrs["price_base"])
        label = f"cost of one more in {who(measure, 'all')} (median), this being its only use"
        about = About("cost_of_one_more", label, "GBP", **where, price_base=base)
        found["cost_of_one_more"] = reported_statistic.of_draws(about, price, made, as_median=True)
    return found


def _by_area(result: Result) -> dict[str, Published]:
    measure, group = summaries.headline_measure(result)
    year, made, found = summaries.headline_year(result), origin(result), {}
    kept = result.sustainability.sel(measure=measure, group=group)
    for area in result.draws.area.values.tolist():
        marks = (*proxies(result, measure, group, area), *doubtful(result))
        about = About("impact", f"impact on {who(measure, group)} in {academic_year(year)}, {area}", unit(measure),
                      measure, group, area, year, marks=marks)  # fmt: skip
        found[f"impact in {area}"] = reported_statistic.of_draws(
            about, _draws(result, "impact", measure, group, year, area), made
        )
        if float(kept.p_impact.sel(area=area)) > 0:
            each = lasting(result, kept.sel(area=area), area, measure, group, marks)
            found[f"left_5y in {area}"] = each["left_5y"]
        money = result.money.sel(area=area)
        gbp = float(money.spend.sum() + money.management.sum() + money.unspent.sum())
        base = str(result.manifest["price_base"])
        found[f"money in {area}"] = reported_statistic.of_money(
            About("money_in", f"money for {area}", "GBP", area=area, price_base=base), gbp, made
        )
    return found


def _by_measure(result: Result) -> dict[str, Published]:
    year, made, found = summaries.headline_year(result), origin(result), {}
    for measure in result.draws.measure.values.tolist():
        marks = (*proxies(result, measure, "all"), *doubtful(result))
        where = {"measure": measure, "group": "all", "area": MEAN_OF_AREAS, "year": year, "marks": marks}
        change = _draws(result, "impact", measure, "all", year)
        about = About("impact", f"impact on {who(measure, 'all')} in {academic_year(year)}", unit(measure), **where)
        found[f"impact on {measure}"] = reported_statistic.of_draws(about, change, made)
        about = About("chance_better", f"chance that {who(measure, 'all')} is better", "probability", **where)
        if change.any():
            found[f"chance on {measure}"] = reported_statistic.of_chance(about, _better(change, measure), made)
        kept = result.sustainability.sel(measure=measure, group="all")
        if float(kept.p_impact.max()) > 0:
            each = lasting(result, means(kept), MEAN_OF_AREAS, measure, "all", marks)
            found[f"left_5y on {measure}"] = each["left_5y"]
    return found
