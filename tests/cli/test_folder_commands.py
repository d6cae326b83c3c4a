"""Folder commands: what explore cannot honour is refused."""

import pytest

from oa_sim.cli.main import main


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ([], "explore takes one folder, got none: write it as in oa-sim explore"),
        (["x", "host=0.0.0.0"], "host must be 127.0.0.1"),
        (["x", "port=80"], "port must be"),
        (["x", "prt=8000"], "port"),
        (["x", "--open"], "flag"),
    ],
)
def test_explore_refuses_what_it_cannot_honour(typed, why, capsys):
    assert main(["explore", *typed]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert why in err
