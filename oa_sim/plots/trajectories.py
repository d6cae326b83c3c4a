"""Trajectories: what was expected, what was published and what is expected now, as sentences and as a picture."""

import numpy as np
from matplotlib.figure import Figure

from oa_sim.definitions import MEASURES, academic_year, headline_of
from oa_sim.plots.picture import CHANGE, INK, WIDE, WITH, Picture, drawn, legible
from oa_sim.targets.monitor import Monitored

ACROSS, WIDEST_TITLE = 4, 20


def trajectory(found: Monitored) -> str:
    """Return the headline's measure by area: expected, published and expected now, as one SVG element."""
    return trajectory_picture(found).svg


def trajectory_picture(found: Monitored) -> Picture:
    """Return the headline's measure by area: expected, published and expected now."""
    measure, group = headline_of(list(dict.fromkeys(found.figures.measure)))
    names = found.before.area.values.tolist()
    rows = found.figures[(found.figures.measure == measure) & (found.figures.group == group)]
    at = {"measure": measure, "group": group}
    years, ahead = found.before.year.values, found.update.outcomes.year.values
    down = -(-len(names) // ACROSS)
    unit = MEASURES[measure].unit
    said = "; ".join(
        f"{row.area} {academic_year(int(row.year))}: {row.published:.1f}, expected {row.expected:.1f} ({row.colour})"
        for row in rows.itertuples()
    )

    def paint(figure: Figure) -> None:
        grid = figure.subplots(down, min(ACROSS, len(names)), squeeze=False, sharex=True)
        for axes, area in zip(grid.flat, names, strict=False):
            old, new = (
                np.quantile(one.projection.sel(area=area).transpose("year", "chain", "draw").values.reshape(n, -1),
                            [0.05, 0.5, 0.95], axis=1)
                for one, n in ((found.before.sel(at), len(years)), (found.update.outcomes.sel(at), len(ahead)))
            )  # fmt: skip
            axes.fill_between(years, old[0], old[2], color=WIDE, linewidth=0)
            axes.plot(years, old[1], color=INK, linewidth=0.8, linestyle="--")
            axes.fill_between(ahead, new[0], new[2], color=WITH, alpha=0.25, linewidth=0)
            axes.plot(ahead, new[1], color=WITH)
            mine = rows[rows.area == area]
            axes.plot(mine.year, mine.published, "o", color=CHANGE, markersize=4)
            axes.set_title(legible(area, line=WIDEST_TITLE, mark=" (county)" if mine.proxy.any() else ""))
            axes.set_xticks([int(years[0]), int(years[-1])])
        for axes in list(grid.flat)[len(names) :]:
            axes.set_visible(False)
        what = f"{MEASURES[measure].label}, {group}: {unit}"
        figure.supylabel(what, fontsize=8)
        figure.supxlabel("academic year ending; grey, dashed: expected at the start; blue: now; dots: published",
                         fontsize=8)  # fmt: skip
        figure.tight_layout()

    title = f"Expected, published and expected now: {MEASURES[measure].label}, {group} pupils"
    return drawn("trajectory", title, said, (7.2, 0.6 + 1.5 * down), paint)
