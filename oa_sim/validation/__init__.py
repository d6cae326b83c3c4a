"""Validation: whether the model deserves trust.

Takes published figures and the model as it would have been fitted then. Hands on scores against other forecasters, a
hindcast, a placebo test, and what is left of the answer without each study.
"""

from oa_sim import _lazy_imports

__all__ = [
    "backtest",
    "benchmark_forecasters",
    "district_backtest",
    "district_record",
    "evidence_ledger",
    "hindcast",
    "leave_one_study_out",
    "scoring",
    "track_record",
]

__getattr__ = _lazy_imports.exports(__name__, {"evidence_ledger": "leave_one_study_out"})
