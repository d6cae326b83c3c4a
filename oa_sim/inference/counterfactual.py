"""Counterfactual: what would have been published without the programme, drawn exactly from each posterior draw.

Where an area stands at the end of its record is Gaussian given a draw of the hyperparameters; it is drawn from the
exact conditional over all series at once and carried on: levels last, deviations revert, a cohort's luck goes with
the children, England's trend is damped, a declared break is a shock of unknown size, and a district is moved off its
county.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import xarray as xr

from oa_sim.definitions import LONGEST_HORIZON, MEASURES, series
from oa_sim.errors import Refusal
from oa_sim.inference import link_functions, national_trend, observations, state_space
from oa_sim.inference.area_forecast import law, relative
from oa_sim.inference.observations import National, Record
from oa_sim.inputs.areas import GLD
from oa_sim.inputs.tables import Row
from oa_sim.rng import stream
from oa_sim.scenario.schema import Scenario

# a district's own early-years figures less its county's: assumed; West Somerset closed its gap faster than this allows
DISTRICT_LEVEL_SD, DISTRICT_DEVIATION_SD, DISTRICT_PERSISTENCE, DISTRICT_NOISE_SD = 0.15, 0.06, 0.8, 0.02
BREAK_FREEDOM = 4  # degrees of freedom of the size of a break to come (Student's t); assumed
THREADS = 2
MOVES = {  # of England: the argument of its law, and the name in the posterior
    "trend": "national_trend",
    "damping": "national_damping",
    "alike": "groups_alike",
    "break_sd": "break_sd",
}


def project(
    scenario: Scenario,
    posterior: xr.Dataset,
    history: xr.Dataset,
    tables: dict[str, list[Row]],
    rolls: xr.DataArray,
    brought: dict[str, np.ndarray] | None = None,
) -> xr.DataArray:
    """Return the counterfactual on the latent scale, noise included: what would be published.

    Parameters
    ----------
    scenario
        Its areas, measures, years and seed; the first year follows the history.
    posterior
        Draws of the hyperparameters by (chain, draw, ...).
    history
        From ``areas.history``.
    tables
        The checked tables; ``proxies`` and ``breaks`` are used.
    rolls
        (area, group, year_group), pupils.
    brought : dict of array (draw, series, year)
        By area, what a programme has added to the figures of the record's years, SD, which is taken off them; None:
        nothing.

    Returns
    -------
    DataArray
        (chain, draw, area, group, measure, year), SD; NaN for a group that is not modelled. Its coordinate ``national``
        (chain, draw, group, measure, year) is England's course in it.
    """
    known = observations.record(history)
    size = (posterior.sizes["chain"], posterior.sizes["draw"])
    areas, measures, seed = scenario.areas.names, scenario.measures, scenario.seed
    # always the longest horizon and every series, and then cut: a year is the same whatever is asked for
    years = list(range(scenario.start_year, scenario.start_year + LONGEST_HORIZON))
    hyper = law(posterior, known.series)
    country = national(posterior, known, years, tables["breaks"], seed)

    def of_area(area: str) -> np.ndarray:
        is_proxy = bool(history.proxy.sel(area=area).any())
        behind = _own_variance(known, area, rolls)
        added = None if brought is None else brought.get(area)
        centre, error = relative(
            hyper, known, area, years, behind, stream(seed, "area", area), is_proxy=is_proxy, brought=added
        )
        if is_proxy:
            centre += off_county(history, area, years, size, rolls, tables, seed).reshape(centre.shape)
        return country + centre + error

    with ThreadPoolExecutor(THREADS) as beside:  # the compiled law lets go of the interpreter's lock
        drawn = list(beside.map(of_area, areas))
    shape = {"area": areas, "group": ["disadvantaged", "other", "all"], "measure": measures, "year": years}
    out = np.full((*size, *(len(values) for values in shape.values())), np.nan)
    england_alone = np.full_like(out[:, :, 0], np.nan)
    for s, (measure, group) in enumerate(known.series):
        if measure in measures:
            at = (shape["group"].index(group), measures.index(measure))
            england_alone[:, :, *at] = country[:, s].reshape(*size, -1)
            for a in range(len(areas)):
                out[:, :, a, *at] = drawn[a][:, s].reshape(*size, -1)
    found = xr.DataArray(out, shape, ("chain", "draw", *shape), attrs={"units": "SD"})
    found = found.assign_coords(national=(("chain", "draw", "group", "measure", "year"), england_alone))
    return found.sel(year=scenario.years)


def off_county(
    history: xr.Dataset,
    area: str,
    years: list[int],
    size: tuple[int, int],
    rolls: xr.DataArray,
    tables: dict,
    seed: int,
) -> np.ndarray:
    """Return how far a district's series lie off its county's in the years to come (chain, draw, series, year), SD."""
    offset = _district_offset(history, area, years, size, rolls, seed)
    moved = [_proxy_offset(offset, tables, name, size, stream(seed, "proxy", area, *name)) for name in series()]
    return np.stack(moved, axis=2)


def national(posterior: xr.Dataset, known: Record, years: list[int], breaks: list[Row], seed: int) -> np.ndarray:
    """Return England's course (draw, series, year) given its own figures, NaN where nothing was published.

    It is exact where both groups of a measure end in the same year; where one goes on for longer, those further figures
    say where it stands, and nothing of the other's years since.
    """
    law = {name: posterior[kept].values.ravel() for name, kept in MOVES.items()}
    sd = posterior["national_sd"].values.reshape(len(law["trend"]), -1)
    out = np.full((len(sd), len(known.series), len(years)), np.nan)
    for measure in dict.fromkeys(measure for measure, _ in known.series):
        here = [s for s, name in enumerate(known.series) if name[0] == measure and len(known.national[s].years)]
        courses = [_declared(known.national[s], breaks, measure) for s in here]
        if not here:
            continue
        names = [known.series[s] for s in here]
        ends = [known.national[s].years[-1] for s in here]
        size = (5, len(sd), max(years[-1] - min(ends), 3))  # where each stands takes three
        normal = {name[1]: stream(seed, "national", *name).standard_normal(size) for name in names}
        # one break is not of the size of another: those learned from range from a writing frame to a pandemic
        spread = stream(seed, "size of breaks", measure).chisquare(BREAK_FREEDOM, size[1:]) / BREAK_FREEDOM
        for group in normal:
            normal[group][2:4] /= np.sqrt(spread)
        drawn = national_trend.ahead(names, courses, years[-1], law | {"sd": sd[:, here]}, normal)
        for s, one in zip(here, drawn, strict=True):
            out[:, s] = one[:, -len(years) :]
    return out


def _declared(one: National, breaks: list[Row], measure: str) -> National:
    """Return England's course with what is declared of the years after its last figure."""
    shifts, otherwise = set(one.shifts), set(one.otherwise)
    for row in breaks:
        years = range(max(row["first_year"], int(one.years[-1]) + 1), row["last_year"] + 1)
        if row["measure"] == measure and row["kind"] != "not_collected":
            (shifts if row["kind"] == "level_shift" else otherwise).update(years)
    return replace(one, shifts=tuple(sorted(shifts)), otherwise=tuple(sorted(otherwise)))


def last_variance(known: Record, area: str) -> np.ndarray:
    """Return the sampling variance (series) of an authority's figures to come: that of its last figure, SD squared."""
    a = known.areas.index(area)
    seen = [np.flatnonzero(known.observed[s, a]) for s in range(len(known.series))]
    return np.array([known.sampling[s, a, at[-1] if len(at) else -1] for s, at in enumerate(seen)])


def _own_variance(known: Record, area: str, rolls: xr.DataArray) -> np.ndarray:
    """Return the sampling variance (series) of an area's own pupils about its last figures, SD squared."""
    found = np.empty(len(known.series))
    a = known.areas.index(area)
    for s, (measure, group) in enumerate(known.series):
        seen = known.observed[s, a] > 0
        if not len(known.national[s].years):
            found[s] = np.nan  # without England's figures there is no course, and nothing to be uncertain about
            continue
        last = known.relative[s, a, seen][-1] if seen.any() else 0.0
        typical = link_functions.to_published(measure, known.national[s].figures[-1] + last)
        found[s] = link_functions.sampling_variance(measure, typical, _own_pupils(rolls, area, group, measure))
    return found


def _own_pupils(rolls: xr.DataArray, area: str, group: str, measure: str) -> float:
    own = np.isin(rolls.year_group.values, MEASURES[measure].year_groups)
    mine = rolls.sel(area=area).transpose("group", "year_group").values[:, own].sum(axis=1)
    return float(mine.sum() if group == "all" else mine[rolls.group.values.tolist().index(group)])


def _district_offset(history, area: str, years: list[int], size, rolls: xr.DataArray, seed: int) -> dict:
    """Return how a district's good level of development differs from its county's, as a course and its mean.

    The difference is a level and a reverting deviation of its own, learned from the years in which both are
    published: with fewer such years it is known less well.
    """
    own = history.own.sel(area=area).values
    county = history.published.sel(area=area, group="all", measure=GLD).values
    gap = link_functions.to_latent(GLD, own) - link_functions.to_latent(GLD, county)
    seen = np.isfinite(gap)
    sampling = link_functions.sampling_variance(GLD, np.where(seen, own, 50.0), _own_pupils(rolls, area, "all", GLD))
    n = size[0] * size[1]
    cells = int(seen.sum())
    kin, future = np.full(cells, -1), np.full((1, len(years)), -1)
    normal = stream(seed, "district", area).standard_normal((n, state_space.numbers_needed(kin, future)))
    shock = DISTRICT_DEVIATION_SD**2 * (1 - DISTRICT_PERSISTENCE**2)
    course, _ = state_space.courses(
        np.zeros((n, 1)), np.full((n, 1, 1), DISTRICT_LEVEL_SD**2), np.ones(n), np.full((n, 1, 1), shock),
        np.full((n, 1), DISTRICT_PERSISTENCE), np.full((n, 1), DISTRICT_NOISE_SD**2), np.zeros((n, 1)),
        np.zeros(cells, dtype=np.int64), history.year.values[seen].astype(np.int64), kin, gap[seen][None],
        sampling[seen], years[0] - 1, len(years), future, np.zeros(1), normal,
    )  # fmt: skip
    course = course[:, 0].reshape(*size, -1)
    return {"course": course, "level": course.mean(-1)}


def _proxy_offset(offset: dict, tables, name: tuple[str, str], size, rng: np.random.Generator) -> np.ndarray:
    """Return what is added to a county's series to stand for its district (chain, draw, year), SD."""
    row = next((row for row in tables["proxies"] if (row["measure"], row["group"]) == name), None)
    if row is None:
        raise Refusal(f"proxies.csv has no row for {name[0]}, {name[1]}, which a district needs: add one")
    follows = offset["course"] if name[0] == GLD else offset["level"][..., None]
    moved = row["slope"] * follows + row["residual_sd"] * rng.standard_normal(size)[..., None]
    return np.broadcast_to(moved, (*size, offset["course"].shape[-1]))
