"""Completion: the script of bash completes verbs, flags, keys and choices in bash, and the others name the same."""

import shlex
import shutil
import subprocess

import pytest

from oa_sim.cli import completion
from oa_sim.cli.commands import COMMANDS
from oa_sim.cli.main import main
from oa_sim.scenario.overrides import groups

ASK = """
set -u
source /dev/stdin <<< "$1"
COMP_LINE="$2" COMP_POINT=${#2}
[[ -n ${3:-} ]] && COMP_WORDBREAKS="$3"
read -ra COMP_WORDS <<< "$2"
[[ "$2" == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_oa_sim
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(line, *wordbreaks):
    """Return what bash offers behind a line, the cursor at its end."""
    asked = ["bash", "--norc", "-c", ASK, "bash", completion.bash(), line, *wordbreaks]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_verbs_are_completed():
    assert completed("oa-sim ") == [*COMMANDS, "--help", "--version"]
    assert completed("oa-sim re") == ["resume", "report"]
    assert completed("oa-sim run") == ["run"]
    assert completed("oa-sim --json sw") == ["sweep"]


@pytest.mark.parametrize("verb", COMMANDS)
def test_flags_of_each_verb_are_completed(verb):
    names = [name for flag in COMMANDS[verb].flags for name in flag.names]
    assert completed(f"oa-sim {verb} -") == [*names, "-h", "--help"]


def test_keys_and_choices_are_completed():
    assert completed("oa-sim run spl") == ["split="]
    assert completed("oa-sim run horizon=5 split=") == groups()["split"]
    assert completed("oa-sim run split=per") == ["per_disadvantaged_pupil", "per_pupil"]
    assert completed("oa-sim sweep split=equal,per_p") == ["equal,per_pupil"]  # in the place of what follows the sign
    assert completed("oa-sim run split=per_p", " \t\n") == ["split=per_pupil"]  # where = does not part words
    assert completed("oa-sim optimise objective.of=e") == ["extra_pupils", "earnings"]
    assert completed("oa-sim sweep design=so") == ["sobol"]
    assert "design=" not in completed("oa-sim run des")
    assert completed("oa-sim run horizon=") == []


def test_other_words_are_completed():
    assert completed("oa-sim compare no_prog") == ["no_programme"]
    assert completed("oa-sim completion ") == ["bash", "zsh", "fish"]
    assert completed("oa-sim report DIR --to d") == ["docx"]
    assert completed("oa-sim nothing ") == []


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_each_script_names_every_verb_flag_and_group(shell, capsys):
    assert main(["completion", shell]) == 0
    script, err = capsys.readouterr()
    assert err == ""
    for verb, command in COMMANDS.items():
        assert verb in script
        for flag in command.flags:
            assert flag.names[-1].lstrip("-") in script
    for group, names in groups().items():
        assert group in script
        assert all(name in script for name in names)


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_shell_that_is_there_reads_its_script_without_a_complaint(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not on this machine")
    script = tmp_path / "script"
    script.write_text(getattr(completion, shell)(), encoding="utf-8")
    done = subprocess.run([shell, "-n", str(script)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not on this machine")
@pytest.mark.parametrize(
    ("line", "offered"),
    [("oa-sim swe", ["sweep"]), ("oa-sim run split=as_", ["split=as_paid"]), ("oa-sim run --mul", ["--multirun"])],
)
def test_fish_completes(line, offered):
    asked = ["fish", "--no-config", "-c", f"source (string split \\n $argv[1] | psub); complete -C '{line}'"]
    done = subprocess.run([*asked, completion.fish()], capture_output=True, text=True, check=True)
    assert [word.split("\t")[0] for word in done.stdout.splitlines()] == offered


def test_a_text_with_quotes_is_one_word_of_a_shell():
    for text in ("it's", "a b", 'a "b"', "$x `y`"):
        assert shlex.split(completion._quoted([text])) == [text]
