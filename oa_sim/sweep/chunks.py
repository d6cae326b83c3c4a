"""Chunks: the files of a store's numbers, whether each is what its checksum says, and when it is on the disk."""

import os
from collections.abc import Iterator
from pathlib import Path

from numcodecs import Zstd

from oa_sim.sweep.store import NAME, Layout


def are_whole(folder: Path, start: int, layout: Layout, block: int) -> bool:
    """Return whether every array has the chunk in which a scenario stands, and each is what its checksum says."""
    return all(map(_is_whole, _paths(folder, start, layout, block)))


def drop(folder: Path, start: int, layout: Layout, block: int) -> None:
    """Take away the chunks in which a scenario stands; one that is damaged can neither be read nor written into."""
    for path in _paths(folder, start, layout, block):
        path.unlink(missing_ok=True)


def settle(folder: Path, start: int, layout: Layout, block: int) -> None:
    """Wait until the chunks in which a scenario stands are on the disk, so that a mark never gets there before them."""
    for path in _paths(folder, start, layout, block):
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _paths(folder: Path, start: int, layout: Layout, block: int) -> Iterator[Path]:
    for name, dims in layout.arrays.items():
        yield folder.joinpath(NAME, name, "c", str(start // block), *("0" for _ in dims))


def _is_whole(chunk: Path) -> bool:
    try:
        Zstd().decode(chunk.read_bytes())
    except (OSError, RuntimeError, ValueError, MemoryError):  # not there, not all of it, not what its checksum says
        return False
    return True
