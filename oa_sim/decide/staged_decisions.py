"""Staged decisions: fund some years or areas first, look, decide on the rest; its value against committing now.

What is seen at a gate is what a dashboard has of the areas that have had money: the share of pupils served by each
intervention, and published figures less England, with the noise of figures that move of themselves.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.decide import plan_evaluation, voi_estimators
from oa_sim.decide.plan_evaluation import Judge, NamedPlans
from oa_sim.definitions import MEASURES, series
from oa_sim.programme import delivered_effects
from oa_sim.projection import cohort
from oa_sim.rng import stream

MOST_PLANS = 8  # that are decided among at a gate: those that together leave least to regret
COLUMNS = ("gate", "signal", "first", "flexibility", "error", "committed", "waiting_costs", "net", "unit")
LAW = ("noise_sd", "deviation_sd", "persistence")  # of the figures of an area
SIGNALS = ("pupils served", "published figures", "both")
WAVES = {
    1: "first wave of areas first, the other after year 2",
    2: "second wave of areas first, the other after year 2",
}
WAIT = 2  # years until the other areas follow


class Looked(NamedTuple):
    """What a plan does until the last gate."""

    money: np.ndarray  # (area, year): GBP / year
    served: np.ndarray  # (draw, intervention, area, year): share of eligible pupils fully served
    added: np.ndarray  # (draw, series, area, year): what it adds to a figure, SD


def gates(plans: NamedPlans, years: list[int]) -> pd.DataFrame:
    """Return what each gate is worth, after ``years`` funded years; see ``left_out`` for those that are no gate.

    A row for each gate and signal: ``flexibility``, what deciding the rest by the signal brings beyond the best that
    could be fixed beforehand with the same timing; ``waiting_costs``, what that timing brings less than committing now;
    ``net`` of both.
    """
    judge, order = plans.judge, telling(plans.values)
    chosen, names = plans.planned[order], [plans.names[i] for i in order]
    committed, rows = float(np.max(plans.values.mean(axis=1))), []
    inside = [year for year in years if year not in left_out(years, len(judge.years))]
    if inside:
        looked = [_look(judge, plan, max(inside)) for plan in chosen]
        for year in inside:
            signals = [_signals(judge, look, year) for look in looked]
            values = _values(judge, _by_year(chosen, year))
            most = max(committed, float(np.max(values.mean(axis=2))))  # with this timing all could be fixed now
            rows += _rows(f"after year {year}", values, signals, most, names)
    for name, first in _waves(judge).items():
        both = _by_area(chosen, first, WAIT)
        signals = [_signals(judge, _look(judge, both[i, i], WAIT), WAIT) for i in range(len(chosen))]
        rows += _rows(name, _values(judge, both), signals, committed, names)
    return pd.DataFrame(rows, columns=COLUMNS[:-1]).assign(unit=judge.objective.unit)


def left_out(years: list[int], n_funded: int) -> list[int]:
    """Return the years after which nothing is left to decide, since the money ends with them or before."""
    return [year for year in years if year >= n_funded]


def telling(values: np.ndarray) -> np.ndarray:
    """Return the plans that are decided among at a gate: the best on average, then what adds most to the best of them.

    The next on average is often the same mix split a little differently, from which nothing can be learned; a plan that
    is behind on average but ahead in some draws is what a signal may turn to.
    """
    means = values.mean(axis=1)
    order = [int(np.argmax(means))]
    while len(order) < min(MOST_PLANS, len(values)):
        reached = np.maximum(values, values[order].max(axis=0)).mean(axis=1)
        rest = [i for i in range(len(values)) if i not in order]
        order.append(max(rest, key=lambda i: (reached[i], means[i])))
    return np.array(order)


def _by_year(plans: np.ndarray, year: int) -> np.ndarray:
    """Return plans that follow one until a year and another from then on (first, then, area, intervention, year)."""
    first, then = plans[:, None], plans[None]
    late = np.arange(plans.shape[-1]) >= year
    return np.where(late, then, first)


def _by_area(plans: np.ndarray, waves: np.ndarray, year: int) -> np.ndarray:
    """Return plans that fund the first areas as one says, and the others as another does in the years left."""
    first = plans[:, None]
    later = np.zeros_like(plans)
    left = np.arange(plans.shape[-1]) >= year
    whole, rest = plans.sum(axis=-1, keepdims=True), plans[..., left].sum(axis=-1, keepdims=True)
    later[..., left] = plans[..., left] * whole / np.maximum(rest, 1.0)
    return np.where(waves[:, None, None], first, np.floor(later)[None])


def _waves(judge: Judge) -> dict[str, np.ndarray]:
    """Return which areas go first (area), by the name of the gate; none where that leaves nobody, or no years."""
    wave = {row["area"]: row["wave"] for row in judge.known.tables["areas"]}
    of = np.array([wave.get(area) for area in judge.scenario.areas.names])
    areas_of_wave = {name: of == number for number, name in WAVES.items()}
    return {
        name: first for name, first in areas_of_wave.items() if 0 < first.sum() < len(first) and len(judge.years) > WAIT
    }


def _values(judge: Judge, both: np.ndarray) -> np.ndarray:
    """Return what each pair of plans brings (first, then, draw)."""
    n = len(both)
    values = np.empty((n, n, len(judge.which)))
    for i, j in np.ndindex(n, n):
        values[i, j] = plan_evaluation.worth(plan_evaluation.richer(judge, both[i, j]), both[i, j]).sum(axis=0)
    return values


def _rows(
    name: str, values: np.ndarray, signals: list[dict[str, np.ndarray]], committed: float, names: list[str]
) -> list[list[object]]:
    """Return the rows of one gate."""
    waits, rows = committed - float(np.max(values.mean(axis=2))), []
    for signal in SIGNALS:
        first, worth = voi_estimators.stepped(values, [by_signal[signal] for by_signal in signals])
        rows.append([name, signal, names[first], worth.value, worth.error, committed, waits, worth.value - waits])
    return rows


def _look(judge: Judge, planned: np.ndarray, last: int) -> Looked:
    """Return what a plan does in its first years, in each draw."""
    scenario, drawn = judge.scenario, judge.programme.drawn
    money = plan_evaluation.money_of(plan_evaluation.richer(judge, planned), planned)
    rolls = judge.known.pupils.rolls.sel(area=scenario.areas.names)
    active = delivered_effects.activity(scenario, money, rolls, drawn)
    served = [values[..., :last].reshape(-1, *values.shape[2:3], last)[judge.which] for values in active.values()]
    nobody = np.zeros((len(judge.which), 0, len(scenario.areas.names), last))
    added = _added(
        judge, cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn), last
    )
    return Looked(planned.sum(axis=1), np.stack(served, axis=1) if served else nobody, added)


def _added(judge: Judge, gain: xr.DataArray, last: int) -> np.ndarray:
    """Return what is added to each series (draw, series, area, year), SD, better or worse as the figure is read."""
    scenario, out = judge.scenario, []
    dims = ("chain", "draw", "area", "group", "measure", "year")
    early = gain.isel(year=slice(0, last)).transpose(*dims)
    by = early.values.reshape(-1, *early.shape[2:])
    groups = gain.group.values.tolist()
    poor, other = (by[judge.which][:, :, groups.index(group)] for group in ("disadvantaged", "other"))
    for measure, group in series(scenario.measures):
        m = scenario.measures.index(measure)
        share = judge.programme.shape.poor[:, m, None]
        part = share if group == "all" else float(group == "disadvantaged")
        sign = -1.0 if MEASURES[measure].lower_is_better else 1.0
        out.append(sign * (part * poor[:, :, m] + (1 - part) * other[:, :, m]))
    return np.stack(out, axis=1)


def _signals(judge: Judge, looked: Looked, year: int) -> dict[str, np.ndarray]:
    """Return what is seen at a gate in each draw (draw, column), by signal, in the mean of areas that had money."""
    funded = looked.money[:, :year].sum(axis=1) > 0
    if not funded.any():  # nothing was done, so nothing is seen
        return dict.fromkeys(SIGNALS, np.zeros((len(judge.which), 0)))
    served = looked.served[:, :, funded, :year].mean(axis=(2, 3))
    figures = looked.added[:, :, funded, year - 1].mean(axis=2) + _noise(judge, int(funded.sum()), year)
    return dict(zip(SIGNALS, (served, figures, np.concatenate([served, figures], axis=1)), strict=True))


def _noise(judge: Judge, n_areas: int, year: int) -> np.ndarray:
    """Return how figures move of themselves in the mean of so many areas since the start (draw, series), SD."""
    scenario, every = judge.scenario, series()
    law = {name: judge.known.posterior[name].values.reshape(-1, len(every)).mean(axis=0) for name in LAW}
    out = []
    for measure, group in series(scenario.measures):
        s = every.index((measure, group))
        moved = law["deviation_sd"][s] ** 2 * (1 - law["persistence"][s] ** (2 * year))
        spread = np.sqrt((law["noise_sd"][s] ** 2 + moved) / n_areas)
        rng = stream(scenario.seed, "figures at a gate", measure, group)
        n_draws = judge.programme.drawn.sizes["chain"] * judge.programme.drawn.sizes["draw"]
        out.append(spread * rng.standard_normal(n_draws)[judge.which])
    return np.stack(out, axis=1)
