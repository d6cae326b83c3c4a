"""Counterfactual: what would have been published without the programme, drawn exactly from each posterior draw.

Where an area stands at the end of its record is Gaussian given a draw of the hyperparameters; it is drawn from the
exact conditional over all series at once and carried on: levels last, deviations revert, a cohort's sampling error goes
with the children, England's trend is damped, a declared break is a shock of unknown size, and a district is moved off
its county.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import xarray as xr

from oa_sim.definitions import LONGEST_HORIZON, MEASURES, series
from oa_sim.errors import Refusal
from oa_sim.inference import area_forecast, link_functions, national_trend, observations
from oa_sim.inference.baseline_model import break_of
from oa_sim.inference.observations import National, Record
from oa_sim.inputs.areas import GLD
from oa_sim.inputs.tables import Row
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

# a district's own early-years figures less its county's: assumed; West Somerset closed its gap faster than this allows
DISTRICT_LEVEL_SD, DISTRICT_DEVIATION_SD, DISTRICT_PERSISTENCE, DISTRICT_NOISE_SD = 0.15, 0.06, 0.8, 0.02
BREAK_FREEDOM = 4  # degrees of freedom of the size of a break to come (Student's t); assumed
THREADS = 2
Tables = dict[str, list[Row]]  # the checked tables, by name
# of England: the argument of its law, and the name in the posterior
MOVES = {"trend": "national_trend", "damping": "national_damping", "alike": "groups_alike"}


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
    record = observations.record(history)
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    areas, measures, seed = scenario.areas.names, scenario.measures, scenario.seed
    # always the longest horizon and every series, and then cut: a year is the same whatever is asked for
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    hyper = area_forecast.law(posterior, record.series)
    country = national(posterior, record, years, tables["breaks"], seed)

    def of_area(area: str) -> np.ndarray:
        is_proxy = bool(history.proxy.sel(area=area).any())
        behind = _own_variance(record, area, rolls)
        added = None if brought is None else brought.get(area)
        centre, error = area_forecast.relative(
            hyper, record, area, years, behind, stream(seed, "area", area), is_proxy=is_proxy, brought=added
        )
        if is_proxy:
            centre += off_county(history, area, years, size, rolls, tables, seed).reshape(centre.shape)
        latent: np.ndarray = country + centre + error
        return latent

    with ThreadPoolExecutor(THREADS) as beside:  # the compiled law lets go of the interpreter's lock
        drawn = list(beside.map(of_area, areas))
    groups = ["disadvantaged", "other", "all"]
    shape = {"area": areas, "group": groups, "measure": measures, "year": years}
    out = np.full((*size, len(areas), len(groups), len(measures), len(years)), np.nan)
    england = np.full_like(out[:, :, 0], np.nan)
    for s, (measure, group) in enumerate(record.series):
        if measure in measures:
            place = (groups.index(group), measures.index(measure))
            england[:, :, *place] = country[:, s].reshape(*size, -1)
            for a in range(len(areas)):
                out[:, :, a, *place] = drawn[a][:, s].reshape(*size, -1)
    latent = xr.DataArray(out, shape, ("chain", "draw", *shape), attrs={"units": "SD"})
    latent = latent.assign_coords(national=(("chain", "draw", "group", "measure", "year"), england))
    return latent.sel(year=scenario.years)


def off_county(
    history: xr.Dataset,
    area: str,
    years: list[int],
    size: tuple[int, int],
    rolls: xr.DataArray,
    tables: Tables,
    seed: int,
) -> np.ndarray:
    """Return how far a district's series lie off its county's in the years to come (chain, draw, series, year), SD."""
    offset = _district_offset(history, area, years, size, rolls, seed)
    moved = [_proxy_offset(offset, tables, name, stream(seed, "proxy", area, *name)) for name in series()]
    return np.stack(moved, axis=2)


def national(posterior: xr.Dataset, record: Record, years: list[int], breaks: list[Row], seed: int) -> np.ndarray:
    """Return England's course (draw, series, year) given its own figures, NaN where nothing was published.

    It is exact where both groups of a measure end in the same year; where one goes on for longer, those further figures
    say where it stands, and nothing of the other's years since.
    """
    law = {name: posterior[kept].values.ravel() for name, kept in MOVES.items()}
    sd = posterior["national_sd"].values.reshape(len(law["trend"]), -1)
    out = np.full((len(sd), len(record.series), len(years)), np.nan)
    for measure in dict.fromkeys(measure for measure, _ in record.series):
        here = [s for s, name in enumerate(record.series) if name[0] == measure and len(record.national[s].years)]
        courses = [_declared(record.national[s], breaks, measure) for s in here]
        if not here:
            continue
        names, law["break_sd"] = [record.series[s] for s in here], posterior[break_of(measure)].values.ravel()
        first_end = min(int(course.years[-1]) for course in courses)
        size = (5, len(sd), max(years[-1] - first_end, 3))  # where each stands takes three
        normal = {name[1]: stream(seed, "national", *name).standard_normal(size) for name in names}
        # one break is not of the size of another: those learned from range from a writing frame to a pandemic
        spread = stream(seed, "size of breaks", measure).chisquare(BREAK_FREEDOM, size[1:]) / BREAK_FREEDOM
        for numbers in normal.values():
            numbers[2:4] /= np.sqrt(spread)
        drawn = national_trend.ahead(names, courses, years[-1], law | {"sd": sd[:, here]}, normal)
        for s, course in zip(here, drawn, strict=True):
            out[:, s] = course[:, -len(years) :]
    return out


def _declared(course: National, breaks: list[Row], measure: str) -> National:
    """Return England's course with what is declared of the years after its last figure."""
    shifts, otherwise = set(course.shifts), set(course.otherwise)
    for row in breaks:
        years = range(max(row["first_year"], int(course.years[-1]) + 1), row["last_year"] + 1)
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


def _district_offset(
    history: xr.Dataset, area: str, years: list[int], size: tuple[int, int], rolls: xr.DataArray, seed: int
) -> np.ndarray:
    """Return how a district's good level of development differs from its county's (chain, draw, year), SD.

    The difference is a level and a reverting deviation of its own, learned from the years in which both are
    published: with fewer such years it is known less well.
    """
    own = history.own.sel(area=area).values
    county = history.published.sel(area=area, group="all", measure=GLD).values
    gap = link_functions.to_latent(GLD, own) - link_functions.to_latent(GLD, county)
    seen = np.isfinite(gap)
    sampling = link_functions.sampling_variance(GLD, np.where(seen, own, 50.0), _own_pupils(rolls, area, "all", GLD))
    n, cells = size[0] * size[1], int(seen.sum())
    kin, future = np.full(cells, -1), np.full((1, len(years)), -1)
    normal = stream(seed, "district", area).standard_normal((n, area_forecast.numbers_needed(kin, future)))
    shock = DISTRICT_DEVIATION_SD**2 * (1 - DISTRICT_PERSISTENCE**2)
    law = area_forecast.Law(
        mean=np.zeros((n, 1)),
        level=np.full((n, 1, 1), DISTRICT_LEVEL_SD**2),
        level_pace=np.ones(n),
        shock=np.full((n, 1, 1), shock),
        pace=np.full((n, 1), DISTRICT_PERSISTENCE),
        noise=np.full((n, 1), DISTRICT_NOISE_SD**2),
        link=np.zeros((n, 1)),
    )
    seen_years = history.year.values[seen].astype(np.int64)
    record = area_forecast.Cells(np.zeros(cells, dtype=np.int64), seen_years, kin, gap[seen][None], sampling[seen])
    course: np.ndarray = area_forecast.courses(law, record, years[0] - 1, future, np.zeros(1), normal)[0]
    return course[:, 0].reshape(*size, -1)


def _proxy_offset(offset: np.ndarray, tables: Tables, name: tuple[str, str], rng: np.random.Generator) -> np.ndarray:
    """Return what is added to a county's series to stand for its district (chain, draw, year), SD."""
    row = next((row for row in tables["proxies"] if (row["measure"], row["group"]) == name), None)
    if row is None:
        raise Refusal(f"proxies.csv has no row for {name[0]}, {name[1]}, which a district needs: add one")
    follows = offset if name[0] == GLD else offset.mean(-1, keepdims=True)
    moved = row["slope"] * follows + row["residual_sd"] * rng.standard_normal(offset.shape[:2])[..., None]
    return np.broadcast_to(moved, offset.shape)
