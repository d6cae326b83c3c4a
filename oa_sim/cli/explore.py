"""Explore: the verb explore, with its folder, its port and where it saves."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

from oa_sim.errors import Refusal, unknown

VERBS = ("explore",)
KEYS = ("port", "outputs", "host")
LOOPBACK = ("127.0.0.1", "localhost")


def answer(verb: str, words: list[str]) -> int:
    """Answer ``explore`` and return the exit code; see ``explore``."""
    return explore(words)


def explore(words: list[str]) -> int:
    """Answer ``explore DIR [port=N] [outputs=FOLDER] [--json]`` until it is stopped, and return the exit code.

    Parameters
    ----------
    words
        What was typed behind the verb. Scenario files go to ``FOLDER``, or to ``DIR/scenarios`` where none is given.

    Raises
    ------
    Refusal
        For what cannot be honoured.
    """
    folder, told, as_json = _read(words)
    port = _port(told.get("port", "0"))
    if find_spec("shiny") is None:
        raise Refusal("explore needs Shiny, which is not installed: pip install 'oa-sim[explore]'")
    from oa_sim.cli.progress import Progress
    from oa_sim.explore import server, session
    from oa_sim.report import folder_writers

    saves_to = Path(told.get("outputs") or folder / "scenarios").absolute()
    folder_writers.check_writable(saves_to)
    with Progress() as progress:
        progress.say("reading the posterior and the tables")
        base = session.opened(folder)

        def ready(address: str) -> None:
            progress.say("ready")
            progress.ended.set()
            if as_json:
                print(json.dumps({"url": address, "folder": str(folder), "saves_to": str(saves_to)}), flush=True)
            else:
                print(f"{address}  (Ctrl-C ends it; settings are saved in {saves_to})", flush=True)
            if not progress.shown:
                print("ready", file=sys.stderr, flush=True)

        server.serve(base, saves_to, port, progress.say, ready)
    return 0


def _read(words: list[str]) -> tuple[Path, dict[str, str], bool]:
    """Return the folder, what is told by key, and whether JSON is wanted."""
    flags = [word for word in words if word.startswith("--")]
    rest = [word for word in words if not word.startswith("--")]
    for flag in flags:
        if flag != "--json":
            raise unknown("flag", flag, ("--json",))
    if not rest or ("=" in rest[0] and not Path(rest[0]).is_dir()):
        raise Refusal("explore needs the folder of a run or a sweep, got none: write oa-sim explore DIR")
    told = {}
    for word in rest[1:]:
        key, sign, value = word.partition("=")
        if not sign or key not in KEYS:
            raise unknown("key of explore", key, KEYS)
        told[key] = value
    if told.get("host", LOOPBACK[0]) not in LOOPBACK:
        raise Refusal(
            f"host must be 127.0.0.1, since an explorer is for this machine alone, got {told['host']}: drop it"
        )
    return Path(rest[0]), told, bool(flags)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not (text == "0" or 1024 <= int(text) <= 65535):
        raise Refusal(f"port must be 0 (any that is free) or 1024 to 65535, got {text}: choose one in that range")
    return int(text)
