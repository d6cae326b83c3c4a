"""Does the record look like the model.

Plays the baseline forward from draws of the learned posterior, year by year, with the gaps and cohort sizes of the wide
panel, and compares what comes out with the record: how far areas differ and whether they fan out, how a year goes with
the next, how the groups go together, whether the same children are met again, the largest change in a year. Look at
the tail share: twice the smaller share of replicated records beyond the observed one; below 0.01 the model does not
make records like ours in that respect.

    python experiments/does_the_record_look_like_the_model.py path/to/la_panel.csv [path/to/learned.nc]
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim.inference import baseline_fit, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.rng import stream

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))  # the simulator is written apart from the model
import simulated

UNTIL, SEED, REPLICATES, SMALL = 2025, 2017, 500, 0.01
SAME_CHILDREN = (("good_level_of_development", "phonics", 1), ("attainment_8", "level_3_by_19", 3))


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the correlation over the cells that both have."""
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1]) if both.sum() > 2 else np.nan


def statistics(values: np.ndarray, series: list[tuple[str, str]]) -> dict[tuple[str, str], float]:
    """Return each statistic of a record (series, area, year), NaN where nothing is published."""
    found, changes = {}, np.diff(values, axis=2)
    for s, name in enumerate(series):
        label, spread = ", ".join(name), np.nanstd(values[s], axis=0)
        spread = spread[np.isfinite(spread)]
        found[label, "SD over areas, mean of years"] = spread.mean()
        found[label, "SD over areas, last year over first"] = spread[-1] / spread[0]
        found[label, "correlation with the year after"] = correlation(values[s, :, :-1], values[s, :, 1:])
        found[label, "correlation of a change with the next"] = correlation(changes[s, :, :-1], changes[s, :, 1:])
        found[label, "SD of a year's change"] = np.nanstd(changes[s])
        found[label, "largest change over its SD"] = np.nanmax(np.abs(changes[s])) / np.nanstd(changes[s])
        partner = (name[0], "other")
        if name[1] == "disadvantaged":
            r = series.index(partner)
            found[label, "correlation with the other group"] = correlation(values[s], values[r])
            found[label, "correlation of changes with the other group's"] = correlation(changes[s], changes[r])
    for first, second, later in SAME_CHILDREN:
        for group in ("disadvantaged", "other"):
            one, other = series.index((first, group)), series.index((second, group))
            words = f"correlation of changes with {second} of the same children"
            found[f"{first}, {group}", words] = correlation(changes[one, :, :-later], changes[other, :, later:])
    return found


def main(path: str, posterior: str | None = None) -> None:
    warnings.simplefilter("ignore")
    known = observations.record(panel.history(published_files.read(path), tables.read("breaks"), until=UNTIL))
    draws = baseline_fit.load(posterior).stack(one=("chain", "draw")).transpose("one", ...)
    gaps = np.where(known.observed > 0, 0.0, np.nan)
    observed = pd.Series(statistics(known.relative + gaps, known.series))
    replicated = []
    for i, draw in enumerate(stream(SEED, "draws").integers(draws.sizes["one"], size=REPLICATES)):
        truth = {name: draws[name].values[draw] for name in simulated.FREE}
        made = simulated.play(known, truth, stream(SEED, "replicate", i))
        replicated.append(pd.Series(statistics(made.relative + gaps, known.series)))
    replicated = pd.concat(replicated, axis=1)
    above = (replicated.ge(observed, axis=0)).mean(axis=1)
    table = pd.DataFrame(
        {
            "observed": observed,
            **{f"{share:.1%}": replicated.quantile(share, axis=1) for share in (0.025, 0.5, 0.975)},
            "tail share": 2 * np.minimum(above, 1 - above),
        }
    ).rename_axis(["series", "statistic"])
    odd = table[table["tail share"] < SMALL].sort_values(["statistic", "tail share"])
    print(odd.round(3).to_string())
    by = (table["tail share"] < SMALL).groupby("statistic").agg(["sum", "size"])
    print(by.rename(columns={"sum": f"tail below {SMALL}", "size": "series"}).to_string())
    print(f"{len(odd)} of {len(table)} statistics have a tail share below {SMALL}; {SMALL * len(table):.0f} by chance.")
    Path("outputs").mkdir(exist_ok=True)
    table.to_csv("outputs/does_the_record_look_like_the_model.csv")


if __name__ == "__main__":
    main(*sys.argv[1:])
