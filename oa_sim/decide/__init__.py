"""Decide: which plan is best, how sure that is, and what more information would be worth.

Takes a scenario, an objective, constraints. Hands on a plan in whole pounds with a bound, a robustness report, and the
value of information.
"""

from oa_sim import _lazy_imports

__all__ = [
    "Constraints",
    "Objective",
    "constraints",
    "decide",
    "decision",
    "narrative",
    "objective",
    "optimiser",
    "plan_evaluation",
    "value_of_information",
]

__getattr__ = _lazy_imports.exports(
    __name__, {"Constraints": "constraints", "Objective": "objective", "decide": "decision"}
)
