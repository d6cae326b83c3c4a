"""How fast is a scenario: against the plain law, against PyMC, against the EMA Workbench, and against the machine.

All in one run on one machine: 12 areas, two groups and all, nine measures, 15 years, 2,000 draws, with means, SDs and
seven quantiles of projection and impact in every area and in their mean. Look at the ratios, not at the seconds. Whole
sweeps, of 10 to 10,000 scenarios with 500 draws, run in processes of their own; what a scenario costs in them is the
difference of two sweeps over the scenarios that one has more, so that loading and planning cancel.

    python experiments/how_fast.py [--quick] [--json]

With ``--quick`` everything is smaller and done in some minutes; its ratios are not those of the gallery.
"""

import contextlib
import io
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import made_up_areas
import numpy as np
import pandas as pd
import plain

from oa_sim import load_scenario
from oa_sim.compiled import outcomes, simulate
from oa_sim.compiled.jit import compiled
from oa_sim.inference import link_functions
from oa_sim.plots.picture import CHANGE, INK, WITH, drawn

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does
FOLDER = Path("outputs/how_fast")
LONG = "horizon=15"
LEVERS = [
    (LONG, f"split={split}", f"portfolio={portfolio}")
    for portfolio in ("balanced", "teaching", "tutoring", "early_years_first", "delivery_plans")
    for split in ("equal", "per_pupil")
]
SWEEP = (
    *(LONG, "design=latin_hypercube", "split=equal,per_pupil,per_disadvantaged_pupil"),
    *("portfolio=balanced,teaching,tutoring,early_years_first", "budget.total_gbp=interval(3e7,2e8)"),
)
FULL = {"draws": 500, "sizes": (10, 110, 1_000, 10_000), "in_sweeps": 125, "areas": 1_000, "times": 8}
QUICK = {"draws": 25, "sizes": (10, 30, 40, 100), "in_sweeps": 10, "areas": 60, "times": 2}


def best(law, times: int) -> float:
    """Return the least of the seconds that a law takes."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        law()
        found.append(time.perf_counter() - began)
    return min(found)


def side_by_side(law, n: int, workers: int, times: int) -> float:
    """Return the least of the seconds that ``n`` calls of a law take, with so many threads."""
    with ThreadPoolExecutor(workers) as pool:
        return best(lambda: list(pool.map(law, range(n))), times)


@compiled
def link(latent, out):
    """Write the figures of latent values."""
    outcomes.publish(link_functions.SHARE, latent, out)


def limits(scenario, about: plain.Made, times: int) -> dict[str, float]:
    """Return the seconds in which two threads do what a scenario needs at the least, by kind of work."""
    latent, two = about.ground, about.programme.shape.two_groups
    rows = (latent.shape[0] + 1) * sum(np.where(two, 3, 1)) * scenario.horizon
    draws = np.random.default_rng(1).standard_normal((2 * rows, latent.shape[3])).astype(np.float32)
    halves, room = np.array_split(draws, 2), np.array_split(np.empty_like(draws), 2)
    copied = side_by_side(lambda i: np.copyto(room[i], halves[i]), 2, 2, times)
    least = latent[:, :, : scenario.horizon].nbytes / (2 * draws.nbytes)  # read once, of what a copy reads and writes
    values, out = np.array_split(latent.reshape(-1), 2), np.array_split(np.empty(latent.size, dtype=np.float32), 2)
    link(values[0][:8], out[0][:8])
    return {
        "copying (two threads)": copied * least,
        "links (two threads)": side_by_side(lambda i: link(values[i], out[i]), 2, 2, times),
        "sorting (two threads)": side_by_side(lambda i: np.sort(halves[i], axis=-1), 2, 2, times),
    }


def by_pymc(scenario, about: plain.Made) -> float:
    """Return the seconds of ``pm.set_data``, ``pm.sample_posterior_predictive`` and quantiles, once all is compiled."""
    import law_in_pytensor as law
    import pymc as pm

    logging.getLogger("pymc").setLevel(logging.ERROR)
    latent, chains = about.ground[:, :, : scenario.horizon], about.programme.drawn.sizes["chain"]
    model = law.model(about.programme.shape, about.levers, latent.shape[:3])
    drawn = law.posterior(about.programme.draws, about.levers, latent, chains)

    def go():
        with model:
            pm.set_data({name: getattr(about.levers, name).astype(float) for name in law.DATA})
            names = ["projection", "impact"]
            found = pm.sample_posterior_predictive(drawn, var_names=names, progressbar=False, random_seed=1)
        for name in names:
            values = found.posterior_predictive[name].values  # (chain, draw, row, area, year)
            values = np.moveaxis(values.reshape(-1, *values.shape[2:]), 0, -1)
            plain.statistics(np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1))

    go()  # compiles
    return best(go, 2)


def by_workbench(scenario, about: plain.Made, counterfactual) -> float:
    """Return the seconds of one experiment of the EMA Workbench around the plain law."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):  # it shows how far it is
        warnings.simplefilter("ignore")
        import ema_workbench as ema

        def law(total_gbp):
            richer = replace(scenario, budget=replace(scenario.budget, total_gbp=total_gbp))
            found = plain.law(richer, plain.made(richer), counterfactual)
            return {"impact": float(found["impact"]["mean"].mean())}

        model = ema.Model("oa", function=law)
        model.levers = [ema.RealParameter("total_gbp", 3e7, 2e8)]
        model.outcomes = [ema.ScalarOutcome("impact")]
        ema.ema_logging.log_to_stderr(logging.ERROR)
        began = time.perf_counter()
        ema.perform_experiments(model, policies=2)
        return (time.perf_counter() - began) / 2


def swept(n: int, draws: int) -> dict[str, float]:
    """Return the seconds and the peak memory of a sweep in a process of its own, loaded before the clock starts."""
    told = subprocess.run([sys.executable, __file__, "sweep", str(n), str(draws)], capture_output=True, text=True)
    if told.returncode:
        raise SystemExit(told.stderr)
    return json.loads(told.stdout.splitlines()[-1])


def sweep_here(n: int, draws: int) -> None:
    """Sweep, and print the seconds and the peak memory."""
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.sweep.sweep_run import sweep

    simulate.summary(load_scenario(LONG, f"sampler.draws={draws}"))
    sweeping, words = load_sweeping([*SWEEP, f"design.n={n}", f"sampler.draws={draws}", "engine.workers=2"])
    with tempfile.TemporaryDirectory(dir=".") as folder:
        began = time.perf_counter()
        sweep(words, sweeping, Path(folder) / "sweep")
        seconds = time.perf_counter() - began
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "peak_gib": peak, "mb": size / 1e6}))


def by_area(n: int, draws: int, times: int) -> dict[int, float]:
    """Return the seconds for each area of a scenario with 12 areas, and with ``n``."""
    facts, found = Path(__file__).parents[2] / "shared/facts/lait_to_2022_23.parquet", {}
    with tempfile.TemporaryDirectory() as home:
        names = made_up_areas.write(Path(home) / "data", n, str(facts) if facts.exists() else None)
        base = load_scenario(LONG, f"sampler.draws={draws}", data_folder=str(Path(home) / "data"))
        for some in (12, n):
            one = replace(base, areas=replace(base.areas, names=names[:some]))
            simulate.summary(one)
            found[some] = best(lambda one=one: simulate.summary(one), times) / some
    return found


def measured(size: dict, say) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return seconds by way and the ratios."""
    draws, times = size["draws"], size["times"]
    some = [load_scenario(*levers, f"sampler.draws={draws}") for levers in LEVERS]
    say("loading")
    for scenario in some:
        simulate.summary(scenario)
    about = plain.made(some[0])
    counterfactual = plain.latent(some[0], about)
    rows = {}
    say("the kernel, the machine's limits and the plain law")
    for workers in (1, 2):
        name = f"kernel, {workers} thread{'s' * (workers > 1)}"
        rows[name] = side_by_side(lambda i: simulate.summary(some[i]), len(some), workers, times) / len(some)
    rows |= limits(some[0], about, times)
    rows["plain law in NumPy"] = best(lambda: plain.law(some[0], about, counterfactual), 3)
    say("the EMA Workbench around the plain law")
    rows["EMA Workbench around the plain law"] = by_workbench(some[0], about, counterfactual)
    say("PyMC: set_data and sample_posterior_predictive")
    rows["sample_posterior_predictive"] = by_pymc(some[0], about)
    for few in sorted({max(draws // 20, 10), max(draws // 4, 10)}):
        scenario = load_scenario(LONG, f"sampler.draws={few}")
        simulate.summary(scenario)
        chains = about.programme.drawn.sizes["chain"]
        rows[f"kernel, 1 thread, {chains * few:,} draws"] = best(lambda one=scenario: simulate.summary(one), times)
    say("whole sweeps")
    sweeps = {n: swept(n, size["in_sweeps"]) for n in (*size["sizes"], 100)}
    wide = swept(100, draws)
    few, more, many, most = size["sizes"]
    cost = [(sweeps[b]["seconds"] - sweeps[a]["seconds"]) / (b - a) for a, b in ((few, more), (many, most))]
    rows[f"a scenario of a sweep, {few:,} to {more:,}"] = cost[0]
    rows[f"a scenario of a sweep, {many:,} to {most:,}"] = cost[1]
    say("many areas")
    areas = by_area(size["areas"], max(draws // 10, 10), times)
    rows |= {f"kernel, 1 thread, an area of {n:,}": seconds for n, seconds in areas.items()}
    ours, bound = (
        rows["kernel, 2 threads"],
        max(rows[f"{kind} (two threads)"] for kind in ("copying", "links", "sorting")),
    )
    ratios = {
        "ratio_numpy": rows["plain law in NumPy"] / ours,
        "ratio_ppc": rows["sample_posterior_predictive"] / ours,
        "ratio_workbench": rows["EMA Workbench around the plain law"] / ours,
        "share_of_limit": bound / ours,
        "flatness_10_to_10000": cost[1] / cost[0],
        "memory_ratio_100_to_10000": sweeps[most]["peak_gib"] / sweeps[100]["peak_gib"],
        "peak_gib": max(one["peak_gib"] for one in (wide, *sweeps.values())),
        "two_workers": rows["kernel, 1 thread"] / ours,
        "cost_per_area_ratio": areas[size["areas"]] / areas[12],
        "mb_per_1000_scenarios": 1000 * wide["mb"] / 100,
    }
    table = pd.DataFrame({"what": list(rows), "ms": [1e3 * seconds for seconds in rows.values()]})
    table["times_kernel_2_threads"] = table.ms / (1e3 * ours)
    return table.assign(n_draws=some[0].sampler.draws * about.programme.drawn.sizes["chain"]), ratios


def main(*flags: str) -> None:
    began = time.monotonic()

    def say(sentence: str) -> None:
        if sys.stderr.isatty():
            print(f"[{time.monotonic() - began:6.1f} s] {sentence}", file=sys.stderr)

    table, ratios = measured(QUICK if "--quick" in flags else FULL, say)
    FOLDER.mkdir(parents=True, exist_ok=True)
    table.to_csv(FOLDER / "table.csv", index=False, float_format="%.4g")
    (FOLDER / "ratios.json").write_text(json.dumps(ratios, indent=1) + "\n")
    (FOLDER / "figure.svg").write_text(picture(table), encoding="utf-8")
    if "--json" not in flags:
        print(table.to_string(index=False))
        print(
            f"A scenario takes {1e-3 * table.ms[1]:.3f} s on two threads: "
            f"{ratios['ratio_numpy']:.0f} times quicker than the plain law, "
            f"{ratios['ratio_ppc']:.0f} times than sample_posterior_predictive, and at "
            f"{100 * ratios['share_of_limit']:.0f}% of the speed at which this machine sorts the draws alone."
        )
    print(json.dumps({name: round(ratio, 4) for name, ratio in ratios.items()}))


def picture(table: pd.DataFrame) -> str:
    """Return the seconds of a scenario by way, on a scale of factors, as inline SVG."""
    rows = table[~table.what.str.contains("sweep|area|draws")].sort_values("ms")
    said = ", ".join(f"{what} {ms:,.3g} ms" for what, ms in zip(rows.what, rows.ms, strict=True))

    def paint(figure) -> None:
        axes = figure.subplots()
        figure.subplots_adjust(left=0.40, right=0.93, top=0.97, bottom=0.16)
        colours = [CHANGE if what.startswith("kernel") else WITH for what in rows.what]
        axes.barh(rows.what, rows.ms, color=colours, height=0.6)
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds for a scenario, each mark ten times the one before")
        for y, ms in enumerate(rows.ms):
            axes.text(ms * 1.1, y, f"{ms:,.3g}", va="center", fontsize=8, color=INK)
        axes.set_xlim(right=rows.ms.max() * 4)

    return drawn("how_fast", "", f"Milliseconds for a scenario: {said}.", (7.2, 3.4), paint).svg


if __name__ == "__main__":
    if sys.argv[1:2] == ["sweep"]:
        sweep_here(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main(*sys.argv[1:])
