"""Permutation importance: how much worse a model judges rows if one column is shuffled among them.

A row is a serialized tf.Example, and messages that stand one after the other are one message: a row
is the Examples of its single features, and a changed row has one of them from another row. So the
model is asked through the signature that the evaluation asks, whatever it makes of a column.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from tfx_bsl.coders import example_coder

REPEATS = 3
_SEED = 7
# Each row is asked again for each column, with all its columns: the time goes with their square.
# The first is about six seconds of one core; with the others it is never more than half a minute.
_MOST_VALUES = 8_000_000
_LEAST_ROWS = 500
_MOST_COLUMNS = 150

Score = Callable[[np.ndarray], float]


@dataclass(frozen=True)
class Importance:
    """What a column is worth: the metric's loss by shuffling it, in the metric's unit.

    `loss` is the mean over the repeats and above zero where the model gets worse, `deviation` the
    standard deviation between them.
    """

    column: str
    loss: float
    deviation: float


def permutation_importance(
    values: Mapping[str, np.ndarray], columns: Iterable[str], score: Score, sign: int = 1
) -> list[Importance]:
    """Returns the importance of some columns, the greatest first.

    Args:
      values: the rows as `values_by_column` has them.
      columns: the columns to shuffle.
      score: what the model reaches on rows, `[n]` serialized Examples.
      sign: 1 if more is better, -1 if less is.
    """
    places = {name: place for place, name in enumerate(values)}
    parts = np.stack(list(values.values()), axis=1)
    # The same for every column: what one is worth must not hang on which others there are.
    draws = [
        np.random.default_rng([_SEED, each]).permutation(len(parts)) for each in range(REPEATS)
    ]
    whole = score(joined(parts))
    found = []
    for name in columns:
        losses = [sign * (whole - score(_shuffled(parts, places[name], draw))) for draw in draws]
        found.append(Importance(name, float(np.mean(losses)), float(np.std(losses, ddof=1))))
    return sorted(found, key=lambda each: (-each.loss, each.column))


def _shuffled(parts: np.ndarray, place: int, draw: np.ndarray) -> np.ndarray:
    changed = parts.copy()
    changed[:, place] = parts[draw, place]
    return joined(changed)


def joined(parts: np.ndarray) -> np.ndarray:
    """Returns the rows `[n]` of their columns' values `[n, columns]`, as Examples both."""
    return np.array([b"".join(row) for row in parts.tolist()], object)


def values_by_column(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Returns of serialized Examples `[n]` the values of each column alone, again as Examples.

    A missing value is a feature without any.
    """
    batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(rows.tolist())
    encoder = example_coder.RecordBatchToExamplesEncoder()
    return {
        name: np.array(encoder.encode(_alone(batch, name)), object) for name in batch.schema.names
    }


def _alone(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """Returns one column; of one without any value the encoder must be told a type."""
    column = batch.column(batch.schema.names.index(name))
    if pa.types.is_null(column.type):
        column = pa.nulls(len(column), pa.list_(pa.binary()))
    return pa.RecordBatch.from_arrays([column], [name])


def rows_to_ask(wanted: int, columns: int) -> int:
    """Returns on how many of the wanted rows a model of so many columns is asked.

    Of a wide table fewer, or asking would outlast the training; of a very wide one none.
    """
    if columns > _MOST_COLUMNS:
        return 0
    return min(wanted, max(_LEAST_ROWS, _MOST_VALUES // max(1, REPEATS * columns**2)))
