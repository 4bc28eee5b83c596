"""Awkward CSV files, what TFX's CsvExampleGen makes of them, and what Beltline does.

Each case is a line of the table in docs/data.md, by its first cell. An outcome is the rows, missing
values left out, or a part of the error's text.
"""

from dataclasses import dataclass
from math import inf, nan

Row = dict[str, int | float | str]
Outcome = list[Row] | str


@dataclass(frozen=True)
class Case:
    """Files that are read together, by their content."""

    files: tuple[bytes, ...]
    stock: Outcome
    ours: Outcome


def column(*values: int | float | str | None, name: str = "x") -> list[Row]:
    """Rows that number themselves, with one more column."""
    rows: list[Row] = []
    for number, value in enumerate(values, 1):
        rows.append({"id": number} if value is None else {"id": number, name: value})
    return rows


def both(content: bytes, outcome: Outcome) -> Case:
    return Case((content,), outcome, outcome)


def differ(content: bytes, stock: Outcome, ours: Outcome) -> Case:
    return Case((content,), stock, ours)


NEWLINE = "new-line character seen in unquoted field"
UNBALANCED = "Csv record had unbalanced quotes"
AB = column("a", "b")

CASES = {
    "a field in quotes, with a delimiter, a doubled quote or a line break": both(
        b'id,x\n1,"a, b"\n2,"say ""no"""\n3,"two\nlines"\n4,"two\r\nlines"\n',
        column("a, b", 'say "no"', "two\nlines", "two\r\nlines"),
    ),
    "a number in quotes": both(b'id,x\n1,"7"\n2,"8"\n', column(7, 8)),
    "an empty field, in quotes or not": both(b'id,x\n1,\n2,""\n3,5\n', column(None, None, 5)),
    "a column without any value": both(b"id,x\n1,\n2,\n", column(None, None)),
    "only white space": differ(b"id,x\n1, \n2,5\n", column(" ", "5"), column(None, 5)),
    "`NA`, `N/A`, `null` and their like": differ(
        b"id,x\n1,NA\n2,null\n3,5\n", column("NA", "null", "5"), column(None, None, 5)
    ),
    "`nan`": differ(b"id,x\n1,nan\n2,5\n", column(nan, 5.0), column(None, 5)),
    "`inf`": both(b"id,x\n1,inf\n2,5\n", column(inf, 5.0)),
    "`None`": both(b"id,x\n1,None\n2,5\n", column("None", "5")),
    "`true`, `FALSE`": both(b"id,x\n1,true\n2,FALSE\n", column("true", "FALSE")),
    "leading zeros": differ(b"id,x\n1,007\n2,010\n", column(7, 10), column("007", "010")),
    "a plus sign before digits": differ(
        b"id,x\n1,+49\n2,+50\n", column(49, 50), column("+49", "+50")
    ),
    "`1_000`": differ(b"id,x\n1,1_000\n2,5\n", column(1000, 5), column("1_000", "5")),
    "`-0`": differ(b"id,x\n1,-0\n2,5\n", column(0, 5), column(-0.0, 5.0)),
    "an integer just beyond 64 bits": differ(
        b"id,x\n1,9223372036854775808\n2,5\n",
        column("9223372036854775808", "5"),
        column(2.0**63, 5.0),
    ),
    "an integer of 20 digits or more": both(
        b"id,x\n1,12345678901234567890\n2,5\n", column("12345678901234567890", "5")
    ),
    "`0x1F`": both(b"id,x\n1,0x1F\n2,5\n", column("0x1F", "5")),
    "`1,5` in quotes, `12 %`": both(b'id,x\n1,"1,5"\n2,12 %\n', column("1,5", "12 %")),
    "`1e3`, `-.5`": both(b"id,x\n1,1e3\n2,-.5\n", column(1000.0, -0.5)),
    "whole numbers written `5.0`": both(b"id,x\n1,5.0\n2,6.0\n", column(5.0, 6.0)),
    "integers, then fractions": both(b"id,x\n1,5\n2,0.5\n", column(5.0, 0.5)),
    "numbers, then text": both(b"id,x\n1,5\n2,a\n", column("5", "a")),
    "white space around a number": both(b"id,x\n1, 7 \n2,8\n", column(7, 8)),
    "white space around text": both(b"id,x\n1, a \n2,b\n", column(" a ", "b")),
    "characters beyond ASCII": both("id,größe\n1,模具\n".encode(), column("模具", name="größe")),
    "bytes that are not UTF-8": differ(
        "id,x\n1,ä\n".encode("latin-1"),
        "codec can't decode byte 0xe4 in position 2",
        "0.csv, line 2, column 'x': byte 0xE4 is not valid UTF-8",
    ),
    "a byte order mark": differ(b"\xef\xbb\xbfid,x\n1,2\n", [{"\ufeffid": 1, "x": 2}], column(2)),
    "lines that end in CRLF": both(b"id,x\r\n1,a\r\n2,b\r\n", AB),
    "lines that end in CR": differ(b"id,x\r1,a\r2,b\r", [], AB),
    "a last line without a line end": both(b"id,x\n1,a\n2,b", AB),
    "blank lines between rows": both(b"id,x\n\n1,a\n\r\n2,b\n\n", AB),
    "a blank line before the column names": differ(
        b"\nid,x\n1,a\n", "Columns do not match specified csv headers", column("a")
    ),
    "a ragged row": differ(
        b"id,x\n1,a\n2\n",
        "Columns do not match specified csv headers: ['id', 'x'] -> [b'2']",
        "0.csv, line 3: 1 field where the header has 2",
    ),
    "text behind a closing quote": differ(
        b'id,x\n1,"a"b\n', column("ab"), "0.csv, line 2: in the row that starts here a closing"
    ),
    'a quote within a field, as in `5" pipe`': differ(
        b'id,x\n1,5" pipe\n2,b\n3,6" pipe\n', NEWLINE, column('5" pipe', "b", '6" pipe')
    ),
    "a quote that is never closed": differ(
        b'id,x\n1,a\n2,"b\n3,c\n', UNBALANCED, "0.csv, line 3: in the row that starts here a quote"
    ),
    "a field of more than 131,072 bytes": differ(
        b"id,x\n1," + b"a" * 200_000 + b"\n", "field larger than field limit", column("a" * 200_000)
    ),
    "a column name twice": differ(
        b"id,id\n1,2\n", [{"id": 2}], "0.csv: column name used more than once: 'id'"
    ),
    "a column without a name": differ(
        b"id,\n1,2\n", [{"id": 1, "": 2}], "0.csv: column 2 of 2 has no name"
    ),
    "semicolons": differ(b"id;x\n1;2\n", [{"id;x": "1;2"}], column(2)),
    "bars": differ(b"id|x\n1|a\n", [{"id|x": "1|a"}], column("a")),
    "semicolons and decimal commas": differ(
        b"id;x\n1;1,5\n", "do not match specified csv headers", column(1.5)
    ),
    "column names alone": differ(b"id,x\n", [], "0.csv: no rows, only column names"),
    "an empty file": differ(b"", [], "0.csv: the file is empty"),
    "a second file with its columns in another order": Case(
        (b"id,x\n1,a\n", b"x,id\nb,2\n"), "have different header", AB
    ),
    "a second file with other columns": Case(
        (b"id,x\n1,a\n", b"id,y\n2,b\n"), "have different header", "1.csv: other columns than"
    ),
    "a second file with text where the first has numbers": Case(
        (b"id,x\n1,5\n", b"id,x\n2,a\n"), column("5", "a"), column("5", "a")
    ),
}
