"""Plots: every picture, one function each.

Takes results and tables. Hands on pictures that can be written as SVG and as PNG, with the description that a reader
who cannot see them needs. Matplotlib is known here alone.
"""

from oa_sim import _lazy_imports

__all__ = [
    "calibration",
    "decision_charts",
    "fan_charts",
    "intervals",
    "picture",
    "posterior",
    "target_charts",
    "tile_map",
]

__getattr__ = _lazy_imports.exports(__name__, {})
