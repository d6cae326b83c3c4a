"""Run sheets: the sheets of a workbook that are made of figures: brief, targets, outcomes, what lasts, money."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from oa_sim.definitions import GROUPS, MEASURES, academic_year
from oa_sim.report.formats import cells
from oa_sim.report.formats.cells import Shown
from oa_sim.report.reported_figure import Published
from oa_sim.report.run_figures import EVERYWHERE

Cell = str | int | Shown
WIDE, NARROW, NUMBER = 30, 14, 12  # characters
PLACE = (("Area", WIDE), ("Measure", 46), ("Group", 15))


@dataclass(frozen=True)
class Sheet:
    """A sheet: what it is, sentences, and one table.

    Attributes
    ----------
    name, title
        On its tab; above its table.
    columns
        Heading and width of each, characters.
    rows
        Text, whole numbers as they are, and numbers with their format.
    said
        Sentences above the table.
    """

    name: str
    title: str
    columns: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    said: tuple[str, ...] = ()


def brief(figures: tuple[Published, ...]) -> Sheet:
    """Return the figures that the brief prints."""
    columns = (("Figure", 44), ("What it is", 52), ("Value", NUMBER), ("As printed", 18), ("Lower", NUMBER),
               ("Upper", NUMBER), ("90 % interval", 18), ("Unit", 18), ("Price base", 24),
               ("Monte Carlo error", NUMBER), ("Marks", 42), ("Draws", 9))  # fmt: skip
    rows = []
    for one in figures:
        if "brief" in one.shown_in:
            lower, upper = cells.ends(one)
            rows.append((one.figure, one.label, cells.value(one), one.in_cell, lower, upper, one.interval or "exact",
                         one.unit, one.price_base, _error(one), one.marks, one.origin.n_draws))  # fmt: skip
    return Sheet("Figures", "The figures of the brief", columns, tuple(rows))


def targets(figures: tuple[Published, ...]) -> Sheet:
    """Return the levels that can be promised, a row for each place, measure, group and year."""
    found = _by_place(figures, "promised_50", "promised_70", "promised_90")
    columns = (*PLACE, ("Year", NARROW), ("Better is", 9), ("Unit", 16),
               *((f"{chance} % chance", NUMBER) for chance in (50, 70, 90)), ("As printed, 50 / 70 / 90 %", 26),
               *((f"Monte Carlo error, {chance} %", NUMBER) for chance in (50, 70, 90)), ("Marks", 42))  # fmt: skip
    rows = []
    for each in found:
        first = each[0]
        lower = first.measure in MEASURES and MEASURES[first.measure].lower_is_better
        rows.append((*_place(first), "lower" if lower else "higher", first.unit, *(cells.value(one) for one in each),
                     " / ".join(one.in_cell for one in each), *(_error(one) for one in each), first.marks))  # fmt: skip
    said = ("The level that is reached (where lower is better: not exceeded) with each chance, if the model is right "
            "and the programme runs as set out. It is the whole outcome, not what the programme adds.",)  # fmt: skip
    return Sheet("Targets", "Realistic targets", columns, tuple(rows), said)


def projections(figures: tuple[Published, ...]) -> Sheet:
    """Return levels with and without the programme, a row for each place, measure, group and year."""
    found = _by_place(figures, "projection", "counterfactual")
    sides = ("with", "without")
    columns = (*PLACE, ("Year", NARROW), ("Unit", 16),
               *((f"{what}, {side}", width) for side in sides for what, width in (("Value", NUMBER), ("Lower", NUMBER),
                 ("Upper", NUMBER), ("As printed", 25), ("Monte Carlo error", NUMBER))), ("Marks", 42))  # fmt: skip
    rows = tuple((*_place(each[0]), each[0].unit, *(cell for one in each for cell in _spread(one)), each[0].marks)
                 for each in found)  # fmt: skip
    said = ("With and without the programme, on the same draws and the same noise.",)
    return Sheet("Projections", "Levels with and without the programme", columns, rows, said)


def impact(figures: tuple[Published, ...]) -> Sheet:
    """Return what the programme adds, a row for each place, measure, group and year."""
    columns = (*PLACE, ("Year", NARROW), ("Unit", 18), ("Impact", NUMBER), ("Lower", NUMBER), ("Upper", NUMBER),
               ("As printed", 26), ("Monte Carlo error", NUMBER), ("Marks", 42), ("Figure", 56))  # fmt: skip
    rows = tuple((*_place(one), one.unit, *_spread(one), one.marks, one.figure)
                 for (one,) in _by_place(figures, "impact"))  # fmt: skip
    said = ("What the programme adds: with less without. Negative is better for absence, suspensions and NEET.",)
    return Sheet("Impact", "What the programme adds", columns, rows, said)


def lasting(figures: tuple[Published, ...]) -> Sheet:
    """Return what lasts once the money stops, a row for each place, measure and group."""
    left = ("left_1y", "left_5y", "left_10y")
    numbers = {
        one.figure: one for one in figures if one.quantity in (*left, "p_half_left_5y", "half_life_years", "risk")
    }
    by: dict[tuple[str, str, str], dict[str, Published]] = {}
    for one in numbers.values():
        by.setdefault((one.measure, one.group, one.area), {})[one.quantity] = one
    parts = [(f"Left after {name[5:-1]} year{'s' * (name != 'left_1y')}", name) for name in left]
    spread = [(f"{what}{head}", NUMBER) for head, _ in parts for what in ("", "Lower: ", "Upper: ")]
    columns = (*PLACE, ("Risk", 10), ("Chance half is left after 5 years", NARROW), *spread,
               ("Half-life, years", NUMBER), ("Lower: half-life", NUMBER), ("Upper: half-life", NUMBER),
               ("As printed, after 5 years", 26), ("Marks", 42))  # fmt: skip
    order, rows = _order(figures), []
    for place in sorted((place for place in by if set(left) <= set(by[place])), key=lambda place: order(*place)):
        each, first = by[place], by[place]["left_5y"]
        half = each.get("half_life_years")
        last = (cells.value(half), *cells.ends(half)) if half else ("none",) * 3
        ends = (cell for _, name in parts for cell in (cells.value(each[name]), *cells.ends(each[name])))
        rows.append((*_place(first)[:3], each["risk"].text if "risk" in each else "none",
                     cells.value(each["p_half_left_5y"]), *ends, *last, first.whole, first.marks))  # fmt: skip
    said = ("Shares of the peak that are left after the money ends; the half-life counts at most 15 years.",)
    return Sheet("Sustainability", "Does it last once the money stops", columns, tuple(rows), said)


def money(figures: tuple[Published, ...]) -> Sheet:
    """Return the account, a row for each area and one for all: every line to the pound, and what it is out by."""
    lines = [name for name in dict.fromkeys(one.quantity for one in figures) if name.startswith("spent_on_")]
    lines = [*sorted(lines), "allocated", "management", "unspent", "money_in", "national"]
    found = {(one.area, one.quantity): one for one in figures if one.quantity in lines and not one.year}
    areas = [area for area in dict.fromkeys(area for area, _ in found) if area != "all areas"]
    heads = {name: capital(one.label.removesuffix(f", {area}").removesuffix(f" for {area}"))
             for (area, name), one in found.items()}  # fmt: skip
    heads |= {"allocated": "All activity", "money_in": "Money in", "national": "National programmes beside"}
    kept = [name for name in lines if any((area, name) in found for area in areas)]
    columns = (("Area", WIDE), *((f"{heads[name]}, GBP", NARROW) for name in kept),
               ("Money in less its parts, GBP", NARROW), ("Price base", 24))  # fmt: skip
    rows = []
    for area in [*areas, "all areas"] if areas and "allocated" in kept else []:
        row = {name: found[area, name] for name in kept if (area, name) in found}
        parts = sum(round(row[name].value) for name in ("allocated", "management", "unspent"))
        rows.append((area, *(cells.value(row[name]) if name in row else "none" for name in kept),
                     (float(round(row["money_in"].value) - parts), "#,##0"), row["money_in"].price_base))  # fmt: skip
    said = ("Exact to the pound. Activity, management and what is unspent make up the money in; what national "
            "programmes bring stands beside the budget.",)  # fmt: skip
    return Sheet("Money", "The money by area", columns, tuple(rows), said)


def by_year(figures: tuple[Published, ...]) -> Sheet:
    """Return the money of each area and year."""
    found = [one for one in figures if one.quantity in ("allocated", "management", "unspent") and one.year]
    columns = (("Area", WIDE), ("Line", 24), ("Year", NARROW), ("GBP", NARROW), ("Price base", 24))
    rows = tuple((one.area, capital(one.label.split(",")[0]), academic_year(one.year), cells.value(one),
                  one.price_base) for one in found)  # fmt: skip
    return Sheet("Money by year", "The money by area and year", columns, rows)


def _by_place(figures: tuple[Published, ...], *quantities: str) -> list[tuple[Published, ...]]:
    """Return the figures of several quantities that go together, in the order of areas, measures, groups and years."""
    by: dict[tuple, dict[str, Published]] = {}
    for one in figures:
        if one.quantity in quantities and one.year:
            by.setdefault((one.measure, one.group, one.area, one.year), {})[one.quantity] = one
    order = _order(figures)
    whole = sorted((at for at, each in by.items() if len(each) == len(quantities)), key=lambda at: order(*at))
    return [tuple(by[at][name] for name in quantities) for at in whole]


def _order(figures: tuple[Published, ...]) -> Callable:
    """Return what sorts: the mean of areas first, then areas as they come; measures and groups as everywhere."""
    areas = {name: n for n, name in enumerate(dict.fromkeys([EVERYWHERE, *(one.area for one in figures)]))}
    measures, groups = list(MEASURES), list(GROUPS)

    def at(measure: str, group: str, area: str, year: int = 0) -> tuple:
        known = measures.index(measure) if measure in measures else len(measures)
        return areas[area], known, measure, groups.index(group) if group in groups else len(groups), year

    return at


def _place(one: Published) -> tuple[str, str, str, str]:
    label = MEASURES[one.measure].label if one.measure in MEASURES else one.measure
    return one.area, label, one.group, academic_year(one.year) if one.year else "none"


def _spread(one: Published) -> tuple[Cell, ...]:
    return cells.value(one), *cells.ends(one), one.whole.replace("90 %: ", ""), _error(one)


def _error(one: Published) -> Shown:
    """Return a Monte Carlo error, in two digits that count."""
    if not math.isfinite(one.error):
        return "none", "@"
    places = max(0, 1 - math.floor(math.log10(one.error))) if one.error > 0 else 0
    return one.error, f"0.{'0' * places}" if places else "#,##0"


def capital(said: str) -> str:
    """Return text with its first letter large."""
    return said[:1].upper() + said[1:]
