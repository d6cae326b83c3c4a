"""Track record: forecasts that were frozen, and how they did against figures that they did not use.

A forecast is written once, as a file whose SHA-256 stands beside it, and is never written again. It holds our forecast
and the benchmarks' of every authority, so that ``score`` needs nothing but the figures that were published since.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

import oa_sim
from oa_sim.atomic_write import atomic_file, write_file
from oa_sim.definitions import academic_year
from oa_sim.errors import Refusal, one_of
from oa_sim.inference import baseline_fit, link_functions, posterior_files
from oa_sim.inputs import panel, published_files, tables
from oa_sim.validation import backtest, scoring
from oa_sim.validation.backtest import Contest, Series
from oa_sim.validation.benchmark_forecasters import Outlook
from oa_sim.validation.scoring import SCALES, Entry, Forecast

FOLDER = Path(tables.FOLDER) / "track_record"
FORECAST, MANIFEST, SCORES = "forecast.nc", "manifest.json", "scores.csv"
FORMAT = "oa_sim forecast 1"
N_QUANTILES = 99  # at steps of probability of one per cent, from 0.5% to 99.5%
NO_FORECAST, MOST_STEPS = -32768, 32767  # of a stored quantile
STEPS = {"relative": 0.0002, "level": 0.005}  # of a stored quantile, in the unit of the scale: SD, or the measure's


def frozen() -> dict[str, Path]:
    """Return the folder of each forecast that is in the package, by its name, the oldest first."""
    return {path.parent.name: path.parent for path in sorted(FOLDER.glob(f"*/{MANIFEST}"))}


class Record(NamedTuple):
    """How the frozen forecasts in the package did, on the scale of an area less England."""

    until: str  # the last year that was known to them
    n: int  # figures
    crps_ratio: float  # mean CRPS relative to a random walk
    held: float  # share of figures in the central 80% intervals


def record() -> Record | None:
    """Return the record of the frozen forecasts whose scores are in the package; None where there are none."""
    tables_of = {name: folder / SCORES for name, folder in frozen().items() if (folder / SCORES).is_file()}
    if not tables_of:
        return None
    scores = scoring.overall(pd.concat([pd.read_csv(path) for path in tables_of.values()]))
    row = scores[(scores.model == backtest.OURS) & (scores.scale == "relative")].iloc[0]
    years = [json.loads((path.parent / MANIFEST).read_text("utf-8"))["last_year_known"] for path in tables_of.values()]
    return Record(" and ".join(dict.fromkeys(years)), int(row.n), float(row.crps_ratio_rw), float(row.cov80))


def to_dataset(ours: list[Entry], outlooks: dict[tuple[Series, str], Outlook], places: list[str]) -> xr.Dataset:
    """Return forecasts as one dataset, in as many digits as can matter.

    Parameters
    ----------
    ours, outlooks, places
        Our forecasts and the benchmarks', from ``backtest``, and the places of the latter in order.

    Returns
    -------
    Dataset
        ``quantiles`` (scale, series, year, quantile, area): ours, in steps of ``STEPS``, in the unit of the scale;
        ``mean`` and ``sd`` (benchmark, scale, series, year, area): a normal distribution on the latent scale, SD, of
        the difference from England or of the figure itself. NaN where there is no forecast.
    """
    series = list(dict.fromkeys((entry.measure, entry.group) for entry in ours))
    years, scales = sorted({entry.year for entry in ours}), list(SCALES)
    benchmarks = list(dict.fromkeys(name for _, name in outlooks))
    areas = list(ours[0].areas)
    shape = (len(scales), len(series), len(years))
    quantiles = np.full((*shape, N_QUANTILES, len(areas)), np.nan)
    mean, sd = (np.full((len(benchmarks), *shape, len(areas)), np.nan) for _ in range(2))
    shares, own = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES, backtest.years_of(ours)
    units = [places.index(area) for area in areas]
    for entry in ours:
        cell = (scales.index(entry.scale), series.index((entry.measure, entry.group)), years.index(entry.year))
        step = STEPS[entry.scale]
        quantiles[cell] = np.rint(scoring.quantile(entry.forecast, shares) / step) * step
    for (key, name), outlook in outlooks.items():
        measure, group, _, scale = key
        place = (benchmarks.index(name), scales.index(scale), series.index((measure, group)))
        columns = [years.index(year) for year in own[key]]
        mean[place][columns], sd[place][columns] = outlook.mean[units].T, outlook.sd[units].T
    dims = ("scale", "series", "year")
    return xr.Dataset(
        {
            "quantiles": ((*dims, "quantile", "area"), quantiles),
            "mean": (("benchmark", *dims, "area"), mean),
            "sd": (("benchmark", *dims, "area"), sd),
        },
        {
            "scale": scales,
            "series": [" ".join(name) for name in series],
            "year": years,
            "quantile": shares,
            "benchmark": benchmarks,
            "area": areas,
        },
        {"format": FORMAT, "last_year_known": ours[0].year - ours[0].horizon},
    )


def to_entries(forecast: xr.Dataset, truth: xr.Dataset) -> list[Entry]:
    """Return the forecasts of a dataset beside what was published.

    Parameters
    ----------
    forecast
        From ``to_dataset``.
    truth
        From ``panel.history``.

    Returns
    -------
    list of Entry
        Of the years and series of which a figure was published.
    """
    areas = tuple(forecast.area.values.tolist())
    entries = []
    for name in forecast.series.values.tolist():
        measure, group = name.split(" ")
        for year in (int(year) for year in forecast.year.values if year in truth.year.values):
            labels = {"measure": measure, "group": group, "year": year}
            actual = truth.published.sel(labels).reindex(area=list(areas)).values
            england = float(truth.england.sel(labels))
            if not np.isfinite(actual).any():
                continue  # not published yet, or not collected
            gap = link_functions.to_latent(measure, actual) - link_functions.to_latent(measure, england)
            horizon = year - int(forecast.attrs["last_year_known"])
            for scale, figures in {"relative": gap, "level": actual}.items():
                cell = forecast.sel(scale=scale, series=name, year=year)
                ours = Forecast(draws=cell.quantiles.values.astype(float))
                given = {backtest.OURS: ours} | {
                    each: _benchmark(cell.sel(benchmark=each), measure, scale)
                    for each in forecast.benchmark.values.tolist()
                }
                entries += [
                    Entry(model, measure, group, year, horizon, scale, areas, figures, each)
                    for model, each in given.items()
                ]
    return entries


def _benchmark(cell: xr.Dataset, measure: str, scale: str) -> Forecast:
    normal = Forecast(mean=cell["mean"].values.astype(float), sd=cell["sd"].values.astype(float))
    return scoring.published(normal, measure) if scale == "level" else normal


def write(forecast: xr.Dataset, facts: dict[str, Any], folder: Path) -> Path:
    """Write a forecast and its manifest into a new folder, and return it.

    Parameters
    ----------
    forecast
        From ``to_dataset``.
    facts
        What it was made from; the name, the years and the SHA-256 of the file are added.
    folder
        Its name is the name of the forecast.

    Raises
    ------
    Refusal
        Where the folder holds a forecast: what is frozen is not written again.
    """
    if (folder / FORECAST).exists():
        raise Refusal(f"a frozen forecast is written once, and {folder} holds one: name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    packed: dict[str, dict[str, Any]] = {
        name: {"zlib": True, "complevel": 9, "shuffle": True, "dtype": "float32"} for name in ("mean", "sd")
    }
    # sorted values in steps pack well as whole numbers; both scales lie within 16 bits of their step
    stored = forecast.copy()
    steps = xr.DataArray([STEPS[scale] for scale in forecast.scale.values.tolist()], dims="scale")
    parts = np.rint(forecast.quantiles / steps)
    if float(np.abs(parts).max()) > MOST_STEPS:
        raise Refusal("a quantile to freeze must lie within 6.5 SD of England, and one does not: mend the forecast")
    stored["quantiles"] = parts.fillna(NO_FORECAST).astype("i2")
    packed["quantiles"] = {"zlib": True, "complevel": 9, "shuffle": True, "dtype": "int16"}
    with atomic_file(folder / FORECAST) as part:
        stored.to_netcdf(part, engine="h5netcdf", encoding=packed)
    years = [academic_year(int(year)) for year in forecast.year.values]
    known = academic_year(int(forecast.attrs["last_year_known"]))
    made = {"name": folder.name, "forecast_of": years, "last_year_known": known, **facts}
    made["sha256"] = _hash(folder / FORECAST)
    write_file(folder / MANIFEST, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    return folder


def read(folder: Path) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return a frozen forecast and its manifest.

    Raises
    ------
    Refusal
        Where it is not there, or not the file that was frozen.
    """
    path, manifest = folder / FORECAST, folder / MANIFEST
    for each in (path, manifest):
        if not each.is_file():
            raise Refusal(f"a frozen forecast has {FORECAST} and {MANIFEST}, and {each} is not there: name its folder")
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        expected = str(facts["sha256"])
    except (ValueError, KeyError, TypeError):
        raise Refusal(f"{manifest} must say the SHA-256 of {FORECAST}, and does not: restore it") from None
    if (actual := _hash(path)) != expected:
        raise Refusal(
            f"{path} must be the forecast that was frozen, with SHA-256 {expected[:12]}, got {actual[:12]}: restore it"
        )
    stored = xr.load_dataset(path, engine="h5netcdf")
    if stored.attrs.get("format") != FORMAT:
        raise Refusal(f"{path} must have the format {FORMAT!r}, got {stored.attrs.get('format')!r}: update oa_sim")
    steps = xr.DataArray([STEPS[scale] for scale in stored.scale.values.tolist()], dims="scale")
    stored["quantiles"] = stored.quantiles.where(stored.quantiles != NO_FORECAST) * steps
    return stored, facts


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def freeze(path: str, years: list[int], folder: Path, say: Callable[[str], None], note: str = "") -> Path:
    """Freeze the forecast of the posterior that is in the package, and return its folder.

    Parameters
    ----------
    path
        The panel that the posterior was learned from: nothing later is known to the forecast.
    years
        That are forecast.
    folder
        Where it goes; its name is the name of the forecast.
    say
        Called with a sentence at each stage.
    note
        What a reader must know of it, such as whether the figures were out when it was frozen.

    Raises
    ------
    Refusal
        Where the panel is another one, or the folder holds a forecast already.
    """
    posterior, reading, rows = baseline_fit.load(), published_files.read(path), tables.read("breaks")
    made = json.loads(posterior.attrs["made"])
    if reading.data_hash != made["panel_hash"]:
        raise Refusal(
            f"a forecast is frozen from the panel that the posterior was learned from, with SHA-256 "
            f"{made['panel_hash'][:12]}, got {reading.data_hash[:12]}: name that file"
        )
    known = panel.history(reading, rows, made["until"])
    say(f"forecasting {known.sizes['area']} authorities")
    ours = backtest.ours(posterior, known, None, rows, years, made["seed"])
    say("running the benchmarks")
    forecast = to_dataset(ours, backtest.outlooks(known, ours), known.area.values.tolist())
    facts = {
        "posterior": posterior_files.checksum(posterior),
        "panel": {"file": Path(path).name, "sha256": reading.data_hash},
        "draws": posterior.sizes["chain"] * posterior.sizes["draw"],
        "seed": made["seed"],
        "gates": json.loads(posterior.attrs["gates"]),
        "version": oa_sim.__version__,
        "frozen_on": date.today().isoformat(),
        "note": note,
    }
    return write(forecast, facts, folder)


def find(name: str | None = None) -> Path:
    """Return the folder of a frozen forecast: by its name in the package, a path, or the oldest in the package.

    Raises
    ------
    Refusal
        For a name that neither has, and where the package has none.
    """
    if name is not None and Path(name).is_dir():
        return Path(name)
    names = frozen()
    if not names:
        raise Refusal("this copy of the package holds no frozen forecast: name the folder of one with forecast=")
    if name is None:
        return next(iter(names.values()))
    one_of("forecast", name, list(names))
    return names[name]


def score(folder: Path, path: str) -> Contest:
    """Return the scores of a frozen forecast against a file of published figures.

    Parameters
    ----------
    folder
        Of the forecast, from ``find``.
    path
        A file or folder of figures as ``published_files.read`` takes them.

    Raises
    ------
    Refusal
        Where the forecast was changed, or the file has no figure of its years.
    """
    forecast, facts = read(folder)
    reading = published_files.read(path)
    entries = to_entries(forecast, panel.history(reading, tables.read("breaks")))
    if not entries:
        years = ", ".join(academic_year(int(year)) for year in forecast.year.values)
        raise Refusal(f"figures to score must be of {years}, and {path} holds none of them: name a later file")
    scores = scoring.score(entries, backtest.OURS)
    made = {
        "train_until": facts["last_year_known"],
        "version": facts["version"],
        "files": {FORECAST: facts["sha256"], Path(path).name: reading.data_hash},
        "gates": facts["gates"],
        "forecast": facts["name"],
        "frozen_on": facts["frozen_on"],
        "note": facts["note"],
    }
    return Contest(scores, reading.sentences(), made)
