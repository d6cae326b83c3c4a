"""Bought in or embedded: of tutoring that is bought and of teachers who are trained, what is left when money stops.

All of 72m GBP over three years goes to one of them, and then stops. Peaks are made equal by taking each draw's share of
its own peak, five years after the money, on measures that both act on. Look at ``p_keeps_less``: in how many draws the
tutoring keeps less than the training; and at the reason, which stands in words in ``sustainability.csv``.

    python experiments/bought_in_or_embedded.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim import formatting, load_scenario, run
from oa_sim.plots import intervals
from oa_sim.projection import impact_retention

PAIRS = (  # bought in, embedded, measure on which both act
    ("primary_tutoring", "teacher_development", "key_stage_2"),
    ("primary_tutoring", "maths_mastery", "key_stage_2"),
    ("secondary_tutoring", "teacher_development", "attainment_8"),
)
QUICK = ("areas=three_areas", "sampler.draws=25")
FOLDER = Path("outputs/bought_in_or_embedded")


def spread(draws: np.ndarray) -> tuple[float, ...]:
    """Return the mean and the ends of the 90% interval."""
    return (float(draws.mean()), *np.quantile(draws, [0.05, 0.95]).tolist())


def main(*flags: str) -> None:
    overrides = ("budget=three_years", "portfolio=custom", "organisation.national=[]")
    overrides = (*overrides, *(QUICK if "--quick" in flags else ()))
    names = list(dict.fromkeys(name for pair in PAIRS for name in pair[:2]))
    left, lines, why, last = {}, {}, {}, 0
    for name in names:
        result = run(load_scenario(f"portfolio.shares={{{name}: 1.0}}", f"name={name}", *overrides))
        last = int(result.sustainability.attrs["last_funded_year"])
        for measure in {pair[2] for pair in PAIRS if name in pair}:
            impact = result.draws.impact.sel(measure=measure, group="disadvantaged").mean("area")
            left[name, measure] = impact_retention.share_left(impact, last, 5).values.ravel()
            curve = result.retention.sel(intervention=name, measure=measure, group="all").mean("area")
            line = [100 * curve[key].values for key in ("left", "left_q05", "left_q95")]
            lines[f"{name.replace('_', ' ')}, {measure.replace('_', ' ')}"] = np.array(line)
            why[name] = result.by_intervention.reason.sel(intervention=name, measure=measure).values[0]
    rows = []
    for bought, trained, measure in PAIRS:
        one, other = left[bought, measure], left[trained, measure]
        both = np.isfinite(one) & np.isfinite(other)  # a draw without a peak has nothing to keep
        values = (*spread(one[both]), *spread(other[both]), (one < other)[both].mean(), both.sum())
        rows.append([bought, trained, measure, last + 5, *values])
    ends = [f"{kind}_left{end}" for kind in ("bought_in", "embedded") for end in ("", "_q05", "_q95")]
    columns = ["bought_in", "embedded", "measure", "year", *ends, "p_keeps_less", "n_draws"]
    table = pd.DataFrame(rows, columns=columns)
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    picture = intervals.courses_picture(
        "kept", "", np.arange(16), lines, "years after the money", "% of the peak still to be seen"
    ).svg
    (FOLDER / "figure.svg").write_text(picture, encoding="utf-8")
    print(table.to_string(index=False))
    print(*(f"{name}: {reason}" for name, reason in why.items()), sep="\n")
    first, least = table.iloc[0], table.p_keeps_less.min()
    shares = [100 * first[ends].to_numpy(dtype=float)[i : i + 3] for i in (0, 3)]
    print(
        f"Five years after the money, bought-in tutoring keeps {formatting.estimate(*shares[0], unit='%')} of its peak "
        f"at key stage 2 and embedded training {formatting.estimate(*shares[1], unit='%')}; tutoring keeps less in "
        f"{100 * first.p_keeps_less:.1f}% of draws, and in at least {100 * least:.1f}% in each of the "
        f"{len(table)} pairs compared."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
