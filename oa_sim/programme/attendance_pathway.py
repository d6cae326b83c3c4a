"""Links: pupils who are in school learn, so what keeps them there carries over to attainment within the year.

Two carry-overs of the model are not this one: what pupils keep of their luck from stage to stage (the baseline's
``cohort_link``), and what they keep of a treatment from year to year (fade-out).
"""

from collections.abc import Mapping

import numpy as np

from oa_sim.definitions import CARRYING
from oa_sim.scenario.schema import Intervention

CARRIED_TO = "attainment"


def channels(about: Intervention) -> tuple[str, ...]:
    """Return the channels that an intervention reaches, by itself or by the link."""
    carried = CARRIED_TO not in about.acts_on and any(about.acts_on.get(channel) for channel in CARRYING)
    return (*about.acts_on, *([CARRIED_TO] if carried else []))


def reaches(about: Intervention, link: Mapping[str, np.ndarray]) -> dict[str, float | np.ndarray]:
    """Return the share of an intervention's effect that reaches each channel.

    Parameters
    ----------
    about
        The intervention.
    link
        By channel of ``CARRYING``, the share (chain, draw) of what is gained there that carries over to attainment.

    Returns
    -------
    dict
        Channel to share: a number where it is declared, an array (chain, draw) where it is carried over.

    Notes
    -----
    Rule: never counted twice. An intervention that names ``attainment`` in ``acts_on`` has that effect from studies
    of attainment (a breakfast club's, say), which already contains what better attendance did for it: the direct
    effect stands, and the link is not applied on top.
    """
    found: dict[str, float | np.ndarray] = dict(about.acts_on)
    if CARRIED_TO in channels(about) and CARRIED_TO not in found:
        found[CARRIED_TO] = sum(about.acts_on.get(channel, 0.0) * link[channel] for channel in CARRYING)
    return found
