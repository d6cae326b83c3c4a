"""The same portfolio, four splits over the areas: equally, by pupils, by disadvantaged pupils, or half and half.

Compares the splits of the default budget on the same draws. Look at the two ends of the bargain: ``extra_pupils``, how
many more disadvantaged pupils a year reach the expected standard at key stage 2 over all areas, and ``weakest_area``,
the impact in the area that gets least out of it, percentage points.

    python experiments/how_to_split.py [--quick]
"""

import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import formatting, load_scenario, run
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.inputs import areas, tables
from oa_sim.plots import intervals

RULES = ("equal", "per_pupil", "per_disadvantaged_pupil")
QUICK = ("areas=three_areas", "sampler.draws=25")
HEADLINE = {"measure": "key_stage_2", "group": "disadvantaged"}
FOLDER, HALF = Path("outputs/how_to_split"), "half_equal_half_per_disadvantaged_pupil"


def answer(*overrides: str) -> dict:
    """Return the impact by area (draw, area) in the last funded year, and the share of money of each area."""
    result = run(load_scenario(*overrides))
    year = int(result.sustainability.attrs["last_funded_year"])
    impact = result.draws.impact.sel(HEADLINE | {"year": year})
    money = result.money.spend.sum(("intervention", "money_year"))
    shares = (money / money.sum()).to_series().to_dict()
    return {"impact": impact.values.reshape(-1, impact.sizes["area"]).astype(float), "shares": shares, "year": year}


def main(*flags: str) -> None:
    overrides = QUICK if "--quick" in flags else ()
    found = {rule: answer(f"split={rule}", f"name={rule}", *overrides) for rule in RULES}
    both = [found[rule]["shares"] for rule in ("equal", "per_disadvantaged_pupil")]
    half = {area: (both[0][area] + both[1][area]) / 2 for area in both[0]}
    mixed = ", ".join(f"{re.sub('[^A-Za-z]', '', area)}: {share:.9f}" for area, share in half.items())
    found[HALF] = answer("split=custom", f"split.shares={{{mixed}}}", "name=half", *overrides)
    names, year = list(both[0]), found["equal"]["year"]
    rolls = areas.pupils(tables.read_all()).rolls.sel(area=names, group="disadvantaged", year_group=6).values
    extra = {rule: one["impact"] @ rolls / 100 for rule, one in found.items()}  # pupils a year
    ahead = np.bincount(np.stack(list(extra.values())).argmax(0), minlength=len(found))
    rows = []
    for (rule, one), best in zip(found.items(), ahead, strict=True):
        weakest = one["impact"].min(1)
        described = [value for draws in (extra[rule], weakest) for value in spread(draws)]
        rows.append([rule, *described, best / len(weakest), max(one["shares"].values()), len(weakest)])
    ends = [f"{name}{end}" for name in ("extra_pupils", "weakest_area") for end in ("", "_q05", "_q95")]
    table = pd.DataFrame(rows, columns=["split", *ends, "p_most_pupils", "largest_share_of_money", "n_draws"])
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    unit = f"extra disadvantaged pupils, {MEASURES['key_stage_2'].label}, {academic_year(year)}"
    labels = [name.replace("_", " ").replace("equal half", "equal,\nhalf") for name in found]
    picture = intervals.intervals_picture("splits", unit, labels, table[ends[:3]].values.T, unit)
    (FOLDER / "figure.svg").write_text(picture.svg)
    print(table.to_string(index=False))
    first = table.extra_pupils.idxmax()
    more, here = extra[table.split[first]] - extra["equal"], found[table.split[first]]["impact"].min(1)
    weakest = here - found["equal"]["impact"].min(1)
    print(
        f"The split '{table.split[first]}' helps most disadvantaged pupils over the expected standard in "
        f"{academic_year(year)}, {formatting.estimate(*spread(more))} a year more than the equal split "
        f"({100 * (more > 0).mean():.0f}% of draws), and moves the impact in the weakest area by "
        f"{formatting.estimate(*spread(weakest))} percentage points."
    )


def spread(draws: np.ndarray) -> tuple[float, ...]:
    """Return the mean and the ends of the 90% interval."""
    return (draws.mean(), *np.quantile(draws, [0.05, 0.95]))


if __name__ == "__main__":
    main(*sys.argv[1:])
