"""How sure are we: the same programme under the standard reading of the evidence and under a sceptic's.

The sceptic keeps less of what small trials found, doubts the doubted studies more, expects less of trials in general,
and lets attendance carry no more to attainment than the days themselves. Both readings use the same random numbers.
Look at ``p_worthwhile``: the chance that the impact is at least 0.01 of a pupil's standard deviation at its peak.

    python experiments/how_sure_are_we.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import formatting, load_scenario, run
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.plots import intervals

READINGS = ("standard", "sceptical")
QUICK = ("areas=three_areas", "sampler.draws=25")
HEADLINE = "key_stage_2"
FOLDER = Path("outputs/how_sure_are_we")


def spread(draws: np.ndarray) -> tuple[float, ...]:
    """Return the mean and the ends of the 90% interval."""
    return (float(draws.mean()), *np.quantile(draws, [0.05, 0.95]).tolist())


def main(*flags: str) -> None:
    overrides = QUICK if "--quick" in flags else ()
    rows, kept = [], {}
    for reading in READINGS:
        result = run(load_scenario(f"evidence={reading}", f"name={reading}", *overrides))
        year = int(result.sustainability.attrs["last_funded_year"])
        for measure, about in MEASURES.items():
            group = about.groups[0]
            draws = result.draws.impact.sel(measure=measure, group=group, year=year).mean("area").values.ravel()
            kept[reading, measure] = -draws if about.lower_is_better else draws
            small = result.sustainability.p_below_what_matters_peak.sel(measure=measure, group=group)
            values = spread(kept[reading, measure])
            better = (kept[reading, measure] > 0).mean()
            row = [reading, measure, group, year, formatting.unit(measure), *values, better]
            rows.append([*row, 1 - small.mean().item(), draws.size])
    columns = ["evidence", "measure", "group", "year", "unit", "better_by", "q05", "q95", "p_better", "p_worthwhile"]
    table = pd.DataFrame(rows, columns=[*columns, "n_draws"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    percent = [name for name in MEASURES if MEASURES[name].unit == "%"]
    shown = table[table.measure.isin(percent)].sort_values(["measure", "evidence"], ascending=[True, False])
    labels = [f"{row.measure.replace('_', ' ')},\n{row.evidence}" for row in shown.itertuples()]
    unit = f"impact in {academic_year(year)}, disadvantaged pupils where known, percentage points better"
    picture = intervals.intervals_picture(
        "readings", unit, labels, shown[["better_by", "q05", "q95"]].values.T, unit
    ).svg
    (FOLDER / "figure.svg").write_text(picture, encoding="utf-8")
    print(table.to_string(index=False))
    one, other = (table[(table.evidence == reading) & (table.measure == HEADLINE)].iloc[0] for reading in READINGS)
    ratio = kept["sceptical", HEADLINE].mean() / kept["standard", HEADLINE].mean()
    said = [formatting.estimate(row.better_by, row.q05, row.q95) for row in (one, other)]
    better, worth = ([f"{100 * row[key]:.0f}%" for row in (one, other)] for key in ("p_better", "p_worthwhile"))
    print(
        f"In {academic_year(year)} disadvantaged pupils at key stage 2 are {said[0]} percentage points better by the "
        f"standard reading and {said[1]} by a sceptic's, {100 * ratio:.0f}% of it; better at all in {better[0]} and "
        f"{better[1]} of draws, by 0.01 SD or more at the peak in {worth[0]} and {worth[1]}."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
