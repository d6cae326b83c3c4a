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

import xarray as xr
import yaml

from oa_sim.atomic_write import atomic_file
from oa_sim.compiled import input_cache, simulate
from oa_sim.definitions import GROUPS, MEAN_OF_AREAS, MEASURES, academic_year, headline_of, percent
from oa_sim.errors import Refusal, one_of
from oa_sim.explore import fan_svg
from oa_sim.formatting import chance, estimate, pounds, unit, who
from oa_sim.programme import budget
from oa_sim.scenario import load, scenario_files
from oa_sim.scenario.overrides import CONFIGS, groups
from oa_sim.scenario.schema import ENDINGS, SPLITS, Portfolio, Scenario, Split
from oa_sim.simulation import run_manifest
from oa_sim.sweep import cases as case_list
from oa_sim.sweep import expand, journal

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
    for what, was, now in (
        ("tables", made["data_hash"], known.data_hash),
        ("posterior", made["posterior"], known.checksum),
    ):
        if was is not None and was != now:
            raise Refusal(f"{folder} was made from another {what} than is installed: run the scenario again")
    same = made["code_hash"] == run_manifest.code_hash()
    notes = (
        () if same else (f"{folder.name} was made with other code of oa_sim: the numbers here are of this version.",)
    )
    return Base(scenario, known, _portfolios(scenario.portfolio), _splits(scenario), notes)


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
    found = case_list.again(about, cases, 0, expand, iter([0]))
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
        return load.settled(expand.builder(Scenario)(plain))
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(f"the scenario on record is not whole ({error}): run it again with this version") from None


def _splits(scenario: Scenario) -> tuple[str, ...]:
    """Return the rules to choose from."""
    rules = tuple(rule for rule in SPLITS if rule != "custom")
    return (AS_BEFORE, *rules) if scenario.split.rule == "custom" else rules


def _portfolios(own: Portfolio) -> dict[str, Portfolio]:
    """Return the portfolios to choose from, the base's own first where no config has it."""
    found = kept_portfolios()
    return found if own in found.values() else {AS_BEFORE: own} | found


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
    found = yaml.safe_load((CONFIGS / "sustainability" / "hand_over.yaml").read_text(encoding="utf-8"))
    return {name: value for name, value in found.items() if name != "defaults"}


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
        MEAN_OF_AREAS,
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
    one_of("place", texts["place"], (*base.scenario.areas.names, MEAN_OF_AREAS))
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
        ending = replace(own.sustainability, **hand_over())
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
        money = budget.reviewed(made, money, input_cache.programme(made, known).drawn)
        return simulate.summary(made), float(made.budget.total_gbp), float(money.national.sum())

    return base.answers.get(tuple(getattr(asked, name) for name in LEVERS), make)


def _where(asked: Setting, made: Scenario) -> str:
    names = made.areas.names
    if asked.place != MEAN_OF_AREAS:
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
    ends = (mean, low, high) if mean >= 0 else (-mean, -high, -low)
    size = estimate(*ends, unit=unit(asked.measure))
    return (
        f"With {paid}, {about} in {when} is expected to be {size} {side} what would have "
        f"happened anyway, {where}; the chance that it is better at all is {chance(numbers['p_better'])}."
    )


def _lasts(asked: Setting, numbers: dict) -> str:
    if not numbers["p_impact"] > 0:
        return "The impact is too small to say what of it lasts."
    five, low, high, later = (percent(numbers[f"left_{name}"]) for name in ("5y", "5y_q05", "5y_q95", "10y"))
    of = "90% in the average area" if asked.place == MEAN_OF_AREAS else "90%"
    return (
        f"Of the peak of {who(asked.measure, asked.group)}, {five} is still to be seen five years after the money ends "
        f"({of}: {low} to {high}) and {later} after ten; the chance that at least half is left after five is "
        f"{chance(numbers['p_half_left_5y'])}."
    )


def _facts(asked: Setting, found: xr.Dataset, numbers: dict, year: int) -> tuple[tuple[str, str], ...]:
    """Return the figures that matter most, each with its label."""
    left = "no impact to keep"
    if numbers["p_impact"] > 0:
        left = "{} (90% interval {} to {})".format(*(percent(numbers[f"left_5y{end}"]) for end in ("", "_q05", "_q95")))
    ratio = [float(found[f"benefit_per_pound_{name}"]) for name in ("mean", "q05", "q95")]
    bought = estimate(*ratio, unit="GBP") if all(map(math.isfinite, ratio)) else "no benefit in pounds is claimed"
    cost = pounds(numbers["money_gbp"])
    if numbers["beside_gbp"]:
        cost += f", and {pounds(numbers['beside_gbp'])} of national programmes beside it"
    return (
        (
            f"Impact in {academic_year(year)}",
            estimate(*(numbers[n] for n in ("mean", "q05", "q95")), unit=unit(asked.measure)),
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
    return tuple(
        (academic_year(year), *(estimate(*band[i].tolist()) for band in bands)) for i, year in enumerate(years)
    )


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


def save(asked: Setting, base: Base, name: str, folder: Path, *, over: bool = False) -> tuple[Path, str]:
    """Write a setting as a scenario file, read it back, and return its path and the command that runs it.

    Parameters
    ----------
    asked, base
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
    made = scenario(asked, base, _name(name))
    path = folder / f"{made.name}.yaml"
    if path.exists() and not over:
        raise Refusal(f"{path.name} is there already: choose another name, or tick that it may be written over")
    chosen = _choices(made)
    words = [
        f"{group}={choice}"
        for group, choice in chosen.items()
        if group in ("portfolio", "split") and choice != "custom"
    ]
    command = f"oa-sim run {shlex.quote(f'scenario={path}')}"
    text = scenario_files.text_of(asdict(made), default(*words), chosen, str(path))
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
