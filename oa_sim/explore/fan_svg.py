"""Fan chart as SVG: the past and the future of one figure and its impact below, as SVG written directly.

A general drawing library takes longer than the compiled law; here two panels of bands and lines are all that is drawn.
"""

from html import escape

import numpy as np
import xarray as xr

from oa_sim import formatting
from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.plots import picture
from oa_sim.plots.picture import FONTS
from oa_sim.simulation import summaries

BAND = ("q05", "q25", "q50", "q75", "q95")
WIDTH, LEFT, RIGHT = 640, 58, 626  # of the picture, and of its panels within, px
UPPER, LOWER = (26, 290), (336, 462)  # top and bottom of the panels, px
SPACE = "http://www.w3.org/2000/svg"
GREY = "#767676"


class Panel:
    """A panel that turns years and values into places.

    Parameters
    ----------
    across
        First and last place on the axis of years.
    up
        The values that must be seen.
    edges
        Top and bottom, px.
    """

    def __init__(self, across: tuple[float, float], up: np.ndarray, edges: tuple[int, int]):
        self.across, (self.top, self.bottom) = across, edges
        low, high = float(np.nanmin(up)), float(np.nanmax(up))
        room = 0.08 * (high - low) or 1.0
        self.low, self.high = low - room, high + room

    def x(self, year: float) -> float:
        """Return the place of a year, px."""
        return LEFT + (RIGHT - LEFT) * (year - self.across[0]) / (self.across[1] - self.across[0])

    def y(self, value: float) -> float:
        """Return the place of a value, px."""
        return self.bottom - (self.bottom - self.top) * (value - self.low) / (self.high - self.low)

    def points(self, years, values) -> str:
        """Return places as SVG writes them, those without a value left out."""
        pairs = zip(years, values, strict=True)
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in pairs if np.isfinite(y))

    def line(self, years, values, colour: str, width: float = 1.4, dash: str = "") -> str:
        """Return a line; it breaks where there is no value."""
        known = np.isfinite(values)
        runs = np.split(np.arange(len(values)), np.flatnonzero(np.diff(known.astype(int))) + 1)
        look = f'fill="none" stroke="{colour}" stroke-width="{width}"' + f' stroke-dasharray="{dash}"' * bool(dash)
        kept = [run for run in runs if known[run[0]]]
        return "".join(f'<polyline points="{self.points(years[run], values[run])}" {look}/>' for run in kept)

    def area(self, years, low, high, colour: str, opacity: float = 1) -> str:
        """Return a band."""
        around = f"{self.points(years, low)} {self.points(years[::-1], high[::-1])}"
        return f'<polygon points="{around}" fill="{colour}" fill-opacity="{opacity}"/>'

    def upright(self, year: float, colour: str = picture.INK, dash: str = "") -> str:
        """Return a line from top to bottom."""
        return _stroke(self.x(year), self.top, self.x(year), self.bottom, colour, dash)

    def frame(self, title: str) -> str:
        """Return the axis of values with its numbers, and the title."""
        found = [_text(LEFT, self.top - 9, title, "start"), _stroke(LEFT, self.top, LEFT, self.bottom)]
        step = _step(self.high - self.low)
        places = max(0, -int(np.floor(np.log10(step))))
        for value in np.arange(np.ceil(self.low / step), np.floor(self.high / step) + 1) * step:
            at = self.y(value)
            found += [_stroke(LEFT - 4, at, LEFT, at), _text(LEFT - 8, at + 4, formatting.number(value, places), "end")]
        return "".join(found) + _stroke(LEFT, self.bottom, RIGHT, self.bottom)


def fan(shown: xr.Dataset, history: xr.Dataset, asked, areas: list[str], where: str, last: int, has_money: bool) -> str:
    """Return the picture of one figure as inline SVG.

    Parameters
    ----------
    shown
        ``projection``, ``counterfactual``, ``impact`` (year, statistic), in the measure's unit.
    history
        What is published (area, group, measure, year), and where it breaks (measure, year).
    asked
        The setting, whose place, measure and group are shown.
    areas
        Those of the scenario.
    where
        The place, as it stands in a sentence.
    last
        The last funded year.
    has_money
        Whether there is a programme to draw.
    """
    past = _past(history, asked, areas)
    names = ("counterfactual", "projection", "impact")
    bands = {name: shown[name].sel(statistic=list(BAND)).values.T.astype(float) for name in names}
    years, marks = shown.year.values, _breaks(history, asked.measure)
    seen = past[0][np.isfinite(past[1])]
    first = int(min([*seen.tolist(), years[0] - 1]))
    across = (first - 0.6, float(years[-1]) + 0.6)
    upper = Panel(across, np.concatenate([past[1], *(bands[name].ravel() for name in names[:2])]), UPPER)
    lower = Panel(across, np.append(bands["impact"].ravel(), 0.0), LOWER)
    inside = _future(upper, years, past, bands, [year for year in marks if year >= first], has_money)
    inside += upper.frame(f"{MEASURES[asked.measure].unit}, {where.removeprefix('in ')}")
    inside += _impact(lower, years, bands["impact"], asked.measure, last) + _years(lower, first, years)
    words = escape(_in_words(asked, where, years, past, bands, marks))
    look = f'font-family="{FONTS}" font-size="12.5" fill="{picture.INK}"'
    size = f'viewBox="0 0 {WIDTH} {LOWER[1] + 28}"'
    return f'<svg xmlns="{SPACE}" {size} role="img" aria-label="{words}" {look}><title>{words}</title>{inside}</svg>'


def _past(history: xr.Dataset, asked, areas: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the published years and their figures: of the area, or the mean of all."""
    names = areas if asked.place == MEAN_OF_AREAS else [asked.place]
    found = history.published.sel(measure=asked.measure, group=asked.group).sel(area=names).transpose("area", "year")
    return found.year.values, found.values.mean(axis=0)


def _breaks(history: xr.Dataset, measure: str) -> list[int]:
    """Return the years in which a measure breaks: the first of each run of years that are marked alike."""
    found = history.breaks.sel(measure=measure).values
    began = (found > 0) & (found != np.append(0, found[:-1]))
    return history.year.values[began].tolist()


def _future(panel: Panel, years, past, bands, marks: list[int], has_money: bool) -> str:
    without, with_it = bands["counterfactual"], bands["projection"]
    found = [panel.area(years, without[0], without[4], picture.WIDE)]
    found += [panel.area(years, without[1], without[3], picture.NARROW)]
    found += [panel.upright(year - 0.5, GREY, "2 3") for year in marks]
    found += [panel.line(years, without[2], picture.INK, 1.8, "6 3")]
    if has_money:
        found += [panel.line(years, with_it[2], picture.WITH, 2.4)]
        found += [panel.line(years, edge, picture.WITH, 1.3, "2 2") for edge in with_it[[0, 4]]]
    found += [panel.line(*past, picture.INK)]
    known = np.isfinite(past[1])
    found += [
        f'<circle cx="{panel.x(year):.1f}" cy="{panel.y(value):.1f}" r="3"/>'
        for year, value in zip(past[0][known], past[1][known], strict=True)
    ]
    found += [panel.upright(years[0] - 0.5)]
    found += [_text(panel.x(years[0] - 0.5) + 5, panel.top + 5, "projected \N{RIGHTWARDS ARROW}", "start")]
    return "".join(found)


def _impact(panel: Panel, years, band, measure: str, last: int) -> str:
    found = [panel.area(years, band[0], band[4], picture.CHANGE, 0.2)]
    found += [panel.area(years, band[1], band[3], picture.CHANGE, 0.35)]
    found += [panel.line(years, band[2], picture.CHANGE, 2.2)]
    found += [_stroke(LEFT, panel.y(0), RIGHT, panel.y(0)), panel.upright(years[0] - 0.5)]
    down = MEASURES[measure].lower_is_better
    if years[0] <= last < years[-1]:
        height = panel.bottom - 6 if down else panel.top + 9
        found += [panel.upright(last + 0.5, dash="2 2")]
        found += [_text(panel.x(last + 0.5) + 5, height, "money ends", "start")]
    title = f"impact, {summaries.unit_of_change(measure)}{' (down is better)' * down}"
    return "".join(found) + panel.frame(title)


def _years(panel: Panel, first: int, years) -> str:
    """Return the axis of years."""
    step = max(2, int(np.ceil((int(years[-1]) - first) / 7)))
    ticks = [year for year in range(first, int(years[-1]) + 1) if (year - int(years[0])) % step == 0]
    return "".join(
        _stroke(panel.x(year), panel.bottom, panel.x(year), panel.bottom + 4)
        + _text(panel.x(year), panel.bottom + 18, academic_year(year), "middle")
        for year in ticks
    )


def _step(span: float) -> float:
    """Return a round step that gives four to eight numbers on an axis."""
    size = 10.0 ** np.floor(np.log10(span / 4))
    return next(size * times for times in (5, 2, 1) if span / (size * times) >= 4)


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str = picture.INK, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' * bool(dash)
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="{colour}" stroke-width="0.9"{dashed}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _in_words(asked, where: str, years, past, bands, marks: list[int]) -> str:
    """Return what the picture shows, for those who do not see it."""
    about, known, end = MEASURES[asked.measure], np.flatnonzero(np.isfinite(past[1])), academic_year(int(years[-1]))
    said = [f"{about.label}, {about.unit}, group {asked.group}, {where}."]
    if known.size:
        said.append(f"Last published: {past[1][known[-1]]:.1f} in {academic_year(int(past[0][known[-1]]))}.")
    for words, name in (("Without the programme, median", "counterfactual"), ("With it", "projection")):
        band = bands[name][:, -1]
        said.append(f"{words} in {end}: {formatting.estimate(band[2], band[0], band[4])}.")
    band = bands["impact"]
    most = int(np.abs(band[2]).argmax())
    said.append(
        f"Median impact is largest in {academic_year(int(years[most]))}: "
        f"{formatting.estimate(band[2][most], band[0][most], band[4][most])} "
        f"{summaries.unit_of_change(asked.measure)}."
    )
    if marks:
        said.append(f"The published figures break in {', '.join(map(academic_year, marks))}.")
    return " ".join(said)
