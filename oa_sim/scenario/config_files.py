"""Config files: the groups and their choices, the title of each, and where a value in them comes from.

A choice is a file. Its title stands in a comment (``# title: ...``), that of an intervention is its label. The source
of a value and the reason for it stand in the comment at the end of its line; what a key means, and its unit, do not:
they stand in the schema.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from oa_sim.errors import Refusal

_PACKAGE = Path(str(files("oa_sim"))).resolve()
# inside the package in a wheel, beside it in a checkout
CONFIGS = _PACKAGE / "configs" if (_PACKAGE / "configs").is_dir() else _PACKAGE.parent / "configs"
OF_A_SWEEP = ("design", "engine")  # groups that say which scenarios and by whom, and are part of none
BUNDLES = ("scenario", "system")  # groups whose choices name choices and values of other groups
SYSTEM = "system"  # what one part of the programme does: no_X and with_X, which were scenarios until 0.7
FIELDS = {"intervention": "interventions"}  # group: the field that it fills, where the two names differ
NO_SOURCE = ("# @package", "# oa-sim", "# title:")  # comments that give no source
TITLE = re.compile(r"^(?:# title: +|label: +\")(.+?)\"?$", re.M)


def groups() -> dict[str, list[str]]:
    """Return the config groups of a scenario and the choices of each, from the file names."""
    return {name: choices for name, choices in _folders().items() if name not in OF_A_SWEEP}


def sweep_groups() -> dict[str, list[str]]:
    """Return the config groups of a sweep and the choices of each, from the file names."""
    return {name: choices for name, choices in _folders().items() if name in OF_A_SWEEP}


def _folders() -> dict[str, list[str]]:
    if not CONFIGS.is_dir():
        raise Refusal(f"the config folder {CONFIGS} is missing: install oa_sim again")
    folders = sorted(folder for folder in CONFIGS.iterdir() if folder.is_dir())
    return {folder.name: sorted(file.stem for file in folder.glob("*.yaml")) for folder in folders}


def in_words(name: str) -> str:
    """Return a key as words: ``my_plan`` is ``My plan``."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


@cache
def title_of(group: str, name: str) -> str:
    """Return the title that people read of a choice; one of the user's own has none, and its name is given in words.

    A scenario may also be one that shows what a part of the programme does (``system``).
    """
    for folder in BUNDLES if group in BUNDLES else (group,):
        path = CONFIGS / folder / f"{name}.yaml"
        if re.fullmatch(r"\w+", name) and path.is_file() and (title := TITLE.search(path.read_text(encoding="utf-8"))):
            return title[1]
    return in_words(name)


class Note(NamedTuple):
    """What a config file says of one value."""

    value: object  # as ``plain`` gives it
    comment: str  # at the end of its line, and of the lines of what it is part of
    heading: str  # the comment above it
    file: str  # such as configs/delivery/standard.yaml


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, Any]]:
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


def notes(scenario: dict[str, Any]) -> dict[str, list[Note]]:
    """Return what the config files say of each leaf of a scenario, the file that has the last word first.

    A scenario, nested plain values as in a manifest, does not keep the names of the choices that gave its values: of
    each group the choice is taken of whose values it has most.
    """
    values = {path: plain(value) for path, value in leaves(scenario)}
    folders = groups()
    layers = [
        comments_of(f"{group}/{scenario.get('name')}.yaml")
        for group in BUNDLES
        if scenario.get("name") in folders[group]
    ]
    for group, names in folders.items():
        if group == "intervention":
            layers += [_of_choice(group, name) for name in names]
        elif group not in BUNDLES:
            layers.append(_of_choice(group, _nearest(group, names, values)))
    by_path: dict[str, list[Note]] = {}
    for layer in [*layers, comments_of("config.yaml")]:
        for path, note in layer.items():
            by_path.setdefault(path, []).append(note)
    return by_path


def _nearest(group: str, names: list[str], values: dict[str, object]) -> str:
    """Return the choice of a group of whose values a scenario has most; of several, the default."""

    def share_equal(name: str) -> float:
        of_choice = _of_choice(group, name)
        return sum(values.get(path) == note.value for path, note in of_choice.items()) / max(len(of_choice), 1)

    return max(names, key=lambda name: (share_equal(name), name in _defaults(CONFIGS / "config.yaml")))


@cache
def _of_choice(group: str, name: str) -> dict[str, Note]:
    """Return the notes of a choice by path in the scenario, what it takes over from other choices included."""
    place = FIELDS.get(group, group) + (f".{name}" if group == "intervention" else "")
    inherited: dict[str, Note] = {}
    for other in _defaults(CONFIGS / group / f"{name}.yaml"):
        if other != "_self_":
            inherited |= _of_choice(group, other)
    return inherited | {f"{place}.{path}": note for path, note in comments_of(f"{group}/{name}.yaml").items()}


def _defaults(path: Path) -> list[str]:
    """Return the names in the defaults of a config file."""
    import yaml

    listed = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    return [item if isinstance(item, str) else str(next(iter(item.values()))) for item in listed]


@cache
def comments_of(name: str) -> dict[str, Note]:
    """Return the notes of one file by the path within it."""
    import yaml

    text = (CONFIGS / name).read_text(encoding="utf-8")
    lines, root = text.splitlines(), yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        return {}
    values = {path: plain(value) for path, value in leaves(yaml.safe_load(text))}
    headings = _headings(lines)
    return {
        path: Note(values[path], comment, headings[line], f"configs/{name}")
        for path, line, comment in _comments(root, lines, "", "")
        if path.split(".")[0] != "defaults"
    }


def _comments(node: Any, lines: list[str], above: str, path: str) -> Iterator[tuple[str, int, str]]:
    """Yield path, line and comment of each leaf; a leaf has the comments of what it is part of after its own."""
    for key, branch in node.value:
        name, line = f"{path}.{key.value}" if path else str(key.value), key.start_mark.line
        # what follows a value on its line, or the key of a block of lines, can only be a comment
        is_inline = branch.end_mark.line == line
        rest = lines[line][(branch if is_inline else key).end_mark.column :]
        own = rest.partition("#")[2].strip()
        # what lies within braces stands on the line of the braces: its comment is not repeated
        comment = above if above.startswith(own) else "; ".join(filter(None, (own, above)))
        is_mapping = branch.id == "mapping" and branch.value
        if is_mapping and "dist" not in [inner.value for inner, _ in branch.value]:
            yield from _comments(branch, lines, comment, name)
        else:
            yield name, line, comment


def _headings(lines: list[str]) -> list[str]:
    """Return the comment above each line: the last one since a blank line, or the first of the file."""
    headings, first, last = [], "", ""
    for line in lines:
        if not line.strip():
            last = first
        elif line.startswith("#") and not line.startswith(NO_SOURCE):
            last = line.lstrip("# ").strip()
            first = first or last
        headings.append(last)
    return headings
