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
from oa_sim.formatting import estimate, number, unit
from oa_sim.inference import mcse
from oa_sim.inputs import areas
from oa_sim.scenario import load, overrides, rules, title_of
from oa_sim.scenario.config_files import CONFIGS, groups
from oa_sim.scenario.schema import ENDINGS, SPLITS, Portfolio, Scenario, Split
from oa_sim.simulation import narrative, run_manifest
from oa_sim.sweep import cases as case_list
from oa_sim.sweep import journal

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


def opened(folder: str | Path) -> Base:
    """Return what a folder of a run or a sweep was made with, of a sweep its first scenario.

    A folder that holds neither is refused, and one made from other tables or another posterior than those installed.
    """
    folder = Path(folder)
    is_sweep = (folder / journal.SWEEP).is_file()
    scenario, made = _of_sweep(folder) if is_sweep else _of_run(folder)
    if scenario.budget.plan is not None:
        reason = "which stands for split and portfolio: explore one without it"
        raise Refusal(f"{folder} was run with budget.plan, {reason}")
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
    if scenario.portfolio not in portfolios.values():
        portfolios = {AS_BEFORE: scenario.portfolio} | portfolios
    return Base(scenario, known, portfolios, splits, () if is_same else (note,))


def _made_from_another(part: str, folder: Path) -> Refusal:
    return Refusal(f"{folder} was not made from the {part} installed here: run the scenario again")


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
        scenario = rules.builder(Scenario)({"outputs": "outputs"} | made["scenario"])
        return load.settled(scenario), {key: made[key] for key in ("data_hash", "posterior", "code_hash")}
    except FileNotFoundError:
        remedy = "give the folder that oa-sim run or sweep printed"
        raise Refusal(f"{folder} holds neither a run nor a sweep: {remedy}") from None
    except Refusal:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"{file} cannot be read ({type(error).__name__}): run the scenario again") from None


def _of_sweep(folder: Path) -> tuple[Scenario, dict]:
    """Return a sweep's first scenario, and what it was made from; the posterior's file has a checksum of its own."""
    facts, cases = journal.read(folder)
    scenario = load.load_scenario(*case_list.again(facts, cases, 0, iter([0])).overrides(0))
    inside = "inside the package"
    place = str(scenario.posterior or inside)
    if place in facts["posterior"] and case_list.posterior_hash(place) != facts["posterior"][place]:
        raise Refusal(f"{folder} was not made from the posterior installed here: sweep again")
    place = str(scenario.data_folder or inside)
    return scenario, {"data_hash": facts["data_hash"].get(place), "posterior": None, "code_hash": facts["code_hash"]}


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
    figures: xr.Dataset  # ``projection``, ``counterfactual``, ``impact`` (year, statistic), ``error`` (quantity, year)
    case: views.Case  # what must stand beside the figures


def start(base: Base) -> Setting:
    """Return the setting that changes nothing of the base."""
    own = base.scenario
    split = AS_BEFORE if own.split.rule == "custom" else own.split.rule
    portfolio = next(name for name, portfolio in base.portfolios.items() if portfolio == own.portfolio)
    levers = (split, portfolio, own.sustainability.ending, own.horizon, own.budget.total_gbp)
    return Setting(*levers, MEAN_OF_AREAS, *headline_of(own.measures))


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
    record = known.history.sel(area=names, measure=measures, year=known.history.year < base.scenario.years[0])
    kinds = {name: (("place", "group", "measure"), kind) for name, kind in known.kinds.items()}
    coords = {"place": [*names, MEAN_OF_AREAS], "group": list(GROUPS), "measure": measures}
    figures = xr.Dataset(kinds | {"history": views.past_of(areas.past(record))}, coords)
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
    left, n_draws = {name: float(shown[name]) for name in simulate.LEFT}, summary.attrs["n_draws"]
    lasts, has_impact = narrative.persistence(left, n_draws), left["p_impact"] > 0
    remains = narrative.left_in_words(left, n_draws)[0] if has_impact else "no impact"
    names, national = changed.areas.names, float(followed.money.national.sum())
    where = narrative.mean_place(names) if levers.place == MEAN_OF_AREAS else f"in {levers.place}"
    cost = narrative.funding_in_words(changed.budget.total_gbp, national)
    ratio = draws.benefit_per_pound.values
    is_claimed = np.isfinite(ratio).all()
    benefit = estimate(*mcse.summarise(ratio), unit="GBP") if is_claimed else "none is claimed in pounds"
    by_quantity = draws[list(QUANTITIES)].to_dataarray("quantity").transpose("chain", "draw", "quantity", "year")
    error = views.errors(by_quantity.values, years, year)
    return Answer(
        (narrative.expected_change(cost, change, levers.measure, levers.group, year, where), lasts),
        (
            (f"Impact in {academic_year(year)}", estimate(*mcse.summarise(change), unit=unit(levers.measure))),
            ("Probability of improvement", narrative.better(change, levers.measure) if has_impact else "no impact"),
            ("Remaining after five years", remains),
            ("Cost", cost.rstrip(",")),
            ("Lifetime earnings per £1, all areas", benefit),
        ),
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


def save(levers: Setting, base: Base, name: str, folder: Path, *, over: bool = False) -> tuple[Path, str]:
    """Write a setting as a scenario file into a folder, read it back, and return its path and the command that runs it.

    A name that no scenario may have is refused, and so are a file that is there, and what no file can say.
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
