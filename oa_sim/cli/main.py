"""Main: finds the command that is typed, and prints its answer or one sentence of refusal (exit code 2)."""

from __future__ import annotations

import os
import sys

from oa_sim.cli.commands import COMMANDS, check_flags, command_help, find_verb, overview, parse, unknown_verb
from oa_sim.errors import Refusal

TYPE_CHECKING = False  # as typing has it
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from oa_sim.cli.output import CommandResult


def main(argv: list[str] | None = None) -> int:
    """Answer one command line and return the exit code.

    Parameters
    ----------
    argv
        What is typed behind ``oa-sim``; as Python found it where none is given.

    Returns
    -------
    int
        0; 2 where a request cannot be honoured; 130 after Ctrl-C.
    """
    # small matrices, and threads that wait for each other: one thread of linear algebra is faster, here as in the fit
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = _answer(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a reader who has gone is expected
        return code
    except Refusal as refusal:
        print(f"oa-sim: {refusal}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"oa-sim: stopped; {str(stop) or 'nothing unfinished was written'}", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 the reader has gone
        return 0


def _answer(words: list[str]) -> int:
    """Print what a command line asks for, and return the exit code."""
    flags = set(words[: words.index("--")] if "--" in words else words)
    if "--version" in flags:
        from oa_sim import __version__

        print(__version__)
        return 0
    verb, rest = find_verb(words)
    if verb == "help":  # as other programs have it
        flags, (verb, rest) = {"--help"}, find_verb(rest)
    if verb is None:
        check_flags(rest)
        print(overview(), end="")
        return 0
    if verb not in COMMANDS:
        raise unknown_verb(verb)
    if flags & {"--help", "-h"}:
        print(command_help(verb), end="")
        return 0
    arguments = parse(verb, rest)
    result = _handlers()[verb](arguments)
    from oa_sim.cli.output import print_result

    return print_result(result, is_json="json" in arguments and arguments.json)


def _handlers() -> dict[str, Callable[[Namespace], CommandResult]]:
    """Return the function that answers each verb; none has imported a library yet."""
    from oa_sim.cli import completion, decision_commands, folder_commands, model_commands, sweep_commands

    modules = (model_commands, decision_commands, sweep_commands, folder_commands, completion)
    return {verb: handler for module in modules for verb, handler in module.HANDLERS.items()}


if __name__ == "__main__":
    sys.exit(main())
