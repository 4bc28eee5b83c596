"""Column profiles for `beltline init`, in one pass over the data.

To add a statistic, add a field to `ColumnProfile`, filled by one of the small tallies here.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from beltline.pipeline.tables import Kind, Table, batches

Value = int | float | str
Place = tuple[Table, int]

# Different values are kept so that they can be counted: at most so many of a column, and of all
# columns together, which bounds the memory whatever the data.
MOST_COUNTED = 100_000
MOST_COUNTED_TOGETHER = 4_000_000
# Numbers with fractions all differ as a rule, and no decision asks by how much.
MOST_COUNTED_NUMBERS = 1_000


@dataclass(frozen=True)
class ColumnProfile:
    """Statistics of one column over all rows of all files."""

    name: str
    kind: Kind
    rows: int
    missing: int
    counts: Mapping[Value, int] = field(repr=False)
    """How often each different value occurs, in the rows counted (see `counted`)."""
    counted: int
    """Values that are in `counts`: all present ones, or fewer where too many differ to keep."""
    lowest: float | None
    highest: float | None
    mean: float
    deviation: float
    """Standard deviation of the finite values (0 for text)."""
    whole: bool
    """Every number is a whole one, also when written as 2.0."""
    steady: bool
    """The numbers rise with every row, or fall with every row."""
    infinite: int
    """Numbers that are infinite as 32-bit floats."""
    first_missing: Place | None
    """File and row (from 0) of the first missing value."""
    first_infinite: Place | None

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing

    @property
    def distinct(self) -> int:
        """Different values among those counted."""
        return len(self.counts)

    @property
    def distinct_share(self) -> float:
        """Different values per value, 0 to 1."""
        return self.distinct / self.counted if self.counted else 0.0


def profile(files: Sequence[Table], kinds: Mapping[str, Kind]) -> dict[str, ColumnProfile]:
    """Returns the profile of each column in `kinds`.

    Raises:
      WrongInput: as `tables.batches`.
    """
    most = min(MOST_COUNTED, MOST_COUNTED_TOGETHER // max(1, len(kinds)))
    tallies = {name: _Tally(kind, most) for name, kind in kinds.items()}
    for file in files:
        row = 0
        for batch in batches(file, kinds):
            for name, tally in tallies.items():
                tally.add(batch.column(name), (file, row))
            row += batch.num_rows
    return {name: tally.column(name) for name, tally in tallies.items()}


class _Tally:
    """Takes a column's values batch by batch."""

    def __init__(self, kind: Kind, most: int):
        self.kind = kind
        self.rows = 0
        self.missing = _Occurrences()
        self.infinite = _Occurrences()
        self.counts = _Counts(min(most, MOST_COUNTED_NUMBERS) if kind == "number" else most)
        self.numbers = _Numbers()
        self.steps = _Steps()

    def add(self, values: pa.Array, start: Place) -> None:
        self.rows += len(values)
        self.missing.add(values.is_null(), start)
        present = values.drop_null()
        self.counts.add(present)
        if self.kind != "text":
            # As the model would have them: 1e39 is no 32-bit float.
            self.infinite.add(pc.is_inf(pc.cast(values, pa.float32(), safe=False)), start)
            self.numbers.add(present)
            self.steps.add(present)

    def column(self, name: str) -> ColumnProfile:
        return ColumnProfile(
            name=name,
            kind=self.kind,
            rows=self.rows,
            missing=self.missing.number,
            counts=self.counts.counts,
            counted=self.counts.counted,
            lowest=self.numbers.lowest,
            highest=self.numbers.highest,
            mean=self.numbers.mean,
            deviation=self.numbers.deviation,
            whole=self.kind != "text" and self.numbers.whole,
            steady=self.steps.up or self.steps.down,
            infinite=self.infinite.number,
            first_missing=self.missing.first,
            first_infinite=self.infinite.first,
        )


class _Occurrences:
    """How often something is so, and where first."""

    def __init__(self) -> None:
        self.number = 0
        self.first: Place | None = None

    def add(self, so: pa.Array, start: Place) -> None:
        number = pc.sum(so).as_py() or 0
        if number and self.first is None:
            self.first = (start[0], start[1] + pc.index(so, True).as_py())
        self.number += number


class _Counts:
    """How often each value occurs, until too many differ."""

    def __init__(self, most: int):
        self.most = most
        self.counts: dict[Value, int] = {}
        self.counted = 0

    def add(self, present: pa.Array) -> None:
        if len(self.counts) >= self.most:
            return
        found = present.value_counts()
        for value, number in zip(
            found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True
        ):
            self.counts[value] = self.counts.get(value, 0) + number
        self.counted += len(present)


class _Numbers:
    """Range, mean and spread of the numbers; spread and mean of the finite ones only."""

    def __init__(self) -> None:
        self.lowest: float | None = None
        self.highest: float | None = None
        self.whole = True
        self.number = 0
        self.mean = 0.0
        self.squares = 0.0

    def add(self, present: pa.Array) -> None:
        if not len(present):
            return
        ends = pc.min_max(present)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        self.lowest = low if self.lowest is None else min(low, self.lowest)
        self.highest = high if self.highest is None else max(high, self.highest)
        if pa.types.is_floating(present.type):
            self.whole = self.whole and pc.all(pc.equal(pc.floor(present), present)).as_py()
        self._merge(present.filter(pc.is_finite(present)))

    def _merge(self, finite: pa.Array) -> None:
        # Chan's rule for joining two variances: sums of squares would cancel for large values.
        number = len(finite)
        if not number:
            return
        mean, total = pc.mean(finite).as_py(), self.number + number
        away = mean - self.mean
        self.squares += pc.variance(finite).as_py() * number
        self.squares += away * away * self.number * number / total
        self.mean += away * number / total
        self.number = total

    @property
    def deviation(self) -> float:
        return math.sqrt(self.squares / self.number) if self.number else 0.0


class _Steps:
    """Whether the numbers go one way from row to row."""

    def __init__(self) -> None:
        self.up = False
        self.down = False
        self.last: pa.Scalar | None = None

    def add(self, present: pa.Array) -> None:
        if not len(present):
            return
        if self.last is None:
            self.up = self.down = True
        else:
            present = pa.concat_arrays([pa.array([self.last.as_py()], present.type), present])
        before, after = present.slice(0, len(present) - 1), present.slice(1)
        self.up = self.up and pc.all(pc.less(before, after)).as_py() is not False
        self.down = self.down and pc.all(pc.greater(before, after)).as_py() is not False
        self.last = present[-1]
