"""Commands: help of every verb from one table, flags read anywhere, and wrong ones refused in a sentence."""

import functools
import importlib
import re
import shlex
from dataclasses import asdict

import pytest
import yaml

from oa_sim.cli import commands
from oa_sim.cli.commands import COMMANDS, SECTIONS, command_help, find_verb, overview, parse
from oa_sim.cli.main import _handlers, main
from oa_sim.errors import Refusal
from oa_sim.scenario.load import load_beside, load_learning, load_scenario, load_sweeping
from oa_sim.scenario.overrides import CONFIGS, groups, sweep_groups

LEARNING = ("fit", "backtest")
SWEEPS = ("sweep", "resume", "extend")
WITH_SETTINGS = {  # verb: where the settings beside its scenario are
    "optimise": ("decide.constraints", "Optimising"),
    "target": ("targets.settings", "Targeting"),
    "monitor": ("targets.settings", "Monitoring"),
    "voi": ("decide.value_of_information", "Studying"),
}
FOLDERS = ("sensitivity", "report", "explore", "score", "completion")  # verbs that compose no scenario
CHOICES = ("scenario", "areas", "split", "portfolio", "design", "engine")  # keys that are groups


def refusal(verb, *words):
    with pytest.raises(Refusal) as refused:
        parse(verb, list(words))
    return str(refused.value)


def test_the_overview_is_one_screen_with_a_line_for_every_verb():
    lines = overview().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    for verb, command in COMMANDS.items():
        assert sum(line.split()[:1] == [verb] and command.summary in line for line in lines) == 1
    assert sorted(verb for verbs in SECTIONS.values() for verb in verbs) == sorted(COMMANDS)
    assert set(_handlers()) == set(COMMANDS)


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_help_of_a_verb_has_all_that_it_takes_and_two_examples(verb, capsys):
    for words in ([verb, "--help"], ["-h", verb], [verb, "x=1", "-h"], ["help", verb]):
        assert main(words) == 0
        assert capsys.readouterr().out == command_help(verb)
    text, command = command_help(verb), COMMANDS[verb]
    assert text.startswith(f"Usage: oa-sim {verb}")
    assert max(map(len, text.splitlines())) <= 100
    assert len(command.examples) == 2
    for flag in command.flags:
        assert all(name in text for name in flag.names)
    for key in command.keys:
        assert re.search(rf"^  {re.escape(key.name)} +{re.escape(key.meaning)}", text, re.M)


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_examples_of_a_verb_are_what_it_takes(verb):
    for example in COMMANDS[verb].examples:
        if verb == "completion":
            continue
        example = example.replace("data_folder=my_tables", "")
        _, typed, *rest = shlex.split(example)
        assert typed == verb
        words = parse(verb, rest).words
        if verb == "compare":
            words = [f"scenario={words[0]}", *(word for word in words if "=" in word)]
        assert_composes(verb, [word for word in words if "=" in word])


def assert_composes(verb, overrides):
    """Assert that the keys and values of an example are known."""
    if verb in WITH_SETTINGS:
        module, name = WITH_SETTINGS[verb]
        _, overrides = load_beside(overrides, verb, getattr(importlib.import_module(f"oa_sim.{module}"), name))
    elif verb in SWEEPS or any("," in word for word in overrides if "[" not in word):
        load_sweeping(overrides)
        overrides = []
    if verb in LEARNING:
        load_learning(*overrides)
    elif verb not in FOLDERS:
        load_scenario(*overrides)


@functools.cache
def default_scenario():
    return asdict(load_scenario())


DEFAULTS = sorted(
    {
        (config, key.name, key.default)
        for verb, command in COMMANDS.items()
        for key in command.keys
        if key.default and verb not in FOLDERS
        for config in ["learning" if verb in LEARNING else verb]
    }
)


@pytest.mark.parametrize(("verb", "key", "default"), DEFAULTS)
def test_the_default_in_the_help_is_that_of_the_configs(verb, key, default):
    def read(name):
        return yaml.safe_load((CONFIGS / f"{name}.yaml").read_text("utf-8"))

    first = key.split(".")[0]
    own = read("sweep" if verb in SWEEPS else verb) if verb in (*SWEEPS, *WITH_SETTINGS, "learning") else {}
    if key in CHOICES:
        config = own if first in ("design", "engine") else read("config")
        assert {key: default} in config["defaults"]
        return
    tree = own if first in own else {first: read("engine/local")} if first == "engine" else default_scenario()
    for part in key.split("."):
        tree = tree[part]
    assert yaml.safe_load(default) == tree


def test_the_listing_of_choices_is_that_of_the_scenarios_and_the_sweep():
    assert commands.group_choices() == groups() | sweep_groups()
    scenario, sweep = command_help("run").split("Of a sweep")
    for choices, text in ((groups(), scenario), (sweep_groups(), sweep)):
        for group, names in choices.items():
            listed = re.search(rf"^  {group}:((?:.|\n    )*)", text, re.M)[1]
            assert re.sub(r"\s+", " ", listed).strip() == ", ".join(names)


@pytest.mark.parametrize(
    "typed",
    [
        ["run", "horizon=5", "--json", "seed=1"],
        ["--json", "run", "horizon=5", "seed=1"],
        ["run", "--json", "--json", "horizon=5", "seed=1"],
        ["run", "horizon=5", "seed=1", "--json"],
    ],
)
def test_flags_stand_anywhere(typed):
    verb, rest = find_verb(typed)
    arguments = parse(verb, rest)
    assert (verb, arguments.words, arguments.json, arguments.dry_run) == ("run", ["horizon=5", "seed=1"], True, False)


@pytest.mark.parametrize("typed", [["--out", "a b"], ["--out=a b"]])
def test_a_flag_with_a_value_is_read_in_both_forms_before_and_after(typed):
    for words in (["sweep", "seed=1,2", *typed], [*typed, "sweep", "seed=1,2"], ["sweep", *typed, "seed=1,2"]):
        verb, rest = find_verb(words)
        arguments = parse(verb, rest)
        assert (verb, arguments.out, arguments.words) == ("sweep", ["a b"], ["seed=1,2"])
    assert parse("report", ["DIR", "--to", "csv", "--to=html,json"]).to == ["csv", "html,json"]


def test_all_behind_two_dashes_are_arguments():
    assert parse("report", ["--json", "--", "--to", "--", "x"]).words == ["--to", "--", "x"]
    assert parse("run", ["--"]).words == []
    with pytest.raises(Refusal, match="--jsn"):
        parse("run", ["--jsn", "--", "x"])


def test_overrides_of_any_form_are_arguments():
    words = ["+seed=1", "~horizon", "++a.b={c: 1}", "areas=[Norwich, Oldham]", "name=été", "a==", "=", "-1 x"]
    assert parse("run", words).words == words


@pytest.mark.parametrize(
    ("verb", "words", "message"),
    [
        ("show", ["--jsn"], "unknown flag '--jsn': show takes --json and --help; did you mean '--json'?"),
        ("run", ["--js"], "unknown flag '--js': run takes"),  # no abbreviation is taken
        ("run", ["--xyzzy=1"], "unknown flag '--xyzzy': run takes --multirun, --dry-run, --json and --help"),
        ("show", ["-m"], "-m goes with run, got show: leave it out, since show takes --json and --help"),
        ("fit", ["--to", "csv"], "--to goes with report, got fit: leave it out, since fit takes --json and --help"),
        ("run", ["--json=1"], "--json takes no value, got --json=1: write --json alone"),
        ("run", ["-mx"], "--multirun takes no value, got -mx: write --multirun alone"),
        ("report", ["DIR", "--to"], "--to needs formats, got none: write it as in oa-sim report"),
        ("sweep", ["--out", "--json"], "--out needs a folder, got none: write it as in oa-sim sweep"),
        ("run", ["hand_over"], "a setting of run is typed as key=value, got 'hand_over': write scenario=hand_over"),
        ("show", ["per_pupil"], "a setting of show is typed as key=value, got 'per_pupil': write split=per_pupil"),
        ("run", [""], "an argument of run is empty: leave it out"),
    ],
)
def test_a_wrong_flag_is_refused_with_those_of_the_verb(verb, words, message):
    assert refusal(verb, *words).startswith(message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rum"], "unknown verb 'rum': did you mean 'run'?"),
        (["horizon=5"], "the first word is a verb, got 'horizon=5': write oa-sim run horizon=5"),
        ([""], "unknown verb ''"),
        (["--jsn"], "unknown flag '--jsn': did you mean '--json'?"),
        (["été"], "unknown verb 'été'"),
        (["help", "rum"], "unknown verb 'rum'"),
        (["completion"], "completion takes one shell, got none"),
        (["completion", "bsh"], "unknown shell 'bsh': did you mean 'bash'?"),
        (["sensitivity", ""], "an argument of sensitivity is empty"),
    ],
)
def test_a_command_line_that_is_wrong_gets_one_sentence(words, message, capsys):
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"oa-sim: {message}")
