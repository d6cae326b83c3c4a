"""Bars: parts that add up to a whole, as a picture with words for those who cannot see it."""

import numpy as np
from matplotlib.figure import Figure

from oa_sim.plots.fan_charts import INK, Picture, drawn, legible

# told apart with any kind of colour vision, and by light and dark where there is none; each with a hatch of its own, of
# straight lines alone, since one of dots takes 150 kB of a page
PAINT = (
    *(
        ("#0072b2", ""),
        ("#9ad0f5", "///"),
        ("#e69f00", ""),
        ("#7a3e00", "\\\\\\"),
        ("#f0e442", "---"),
        ("#009e73", "|||"),
    ),
    *(("#222222", ""), ("#cc79a7", "xxx"), ("#d9d9d9", "")),
)
SMALLEST_LABEL = 8  # per cent; narrower parts have no room for a number


def stacked(name: str, words: str, rows: list[str], parts: list[str], shares: np.ndarray) -> str:
    """Return ``stacked_picture`` as one SVG element."""
    return stacked_picture(name, "", words, rows, parts, shares).svg


def stacked_picture(
    name: str, title: str, words: str, rows: list[str], parts: list[str], shares: np.ndarray
) -> Picture:
    """Return bars of parts that add up.

    Parameters
    ----------
    name
        What its identifiers begin with.
    title, words
        What a caption says, and what it shows, for those who cannot see it.
    rows
        What each bar is, the first on top.
    parts
        What each part is, in order from the left.
    shares : array (row, part)
        Per cent; NaN or below 0 is drawn as nothing.
    """
    lengths = np.nan_to_num(np.maximum(shares, 0.0))

    def paint(figure: Figure) -> None:
        axes, height = figure.subplots(), figure.get_figheight()
        at = np.arange(len(rows))
        left = np.zeros(len(rows))
        for part, width, (colour, hatch) in zip(map(legible, parts), lengths.T, PAINT, strict=False):
            axes.barh(at, width, 0.62, left, color=colour, hatch=hatch, edgecolor="white", linewidth=0.8, label=part)
            for row, (start, wide) in enumerate(zip(left, width, strict=True)):
                if wide >= SMALLEST_LABEL:
                    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                    axes.text(start + wide / 2, row, f"{wide:.0f}", ha="center", va="center", color=INK, bbox=box)
            left = left + width
        axes.set_yticks(at, [legible(row) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, max(100.0, float(left.max())))
        axes.set_xlabel("% of the variance")
        axes.tick_params(axis="y", length=0)
        axes.spines.left.set_visible(False)
        lines = -(-len(parts) // 3)
        figure.subplots_adjust(left=0.27, right=0.97, bottom=0.42 / height, top=1 - (0.1 + 0.18 * lines) / height)
        figure.legend(loc="upper center", ncols=3, frameon=False, fontsize=7, handlelength=1.4)

    return drawn(name, title, words, (5.6, 0.75 + 0.36 * len(rows) + 0.18 * -(-len(parts) // 3)), paint)
