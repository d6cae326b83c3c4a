"""Compiled: the same law as ``programme`` and ``projection`` in machine code, for thousands of scenarios.

Takes a scenario and what scenarios share. Hands on summaries over the draws, in single precision, and the gradient of a
plan's worth. Tests hold it to the plain law.
"""

from oa_sim import _names

__all__ = ["activity", "arrays", "gradient", "input_cache", "jit", "simulate", "single_allocation"]

__getattr__ = _names.exports(__name__, {}, formerly="compiled.jit")
