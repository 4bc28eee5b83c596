"""Which kind of value a column holds, and turning columns into the Arrow type of a kind.

The rules are those of `base/values.py`, applied to whole columns. A new kind needs a place in
`ORDER`, a converter in `_CONVERT` and a line in that table.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from beltline.base.values import CODE, MAX_WHOLE, MISSING, Kind

ORDER: tuple[Kind, ...] = ("integer", "number", "text")

_PROBE = 64
_SHORTEST_LONG_CODE = 20

_SPACES = tuple(b" \t\n\v\f\r")
_LONGEST_MISSING = max(map(len, MISSING))


class MisfitError(Exception):
    """The value at row `index` of an array is not of the requested kind."""

    def __init__(self, index: int, value: object):
        super().__init__(index, value)
        self.index = index
        self.value = value


def wider(one: Kind | None, other: Kind | None) -> Kind | None:
    """Returns the narrowest kind that holds the values of both; None is one without values."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=ORDER.index)


def kind_of(values: pa.Array) -> Kind | None:
    """Returns the narrowest kind that holds every value; None where all are missing."""
    signs = _NONE
    if pa.types.is_string(values.type):
        values, signs = _without_missing(values)
    if values.null_count == len(values):
        return None
    if pa.types.is_integer(values.type):
        return "integer"
    if pa.types.is_floating(values.type):
        return "number"
    if _parsed_integers(values, signs) is not None:
        return "integer"
    return "text" if _parsed_numbers(values, signs) is None else "number"


class KindSoFar:
    """The kind of a column whose values come bit by bit."""

    def __init__(self, expected: Kind | None = None):
        self._expected = expected
        self._found: Kind | None = None

    def add(self, values: pa.Array) -> None:
        """Looks at some more values."""
        if self._expected is not None and not _fits(values, self._expected):
            self._expected = None
        if self._found != "text":
            self._found = wider(self._found, kind_of(values))

    @property
    def kind(self) -> Kind:
        """The expected kind if all values fit it, else the narrowest that they do fit."""
        return self._expected or self._found or "text"


def _fits(values: pa.Array, kind: Kind) -> bool:
    try:
        converted(values, kind)
    except MisfitError:
        return False
    return True


def converted(values: pa.Array, kind: Kind) -> pa.Array:
    """Returns `values` (int, float or string) as int64, float64 or string, missing values null.

    Raises MisfitError with the first row that does not fit.
    """
    signs = _NONE
    if pa.types.is_string(values.type):
        values, signs = _without_missing(values)
    result = _CONVERT[kind](values, signs)
    if result is None:
        index = _first_misfit(values, kind, signs)
        raise MisfitError(index, values[index].as_py())
    return result


def first_out_of_range(values: pa.Array, kind: Kind) -> int | None:
    """Returns the first row whose number an Example or a request can't hold; None if all can.

    Args:
      values: what `converted` returned for `kind`.
      kind: the column's kind.
    """
    if kind == "text":
        return None
    if kind == "integer":
        beyond = pc.or_(pc.greater(values, MAX_WHOLE), pc.less(values, -MAX_WHOLE))
    else:
        beyond = pc.and_(pc.is_inf(pc.cast(values, pa.float32())), pc.is_finite(values))
    index: int = pc.index(beyond, True).as_py()
    return None if index < 0 else index


@dataclass(frozen=True)
class _Signs:
    """What the ends and the lengths of texts give away: whether any of them may need a closer look.

    Arrow's functions for text take longer than it takes to turn the text into a number, and most
    columns need none of them.
    """

    missing: bool = False
    """One may stand for a missing value."""
    spaced: bool = False
    """One begins or ends with white space."""
    code: bool = False
    """One may be a code, or an integer that is not written as one."""


_NONE = _Signs()
_MISSING, _SPACED, _CODE_SIGN = 1, 2, 4


def _flags_of_pairs() -> np.ndarray:
    """Returns the signs in a text's first two bytes, [65536]; of a single one, the other is 0."""
    first, second = np.arange(1 << 16) & 0xFF, np.arange(1 << 16) >> 8
    zero = (first == ord("0")) & np.isin(second, list(b"0123456789xX"))
    signed = (first == ord("+")) | ((first == ord("-")) & (second == ord("0")))
    return (
        np.isin(first, list(b"Nn#")) * _MISSING
        + np.isin(first, _SPACES) * _SPACED
        + (zero | signed) * _CODE_SIGN
    ).astype(np.uint8)


_FIRST_TWO = _flags_of_pairs()
_LAST = (np.isin(np.arange(256), _SPACES) * _SPACED).astype(np.uint8)


def _signs(text: pa.Array) -> _Signs:
    if not len(text):
        return _NONE
    ends = np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text) + 1]
    length = np.diff(ends)
    empty = _any_empty(text, length)
    if ends[0] == ends[-1]:
        return _Signs(missing=empty)
    data = np.frombuffer(text.buffers()[2], np.uint8)
    # An empty text has the next one's first byte here, which is looked at anyway.
    start = np.minimum(ends[:-1], len(data) - 1).astype(np.int64)
    second = data[np.minimum(start + 1, len(data) - 1)] * (length > 1)
    pairs = _FIRST_TWO[data[start].astype(np.uint16) | (second.astype(np.uint16) << 8)]
    flags = np.bitwise_or.reduce(pairs | _LAST[data[ends[1:].astype(np.int64) - 1]])
    spaced, long = bool(flags & _SPACED), bool(length.max() >= _SHORTEST_LONG_CODE)
    short = bool(flags & _MISSING) and ((pairs & _MISSING) & (length <= _LONGEST_MISSING)).any()
    return _Signs(empty or spaced or bool(short), spaced, bool(flags & _CODE_SIGN) or long)


def _any_empty(text: pa.Array, length: np.ndarray) -> bool:
    empty = length == 0
    if not text.null_count:
        return bool(empty.any())
    return bool((empty & text.is_valid().to_numpy(zero_copy_only=False)).any())


def _without_missing(text: pa.Array) -> tuple[pa.Array, _Signs]:
    signs = _signs(text)
    if not signs.missing:
        return text, signs
    missing = pc.is_in(pc.ascii_trim_whitespace(text), pa.array(MISSING))
    if not pc.any(missing).as_py():
        return text, signs
    # Arrow's if_else gives wrong texts where the array is a slice of another.
    return pc.replace_with_mask(text, missing, pa.scalar(None, pa.string())), signs


def _as_integers(values: pa.Array, signs: _Signs) -> pa.Array | None:
    if pa.types.is_string(values.type):
        parsed = _parsed_integers(values, signs)
        if parsed is not None:
            return parsed
        values = _parsed_numbers(values, signs)
    return None if values is None else _cast(values, pa.int64())


def _as_numbers(values: pa.Array, signs: _Signs) -> pa.Array | None:
    if pa.types.is_string(values.type):
        return _parsed_numbers(values, signs)
    return pc.cast(values, pa.float64(), safe=False)


def _as_text(values: pa.Array, _: _Signs) -> pa.Array | None:
    return pc.cast(values, pa.string())


_CONVERT = {"integer": _as_integers, "number": _as_numbers, "text": _as_text}


def _parsed_integers(text: pa.Array, signs: _Signs) -> pa.Array | None:
    trimmed = pc.ascii_trim_whitespace(text) if signs.spaced else text
    values = _cast(trimmed, pa.int64())
    if values is None or not (signs.code or signs.spaced):
        return values
    # Arrow also reads 007 and 0x1F as integers: only what is written as an integer is one.
    as_written = pc.all(pc.equal(pc.cast(values, pa.string()), trimmed)).as_py()
    return None if as_written is False else values


def _parsed_numbers(text: pa.Array, signs: _Signs) -> pa.Array | None:
    trimmed = pc.ascii_trim_whitespace(text) if signs.spaced else text
    # White space may hide a code's sign.
    may_be_codes = signs.code or signs.spaced
    if may_be_codes and pc.any(pc.match_substring_regex(trimmed, CODE)).as_py():
        return None
    values = _cast(trimmed, pa.float64())
    if values is None or _overflows(trimmed, values):
        return None
    return nan_is_missing(values)


def _overflows(text: pa.Array, values: pa.Array) -> bool:
    """Whether a number in a text, such as 1e400, is no 64-bit float: Arrow reads it as infinite."""
    infinite = pc.is_inf(values)
    if not pc.any(infinite).as_py():
        return False
    spelt = pc.match_substring(text, "inf", ignore_case=True)
    return bool(pc.any(pc.and_not(infinite, spelt)).as_py())


def _cast(values: pa.Array, to: pa.DataType) -> pa.Array | None:
    try:
        # Arrow makes an error text for every value that fails: learn it from a few.
        pc.cast(values.slice(0, _PROBE), to)
        return pc.cast(values, to)
    except pa.ArrowInvalid:
        return None


def nan_is_missing(values: pa.Array) -> pa.Array:
    """Returns a float64 array with null in place of NaN."""
    nan = pc.is_nan(values)
    if not pc.any(nan).as_py():
        return values
    return pc.if_else(nan, pa.scalar(None, pa.float64()), values)


def _first_misfit(values: pa.Array, kind: Kind, signs: _Signs) -> int:
    start, stop = 0, len(values)
    while stop - start > 1:
        middle = (start + stop) // 2
        if _CONVERT[kind](values.slice(start, middle - start), signs) is None:
            stop = middle
        else:
            start = middle
    return start
