"""Which kind of value a column holds, and turning columns into the Arrow type of a kind.

The rules for text are those of the table in `pipeline/tables/__init__.py`. A new kind needs a
place in `ORDER`, a converter in `_CONVERT` and a line in that table.
"""

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Kind = Literal["integer", "number", "text"]

ORDER: tuple[Kind, ...] = ("integer", "number", "text")
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL")

_PROBE = 64

# 007, 0171.5 and +4930123456 are codes, and 20 digits fit no 64-bit integer: as numbers they would
# lose what tells them apart.
_CODE = r"^(\+\d+|[+-]?0\d.*|[+-]?\d{20,})$"


class MisfitError(Exception):
    """The value at row `index` of an array is not of the kind that was asked for."""

    def __init__(self, index: int, value: object):
        super().__init__(index, value)
        self.index = index
        self.value = value


def wider(one: Kind | None, other: Kind | None) -> Kind | None:
    """The narrowest kind that holds the values of both; None stands for a column of no values."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=ORDER.index)


def kind_of(values: pa.Array) -> Kind | None:
    """The narrowest kind that holds every value (int, float or string array); None: all missing."""
    if pa.types.is_string(values.type):
        values = _without_missing(values)
    if values.null_count == len(values):
        return None
    if pa.types.is_integer(values.type):
        return "integer"
    if pa.types.is_floating(values.type):
        return "number"
    if _parsed_integers(values) is not None:
        return "integer"
    return "text" if _parsed_numbers(values) is None else "number"


def converted(values: pa.Array, kind: Kind) -> pa.Array:
    """`values` (int, float or string) as int64, float64 or string, missing values null.

    Raises MisfitError with the first row that does not fit.
    """
    if pa.types.is_string(values.type):
        values = _without_missing(values)
    result = _CONVERT[kind](values)
    if result is None:
        index = _first_misfit(values, kind)
        raise MisfitError(index, values[index].as_py())
    return result


def _without_missing(text: pa.Array) -> pa.Array:
    missing = pc.is_in(pc.ascii_trim_whitespace(text), pa.array(MISSING))
    if not pc.any(missing).as_py():
        return text
    return pc.if_else(missing, pa.scalar(None, pa.string()), text)


def _as_integers(values: pa.Array) -> pa.Array | None:
    if pa.types.is_string(values.type):
        parsed = _parsed_integers(values)
        if parsed is not None:
            return parsed
        values = _parsed_numbers(values)
    return None if values is None else _cast(values, pa.int64())


def _as_numbers(values: pa.Array) -> pa.Array | None:
    if pa.types.is_string(values.type):
        return _parsed_numbers(values)
    return pc.cast(values, pa.float64(), safe=False)


def _as_text(values: pa.Array) -> pa.Array | None:
    return pc.cast(values, pa.string())


_CONVERT = {"integer": _as_integers, "number": _as_numbers, "text": _as_text}


def _parsed_integers(text: pa.Array) -> pa.Array | None:
    trimmed = pc.ascii_trim_whitespace(text)
    values = _cast(trimmed, pa.int64())
    if values is None:
        return None
    # Arrow also reads 007 and 0x1F as integers: only what is written as an integer is one.
    as_written = pc.all(pc.equal(pc.cast(values, pa.string()), trimmed)).as_py()
    return None if as_written is False else values


def _parsed_numbers(text: pa.Array) -> pa.Array | None:
    trimmed = pc.ascii_trim_whitespace(text)
    if pc.any(pc.match_substring_regex(trimmed, _CODE)).as_py():
        return None
    values = _cast(trimmed, pa.float64())
    return None if values is None else nan_is_missing(values)


def _cast(values: pa.Array, to: pa.DataType) -> pa.Array | None:
    try:
        # Arrow makes an error text for every value that fails: learn it from a few.
        pc.cast(values.slice(0, _PROBE), to)
        return pc.cast(values, to)
    except pa.ArrowInvalid:
        return None


def nan_is_missing(values: pa.Array) -> pa.Array:
    """A float64 array with null in place of NaN."""
    nan = pc.is_nan(values)
    if not pc.any(nan).as_py():
        return values
    return pc.if_else(nan, pa.scalar(None, pa.float64()), values)


def _first_misfit(values: pa.Array, kind: Kind) -> int:
    start, stop = 0, len(values)
    while stop - start > 1:
        middle = (start + stop) // 2
        if _CONVERT[kind](values.slice(start, middle - start)) is None:
            stop = middle
        else:
            start = middle
    return start
