"""Laws: the equations of the programme between numbers, each written once, without names, dims or loops.

NumPy calls them on arrays, in double precision (``delivered_effects``, ``delivery``, ``projection.cohort``).
``compiled.scalar_laws`` compiles the same functions, with constants, exponential and logarithm of its own in the place
of those here. The order of operations is part of a law: both forms round as it says.
"""

import numpy as np
from numpy import exp, expm1, log1p, maximum, minimum, power, where

Numbers = np.ndarray | float  # an array, or one number that all its places share
ZERO, HALF, ONE, TWO = 0.0, 0.5, 1.0, 2.0
MOST_SERVED = 0.999  # share of a group above which the chance of not being served is not followed


def reach(spend: Numbers, unit_cost: Numbers, eligible: Numbers, capacity: Numbers) -> np.ndarray:
    """Return the share of eligible pupils that money reaches, with diminishing returns.

    ``capacity (1 - exp(-spend / (unit_cost eligible capacity)))``; near nothing a pound buys a pound's worth, and no
    money reaches more than the capacity.

    Parameters
    ----------
    spend
        GBP / year.
    unit_cost
        GBP per fully served pupil and year.
    eligible
        Pupils; 1 where ``spend`` is that of one eligible pupil.
    capacity
        Largest share that can be reached.
    """
    share: np.ndarray = capacity * -expm1(-spend / (unit_cost * eligible * capacity))
    return share


def reach_slope(spend: Numbers, unit_cost: Numbers, eligible: Numbers, capacity: Numbers) -> np.ndarray:
    """Return what one more pound adds to ``reach``: its derivative."""
    slope: np.ndarray = exp(-spend / (unit_cost * eligible * capacity)) / (unit_cost * eligible)
    return slope


def partner_factor(capacity: Numbers, odds: Numbers) -> np.ndarray:
    """Return how much further partners carry each pound, and the capacity, so that reach stays a share.

    ``odds`` is the shift of reach that partners make on the scale of log-odds.
    """
    factor: np.ndarray = ONE / (capacity + (ONE - capacity) * exp(-odds))
    return factor


def ramp_integral(years: Numbers, ramp: Numbers) -> np.ndarray:
    """Return the years of full delivery that have come so many years after the first delivery.

    Delivery rises in a straight line from nothing to full over ``ramp`` years.
    """
    late = maximum(years, ZERO)
    integral: np.ndarray = where(late < ramp, late * late / (TWO * ramp), late - ramp * HALF)
    return integral


def delivered_share(begins: Numbers, ends: Numbers, ramp: Numbers) -> np.ndarray:
    """Return the share of planned delivery that falls within a year.

    ``begins`` and ``ends`` are the year's two ends, in years after the first delivery.
    """
    share: np.ndarray = ramp_integral(ends, ramp) - ramp_integral(begins, ramp)
    return share


def funded_activity(reached: Numbers, factor: Numbers, quality: Numbers, ceiling: Numbers) -> np.ndarray:
    """Return the activity that is paid for, share of eligible pupils fully served.

    ``reached`` is the share that money reaches and delivery has come to, ``factor`` that of partners, ``quality`` the
    dose in the area's schools as a share of a full one, ``ceiling`` the capacity times ``factor``.
    """
    activity: np.ndarray = minimum(reached * factor * quality, ceiling)
    return activity


def unpaid_step(standing: Numbers, change: Numbers, later: Numbers, released: Numbers) -> np.ndarray:
    """Return the unpaid activity of a year from that of the year before.

    Money that comes back takes over the oldest unpaid activity first, since it serves the same pupils.

    ``standing`` is the unpaid activity of the year before, ``change`` that of funded activity since. ``later`` is the
    share of unpaid activity that goes on for another year, ``released`` the share of activity whose money ends that
    goes on in its first year without: survival times quality.
    """
    continued = later * maximum(standing - maximum(change, ZERO), ZERO)
    total: np.ndarray = continued + released * maximum(-change, ZERO)
    return total


def presence(delivered: Numbers, capacity: Numbers, unpaid_share: Numbers) -> np.ndarray:
    """Return the share of schools in which an intervention is at work.

    ``delivered`` is the share of eligible pupils that local money reaches and delivery has come to, ``unpaid_share``
    unpaid activity as a share of the largest at the area's quality.
    """
    return minimum(delivered / capacity + unpaid_share, ONE)


def fidelity(kept: Numbers, excess: Numbers) -> np.ndarray:
    """Return what is left of each programme's quality in schools that are offered too many at once.

    ``kept ^ max(excess, 0)``: ``kept`` is the share left for each programme too many (in the compiled form its
    logarithm), ``excess`` the programmes at once in a school, less those that it can take on.
    """
    return power(kept, maximum(excess, ZERO))


def with_take_up(own: Numbers, taken: Numbers, capacity: Numbers) -> np.ndarray:
    """Return activity with what is taken up of a twin's, up to the capacity and never less than the area's own."""
    return maximum(own, minimum(own + taken, capacity))


def log_unserved(active: Numbers, widest: Numbers) -> np.ndarray:
    """Return the log of the chance that an intervention does not serve a pupil of the group that it serves most."""
    return log1p(-minimum(active * widest, MOST_SERVED))


def overlap_left(kept: Numbers, log_alone: Numbers) -> np.ndarray:
    """Return what is left of a gain where programmes meet on one pupil.

    ``1 - (1 - kept) P(another programme serves the pupil)``: ``kept`` is what is left of the gain when two programmes
    or more act on it in one channel, ``log_alone`` the log of the chance that no other serves the pupil.
    """
    left: np.ndarray = ONE + (ONE - kept) * expm1(log_alone)
    return left


def overlap_slope(kept: Numbers, log_alone: Numbers) -> np.ndarray:
    """Return what one more of ``log_alone`` adds to ``overlap_left``: its derivative."""
    slope: np.ndarray = (ONE - kept) * exp(log_alone)
    return slope


def retained_parts(first_year: Numbers, floor: Numbers) -> tuple[Numbers, Numbers]:
    """Return the shares of a gain that never fade and that fade, one year after it was given.

    ``first_year`` is the share that is left after one year, ``floor`` the share of that which never fades.
    """
    lasting = floor * first_year
    return lasting, first_year - lasting


def retention(first_year: Numbers, later: Numbers, floor: Numbers, years: Numbers) -> Numbers:
    """Return ``R(t) = f + (r1 - f) s^(t - 1)``, the share of a pupil's gain that is left some years later.

    ``first_year`` is ``r1``, ``floor`` is ``f`` as a share of it, ``later`` is ``s``; ``years`` is ``t``, at least 1.
    """
    lasting, fading = retained_parts(first_year, floor)
    return lasting + fading * later ** (years - 1)
