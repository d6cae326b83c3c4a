"""Arrays: a scenario as the arrays that the compiled passes eat; what draws make of a unit is made once and kept."""

import numpy as np
import xarray as xr

from oa_sim.compiled import activity
from oa_sim.compiled.activity import BLOCK, Draws, Levers, Shape
from oa_sim.definitions import CHANNELS, MEASURES, YEAR_GROUPS
from oa_sim.programme import delivered_effects, delivery
from oa_sim.projection.appraisal import present
from oa_sim.scenario.schema import Scenario

MOST_LAGS = 500  # that are kept
KINDS = {"%": activity.SHARE, "points": activity.POINTS, "per 100 pupils": activity.RATE}  # by unit of a measure


def shape(scenario: Scenario, poor: np.ndarray, n_years: int) -> Shape:
    """Return who serves whom and what reads it.

    Parameters
    ----------
    scenario
        Its interventions and measures.
    poor : array (area, measure)
        Disadvantaged share of the pupils that each measure describes.
    n_years
        Years that the programme is followed over.
    """
    about, measures = list(scenario.interventions.values()), [MEASURES[name] for name in scenario.measures]
    sight = np.stack([[_sight(one, measure, n_years) for measure in measures] for one in about])
    sees = sight.any(axis=-1)
    at = np.array([CHANNELS.index(measure.channel) for measure in measures])
    two = np.array([len(measure.groups) == 2 for measure in measures])
    stages = [delivery.stages(one.year_groups) for one in about]
    return Shape(
        capacity=_single([one.capacity for one in about]),
        widest=_single([max(one.eligible.values()) for one in about]),
        eligible=_single([[one.eligible[group] for group in ("disadvantaged", "other")] for one in about]),
        stage=_single([[shares.get(stage, 0.0) for stage in delivery.STAGES] for shares in stages]),
        meets=_single([[[_meets(one, other, name) for other in about] for one in about] for name in CHANNELS]),
        reaches=np.stack([(sees & (at == c)).any(axis=1) for c in range(len(CHANNELS))], axis=1),
        sees=sees,
        sight=_single(sight),
        channel=at,
        alike=np.array([_first_alike(at, sight, m) for m in range(len(measures))]),
        sign=_single([-1.0 if measure.lower_is_better else 1.0 for measure in measures]),
        kind=np.array([KINDS[measure.unit] for measure in measures]),
        series=_first(len(measure.groups) for measure in measures),
        row=_first(len(measure.table_groups) for measure in measures),
        two_groups=two,
        poor=_single(poor),
    )


def _first_alike(channel: np.ndarray, sight: np.ndarray, m: int) -> int:
    """Return the first measure that sees of every intervention what this one sees."""
    return next(one for one in range(m + 1) if channel[one] == channel[m] and (sight[:, one] == sight[:, m]).all())


def _sight(about, measure, n_years: int) -> np.ndarray:
    """Return the share of a measure's pupils who were served so many years ago (years since)."""
    out = np.zeros(n_years)
    if measure.channel in delivered_effects.channels(about):
        served, read = (np.isin(YEAR_GROUPS, groups) for groups in (about.year_groups, measure.year_groups))
        for since in range(min(n_years, len(YEAR_GROUPS))):
            out[since] = (served[: len(YEAR_GROUPS) - since] & read[since:]).sum() / read.sum()
    return out


def _meets(one, other, channel: str) -> float:
    """Return the share of an intervention's year groups that another serves in the same channel."""
    if (
        one is other
        or channel not in delivered_effects.channels(one)
        or channel not in delivered_effects.channels(other)
    ):
        return 0.0
    return len(set(one.year_groups) & set(other.year_groups)) / len(set(one.year_groups))


def _first(counts) -> np.ndarray:
    """Return where each begins when so many stand one after another."""
    return np.cumsum([0, *counts])[:-1]


def _single(values) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.float32)


def draws(scenario: Scenario, drawn: xr.Dataset, years: list[int]) -> Draws:
    """Return what each draw does to a unit of activity, in blocks of draws.

    Parameters
    ----------
    scenario
        Its interventions.
    drawn
        Draws of the programme's parameters, from ``parameters.drawn``.
    years
        The years that the programme is followed over.
    """
    about = list(scenario.interventions.values())
    link = {channel: drawn.attendance_link.sel(channel=channel).values for channel in drawn.channel.values.tolist()}
    by = {name: flat(drawn[name].values) for name in drawn.data_vars if drawn[name].dims[:2] == ("chain", "draw")}
    effect = np.zeros((len(about), len(CHANNELS), by["effect"].shape[-1]))
    for k, one in enumerate(about):
        for channel, share in delivered_effects.reaches(one, link).items():
            effect[k, CHANNELS.index(channel)] = by["effect"][k] * np.ravel(share)
    capacity = np.array([one.capacity for one in about])[:, None]
    found = {
        "unit_cost": by["unit_cost"],
        "ramp": by["ramp"],
        "wider": 1 / (capacity + (1 - capacity) * np.exp(-by["reach_odds"])),
        "dose": by["dose"],
        "goes_on": by["survives"] * by["quality"],
        "later": by["survives_later"],
        "effect": effect,
        "kept": _kept(by, len(years)),
        "delivery": by["delivery"],
        "overlap": by["overlap"],
        "lost_by_load": np.log(np.maximum(1 - by["load_loss"], 1e-30)),
        "spill": by["spill"],
        "undisturbed": flat(delivery.goes_on(drawn, np.array(years))[:, :, 0]),
    }
    return Draws(**{name: blocked(values) for name, values in found.items()})


def _kept(by: dict[str, np.ndarray], n_years: int) -> np.ndarray:
    """Return the share of a gain that those who stay still hold (intervention, years since, draw); ``cohort.step``."""
    since = np.arange(1, n_years)[:, None, None]
    floor = by["floor"] * by["first_year"]
    out = (1 - by["leave_area"]) ** since * (floor + (by["first_year"] - floor) * by["later"] ** (since - 1))
    return np.moveaxis(np.concatenate([np.ones((1, *floor.shape)), out]), 0, 1)


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


def levers(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, eligible: np.ndarray, made: dict) -> Levers:
    """Return what a scenario chooses, by area.

    Parameters
    ----------
    scenario
        The choices.
    money
        ``spend``, ``national`` and ``offers`` (area, intervention, year), GBP / year.
    drawn
        Draws of the programme's parameters; the lag is used.
    eligible : array (area, intervention)
        Pupils whom each intervention may serve.
    made
        Lags of these draws that were made before; others are added.
    """
    spend, areas = money.spend.values, scenario.areas.names
    each = np.maximum(eligible, 1.0)[:, :, None]
    here = [
        [bool(set(one.year_groups) & set(groups)) for one in scenario.interventions.values()]
        for groups in delivery.STAGES.values()
    ]
    wait, lag = _lags(scenario, money, drawn, made)
    twins = [
        [areas.index(area) for area, twin in sorted(scenario.organisation.twins.items()) if twin == name]
        for name in areas
    ]
    most = max(1, *map(len, twins))
    return Levers(
        spend=_single(spend / each),
        beside=_single(money.national.values / each),
        offers=_single(np.einsum("akt,sk->ast", money.offers.values, np.array(here, dtype=float))),
        since=np.argmax(spend > 0, axis=2),
        wait=wait,
        lag=blocked(lag),
        takes=np.float32(scenario.organisation.schools_take),
        sources=np.array([[*one, *[-1] * (most - len(one))] for one in twins]),
        worth=_single(present(scenario, money.year.values)),
    )


def _lags(scenario, money, drawn, made: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the lags that occur (row, draw), and which one each area and intervention has (area, intervention).

    A lag depends on the first year with money, on when the area was announced and on whether the sum is small alone;
    ``made`` keeps those that were made.
    """
    spend, later = money.spend.values, drawn.announced_later.values
    first, is_small = np.argmax(spend > 0, axis=2), spend.max(axis=2) <= scenario.organisation.sign_off_gbp
    before, start = scenario.budget.announced_years_before, float(money.year[0])
    when = (before, scenario.organisation.sign_off_gbp, start)
    waits, spared, stops = flat(drawn.lag.values), drawn.open_procurement.values.ravel(), None
    rows: dict[tuple, int] = {}
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
