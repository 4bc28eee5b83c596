"""Python sources without comments and docstrings, every statement at its line and column.

Beltline's own model code travels like this: a third of it is text for readers, and a package for
Kubeflow has room for 56 KiB. Tracebacks show the lines of the repository, and a change in a comment
changes no digest, so it trains no model again.
"""

import functools
import io
import tokenize
from collections.abc import Iterator, Sequence
from itertools import pairwise

_LAYOUT = (tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT)
# What is in them runs.
_FORMATTED = ("f", "rf", "fr")


@functools.cache
def stripped(source: bytes) -> bytes:
    """Returns a module's source as UTF-8, comments left out, docstrings empty.

    A source that isn't Python is returned as it is; whoever imports it is told.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return source
    lines = text.split("\n")
    for token in _docstrings(tokens):
        (first, column), (last, _) = token.start, token.end
        lines[first - 1 : last] = [lines[first - 1][:column] + '""', *[""] * (last - first)]
    for token in tokens:
        if token.type == tokenize.COMMENT:
            row, column = token.start
            # The line is shorter where the comment followed a docstring.
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines).encode()


def _docstrings(tokens: Sequence[tokenize.TokenInfo]) -> Iterator[tokenize.TokenInfo]:
    """Yields the strings that are statements: a docstring, or one that stands below a name."""
    words = [token for token in tokens if token.type not in _LAYOUT]
    begins = True
    for token, after in pairwise(words):
        # A string within brackets is not followed by the end of a statement.
        alone = token.type == tokenize.STRING and after.type == tokenize.NEWLINE
        if begins and alone and not token.string.lower().startswith(_FORMATTED):
            yield token
        begins = token.type == tokenize.NEWLINE
