"""Reported statistic: the one table of figures that all outputs print, so that a number reads the same everywhere.

A figure is formed once, from draws, with its words; Word, PowerPoint, Excel, HTML, CSV and JSON only copy them.
"""

from dataclasses import dataclass, replace

import numpy as np

from oa_sim import formatting
from oa_sim.definitions import ALL_AREAS
from oa_sim.formatting import MINUS
from oa_sim.inference import mcse
from oa_sim.report.sanitise import harmless

NO_MARK = "none"
PROXY, VERIFY, FAILED = "county proxy", "rests on figures to verify", "FAIL"
SIGNS = {"\N{DAGGER}": PROXY, "\N{DOUBLE DAGGER}": VERIFY, " [FAIL]": FAILED}


@dataclass(frozen=True)
class Origin:
    """What a figure can be traced to.

    Attributes
    ----------
    scenario
        Its label, marked where gates failed.
    run_id, draws, data_hash, version
        Of the run; the checksum of the posterior; of the tables; of oa_sim.
    n_draws
        How many.
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

    Attributes
    ----------
    figure
        Its name, the same in every format: quantity/measure/group/area/year.
    label
        What it is, in words.
    value, lower, upper
        Mean (of a price the median) and the ends of the 90% interval; all three the same where nothing is uncertain.
    text, interval
        The value and its interval as they are printed; the interval is empty where nothing is uncertain.
    unit, price_base
        Of the value; ``none`` where it is no money.
    error
        Monte Carlo standard error of the value, in its unit; digits stop where it begins.
    marks
        What must stand beside it: ``county proxy``, ``to verify``, ``FAIL``; ``none``.
    shown_in
        The packs that print it: ``brief``, ``workbook``.
    origin
        What it can be traced to.
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
        said = f"{self.text} (90% interval {self.interval})" if self.interval else self.text
        return f"{said}{self.mark}"

    @property
    def in_cell(self) -> str:
        """The figure and its marks, as they stand in a cell of a table."""
        return f"{self.text}{self.mark}"

    @property
    def mark(self) -> str:
        """The marks as signs, or nothing; ``SIGNS`` says what they mean."""
        return "".join(sign for sign, meaning in SIGNS.items() if meaning in self.marks)


@dataclass(frozen=True)
class About:
    """What a figure is of, before it has a value; see ``Published``."""

    quantity: str
    label: str
    unit: str
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


def of_draws(about: About, draws: np.ndarray, origin: Origin, *, as_median: bool = False) -> Published:
    """Return a figure from its draws.

    Parameters
    ----------
    about
        What it is of.
    draws : array (chain, draw)
        In the unit of ``about``.
    origin
        What it can be traced to.
    as_median
        Whether the middle is the median, as of a price, which may have no mean.
    """
    middle, low, high, error = mcse.summarise(draws, as_median=as_median)
    return of_summary(about, (middle, low, high), error, origin)


def of_summary(about: About, band: tuple[float, float, float], error: float, origin: Origin) -> Published:
    """Return a figure from its middle and the ends of its 90% interval.

    Parameters
    ----------
    about
        What it is of.
    band
        Middle, lower and upper end.
    error
        Monte Carlo standard error of the middle.
    origin
        What it can be traced to.
    """
    middle, low, high = band
    unit = "GBP" if about.unit == "GBP" else ""  # other units stand behind the figure
    text, _, ends = formatting.estimate(middle, low, high, error, unit=unit).partition(" (90% interval ")
    interval = ends.removesuffix(")") if np.isfinite(low) and high > low else ""
    return _formed(about, (middle, low, high), (text, interval), error, origin)


def of_chance(about: About, happens: np.ndarray, origin: Origin) -> Published:
    """Return a probability from the draws in which it happens (chain, draw), or from a share with its own error."""
    values = np.asarray(happens, dtype=float)
    share, error = float(values.mean()), mcse.error_of_mean(values)
    return of_share(replace(about, unit="probability"), share, error, origin)


def of_share(about: About, share: float, error: float, origin: Origin) -> Published:
    """Return a probability or a share that is known with a Monte Carlo error only, as people say it."""
    text = formatting.chance(share, error) if np.isfinite(share) else "none"
    return _formed(about, (share, share, share), (text, ""), error, origin)


def of_shares(about: About, band: tuple[float, float, float], error: float, origin: Origin) -> Published:
    """Return a share with its 90% interval, in whole per cent."""
    middle, _, ends = formatting.share_estimate(*band, error).partition(" (90% interval ")
    return _formed(about, band, (middle, ends.removesuffix(")")), error, origin)


def of_money(about: About, gbp: float, origin: Origin) -> Published:
    """Return a sum of money as people say it; its value is exact to the pound."""
    return _formed(replace(about, unit="GBP"), (gbp, gbp, gbp), (formatting.pounds(gbp), ""), 0.0, origin)


def of_count(about: About, count: int, origin: Origin) -> Published:
    """Return a count, exact."""
    return _formed(about, (float(count),) * 3, (f"{count:,}", ""), 0.0, origin)


def of_number(about: About, value: float, origin: Origin) -> Published:
    """Return a number whose error is not known: pounds and thousands whole, others in four digits."""
    whole = about.unit == "GBP" or abs(value) >= 1000
    text = (f"{value:,.0f}" if whole else f"{value:.4g}").replace("-", MINUS) if np.isfinite(value) else "none"
    text = formatting.with_unit(text, "GBP") if about.unit == "GBP" and np.isfinite(value) else text
    return _formed(about, (value, value, value), (text, ""), 0.0, origin)


def as_said(about: About, value: float, text: str, origin: Origin) -> Published:
    """Return a number that a ready sentence says, in the digits in which it says it."""
    return _formed(about, (float(value),) * 3, (text, ""), 0.0, origin)


def _formed(about: About, band: tuple, words: tuple[str, str], error: float, origin: Origin) -> Published:
    marks = dict.fromkeys([*about.marks, *([FAILED] if "[FAIL]" in origin.scenario else [])])
    return Published(
        about.figure, about.label, about.quantity, about.measure, about.group, about.area, about.year,
        band[0], words[0], band[1], band[2], words[1], about.unit, about.price_base, float(error),
        "; ".join(marks) or NO_MARK, about.shown_in, origin,
    )  # fmt: skip
