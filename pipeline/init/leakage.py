"""Which columns tell the label outright, found by `beltline init` in one more pass over the data.

Such a column was mostly written with the label, or because of it: the code of the defect, the label
in other words. A model of it is perfect in the evaluation and knows nothing on the line.

To find a further way of telling, write a class with the methods of `_Way` and list it in `_ways`.
"""

import math
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from beltline.pipeline.init.feature_selection import shown
from beltline.pipeline.init.label import InferredLabel
from beltline.pipeline.init.profile import ColumnProfile
from beltline.pipeline.tables import Table, batches

# Such an agreement of a column and the label is none by chance.
_CHANCE = math.log(1e-12)
_MOST_VALUES = 1_000
# Most columns disagree with the label within as many rows, and are not looked at further.
_AT_ONCE = 4_096
# A copy that was rounded to three digits correlates so; two sensors of one thing do not.
_LEAST_CORRELATION = 1 - 5e-7
_MOST_MISSING = 0.05


class _Way(Protocol):
    """One way in which a column may tell the label."""

    def add(self, values: pa.Array, labels: pa.Array) -> bool:
        """Takes rows that have a label; returns whether the column may still tell it so."""

    def reason(self, column: ColumnProfile, label: InferredLabel) -> str | None:
        """Returns what the column tells, None where that may be chance; after all rows."""


def leaks(
    files: Sequence[Table], columns: Sequence[ColumnProfile], label: InferredLabel
) -> dict[str, str]:
    """Returns the columns that tell the label outright, each with what was found.

    Reads as far as a column may still do so, which is a part of most tables.

    Raises:
      WrongInput: as `tables.batches`.
    """
    open_ways = {column.name: _ways(column, label) for column in columns}
    kinds = {label.column.name: label.column.kind} | {each.name: each.kind for each in columns}
    for file in files:
        for batch in batches(file, kinds, _AT_ONCE):
            if not any(open_ways.values()):
                return {}
            rows = batch.filter(batch.column(label.column.name).is_valid())
            labels = rows.column(label.column.name)
            for name, ways in open_ways.items():
                values = rows.column(name)
                open_ways[name] = [way for way in ways if way.add(values, labels)]
    found = {}
    for column in columns:
        reasons = (way.reason(column, label) for way in open_ways[column.name])
        if reason := next(filter(None, reasons), None):
            found[column.name] = f"leakage: it tells the label; {reason}"
    return found


def _ways(column: ColumnProfile, label: InferredLabel) -> list[_Way]:
    if label.task == "regression":
        return [] if column.kind == "text" else [_Line()]
    ways: list[_Way] = [_Values()]
    if column.missing and label.task == "binary":
        ways.insert(0, _Presence())
    return ways if column.kind == "text" else [*ways, _Ranges()]


class _Values:
    """Each value, or the lack of one, goes with one class."""

    def __init__(self) -> None:
        self.classes: dict[Any, Any] = {}

    def add(self, values: pa.Array, labels: pa.Array) -> bool:
        rows = pa.table({"value": values, "label": labels})
        pairs = rows.group_by(["value", "label"]).aggregate([])
        if len(pairs) > _MOST_VALUES:
            return False
        for value, name in zip(*pairs.to_pydict().values(), strict=True):
            if self.classes.setdefault(value, name) != name:
                return False
        return len(self.classes) <= _MOST_VALUES

    def reason(self, column: ColumnProfile, label: InferredLabel) -> str | None:
        rows = sum(label.counts)
        same = sum((number / rows) ** 2 for number in label.counts)
        # Each row beyond the first of its value had to have that one's class.
        if (rows - len(self.classes)) * math.log(same) > _CHANCE:
            return None
        return "each of its values goes with one class"


class _Presence:
    """It has a value in the rows of one class, and none in those of the other."""

    def __init__(self) -> None:
        self.present: set[Any] = set()
        self.missing: set[Any] = set()

    def add(self, values: pa.Array, labels: pa.Array) -> bool:
        self.present.update(labels.filter(values.is_valid()).unique().to_pylist())
        self.missing.update(labels.filter(values.is_null()).unique().to_pylist())
        return not self.present & self.missing

    def reason(self, column: ColumnProfile, label: InferredLabel) -> str | None:
        if not self.present or not self.missing or not _ordered_beyond_chance(label):
            return None
        return f"it has a value where the label is {shown(self.present.pop())}, and only there"


class _Ranges:
    """The numbers of no two classes overlap."""

    def __init__(self) -> None:
        self.ranges: dict[Any, tuple[float, float]] = {}

    def add(self, values: pa.Array, labels: pa.Array) -> bool:
        rows = pa.table({"value": values, "label": labels}).filter(values.is_valid())
        found = rows.group_by("label").aggregate([("value", "min"), ("value", "max")])
        for row in found.to_pylist():
            low, high = row["value_min"], row["value_max"]
            known = self.ranges.get(row["label"], (low, high))
            self.ranges[row["label"]] = (min(low, known[0]), max(high, known[1]))
        ends = [end for ends in sorted(self.ranges.values()) for end in ends]
        # Sorted by their lower ends, ranges that don't overlap rise throughout.
        return all(a < b for a, b in zip(ends[1:-1:2], ends[2::2], strict=True))

    def reason(self, column: ColumnProfile, label: InferredLabel) -> str | None:
        if _often_missing(column) or not _ordered_beyond_chance(label):
            return None
        return "its numbers of one class are all above those of another"


class _Line:
    """The label is a straight line of it: the same number, or in another unit."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, float, float, float, float, float]] = []

    def add(self, values: pa.Array, labels: pa.Array) -> bool:
        both = pc.and_(values.is_valid(), pc.is_finite(values))
        x, y = (pc.cast(each.filter(both), pa.float64()) for each in (values, labels))
        if len(x) < 2:
            return True
        mean_x, mean_y = pc.mean(x).as_py(), pc.mean(y).as_py()
        away_x, away_y = pc.subtract(x, mean_x), pc.subtract(y, mean_y)
        products = ((away_x, away_x), (away_y, away_y), (away_x, away_y))
        sums = [pc.sum(pc.multiply(*pair)).as_py() for pair in products]
        self.parts.append((len(x), mean_x, mean_y, *sums))
        return self._correlation() >= _LEAST_CORRELATION

    def reason(self, column: ColumnProfile, label: InferredLabel) -> str | None:
        # Few points lie on a line by chance.
        enough = sum(number for number, *_ in self.parts) >= 20
        if _often_missing(column) or not enough:
            return None
        return f"their correlation is {self._correlation():.6f}"

    def _correlation(self) -> float:
        """Returns |r| over all parts; sums of squares alone would cancel for large values."""
        total = sum(number for number, *_ in self.parts)
        center_x = sum(part[0] * part[1] for part in self.parts) / total
        center_y = sum(part[0] * part[2] for part in self.parts) / total
        xx = yy = xy = 0.0
        for number, mean_x, mean_y, part_xx, part_yy, part_xy in self.parts:
            dx, dy = mean_x - center_x, mean_y - center_y
            xx, yy, xy = (
                xx + part_xx + number * dx * dx,
                yy + part_yy + number * dy * dy,
                xy + part_xy + number * dx * dy,
            )
        return abs(xy) / math.sqrt(xx * yy) if xx and yy else 1.0


def _often_missing(column: ColumnProfile) -> bool:
    return column.missing > _MOST_MISSING * column.rows


def _ordered_beyond_chance(label: InferredLabel) -> bool:
    """Whether rows in random order would hardly be sorted by their class."""
    # As many orders of the classes would do, of all the orders of the rows.
    orders = math.lgamma(sum(label.counts) + 1) - sum(math.lgamma(n + 1) for n in label.counts)
    return math.lgamma(len(label.counts) + 1) - orders < _CHANCE
