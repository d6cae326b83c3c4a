"""Does it last: 5, 10 and 15 years on, and the ways for the money to end side by side.

Compares stop, taper, extend and hand over with the same 108m GBP, over fifteen years, on the same draws. Look at the
years after each one's own last funded year: a taper and an extension move the cliff, and only what carries activity on
without money lowers it.

    python experiments/does_it_last.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import formatting, load_scenario, run
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.plots import intervals
from oa_sim.projection import impact_retention

ENDINGS = ("stop", "taper", "extend", "hand_over")
QUICK = ("areas=three_areas", "sampler.draws=25")
HEADLINE = {"measure": "key_stage_2", "group": "disadvantaged"}
FOLDER = Path("outputs/does_it_last")


def spread(draws: np.ndarray) -> list[float]:
    """Return the mean and the ends of the 90% interval."""
    return [float(draws.mean()), *np.quantile(draws, [0.05, 0.95]).tolist()]


def main(*flags: str) -> None:
    overrides = ("horizon=15", *(QUICK if "--quick" in flags else ()))
    rows, courses, left = [], {}, {}
    for ending in ENDINGS:
        result = run(load_scenario(f"sustainability={ending}", f"name={ending}", *overrides))
        impact = result.draws.impact.sel(HEADLINE).mean("area")
        last = int(result.sustainability.attrs["last_funded_year"])
        left[ending] = impact_retention.share_left(impact, last, 5).values.ravel()
        start = int(impact.year[0])
        courses[ending.replace("_", " ")] = np.array([spread(impact.sel(year=year).values) for year in impact.year]).T
        for years in (5, 10, 15):
            draws = impact.sel(year=start + years - 1).values.ravel()
            rows.append([ending, last, f"impact in year {years}", "percentage points", *spread(draws), draws.size])
        rows.append([ending, last, "left 5 years after its money", "share of the peak", *spread(left[ending]), 0])
        half = result.sustainability.sel(HEADLINE).p_half_left_5y.mean().item()
        rows.append(
            [ending, last, "at least half left 5 years after", "chance, mean of areas", half, np.nan, np.nan, 0]
        )
    n_draws = rows[0][-1]
    table = pd.DataFrame(rows, columns=["ending", "last_funded", "what", "unit", "mean", "q05", "q95", "n_draws"])
    table["n_draws"] = n_draws
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    up = f"{MEASURES['key_stage_2'].label.split(' reading')[0]}, disadvantaged: impact, points"
    picture = intervals.courses_picture("endings", up, impact.year.values, courses, "academic year ending", up).svg
    (FOLDER / "figure.svg").write_text(picture, encoding="utf-8")
    print(table.to_string(index=False))
    more = left["hand_over"] - left["stop"]
    years = [table[(table.ending == "stop") & (table.what == f"impact in year {k}")].iloc[0] for k in (5, 10, 15)]
    shares = ", ".join(f"{ending.replace('_', ' ')} {100 * found.mean():.0f}%" for ending, found in left.items())
    said = ", ".join(formatting.estimate(row["mean"], row.q05, row.q95) for row in years)
    print(
        f"When the money stops, the impact on disadvantaged pupils at key stage 2 is {said} percentage points after 5, "
        f"10 and 15 years (to {academic_year(start + 14)}); five years after its own money, what is left of the peak "
        f"is: {shares}; handing over keeps {formatting.estimate(*(100 * np.array(spread(more))))} percentage points of "
        "the peak more than stopping."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
