"""How a CSV file separates its columns: as its suffix says, unless its header says otherwise.

To add a delimiter, add it to `_OTHERS`.
"""

import re
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from beltline.pipeline.tables.files import File, suffix_of, unpacked

_OTHERS = {b";": "semicolons", b"\t": "tabs", b"|": "bars"}
_QUOTED = re.compile(rb'"[^"]*"')
_LINE = re.compile(rb"[^\r\n]+")
_START = 1 << 16
_DECIMAL_COMMA = r"^(\s*[+-]?\d*),(\d+(?:[eE][+-]?\d+)?\s*)$"


def delimiter_of(file: File) -> bytes:
    """Returns what stands between the fields of a file.

    That is a comma, or a tab in a .tsv file. Where the first line has none outside of quotes, it is
    a semicolon, a tab or a bar, if the line has one.
    """
    usual = _usual(file)
    with unpacked(file) as stream:
        lines = (each.group() for each in _LINE.finditer(stream.read(_START)))
        header = next((line for line in islice(lines, 1000) if line.strip()), b"")
    names = _QUOTED.sub(b"", header)
    return next((each for each in (usual, *_OTHERS) if each in names), usual)


def unusual(file: File) -> str:
    """Returns what a person calls the delimiter; empty for the usual one of the suffix."""
    found = delimiter_of(file)
    return "" if found == _usual(file) else _OTHERS[found]


def _usual(file: File) -> bytes:
    return b"\t" if (suffix_of(file) or "").startswith(".tsv") else b","


def with_decimal_points(values: pa.Array) -> pa.Array:
    """Returns texts with `1,5` written as `1.5`; any that isn't a number stays as it is.

    Whoever separates columns by semicolons does so since commas are in the numbers.
    """
    if not pc.any(pc.match_substring(values, ",")).as_py():
        return values
    return pc.replace_substring_regex(values, _DECIMAL_COMMA, r"\1.\2")
