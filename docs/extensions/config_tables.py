"""Config tables: each config file as a table of keys and values, with the comments that carry the source."""

import re
from pathlib import Path
from typing import NamedTuple

from from_the_package import table

CODE = re.compile(r"""^(?P<code>(?:[^#"']|"[^"]*"|'[^']*'|(?<=\S)\#)*?)(?:\s+\#\s?(?P<said>.*))?$""")
KEY = re.compile(r"^(?P<key>[\w/ ]+):(?:\s+(?P<value>.*))?$")
RUNS = re.compile(r"(?<!`)\boa-sim \w+[^;`]*")
OF_VERBS = {  # files beside the groups
    "config": "every scenario",
    "sweep": "`oa-sim sweep`",
    "target": "`oa-sim target`",
    "monitor": "`oa-sim monitor`",
    "optimise": "`oa-sim optimise`",
    "voi": "`oa-sim voi`",
    "learning": "`oa-sim fit` and `oa-sim backtest`",
}


class Entry(NamedTuple):
    """A key of a config file."""

    key: str  # with the keys that hold it, dots between
    value: str  # as it is written; empty where the key only holds others
    said: str  # the comment at its end


def page(folder: Path) -> str:
    """Return the page: the files beside the groups, then group by group.

    Parameters
    ----------
    folder
        ``configs``.
    """
    parts = []
    for path in sorted(folder.glob("*.yaml")):
        parts.append(f"## For {OF_VERBS.get(path.stem, path.stem)}: `{path.name}`\n\n{one(path)}")
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        parts.append(f"## `{group.name}`")
        for path in sorted(group.glob("*.yaml")):
            parts.append(f"### `{group.name}={path.stem}`\n\n{one(path)}")
    return "\n\n".join(parts)


def one(path: Path) -> str:
    """Return a config file in Markdown."""
    notes, entries = read(path.read_text(encoding="utf-8"))
    rows = [(f"`{entry.key}`", f"`{entry.value}`" if entry.value else "", plain(entry.said)) for entry in entries]
    about = "\n\n".join(plain(RUNS.sub(r"`\g<0>`", note)) for note in notes)
    return "\n\n".join(part for part in (about, table(("key", "value", "source, reason"), rows)) if part)


def read(text: str) -> tuple[list[str], list[Entry]]:
    """Return the comments that stand on lines of their own, and the keys with their values and comments.

    Parameters
    ----------
    text
        Of a config file: mappings, and lists of one line or with a dash on each line.
    """
    notes, entries, above = [], [], []  # above: (indent, key) of the mappings that hold the line
    for line in text.splitlines():
        if not line.strip():
            continue
        if line.lstrip().startswith("#"):
            note = line.strip().lstrip("# ")
            notes += [] if note.startswith("@package") else [note]
            continue
        code, said = CODE.match(line.rstrip()).group("code", "said")
        indent, code = len(code) - len(code.lstrip()), code.strip()
        if code.startswith("- "):
            entries[-1] = _added(entries[-1], code[2:], said or "")
            continue
        key, value = KEY.match(code).group("key", "value")
        above = [(at, name) for at, name in above if at < indent] + [(indent, key)]
        entries.append(Entry(".".join(name for _, name in above), value or "", said or ""))
    return notes, entries


def _added(entry: Entry, value: str, said: str) -> Entry:
    """Return a key whose list has one value more."""
    values = f"{entry.value}, {value}" if entry.value else value
    return Entry(entry.key, values, "; ".join(part for part in (entry.said, said and f"{value}: {said}") if part))


def plain(text: str) -> str:
    """Return a comment as Markdown that shows it as it is written; what is in backticks stays code."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([\\*_<>\[\]$])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
