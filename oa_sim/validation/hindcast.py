"""Hindcast: the twelve areas projected from what was known before the programme, against what was then published.

One run gives both answers, with the programme and without, on the same draws and the same noise. Scored is every
published figure of the areas that are authorities, and the early years of districts. The level scale is the figure
itself; on the relative scale, area less England, a shock that meets the whole country cancels, and a programme could
be seen.
"""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim.definitions import LONGEST_HORIZON, MEASURES, academic_year, percent
from oa_sim.errors import Refusal, unknown
from oa_sim.formatting import number
from oa_sim.inference import baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import areas, panel, schemas, tables
from oa_sim.inputs.places import bare
from oa_sim.inputs.published_files import Reading, read
from oa_sim.scenario.assumptions import Learning
from oa_sim.scenario.schema import Scenario
from oa_sim.simulation import scenario_run
from oa_sim.validation import scoring

LEVELS = (50, 80, 95)  # %, of the intervals whose coverage is told
KEYS = ("n", "cov50", "cov80", "cov95", "log_score_with", "log_score_without", "log_score_difference_se")


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures, one an entry of each array: as published of the area and of England, in the measure's unit."""

    area: np.ndarray
    measure: np.ndarray
    group: np.ndarray
    year: np.ndarray
    value: np.ndarray
    england: np.ndarray  # NaN where England has none


@dataclass(frozen=True, eq=False)
class Judged:
    """How forecasts with and without the programme did on one scale."""

    figures: Figures  # what was scored
    held: np.ndarray  # (level, figure): whether it lay in the central intervals of the forecast with the programme
    log_with: np.ndarray  # (figure), log density on the latent scale, nats
    log_without: np.ndarray


def as_known(until: int, into: Path, folder: Path | None = None) -> Path:
    """Write the tables with shares and counts of pupils up to a year alone, and return their folder.

    Where a place has no figure of a quantity by then, its first one stays: our rolls are of later years only. Outcomes
    stay, since a run cuts them itself.
    """
    into.mkdir(parents=True, exist_ok=True)
    for path in sorted(Path(folder or tables.FOLDER).glob("*.csv")):
        shutil.copyfile(path, into / path.name)
    with (into / "authority_figures.csv").open(newline="", encoding="utf-8") as file:
        header, *lines = csv.reader(file)
    with (into / "authority_figures.csv").open("w", newline="", encoding="utf-8") as file:
        kept = [line for line in lines if int(line[header.index("year")]) <= until]
        csv.writer(file, lineterminator="\n").writerows([header, *kept])
    rows = tables.read("pupils", into)
    first: dict[tuple[str, str, str], int] = {}
    for row in rows:
        key = (row["quantity"], row["place"], row["geography"])
        first[key] = min(first.get(key, row["year"]), row["year"])
    columns = list(schemas.TABLES["pupils"].columns)
    with (into / "pupils.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if row["year"] <= max(until, first[row["quantity"], row["place"], row["geography"]]):
                writer.writerow([row[column] for column in columns])
    return into


def learn(learning: Learning, say: Callable[[str], None]) -> xr.Dataset:
    """Return the posterior learned from a panel up to ``panel.train_until``, also where a series begins later.

    Of a series without a figure by then nothing is learned but what its prior says, and it is not to be projected.
    """
    reading = read(str(learning.panel.path))
    history = panel.history(reading, tables.read("breaks", learning.data_folder), learning.panel.train_until)
    for lacking in panel.check(history):
        say(lacking)
    return baseline_fit.learn(learning, history, reading.data_hash, say)


def check(posterior: xr.Dataset, until: int) -> str:
    """Return what a posterior was learned from, in words, or refuse one that knows what is to be forecast.

    So is one that was fitted by another law than this version's.
    """
    made = json.loads(posterior.attrs.get("made", "{}"))
    if made.get("until", until + 1) > until:
        raise Refusal(
            f"a hindcast from {academic_year(until)} takes a posterior learned from figures up to then, got one up to "
            f"{academic_year(made['until']) if 'until' in made else 'an unknown year'}: learn it from a panel again"
        )
    if baseline_fit.law_version(made) != baseline_fit.LAW_VERSION:
        raise Refusal("the posterior was learned by the law of another version: learn it from a panel again")
    gates = json.loads(posterior.attrs["gates"])
    basis = f"learned from {made['authorities']} authorities up to {academic_year(made['until'])}"
    return f"{basis}; {gates['verdict']}: {gates['reason']}"


def published(reading: Reading, rows: tables.Tables, scenario: Scenario) -> Figures:
    """Return what was published of a scenario's areas in its years: figures that can be held against it.

    Areas that are authorities are taken from the reading, all groups that were published, and are refused where it
    lacks them; of districts the good level of development of all pupils, from our own tables, since the reading has
    authorities only.
    """
    figures = reading.figures
    spelled = {bare(place): place for place in sorted(set(figures["place"]))}
    later = figures[figures["measure"].isin(scenario.measures) & figures["year"].isin(scenario.years)]
    england = later[later["place"] == "England"].set_index(["measure", "group", "year"])["value"].to_dict()
    cells, districts = [], []
    for row in rows["areas"]:
        if row["area"] not in scenario.areas.names:
            continue
        if row["geography"] != "authority":
            districts.append(row["area"])
            continue
        place = spelled.get(bare(row["published_place"]))
        if place is None:
            raise unknown("place among the later figures", row["published_place"], spelled.values())
        of_place = later[later["place"] == place][["measure", "group", "year", "value"]]
        for *series, value in of_place.itertuples(index=False, name=None):
            cells.append((row["area"], *series, value, england.get(tuple(series), np.nan)))
    own = areas.history(rows, scenario.years[-1]).own.sel(measure=areas.GLD, group="all")
    for area, year in product(districts, scenario.years if areas.GLD in scenario.measures else ()):
        if np.isfinite(value := own.sel(area=area).reindex(year=[year]).item()):
            cells.append((area, areas.GLD, "all", year, value, np.nan))
    if not cells:
        first, last = (academic_year(scenario.years[end]) for end in (0, -1))
        raise Refusal(f"the later figures hold none of {first} to {last}: name a file that goes on later")
    return Figures(*(np.array(column) for column in zip(*cells, strict=True)))


def judge(scenario: Scenario, reading: Reading, say: Callable[[str], None] | None = None) -> dict[str, Judged]:
    """Return how a scenario, run from what was known, did against later figures, by scale: ``level``, ``relative``.

    The scenario is the programme as it was delivered; its posterior was learned from figures before its first year.
    """
    rows = tables.read_all(scenario.data_folder, scenario.areas.names)
    figures = published(reading, rows, scenario)
    result = scenario_run.run(scenario, say=say)
    runs = [_forecast(result.draws[name], figures) for name in ("projection", "counterfactual")]
    judged = {"level": _judged(figures, figures.value, runs)}
    course, own = _england(scenario, rows, figures)
    kept = replace(figures, **{name: values[own] for name, values in vars(figures).items()})
    runs = [_latent(kept, draws[:, own]) - course for draws in runs]
    judged["relative"] = _judged(kept, _latent(kept, kept.value) - _latent(kept, kept.england), runs, is_latent=True)
    return judged


def _forecast(draws: xr.DataArray, figures: Figures) -> np.ndarray:
    """Return the draws (draw, figure) of each figure, in its measure's unit."""
    labels = {dim: xr.DataArray(getattr(figures, dim), dims="figure") for dim in ("area", "measure", "group", "year")}
    values = draws.sel(labels).transpose("chain", "draw", "figure").values.astype(float)
    return values.reshape(-1, values.shape[-1])


def _england(scenario: Scenario, input_tables: tables.Tables, figures: Figures) -> tuple[np.ndarray, np.ndarray]:
    """Return England's course as it was drawn for the run (draw, figure), SD, and which figures have one.

    The course is that of a group that is modelled; the mean of two groups has none of its own.
    """
    history = areas.history(input_tables, until=scenario_run.last_known_year(scenario))
    record = observations.record(history)
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    posterior = baseline_fit.load(scenario.posterior, scenario.sampler.draws)
    course = counterfactual.national(posterior, record, years, input_tables["breaks"], scenario.seed)
    names = list(zip(figures.measure.tolist(), figures.group.tolist(), strict=True))
    own = np.array([name in record.series for name in names]) & np.isfinite(figures.england)
    columns = [record.series.index(name) for name, is_own in zip(names, own, strict=True) if is_own]
    return course[:, columns, figures.year[own] - scenario.start_year], own


def _latent(figures: Figures, values: np.ndarray) -> np.ndarray:
    """Return published values (..., figure) on the latent scale, SD."""
    out = np.empty(values.shape)
    for measure in MEASURES:
        is_measure = figures.measure == measure
        out[..., is_measure] = link_functions.to_latent(measure, values[..., is_measure])
    return out


def _judged(figures: Figures, actual: np.ndarray, runs: list[np.ndarray], *, is_latent: bool = False) -> Judged:
    """Return the scores of two runs (draw, figure), with and without; both in the unit of what was published."""
    low, high = scoring.interval(scoring.Forecast(draws=runs[0]), np.array(LEVELS))
    held = scoring.covered(low, high, actual)
    if not is_latent:
        actual, runs = _latent(figures, actual), [_latent(figures, draws) for draws in runs]
    degrees = scoring.tails(runs[1])
    return Judged(figures, held, *(scoring.log_density(draws, actual, degrees) for draws in runs))


def clustered_se(values: np.ndarray, cluster: np.ndarray) -> float:
    """Return the standard error of a mean of values that are alike within clusters: the figures of one area are.

    ``sqrt(G / (G - 1) sum over clusters of (sum of deviations)^2) / n`` (Liang and Zeger 1986). What two clusters have
    in common, such as England's course, it does not know.
    """
    names, index = np.unique(cluster, return_inverse=True)
    if len(names) < 2:
        raise Refusal(f"a clustered standard error needs two areas or more, got {len(names)}: judge more areas")
    sums = np.bincount(index, weights=values - values.mean())
    return float(np.sqrt(len(names) / (len(names) - 1) * (sums**2).sum()) / len(values))


def summary(judged: Judged) -> dict[str, float]:
    """Return number, coverage, mean log densities (nats) and the standard error of their difference by area."""
    n, difference = len(judged.log_with), judged.log_with - judged.log_without
    values = [*judged.held.mean(axis=1), judged.log_with.mean(), judged.log_without.mean()]
    return dict(zip(KEYS, [n, *map(float, values), clustered_se(difference, judged.figures.area)], strict=True))


def coverage_by(judged: Judged, dimension: str) -> list[str]:
    """Return coverage by ``measure``, ``group``, ``year`` or ``area``, a line each."""
    labels, lines = getattr(judged.figures, dimension), []
    for label in dict.fromkeys(labels.tolist() if dimension != "year" else np.sort(labels).tolist()):
        held = judged.held[:, labels == label]
        shares = ", ".join(
            f"{level}%: {percent(share)}" for level, share in zip(LEVELS, held.mean(axis=1), strict=True)
        )
        lines.append(f"{academic_year(label) if dimension == 'year' else label}: {held.shape[1]} figures, {shares}")
    return lines


def verdict(judged: Judged) -> str:
    """Return in a sentence whether the figures favour the model with or without the programme."""
    scores = summary(judged)
    gain, error = scores["log_score_with"] - scores["log_score_without"], scores["log_score_difference_se"]
    if not np.any(judged.log_with - judged.log_without):
        return "the models with and without the programme give the same densities for every figure"
    is_clear = abs(gain) > 2 * error
    return (
        f"the figures favour the model {'with' if gain > 0 else 'without'} the programme by {number(abs(gain), 4)} "
        f"nats a figure (standard error by area {number(error, 4)}), {'more' if is_clear else 'less'} than two "
        f"standard errors, so they {'distinguish' if is_clear else 'do not distinguish'} the two models"
    )
