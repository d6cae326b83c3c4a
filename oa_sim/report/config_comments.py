"""Commented: what the config files say beside each number, so that a number of a run is traced to its source.

A config file carries unit, source and reason at the end of the line. Here they are read, by key, from the file whose
values the run has; a run keeps its values, not the names of the choices that gave them.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from oa_sim.scenario.overrides import CONFIGS, groups

COMMANDS = ("# @package", "# oa-sim")  # comments that say nothing about numbers
FIELDS = {"intervention": "interventions"}  # group: the field it fills, where the two differ
ONE_EACH = ("intervention",)  # groups of which each file fills a key of its own


class Note(NamedTuple):
    """What a config file says of one number.

    Attributes
    ----------
    value
        In the file, as ``plain`` has it.
    comment
        At the end of its line, and of the lines of what it is part of.
    heading
        The comment that stands above it.
    file
        Such as ``configs/delivery/standard.yaml``.
    """

    value: object
    comment: str
    heading: str
    file: str


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield each leaf of nested mappings with its dotted path; a distribution is one leaf, and so is a list."""
    if isinstance(tree, dict) and tree and "dist" not in tree:
        for key, branch in tree.items():
            yield from leaves(branch, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def plain(value: object) -> object:
    """Return a leaf so that equal values are equal, however they were written."""
    if isinstance(value, dict) and "dist" in value:
        return value["dist"], float(value["a"]), float(value.get("b") or 0)
    if isinstance(value, list):
        return sorted(value) if all(isinstance(item, str) for item in value) else [plain(item) for item in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def notes(scenario: dict) -> dict[str, list[Note]]:
    """Return what the config files say of each leaf of a scenario, the file that has the last word first.

    Parameters
    ----------
    scenario
        As a manifest holds it, nested plain values.
    """
    run = {path: plain(value) for path, value in leaves(scenario)}
    found: dict[str, list[Note]] = {}
    for path, note in _last_word(str(scenario.get("name"))).items():
        found.setdefault(path, []).append(note)
    for group, names in groups().items():
        if group == "scenario":
            continue
        for chosen in names if group in ONE_EACH else [_nearest(group, names, run)]:
            for path, note in _of_choice(group, chosen).items():
                found.setdefault(path, []).append(note)
    for path, note in _read("config.yaml").items():
        found.setdefault(path, []).append(note)
    return found


def _last_word(name: str) -> dict[str, Note]:
    """Return what a named scenario's own file says; nothing where there is none of that name."""
    return _read(f"scenario/{name}.yaml") if name in groups()["scenario"] else {}


def _nearest(group: str, names: list[str], run: dict[str, object]) -> str:
    """Return the choice of a group of whose values the run has most."""

    def alike(name: str) -> float:
        said = _of_choice(group, name)
        return sum(run.get(path) == note.value for path, note in said.items()) / max(len(said), 1)

    return max(names, key=lambda name: (alike(name), name in _defaults(CONFIGS / "config.yaml")))


@cache
def _of_choice(group: str, name: str) -> dict[str, Note]:
    """Return the notes of a choice by path in the scenario, what it takes over from other choices included."""
    at = FIELDS.get(group, group) + (f".{name}" if group in ONE_EACH else "")
    found: dict[str, Note] = {}
    for other in _defaults(CONFIGS / group / f"{name}.yaml"):
        if other != "_self_":
            found |= _of_choice(group, other)
    return found | {f"{at}.{path}": note for path, note in _read(f"{group}/{name}.yaml").items()}


def _defaults(path: Path) -> list[str]:
    """Return the names in the defaults of a config file."""
    listed = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    return [item if isinstance(item, str) else str(next(iter(item.values()))) for item in listed]


@cache
def _read(name: str) -> dict[str, Note]:
    """Return the notes of one file by the path within it."""
    text = (CONFIGS / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    comments, headings = [_comment(line) for line in lines], _headings(lines)
    root, values = yaml.compose(text), yaml.safe_load(text)
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {
        path: Note(plain(value), comment, headings[line], f"configs/{name}")
        for path, value, line, comment in _walk(root, values, comments, "", "")
        if path.split(".")[0] != "defaults"
    }


def _walk(node: yaml.MappingNode, values: dict, comments: list[str], above: str, path: str) -> Iterator[tuple]:
    for key, branch in node.value:
        line, name = key.start_mark.line, f"{path}.{key.value}" if path else str(key.value)
        value, comment = values[key.value], "; ".join(filter(None, (comments[line], above)))
        if isinstance(branch, yaml.MappingNode) and value and "dist" not in value:
            yield from _walk(branch, value, comments, comment, name)
        else:
            yield name, value, line, comment


def _comment(line: str) -> str:
    """Return what stands behind the sign of a comment at the end of a line; nothing for a whole line of comment."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and at and line[at - 1] == " " and line[:at].strip():
            return line[at + 1 :].strip()
    return ""


def _headings(lines: list[str]) -> list[str]:
    """Return the comment above each line: the last one since a blank line, or the first of the file."""
    found, first, last = [], "", ""
    for line in lines:
        if not line.strip():
            last = first
        elif line.startswith("#") and not line.startswith(COMMANDS):
            last = line.lstrip("# ").strip()
            first = first or last
        found.append(last)
    return found
