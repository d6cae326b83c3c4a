"""Executors: blocks of work on threads, processes or a cluster, by one interface, and the death of a worker survived.

Threads are Python's own, processes are joblib's loky, the cluster is Dask's scheduler; all three take work and give
futures. ``joblib.Parallel`` itself is not used: it begins a new block whenever one is computed, so that results would
pile up in memory before a slow disk. Here no more than a few are under way or waiting to be written.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import contextmanager

import joblib

from oa_sim.errors import Refusal

AHEAD = 2  # blocks for each worker that are under way or wait to be written
LIVES = 3  # workers that may die in a row with no block finished between
PATIENCE = 20  # seconds that a scheduler has to answer


def each(engine, work: Callable, tasks: Iterator, begun: Callable = lambda task: None) -> Iterator:
    """Yield the result of each task as it is done, in any order, with a bounded number ahead.

    Parameters
    ----------
    engine
        ``kind`` in {"local", "processes", "dask"}, ``workers`` (0: as many as cores), ``address`` of a scheduler.
    work
        Takes a task and returns its result; with processes or a cluster both travel.
    tasks
        Taken one by one in this thread, when there is room for another.
    begun
        Called in this thread with each task that is handed out, again where its worker died.

    Raises
    ------
    Refusal
        Where workers keep dying, the cluster cannot be reached, or its extra is not installed.
    """
    tasks, again, deaths = iter(tasks), [], 0
    while True:
        asked = {}
        with _opened(engine) as (pool, workers):
            try:
                is_broken = False
                while not is_broken and _hand_out(pool, work, tasks, again, asked, AHEAD * workers, begun):
                    for future in wait(asked, return_when=FIRST_COMPLETED).done:
                        if isinstance(_error(future), BrokenExecutor | CancelledError):
                            is_broken = True
                            continue
                        result = future.result()
                        del asked[future]
                        deaths = 0
                        yield result
            except BrokenExecutor:  # found broken when the next task was handed to it
                is_broken = True
            finally:
                for future in asked:
                    future.cancel()
        if not is_broken:
            return
        again = [*asked.values(), *again]
        deaths += 1
        if deaths == LIVES:
            raise _too_deadly()


def _error(future: Future) -> BaseException | None:
    """Return what went wrong with a future that is done; the refusal where a cluster gave up on its task."""
    if future.cancelled():
        return CancelledError()
    error = future.exception()
    if type(error).__name__ == "KilledWorker":  # Dask itself has tried it on several workers
        raise _too_deadly()
    return error


def _too_deadly() -> Refusal:
    return Refusal(
        f"{LIVES} workers in a row died without finishing a block, most often for want of memory: what is finished is "
        "kept; go on with fewer workers, such as engine.workers=1"
    )


def _hand_out(pool: Executor, work, tasks: Iterator, again: list, asked: dict, most: int, begun) -> bool:
    """Hand out tasks until enough are ahead, first those that a dead worker left undone; return whether any is."""
    while len(asked) < most:
        if not again:
            task = next(tasks, None)
            if task is None:
                break
            again.append(task)  # not lost where handing it out finds the pool broken
        begun(again[0])
        asked[pool.submit(work, again[0])] = again[0]
        again.pop(0)
    return bool(asked)


def workers_of(engine) -> int:
    """Return how many workers an engine has on this machine; 0 asks for as many as there are cores."""
    return engine.workers or joblib.cpu_count()


@contextmanager
def _opened(engine) -> Iterator[tuple[Executor, int]]:
    """Give an executor and its number of workers, and close it."""
    kinds = {"local": _threads, "processes": _processes, "dask": _cluster}
    with kinds[engine.kind](engine) as found:
        yield found


@contextmanager
def _threads(engine) -> Iterator[tuple[Executor, int]]:
    workers = workers_of(engine)
    with ThreadPoolExecutor(workers, thread_name_prefix="sweep") as pool:
        yield pool, workers


@contextmanager
def _processes(engine) -> Iterator[tuple[Executor, int]]:
    from joblib.externals.loky import ProcessPoolExecutor

    workers = workers_of(engine)
    # the small matrices of the law gain nothing from threads of linear algebra, and the workers share the cores
    env = {"OPENBLAS_NUM_THREADS": "1"}
    pool = ProcessPoolExecutor(workers, env=env, initializer=_ends_with, initargs=(os.getpid(),))
    try:
        yield pool, workers
    finally:
        pool.shutdown(wait=True, kill_workers=True)


def _ends_with(parent: int) -> None:
    """Let this worker end when the process that asked for it is killed, which could not tell it so."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(engine) -> Iterator[tuple[Executor, int]]:
    """Give a cluster's executor, never as Dask's default, which would outlive it for all that comes later."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise Refusal(
            'engine=dask needs Dask\'s scheduler, which is not installed: pip install "oa-sim[cluster]"'
        ) from None
    import logging

    if engine.address:
        try:
            client, cluster = Client(engine.address, timeout=PATIENCE, set_as_default=False), None
            client.wait_for_workers(1, timeout=PATIENCE)
        except (OSError, ValueError) as error:  # a timeout is an OSError too
            raise Refusal(
                f"no scheduler with a worker answers at engine.address={engine.address} ({type(error).__name__}): "
                "start it, or leave the address out for a cluster on this machine"
            ) from None
    else:
        cluster = LocalCluster(
            n_workers=workers_of(engine),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,  # the death of a worker is our business to tell
        )
        client = Client(cluster, set_as_default=False)
    try:
        yield client.get_executor(pure=False), max(1, sum(client.nthreads().values()))
    finally:
        client.close()
        if cluster:
            cluster.close()
