"""Delivery: when money becomes activity, how well it is done, what happens to it on the way and after the money stops.

Work begins some time after the announcement and stands still while commissioning is stopped; it ramps up; a school
that is offered too much does each thing less well; a pandemic takes activity away, and learning too.

There are two clocks. Fade-out acts on pupils already treated (``cohort``); survival, here, acts on the activity that
serves later cohorts once its money stops. They never act on the same gain.
"""

import numpy as np
import xarray as xr

from oa_sim.definitions import MEASURES
from oa_sim.programme import laws
from oa_sim.programme.laws import Numbers
from oa_sim.scenario.schema import Scenario

STAGES = {"settings": (-2, -1), "primary": tuple(range(0, 7)), "secondary": tuple(range(7, 14))}  # that share a load
FIRST_OF_SEPTEMBER = 8 / 12  # of a calendar year: the academic year that ends in y begins at y - 1 + this


def renewed(stay: np.ndarray, retraining: float) -> np.ndarray:
    """Return the share of trained posts that are still held by trained staff a year later.

    Parameters
    ----------
    stay : array (...)
        Share of trained staff who are still in their school a year later.
    retraining
        Share of those who leave whose successors are trained anew.

    Notes
    -----
    ``1 - (1 - stay) (1 - retraining)``. It multiplies the *later* survival of activity that rests on trained staff.
    The survival of the first year was observed in schools whose staff had turned over meanwhile, so it holds that
    year's loss already and is left alone; the later survival of a kind says how often schools go on with a policy
    or a practice, whoever works there.
    """
    return 1 - (1 - stay) * (1 - retraining)


def unpaid(funded: np.ndarray, survives: np.ndarray, survives_later: np.ndarray, quality: np.ndarray) -> np.ndarray:
    """Return the activity that goes on without money (..., year), share of eligible pupils fully served.

    Activity whose money ends is released; of what is released in a year ``survives * quality`` goes on, and
    ``survives_later`` of that in each later year. Money that comes back takes over the oldest unpaid activity first,
    since it serves the same pupils.

    Parameters
    ----------
    funded : array (..., year)
        Activity that is paid for, in the same unit.
    survives, survives_later : array (...)
        Share that goes on in the first year without money, and in each later one.
    quality : array (...)
        Quality of what survives, as a share of what was paid for.
    """
    out = np.zeros_like(funded)
    standing = np.zeros(funded.shape[:-1])
    for t in range(1, funded.shape[-1]):
        change = funded[..., t] - funded[..., t - 1]
        out[..., t] = standing = laws.unpaid_step(standing, change, survives_later, survives * quality)
    return out


def academic(moment: float) -> float:
    """Return a calendar moment on the clock of academic years, on which the year that ends in y runs from y to y + 1.

    April 2017 (2017.25) is 2017.58, a little over half through 2016/17.
    """
    return moment + 1 - FIRST_OF_SEPTEMBER


def delivered(years_since_start: Numbers, lag: Numbers, ramp: Numbers) -> np.ndarray:
    """Return the share of planned delivery that falls within a year.

    Delivery starts ``lag`` years after the first money and rises in a straight line to full over ``ramp`` years;
    the share is its mean over the year that begins ``years_since_start`` after the first money.
    """
    return laws.delivered_share(years_since_start - lag, years_since_start + 1.0 - lag, ramp)


def stopped(begins: Numbers, announced: Numbers, first: float, last: float, size: Numbers) -> np.ndarray:
    """Return when delivery begins once work has stood still, on the same clock.

    It would have begun at ``begins``; work towards it began when it was ``announced``. Commissioning was stopped from
    ``first`` to ``last``, when the share ``size`` of the work stood still.
    """
    start = np.maximum(first, announced)
    left = np.maximum(begins - start, 0.0)  # work still to do when it slows down
    while_stopped = np.maximum(last - start, 0.0)
    lost = np.minimum(size * while_stopped, left * size / np.maximum(1 - size, 1e-9))
    return begins + np.where(left > 0, lost, 0.0)


def lag(scenario: Scenario, money: xr.Dataset, drawn: xr.Dataset, name: str) -> np.ndarray:
    """Return the years from the first money of an intervention to its first delivery (chain, draw, area, 1).

    ``drawn`` has ``lag`` (chain, draw, intervention) from announcement to delivery, years; ``announced_later`` (area);
    ``open_procurement`` (chain, draw); ``happens`` (chain, draw, event).
    """
    spend = money.spend.sel(intervention=name).values
    first_money = (money.year.values[0] + np.argmax(spend > 0, axis=1)).astype(float)[:, None]  # (area, 1)
    announced = first_money - scenario.budget.announced_years_before + drawn.announced_later.values[:, None]
    is_small = (spend.max(axis=1) <= scenario.organisation.sign_off_gbp)[:, None]
    waits = drawn.lag.sel(intervention=name).values[..., None, None]
    spared = np.where(is_small, drawn.open_procurement.values[..., None, None], 0.0)
    stops = [(size[..., None, None], first, last) for size, first, last in stoppages(drawn)]
    return waited(first_money, announced, waits, spared, stops)


def stoppages(drawn: xr.Dataset) -> list[tuple[np.ndarray, float, float]]:
    """Return when commissioning was stopped: share of the work that stood still (chain, draw), from when to when."""
    events = _events(drawn, "commissioning")
    return [(happened.values, float(happened.begins), float(happened.ends)) for happened in events]


def waited(
    first_money: Numbers,
    announced: Numbers,
    waits: Numbers,
    spared: Numbers,
    stops: list[tuple[np.ndarray, float, float]],
) -> np.ndarray:
    """Return the years from the first money to the first delivery.

    There was money, and work towards delivery began, at ``first_money`` and ``announced``, on the clock of academic
    years. ``waits`` are the years from the announcement to delivery, ``spared`` those that open procurement takes off.
    ``stops`` are ``stoppages``, in an order that the others broadcast with.
    """
    begins: np.ndarray = announced + np.maximum(waits - spared, 0.0)
    for size, first, last in stops:
        begins = stopped(begins, announced, first, last, size)
    return np.maximum(begins - first_money, 0.0)


def goes_on(drawn: xr.Dataset, years: np.ndarray) -> np.ndarray:
    """Return the share of activity that events leave in each year (chain, draw, 1, year)."""
    kept = np.ones((*_draws(drawn), 1, len(years)))
    for happened in _events(drawn, "delivery"):
        within = np.minimum(years + 1, float(happened.ends)) - np.maximum(years, float(happened.begins))
        kept *= 1 - happened.values[..., None, None] * np.maximum(within, 0.0)
    return kept


def loads(scenario: Scenario, presence: dict[str, np.ndarray], offers: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return how many programmes a school has at once, by stage of schooling.

    ``presence`` is the share of schools in which each intervention is at work (chain, draw, area, year), ``offers`` the
    number of national programmes offered beside it (area, year).
    """

    def in_stage(programmes: dict[str, np.ndarray], taught: tuple[int, ...]) -> np.ndarray:
        """Return the sum of those that serve a year group of the stage."""
        served = {name: set(scenario.interventions[name].year_groups) & set(taught) for name in programmes}
        return sum((programmes[name] for name in programmes if served[name]), np.zeros(()))

    return {stage: in_stage(presence, taught) + in_stage(offers, taught) for stage, taught in STAGES.items()}


def stages(year_groups: list[int]) -> dict[str, float]:
    """Return the share of an intervention's year groups that lies in each stage; those past school share no load."""
    return {
        stage: len(shared) / len(year_groups)
        for stage, taught in STAGES.items()
        if (shared := set(year_groups) & set(taught))
    }


def learning_lost(scenario: Scenario, drawn: xr.Dataset, share: xr.DataArray) -> xr.DataArray:
    """Return what dated shocks take from attainment, SD, in programme and counterfactual alike.

    Parameters
    ----------
    scenario
        Its years and measures.
    drawn
        ``happens`` (chain, draw, event), ``recovery`` and ``disadvantage_factor`` (chain, draw).
    share
        Disadvantaged share of pupils (area, measure).

    Returns
    -------
    DataArray
        (chain, draw, area, group, measure, year), SD; groups ``disadvantaged`` and ``other``. A shock builds up while
        it lasts; ``recovery`` of it is left a year later. It is the larger the more disadvantaged the pupils are:
        ``factor ^ (exposure - 1/2)``, exposure being 1 for disadvantaged pupils and the area's share for others.
    """
    years, areas = np.array(scenario.years, dtype=float), scenario.areas.names
    course = np.zeros((*_draws(drawn), len(years)))
    for happened in _events(drawn, "attainment"):
        first, last = float(happened.begins), float(happened.ends)
        if first < scenario.start_year:  # it is in the record
            continue
        since = years + 1 - last
        left = drawn.recovery.values[..., None] ** np.maximum(since, 0.0)
        course += happened.values[..., None] * np.clip((years + 1 - first) / (last - first), 0.0, 1.0) * left
    poor = share.sel(area=areas, measure=scenario.measures).fillna(0.0).values  # (area, measure)
    exposure = np.stack([np.ones_like(poor), poor], axis=1)  # (area, group, measure)
    factor = drawn.disadvantage_factor.values[..., None, None, None] ** (exposure - 0.5)
    taught = np.array([MEASURES[name].channel == "attainment" for name in scenario.measures], dtype=float)
    lost = course[:, :, None, None, None, :] * (factor * taught)[..., None]
    coords = {"area": areas, "group": ["disadvantaged", "other"], "measure": scenario.measures, "year": scenario.years}
    return xr.DataArray(lost, coords, ("chain", "draw", *coords), attrs={"units": "SD"})


def _draws(drawn: xr.Dataset) -> tuple[int, int]:
    return drawn.sizes["chain"], drawn.sizes["draw"]


def _events(drawn: xr.Dataset, kind: str) -> list[xr.DataArray]:
    """Return the events of one kind in the order in which they happened."""
    events = [drawn.happens.isel(event=i) for i in np.flatnonzero(drawn.what.values == kind)]
    return sorted(events, key=lambda happened: float(happened.begins))
