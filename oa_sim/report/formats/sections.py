"""Sections: what the briefing says of value, and of where the uncertainty comes from.

Each takes a result and returns HTML, or nothing where the result was saved before it was reckoned.
"""

from html import escape

import numpy as np

from oa_sim.definitions import MEASURES, QUANTILES, academic_year
from oa_sim.formatting import chance
from oa_sim.plots import bars, fan_charts
from oa_sim.projection import appraisal_tables, ranking, variance_decomposition
from oa_sim.report.formats.markup import as_table
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.result import Result

LOW, HIGH = QUANTILES["q05"], QUANTILES["q95"]
VIEW_NOTES = {
    "plain": "a pound is a pound",
    "weighted": "a pound counts more to disadvantaged pupils, who will earn less; by how much less is an assumption",
    "gap_closing": "only what disadvantaged pupils gain beyond what other pupils gain",
}


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
        more = appraisal_tables.extra(result.draws, result.value.pupils, measure, "all")
        bought = appraisal_tables.per_pound(more, result.value, years)[-1, -1]
        low, middle, high = narrative.prices(bought)
        unit = appraisal_tables.unit_over_years(measure)
        mark = _mark(result, measure)
        cells = [_with_band(more[-1].sum(axis=0)), f"{middle} <small>{low} to {high}</small>"]
        gained = chance(float((bought > 0).mean()))
        rows.append([f"{escape(MEASURES[measure].label)}{mark}", cells[0], unit, cells[1], gained])
    head = ["Measure", "More who do better", "Counted in", "Cost of one more, GBP (median)", "Chance of any gain"]
    caption = f"All areas, {academic_year(int(years[0]))} to {academic_year(int(years[-1]))}; 90 % intervals below"
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


def origins_picture(result: Result) -> fan_charts.Picture | None:
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
        f"{row}: " + ", ".join(f"{part} {max(x, 0):.0f} %" for part, x in zip(parts, line, strict=True) if x > 0.5)
        for row, line in zip(rows, table[:, shown], strict=True)
    )
    alternative = f"Shares of variance, {fan_charts.over_areas(result)}{summaries.failed(result)}. {said}."
    title = "Shares of variance, in per cent"
    return bars.stacked_picture("origins", title, alternative, rows, parts, table[:, shown])


def _with_band(draws: np.ndarray) -> str:
    """Return a mean with its 90 % interval below it, in as many digits as it supports."""
    if not np.isfinite(draws).all():
        return "none"
    low, high = np.quantile(draws, [LOW, HIGH])
    places = fan_charts.decimals(low, high)
    low, middle, high = (_grouped(value, places, high - low) for value in (low, draws.mean(), high))
    return f"{middle} <small>{low} to {high}</small>"


def _interval(draws: np.ndarray) -> str:
    low, high = np.quantile(draws, [LOW, HIGH])
    return fan_charts.interval(float(draws.mean()), float(low), float(high))


def _grouped(value: float, places: int, width: float) -> str:
    """Return a number with its thousands grouped, rounded to two digits of the interval's half-width."""
    if places == 0 and width > 0:
        size = 10 ** max(0.0, np.floor(np.log10(width / 2)) - 1)
        value = round(value / size) * size
    return f"{value:,.{places}f}".replace("-", "\N{MINUS SIGN}")
