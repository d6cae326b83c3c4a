"""Scoring: forecasts against what was published, each beside a random walk on the same areas.

A forecast is draws or a normal distribution. The CRPS is the distance of a whole forecast from the figure, in the
figure's unit; that of a point is its absolute error. The log density tells two models apart that differ little, and
punishes a figure that was held to be impossible. In a table a figure counts only where every model has a forecast of
it, so that no model gains by saying nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from scipy.special import gammaln, ndtr, ndtri

from oa_sim.definitions import GROUPS, MEASURES, academic_year, percent
from oa_sim.errors import Refusal, one_of
from oa_sim.formatting import number
from oa_sim.inference import link_functions
from oa_sim.validation.benchmark_forecasters import PEERS, REFERENCE

SCALES = {"relative": "area less England, in SD of pupils", "level": "as published"}
CENTRAL = (50, 80, 95)  # %, of the intervals whose coverage is in the table
NOMINAL = tuple(range(5, 100, 5))  # %, of the intervals in a reliability diagram
WORST = 10
CELL = ["measure", "group", "year", "horizon", "scale"]
Cell = tuple[str, str, int, int, str]
COLUMNS = ["model", *CELL, "n", "crps", "crps_ratio_rw", *(f"cov{level}" for level in CENTRAL)]
PSEUDO_DRAWS = 199  # quantiles that stand for a normal forecast on a scale where it is not normal
TAILS = (2.5, 4.0, 6.0, 10.0, 20.0, 1000.0)  # degrees of freedom of Student's t that are tried; the last is normal
ROUNDS = 25  # of expectation and maximisation; another would move the density by less than a thousandth


@dataclass(frozen=True)
class Forecast:
    """What a model expects of each area: draws, or mean and SD of a normal distribution.

    All are in the unit of the scale, and NaN in an area that has no forecast.
    """

    draws: np.ndarray | None = None  # (draw, area)
    mean: np.ndarray | None = None  # (area)
    sd: np.ndarray | None = None  # (area)

    def __post_init__(self) -> None:
        normal = self.mean is not None and self.sd is not None
        if (self.draws is not None) == normal or (self.mean is None) != (self.sd is None):
            raise Refusal("a forecast is either draws or mean and sd, got another mixture: give one of the two")
        shapes = np.shape(self.mean), np.shape(self.sd)
        if normal and (shapes[0] != shapes[1] or len(shapes[0]) != 1):
            raise Refusal(
                f"mean and sd have one value for each area, got shapes {shapes[0]} and {shapes[1]}: align them"
            )
        if not normal and np.ndim(self.draws) != 2:
            raise Refusal(f"draws are (draw, area), got an array of shape {np.shape(self.draws)}: give two dimensions")

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and SD (area)."""
        if self.draws is not None:
            return self.draws.mean(0), self.draws.std(0)
        assert self.mean is not None  # either is given
        assert self.sd is not None
        return self.mean, self.sd


def published(forecast: Forecast, measure: str) -> Forecast:
    """Return a forecast on the latent scale (SD) as draws of the published figure, in the measure's unit.

    A normal forecast becomes 199 quantiles at equal steps of probability, the same for all, so that no chance enters.
    """
    draws = forecast.draws
    if draws is None:
        draws = quantile(forecast, (np.arange(PSEUDO_DRAWS) + 0.5) / PSEUDO_DRAWS)
    return Forecast(draws=link_functions.to_published(measure, draws))


def crps_normal(mean: np.ndarray, sd: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS of a normal forecast, in the unit of its arguments; with no spread, the absolute error.

    ``sd (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))`` with ``z = (actual - mean) / sd`` (Gneiting and Raftery, 2007).
    """
    mean, sd, actual = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (mean, sd, actual)))
    error = np.abs(actual - mean)
    z = np.divide(error, sd, out=np.zeros(error.shape), where=sd > 0)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    spread: np.ndarray = sd * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi))
    return np.where(sd == 0, error, spread)


def crps_draws(draws: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS of the distribution that the draws (draw, ...) make up, exactly, by sorting.

    ``mean |x - y| - sum_i (2 i - n - 1) x_(i) / n^2``: not the fair version, which would reward draws for being few. It
    exceeds that by ``0.56 sd / n``, which is nothing for a thousand draws.
    """
    ordered = np.sort(np.asarray(draws, dtype=float), axis=0)
    n = len(ordered)
    weight = (2 * np.arange(1, n + 1) - n - 1) / n**2
    score: np.ndarray = np.abs(ordered - actual).mean(axis=0) - np.tensordot(weight, ordered, axes=1)
    return score


def covered(low: np.ndarray, high: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return whether each figure lies in its interval, ends included."""
    return (np.asarray(low) <= actual) & (actual <= np.asarray(high))


def crps(forecast: Forecast, actual: np.ndarray) -> np.ndarray:
    """Return the CRPS (area) of a forecast, NaN where there is no forecast or no figure."""
    if forecast.draws is None:
        return crps_normal(*forecast.moments(), actual)
    return crps_draws(forecast.draws, actual)


def quantile(forecast: Forecast, share: float | np.ndarray) -> np.ndarray:
    """Return quantiles of a forecast, (area) for one share between 0 and 1, (share, area) for several."""
    if forecast.draws is None:
        mean, sd = forecast.moments()
        values: np.ndarray = mean + sd * ndtri(np.asarray(share))[..., None]
    else:
        # the method under which equally spaced quantiles give themselves back, and draws are no narrower than they are
        values = np.quantile(forecast.draws, share, axis=0, method="hazen")
    return values


def interval(forecast: Forecast, level: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the central interval that holds ``level`` per cent, in the shapes of ``quantile``."""
    return quantile(forecast, 0.5 - level / 200), quantile(forecast, 0.5 + level / 200)


def tails(draws: np.ndarray) -> np.ndarray:
    """Return the degrees of freedom (...), of ``TAILS``, of the Student's t under which draws are the likeliest."""
    fits = np.stack([_student(draws, np.full(np.shape(draws)[1:], df))[2] for df in TAILS])
    return np.array(TAILS)[fits.argmax(axis=0)]


def log_density(draws: np.ndarray, actual: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Return the log density (nats) of figures (...) under a Student's t fitted to the draws of a forecast (draw, ...).

    A kernel estimate would say of a figure outside all draws what its bandwidth says, and a normal that it cannot be.
    Forecasts here are normal given the hyperparameters and the size of each break, so over those their draws have a
    bell's shape with tails that are heavier than normal, which three numbers fitted by maximum likelihood describe. The
    degrees of freedom, from ``tails``, are given apart, so that two models are compared under tails of one kind.
    """
    centre, size, _ = _student(draws, degrees)
    density: np.ndarray = _student_log_density((actual - centre) / size, degrees) - np.log(size)
    return density


def _student(draws: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return centre, scale and log likelihood a draw of Student's t by maximum likelihood (Liu and Rubin 1995)."""
    draws = np.asarray(draws, dtype=float)
    low, centre, high = np.quantile(draws, [0.25, 0.5, 0.75], axis=0)
    size = (high - low) / 1.5
    for _ in range(ROUNDS):
        weight = (df + 1) / (df + ((draws - centre) / size) ** 2)
        centre = (weight * draws).sum(axis=0) / weight.sum(axis=0)
        size = np.sqrt((weight * (draws - centre) ** 2).mean(axis=0))
    fit = _student_log_density((draws - centre) / size, df).mean(axis=0) - np.log(size)
    return centre, size, fit


def _student_log_density(z: np.ndarray, df: np.ndarray) -> np.ndarray:
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * np.log(df * np.pi)
    density: np.ndarray = constant - 0.5 * (df + 1) * np.log1p(z**2 / df)
    return density


@dataclass(frozen=True)
class Entry:
    """What one model says of one measure of one group in one year, and what was published."""

    model: str
    measure: str
    group: str
    year: int  # that is forecast
    horizon: int  # years from the last year that the model was given
    scale: str  # one of ``SCALES``, whose unit figure and forecast have
    areas: tuple[str, ...] = field(repr=False)  # in the order of the arrays
    actual: np.ndarray = field(repr=False)  # the figure (area), NaN where nothing was published
    forecast: Forecast = field(repr=False)

    def __post_init__(self) -> None:
        for noun, choices in (("measure", MEASURES), ("group", GROUPS), ("scale", SCALES)):
            one_of(noun, getattr(self, noun), choices)
        held = self.forecast.mean if self.forecast.draws is None else self.forecast.draws
        sizes = {len(self.areas), len(set(self.areas)), np.size(self.actual), np.shape(held)[-1]}
        if len(sizes) > 1:
            raise Refusal(
                f"{self.model}, {self.measure}, {self.group}, {self.year}: areas, actual and forecast have one value "
                f"for each of different areas, got {len(self.areas)} names: align them"
            )

    @property
    def cell(self) -> Cell:
        """Return what is forecast: measure, group, year, horizon and scale."""
        return self.measure, self.group, self.year, self.horizon, self.scale


@dataclass(frozen=True)
class Scores:
    """All that a report on a contest needs, from the functions of these names; ``ours`` is the model that is judged."""

    ours: str
    table: pd.DataFrame
    calibration: pd.DataFrame
    misses: pd.DataFrame


def score(entries: list[Entry], ours: str, *, scale: str = "relative") -> Scores:
    """Return the scores of all models, and the worst misses of ours on one of the scales."""
    return Scores(ours, table(entries), calibration(entries), misses(entries, ours, scale=scale))


def table(entries: list[Entry]) -> pd.DataFrame:
    """Return the scores, one row for each model, measure, group, year, horizon and scale.

    The columns are ``COLUMNS``: ``n`` areas that all models forecast and that were published, ``crps`` their mean CRPS
    in the scale's unit, ``crps_ratio_rw`` its share of the random walk's, and the share of figures in the central
    intervals. A cell without such an area stays, with ``n`` 0 and NaN. Refused is a model that lacks a cell or has it
    twice, a missing random walk, and two models that name another figure.
    """
    rows = []
    for entry in _common(entries):
        n = len(entry.areas)
        held = covered(*interval(entry.forecast, np.array(CENTRAL)), entry.actual)
        means = [float(each.mean()) if n else np.nan for each in (crps(entry.forecast, entry.actual), *held)]
        rows.append([entry.model, *entry.cell, n, means[0], np.nan, *means[1:]])
    scores = pd.DataFrame(rows, columns=COLUMNS)
    walk = scores[scores.model == REFERENCE].set_index(CELL).crps
    score = scores.set_index(CELL).crps
    scores["crps_ratio_rw"] = (score / walk.reindex(score.index)).to_numpy()
    return scores


def overall(scored: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each model and scale from ``table``.

    ``n`` figures; ``crps`` and ``crps_ratio_rw``, means over the rows; ``worst_ratio``, the largest of the ratios by
    measure and group (a mean over years), and ``worst`` where that is; coverage over all figures.
    """
    rows = []
    coverage = [f"cov{level}" for level in CENTRAL]
    for (model, scale), part in scored[scored.n > 0].groupby(["model", "scale"], sort=False):
        by_series = part.groupby(["measure", "group"], sort=False).crps_ratio_rw.mean()
        means = part[["crps", "crps_ratio_rw"]].mean()
        held = np.average(part[coverage], weights=part.n, axis=0)
        rows.append([model, scale, part.n.sum(), *means, by_series.max(), ", ".join(by_series.idxmax()), *held])
    columns = ["model", "scale", "n", "crps", "crps_ratio_rw", "worst_ratio", "worst", *coverage]
    return pd.DataFrame(rows, columns=columns)


def calibration(entries: list[Entry]) -> pd.DataFrame:
    """Return the share of figures inside the central intervals of 5, 10 ... 95%, for each model and scale.

    The columns are ``model``, ``scale``, ``nominal`` (%), ``covered`` (share) and ``n``, figures.
    """
    inside: dict[tuple[str, str], list[np.ndarray]] = {}
    for entry in _common(entries):
        held = covered(*interval(entry.forecast, np.array(NOMINAL)), entry.actual)
        inside.setdefault((entry.model, entry.scale), []).append(held)
    rows = []
    for key, parts in inside.items():
        held = np.concatenate(parts, axis=1)
        n = held.shape[1]
        rows += [[*key, level, each.mean() if n else np.nan, n] for level, each in zip(NOMINAL, held, strict=True)]
    return pd.DataFrame(rows, columns=["model", "scale", "nominal", "covered", "n"])


def misses(entries: list[Entry], model: str, *, scale: str = "relative") -> pd.DataFrame:
    """Return the ten figures that lie furthest from the forecast of a model, in its own SDs, the worst first.

    ``actual``, ``median``, ``low`` and ``high`` (95% interval) are in the scale's unit; ``sds`` is actual less mean in
    SDs of the forecast, ``chance`` the probability of a figure as far out or further on that side: of n draws never
    less than ``1 / (n + 1)``.
    """
    one_of("model", model, sorted({entry.model for entry in entries}))
    one_of("scale", scale, SCALES)
    parts = [_missed(entry) for entry in _common(entries) if entry.model == model and entry.scale == scale]
    if not parts:
        raise Refusal(f"{model!r} has no forecast on the scale {scale!r}: choose the other scale")
    rows = pd.concat(parts, ignore_index=True)
    far = rows.sds.abs().sort_values(ascending=False, kind="stable").index
    return rows.loc[far].head(WORST).reset_index(drop=True)


def _missed(entry: Entry) -> pd.DataFrame:
    given, actual = entry.forecast, entry.actual
    low, high = interval(given, 95)
    mean, sd = given.moments()
    error = actual - mean  # without a spread every error is infinitely far out
    sds = np.divide(error, sd, out=np.where(error == 0, 0.0, np.copysign(np.inf, error)), where=sd > 0)
    if given.draws is None:
        chance = ndtr(-np.abs(sds))
    else:
        further = np.minimum((given.draws <= actual).sum(0), (given.draws >= actual).sum(0))
        chance = (1 + further) / (1 + len(given.draws))
    labels = {"measure": entry.measure, "group": entry.group, "year": entry.year, "scale": entry.scale}
    values = {"actual": actual, "median": quantile(given, 0.5), "low": low, "high": high, "sds": sds, "chance": chance}
    return pd.DataFrame({"area": list(entry.areas)} | labels | values)


def _common(entries: list[Entry]) -> Iterator[Entry]:
    """Yield each entry in the order of ``_rank``, cut to the areas on which all models of its cell can be scored."""
    cells: dict[Cell, dict[str, Entry]] = {}
    for entry in entries:
        entries_of_cell = cells.setdefault(entry.cell, {})
        if entry.model in entries_of_cell:
            raise Refusal(f"{entry.model} forecasts {entry.cell} twice: keep one")
        entries_of_cell[entry.model] = entry
    models = {entry.model for entry in entries} | {REFERENCE}
    areas_of_cell = {cell: _areas(cell, entries_of_cell, models) for cell, entries_of_cell in cells.items()}
    for entry in sorted(entries, key=_rank):
        areas = areas_of_cell[entry.cell]
        index = [entry.areas.index(area) for area in areas]
        parts = {name: part[..., index] for name, part in vars(entry.forecast).items() if part is not None}
        yield replace(entry, areas=tuple(areas), actual=np.asarray(entry.actual)[index], forecast=Forecast(**parts))


def _areas(cell: Cell, entries: dict[str, Entry], models: set[str]) -> list[str]:
    """Return the areas of a cell that every model forecasts and that were published, by name."""
    where = ", ".join(map(str, cell))
    if missing := sorted(models - entries.keys()):
        raise Refusal(f"{where}: {missing[0]!r} has no entry: let every model forecast every cell, NaN where it cannot")
    figures = [_figures(entry) for entry in entries.values()]
    common = sorted(set.intersection(*(set(each) for each in figures)))
    for area in common:
        if np.ptp([each[area] for each in figures]):
            raise Refusal(f"{where}: the models name different figures of {area}: score them on one record")
    return common


def _figures(entry: Entry) -> dict[str, float]:
    """Return the figure of each area that can be scored; an SD of nothing claims to be certain and can be."""
    draws, actual = entry.forecast.draws, np.asarray(entry.actual, dtype=float)
    sure = np.isfinite(np.sum(entry.forecast.moments(), axis=0)) if draws is None else np.isfinite(draws).all(0)
    return {area: value for area, value, ok in zip(entry.areas, actual, sure & np.isfinite(actual), strict=True) if ok}


def _rank(entry: Entry) -> tuple[int, str, int, int, int, int, int]:
    """Return the place of a row: our models by name, then the peers; the rest in the order of the dictionary."""
    place = (1 + list(PEERS).index(entry.model), "") if entry.model in PEERS else (0, entry.model)
    measure, group, scale = (
        list(choices).index(name)
        for name, choices in ((entry.measure, MEASURES), (entry.group, GROUPS), (entry.scale, SCALES))
    )
    return *place, measure, group, entry.year, entry.horizon, scale


def verdict(scores: Scores) -> list[str]:
    """Return how accurate the forecasts are, and how well their intervals are calibrated."""
    table = overall(scores.table)
    ours = table[table.model == scores.ours]
    ratios = [f"{number(row.crps_ratio_rw, 2)} ({row.scale} scale)" for row in ours.itertuples()]
    first = ours.iloc[0]
    coverage = _listed(percent(first[f"cov{level}"]) for level in CENTRAL)
    scored = scores.table[scores.table.n > 0]
    years = _listed(academic_year(year) for year in sorted(scored.year.unique().tolist()))
    own = scored[(scored.model == scores.ours) & (scored.scale == first.scale)]
    by_series = own.groupby(["measure", "group"]).crps_ratio_rw.mean()
    return [
        f"The CRPS of {scores.ours} on {number(first.n, 0)} held-out figures for {years}, relative to a random walk, "
        f"is {' and '.join(ratios)}. Below 1 is more accurate.{_best_benchmark(table, first.scale)}",
        f"Its {_listed(f'{level}%' for level in CENTRAL)} intervals cover {coverage} of the figures ({first.scale} "
        f"scale). It is more accurate than the random walk in {int((by_series < 1).sum())} of {len(by_series)} series. "
        f"The worst series is {series_in_words(first.worst)} ({number(first.worst_ratio, 2)}).",
    ]


def _best_benchmark(table: pd.DataFrame, scale: str) -> str:
    """Return how accurate the best benchmark other than the random walk is, where there is one."""
    rivals = table[table.model.isin(PEERS) & (table.model != REFERENCE) & (table.scale == scale)]
    if rivals.empty:
        return ""
    best = rivals.loc[rivals.crps_ratio_rw.idxmin()]
    return f" The best other benchmark, {best.model}, has {number(best.crps_ratio_rw, 2)}."


def series_in_words(worst: str) -> str:
    """Return a series, ``"measure, group"``, as it is called in a sentence."""
    measure, group = worst.split(", ")
    return MEASURES[measure].label if group == "all" else f"{MEASURES[measure].label}, {group}"


def _listed(items: Iterable[str]) -> str:
    *some, last = items
    return f"{', '.join(some)} and {last}" if some else last
