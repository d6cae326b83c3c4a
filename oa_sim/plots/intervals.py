"""Intervals: labelled intervals, courses over years and parts of a whole, as pictures, for any table that has them."""

import numpy as np
from matplotlib.figure import Figure

from oa_sim import formatting
from oa_sim.plots.picture import INK, WITH, Look, Picture, drawn, legible, name_rows

# told apart with any kind of colour vision, and by light and dark where there is none; each with a hatch of its own, of
# straight lines alone, since one of dots takes 150 kB of a page
PAINT = (
    *(("#0072b2", ""), ("#9ad0f5", "///"), ("#e69f00", ""), ("#7a3e00", "\\\\\\"), ("#f0e442", "---")),
    *(("#009e73", "|||"), ("#222222", ""), ("#cc79a7", "xxx"), ("#d9d9d9", "")),
)
SMALLEST_LABEL = 8  # per cent; narrower parts have no room for a number
COLOURS = ("#0072b2", "#b34700", "#222222", "#009e73", "#cc79a7", "#997700", "#7a7a7a", "#56b4e9")
DASHES = ("-", "--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKS = "osv^DPX*d"
MOST_SHADED = 4  # bands that may lie over each other and still be told apart


def stacked_picture(
    name: str, title: str, words: str, rows: list[str], parts: list[str], shares: np.ndarray
) -> Picture:
    """Return bars of parts that add up, the first on top, from ``shares`` (row, part): %, NaN or below 0 as nothing.

    ``words`` say what it shows to those who cannot see it.
    """
    lengths = np.nan_to_num(np.maximum(shares, 0.0))
    key_lines = -(-len(parts) // 3)

    def paint(figure: Figure) -> None:
        axes, height = figure.subplots(), figure.get_figheight()
        places, left = np.arange(len(rows)), np.zeros(len(rows))
        for part, width, (colour, hatch) in zip(map(legible, parts), lengths.T, PAINT, strict=False):
            axes.barh(
                places, width, 0.62, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.8, label=part
            )
            for row, (start, wide) in enumerate(zip(left, width, strict=True)):
                if wide >= SMALLEST_LABEL:
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                    axes.text(start + wide / 2, row, f"{wide:.0f}", ha="center", va="center", color=INK, bbox=box)
            left = left + width
        name_rows(axes, [legible(row) for row in rows])
        axes.set_xlim(0, max(100.0, float(np.max(left))))
        axes.set_xlabel("% of the variance")
        axes.spines.left.set_visible(False)
        figure.subplots_adjust(left=0.27, right=0.97, bottom=0.42 / height, top=1 - (0.1 + 0.18 * key_lines) / height)
        figure.legend(loc="upper center", ncols=3, frameon=False, fontsize=7, handlelength=1.4)

    return drawn(name, title, words, (5.6, 0.75 + 0.36 * len(rows) + 0.18 * key_lines), paint)


def intervals_picture(name: str, title: str, labels: list[str], band: np.ndarray, unit: str) -> Picture:
    """Return a row for each label, the first on top, with mean and ends of the 90% interval (``band``: 3, row).

    ``unit`` says what is measured, with its unit.
    """
    rows = np.arange(len(labels))

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.34, right=0.96, top=0.97, bottom=0.62 / figure.get_figheight())
        axes.hlines(rows, band[1], band[2], color=WITH, linewidth=2)
        axes.scatter(band[0], rows, s=36, color=WITH, zorder=3)
        axes.axvline(0, color=INK, linewidth=0.7)
        name_rows(axes, [legible(label, 58, 30) for label in labels])
        axes.set_xlabel(legible(unit, 240, 60))

    words = "; ".join(f"{label} {formatting.estimate(*row)}" for label, row in zip(labels, band.T, strict=True))
    return drawn(name, title, f"{unit}: {words}.", (5.4, 0.82 + 0.36 * len(labels)), paint)


def courses_picture(
    name: str, title: str, years: np.ndarray, lines: dict[str, np.ndarray], across: str, up: str
) -> Picture:
    """Return a line for each label over years, with its 90% band where there are few, else that of the first.

    ``lines`` are by label (3, year): mean, and the ends of the interval; the first is drawn boldly. ``across`` and
    ``up`` say what the axes show, with their units.
    """
    shaded = len(lines) <= MOST_SHADED

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.12, right=0.58, top=0.96, bottom=0.15)
        for i, (label, band) in enumerate(lines.items()):
            look: Look = {"color": COLOURS[i % len(COLOURS)], "linestyle": DASHES[i % len(DASHES)]}
            if shaded or i == 0:
                axes.fill_between(years, band[1], band[2], color=look["color"], alpha=0.12, linewidth=0)
            if not shaded and i:  # more lines than dashes tell apart in grey
                look |= {"marker": MARKS[i % len(MARKS)], "markersize": 3.5, "markevery": (i % 3, 3)}
            axes.plot(years, band[0], label=legible(label, 68, 34), linewidth=1.3 if i else 2.2, **look)
        axes.set(xlabel=across, ylabel=up, xlim=(years[0], years[-1]))
        axes.grid(axis="y", color="#eeeeee")
        figure.legend(loc="center left", bbox_to_anchor=(0.59, 0.55), frameon=False, handlelength=3)

    last = "; ".join(f"{label} {formatting.estimate(*band[:, -1])}" for label, band in lines.items())
    return drawn(name, title, f"{up}, {across}. At the end: {last}.", (7.0, 3.6), paint)
