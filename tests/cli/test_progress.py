"""Progress: each stage and its seconds on a terminal, and silence elsewhere."""

import io
import re
from types import SimpleNamespace

import pytest

from oa_sim.cli import progress as module
from oa_sim.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Give what a person sees who has a terminal."""
    shown = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=shown))  # pytest puts its own in the place of the real
    return shown


def test_where_there_is_no_terminal_nothing_is_said(capsys):
    with Progress() as progress:
        progress.say("projecting")
        progress.change("projecting more")
    assert capsys.readouterr() == ("", "")


def test_each_stage_ends_with_a_line_of_its_own_in_order(terminal):
    with Progress() as progress:
        progress.say("loading")
        progress.say("projecting")
    lines = [line.rpartition("\r")[2] for line in terminal.getvalue().removesuffix("\n").split("\n")]
    assert [re.sub(r"^\[ *\d+\.\d s\] ", "", line) for line in lines] == ["loading", "projecting"]


def test_what_is_said_anew_of_a_stage_takes_its_place_and_blots_out_what_was_longer(terminal):
    with Progress() as progress:
        progress.say("scenario 9 of 10")
        progress.change("done")
    text = terminal.getvalue()
    assert text.count("\n") == 1  # one stage, one line
    seen = text.removesuffix("\n").split("\r")
    assert seen[-1].rstrip().endswith("] done")
    assert len(seen[-1]) == max(len(one) for one in seen)


def test_a_stage_that_fails_is_left_standing_on_its_own_line(terminal):
    def write():
        with Progress() as progress:
            progress.say("writing")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        write()
    assert terminal.getvalue().endswith("writing\n")


def test_without_a_stage_a_terminal_stays_clean(terminal):
    with Progress():
        pass
    assert terminal.getvalue() == ""
