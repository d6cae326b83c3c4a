"""Names: public ones are looked up when first used, and a module's old name works for one version more."""

import importlib
import subprocess
import sys

import pytest

import oa_sim
from oa_sim import _lazy_imports


def old(name):
    """Import a module under its old name, as the first to ask for it in this process does."""
    sys.modules.pop(f"oa_sim.{name}", None)
    package, _, module = name.partition(".")
    vars(importlib.import_module(f"oa_sim.{package}")).pop(module, None)
    with pytest.warns(DeprecationWarning, match="since oa_sim 0.8") as warned:
        held = importlib.import_module(f"oa_sim.{name}")
    return held, warned


@pytest.mark.parametrize("name", _lazy_imports.MERGED)
def test_a_module_that_is_part_of_another_gives_what_that_holds_and_says_its_name(name):
    new = f"oa_sim.{_lazy_imports.MERGED[name]}"
    held, (warned,) = old(name)
    assert str(warned.message) == f"oa_sim.{name} is {new} since oa_sim 0.8: write that, the old name goes in 1.0"
    assert held.__name__ == f"oa_sim.{name}"
    names = [name for name in vars(importlib.import_module(new)) if not name.startswith("__")]
    assert names
    for each in names:
        assert getattr(held, each) is getattr(importlib.import_module(new), each)
    with pytest.raises(AttributeError):
        _ = held.nothing_of_this_name


def test_an_old_name_is_imported_from_its_package_and_the_line_to_change_is_told():
    old("programme.review")
    sys.modules.pop("oa_sim.programme.review")
    vars(importlib.import_module("oa_sim.programme")).pop("review", None)
    with pytest.warns(DeprecationWarning, match=r"oa_sim\.programme\.budget") as warned:
        from oa_sim.programme import review
    from oa_sim.programme import budget

    assert review.reviewed is budget.reviewed
    assert warned[0].filename == __file__


@pytest.mark.parametrize("name", ["learned", "kernel", "monitor", "advice"])
def test_names_of_0_6_are_gone(name):
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"oa_sim.{name}")


def test_all_names_of_the_root_are_there():
    given = {}
    exec("from oa_sim import *", given)
    assert set(oa_sim.__all__) <= set(given)
    assert set(oa_sim.__all__) <= set(dir(oa_sim))
    assert given["decide"] is importlib.import_module("oa_sim.decide")
    assert set(oa_sim._WHERE) == set(oa_sim.__all__) - {"__version__", "decide"}


def test_what_a_module_of_a_package_is_called_is_no_old_name():
    from oa_sim.evidence import studies

    assert studies is importlib.import_module("oa_sim.evidence.studies")
    assert importlib.import_module("oa_sim.evidence").studies is studies


def test_a_name_that_never_was_is_no_module():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("oa_sim.nothing_of_this_name")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = importlib.import_module("oa_sim.evidence").nothing


@pytest.mark.parametrize("name", ["cli.main", "explore.page", "inputs.tables", "programme.budget", "projection.cohort"])
def test_a_module_is_an_attribute_of_its_package_before_it_is_imported(name):
    package = name.partition(".")[0]
    done = subprocess.run([sys.executable, "-c", f"import oa_sim.{package}; oa_sim.{name}"], capture_output=True)
    assert done.returncode == 0, done.stderr
