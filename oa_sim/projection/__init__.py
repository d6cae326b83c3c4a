"""Projection: from effects delivered to outcomes, their worth, and whether they last.

Takes the counterfactual and the new gains of each year. Hands on outcomes by area, group, measure and year, with and
without the programme, and what follows from them: sustainability, appraisal, rankings, sources of uncertainty.
"""

from oa_sim import _lazy_imports

__all__ = [
    "appraisal",
    "cohort",
    "impact_retention",
    "outside_view",
    "ranking",
    "sustainability",
    "variance_decomposition",
]

__getattr__ = _lazy_imports.exports(__name__, {})
