"""Simulation: one scenario from start to end.

Takes a scenario. Hands on a ``Result`` (draws, tables, what makes them traceable, sentences), or several compared on
the same draws and the same noise.
"""

from oa_sim import _lazy_imports

__all__ = [
    "Comparison",
    "Result",
    "compare",
    "comparison",
    "narrative",
    "result",
    "run",
    "run_manifest",
    "scenario_run",
    "summaries",
]

__getattr__ = _lazy_imports.exports(
    __name__, {"Comparison": "comparison", "Result": "result", "compare": "comparison", "run": "scenario_run"}
)
