"""Overrides: what is typed, key=value, checked and put into Hydra's words before Hydra sees it.

Whatever Hydra refuses all the same is said again in one sentence with the nearest right name. A scenario of one's own
is a file anywhere, in the form of those in ``configs/scenario``: ``scenario=FOLDER/NAME.yaml`` stands for the
overrides that it holds; what is typed beside it has the last word.
"""

import math
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

from oa_sim.errors import Refusal, nearest, unknown
from oa_sim.scenario.assumptions import Prior
from oa_sim.scenario.config_files import CONFIGS, SYSTEM, groups, sweep_groups
from oa_sim.scenario.rules import NUMBERS, limits_in_words, look_up
from oa_sim.scenario.schema import Scenario
from oa_sim.scenario.sweep_settings import Sweeping

OPEN_MAPPINGS = (  # the user names the keys
    *("split.shares", "portfolio.shares", "organisation.twins"),
    *("constraints.area_floor_gbp", "constraints.area_cap_gbp"),
    *("constraints.ring_fence_gbp", "constraints.ring_cap_gbp"),
)
# files have names that Hydra's grammar does not take unquoted
PATHS = (
    *("outputs", "data_folder", "posterior", "panel.path", "panel.actuals", "design.file", "engine.address"),
    *("budget.plan", "constraints.pinned", "target.table", "target.panel"),
    *("monitor.figures", "monitor.last", "monitor.panel"),
)
SCENARIO_KEYS = tuple(Scenario.__dataclass_fields__)
FILE_ENDINGS = (".yaml", ".yml")
FILE_DEFAULT = "override /"  # how a default of a scenario file begins, after which stand a group and its choice
FILE_HEAD = "# @package _global_\n# oa-sim run scenario={file}\n"
KINDS: dict[object, tuple[str, str]] = {  # kind of a value: what it is, and how it is written
    int: ("a whole number", "one, in digits"),
    float: ("a number", "one, in digits"),
    bool: ("true or false", "one of them"),
    str: ("a text", "it without brackets"),
    list: ("a list of ", "{key}=[first, second]"),
    dict: ("a mapping", "{key}={{name: value}}"),
    Prior: ("a distribution", "{key}={{dist: Beta, a: 2, b: 2}}"),
}
LARGEST = 1e300  # of a number; beyond it not even the rules can be asked


def groups_of(schema: type) -> dict[str, list[str]]:
    """Return the config groups that fill a schema."""
    return groups() if schema is Scenario else sweep_groups() if schema is Sweeping else {}


def bare(key: str) -> str:
    """Return a key without what Hydra puts before it to add or force it."""
    return key.lstrip("+~")


def key_of(word: str) -> str:
    """Return the key of an override."""
    return bare(word.split("=", 1)[0])


def check_form(text: str) -> None:
    """Refuse a word that is not key=value."""
    if "=" not in text:
        guess = nearest(text, [*groups(), *SCENARIO_KEYS])
        raise Refusal(f"an override has the form key=value, got {text!r}: write {guess or 'horizon'}=...")


def normal(text: str) -> str:
    """Return an override as Hydra needs it: lists of areas, folders with odd names and open mappings are rewritten."""
    check_form(text)
    key, value = text.split("=", 1)
    name = bare(key)
    if name == "scenario" and value in former_scenarios():
        _tell_new_form(value)
        return f"{SYSTEM}={value}"
    if name == "areas" and value not in groups()["areas"]:
        return f"areas.names={_list_of_names(value) if value.startswith('[') else f'[{quoted(value)}]'}"
    if name in PATHS and value not in ("null", "") and not value.startswith(("'", '"')):
        return f"{name}={quoted(value)}"
    if name in OPEN_MAPPINGS and value.replace(" ", "") == "{}":
        raise Refusal(
            f"{name} adds to what there is and cannot take it away, got {value}: choose another {name.split('.')[0]}"
        )
    if any(name == mapping or name.startswith(mapping + ".") for mapping in OPEN_MAPPINGS):
        return f"++{name}={value}"
    return text


def _list_of_names(text: str) -> str:
    """Return a list of names with each quoted, which may have an ampersand or an apostrophe; left where one is."""
    names = [name.strip() for name in text.removeprefix("[").removesuffix("]").split(",")]
    is_plain = text.endswith("]") and not any(name[:1] in ("", "'", '"') or "[" in name for name in names)
    return f"[{', '.join(map(quoted, names))}]" if is_plain else text


def former_scenarios() -> list[str]:
    """Return the scenarios that are choices of ``system`` since 0.7; ``scenario=`` still takes them."""
    return [name for name in groups()[SYSTEM] if name != "none"]


def named_scenario(name: str) -> str:
    """Return the override that chooses a named scenario, or what one part of the programme does."""
    return f"{SYSTEM if name in former_scenarios() else 'scenario'}={name}"


@cache
def _tell_new_form(name: str) -> None:
    print(f"oa-sim: scenario={name} is now {SYSTEM}={name}; the old form still works", file=sys.stderr)


def quoted(text: str) -> str:
    """Return a text as Hydra's grammar takes it, which reads a backslash only before a quotation mark."""
    return "'" + re.sub(r"(\\*)('|$)", lambda hit: 2 * hit[1] + ("\\'" if hit[2] else ""), text) + "'"


def written(value: object) -> str:
    """Return a Python value as an override writes it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inside(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_inside, value)) + "]"
    return str(value)


def _inside(value: object) -> str:
    """Return a value within a list or mapping as an override writes it; text is always quoted."""
    return quoted(value) if isinstance(value, str) else written(value)


def _check_packages(names: list[str]) -> None:
    """Refuse an intervention's file whose first line does not put it where its name says."""
    for name in names:
        first = (CONFIGS / "intervention" / f"{name}.yaml").read_text(encoding="utf-8", errors="replace").splitlines()
        wanted = f"# @package interventions.{name}"
        if not first or first[0].strip() != wanted:
            raise Refusal(f"configs/intervention/{name}.yaml: its first line must be '{wanted}': correct it")


def check_override(text: str, schema: type) -> None:
    """Refuse an override whose key the schema does not have, or whose choice the group does not have."""
    key, value = text.split("=", 1)
    if key.startswith("~"):
        raise Refusal(f"a key cannot be taken out of a scenario, got {text!r}: give it another value instead")
    key, choices = bare(key), groups_of(schema)
    if key in choices:
        names = [*choices[key], *(former_scenarios() if key == "scenario" else [])]
        _check_choices(key, value, names, choices[key])
    kind_of(key, schema)


def _check_choices(key: str, value: str, known: list[str], listed: list[str]) -> None:
    """Refuse a choice that a group does not have, and several where it takes one; ``listed`` is what it offers."""
    names = [name.strip() for name in value.strip("[] ").split(",") if name.strip()]
    if key == "intervention":
        for name in names:
            if name not in known:
                raise unknown("choice of intervention", name, known)
        _check_packages(names)
    elif value.startswith("["):
        raise Refusal(f"{key} takes one choice, got {value}: name one of {', '.join(listed)}")
    elif "," in value and set(value.split(",")) <= set(known):
        raise Refusal(f"{key} takes one choice, got {value}: add -m to oa-sim run for each, or write oa-sim sweep")
    elif not value.startswith("{") and value not in known:
        raise unknown(f"choice of {key}", value, known if nearest(value, known) else listed)


def hydra_refusal(error: BaseException, schema: type, overrides: Iterable[str] = ()) -> Refusal:
    """Return the refusal that says in our words what Hydra found wrong: its innermost cause, on one line."""
    lines: list[str] = []
    where = ""
    cause: BaseException | None = error
    while cause is not None:
        mark = getattr(cause, "problem_mark", None)
        if mark is not None:
            problem = getattr(cause, "problem", None)
            return Refusal(f"{mark.name} line {mark.line + 1}: {problem}, which is no YAML: correct the file")
        lines = [line.strip() for line in str(cause).splitlines() if line.strip()] or [type(cause).__name__]
        if lines[0].startswith("In '"):
            where = lines[0].split("'")[1]
        key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key:")), "")
        if key and lines[0].startswith("Key '"):
            return Refusal(f"unknown key {key!r}: write one that oa-sim show lists")
        if key:
            key = key.split("[")[0]  # an item of a list is refused with its list
            typed = {key_of(text): text.split("=", 1)[1] for text in overrides}
            quoted_value = re.search(r"Value '(.*)' (?:of type|is not)", lines[0])
            return wrong_kind(key, typed.get(key) or (quoted_value[1] if quoted_value else ""), schema)
        cause = cause.__cause__
    problem = lines[0].rstrip(".:")
    if where:
        return Refusal(f"configs/{where}.yaml: {problem}: correct the file")
    return Refusal(f"{problem}: write overrides as key=value, such as horizon=15")


def wrong_kind(key: str, value: str, schema: type) -> Refusal:
    """Return the refusal of a value that is not of its key's kind, such as a word in the place of a number."""
    kind, rule, *_ = look_up(bare(key), schema)
    if isinstance(kind, UnionType):
        kind = get_args(kind)[0]
    if is_dataclass(kind) and kind is not Prior:
        own = f"{key}.{fields(kind)[0].name}"
        return Refusal(f"{key} has keys of its own, got {value}: give one of them a value, such as {own}=...")
    name, form = KINDS[get_origin(kind) or kind]
    if get_origin(kind) is list:
        name += {int: "whole numbers", float: "numbers"}.get(get_args(kind)[0], "names")
    if kind in NUMBERS and rule and rule.low is not None and rule.high is not None:
        name += f", {limits_in_words(rule.low, rule.high, rule.unit)}"
    return Refusal(f"{key} must be {name}, got {value or 'nothing'}: write {form.format(key=key)}")


def kind_of(key: str, schema: type) -> Any:
    """Return the type that the schema gives to a dotted key; None for a group that is no field."""
    first, choices = key.split(".")[0], groups_of(schema)
    if first not in schema.__dataclass_fields__:  # type: ignore[attr-defined]
        if first in choices:
            return None
        raise unknown("key", first, dict.fromkeys([*choices, *schema.__dataclass_fields__]))  # type: ignore[attr-defined]
    return look_up(key, schema).kind


def of_kind(key: str, value: object) -> object:
    """Return a value of a scenario's key as a number, truth value or text of the key's kind."""
    kind = kind_of(bare(key), Scenario)
    if kind in NUMBERS:
        is_number = isinstance(value, int if kind is int else int | float) and not isinstance(value, bool)
        if not is_number or not isinstance(value, int | float) or LARGEST < abs(value) < math.inf:
            raise wrong_kind(key, written(value), Scenario)
        return int(value) if kind is int else float(value)
    if kind is bool and not isinstance(value, bool):
        raise wrong_kind(key, written(value), Scenario)
    if isinstance(value, str):
        check_override(normal(f"{key}={value}"), Scenario)
    return value


def open_scenario_file(words: Iterable[str]) -> list[str]:
    """Return overrides in which a scenario that is a file stands as the overrides it holds, before all that is typed.

    A group that is typed takes the place of all that the file says of it.
    """
    words = list(words)
    files = [word for word in words if word.startswith("scenario=") and word.lower().endswith(FILE_ENDINGS)]
    if not files:
        return words
    if len(files) > 1:
        raise Refusal(f"a scenario is one file, got {len(files)}: name one")
    typed = [word for word in words if word not in files]
    keys = {key_of(word) for word in typed}
    held = overrides_in_file(files[0].split("=", 1)[1].strip("'\""))
    return [word for word in held if key_of(word).split(".")[0] not in keys] + typed


def overrides_in_file(path: str | Path) -> list[str]:
    """Return what a scenario file says, as overrides."""
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise Refusal(f"scenario={path}: there is no such file: name one that oa-sim explore saved") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"scenario={path}: cannot be read ({error}): save it as UTF-8 text") from None
    except yaml.YAMLError as error:
        raise Refusal(f"scenario={path}: {' '.join(str(error).split())}, which is no YAML: correct the file") from None
    if not isinstance(content, dict):
        raise Refusal(f"scenario={path}: it must be a mapping such as 'horizon: 10': rewrite it")
    defaults = content.pop("defaults", None) or []
    return [_default_choice(path, default) for default in defaults] + list(_flat_overrides(content))


def _default_choice(path: str | Path, default: object) -> str:
    """Return a default of the file as an override of its group."""
    if isinstance(default, dict) and len(default) == 1:
        ((key, choice),) = default.items()
        if str(key).startswith(FILE_DEFAULT):
            choice = f"[{', '.join(choice)}]" if isinstance(choice, list) else choice
            return f"{key.removeprefix(FILE_DEFAULT)}={choice}"
    raise Refusal(f"scenario={path}: a default has the form '- override /split: equal', got {default}: rewrite it")


def _flat_overrides(content: dict[str, Any], above: str = "") -> Iterator[str]:
    for key, value in content.items():
        name = f"{above}{key}"
        if isinstance(value, dict) and value and name not in OPEN_MAPPINGS:
            yield from _flat_overrides(value, f"{name}.")
        else:
            yield f"{name}={quoted(value) if isinstance(value, str) else written(value)}"


def scenario_file_text(wanted: dict[str, Any], there: dict[str, Any], chosen: dict[str, object], file: str) -> str:
    """Return the text of a scenario file: how a scenario differs from the default one with the choices of its groups.

    Both are nested plain values. The file bears its name in the command that runs it.
    """
    import yaml

    defaults = [{f"{FILE_DEFAULT}{group}": choice} for group, choice in chosen.items()]
    body = ({"defaults": defaults} if defaults else {}) | {"name": wanted["name"]} | _differences(wanted, there)
    head = FILE_HEAD.format(file=" ".join(file.split()))
    text: str = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return head + text


def _differences(wanted: dict[str, Any], there: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values in which a scenario differs from another."""
    out = {}
    for key, value in wanted.items():
        other, name = there.get(key), f"{above}{key}"
        if name == "outputs" or value == other:
            continue
        if isinstance(value, dict) and isinstance(other, dict) and name not in OPEN_MAPPINGS:
            out[key] = _differences(value, other, f"{name}.")
        else:
            out[key] = value
    return out
