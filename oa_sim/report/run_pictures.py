"""Run pictures: the pictures of a run, each painted once and shared by the brief, its annex and the gallery."""

from functools import cached_property

import numpy as np

from oa_sim.definitions import MEAN_OF_AREAS, MEASURES, academic_year
from oa_sim.plots import fan_charts, intervals, posterior, tile_map
from oa_sim.plots.picture import Picture
from oa_sim.projection import variance_decomposition
from oa_sim.projection.sustainability import WHOLE
from oa_sim.report.document import Drawn
from oa_sim.report.reported_statistic import Published
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result


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
        means = self._result.uncertainty.sel(place=MEAN_OF_AREAS)
        rows, shares = [], []
        for quantity, name in (("impact", "impact"), ("projection", "level")):
            for year in means.reading_year.values.tolist():
                share = 100 * means.share.sel(quantity=quantity, reading_year=year).values
                if np.isfinite(share).any():
                    rows.append(f"{name} in {academic_year(year)}")
                    shares.append(share)
        if not rows:
            return None
        shown = np.isfinite(np.array(shares)).any(axis=0)
        table = np.array(shares)[:, shown]
        parts = [variance_decomposition.LABELS[block] for block in means.block.values[shown].tolist()]
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
        pictures = [self.future, *(fan_charts.fan_picture(result, name) for name in measures)]
        pictures += [fan_charts.by_area(result), fan_charts.gaps(result)]
        pictures += [self.areas, self.what_lasts, self.curves, self.sources, posterior.forest(result)]
        return [of_picture(each) for each in pictures if each is not None]


def of_picture(picture: Picture, name: str = "", title: str = "") -> Drawn:
    """Return a picture as a document prints it, under a name and a title of its own."""
    return Drawn(name or picture.name, title or picture.title, picture.alternative, picture.svg)
