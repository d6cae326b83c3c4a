"""Journal: what the folder of a sweep remembers, so that whoever comes next can go on with it.

``sweep.json`` says what was asked and what made it, ``scenarios.jsonl`` each scenario with its identity, ``blocks/``
has a file for each finished block with its rows, ``journal.jsonl`` who did what when. A block is done when its file is
there: it is put there by one rename, after the numbers are in the store.
"""

import errno
import json
import os
import shlex
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from oa_sim.atomic_write import PART, write_file
from oa_sim.errors import Refusal

Record = dict[str, Any]  # of a sweep, as sweep.json has it, or of one of its parts
Case = dict[str, Any]  # of a scenario, as a line of scenarios.jsonl has it
Row = dict[str, Any]  # of a scenario that is done: why it failed, and the numbers of its summary
Unit = tuple[int, int]  # a block: its first scenario, and the one behind its last
FORMAT = 1
SWEEP, CASES, BLOCKS, JOURNAL, LOCK = "sweep.json", "scenarios.jsonl", "blocks", "journal.jsonl", "lock"
ASKED = ("words", "design", "fixed", "keys", "bounds")  # of the sweep itself, and of each extension
MADE = ("oa_sim", "code_hash", "versions", "data_hash", "posterior")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Hold a sweep's folder for one process; the system lets go of it when the process dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LOCK).touch()
    except OSError as error:
        if is_full(error):
            raise
        raise Refusal(f"{folder} cannot be written ({error.strerror}): choose another folder") from None
    try:
        with FileLock(folder / LOCK, timeout=0):
            yield
    except Timeout:
        raise Refusal(f"{folder} is being written by another sweep: wait for it, or stop it") from None


@contextmanager
def room(folder: Path) -> Iterator[None]:
    """Say in one sentence that the disk is full, or cannot be written for another reason, and how to go on."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        kept = f"what is finished is kept; {{}}, then go on with {command('resume', folder)}"
        if is_full(error):
            raise Refusal(f"the disk that holds {folder} is full: {kept.format('make room')}") from None
        if isinstance(error, OSError):
            why = error.strerror or f"{type(error).__name__} {error}"
            raise Refusal(f"the sweep in {folder} stopped ({why}): {kept.format('put it right')}") from None
        raise


def is_full(error: BaseException | None) -> bool:
    """Return whether an error, or one behind it, says that there is no room to write."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


def command(verb: str, folder: Path | str) -> str:
    """Return what to type to do something with a sweep, its folder in quotes where a shell needs them."""
    return f"oa-sim {verb} {shlex.quote(str(folder))}"


@contextmanager
def _reachable(folder: Path) -> Iterator[None]:
    """Say in one sentence that a folder cannot even be looked at: its name is too long, or it is not ours to see."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Refusal(f"{str(folder)[:80]} cannot be read ({why}): choose another folder") from None


def check_free(folder: Path) -> None:
    """Refuse a folder that holds a sweep already, or anything else."""
    with _reachable(folder):
        is_sweep, is_there, is_folder = (folder / SWEEP).exists(), folder.exists(), folder.is_dir()
        inside = sorted(path.name for path in folder.iterdir()) if is_folder else []
    if is_sweep:
        raise Refusal(
            f"{folder} holds a sweep already: go on with {command('resume', folder)}, or choose another folder"
        )
    if is_there and not is_folder:
        raise Refusal(f"{folder} is a file: give --out a folder of its own")
    # what a sweep leaves that died before it began
    others = [name for name in inside if name not in (LOCK, CASES) and not name.endswith(PART)]
    if others:
        raise Refusal(f"{folder} holds other things, such as {others[0]!r}: give --out a folder of its own")


def begin(folder: Path, record: Record, cases: list[Case]) -> None:
    """Write what is asked; from then on the folder is a sweep, or the sweep a longer one."""
    write_file(folder / CASES, "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases))
    write_file(folder / SWEEP, json.dumps({"format": FORMAT, **record}, ensure_ascii=False, indent=1) + "\n")


def read(folder: Path) -> tuple[Record, list[Case]]:
    """Return the record of a sweep, and each scenario: part, identity, values, and values of other parts' keys."""
    with _reachable(folder):
        is_sweep = (folder / SWEEP).is_file()
    if not is_sweep:
        raise Refusal(f"{folder} is not the folder of a sweep: give the folder that oa-sim sweep --out was given")
    try:
        record = json.loads((folder / SWEEP).read_text(encoding="utf-8"))
        form, n = int(record["format"]), int(record["n"])
        if form <= FORMAT:
            lines = (folder / CASES).read_text(encoding="utf-8").splitlines()[:n]
            cases = [json.loads(line) for line in lines]
            [record[key] for key in (*ASKED, *MADE, "block", "labels", "engine", "extensions")]
            if len(cases) != n or not all({"part", "identity", "values", "also"} <= set(case) for case in cases):
                raise ValueError(n)
    except Exception as error:  # a damaged file fails in as many ways as there are readers
        raise Refusal(
            f"the record of the sweep in {folder} is damaged ({type(error).__name__}): put sweep.json and "
            "scenarios.jsonl back from a copy, or sweep again into another folder"
        ) from None
    if form > FORMAT:
        raise Refusal(f"{folder} has format {form}, this version reads up to {FORMAT}: update oa_sim")
    return record, cases


def parts(record: Record) -> list[Record]:
    """Return the sweep as it was first asked, then each extension: ``ASKED`` and ``n``, the number of its scenarios."""
    first = {key: record[key] for key in ASKED}
    return [first | {"n": record["n"] - sum(part["n"] for part in record["extensions"])}, *record["extensions"]]


def units(record: Record) -> list[Unit]:
    """Return the blocks of a sweep, first and behind the last scenario, in order: none crosses a chunk or a part."""
    blocks, first, end = list[Unit](), 0, 0
    for part in parts(record):
        end += part["n"]
        while first < end:
            until = min(end, (first // record["block"] + 1) * record["block"])
            blocks.append((first, until))
            first = until
    return blocks


def finish(folder: Path, start: int, rows: list[Row]) -> None:
    """Mark a block as done; its rows, one for each scenario, are the mark."""
    (folder / BLOCKS).mkdir(exist_ok=True)
    write_file(_mark(folder, start, start + len(rows)), json.dumps(rows, ensure_ascii=False))


def rows(folder: Path, unit: Unit) -> list[Row] | None:
    """Return the rows of a block that is done, None of one that is not."""
    try:
        rows = json.loads(_mark(folder, *unit).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # a mark that cannot be read is no mark
        return None
    is_whole = isinstance(rows, list) and len(rows) == unit[1] - unit[0] and all(map(_is_row, rows))
    return rows if is_whole else None


def finished_rows(folder: Path, unit: Unit) -> list[Row]:
    """Return the rows of a block that is known to be done."""
    done = rows(folder, unit)
    assert done is not None
    return done


def _is_row(row: object) -> bool:
    return isinstance(row, dict) and isinstance(row.get("failed"), str) and isinstance(row.get("found"), dict)


def strike(folder: Path, unit: Unit) -> None:
    """Take the mark of a block away, so that it counts as not done."""
    _mark(folder, *unit).unlink(missing_ok=True)


def _mark(folder: Path, start: int, stop: int) -> Path:
    return folder / BLOCKS / f"{start:08d}-{stop:08d}.json"


def note(folder: Path, **facts: object) -> None:
    """Append a line to the journal, with the time; it is read by people and tests alone."""
    line = (json.dumps({"at": round(time.time(), 3), **facts}) + "\n").encode()
    with (folder / JOURNAL).open("ab", buffering=0) as file:
        whole = file.tell()
        try:
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            file.truncate(whole)  # no half a line where the disk is full
            raise


def tidy(folder: Path) -> None:
    """Take away what a process that died left half-written; nobody else may be writing."""
    for left in (*folder.rglob("*.partial"), *folder.rglob(f"*{PART}")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    journal = folder / JOURNAL
    if journal.exists():
        text = journal.read_bytes()
        if not text.endswith(b"\n"):
            os.truncate(journal, text.rfind(b"\n") + 1)
