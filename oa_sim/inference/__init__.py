"""Inference: what would have happened without the programme, learned from all authorities.

Takes a panel of published figures. Hands on a posterior of the baseline's hyperparameters, its convergence checks, and
each area's counterfactual, drawn exactly given its own record and each posterior draw. PyMC samples, ArviZ checks.
"""

from oa_sim import _lazy_imports

__all__ = [
    "area_forecast",
    "baseline_fit",
    "counterfactual",
    "district_law",
    "fit",
    "importance_sampling",
    "link_functions",
    "mcse",
    "national_trend",
    "observations",
    "posterior_files",
    "sampling",
]

__getattr__ = _lazy_imports.exports(__name__, {"fit": "baseline_fit"})
