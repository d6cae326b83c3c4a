"""Parameters: priors to draws of all that the programme's model eats, each from a stream of its own name.

A parameter's random numbers depend on the seed and on its name alone, so one more intervention or area never
changes another's.
"""

from collections.abc import Callable

import numpy as np
import xarray as xr

from oa_sim.definitions import CARRYING
from oa_sim.errors import one_of
from oa_sim.evidence import meta_analysis
from oa_sim.inputs.tables import Row
from oa_sim.programme import delivery as delivery_module
from oa_sim.programme.delivery import academic
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Prior
from oa_sim.scenario.schema import Scenario

ONE_FOR_ALL = ("overlap", "leave_area", "spill", "load_loss", "recovery", "disadvantage_factor")
WORKS_WITH = {  # the phases whose reach a partner widens
    "families": ("early_years", "primary", "attendance"),
    "employers": ("post_16",),
    "voluntary_sector": ("secondary", "attendance", "post_16"),
}


def drawn(scenario: Scenario, tables: dict[str, list[Row]], chains: int, draws: int) -> xr.Dataset:
    """Return draws of all that the programme's model eats.

    By (chain, draw, intervention): ``effect``, ``unit_cost`` (GBP / pupil / year), ``lag``, ``ramp`` (years), ``dose``,
    ``reach_odds``, ``first_year``, ``later``, ``floor`` (fade-out), ``survives``, ``survives_later``, ``quality`` (what
    goes on unpaid), ``staff_renewed`` (trained posts that are still held by trained staff a year later, 1 where nothing
    rests on them; ``survives_later`` contains it). By (chain, draw): ``overlap``, ``leave_area``, ``open_procurement``
    (years), ``spill``, ``load_loss``, ``recovery``, ``disadvantage_factor``. By (chain, draw, area): ``delivery``; by
    (area): ``announced_later`` (years). By (chain, draw, channel): ``attendance_link``; by (chain, draw, study):
    ``kept``, the share of a study's effect that is kept at scale. By (chain, draw, event): ``happens``, with the
    coordinates ``what``, ``begins`` and ``ends`` (on the clock of academic years).
    """
    size, seed = (chains, draws), scenario.seed
    columns: dict[str, list[np.ndarray]] = {}
    run = _as_run(scenario, size)
    for name in scenario.interventions:
        for key, values in _of_intervention(scenario, name, run, size).items():
            columns.setdefault(key, []).append(values)
    data: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        key: (("chain", "draw", "intervention"), np.stack(values, axis=-1)) for key, values in columns.items()
    }
    for key in ONE_FOR_ALL:
        data[key] = (("chain", "draw"), draw(getattr(scenario.delivery, key), stream(seed, key), size))
    waits = scenario.delivery.open_procurement_years
    data["open_procurement"] = (("chain", "draw"), draw(waits, stream(seed, "open_procurement"), size))
    link = scenario.evidence.attendance_link
    by_channel = [draw(link[channel], stream(seed, "attendance_link", channel), size) for channel in CARRYING]
    data["attendance_link"] = (("chain", "draw", "channel"), np.stack(by_channel, axis=-1))
    spread = scenario.delivery.area_sigma
    by_area = [  # of mean 1, so that the spread between areas adds nothing on average
        np.exp(spread * stream(seed, "delivery", area).standard_normal(size) - spread**2 / 2)
        for area in scenario.areas.names
    ]
    data["delivery"] = (("chain", "draw", "area"), np.stack(by_area, axis=-1))
    group = {row["area"]: row["wave"] for row in tables["areas"]}
    later = [scenario.budget.second_group_later_years * (group[area] > 1) for area in scenario.areas.names]
    data["announced_later"] = (("area",), np.array(later))
    coords = {"intervention": list(scenario.interventions), "area": scenario.areas.names, "channel": list(CARRYING)}
    parameters = xr.Dataset(data, coords).merge(_events(scenario, tables["events"], size))
    parameters["effect"] = meta_analysis.effects(scenario, tables, chains, draws)
    parameters["kept"] = meta_analysis.draws(scenario, tables, chains, draws).kept
    return parameters


def _of_intervention(
    scenario: Scenario, name: str, run: dict[str, np.ndarray], size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Return the draws that belong to one intervention, each (chain, draw)."""
    intervention, seed = scenario.interventions[name], scenario.seed
    delivery, sustain = scenario.delivery, scenario.sustainability
    fade, kind = scenario.evidence.fade_out[intervention.fade_out], sustain.kinds[intervention.kind]
    cost = Prior("LogNormal", intervention.unit_cost_gbp, max(delivery.cost_sigma, 1e-9))
    missing = draw(delivery.network_years, stream(seed, "network", intervention.phase), size)
    missing = missing * (1 - scenario.organisation.networks[intervention.phase])
    lag = draw(delivery.lag_years, stream(seed, "lag", name), size) * run["slower"]
    reach_odds, survival_odds = _engaged(scenario, intervention.phase, size)
    survives = draw(kind.first_year, stream(seed, "survives", name), size)
    renewed = np.ones(size)
    if intervention.rests_on_trained_staff:
        stay = draw(sustain.staff_stay, stream(seed, "staff_stay"), size)
        renewed = delivery_module.renewed(stay, sustain.retraining)
    return {
        "unit_cost": draw(cost, stream(seed, "unit_cost", name), size),
        "lag": lag + missing + intervention.extra_lag_years,
        "ramp": draw(delivery.ramp_years, stream(seed, "ramp", name), size),
        "dose": shifted(draw(delivery.dose, stream(seed, "dose", name), size), run["better"]),
        "reach_odds": reach_odds,
        "first_year": draw(fade.first_year, stream(seed, "first_year", name), size),
        "later": draw(fade.later, stream(seed, "later", name), size),
        "floor": draw(fade.floor, stream(seed, "floor", name), size),
        "survives": shifted(survives, run["survives"] + survival_odds),
        "survives_later": draw(kind.later, stream(seed, "survives_later", name), size) * renewed,
        "quality": draw(sustain.quality, stream(seed, "quality", name), size),
        "staff_renewed": renewed,
    }


def _as_run(scenario: Scenario, size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Return what the way of running the programme does: a factor on the lag, and log-odds of dose and of survival."""
    seed, delivery, organisation = scenario.seed, scenario.delivery, scenario.organisation
    slower = draw(delivery.procurement[organisation.procurement], stream(seed, "procurement"), size)
    better = np.zeros(size)
    for part, score in sorted(organisation.board.items()):
        slower = slower * (1 + (1 - score) * draw(delivery.board_slower, stream(seed, "board slower", part), size))
        better = better - (1 - score) * draw(delivery.board_weaker, stream(seed, "board weaker", part), size)
    if len(scenario.areas.names) > 1:  # one area alone has nobody to learn from
        shared = organisation.sharing
        slower = slower * (1 - shared * draw(delivery.sharing_faster, stream(seed, "sharing faster"), size))
        better = better + shared * draw(delivery.sharing_better, stream(seed, "sharing better"), size)
    return {"slower": slower, "better": better, "survives": principle_shift(scenario, size)}


def _engaged(scenario: Scenario, phase: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-odds of reach and of survival that partners make in a phase, 0 where they are partial."""
    reach, survives = np.zeros(size), np.zeros(size)
    for partner, phases in WORKS_WITH.items():
        if phase in phases:
            score, seed = scenario.organisation.engagement[partner] - 0.5, scenario.seed
            reach += score * draw(scenario.delivery.engagement_reach, stream(seed, "engaged", partner), size)
            survives += score * draw(scenario.delivery.engagement_survives, stream(seed, "engaged on", partner), size)
    return reach, survives


def _events(scenario: Scenario, rows: list[Row], size: tuple[int, int]) -> xr.Dataset:
    """Return the size of each event that comes about, and when it does on the clock of academic years."""
    check_events(scenario, rows)
    by_name = {row["event"]: row for row in rows}
    chosen = [by_name[name] for name in sorted(scenario.organisation.events)]
    sizes = [
        draw(Prior("Uniform", row["low"], row["high"]), stream(scenario.seed, "event", row["event"]), size)
        for row in chosen
    ]
    when = {
        "what": ("event", [row["what"] for row in chosen]),
        "begins": ("event", [academic(row["first_month"]) for row in chosen]),
        "ends": ("event", [academic(row["last_month"] + 1 / 12) for row in chosen]),
    }
    happens = np.stack(sizes, axis=-1) if sizes else np.zeros((*size, 0))
    return xr.Dataset(
        {"happens": (("chain", "draw", "event"), happens)}, {"event": [row["event"] for row in chosen], **when}
    )


def check_events(scenario: Scenario, rows: list[Row]) -> None:
    """Refuse an event of the scenario that is no row of ``events.csv``, with the nearest right name."""
    for name in scenario.organisation.events:
        one_of("event in organisation.events", name, [row["event"] for row in rows])


def principle_shift(scenario: Scenario, size: tuple[int, int]) -> np.ndarray:
    """Return the shift of first-year survival (log-odds) that the principles in place make (chain, draw)."""
    total = np.zeros(size)
    for name, score in sorted(scenario.sustainability.principles.items()):
        total += score * draw(scenario.sustainability.principle_shift, stream(scenario.seed, "principle", name), size)
    return total


def shifted(share: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Return a share moved on the log-odds scale."""
    share = np.clip(share, 1e-9, 1 - 1e-9)
    moved: np.ndarray = 1 / (1 + (1 - share) / share * np.exp(-shift))
    return moved


def draw(prior: Prior, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return draws from a prior."""
    kinds: dict[str, Callable[[], np.ndarray]] = {
        "Beta": lambda: rng.beta(prior.a, prior.b, size),
        "Normal": lambda: prior.a + prior.b * rng.standard_normal(size),
        "LogNormal": lambda: prior.a * np.exp(prior.b * rng.standard_normal(size)),
        "Uniform": lambda: rng.uniform(prior.a, prior.b, size),
        "HalfNormal": lambda: np.abs(prior.a * rng.standard_normal(size)),
    }
    return kinds[prior.dist]()
