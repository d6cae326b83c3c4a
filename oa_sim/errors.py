"""Errors: a request that cannot be honoured, said in one sentence.

The sentence gives the rule, the value and the remedy. The command line prints it and exits with 2.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it
if TYPE_CHECKING:
    from collections.abc import Iterable


class Refusal(ValueError):
    """A request that breaks a rule; its text is one sentence, on one line, for a person."""

    def __init__(self, sentence: str):
        super().__init__(" ".join(sentence.split()))


InvalidRequest = Refusal  # the name that other libraries would give it


def nearest(word: object, choices: Iterable[str], least: float = 0.5) -> str | None:
    """Return the name most like ``word``, or None where nothing is alike: no more than ``least`` of the letters."""
    from difflib import get_close_matches  # only a mistake pays for this import

    by_lower = {name.lower(): name for name in choices}
    close = get_close_matches(str(word).lower(), by_lower, n=1, cutoff=least)
    return by_lower[close[0]] if close else None


def unknown(noun: str, word: object, choices: Iterable[str]) -> Refusal:
    """Return the refusal of a name that is none of the choices, with the nearest right one.

    ``noun`` is the kind of name, with its article left out: ``"area"``.
    """
    choices = list(choices)
    guess = nearest(word, choices)
    remedy = f"did you mean {guess!r}?" if guess else "choose from " + ", ".join(choices)
    return Refusal(f"unknown {noun} {word!r}: {remedy}")


def one_of(noun: str, value: str, choices: Iterable[str]) -> None:
    """Refuse a name that is none of the choices."""
    if value not in choices:
        raise unknown(noun, value, choices)
