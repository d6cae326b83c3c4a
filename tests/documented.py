"""Documented: the commands of a page of the documentation, and what stands for the door while they are run.

A page is a script: its blocks are run one after another in one shell, in a folder of their own. As a program this file
is what ``oa-sim`` is there: it hands on to the real door, leaves out a verb that the door does not know yet, and asks a
server for its page before it is stopped.
"""

import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"(?:^<!-- not run with this page: (?P<reason>.+) -->\n)?^```sh\n(?P<text>.*?)^```$", re.M | re.S)
HERE = re.compile(r"<<'?(\w+)'?\n.*?^\1$", re.M | re.S)
SERVERS = ("explore",)
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost|\[::1\]):\d+\S*")
ENGLAND, YEARS, LATER = 970, range(2014, 2020), range(2014, 2023)
CENTRES = {  # column of a wide panel -> about where its figures lie
    "gld_fsm_pct": 50, "gld_nonfsm_pct": 68, "phonics_y1_pct": 80, "phonics_y1_fsm_pct": 66,
    "ks2_rwm_exp_disadv_pct": 46, "ks2_rwm_exp_nondisadv_pct": 66, "att8_disadv": 36, "att8_nondisadv": 50,
    "l3_19_pct": 58, "l3_19_fsm_pct": 38, "he19_pct": 45, "he19_fsm_pct": 29, "neet1617_pct": 5, "pa10_pct": 12,
    "susp_rate_pct": 4, "fsm_pri_pct": 20, "fsm_sec_pct": 20, "n_age19_cohort": 3000, "n_age19_fsm": 600,
}  # fmt: skip


class Block(NamedTuple):
    """A fenced block of commands."""

    text: str
    line: int  # of the page, on which its first command stands
    reason: str | None  # why it is not run with its page; None: it is


def pages() -> list[Path]:
    """Return the pages of the documentation."""
    return sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


def blocks(text: str) -> list[Block]:
    """Return the blocks of commands of a page."""
    return [
        Block(found["text"], text[: found.start("text")].count("\n") + 1, found["reason"])
        for found in BLOCK.finditer(text)
    ]


def commands(block: Block) -> list[str]:
    """Return the commands of a block, without what is written into files and without comments."""
    lines = HERE.sub("", block.text).replace("\\\n", " ").splitlines()
    return [command for line in lines if (command := re.sub(r"(^|\s)#.*$", "", line).strip())]


def script(text: str) -> str:
    """Return a page as a script that stops at the first command that fails, having said where it was."""
    parts = [f"echo 'line {one.line}' >&2\n{one.text}" for one in blocks(text) if one.reason is None]
    return "set -eo pipefail\n" + "".join(parts)


def rehearse(text: str, folder: Path) -> tuple[subprocess.CompletedProcess, list[str]]:
    """Run a page in a folder; return how it went, and the commands whose verb the door does not know yet."""
    made_up_panel(folder / "panel.csv", YEARS)
    made_up_panel(folder / "later.csv", LATER)
    tools, skipped = folder / "tools", folder / "tools" / "skipped.txt"
    tools.mkdir()
    skipped.write_text("", encoding="utf-8")
    for name, words in {"oa-sim": f"'{sys.executable}' '{__file__}'", "python": f"'{sys.executable}'"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        (tools / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OA_SIM_SKIPPED": str(skipped),
        "BROWSER": "true",  # a server that would open a browser opens nothing
    }
    words = ["bash", "-c", script(text)]
    went = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return went, skipped.read_text(encoding="utf-8").splitlines()


def knows(verb: str) -> bool:
    """Return whether the door knows a verb."""
    words = [sys.executable, "-m", "oa_sim", verb, "--help"]
    return subprocess.run(words, capture_output=True, cwd=ROOT).returncode == 0


def made_up_panel(path: Path, years: range) -> None:
    """Write made-up figures of authorities and England in the wide layout; shares and counts of pupils do not move."""
    lines = [",".join(("la_code", "la_name", "academic_year", *CENTRES))]
    for code in (*range(301, 325), ENGLAND):
        rng, moves = np.random.default_rng(code), code != ENGLAND
        level = 4 * rng.standard_normal() * moves
        for year in years:
            parts = (level + rng.standard_normal(len(CENTRES)) * moves) / 100
            still = [name.startswith(("fsm", "n_")) for name in CENTRES]
            cells = np.array([*CENTRES.values()]) * (1 + np.where(still, 0, parts))
            place = f"Place {code}" if moves else "England"
            row = [str(code), place, f"{year - 1}/{year % 100:02d}", *(f"{cell:.1f}" for cell in cells)]
            lines.append(",".join(row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ask_server(words: list[str]) -> int:
    """Start a server, ask for the page at the address that it prints, stop it as Ctrl+C does; return the exit code."""
    command = [sys.executable, "-m", "oa_sim", *words]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as server:
        try:
            address, said = None, []
            for line in server.stdout:
                said.append(line)
                address = ADDRESS.search(line)
                if address:
                    break
            if address is None:
                print("no address was printed:", *said, file=sys.stderr)
                return server.wait() or 1
            with urlopen(address[0], timeout=60) as page:
                assert page.status == 200
                assert page.read(), address[0]
            print(address[0])
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                server.kill()
                raise
    return 0 if server.returncode in (0, 130, -signal.SIGINT) else server.returncode


def main(words: list[str]) -> int:
    """Stand for ``oa-sim``."""
    verb = next((word for word in words if not word.startswith("-")), None)
    if verb and not knows(verb):
        with open(os.environ["OA_SIM_SKIPPED"], "a", encoding="utf-8") as skipped:
            skipped.write(f"oa-sim {' '.join(words)}\n")
        return 0
    if verb in SERVERS:
        return ask_server(words)
    went = subprocess.run([sys.executable, "-m", "oa_sim", *words])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{verb}: {used.ru_utime + used.ru_stime:.1f} s of a processor", file=sys.stderr)  # where a page takes long
    return went.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
