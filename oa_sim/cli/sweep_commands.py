"""Sweep commands: sweep, resume and extend."""

import os
import shlex
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oa_sim.cli import commands
from oa_sim.cli.output import CommandResult, Progress, fact_lines
from oa_sim.errors import Refusal


def sweep(arguments: Namespace) -> CommandResult:
    """Answer ``sweep``; some failed scenarios leave the exit code at 0."""
    from oa_sim.scenario.load import load_sweeping

    folders = arguments.out
    if any(not folder.strip() for folder in folders):
        raise commands.missing_value("sweep", commands.OUT)
    if len(folders) > 1:
        raise Refusal(f"a sweep has one folder, got --out {len(folders)} times, {folders[0]} first: leave one")
    if not folders and not arguments.dry_run:
        example = commands.COMMANDS["sweep"].examples[0]
        raise Refusal(f"sweep needs a folder for its results, got none: add --out DIR, as in {example}")
    settings, words = load_sweeping(arguments.words)
    settings.fail_fast = settings.fail_fast or arguments.fail_fast
    from oa_sim.sweep import sweep_run

    if arguments.dry_run:
        facts = sweep_run.plan(words, settings)
        return CommandResult(facts, fact_lines(facts))
    return _computed(folders[0], lambda say: sweep_run.sweep(words, settings, folders[0], say=say))


def resume(arguments: Namespace) -> CommandResult:
    """Answer ``resume``: what a sweep has not finished is computed."""
    folder, words = _folder("resume", arguments.words)
    for word in words:
        if _group(word) not in ("engine", "fail_fast"):
            command = shlex.join(["oa-sim", "extend", folder, word])
            raise Refusal(f"resume takes no other scenarios than those of the sweep, got {word!r}: write {command}")
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.sweep import sweep_run

    settings, _ = load_sweeping(words_with_engine(folder, words))
    fail_fast = settings.fail_fast or arguments.fail_fast

    return _computed(folder, lambda say: sweep_run.resume(folder, settings.engine, fail_fast=fail_fast, say=say))


def extend(arguments: Namespace) -> CommandResult:
    """Answer ``extend``: scenarios are added to a sweep and computed."""
    folder, words = _folder("extend", arguments.words)
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.sweep import sweep_run

    settings, rest = load_sweeping(words_with_engine(folder, words))
    settings.fail_fast = settings.fail_fast or arguments.fail_fast
    return _computed(folder, lambda say: sweep_run.extend(folder, rest, settings, say=say))


def _computed(folder: str, compute: Callable[[Callable[[str], None]], dict[str, Any]]) -> CommandResult:
    """Compute scenarios into a folder, and return what came of it; refused where every scenario failed."""
    try:
        with Progress() as progress:
            facts = compute(progress.change)
    except KeyboardInterrupt:
        command = shlex.join(["oa-sim", "resume", folder])
        raise KeyboardInterrupt(f"finished scenarios are kept, resume with {command}") from None
    from oa_sim.sweep import findings, results

    table = results.read(Path(folder))
    if facts["failed"] == facts["scenarios"]:
        raise Refusal(
            f"all {facts['scenarios']:,} scenarios failed, the first because {table.table['failed'].iloc[0]}: correct "
            f"the settings (reasons are in {Path(folder) / 'summary.csv'}, column failed)"
        )
    sentences = findings.ends(table)
    lines = [*sentences, *fact_lines({name: value for name, value in facts.items() if name != "folder"})]
    if facts.get("failed"):
        lines.append("The reason for each failed scenario is in summary.csv, column failed.")
    if facts.get("in_doubt"):
        lines.append("[FAIL]: scenarios in doubt failed a convergence check; see summary.csv, column verdict.")
    return CommandResult({"headline": sentences} | facts, lines, Path(facts["folder"]))


def _folder(verb: str, words: list[str]) -> tuple[str, list[str]]:
    """Return the folder that stands first, and the words behind it, which cannot change its blocks."""
    if not words or not words[0] or ("=" in words[0] and not os.path.isdir(words[0])):
        example = commands.COMMANDS[verb].examples[0]
        raise Refusal(f"{verb} needs the folder of a sweep, got none: write it as in {example}")
    for word in words[1:]:
        if _group(word) == "block":
            raise Refusal(f"block is fixed when a sweep begins, got {word}: leave it out")
    return words[0], words[1:]


def words_with_engine(folder: str, words: list[str]) -> list[str]:
    """Return words with the engine that a sweep was begun with, but for what they say of it themselves."""
    from oa_sim.scenario.overrides import key_of
    from oa_sim.sweep import journal

    given = {key_of(word) for word in words}
    begun = journal.read(Path(folder))[0]["engine"]
    if "engine" in given:
        return words
    engine = {"engine": begun["kind"], "engine.workers": begun["workers"], "engine.address": begun["address"]}
    left = {key: value for key, value in engine.items() if value is not None and key not in given}
    return [*(f"{key}={value}" for key, value in left.items()), *words]


def _group(word: str) -> str:
    return word.lstrip("+").replace("=", ".").split(".")[0]


HANDLERS = {"sweep": sweep, "resume": resume, "extend": extend}
