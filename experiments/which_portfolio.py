"""The same money, five portfolios: which one moves which measure most, and is it still there five years later.

Compares the portfolios on the default budget of 108m GBP over the twelve areas, equally split, on the same draws. Look
at ``p_best``: how often a portfolio is ahead of the other four. Which one that is depends on the measure, so the
question has no answer until somebody says what the money is for.

    python experiments/which_portfolio.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import formatting, load_scenario, run
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.plots import intervals

PORTFOLIOS = ("balanced", "early_years_first", "teaching", "tutoring", "attendance")
QUICK = ("areas=three_areas", "sampler.draws=25")
HEADLINE = ("key_stage_2", "disadvantaged")
FOLDER = Path("outputs/which_portfolio")


def impacts(portfolio: str, *overrides: str) -> tuple[dict, int]:
    """Return the impact of a portfolio by (measure, group, year), each by draw, better positive, and the last year."""
    result = run(load_scenario(f"portfolio={portfolio}", f"name={portfolio}", *overrides))
    last, found = int(result.sustainability.attrs["last_funded_year"]), {}
    for measure, about in MEASURES.items():
        for year in (last, last + 5):
            at = {"measure": measure, "group": about.groups[0], "year": year}
            draws = result.draws.impact.sel(at).mean("area").values.ravel()
            found[measure, about.groups[0], year] = -draws if about.lower_is_better else draws
    return found, last


def main(*flags: str) -> None:
    overrides = QUICK if "--quick" in flags else ()
    by_name = {name: impacts(name, *overrides) for name in PORTFOLIOS}
    last = by_name[PORTFOLIOS[0]][1]
    rows = []
    for key in by_name[PORTFOLIOS[0]][0]:
        draws = np.stack([found[key] for found, _ in by_name.values()])
        best = np.bincount(draws.argmax(0), minlength=len(PORTFOLIOS)) / draws.shape[1]
        for name, values, ahead in zip(PORTFOLIOS, draws, best, strict=True):
            row = [name, *key, formatting.unit(key[0]), values.mean(), *np.quantile(values, [0.05, 0.95]), ahead]
            rows.append([*row, draws.shape[1]])
    columns = ["portfolio", "measure", "group", "year", "unit", "better_by", "q05", "q95", "p_best", "n_draws"]
    table = pd.DataFrame(rows, columns=columns)
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    shown = table[(table.measure == HEADLINE[0]) & (table.year == last)]
    unit = f"{MEASURES[HEADLINE[0]].label}, {HEADLINE[1]} pupils, {academic_year(last)}, percentage points above none"
    picture = intervals.intervals_picture("portfolios", unit, list(PORTFOLIOS), shown[columns[5:8]].values.T, unit)
    (FOLDER / "figure.svg").write_text(picture.svg, encoding="utf-8")
    print(table[["portfolio", "measure", "year", "better_by", "q05", "q95", "p_best"]].to_string(index=False))
    first = shown.loc[shown.better_by.idxmax()]
    leads = table.loc[table[table.year == last].groupby("measure").better_by.idxmax()].portfolio.value_counts()
    later = table[(table.measure == HEADLINE[0]) & (table.year == last + 5)]
    after = later.loc[later.better_by.idxmax()]
    said = [formatting.estimate(row.better_by, row.q05, row.q95) for row in (first, after)]
    print(
        f"For {HEADLINE[1]} pupils at key stage 2 in {academic_year(last)} the portfolio '{first.portfolio}' does "
        f"most, {said[0]} percentage points, and is ahead of the other four in {100 * first.p_best:.0f}% of draws; "
        f"five years later '{after.portfolio}' does, {said[1]} ({100 * after.p_best:.0f}%); over the nine measures "
        f"the lead is shared: {', '.join(f'{name} {n}' for name, n in leads.items())}."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
