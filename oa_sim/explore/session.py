"""Session: the settings of the levers, the scenario they make, and its answer from the compiled law.

It opens a run or a sweep with the tables and posterior that are installed, and saves a setting as a scenario file,
whole or not at all.
"""

import json
import math
import shlex
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
import yaml

import oa_sim
from oa_sim.atomic_write import atomic_file
from oa_sim.compiled import input_cache, simulate
from oa_sim.definitions import GROUPS, MEAN_OF_AREAS, MEASURES, QUANTITIES, academic_year, headline_of
from oa_sim.errors import Refusal, one_of
from oa_sim.explore import views
from oa_sim.formatting import chance, estimate, number, pounds, unit, who
from oa_sim.inference import mcse
from oa_sim.scenario import load, overrides, rules, title_of
from oa_sim.scenario.config_files import CONFIGS, groups
from oa_sim.scenario.schema import ENDINGS, SPLITS, Portfolio, Scenario, Split
from oa_sim.simulation import run_manifest
from oa_sim.simulation.narrative import left_in_words
from oa_sim.simulation.summaries import SMALLEST_CHANGE
from oa_sim.sweep import cases as case_list
from oa_sim.sweep import expand, journal

AS_BEFORE = "as before"  # the choice of what the base has where no file in configs has it
LEVERS = ("split", "portfolio", "ending", "horizon", "total_gbp")
SHOWN = ("place", "measure", "group")
LONGEST_TEXT = 300  # characters of a choice that a page may send


@dataclass(frozen=True, eq=False)
class Base:
    """What the levers start from."""

    scenario: Scenario  # in full, as it was run
    known: input_cache.Known
    portfolios: dict[str, Portfolio]  # by name, the base's own among them
    splits: tuple[str, ...]  # rules to choose from; ``AS_BEFORE`` where the base has shares of its own
    notes: tuple[str, ...] = ()  # what must stand beside every number
    answers: input_cache.Memory = field(default_factory=lambda: input_cache.Memory(32))  # by where the levers stand

    @property
    def portfolio(self) -> str:
        """The name of the base's own portfolio."""
        own = self.scenario.portfolio
        return next(name for name, portfolio in self.portfolios.items() if portfolio == own)

    @property
    def split(self) -> str:
        """The name of the base's own split."""
        return AS_BEFORE if self.scenario.split.rule == "custom" else self.scenario.split.rule


def opened(folder: str | Path) -> Base:
    """Return what a folder of a run or a sweep was made with, of a sweep its first scenario.

    Raises
    ------
    Refusal
        Where the folder holds neither, or the tables or the posterior are others than those installed.
    """
    folder = Path(folder)
    is_sweep = (folder / journal.SWEEP).is_file()
    scenario, made = _of_sweep(folder) if is_sweep else _of_run(folder)
    if scenario.budget.plan is not None:
        raise Refusal(
            f"{folder} was run with budget.plan, which stands for split and portfolio: explore one without it"
        )
    known = input_cache.known(scenario)
    if made["data_hash"] is not None and made["data_hash"] != known.data_hash:
        raise _made_from_another("tables", folder)
    if made["posterior"] not in (None, known.checksum) and not _has_draws(folder, known.posterior):
        raise _made_from_another("posterior", folder)
    is_same = made["code_hash"] == run_manifest.code_hash()
    note = f"{folder.name} was made with other code of oa_sim: the numbers here are of this version."
    splits = tuple(rule for rule in SPLITS if rule != "custom")
    splits = (AS_BEFORE, *splits) if scenario.split.rule == "custom" else splits
    portfolios = _kept_portfolios()
    portfolios = (
        portfolios if scenario.portfolio in portfolios.values() else {AS_BEFORE: scenario.portfolio} | portfolios
    )
    return Base(scenario, known, portfolios, splits, () if is_same else (note,))


def _made_from_another(what: str, folder: Path) -> Refusal:
    return Refusal(f"{folder} was made from another {what} than is installed: run the scenario again")


def _has_draws(folder: Path, posterior: xr.Dataset) -> bool:
    """Return whether a run holds the draws of a posterior.

    Its checksum also covers how the convergence checks of few draws were worded, which another version may change.
    """
    try:
        with xr.open_dataset(folder / "result.nc", group="posterior", engine="h5netcdf") as own:
            return set(own.data_vars) == set(posterior.data_vars) and all(
                np.array_equal(own[name].values, values.values, equal_nan=True) for name, values in posterior.items()
            )
    except (OSError, KeyError, ValueError):
        return False


def _of_run(folder: Path) -> tuple[Scenario, dict]:
    """Return a run's scenario, and what it was made from."""
    file = folder / "run.json"
    try:
        made = json.loads(file.read_text(encoding="utf-8"))
        plain = {"outputs": "outputs"} | made["scenario"]
        return built(plain), {key: made[key] for key in ("data_hash", "posterior", "code_hash")}
    except FileNotFoundError:
        raise Refusal(
            f"{folder} holds neither a run nor a sweep: give the folder that oa-sim run or sweep printed"
        ) from None
    except Refusal:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{file} cannot be read ({type(error).__name__}): run the scenario again") from None


def _of_sweep(folder: Path) -> tuple[Scenario, dict]:
    """Return a sweep's first scenario, and what it was made from; the posterior's file has a checksum of its own."""
    facts, cases = journal.read(folder)
    scenario = load.load_scenario(*case_list.again(facts, cases, 0, expand, iter([0])).overrides(0))
    inside = "inside the package"
    place = str(scenario.posterior or inside)
    if place in facts["posterior"] and case_list.posterior_hash(place) != facts["posterior"][place]:
        raise Refusal(f"{folder} was made from another posterior than is installed: sweep again")
    place = str(scenario.data_folder or inside)
    return scenario, {"data_hash": facts["data_hash"].get(place), "posterior": None, "code_hash": facts["code_hash"]}


def built(plain: dict) -> Scenario:
    """Return the scenario that nested plain values are, as ``dataclasses.asdict`` gave them, or refuse them."""
    try:
        return load.settled(rules.builder(Scenario)(plain))
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"the scenario on record is not whole ({error}): run it again with this version") from None


def _kept_portfolios() -> dict[str, Portfolio]:
    """Return the portfolios of ``configs/portfolio`` by the name of their file."""
    names = [name for name in groups()["portfolio"] if name != "custom"]
    return {name: Portfolio(**_config("portfolio", name)) for name in names}


@cache
def _config(group: str, name: str) -> dict:
    """Return what a choice of a group sets itself."""
    values = yaml.safe_load((CONFIGS / group / f"{name}.yaml").read_text(encoding="utf-8"))
    return {key: value for key, value in values.items() if key != "defaults"}


@cache
def _default(*overrides: str) -> dict:
    """Return the default scenario with choices, in full, as nested plain values."""
    return asdict(load.load_scenario(*overrides))


@dataclass(frozen=True)
class Setting:
    """Where the levers stand, and what is looked at."""

    split: str  # out of the base's ``splits`` and ``portfolios``
    portfolio: str
    ending: str
    horizon: int  # years
    total_gbp: float
    place: str  # an area or the mean of all
    measure: str
    group: str


@dataclass(frozen=True)
class Answer:
    """The answer to a setting."""

    sentences: tuple[str, ...]  # the headline in words
    facts: tuple[tuple[str, str], ...]  # label and text of the figures that matter most
    numbers: dict[str, float]  # impact in the headline's year, with error, and what is left, unrounded
    figures: xr.Dataset  # ``projection``, ``counterfactual``, ``impact`` (year, statistic), ``error`` (quantity, year)
    case: views.Case  # what must stand beside the figures


def start(base: Base) -> Setting:
    """Return the setting that changes nothing of the base."""
    own = base.scenario
    levers = (own.sustainability.ending, own.horizon, own.budget.total_gbp)
    return Setting(base.split, base.portfolio, *levers, MEAN_OF_AREAS, *headline_of(own.measures))


def setting(message: object, base: Base) -> Setting:
    """Return the setting that a page sent; refuse a value that no lever has."""
    if not isinstance(message, dict):
        raise Refusal("the levers could not be read: load the page again")
    choices = {
        "split": base.splits,
        "portfolio": base.portfolios,
        "ending": ENDINGS,
        "place": (*base.scenario.areas.names, MEAN_OF_AREAS),
        "measure": base.scenario.measures,
        "group": GROUPS,
    }
    texts = {name: str(message.get(name))[:LONGEST_TEXT] for name in choices}
    horizon, total_gbp = _number(message, "horizon", "horizon"), _number(message, "total_gbp", "money")
    if horizon != int(horizon):
        raise Refusal(f"horizon is a whole number of years, got {number(horizon, 2)}: type one")
    for name, names in choices.items():
        one_of(name, texts[name], names)
    if texts["group"] not in MEASURES[texts["measure"]].table_groups:
        texts["group"] = "all"  # the only group that every measure has
    return Setting(**texts, horizon=int(horizon), total_gbp=total_gbp)


def _number(message: dict, key: str, name: str) -> float:
    try:
        value = float(message.get(key))
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise Refusal(f"{name} must be a number: type one")
    return value


def scenario(levers: Setting, base: Base, name: str | None = None) -> Scenario:
    """Return the scenario that a setting makes of a base; refuse choices that do not go together."""
    own = base.scenario
    rests_on_nothing = levers.ending == "hand_over" and not any(own.sustainability.principles.values())
    changes = _config("sustainability", "hand_over") if rests_on_nothing else {"ending": levers.ending}
    return replace(
        own,
        name=name or own.name,
        split=own.split if levers.split == AS_BEFORE else Split(levers.split),
        portfolio=base.portfolios[levers.portfolio],
        sustainability=replace(own.sustainability, **changes),
        horizon=levers.horizon,
        budget=replace(own.budget, total_gbp=levers.total_gbp),
    )


def places_and_history(base: Base) -> views.View:
    """Return a view without scenarios: what can be shown, and what is published of it."""
    names, measures, known = base.scenario.areas.names, base.scenario.measures, base.known
    published = known.history.published.sel(area=names, measure=measures)
    published = published.sel(year=published.year < base.scenario.years[0])
    proxy = (("place", "group", "measure"), known.proxy)
    coords = {"place": [*names, MEAN_OF_AREAS], "group": list(GROUPS), "measure": measures}
    figures = xr.Dataset({"proxy": proxy, "history": views.past_of(published)}, coords)
    return views.View([], [], figures, views.breaks_of(known.tables["breaks"], measures))


def answer(levers: Setting, base: Base) -> Answer:
    """Return the answer to a setting; refuse what ``oa-sim run`` would refuse."""
    changed = scenario(levers, base)
    followed, summary = base.answers.get(
        tuple(getattr(levers, name) for name in LEVERS), lambda: _followed_and_summarised(changed)
    )
    shown = summary.sel(place=levers.place, measure=levers.measure, group=levers.group)
    draws, years = simulate.draws(followed, levers.place, levers.measure, levers.group), list(changed.years)
    year = summary.attrs["headline_year"]
    change = draws.impact.sel(year=year).values
    impact = mcse.summarise(change)
    better = mcse.summarise(change < 0 if MEASURES[levers.measure].lower_is_better else change > 0)
    numbers = dict(zip(("mean", "q05", "q95", "error"), impact, strict=True)) | {
        "p_better": better.middle,
        "p_better_error": better.error,
        "money_gbp": float(changed.budget.total_gbp),
        "beside_gbp": float(followed.money.national.sum()),
        **{name: float(shown[name]) for name in simulate.LEFT},
    }
    left = left_in_words(numbers, summary.attrs["n_draws"]) if numbers["p_impact"] > 0 else ()
    by_quantity = draws[list(QUANTITIES)].to_dataarray("quantity").transpose("chain", "draw", "quantity", "year")
    error = views.errors(by_quantity.values, years, year)
    return Answer(
        (_impact(levers, numbers, year, changed.areas.names), _persistence(left)),
        _facts(levers, draws.benefit_per_pound.values, numbers, year, left[0] if left else "no impact"),
        numbers,
        shown[list(QUANTITIES)].sel(statistic=list(views.STATISTICS)).assign(error=(("quantity", "year"), error)),
        _case(base, summary.attrs),
    )


def _followed_and_summarised(changed: Scenario) -> tuple[simulate.Followed, xr.Dataset]:
    followed = simulate.followed(changed)
    return followed, simulate.summarised(followed)


def _case(base: Base, attributes: dict) -> views.Case:
    names = ("verdict", "reason", "n_draws", "to_verify", "last_funded_year")
    return views.Case(
        label=title_of("scenario", base.scenario.name),
        values=(),
        run_id="not saved",
        data_hash=base.known.data_hash,
        version=oa_sim.__version__,
        n_areas=len(base.scenario.areas.names),
        **{name: attributes[name] for name in names},
    )


def _cost(numbers: dict[str, float]) -> str:
    national = numbers["beside_gbp"]
    return pounds(numbers["money_gbp"]) + (f", plus {pounds(national)} from national programmes" if national else "")


def _impact(levers: Setting, numbers: dict[str, float], year: int, areas: list[str]) -> str:
    """Return the impact in the headline's year as two sentences."""
    where = f"averaged over {len(areas)} areas" if len(areas) > 1 else f"in {areas[0]}"
    where = where if levers.place == MEAN_OF_AREAS else f"in {levers.place}"
    cost, measure, when = _cost(numbers), who(levers.measure, levers.group), academic_year(year)
    mean, low, high, error = (numbers[name] for name in ("mean", "q05", "q95", "error"))
    if max(abs(mean), abs(low), abs(high)) <= SMALLEST_CHANGE:
        return f"{cost} does not change {measure} in {when}, {where}."
    ends = (mean, low, high) if mean >= 0 else (-mean, -high, -low)
    size = estimate(*ends, error, unit=unit(levers.measure))
    return (
        f"{cost}{',' * (', plus' in cost)} is expected to {'raise' if mean >= 0 else 'lower'} {measure} in {when} by "
        f"{size}, {where}. Probability of any improvement: {chance(numbers['p_better'], numbers['p_better_error'])}."
    )


def _persistence(left: tuple[str, ...]) -> str:
    """Return what remains after funding ends, as sentences."""
    if not left:
        return "The impact is too small to say how much of it remains after funding ends."
    five, ten, half = left
    return (
        f"Five years after funding ends, {five} of the peak impact remains. After ten years, {ten} remains. "
        f"Probability that at least half remains after five years: {half}."
    )


def _facts(
    levers: Setting, ratio: np.ndarray, numbers: dict[str, float], year: int, remains: str
) -> tuple[tuple[str, str], ...]:
    """Return the figures that matter most, each with its label; ``ratio`` is the draws of benefit per pound."""
    has_impact = numbers["p_impact"] > 0
    probability = chance(numbers["p_better"], numbers["p_better_error"]) if has_impact else "no impact"
    is_claimed = np.isfinite(ratio).all()
    benefit = estimate(*mcse.summarise(ratio), unit="GBP") if is_claimed else "none is claimed in pounds"
    impact = estimate(*(numbers[name] for name in ("mean", "q05", "q95", "error")), unit=unit(levers.measure))
    return (
        (f"Impact in {academic_year(year)}", impact),
        ("Probability of improvement", probability),
        ("Remaining after five years", remains),
        ("Cost", _cost(numbers)),
        ("Lifetime earnings per £1, all areas", benefit),
    )


def save(levers: Setting, base: Base, name: str, folder: Path, *, over: bool = False) -> tuple[Path, str]:
    """Write a setting as a scenario file into a folder, read it back, and return its path and the command that runs it.

    Raises
    ------
    Refusal
        For a name that no scenario may have, a file that is there, and what no file can say.
    """
    made = scenario(levers, base, _name(name))
    path = folder / f"{made.name}.yaml"
    if path.exists() and not over:
        raise Refusal(f"{path.name} is there already: choose another name, or tick the box that replaces it")
    portfolios = [name for name, portfolio in _kept_portfolios().items() if portfolio == made.portfolio]
    choices: dict[str, object] = {"split": made.split.rule, "portfolio": next(iter(portfolios), "custom")}
    words = [f"{group}={choice}" for group, choice in choices.items() if choice != "custom"]
    if set(made.interventions) != set(_default()["interventions"]):
        choices["intervention"] = list(made.interventions)
    command = f"oa-sim run {shlex.quote(f'scenario={path}')}"
    text = overrides.scenario_file_text(asdict(made), _default(*words), choices, str(path))
    try:
        with atomic_file(path, ".yaml") as part:
            part.write_text(text, encoding="utf-8")
            again = load.load_scenario(f"scenario={part}")
            if asdict(replace(again, outputs=made.outputs)) != asdict(made):
                raise Refusal(
                    "the base has values that a scenario file cannot say: change the base with typed overrides"
                )
    except OSError as error:
        raise Refusal(f"{path} cannot be written ({error.strerror or error}): start with another outputs=") from None
    return path, command


def _name(name: str) -> str:
    """Return a name that a scenario may have; the rule is the scenario's own, but never a path."""
    if not name.isascii() or not all(letter.isalnum() or letter in "-_" for letter in name) or not 0 < len(name) < 65:
        raise Refusal("name must be 1 to 64 letters, digits, - and _, since a file bears it: change it")
    return name
