"""Counterfactual: what would have been published without the programme, drawn exactly from each posterior draw.

Where an area stands at the end of its record is Gaussian given a draw of the hyperparameters; it is drawn from the
exact conditional over all series at once and carried on: levels last, deviations revert, a cohort's sampling error goes
with the children, England's trend is damped, a declared break is a shock of unknown size, and a district is moved off
its county.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product

import numpy as np
import xarray as xr

from oa_sim.definitions import LONGEST_HORIZON, MEASURES, series
from oa_sim.inference import area_forecast, district_law, link_functions, national_trend, observations
from oa_sim.inference.baseline_model import break_of
from oa_sim.inference.district_law import Observation
from oa_sim.inference.observations import National, Record
from oa_sim.inputs import areas
from oa_sim.inputs.tables import Row
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

LEAST_PUPILS = 20  # behind a district's figure, as its error counts them; fewer would say nothing of so rough a law
BREAK_FREEDOM = 4  # degrees of freedom of the size of a break to come (Student's t); assumed
THREADS = 2
Tables = dict[str, list[Row]]  # the checked tables, by name


def project(
    scenario: Scenario,
    posterior: xr.Dataset,
    history: xr.Dataset,
    tables: Tables,
    rolls: xr.DataArray,
    brought: dict[str, np.ndarray] | None = None,
) -> xr.DataArray:
    """Return the counterfactual on the latent scale, noise included: what would be published.

    It is (chain, draw, area, group, measure, year), SD; NaN for a group that is not modelled. Its coordinate
    ``national`` (chain, draw, group, measure, year) is England's course in it. The first year of the scenario follows
    the history. ``rolls`` (area, group, year_group) are pupils; ``brought`` is by area what a programme added to the
    figures of the record's years (draw, series, year), SD, which is taken off them.
    """
    record = declared(observations.record(history), tables["breaks"])
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    names, measures, seed = scenario.areas.names, scenario.measures, scenario.seed
    # always the longest horizon and every series, and then cut: a year is the same whatever is asked for
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    hyper = area_forecast.law(posterior, record.series)
    country = national(posterior, record, years, tables["breaks"], seed)

    def of_area(area: str) -> np.ndarray:
        is_district, county = bool(history.district.sel(area=area)), str(history.authority.sel(area=area).item())
        behind = _own_variance(record, area, rolls)
        added = None if brought is None else brought.get(area)
        centre, error = area_forecast.relative(
            hyper,
            record,
            area,
            years,
            behind,
            stream(seed, "area", county),
            is_proxy=is_district,
            brought=added,
            luck=stream(seed, "luck", area) if is_district else None,
        )
        if is_district:
            centre += off_county(history, area, years, size, rolls, seed).reshape(centre.shape)
        latent: np.ndarray = country + centre + error
        return latent

    with ThreadPoolExecutor(THREADS) as beside:  # the compiled law lets go of the interpreter's lock
        drawn = list(beside.map(of_area, names))
    groups = ["disadvantaged", "other", "all"]
    shape = {"area": names, "group": groups, "measure": measures, "year": years}
    out = np.full((*size, len(names), len(groups), len(measures), len(years)), np.nan)
    england = np.full_like(out[:, :, 0], np.nan)
    for s, (measure, group) in enumerate(record.series):
        if measure in measures:
            place = (groups.index(group), measures.index(measure))
            england[:, :, *place] = country[:, s].reshape(*size, -1)
            for a in range(len(names)):
                out[:, :, a, *place] = drawn[a][:, s].reshape(*size, -1)
    latent = xr.DataArray(out, shape, ("chain", "draw", *shape), attrs={"units": "SD"})
    latent = latent.assign_coords(national=(("chain", "draw", "group", "measure", "year"), england))
    return latent.sel(year=scenario.years)


def off_county(
    history: xr.Dataset, area: str, years: list[int], size: tuple[int, int], rolls: xr.DataArray, seed: int
) -> np.ndarray:
    """Return how far a district's series lie off its county's in the years to come (chain, draw, series, year), SD.

    Where one of a county's districts lies above what is expected of it, its siblings are the lower.
    """
    law = district_law.of_size(district_law.law(), _own_pupils(rolls, area, "all", "key_stage_2"))
    seen = own_observations(history.sel(area=area), rolls.sel(area=area))
    normal = np.zeros((len(years) + 1, size[0] * size[1], 2 * len(law.pace)))
    for code, weight in history.apart.sel(area=area).to_series().items():
        if weight:
            normal += weight * stream(seed, "district", code).standard_normal(normal.shape)
    drawn = district_law.courses(law, seen, years, normal)
    return drawn.reshape(*size, *drawn.shape[1:])


def own_observations(history: xr.Dataset, rolls: xr.DataArray) -> list[Observation]:
    """Return a district's own figures less its county's, from its history and its rolls (group, year_group).

    What is scaled from figures of another kind is among them. In a year that has both groups of a measure the figure of
    all pupils is left out: it would count them twice.
    """
    found = []
    for (measure, definition), kind in product(MEASURES.items(), ("", areas.ROUGH)):
        names = [f"{kind}{name}" for name in ("own", "own_county", "county_error", "own_pupils")]
        kept = history[names].sel(measure=measure).transpose("group", "year")
        own, county, error, pupils = (kept[name] for name in names)
        low, theirs, high = (link_functions.to_latent(measure, county + off * error) for off in (-1, 0, 1))
        gap = link_functions.to_latent(measure, own) - theirs
        sampling = link_functions.sampling_variance(measure, own, np.maximum(pupils, LEAST_PUPILS))
        variance = sampling + ((high - low) / 2) ** 2
        is_known = dict(zip(history.group.values.tolist(), np.isfinite(gap), strict=True))
        if len(definition.groups) == 2:
            is_known["all"] = is_known["all"] & ~(is_known["disadvantaged"] & is_known["other"])
        for g, (group, known) in enumerate(is_known.items()):
            if known.any():
                weights = _weights(measure, group, rolls)
                years = history.year.values[known].tolist()
                cells = zip(years, gap[g, known].tolist(), variance[g, known].tolist(), strict=True)
                found += [Observation(year, weights, value, about) for year, value, about in cells]
    return found


def _weights(measure: str, group: str, rolls: xr.DataArray) -> np.ndarray:
    """Return what a figure is of, by series: one of them, or both groups by their pupils."""
    groups = MEASURES[measure].groups
    pupils = rolls.sel(year_group=list(MEASURES[measure].year_groups)).sum("year_group")
    share = float(pupils.sel(group="disadvantaged") / pupils.sum())
    mixed = {"disadvantaged": share, "other": 1 - share}
    parts = mixed if group == "all" and len(groups) == 2 else {group: 1.0}
    return np.array([parts.get(name, 0.0) if of == measure else 0.0 for of, name in series()])


def national(posterior: xr.Dataset, record: Record, years: list[int], breaks: list[Row], seed: int) -> np.ndarray:
    """Return England's course (draw, series, year) given its own figures, NaN where nothing was published.

    It is exact where both groups of a measure end in the same year; where one goes on for longer, those further figures
    say where it stands, and nothing of the other's years since.
    """
    sd = posterior["national_sd"].values.reshape(-1, posterior.sizes["series"])
    out = np.full((len(sd), len(record.series), len(years)), np.nan)
    for measure in dict.fromkeys(measure for measure, _ in record.series):
        here = [s for s, name in enumerate(record.series) if name[0] == measure and len(record.national[s].years)]
        courses = [_declared(record.national[s], breaks, measure) for s in here]
        if not here:
            continue
        names = [record.series[s] for s in here]
        first_end = min(int(course.years[-1]) for course in courses)
        size = (5, len(sd), max(years[-1] - first_end, 3))  # where each stands takes three
        normal = {name[1]: stream(seed, "national", *name).standard_normal(size) for name in names}
        # one break is not of the size of another: those learned from range from a writing frame to a pandemic
        spread = stream(seed, "size of breaks", measure).chisquare(BREAK_FREEDOM, size[1:]) / BREAK_FREEDOM
        for numbers in normal.values():
            numbers[2:4] /= np.sqrt(spread)
        drawn = national_trend.ahead(
            names, courses, years[-1], law_of_england(posterior, measure) | {"sd": sd[:, here]}, normal
        )
        for s, course in zip(here, drawn, strict=True):
            out[:, s] = course[:, -len(years) :]
    return out


def law_of_england(posterior: xr.Dataset, measure: str) -> dict[str, np.ndarray]:
    """Return what moves England in a measure, by the names of ``national_trend.covariance`` (draw), all but ``sd``."""
    names = {"trend": "national_trend", "damping": "national_damping", "alike": "groups_alike"}
    kept = names | {"break_sd": break_of(measure)}
    return {name: posterior[variable].values.ravel() for name, variable in kept.items()}


def declared(record: Record, breaks: list[Row]) -> Record:
    """Return the record with what is declared of the years after England's last figures: breaks that move areas too."""
    courses = zip(record.series, record.national, strict=True)
    return replace(record, national=[_declared(course, breaks, measure) for (measure, _), course in courses])


def _declared(course: National, breaks: list[Row], measure: str) -> National:
    """Return England's course with what is declared of the years after its last figure."""
    shifts, otherwise = set(course.shifts), set(course.otherwise)
    end = int(course.years[-1]) if len(course.years) else observations.RECORD_FROM
    for row in breaks:
        years = range(max(row["first_year"], end + 1), row["last_year"] + 1)
        if row["measure"] == measure and row["kind"] != "not_collected":
            (shifts if row["kind"] == "level_shift" else otherwise).update(years)
    return replace(course, shifts=tuple(sorted(shifts)), otherwise=tuple(sorted(otherwise)))


def last_variance(record: Record, area: str) -> np.ndarray:
    """Return the sampling variance (series) of an authority's figures to come: that of its last figure, SD squared."""
    a = record.areas.index(area)
    seen = [np.flatnonzero(record.observed[s, a]) for s in range(len(record.series))]
    return np.array([record.sampling[s, a, years[-1] if len(years) else -1] for s, years in enumerate(seen)])


def _own_variance(record: Record, area: str, rolls: xr.DataArray) -> np.ndarray:
    """Return the sampling variance (series) of an area's own pupils about its last figures, SD squared.

    Without England's figures there is no course, and nothing to be uncertain about: NaN.
    """
    variance = np.full(len(record.series), np.nan)
    a = record.areas.index(area)
    for s, (measure, group) in enumerate(record.series):
        if len(record.national[s].years):
            seen = record.relative[s, a, record.observed[s, a] > 0]
            last = seen[-1] if len(seen) else 0.0
            typical = link_functions.to_published(measure, record.national[s].figures[-1] + last)
            variance[s] = link_functions.sampling_variance(measure, typical, _own_pupils(rolls, area, group, measure))
    return variance


def _own_pupils(rolls: xr.DataArray, area: str, group: str, measure: str) -> float:
    own = np.isin(rolls.year_group.values, MEASURES[measure].year_groups)
    pupils = rolls.sel(area=area).transpose("group", "year_group").values[:, own].sum(axis=1)
    return float(pupils.sum() if group == "all" else pupils[rolls.group.values.tolist().index(group)])
