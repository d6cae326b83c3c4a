"""Do districts reach a place among all as often as was said, from what was known in 2016/17 and in 2018/19.

For every district of England the probability that it is in the top quarter, third, half and two thirds by a later year,
as ``oa-sim target`` reckons it, without a programme: key stage 2 in 2017/18, 2018/19 and 2022/23, and early years in
2017/18 and 2018/19. Look at the share that got there in each band of the probability, and at the Brier score beside
that of the base rate of the fifth in which a district started (counted afterwards, so that it is hard to beat).

    python experiments/are_ranks_calibrated.py [--draws 100] [--write]

The posterior has seen nothing after 2016/17; the law of districts was learned to 2022/23. ``--write`` renews
``oa_sim/data/rank_calibration.csv``. The last line is JSON.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import load_scenario
from oa_sim.inputs import tables
from oa_sim.rng import stream
from oa_sim.targets import assess, attainable, district_ranks, forecast_components
from oa_sim.targets.district_ranks import Goal
from oa_sim.validation import hindcast

ORIGINS = {  # last year that is known: the years that are forecast, by measure
    2017: {"key_stage_2": (2018, 2019, 2023), "good_level_of_development": (2018, 2019)},
    2019: {"key_stage_2": (2023,)},
}
SHARES = (1 / 4, 1 / 3, 1 / 2, 2 / 3)
EDGES = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0])  # of the bands
FIFTHS = 5
COLUMNS = ("measure", "group", "known", "year", "share", "code", "fifth", "p", "reached")


def outlook(known: int, measures: list[str], last: int, draws: int, folder: Path) -> forecast_components.Outlook:
    """Return what is to come of all districts from what was known in a year, without a programme."""
    made = hindcast.as_known(known, folder)
    words = ["scenario=no_programme", "areas=[Hartlepool]", f"measures=[{','.join(measures)}]"]
    words += [f"start_year={known + 1}", f"horizon={max(5, last - known)}", f"sampler.draws={draws}"]
    scenario = load_scenario(*words, "organisation.events=[]")  # what was to happen was not known
    names = [row["district"] for row in tables.read("districts")]
    all_of_them = replace(scenario.areas, names=names)
    return forecast_components.outlook(
        replace(scenario, areas=all_of_them, data_folder=str(made), posterior=str(assess.POSTERIOR)), print
    )


def forecasts(seen: forecast_components.Outlook, known: int, measure: str, year: int) -> pd.DataFrame:
    """Return the probability that each district is so far up in a year, and whether it was."""
    districts, rows = district_ranks.read(None), []
    for group in (group for of, group in districts.series if of == measure):
        figures = districts.complete(measure, group)
        start = figures[max(at for at in figures.columns if at <= known)]
        lower = Goal(measure, group, 0.5).lower_is_better
        fifth = np.ceil(FIFTHS * start.rank(ascending=lower, method="min") / start.notna().sum())
        england = forecast_components.flat_draws(seen.england.sel(measure=measure, group=group, year=year))
        ends = {}  # by goal: draws of the figure that it takes, and the figure that it took
        for goal in (Goal(measure, group, share) for share in SHARES):
            rng = stream(seen.scenario.seed, "threshold of districts", measure, group)
            drawn = districts.thresholds(goal, year, known, england, rng)
            ends[goal] = drawn, goal.threshold(figures[year].to_numpy())
        for area in seen.scenario.areas.names:
            (code,) = districts.parts[area]
            place = {"area": area, "measure": measure, "group": group, "year": year}
            draws, figure = forecast_components.flat_draws(seen.result.draws.projection.sel(place)), figures[year][code]
            for goal, (needed, took) in ends.items() if np.isfinite(figure) else ():
                p, _ = attainable.reached(draws - needed, 0.0, lower_is_better=lower)
                there = bool(goal.away(figure, took) >= 0)
                rows.append((measure, group, known, year, goal.share, code, fifth.get(code), p, there))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def by_band(cells: pd.DataFrame) -> pd.DataFrame:
    """Return what was said and what happened, by measure and band of the probability."""
    band = np.clip(np.searchsorted(EDGES, cells.p, side="right") - 1, 0, len(EDGES) - 2)
    labels = {"least": EDGES[band], "most": EDGES[band + 1], "ahead": cells.year - cells.known}
    found = cells.assign(**labels).groupby(["measure", "least", "most"])
    names = {"longest": ("ahead", "max"), "said": ("p", "mean"), "reached": ("reached", "mean")}
    table = found.agg(n=("p", "size"), **names)
    return table.round(4).reset_index()


def briers(cells: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return mean probability, what happened, and Brier scores: ours and the base rate's."""
    base = cells.groupby(["measure", "group", "known", "year", "share", "fifth"]).reached.transform("mean")
    scores = {"brier": (cells.p - cells.reached) ** 2, "brier_base_rate": (base - cells.reached) ** 2}
    names = {"n": ("p", "size"), "said": ("p", "mean"), "reached": ("reached", "mean")}
    names |= {name: (name, "mean") for name in scores}
    return cells.assign(**scores).groupby(by).agg(**names).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100, help="draws of each chain")
    parser.add_argument("--write", action="store_true", help="renew oa_sim/data/rank_calibration.csv")
    asked, parts = parser.parse_args(), []
    for known, years_of in ORIGINS.items():
        last = max(year for years in years_of.values() for year in years)
        with tempfile.TemporaryDirectory() as folder:
            seen = outlook(known, list(years_of), last, asked.draws, Path(folder))
        parts += [forecasts(seen, known, measure, year) for measure, years in years_of.items() for year in years]
    cells = pd.concat(parts)
    table = by_band(cells)
    print(table.to_string(index=False), briers(cells, ["measure", "known", "year", "group"]).round(3).to_string(),
          briers(cells, ["measure", "known", "year", "share"]).round(3).to_string(),
          briers(cells, ["measure", "known", "fifth"]).round(3).to_string(), sep="\n\n")  # fmt: skip
    if asked.write:
        table.to_csv(district_ranks.CALIBRATION, index=False)
    told = briers(cells, ["measure"]).set_index("measure").round(4).to_dict("index")
    print(json.dumps(told))


if __name__ == "__main__":
    main()
