"""Report: the verb report, from a folder to the packs that people open."""

import shlex
from pathlib import Path

from oa_sim.errors import Refusal, unknown

FLAGS = ("--to", "--json")
VERBS = ("report",)
EXAMPLE = "oa-sim report outputs/as_delivered/ID --to html,docx,pptx,xlsx,csv,json"


def answer(verb: str, words: list[str]) -> int:
    """Answer ``report`` and return the exit code.

    Parameters
    ----------
    verb
        ``report``.
    words
        What was typed behind it: a folder, and which formats.

    Raises
    ------
    Refusal
        Where it cannot be honoured.
    """
    folder, asked, as_json = _read(words)
    from oa_sim.report import assemble

    wanted = assemble.formats(asked)
    from oa_sim.cli.progress import Progress

    with Progress() as progress:
        at, found, names = assemble.write(folder, wanted, progress.say)
    return _say(at, found, names, as_json)


def _read(words: list[str]) -> tuple[Path, str, bool]:
    """Return the folder, the formats as they were typed, and whether a machine reads the answer."""
    folders, asked, as_json, left = [], "", False, list(words)
    while left:
        word = left.pop(0)
        name, is_given, value = word.partition("=")
        if name == "--to":
            if not is_given and (not left or left[0].startswith("-")):
                raise Refusal(f"--to needs formats, got none: write it as in {EXAMPLE}")
            value = value if is_given else left.pop(0)
            if not value.strip(", "):
                raise Refusal(f"--to needs formats, got {value!r}: write it as in {EXAMPLE}")
            asked = f"{asked},{value}"
        elif word == "--json":
            as_json = True
        elif word.startswith("-"):
            raise unknown("flag", word, FLAGS)
        else:
            folders.append(word)
    if len(folders) != 1:
        got = shlex.join(folders) if folders else "none"
        raise Refusal(f"report takes one folder, got {got}: write it as in {EXAMPLE}")
    return Path(folders[0]), asked, as_json


def _say(at: Path, found, names: list[str], as_json: bool) -> int:
    from oa_sim.report import document

    headline = document.plain(found.headline)
    if as_json:
        import json

        facts = {"kind": found.kind, "scenario": found.label, "verdict": found.verdict, "headline": headline}
        facts |= {"files": names, "figures": len(found.figures), "folder": str(at)}
        print(json.dumps(facts, ensure_ascii=False))
        return 0
    print(headline)
    print(f"{found.verdict}: {found.reason}")
    print(f"{len(found.figures):,} figures in {', '.join(names)}")
    print(at)
    return 0
