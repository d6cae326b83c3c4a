"""Sweep: the verbs sweep, resume and extend, with flags of their own."""

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from oa_sim.errors import Refusal, unknown

FLAGS = ("--out", "--fail-fast", "--json", "--dry-run")
VERBS = ("sweep", "resume", "extend")
EXAMPLES = {
    "sweep": "oa-sim sweep split=equal,per_pupil horizon=5,10,15 --out sweeps/splits",
    "resume": "oa-sim resume sweeps/splits",
    "extend": "oa-sim extend sweeps/splits split=per_disadvantaged_pupil horizon=5,10,15",
}


def answer(verb: str, words: list[str]) -> int:
    """Answer one of the verbs and return the exit code; some failed scenarios leave it at 0.

    Parameters
    ----------
    verb
        A name of ``VERBS``.
    words
        What was typed behind it.

    Raises
    ------
    Refusal
        Where it cannot be honoured.
    """
    words, folder, flags = _read(verb, words)
    if verb == "sweep" and not folder and "--dry-run" not in flags:
        raise Refusal(f"sweep needs a folder for what it finds, got none: add --out DIR, as in {EXAMPLES['sweep']}")
    if verb != "sweep":
        if folder or "--dry-run" in flags:
            raise Refusal(f"--out and --dry-run belong to sweep, got {verb}: write it as in {EXAMPLES[verb]}")
        if not words or ("=" in words[0] and not os.path.isdir(words[0])):
            raise Refusal(f"{verb} needs the folder of a sweep, got none: write it as in {EXAMPLES[verb]}")
        folder = words.pop(0)
    _check_words(verb, folder, words)
    from oa_sim.scenario.load import load_sweeping

    has_engine = any(_group(word) == "engine" for word in words)
    sweeping, rest = load_sweeping(_as_begun(folder, words) if has_engine and verb != "sweep" else words)
    sweeping.fail_fast = sweeping.fail_fast or "--fail-fast" in flags
    if "--dry-run" in flags:
        from oa_sim.sweep.sweep_run import plan

        return _say(plan(rest, sweeping), "--json" in flags)
    try:
        found = _done(verb, folder, rest, sweeping, has_engine=has_engine)
    except KeyboardInterrupt:
        print(
            f"oa-sim: stopped; what is finished is kept, go on with oa-sim resume {shlex.quote(folder)}",
            file=sys.stderr,
        )
        return 130
    from oa_sim.sweep import findings, results

    table = results.read(Path(folder))
    if found["failed"] == found["scenarios"]:
        raise Refusal(
            f"all {found['scenarios']:,} scenarios failed, which {Path(folder) / 'summary.csv'} says of each; the "
            f"first: {table.table['failed'].iloc[0]}"
        )
    return _say({"headline": findings.ends(table)} | found, "--json" in flags)


def _done(verb: str, folder: str, rest: list[str], sweeping, *, has_engine: bool) -> dict:
    from oa_sim.cli.progress import Progress
    from oa_sim.sweep import sweep_run

    with Progress() as progress:
        say: Callable[[str], None] = progress.change
        if verb == "sweep":
            return sweep_run.sweep(rest, sweeping, folder, say=say)
        if not has_engine:
            sweeping.engine = None
        if verb == "resume":
            return sweep_run.resume(folder, sweeping.engine, fail_fast=sweeping.fail_fast, say=say)
        return sweep_run.extend(folder, rest, sweeping, say=say)


def _check_words(verb: str, folder: str, words: list[str]) -> None:
    """Refuse words that a sweep which is there already cannot take."""
    for word in words:
        if verb != "sweep" and _group(word) == "block":
            raise Refusal(f"block belongs to sweep, since a store keeps the one it was made with, got {word}: drop it")
        command = ["oa-sim", "extend", folder, word]
        if verb == "resume" and _group(word) not in ("engine", "fail_fast"):
            raise Refusal(f"resume goes on with what was asked, got {word!r}: write {shlex.join(command)}")


def _as_begun(folder: str, words: list[str]) -> list[str]:
    """Return words with the engine that a sweep was begun with, but for what they say of it themselves."""
    given = {word.split("=", 1)[0].lstrip("+") for word in words}
    if "engine" in given:
        return words
    from oa_sim.sweep import journal

    began = journal.read(Path(folder))[0]["engine"]
    known = {"engine": began["kind"], "engine.workers": began["workers"], "engine.address": began["address"]}
    left = {key: value for key, value in known.items() if value is not None and key not in given}
    return [*(f"{key}={value}" for key, value in left.items()), *words]


def _group(word: str) -> str:
    return word.lstrip("+").replace("=", ".").split(".")[0]


def _read(verb: str, words: list[str]) -> tuple[list[str], str, set[str]]:
    """Return the words without flags, the folder that --out names, and the flags."""
    rest, folder, flags = [], "", set()
    left = list(words)
    while left:
        word = left.pop(0)
        name, _, value = word.partition("=")
        if name == "--out":
            if not value and (not left or left[0].startswith("-")):
                raise Refusal(f"--out needs a folder, got none: write it as in {EXAMPLES['sweep']}")
            if folder:
                raise Refusal(f"a sweep has one folder, got --out twice, {folder} first: leave one of them out")
            folder = value or left.pop(0)
        elif word in FLAGS:
            flags.add(word)
        elif word.startswith("-"):
            raise unknown("flag", word, FLAGS)
        else:
            rest.append(word)
    return rest, folder, flags


def _say(found: dict, as_json: bool) -> int:
    """Print what came of it; the folder comes last."""
    if as_json:
        import json

        print(json.dumps(found, ensure_ascii=False))
        return 0
    folder = found.pop("folder", None)
    for sentence in found.pop("headline", []):
        print(sentence)
    for name, value in found.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else f"{value:,}" if type(value) is int else value
        print(f"{name.replace('_', ' ')}: {text}")
    if found.get("failed"):
        print("the sentence of each scenario that failed stands in summary.csv, column failed")
    if found.get("in_doubt"):
        print("[FAIL]: scenarios in doubt rest on gates that failed; summary.csv marks them in column verdict")
    if folder:
        print(folder)
    return 0
