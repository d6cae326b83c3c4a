"""District backtest: key stage 2 of districts that a file lacks, forecast and scored beside the county and the peers.

A district of a two-tier county is its county plus a deviation by ``district_law``. The deviations of a county's
districts add up to nothing, so those that are known say much of the others: all are Gaussian together, and what is
known is taken in exactly. By how much more or less than the law expects districts with good early years did in a year
is learned from all that are known in it. A district that is an authority is forecast as the authority.

Scores are on the relative scale, a figure less England's in pupil SD, in which neither the country's course nor the
level of a test counts for or against a model.
"""

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import LONGEST_HORIZON, academic_year, percent, series
from oa_sim.errors import Refusal
from oa_sim.formatting import number
from oa_sim.inference import area_forecast, counterfactual, district_law, link_functions
from oa_sim.inference.district_law import Observation
from oa_sim.inputs import tables
from oa_sim.inputs.school_tables import FREEDOM_OF_A_PLACE, Figure
from oa_sim.rng import stream
from oa_sim.validation import scoring
from oa_sim.validation.benchmark_forecasters import REFERENCE
from oa_sim.validation.district_record import GROUPS, MEASURE, PAIR, Setting, latent
from oa_sim.validation.scoring import CENTRAL, Entry, Forecast

OURS, COUNTY = "oa_sim", "county"
COLUMNS = ["model", "measure", "group", "year", "n", "crps", "crps_ratio_county", "crps_ratio_rw"]
COLUMNS += [f"cov{level}" for level in CENTRAL]
FEWEST_PUPILS = 20  # with fewer, the sampling variance of a share means little
FEWEST_OTHERS = 10  # districts that say how shares of disadvantaged pupils moved
SLOPE_SD = 0.3  # of what districts lay above the law in a year for each SD of early years; assumed
ALMOST_NOTHING = 0.005**2  # SD squared; shares of pupils move, and the latent scale is curved, so sums are not exact
# How 0.6.1 moved a county to stand for its district: the slope on the difference in early years and what was left (its
# proxies.csv, learned from 152 authorities), and its law of that difference. Kept only to be compared with.
SLOPES = {"disadvantaged": (0.16, 0.171), "other": (0.49, 0.122)}
EARLY_LEVEL_SD, EARLY_DEVIATION_SD, EARLY_PERSISTENCE, EARLY_NOISE_SD = 0.15, 0.06, 0.8, 0.02
EARLY_YEARS = "good_level_of_development"


def forecasts(given: Setting, asked: pd.DataFrame) -> dict[str, dict[Figure, np.ndarray]]:
    """Return draws of each figure, SD less England, by model (ours and the county of 0.6.1) and figure."""
    ours: dict[Figure, np.ndarray] = {}
    county: dict[Figure, np.ndarray] = {}
    wanted = asked.reset_index()
    for authority, part in wanted.groupby(wanted.code.map(given.places.authority)):
        tier = given.places.tier[part.code.iloc[0]]
        later = given.known.index.unique("year")
        years = sorted({*part.year.tolist(), *later[later >= part.year.min()].tolist()})
        course, centre = _authority(given, str(authority), years)
        own = {part.code.iloc[0]: course + _method_error(given, str(authority), years)}
        if tier == "county":
            own = _districts(given, str(authority), years, course, sorted(set(part.code)))
            for code, draws in _moved(given, years, centre, sorted(set(part.code))).items():
                county |= _figures(given, part[part.code == code], years, draws)
        for code, draws in own.items():
            ours |= _figures(given, part[part.code == code], years, draws)
    return {OURS: ours, COUNTY: county}


def _authority(given: Setting, area: str, years: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return an authority's published figures in some years, SD less England, and the course without errors.

    Both are (draw, group, year). A figure that is known is no draw.
    """
    record, hyper = given.record, given.hyper
    s = [record.series.index((MEASURE, group)) for group in PAIR]
    a = record.areas.index(area)
    known = np.full((2, len(years)), np.nan)
    for t, year in enumerate(years):
        if year in record.years:
            at = int(np.flatnonzero(record.years == year)[0])
            known[:, t] = np.where(record.observed[s, a, at] > 0, record.relative[s, a, at], np.nan)
    figure = np.empty((len(hyper.mean), 2, len(years)))
    centre = figure.copy()
    unknown = np.array(years)[np.isnan(known).any(axis=0)]
    both = record.years[(record.observed[s, a] > 0).all(axis=0)]
    last = int(both[-1]) if len(both) else years[0] - 1
    for block in (unknown[unknown < last], unknown[unknown > last]):  # a gap is forecast from before it
        if len(block):
            behind, rng = counterfactual.last_variance(record, area), stream(given.seed, "area", area)
            ahead = list(range(int(block[0]), int(block[-1]) + 1))
            drawn, error = area_forecast.relative(hyper, record, area, ahead, behind, rng)
            chosen, cells = [years.index(year) for year in block], np.ix_(range(len(drawn)), s, block - block[0])
            centre[:, :, chosen], figure[:, :, chosen] = drawn[cells], (drawn + error)[cells]
    return np.where(np.isnan(known), figure, known), np.where(np.isnan(known), centre, known)


def _method_error(given: Setting, authority: str, years: list[int]) -> np.ndarray:
    """Return draws of what school tables are above an authority's published figures (draw, group, year), SD."""
    parts = np.array([[given.method.of(authority, group, year) for year in years] for group in PAIR])
    rng, size = stream(given.seed, "method", authority), (len(given.hyper.mean), 2, len(years))
    df = given.method.freedom + FREEDOM_OF_A_PLACE
    return parts[..., 0] + np.sqrt(parts[..., 1] * (df - 2) / df) * rng.standard_t(df, size)


def _districts(
    given: Setting, county: str, years: list[int], course: np.ndarray, asked: list[str]
) -> dict[str, np.ndarray]:
    """Return draws of a county's districts (draw, group, year), SD less England, given all that is known of them.

    The unknowns are the county's figures from school tables and each district's deviation from them. They are drawn,
    the county's with its own tails, and each draw is moved to what is known as if all were Gaussian.
    """
    codes = given.places.index[given.places.authority == county].tolist()
    size, n = 2 * len(years), len(course)
    drawn = [(course + _method_error(given, county, years)).reshape(n, size)]
    spread = np.zeros((size * (len(codes) + 1),) * 2)
    spread[:size, :size] = np.cov(drawn[0].T)
    for i, code in enumerate(codes, 1):
        mean, own_spread = _deviation(given, code, years)
        spread[i * size : (i + 1) * size, i * size : (i + 1) * size] = own_spread
        normal = stream(given.seed, "district", code).standard_normal((n, size))
        drawn.append(mean + normal @ district_law.root(own_spread).T)
    rows, values = _conditions(given, codes, years)
    loading, draws = np.array(rows), np.concatenate(drawn, axis=1)
    error = ALMOST_NOTHING * np.eye(len(rows))
    gain = np.linalg.solve(loading @ spread @ loading.T + error, loading @ spread).T
    draws = draws + (np.array(values) - draws @ loading.T) @ gain.T
    own = {code: draws[:, (codes.index(code) + 1) * size :][:, :size] for code in asked}
    return {code: (draws[:, :size] + part).reshape(n, 2, len(years)) for code, part in own.items()}


def _conditions(given: Setting, codes: list[str], years: list[int]) -> tuple[list[np.ndarray], list[float]]:
    """Return what is known of a county's districts: each a row of loadings on all unknowns, and its value.

    Deviations add up to nothing, and a figure that is known is the county's plus its district's deviation.
    """
    size = 2 * len(years)
    rows, values = [], []
    behind = np.array([_pupils(given, code) for code in codes])
    for cell in range(size):
        weights = behind[:, cell // len(years)]
        rows.append(np.zeros(size * (len(codes) + 1)))
        rows[-1][size + cell :: size] = weights / weights.sum()
        values.append(0.0)
        for i, code in enumerate(codes, 1):
            key = (code, PAIR[cell // len(years)], years[cell % len(years)])
            if key in given.known.index:
                rows.append(np.zeros(size * (len(codes) + 1)))
                rows[-1][[cell, i * size + cell]] = 1.0
                values.append(float(given.known.relative[key]))
    return rows, values


def _pupils(given: Setting, code: str) -> list[float]:
    """Return the pupils of both groups behind the last figures that are known."""
    return [float(given.last.pupils[code, group]) for group in PAIR]


def _deviation(given: Setting, code: str, years: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance (group and year) of a district's figures less its county's, sampling included.

    The mean has moved with the district's early years as that of others did in those years.
    """
    mean, spread = _by_the_law(given, code, years)
    return mean + _slopes(given, tuple(years)) * _early_years(years[0]).get(code, 0.0), spread


@lru_cache(8)
def _slopes(given: Setting, years: tuple[int, ...]) -> np.ndarray:
    """Return by how much districts lay above the law in some years (group and year), for each SD of early years.

    What these say of key stage 2 differs between years. It is a regression over all districts that are known then,
    shrunk towards none.
    """
    early = _early_years(years[0])
    sums = np.zeros((2, 2 * len(years)))
    known = given.known.index[given.known.index.get_level_values("year").isin(years)].unique("code")
    for code in known[given.places.tier[known] == "county"]:
        mean, spread = _by_the_law(given, code, list(years))
        for each in (each for each in _seen(given, code, years[-1] + 1) if each.year in years):
            group = [bool(each.weights[series().index((MEASURE, name))]) for name in PAIR].index(True)
            cell, x = group * len(years) + years.index(each.year), early.get(code, 0.0)
            sums[:, cell] += np.array([x * (each.value - mean[cell]), x * x]) / spread[cell, cell]
    slopes: np.ndarray = sums[0] / (sums[1] + 1 / SLOPE_SD**2)
    return slopes


@cache
def _early_years(before: int) -> pd.Series:
    """Return how far each district's early years lay off its county's before a year, SD."""
    rows = _all_figures()
    rows = rows[(rows.measure == EARLY_YEARS) & (rows.year < before)]
    own, theirs = (link_functions.to_latent(EARLY_YEARS, rows[name]) for name in ("value", "county_value"))
    return pd.Series(np.asarray(own) - np.asarray(theirs), rows.code).groupby(level=0).mean()


def _by_the_law(given: Setting, code: str, years: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the same as ``_deviation`` by the law alone."""
    pupils = _pupils(given, code)
    law, share = district_law.of_size(district_law.law(), sum(pupils)), pupils[0] / max(sum(pupils), 1.0)
    seen = [*_seen(given, code, years[0]), *_other_measures(code, years[0], share)]
    first = max((each.year for each in seen), default=years[0] - 1)
    ahead = list(range(first + 1, years[-1] + 1))
    means, spreads = district_law.carried_on(law, *district_law.state_after(law, seen, first), len(ahead))
    s, t = [series().index((MEASURE, group)) for group in PAIR], [ahead.index(year) for year in years]
    size = 2 * len(years)
    spread = spreads[np.ix_(t, s, t, s)].transpose(1, 0, 3, 2).reshape(size, size)
    sampling = [_sampling(*given.last.loc[(code, group)]) for group in PAIR]
    return means[np.ix_(t, s)].T.ravel(), spread + np.diag(np.repeat(np.array(sampling) + law.noise[s], len(years)))


def _sampling(value: float, pupils: float) -> float:
    return float(link_functions.sampling_variance(MEASURE, value, max(pupils, FEWEST_PUPILS)))


def _seen(given: Setting, code: str, before: int) -> list[Observation]:
    """Return a district's key stage 2 less its county's, before a year."""
    county, out = given.places.authority[code], []
    record = given.record
    for (_, group, year), row in given.known[given.known.index.get_level_values("code") == code].iterrows():
        if group == "all" or year >= before:
            continue
        theirs, error = given.sums.get((county, group, year)), 0.0
        if theirs is None:
            s, at = record.series.index((MEASURE, group)), np.flatnonzero(record.years == year)
            a = record.areas.index(county)
            if not len(at) or not record.observed[s, a, at[0]]:
                continue
            difference, error = given.method.of(county, group, year)
            theirs = record.relative[s, a, at[0]] + difference
        variance = _sampling(row.value, row.pupils) + error
        out.append(Observation(int(year), _of(MEASURE, {group: 1.0}), float(row.relative - theirs), variance))
    return out


def _other_measures(code: str, before: int, share: float) -> list[Observation]:
    """Return a district's other measures less its county's, before a year, from the package's table."""
    out = []
    for row in _package(code).itertuples():
        if row.year < before and row.measure != MEASURE:
            own, theirs = (
                float(link_functions.to_latent(row.measure, value)) for value in (row.value, row.county_value)
            )
            parts = {"all": 1.0} if (row.measure, "all") in series() else {"disadvantaged": share, "other": 1 - share}
            variance = float(link_functions.sampling_variance(row.measure, row.value, max(row.pupils, FEWEST_PUPILS)))
            out.append(Observation(int(row.year), _of(row.measure, parts), own - theirs, variance))
    return out


def _package(code: str) -> pd.DataFrame:
    """Return the package's figures of a district of which the county's are known too."""
    rows = _all_figures()
    return rows[rows.code == code]


@cache
def _all_figures() -> pd.DataFrame:
    rows = pd.read_csv(Path(tables.FOLDER) / "district_figures.csv").dropna(subset="county_value")
    return rows[rows.error.isna()]  # what is scaled is of a few districts alone


def _of(measure: str, parts: dict[str, float]) -> np.ndarray:
    """Return what a figure is of, by series."""
    weights = np.zeros(len(series()))
    for group, weight in parts.items():
        weights[series().index((measure, group))] = weight
    return weights


def _figures(given: Setting, asked: pd.DataFrame, years: list[int], draws: np.ndarray) -> dict[Figure, np.ndarray]:
    """Return draws of the figures that are asked of a district, SD less England; the mean follows from both groups."""
    out = {}
    for row in asked.itertuples():
        t = years.index(row.year)
        if row.group in PAIR:
            out[row.code, row.group, row.year] = draws[:, PAIR.index(row.group), t]
            continue
        share = _share(given, row.code, row.year, len(draws))
        both = [link_functions.to_published(MEASURE, draws[:, g, t] + given.nation[group, row.year])
                for g, group in enumerate(PAIR)]  # fmt: skip
        mean = link_functions.to_latent(MEASURE, share * both[0] + (1 - share) * both[1])
        out[row.code, row.group, row.year] = mean - given.nation["all", row.year]
    return out


def _share(given: Setting, code: str, year: int, n_draws: int) -> np.ndarray:
    """Return draws of a district's disadvantaged share: its last, moved as others moved since, and uncertain.

    A district whose share is not known has that of another.
    """
    shares = given.known.share.xs("all", level="group").unstack("year")
    rng = stream(given.seed, "share", code, year)
    own = shares.loc[code].dropna() if code in shares.index else pd.Series(dtype=float)
    if own.empty:
        others = shares.ffill(axis=1).iloc[:, -1].dropna().to_numpy()
        drawn: np.ndarray = rng.choice(others, n_draws)
        return drawn
    last = int(own.index[-1])
    since = (shares[year] - shares[last]).dropna() if year in shares else pd.Series(dtype=float)
    moved = float(since.mean()) if len(since) >= FEWEST_OTHERS else 0.0
    steps = shares.diff(axis=1).to_numpy()[:, 1:] / np.sqrt(np.diff(shares.columns))
    size = float(np.nanstd(steps)) * np.sqrt(year - last)
    share: np.ndarray = np.clip(own[last] + moved + size * rng.standard_normal(n_draws), 0.0, 1.0)
    return share


def _moved(given: Setting, years: list[int], course: np.ndarray, codes: list[str]) -> dict[str, np.ndarray]:
    """Return draws of the county's course moved to each district as 0.6.1 did, own sampling error included."""
    shock = EARLY_DEVIATION_SD**2 * (1 - EARLY_PERSISTENCE**2)
    one = np.ones(1)
    law = district_law.DistrictLaw(
        level=EARLY_LEVEL_SD**2 * np.eye(1), level_pace=1.0, shock=shock * np.eye(1), pace=EARLY_PERSISTENCE * one,
        noise=EARLY_NOISE_SD**2 * one, size_power=0 * one, pupils=1.0,
    )  # fmt: skip
    out, ahead = {}, list(range(years[0], years[0] + LONGEST_HORIZON))
    for code in codes:
        rng, rows = stream(given.seed, "county of 0.6.1", code), _package(code)
        rows = rows[(rows.measure == EARLY_YEARS) & (rows.year < years[0])]
        gap = np.subtract(*(link_functions.to_latent(EARLY_YEARS, rows[name]) for name in ("value", "county_value")))
        error = link_functions.sampling_variance(EARLY_YEARS, rows.value, rows.pupils)
        cells = zip(rows.year, gap, error, strict=True)
        seen = [Observation(int(year), one, float(value), float(variance)) for year, value, variance in cells]
        normal = rng.standard_normal((len(ahead) + 1, len(course), 2))
        early = district_law.courses(law, seen, ahead, normal)[:, 0].mean(axis=1)
        out[code] = np.empty(course.shape)
        for g, group in enumerate(PAIR):
            slope, left = SLOPES[group]
            moved = slope * early + left * rng.standard_normal(len(course))
            error = np.sqrt(_sampling(*given.last.loc[(code, group)])) * rng.standard_normal((len(course), len(years)))
            out[code][:, g] = course[:, g] + moved[:, None] + error
    return out


def entries(
    drawn: dict[str, dict[Figure, np.ndarray]], asked: pd.DataFrame, england: dict[tuple[str, int], float]
) -> list[Entry]:
    """Return both models' forecasts beside what was published, a cell for each group, year and last year known."""
    out = []
    for (group, year, last), part in asked.reset_index().groupby(["group", "year", "last"]):
        if (group, year) not in england:
            raise Refusal(f"panel.actuals must have England's key stage 2 of {academic_year(year)}, got none: add it")
        actual = np.array([latent(value) for value in part.value]) - england[group, year]
        for model, draws in drawn.items():
            none = np.full(len(next(iter(draws.values()), [np.nan])), np.nan)
            columns = [draws.get((code, group, year), none) for code in part.code]
            forecast = Forecast(draws=np.stack(columns, axis=1))
            label = (model, MEASURE, str(group), int(year), int(year - last), "relative")
            out.append(Entry(*label, tuple(part.code), actual, forecast))
    return out


def record(given: Setting) -> xr.Dataset:
    """Return the districts' known figures in the form of a history, for the peers."""
    years = given.known.index.unique("year")
    span = list(range(int(years.min()), int(years.max()) + 1))
    codes = given.known.index.unique("code").tolist()
    shape = {"area": codes, "group": list(GROUPS), "measure": [MEASURE], "year": span}
    grid = given.known.value.unstack("year").reindex(columns=span)
    figures = np.stack(
        [grid.reindex(pd.MultiIndex.from_product([codes, [group]])).to_numpy() for group in GROUPS], axis=1
    )
    country = [[given.nation.get((group, year), np.nan) for year in span] for group in GROUPS]
    england = link_functions.to_published(MEASURE, np.array(country))
    return xr.Dataset(
        {"published": (tuple(shape), figures[:, :, None]), "england": (tuple(shape)[1:], england[:, None])}, shape
    )


def table(scored: Iterable[Entry]) -> pd.DataFrame:
    """Return the scores of all models, one row for each model, group and year, in the columns ``COLUMNS``.

    Each ratio is over the figures of which both models have a forecast: that to the county over districts of two-tier
    counties alone.
    """
    parts = []
    for entry in scored:
        held = scoring.covered(*scoring.interval(entry.forecast, np.array(CENTRAL)), entry.actual)
        labels = {"model": entry.model, "measure": entry.measure, "group": entry.group, "year": entry.year}
        values = {"crps": scoring.crps(entry.forecast, entry.actual)}
        values |= {f"cov{level}": share.astype(float) for level, share in zip(CENTRAL, held, strict=True)}
        parts.append(pd.DataFrame({"code": entry.areas, **values}).assign(**labels))
    cells = pd.concat(parts).dropna(subset="crps")
    models = list(dict.fromkeys(cells.model))
    cell = ["measure", "group", "year"]
    score = cells.set_index([*cell, "code", "model"]).crps.unstack("model")
    rows = cells.groupby(["model", *cell])[["crps", *COLUMNS[-3:]]].mean()
    rows["n"] = cells.groupby(["model", *cell]).size()
    for column, rival in (("crps_ratio_county", COUNTY), ("crps_ratio_rw", REFERENCE)):
        theirs = score[rival] if rival in score else pd.Series(np.nan, score.index)
        both = score.where(theirs.notna(), axis=0).groupby(cell).mean()
        rivals = {model: theirs.where(score[model].notna()).groupby(cell).mean() for model in models}
        rows[column] = (both / pd.DataFrame(rivals)).T.stack(cell, future_stack=True).reindex(rows.index)
    rows = rows.reset_index()
    order = {name: place for place, name in enumerate((*models, *GROUPS))}
    return rows.sort_values(
        ["group", "model", "year"], key=lambda part: part.map(order) if part.dtype != int else part
    )[COLUMNS]


def sentences(scored: pd.DataFrame) -> list[str]:
    """Return in two sentences how accurate and how well calibrated our forecasts of districts are."""
    ours = scored[scored.model == OURS]
    means = ours[["crps_ratio_county", "crps_ratio_rw"]].mean()
    held = [percent(np.average(ours[f"cov{level}"], weights=ours.n)) for level in CENTRAL]
    county = (
        f"{number(means.crps_ratio_county, 2)} of that of the county as version 0.6.1 adjusted it (two-tier counties "
        "only) and "
        if np.isfinite(means.crps_ratio_county)
        else ""
    )
    return [
        f"On {number(ours.n.sum(), 0)} held-out figures of districts (key stage 2, less England) the error of {OURS} "
        f"(CRPS) is {county}{number(means.crps_ratio_rw, 2)} of that of a random walk from the district's last figure.",
        f"Its 50%, 80% and 95% intervals cover {held[0]}, {held[1]} and {held[2]} of the figures of districts.",
    ]
