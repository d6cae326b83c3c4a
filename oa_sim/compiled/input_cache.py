"""Input cache: what scenarios share, made once in a process: the tables, the posterior, the counterfactual.

The key of what is kept has all that it was made from, so that a changed table or assumption is never answered from the
cache.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import xarray as xr

from oa_sim.compiled import activity, arrays
from oa_sim.definitions import GROUPS, LONGEST_HORIZON, series
from oa_sim.evidence import meta_analysis, studies
from oa_sim.inference import baseline_fit, counterfactual, posterior_files
from oa_sim.inputs import tables
from oa_sim.programme import delivery, parameters
from oa_sim.programme.budget import window
from oa_sim.programme.delivered_effects import eligible_pupils
from oa_sim.projection import appraisal, cohort
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import scenario_run

AREAS_AT_ONCE = 24  # whose trajectories are drawn together: more takes memory and saves nothing
Key = tuple[object, ...]
Made = TypeVar("Made")


class Known(NamedTuple):
    """What the tables and the posterior say."""

    tables: dict[str, list[tables.Row]]
    history: xr.Dataset
    pupils: xr.Dataset
    kinds: dict[
        str, np.ndarray
    ]  # ``proxy``, ``estimated`` (place, group, measure): 1 where so; last place: in any area
    posterior: xr.Dataset
    checksum: str  # of the posterior
    data_hash: str


class Programme(NamedTuple):
    """What the programme's parameters are."""

    drawn: xr.Dataset
    shape: activity.Shape
    draws: activity.Draws
    eligible: np.ndarray  # (area, intervention), pupils
    pupils: xr.DataArray  # (area, group, measure), see ``appraisal.pupils_of``
    lags: arrays.Lags  # those that were made, see ``arrays.levers``


class Memory(Generic[Made]):
    """A cache of the last values used, each made once, also where two threads ask for it at the same time.

    It keeps at most so many, and those whose arrays take so many bytes; the last one is kept whatever it takes.
    """

    def __init__(self, most: int, room: int = 2**29) -> None:
        self.most, self.room = most, room
        self.found: OrderedDict[object, Future[Made]] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: object, make: Callable[[], Made]) -> Made:
        """Return the value of a key, made where there is none; a thread that asks for another key does not wait."""
        with self.lock:
            is_new = key not in self.found
            future = self.found.setdefault(key, Future())
            self.found.move_to_end(key)
        if is_new:
            try:
                future.set_result(make())
            except BaseException as error:
                with self.lock:
                    self.found.pop(key, None)
                future.set_exception(error)
            with self.lock:
                self._forget()
        return future.result()

    def _forget(self) -> None:
        """Drop the values that were used the longest ago, of those that are made."""
        made = [key for key, future in self.found.items() if future.done()]
        taken = sum(getattr(self.found[key].result(), "nbytes", 0) for key in made)
        for key in made[:-1]:
            if len(self.found) <= self.most and taken <= self.room:
                return
            taken -= getattr(self.found.pop(key).result(), "nbytes", 0)


_KNOWN: Memory[Known] = Memory(8)
_GROUND: Memory[np.ndarray] = Memory(64)
_PROGRAMME: Memory[Programme] = Memory(8)
_SHAPE: Memory[tuple[activity.Shape, np.ndarray, xr.DataArray]] = Memory(8)
_STUDIED: Memory[xr.Dataset] = Memory(64)


def known(scenario: Scenario) -> Known:
    """Return what the tables and the posterior say to a scenario; refused where one of them will not do."""
    folder, until = scenario.data_folder, scenario.start_year - 1
    data_hash = tables.data_hash(Path(folder) if folder else None)
    key: Key = (folder, data_hash, until, tuple(scenario.areas.names), tuple(scenario.measures))
    key += (*_file(scenario.posterior), scenario.sampler.draws, tuple(scenario.interventions))
    return _KNOWN.get(key, lambda: _known(scenario, data_hash))


def n_draws(known: Known) -> tuple[int, int]:
    """Return the number of chains of the posterior, and of draws of each."""
    return known.posterior.sizes["chain"], known.posterior.sizes["draw"]


def studied(scenario: Scenario, known: Known) -> xr.Dataset:
    """Return what the studies say to a scenario; see ``meta_analysis.posterior``."""
    key = (known.data_hash, repr(scenario.evidence))
    return _STUDIED.get(key, lambda: meta_analysis.posterior(known.tables, scenario.evidence))


def _file(path: str | None) -> Key:
    """Return what tells one posterior's file from another that stands in its place later."""
    if path is None or not Path(path).is_file():
        return (path,)
    status = Path(path).stat()
    return path, status.st_mtime_ns, status.st_size


def _known(scenario: Scenario, data_hash: str) -> Known:
    scenario, whole, history, pupils = scenario_run.prepare(scenario)
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    kinds = {}
    for name in ("proxy", "estimated"):
        by_area = history[name].sel(measure=scenario.measures).transpose("area", "group", "measure").values
        kinds[name] = np.concatenate([by_area, by_area.any(axis=0, keepdims=True)]).astype(np.int8)
    return Known(whole, history, pupils, kinds, posterior, posterior_files.checksum(posterior), data_hash)


def ground(scenario: Scenario, known: Known) -> np.ndarray:
    """Return the counterfactual (area, series, year, draw), SD, to the longest horizon, less what events take."""
    return _GROUND.get(ground_key(scenario, known), lambda: _ground(scenario, known))


def ground_key(scenario: Scenario, known: Known) -> Key:
    """Return all that the counterfactual is made from."""
    losses = (scenario.organisation.events, scenario.delivery.recovery, scenario.delivery.disadvantage_factor)
    key = (known.data_hash, known.checksum, scenario.start_year, scenario.seed, repr(losses))
    return *key, *scenario.areas.names, *scenario.measures


def _ground(scenario: Scenario, known: Known) -> np.ndarray:
    names, modelled = scenario.areas.names, series(scenario.measures)
    total = int(np.prod(n_draws(known)))
    latent = np.empty((len(names), len(modelled), LONGEST_HORIZON, total), dtype=np.float32)
    for first in range(0, len(names), AREAS_AT_ONCE):
        part = names[first : first + AREAS_AT_ONCE]
        of_part = replace(scenario, horizon=LONGEST_HORIZON, areas=replace(scenario.areas, names=part))
        history = known.history.sel(area=part)
        projected = counterfactual.project(of_part, known.posterior, history, known.tables, known.pupils.rolls)
        drawn = parameters.drawn(of_part, known.tables, *n_draws(known))
        lost = delivery.learning_lost(of_part, drawn, known.pupils.share)
        left = projected.drop_vars("national") - lost.reindex(group=list(GROUPS), fill_value=0.0)
        for s, (measure, group) in enumerate(modelled):
            own = left.sel(measure=measure, group=group).transpose("area", "year", "chain", "draw")
            latent[first : first + len(part), s] = own.values.reshape(len(part), LONGEST_HORIZON, total)
    return latent


def programme(scenario: Scenario, known: Known) -> Programme:
    """Return what the programme's parameters are, and what draws make of a unit of activity.

    Budget, split and portfolio of the scenario do not matter.
    """
    years = window(scenario)
    parts: Key = (scenario.interventions, scenario.evidence, scenario.delivery, scenario.organisation)
    parts += (scenario.sustainability, scenario.areas.names, scenario.measures, scenario.start_year, scenario.seed)
    key = (known.data_hash, known.checksum, len(years), scenario.budget.second_group_later_years, repr(parts))
    return _PROGRAMME.get(key, lambda: _programme(scenario, known, years))


def _programme(scenario: Scenario, known: Known, years: list[int]) -> Programme:
    studies.check(scenario, known.tables)
    drawn = parameters.drawn(scenario, known.tables, *n_draws(known))
    names = (scenario.areas.names, scenario.measures, len(years))
    key = (known.data_hash, repr(scenario.interventions), repr(names))
    shape, eligible, pupils = _SHAPE.get(key, lambda: _shape(scenario, known, len(years)))
    return Programme(drawn, shape, arrays.draws(scenario, drawn, years), eligible, pupils, lags={})


def _shape(scenario: Scenario, known: Known, n_years: int) -> tuple[activity.Shape, np.ndarray, xr.DataArray]:
    """Return what no draw changes: who serves whom, pupils who may be served, and pupils behind each measure."""
    names = scenario.areas.names
    poor = cohort.shares(known.pupils, names, scenario.measures).values
    eligible = eligible_pupils(scenario, known.pupils.rolls.sel(area=names)).values
    return arrays.shape(scenario, poor, n_years), eligible, appraisal.pupils_of(known.pupils, names, scenario.measures)
