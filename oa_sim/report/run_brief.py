"""Run brief: a run as the two pages that a minister's office reads, in calibrated words.

What is said stands in a fixed order: the headline, four numbers, what would have happened anyway, where and for whom,
what it costs, does it last, how sure, what it cannot say.
"""

from oa_sim import formatting
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.formatting import unit, who
from oa_sim.plots import fan_charts
from oa_sim.projection import ranking, variance_decomposition
from oa_sim.report.document import Drawn, Grid, Only, Passage, Sentence, drawn
from oa_sim.report.formats.run_page import SPLITS
from oa_sim.report.reported_statistic import Published
from oa_sim.scenario import unverified
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result

MOST_AREAS = 14  # that the table on the second page takes
ENDINGS = {
    "stop": "the money stops at once",
    "taper": "the money tapers off",
    "extend": "the same money is spread over more years",
    "hand_over": "local partners take over",
}
CANNOT_SAY = (
    "Whether the real programme of 2017 to 2022 worked: no causal estimate of it exists, and the areas\u2019 past "
    "already contains it.",
    "What holds for districts alone: most of their figures are their county\u2019s.",
    "How precise the studies are: all their standard errors are assumed, and some studies are still to verify.",
    "What outcomes other than Attainment 8 are worth, or anything of one school or one pupil.",
)

Found = dict[str, Published]


def headline(result: Result, found: Found) -> Sentence:
    """Return the sentence that stands for all.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    found
        From ``run_statistics.brief``.
    """
    measure, group = summaries.headline_measure(result)
    whose, year = who(measure, group), academic_year(summaries.headline_year(result))
    if not summaries.has_impact(result):
        return (f"Without money for activity there is no impact, exactly: {whose} in {year} is what it would have been "
                "anyway.",)  # fmt: skip
    names = result.draws.area.values.tolist()
    where = f"in {names[0]}" if len(names) == 1 else f"in the mean of {len(names)} areas"
    chance = found["chance_better"]
    return (
        f"{_capital(formatting.clause(chance.value))} (", Only(chance), ") that, with ", Only(found["money_in"]),
        " GBP and ", Only(found["national"]), f" GBP of national programmes, {whose} in {year} will be better than it "
        "would have been anyway, if the model is right: the difference is put at ", found["impact"],
        f" {unit(measure)}, {where}.",
    )  # fmt: skip


def numbers(result: Result, found: Found) -> tuple[tuple[str, Published], ...]:
    """Return the four numbers of the first page, each with what it is."""
    measure, group = summaries.headline_measure(result)
    year = academic_year(summaries.headline_year(result))
    wanted = {
        "impact": f"{unit(measure)} of difference, {who(measure, group)}, {year}",
        "left_5y": "of the peak is left five years after the money ends",
        "cost_of_one_more": f"GBP for one more in {who(measure, 'all')} (median), were this its only use",
        "benefit_per_pound": "pounds of lifetime earnings for each pound, both discounted",
        "counterfactual": f"{unit(measure, level=True)} without the programme in {year}",
        "money_in": "GBP of money in",
        "national": "GBP of national programmes beside it",
    }
    there = [(label, found[name]) for name, label in wanted.items() if name in found]
    return tuple(there[:4])


def passages(result: Result, found: Found, pictures: dict[str, Drawn]) -> tuple[Passage, ...]:
    """Return the parts of the brief.

    Parameters
    ----------
    result, found
        As in ``headline``.
    pictures
        ``future`` for the first page and, where there is one, ``map`` for the second.
    """
    return (
        _anyway(result, found, pictures["future"]),
        _lasts(result, found),
        _costs(result, found),
        _where(result, found, pictures.get("map")),
        _sure(result, found),
        Passage("What it cannot say", points=tuple((line,) for line in cannot_say(result)), page=2),
    )


def cannot_say(result: Result) -> list[str]:
    """Return what the model cannot say of a run; of districts only where there are any."""
    has_districts = bool(result.draws.proxy.any())
    return [line for line in CANNOT_SAY if has_districts or "districts" not in line]


def future(result: Result) -> Drawn:
    """Return the picture of the first page: the past, and the future with and without the programme."""
    measure, group = summaries.headline_measure(result)
    whose = "all pupils" if group == "all" else f"{group} pupils"
    return drawn("future", f"{MEASURES[measure].label}, {whose}", fan_charts.fan_picture(result, measure, group).svg)


def _anyway(result: Result, found: Found, picture: Drawn) -> Passage:
    measure, group = summaries.headline_measure(result)
    year = academic_year(summaries.headline_year(result))
    said: Sentence = (
        f"Without the programme, {who(measure, group)} in {year} is put at ", found["counterfactual"],
        f" {unit(measure, level=True)}; with it at ", found["projection"], ".",
    )  # fmt: skip
    more: list[Sentence] = [said]
    if "published" in found:
        last = found["published"]
        more.append((f"Last published, for {academic_year(last.year)}: ", Only(last),
                     ". Much of any move from there is England\u2019s course and the areas\u2019 own way back to their "
                     "usual place, which comes free."))  # fmt: skip
    if summaries.has_impact(result):
        more.append(("The future is far less certain than the difference, because both futures share it.",))
    return Passage("What would have happened anyway", tuple(more), pictures=(picture,))


def _lasts(result: Result, found: Found) -> Passage:
    if "left_5y" not in found:
        return Passage("Does it last?", (("There is no impact that could last or be lost.",),))
    measure, group = summaries.headline_measure(result)
    half = found["p_half_left_5y"]
    grades = {grade: int(found[f"{grade} risk"].value) for grade in ("high", "medium", "low")}
    worst = max(grades, key=grades.get)
    n_areas = sum(grades.values())
    often = "" if n_areas == 1 else " in most areas" if grades[worst] > n_areas / 2 else " most often"
    asked = result.manifest["scenario"]["sustainability"]
    said: Sentence = (
        f"Sustainability risk, {who(measure, group)}: {worst}{often} (high in ", Only(found["high risk"]),
        ", medium in ", Only(found["medium risk"]), ", low in ", Only(found["low risk"]), "). Of the peak, ",
        found["left_5y"], " is left five years after the money ends and ", found["left_10y"],
        f" after ten; {formatting.clause(half.value)} (", Only(half), ") that at least half is left after five.",
    )  # fmt: skip
    there = [name.replace("_", " ") for name, score in asked["principles"].items() if score]
    in_place = f"in place: {', '.join(there)}" if there else "no principle of sustainability is in place"
    why: Sentence = (
        f"The reason: {ENDINGS.get(asked['ending'], asked['ending'])}; of the money for activity ",
        Only(found["money_share_bought_in"]), " buys what stops with it and ", Only(found["money_share_mixed"]),
        " what stops in part, ", Only(found["money_share_embedded"]), " what may go on; pupils who were helped lose "
        "part of their gain each year and leave school; "
        f"{in_place}.",
    )  # fmt: skip
    return Passage("Does it last?", (said, why))


def _costs(result: Result, found: Found) -> Passage:
    base = result.manifest["price_base"]
    asked = result.manifest["scenario"]
    split = SPLITS.get(asked["split"]["rule"], f"split by {asked['split']['rule']}")
    said: list[Sentence] = [(
        "Money in: ", Only(found["money_in"]), f" GBP ({base}), {split}: ", Only(found["allocated"]), " on activity, ",
        Only(found["management"]), " on management, ", Only(found["unspent"]), " unspent; beside it ",
        Only(found["national"]), " GBP of national programmes.",
    )]  # fmt: skip
    if "benefit_per_pound" in found:
        chance = found["chance_worth"]
        said.append((
            "A pound buys ", found["benefit_per_pound"], " pounds of lifetime earnings through Attainment 8 alone; "
            f"{formatting.clause(chance.value)} (", Only(chance), ") that benefit exceeds cost.",
        ))  # fmt: skip
    if "cost_of_one_more" in found:
        measure, _ = summaries.headline_measure(result)
        said.append((f"One more in {who(measure, 'all')} costs ", found["cost_of_one_more"],
                     " GBP, were this its only use; ", found["extra"],
                     f" {found['extra'].unit} more do better."))  # fmt: skip
    return Passage("What it costs", tuple(said))


def _where(result: Result, found: Found, picture: Drawn | None) -> Passage:
    measure, _ = summaries.headline_measure(result)
    year = academic_year(summaries.headline_year(result))
    said: list[Sentence] = []
    if "gap_change" in found:
        said.append((
            f"For whom: in {year} disadvantaged pupils gain ", found["impact disadvantaged"], ", other pupils ",
            found["impact other"], f" {unit(measure)}; the gap moves by ", found["gap_change"], ".",
        ))  # fmt: skip
    alarm = (
        ranking.alarm(result.draws.area.values.tolist(), ranking.per_pound(result.value)) if len(result.value) else ""
    )
    if alarm:
        said.append(
            (
                f"Equity: {alarm[0].lower()}{alarm[1:]}"
                if not alarm.startswith("ALARM")
                else f"Equity alarm: {alarm[7:]}",
            )
        )
    grids = (_grid_of_areas(result, found), _grid_of_measures(result, found))
    return Passage("Where and for whom", tuple(said), grids=grids, pictures=(picture,) if picture else (), page=2)


def _grid_of_areas(result: Result, found: Found) -> Grid:
    measure, group = summaries.headline_measure(result)
    names = _shown(result, found)
    risk = result.sustainability.risk.sel(measure=measure, group=group)
    rows = tuple(
        (
            name, found[f"impact in {name}"], found[f"impact in {name}"].interval or "exact",
            found.get(f"left_5y in {name}", "none"), str(risk.sel(area=name).values), found[f"money in {name}"],
        )
        for name in names
    )  # fmt: skip
    few = "" if len(names) == result.draws.sizes["area"] else "; the areas with the largest and smallest impact"
    caption = f"{MEASURES[measure].label}, {group} pupils, {academic_year(summaries.headline_year(result))}{few}"
    head = (
        "Area",
        f"Impact, {unit(measure)}",
        "90% interval",
        "Left after 5 years",
        "Risk of losing it",
        "Money, GBP",
    )
    return Grid(caption, head, rows)


def _shown(result: Result, found: Found) -> list[str]:
    """Return the areas of the brief: all, or the ends of the order where there are too many for a page."""
    names = result.draws.area.values.tolist()
    if len(names) <= MOST_AREAS:
        return names
    order = sorted(names, key=lambda name: -found[f"impact in {name}"].value)
    ends = {*order[: MOST_AREAS // 2], *order[-MOST_AREAS // 2 :]}
    return [name for name in order if name in ends]


def _grid_of_measures(result: Result, found: Found) -> Grid:
    rows = []
    for measure in result.draws.measure.values.tolist():
        change = found[f"impact on {measure}"]
        lower = " (lower is better)" if MEASURES[measure].lower_is_better else ""
        rows.append((
            f"{MEASURES[measure].label}{lower}", change, change.interval or "exact", unit(measure),
            found.get(f"chance on {measure}", "no change"), found.get(f"left_5y on {measure}", "none"),
        ))  # fmt: skip
    head = ("Measure", "Impact", "90% interval", "Unit", "Chance it is better", "Left after 5 years")
    year = academic_year(summaries.headline_year(result))
    return Grid(f"All measures, all pupils, {summaries.over_areas(result)}, {year}", head, tuple(rows))


def _sure(result: Result, found: Found) -> Passage:
    gates = result.manifest["gates"]
    said: list[Sentence] = [(
        f"Verdict {gates['verdict']}: {gates['reason']}. All rests on {result.n_draws:,} draws; the last digit "
        "printed is about as large as the Monte Carlo error, or larger.",
    )]  # fmt: skip
    for name, whose in (("impact", "the impact"), ("projection", "the level")):
        if f"{name} from 0" in found:
            first, second = found[f"{name} from 0"], found.get(f"{name} from 1")
            labels = variance_decomposition.LABELS
            said.append((
                f"The largest part of what is not known of {whose} comes from {labels[first.area]} (", Only(first),
                " of the variance)", *((f", then from {labels[second.area]} (", Only(second), ")")
                if second else ()), ".",
            ))  # fmt: skip
    if "impact_other_way" in found:
        way = "without" if result.outside.attrs["is_on"] else "with"
        said.append((f"{way.capitalize()} the outside view on programmes of this kind the difference is ",
                     found["impact_other_way"], "."))  # fmt: skip
    unsure = unverified.sentence(result.manifest.get("to_verify", {}), "the assumptions register")
    return Passage("How sure are we?", (*said, *([(unsure,)] if unsure else [])), page=2)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
