"""Views: what a page to explore holds, drawn from runs or from a sweep, as arrays with the same labels for all.

A view keeps summaries, never draws: for each scenario, place, group, measure and year the mean and the 50% and 90%
interval; beside them what must be said with the numbers, such as verdict, county proxies and declared breaks.
"""

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEAN_OF_AREAS, MEASURES, QUANTITIES
from oa_sim.errors import Refusal
from oa_sim.formatting import pounds
from oa_sim.inference import mcse
from oa_sim.inputs import areas, tables
from oa_sim.projection import appraisal
from oa_sim.scenario import title_of
from oa_sim.simulation import summaries
from oa_sim.simulation.result import Result
from oa_sim.sweep import results as sweep_results
from oa_sim.sweep import store
from oa_sim.sweep.journal import command

KINDS = ("proxy", "estimated")  # what a district's figures are: its county's, or its own
STATISTICS = ("mean", "q05", "q25", "q50", "q75", "q95")
DIMS = ("scenario", "place", "group", "measure", "year", "statistic")


@dataclass(frozen=True)
class Case:
    """One scenario of a view, and what must be said with its numbers."""

    label: str  # its title; any text, also hostile text
    values: tuple[str, ...]  # of each key that varies, as people read it
    run_id: str
    data_hash: str
    version: str
    verdict: str  # ``PASS`` or ``FAIL``, and why
    reason: str
    n_draws: int
    to_verify: int  # studies and national programmes whose source is still to be verified
    last_funded_year: int  # before the first projected year where there is no money
    n_areas: int  # that its mean is taken over
    failed: str = ""  # why it has no numbers


@dataclass(frozen=True, eq=False)
class View:
    """What a page to explore holds.

    Attributes
    ----------
    figures
        ``projection``, ``counterfactual``, ``impact`` (scenario, place, group, measure, year, statistic), in the unit
        of each measure, the statistics being ``STATISTICS``; NaN where there is none. ``error`` (quantity, then the
        same but the statistic), the Monte Carlo standard error of the mean. ``history`` (place, group,
        measure, history_year), as published. ``proxy`` (place, group, measure), 1 where a county's figures stand in,
        and ``estimated``, 1 where they are a district's own.
    breaks
        Declared breaks of the series: ``measure``, ``first_year``, ``last_year``, ``kind``, ``what_changed``; None
        where the figures were made from other tables than the package's, whose breaks are not known.
    """

    cases: list[Case]
    keys: list[str]  # that vary; none where scenarios have names of their own
    figures: xr.Dataset
    breaks: list[dict] | None


def of_results(results: list[Result]) -> View:
    """Return the view of one run, or of several side by side, in the order in which they are to be offered."""
    if not results:
        raise Refusal("a page to explore needs a result, got none: run a scenario first")
    parts = [_summary(result) for result in results]
    labels = {dim: _union([part[dim].values.tolist() for part in parts]) for dim in ("place", "measure")}
    labels |= {dim: sorted(_union([part[dim].values.tolist() for part in parts])) for dim in ("year", "history_year")}
    parts = [part.reindex(labels) for part in parts]
    figures = xr.concat([part[[*QUANTITIES, "error"]] for part in parts], "scenario")
    for name in ("history", *KINDS):
        figures[name] = parts[0][name]
        for part in parts[1:]:
            figures[name] = figures[name].fillna(part[name])
    figures = figures.transpose("quantity", *DIMS, ...)
    cases = [_case_of(result) for result in results]
    return View(cases, [], figures, _breaks({case.data_hash for case in cases}, labels["measure"]))


def of_sweep(folder: Path) -> View:
    """Return the view of a finished sweep, from its store; refuse one that is not whole, or has only failures."""
    folder = Path(folder)
    sweep = sweep_results.read(folder)
    sweep_results.refuse_all_failed(sweep.table)
    if store.layout(folder) is None:
        raise Refusal(f"{folder} has no {store.NAME} with results: sweep again into another folder")
    figures = _in_store(folder)
    figures = figures.drop_vars(set(figures.coords) - set(DIMS))
    figures = figures.assign_coords({dim: figures[dim].values.tolist() for dim in DIMS if dim != "scenario"})
    has = np.isfinite(figures.impact.sel(statistic="mean")).any(["group", "measure", "year"]).values
    n_areas = has[:, [place != MEAN_OF_AREAS for place in figures.place.values.tolist()]].sum(axis=1)
    hashes = sweep.facts.get("data_hash", {})
    past = _past(figures, set(hashes.values()))
    kinds = {name: figures[name].max("scenario") for name in KINDS}
    figures = figures.assign(history=past, **kinds).transpose("quantity", *DIMS, ...)
    origin = {"data_hash": ", ".join(hashes.values()), "version": str(sweep.facts.get("oa_sim", ""))}
    keys = sweep_results.varied(sweep.table, sweep.keys)
    rows = sweep.table.to_dict("records")
    cases = [_case_in(row, keys, origin, int(n)) for row, n in zip(rows, n_areas, strict=True)]
    breaks = _breaks(set(hashes.values()), figures.measure.values.tolist())
    return View(cases, list(map(_key, keys)), figures, breaks)


def _in_store(folder: Path) -> xr.Dataset:
    """Return the figures of a sweep and their Monte Carlo errors, as if its draws were independent."""
    try:
        with xr.open_zarr(folder / store.NAME, consolidated=False) as kept:
            figures = kept[[*QUANTITIES, *KINDS[: 1 + ("estimated" in kept)]]].sel(statistic=list(STATISTICS)).load()
            spread = [kept[name].sel(statistic="sd", drop=True).load() for name in QUANTITIES]
            n_draws = kept.n_draws.load()
    except Exception as error:  # a damaged file fails in as many ways as there are readers
        again = command("resume", folder)
        raise Refusal(f"{folder / store.NAME} cannot be read ({type(error).__name__}): mend it with {again}") from None
    figures["estimated"] = figures.get("estimated", figures.proxy * 0)  # no district had figures of its own before
    return figures.assign(error=xr.concat(spread, "quantity") / np.sqrt(n_draws))


def _summary(result: Result) -> xr.Dataset:
    """Return the summaries of a result, its areas and their unweighted mean as places."""
    draws, names = result.draws, result.draws.area.values.tolist()
    measures, several = draws.measure.values.tolist(), len(names) > 1
    places, years = [*names, MEAN_OF_AREAS] if several else names, draws.year.values.tolist()
    coords = {"place": places, "group": list(GROUPS), "measure": measures, "year": years}
    shape = tuple(map(len, coords.values()))
    variables, error = {}, np.full((len(QUANTITIES), *shape), np.nan)
    for q, quantity in enumerate(QUANTITIES):
        figures = np.full((*shape, len(STATISTICS)), np.nan)
        for m, measure in enumerate(measures):
            for group in MEASURES[measure].table_groups:
                each = draws[quantity].sel(measure=measure, group=group).transpose("chain", "draw", "area", "year")
                values = each.values.astype(float)
                values = np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2) if several else values
                part = (slice(None), list(GROUPS).index(group), m)
                figures[part] = _described(values)
                error[q][part] = errors(values, years, summaries.headline_year(result))
        variables[quantity] = (DIMS[1:], figures)
    variables["error"] = (("quantity", *DIMS[1:-1]), error)
    kinds = {
        name: _with_mean(draws[name].astype(float), draws[name].max("area").astype(float), several) for name in KINDS
    }
    past = past_of(draws, several=several)
    return xr.Dataset(variables, coords | {"statistic": list(STATISTICS)}).assign(kinds | {"history": past})


def errors(draws: np.ndarray, years: list[int], headline_year: int) -> np.ndarray:
    """Return the Monte Carlo error of each mean (place, year) of draws (chain, draw, place, year).

    The draws of a place are worth what they are in the headline's year or in the last, whichever is less.
    """
    return mcse.error_of_courses(draws.astype(float), [years.index(headline_year), len(years) - 1])


def _described(values: np.ndarray) -> np.ndarray:
    """Return the statistics (area, year, statistic) of draws (chain, draw, area, year)."""
    n_areas, n_years = values.shape[2:]
    summary = appraisal.described(np.ascontiguousarray(values.reshape(-1, n_areas * n_years).T))
    return np.stack([summary[name] for name in STATISTICS], axis=-1).reshape(n_areas, n_years, -1)


def _with_mean(each: xr.DataArray, mean: xr.DataArray, several: bool) -> xr.DataArray:
    """Return values by area as values by place."""
    each = each.drop_vars("unit", errors="ignore")
    whole = xr.concat([each, mean.expand_dims(area=[MEAN_OF_AREAS])], "area") if several else each
    return whole.rename(area="place").transpose("place", "group", "measure", ...)


def _past(figures: xr.Dataset, hashes: set[str]) -> xr.DataArray:
    """Return what was published before a sweep's first year; nothing where its tables are not those of the package."""
    first = int(figures.year.values[0])
    if hashes != {tables.data_hash()}:
        shape = {dim: figures[dim].values for dim in ("place", "group", "measure")} | {"history_year": [first - 1]}
        return xr.DataArray(np.full(tuple(map(len, shape.values())), np.nan), shape)
    names = [place for place in figures.place.values.tolist() if place != MEAN_OF_AREAS]
    record = areas.history(tables.read_all(names=names), until=first - 1)
    past = past_of(areas.past(record.sel(area=names, measure=figures.measure.values)))
    return past.reindex(place=figures.place.values)


def past_of(past: xr.Dataset, *, several: bool = True) -> xr.DataArray:
    """Return what is shown of the past, from ``areas.past``, by place: the areas and, of several, their mean."""
    history, county = (past[name].drop_vars("unit", errors="ignore") for name in ("history", "county_history"))
    return _with_mean(history, areas.mean_past(history, county), several)


def breaks_of(rows: list[tables.Row], measures: list[str]) -> list[dict]:
    """Return the declared breaks of measures."""
    keys = ("measure", "first_year", "last_year", "kind", "what_changed")
    return [{key: row[key] for key in keys} for row in rows if row["measure"] in measures]


def _breaks(hashes: set[str], measures: list[str]) -> list[dict] | None:
    return breaks_of(tables.read("breaks"), measures) if hashes == {tables.data_hash()} else None


def _case_of(result: Result) -> Case:
    manifest = result.manifest
    return Case(
        label=title_of("scenario", str(manifest["scenario"]["name"])),
        values=(),
        run_id=manifest["run_id"],
        data_hash=manifest["data_hash"],
        version=manifest["oa_sim"],
        verdict=manifest["gates"]["verdict"],
        reason=manifest["gates"]["reason"],
        n_draws=result.n_draws,
        to_verify=sum(map(len, manifest.get("to_verify", {}).values())),
        last_funded_year=int(result.sustainability.attrs["last_funded_year"]),
        n_areas=result.draws.sizes["area"],
    )


def _case_in(row: dict, keys: list[str], origin: dict[str, str], n_areas: int) -> Case:
    """Return what a row of a sweep's summary says of its scenario."""
    values = tuple(_value_text(key, row[key]) for key in keys)
    failed = row.get("failed")
    failed = failed.strip() if isinstance(failed, str) else ""
    counts = ("n_draws", "to_verify", "last_funded_year")
    count = {name: 0 if failed or _is_unset(row.get(name)) else int(row[name]) for name in counts}
    checks = {name: "" if failed else str(row.get(name) or "") for name in ("verdict", "reason")}
    label = ", ".join(f"{_key(key)} {value}" for key, value in zip(keys, values, strict=True))
    label = f"scenario {row['scenario']}" + (f": {label}" if label else "")
    return Case(label, values, str(row["identity"]), **origin, **checks, **count, n_areas=n_areas, failed=failed)


def _key(key: str) -> str:
    """Return a key as people read it: ``budget.total_gbp`` is budget total, whose values are in pounds."""
    return re.sub(r"[._]", " ", key.removesuffix("_gbp"))


def _value_text(key: str, value: object) -> str:
    """Return the value of a key as people read it; a choice that is a plain name in words."""
    if _is_unset(value):
        return sweep_results.UNSET
    if key.endswith("_gbp") and isinstance(value, int | float):
        return pounds(value)
    text = sweep_results.value_text(value)
    return text.replace("_", " ") if re.fullmatch(r"[a-z0-9_]+", text) else text


def _is_unset(value: object) -> bool:
    return value is None or value != value


def _union(lists: list[list]) -> list:
    """Return every label once, in the order of the first list that has it, the mean of areas last."""
    every = list(dict.fromkeys(chain.from_iterable(lists)))
    return sorted(every, key=lambda label: label == MEAN_OF_AREAS)
