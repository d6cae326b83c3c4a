"""Threads: compiled work in parts, the first in the caller's own thread and the others beside it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

THREADS = 2  # more have not been measured


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
