"""How fast is a scenario, against the plain law, against PyMC, against the EMA Workbench, and against the machine?

All in one run on one machine: 12 areas, two groups and all, nine measures, 15 years, 2,000 draws, with means, SDs and
seven quantiles of projection and impact in every area and in their mean. Look at the ratios, not at the seconds. With
``--quick`` everything is smaller and done in a few minutes; its ratios are not those of the gallery.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib
import numpy as np
import plain

from oa_sim import kernel, passes, readings
from oa_sim.compiled import compiled

matplotlib.use("Agg")
OUT = Path("outputs/how_fast")
LONG = "horizon=15"
LEVERS = [
    (LONG, f"split={split}", f"portfolio={portfolio}")
    for portfolio in ("balanced", "teaching", "tutoring", "early_years_first", "delivery_plans")
    for split in ("equal", "per_pupil")
]
FULL = {"draws": 500, "sweeps": (10, 110, 1_000, 10_000), "areas": 1_000, "few_draws": 50, "repeats": 5}
QUICK = {"draws": 50, "sweeps": (10, 60, 100, 200), "areas": 120, "few_draws": 10, "repeats": 2}


def best(law, times: int) -> float:
    """Return the least of the seconds that a law takes."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        law()
        found.append(time.perf_counter() - began)
    return min(found)


def by_threads(some: list, workers: int, times: int) -> float:
    """Return the seconds that the kernel takes for a scenario, with so many threads."""
    with ThreadPoolExecutor(workers) as pool:
        return best(lambda: list(pool.map(kernel.summary, some)), times) / len(some)


def limits(some, workers: int, times: int) -> dict[str, float]:
    """Return the seconds that the machine itself would take for what a scenario needs, by kind of work."""
    about = plain.made(some)
    latent = about.ground.latent
    rows = (latent.shape[0] + 1) * sum(3 if two else 1 for two in about.programme.shape.two_groups) * latent.shape[2]
    draws = np.random.default_rng(1).standard_normal((2 * rows, latent.shape[3])).astype(np.float32)
    room = draws.copy()
    parts = [part for part in np.array_split(np.arange(len(draws)), workers)]

    def side_by_side(law):
        with ThreadPoolExecutor(workers) as pool:
            return best(lambda: list(pool.map(law, parts)), times)

    copied = side_by_side(lambda at: np.copyto(room[at[0] : at[-1] + 1], draws[at[0] : at[-1] + 1]))
    moved = 2 * latent.nbytes / draws.nbytes  # what must be read at least: where each draw stands, and its figure
    sorted_ = side_by_side(lambda at: np.sort(draws[at[0] : at[-1] + 1], axis=-1))
    one, out = latent.reshape(-1), np.empty(latent.size, dtype=np.float32)
    pieces = [part for part in np.array_split(np.arange(latent.size), workers)]
    _link(one[:8], out[:8])
    with ThreadPoolExecutor(workers) as pool:
        linked = best(
            lambda: list(pool.map(lambda at: _link(one[at[0] : at[-1] + 1], out[at[0] : at[-1] + 1]), pieces)), times
        )
    return {"bandwidth": copied * moved / 2, "links": linked, "sorts": sorted_}


@compiled
def _link(latent, out):
    readings.publish(passes.SHARE, latent, out)
