"""Hints for whoever mistyped a name."""

import difflib
from collections.abc import Iterable

# As a share of equal letters; below it a name is another one, and not a misspelt one.
_LEAST_ALIKE = 0.5


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Returns the known name that is most like `word`, whatever the case, or None."""
    folded = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=_LEAST_ALIKE)
    return folded[close[0]] if close else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns the end of a message about an unknown `word`: the nearest known one, or nothing."""
    name = nearest(word, known)
    return f"; did you mean '{name}'?" if name is not None else ""
