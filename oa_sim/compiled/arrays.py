"""Arrays: a scenario and its parameter draws as contiguous single-precision arrays for the compiled model."""

import numpy as np
import numpy.typing as npt
import xarray as xr

from oa_sim.compiled.activity import BLOCK, Draws, Levers, Shape
from oa_sim.definitions import CHANNELS, MEASURES, YEAR_GROUPS, Measure
from oa_sim.inference.link_functions import kind_of
from oa_sim.programme import delivered_effects, delivery, laws
from oa_sim.projection.appraisal import present
from oa_sim.scenario.schema import Intervention, Scenario

MOST_LAGS = 500  # that are kept
Lags = dict[tuple[object, ...], np.ndarray]  # by all that a lag was made from, (draw), years


def shape(scenario: Scenario, poor: np.ndarray, n_years: int) -> Shape:
    """Return who serves whom and what reads it.

    ``poor`` (area, measure) is the disadvantaged share of the pupils that each measure describes; the programme is
    followed over so many years.
    """
    kinds, measures = list(scenario.interventions.values()), [MEASURES[name] for name in scenario.measures]
    sight = np.stack([[_sight(intervention, measure, n_years) for measure in measures] for intervention in kinds])
    sees = sight.any(axis=-1)
    channel = np.array([CHANNELS.index(measure.channel) for measure in measures])
    stages = [delivery.stages(intervention.year_groups) for intervention in kinds]
    return Shape(
        capacity=_single([intervention.capacity for intervention in kinds]),
        widest=_single([max(intervention.eligible.values()) for intervention in kinds]),
        eligible=_single([[kind.eligible[group] for group in ("disadvantaged", "other")] for kind in kinds]),
        stage=_single([[shares.get(stage, 0.0) for stage in delivery.STAGES] for shares in stages]),
        meets=_single([[[_meets(own, other, name) for other in kinds] for own in kinds] for name in CHANNELS]),
        reaches=np.stack([(sees & (channel == c)).any(axis=1) for c in range(len(CHANNELS))], axis=1),
        sees=sees,
        sight=_single(sight),
        channel=channel,
        # the first measure that sees of every intervention what this one sees
        alike=np.argmax((channel[:, None] == channel) & (sight[:, :, None] == sight[:, None]).all(axis=(0, 3)), axis=1),
        sign=_single([-1.0 if measure.lower_is_better else 1.0 for measure in measures]),
        kind=np.array([kind_of(name) for name in scenario.measures]),
        series=np.cumsum([0, *(len(measure.groups) for measure in measures)])[:-1],
        row=np.cumsum([0, *(len(measure.table_groups) for measure in measures)])[:-1],
        two_groups=np.array([len(measure.groups) == 2 for measure in measures]),
        poor=_single(poor),
    )


def _sight(intervention: Intervention, measure: Measure, n_years: int) -> np.ndarray:
    """Return the share of a measure's pupils who were served so many years ago (years since)."""
    out = np.zeros(n_years)
    if measure.channel in delivered_effects.channels(intervention):
        served, read = (np.isin(YEAR_GROUPS, groups) for groups in (intervention.year_groups, measure.year_groups))
        for since in range(min(n_years, len(YEAR_GROUPS))):
            both = served[: len(YEAR_GROUPS) - since] & read[since:]
            out[since] = both.sum(dtype=float) / read.sum(dtype=float)
    return out


def _meets(own: Intervention, other: Intervention, channel: str) -> float:
    """Return the share of an intervention's year groups that another serves in the same channel."""
    if own is other or any(channel not in delivered_effects.channels(each) for each in (own, other)):
        return 0.0
    return len(set(own.year_groups) & set(other.year_groups)) / len(set(own.year_groups))


def _single(values: npt.ArrayLike) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)


def draws(scenario: Scenario, drawn: xr.Dataset, years: list[int]) -> Draws:
    """Return what each draw of ``parameters.drawn`` does to a unit of activity in the years, in blocks of draws."""
    kinds = list(scenario.interventions.values())
    link = {channel: drawn.attendance_link.sel(channel=channel).values for channel in drawn.channel.values.tolist()}
    by = {str(name): flat(part.values) for name, part in drawn.items() if part.dims[:2] == ("chain", "draw")}
    effect = np.zeros((len(kinds), len(CHANNELS), by["effect"].shape[-1]))
    for k, intervention in enumerate(kinds):
        for channel, share in delivered_effects.reaches(intervention, link).items():
            effect[k, CHANNELS.index(channel)] = by["effect"][k] * np.ravel(share)
    capacity = np.array([intervention.capacity for intervention in kinds])[:, None]
    fields = {
        "unit_cost": by["unit_cost"],
        "ramp": by["ramp"],
        "wider": laws.partner_factor(capacity, by["reach_odds"]),
        "dose": by["dose"],
        "goes_on": by["survives"] * by["quality"],
        "later": by["survives_later"],
        "effect": effect,
        "kept": _retained(by, len(years)),
        "delivery": by["delivery"],
        "overlap": by["overlap"],
        "lost_by_load": np.log(np.maximum(1 - by["load_loss"], 1e-30)),
        "spill": by["spill"],
        "undisturbed": flat(delivery.goes_on(drawn, np.array(years))[:, :, 0]),
    }
    return Draws(**{name: blocked(values) for name, values in fields.items()})


def _retained(by: dict[str, np.ndarray], n_years: int) -> np.ndarray:
    """Return the share of a gain that those who stay still hold (intervention, years since, draw); ``cohort.step``."""
    since = np.arange(1, n_years)[:, None, None]
    held = (1 - by["leave_area"]) ** since * laws.retention(by["first_year"], by["later"], by["floor"], since)
    return np.moveaxis(np.concatenate([np.ones((1, *held.shape[1:])), held]), 0, 1)


def flat(values: np.ndarray) -> np.ndarray:
    """Return (chain, draw, ...) as (..., draw), the chains one after another."""
    return np.moveaxis(values.reshape(-1, *values.shape[2:]), 0, -1)


def blocked(values: np.ndarray) -> np.ndarray:
    """Return draws (..., draw) in blocks (block, ..., draw of the block), the last one filled up with its last draw."""
    n = values.shape[-1]
    n_blocks = -(-n // BLOCK)
    filled = values[..., np.minimum(np.arange(n_blocks * BLOCK), n - 1)].astype(np.float32)
    return np.ascontiguousarray(np.moveaxis(filled.reshape(*values.shape[:-1], n_blocks, BLOCK), -2, 0))


def taken(blocks: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Return draws in blocks with each replaced by the one that is taken in its place (draw)."""
    apart = np.moveaxis(blocks, 0, -2)
    return blocked(apart.reshape(*apart.shape[:-2], -1)[..., which])


def levers(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, eligible: np.ndarray, made: Lags) -> Levers:
    """Return what a scenario chooses, by area.

    ``money`` has ``spend``, ``national`` and ``offers`` (area, intervention, year), GBP / year; ``eligible``
    (area, intervention) is the pupils whom each intervention may serve; ``made`` has lags of these draws that were made
    before, and others are added.
    """
    spend, areas = money.spend.values, scenario.areas.names
    pupils = np.maximum(eligible, 1.0)[:, :, None]
    in_stage = [
        [bool(set(intervention.year_groups) & set(groups)) for intervention in scenario.interventions.values()]
        for groups in delivery.STAGES.values()
    ]
    wait, lag = _lags(scenario, money, drawn, made)
    twins = [
        [areas.index(area) for area, twin in sorted(scenario.organisation.twins.items()) if twin == name]
        for name in areas
    ]
    most = max(1, *map(len, twins))
    return Levers(
        spend=_single(spend / pupils),
        beside=_single(money.national.values / pupils),
        offers=_single(np.einsum("akt,sk->ast", money.offers.values, np.array(in_stage, dtype=float))),
        since=np.argmax(spend > 0, axis=2),
        wait=wait,
        lag=blocked(lag),
        takes=np.float32(scenario.organisation.schools_take),
        sources=np.array([[*sources, *[-1] * (most - len(sources))] for sources in twins]),
        worth=_single(present(scenario, money.year.values)),
    )


def _lags(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, made: Lags) -> tuple[np.ndarray, np.ndarray]:
    """Return the lags that occur (row, draw), and which one each area and intervention has (area, intervention).

    A lag depends on the first year with money, on when the area was announced and on whether the sum is small alone;
    ``made`` keeps those that were made.
    """
    spend, later = money.spend.values, drawn.announced_later.values
    first, is_small = np.argmax(spend > 0, axis=2), spend.max(axis=2) <= scenario.organisation.sign_off_gbp
    before, start = scenario.budget.announced_years_before, float(money.year[0])
    when = (before, scenario.organisation.sign_off_gbp, start)
    waits, spared, stops = flat(drawn.lag.values), drawn.open_procurement.values.ravel(), None
    rows: dict[tuple[object, ...], int] = {}
    wait = np.empty(first.shape, dtype=np.int64)
    for a, k in np.ndindex(first.shape):
        key = (*when, k, int(first[a, k]), float(later[a]), bool(is_small[a, k]))
        if key not in made:
            stops = stops or [(size.ravel(), begins, ends) for size, begins, ends in delivery.stoppages(drawn)]
            money_from = start + first[a, k]
            announced = money_from - before + later[a]
            off = spared if is_small[a, k] else 0.0
            made[key] = delivery.waited(money_from, announced, waits[k], off, stops).astype(np.float32)
        wait[a, k] = rows.setdefault(key, len(rows))
    lag = np.stack([made[key] for key in rows])
    if len(made) > MOST_LAGS:  # of many years of announcement, say
        made.clear()
    return wait, lag
