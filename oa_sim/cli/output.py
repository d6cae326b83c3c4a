"""Output: what a command hands back, how it is printed, and the progress that a terminal shows meanwhile."""

import json
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class CommandResult:
    """What a command found: facts for machines (None where all was printed already), lines for people.

    The folder that was written is printed last. The exit code is 2 where a part of what was asked was refused.
    """

    facts: Facts | list[Facts] | None
    lines: list[str] = field(default_factory=list)
    folder: Path | None = None
    exit_code: int = 0


def print_result(result: CommandResult, *, is_json: bool) -> int:
    """Print what a command found and return the exit code."""
    if is_json and result.facts is not None:
        facts = result.facts
        if result.folder is not None and isinstance(facts, Mapping):
            facts = {**facts, "folder": str(result.folder)}
        print(json.dumps(facts, ensure_ascii=False), flush=True)
    elif not is_json:
        for line in (*result.lines, *([result.folder] if result.folder is not None else [])):
            print(line, flush=True)
    return result.exit_code


def fact_lines(facts: Facts) -> list[str]:
    """Return facts as a line each, ``name: value``."""
    return [f"{name.replace('_', ' ')}: {_value(value)}" for name, value in facts.items()]


def _value(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if type(value) is int else str(value)


class Progress:
    """Shows each stage on stderr, with the seconds it has taken so far, when stderr is a terminal."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.sentence = ""
        self.shown = sys.stderr.isatty()
        self.ended = threading.Event()

    def __enter__(self) -> Self:
        if self.shown:
            threading.Thread(target=self._tick, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        """Replace the sentence of the present stage."""
        if self.shown:
            self.sentence = sentence.ljust(len(self.sentence))  # blanks cover a longer sentence
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)

    def _line(self) -> str:
        return f"[{time.monotonic() - self.began:6.1f} s] {self.sentence}"

    def _tick(self) -> None:
        while not self.ended.wait(0.5):
            if self.sentence:
                print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)
