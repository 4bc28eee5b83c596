"""The placeholder `:span` in a query, which stands for the value of `data.span`."""

import re

# Quoted texts, quoted names and comments come first: a `:span` in them is none. Nor is `::span`.
_PARTS = re.compile(
    r"""'[^']*' | "[^"]*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | ::\w+ | (?P<span>:span\b)""",
    re.VERBOSE | re.DOTALL,
)


def is_in(text: str) -> bool:
    """Returns whether the query holds it."""
    return any(part["span"] for part in _PARTS.finditer(text))


def replaced(text: str, by: str) -> str:
    """Returns the query with `by` in its place."""
    return _PARTS.sub(lambda part: by if part["span"] else part[0], text)
