"""A pool of processes that is none."""

from concurrent.futures import Future


class SameProcess:
    """Stands for the pool of processes, so that what is patched here holds there."""

    def __init__(self, *_, **__):
        pass

    def submit(self, function, *arguments):
        done = Future()
        done.set_result(function(*arguments))
        return done

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False
