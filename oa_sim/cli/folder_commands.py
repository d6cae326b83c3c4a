"""Folder commands: sensitivity, report and explore open the folder of another command; score reads a file."""

import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from oa_sim.cli import commands
from oa_sim.cli.output import CommandResult, Progress, print_result
from oa_sim.errors import Refusal, unknown

LOOPBACK = ("127.0.0.1", "localhost")


def sensitivity(arguments: Namespace) -> CommandResult:
    """Answer ``sensitivity``: the shares of variance of a headline of a sweep or a run."""
    folder, settings = _folder_and_settings("sensitivity", arguments.words, ("headline", "fails", "outputs"))
    from oa_sim.report import folder_writers
    from oa_sim.sweep import findings

    outputs = settings.pop("outputs", str(folder / "sensitivity"))
    folder_writers.check_writable(outputs)
    answer = findings.answer(folder, **settings)
    return CommandResult(answer.in_short, answer.sentences, folder_writers.write_findings(answer, outputs))


def report(arguments: Namespace) -> CommandResult:
    """Answer ``report``: a folder as documents, a workbook and data files."""
    if arguments.copy_templates:
        from oa_sim.report import template_files

        copies = Path(arguments.copy_templates[-1])
        names = template_files.copy_templates(copies)
        return CommandResult({"templates": names}, [f"{len(names)} templates: {', '.join(names)}"], copies)
    if any(not formats.strip(", ") for formats in arguments.to):
        raise commands.missing_value("report", commands.TO)
    source, _ = _folder_and_settings("report", arguments.words)
    from oa_sim.report import assemble, document

    formats = assemble.formats(",".join(arguments.to))
    templates = Path(arguments.templates[-1]) if arguments.templates else None
    with Progress() as progress:
        folder, dossier, names = assemble.write_report(source, formats, progress.say, templates=templates)
    headline = document.plain(dossier.headline)
    facts: dict[str, object] = {"kind": dossier.kind, "scenario": dossier.label, "verdict": dossier.verdict}
    facts |= {"headline": headline, "files": names, "figures": len(dossier.figures)}
    lines = [headline, f"{dossier.verdict}: {dossier.reason}"]
    return CommandResult(facts, [*lines, f"{len(dossier.figures):,} figures in {', '.join(names)}"], folder)


def explore(arguments: Namespace) -> CommandResult:
    """Answer ``explore``: a page with sliders is served until it is stopped."""
    folder, settings = _folder_and_settings("explore", arguments.words, ("port", "outputs", "host"))
    host = settings.get("host", LOOPBACK[0])
    if host not in LOOPBACK:
        raise Refusal(f"host must be 127.0.0.1, since an explorer is for this machine alone, got {host}: drop it")
    port = _port(settings.get("port", "0"))
    if find_spec("shiny") is None:
        raise Refusal("explore needs Shiny, which is not installed: pip install 'oa-sim[explore]'")
    from oa_sim.explore import server, session
    from oa_sim.report import folder_writers

    saves_to = Path(settings.get("outputs") or folder / "scenarios").absolute()
    folder_writers.check_writable(saves_to)
    with Progress() as progress:
        progress.say("reading the posterior and the tables")
        base = session.opened(folder)

        def ready(address: str) -> None:
            progress.say("ready")
            progress.ended.set()
            facts = {"url": address, "folder": str(folder), "saves_to": str(saves_to)}
            lines = [f"{address}  (Ctrl-C ends it; settings are saved in {saves_to})"]
            print_result(CommandResult(facts, lines), is_json=arguments.json)
            if not progress.shown:
                print("ready", file=sys.stderr, flush=True)

        server.serve(base, saves_to, port, progress.say, ready)
    return CommandResult(None)


def score(arguments: Namespace) -> CommandResult:
    """Answer ``score``: a frozen forecast against figures that were published since."""
    path, settings = _folder_and_settings("score", arguments.words, ("forecast", "outputs"), noun="file")
    from oa_sim.report import folder_writers
    from oa_sim.validation import scoring, track_record

    outputs = settings.get("outputs", "outputs")
    folder_writers.check_writable(outputs)
    with Progress() as progress:
        progress.say("reading the forecast and the figures")
        forecast = track_record.find(settings.get("forecast"))
        contest = track_record.score(forecast, str(path))
        progress.say("writing the scores")
        folder = folder_writers.write_contest(contest, outputs, "score")
    sentences, made = scoring.verdict(contest.scores), contest.made
    facts = {"scores": sentences, "read": contest.read} | made
    first = f"The forecast {made['forecast']} was frozen on {made['frozen_on']}, with figures to {made['train_until']}."
    return CommandResult(facts, [first, *([made["note"]] if made["note"] else []), *sentences], folder)


def _folder_and_settings(
    verb: str, words: list[str], keys: tuple[str, ...] = (), *, noun: str = "folder"
) -> tuple[Path, dict[str, str]]:
    """Return the one folder (or file) that a verb takes, and its settings by key."""
    folders, settings = [], {}
    for word in words:
        key, sign, value = word.partition("=")
        if sign and key in keys:
            settings[key] = value
        elif sign and keys and not Path(word).exists():
            raise unknown(f"key of {verb}", key, keys)
        else:
            folders.append(word)
    if len(folders) != 1:
        example = commands.COMMANDS[verb].examples[0]
        raise Refusal(f"{verb} takes one {noun}, got {', '.join(folders) or 'none'}: write it as in {example}")
    return Path(folders[0]), settings


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not (text == "0" or 1024 <= int(text) <= 65535):
        raise Refusal(f"port must be 0 (any that is free) or 1024 to 65535, got {text}: choose one in that range")
    return int(text)


HANDLERS = {"sensitivity": sensitivity, "report": report, "explore": explore, "score": score}
