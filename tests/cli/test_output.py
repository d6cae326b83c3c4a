"""Output: results for people and for machines, and progress on a terminal alone."""

import io
import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from oa_sim.cli import output as module
from oa_sim.cli.output import CommandResult, Progress, fact_lines, print_result


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


RESULT = CommandResult({"scenario": "été", "n": 1200}, ["First.", "Second."], Path("outputs/a b"))


def test_people_get_the_sentences_and_the_folder_last(capsys):
    assert print_result(RESULT, is_json=False) == 0
    assert capsys.readouterr().out == "First.\nSecond.\noutputs/a b\n"


def test_machines_get_one_line_of_json_with_the_folder(capsys):
    assert print_result(RESULT, is_json=True) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == {"scenario": "été", "n": 1200, "folder": "outputs/a b"}


def test_several_results_are_a_list_for_machines_and_set_the_exit_code(capsys):
    assert print_result(CommandResult([{"a": 1}, {"a": 2}], exit_code=2), is_json=True) == 2
    assert json.loads(capsys.readouterr().out) == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("is_json", [True, False])
def test_a_result_that_was_printed_already_prints_nothing(capsys, is_json):
    assert print_result(CommandResult(None), is_json=is_json) == 0
    assert capsys.readouterr() == ("", "")


def test_facts_are_read_as_a_line_each():
    facts = {"memory_gb_about": 0.5, "scenarios": 12000, "varied": ["seed", "horizon"], "is_on": True}
    assert fact_lines(facts) == [
        "memory gb about: 0.5",
        "scenarios: 12,000",
        "varied: seed, horizon",
        "is on: True",
    ]
