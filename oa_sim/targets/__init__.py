"""Targets: which levels can be attained, how likely targets are, and what new figures say.

Takes a scenario and targets or new figures. Hands on levels with probabilities, base rates, the least money for a
target, and monitoring with the draws reweighted.
"""

from oa_sim import _lazy_imports

__all__ = [
    "assess",
    "attainable",
    "minimum_budget",
    "monitor",
    "narrative",
    "promise",
    "settings",
]

__getattr__ = _lazy_imports.exports(__name__, {"promise": "assess"})
