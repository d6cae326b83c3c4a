"""Is the effect of a programme found where there was none, and what is found where there was one.

For every authority the figures after 2016/17 are expected from those before, area less England, all series and years
together; an effect on all attainment, nothing in 2016/17 and whole from 2020/21, is learned from how they came out,
with a wide prior around zero (normal, SD 0.2). The placebo areas are the two authorities nearest to each of the six
Opportunity Areas that are authorities, by their figures up to 2016/17, without those six and the six counties that hold
the other Opportunity Areas; the rule looks at no later figure. Look at whether the placebo interval covers zero, and at
how often those of sets drawn at random do: that is how far a 90% interval is to be trusted.

    python experiments/placebo.py --actuals FILE

FILE is the Local Authority Interactive Tool's data set, parquet or CSV, from 2015/16 on. Uses the posterior learned
until 2016/17 that lies beside this script (see ``hindcast.py``). The last line is JSON.
"""

import argparse
import json
import sys
from dataclasses import asdict

import numpy as np

from oa_sim.errors import Refusal
from oa_sim.inference import area_forecast, baseline_fit, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.validation import hindcast, placebo

UNTIL, SEED, SETS = 2017, 2017, 400
POSTERIOR = tables.FOLDER / f"learned_until_{UNTIL}.nc"
EVERY = 10  # one draw in so many: 200 are plenty for a mean over draws


def said(found: placebo.Estimate) -> str:
    return f"{found.mean:+.3f} SD (90%: {found.low:+.3f} to {found.high:+.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actuals", help="figures of all authorities, earlier and later, in the tool's layout")
    asked = parser.parse_args()
    if not asked.actuals:
        raise Refusal("a placebo needs figures of all authorities, got none: add --actuals FILE")
    rows, posterior = tables.read_all(), baseline_fit.load(POSTERIOR)
    print(hindcast.check(posterior, UNTIL))
    known = observations.record(panel.history(published_files.read(asked.actuals), rows["breaks"]))
    hyper = area_forecast.law(posterior.isel(draw=slice(None, None, EVERY)), known.series)
    found = placebo.evidence(hyper, known, UNTIL)
    twelve = {row["area"] for row in rows["area_sets"] if row["area_set"] == "opportunity_areas"}
    own = {row["area"]: row["geography"] == "authority" for row in rows["areas"] if row["area"] in twelve}
    real = [area for area, is_own in own.items() if is_own]
    counties = [row["published_place"] for row in rows["areas"] if not own.get(row["area"], True)]
    sets = {"placebo": placebo.matched(known, UNTIL, real, counties), "real": real}
    effects = {name: placebo.effect(found, chosen) for name, chosen in sets.items()}
    for name, chosen in sets.items():
        print(f"{name}: {said(effects[name])}, {len(chosen)} areas")
        print(*(f"  {area}: {said(placebo.effect(found, [area]))}" for area in chosen), sep="\n")
    pool = placebo.others(known, UNTIL, [*real, *counties])
    for size in (1, len(real), 2 * len(real)):
        drawn = [placebo.effect(found, [area]) for area in pool]
        if size > 1:
            drawn = placebo.at_random(found, pool, size, SETS, SEED)
        means = np.array([one.mean for one in drawn])
        print(
            f"{len(drawn)} sets of {size} of {len(pool)} authorities without a programme: in "
            f"{placebo.coverage(drawn):.0%} of them the 90% interval covers zero; estimates have a mean of "
            f"{means.mean():+.4f} SD and lie {means.std():.4f} apart (SD), where their posterior SD is "
            f"{np.mean([one.sd for one in drawn]):.4f}"
        )
        if size == len(real):
            beyond = (np.abs(means) >= abs(effects["real"].mean)).mean()
            print(f"  {beyond:.0%} of these sets lie as far from zero as the real areas, or further")
    answer = {
        name: asdict(one) | {"covers_zero": one.covers_zero, "areas": sets[name]} for name, one in effects.items()
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    try:
        main()
    except Refusal as refusal:
        print(f"placebo: {refusal}", file=sys.stderr)
        sys.exit(2)
