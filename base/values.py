"""What a value means for a column of a kind, whoever brings it: a file, a query or a request.

| kind | means | values |
|---|---|---|
| integer | an int64 | -12, 0, 7, 2.0: whole numbers that a 64-bit float holds, ±(2^53 - 1) |
| number | a float32 | the above, 0.5, .5, 1e-3, +0.5, inf; not 1e39, which is no 32-bit float |
| text | UTF-8 | any text; a number as Arrow writes it, a boolean as true or false |

A text in a column of numbers is the number that it spells. Codes spell none: 007, +4930123 and 20
digits or more would lose what tells them apart.

Missing: null, NaN, and a text that is empty or holds only white space or one of `MISSING`. `None`
is text: in many files it is a category. White space around numbers is ignored; in text it stays.

This is the definition for a single value, which requests go by. `pipeline/tables/kinds.py` applies
it to whole columns; tests/test_same_meaning.py sends the same values through both.
"""

import math
import re
import struct
from decimal import Decimal
from typing import Literal

Kind = Literal["integer", "number", "text"]
Value = str | int | float | bool | None
"""A value as a table or JSON has it."""

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL")
SPACES = " \t\n\v\f\r"
CODE = r"^(\+\d+|[+-]?0\d.*|[+-]?\d{20,})$"
"""The form of a code, for RE2 and for Python."""
MAX_WHOLE = 2**53 - 1

_MISSING = frozenset(MISSING)
_CODE = re.compile(CODE, re.ASCII)
_WHOLE = re.compile(r"-?[1-9]\d*|0", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|(?P<nan>nan(?:\(\w*\))?))",
    re.ASCII | re.IGNORECASE,
)
_MEANT: dict[Kind, str] = {"integer": "a whole number", "number": "a number", "text": "a text"}
_RANGE: dict[Kind, str] = {
    "integer": f"±{MAX_WHOLE}, the whole numbers that a 64-bit float holds exactly",
    "number": "the range of 32-bit floats",
}
# Characters of a value that a message quotes.
_MAX_SHOWN = 60


class UnfitValue(ValueError):
    """A value that a column of a kind can't hold; the message says why."""


def is_missing(text: str) -> bool:
    """Whether a text stands for a missing value, in a column of any kind."""
    return text.strip(SPACES) in _MISSING


def text_of(value: Value) -> str | None:
    """Returns what a value means for a column of texts; None where it is missing."""
    value = _plain(value)
    if isinstance(value, float):
        return _float_text(value)
    return value if value is None else str(value)


def number_of(value: Value) -> float | None:
    """Returns what a value means for a column of numbers; None where it is missing.

    Raises:
      UnfitValue: it is no number, or beyond the range of 32-bit floats.
    """
    found = _number(value, "number")
    if found is None:
        return None
    if not fits_float32(found):
        raise UnfitValue(out_of_range(value, "number"))
    return float(found)


def whole_of(value: Value) -> int | None:
    """Returns what a value means for a column of whole numbers; None where it is missing.

    Raises:
      UnfitValue: it is no whole number, or beyond ±(2^53 - 1).
    """
    found = _number(value, "integer")
    if found is None:
        return None
    if isinstance(found, float) and not found.is_integer():
        raise UnfitValue(not_of_kind(value, "integer"))
    if abs(found) > MAX_WHOLE:
        raise UnfitValue(out_of_range(value, "integer"))
    return int(found)


def fits_float32(number: float) -> bool:
    """Whether a number is within the range of 32-bit floats; infinity is one of them."""
    try:
        # The standard form, since the native one turns what overflows into infinity.
        struct.pack("<f", float(number))
    except OverflowError:
        return False
    return True


def not_of_kind(value: object, kind: Kind) -> str:
    """Returns the message for a value that is not of its column's kind."""
    return f"{_shown(value)} is not {_MEANT[kind]}"


def out_of_range(value: object, kind: Kind) -> str:
    """Returns the message for a number that a column of its kind can't hold."""
    return f"{_shown(value)} is beyond {_RANGE[kind]}"


def _plain(value: Value) -> str | int | float | None:
    """Returns the value, a boolean as its text; None where it is missing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return None if is_missing(value) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(value: Value, kind: Kind) -> int | float | None:
    found = _plain(value)
    if not isinstance(found, str):
        return found
    text = found.strip(SPACES)
    number = None if _CODE.fullmatch(text) else _NUMBER.fullmatch(text)
    if number is None:
        raise UnfitValue(not_of_kind(value, kind))
    if number["nan"]:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if math.isinf(float(text)) and "n" not in text.lower():
        raise UnfitValue(not_of_kind(value, kind))
    return float(text)


def _float_text(value: float) -> str:
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    digits = Decimal(repr(value)).normalize()
    positional = value == 0 or 1e-6 <= abs(value) < 1e10
    return f"{digits:f}" if positional else f"{digits:e}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        value = "true" if value else "false"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
