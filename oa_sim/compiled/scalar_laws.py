"""Scalar laws: the equations of ``programme.laws`` and ``inference.link_functions``, compiled in single precision.

Each is the same Python function, with other globals: its constants are single-precision numbers, and what it calls is
the arithmetic written here. No equation is.

The exponential, the logarithm and the normal distribution function are additions and multiplications alone: a compiler
turns these into vector code, and a call to a mathematical library into one call for each number. Each is a polynomial
or a ratio of two, fitted to the double-precision function by weighted least squares until its largest error was even;
the errors stand in the docstrings and are tested.
"""

import types
from collections.abc import Callable
from typing import Any

import numpy as np

from oa_sim.compiled.jit import Number, compiled
from oa_sim.inference import link_functions
from oa_sim.programme import laws

_f = np.float32
LOG2_E, LN2_HIGH, LN2_LOW = _f(1.44269504), _f(0.693359375), _f(-2.12194440e-4)
ROUNDING = _f(12582912.0)  # 1.5 x 2^23: adding it, and taking it away, rounds to a whole number
LOWEST, HIGHEST = _f(-87.0), _f(88.0)  # e to these is a normal number
E2, E3, E4, E5, E6 = map(_f, (5.000000095e-01, 1.666651884e-01, 4.166620581e-02, 8.368889414e-03, 1.395049068e-03))
ROOT_HALF, EXPONENT, ONE_BITS = np.int32(0x3F3504F3), np.int32(23), np.int32(0x3F800000)
L2, L3, L4, L5 = map(_f, (-4.999998198e-01, 3.333422547e-01, -2.500249109e-01, 1.995361256e-01))
L6, L7, L8, L9 = map(_f, (-1.655233348e-01, 1.497929358e-01, -1.444188716e-01, 8.733623824e-02))
FARTHEST = _f(5.4)  # SD; beyond it the distribution function is 0 or 1 to the last digit that is kept
A0, A1, A2, A3, A4 = map(_f, (3.989417148e-01, 5.489737494e-02, 5.906138925e-03, 3.730736329e-04, 6.762223263e-06))
B1, B2, B3, B4, B5 = map(_f, (3.042649258e-01, 4.053173493e-02, 3.046481332e-03, 1.338705010e-04, 5.633548290e-07))
ZERO, HALF, ONE = _f(0.0), _f(0.5), _f(1.0)


@compiled
def exp(x: Number) -> Number:
    """Return e to the power of ``x`` in single precision, relative error at most 2e-7; held within -87 to 88."""
    x = min(max(x, LOWEST), HIGHEST)
    whole = x * LOG2_E + ROUNDING
    n = whole - ROUNDING
    r = x - n * LN2_HIGH - n * LN2_LOW
    series = ONE + r * (ONE + r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * E6)))))
    # the whole number stands in the lowest bits of the sum: shifted, it is the exponent of a power of two
    return series * np.int32((np.float32(whole).view(np.int32) << EXPONENT) + ONE_BITS).view(np.float32)


@compiled
def log(x: Number) -> Number:
    """Return the natural logarithm of a normal ``x`` above 0 in single precision, error at most 2e-7 of 1 or of it."""
    bits = np.float32(x).view(np.int32)
    power = (bits - ROOT_HALF) >> EXPONENT
    r = np.int32(bits - (power << EXPONENT)).view(np.float32) - ONE
    n = np.float32(power)
    series = L2 + r * (L3 + r * (L4 + r * (L5 + r * (L6 + r * (L7 + r * (L8 + r * L9))))))
    return n * LN2_HIGH + (r + (n * LN2_LOW + r * r * series))


@compiled
def normal_below(x: Number) -> Number:
    """Return the share of a standard normal distribution that lies below ``x`` in single precision.

    The error is at most 3e-7 of the whole; an odd rational function, held to 0 and 1 beyond 5.4 SD.
    """
    x = min(max(x, -FARTHEST), FARTHEST)
    u = x * x
    above = A0 + u * (A1 + u * (A2 + u * (A3 + u * A4)))
    below = ONE + u * (B1 + u * (B2 + u * (B3 + u * (B4 + u * B5))))
    return HALF + x * (above / below)


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
log_unserved, overlap_left = _single(laws.log_unserved), _single(laws.overlap_left)
overlap_slope = _single(laws.overlap_slope)
points = _single(link_functions.points)
fraction, slope = _single(link_functions.fraction, points), _single(link_functions.slope)
published = _single(link_functions.published, points, fraction)
