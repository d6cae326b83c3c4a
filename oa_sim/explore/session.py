"""Live: a setting of a few levers, the scenario it makes, and its answer from the kernel of the sweeps."""

import math
from dataclasses import asdict, dataclass, replace

import xarray as xr

from oa_sim.compiled import input_cache, simulate
from oa_sim.definitions import GROUPS, MEASURES, academic_year, headline_of, percent
from oa_sim.errors import Refusal, one_of
from oa_sim.explore import fan_svg, live_base
from oa_sim.explore.live_base import AS_BEFORE, Base
from oa_sim.formatting import chance, pounds, spelled, unit, who
from oa_sim.programme import budget, review
from oa_sim.scenario.schema import ENDINGS, Scenario, Split

SMALLEST_CHANGE = 1e-4  # in a measure's unit, as in words
LEVERS = ("split", "portfolio", "ending", "horizon", "total_gbp")
SHOWN = ("place", "measure", "group")


@dataclass(frozen=True)
class Setting:
    """Where the levers stand, and what is looked at.

    Attributes
    ----------
    split, portfolio
        Names out of the base's ``splits`` and ``portfolios``.
    ending
        ``sustainability.ending``.
    horizon
        Years projected.
    total_gbp
        All the money, GBP.
    place, measure, group
        An area or the mean of all, and the figure that is shown.
    """

    split: str
    portfolio: str
    ending: str
    horizon: int
    total_gbp: float
    place: str
    measure: str
    group: str


@dataclass(frozen=True)
class View:
    """The answer to a setting.

    Attributes
    ----------
    picture
        History, future and impact as inline SVG.
    sentences
        The headline in words, the first of all.
    facts
        Label and text of the figures that matter most.
    rows
        Text of each year: without the programme, with it, impact.
    warnings
        What must stand beside the numbers.
    numbers
        Impact in the reading year and what is left, unrounded.
    """

    picture: str
    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, str, str, str], ...]
    warnings: tuple[str, ...]
    numbers: dict[str, float]


def start(base: Base) -> Setting:
    """Return the setting that changes nothing of the base."""
    own = base.scenario
    measure, group = headline_of(own.measures)
    return Setting(
        base.split,
        base.portfolio,
        own.sustainability.ending,
        own.horizon,
        own.budget.total_gbp,
        simulate.MEAN,
        measure,
        group,
    )


def setting(told: object, base: Base) -> Setting:
    """Return the setting that a page told, each value looked at before it is used.

    Raises
    ------
    Refusal
        For a value that no lever has.
    """
    if not isinstance(told, dict):
        raise Refusal("the levers could not be read: load the page again")
    names = ("split", "portfolio", "ending", *SHOWN)
    texts = {name: str(told.get(name))[:300] for name in names}
    numbers = {}
    for name in ("horizon", "total_gbp"):
        try:
            numbers[name] = float(told.get(name))
        except (TypeError, ValueError):
            numbers[name] = math.nan
        if not math.isfinite(numbers[name]):
            raise Refusal(f"{'horizon' if name == 'horizon' else 'money'} must be a number: type one")
    if numbers["horizon"] != int(numbers["horizon"]):
        raise Refusal(f"horizon is a whole number of years, got {numbers['horizon']:g}: type one")
    one_of("split", texts["split"], base.splits)
    one_of("portfolio", texts["portfolio"], base.portfolios)
    one_of("ending", texts["ending"], ENDINGS)
    one_of("place", texts["place"], (*base.scenario.areas.names, simulate.MEAN))
    one_of("measure", texts["measure"], base.scenario.measures)
    one_of("group", texts["group"], GROUPS)
    if texts["group"] not in MEASURES[texts["measure"]].table_groups:
        texts["group"] = "all"  # the only group that every measure has
    return Setting(**texts, horizon=int(numbers["horizon"]), total_gbp=numbers["total_gbp"])


def scenario(asked: Setting, base: Base, name: str | None = None) -> Scenario:
    """Return the scenario that a setting makes of a base.

    Raises
    ------
    Refusal
        Where the choices do not go together.
    """
    own = base.scenario
    lasting = asdict(own.sustainability)["principles"] if own.sustainability.principles else {}
    if asked.ending == "hand_over" and not any(lasting.values()):
        ending = replace(own.sustainability, **live_base.hand_over())
    else:
        ending = replace(own.sustainability, ending=asked.ending)
    return replace(
        own,
        name=name or own.name,
        split=own.split if asked.split == AS_BEFORE else Split(asked.split),
        portfolio=base.portfolios[asked.portfolio],
        sustainability=ending,
        horizon=asked.horizon,
        budget=replace(own.budget, total_gbp=asked.total_gbp),
    )


def view(asked: Setting, base: Base) -> View:
    """Return the answer to a setting.

    Raises
    ------
    Refusal
        Where ``oa-sim run`` would refuse the scenario.
    """
    made = scenario(asked, base)
    found, money, beside = answered(asked, made, base)
    at = {"place": asked.place, "measure": asked.measure, "group": asked.group}
    shown = found.sel(at)
    reading = found.attrs["headline_year"]
    numbers = {name: float(shown.impact.sel(year=reading, statistic=name)) for name in ("mean", "q05", "q95")}
    numbers["p_better"] = float(shown.p_better.sel(year=reading))
    numbers |= {name: float(shown[name]) for name in simulate.LEFT}
    numbers |= {"money_gbp": money, "beside_gbp": beside}
    where = _where(asked, made)
    sentences = (_impact(asked, numbers, reading, where), _lasts(asked, numbers))
    picture = fan_svg.fan(
        shown, base.known.history, asked, made.areas.names, where, found.attrs["last_funded_year"], bool(money)
    )
    return View(
        picture, sentences, _facts(asked, found, numbers, reading), _rows(shown), _warnings(base, found, shown), numbers
    )


def answered(asked: Setting, made: Scenario, base: Base) -> tuple[xr.Dataset, float, float]:
    """Return a scenario's summaries, its budget and the national programmes beside it, GBP; kept by the levers."""

    def make() -> tuple[xr.Dataset, float, float]:
        known = base.known
        money = budget.allocate(made, known.pupils, known.tables)
        money = review.review(made, money, input_cache.programme(made, known).drawn)
        return simulate.summary(made), float(made.budget.total_gbp), float(money.national.sum())

    return base.answers.get(tuple(getattr(asked, name) for name in LEVERS), make)


def _where(asked: Setting, made: Scenario) -> str:
    names = made.areas.names
    if asked.place != simulate.MEAN:
        return f"in {asked.place}"
    return f"in {names[0]}" if len(names) == 1 else f"in the mean of {len(names)} areas"


def _impact(asked: Setting, numbers: dict, year: int, where: str) -> str:
    """Return the impact in the words of ``oa-sim run``."""
    paid = pounds(numbers["money_gbp"])
    if numbers["beside_gbp"]:
        paid += f" and {pounds(numbers['beside_gbp'])} of national programmes beside it"
    about, when = who(asked.measure, asked.group), academic_year(year)
    mean, low, high = (numbers[name] for name in ("mean", "q05", "q95"))
    if max(abs(mean), abs(low), abs(high)) <= SMALLEST_CHANGE:
        return f"With {paid}, {about} in {when} does not change {where}."
    side = "above" if mean >= 0 else "below"
    size = spelled(mean, low, high) if mean >= 0 else spelled(-mean, -high, -low)
    return (
        f"With {paid}, {about} in {when} is expected to be {size} {unit(asked.measure)} {side} what would have "
        f"happened anyway, {where}; the chance that it is better at all is {chance(numbers['p_better'])}."
    )


def _lasts(asked: Setting, numbers: dict) -> str:
    if not numbers["p_impact"] > 0:
        return "The impact is too small to say what of it lasts."
    five, low, high, later = (percent(numbers[f"left_{name}"]) for name in ("5y", "5y_q05", "5y_q95", "10y"))
    of = "90 % in the average area" if asked.place == simulate.MEAN else "90 %"
    return (
        f"Of the peak of {who(asked.measure, asked.group)}, {five} is still to be seen five years after the money ends "
        f"({of}: {low} to {high}) and {later} after ten; the chance that at least half is left after five is "
        f"{chance(numbers['p_half_left_5y'])}."
    )


def _facts(asked: Setting, found: xr.Dataset, numbers: dict, year: int) -> tuple[tuple[str, str], ...]:
    """Return the figures that matter most, each with its label."""
    left = "no impact to keep"
    if numbers["p_impact"] > 0:
        left = "{} (90 %: {} to {})".format(*(percent(numbers[f"left_5y{end}"]) for end in ("", "_q05", "_q95")))
    ratio = [float(found[f"benefit_per_pound_{name}"]) for name in ("mean", "q05", "q95")]
    bought = f"{spelled(*ratio)} pounds" if all(map(math.isfinite, ratio)) else "no benefit in pounds is claimed"
    cost = pounds(numbers["money_gbp"])
    if numbers["beside_gbp"]:
        cost += f", and {pounds(numbers['beside_gbp'])} of national programmes beside it"
    return (
        (
            f"Impact in {academic_year(year)}",
            f"{spelled(*(numbers[n] for n in ('mean', 'q05', 'q95')))} {unit(asked.measure)}",
        ),
        ("Chance that it is better", chance(numbers["p_better"]) if numbers["p_impact"] > 0 else "no impact"),
        ("Left of the peak after five years", left),
        ("Cost", cost),
        ("Lifetime earnings for a pound, all areas", bought),
    )


def _rows(shown: xr.Dataset) -> tuple[tuple[str, str, str, str], ...]:
    """Return the text of each year."""
    names = ("counterfactual", "projection", "impact")
    bands = [shown[name].sel(statistic=["mean", "q05", "q95"]).transpose("year", "statistic").values for name in names]
    years = shown.year.values.tolist()
    return tuple((academic_year(year), *(spelled(*band[i].tolist()) for band in bands)) for i, year in enumerate(years))


def _warnings(base: Base, found: xr.Dataset, shown: xr.Dataset) -> tuple[str, ...]:
    """Return what must stand beside the numbers."""
    said = list(base.notes)
    if found.attrs["verdict"] != "PASS":
        said.append(f"{found.attrs['verdict']}: {found.attrs['reason']}.")
    if int(shown.proxy):
        said.append(
            "County proxy: what is published of a county stands in for one of its districts, or for some of them."
        )
    if found.attrs["to_verify"]:
        said.append(f"To verify: {found.attrs['to_verify']} of the sources are recalled and not yet checked.")
    return tuple(said)
