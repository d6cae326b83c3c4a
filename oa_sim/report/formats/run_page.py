"""Run page: a result as one HTML page.

The page needs no script and no network. It has sections on outcomes, value, uncertainty and what lasts. A section is
left out where the result was saved before it could be worked out.
"""

from html import escape
from importlib.resources import files

import numpy as np

from oa_sim import formatting
from oa_sim.definitions import MEASURES, QUANTILES, academic_year
from oa_sim.formatting import chance
from oa_sim.plots import fan_charts, intervals, picture
from oa_sim.projection import appraisal, ranking, variance_decomposition
from oa_sim.projection.impact_retention import YEARS_AFTER
from oa_sim.projection.sustainability import WHOLE
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.result import Result

LOW, HIGH = QUANTILES["q05"], QUANTILES["q95"]
VIEW_NOTES = {
    "plain": "a pound is a pound",
    "weighted": "a pound counts more to disadvantaged pupils, who will earn less; by how much less is an assumption",
    "gap_closing": "only what disadvantaged pupils gain beyond what other pupils gain",
}
STYLE = files(__package__) / "briefing.css"
ENDINGS = {
    "stop": "the money then stops",
    "taper": "the money tapers off",
    "extend": "the same money is spread over more years",
    "hand_over": "local partners then take over",
}
SPLITS = {
    "equal": "split equally between the areas",
    "per_pupil": "split by the number of pupils",
    "per_disadvantaged_pupil": "split by the number of disadvantaged pupils",
    "custom": "split by chosen shares",
}
DAGGER, NBSP = "\N{DAGGER}", "\N{NO-BREAK SPACE}"


def worth(result: Result) -> str:
    """Return the section on value."""
    title = "<h2>Value</h2>\n"
    if not len(result.value):
        return ""
    if not result.value.spent.values.any():
        return f"{title}<p>No money is spent, so there is nothing to set a benefit against.</p>"
    said = "".join(f"<p>{escape(line)}</p>\n" for line in narrative.worth(result))
    return f"{title}{said}{_extra(result)}\n{_balance(result)}"


def _extra(result: Result) -> str:
    """Return how many more pupils do better in each measure, and what one more costs."""
    years, rows = result.draws.year.values, []
    for measure in result.draws.measure.values.tolist():
        more = appraisal.extra(result.draws, result.value.pupils, measure, "all")
        bought = appraisal.per_pound(more, result.value, years)[-1, -1]
        price = narrative.price_of_one_more(result, bought)
        unit = appraisal.unit_over_years(measure)
        mark = _mark(result, measure)
        cells = [_with_band(more[-1].sum(axis=0)), price]
        gained = chance(float((bought > 0).mean()))
        rows.append([f"{escape(MEASURES[measure].label)}{mark}", cells[0], unit, cells[1], gained])
    head = ["Measure", "More who do better", "Counted in", "Cost of one more (median)", "Chance of any gain"]
    caption = f"All areas, {academic_year(int(years[0]))} to {academic_year(int(years[-1]))}; 90% intervals below"
    return (
        f"{as_table(caption, head, rows)}\n"
        '<p class="note">All that is spent until then is set against each measure alone: the costs must not be added. '
        "Where nothing is gained in a draw, one more has no price; such draws count as dearer than all others. A pupil "
        "who is counted in several year groups is counted once a year.</p>"
    )


def _mark(result: Result, measure: str) -> str:
    """Return the mark of a county's figures where any area has it."""
    return "\N{DAGGER}" if bool(result.draws.proxy.sel(measure=measure, group="all").any()) else ""


def _balance(result: Result) -> str:
    """Return benefit per pound in three views, and which area comes first in each."""
    areas, whole = ranking.per_pound(result.value), ranking.per_pound(result.value, whole=True)
    if not areas:
        return ""
    names = result.draws.area.values.tolist()
    head = ["Area", *(f"{escape(label.capitalize())} per pound" for _, label in ranking.VIEWS.values())]
    head += [f"Chance of being first: {view.replace('_', '-')}" for view in ranking.VIEWS] if len(names) > 1 else []
    firsts = []
    for values in areas.values():
        paid = np.isfinite(values).all(axis=1)
        lead = np.full(len(names), np.nan)
        lead[paid] = ranking.first(values[paid]) if paid.any() else np.nan
        firsts.append(lead)
    rows = []
    for a, name in enumerate(names):
        mark = "\N{DAGGER}" if bool(result.draws.proxy.isel(area=a).any()) else ""
        leads = ["none" if np.isnan(lead[a]) else chance(lead[a]) for lead in firsts]
        ratios = [_with_band(values[a]) for values in areas.values()]
        rows.append([f"{escape(name)}{mark}", *ratios, *(leads if len(names) > 1 else [])])
    mark = "\N{DAGGER}" if bool(result.draws.proxy.any()) else ""
    rows.append([f"All areas{mark}", *(_with_band(values[0]) for values in whole.values()), *[""] * (len(head) - 4)])
    alarm = ranking.alarm(names, areas)
    notes = "; ".join(f"{ranking.VIEWS[view][1]}: {note}" for view, note in VIEW_NOTES.items())
    neet = ""
    if "neet_saving" in result.value:
        prices = escape(result.value.attrs["neet_prices"])
        saved = result.value.neet_saving.sum("area").values.ravel() / 1e6
        neet = (
            f"<p>Fewer young people who are NEET may save the public purse {_interval(saved)} million GBP in the "
            f"projected years (prices of {prices}, figure to verify). It overlaps with earnings: it is not added.</p>\n"
        )
    warned = f"<p>{escape(alarm)}</p>\n" if alarm else ""
    last = academic_year(result.value.attrs["last_year"])
    return (
        f"{warned}{as_table('Benefit over cost, both discounted', head, rows, kind='crowded', total=True)}\n{neet}"
        f'<p class="note">{escape(notes[0].upper() + notes[1:])}. Cohorts that reach Year 11 by {last} are counted, '
        "later ones are not. How much of the link between grades and earnings is causal is an assumption, with an "
        "uncertainty of its own; the pupil SD of Attainment 8 is to verify.</p>"
    )


def whence(result: Result) -> str:
    """Return the section on where the uncertainty comes from."""
    if not len(result.uncertainty):
        return ""
    title = "<h2>Where the uncertainty comes from</h2>\n"
    shown = origins_picture(result)
    if shown is None:
        return f"{title}<p>The draws are too few to tell.</p>"
    sentence = "".join(f"<p>{escape(line)}</p>\n" for line in narrative.whence(result))
    return (
        f'{title}{sentence}<figure class="wide">\n<h3>{shown.title}</h3>\n{shown.svg}\n</figure>\n'
        '<p class="note">A part is what is explained by one block alone, read off the draws; what no block explains '
        "alone comes from several together. The level is the projection, the programme included.</p>"
    )


def origins_picture(result: Result) -> picture.Picture | None:
    """Return the shares of variance of impact and level; None where they were not reckoned or draws are too few."""
    if not len(result.uncertainty):
        return None
    found = result.uncertainty.sel(place=variance_decomposition.MEAN)
    rows, shares = [], []
    for quantity, name in (("impact", "impact"), ("projection", "level")):
        for year in found.reading_year.values.tolist():
            share = 100 * found.share.sel(quantity=quantity, reading_year=year).values
            if np.isfinite(share).any():
                rows.append(f"{name} in {academic_year(year)}")
                shares.append(share)
    if not rows:
        return None
    table = np.array(shares)
    shown = np.isfinite(table).any(axis=0)
    parts = [variance_decomposition.LABELS[block] for block in found.block.values[shown].tolist()]
    said = "; ".join(
        f"{row}: " + ", ".join(f"{part} {max(x, 0):.0f}%" for part, x in zip(parts, line, strict=True) if x > 0.5)
        for row, line in zip(rows, table[:, shown], strict=True)
    )
    alternative = f"Shares of variance, {summaries.over_areas(result)}{summaries.failed(result)}. {said}."
    title = "Shares of variance, in per cent"
    return intervals.stacked_picture("origins", title, alternative, rows, parts, table[:, shown])


def _with_band(draws: np.ndarray) -> str:
    """Return a mean with its 90% interval below it, in as many digits as it supports."""
    if not np.isfinite(draws).all():
        return "none"
    low, high = np.quantile(draws, [LOW, HIGH])
    places = formatting.decimals(low, high)
    low, middle, high = (formatting.number(value, places) for value in (low, draws.mean(), high))
    return f"{middle} <small>{low} to {high}</small>"


def _interval(draws: np.ndarray) -> str:
    low, high = np.quantile(draws, [LOW, HIGH])
    return formatting.estimate(float(draws.mean()), float(low), float(high))


def section(result: Result) -> str:
    """Return what lasts: by measure for the whole programme, then by intervention."""
    title = "<h2>What lasts</h2>\n"
    found = result.sustainability.sel(group="all")
    if not (found.p_impact.values > 0).any():
        return f"{title}<p>There is no impact to keep, so there is nothing that could last or be lost.</p>"
    head = ["Measure", "Peak, SD", "Peak year", *(f"Left after {k} year{'s' * (k > 1)}" for k in YEARS_AFTER)]
    head += [f"Chance at least half is left after {k} years" for k in YEARS_AFTER[1:]]
    head.append("Areas by risk of losing it: high / medium / low")
    rows = []
    for name in found.measure.values.tolist():
        at = found.sel(measure=name)
        year = at.peak_year.values[np.isfinite(at.peak_year.values)]
        graded = [str(int((at.risk.values == grade).sum())) for grade in ("high", "medium", "low")]
        rows.append(
            [
                escape(MEASURES[name].label),
                formatting.number(float(at.peak_sd.mean()), 3),
                academic_year(int(np.median(year))) if year.size else "none",
                *(_share_and_range(at[f"left_{k}y"].values) for k in YEARS_AFTER),
                *(chance(_mean(at[f"p_half_left_{k}y"].values)) for k in YEARS_AFTER[1:]),
                " / ".join(graded),
            ]
        )
    caption = f"What is left of the peak impact, all pupils, {escape(summaries.over_areas(result))}"
    caption += ", with the lowest and highest area" if result.draws.sizes["area"] > 1 else ""
    return (
        f"{title}<p>What is left is the largest gain still to be seen from then on, as a share of the peak. Measures "
        "of older pupils can keep more for longer because pupils who were helped when young have yet to reach them, "
        "even where the activity has stopped. 1 SD is one pupil-level standard deviation.</p>\n"
        f'<figure class="wide">\n<h3>Share of the peak left 1, 5 and 10 years after the money</h3>\n'
        f"{fan_charts.retention_picture(result).svg}\n</figure>\n"
        f"{as_table(caption, head, rows)}\n{_by_intervention(result)}"
    )


def _by_intervention(result: Result) -> str:
    """Return what is left of each intervention, on the measure that it moves most; nothing for an older file."""
    found = result.by_intervention
    if not found.sizes.get("intervention"):
        return ""
    head = ["Intervention", "Kind", "Measure it moves most", *(f"Left after {k} y" for k in YEARS_AFTER)]
    head += ["Chance at least half is left after 5 years", "Areas by risk: high / medium / low"]
    asked, rows = result.manifest["scenario"]["interventions"], []
    for name in found.intervention.values.tolist():
        peak = found.peak_sd.sel(intervention=name).mean("area")
        measure = str(peak.idxmax("measure").values)
        at = found.sel(intervention=name, measure=measure)
        graded = [str(int((at.risk.values == grade).sum())) for grade in ("high", "medium", "low")]
        rows.append(
            [
                escape(asked[name]["label"]),
                escape(asked[name]["kind"].replace("_", "-")),
                escape(MEASURES[measure].label),
                *(_share_and_range(at[f"left_{k}y"].values) for k in YEARS_AFTER),
                chance(_mean(at.p_half_left_5y.values)),
                " / ".join(graded),
            ]
        )
    same = " (its lowest and highest area below)" if result.draws.sizes["area"] > 1 else ""
    return (
        f'<figure class="wide">\n<h3>Share of the peak left, by years after the money: {_measure(result)[1]}</h3>\n'
        f"{curves(result)}\n</figure>\n"
        f"{as_table(f'What is left of each intervention, all pupils{same}', head, rows, kind='crowded')}\n"
        '<p class="note">Why each is graded as it is stands in words in sustainability.csv, every year after the money '
        "in retention.csv.</p>"
    )


def curves(result: Result) -> str:
    """Return the share of the peak left in each year after the money, of the whole and of each intervention."""
    return curves_picture(result).svg


def curves_picture(result: Result) -> picture.Picture:
    """Return the share of the peak left in each year after the money, of the whole and of each intervention."""
    measure, label = _measure(result)
    found = result.retention.sel(measure=measure, group="all").mean("area")  # of areas, of figures and of ends alike
    asked = result.manifest["scenario"]["interventions"]
    lines = {}
    for name in found.intervention.values.tolist():
        band = np.array([found[key].sel(intervention=name).values for key in ("left", "left_q05", "left_q95")])
        if np.isfinite(band).all():
            lines["the whole programme" if name == WHOLE else asked[name]["label"]] = 100 * band
    title = f"Share of the peak left, by years after the money: {label}"
    return intervals.courses_picture(
        "curves",
        title,
        found.years_after.values,
        lines,
        "years after the money",
        f"% of the peak still to be seen{summaries.failed(result)}",
    )


def _measure(result: Result) -> tuple[str, str]:
    measure, _ = summaries.headline_measure(result)
    return measure, MEASURES[measure].label


def _mean(values: np.ndarray) -> float:
    """Return the mean of what is known, NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _share_and_range(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "no impact"
    several = f" <small>{100 * known.min():.0f} to {100 * known.max():.0f}%</small>" if known.size > 1 else ""
    return f"{100 * known.mean():.0f}%{several}"


def page(result: Result, headline: list[str]) -> str:
    """Return the briefing of a result as one HTML page.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    headline
        Ready sentences, the main one first.
    """
    title = f"Opportunity Areas: {escape(result.label)}"
    parts = (_futures, _areas, section, _money, worth, whence, _trust)
    body = "\n".join(f"<section>\n{text}\n</section>" for text in (part(result) for part in parts) if text)
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n{_opening(result, title, headline)}\n"
        f"<main>\n{body}\n</main>\n{_footer(result)}\n</body>\n</html>\n"
    )


def _opening(result: Result, title: str, headline: list[str]) -> str:
    gates = result.manifest["gates"]
    passed = gates["verdict"] == "PASS"
    means = "baseline and evidence passed their gates" if passed else "do not use these figures"
    alarm = "FAIL: baseline and evidence did not pass their gates, do not use these figures: " + gates["reason"]
    warning = f'<p class="fail" role="alert">{escape(alarm)}</p>\n'
    whole = [escape(line) for line in headline]
    lead = [f'<p class="lead">{line}</p>' for line in whole[:1]]
    lines = "\n".join([*lead, *(f"<p>{line}</p>" for line in whole[1:])])
    return (
        f"{'' if passed else warning}<header>\n<h1>{title}</h1>\n{lines}\n"
        f'<p class="scenario">{escape(_scenario_in_words(result))}</p>\n'
        f'<p class="badge {gates["verdict"].lower()}">Verdict: {escape(gates["verdict"])}, {means}</p>\n</header>'
    )


def _scenario_in_words(result: Result) -> str:
    asked, years = result.manifest["scenario"], result.draws.year.values.tolist()
    names, total = asked["areas"]["names"], float(asked["budget"]["total_gbp"])
    last = int(result.sustainability.attrs["last_funded_year"])
    where = f"{len(names)} areas" if len(names) > 3 else ", ".join(names)
    rest = f"{where}; {len(years)} years projected, {academic_year(years[0])} to {academic_year(years[-1])}."
    if last < years[0]:
        return f"The scenario: no money is spent; {rest}"
    span = f"{last - years[0] + 1} years ({academic_year(years[0])} to {academic_year(last)})"
    split = SPLITS.get(asked["split"]["rule"], asked["split"]["rule"])
    ending = ENDINGS.get(asked["sustainability"]["ending"], asked["sustainability"]["ending"])
    return (
        f"The scenario: {total:,.0f} GBP over {span}, {split}, on the portfolio "
        f"\u2018{asked['portfolio']['name']}\u2019; {ending}; {rest}"
    )


def _futures(result: Result) -> str:
    measures = result.draws.measure.values.tolist()
    panels = "\n".join(
        f'<figure class="panel">\n<h3>{escape(MEASURES[name].label)}</h3>\n'
        f"{fan_charts.fan_picture(result, name, keyed=False).svg}\n</figure>"
        for name in measures
    )
    same = ", each area counting the same" if result.draws.sizes["area"] > 1 else ""
    marks = "".join(f"<li>{mark}{escape(meaning)}</li>" for mark, meaning in fan_charts.key(result))
    return (
        "<h2>What happens, with and without</h2>\n"
        f"<p>All pupils, {escape(summaries.over_areas(result))}{same}. The 90% band holds the "
        "true value in nine cases of ten if the model is right, the 50% band in one of two. "
        f"{_size_of_impact(result)} {_proxies_in_words(result)}</p>\n"
        f'<ul class="key">{marks}</ul>\n<div class="panels">\n{panels}\n</div>\n'
        '<p class="note">Gaps in the published line are years without a figure for every area. Where a county stands '
        "in for a district, the line is the county\u2019s and the projection is moved to the district: a step where it "
        "starts is that move, not a change.</p>"
    )


def _size_of_impact(result: Result) -> str:
    """Return how large the impact is next to what is not known about the future."""
    if not summaries.has_impact(result):
        return "This scenario changes nothing, so there is one future to show and no impact."
    year = summaries.reading_year(result)
    at = result.draws.year.values.tolist().index(year)
    shares = []
    for name in result.draws.measure.values.tolist():
        low, *_, high = summaries.mean_of_areas(result, "counterfactual", name)[:, at]
        shares.append(100 * abs(summaries.mean_of_areas(result, "impact", name)[2, at]) / (high - low))
    small = max(shares) < 25
    start = "The impact is small next to the uncertainty about the future" if small else "The impact in scale"
    coincide = ", so the two futures nearly coincide" if small else ""
    return (
        f"{start}: in {academic_year(year)} its median is below {int(max(shares)) + 1}{NBSP}% of the width of the grey "
        f"90{NBSP}% band{coincide}. The impact has a panel of its own and is known better than either future, because "
        "both share the same draws and the same noise."
    )


def _proxies_in_words(result: Result) -> str:
    county = result.draws.proxy.sel(group="all").max("measure").values.astype(bool)
    names = result.draws.area.values[county].tolist()
    if not names:
        return ""
    count = "one area is a district" if len(names) == 1 else f"{len(names)} areas are districts"
    return f"Here {count} whose figures are mostly the county\u2019s (county proxies): {escape(', '.join(names))}."


def _areas(result: Result) -> str:
    title = "<h2>The areas side by side</h2>\n"
    if not summaries.has_impact(result):
        return f"{title}<p>This scenario has no impact, so there is nothing to compare between areas.</p>"
    measures = result.draws.measure.values.tolist()
    name = "key_stage_2" if "key_stage_2" in measures else measures[0]
    group = MEASURES[name].table_groups[0]
    year = academic_year(summaries.reading_year(result))
    who = "all pupils" if group == "all" else f"{group} pupils"
    return (
        f'{title}<figure class="wide">\n<h3>{escape(MEASURES[name].label)}, {who}: impact in {year}</h3>\n'
        f"{fan_charts.side_by_side_picture(result, name, group).svg}\n"
        "<figcaption>Point: median; thick line: 50% band; thin line: 90% band. Hollow points: a county\u2019s "
        "figures stand in for the area.</figcaption>\n</figure>\n"
        f"{_table_of_areas(result, measures, year)}\n"
        f'<p class="note">{DAGGER} a county\u2019s figures stand in for the area. Where lower is better, a negative '
        "impact is a gain. Some measures peak after this year, as pupils helped when young reach them later.</p>"
    )


def _table_of_areas(result: Result, measures: list[str], year: str) -> str:
    head = ["Area"]
    rows = [[name] for name in map(escape, result.draws.area.values.tolist())]
    for name in measures:
        better = "; lower is better" if MEASURES[name].lower_is_better else ""
        head.append(f"{escape(MEASURES[name].label)} <small>{summaries.unit_of_change(name)}{better}</small>")
        mean, band = summaries.impact_by_area(result, name, "all")
        places = int(np.median([formatting.decimals(low, high) for low, high in zip(band[0], band[4], strict=True)]))
        proxy = result.draws.proxy.sel(measure=name, group="all").values
        for row, middle, low, high, county in zip(rows, mean, band[0], band[4], proxy, strict=True):
            low, middle, high = (formatting.number(value, places) for value in (low, middle, high))
            row.append(f"{middle}{DAGGER if county else ''} <small>{low} to {high}</small>")
    caption = f"Impact on all pupils in {year}: mean, and 90% interval below it"
    return as_table(caption, head, rows, kind="crowded")


def _money(result: Result) -> str:
    account, money = result.manifest["account_gbp"], result.money
    names = {"money_in": "Money in", "allocated": "Spent on activity", "management": "Management", "unspent": "Unspent"}
    rows = [[label, f"{account[name]:,.0f}"] for name, label in names.items()]
    rows.append(["Difference (money in less the rest)", f"{account['difference']:,.0f}"])
    spent = money.spend.sum(("intervention", "money_year")).values
    other = [money[name].sum("money_year").values for name in ("management", "unspent")]
    table = np.stack([spent, *other, spent + sum(other)], axis=1)
    by_area = [
        [escape(name), *(f"{value:,.0f}" for value in row)]
        for name, row in zip([*money.area.values.tolist(), "Total"], [*table, table.sum(axis=0)], strict=True)
    ]
    head = ["Area", "Activity", "Management", "Unspent", "Total"]
    return (
        f"<h2>Money</h2>\n<p>Price base: {escape(str(result.manifest['price_base']))}. All sums in GBP, over all years."
        f"</p>\n{as_table('The account', ['', 'GBP'], rows, total=True)}\n"
        f"{as_table('By area, GBP', head, by_area, total=True)}"
    )


def _trust(result: Result) -> str:
    gates = result.manifest["gates"]
    limits = gates["limits"]
    checks = (
        ("Largest R-hat (do the chains agree?)", gates["r_hat_max"], "at most", limits["r_hat_max"], ".3f"),
        ("Smallest effective sample, bulk", gates["ess_bulk_min"], "at least", limits["ess_min"], ",.0f"),
        ("Smallest effective sample, tails", gates["ess_tail_min"], "at least", limits["ess_min"], ",.0f"),
        ("Divergent transitions", gates["divergences"], "at most", limits["divergences"], ",.0f"),
    )
    rows = []
    for label, value, rule, limit, form in checks:  # what is not a number meets no limit
        met = value <= limit if rule == "at most" else value >= limit
        rows.append([label, f"{value:{form}}", f"{rule} {limit:,}", "yes" if met else "NO"])
    evidence = "".join(f"<p>{escape(line)}</p>\n" for line in narrative.evidence_behind(result))
    bullets = "\n".join(f"<li>{escape(line)}</li>" for line in narrative.CANNOT_SAY)
    return (
        f"<h2>How far to trust this</h2>\n<p>Every figure rests on {result.n_draws:,} draws from the posterior of the "
        f"baseline. Verdict: <strong>{escape(gates['verdict'])}</strong>: {escape(gates['reason'])}. The figure with "
        f"the largest R-hat: {escape(gates['worst'])}.</p>\n"
        f"{as_table('The sampler against its limits', ['Check', 'Found', 'Limit', 'Met'], rows)}\n"
        f"<h3>The evidence</h3>\n{evidence}<h3>What it cannot say</h3>\n<ul>\n{bullets}\n</ul>"
    )


def _footer(result: Result) -> str:
    about = result.manifest
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    words = (
        f"Run {about['run_id']}; scenario {result.label}; oa_sim {about['oa_sim']}; "
        f"data {about['data_hash'][:12]}; seed {about['seed']}."
    )
    return f"<footer>\n<p>{escape(words)}</p>\n<p>{escape(versions)}</p>\n</footer>"


def as_table(caption: str, head: list[str], rows: list[list[str]], *, kind: str = "plain", total: bool = False) -> str:
    """Return a table of ready HTML cells; the first of each row names it, and ``total`` sets the last row apart."""
    top = "".join(f'<th scope="col">{cell}</th>' if cell else "<td></td>" for cell in head)
    lines = []
    for i, (name, *cells) in enumerate(rows):
        mark = ' class="total"' if total and i == len(rows) - 1 else ""
        body = "".join(f"<td>{cell}</td>" for cell in cells)
        lines.append(f'<tr{mark}><th scope="row">{name}</th>{body}</tr>\n')
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}">\n<caption>{caption}</caption>\n'
        f"<thead><tr>{top}</tr></thead>\n<tbody>\n{''.join(lines)}</tbody>\n</table></div>"
    )
