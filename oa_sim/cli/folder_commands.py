"""Folder commands: report and explore, which open the folder that another command wrote."""

import shlex
import sys
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from oa_sim.cli import commands
from oa_sim.cli.output import CommandResult, Progress, print_result
from oa_sim.errors import Refusal, unknown

EXPLORE_KEYS = ("port", "outputs", "host")
LOOPBACK = ("127.0.0.1", "localhost")


def report(arguments: Namespace) -> CommandResult:
    """Answer ``report``: a folder as documents, a workbook and data files."""
    if arguments.copy_templates:
        from oa_sim.report import template_files

        copies = Path(arguments.copy_templates[-1])
        names = template_files.copy_templates(copies)
        return CommandResult({"templates": names}, [f"{len(names)} templates: {', '.join(names)}"], copies)
    if any(not formats.strip(", ") for formats in arguments.to):
        raise commands.missing_value("report", commands.TO)
    folders = arguments.words
    if len(folders) != 1 or not folders[0]:
        got = shlex.join(folders) if folders else "none"
        example = commands.COMMANDS["report"].examples[0]
        raise Refusal(f"report takes one folder, got {got}: write it as in {example}")
    from oa_sim.report import assemble, document

    formats = assemble.formats(",".join(arguments.to))
    templates = Path(arguments.templates[-1]) if arguments.templates else None
    with Progress() as progress:
        folder, dossier, names = assemble.write_report(Path(folders[0]), formats, progress.say, templates=templates)
    headline = document.plain(dossier.headline)
    facts: dict[str, object] = {"kind": dossier.kind, "scenario": dossier.label, "verdict": dossier.verdict}
    facts |= {"headline": headline, "files": names, "figures": len(dossier.figures)}
    lines = [headline, f"{dossier.verdict}: {dossier.reason}"]
    return CommandResult(facts, [*lines, f"{len(dossier.figures):,} figures in {', '.join(names)}"], folder)


def explore(arguments: Namespace) -> CommandResult:
    """Answer ``explore``: a page with sliders is served until it is stopped."""
    folder, settings = _explore_settings(arguments.words)
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


def _explore_settings(words: list[str]) -> tuple[Path, dict[str, str]]:
    """Return the folder, and the settings by key."""
    if not words or not words[0] or ("=" in words[0] and not Path(words[0]).is_dir()):
        raise Refusal("explore needs the folder of a run or a sweep, got none: write oa-sim explore DIR")
    settings = {}
    for word in words[1:]:
        key, sign, value = word.partition("=")
        if not sign or key not in EXPLORE_KEYS:
            raise unknown("key of explore", key, EXPLORE_KEYS)
        settings[key] = value
    host = settings.get("host", LOOPBACK[0])
    if host not in LOOPBACK:
        raise Refusal(f"host must be 127.0.0.1, since an explorer is for this machine alone, got {host}: drop it")
    return Path(words[0]), settings


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not (text == "0" or 1024 <= int(text) <= 65535):
        raise Refusal(f"port must be 0 (any that is free) or 1024 to 65535, got {text}: choose one in that range")
    return int(text)


HANDLERS = {"report": report, "explore": explore}
