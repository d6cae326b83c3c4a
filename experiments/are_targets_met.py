"""Are targets met as often as was promised, in authorities that were set them from what was known in 2018/19.

For every authority and measure the figure of 2021/22 and 2022/23, less England's, that is reached with 50, 70 and 90%
probability. Look at how many were reached: the table by level and year, and the worst measure and group.

    python experiments/are_targets_met.py --actuals FILE --posterior LEARNED

FILE is the Local Authority Interactive Tool's data set; LEARNED is what ``oa-sim fit panel.path=FILE
panel.train_until=2019`` wrote. The last line is JSON.
"""

import argparse
import json
import sys

from oa_sim.errors import Refusal
from oa_sim.inference import baseline_fit
from oa_sim.inputs import panel, published_files, tables
from oa_sim.targets import attainable
from oa_sim.validation import backtest, hindcast

UNTIL, LEVELS, SEED = 2019, [0.5, 0.7, 0.9], 2017
TOLERANCE = 0.10
FEW = 250  # draws of each chain, as a backtest takes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actuals", help="figures of all authorities, earlier and later")
    parser.add_argument("--posterior", help="learned.nc of oa-sim fit panel.train_until=2019")
    asked = parser.parse_args()
    if not (asked.actuals and asked.posterior):
        raise Refusal("promises need figures and what was learned before, got none: add --actuals and --posterior")
    posterior, breaks = baseline_fit.load(asked.posterior), tables.read("breaks")
    print(hindcast.check(posterior, UNTIL))
    reading = published_files.read(asked.actuals)
    history, truth = panel.history(reading, breaks, UNTIL), panel.history(reading, breaks)
    years = [int(year) for year in truth.year.values if year >= UNTIL + 3]
    entries = backtest.ours(posterior.isel(draw=slice(FEW)), history, truth, breaks, years, SEED)
    table = attainable.kept(entries, LEVELS)
    whole, by_year = attainable.overall(table), attainable.overall(table, ("year",))
    by_series = attainable.overall(table, ("measure", "group"))
    print(whole.to_string(index=False), by_year.to_string(index=False), by_series.to_string(index=False), sep="\n\n")
    cells = table[table.n > 0].sort_values(["measure", "group", "year", "promised"])
    print(cells.to_string(index=False, float_format="{:.3f}".format))
    off = (by_series.kept - by_series.promised).abs()
    for what, rows in (("over both years", by_series), ("in a year", cells)):
        missed = rows[(rows.kept - rows.promised).abs() > TOLERANCE + 1e-9]
        print(f"{len(missed)} of {len(rows)} promises of a measure and group {what} were off by more than 10 points:")
        print(*(f"  {row.measure}, {row.group}{f', {row.year}' if what == 'in a year' else ''}: {row.kept:.3f} kept of "
                f"{row.promised:.0%} promised" for row in missed.itertuples()), sep="\n")  # fmt: skip
    told = {f"kept_{100 * row.promised:.0f}": round(row.kept, 4) for row in whole.itertuples()}
    print(json.dumps(told | {"n": int(whole.n.iloc[0]), "worst": round(float(off.max()), 4)}))


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        sys.exit(str(refusal))
