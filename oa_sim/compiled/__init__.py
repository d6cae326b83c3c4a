"""Compiled: the same law as ``programme`` and ``projection`` in machine code, for thousands of scenarios.

Takes a scenario and what scenarios share. Hands on summaries over the draws, in single precision, and the gradient of a
plan's worth. Tests hold it to the plain law.
"""

from oa_sim import _lazy_imports

__all__ = ["activity", "arrays", "gradient", "input_cache", "jit", "simulate"]

__getattr__ = _lazy_imports.exports(__name__, {})
