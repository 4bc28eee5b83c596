"""Which columns `beltline init` excludes from the model's inputs, and why.

To add a rule, write a function from a column to a reason or None, and list it in `_REASONS`; the
first rule that applies gives the reason.
"""

import re
from itertools import islice

from beltline.pipeline.init.profile import ColumnProfile

ID_WORDS = frozenset(
    {"id", "ids", "key", "uuid", "guid", "serial", "barcode", "nr", "no", "number", "index", "idx"}
)
TIME_WORDS = frozenset(
    {"time", "date", "datetime", "timestamp", "ts", "epoch", "created", "updated", "modified", "at"}
    | {"zeit", "datum", "zeitstempel"}
)

# A row number rises with every row, and so does a feature of three rows now and then.
_FEWEST_IN_SEQUENCE = 20
# Measurements would have so many pairs of equal numbers; where there is none, they count.
_EXPECTED_PAIRS = 20
_MOST_CATEGORIES_SURE = 100
_FLAG_MISSING = 0.05

_DATE = re.compile(
    r"(\d{4}([-/.])\d{1,2}\2\d{1,2}|\d{1,2}([-/.])\d{1,2}\3(\d{2}|\d{4}))([T ,]+\d{1,2}:\d{2}.*)?"
)
_YEARS = (946_684_800, 4_102_444_800)  # 2000 to 2100 in epoch seconds
_TIME_RANGES = (
    *((_YEARS[0] * unit, _YEARS[1] * unit) for unit in (1, 1_000, 1_000_000, 1_000_000_000)),
    (19_000_101, 21_001_231),
)


def exclusion_reason(column: ColumnProfile) -> str | None:
    """Returns why a column can't be a feature, in words that follow its name; None if it can."""
    return next((reason for rule in _REASONS if (reason := rule(column))), None)


def shown(value: object) -> str:
    """Returns a value for a message or a comment: one line, at most 40 characters."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]} …{text[-1]}"


def words_of(name: str) -> set[str]:
    """Returns the words of a column's name in lower case: {"part", "id"} for PartId and part_id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return set(re.split(r"[\W_]+", spaced.lower()))


def _empty(column: ColumnProfile) -> str | None:
    return None if column.present else "empty: no row has a value"


def _constant(column: ColumnProfile) -> str | None:
    # Set or missing is also a distinction: a mark that only some rows bear stays.
    if column.distinct != 1 or column.missing >= _FLAG_MISSING * column.rows:
        return None
    return f"constant: always {shown(next(iter(column.counts)))}"


def _timestamp(column: ColumnProfile) -> str | None:
    if column.kind == "text":
        values = list(islice(column.counts, 1000))
        return f"timestamp: {shown(values[0])} …" if all(map(_is_date, values)) else None
    named = words_of(column.name) & TIME_WORDS
    if column.whole and named and any(_within(column, ends) for ends in _TIME_RANGES):
        return f"timestamp: {shown(next(iter(column.counts)))} …"
    return None


def is_timestamp(column: ColumnProfile) -> bool:
    """Returns whether a column that has values holds times."""
    return _timestamp(column) is not None


def _is_date(value: object) -> bool:
    return _DATE.fullmatch(str(value).strip()) is not None


def _within(column: ColumnProfile, ends: tuple[int, int]) -> bool:
    low, high = column.lowest, column.highest
    return low is not None and high is not None and ends[0] <= low and high <= ends[1]


def _identifier(column: ColumnProfile) -> str | None:
    different = column.distinct == column.counted
    mostly = column.distinct_share > 0.5 and column.distinct > _MOST_CATEGORIES_SURE
    if column.whole and _in_sequence(column, different):
        return "id: it numbers the rows"
    if column.whole and different and _expected_pairs(column) >= _EXPECTED_PAIRS:
        return "id: every value differs, as only those of a counter do"
    if not (different or mostly):
        return None
    if words_of(column.name) & ID_WORDS and (column.whole or column.kind == "text"):
        return f"id: {_how_many(column, different)}"
    return _free_text(column, different) if column.kind == "text" else None


def _in_sequence(column: ColumnProfile, different: bool) -> bool:
    if column.present < _FEWEST_IN_SEQUENCE or column.lowest is None or column.highest is None:
        return False
    gapless = column.highest - column.lowest + 1 == column.present
    return column.steady or (different and gapless)


def _expected_pairs(column: ColumnProfile) -> float:
    """Returns how many pairs of rows had one number if each were as likely as any other."""
    if column.lowest is None or column.highest is None or column.infinite:
        return 0.0
    return column.counted * (column.counted - 1) / 2 / (column.highest - column.lowest + 1)


def _how_many(column: ColumnProfile, different: bool) -> str:
    if different and column.counted == column.present:
        return "every value differs"
    return f"{column.distinct:,} different values in {column.counted:,} rows"


def _free_text(column: ColumnProfile, different: bool) -> str:
    said = f"id or free text: {_how_many(column, different)}"
    almost = _almost_numbers(column)
    return f"{said}; {almost}" if almost else said


def _almost_numbers(column: ColumnProfile) -> str | None:
    values = list(islice(column.counts, 1000))
    odd = [value for value in values if not _reads_as_number(str(value))]
    if not odd or len(odd) > 0.1 * len(values):
        return None
    return f"nearly all are numbers, but not {shown(odd[0])}: fix that value to use the column"


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_REASONS = (_empty, _constant, _timestamp, _identifier)
