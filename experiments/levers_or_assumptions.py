"""What moves the headline most: what we choose, or what we assume about delivery.

A saltelli design over three levers (money, split, portfolio) and four assumptions about delivery (lag, dose, spread of
unit costs, what is lost where schools are offered too much). Look at the first and total shares of variance of the mean
impact on key stage 2 of disadvantaged pupils in the last funded year, and at the picture, which shows how far each
moves it beside what the draws within one scenario do not know.

    python experiments/levers_or_assumptions.py [--quick]
"""

import sys
import tempfile
from pathlib import Path

from oa_sim.definitions import percent
from oa_sim.plots import decision_charts
from oa_sim.scenario.load import load_sweeping
from oa_sim.sweep import findings, results, sensitivity
from oa_sim.sweep.sweep_run import sweep

WORDS = (
    *("design=saltelli", "budget.total_gbp=interval(5e7,2e8)", "split=equal,per_pupil,per_disadvantaged_pupil"),
    *("portfolio=balanced,teaching,tutoring,early_years_first", "delivery.lag_years.a=interval(0.8,2.0)"),
    *("delivery.dose.a=interval(4,9)", "delivery.cost_sigma=interval(0.1,0.6)", "delivery.load_loss.a=interval(0.5,4)"),
)
LEVERS = ("budget.total_gbp", "split", "portfolio")
QUICK = ("areas=three_areas", "sampler.draws=25", "design.n=16", "horizon=6")
FOLDER = Path("outputs/levers_or_assumptions")


def main(*flags: str) -> None:
    """Ask and answer."""
    sweeping, words = load_sweeping([*WORDS, *(QUICK if "--quick" in flags else ("design.n=128",))])
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        sweep(words, sweeping, Path(folder) / "sweep")
        found = results.read(Path(folder) / "sweep")
    told = findings.of_sweep(found)
    table = told.tables["indices"].assign(n_draws=found.table.n_draws.iloc[0])
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    (FOLDER / "figure.svg").write_text(decision_charts.findings_picture(told).svg, encoding="utf-8")
    print(table.to_string(index=False))
    totals = table[(table["index"] == sensitivity.TOTAL) & (table.key != sensitivity.TOGETHER)].set_index("key")
    chosen, assumed = (totals[totals.index.isin(LEVERS) == are].sort_values("share").iloc[-1] for are in (True, False))
    said = [
        f"`{one.name}` {percent(one.share)} of the variance of the mean impact with all it does beside others (90% "
        f"interval {percent(one.low)} to {percent(one.high)})"
        for one in (chosen, assumed)
    ]
    print(
        f"Of what we choose {said[0]}, of what we assume about delivery {said[1]}, over {len(found.table):,} scenarios."
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
