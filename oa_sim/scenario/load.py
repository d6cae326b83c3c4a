"""Load: from the config folder and a few overrides to one Scenario.

Hydra composes the files. Whatever it refuses is said again in one sentence with the nearest right name.
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_origin

from oa_sim.errors import Refusal, unknown
from oa_sim.inputs import places, tables
from oa_sim.scenario.assumptions import Learning, Prior
from oa_sim.scenario.config_files import CONFIGS, groups, leaves, notes, plain
from oa_sim.scenario.overrides import (
    PATHS,
    check_form,
    check_override,
    former_scenarios,
    hydra_refusal,
    normal,
    open_scenario_file,
    quoted,
    written,
)
from oa_sim.scenario.rules import WITHOUT_UNIT, builder, look_up
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import Sweeping, check_number

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Schema = TypeVar("Schema", bound="DataclassInstance")  # a dataclass that a config fills

PLAIN = re.compile(
    r"(?!(?:null|true|false|nan|inf)$)[a-z_./]([\w./ -]*[\w./-])?", re.IGNORECASE | re.ASCII
)  # no quotes


def load_scenario(*overrides: str, **keys: object) -> Scenario:
    """Return the scenario that the default config and the overrides make.

    Parameters
    ----------
    overrides
        Hydra overrides: ``"scenario=hand_over"``, ``"budget.total_gbp=5e7"``, ``"areas=[Norwich, Oldham]"``; a scenario
        may be a file of one's own: ``"scenario=mine/longer.yaml"``.
    keys
        The same for simple keys: ``horizon=15``.

    Raises
    ------
    Refusal
        For a key, choice, type, value or area that is not right.

    Examples
    --------
    >>> load_scenario("scenario=early_years_first", horizon=15).portfolio.name
    'early_years_first'
    """
    return settled(_composed(_normal_words(*_typed(overrides, keys)), "config", Scenario))


def _typed(overrides: tuple[str, ...], keys: dict[str, object]) -> list[str]:
    """Return overrides, and keys as overrides behind them."""
    return [*overrides, *(f"{key}={written(value)}" for key, value in keys.items())]


def _normal_words(*overrides: str) -> list[str]:
    """Return overrides as Hydra needs them, with every intervention unless some are named."""
    words = [normal(text) for text in open_scenario_file(overrides)]
    if not any(text.startswith("intervention=") for text in words):
        words.append(f"intervention=[{','.join(groups()['intervention'])}]")
    return words


def composed(*overrides: str) -> dict[str, Any]:
    """Return the scenario that overrides make as nested plain values, none of them checked against another."""
    return _plain_values(_normal_words(*overrides), "config", Scenario, is_whole=False)


def settled(scenario: Scenario, named: Callable[[list[str], str | None], list[str]] | None = None) -> Scenario:
    """Return a scenario just made, changed in place, its areas by the names of the tables.

    Where many scenarios are settled, ``named`` stands in for ``area_names``.
    """
    scenario.areas.names = (named or area_names)(scenario.areas.names, scenario.data_folder)
    if scenario.split.rule == "custom":
        scenario.split.shares = _shares_by_area(scenario)
    return scenario


def load_sweeping(words: list[str]) -> tuple[Sweeping, list[str]]:
    """Return what a sweep is told, and the words that are left for its scenarios.

    Parameters
    ----------
    words
        Hydra overrides: ``"design=sobol"``, ``"design.n=1024"``, ``"engine=dask"``, ``"block=32"``, and those of
        scenarios, which may name several values.

    Raises
    ------
    Refusal
        For a key, choice, type or value of the sweep that is not right.
    """
    return load_beside(words, "sweep", Sweeping)


def load_beside(words: list[str], config: str, schema: type[Schema]) -> tuple[Schema, list[str]]:
    """Return what a verb is told beside its scenario, and the words that are left for the scenario.

    Parameters
    ----------
    words
        Hydra overrides of both.
    config
        The file in ``configs`` that holds what the verb is told where nothing is typed.
    schema
        Its dataclass, none of whose fields has the name of a scenario's.

    Raises
    ------
    Refusal
        For a key, choice, type or value that is not right; what is neither's is named with the nearest of both.
    """
    for word in words:
        check_form(word)
    mine, theirs = tuple(schema.__dataclass_fields__), (*Scenario.__dataclass_fields__, *groups())
    first = {word: re.split(r"[.=]", word.lstrip("+~"), maxsplit=1)[0] for word in words}
    for word, name in first.items():
        if name not in (*mine, *theirs):
            raise unknown("key", word.split("=", 1)[0], (*mine, *theirs))
    settings = _composed([normal(word) for word in words if first[word] in mine], config, schema)
    return settings, [word for word in words if first[word] not in mine]


def read_word(word: str) -> object:
    """Return the value of an override by Hydra's grammar: a number, a truth value, or text as an override writes it.

    Several (``"split=equal,per_pupil"``, ``"horizon=range(5,11)"``) are a list, the two ends of an interval a tuple.
    """
    check_form(word)
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Glob, IntervalSweep, RangeSweep

    key, text = word.split("=", 1)
    try:
        override = OverridesParser.create().parse_override(word)
    except Exception as error:  # Hydra and ANTLR each raise kinds of their own
        if key in PATHS or (key == "areas" and "," not in text and "[" not in text):
            return text  # names that the grammar does not take unquoted
        problem = str(error).splitlines()[0].split(" expecting")[0]
        raise Refusal(f"{word!r} cannot be read ({problem}): write a,b or range(5,11) or interval(1,2)") from None
    value = override.value()
    if not override.is_sweep_override():
        return _element(value)
    if isinstance(value, IntervalSweep):
        return value.start, value.end
    if getattr(value, "shuffle", False):
        raise Refusal(f"{word!r} would have another order each time: name the values without shuffle")
    if isinstance(value, Glob):
        return value.filter([*groups().get(key, []), *(former_scenarios() if key == "scenario" else [])])
    if isinstance(value, RangeSweep):
        if not value.step:
            raise Refusal(f"{word!r} makes steps of 0: give it another step")
        assert value.start is not None  # as the grammar reads a range
        assert value.stop is not None
        check_number(math.ceil((value.stop - value.start) / value.step))
    return [_element(item) for item in override.sweep_iterator()]


def _element(value: object) -> object:
    """Return one value of Hydra's grammar: numbers as they are, all else as text that the grammar reads again."""
    return value if isinstance(value, bool | int | float) else as_text(value)


def as_text(value: object) -> str:
    """Return a value as an override writes it, text without quotes where the grammar needs none."""
    if isinstance(value, list):
        return "[" + ", ".join(map(as_text, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_text(key)}: {as_text(item)}" for key, item in value.items()) + "}"
    text = getattr(value, "text", value)  # a quoted text is a kind of its own
    return (text if PLAIN.fullmatch(text) else quoted(text)) if isinstance(text, str) else written(text)


def load_learning(*overrides: str, **keys: object) -> Learning:
    """Return what ``oa-sim fit`` and ``oa-sim backtest`` take: a panel, and how it is sampled.

    Parameters
    ----------
    overrides
        Hydra overrides: ``"panel.path=panel.csv"``, ``"sampler.draws=250"``.
    keys
        The same for simple keys: ``seed=7``.

    Raises
    ------
    Refusal
        For a key, type or value that is not right.
    """
    return _composed([normal(text) for text in _typed(overrides, keys)], "learning", Learning)


@dataclass(frozen=True)
class FieldRecord:
    """What is known of one key of a scenario, enough for a control on a page or a row of a reference.

    ``kind`` is number, whole number, yes or no, text, distribution, list or mapping; ``low``, ``high`` and ``choices``
    limit it; ``default`` is the plain value of the default scenario, and ``source`` its source in the config file.
    """

    key: str
    label: str
    unit: str
    owner: str
    kind: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    range: str
    default: object
    source: str

    @property
    def help(self) -> str:
        """Unit, range and source, one after the other."""
        return ". ".join(filter(None, (self.unit, self.range if self.range not in self.unit else "", self.source)))


def fields() -> list[FieldRecord]:
    """Return a record of each key of the default scenario, in the order of ``oa-sim show``."""
    scenario = asdict(load_scenario())
    comments, records = notes(scenario), []
    for path, value in leaves(scenario):
        kind, rule, _, owner = look_up(path, Scenario)
        assert rule is not None  # each leaf has one, by test
        note = next((note for note in comments.get(path, []) if note.value == plain(value)), None)
        source = (note.comment or (note.heading if rule.is_assumption else "")) if note else ""
        limits = rule.low, rule.high, rule.choices, rule.range
        owner = owner if rule.is_assumption else ""
        records.append(
            FieldRecord(path, label_of(path, scenario), rule.unit, owner, _kind(kind), *limits, value, source)
        )
    return records


def _kind(kind: Any) -> str:
    words = {float: "number", int: "whole number", bool: "yes or no", Prior: "distribution"}
    return words.get(kind) or {dict: "mapping", list: "list"}.get(cast(Any, get_origin(kind)), "text")


def label_of(path: str, scenario: dict[str, Any]) -> str:
    """Return a key of a scenario in words: what it means, and the names in it that are the user's.

    The scenario, as nested plain values, has the titles of its interventions.
    """
    _, rule, names, _ = look_up(path, Scenario)
    titles = {name: intervention["label"] for name, intervention in scenario["interventions"].items()}
    named = ", ".join(titles.get(name, name.replace("_", " ")) for name in names)
    return ": ".join(filter(None, (rule.meaning if rule else path, named)))


def as_yaml(scenario: Scenario) -> str:
    """Return a scenario in full, as the YAML that a config file would hold, with meaning and unit as comments."""
    import yaml

    text: str = yaml.safe_dump(asdict(scenario), sort_keys=False, allow_unicode=True, width=100)
    lines = text.splitlines()
    for path, line in _mapping_lines(yaml.compose(text), ""):
        rule, above = (look_up(key, Scenario).rule if key else None for key in (path, path.rpartition(".")[0]))
        if rule and rule is not above:  # not again for each part of a distribution or a mapping
            lines[line] += f"  # {rule.meaning}{f' ({rule.unit})' if rule.unit not in WITHOUT_UNIT else ''}"
    return "\n".join(lines) + "\n"


def _mapping_lines(node: Any, above: str) -> Iterator[tuple[str, int]]:
    """Yield the path and line of each key that may have a comment: a text may go on in the next line."""
    for key, branch in node.value:
        path = f"{above}{key.value}"
        if branch.id != "scalar" or not branch.tag.endswith(":str") or branch.start_mark.line == branch.end_mark.line:
            yield path, key.start_mark.line
        if branch.id == "mapping":
            yield from _mapping_lines(branch, f"{path}.")


def area_names(names: list[str], data_folder: str | None = None) -> list[str]:
    """Return the tables' names of the areas, however they were written: in the order of the table, then of the names.

    A set of ``area_sets.csv`` stands for its areas. Any other district or authority of England may be named.
    """
    listed = [row["area"] for row in tables.read("areas", data_folder)]
    by_key = {places.plain(name): [name] for name in listed}
    for row in tables.read("area_sets", data_folder):
        by_key.setdefault(places.plain(row["area_set"]), []).append(row["area"])
    needed: tables.Tables = {}
    chosen = []
    for name in names:
        if places.plain(name) not in by_key:
            needed = needed or {table: tables.read(table, data_folder) for table in places.NEEDED}
            by_key[places.plain(name)] = [places.find(name, needed)]
        chosen += by_key[places.plain(name)]
    for name in chosen:
        if chosen.count(name) > 1:
            raise Refusal(f"area {name!r} is listed twice: list each area once")
    if not chosen:
        raise Refusal("areas must name at least one area, got none: add one, such as areas=[Norwich]")
    if needed:
        places.check_apart(sorted(chosen), needed)
    return [*(name for name in listed if name in chosen), *sorted({*chosen} - {*listed})]


def _shares_by_area(scenario: Scenario) -> dict[str, float]:
    for name in scenario.split.shares:
        if len(area_names([name], scenario.data_folder)) > 1:
            raise Refusal(f"split.shares gives a share to one area each, got the set {name!r}: name its areas")
    names = area_names(list(scenario.split.shares), scenario.data_folder)
    shares = {area_names([name], scenario.data_folder)[0]: share for name, share in scenario.split.shares.items()}
    if names != scenario.areas.names:
        missing = [name for name in scenario.areas.names if name not in names]
        extra = [name for name in names if name not in scenario.areas.names]
        problem = f"no share for {missing[0]!r}" if missing else f"a share for {extra[0]!r}, which is not in areas"
        raise Refusal(
            f"split 'custom' must give a share to each area of the scenario, got {problem}: change split.shares"
        )
    return {name: shares[name] for name in names}


def _composed(overrides: list[str], config: str, schema: type[Schema]) -> Schema:
    """Return what a config and overrides make: an object of the schema, checked."""
    return made(schema, _plain_values(overrides, config, schema, is_whole=True))


def made(schema: type[Schema], plain: dict[str, Any]) -> Schema:
    """Return nested plain values as an object of the schema, checked."""
    make = builder(schema)
    assert make is not None  # a schema is a dataclass
    return cast(Schema, make(plain))


def _plain_values(overrides: list[str], config: str, schema: type[Schema], *, is_whole: bool) -> dict[str, Any]:
    """Return what a config and overrides make as nested plain values of the schema's types.

    Where it is not whole, a value may be missing, or refer to another.
    """
    for text in overrides:
        check_override(text, schema)
    from hydra import compose, initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    name = "oa_sim_schema" if schema is Scenario else f"oa_sim_{config}_schema"
    ConfigStore.instance().store(name=name, node=schema)
    try:
        with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3", job_name="oa_sim"):
            values = compose(config, overrides=overrides)
            return cast("dict[str, Any]", OmegaConf.to_container(values, resolve=is_whole, throw_on_missing=is_whole))
    except Exception as error:  # Hydra, OmegaConf, YAML and ANTLR each raise kinds of their own
        raise hydra_refusal(error, schema, overrides) from None
