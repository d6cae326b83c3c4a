"""A planted sweep: a law that is known in full, and a space of scenarios that needs no Hydra."""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.sweep import expand as sweep_expand
from oa_sim.sweep.expand import Variants

GROUPS = ["disadvantaged", "other", "all"]
STATISTICS = ["mean", "sd"]


@dataclass(frozen=True)
class Design:
    kind: str = "grid"
    n: int = 0
    seed: int = 0
    file: str | None = None


@dataclass(frozen=True)
class Engine:
    kind: str = "local"
    workers: int = 2
    address: str | None = None


@dataclass
class Sweeping:
    design: Design = Design()
    engine: Engine | None = Engine()
    block: int = 4
    fail_fast: bool = False


@contextmanager
def space():
    """Put the planted space in the place of the scenarios that words make."""
    real = sweep_expand.expand, sweep_expand.scenarios
    sweep_expand.expand, sweep_expand.scenarios = expand, scenarios
    try:
        yield
    finally:
        sweep_expand.expand, sweep_expand.scenarios = real


def expand(words, design, *, may_be_one=False):
    """Words of the form seed=3:7 (3, 4, 5, 6) or key=value; the product of those that vary."""
    fixed = tuple(word for word in words if ":" not in word)
    varied = {word.split("=")[0]: word.split("=")[1].split(":") for word in words if ":" in word}
    ranges = [range(int(low), int(high)) for low, high in varied.values()]
    values = [()]
    for one in ranges:
        values = [(*row, number) for row in values for number in one]
    return Variants(fixed, tuple(varied), values, {})


@cache
def base():
    return load_scenario("areas=[Norwich, Oldham]", "horizon=5", "measures=[phonics]")


def scenarios(found):
    for i, row in enumerate(found.values):
        given = dict(word.split("=") for word in found.fixed) | dict(zip(found.keys, row, strict=True))
        scenario = base()
        if "area" in given:  # 0: Norwich and Oldham; 1: Blackpool
            names = [["Norwich", "Oldham"], ["Blackpool"]][int(given["area"])]
            scenario = replace(scenario, areas=replace(scenario.areas, names=names))
        try:
            yield replace(
                scenario,
                **{key: value if key == "posterior" else int(value) for key, value in given.items() if key != "area"},
            )
        except Refusal as refusal:
            yield Refusal(f"{refusal} ({found.overrides(i)})")


def load_sweeping(words):
    """The sweep's own words among all; only the engine's kind and workers and fail_fast are known."""
    own = [word for word in words if word.split("=")[0] in ("engine", "engine.workers", "fail_fast", "block")]
    said = dict(word.split("=") for word in own)
    engine = Engine(said.get("engine", "local"), int(said.get("engine.workers", 2)))
    return Sweeping(engine=engine), [word for word in words if word not in own]


def law(scenario):
    """Numbers that follow from the seed and the labels alone; a seed that ends in 13 fails."""
    if scenario.seed % 100 == 13:
        raise ZeroDivisionError("planted")
    places = [*scenario.areas.names, "mean of areas"]
    labels = {"place": places, "group": GROUPS, "measure": list(scenario.measures), "year": scenario.years}
    labels["statistic"] = STATISTICS
    shape = [len(own) for own in labels.values()]
    first = np.array([sum(map(ord, name)) % 97 for name in places])[:, None, None, None, None]
    year = np.array(scenario.years)[:, None] / 1000
    impact = (np.zeros(shape) + first + year + scenario.seed).astype(np.float32)
    found = {"impact": (list(labels), impact, {"units": "points"}), "worth": ("place", impact[:, 0, 0, 0, 0])}
    found["headline"] = np.float32(scenario.seed + 0.1)
    attrs = {"run_id": f"{scenario.seed:012x}", "verdict": "FAIL" if scenario.seed % 7 == 5 else "PASS", "n_draws": 40}
    return xr.Dataset(found, labels, attrs)


def slow_law(scenario):
    time.sleep(0.02)
    return law(scenario)


def deadly_law(scenario):
    """Kill the worker that is the first to meet a seed of 5 or more, once."""
    mark = Path(os.environ["PLANTED_MARK"])
    time.sleep(0.02)
    if scenario.seed >= 5:
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return law(scenario)
        os.kill(os.getpid(), 9)
    return law(scenario)


def always_deadly_law(scenario):
    os.kill(os.getpid(), 9)


def wide_law(scenario):
    """A quarter of a megabyte a scenario; from seed 8 on, one that cannot be packed."""
    wide = np.full((64, 1024), scenario.seed, dtype=np.float32)
    if scenario.seed >= 8:
        wide += np.random.default_rng(scenario.seed).random((64, 1024), dtype=np.float32)
    return xr.Dataset({"wide": (("row", "column"), wide), "headline": np.float32(scenario.seed)}, {"row": range(64)})
