"""Briefing: a result in, one page of HTML out.

The page stands alone: no script, no network, pictures and style inside. It says in words what each picture
shows, how sure the model is, and what it cannot say.
"""

from html import escape
from importlib.resources import files

import numpy as np

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.plots import fan_charts
from oa_sim.report.formats import afterwards, sections
from oa_sim.report.formats.markup import as_table
from oa_sim.simulation import narrative
from oa_sim.simulation.result import Result

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
    parts = (_futures, _areas, afterwards.section, _money, sections.worth, sections.whence, _trust)
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
    whole = [escape(line).replace(" %", f"{NBSP}%") for line in headline]  # a sign is not left alone on a line
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
        f'<figure class="panel">\n<h3>{escape(MEASURES[name].label)}</h3>\n{fan_charts.fan(result, name)}\n</figure>'
        for name in measures
    )
    same = ", each area counting the same" if result.draws.sizes["area"] > 1 else ""
    marks = "".join(f"<li>{mark}{escape(meaning)}</li>" for mark, meaning in fan_charts.key(result))
    return (
        "<h2>What happens, with and without</h2>\n"
        f"<p>All pupils, {escape(fan_charts.over_areas(result))}{same}. The 90 % band holds the "
        "true value in nine cases of ten if the model is right, the 50 % band in one of two. "
        f"{_size_of_impact(result)} {_proxies_in_words(result)}</p>\n"
        f'<ul class="key">{marks}</ul>\n<div class="panels">\n{panels}\n</div>\n'
        '<p class="note">Gaps in the published line are years without a figure for every area. Where a county stands '
        "in for a district, the line is the county\u2019s and the projection is moved to the district: a step where it "
        "starts is that move, not a change.</p>"
    )


def _size_of_impact(result: Result) -> str:
    """Return how large the impact is next to what is not known about the future."""
    if not fan_charts.has_impact(result):
        return "This scenario changes nothing, so there is one future to show and no impact."
    year = fan_charts.reading_year(result)
    at = result.draws.year.values.tolist().index(year)
    shares = []
    for name in result.draws.measure.values.tolist():
        low, *_, high = fan_charts.mean_of_areas(result, "counterfactual", name)[:, at]
        shares.append(100 * abs(fan_charts.mean_of_areas(result, "impact", name)[2, at]) / (high - low))
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
    if not fan_charts.has_impact(result):
        return f"{title}<p>This scenario has no impact, so there is nothing to compare between areas.</p>"
    measures = result.draws.measure.values.tolist()
    name = "key_stage_2" if "key_stage_2" in measures else measures[0]
    group = MEASURES[name].table_groups[0]
    year = academic_year(fan_charts.reading_year(result))
    who = "all pupils" if group == "all" else f"{group} pupils"
    return (
        f'{title}<figure class="wide">\n<h3>{escape(MEASURES[name].label)}, {who}: impact in {year}</h3>\n'
        f"{fan_charts.side_by_side(result, name, group)}\n"
        "<figcaption>Point: median; thick line: 50 % band; thin line: 90 % band. Hollow points: a county\u2019s "
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
        head.append(f"{escape(MEASURES[name].label)} <small>{fan_charts.unit_of_change(name)}{better}</small>")
        mean, band = fan_charts.impact_by_area(result, name, "all")
        places = int(np.median([fan_charts.decimals(low, high) for low, high in zip(band[0], band[4], strict=True)]))
        proxy = result.draws.proxy.sel(measure=name, group="all").values
        for row, middle, low, high, county in zip(rows, mean, band[0], band[4], proxy, strict=True):
            low, middle, high = (fan_charts.number(value, places) for value in (low, middle, high))
            row.append(f"{middle}{DAGGER if county else ''} <small>{low} to {high}</small>")
    caption = f"Impact on all pupils in {year}: mean, and 90 % interval below it"
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
