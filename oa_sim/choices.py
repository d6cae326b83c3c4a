"""Choices: from the config folder and a few overrides to one Scenario.

The only file that knows Hydra. Whatever Hydra refuses is said again in one sentence with the nearest
right name.
"""

import re
from pathlib import Path

from oa_sim import tables
from oa_sim.assumptions import Learning
from oa_sim.refusal import Refusal, nearest, unknown
from oa_sim.scenario import Scenario

_HERE = Path(__file__).resolve().parent
CONFIGS = _HERE / "configs" if (_HERE / "configs").is_dir() else _HERE.parent / "configs"
OPEN_MAPPINGS = ("split.shares", "portfolio.shares", "organisation.twins")  # the user names the keys
# files have names that Hydra's grammar does not take unquoted
PATHS = ("outputs", "data_folder", "posterior", "panel.path", "panel.actuals")
SCENARIO_KEYS = tuple(Scenario.__dataclass_fields__)


def groups() -> dict[str, list[str]]:
    """Return the config groups and the choices of each, from the file names."""
    if not CONFIGS.is_dir():
        raise Refusal(f"the config folder {CONFIGS} is missing: install oa_sim again")
    folders = sorted(folder for folder in CONFIGS.iterdir() if folder.is_dir())
    return {folder.name: sorted(file.stem for file in folder.glob("*.yaml")) for folder in folders}


def load_scenario(*overrides: str, **keys: object) -> Scenario:
    """Return the scenario that the default config and the overrides make.

    Parameters
    ----------
    overrides
        Hydra overrides: ``"scenario=hand_over"``, ``"budget.total_gbp=5e7"``, ``"areas=[Norwich, Oldham]"``.
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
    given = [_normal(text) for text in overrides] + [_normal(f"{key}={_written(value)}") for key, value in keys.items()]
    if not any(text.startswith("intervention=") for text in given):
        given.append(f"intervention=[{','.join(groups()['intervention'])}]")
    scenario = _compose(given)
    scenario.areas.names = area_names(scenario.areas.names, scenario.data_folder)
    if scenario.split.rule == "custom":
        scenario.split.shares = _shares_by_area(scenario)
    return scenario


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
    given = [_normal(text) for text in overrides] + [_normal(f"{key}={_written(value)}") for key, value in keys.items()]
    return _compose(given, "learning", Learning)


def as_yaml(scenario: Scenario) -> str:
    """Return a scenario in full, as the YAML that a config file would hold."""
    from dataclasses import asdict

    import yaml

    return yaml.safe_dump(asdict(scenario), sort_keys=False, allow_unicode=True, width=100)


def area_names(names: list[str], data_folder: str | None = None) -> list[str]:
    """Return the tables' names of the areas, in the order of the table, however they were written.

    A set of ``area_sets.csv`` stands for its areas.

    Raises
    ------
    Refusal
        For an area that is not in the table, none at all, or one named twice.
    """
    known = [row["area"] for row in tables.read("areas", data_folder)]
    by_key = {_key(name): [name] for name in known}
    for row in tables.read("area_sets", data_folder):
        by_key.setdefault(_key(row["area_set"]), []).append(row["area"])
    found = []
    for name in names:
        if _key(name) not in by_key:
            sets = {row["area_set"] for row in tables.read("area_sets", data_folder)}
            raise unknown("area or choice of areas", name, [*known, *sorted({*groups()["areas"], *sets})])
        found += by_key[_key(name)]
    for name in found:
        if found.count(name) > 1:
            raise Refusal(f"area {name!r} is listed twice: list each area once")
    if not found:
        raise Refusal("areas must name at least one area, got none: add one, such as areas=[Norwich]")
    return [name for name in known if name in found]


def _key(name: object) -> str:
    """Return a name without the ways in which people write it differently."""
    text = str(name).lower().replace("&", "and")
    return "".join(character for character in text if character.isalnum())


def _shares_by_area(scenario: Scenario) -> dict[str, float]:
    for name in scenario.split.shares:
        if len(area_names([name], scenario.data_folder)) > 1:
            raise Refusal(f"split.shares gives a share to one area each, got the set {name!r}: name its areas")
    names = area_names(list(scenario.split.shares), scenario.data_folder)
    shares = {area_names([name], scenario.data_folder)[0]: share for name, share in scenario.split.shares.items()}
    if names != scenario.areas.names:
        missing = [name for name in scenario.areas.names if name not in names]
        extra = [name for name in names if name not in scenario.areas.names]
        what = f"no share for {missing[0]!r}" if missing else f"a share for {extra[0]!r}, which is not in areas"
        raise Refusal(f"split 'custom' must give a share to each area of the scenario, got {what}: change split.shares")
    return {name: shares[name] for name in names}


def _normal(text: str) -> str:
    """Return an override as Hydra needs it: lists of areas, folders with odd names and open mappings are rewritten."""
    if "=" not in text:
        known = [*groups(), *SCENARIO_KEYS]
        guess = nearest(text, known)
        raise Refusal(f"an override has the form key=value, got {text!r}: write {guess or 'horizon'}=...")
    key, value = text.split("=", 1)
    bare = key.lstrip("+~")
    if bare == "areas" and value not in groups()["areas"]:
        return f"areas.names={value}" if value.startswith("[") else f"areas.names=[{_quoted(value)}]"
    if bare in PATHS and value not in ("null", "") and not value.startswith(("'", '"')):
        return f"{bare}={_quoted(value)}"
    if bare in OPEN_MAPPINGS and value.replace(" ", "") == "{}":
        raise Refusal(
            f"{bare} adds to what there is and cannot take it away, got {value}: choose another {bare.split('.')[0]}"
        )
    if any(bare == mapping or bare.startswith(mapping + ".") for mapping in OPEN_MAPPINGS):
        return f"++{bare}={value}"
    return text


def _quoted(text: str) -> str:
    """Return a text as Hydra's grammar takes it, which reads a backslash only before a quotation mark."""
    return "'" + re.sub(r"(\\*)('|$)", lambda hit: 2 * hit[1] + ("\\'" if hit[2] else ""), text) + "'"


def _written(value: object) -> str:
    """Return a Python value as an override writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_quoted(item) if isinstance(item, str) else _written(item) for item in value) + "]"
    return str(value)


def _check_packages(names: list[str]) -> None:
    """Refuse an intervention's file whose first line does not put it where its name says."""
    for name in names:
        first = (CONFIGS / "intervention" / f"{name}.yaml").read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = f"# @package interventions.{name}"
        if not first or first[0].strip() != wanted:
            raise Refusal(f"configs/intervention/{name}.yaml: its first line must be '{wanted}': correct it")


def _compose(overrides: list[str], config: str = "config", schema: type = Scenario):
    for text in overrides:
        _check_override(text, schema)
    from hydra import compose, initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    name = "oa_sim_schema" if schema is Scenario else f"oa_sim_{config}_schema"
    ConfigStore.instance().store(name=name, node=schema)
    try:
        with initialize_config_dir(config_dir=str(CONFIGS), version_base="1.3", job_name="oa_sim"):
            return OmegaConf.to_object(compose(config, overrides=overrides))
    except Refusal:
        raise
    except Exception as error:  # Hydra, OmegaConf, YAML and ANTLR each raise kinds of their own
        raise _in_words(error) from None


def _check_override(text: str, schema: type) -> None:
    """Refuse an override whose key the schema does not have, or whose choice the group does not have."""
    key, value = text.split("=", 1)
    if key.startswith("~"):
        raise Refusal(f"a key cannot be taken out of a scenario, got {text!r}: give it another value instead")
    key = key.lstrip("+")
    choices = groups() if schema is Scenario else {}
    if key == "intervention" and choices:
        for name in value.strip("[] ").split(","):
            if name.strip() and name.strip() not in choices[key]:
                raise unknown("choice of intervention", name.strip(), choices[key])
        _check_packages([name.strip() for name in value.strip("[] ").split(",") if name.strip()])
    elif key in choices and value.startswith("["):
        raise Refusal(f"{key} takes one choice, got {value}: name one of {', '.join(choices[key])}")
    elif key in choices and not value.startswith("{") and value not in choices[key]:
        raise unknown(f"choice of {key}", value, choices[key])
    _check_key(key, schema)


def _in_words(error: BaseException) -> Refusal:
    """Return the refusal that says what Hydra found wrong: its innermost cause, on one line."""
    lines, where = [], ""
    while error is not None:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            return Refusal(f"{mark.name} line {mark.line + 1}: {error.problem}, which is no YAML: correct the file")
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        if lines[0].startswith("In '"):
            where = lines[0].split("'")[1]
        key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
        if key:
            return Refusal(f"{key}: {lines[0].rstrip('.:')}: give a value of that kind")
        error = error.__cause__
    what = lines[0].rstrip(".:")
    if where:
        return Refusal(f"configs/{where}.yaml: {what}: correct the file")
    return Refusal(f"{what}: write overrides as key=value, such as horizon=15")


def _check_key(key: str, schema: type) -> None:
    """Refuse a dotted key that the schema does not have."""
    from dataclasses import fields, is_dataclass
    from typing import get_args, get_origin

    known_groups = list(groups()) if schema is Scenario else []
    at: object = schema
    path: list[str] = []
    for part in key.split("."):
        if is_dataclass(at):
            kinds = {item.name: item.type for item in fields(at)}
            if part not in kinds and not (not path and part in known_groups):
                names = [".".join([*path, name]) for name in kinds]
                names = names if path else [*dict.fromkeys([*known_groups, *names])]
                raise unknown("key", ".".join([*path, part]), names)
            at = kinds.get(part)
        elif get_origin(at) is dict:
            at = get_args(at)[1]
        path.append(part)
