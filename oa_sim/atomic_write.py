"""Atomic write: a file or a folder is put in its place whole or not at all.

What is written goes to a hidden name beside its place, is flushed to the disk, and is then renamed. A process that dies
leaves what was there before, or the new; a name that ends in ``.part`` may be deleted.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

PART = ".part"  # the ending of what is not whole yet


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text as UTF-8. Where it cannot be written, what was there before stays."""
    with atomic_file(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomic_file(path: Path, ending: str = PART) -> Iterator[Path]:
    """Give the path of an empty file to write to, which takes the place of ``path`` when the block ends without error.

    Folders on the way to it are made, and taken away again where nothing is written. Where it cannot be written, an
    ``OSError`` is raised and what was there before stays. ``ending`` is that of the temporary name, for a writer or
    reader that looks at it.
    """
    with _folders_to(path.parent):
        part = _beside(path, ending)
        part.touch(exist_ok=False)  # with the rights that any new file has
        try:
            yield part
            _flush(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        _flush(path.parent)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give the path of an empty folder to fill, which takes the place of ``path`` when the block ends without error.

    An earlier folder is put aside whole and then deleted. Between the two renames it has its other name: no system
    call that Python knows swaps two folders. Where it cannot be written, an ``OSError`` is raised and what was there
    before stays.
    """
    with _folders_to(path.parent):
        part, aside = _beside(path, PART), _beside(path, f".old{PART}")
        try:
            part.mkdir()
            yield part
            for inside in part.rglob("*"):
                _flush(inside)
            _swap(part, path, aside)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            if path.exists():
                shutil.rmtree(aside, ignore_errors=True)
        _flush(path.parent)


def _swap(part: Path, path: Path, aside: Path) -> None:
    """Put a whole folder in the place of an earlier one, which goes back where that fails."""
    if not path.exists():
        os.replace(part, path)
        return
    os.replace(path, aside)
    try:
        os.replace(part, path)
    except BaseException:
        os.replace(aside, path)
        raise


@contextmanager
def _folders_to(folder: Path) -> Iterator[None]:
    """Make folders on the way to a place; where nothing comes of it, take away those that are empty."""
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for parent in made:
            with suppress(OSError):  # not made, or no longer empty
                parent.rmdir()
        raise


def _beside(path: Path, ending: str) -> Path:
    """Return a hidden name beside a path that nothing else has."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{ending}")


def _flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    # some systems neither open nor flush a folder; what is in the files is whole all the same
    with suppress(OSError) if path.is_dir() else nullcontext():
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
