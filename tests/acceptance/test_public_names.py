import subprocess
import sys

import pytest

import oa_sim


@pytest.mark.parametrize("order", [("compare", "run"), ("run", "compare"), ("load_scenario", "run")], ids=", ".join)
def test_the_public_names_are_what_they_say_in_whatever_order_they_are_asked_for(order):
    names = ", ".join(order)
    code = f"from oa_sim import {names}; assert all(callable(name) for name in ({names},))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_the_package_loads_nothing_heavy():
    code = "import sys, oa_sim; assert not {'numpy', 'pymc', 'hydra', 'pandas'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_an_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = oa_sim.nothing


def test_every_public_name_is_there():
    assert all(hasattr(oa_sim, name) for name in oa_sim.__all__)
