"""Compilation: how a law is turned into machine code, and where that is kept from one process to the next.

Machine code holds all that it calls, of whatever file, but is known by its own file alone; so it is kept in a folder
whose name is made of every file that goes into it, and is never that of another version. Work in parts does the first
part in the caller's own thread and the others beside it.
"""

import hashlib
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

from oa_sim.inference.posterior_files import cache_folder

Law = TypeVar("Law", bound=Callable[..., Any])
Number = Any  # a number in machine code, of NumPy's types; type checkers do not follow how Numba infers them
THREADS = 2  # more have not been measured
_IMPORT = re.compile(r"^\s*from (oa_sim[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def in_parts(work: Callable[[int, int], None], n: int, *, whole: bool = False) -> None:
    """Let work do places 0 to n in parts side by side; what it does lets go of the interpreter's lock.

    ``work`` takes the first place and the one behind the last; no part may write where another does. It does the
    ``whole`` in one part where there is so little to do that this is sooner done.
    """
    n_parts = 1 if whole else min(THREADS, n)
    cuts = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    futures = [_pool(os.getpid()).submit(work, *cuts[i : i + 2]) for i in range(1, n_parts)]
    work(*cuts[:2] if n_parts else (0, 0))
    for future in futures:
        future.result()


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads beside the caller's own, begun once in a process: a search has thousands of small works."""
    return ThreadPoolExecutor(THREADS - 1, thread_name_prefix="parts")


def compiled(law: Law) -> Law:
    """Return a law as machine code that lets go of the interpreter's lock.

    A product and a sum may become one instruction; nothing is put in another order, since rounding relies on it.
    """
    return _cached(law, {"contract"})


def summing(law: Law) -> Law:
    """Return a law as machine code whose sums are taken in as many parts as the machine adds at once."""
    return _cached(law, {"contract", "reassoc"})


def _cached(law: Law, allowed: set[str]) -> Law:
    """Return a law compiled, its code kept in a folder of this version; ``allowed`` is what fast math may do."""
    config: Any = numba.config  # its settings are made when it is imported
    options: dict[str, Any] = {"fastmath": allowed, "error_model": "numpy", "nogil": True}
    folder_before = config.CACHE_DIR
    try:
        config.CACHE_DIR = str(cache_folder() / f"compiled-{_identity()}")
        return cast(Law, numba.njit(cache=True, **options)(law))
    except (RuntimeError, OSError):  # nowhere to keep it: it is compiled anew in each process
        return cast(Law, numba.njit(**options)(law))
    finally:
        config.CACHE_DIR = folder_before


@cache
def _identity() -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources())).hexdigest()[:12]


def sources() -> list[Path]:
    """Return the files whose laws and numbers machine code may hold: those that make some, and all that they import."""
    own = Path(__file__)
    to_visit = [path for path in own.parent.glob("*.py") if own in _imported(path)]
    visited = {own}
    while to_visit:
        path = to_visit.pop()
        visited.add(path)
        to_visit += _imported(path) - visited
    return sorted(visited)


def _imported(path: Path) -> set[Path]:
    """Return the modules of the package that a file imports."""
    candidates: set[Path] = set()
    for module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        folder = Path(str(files("oa_sim"))).parent.joinpath(*module.split("."))
        candidates |= {folder.with_suffix(".py"), *(folder / f"{name}.py" for name in re.findall(r"\w+", names))}
    return {candidate for candidate in candidates if candidate.is_file()}
