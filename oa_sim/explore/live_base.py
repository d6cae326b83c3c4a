"""Live base: the run or sweep that is explored, made again with the tables and the posterior that are installed."""

import json
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import yaml

from oa_sim.compiled import input_cache
from oa_sim.errors import Refusal
from oa_sim.scenario import load
from oa_sim.scenario.overrides import CONFIGS, groups
from oa_sim.scenario.schema import SPLITS, Portfolio, Scenario
from oa_sim.simulation import scenario_run
from oa_sim.sweep import cases as case_list
from oa_sim.sweep import expand, journal, provenance

AS_BEFORE = "as before"  # the choice of what the base has where no file in configs has it


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
    same = made["code_hash"] == scenario_run.code_hash()
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
    if place in about["posterior"] and provenance.posterior_hash(place) != about["posterior"][place]:
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
