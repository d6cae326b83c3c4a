"""Sweep: thousands of scenarios into one store, whatever happens on the way.

Takes a grid, a list or a sample of scenarios. Hands on a Zarr store with CSV and Parquet summaries, and what the sweep
shows: variance-based sensitivity, scenario discovery, a tornado.
"""

from oa_sim import _lazy_imports

__all__ = [
    "cases",
    "expand",
    "extend",
    "findings",
    "journal",
    "results",
    "resume",
    "sensitivity",
    "store",
    "sweep",
    "sweep_run",
]

__getattr__ = _lazy_imports.exports(__name__, {"extend": "sweep_run", "resume": "sweep_run", "sweep": "sweep_run"})
