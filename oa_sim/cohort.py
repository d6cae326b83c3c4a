"""Cohort: the one-year law, and what it makes of gain.

Each year a cohort moves up one year group, keeps part of its gain, and receives the new gain of that
year. Stocks stand at the end of a year, flows fall within it. The law is written once, in ``step``.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import xarray as xr

from oa_sim import interventions
from oa_sim.scenario import Scenario
from oa_sim.variables import MEASURES, YEAR_GROUPS


class Gain(NamedTuple):
    """The gain that cohorts hold at the end of a year, in three parts (..., year_group), SD."""

    fresh: np.ndarray  # given this year
    fading: np.ndarray  # given earlier, and on its way out
    lasting: np.ndarray  # given earlier, and never fading

    def total(self) -> np.ndarray:
        """Return the gain held."""
        return self.fresh + self.fading + self.lasting


class Keep(NamedTuple):
    """What cohorts keep, each (..., 1): first-year retention, later yearly retention, floor, and who stays."""

    first_year: np.ndarray
    later: np.ndarray
    floor: np.ndarray
    stay: np.ndarray


def step(previous: Gain, new: np.ndarray, keep: Keep) -> Gain:
    """Return the gain at the end of a year from the gain at the end of the year before.

    Parameters
    ----------
    previous
        Gain by year group at the end of the year before, SD.
    new
        Gain given within the year (..., year_group), SD.
    keep
        What is kept.

    Notes
    -----
    A cohort treated t years ago keeps ``R(t) = f + (r1 - f) s^(t-1)`` with ``f = floor * r1``; pupils who leave the
    area take their gain with them and are replaced by pupils without it.
    """
    f = keep.floor * keep.first_year
    lasting = keep.stay * (previous.lasting + f * previous.fresh)
    fading = keep.stay * (keep.later * previous.fading + (keep.first_year - f) * previous.fresh)
    return Gain(new, _move_up(fading), _move_up(lasting))


def _move_up(held: np.ndarray) -> np.ndarray:
    """Return the same pupils one year group on; those past the last one leave the record."""
    moved = np.zeros_like(held)
    moved[..., 1:] = held[..., :-1]
    return moved


def gain_by_measure(scenario: Scenario, money: xr.Dataset, rolls: xr.DataArray, drawn: xr.Dataset) -> xr.DataArray:
    """Return what the programme adds to each measure.

    Parameters
    ----------
    scenario
        The choices.
    money
        ``spend`` (area, intervention, year), GBP / year.
    rolls
        (area, group, year_group), pupils.
    drawn
        Draws of the programme's parameters.

    Returns
    -------
    DataArray
        (chain, draw, area, group, measure, year), SD, positive where pupils do better. Groups are
        ``disadvantaged`` and ``other``; the years are those of ``money``.
    """
    active = interventions.activity(scenario, money, rolls.sel(area=scenario.areas.names), drawn)
    left = interventions.overlap(scenario, active, drawn.overlap.values)
    names = list(active)
    with ThreadPoolExecutor(2) as workers:  # two fixed halves, so that the sum is the same on any machine
        halves = workers.map(
            lambda half: _held_by_measure(scenario, active, left, drawn, half, money.sizes["year"]),
            (names[::2], names[1::2]),
        )
        out = sum(halves)
    return xr.DataArray(
        np.ascontiguousarray(np.moveaxis(out, 0, -1)),
        dims=("chain", "draw", "area", "group", "measure", "year"),
        coords={
            "area": scenario.areas.names,
            "group": ["disadvantaged", "other"],
            "measure": list(scenario.measures),
            "year": money.year.values,
        },
        attrs={"units": "SD", "long_name": "gain, positive where pupils do better"},
    )


def _held_by_measure(
    scenario: Scenario, active: dict, left: dict, drawn: xr.Dataset, names: list[str], n_years: int
) -> np.ndarray:
    """Return what some interventions add to each measure (year, chain, draw, area, group, measure), SD."""
    sizes = [drawn.sizes["chain"], drawn.sizes["draw"], len(scenario.areas.names), 2, len(scenario.measures)]
    out = np.zeros((n_years, *sizes))  # year first while it is filled, since a year is filled at a time
    for name in names:
        about = scenario.interventions[name]
        eligible = np.array([about.eligible["disadvantaged"], about.eligible["other"]])
        new = interventions.new_gain(scenario, name, active[name], drawn)
        first = min(about.year_groups) - YEAR_GROUPS[0]  # cohorts only move up: nothing is held below it
        served = np.isin(YEAR_GROUPS, about.year_groups)[first:].astype(float)
        for channel, weight in about.acts_on.items():
            touched = [m for m, measure in enumerate(scenario.measures) if MEASURES[measure].channel == channel]
            if not touched:
                continue
            reads = weight * np.stack([_reads(scenario.measures[m])[first:] for m in touched], axis=-1)
            for t, held in enumerate(follow(new * left[name, channel], served, _keep(drawn, name))):
                seen = held @ reads  # (chain, draw, area, measure touched)
                out[t][..., touched] += seen[..., None, :] * eligible[:, None]
    return out


def follow(given: np.ndarray, by_year_group: np.ndarray, keep: Keep):
    """Yield the gain held at the end of each year (..., year_group).

    Parameters
    ----------
    given : array (..., year)
        Gain given within each year, SD.
    by_year_group : array (..., year_group)
        Share of it that each year group has.
    keep
        What is kept.
    """
    nothing = np.zeros((*given.shape[:-1], by_year_group.shape[-1]))
    held = Gain(nothing, nothing, nothing)
    for t in range(given.shape[-1]):
        held = step(held, given[..., t, None] * by_year_group, keep)
        yield held.total()


def _reads(measure: str) -> np.ndarray:
    """Return how a measure reads the gain of each year group: the mean over its own."""
    own = np.isin(YEAR_GROUPS, MEASURES[measure].year_groups)
    return own / own.sum()


def _keep(drawn: xr.Dataset, name: str) -> Keep:
    mine = drawn.sel(intervention=name, drop=True)
    parts = [mine[key].values[..., None, None] for key in ("first_year", "later", "floor")]
    return Keep(*parts, 1 - drawn.leave_area.values[..., None, None])
