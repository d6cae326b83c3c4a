"""Run brief: a run as the two pages that a minister's office reads, with an annex for those who check the figures.

The order is fixed: what is expected, compared with what, what it costs, whether it lasts, where and for whom, how sure
we are, and what the model cannot say.
"""

from collections.abc import Callable
from functools import cached_property

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import ALL_AREAS, MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.formatting import outcome, unit, who
from oa_sim.plots import fan_charts, intervals, posterior, tile_map
from oa_sim.plots.picture import Picture
from oa_sim.projection import ranking, variance_decomposition
from oa_sim.projection.sustainability import WHOLE
from oa_sim.report import assurance, reported_statistic, run_statistics
from oa_sim.report.document import Dossier, Drawn, Grid, Only, Part, Passage, Percent, Sentence, capital
from oa_sim.report.reported_statistic import About, Published
from oa_sim.report.run_statistics import Statistics
from oa_sim.scenario import unverified
from oa_sim.scenario.config_files import title_of
from oa_sim.scenario.schema import ENDINGS, SPLITS
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.result import Result

MOST_AREAS = 14  # that the table on the second page takes
COSTS_NOT_ADDED = (
    "The whole cost is set against each measure alone: the costs must not be added. Where nothing is gained in a draw, "
    "one more has no price; such draws count as dearer than all others."
)
VIEW_NOTES = (
    "Distribution-weighted benefit: a pound counts more to disadvantaged pupils, who will earn less. By how much is an "
    "assumption. Gap-closing benefit: only what disadvantaged pupils gain beyond what other pupils gain.",
    "How much of the link between grades and earnings is causal is an assumption, with an uncertainty of its own.",
)
CAVEAT = (
    "What this cannot say: what the real programme of 2017 to 2022 achieved, and how precise the studies behind the "
    "impact are. Page 2 has more."
)
RISKS = tuple(reversed(run_statistics.RISKS))


class RunPictures:
    """The pictures of a run; each is painted when it is first asked for."""

    def __init__(self, result: Result):
        self._result = result
        self._measure, self._group = summaries.headline_measure(result)

    @cached_property
    def future(self) -> Picture:
        """The headline measure: the past, and the future with and without the programme."""
        return fan_charts.fan_picture(self._result, self._measure, self._group)

    @cached_property
    def areas(self) -> Picture | None:
        """The impact in each area; none where there is no impact."""
        if not summaries.has_impact(self._result):
            return None
        return fan_charts.side_by_side_picture(self._result, self._measure, MEASURES[self._measure].table_groups[0])

    @cached_property
    def what_lasts(self) -> Picture | None:
        """The share of the peak left 1, 5 and 10 years after the money, by measure; none where there is no impact."""
        return fan_charts.retention_picture(self._result) if summaries.has_impact(self._result) else None

    @cached_property
    def curves(self) -> Picture | None:
        """The share of the peak left by years after the money, of the whole programme and of each intervention."""
        result = self._result
        if not summaries.has_impact(result) or not result.by_intervention.sizes.get("intervention"):
            return None
        label = MEASURES[self._measure].label
        areas = result.retention.sel(measure=self._measure, group="all").mean("area")
        labels = {name: each["label"] for name, each in result.manifest["scenario"]["interventions"].items()}
        labels[WHOLE] = "the whole programme"
        lines = {}
        for name in areas.intervention.values.tolist():
            band = np.array([areas[key].sel(intervention=name).values for key in ("left", "left_q05", "left_q95")])
            if np.isfinite(band).all():
                lines[labels[name]] = 100 * band
        return intervals.courses_picture(
            "curves", f"Share of the peak left, by years after the money: {label}", areas.years_after.values, lines,
            "years after the money", f"% of the peak still to be seen{summaries.failed(result)}",
        )  # fmt: skip

    @cached_property
    def sources(self) -> Picture | None:
        """The shares of variance of impact and level by source; none where the draws are too few to tell."""
        if not len(self._result.uncertainty):
            return None
        means = self._result.uncertainty.sel(place=MEAN_OF_AREAS, quantity=["impact", "projection"])
        years = means.reading_year.values.tolist()
        names = [f"{name} in {academic_year(year)}" for name in ("impact", "level") for year in years]
        shares = 100 * means.share.transpose("quantity", "reading_year", "block").values.reshape(len(names), -1)
        is_row, is_part = np.isfinite(shares).any(axis=1), np.isfinite(shares).any(axis=0)
        if not is_row.any():
            return None
        rows, table = np.array(names)[is_row].tolist(), shares[is_row][:, is_part]
        parts = [variance_decomposition.LABELS[block] for block in means.block.values[is_part].tolist()]
        words = "; ".join(
            f"{row}: " + ", ".join(f"{part} {max(x, 0):.0f}%" for part, x in zip(parts, line, strict=True) if x > 0.5)
            for row, line in zip(rows, table, strict=True)
        )
        whose = f"{summaries.over_areas(self._result)}{summaries.failed(self._result)}"
        title = "Shares of variance, in per cent"
        return intervals.stacked_picture("origins", title, f"Shares of variance, {whose}. {words}.", rows, parts, table)

    def tiles(self, statistics: dict[str, Published]) -> Drawn | None:
        """Return the small map of the brief, its numbers as they are printed elsewhere; none without an impact."""
        if not summaries.has_impact(self._result):
            return None
        start = "impact in "
        printed = {one.area: (one.text, one.interval) for name, one in statistics.items() if name.startswith(start)}
        return of_picture(tile_map.tile_map(self._result, printed=printed, is_small=True), "map")

    def gallery(self) -> list[Drawn]:
        """Return every picture, from what is asked first to how far to trust it."""
        result, measures = self._result, self._result.draws.measure.values.tolist()
        pictures: tuple[Picture | None, ...] = (
            self.future,
            *(fan_charts.fan_picture(result, name) for name in measures),
            *(fan_charts.by_area(result), fan_charts.gaps(result)),
            *(self.areas, self.what_lasts, self.curves, self.sources, posterior.forest(result)),
        )
        return [of_picture(each) for each in pictures if each is not None]


def of_picture(picture: Picture, name: str = "", title: str = "") -> Drawn:
    """Return a picture as a document prints it, under a name and a title of its own."""
    return Drawn(name or picture.name, title or picture.title, picture.alternative, picture.svg)


def run_document(result: Result, pictures: RunPictures | None = None) -> Dossier:
    """Return what the brief of a run prints, with pictures that others may use too; ``assemble`` adds the rest."""
    statistics, pictures = run_statistics.brief(result), pictures or RunPictures(result)
    gates, title = result.manifest["gates"], title_of("scenario", result.manifest["scenario"]["name"])
    return Dossier(
        kind="run",
        title=f"Opportunity Areas: {title}{summaries.failed(result)}",
        label=result.label,
        verdict=gates["verdict"],
        reason=gates["reason"],
        headline=headline(result, statistics),
        numbers=numbers(result, statistics),
        passages=passages(result, statistics, pictures),
        figures=tuple({one.figure: one for one in statistics.values()}.values()),
        manifest=result.manifest,
        annex=annex(result, pictures),
    )


def headline(result: Result, statistics: Statistics) -> Sentence:
    """Return the sentences that stand for all: the impact, its chance and the cost."""
    measure, group = summaries.headline_measure(result)
    whose, year = outcome(measure, group), academic_year(summaries.headline_year(result))
    if not summaries.has_impact(result):
        return (f"No money is spent on activity, so there is no impact: {whose} in {year} is what it would be without "
                "a programme.",)  # fmt: skip
    if "chance_better" not in statistics:
        return (f"The programme does not change {whose} in {year}.",)
    likely, first = statistics["chance_better"], academic_year(int(result.draws.year.values[0]))
    beside, last = statistics["national"], academic_year(run_statistics.last_funded_year(result))
    national: Sentence = ("; national programmes in the same areas add ", Only(beside)) if beside.value else ()
    return (
        f"The programme, funded from {first} to {last}, is expected to "
        f"{'raise' if statistics['impact'].value > 0 else 'change'} {whose} in {year} by ", statistics["impact"],
        f" {unit(measure)}, compared with no further programme, {_where(result)}. If the model is right, "
        f"{formatting.clause(likely.value)} (", Only(likely), ") that pupils do better with it than without it. It "
        "costs ", Only(statistics["money_in"]), *national, ".",
    )  # fmt: skip


def _where(result: Result) -> str:
    names = result.draws.area.values.tolist()
    return f"in {names[0]}" if len(names) == 1 else f"on average over {len(names)} areas"


def numbers(result: Result, statistics: Statistics) -> tuple[tuple[str, Published], ...]:
    """Return the four numbers of the first page, each with what it is."""
    measure, group = summaries.headline_measure(result)
    year = academic_year(summaries.headline_year(result))
    labels = {
        "impact": f"{unit(measure)}: impact on {who(measure, group)}, {year}",
        "left_5y": "of the peak impact remains five years after funding ends",
        "cost_of_one_more": f"for each {_one_more(measure)} (median), if it were the only result",
        "benefit_per_pound": "pounds of lifetime earnings for each £1 spent, in present values",
        "counterfactual": f"{unit(measure, level=True)}: {who(measure, group)} in {year} without the programme",
        "money_in": "cost of the programme",
        "national": "national programmes in the same areas",
    }
    return tuple((label, statistics[name]) for name, label in labels.items() if name in statistics)[:4]


def _one_more(measure: str) -> str:
    about = MEASURES[measure]
    if about.unit == "points":
        return f"additional point of one pupil in {who(measure, 'all')}"
    if about.unit == "per 100 pupils":
        return "suspension avoided"
    pupil = "pupil fewer" if about.lower_is_better else "additional pupil"
    return f"{pupil} in the figure for {who(measure, 'all')}"


def passages(result: Result, statistics: Statistics, pictures: RunPictures) -> tuple[Passage, ...]:
    """Return the parts of the two pages; the futures are drawn on the first, the map on the second."""
    has_districts = bool((result.draws.proxy | result.draws.estimated).any())
    limits = [line for line in narrative.CANNOT_SAY if has_districts or "districts" not in line]
    return (
        _counterfactual(result, statistics, pictures),
        _costs(result, statistics),
        _lasts(result, statistics),
        _areas(result, statistics, pictures),
        _certainty(result, statistics),
        Passage("What it cannot say", points=tuple((line,) for line in limits), page=2),
    )


def _counterfactual(result: Result, statistics: Statistics, pictures: RunPictures) -> Passage:
    measure, group = summaries.headline_measure(result)
    year, level_unit = academic_year(summaries.headline_year(result)), unit(measure, level=True)
    # a figure in per cent keeps its number alone, since a cell of a workbook would read 41% as 0.41
    level: Callable[[Published], Part] = Percent if level_unit == "%" else (lambda figure: figure)
    behind = "" if level_unit == "%" else f" {level_unit}"
    said: list[Sentence] = [(
        f"Without a further programme, {outcome(measure, group)} in {year} is expected to be ",
        level(statistics["counterfactual"]), f"{behind}. With it, ", level(statistics["projection"]), f"{behind}.",
    )]  # fmt: skip
    if "published" in statistics:
        last = statistics["published"]
        known = "known" if reported_statistic.OWN in last.marks else "published"
        said.append((f"The last {known} figure, for {academic_year(last.year)}, is ", level(last), f"{behind}. "
                     "What differs from it without a programme is the national trend, and the areas\u2019 return to "
                     "their usual level."))  # fmt: skip
    if summaries.has_impact(result):
        said.append(("The level is far less certain than the difference that the programme makes. Most unknowns, such "
                     "as the national trend, affect both futures alike.",))  # fmt: skip
    title = f"{MEASURES[measure].label}, {group} pupils"
    picture = of_picture(pictures.future, "future", title)
    return Passage("Compared with what?", (*said, (CAVEAT,)), pictures=(picture,))


def _costs(result: Result, statistics: Statistics) -> Passage:
    scenario = result.manifest["scenario"]
    beside, said = statistics["national"], []
    said.append((
        "The programme costs ", Only(statistics["money_in"]), f" ({_prices(result.manifest['price_base'])}), shared "
        f"{SPLITS[scenario['split']['rule']]}. ",
        Only(statistics["allocated"]), " pays for activity and ", Only(statistics["management"]), " for management; ",
        Only(statistics["unspent"]), " is unspent.",
        *((" National programmes in the same areas add ", Only(beside), ".") if beside.value else ()),
    ))  # fmt: skip
    if "benefit_per_pound" in statistics:
        said.append(_benefit(result, statistics))
    elif len(result.value) and result.value.spent.values.any():
        said.append(("No benefit in pounds is claimed, because Attainment 8 is not among the measures.",))
    if "cost_of_one_more" in statistics:
        measure, _ = summaries.headline_measure(result)
        extra = statistics["extra"]
        said.append((
            f"Each {_one_more(measure)} costs ", statistics["cost_of_one_more"], " (median), if the whole cost"
            f"{', with the national programmes,' if beside.value else ''} is set against this result alone. In all "
            "projected years together there are ", extra, f" more {extra.unit}.",
        ))  # fmt: skip
    return Passage("What does it cost?", tuple(said))


def _prices(price_base: str) -> str:
    """Return the price base in words: "nominal, 2017/18 to 2021/22" is in the prices of those years."""
    kind, comma, years = price_base.partition(", ")
    return f"in the prices of {years}" if comma and kind == "nominal" else price_base


def _benefit(result: Result, statistics: Statistics) -> Sentence:
    ratio, likely = statistics["benefit_per_pound"], statistics["chance_worth"]
    limit = result.value.attrs["review_above"]
    review = f" REVIEW this before it is used: comparable programmes bring less than £{limit:g}."
    return (
        "Each £1 spent adds ", ratio, " pounds to pupils\u2019 lifetime earnings, in present values. Only gains in "
        f"Attainment 8 are counted. {capital(formatting.clause(likely.value))} (", Only(likely), ") that the benefit "
        "exceeds the cost."
        f"{review if ratio.value > limit else ''}",
    )  # fmt: skip


def _lasts(result: Result, statistics: Statistics) -> Passage:
    if "left_5y" not in statistics:
        return Passage("Does it last?", (("There is no impact that could last or be lost.",),))
    half, sustainability = statistics["p_half_left_5y"], result.manifest["scenario"]["sustainability"]
    last = academic_year(run_statistics.last_funded_year(result))
    counts = {grade: int(statistics[f"{grade} risk"].value) for grade in RISKS}
    worst, n_areas = max(counts, key=counts.__getitem__), sum(counts.values())
    often = "" if n_areas == 1 else " in most areas" if counts[worst] > n_areas / 2 else " most often"
    said: Sentence = (
        f"Five years after funding ends in {last}, ", statistics["left_5y"], " of the peak "
        "impact remains; after ten years, ", statistics["left_10y"],
        f". {capital(formatting.clause(half.value))} (", Only(half), ") that at least half "
        f"remains after five years. The risk of losing the impact is {worst}{often} (high in ",
        Only(statistics["high risk"]), ", medium in ", Only(statistics["medium risk"]), ", low in ",
        Only(statistics["low risk"]), ").",
    )  # fmt: skip
    in_place = [name.replace("_", " ") for name, score in sustainability["principles"].items() if score]
    principles = f"These principles of sustainability are in place: {', '.join(in_place)}."
    principles = principles if in_place else "None of the principles of sustainability is in place."
    why: Sentence = (
        f"Why: {ENDINGS[sustainability['ending']]}. Of spending on activity, ",
        Only(statistics["money_share_bought_in"]), " goes on work that stops when funding ends, ",
        Only(statistics["money_share_mixed"]), " on work that stops in part, and ",
        Only(statistics["money_share_embedded"]), " on work that can continue. Gains fade each year, and "
        f"the pupils who were helped leave school and are replaced by others. {principles}",
    )  # fmt: skip
    return Passage("Does it last?", (said, why))


def _areas(result: Result, statistics: Statistics, pictures: RunPictures) -> Passage:
    measure, _ = summaries.headline_measure(result)
    year = academic_year(summaries.headline_year(result))
    said: list[Sentence] = []
    if "gap_change" in statistics:
        said.append((
            f"In {year} disadvantaged pupils gain ", statistics["impact disadvantaged"], " and other pupils ",
            statistics["impact other"], f" {unit(measure)}. The gap between them changes by ", statistics["gap_change"],
            ".",
        ))  # fmt: skip
    views = ranking.per_pound(result.value) if len(result.value) else {}
    if alarm := ranking.alarm(result.draws.area.values.tolist(), views):
        said.append((alarm,))
    tiles = pictures.tiles(statistics)
    grids = (_table_of_areas(result, statistics), _table_of_measures(result, statistics))
    return Passage("Where and for whom", tuple(said), grids=grids, pictures=(tiles,) if tiles else (), page=2)


def _table_of_areas(result: Result, statistics: Statistics) -> Grid:
    measure, group = summaries.headline_measure(result)
    names = _shown(result, statistics)
    risk = result.sustainability.risk.sel(measure=measure, group=group)
    rows = tuple(
        (
            name, statistics[f"impact in {name}"], statistics[f"impact in {name}"].interval or "exact",
            statistics.get(f"left_5y in {name}", "none"), str(risk.sel(area=name).values),
            statistics[f"money in {name}"],
        )
        for name in names
    )  # fmt: skip
    few = "" if len(names) == result.draws.sizes["area"] else "; the areas with the largest and smallest impact"
    caption = f"{MEASURES[measure].label}, {group} pupils, {academic_year(summaries.headline_year(result))}{few}"
    head = ("Area", f"Impact, {unit(measure)}", "90% interval", "Left after 5 years", "Risk of losing it", "Cost")
    return Grid(caption, head, rows)


def _shown(result: Result, statistics: Statistics) -> list[str]:
    """Return the areas of the brief: all, or the ends of the order where there are too many for a page."""
    names: list[str] = result.draws.area.values.tolist()
    if len(names) <= MOST_AREAS:
        return names
    order = sorted(names, key=lambda name: -statistics[f"impact in {name}"].value)
    ends = {*order[: MOST_AREAS // 2], *order[-MOST_AREAS // 2 :]}
    return [name for name in order if name in ends]


def _table_of_measures(result: Result, statistics: Statistics) -> Grid:
    rows = []
    for measure in result.draws.measure.values.tolist():
        change = statistics[f"impact on {measure}"]
        lower = " (lower is better)" if MEASURES[measure].lower_is_better else ""
        rows.append((
            f"{MEASURES[measure].label}{lower}", change, change.interval or "exact", unit(measure),
            statistics.get(f"chance on {measure}", "no change"), statistics.get(f"left_5y on {measure}", "none"),
        ))  # fmt: skip
    head = ("Measure", "Impact", "90% interval", "Unit", "Chance it is better", "Left after 5 years")
    year = academic_year(summaries.headline_year(result))
    return Grid(f"All measures, all pupils, {summaries.over_areas(result)}, {year}", head, tuple(rows))


def _certainty(result: Result, statistics: Statistics) -> Passage:
    gates = result.manifest["gates"]
    said: list[Sentence] = [(
        f"A 90% interval holds the true value in nine cases of ten, if the model is right. Convergence checks: "
        f"{gates['verdict']} ({gates['reason']}). All figures use {result.n_draws:,} draws, and are rounded "
        "to what these support.",
    )]  # fmt: skip
    labels = variance_decomposition.LABELS
    for name, whose in (("impact", "the impact"), ("projection", "the level")):
        if first := statistics.get(f"{name} from 0"):
            second = statistics.get(f"{name} from 1")
            said.append((
                f"The uncertainty about {whose} comes mainly from {labels[first.area]} (", Only(first),
                " of the variance)", *((f", then from {labels[second.area]} (", Only(second), ")") if second else ()),
                ".",
            ))  # fmt: skip
    if len(result.uncertainty) and "impact from 0" not in statistics and summaries.has_impact(result):
        said.append(("The draws are too few to tell where the uncertainty comes from.",))
    if "impact_other_way" in statistics:
        is_on = result.outside.attrs["is_on"]
        other, impact = statistics["impact_other_way"], statistics["impact"]
        same = (other.text, other.interval) == (impact.text, impact.interval)
        said.append(("The outside view allows for how area programmes of this kind have mostly done. The headline "
                     f"{'includes' if is_on else 'does not include'} it; {'without' if is_on else 'with'} it the "
                     f"impact is{' the same, to the digits shown:' * same} ", other, "."))  # fmt: skip
    if "record_figures" in statistics:
        # figures were out, though unused, when the first was frozen: the sentence must not say that it came before them
        said.append(("Track record: frozen forecasts of earlier versions, which used no later figures, were scored on ",
                     Only(statistics["record_figures"]), " later figures of local authorities, less England. Their "
                     "error (CRPS) was ", Only(statistics["record_crps_ratio"]), " of a random walk\u2019s, and their "
                     "80% intervals held ", Only(statistics["record_held"]), "."))  # fmt: skip
    unsure = unverified.sentence(result.manifest.get("to_verify", {}), "the assumptions register")
    return Passage("How sure are we?", (*said, *([(unsure,)] if unsure else [])), page=2)


def annex(result: Result, pictures: RunPictures) -> tuple[Passage, ...]:
    """Return what a page shows below the two pages, for readers who check the figures."""
    shown = {name: of_picture(each) for name in ("areas", "what_lasts", "curves", "sources")
             if (each := getattr(pictures, name))}  # fmt: skip
    parts = [
        _lasting_by_measure(result, shown),
        _lasting_by_intervention(result, shown),
        Passage("The areas side by side", pictures=_those(shown, "areas")),
        Passage("Where the money goes", grids=(_account(result),)),
        _value(result),
        Passage("Where the uncertainty comes from", pictures=_those(shown, "sources")),
        _evidence(result),
    ]
    return tuple(part for part in parts if part.said or part.grids or part.pictures)


def _lasting_by_measure(result: Result, shown: dict[str, Drawn]) -> Passage:
    rows = []
    for measure in result.draws.measure.values.tolist():
        if not (left := run_statistics.lasting(result, measure, "all")):
            continue
        kept = result.sustainability.sel(group="all", measure=measure)
        peaks = kept.peak_year.values[np.isfinite(kept.peak_year.values)]
        rows.append((
            MEASURES[measure].label, academic_year(int(np.median(peaks))) if peaks.size else "none",
            left["left_5y"], left["left_5y"].interval, left["left_10y"], left["left_10y"].interval,
            left["p_half_left_5y"], left["p_half_left_10y"], _counts_of_risk(kept),
        ))  # fmt: skip
    if not rows:
        return Passage("What lasts, by measure")
    head = ("Measure", "Peak year", "Left after 5 years", "90% interval", "Left after 10 years", "90% interval",
            "Chance at least half is left after 5 years", "after 10 years",
            "Areas by risk of losing it: high / medium / low")  # fmt: skip
    caption = f"What is left of the peak impact, all pupils, {summaries.over_areas(result)}"
    note = ("What is left is the largest gain still to be seen from then on, as a share of the peak. Measures of older "
            "pupils can keep more for longer: pupils who were helped when young reach them later.")  # fmt: skip
    grid = Grid(caption, head, tuple(rows))
    return Passage("What lasts, by measure", points=((note,),), grids=(grid,), pictures=_those(shown, "what_lasts"))


def _those(shown: dict[str, Drawn], name: str) -> tuple[Drawn, ...]:
    return (shown[name],) if name in shown else ()


def _counts_of_risk(kept: xr.Dataset) -> str:
    return " / ".join(str(int((kept.risk.values == grade).sum())) for grade in RISKS)


def _lasting_by_intervention(result: Result, shown: dict[str, Drawn]) -> Passage:
    """Return what is left of each intervention on the measure that it moves most; nothing for an older file."""
    each, rows = result.by_intervention, []
    if not summaries.has_impact(result) or not each.sizes.get("intervention"):
        return Passage("What lasts, by intervention")
    interventions = result.manifest["scenario"]["interventions"]
    for name in each.intervention.values.tolist():
        measure = str(each.peak_sd.sel(intervention=name).mean("area").idxmax("measure").values)
        kept = each.sel(intervention=name, measure=measure)
        half = _mean(kept.p_half_left_5y)
        rows.append((
            interventions[name]["label"], interventions[name]["kind"].replace("_", " "), MEASURES[measure].label,
            *(formatting.share(_mean(kept[f"left_{years}y"])).replace("none", "no impact") for years in (1, 5, 10)),
            formatting.chance(half, reported_statistic.error_of_share(half, result.n_draws)), _counts_of_risk(kept),
        ))  # fmt: skip
    head = ("Intervention", "Kind", "Measure it moves most", "Left after 1 year", "Left after 5 years",
            "Left after 10 years", "Chance at least half is left after 5 years",
            "Areas by risk: high / medium / low")  # fmt: skip
    grid = Grid(f"What is left of each intervention, all pupils, {summaries.over_areas(result)}", head, tuple(rows))
    note = "The reason for each grade is in sustainability.csv, and every year after the money in retention.csv."
    return Passage("What lasts, by intervention", points=((note,),), grids=(grid,),
                   pictures=_those(shown, "curves"))  # fmt: skip


def _mean(values: xr.DataArray) -> float:
    """Return the mean of the areas that have a value; not a number where none has."""
    known = values.values[np.isfinite(values.values)]
    return float(known.mean()) if known.size else np.nan


def _account(result: Result) -> Grid:
    """Return the money by area, each sum under the name that it has in the workbook."""
    sums = {(one.area, one.quantity): one for one in run_statistics.money(result) if not one.year}
    lines = ("allocated", "management", "unspent", "money_in")
    places = [*result.draws.area.values.tolist(), ALL_AREAS]
    rows = tuple((place, *(sums[place, line] for line in lines)) for place in places)
    head = ("Area", "Activity", "Management", "Unspent", "Total")
    return Grid(f"Money by area, over all years ({result.manifest['price_base']})", head, rows)


def _value(result: Result) -> Passage:
    """Return what one more costs by measure, and benefit over cost by area in three views."""
    if not len(result.value) or not result.value.spent.values.any():
        return Passage("Value")
    years, attributes = result.draws.year.values.tolist(), result.value.attrs
    rows = []
    for measure in result.draws.measure.values.tolist():
        more = run_statistics.one_more(result, measure)
        extra, cost = more["extra"], more.get("cost_of_one_more")
        rows.append((MEASURES[measure].label, extra, extra.interval, extra.unit, cost or "no price",
                     cost.interval if cost else "no price"))  # fmt: skip
    head = ("Measure", "More who do better", "90% interval", "Counted in", "Cost of one more (median)", "90% interval")
    caption = f"All areas, {academic_year(years[0])} to {academic_year(years[-1])}"
    grids, notes = [Grid(caption, head, tuple(rows))], [COSTS_NOT_ADDED]
    if views := ranking.per_pound(result.value):
        grids.append(_benefit_by_area(result, views))
        notes += VIEW_NOTES
    notes.append(
        f"Benefits are in prices of {attributes['benefit_prices']} and the money is {attributes['price_base']}: "
        f"nothing is deflated. Cohorts that reach Year 11 by {academic_year(attributes['last_year'])} are "
        "counted, later ones are not."
    )
    return Passage("Value", _public_purse(result), tuple((note,) for note in notes), tuple(grids))


def _benefit_by_area(result: Result, views: dict[str, np.ndarray]) -> Grid:
    whole, names = ranking.per_pound(result.value, whole=True), result.draws.area.values.tolist()
    rows = [
        (name, *(_ratio(result, view, values[a], name) for view, values in views.items()))
        for a, name in enumerate(names)
    ]
    rows.append((ALL_AREAS, *(_ratio(result, view, values[0], ALL_AREAS) for view, values in whole.items())))
    head = ("Area", *(f"{label.capitalize()} per pound" for _, label in ranking.VIEWS.values()))
    return Grid("Benefit over cost, both discounted, with 90% intervals", head, tuple(rows))


def _public_purse(result: Result) -> tuple[Sentence, ...]:
    """Return what fewer young people who are NEET may save; nothing where it was not reckoned."""
    if "neet_saving" not in result.value:
        return ()
    prices = result.value.attrs["neet_prices"]
    saving = result.value.neet_saving.sum("area").transpose("chain", "draw").values
    about = About("neet_saving", "saving to the public purse from fewer young people who are NEET", "GBP",
                  price_base=prices, marks=run_statistics.doubtful(result))  # fmt: skip
    saved = reported_statistic.of_draws(about, saving, run_statistics.origin(result))
    return (("Fewer young people who are not in education, employment or training may save the public purse ", saved,
             f" (prices of {prices}). This overlaps with earnings, so it is not added to the benefit.",),)  # fmt: skip


def _ratio(result: Result, view: str, draws: np.ndarray, place: str) -> str:
    if not np.isfinite(draws).all():
        return "none"
    about, by_chain = About(f"{view}_per_pound", "", area=place), run_statistics.by_chain(result, draws)
    return reported_statistic.of_draws(about, by_chain, run_statistics.origin(result)).whole


def _evidence(result: Result) -> Passage:
    gates = result.manifest["gates"]
    checks = tuple(row[:5] for row in assurance.convergence_checks("baseline", gates))
    grid = Grid("Convergence checks against their limits", ("Check", "Asks", "Result", "Limit", "Met"), checks)
    worst = f"The parameter with the largest R-hat: {gates['worst']}." if gates.get("worst") else ""
    said = [line for line in (*narrative.evidence_behind(result), worst) if line]
    return Passage("How far to trust this", tuple((line,) for line in said), grids=(grid,))
