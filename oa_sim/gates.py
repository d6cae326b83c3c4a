"""Gates: fund some years or areas first, look, and decide on the rest; what that is worth against committing now.

What is seen at a gate is what a dashboard has: pupils served by each intervention, and published figures of the funded
areas less England, with the noise of figures that move of themselves.
"""

import numpy as np
import pandas as pd

from oa_sim import cohort, information, interventions, judging
from oa_sim.decisions import Decisions
from oa_sim.scenario import Scenario
from oa_sim.streams import stream
from oa_sim.variables import MEASURES, series

MOST_PLANS = 8  # that are decided among at a gate: the best on average
COLUMNS = ("gate", "signal", "first", "flexibility", "error", "committed", "waiting_costs", "net", "unit")
LAW = ("noise_sd", "deviation_sd", "persistence")  # of the figures of an area
SIGNALS = ("pupils served", "published figures", "both")


def gates(found: Decisions, years: list[int]) -> pd.DataFrame:
    """Return what each gate is worth.

    Parameters
    ----------
    found
        The decisions.
    years
        After how many funded years the rest is decided anew.

    Returns
    -------
    DataFrame
        A row for each gate and signal: ``flexibility``, what deciding the rest by the signal brings beyond the best
        that could be fixed beforehand with the same timing; ``waiting_costs``, what that timing brings less than
        committing now; ``net`` of both.
    """
    judge, unit = found.judge, found.judge.objective.unit
    order = np.argsort(-found.values.mean(axis=1), kind="stable")[:MOST_PLANS]
    plans, names = found.planned[order], [found.names[i] for i in order]
    committed = found.values[order].mean(axis=1).max()
    rows = []
    for year in years:
        if year < len(judge.years):
            rows += _gate(f"after year {year}", _by_year(plans, year), year, committed, names, judge, unit, is_now=True)
    waves = _waves(judge)
    if 0 < waves.sum() < len(waves) and len(judge.years) > 2:
        both = _by_area(plans, waves, 2)
        rows += _gate("first areas first, others after year 2", both, 2, committed, names, judge, unit, is_now=False)
    return pd.DataFrame(rows, columns=COLUMNS)


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


def _waves(judge) -> np.ndarray:
    """Return whether each area was announced first (area)."""
    wave = {row["area"]: row["wave"] for row in judge.known.tables["areas"]}
    return np.array([wave[area] == 1 for area in judge.scenario.areas.names])


def _gate(name, both, year: int, committed: float, names: list[str], judge, unit: str, *, is_now: bool) -> list[list]:
    """Return the rows of one gate; ``is_now`` where its timing is that of committing now."""
    n = len(both)
    values = np.empty((n, n, len(judge.which)))
    for i, j in np.ndindex(n, n):
        values[i, j] = judging.worth(judging.richer(judge, both[i, j]), both[i, j]).sum(axis=0)
    means = values.mean(axis=2)
    at, stay = np.unravel_index(means.argmax(), means.shape), float(means.max())
    committed = max(committed, stay) if is_now else committed
    rows = []
    served, figures = _seen(judge, both[at], year)
    for signal, columns in zip(SIGNALS, (served, figures, np.concatenate([served, figures], axis=1)), strict=True):
        told = [information.partial(values[i], columns) for i in range(n)]
        total = [values[i].mean(axis=1).max() + one.value for i, one in enumerate(told)]
        first = int(np.argmax(total))
        flexible, error = total[first] - stay, told[first].error
        row = [name, signal, names[first], max(flexible, 0.0), error, committed, committed - stay]
        rows.append([*row, max(flexible, 0.0) - (committed - stay), unit])
    return rows


def _seen(judge, planned: np.ndarray, year: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what is seen at a gate in each draw: pupils served (draw, intervention), figures (draw, series)."""
    scenario: Scenario = judge.scenario
    about = judging.richer(judge, planned)
    money, drawn = judging.money_of(about, planned), judge.programme.drawn
    rolls = judge.known.pupils.rolls.sel(area=scenario.areas.names)
    active = interventions.activity(scenario, money, rolls, drawn)
    at = slice(0, year)
    served = [values[..., at].mean(axis=(2, 3)).ravel()[judge.which] for values in active.values()]
    return np.stack(served, axis=1), _figures(judge, active, drawn, year)


def _figures(judge, active: dict[str, np.ndarray], drawn, year: int) -> np.ndarray:
    """Return figures less England in the mean of the areas (draw, series), SD: what the programme adds, and noise."""
    scenario = judge.scenario
    gain = cohort.gain_by_measure(scenario, active, drawn).isel(year=year - 1).mean("area")
    posterior, names = judge.known.posterior, series(scenario.measures)
    every = series()
    law = {name: posterior[name].values.reshape(-1, len(every)).mean(axis=0) for name in LAW}
    out = []
    for measure, group in names:
        mine = gain.sel(measure=measure)
        share = judge.programme.shape.poor[:, scenario.measures.index(measure)].mean()
        added = (
            share * mine.sel(group="disadvantaged") + (1 - share) * mine.sel(group="other")
            if group == "all"
            else mine.sel(group=group)
        )
        s = every.index((measure, group))
        moved = law["deviation_sd"][s] ** 2 * (1 - law["persistence"][s] ** (2 * year))
        spread = np.sqrt((law["noise_sd"][s] ** 2 + moved) / len(scenario.areas.names))
        rng = stream(scenario.seed, "figures at a gate", measure, group)
        values = added.transpose("chain", "draw").values.ravel()
        sign = -1.0 if MEASURES[measure].lower_is_better else 1.0
        out.append((sign * values + spread * rng.standard_normal(values.size))[judge.which])
    return np.stack(out, axis=1)
