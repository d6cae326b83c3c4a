import ast
import re
from functools import cache
from pathlib import Path

import pytest

import oa_sim

FLIGHTS = """
__init__ usage refusal harmless variables phrases streams scale priors assumptions organisation scenario design
overrides columns scenario_files labels
tables doubts layouts readers choices listed variants areas panel
portfolio spending budget
inference kept smoothing
evidence synthesis
links delivery survival parameters interventions review
cohort served
record england gaussian baseline state_space learned standing counterfactual
retention reasons sustain impact outside
value accounts ranking origins objective
compiled threads arithmetic selection passes gains readings marginal lines slopes factors
listings result
model comparison
world kernel
judging
constraints patterns courses mixing relaxing rounding problem laying risks stepping optimise
challenge rules stability front decision advice
provenance logbook roster store chunks tally engine blocks rehearsal sweep
plan words contrasts drawing readouts declared figures charts bars decision_charts markup afterwards sections
briefing tiles multiples arviz_pictures
ledger
peers forecasts scores backtest
hindcast placebo
targeting movements outlook promises targets pledges ladder keeping least_money
monitoring update placed monitor trajectories
information studying decisions gates voi worthwhile
swept sensitivity tornado discovery remarks findings
monte_carlo calibrated published grounds quotable dossier ministerial folder_tables sayings folders
commented leaves tabled assurance verification register meanings decided codebook datapackage iamc
packed views explorer
extended cells exports run_sheets sheets plots plotting workbook
live_picture live_base live live_save live_page live_app
office wordml paper word board slides
brief_page assurance_page picture_book dossiers
diagrams reliability report packs filing multirun progress sweep_door decision_door report_door live_door __main__
"""
STAIRCASE = FLIGHTS.split()
FENCES = {  # library: the files that may know it
    "hydra": {"choices"},
    "omegaconf": {"choices", "scenario", "assumptions", "organisation", "priors"},
    "pymc": {"inference"},
    "pytensor": {"baseline", "gaussian", "inference", "synthesis"},
    "numba": {"compiled", "gaussian", "state_space"},
    "nutpie": set(),
    "arviz": {"inference", "monte_carlo", "arviz_pictures"},
    "arviz_stats": {"inference", "monte_carlo"},
    "arviz_plots": {"arviz_pictures"},
    "matplotlib": {
        *("drawing", "declared", "tiles", "multiples", "arviz_pictures", "figures", "bars"),
        *("decision_charts", "diagrams", "ladder", "tornado", "trajectories", "worthwhile"),
    },
    "pandas": {
        *("layouts", "readers", "listings", "result", "comparison", "scores", "diagrams", "reliability", "ledger"),
        *("swept", "sensitivity", "tornado", "discovery", "remarks", "findings", "stability"),
        *("decision", "advice", "front", "decision_charts"),
        *(
            "dossier",
            "dossiers",
            "folder_tables",
            "folders",
            "sayings",
            "exports",
            "sheets",
            "iamc",
            "codebook",
            "register",
        ),
        *("verification", "word", "assurance_page"),
        *("promises", "targets", "pledges", "ladder", "keeping", "least_money", "monitor", "gates", "voi"),
    },
    "SALib": {"design", "sensitivity"},
    "ema_workbench": {"discovery"},
    "openpyxl": {"targeting"},
    "xlsxwriter": {"workbook"},
    "docx": {"paper"},
    "pptx": {"board", "slides"},
    "vl_convert": {"dossier", "explorer"},
    "shiny": {"live_app", "live_page", "live_door"},
    "uvicorn": {"live_app"},
    "pyarrow": {"tally"},
    "zarr": {"store"},
    "numcodecs": {"store", "chunks"},
    "joblib": {"engine"},
    "distributed": {"engine"},
    "filelock": {"logbook"},
    "statsforecast": {"peers"},
}
LONGEST_FILE, LONGEST_FUNCTION = 300, 50
HOME = Path(oa_sim.__file__).parent
FILES = sorted(HOME.glob("*.py"))
KEPT = [
    path
    for root in (HOME, HOME.parent / "configs", HOME.parent / "experiments")
    for path in sorted(root.rglob("*"))
    if path.suffix in (".py", ".yaml", ".csv", ".css", ".md", ".toml")
]


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def trees(path):
    return ast.walk(tree(path))


@cache
def imported(path):
    """Return every module that a file imports, wherever in it, by its full name."""
    found = set()
    for node in trees(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            whole = (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "oa_sim" else [node.module]
            )
            found |= set(whole)
    return found


def own(path):
    """Return the files of the package that a file imports."""
    parts = [name.split(".") for name in imported(path) if name.split(".")[0] == "oa_sim"]
    return {part[1] for part in parts if len(part) > 1 and not part[1].startswith("__version")}


def test_every_file_stands_on_the_staircase():
    assert {path.stem for path in FILES} <= set(STAIRCASE)
    assert len(set(STAIRCASE)) == len(STAIRCASE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_imports_only_from_files_to_its_left(path):
    left = STAIRCASE[: STAIRCASE.index(path.stem)]
    assert own(path) <= set(left)


@pytest.mark.parametrize("library", FENCES)
def test_a_library_is_known_only_where_it_may_be(library):
    knows = {path.stem for path in FILES if library in {name.split(".")[0] for name in imported(path)}}
    assert knows <= FENCES[library]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_short_enough_to_read_at_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_function_is_short_enough_to_read_at_one_glance(path):
    for node in trees(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_says_what_it_is_in_its_first_line(path):
    first = ast.get_docstring(tree(path)).splitlines()[0]
    assert first.endswith(".")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_file_knows_the_machine_it_was_written_on(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|tmp|root|home)/", text)
    assert not re.search(r"pypi\.org|pythonhosted\.org|anaconda\.org|index-url|/simple/", text)


def test_there_is_no_file_without_a_noun():
    assert not {"utils", "helpers", "common", "core", "base"} & {path.stem for path in FILES}
