"""Completion: scripts for bash, zsh and fish that complete verbs, flags, keys and choices.

The scripts are made from the table of commands and the names of config files, and start no Python when they complete.
"""

from argparse import Namespace

from oa_sim.cli.commands import COMMANDS, HELP, SWEEP_GROUPS, Command, Flag, group_choices
from oa_sim.cli.output import CommandResult
from oa_sim.errors import Refusal, one_of

SHELLS = ("bash", "zsh", "fish")
FIXED = {  # keys that are no groups, with the values they may have
    "objective.of": ("extra_pupils", "gap_closed", "earnings"),
    "objective.group": ("all", "disadvantaged", "other"),
    "objective.risk": ("mean", "cvar", "floor"),
    "monitor.figures": ("package",),
}
FORMATS = "html docx pptx xlsx csv json"


def completion(arguments: Namespace) -> CommandResult:
    """Answer ``completion``: the script of a shell.

    Raises
    ------
    Refusal
        For a shell that is not known, or none.
    """
    if len(arguments.words) != 1:
        got = " ".join(arguments.words) or "none"
        raise Refusal(f"completion takes one shell, got {got}: write oa-sim completion bash, or zsh, or fish")
    (shell,) = arguments.words
    one_of("shell", shell, SHELLS)
    script = {"bash": bash, "zsh": zsh, "fish": fish}[shell]()
    return CommandResult(None, script.splitlines())


def values() -> dict[str, list[str]]:
    """Return the values that each key may be completed with."""
    return group_choices() | {key: list(choices) for key, choices in FIXED.items()}


def keys_of(verb: str) -> list[str]:
    """Return the keys that a verb takes: those of its help, and the groups of its scenario."""
    command = COMMANDS[verb]
    if not {"KEY=VALUE", "KEY=VALUES"} & set(command.arguments) or verb in ("fit", "backtest"):
        return [key.name for key in command.keys]
    groups = [group for group in group_choices() if group not in SWEEP_GROUPS]
    left_out = {"scenario"} if verb == "compare" else set()
    return list(dict.fromkeys(key for key in (*(key.name for key in command.keys), *groups) if key not in left_out))


def flags_of(command: Command) -> list[Flag]:
    """Return the flags of a command with that for help."""
    return [*command.flags, HELP]


def bash() -> str:
    """Return the script for bash."""
    verbs = "\n".join(
        f"    {verb}) flags={_quoted(_flag_names(command))} keys={_quoted([*map(_assignment, keys_of(verb))])} "
        f"words={_quoted(_first_words(verb))} ;;"
        for verb, command in COMMANDS.items()
    )
    choices = "\n".join(f"      {key}) words={_quoted(names)} ;;" for key, names in values().items())
    return f"""\
# bash completion of oa-sim: eval "$(oa-sim completion bash)"
_oa_sim() {{
  local line="${{COMP_LINE:0:COMP_POINT}}" verb= word= cur= flags= keys= words=
  local -a typed=()
  read -ra typed <<< "$line"
  cur="${{line##*[[:space:]]}}"
  for word in "${{typed[@]:1}}"; do
    [[ $word == -* ]] || {{ verb="$word"; break; }}
  done
  COMPREPLY=()
  if [[ -z $verb || ( $verb == "$cur" && ${{line: -1}} != [[:space:]] ) ]]; then
    COMPREPLY=( $(compgen -W "{" ".join((*COMMANDS, "--help", "--version"))}" -- "$cur") )
    return
  fi
  case "$verb" in
{verbs}
    *) return ;;
  esac
  case "${{COMP_WORDS[COMP_CWORD-1]}}" in
    --to) COMPREPLY=( $(compgen -W "{FORMATS}" -- "$cur") ); return ;;
    --out) COMPREPLY=( $(compgen -d -- "$cur") ); return ;;
  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=( $(compgen -W "$flags" -- "$cur") )
  elif [[ $cur == *=* ]]; then
    local key="${{cur%%=*}}" value="${{cur#*=}}" before=
    case "$key" in
{choices}
      *) words= ;;
    esac
    [[ $value == *,* ]] && before="${{value%,*}},"
    [[ $COMP_WORDBREAKS == *=* ]] || before="$key=$before"
    COMPREPLY=( $(compgen -P "$before" -W "$words" -- "${{value##*,}}") )
  else
    COMPREPLY=( $(compgen -W "$words $keys" -- "$cur") )
    [[ ${{#COMPREPLY[@]}} -eq 1 && ${{COMPREPLY[0]}} == *= ]] && compopt -o nospace 2> /dev/null
  fi
}}
complete -o bashdefault -o default -F _oa_sim oa-sim
"""


def zsh() -> str:
    """Return the script for zsh."""
    verbs = "\n".join(f"    {_quoted([f'{verb}:{command.summary}'])}" for verb, command in COMMANDS.items())
    cases = "\n".join(
        f"    {verb}) flags=({' '.join(_flag_names(command))}) keys=({' '.join(keys_of(verb))}) "
        f"words_of_verb=({' '.join(_first_words(verb))}) ;;"
        for verb, command in COMMANDS.items()
    )
    choices = "\n".join(f"      {key}) choices=({' '.join(names)}) ;;" for key, names in values().items())
    return f"""\
#compdef oa-sim
# zsh completion of oa-sim: source <(oa-sim completion zsh), after compinit
_oa_sim() {{
  local word verb cur="${{words[CURRENT]}}"
  local -a verbs flags keys words_of_verb choices
  verbs=(
{verbs}
  )
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    [[ $word == -* ]] || {{ verb=$word; break; }}
  done
  if [[ -z $verb ]]; then
    _describe 'verb' verbs
    return
  fi
  case $verb in
{cases}
    *) return 1 ;;
  esac
  case "${{words[CURRENT-1]}}" in
    --to) compadd -- {FORMATS}; return ;;
    --out) _files -/; return ;;
  esac
  if [[ $cur == -* ]]; then
    compadd -- $flags
  elif [[ $cur == *=* ]]; then
    case "${{cur%%=*}}" in
{choices}
      *) compset -P '*='; _files; return ;;
    esac
    compset -P '*[=,]'
    compadd -- $choices
  else
    compadd -- $words_of_verb
    compadd -S= -- $keys
    _files
  fi
}}
compdef _oa_sim oa-sim
"""


def fish() -> str:
    """Return the script for fish."""
    lines = ["# fish completion of oa-sim: oa-sim completion fish | source", "complete -c oa-sim -e"]
    known = values()
    no_files = "|".join(key.replace(".", "\\.") for key in known)  # where the values are known, no files are offered
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
            words += [f"{key}={name}" for name in known[key]] if key in known else [f"{key}="]
        lines.append(f"{here} -a {_quoted(words)}" if words else f"# {verb} takes no words")
    return "\n".join(lines) + "\n"


def _first_words(verb: str) -> list[str]:
    """Return the words without a sign that a verb takes."""
    named = [name for group in ("scenario", "system") for name in group_choices().get(group, []) if name != "none"]
    return {"compare": named, "completion": list(SHELLS)}.get(verb, [])


def _flag_names(command: Command) -> list[str]:
    return [name for flag in flags_of(command) for name in flag.names]


def _assignment(key: str) -> str:
    return f"{key}="


def _quoted(words: list[str]) -> str:
    """Return words as one quoted word of a shell."""
    text = " ".join(words).replace("\\", "\\\\")
    return "'" + text.replace("'", "'\\''") + "'"


HANDLERS = {"completion": completion}
