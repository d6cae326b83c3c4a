"""Backtest: our forecasts and the peers' of years that they have not seen, against what was then published.

Forward-chaining on one origin: everything is learned from figures up to a year, and scored on later ones. The
relative scale is an area less England, in pupil SD, where England's course cancels; the level scale is the figure
as it is published. The series that are modelled are scored; the mean of two groups follows from them.
"""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import xarray as xr

import oa_sim
from oa_sim.definitions import academic_year
from oa_sim.errors import Refusal
from oa_sim.formatting import number
from oa_sim.inference import area_forecast, baseline_fit, counterfactual, link_functions, observations
from oa_sim.inputs import panel, published_files, tables
from oa_sim.rng import stream
from oa_sim.scenario.assumptions import Learning
from oa_sim.validation import benchmark_forecasters, scoring
from oa_sim.validation.benchmark_forecasters import Outlook
from oa_sim.validation.scoring import Entry, Forecast, Scores

OURS = "oa_sim"
FORECAST_DRAWS = 250  # of each chain: enough for quantiles, and a fraction of the time
WORKERS = 2
Series = tuple[str, str, str]  # measure, group, scale


@dataclass(frozen=True, eq=False)
class Contest:
    """A finished backtest."""

    scores: Scores
    read: list[str]  # what was read and what was left, in plain lines
    made: dict[str, Any]  # what made it: train_until, files and their hashes, gates, version


def contest(learning: Learning, say: Callable[[str], None], *, progress: bool = False) -> Contest:
    """Return the scores of our forecasts and the peers'.

    Raises
    ------
    Refusal
        Where the files will not do, or hold no later year to score.
    """
    until = learning.panel.train_until
    if until is None or not learning.panel.actuals:
        missing = "panel.train_until=YEAR" if until is None else "panel.actuals=FILE"
        raise Refusal(f"a backtest needs a year to learn until and later figures, got none: add {missing}")
    say("reading the panel and the later figures")
    breaks = tables.read("breaks", learning.data_folder)
    train, later = published_files.read(str(learning.panel.path)), published_files.read(learning.panel.actuals)
    history = panel.history(train, breaks, until)
    lacking = panel.check(history)
    truth = panel.history(later, breaks)
    targets = [int(year) for year in truth.year.values if year > until]
    targets = [year for year in targets if bool(truth.published.sel(year=year).notnull().any())]
    if not targets:
        last = academic_year(int(truth.year.values[-1]))
        raise Refusal(f"panel.actuals holds no figure after {until}, its last year is {last}: name a later file")
    posterior = baseline_fit.learn(learning, history, train.data_hash, say, progress=progress)
    few = posterior.isel(draw=slice(FORECAST_DRAWS))
    say(f"forecasting {', '.join(academic_year(year) for year in targets)} for {history.sizes['area']} authorities")
    entries = ours(few, history, truth, breaks, targets, learning.seed)
    say("running the benchmarks: random walk, drift, mean and the automatic forecasters")
    theirs = outlooks(history, entries)
    scored = scoring.score([*entries, *_peers(entries, theirs)], OURS)
    read = [*lacking, *train.sentences(), *(f"later figures: {line}" for line in later.sentences())]
    read += [
        f"the random walk replaces {name} in {number(count, 0)} series with too few figures"
        for name, count in _stood_in(theirs).items()
        if count
    ]
    made = {
        "train_until": academic_year(until),
        "version": oa_sim.__version__,
        "files": {str(learning.panel.path): train.data_hash, str(learning.panel.actuals): later.data_hash},
        "gates": json.loads(posterior.attrs["gates"]),
        "draws": int(few.sizes["chain"] * few.sizes["draw"]),
        "seed": learning.seed,
        "cohorts": history.behind.attrs.get("basis", "counted"),
    }
    return Contest(scored, read, made)


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
    record = observations.record(history)
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
    """Return the peers' forecasts on the latent scale, SD, by series and peer; of what we forecast, in our order."""
    futures = {}
    # other processes, since the automatic forecasters hold the interpreter's lock
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as workers:
        for (measure, group, scale), own in sorted(by_series(ours).items()):
            published = history.published.sel(area=list(own[0].areas), measure=measure, group=group).values
            latent = link_functions.to_latent(measure, published)
            if scale == "relative":
                england = history.england.sel(measure=measure, group=group).values
                latent = latent - link_functions.to_latent(measure, england)
            years = np.array([entry.year for entry in own])
            for name, forecaster in benchmark_forecasters.PEERS.items():
                futures[(measure, group, scale), name] = workers.submit(forecaster, latent, history.year.values, years)
    return {key: future.result() for key, future in futures.items()}


def by_series(entries: list[Entry]) -> dict[Series, list[Entry]]:
    """Return the forecasts of each measure, group and scale, in their order."""
    series: dict[Series, list[Entry]] = {}
    for entry in entries:
        series.setdefault((entry.measure, entry.group, entry.scale), []).append(entry)
    return series


def _peers(ours: list[Entry], outlooks: dict[tuple[Series, str], Outlook]) -> list[Entry]:
    """Return the peers' forecasts of what we forecast."""
    entries, own = [], by_series(ours)
    for (series, name), outlook in outlooks.items():
        for t, entry in enumerate(own[series]):
            forecast = Forecast(mean=outlook.mean[:, t], sd=outlook.sd[:, t])
            if entry.scale == "level":
                forecast = scoring.published(forecast, entry.measure)
            entries.append(replace(entry, model=name, forecast=forecast))
    return entries


def _stood_in(outlooks: dict[tuple[Series, str], Outlook]) -> dict[str, int]:
    """Return for how many units the random walk stood in for each peer."""
    counts = dict.fromkeys(benchmark_forecasters.PEERS, 0)
    for (_, name), outlook in outlooks.items():
        counts[name] += int(outlook.stood_in.sum())
    return counts
