"""Commands: every verb of the command line with its help, flags and examples, and the parser made from them.

The words are those of ``oa_sim/data/commands.txt``: one table serves help, parsing, shell completion and the tests.
Printing help imports no library, not even argparse.
"""

from __future__ import annotations

import os

from oa_sim.errors import Refusal, nearest, unknown

TYPE_CHECKING = False  # as typing has it
if TYPE_CHECKING:
    from argparse import Namespace

WIDTH = 100  # columns of help
# importlib.resources takes longer than all help
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
Rows = list[tuple[str, str]]  # name and text of each line of a section


class Flag:
    """A flag of one or more commands: its names, the short form first, and what stands for its value (no switch)."""

    def __init__(self, typed: str, meaning: str) -> None:
        words = typed.split()
        self.names = tuple(word for word in words if word.startswith("-"))
        self.value, self.meaning = " ".join(words[len(self.names) :]), meaning

    @property
    def name(self) -> str:
        """The form that sentences use."""
        return self.names[-1]


class Key:
    """A setting that a command takes as ``name=value``; no default where it depends on the command."""

    def __init__(self, typed: str, meaning: str) -> None:
        self.name, _, default = typed.partition(" [")
        self.default, self.meaning = default[:-1], meaning


class Command:
    """One verb of the command line, from the rows of its section and what it shares with others."""

    def __init__(self, rows: Rows, flags: dict[str, Flag], arguments: dict[str, str], keys: dict[str, Key]) -> None:
        texts = dict(rows)
        self.section, self.summary, self.description = (texts[name] for name in ("section", "summary", "description"))
        self.flags = [flags[name] for name in texts.get("flags", "").split()]
        self.examples = [text for name, text in rows if name == "example"]
        self.arguments: dict[str, str] = {}
        self.keys: list[Key] = []
        for name, text in rows:
            kind, _, typed = name.partition(" ")
            if kind == "argument":
                self.arguments[typed] = text or arguments[typed]
            elif kind == "key":
                self.keys.append(Key(typed, text))
            elif kind == "keys":
                self.keys += [keys[shared] for shared in text.split()]


def _sections() -> dict[str, Rows]:
    """Return the sections of the file of words, each with its rows."""
    sections: dict[str, Rows] = {}
    rows: Rows = []
    with open(os.path.join(PACKAGE, "data", "commands.txt"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("["):
                rows = sections[line[1:-1]] = []
            elif line.startswith("  "):
                rows[-1] = rows[-1][0], f"{rows[-1][1]} {line.strip()}"
            elif line and not line.startswith("#"):
                name, _, text = line.partition(" : ")
                rows.append((name, text))
    return sections


def _commands() -> tuple[dict[str, Flag], dict[str, Command]]:
    """Return the flags by name, and the commands by verb."""
    sections = _sections()
    flags = {flag.name: flag for flag in (Flag(*row) for row in sections.pop("flags"))}
    arguments = dict(sections.pop("arguments"))
    keys = {key.name: key for key in (Key(*row) for row in sections.pop("keys"))}
    return flags, {verb: Command(rows, flags, arguments, keys) for verb, rows in sections.items()}


FLAGS, COMMANDS = _commands()
OUT, TO, HELP, VERSION = (FLAGS[name] for name in ("--out", "--to", "--help", "--version"))
OVERRIDES = COMMANDS["run"].arguments
SECTIONS: dict[str, list[str]] = {}
for _verb, _command in COMMANDS.items():
    SECTIONS.setdefault(_command.section, []).append(_verb)
SWEEP_GROUPS = ("design", "engine")
FORMS = {  # how an argument stands in a line of usage, where it may be left out or repeated
    "SCENARIO": "SCENARIO SCENARIO ...",
    "KEY=VALUE": "[KEY=VALUE ...]",
    "KEY=VALUES": "[KEY=VALUES ...]",
    "engine=KIND": "[engine=KIND]",
}


def overview() -> str:
    """Return the help of the command line as a whole, one screen."""
    lines = [
        "oa-sim: pupil outcomes in England's Opportunity Areas, with and without the programme",
        "",
        "Usage: oa-sim VERB [KEY=VALUE ...] [FLAG ...]      oa-sim VERB --help explains a verb",
    ]
    for title, verbs in SECTIONS.items():
        lines += ["", title, *(f"  {verb:<12} {COMMANDS[verb].summary}" for verb in verbs)]
    lines += [
        "",
        "A first answer: oa-sim run          Another: oa-sim run scenario=hand_over horizon=15",
        "Every setting is a key=value: oa-sim run --help lists them, oa-sim show prints their values.",
        "Flags of every verb: --help, --version; of most: --json, --dry-run (run, compare, sweep).",
    ]
    return "\n".join(lines) + "\n"


def usage(verb: str) -> str:
    """Return the one line that says how a verb is typed."""
    command = COMMANDS[verb]
    words = [FORMS.get(word, word) for word in command.arguments]
    flags = [f"[{' '.join((flag.names[0], flag.value)).strip()}]" for flag in command.flags]
    return " ".join(["oa-sim", verb, *words, *flags])


def command_help(verb: str) -> str:
    """Return the help of one verb, with the groups that belong to it."""
    return explanation(verb) + _choices_of(verb)


def explanation(verb: str) -> str:
    """Return what a verb does and writes, its arguments, flags and keys, and two examples."""
    command = COMMANDS[verb]
    flags = [(", ".join(flag.names) + f" {flag.value}".rstrip(), flag.meaning) for flag in (*command.flags, HELP)]
    keys = [(key.name, f"{key.meaning} [{key.default}]" if key.default else key.meaning) for key in command.keys]
    sections = {"Arguments": list(command.arguments.items()), "Flags": flags, "Keys used most [default]": keys}
    text = f"Usage: {usage(verb)}\n\n" + _wrapped(command.description.split())
    for title, rows in sections.items():
        wide = max([len(name) for name, _ in rows], default=0)
        text += f"\n{title}\n" * bool(rows) + "".join(f"  {name:<{wide}}  {meaning}\n" for name, meaning in rows)
    return text + "\nExamples\n" + "".join(f"  {example}\n" for example in command.examples)


def _choices_of(verb: str) -> str:
    """Return the groups that belong to a verb's help, or where to read them."""
    choices = group_choices()
    if verb == "run":
        return _listing("Groups and their choices", {g: c for g, c in choices.items() if g not in SWEEP_GROUPS}) + (
            _listing("Of a sweep", {group: choices[group] for group in SWEEP_GROUPS if group in choices})
            + "\noa-sim show prints every key with its value; any of them can be changed.\n"
        )
    if composes_scenario(verb):
        return "\nAll keys: oa-sim show. All groups and their choices: oa-sim run --help.\n"
    return ""


def composes_scenario(verb: str) -> bool:
    """Return whether a verb takes any key of a scenario; those of the baseline take few."""
    return bool({"KEY=VALUE", "KEY=VALUES"} & set(COMMANDS[verb].arguments)) and verb not in ("fit", "backtest")


def _listing(title: str, choices: dict[str, list[str]]) -> str:
    """Return groups and their choices, each on lines of at most ``WIDTH`` columns."""
    text = f"\n{title}\n"
    for group, names in choices.items():
        text += _wrapped([f"  {group}:", *", ".join(names).split()], indent="    ")
    return text


def _wrapped(words: list[str], indent: str = "") -> str:
    """Return words on lines of at most ``WIDTH`` columns, all but the first of them indented."""
    text, line = "", words[0]
    for word in words[1:]:
        if len(f"{line} {word}") > WIDTH:
            text, line = f"{text}{line}\n", f"{indent}{word}"
        else:
            line += f" {word}"
    return f"{text}{line}\n"


def group_choices() -> dict[str, list[str]]:
    """Return every config group with its choices, from the file names alone; nothing where there are no configs."""
    inside = os.path.join(PACKAGE, "configs")  # as in a wheel; in a checkout they lie beside the package
    home = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(PACKAGE), "configs")
    groups = sorted(entry.name for entry in os.scandir(home) if entry.is_dir()) if os.path.isdir(home) else []
    files = {group: sorted(os.listdir(os.path.join(home, group))) for group in groups}
    return {group: [name[:-5] for name in names if name.endswith(".yaml")] for group, names in files.items()}


def find_verb(words: list[str]) -> tuple[str | None, list[str]]:
    """Return the verb of a command line, and all other words; flags may stand before it."""
    with_value = [name for flag in FLAGS.values() if flag.value for name in flag.names]
    for i, word in enumerate(words):
        is_value = i > 0 and words[i - 1] in with_value
        if not word.startswith("-") and not is_value:
            return word, words[:i] + words[i + 1 :]
    return None, words


def parse(verb: str, words: list[str]) -> Namespace:
    """Return the arguments of a verb: ``words`` and a value for each of its flags.

    Flags may stand anywhere before ``--``; all behind it are arguments. Refused are a flag that the verb does not have,
    a value that is missing, and one too many.
    """
    import argparse

    parser = argparse.ArgumentParser(f"oa-sim {verb}", allow_abbrev=False, add_help=False, exit_on_error=False)
    parser.add_argument("words", nargs="*")
    for flag in COMMANDS[verb].flags:
        if flag.value:
            parser.add_argument(*flag.names, action="append", default=[])
        else:
            parser.add_argument(*flag.names, action="store_true")
    end = words.index("--") if "--" in words else len(words)  # by hand, since versions of argparse differ on it
    try:
        arguments, others = parser.parse_known_intermixed_args(words[:end])
    except argparse.ArgumentError as error:
        raise _wrong_value(verb, str(error.argument_name).split("/")[-1], words) from None
    for word in others:
        raise _no_such_flag(verb, word)
    arguments.words += words[end + 1 :]
    for word in arguments.words:
        _check_argument(verb, word)
    return arguments


def _check_argument(verb: str, word: str) -> None:
    """Refuse an empty argument, and a choice that is typed without its group."""
    if not word.strip():
        raise Refusal(f"an argument of {verb} is empty: leave it out, or write it as in {COMMANDS[verb].examples[0]}")
    if COMMANDS[verb].arguments == OVERRIDES and "=" not in word:
        choices = group_choices()
        for group in ("scenario", *choices):
            if word in choices.get(group, []):
                raise Refusal(f"a setting of {verb} is typed as key=value, got {word!r}: write {group}={word}")


def _wrong_value(verb: str, name: str, words: list[str]) -> Refusal:
    """Return the refusal of a flag whose value is missing, or that takes none."""
    flag = next(flag for flag in COMMANDS[verb].flags if name in flag.names)
    if flag.value:
        return missing_value(verb, flag)
    typed = next((word for word in words if word.startswith(flag.names) and word not in flag.names), name)
    return Refusal(f"{name} takes no value, got {typed}: write {name} alone")


def missing_value(verb: str, flag: Flag) -> Refusal:
    """Return the refusal of a flag that needs a value and has none."""
    needed = "formats" if flag is TO else "a folder"
    example = next(example for example in COMMANDS[verb].examples if flag.names[0] in example)
    return Refusal(f"{flag.names[0]} needs {needed}, got none: write it as in {example}")


def _no_such_flag(verb: str, word: str) -> Refusal:
    """Return the refusal of a flag that a verb does not have, with those that it has."""
    name = word.split("=", 1)[0]
    own = (*COMMANDS[verb].flags, HELP)
    takes = f"{verb} takes {_and([flag.name for flag in own])}"
    others = [other for other, command in COMMANDS.items() if any(name in flag.names for flag in command.flags)]
    if others:
        return Refusal(f"{name} goes with {_and(others)}, got {verb}: leave it out, since {takes}")
    guess = nearest(name, [own_name for flag in own for own_name in flag.names])
    return Refusal(f"unknown flag {name!r}: {takes}" + (f"; did you mean {guess!r}?" if guess else ""))


def unknown_verb(word: str) -> Refusal:
    """Return the refusal of a verb that is not there; a setting without a verb is given one."""
    if "=" in word:
        return Refusal(f"the first word is a verb, got {word!r}: write oa-sim run {word}")
    return unknown("verb", word, COMMANDS)


def check_flags(words: list[str]) -> None:
    """Refuse a flag that no command has, where no verb is typed."""
    names = [name for flag in FLAGS.values() for name in flag.names]
    for word in words:
        if word.startswith("-") and word.split("=", 1)[0] not in names:
            raise unknown("flag", word, names)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
