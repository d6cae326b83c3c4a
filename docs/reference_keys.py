"""The reference of a scenario's keys and choices, made from the schema and the config files.

    python docs/reference_keys.py [--check]

It writes docs/reference.md and prints its path. With --check it writes nothing, and exits with 1 and one sentence
where the file is not what the schema and the config files give.
"""

import sys
from itertools import groupby
from pathlib import Path

from oa_sim.scenario import fields, title_of
from oa_sim.scenario.config_files import groups

PAGE = Path(__file__).resolve().parent / "reference.md"
HEAD = """# Keys of a scenario

Type a key as `key=value`, such as `horizon=15`, and a choice as `group=choice`, such as `split=per_pupil`.
Defaults are those of `oa-sim run` without overrides. Names in capitals are sources, rows of `oa_sim/data/sources.csv`.
`Beta(a, b)`, `LogNormal(median a, sigma b)`, `Normal(mean a, sd b)`, `Uniform(a, b)` and `HalfNormal(sd a)` are
distributions: set one as `delivery.dose={dist: Beta, a: 6, b: 4}`, or one of its numbers as `delivery.dose.a=6`.

This page is made by `docs/reference_keys.py`.
"""
EACH = "by intervention"  # a value that each intervention has


def page() -> str:
    """Return the page in Markdown."""
    parts = [HEAD, "## Choices\n"]
    for group, names in groups().items():
        rows = [(f"`{group}={name}`", title_of(group, name)) for name in names]
        parts += [f"### `{group}`\n", table(("choice", "title"), rows)]
    parts.append("## Keys\n")
    for title, rows in groupby(key_rows(), key=lambda row: section_of(row[0])):
        parts += [
            f"### {title}\n",
            table(("key", "meaning", "unit", "range", "default", "owner", "source"), list(rows)),
        ]
    return "\n".join(parts)


def key_rows() -> list[tuple[str, ...]]:
    """Return a row for each key; the keys of an intervention once."""
    rows: dict[str, tuple[str, ...]] = {}
    for record in fields():
        key, label, default, source = record.key, record.label, value_text(record.default), record.source
        if key.startswith("interventions."):
            parts = key.split(".")
            key, label, default, source = ".".join(["interventions", "NAME", *parts[2:]]), record.label, EACH, ""
            label = label.partition(": ")[0] + (f": {parts[3]}" if len(parts) > 3 else "")
        limits = "" if record.range in record.unit else record.range
        rows.setdefault(key, (f"`{key}`", label, record.unit, limits, default, record.owner, source))
    return list(rows.values())


def section_of(key: str) -> str:
    """Return the heading under which a key stands."""
    first, dot, _ = key.strip("`").partition(".")
    return f"`{first}`" if dot else "The question"


def value_text(value: object) -> str:
    """Return a default as it is typed, a distribution as it is called."""
    if isinstance(value, dict) and "dist" in value:
        numbers = (value["a"],) if value["dist"] == "HalfNormal" else (value["a"], value["b"])
        return f"{value['dist']}({', '.join(f'{number:g}' for number in numbers)})"
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:.15g}" if isinstance(value, float) else str(value if value != {} else "{}")


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a table in Markdown; what stands in a cell is kept within it."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main(words: list[str]) -> None:
    """Write the page, or check it."""
    text = page()
    if words == ["--check"]:
        if not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
            raise SystemExit(f"{PAGE.name} is not what the schema gives: run python docs/reference_keys.py")
        return
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
