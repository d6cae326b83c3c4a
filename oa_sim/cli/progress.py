"""Progress: what is being done and for how long, on a terminal; silence elsewhere."""

import sys
import threading
import time


class Progress:
    """Says each stage on stderr, with the seconds it has taken so far, when stderr is a terminal.

    Use as a context; call ``say`` with a sentence at each stage.
    """

    def __init__(self):
        self.began = time.monotonic()
        self.sentence = ""
        self.shown = sys.stderr.isatty()
        self.ended = threading.Event()

    def __enter__(self):
        if self.shown:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.ended.set()
        if self.shown and self.sentence:
            print(f"\r{self._line()}", file=sys.stderr, flush=True)

    def say(self, sentence: str) -> None:
        """Begin a stage."""
        if self.shown:
            if self.sentence:
                print(f"\r{self._line()}", file=sys.stderr)
            self.sentence = sentence
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)

    def change(self, sentence: str) -> None:
        """Say how far the present stage is, in the place of what was said of it."""
        if self.shown:
            self.sentence = sentence.ljust(len(self.sentence))  # what was longer is blotted out
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)

    def _line(self) -> str:
        return f"[{time.monotonic() - self.began:6.1f} s] {self.sentence}"

    def _tick(self) -> None:
        while not self.ended.wait(0.5):
            if self.sentence:
                print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)
