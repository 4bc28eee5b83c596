"""Texts of others on a terminal: what would move the cursor or turn the writing is shown escaped.

A category in a request, a column's name in a file or a library's message may hold an escape
sequence, which a terminal obeys, or a mark of direction, which makes a line read as another one.
"""

import unicodedata

_KEPT = "\n\t"
# Control characters, formats such as marks of direction, halves of surrogate pairs, separators.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# They join what belongs together, as in an emoji or a word.
_JOINERS = "\u200c\u200d"


def printable(text: str) -> str:
    r"""Returns the text with `\x1b` for an escape character, `\u202e` for a mark, and so on."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(each) for each in text)


def _shown(character: str) -> str:
    hidden = unicodedata.category(character) in _CATEGORIES
    if not hidden or character in _KEPT or character in _JOINERS:
        return character
    return character.encode("unicode_escape").decode("ascii")
