"""Backtest: our forecasts and the peers' of years that they have not seen, against what was then published.

Forward-chaining on one origin: everything is learned from figures up to a year, and scored on later ones. The
relative scale is an area less England, in pupil SD, where England's course cancels; the level scale is the figure
as it is published. The series that are modelled are scored; the mean of two groups follows from them.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import oa_sim
from oa_sim.definitions import academic_year
from oa_sim.errors import Refusal
from oa_sim.formatting import number
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.inputs.published_files import Reading
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Learning
from oa_sim.validation import benchmark_forecasters, district_backtest, district_record, scoring
from oa_sim.validation.benchmark_forecasters import Outlook
from oa_sim.validation.scoring import Entry, Forecast, Scores

OURS = "oa_sim"
FORECAST_DRAWS = 250  # of each chain: enough for quantiles, and a fraction of the time
WORKERS = 2
Series = tuple[str, str, int, str]  # measure, group, last year that is known, scale
Cell = tuple[str, str, int, int]  # measure, group, year, last year that is known of the series


@dataclass(frozen=True, eq=False)
class Contest:
    """A finished backtest."""

    scores: Scores
    read: list[str]  # what was read and what was left, in plain lines
    made: dict[str, Any]  # what made it: train_until, files and their hashes, gates, version
    districts: pd.DataFrame | None = None  # scores of districts, where a file of them was given


def contest(learning: Learning, say: Callable[[str], None], *, progress: bool = False) -> Contest:
    """Return the scores of our forecasts and the peers'.

    Raises
    ------
    Refusal
        Where the files will not do, or hold no figure to score.
    """
    is_missing, until = learning.panel.score == "missing", learning.panel.train_until
    _check_asked(learning)
    districts = _read_districts(learning)
    say("reading the panel and the later figures")
    breaks = tables.read("breaks", learning.data_folder)
    train, later = published_files.read(str(learning.panel.path)), published_files.read(str(learning.panel.actuals))
    history = panel.history(train, breaks, until)
    lacking, truth = panel.check(history), panel.history(later, breaks)
    known = int(history.year.values[-1]) if until is None else until
    cells = missing_cells(history, truth) if is_missing else {}
    targets = [
        int(year) for year in truth.year.values if year > known and truth.published.sel(year=year).notnull().any()
    ]
    if is_missing and not cells:
        raise Refusal("panel.actuals must have figures that panel.path lacks, and has none: name another file")
    if not is_missing and not targets:
        last = academic_year(int(truth.year.values[-1]))
        raise Refusal(f"panel.actuals holds no figure after {until}, its last year is {last}: name a later file")
    posterior = baseline_fit.learn(learning, history, train.data_hash, say, progress=progress)
    few = posterior.isel(draw=slice(FORECAST_DRAWS))
    if is_missing:
        say(f"forecasting {number(sum(map(len, cells.values())), 0)} figures that the panel lacks")
        entries = ours_of_missing(few, history, truth, breaks, cells, learning.seed)
    else:
        say(f"forecasting {', '.join(map(academic_year, targets))} for {history.sizes['area']} authorities")
        entries = ours(few, history, truth, breaks, targets, learning.seed)
    say("running the benchmarks: random walk, drift, mean and the automatic forecasters")
    theirs = outlooks(history, entries)
    scored = scoring.score([*entries, *peers(entries, theirs, history)], OURS)
    made = {
        "train_until": academic_year(known),
        **({"score": "missing"} if is_missing else {}),
        "version": oa_sim.__version__,
        "files": {str(learning.panel.path): train.data_hash, str(learning.panel.actuals): later.data_hash},
        "gates": json.loads(posterior.attrs["gates"]),
        "draws": int(few.sizes["chain"] * few.sizes["draw"]),
        "seed": learning.seed,
        "cohorts": history.behind.attrs.get("basis", "counted"),
    }
    lines = _read(lacking, train, later, theirs)
    if districts is None:
        return Contest(scored, lines, made)
    say(f"forecasting {number(len(districts[1]), 0)} figures of districts")
    table, more = of_districts(few, history, truth, *districts, learning.seed)
    for path in (str(learning.panel.districts), str(learning.panel.districts_actuals)):
        made["files"][path] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return Contest(scored, [*lines, *more], made, table)


def _check_asked(learning: Learning) -> None:
    """Refuse keys that do not go together."""
    keys, is_missing = learning.panel, learning.panel.score == "missing"
    if not keys.actuals or (keys.train_until is None and not is_missing):
        lacks = "panel.actuals=FILE" if not keys.actuals else "panel.train_until=YEAR"
        raise Refusal(f"a backtest needs a year to learn until and later figures, got none: add {lacks}")
    if is_missing and keys.train_until is not None:
        raise Refusal("panel.score=missing learns from all that the panel has: leave out panel.train_until")
    if bool(keys.districts) != bool(keys.districts_actuals):
        lacks = "panel.districts_actuals" if keys.districts else "panel.districts"
        raise Refusal(f"panel.districts and panel.districts_actuals go together, got one: add {lacks}=FILE")
    if keys.districts and not is_missing:
        raise Refusal(
            "panel.districts scores the figures that it lacks, got panel.score=later: set panel.score=missing"
        )


def _read_districts(learning: Learning) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return the known figures of districts and those to forecast, where they were given."""
    if not learning.panel.districts:
        return None
    known = district_record.read(learning.panel.districts, "panel.districts")
    later = district_record.read(str(learning.panel.districts_actuals), "panel.districts_actuals")
    return known, district_record.targets(known, later)


def of_districts(
    posterior: xr.Dataset, history: xr.Dataset, truth: xr.Dataset, known: pd.DataFrame, asked: pd.DataFrame, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Return the scores of districts' figures (ours, the county's of 0.6.1, the peers'), and what was left out."""
    asked, lines = district_record.in_panel(asked, history)
    given = district_record.setting(posterior, history, known, asked, seed)
    england = district_record.england(history) | district_record.england(truth)
    entries = district_backtest.entries(district_backtest.forecasts(given, asked), asked, england)
    record = district_backtest.record(given)
    own = [entry for entry in entries if entry.model == OURS]
    return district_backtest.table([*entries, *peers(own, outlooks(record, own), record)]), lines


def _read(lacking: list[str], train: Reading, later: Reading, outlooks: Mapping[tuple[Any, str], Outlook]) -> list[str]:
    """Return what was read, what was left, and for how many series a benchmark had too few figures."""
    counts = dict.fromkeys(benchmark_forecasters.PEERS, 0)
    for (_, name), outlook in outlooks.items():
        counts[name] += int(outlook.stood_in.sum())
    few = [
        f"the random walk replaces {name} in {number(count, 0)} series with too few figures"
        for name, count in counts.items()
        if count
    ]
    return [*lacking, *train.sentences(), *(f"later figures: {line}" for line in later.sentences()), *few]


def ours(
    posterior: xr.Dataset,
    history: xr.Dataset,
    truth: xr.Dataset | None,
    breaks: list[tables.Row],
    targets: list[int],
    seed: int,
) -> list[Entry]:
    """Return our forecasts of every authority with a record, on both scales.

    The posterior was fitted to figures up to the last year of ``history``, what was known; ``truth`` is what was
    published in the end, None where that is not known yet. ``breaks`` are the checked rows of ``breaks.csv``,
    ``targets`` the years that are forecast.
    """
    record = counterfactual.declared(observations.record(history), breaks)
    years = list(range(int(history.year.values[-1]) + 1, targets[-1] + 1))
    hyper = area_forecast.law(posterior, record.series)
    england = counterfactual.national(posterior, record, years, breaks, seed)
    areas = [area for a, area in enumerate(record.areas) if record.observed[:, a].any()]
    drawn = np.empty((len(areas), *england.shape), dtype=np.float32)
    for a, area in enumerate(areas):
        behind = counterfactual.last_variance(record, area)
        centre, error = area_forecast.relative(hyper, record, area, years, behind, stream(seed, "area", area))
        drawn[a] = england + centre + error
    entries = []
    for s, (measure, group) in enumerate(record.series):
        if not len(record.national[s].years) or not record.observed[s].any():
            continue  # there is no record to forecast from
        for year in targets:
            actual, nation = np.full(len(areas), np.nan), np.array(np.nan)
            if truth is not None:
                labels = {"measure": measure, "group": group, "year": year}
                actual = truth.published.sel(labels).reindex(area=areas).values
                if not np.isfinite(actual).any():
                    continue  # it was not collected: nothing to score
                nation = link_functions.to_latent(measure, float(truth.england.sel(labels)))
            ours, country = drawn[:, :, s, years.index(year)], england[:, s, years.index(year)]
            relative = Forecast(draws=(ours - country).T)
            level = Forecast(draws=link_functions.to_published(measure, ours).T)
            cell = (OURS, measure, group, year, year - int(history.year.values[-1]))
            gap = link_functions.to_latent(measure, actual) - nation
            entries.append(Entry(*cell, "relative", tuple(areas), gap, relative))
            entries.append(Entry(*cell, "level", tuple(areas), actual, level))
    return entries


def outlooks(history: xr.Dataset, ours: list[Entry]) -> dict[tuple[Series, str], Outlook]:
    """Return the peers' forecasts on the latent scale, SD, of every area of the history, by series and peer.

    A peer sees nothing after the last year that is known of the series; the years are those that we forecast, in order.
    """
    futures = {}
    # other processes, since the automatic forecasters hold the interpreter's lock
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as workers:
        for (measure, group, last, scale), years in sorted(years_of(ours).items()):
            seen = history.sel(measure=measure, group=group, year=history.year <= last)
            latent = link_functions.to_latent(measure, seen.published.values)
            if scale == "relative":
                latent = latent - link_functions.to_latent(measure, seen.england.values)
            for name, forecaster in benchmark_forecasters.PEERS.items():
                future = workers.submit(forecaster, latent, seen.year.values, np.array(years))
                futures[(measure, group, last, scale), name] = future
    return {key: future.result() for key, future in futures.items()}


def series_of(entry: Entry) -> Series:
    """Return measure, group, the last year that was known, and scale."""
    return entry.measure, entry.group, entry.year - entry.horizon, entry.scale


def years_of(entries: list[Entry]) -> dict[Series, list[int]]:
    """Return the years that are forecast of each series, in order."""
    years: dict[Series, list[int]] = {}
    for entry in entries:
        years.setdefault(series_of(entry), []).append(entry.year)
    return {series: sorted(own) for series, own in years.items()}


def peers(ours: list[Entry], outlooks: dict[tuple[Series, str], Outlook], history: xr.Dataset) -> list[Entry]:
    """Return the peers' forecasts of what we forecast."""
    years, places, entries = years_of(ours), history.area.values.tolist(), []
    for entry in ours:
        series = series_of(entry)
        t, units = years[series].index(entry.year), [places.index(area) for area in entry.areas]
        for name in benchmark_forecasters.PEERS:
            outlook = outlooks[series, name]
            forecast = Forecast(mean=outlook.mean[units, t], sd=outlook.sd[units, t])
            if entry.scale == "level":
                forecast = scoring.published(forecast, entry.measure)
            entries.append(replace(entry, model=name, forecast=forecast))
    return entries


def missing_cells(history: xr.Dataset, truth: xr.Dataset) -> dict[Cell, list[str]]:
    """Return the areas of which a modelled figure was published that the history lacks, by what is forecast.

    A cell is measure, group, year, and the last year that the history has of that series of the area. A gap before that
    year, and a series that the history does not have of the area at all, are no forecasts.
    """
    cells: dict[Cell, list[str]] = {}
    areas = [area for area in history.area.values.tolist() if area in truth.area.values]
    for measure, group in observations.record(history).series:
        series = {"measure": measure, "group": group}
        known = np.isfinite(history.published.sel(series, drop=True).sel(area=areas).values)
        actual = truth.published.sel(series, drop=True).sel(area=areas)
        for a, area in enumerate(areas):
            if not known[a].any():
                continue
            last = int(history.year.values[np.flatnonzero(known[a])[-1]])
            for year in (int(year) for year in truth.year.values if year > last):
                if np.isfinite(float(actual.sel(area=area, year=year))):
                    cells.setdefault((measure, group, year, last), []).append(area)
    return cells


def ours_of_missing(
    posterior: xr.Dataset,
    history: xr.Dataset,
    truth: xr.Dataset,
    breaks: list[tables.Row],
    cells: dict[Cell, list[str]],
    seed: int,
) -> list[Entry]:
    """Return our forecasts of cells, on both scales; England's course is known where the history has it."""
    record = counterfactual.declared(observations.record(history), breaks)
    hyper = area_forecast.law(posterior, record.series)
    final = max(year for _, _, year, _ in cells)
    years, england = _england_ahead(posterior, record, breaks, cells, seed)
    drawn: dict[tuple[str, int], np.ndarray] = {}
    entries = []
    for (measure, group, year, last), areas in cells.items():
        for area in areas:
            if (area, last) not in drawn:
                behind, ahead = counterfactual.last_variance(record, area), list(range(last + 1, final + 1))
                parts = area_forecast.relative(hyper, record, area, ahead, behind, stream(seed, "area", area))
                drawn[area, last] = np.sum(parts, axis=0, dtype=np.float32)
        s, t = record.series.index((measure, group)), year - last - 1
        gap = np.stack([drawn[area, last][:, s, t] for area in areas], axis=1)
        country = _country(history, england, years, (measure, group, year), s)
        labels = {"measure": measure, "group": group, "year": year}
        actual = truth.published.sel(labels).sel(area=areas).values
        nation = link_functions.to_latent(measure, float(truth.england.sel(labels)))
        level = link_functions.to_published(measure, gap + country[:, None])
        cell = (OURS, measure, group, year, year - last)
        relative = link_functions.to_latent(measure, actual) - nation
        entries.append(Entry(*cell, "relative", tuple(areas), relative, Forecast(draws=gap)))
        entries.append(Entry(*cell, "level", tuple(areas), actual, Forecast(draws=level)))
    return entries


def _england_ahead(
    posterior: xr.Dataset,
    record: observations.Record,
    breaks: list[tables.Row],
    cells: dict[Cell, list[str]],
    seed: int,
) -> tuple[list[int], np.ndarray]:
    """Return years, and England's course in them (draw, series, year): those that some cell needs and that are unknown.

    All series are drawn from where the first of these ends, so that they have the same years.
    """
    wanted: dict[int, int] = {}
    for measure, group, year, _ in cells:
        s = record.series.index((measure, group))
        if len(record.national[s].years) and year > record.national[s].years[-1]:
            wanted[s] = max(year, wanted.get(s, 0))
    n_draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    if not wanted:
        return [], np.empty((n_draws, len(record.series), 0))
    first = min(int(record.national[s].years[-1]) for s in wanted)
    courses = []
    for course in record.national:
        is_kept = course.years <= first
        courses.append(replace(course, years=course.years[is_kept], figures=course.figures[is_kept]))
    years = list(range(first + 1, max(wanted.values()) + 1))
    return years, counterfactual.national(posterior, replace(record, national=courses), years, breaks, seed)


def _country(
    history: xr.Dataset, drawn: np.ndarray, years: list[int], cell: tuple[str, str, int], s: int
) -> np.ndarray:
    """Return England's figure (draw) on the latent scale: as published where the history has it, else as drawn."""
    measure, group, year = cell
    if year in history.year.values:
        figure = float(history.england.sel(measure=measure, group=group, year=year))
        if np.isfinite(figure):
            return np.full(len(drawn), link_functions.to_latent(measure, figure))
    return np.asarray(drawn[:, s, years.index(year)])
