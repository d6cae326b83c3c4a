"""Pupils reached: how many pupils a programme reaches, each counted once, and how many places that takes.

A pupil whom three programmes serve is three places and one pupil. Everything is counted in pupils who are fully
served: two with half a dose are one. Within a group of a year group, programmes find their pupils independently of
each other, and of whom they found the year before.
"""

from collections.abc import Iterable
from typing import cast

import numpy as np
import numpy.typing as npt
import xarray as xr

from oa_sim.definitions import YEAR_GROUPS
from oa_sim.scenario.schema import Scenario

ANY = "any"  # the name of the programme as a whole: served by at least one intervention
GROUPS = ("disadvantaged", "other")
INTERVAL = (0.05, 0.95)
ENDS = ("", "_q05", "_q95")  # of the names of a mean and its interval
COUNTS = [f"{key}{end}" for key in ("places", "pupils", "pupils_so_far") for end in ENDS]


def missed(shares: list[np.ndarray], size: tuple[int, ...] = ()) -> np.ndarray:
    """Return the chance that a pupil is served by none (...), given the share (...) that each programme serves."""
    out = np.ones(size)
    for share in shares:
        out = out * (1 - share)
    return out


def distinct(scenario: Scenario, serving: dict[str, np.ndarray], roll: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct pupils of one area who are served by at least one of some interventions.

    Within each year (year_group, year, draw), by the year groups that any of them serves: ``roll (1 - prod(1 -
    share))``, summed over groups. And so far (year, draw), each cohort followed up the year groups so that who is
    served again counts once; pupils who move in or out of the area are not followed. ``serving`` is the share of
    eligible pupils fully served (year, draw), by intervention, ``roll`` the pupils (group, year_group).
    """
    interventions = {name: scenario.interventions[name] for name in serving}
    span = year_groups(scenario, serving)
    size = next(iter(serving.values())).shape
    within, so_far = np.zeros((len(span), *size)), np.zeros(size)
    for g, group in enumerate(GROUPS):
        share = {name: serving[name] * interventions[name].eligible[group] for name in serving}
        by_programmes = [tuple(name for name in serving if y in interventions[name].year_groups) for y in span]
        alike = {names: missed([share[name] for name in names], size) for names in set(by_programmes)}
        chance = np.stack([alike[names] for names in by_programmes])
        pupils = roll[g][[YEAR_GROUPS.index(y) for y in span], None]
        within += pupils[..., None] * (1 - chance)
        so_far += np.cumsum(_newly(chance, pupils), axis=0)
    return within, so_far


def year_groups(scenario: Scenario, names: Iterable[str]) -> list[int]:
    """Return the year groups from the first to the last that any of some interventions serves."""
    ours = [year_group for name in names for year_group in scenario.interventions[name].year_groups]
    return list(range(min(ours), max(ours) + 1))


def _newly(chance: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """Return the pupils served for the first time in each year (year, draw).

    ``chance`` is that of being served by none within the year (year_group, year, draw), the year groups following one
    another; ``roll`` has pupils (year_group, 1).
    """
    never = np.ones((chance.shape[0], chance.shape[2]))  # chance that the cohort that stands there was never served
    out = np.zeros(chance.shape[1:])
    for t in range(chance.shape[1]):
        still = never * chance[:, t]
        out[t] = (roll * (never - still)).sum(0)
        never[1:], never[0] = still[:-1], 1.0  # a year up; a new cohort comes in
    return out


def counted(scenario: Scenario, active: dict[str, np.ndarray], rolls: xr.DataArray, years: list[int]) -> xr.Dataset:
    """Return how many pupils are served, by intervention and by any of them.

    By (intervention, area, year), ``any`` first: ``places``, ``pupils`` and ``pupils_so_far``, each with ``_q05`` and
    ``_q95``, pupils fully served; ``roll``, pupils of the year groups that are served, and ``share_of_roll``, its
    served part. Places of ``any`` are the sum of those of all interventions. ``active`` is the share of eligible pupils
    fully served (chain, draw, area, year), ``rolls`` has pupils (area, group, year_group).
    """
    names = scenario.areas.names
    rolls = rolls.sel(area=names, group=list(GROUPS), year_group=list(YEAR_GROUPS))
    rows = [ANY, *active]
    counts = {key: np.zeros((len(rows), len(names), len(years))) for key in ("roll", *COUNTS)}
    for a in range(len(names) if active else 0):
        roll = rolls.values[a]
        serving = {  # (year, draw), contiguous
            name: np.ascontiguousarray(share[:, :, a].reshape(-1, len(years)).T) for name, share in active.items()
        }
        for i, row in enumerate(rows):
            served = serving if row == ANY else {row: serving[row]}
            for key, value in _counts(scenario, served, roll).items():
                counts[key][i, a] = value
    dims = ("intervention", "area", "year")
    coords = {"intervention": rows, "area": names, "year": years}
    out = xr.Dataset({name: (dims, value, {"units": "pupils"}) for name, value in counts.items()}, coords)
    out["share_of_roll"] = (out["pupils"] / out["roll"].where(out["roll"] > 0)).fillna(0.0).assign_attrs(units="1")
    return out


def _counts(scenario: Scenario, serving: dict[str, np.ndarray], roll: np.ndarray) -> dict[str, npt.ArrayLike]:
    """Return roll, places and pupils of one area, each with its interval (year)."""
    within, so_far = distinct(scenario, serving, roll)
    pupils = within.sum(0)
    places = pupils  # of one intervention alone
    if len(serving) > 1:
        by_intervention = (share * _eligible(scenario, name, roll) for name, share in serving.items())
        places = cast(np.ndarray, sum(by_intervention))  # serving names some
    served = [year_group for name in serving for year_group in scenario.interventions[name].year_groups]
    counts: dict[str, npt.ArrayLike] = {"roll": roll[:, np.isin(YEAR_GROUPS, served)].sum()}
    for key, value in (("places", places), ("pupils", pupils), ("pupils_so_far", so_far)):
        summary = (value.mean(-1), *np.quantile(value, INTERVAL, axis=-1))
        counts |= dict(zip((f"{key}{end}" for end in ENDS), summary, strict=True))
    return counts


def _eligible(scenario: Scenario, name: str, roll: np.ndarray) -> float:
    """Return the pupils of one area whom an intervention may serve, of a roll (group, year_group)."""
    intervention = scenario.interventions[name]
    served = np.isin(YEAR_GROUPS, intervention.year_groups)
    return float(sum(intervention.eligible[group] * roll[g, served].sum() for g, group in enumerate(GROUPS)))
