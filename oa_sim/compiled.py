"""Compiled: how a law is turned into machine code, and where that is kept from one process to the next.

Machine code holds all that it calls, of whatever file, but is known by its own file alone; so it is kept in a folder
whose name is made of every file that goes into it, and is never that of another version.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba

from oa_sim.kept import cache_folder

INTO_IT = (  # the files whose laws and numbers it holds
    *("arithmetic", "compiled", "gains", "impact", "lines", "marginal", "passes", "readings", "scale", "selection"),
    *("slopes", "variables"),
)
_HERE = Path(__file__).parent


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


def _identity() -> str:
    texts = [(_HERE / f"{name}.py").read_bytes() for name in INTO_IT]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:12]
