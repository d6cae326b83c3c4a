"""The walls: which package may import which, what is public, which library is known where, and how long things are."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import oa_sim
from oa_sim._lazy_imports import MERGED

# what every package may use, each those before it
ROOT = ["definitions", "errors", "rng", "atomic_write", "formatting"]
PACKAGES = [  # each may import those before it
    *("inputs", "scenario", "inference", "evidence", "programme", "projection", "simulation", "compiled", "sweep"),
    *("decide", "validation", "targets", "plots", "explore", "report", "cli"),
]
APART = [("validation", "compiled"), ("validation", "sweep"), ("validation", "decide"), ("decide", "sweep")]
FENCES = {  # library: the packages that may know it; no other is imported
    "numpy": "all",
    "scipy": "all",
    "xarray": "all",
    "pandas": ["inputs", "simulation", "sweep", "decide", "validation", "targets", "plots", "report"],
    "yaml": ["scenario", "sweep", "explore", "report"],
    "threadpoolctl": ["inference", "projection"],
    "_typeshed": ["scenario"],  # for type checkers alone
    "hydra": ["scenario"],
    "omegaconf": ["scenario"],
    "pymc": ["inference", "evidence", "validation"],
    "pytensor": ["inference", "evidence", "validation"],
    "nutpie": [],
    "arviz": ["inference", "plots"],
    "arviz_stats": ["inference"],
    "arviz_plots": ["plots"],
    "numba": ["inference", "compiled"],
    "matplotlib": ["plots"],
    "SALib": ["sweep"],
    "ema_workbench": ["sweep"],
    "zarr": ["sweep"],
    "numcodecs": ["sweep"],
    "joblib": ["sweep"],
    "distributed": ["sweep"],
    "filelock": ["sweep"],
    "pyarrow": ["sweep", "inputs", "report"],
    "openpyxl": ["targets"],
    "statsforecast": ["validation"],
    "xlsxwriter": ["report"],
    "docx": ["report"],
    "pptx": ["report"],
    "vl_convert": ["report"],
    "jinja2": ["explore", "report"],
    "markupsafe": ["explore", "report"],
    "shiny": ["explore", "cli"],
    "uvicorn": ["explore"],
}
FROM_IMPORTLIB = [("resources", "files"), ("metadata", "version"), ("util", "find_spec")]  # all that modules use of it
TESTED_ELSEWHERE = {  # module: the file that covers it; no two files of tests may bear one name
    "_lazy_imports": "test_names",  # no name of a test has two underscores
    "cli/main": "acceptance/test_command_line",
    "compiled/activity": "compiled/test_gains",
    "compiled/arrays": "compiled/test_simulate",
    "compiled/gradient": "decide/test_plan_evaluation",  # the prices of a plan; its slopes in test_spending_profiles
    "compiled/outcomes": "compiled/test_simulate",
    "decide/allocation_problem": "decide/test_constraints",
    "decide/column_generation": "decide/test_optimiser",
    "decide/narrative": "decide/test_decision",  # one of three of this name
    "decide/robustness": "decide/test_decision",  # the plan that it judges is searched once
    "inputs/schemas": "inputs/test_tables",
    "plots/calibration": "report/formats/test_html_pages",  # a law is called so too
    "plots/decision_charts": "decide/test_decision",
    "plots/target_charts": "targets/test_assess",
    "programme/laws": "compiled/test_scalar_laws",  # each law, with its compiled form
    "report/document": "report/test_assemble",
    "report/folder_writers": "report/test_assemble",
    "report/run_brief": "report/formats/test_excel",
    "scenario/schema": "scenario/test_load",
    "simulation/narrative": "projection/test_outside_view",  # one of three of this name
    "targets/narrative": "targets/test_assess",  # one of three of this name
    "targets/forecast_components": "targets/test_assess",  # the promise that it looks at takes seconds and is made once
}
LONGEST_MODULE, LONGEST_FUNCTION, MOST_MODULES, MOST_ENTRIES = 650, 50, 180, 25
HOME = Path(oa_sim.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))


def named(path: Path, home: Path = HOME) -> tuple[str, ...]:
    """Return a module's place below ``oa_sim``."""
    parts = path.relative_to(home).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def bindings(path: Path) -> list[tuple[tuple[str, ...], str, tuple[str, ...]]]:
    """Return what a file imports, wherever in it, each with the name that it gives and what that stands for."""
    found = []
    for node in ast.walk(tree(path)):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            above = f"{'.' * node.level}{node.module or ''}." if isinstance(node, ast.ImportFrom) else ""
            name = tuple(f"{above}{alias.name}".split("."))
            whole = above or alias.asname  # else `import a.b` gives `a`
            found.append((name, alias.asname or name[-1 if above else 0], name if whole else name[:1]))
        if isinstance(node, ast.Name) and node.id == "__import__":
            found.append((("importlib", "__import__"), "__import__", ()))
    return found


def imports(path: Path) -> list[tuple[str, ...]]:
    """Return all that a file imports: the module and, for a from-import, the name."""
    return [name for name, _, _ in bindings(path)]


def chain(node: ast.AST) -> tuple[str, ...]:
    """Return the parts of ``a.b.c`` or of ``getattr(a.b, "c")``; of any other expression, none."""
    match node:
        case ast.Name(id=name):
            return (name,)
        case (
            ast.Attribute(value=before, attr=last)
            | ast.Call(func=ast.Name(id="getattr"), args=[before, ast.Constant(value=str(last)), *_])
        ) if parts := chain(before):
            return (*parts, last)
    return ()


@cache
def uses(path: Path) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return what a file takes from ``oa_sim`` as an attribute: of what it imported, and which."""
    bound = {(known, name) for _, known, name in bindings(path) if name[:1] == ("oa_sim",)}
    chains = [parts for node in ast.walk(tree(path)) if len(parts := chain(node)) > 1]
    return [(name, parts[1:]) for parts in chains for known, name in bound if known == parts[0]]


@cache
def public(package: str) -> set[str]:
    """Return ``__all__`` of a package."""
    for node in tree(HOME / package / "__init__.py").body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


@cache
def exported(package: str) -> dict[str, str]:
    """Return the names that a package looks up when first used, and the module of each."""
    for node in ast.walk(tree(HOME / package / "__init__.py")) if package in PACKAGES else ():
        if isinstance(node, ast.Call) and chain(node.func) == ("_lazy_imports", "exports"):
            return ast.literal_eval(node.args[1])
    return {}


def resolved(name: tuple[str, ...]) -> tuple[str, ...]:
    """Return a name of ``oa_sim`` with the module that holds it, where the root or a package looks it up."""
    if name[1:2] and name[1] in oa_sim._WHERE:
        module, own = oa_sim._WHERE[name[1]]
        return ("oa_sim", *module.split("."), own, *name[2:])
    if name[2:3] and name[2] in exported(name[1]):
        return (*name[:2], exported(name[1])[name[2]], *name[2:])
    return name


def faults(path: Path, home: Path = HOME) -> list[str]:
    """Return how a file breaks the order of packages, their walls or the fences about libraries."""
    place, found = named(path, home), []
    for name in imports(path):
        found += within(name, place) if name[0] == "oa_sim" else without(name, place)
    for name, (first, *rest) in uses(path):
        if name == ("oa_sim",) and first != "__version__":
            found.append(f"oa_sim.{first} is an attribute of the root: import it from where it is")
        found += within((*name, first, *rest), place)
    return found


def without(name: tuple[str, ...], place: tuple[str, ...]) -> Iterator[str]:
    """Give how an import from outside ``oa_sim`` breaks the fences."""
    library, said = name[0], ".".join(name)
    if not library:
        yield f"{said} is relative"
    elif library == "importlib":
        if name[1:] not in FROM_IMPORTLIB and place not in ((), ("_lazy_imports",)):
            yield f"{said} imports by a string, which is for _lazy_imports"
    elif library not in sys.stdlib_module_names:
        allowed = FENCES.get(library, [])
        if allowed != "all" and (not place or place[0] not in allowed):
            yield f"{library} is for {allowed}"


def within(name: tuple[str, ...], place: tuple[str, ...]) -> Iterator[str]:
    """Give how a name of ``oa_sim`` breaks the order, or is not one to be used from where the file is."""
    own = place[0] if place else ""
    there = name[1] if len(name) > 1 else "__version__"
    if any(re.match("_[^_]", part) and part != "_lazy_imports" for part in name):
        yield f"{'.'.join(name)} is private"
    if (old := ".".join(name[1:3])) in MERGED:
        yield f"{old} is an old name"
    if there in PACKAGES:
        if there != own:
            yield from across(name, own)
    elif there in ROOT:
        if own in ROOT and ROOT.index(there) >= ROOT.index(own):
            yield f"{there} comes after {own}"
    elif there not in ("__version__", "_lazy_imports"):
        yield f"oa_sim.{there} is not there: import it from where it is"
        if there in oa_sim._WHERE:
            yield from within(resolved(name), place)


def across(name: tuple[str, ...], own: str) -> Iterator[str]:
    """Give how a name of another package breaks the order and the walls."""
    there = name[1]
    if own in PACKAGES and PACKAGES.index(there) > PACKAGES.index(own):
        yield f"{there} comes after {own}"
    if (own, there) in APART:
        yield f"{own} does without {there}"
    if own in ROOT:
        yield f"{own} does without any package"
    if len(name) > 2 and name[2] not in public(there) and not name[2].startswith("__"):
        yield f"{'.'.join(name[:3])} is not in __all__ of {there}"


def name_of(path: Path) -> str:
    return "/".join(named(path)) or "oa_sim"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_keeps_the_order_the_walls_and_the_fences(path):
    assert faults(path) == []


REGISTER = "report/assumptions_register.py"
PLANTED = {
    "a package above": ("inputs/areas.py", "from oa_sim.report import document", "report comes after inputs"),
    "within a function": ("inputs/areas.py", "def f():\n    from oa_sim.cli import main", "cli comes after inputs"),
    "a package above, by another name": ("inputs/areas.py", "import oa_sim.report.document as d", "report comes after"),
    "a name of the root, from above": ("inputs/areas.py", "from oa_sim import run", "simulation comes after inputs"),
    "a name of the root": (REGISTER, "from oa_sim import load_scenario", "import it from where it is"),
    "all names of the root": (REGISTER, "from oa_sim import *", "import it from where it is"),
    "an attribute of the root": (REGISTER, "import oa_sim\nf = oa_sim.inputs.tables", "an attribute of the root"),
    "an attribute of the root, renamed": (REGISTER, "import oa_sim as o\nf = o.run", "an attribute of the root"),
    "packages that are apart": ("validation/placebo.py", "from oa_sim.sweep import store", "does without sweep"),
    "a package in a root module": ("errors.py", "from oa_sim.inputs import tables", "without any package"),
    "a root module after it": ("definitions.py", "from oa_sim import formatting", "formatting comes after"),
    "an old module": (REGISTER, "from oa_sim.programme import review", "programme.review is an old name"),
    "a name of an old module": (REGISTER, "from oa_sim.sweep.executors import run", "executors is an old name"),
    "a relative import": (REGISTER, "from . import document", "is relative"),
    "a relative import from above": (REGISTER, "from ..inputs.tables import read", "is relative"),
    "import_module": (REGISTER, "import importlib\nimportlib.import_module('oa_sim.cli')", "imports by a string"),
    "import_module alone": (REGISTER, "from importlib import import_module as f\nf('pymc')", "imports by a string"),
    "__import__": (REGISTER, "p = __import__('pymc')", "imports by a string"),
    "a private function": (REGISTER, "from oa_sim.inputs.tables import _bytes", "_bytes is private"),
    "a private attribute": (
        REGISTER,
        "from oa_sim.inputs import tables\nr = tables._bytes",
        "tables._bytes is private",
    ),
    "a private attribute, renamed": (REGISTER, "import oa_sim.inputs.tables as t\nr = t._bytes", "_bytes is private"),
    "a private attribute of a package": (REGISTER, "from oa_sim import inputs\nr = inputs.tables._bytes", "is private"),
    "a private getattr": (REGISTER, "from oa_sim.inputs import tables\nr = getattr(tables, '_bytes')", "is private"),
    "a module that is not public": (REGISTER, "from oa_sim.targets import forecast_components", "not in __all__"),
    "a function of such a module": (
        REGISTER,
        "from oa_sim.targets.forecast_components import outlook",
        "not in __all__",
    ),
    "such a module, renamed": (REGISTER, "import oa_sim.targets.forecast_components as d", "not in __all__"),
    "such a module of a package": (
        REGISTER,
        "from oa_sim import targets\nd = targets.forecast_components",
        "not in __all__",
    ),
    "a foreign library": ("projection/cohort.py", "import pymc", "pymc is for"),
    "a part of a foreign library": ("cli/main.py", "from pyarrow import parquet", "pyarrow is for"),
    "pandas where it is not known": ("projection/cohort.py", "import pandas as pd", "pandas is for"),
    "a library without a fence": (REGISTER, "import polars", "polars is for []"),
}


@pytest.mark.parametrize(("at", "planted", "fault"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(at, planted, fault, tmp_path):
    path = tmp_path / at
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((HOME / at).read_text(encoding="utf-8") + f"\n{planted}\n", encoding="utf-8")
    found = set(faults(path, tmp_path)) - set(faults(HOME / at))
    assert any(fault in one for one in found), found


def own_imports(path: Path, home: Path = HOME) -> set[Path]:
    """Return the modules of ``oa_sim`` that a file imports, by their own name or by one that a package looks up."""
    names = [name for name in imports(path) if name[0] == "oa_sim"] + [(*name, *rest) for name, rest in uses(path)]
    found = set()
    for name in {*names, *map(resolved, names)}:
        found |= {home.joinpath(*name[1:n]).with_suffix(".py") for n in range(2, len(name) + 1)}
    return {one for one in found if one.is_file()}


def in_circles(needs: dict[Path, set[Path]]) -> list[str]:
    """Return the modules that import themselves in the end, and those that need such a one."""
    left = dict(needs)
    while free := [path for path in left if not left[path] & set(left)]:
        for path in free:
            del left[path]
    return sorted(path.stem for path in left)


def test_no_module_imports_another_in_a_circle():
    assert in_circles({path: own_imports(path) for path in MODULES if path.name != "__init__.py"}) == []


def test_a_circle_is_found_through_the_names_that_a_package_looks_up(tmp_path):
    at = tmp_path / "decide"
    at.mkdir()
    (at / "constraints.py").write_text("from oa_sim.decide import decision")
    (at / "decision.py").write_text("from oa_sim import decide\nc = decide.Constraints")
    (at / "narrative.py").write_text("import json")
    assert in_circles({path: own_imports(path, tmp_path) for path in at.iterdir()}) == ["constraints", "decision"]


def test_the_house_is_small_enough_to_see():
    assert len(MODULES) <= MOST_MODULES
    entries = [path for path in HOME.iterdir() if path.name not in ("__pycache__", "configs", "CHANGELOG.md")]
    assert len(entries) <= MOST_ENTRIES, sorted(path.name for path in entries)
    assert {path.stem for path in HOME.glob("*.py")} == {*ROOT, "__init__", "__main__", "_lazy_imports"}
    assert {path.parent.name for path in HOME.glob("*/__init__.py")} == set(PACKAGES)


def too_long(path: Path) -> list[str]:
    """Return what of a file is longer than it may be: itself, or a function without its docstring."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    found = [f"{path.name} has {lines} lines"] if lines > LONGEST_MODULE else []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            found += [f"{node.name} has {length} lines"] if length > LONGEST_FUNCTION else []
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_and_its_functions_are_short_and_it_says_what_it_is(path):
    assert too_long(path) == []
    assert path.stem not in {"utils", "helpers", "common", "core", "base"}
    first = ast.get_docstring(tree(path)).splitlines()[0]
    assert first.endswith(".")
    if named(path) and path.name not in ("__init__.py", "__main__.py", "_lazy_imports.py"):
        assert ": " in first


def test_what_is_too_long_is_found(tmp_path):
    for more in (0, 1):
        path = tmp_path / f"f{more}.py"
        path.write_text('def f():\n    """Do it."""\n' + "    x = 1\n" * (LONGEST_FUNCTION + more), encoding="utf-8")
        assert too_long(path) == [f"f has {LONGEST_FUNCTION + 1} lines"] * more
        path = tmp_path / f"m{more}.py"
        path.write_text("x = 1\n" * (LONGEST_MODULE + more), encoding="utf-8")
        assert too_long(path) == [f"m1.py has {LONGEST_MODULE + 1} lines"] * more


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_makes_public_is_there(package):
    found = importlib.import_module(f"oa_sim.{package}")
    assert found.__all__ == sorted(found.__all__)
    for name in found.__all__:
        assert found.__getattr__(name)  # as when nothing of the package has been imported yet


KEPT = [
    path
    for folder in ("oa_sim", "configs", "experiments", "tests", "docs")
    for path in sorted((HOME.parent / folder).rglob("*"))
    if path.suffix in (".py", ".yaml", ".csv", ".css", ".js", ".html", ".md", ".toml") and "_build" not in path.parts
]


def test_no_file_knows_the_machine_it_was_written_on():
    place = re.compile(r"(?<![\w.])/(work|tmp|root|home)/")
    address = re.compile("|".join(("pypi" + r"\.org", "python" + "hosted", "anaconda" + r"\.org", "index" + "-url")))
    for path in KEPT:
        text = path.read_text(encoding="utf-8")
        assert not address.search(text), path
        assert "tests" in path.parts or not place.search(text), path


def test_a_module_has_a_test_of_its_name_or_a_reason():
    tests = Path(__file__).parent
    modules = {name_of(path): path for path in MODULES if path.name not in ("__init__.py", "__main__.py")}
    own = {name for name in modules if (tests / name).with_name(f"test_{Path(name).name}.py").is_file()}
    assert set(modules) - own == set(TESTED_ELSEWHERE)
    for name, elsewhere in TESTED_ELSEWHERE.items():
        taken = own_imports(tests / f"{elsewhere}.py")
        at_hand = taken.union(*(own_imports(path) for path in taken))
        assert modules[name] in at_hand, f"{elsewhere} has nothing of {name}, nor of what imports it"
