"""Completion: scripts for bash, zsh and fish that complete verbs, flags, keys and choices.

The scripts are made from the table of commands and the names of config files, and start no Python when they complete.
Those of bash and zsh are ``oa_sim/data/completion.*`` with the places between two @ filled.
"""

import os
from argparse import Namespace

from oa_sim.cli.commands import COMMANDS, HELP, PACKAGE, SWEEP_GROUPS, Command, Flag, composes_scenario, group_choices
from oa_sim.cli.output import CommandResult
from oa_sim.errors import Refusal, one_of

SHELLS = ("bash", "zsh", "fish")
FIXED = {  # keys that are no groups, with the values they may have
    "objective.of": ["extra_pupils", "gap_closed", "earnings"],
    "objective.group": ["all", "disadvantaged", "other"],
    "objective.risk": ["mean", "cvar", "floor"],
    "monitor.figures": ["package"],
}
FORMATS = "html docx pptx xlsx csv json"


def completion(arguments: Namespace) -> CommandResult:
    """Answer ``completion``: the script of a shell."""
    if len(arguments.words) != 1:
        got = " ".join(arguments.words) or "none"
        raise Refusal(f"completion takes one shell, got {got}: write oa-sim completion bash, or zsh, or fish")
    (shell,) = arguments.words
    one_of("shell", shell, SHELLS)
    script = {"bash": bash, "zsh": zsh, "fish": fish}[shell]()
    return CommandResult(None, script.splitlines())


def values() -> dict[str, list[str]]:
    """Return the values that each key may be completed with."""
    return group_choices() | FIXED


def keys_of(verb: str) -> list[str]:
    """Return the keys that a verb takes: those of its help, and the groups of its scenario."""
    keys = [key.name for key in COMMANDS[verb].keys]
    if not composes_scenario(verb):
        return keys
    groups = [group for group in group_choices() if group not in SWEEP_GROUPS]
    return [key for key in dict.fromkeys([*keys, *groups]) if (verb, key) != ("compare", "scenario")]


def flags_of(command: Command) -> list[Flag]:
    """Return the flags of a command with that for help."""
    return [*command.flags, HELP]


def bash() -> str:
    """Return the script for bash."""
    cases = [
        f"    {verb}) flags={_quoted(_flag_names(command))} keys={_quoted([f'{key}=' for key in keys_of(verb)])} "
        f"words={_quoted(_first_words(verb))} ;;"
        for verb, command in COMMANDS.items()
    ]
    choices = [f"      {key}) words={_quoted(names)} ;;" for key, names in values().items()]
    return _filled("bash", [" ".join([*COMMANDS, "--help", "--version"])], cases, choices)


def zsh() -> str:
    """Return the script for zsh."""
    verbs = [f"    {_quoted([f'{verb}:{command.summary}'])}" for verb, command in COMMANDS.items()]
    cases = [
        f"    {verb}) flags=({' '.join(_flag_names(command))}) keys=({' '.join(keys_of(verb))}) "
        f"words_of_verb=({' '.join(_first_words(verb))}) ;;"
        for verb, command in COMMANDS.items()
    ]
    choices = [f"      {key}) choices=({' '.join(names)}) ;;" for key, names in values().items()]
    return _filled("zsh", verbs, cases, choices)


def _filled(shell: str, verbs: list[str], cases: list[str], choices: list[str]) -> str:
    """Return the script of a shell with its places filled, each with lines."""
    with open(os.path.join(PACKAGE, "data", f"completion.{shell}"), encoding="utf-8") as file:
        script = file.read()
    for place, lines in {"VERBS": verbs, "CASES": cases, "CHOICES": choices, "FORMATS": [FORMATS]}.items():
        script = script.replace(f"@{place}@", "\n".join(lines))
    return script


def fish() -> str:
    """Return the script for fish."""
    lines = ["# fish completion of oa-sim: oa-sim completion fish | source", "complete -c oa-sim -e"]
    choices = values()
    no_files = "|".join(key.replace(".", "\\.") for key in choices)  # where the values are known, no files are offered
    lines.append(f"complete -c oa-sim -f -n 'string match -qr \"^({no_files})=\" -- (commandline -ct)'")
    lines.append("complete -c oa-sim -f -n '__fish_seen_subcommand_from compare completion'")
    for verb, command in COMMANDS.items():
        summary = _quoted([command.summary])
        lines.append(f"complete -c oa-sim -n __fish_use_subcommand -f -a {verb} -d {summary}")
        here = f"complete -c oa-sim -n '__fish_seen_subcommand_from {verb}'"
        for flag in flags_of(command):
            names = " ".join(f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in flag.names)
            folders = " -x -a '(__fish_complete_directories)'"
            value = {"": "", "LIST": f" -x -a '{FORMATS}'", "DIR": folders, "FOLDER": folders}[flag.value]
            lines.append(f"{here} {names}{value} -d {_quoted([flag.meaning])}")
        words = [*_first_words(verb)]
        for key in keys_of(verb):
            words += [f"{key}={name}" for name in choices[key]] if key in choices else [f"{key}="]
        lines.append(f"{here} -a {_quoted(words)}" if words else f"# {verb} takes no words")
    return "\n".join(lines) + "\n"


def _first_words(verb: str) -> list[str]:
    """Return the words without a sign that a verb takes."""
    named = [name for group in ("scenario", "system") for name in group_choices().get(group, []) if name != "none"]
    return {"compare": named, "completion": list(SHELLS)}.get(verb, [])


def _flag_names(command: Command) -> list[str]:
    return [name for flag in flags_of(command) for name in flag.names]


def _quoted(words: list[str]) -> str:
    """Return words as one quoted word of a shell."""
    text = " ".join(words).replace("\\", "\\\\")
    return "'" + text.replace("'", "'\\''") + "'"


HANDLERS = {"completion": completion}
