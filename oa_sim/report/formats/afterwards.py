"""Afterwards: the part of the page that says what lasts once the money stops."""

from html import escape

import numpy as np

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.formatting import chance
from oa_sim.plots import fan_charts, intervals
from oa_sim.projection.retention import YEARS_AFTER
from oa_sim.projection.sustainability import WHOLE
from oa_sim.report.formats.markup import as_table
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.result import Result


def section(result: Result) -> str:
    """Return what lasts: by measure for the whole programme, then by intervention."""
    title = "<h2>What lasts</h2>\n"
    found = result.sustainability.sel(group="all")
    if not (found.p_impact.values > 0).any():
        return f"{title}<p>There is no impact to keep, so there is nothing that could last or be lost.</p>"
    head = ["Measure", "Peak, SD", "Peak year", *(f"Left after {k} year{'s' * (k > 1)}" for k in YEARS_AFTER)]
    head += [f"Chance at least half is left after {k} years" for k in YEARS_AFTER[1:]]
    head.append("Areas by risk of losing it: high / medium / low")
    rows = []
    for name in found.measure.values.tolist():
        at = found.sel(measure=name)
        year = at.peak_year.values[np.isfinite(at.peak_year.values)]
        graded = [str(int((at.risk.values == grade).sum())) for grade in ("high", "medium", "low")]
        rows.append(
            [
                escape(MEASURES[name].label),
                fan_charts.number(float(at.peak_sd.mean()), 3),
                academic_year(int(np.median(year))) if year.size else "none",
                *(_share_and_range(at[f"left_{k}y"].values) for k in YEARS_AFTER),
                *(chance(_mean(at[f"p_half_left_{k}y"].values)) for k in YEARS_AFTER[1:]),
                " / ".join(graded),
            ]
        )
    caption = f"What is left of the peak impact, all pupils, {escape(fan_charts.over_areas(result))}"
    caption += ", with the lowest and highest area" if result.draws.sizes["area"] > 1 else ""
    return (
        f"{title}<p>What is left is the largest gain still to be seen from then on, as a share of the peak. Measures "
        "of older pupils can keep more for longer because pupils who were helped when young have yet to reach them, "
        "even where the activity has stopped. 1 SD is one pupil-level standard deviation.</p>\n"
        f'<figure class="wide">\n<h3>Share of the peak left 1, 5 and 10 years after the money</h3>\n'
        f"{fan_charts.retention(result)}\n</figure>\n"
        f"{as_table(caption, head, rows)}\n{_by_intervention(result)}"
    )


def _by_intervention(result: Result) -> str:
    """Return what is left of each intervention, on the measure that it moves most; nothing for an older file."""
    found = result.by_intervention
    if not found.sizes.get("intervention"):
        return ""
    head = ["Intervention", "Kind", "Measure it moves most", *(f"Left after {k} y" for k in YEARS_AFTER)]
    head += ["Chance at least half is left after 5 years", "Areas by risk: high / medium / low"]
    asked, rows = result.manifest["scenario"]["interventions"], []
    for name in found.intervention.values.tolist():
        peak = found.peak_sd.sel(intervention=name).mean("area")
        measure = str(peak.idxmax("measure").values)
        at = found.sel(intervention=name, measure=measure)
        graded = [str(int((at.risk.values == grade).sum())) for grade in ("high", "medium", "low")]
        rows.append(
            [
                escape(asked[name]["label"]),
                escape(asked[name]["kind"].replace("_", "-")),
                escape(MEASURES[measure].label),
                *(_share_and_range(at[f"left_{k}y"].values) for k in YEARS_AFTER),
                chance(_mean(at.p_half_left_5y.values)),
                " / ".join(graded),
            ]
        )
    same = " (its lowest and highest area below)" if result.draws.sizes["area"] > 1 else ""
    return (
        f'<figure class="wide">\n<h3>Share of the peak left, by years after the money: {_measure(result)[1]}</h3>\n'
        f"{curves(result)}\n</figure>\n"
        f"{as_table(f'What is left of each intervention, all pupils{same}', head, rows, kind='crowded')}\n"
        '<p class="note">Why each is graded as it is stands in words in sustainability.csv, every year after the money '
        "in retention.csv.</p>"
    )


def curves(result: Result) -> str:
    """Return the share of the peak left in each year after the money, of the whole and of each intervention."""
    return curves_picture(result).svg


def curves_picture(result: Result) -> fan_charts.Picture:
    """Return the share of the peak left in each year after the money, of the whole and of each intervention."""
    measure, label = _measure(result)
    found = result.retention.sel(measure=measure, group="all").mean("area")  # of areas, of figures and of ends alike
    asked = result.manifest["scenario"]["interventions"]
    lines = {}
    for name in found.intervention.values.tolist():
        band = np.array([found[key].sel(intervention=name).values for key in ("left", "left_q05", "left_q95")])
        if np.isfinite(band).all():
            lines["the whole programme" if name == WHOLE else asked[name]["label"]] = 100 * band
    title = f"Share of the peak left, by years after the money: {label}"
    return intervals.courses_picture(
        "curves",
        title,
        found.years_after.values,
        lines,
        "years after the money",
        f"% of the peak still to be seen{summaries.failed(result)}",
    )


def _measure(result: Result) -> tuple[str, str]:
    measure, _ = narrative.headline_measure(result)
    return measure, MEASURES[measure].label


def _mean(values: np.ndarray) -> float:
    """Return the mean of what is known, NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _share_and_range(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    if not known.size:
        return "no impact"
    several = f" <small>{100 * known.min():.0f} to {100 * known.max():.0f} %</small>" if known.size > 1 else ""
    return f"{100 * known.mean():.0f} %{several}"
