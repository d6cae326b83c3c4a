"""Parameters: priors to draws of all that the programme's model eats, each from a stream of its own name.

A parameter's random numbers depend on the seed and on its name alone, so one more intervention or area never
changes another's.
"""

import numpy as np
import xarray as xr

from oa_sim import evidence, survival
from oa_sim.assumptions import Prior
from oa_sim.scenario import Scenario
from oa_sim.streams import stream
from oa_sim.tables import Row
from oa_sim.variables import CARRYING


def drawn(scenario: Scenario, tables: dict[str, list[Row]], chains: int, draws: int) -> xr.Dataset:
    """Return draws of all that the programme's model eats.

    Returns
    -------
    Dataset
        By (chain, draw, intervention): ``effect``, ``unit_cost`` (GBP / pupil / year), ``lag``, ``ramp`` (years),
        ``dose``, ``first_year``, ``later``, ``floor`` (fade-out), ``survives``, ``survives_later``, ``quality``
        (what goes on unpaid), ``staff_renewed`` (trained posts that are still held by trained staff a year later, 1
        where nothing rests on them; ``survives_later`` contains it). By (chain, draw): ``overlap``, ``leave_area``.
        By (chain, draw, area): ``delivery``. By (chain, draw, channel): ``attendance_link``.
    """
    size, seed = (chains, draws), scenario.seed
    delivery, sustain = scenario.delivery, scenario.sustainability
    shift = principle_shift(scenario, size)
    staff = survival.renewed(draw(sustain.staff_stay, stream(seed, "staff_stay"), size), sustain.retraining)
    columns: dict[str, list[np.ndarray]] = {}
    for name, about in scenario.interventions.items():
        fade, kind = scenario.evidence.fade_out[about.fade_out], sustain.kinds[about.kind]
        cost = Prior("LogNormal", about.unit_cost_gbp, max(delivery.cost_sigma, 1e-9))
        drawn = {
            "unit_cost": draw(cost, stream(seed, "unit_cost", name), size),
            "lag": draw(delivery.lag_years, stream(seed, "lag", name), size) + about.extra_lag_years,
            "ramp": draw(delivery.ramp_years, stream(seed, "ramp", name), size),
            "dose": draw(delivery.dose, stream(seed, "dose", name), size),
            "first_year": draw(fade.first_year, stream(seed, "first_year", name), size),
            "later": draw(fade.later, stream(seed, "later", name), size),
            "floor": draw(fade.floor, stream(seed, "floor", name), size),
            "survives": _shifted(draw(kind.first_year, stream(seed, "survives", name), size), shift),
            "survives_later": draw(kind.later, stream(seed, "survives_later", name), size),
            "quality": draw(sustain.quality, stream(seed, "quality", name), size),
            "staff_renewed": staff if about.rests_on_trained_staff else np.ones(size),
        }
        drawn["survives_later"] = drawn["survives_later"] * drawn["staff_renewed"]
        for key, values in drawn.items():
            columns.setdefault(key, []).append(values)
    data = {key: (("chain", "draw", "intervention"), np.stack(values, axis=-1)) for key, values in columns.items()}
    data["overlap"] = (("chain", "draw"), draw(delivery.overlap, stream(seed, "overlap"), size))
    data["leave_area"] = (("chain", "draw"), draw(delivery.leave_area, stream(seed, "leave_area"), size))
    link = scenario.evidence.attendance_link
    by_channel = [draw(link[channel], stream(seed, "attendance_link", channel), size) for channel in CARRYING]
    data["attendance_link"] = (("chain", "draw", "channel"), np.stack(by_channel, axis=-1))
    spread = delivery.area_sigma
    by_area = [  # of mean 1, so that the spread between areas adds nothing on average
        np.exp(spread * stream(seed, "delivery", area).standard_normal(size) - spread**2 / 2)
        for area in scenario.areas.names
    ]
    data["delivery"] = (("chain", "draw", "area"), np.stack(by_area, axis=-1))
    coords = {
        "intervention": list(scenario.interventions), "area": scenario.areas.names, "channel": list(CARRYING)
    }  # fmt: skip
    found = xr.Dataset(data, coords)
    found["effect"] = evidence.effects(scenario, tables, chains, draws)
    return found


def principle_shift(scenario: Scenario, size: tuple[int, int]) -> np.ndarray:
    """Return the shift of first-year survival (log-odds) that the principles in place make (chain, draw)."""
    total = np.zeros(size)
    for name, score in sorted(scenario.sustainability.principles.items()):
        total += score * draw(scenario.sustainability.principle_shift, stream(scenario.seed, "principle", name), size)
    return total


def _shifted(share: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return a share moved on the log-odds scale."""
    share = np.clip(share, 1e-9, 1 - 1e-9)
    return 1 / (1 + (1 - share) / share * np.exp(-shift))


def draw(prior: Prior, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return draws from a prior."""
    kinds = {
        "Beta": lambda: rng.beta(prior.a, prior.b, size),
        "Normal": lambda: prior.a + prior.b * rng.standard_normal(size),
        "LogNormal": lambda: prior.a * np.exp(prior.b * rng.standard_normal(size)),
        "Uniform": lambda: rng.uniform(prior.a, prior.b, size),
        "HalfNormal": lambda: np.abs(prior.a * rng.standard_normal(size)),
    }
    return kinds[prior.dist]()
