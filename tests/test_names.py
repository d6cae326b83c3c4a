"""Old names: each is imported for one version more, gives what it held, and says what it is called now."""

import importlib
import importlib.util
import inspect
import subprocess
import sys
import warnings

import pytest

import oa_sim
from oa_sim import _lazy_imports

PACKAGES = {"compiled", "evidence", "inference", "plots", "report", "scenario", "sweep", "targets"}  # also old modules
MODULES = sorted(set(_lazy_imports.MOVED) - PACKAGES)


def old(name):
    """Import a module under its old name, as the first to ask for it in this process does."""
    sys.modules.pop(f"oa_sim.{name}", None)
    vars(oa_sim).pop(name, None)
    with pytest.warns(DeprecationWarning, match="since oa_sim 0.7") as told:
        found = importlib.import_module(f"oa_sim.{name}")
    return found, [str(one.message) for one in told]


def own(module):
    """Return the public functions and classes that a module defines, by name."""
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    }


@pytest.mark.parametrize("name", MODULES)
def test_an_old_module_gives_what_it_held_and_says_its_new_name(name):
    there = importlib.import_module(f"oa_sim.{_lazy_imports.MOVED[name]}")
    found, (said,) = old(name)
    assert said.startswith(f"oa_sim.{name} is oa_sim.{_lazy_imports.MOVED[name]} since oa_sim 0.7")
    assert found is not there
    held = [one for one, value in vars(there).items() if not one.startswith("_") and not inspect.ismodule(value)]
    assert held
    for one in held:
        assert getattr(found, one) is getattr(there, one) or f"{name}.{one}" in _lazy_imports.RENAMED
    with pytest.raises(AttributeError):
        _ = found.nothing_of_this_name


@pytest.mark.parametrize("name", _lazy_imports.RENAMED)
def test_an_old_name_within_an_old_module_gives_what_bears_another_name_now(name):
    module, _, was = name.partition(".")
    where, _, now = _lazy_imports.RENAMED[name].rpartition(".")
    found, _ = old(module)
    assert getattr(found, was) is getattr(importlib.import_module(f"oa_sim.{where}"), now)


@pytest.mark.parametrize("name", _lazy_imports.MERGED)
def test_a_module_that_is_part_of_another_gives_what_that_holds(name):
    there = importlib.import_module(f"oa_sim.{_lazy_imports.MERGED[name]}")
    sys.modules.pop(f"oa_sim.{name}", None)
    with pytest.warns(DeprecationWarning, match=rf"oa_sim.{name} is {there.__name__} since oa_sim 0.8.*goes in 0.9"):
        module = importlib.import_module(f"oa_sim.{name}")
    for held in own(there):
        assert getattr(module, held) is getattr(there, held)


def test_no_old_name_is_told_without_need():
    for name, new in _lazy_imports.RENAMED.items():
        module, _, was = name.partition(".")
        assert new != f"{_lazy_imports.MOVED[module]}.{was}"


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_a_package_that_was_a_module_gives_what_the_module_held_and_says_where_that_is(name):
    package, there = (importlib.import_module(f"oa_sim.{one}") for one in (name, _lazy_imports.MOVED[name]))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for one, value in own(there).items():
            # a function that has the name of a module of its package gives way to it
            if importlib.util.find_spec(f"{package.__name__}.{one}") is None:
                assert getattr(package, one) is value
    for one in told:
        assert one.category is DeprecationWarning
        assert str(one.message).startswith(f"oa_sim.{name}.")
        assert f" is oa_sim.{_lazy_imports.MOVED[name]}." in str(one.message)
    assert told or set(own(there)) <= set(package.__all__)


def test_an_old_module_is_imported_from_the_package_as_ever():
    old("learned")
    sys.modules.pop("oa_sim.learned")
    vars(oa_sim).pop("learned", None)
    with pytest.warns(DeprecationWarning, match=r"oa_sim\.inference\.baseline_fit") as told:
        from oa_sim import learned
    from oa_sim.inference import baseline_fit

    assert learned.load is baseline_fit.load
    assert told[0].filename == __file__  # the line to change is that of the caller


def test_all_names_of_an_old_module_are_its_public_ones():
    errors = importlib.import_module("oa_sim.errors")
    found, _ = old("refusal")
    given = {}
    exec("from oa_sim.refusal import *", given)
    assert given["Refusal"] is errors.Refusal
    assert {name for name in given if name != "__builtins__"} == set(found.__all__) <= set(dir(found))
    assert set(own(errors)) <= set(found.__all__)
    assert {"MADE", *own(importlib.import_module("oa_sim.report.formats.excel"))} <= set(old("plotting")[0].__all__)


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


def test_sentences_of_a_plan_are_found_where_they_were():
    from oa_sim.decide import narrative

    assert old("advice")[0].sentences is narrative.plan_sentences


def test_a_package_is_still_called_as_the_function_that_bore_its_name(monkeypatch):
    from oa_sim.decide import decision

    monkeypatch.setattr(decision, "decide", lambda *given, **named: (given, named))
    with pytest.warns(DeprecationWarning, match=r"oa_sim\.decide is oa_sim\.decide\.decision\.decide"):
        assert oa_sim.decide("a scenario", seed=1) == (("a scenario",), {"seed": 1})


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


def test_decide_is_called_by_its_old_name_before_anything_of_it_is_imported():
    code = "import warnings; warnings.simplefilter('ignore'); import oa_sim; oa_sim.decide()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "missing 2 required positional arguments: 'scenario' and 'asked'" in done.stderr
