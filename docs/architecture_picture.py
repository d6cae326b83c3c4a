"""The picture of the architecture, drawn from the imports in the code.

    python docs/architecture_picture.py [--check]

It writes docs/static/architecture.svg and prints its path. With --check it writes nothing, and exits with 1 and one
sentence where the file is not what the code gives. The same code gives the same bytes.
"""

import argparse
import ast
import sys
import textwrap
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CODE = ROOT / "oa_sim"
PICTURE = Path(__file__).resolve().parent / "static" / "architecture.svg"
SHARED = "oa_sim"  # the modules that lie in it and in no package, as one box
NOT_SHARED = {"__init__", "__main__", "_lazy_imports"}


class Place(NamedTuple):
    """Where the box of a package lies: rows and columns of the grid, the last of each included."""

    group: str
    rows: tuple[int, int]
    columns: tuple[int, int]


COLUMNS = 3
PLACES = {  # a package must lie above all that it imports
    "cli": Place("Interface", (0, 0), (0, 2)),
    "report": Place("Output", (1, 1), (0, 2)),
    "explore": Place("Output", (2, 2), (0, 2)),
    "plots": Place("Output", (3, 3), (0, 2)),
    "sweep": Place("Analyses", (4, 5), (0, 0)),
    "targets": Place("Analyses", (4, 4), (1, 2)),
    "decide": Place("Analyses", (5, 5), (1, 1)),
    "validation": Place("Analyses", (5, 6), (2, 2)),
    "compiled": Place("Model", (6, 6), (0, 1)),
    "simulation": Place("Model", (7, 7), (0, 2)),
    "projection": Place("Model", (8, 8), (0, 2)),
    "programme": Place("Model", (9, 9), (0, 2)),
    "evidence": Place("Model", (10, 10), (0, 2)),
    "inference": Place("Model", (11, 11), (0, 2)),
    "scenario": Place("Inputs", (12, 12), (0, 2)),
    "inputs": Place("Inputs", (13, 13), (0, 2)),
    SHARED: Place("Shared", (14, 14), (0, 2)),
}
COLOURS = {  # group: fill and edge on a light page, fill and edge on a dark one
    "Interface": ("#e9e7f5", "#6a5fb0", "#2b2745", "#9d93dd"),
    "Output": ("#e3f0f4", "#2b7c94", "#15323c", "#6db8cd"),
    "Analyses": ("#fbefdc", "#a96a10", "#3d2c10", "#dea552"),
    "Model": ("#e4f1e6", "#38803f", "#17341b", "#77bd7e"),
    "Inputs": ("#f7e6e6", "#a84848", "#402020", "#dc8b8b"),
    "Shared": ("#ececec", "#6b6b6b", "#2e2e2e", "#a8a8a8"),
}
WIDTH, MARGIN, LEFT = 900, 16, 110  # of the picture, around it, and where the boxes begin
GAP, BETWEEN = 14, 24  # between boxes side by side, and between rows
PADDING, NAME, LINE, LETTER = 12, 20, 17, 7.1  # within a box; the last is the width of a letter, on the wide side
BESIDE, SIZE = 106, 86  # room for a name and for the size of a package, where what it is for stands between them
MOST_LINES = 3
KEY = (
    "An arrow leads from a package to one that it imports, wherever no other path of arrows says so already.",
    "A package imports only from packages below it. Every package may import the shared modules.",
)


@dataclass(frozen=True)
class Package:
    """What the code says of a package.

    Attributes
    ----------
    summary
        What its docstring says after the first colon, up to the end of the sentence.
    modules
        How many files it has, ``__init__.py`` left out.
    imports
        The packages that it imports, and ``SHARED`` where it imports a shared module.
    """

    summary: str
    modules: int
    imports: frozenset[str]


def packages(code: Path = CODE) -> dict[str, Package]:
    """Return the packages of a folder of code, and its shared modules as one of them, by name."""
    folders = {path.parent.name: sorted(path.parent.rglob("*.py")) for path in sorted(code.glob("*/__init__.py"))}
    shared = [path for path in sorted(code.glob("*.py")) if path.stem not in NOT_SHARED]
    names, roots = set(folders), {path.stem for path in shared}
    found = {
        name: _package(summary(code / name / "__init__.py"), paths, name, names, roots)
        for name, paths in folders.items()
    }
    return found | {SHARED: _package(f"Shared modules: {', '.join(sorted(roots))}", shared, SHARED, names, roots)}


def _package(said: str, paths: list[Path], name: str, names: set[str], roots: set[str]) -> Package:
    modules = [path for path in paths if path.name != "__init__.py"]
    found = {other for path in paths for other in imported(path, names, roots)}
    return Package(said, len(modules), frozenset(found - {name}))


def summary(path: Path) -> str:
    """Return what a docstring's first sentence says after its colon."""
    text = " ".join(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).split("\n\n")[0].split())
    said = text.partition(": ")[2] or text
    first = said.split(". ")[0].rstrip(".").replace("`", "")
    return first[:1].upper() + first[1:]


def imported(path: Path, names: set[str], roots: set[str]) -> set[str]:
    """Return the packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = [[*node.module.split("."), alias.name] for alias in node.names]
        else:
            continue
        inside = {part[1] for part in parts if part[0] == CODE.name and len(part) > 1}
        found |= inside & names
        if inside & roots:
            found.add(SHARED)
    return found


def reduced(found: dict[str, Package]) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others, as (importer, imported) in the order of the grid."""
    below: dict[str, set[str]] = {}
    for name in sorted(found, key=lambda name: -PLACES[name].rows[0]):
        below[name] = set(found[name].imports).union(*(below[other] for other in found[name].imports))
    return [
        (name, other)
        for name in PLACES
        for other in PLACES
        if other in found[name].imports and not any(other in below[one] for one in found[name].imports)
    ]


def check_places(found: dict[str, Package]) -> None:
    """End the program where the grid does not suit the code."""
    if odd := sorted(set(found) ^ set(PLACES)):
        sys.exit(f"PLACES and the code disagree on {', '.join(odd)}: correct PLACES in docs/architecture_picture.py")
    for name, about in found.items():
        for other in sorted(about.imports):
            if PLACES[other].rows[0] <= PLACES[name].rows[1]:
                sys.exit(f"{name} imports {other} but does not lie above it: correct PLACES, or the import")


class Box(NamedTuple):
    """A box in pixels."""

    x: float
    y: float
    width: float
    height: float


def wrapped(text: str, width: float) -> list[str]:
    """Return a text in lines of like length that fit a width, shortened at a word where there are too many."""
    room = int(width / LETTER)
    lines = textwrap.wrap(text, room, max_lines=MOST_LINES, placeholder=" …")
    while room > 1 and "…" not in lines[-1]:
        closer = textwrap.wrap(text, room - 1)
        if len(closer) > len(lines):
            break
        room, lines = room - 1, closer
    return lines


def across(columns: tuple[int, int]) -> tuple[float, float]:
    """Return where a span of columns begins and how wide it is."""
    one = (WIDTH - MARGIN - LEFT - GAP * (COLUMNS - 1)) / COLUMNS
    first, last = columns
    return LEFT + first * (one + GAP), (last - first + 1) * one + (last - first) * GAP


def boxes(found: dict[str, Package]) -> dict[str, Box]:
    """Return the box of each package."""
    rows = 1 + max(place.rows[1] for place in PLACES.values())
    heights = [0.0] * rows
    for name, place in PLACES.items():
        if place.rows[0] == place.rows[1]:
            height = 2 * PADDING + _tall(found[name], across(place.columns)[1])
            heights[place.rows[0]] = max(heights[place.rows[0]], height)
    tops = [MARGIN + sum(heights[:row]) + BETWEEN * row for row in range(rows)]
    out = {}
    for name, place in PLACES.items():
        x, width = across(place.columns)
        first, last = place.rows
        out[name] = Box(x, tops[first], width, tops[last] + heights[last] - tops[first])
    return out


def is_flat(about: Package, width: float) -> bool:
    """Return whether what a package is for fits on one line between its name and its size."""
    return len(about.summary) * LETTER <= width - 2 * PADDING - BESIDE - SIZE


def _tall(about: Package, width: float) -> float:
    """Return how tall the text in a box is."""
    return 12 if is_flat(about, width) else NAME + LINE * len(wrapped(about.summary, width - 2 * PADDING)) - 6


def way(importer: str, other: str, placed: dict[str, Box], taken: list[float]) -> str:
    """Return the path of an arrow: straight down where nothing lies between, else around all boxes on the right."""
    above, below = placed[importer], placed[other]
    low, high = max(above.x, below.x), min(above.x + above.width, below.x + below.width)
    start, end = above.y + above.height, below.y
    between = [box for box in placed.values() if box.y < end and box.y + box.height > start]
    middle = (low + high) / 2
    for shift in (0, -40, 40, -80, 80, -120, 120):
        x = middle + shift
        is_free = all(not box.x - 4 < x < box.x + box.width + 4 for box in between)
        if low + 8 < x < high - 8 and is_free and x not in taken:
            taken.append(x)
            return f"M{x:.1f} {start:.1f}V{end - 7:.1f}"
    edge = WIDTH - MARGIN / 2
    return f"M{above.x + above.width:.1f} {start - 14:.1f}H{edge:.1f}V{end + 14:.1f}H{below.x + below.width + 7:.1f}"


def drawn(found: dict[str, Package]) -> str:
    """Return the picture as SVG."""
    check_places(found)
    placed, arrows = boxes(found), reduced(found)
    bottom = max(box.y + box.height for box in placed.values())
    height = bottom + 22 + 18 * len(KEY) + 6
    parts = [_head(height, arrows), _groups(placed)]
    taken: dict[tuple[int, int], list[float]] = {}
    for importer, other in arrows:
        rows = (PLACES[importer].rows[1], PLACES[other].rows[0])
        parts.append(f'<path class="arrow" d="{way(importer, other, placed, taken.setdefault(rows, []))}"/>')
    parts += [_box(name, found[name], placed[name]) for name in PLACES]
    parts += [
        f'<text class="key" x="{LEFT}" y="{bottom + 28 + 18 * at:.1f}">{escape(line)}</text>'
        for at, line in enumerate(KEY)
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _head(height: float, arrows: list[tuple[str, str]]) -> str:
    said = "; ".join(f"{importer} imports {other}" for importer, other in arrows)
    light = "".join(f".{group}{{fill:{a};stroke:{b}}}.{group}-label{{fill:{b}}}" for group, (a, b, _, _) in _colours())
    dark = "".join(f".{group}{{fill:{c};stroke:{d}}}.{group}-label{{fill:{d}}}" for group, (_, _, c, d) in _colours())
    style = (
        "text{font-family:system-ui,-apple-system,'Segoe UI','Liberation Sans',Arial,sans-serif;fill:#1c2126}"
        ".name{font-size:15px;font-weight:600}.said{font-size:13px}.count,.key{font-size:12px}"
        ".count{text-anchor:end}.count,.key{fill:#4d565f}.label{font-size:13px;font-weight:600}"
        ".page{fill:#ffffff}.arrow{stroke:#4d565f;stroke-width:1.5;fill:none;marker-end:url(#tip)}.tip{fill:#4d565f}"
        f"{light}@media(prefers-color-scheme:dark){{text{{fill:#eceff1}}.count,.key{{fill:#b4bdc6}}.page{{fill:#131618}}"
        f".arrow{{stroke:#b4bdc6}}.tip{{fill:#b4bdc6}}{dark}}}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}"'
        f' height="{height:.0f}" role="img" aria-labelledby="title about">\n'
        f'<title id="title">The packages of oa_sim in layers</title>\n<desc id="about">{escape(said)}.</desc>\n'
        f"<style>{style}</style>\n"
        '<defs><marker id="tip" markerWidth="9" markerHeight="8" refX="2" refY="4" orient="auto"'
        ' markerUnits="userSpaceOnUse"><path class="tip" d="M0 0L9 4L0 8Z"/></marker></defs>\n'
        f'<rect class="page" width="{WIDTH}" height="{height:.0f}" rx="8"/>'
    )


def _colours() -> list[tuple[str, tuple[str, str, str, str]]]:
    return [(group.lower(), colours) for group, colours in COLOURS.items()]


def _groups(placed: dict[str, Box]) -> str:
    """Return the name of each group beside its boxes, with a bar as long as those that begin at the left edge."""
    parts = []
    for group in COLOURS:
        own = [placed[name] for name, place in PLACES.items() if place.group == group and place.columns[0] == 0]
        top, bottom = min(box.y for box in own), max(box.y + box.height for box in own)
        style = group.lower()
        parts += [
            f'<rect class="{style}-label" x="{LEFT - 16}" y="{top:.1f}" width="4" height="{bottom - top:.1f}" rx="2"/>',
            f'<text class="label {style}-label" x="{MARGIN}" y="{(top + bottom) / 2 + 5:.1f}">{group}</text>',
        ]
    return "\n".join(parts)


def _box(name: str, about: Package, box: Box) -> str:
    """Return the box of a package: its name, its size and what it is for, in the middle of its height."""
    flat = is_flat(about, box.width)
    lines = [about.summary] if flat else wrapped(about.summary, box.width - 2 * PADDING)
    x, end = box.x + PADDING, box.x + box.width - PADDING
    top = box.y + (box.height - _tall(about, box.width)) / 2 + 11
    said, first = (x + BESIDE, top) if flat else (x, top + NAME)
    parts = [
        f'<rect class="{PLACES[name].group.lower()}" x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}"'
        f' height="{box.height:.1f}" rx="6"/>',
        f'<text class="name" x="{x:.1f}" y="{top:.1f}">{escape(name)}</text>',
        f'<text class="count" x="{end:.1f}" y="{top:.1f}">{size(about)}</text>',
    ]
    parts += [
        f'<text class="said" x="{said:.1f}" y="{first + LINE * at:.1f}">{escape(line)}</text>'
        for at, line in enumerate(lines)
    ]
    return "\n".join(parts)


def size(about: Package) -> str:
    """Return how large a package is."""
    return f"{about.modules} module{'' if about.modules == 1 else 's'}"


def main(words: list[str]) -> None:
    """Write the picture, or say that the one that is there is old."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the file is old")
    asked = parser.parse_args(words)
    found, where = drawn(packages()), PICTURE.relative_to(ROOT).as_posix()
    if not asked.check:
        PICTURE.write_text(found, encoding="utf-8", newline="\n")
        print(where)
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != found:
        sys.exit(f"{where} is not what the code gives: write it again with python docs/architecture_picture.py")


if __name__ == "__main__":
    main(sys.argv[1:])
