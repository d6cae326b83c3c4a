"""Tile map: the areas as a rough map of England, a square each, with what a programme does in it.

Light and dark say how large the impact is, and so does a number in each square; the risk of losing it is a shape. No
border is drawn: a square says where an area lies among the others, and nothing about its size.
"""

import textwrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.formatting import estimate, unit
from oa_sim.plots.picture import ELLIPSIS, INK, Look, Picture, drawn, legible
from oa_sim.simulation.result import Result
from oa_sim.simulation.summaries import headline_measure, headline_year, impact_by_area, mark_of

PLACES = {  # column from the west, row from the north
    **{"Blackpool": (0, 0), "Bradford": (1, 0), "North Yorkshire Coast": (2, 0)},
    **{"Oldham": (1, 1), "Doncaster": (2, 1)},
    **{"Stoke-on-Trent": (1, 2), "Derby": (2, 2), "Norwich": (3, 2)},
    **{"Fenland and East Cambridgeshire": (2, 3), "Ipswich": (3, 3)},
    **{"West Somerset": (0, 4), "Hastings": (3, 4)},
}
N_ROWS = 5
SIDE, LEAST_SIDE = 1.15, 0.7  # inches of a square, where there are few and where there are many
WIDEST = 12.0  # inches of a map
SHADES = LinearSegmentedColormap.from_list("impact", ["#eef5fb", "#9ecae1", "#3182bd", "#08306b"])
EQUAL_CONTRAST = 0.179  # light of a ground on which white and black stand out alike, 4.6 to 1
RISKS = {"high": "\N{BLACK UP-POINTING TRIANGLE}", "medium": "\N{WHITE DIAMOND}", "low": "\N{BLACK CIRCLE}"}
COUNTY, OWN = "\N{DAGGER}", "\N{SECTION SIGN}"
MEANINGS = {
    COUNTY: f"{COUNTY} and dashed edge: a county's figures stand in for the area (county proxy).",
    OWN: f"{OWN}: the area's own figures are estimates from school tables (own estimate).",
}
LONGEST, LINE = 36, 14  # characters of a name in a square, and of a line of it


def places(names: list[str]) -> list[tuple[float, float]]:
    """Return where each area's square stands (column, row): the twelve by their place, others in columns beside."""
    own = [PLACES[name] for name in names if name in PLACES]
    others = len(names) - len(own)
    west, north = (min((place[k] for place in own), default=0) for k in (0, 1))
    east = max((column for column, _ in own), default=-1)
    n_rows = max(N_ROWS if own else 1, int(np.ceil(np.sqrt(others))))
    beside = iter((east - west + 1 + 0.3 * bool(own) + k // n_rows, k % n_rows) for k in range(others))
    return [(PLACES[name][0] - west, PLACES[name][1] - north) if name in PLACES else next(beside) for name in names]


def tile_map(
    result: Result,
    measure: str | None = None,
    group: str | None = None,
    printed: dict[str, tuple[str, str]] | None = None,
    *,
    is_small: bool = False,
) -> Picture:
    """Return the areas as squares: shade and number give the impact in the last funded year, a shape the risk.

    They are of the headline's measure and group by default. ``printed`` has by area the impact and its interval as they
    are printed elsewhere, so that a number reads the same everywhere. A map that ``is_small`` will be printed small,
    beside a text: names and numbers alone, larger.
    """
    favourite = headline_measure(result)
    measure, group = measure or favourite[0], group or favourite[1]
    names, (mean, band) = result.draws.area.values.tolist(), impact_by_area(result, measure, group)
    squares = places(names)
    county, own = (result.draws[kind].sel(measure=measure, group=group).values > 0 for kind in ("proxy", "estimated"))
    signs = np.where(county, COUNTY, np.where(own, OWN, ""))
    risk = result.sustainability.risk.sel(measure=measure, group=group).values.astype(str)
    columns, rows = (int(np.ceil(max(place[k] for place in squares) + 1.0)) for k in (0, 1))
    better = -mean if MEASURES[measure].lower_is_better else mean
    part = np.clip(better, 0, None) / max(float(np.max(better)), 1e-12)  # how far along the scale of shades
    printed = printed or {}
    texts = [printed.get(name) or _printed(*ends) for name, *ends in zip(names, mean, band[0], band[4], strict=True)]
    largest = texts[int(np.argmax(part))][0] if part.any() else ""
    side = float(np.clip(WIDEST / columns, LEAST_SIDE, SIDE))
    width, height = max(columns * side + 0.2, 4.4), round(rows * side + 1.2, 2)
    year, change = academic_year(headline_year(result)), unit(measure)

    def paint(figure: Figure) -> None:
        axes = figure.add_axes((0, 1.15 / height, 1, 1 - 1.2 / height))
        axes.set(xlim=(-0.5, width / side - 0.5), ylim=(rows - 0.46, -0.5), aspect="equal", anchor="NW")
        axes.set_axis_off()
        for a, place in enumerate(squares):
            middle, between = texts[a]
            foot = f"{RISKS[risk[a]]} {risk[a]} risk" if risk[a] in RISKS else ""
            lines = (names[a], middle, "", "") if is_small else (names[a], middle, between, foot)
            _paint_tile(axes, place, side / SIDE, lines, part[a], sign=str(signs[a]))
        subject = f"mean impact in {year}, {change}{result.mark}"
        _paint_key(figure, subject, largest, set(signs), None if is_small else risk)

    title = f"{MEASURES[measure].label}, {group} pupils: impact in {year} by area{result.mark}"
    tiles = []
    for a in np.argsort(-np.abs(mean), kind="stable"):
        mark = mark_of(result, measure, group, names[a]).removesuffix(result.mark)
        lost = f", {risk[a]} risk of losing it" if risk[a] in RISKS else ""
        tiles.append(f"{names[a]}{mark} {texts[a][0]} (90% interval {texts[a][1] or 'none'}){lost}")
    words = f"Rough map of the areas. {title}, {change}, mean, largest first: {'; '.join(tiles)}."
    return drawn(f"tiles-{measure}-{group}", title, words, (width, height), paint)


def _printed(middle: float, low: float, high: float) -> tuple[str, str]:
    """Return an impact and its interval as text, in as many digits as it supports."""
    mean, _, ends = estimate(middle, low, high).partition(" (90% interval ")
    return mean, ends.removesuffix(")")


def _paint_tile(
    axes: Axes, place: tuple[float, float], scale: float, texts: tuple[str, ...], part: float, *, sign: str
) -> None:
    """Draw a square: name on top, then the impact with its interval, the risk's shape at the foot."""
    x, y = place
    ink = "white" if _light(SHADES(part)) < EQUAL_CONTRAST else "black"
    edge = {"linestyle": (0, (3, 2)), "linewidth": 1.4} if sign == COUNTY else {"linewidth": 0.8}
    axes.add_patch(Rectangle((x - 0.46, y - 0.46), 0.92, 0.92, facecolor=SHADES(part), edgecolor=INK, **edge))
    name, middle, between, foot = texts
    lines = legible(name, LONGEST, LINE).split("\n")
    if len(lines) > 3:
        lines = [*lines[:2], lines[2][: LINE - 1].rstrip("\\ ") + ELLIPSIS]
    put: Look = {"ha": "center", "color": ink, "linespacing": 1.1}
    larger = 1.0 if between else 1.3
    axes.text(x, y - 0.41, "\n".join(lines), va="top", fontsize=7.2 * scale * larger, **put)
    below = 0.09 if between else 0.22
    size = 12 * scale * larger * larger
    axes.text(x, y + below, middle + sign, va="center", fontsize=size, weight="bold", **put)
    axes.text(x, y + 0.25, between, va="center", fontsize=6.3 * scale, **put)
    if foot:
        axes.text(x, y + 0.385, foot, va="center", fontsize=6.5 * scale, **put)


def _light(colour: tuple[float, ...]) -> float:
    """Return the relative luminance of a colour, as contrast is reckoned from."""
    parts = np.array(colour[:3])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _paint_key(figure: Figure, subject: str, largest: str, signs: set[str], risk: np.ndarray | None) -> None:
    height = figure.get_figheight()
    bar = figure.add_axes((0.25 / figure.get_figwidth(), 0.82 / height, 1.8 / figure.get_figwidth(), 0.14 / height))
    bar.imshow(np.linspace(0, 1, 64)[None], cmap=SHADES, aspect="auto")
    bar.set_yticks([])
    bar.set_xticks([0, 63], ["0", largest], fontsize=7)
    bar.set_title(subject, fontsize=7.5)
    between = "" if risk is None else "; below it the 90% interval"
    lines = [f"Number: mean{between}; shade: the mean."]
    lines += [meaning for sign, meaning in MEANINGS.items() if sign in signs]
    shapes = ", ".join(
        f"{shape} {grade}" for grade, shape in RISKS.items() if risk is not None and (risk == grade).any()
    )
    if shapes:
        lines.append(f"Risk of losing the impact once the money stops: {shapes}.")
    wrapped = [part for line in lines for part in textwrap.wrap(line, int(17 * figure.get_figwidth()))]
    figure.text(0.25 / figure.get_figwidth(), 0.08 / height, "\n".join(wrapped), fontsize=7, va="bottom")
