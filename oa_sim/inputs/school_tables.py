"""School tables: how far figures that were added up from them lie off the published ones of the same place.

Schools that are suppressed or special drop out, so they lie a little above, by a mean of each place and each year that
are learned where both figures are known, and with a variance that differs between places. With it a published figure
stands where the sum over schools is not known: that of a county of which not all districts are there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

ROUNDS = 30  # of fitting places and years in turn
FREEDOM_OF_A_PLACE = 4  # degrees of freedom that the years of a place add, about
FREEDOMS = (2.5, 4.0, 6.0, 10.0, 20.0, 1000.0)  # degrees of freedom that are tried; the last is a variance for all
Figure = tuple[str, str, int]  # place, group, year


@dataclass(frozen=True, eq=False)
class Method:
    """The difference between figures from school tables and published ones: a place's and a year's, in one unit."""

    place: dict[tuple[str, str], tuple[float, float]]  # mean, and variance of a year about it
    year: dict[tuple[str, int], float]
    typical: dict[str, tuple[float, float]]  # by group: mean and variance of a place that was never seen
    of_years: dict[str, float]  # variance of years
    freedom: float  # degrees of freedom of a place's variance

    def of(self, place: str, group: str, year: int) -> tuple[float, float]:
        """Return mean and variance; what was never seen is as uncertain as places and years differ."""
        mean, variance = self.place.get((place, group), self.typical[group])
        if (group, year) not in self.year:
            variance += self.of_years[group]
        return mean + self.year.get((group, year), 0.0), variance


@dataclass(frozen=True, eq=False)
class _Fit:
    """One group's means of places and years, and each place's variance with its degrees of freedom."""

    places: list[str]
    years: list[int]
    of_places: np.ndarray
    of_years: np.ndarray
    variance: np.ndarray
    freedom: np.ndarray


def method_difference(pairs: Mapping[Figure, float]) -> Method:
    """Return how sums over schools lie off published figures, from their differences by place, group and year.

    Only groups that occur in ``pairs`` are known of in the answer.
    """
    groups = dict.fromkeys(group for _, group, _ in pairs)
    fits = {group: _means({(p, y): value for (p, of, y), value in pairs.items() if of == group}) for group in groups}
    freedom = _freedom(list(fits.values()))
    place: dict[tuple[str, str], tuple[float, float]] = {}
    year: dict[tuple[str, int], float] = {}
    typical, of_years = {}, {}
    for group, fit in fits.items():
        weight = fit.freedom / (fit.freedom + freedom - 2)
        usual = _usual(fit)
        variance = (weight * fit.variance + (1 - weight) * usual) * (1 + 1 / (fit.freedom + 1))
        cells = zip(fit.places, zip(fit.of_places.tolist(), variance.tolist(), strict=True), strict=True)
        place |= {(name, group): cell for name, cell in cells}
        year |= {(group, name): value for name, value in zip(fit.years, fit.of_years.tolist(), strict=True)}
        typical[group] = float(fit.of_places.mean()), usual + float(fit.of_places.var())
        of_years[group] = float(fit.of_years.var())
    return Method(place, year, typical, of_years, freedom)


def _means(pairs: dict[tuple[str, int], float]) -> _Fit:
    """Return the means of each place and each year, fitted in turn, and what is left about them."""
    places, years = sorted({place for place, _ in pairs}), sorted({year for _, year in pairs})
    grid = np.full((len(places), len(years)), np.nan)
    for (place, year), value in pairs.items():
        grid[places.index(place), years.index(year)] = value
    of_years = np.zeros(len(years))
    for _ in range(ROUNDS):
        of_places = np.nanmean(grid - of_years, axis=1)
        of_years = np.nanmean(grid - of_places[:, None], axis=0)
        of_years -= of_years.mean()
    squares, n = np.nansum((grid - of_places[:, None] - of_years) ** 2, axis=1), np.isfinite(grid).sum(axis=1)
    spare = max(len(pairs) - len(places) - len(years) + 1, 1) / max(len(pairs) - len(places), 1)
    freedom = (n - 1) * spare
    return _Fit(places, years, of_places, of_years, squares / np.maximum(freedom, 1e-9), freedom)


def _usual(fit: _Fit) -> float:
    """Return the usual variance of a year about its place; where each place has one year, as places differ."""
    return float(np.average(fit.variance, weights=fit.freedom) if fit.freedom.any() else fit.of_places.var())


def _freedom(fits: list[_Fit]) -> float:
    """Return the degrees of freedom under which the places' variances are the likeliest.

    Each is a mean over its years, of a variance that differs between places as a scaled inverse chi-squared.
    """
    cells = [(np.maximum(fit.variance / fit.variance.mean(), 1e-3)[fit.freedom > 0], fit.freedom[fit.freedom > 0])
             for fit in fits if fit.variance.any()]  # fmt: skip

    def likelihood(df: float) -> float:
        usual = (df - 2) / df  # the scale under which the mean variance is 1
        return float(sum((_log_f(ratio / usual, f, df) - np.log(usual)).sum() for ratio, f in cells))

    return max(FREEDOMS, key=likelihood)


def _log_f(x: np.ndarray, first: np.ndarray, second: float) -> np.ndarray:
    """Return the log density of the F distribution."""
    ratio = first * x / second
    density: np.ndarray = first / 2 * np.log(ratio) - (first + second) / 2 * np.log1p(ratio) - np.log(x)
    density -= betaln(first / 2, second / 2)
    return density
