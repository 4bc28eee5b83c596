"""Partial dependence: a model's mean answer where a column has the same value in all rows.

As Friedman defined it ("Greedy Function Approximation", 2001). It is plain JSON beside TFMA's
files, for the columns that the metric hangs on most:

    {"output": "probability", "rows": 200,
     "columns": [{"column": "mold",
                  "points": [{"value": "M05", "share": 0.12, "answers": [0.31]}, …]}]}

`value` is null where the column is missing. `share` is that of the rows with this value or, of a
number, with one that is nearer to it than to any other point. `answers` is one mean, or one for
each class.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from tfx_bsl.coders import example_coder

from beltline.pipeline.evaluation.importance import joined

FILE = "dependence.json"
MOST_COLUMNS = 6
MOST_POINTS = 12
MOST_ROWS = 200
# Beyond these shares of the rows are outliers, on which an axis would be wasted.
_ENDS = (0.02, 0.98)

Value = float | int | str | None
Answers = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Point:
    """What the model answers where a column has this value; see above."""

    value: Value
    share: float
    answers: list[float]


@dataclass(frozen=True)
class Dependence:
    """The points of a column: numbers ascending, texts from the most frequent one on."""

    column: str
    points: list[Point]


def partial_dependence(
    values: Mapping[str, np.ndarray], columns: Sequence[str], answers: Answers
) -> list[Dependence]:
    """Returns the partial dependence on the first columns, of as many as are worth asking about.

    Args:
      values: the rows as `values_by_column` has them; the first of them are asked about.
      columns: the columns, the most important one first.
      answers: what the model answers to `[n]` serialized Examples: `[n]` or `[n, classes]`.
    """
    places = {name: place for place, name in enumerate(values)}
    parts = np.stack([each[:MOST_ROWS] for each in values.values()], axis=1)
    found = []
    for name in columns[:MOST_COLUMNS]:
        points = []
        for value, share, row in _grid(values[name]):
            changed = parts.copy()
            changed[:, places[name]] = values[name][row]
            means = np.atleast_1d(np.mean(answers(joined(changed)), axis=0, dtype=float)).tolist()
            # JSON has no NaN.
            if all(map(math.isfinite, means)):
                points.append(Point(value, share, means))
        found.append(Dependence(name, points))
    return found


def write(folder: Path, output: str, rows: int, found: Iterable[Dependence]) -> None:
    """Writes the file.

    Args:
      folder: where TFMA's files are.
      output: what was asked: `probability`, `probabilities` or `prediction`.
      rows: how many rows were asked about.
      found: the columns' dependence.
    """
    made = {"output": output, "rows": rows, "columns": [asdict(each) for each in found]}
    (folder / FILE).write_text(json.dumps(made, allow_nan=False), encoding="utf-8")


def _grid(parts: np.ndarray) -> list[tuple[Value, float, int]]:
    """Returns a column's points: the value, its share, and a row that has it."""
    found = _values(parts)
    rows = {value: row for row, value in reversed(list(enumerate(found)))}
    counts = Counter(found)
    missing = counts.pop(None, 0)
    if any(isinstance(value, str) for value in counts):
        often = sorted(counts, key=lambda value: (-counts[value], value))[:MOST_POINTS]
        shares = {value: counts[value] for value in often}
    else:
        shares = _nearest([value for value in found if isinstance(value, int | float)])
    grid = [(value, share / len(found), rows[value]) for value, share in shares.items()]
    return grid + ([(None, missing / len(found), rows[None])] if missing else [])


def _nearest(numbers: Sequence[float]) -> dict[Value, int]:
    """Returns some of the numbers, and to how many of all each is the nearest."""
    points = sorted(set(numbers))
    if len(points) > MOST_POINTS:
        shares = np.linspace(*_ENDS, MOST_POINTS)
        ordered = sorted(numbers)
        points = sorted({ordered[round(share * (len(ordered) - 1))] for share in shares})
    if not points:
        return {}
    middles = [low / 2 + high / 2 for low, high in pairwise(points)]
    counts = np.bincount(np.searchsorted(middles, numbers), minlength=len(points))
    return dict(zip(points, counts.tolist(), strict=True))


def _values(parts: np.ndarray) -> list[Value]:
    """Returns the value in each of a column's Examples; None where there is none."""
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(parts.tolist())
    if not batch.num_columns:
        return [None] * len(parts)
    return [_value(each[0]) if each else None for each in batch.column(0).to_pylist()]


def _value(value: float | int | bytes) -> Value:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value if math.isfinite(value) else None
