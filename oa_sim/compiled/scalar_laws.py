"""Scalar laws: the equations of ``programme.laws`` and ``inference.link_functions``, compiled in single precision.

Each is the same Python function, with other globals: its constants are single-precision numbers, and what it calls is
the arithmetic of ``vector_math``, which a compiler can turn into vector code. No equation is written here.
"""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from oa_sim.compiled.jit import Number, compiled
from oa_sim.compiled.vector_math import exp, log, normal_below
from oa_sim.inference import link_functions
from oa_sim.programme import laws

ONE = np.float32(1.0)


@compiled
def _expm1(x: Number) -> Number:
    return exp(x) - ONE


@compiled
def _log1p(x: Number) -> Number:
    return log(ONE + x)


@compiled
def _power(log_base: Number, exponent: Number) -> Number:
    return exp(exponent * log_base)  # the base is stored as its logarithm


@compiled
def _where(condition: bool, this: Number, other: Number) -> Number:
    return this if condition else other


ARITHMETIC: dict[str, Callable[..., Any]] = {
    **{"exp": exp, "expm1": _expm1, "log1p": _log1p, "power": _power, "ndtr": normal_below},
    **{"maximum": max, "minimum": min, "where": _where},
}


def _single(law: Callable[..., Any], *called: Callable[..., Any]) -> Callable[..., Any]:
    """Return a law compiled in single precision, given the compiled form of other laws that it calls."""
    own = law.__globals__
    constants = {name: np.float32(value) for name, value in own.items() if isinstance(value, float)}
    others = {each.__name__: each for each in called}
    return compiled(types.FunctionType(law.__code__, own | constants | ARITHMETIC | others, law.__name__))


reach, reach_slope = _single(laws.reach), _single(laws.reach_slope)
ramp_integral = _single(laws.ramp_integral)
delivered_share = _single(laws.delivered_share, ramp_integral)
funded_activity, unpaid_step = _single(laws.funded_activity), _single(laws.unpaid_step)
presence, fidelity, with_take_up = _single(laws.presence), _single(laws.fidelity), _single(laws.with_take_up)
log_unserved, overlap_left, overlap_slope = (
    _single(law) for law in (laws.log_unserved, laws.overlap_left, laws.overlap_slope)
)
points = _single(link_functions.points)
fraction, slope = _single(link_functions.fraction, points), _single(link_functions.slope)
published = _single(link_functions.published, points, fraction)
