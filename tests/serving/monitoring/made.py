"""A version's folder without a model, and samples of its requests at a time of choice.

Importing this imports TFX, in whose statistics a version says what it was trained on.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from beltline.serving.monitoring.counting import stats_impl
from beltline.serving.samples.encoding import SampledRequest, encoded
from beltline.serving.samples.files import split_folder
from beltline.versions.folder import CARD, SCHEMA, SCORES, STATISTICS

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
KINDS = {"integer": pa.int64(), "number": pa.float32(), "text": pa.binary()}
_IN_SCHEMA = {"integer": "INT", "number": "FLOAT", "text": "BYTES"}


def kinds_of(table: pa.Table) -> dict[str, str]:
    """The kind of each column."""

    def kind(of: pa.DataType) -> str:
        if pa.types.is_integer(of):
            return "integer"
        return "number" if pa.types.is_floating(of) else "text"

    return {field.name: kind(field.type) for field in table.schema}


def version(
    folder: Path,
    number: int,
    trained: pa.Table,
    scores: Mapping[str, Sequence[Any]] | None = None,
    schema: str = "",
    **problem: Any,
) -> Path:
    """A version that was trained on a table; returns its folder. The label is a column too."""
    made = folder / str(number)
    (made / CARD).parent.mkdir(parents=True)
    (made / "saved_model.pb").touch()
    kinds = kinds_of(trained)
    problem = {"label": "bad", "task": "binary", "classes": ["no", "yes"]} | problem
    columns = {name: kind for name, kind in kinds.items() if name != problem["label"]}
    card = {"problem": problem | {"columns": columns}}
    (made / CARD).write_text(json.dumps(card))
    batch = pa.RecordBatch.from_arrays(
        [_lists(trained.column(name), KINDS[kind]) for name, kind in kinds.items()], list(kinds)
    )
    found = stats_impl.generate_statistics_in_memory(batch)
    (made / STATISTICS).write_bytes(found.SerializeToString())
    (made / SCHEMA).write_text(schema or schema_of(kinds))
    if scores:
        (made / SCORES).write_text(json.dumps(dict(scores)))
    return made


def schema_of(kinds: Mapping[str, str]) -> str:
    """A schema that knows the columns and allows everything."""
    features = (
        f"feature {{ name: {json.dumps(n)} type: {_IN_SCHEMA[k]} }}" for n, k in kinds.items()
    )
    return "\n".join(features)


def sample(
    folder: Path,
    number: int,
    table: pa.Table,
    answers: Mapping[str, Any] | None = None,
    keys: Sequence[str] | None = None,
    hours_ago: float = 1,
    kinds: Mapping[str, str] | None = None,
) -> None:
    """Writes the rows of a table as if a version had answered them so long before NOW."""
    then = NOW - timedelta(hours=hours_ago)
    answered = {name: np.asarray(values) for name, values in (answers or {}).items()}
    columns = {name: as_sent(table.column(name)) for name in table.column_names}
    request = SampledRequest(int(then.timestamp()), table.num_rows, None, columns, answered, keys)
    split = split_folder(folder, number)
    split.mkdir(parents=True, exist_ok=True)
    others = len(list(split.iterdir()))
    file = split / f"data_tfrecord-{then:%Y%m%dT%H%M%SZ}-0000000a-{others:06d}.gz"
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for records in encoded(number, [request], kinds or kinds_of(table)):
            for record in records:
                writer.write(record)


def rows_of(file: Path) -> list[dict[str, list[Any]]]:
    """What a file of samples holds: the values of each feature, for each row."""
    rows = []
    for record in tf.data.TFRecordDataset(str(file), "GZIP").as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        kinds = {name: feature.WhichOneof("kind") for name, feature in features.items()}
        rows.append(
            {n: list(getattr(features[n], kind).value) if kind else [] for n, kind in kinds.items()}
        )
    return rows


def as_sent(column: pa.ChunkedArray) -> np.ndarray:
    """A column as the server gets it: NaN or an empty text where a value is missing."""
    if pa.types.is_string(column.type):
        return np.array(column.fill_null("").to_pylist(), object)
    return column.cast(pa.float64()).fill_null(float("nan")).to_numpy()


def _lists(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    """Each value in a list of its own; null where there is none."""
    values = column.cast(kind).combine_chunks()
    missing = values.is_null()
    return pa.ListArray.from_arrays(np.arange(len(values) + 1, dtype="int32"), values, mask=missing)
