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


def nearest(word: object, known: Iterable[str]) -> str | None:
    """Return the known name most like ``word``, or None where nothing is alike."""
    from difflib import get_close_matches  # only a mistake pays for this import

    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(str(word).lower(), by_lower, n=1, cutoff=0.5)
    return by_lower[close[0]] if close else None


def unknown(what: str, word: object, known: Iterable[str]) -> Refusal:
    """Return the refusal of a name that is not known, with the nearest right one.

    Parameters
    ----------
    what
        What kind of name it is, with its article left out: ``"area"``.
    word
        The name that was given.
    known
        The names that would have been right.
    """
    known = list(known)
    guess = nearest(word, known)
    remedy = f"did you mean {guess!r}?" if guess else "choose from " + ", ".join(known)
    return Refusal(f"unknown {what} {word!r}: {remedy}")


def one_of(what: str, value: str, known: Iterable[str]) -> None:
    """Refuse a name that is not among the known ones."""
    if value not in known:
        raise unknown(what, value, known)
