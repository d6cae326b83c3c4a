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
from oa_sim.definitions import GROUPS, MEAN_OF_AREAS, MEASURES, QUANTITIES, academic_year, headline_of, percent
from oa_sim.errors import Refusal, one_of
from oa_sim.explore import views
from oa_sim.formatting import chance, estimate, pounds, unit, who
from oa_sim.programme import budget
from oa_sim.scenario import load, overrides, rules
from oa_sim.scenario.config_files import CONFIGS, groups
from oa_sim.scenario.schema import ENDINGS, SPLITS, Portfolio, Scenario, Split
from oa_sim.simulation import run_manifest
from oa_sim.sweep import cases as case_list
from oa_sim.sweep import journal

AS_BEFORE = "as before"  # the choice of what the base has where no file in configs has it
SMALLEST_CHANGE = 1e-4  # in a measure's unit, as in words
LEVERS = ("split", "portfolio", "ending", "horizon", "total_gbp")
SHOWN = ("place", "measure", "group")


@dataclass(frozen=True, eq=False)
class Base:
    """What the levers start from.

    Attributes
    ----------
    scenario
        In full, as it was run.
    known
        What the tables and the posterior say.
    portfolios
        Name to portfolio, the base's own among them.
    splits
        The rules that money may be split by; ``as before`` where the base has shares of its own.
    notes
        Sentences that must be said beside every number: other code.
    answers
        The last summaries, by where the levers stand.
    """

    scenario: Scenario
    known: input_cache.Known
    portfolios: dict[str, Portfolio]
    splits: tuple[str, ...]
    notes: tuple[str, ...] = ()
    answers: input_cache.Memory = field(default_factory=lambda: input_cache.Memory(32))

    @property
    def portfolio(self) -> str:
        """The name of the base's own portfolio."""
        own = self.scenario.portfolio
        return next(name for name, one in self.portfolios.items() if one == own)

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
    if (folder / journal.SWEEP).is_file():
        scenario, made = _of_sweep(folder)
    else:
        scenario, made = _of_run(folder)
    if scenario.budget.plan is not None:
        raise Refusal(
            f"{folder} was run with budget.plan, which stands for split and portfolio: explore one without it"
        )
    known = input_cache.known(scenario)
    if made["data_hash"] is not None and made["data_hash"] != known.data_hash:
        raise _made_from_another("tables", folder)
    if made["posterior"] not in (None, known.checksum) and not _has_draws(folder, known.posterior):
        raise _made_from_another("posterior", folder)
    same = made["code_hash"] == run_manifest.code_hash()
    notes = (
        () if same else (f"{folder.name} was made with other code of oa_sim: the numbers here are of this version.",)
    )
    return Base(scenario, known, _portfolios(scenario.portfolio), _splits(scenario), notes)


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
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, Refusal):
            raise
        raise Refusal(f"{file} cannot be read ({type(error).__name__}): run the scenario again") from None


def _of_sweep(folder: Path) -> tuple[Scenario, dict]:
    """Return a sweep's first scenario, and what it was made from; the posterior's file has a checksum of its own."""
    about, cases = journal.read(folder)
    found = case_list.again(about, cases, 0, iter([0]))
    scenario = load.load_scenario(*found.overrides(0))
    inside = "inside the package"
    place = str(scenario.posterior or inside)
    if place in about["posterior"] and case_list.posterior_hash(place) != about["posterior"][place]:
        raise Refusal(f"{folder} was made from another posterior than is installed: sweep again")
    place = str(scenario.data_folder or inside)
    return scenario, {"data_hash": about["data_hash"].get(place), "posterior": None, "code_hash": about["code_hash"]}


def built(plain: dict) -> Scenario:
    """Return the scenario that nested plain values are, as ``dataclasses.asdict`` gave them.

    Raises
    ------
    Refusal
        Where they make no scenario.
    """
    try:
        return load.settled(rules.builder(Scenario)(plain))
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"the scenario on record is not whole ({error}): run it again with this version") from None


def _splits(scenario: Scenario) -> tuple[str, ...]:
    """Return the rules to choose from."""
    rules = tuple(rule for rule in SPLITS if rule != "custom")
    return (AS_BEFORE, *rules) if scenario.split.rule == "custom" else rules


def _portfolios(own: Portfolio) -> dict[str, Portfolio]:
    """Return the portfolios to choose from, the base's own first where no config has it."""
    portfolios = kept_portfolios()
    return portfolios if own in portfolios.values() else {AS_BEFORE: own} | portfolios


def kept_portfolios() -> dict[str, Portfolio]:
    """Return the portfolios of ``configs/portfolio`` by the name of their file."""
    out = {}
    for name in groups()["portfolio"]:
        if name != "custom":
            out[name] = Portfolio(
                **yaml.safe_load((CONFIGS / "portfolio" / f"{name}.yaml").read_text(encoding="utf-8"))
            )
    return out


@cache
def hand_over() -> dict:
    """Return what ``configs/sustainability/hand_over.yaml`` sets: the ending, what it rests on."""
    values = yaml.safe_load((CONFIGS / "sustainability" / "hand_over.yaml").read_text(encoding="utf-8"))
    return {name: value for name, value in values.items() if name != "defaults"}


@cache
def default(*overrides: str) -> dict:
    """Return the default scenario with choices, in full, as nested plain values."""
    return asdict(load.load_scenario(*overrides))


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
class Answer:
    """The answer to a setting.

    Attributes
    ----------
    sentences
        The headline in words, the first of all.
    facts
        Label and text of the figures that matter most.
    numbers
        Impact in the reading year and what is left, unrounded.
    figures
        What is drawn: ``projection``, ``counterfactual``, ``impact`` (year, statistic) and ``error`` (quantity, year).
    case
        What must stand beside the figures.
    """

    sentences: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    numbers: dict[str, float]
    figures: xr.Dataset
    case: views.Case


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
        MEAN_OF_AREAS,
        measure,
        group,
    )


def setting(message: object, base: Base) -> Setting:
    """Return the setting that a page sent, each value looked at before it is used.

    Raises
    ------
    Refusal
        For a value that no lever has.
    """
    if not isinstance(message, dict):
        raise Refusal("the levers could not be read: load the page again")
    names = ("split", "portfolio", "ending", *SHOWN)
    texts = {name: str(message.get(name))[:300] for name in names}
    numbers = {}
    for name in ("horizon", "total_gbp"):
        try:
            numbers[name] = float(message.get(name))
        except (TypeError, ValueError):
            numbers[name] = math.nan
        if not math.isfinite(numbers[name]):
            raise Refusal(f"{'horizon' if name == 'horizon' else 'money'} must be a number: type one")
    if numbers["horizon"] != int(numbers["horizon"]):
        raise Refusal(f"horizon is a whole number of years, got {numbers['horizon']:g}: type one")
    one_of("split", texts["split"], base.splits)
    one_of("portfolio", texts["portfolio"], base.portfolios)
    one_of("ending", texts["ending"], ENDINGS)
    one_of("place", texts["place"], (*base.scenario.areas.names, MEAN_OF_AREAS))
    one_of("measure", texts["measure"], base.scenario.measures)
    one_of("group", texts["group"], GROUPS)
    if texts["group"] not in MEASURES[texts["measure"]].table_groups:
        texts["group"] = "all"  # the only group that every measure has
    return Setting(**texts, horizon=int(numbers["horizon"]), total_gbp=numbers["total_gbp"])


def scenario(levers: Setting, base: Base, name: str | None = None) -> Scenario:
    """Return the scenario that a setting makes of a base.

    Raises
    ------
    Refusal
        Where the choices do not go together.
    """
    own = base.scenario
    lasting = asdict(own.sustainability)["principles"] if own.sustainability.principles else {}
    if levers.ending == "hand_over" and not any(lasting.values()):
        ending = replace(own.sustainability, **hand_over())
    else:
        ending = replace(own.sustainability, ending=levers.ending)
    return replace(
        own,
        name=name or own.name,
        split=own.split if levers.split == AS_BEFORE else Split(levers.split),
        portfolio=base.portfolios[levers.portfolio],
        sustainability=ending,
        horizon=levers.horizon,
        budget=replace(own.budget, total_gbp=levers.total_gbp),
    )


def places_and_history(base: Base) -> views.View:
    """Return a view without scenarios: what can be shown, and what is published of it."""
    names, known = base.scenario.areas.names, base.known
    measures, first = base.scenario.measures, base.scenario.years[0]
    published = known.history.published.sel(area=names, measure=measures)
    published = published.sel(year=published.year < first)
    proxy = (("place", "group", "measure"), known.proxy)
    coords = {"place": [*names, MEAN_OF_AREAS], "group": list(GROUPS), "measure": measures}
    figures = xr.Dataset({"proxy": proxy, "history": views.past_of(published)}, coords)
    return views.View([], [], figures, views.breaks_of(known.tables["breaks"], measures))


def answer(levers: Setting, base: Base) -> Answer:
    """Return the answer to a setting.

    Raises
    ------
    Refusal
        Where ``oa-sim run`` would refuse the scenario.
    """
    changed = scenario(levers, base)
    summary, money, national = summary_of(levers, changed, base)
    shown = summary.sel(place=levers.place, measure=levers.measure, group=levers.group)
    year = summary.attrs["headline_year"]
    numbers = {name: float(shown.impact.sel(year=year, statistic=name)) for name in ("mean", "q05", "q95")}
    spread = [shown[name].sel(statistic="sd", drop=True) for name in QUANTITIES]
    error = xr.concat(spread, "quantity") / math.sqrt(summary.attrs["n_draws"])
    numbers["error"] = float(error[list(QUANTITIES).index("impact")].sel(year=year))
    numbers["p_better"] = float(shown.p_better.sel(year=year))
    numbers |= {name: float(shown[name]) for name in simulate.LEFT}
    numbers |= {"money_gbp": money, "beside_gbp": national}
    return Answer(
        (_impact(levers, numbers, year, _where(levers, changed)), _persistence(numbers)),
        _facts(levers, summary, numbers, year),
        numbers,
        shown[list(QUANTITIES)].sel(statistic=list(views.STATISTICS)).assign(error=error),
        _case(base, summary.attrs),
    )


def _case(base: Base, attributes: dict) -> views.Case:
    names = ("verdict", "reason", "n_draws", "to_verify", "last_funded_year")
    return views.Case(
        label=base.scenario.name,
        values=(),
        run_id="not saved",
        data_hash=base.known.data_hash,
        version=oa_sim.__version__,
        n_areas=len(base.scenario.areas.names),
        **{name: attributes[name] for name in names},
    )


def summary_of(levers: Setting, changed: Scenario, base: Base) -> tuple[xr.Dataset, float, float]:
    """Return a scenario's summaries, its budget and the national programmes beside it, £; kept by the levers."""

    def make() -> tuple[xr.Dataset, float, float]:
        known = base.known
        money = budget.allocate(changed, known.pupils, known.tables)
        money = budget.reviewed(changed, money, input_cache.programme(changed, known).drawn)
        return simulate.summary(changed), float(changed.budget.total_gbp), float(money.national.sum())

    return base.answers.get(tuple(getattr(levers, name) for name in LEVERS), make)


def _where(levers: Setting, changed: Scenario) -> str:
    names = changed.areas.names
    if levers.place != MEAN_OF_AREAS or len(names) == 1:
        return f"in {names[0] if levers.place == MEAN_OF_AREAS else levers.place}"
    return f"averaged over {len(names)} areas"


def _cost(numbers: dict[str, float]) -> str:
    national = numbers["beside_gbp"]
    return pounds(numbers["money_gbp"]) + (f", plus {pounds(national)} from national programmes" if national else "")


def _impact(levers: Setting, numbers: dict[str, float], year: int, where: str) -> str:
    """Return the impact in the reading year as two sentences."""
    cost, measure, when = _cost(numbers), who(levers.measure, levers.group), academic_year(year)
    mean, low, high, error = (numbers[name] for name in ("mean", "q05", "q95", "error"))
    if max(abs(mean), abs(low), abs(high)) <= SMALLEST_CHANGE:
        return f"{cost} does not change {measure} in {when}, {where}."
    ends = (mean, low, high) if mean >= 0 else (-mean, -high, -low)
    size = estimate(*ends, error, unit=unit(levers.measure))
    return (
        f"{cost}{',' * (', plus' in cost)} is expected to {'raise' if mean >= 0 else 'lower'} {measure} in {when} by "
        f"{size}, {where}. Probability of any improvement: {chance(numbers['p_better'])}."
    )


def _persistence(numbers: dict[str, float]) -> str:
    """Return what remains after funding ends, as sentences."""
    if not numbers["p_impact"] > 0:
        return "The impact is too small to say how much of it remains after funding ends."
    five, low, high, ten = (percent(numbers[f"left_{name}"]) for name in ("5y", "5y_q05", "5y_q95", "10y"))
    return (
        f"Five years after funding ends, {five} of the peak impact remains (90% interval {low} to {high}). After ten "
        f"years, {ten} remains. Probability that at least half remains after five years: "
        f"{chance(numbers['p_half_left_5y'])}."
    )


def _facts(levers: Setting, summary: xr.Dataset, numbers: dict[str, float], year: int) -> tuple[tuple[str, str], ...]:
    """Return the figures that matter most, each with its label."""
    remains, probability = "no impact", "no impact"
    if numbers["p_impact"] > 0:
        ends = (percent(numbers[f"left_5y{end}"]) for end in ("", "_q05", "_q95"))
        remains = "{} (90% interval {} to {})".format(*ends)
        probability = chance(numbers["p_better"])
    ratio = [float(summary[f"benefit_per_pound_{name}"]) for name in ("mean", "q05", "q95")]
    benefit = estimate(*ratio, unit="GBP") if all(map(math.isfinite, ratio)) else "none is claimed in pounds"
    impact = estimate(*(numbers[name] for name in ("mean", "q05", "q95", "error")), unit=unit(levers.measure))
    return (
        (f"Impact in {academic_year(year)}", impact),
        ("Probability of improvement", probability),
        ("Remaining after five years", remains),
        ("Cost", _cost(numbers)),
        ("Lifetime earnings per £1, all areas", benefit),
    )


def save(levers: Setting, base: Base, name: str, folder: Path, *, over: bool = False) -> tuple[Path, str]:
    """Write a setting as a scenario file, read it back, and return its path and the command that runs it.

    Parameters
    ----------
    levers, base
        What is saved.
    name
        Of the scenario and its file.
    folder
        Where it goes; it is made.
    over
        Whether a file of that name may be written over.

    Raises
    ------
    Refusal
        For a name that no scenario may have, a file that is there, and what no file can say.
    """
    made = scenario(levers, base, _name(name))
    path = folder / f"{made.name}.yaml"
    if path.exists() and not over:
        raise Refusal(f"{path.name} is there already: choose another name, or tick the box that replaces it")
    chosen = _choices(made)
    words = [
        f"{group}={choice}"
        for group, choice in chosen.items()
        if group in ("portfolio", "split") and choice != "custom"
    ]
    command = f"oa-sim run {shlex.quote(f'scenario={path}')}"
    text = overrides.scenario_file_text(asdict(made), default(*words), chosen, str(path))
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


def _choices(made: Scenario) -> dict[str, object]:
    """Return the choice of each group that a file names."""
    kept = {name: one for name, one in kept_portfolios().items() if one == made.portfolio}
    chosen: dict[str, object] = {"split": made.split.rule, "portfolio": next(iter(kept), "custom")}
    everything = default()["interventions"]
    if set(made.interventions) != set(everything):
        chosen["intervention"] = list(made.interventions)
    return chosen
