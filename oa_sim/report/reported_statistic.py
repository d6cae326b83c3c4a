"""Reported statistic: the one table of figures that all outputs print, so that a number reads the same everywhere.

A figure is formed once, from draws, with its words; Word, PowerPoint, Excel, HTML, CSV and JSON only copy them.
"""

from dataclasses import dataclass, replace

import numpy as np

from oa_sim import formatting
from oa_sim.definitions import ALL_AREAS
from oa_sim.inference import mcse
from oa_sim.report.sanitise import harmless

NO_MARK = "none"
PROXY, OWN, VERIFY, FAILED = "county proxy", "own estimate", "rests on figures to verify", "FAIL"
Band = tuple[float, float, float]  # middle, lower and upper end of the 90% interval
SIGNS = {"\N{DAGGER}": PROXY, "\N{SECTION SIGN}": OWN, "\N{DOUBLE DAGGER}": VERIFY, " [FAIL]": FAILED}


@dataclass(frozen=True)
class Origin:
    """What a figure can be traced to.

    The scenario's label, marked where gates failed; the run; checksums of the posterior and of the tables; the version
    of oa_sim; how many draws.
    """

    scenario: str
    run_id: str
    draws: str
    data_hash: str
    version: str
    n_draws: int


@dataclass(frozen=True)
class Published:
    """One figure as it is published.

    ``figure`` is its name, the same in every format: quantity/measure/group/area/year. ``value`` is the mean (of a
    price the median), ``lower`` and ``upper`` are the ends of the 90% interval, all three the same where nothing is
    uncertain; ``text`` and ``interval`` are what is printed of them, the interval empty where nothing is uncertain. The
    ``unit`` is as programs know it (``GBP``). The digits stop where ``error`` begins, the Monte Carlo standard error of
    the value in its unit. ``marks`` must stand beside it: ``county proxy``, ``own estimate``, ``to verify``, ``FAIL``,
    or ``none``; ``shown_in`` has the packs that print it: ``brief``, ``workbook``.
    """

    figure: str
    label: str
    quantity: str
    measure: str
    group: str
    area: str
    year: int
    value: float
    text: str
    lower: float
    upper: float
    interval: str
    unit: str
    price_base: str
    error: float
    marks: str
    shown_in: str
    origin: Origin

    @property
    def whole(self) -> str:
        """The figure with its interval, its unit and its marks, as it stands in a sentence."""
        return f"{self.text} (90% interval {self.interval}){self.mark}" if self.interval else self.in_cell

    @property
    def in_cell(self) -> str:
        """The figure and its marks, as they stand in a cell of a table."""
        return f"{self.text}{self.mark}"

    @property
    def mark(self) -> str:
        """The marks as signs, or nothing; ``SIGNS`` says what they mean."""
        return "".join(sign for sign, meaning in SIGNS.items() if meaning in self.marks)

    @property
    def printed_unit(self) -> str:
        """The unit as people read it."""
        return self.unit.replace("GBP / GBP", "£ for each £1").replace("GBP", "£")


@dataclass(frozen=True)
class About:
    """What a figure is of, before it has a value; see ``Published``."""

    quantity: str
    label: str
    unit: str = ""
    measure: str = "none"
    group: str = "none"
    area: str = ALL_AREAS
    year: int = 0
    price_base: str = "none"
    marks: tuple[str, ...] = ()
    shown_in: str = "brief"

    @property
    def figure(self) -> str:
        """The figure's name."""
        parts = (self.quantity, self.measure, self.group, self.area, str(self.year) if self.year else "")
        return harmless("/".join(part for part in parts if part and part != "none"))

    def named(
        self, quantity: str, label: str, unit: str = "", *, year: int | None = None, price_base: str = "none"
    ) -> "About":
        """Return what a figure of the same place is of."""
        year = self.year if year is None else year
        return replace(self, quantity=quantity, label=label, unit=unit, year=year, price_base=price_base)


def of_draws(about: About, draws: np.ndarray, origin: Origin, *, as_median: bool = False) -> Published:
    """Return a figure from its draws (chain, draw), in the unit of ``about``.

    With ``as_median`` the middle is the median, as of a price, which may have no mean.
    """
    middle, low, high, error = mcse.summarise(draws, as_median=as_median)
    return of_summary(about, (middle, low, high), error, origin)


def of_summary(about: About, band: Band, error: float, origin: Origin) -> Published:
    """Return a figure from its middle and the ends of its 90% interval, and the Monte Carlo error of the middle."""
    middle, low, high = band
    unit = "GBP" if about.unit == "GBP" else ""  # other units stand behind the figure
    text, _, ends = formatting.estimate(middle, low, high, error, unit=unit).partition(" (90% interval ")
    interval = ends.removesuffix(")") if np.isfinite(low) and high > low else ""
    return _formed(about, band, (text, interval), error, origin)


def of_chance(about: About, happens: np.ndarray, origin: Origin) -> Published:
    """Return a probability from the draws in which it happens (chain, draw)."""
    values = np.asarray(happens, dtype=float)
    return of_share(about, float(values.mean()), float(mcse.error_of_mean(values)), origin)


def of_share(about: About, share: float, error: float, origin: Origin) -> Published:
    """Return a probability that is known with a Monte Carlo error only, as people say it."""
    text = formatting.chance(share, error) if np.isfinite(share) else "none"
    return _formed(replace(about, unit="probability"), (share,) * 3, (text, ""), error, origin)


def error_of_share(share: float, n_draws: int) -> float:
    """Return the Monte Carlo error of a share of independent draws."""
    return float(np.sqrt(max(share * (1 - share), 0.0)) * (1 / np.sqrt(max(n_draws, 1))))


def error_of_band(band: Band, n_draws: int) -> float:
    """Return the Monte Carlo error of a mean of which only the 90% interval is known, as of a normal."""
    return float((band[2] - band[1]) / 3.29 * (1 / np.sqrt(max(n_draws, 1))))


def of_shares(about: About, band: Band, error: float, origin: Origin) -> Published:
    """Return a share with its 90% interval, in whole per cent."""
    middle, _, ends = formatting.share_estimate(*band, error).partition(" (90% interval ")
    return _formed(replace(about, unit="share"), band, (middle, ends.removesuffix(")")), error, origin)


def of_money(about: About, gbp: float, origin: Origin) -> Published:
    """Return a sum of money as people say it; its value is exact to the pound."""
    return _formed(replace(about, unit="GBP"), (gbp,) * 3, (formatting.pounds(gbp), ""), 0.0, origin)


def of_number(about: About, value: float, origin: Origin) -> Published:
    """Return a number whose error is not known: pounds and thousands whole, others in four digits."""
    is_whole = about.unit == "GBP" or abs(value) >= 1000
    text = formatting.number(value, 0) if is_whole else short_number(value, 4)
    text = formatting.with_unit(text, "GBP") if about.unit == "GBP" else text
    return as_said(about, value, text if np.isfinite(value) else "none", origin)


def short_number(value: float, digits: int) -> str:
    """Return a number in so many significant digits, without noughts at its end; a very small one as a power of ten."""
    if 0 < abs(value) < 1e-4:
        return f"{value:.{digits}g}".replace("-", formatting.MINUS)
    text = formatting.significant(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def as_said(about: About, value: float, text: str, origin: Origin) -> Published:
    """Return a number that is exact, or that a ready sentence says, in the digits in which it is said."""
    return _formed(about, (float(value),) * 3, (text, ""), 0.0, origin)


def _formed(about: About, band: Band, words: tuple[str, str], error: float, origin: Origin) -> Published:
    marks = dict.fromkeys([*about.marks, *([FAILED] if "[FAIL]" in origin.scenario else [])])
    return Published(
        about.figure, about.label, about.quantity, about.measure, about.group, about.area, about.year,
        band[0], words[0], band[1], band[2], words[1], about.unit, about.price_base, float(error),
        "; ".join(marks) or NO_MARK, about.shown_in, origin,
    )  # fmt: skip
