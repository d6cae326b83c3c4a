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

import numba
import numpy as np

from oa_sim.inference.posterior_files import cache_folder

THREADS = 2  # more have not been measured
_IMPORT = re.compile(r"^\s*from (oa_sim[\w.]*) import (\([^)]*\)|.*)$", re.MULTILINE)


def in_parts(work: Callable[[int, int], None], n: int, *, whole: bool = False) -> None:
    """Let work do places 0 to n in parts side by side; what it does lets go of the interpreter's lock.

    Parameters
    ----------
    work
        Takes the first place and the one behind the last; no part may write where another does.
    n
        How many places there are.
    whole
        Whether there is so little to do that one part is sooner done.
    """
    n_parts = 1 if whole else min(THREADS, n)
    cuts = np.linspace(0, n, n_parts + 1).astype(int).tolist()
    beside = [_pool(os.getpid()).submit(work, *cuts[i : i + 2]) for i in range(1, n_parts)]
    work(*cuts[:2] if n_parts else (0, 0))
    for one in beside:
        one.result()


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Return the threads beside the caller's own, begun once in a process: a search has thousands of small works."""
    return ThreadPoolExecutor(THREADS - 1, thread_name_prefix="parts")


def compiled(law: Callable) -> Callable:
    """Return a law as machine code that lets go of the interpreter's lock.

    A product and a sum may become one instruction; nothing is put in another order, since rounding relies on it.
    """
    return _kept(law, {"contract"})


def summing(law: Callable) -> Callable:
    """Return a law as machine code whose sums are taken in as many parts as the machine adds at once."""
    return _kept(law, {"contract", "reassoc"})


def _kept(law: Callable, allowed: set[str]) -> Callable:
    how = {"fastmath": allowed, "error_model": "numpy", "nogil": True}
    before = numba.config.CACHE_DIR
    try:
        numba.config.CACHE_DIR = str(cache_folder() / f"compiled-{_identity()}")
        return numba.njit(cache=True, **how)(law)
    except (RuntimeError, OSError):  # nowhere to keep it: it is compiled anew in each process
        return numba.njit(**how)(law)
    finally:
        numba.config.CACHE_DIR = before


@cache
def _identity() -> str:
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources())).hexdigest()[:12]


def sources() -> list[Path]:
    """Return the files whose laws and numbers machine code may hold: those that make some, and all that they import."""
    own = Path(__file__)
    left = [path for path in own.parent.glob("*.py") if own in _imported(path)]
    found = {own}
    while left:
        path = left.pop()
        found.add(path)
        left += _imported(path) - found
    return sorted(found)


def _imported(path: Path) -> set[Path]:
    """Return the modules of the package that a file imports."""
    found = set()
    for module, names in _IMPORT.findall(path.read_text(encoding="utf-8")):
        at = Path(str(files("oa_sim"))).parent.joinpath(*module.split("."))
        found |= {at.with_suffix(".py"), *(at / f"{name}.py" for name in re.findall(r"\w+", names))}
    return {one for one in found if one.is_file()}
