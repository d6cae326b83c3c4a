"""The walls: which package may import which, what is public, which library is known where, and how long things are."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path

import pytest

import oa_sim

ROOT = ["definitions", "errors", "rng", "formatting"]  # what every package may use, each those before it
PACKAGES = [  # each may import those before it
    *("inputs", "scenario", "inference", "evidence", "programme", "projection", "simulation", "compiled", "sweep"),
    *("decide", "validation", "targets", "plots", "explore", "report", "cli"),
]
APART = [("validation", "compiled"), ("validation", "sweep"), ("validation", "decide"), ("decide", "sweep")]
FENCES = {  # library: the packages, or modules, that may know it
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
    "vl_convert": ["report", "explore"],
    "shiny": ["explore", "cli"],
    "uvicorn": ["explore"],
}
TESTED_ELSEWHERE = {  # module: the file that covers it; no two files of tests may bear one name
    "_lazy_imports": "test_names",  # no name of a test has two underscores
    "cli/batch": "acceptance/test_command_line",
    "cli/decision_commands": "decide/test_decision",  # its plans are searched there
    "cli/main": "acceptance/test_command_line",
    "cli/report": "report/test_assemble",
    "compiled/activity": "compiled/test_gains",
    "compiled/arrays": "compiled/test_simulate",
    "compiled/gradient": "decide/test_plan_evaluation",  # the prices of a plan
    "compiled/outcomes": "compiled/test_simulate",
    "compiled/spending_response": "decide/test_spending_profiles",  # what a line brings, and its slopes
    "decide/allocation_problem": "decide/test_constraints",
    "decide/candidate_plans": "decide/test_value_of_information",
    "decide/column_generation": "decide/test_optimiser",
    "decide/narrative": "decide/test_decision",  # one of three of this name
    "decide/robustness": "decide/test_decision",  # the plan that it judges is searched once
    "explore/fan_svg": "explore/test_session",
    "inputs/areas": "inputs/test_tables",
    "inputs/download_formats": "inputs/test_published_files",
    "inputs/schemas": "inputs/test_tables",
    "plots/calibration": "report/formats/test_backtest_page",  # a law is called so too
    "plots/decision_charts": "decide/test_decision",
    "plots/target_charts": "targets/test_assess",
    "plots/tornado": "sweep/test_tornado",  # one of two of this name
    "projection/impact": "projection/test_appraisal",
    "report/document": "report/test_assemble",
    "report/formats/excel_charts": "report/formats/test_excel",
    "report/formats/html_pages": "report/test_assemble",
    "report/formats/word_document": "report/formats/test_word",
    "report/folder_writers": "report/test_assemble",
    "report/run_brief": "report/formats/test_excel",
    "scenario/schema": "scenario/test_load",
    "simulation/narrative": "projection/test_outside_view",  # one of three of this name
    "sweep/dry_run": "sweep/test_sweep_run",  # one of two of this name
    "targets/narrative": "targets/test_assess",  # one of three of this name
    "targets/forecast_components": "targets/test_assess",  # the promise that it looks at takes seconds and is made once
}
LONGEST_MODULE, LONGEST_FUNCTION, MOST_MODULES, MOST_ENTRIES = 650, 50, 180, 24
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
def imports(path: Path) -> list[tuple[str, ...]]:
    """Return all that a file imports, wherever in it: the module and, for a from-import, the name."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(*node.module.split("."), alias.name) for alias in node.names]
    return found


@cache
def public(package: str) -> set[str]:
    """Return ``__all__`` of a package."""
    for node in tree(HOME / package / "__init__.py").body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def faults(path: Path, home: Path = HOME) -> list[str]:
    """Return how a file breaks the order of packages, their walls or the fences about libraries."""
    place, found = named(path, home), []
    own = place[0] if place and place[0] in PACKAGES else ""
    for name in imports(path):
        if name[0] != "oa_sim":
            if name[0] in FENCES and own not in FENCES[name[0]]:
                found.append(f"{name[0]} is for {FENCES[name[0]]}")
            continue
        if any(part.startswith("_") and not part.startswith("__") and part != "_lazy_imports" for part in name):
            found.append(f"{'.'.join(name)} is private")
        there = name[1] if len(name) > 1 else ""
        if there not in PACKAGES or there == own:
            if own == "" and place and place[0] in ROOT and there in ROOT[ROOT.index(place[0]) :]:
                found.append(f"{there} comes after {place[0]}")
            continue
        if own and PACKAGES.index(there) > PACKAGES.index(own):
            found.append(f"{there} comes after {own}")
        if (own, there) in APART:
            found.append(f"{own} does without {there}")
        if place and place[0] in ROOT:
            found.append(f"{place[0]} does without any package")
        if len(name) > 2 and name[2] not in public(there):
            found.append(f"{'.'.join(name)} is not in __all__ of {there}")
    return found + borrowed(path)


def borrowed(path: Path) -> list[str]:
    """Return the private names that a file takes from a module that it imports."""
    modules = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "oa_sim"
        for alias in node.names
    }
    return [
        f"{node.value.id}.{node.attr} is private"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and re.match(r"_[^_]", node.attr)
    ]


def name_of(path: Path) -> str:
    return "/".join(named(path)) or "oa_sim"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_keeps_the_order_the_walls_and_the_fences(path):
    assert faults(path) == []


PLANTED = {
    "a package above": ("inputs/areas.py", "from oa_sim.report import document", "report comes after inputs"),
    "within a function": ("inputs/areas.py", "def f():\n    from oa_sim.cli import main", "cli comes after inputs"),
    "packages that are apart": ("validation/placebo.py", "from oa_sim.sweep import store", "does without sweep"),
    "a package in a root module": ("errors.py", "from oa_sim.inputs import tables", "without any package"),
    "a root module after it": ("definitions.py", "from oa_sim import formatting", "formatting comes after"),
    "a private function": (
        "report/assumptions_register.py",
        "from oa_sim.inputs.tables import _bytes",
        "_bytes is private",
    ),
    "a private attribute": (
        "report/assumptions_register.py",
        "from oa_sim.inputs import tables\nrows = tables._bytes",
        "tables._bytes is private",
    ),
    "a module that is not public": (
        "report/assumptions_register.py",
        "from oa_sim.inputs import download_formats",
        "not in __all__",
    ),
    "a function of such a module": (
        "report/assumptions_register.py",
        "from oa_sim.inputs.download_formats import read",
        "not in __all__",
    ),
    "a foreign library": ("projection/cohort.py", "import pymc", "pymc is for"),
    "a part of a foreign library": ("cli/main.py", "from pyarrow import parquet", "pyarrow is for"),
}


@pytest.mark.parametrize(("at", "planted", "fault"), PLANTED.values(), ids=PLANTED)
def test_what_is_planted_is_found(at, planted, fault, tmp_path):
    path = tmp_path / at
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((HOME / at).read_text(encoding="utf-8") + f"\n{planted}\n", encoding="utf-8")
    (found,) = set(faults(path, tmp_path)) - set(faults(HOME / at))
    assert fault in found


def test_no_module_imports_another_in_a_circle():
    left = {path: own_imports(path) for path in MODULES if path.name != "__init__.py"}
    while free := [path for path, needs in left.items() if not needs & set(left)]:
        for path in free:
            del left[path]
    assert not left, sorted(name_of(path) for path in left)


def own_imports(path: Path) -> set[Path]:
    """Return the modules of ``oa_sim`` that a file imports."""
    found = set()
    for name in imports(path):
        if name[0] == "oa_sim":
            found |= {HOME.joinpath(*name[1:n]).with_suffix(".py") for n in (len(name) - 1, len(name)) if n > 1}
    return {one for one in found if one.is_file()}


def test_the_house_is_small_enough_to_see():
    assert len(MODULES) <= MOST_MODULES
    entries = [path for path in HOME.iterdir() if path.name not in ("__pycache__", "configs", "CHANGELOG.md")]
    assert len(entries) <= MOST_ENTRIES, sorted(path.name for path in entries)
    assert {path.stem for path in HOME.glob("*.py")} == {*ROOT, "__init__", "__main__", "_lazy_imports"}
    assert {path.parent.name for path in HOME.glob("*/__init__.py")} == set(PACKAGES)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_and_its_functions_are_short_and_it_says_what_it_is(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE
    assert path.stem not in {"utils", "helpers", "common", "core", "base"}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"
    first = ast.get_docstring(tree(path)).splitlines()[0]
    assert first.endswith(".")
    if named(path) and path.name not in ("__init__.py", "__main__.py", "_lazy_imports.py"):
        assert ": " in first


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_makes_public_is_there(package):
    found = importlib.import_module(f"oa_sim.{package}")
    assert found.__all__ == sorted(found.__all__)
    for name in found.__all__:
        assert getattr(importlib.import_module(f"oa_sim.{package}"), name, None) or importlib.import_module(
            f"oa_sim.{package}.{name}"
        )


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
