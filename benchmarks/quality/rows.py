"""The rows of a run as its Examples hold them: what every side learns from and is judged by."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from beltline.models.features import Features

Array = Any
SPLITS = ("train", "validation", "eval")
_BATCH = 4096


@dataclass(frozen=True)
class Rows:
    """Rows of a run's splits."""

    inputs: pd.DataFrame
    """The columns that the model reads; texts are categories with the same codes in all splits."""
    labels: Array
    """`[n]`: index of the class, or the value."""
    split: Array
    """`[n]`, the name of each row's split."""

    def counts(self) -> dict[str, int]:
        """Returns the number of rows of each split."""
        return {name: int((self.split == name).sum()) for name in SPLITS}

    def rarest(self, features: Features) -> float | None:
        """Returns the share of the rarest class; None for numbers."""
        if features.task == "regression":
            return None
        return float(np.bincount(self.labels.astype(int)).min() / len(self.labels))


def read_rows(examples: Path, features: Features) -> Rows:
    """Reads the raw rows of all splits.

    Args:
      examples: folder of ExampleGen's output.
      features: the columns that the model reads, and the label.
    """
    import tensorflow as tf

    kinds = {"integer": tf.int64, "number": tf.float32, "text": tf.string}
    spec = {name: tf.io.VarLenFeature(kinds[kind]) for name, kind in features.columns.items()}
    label_kind = tf.float32 if features.task == "regression" else tf.string
    spec[features.label] = tf.io.VarLenFeature(label_kind)
    parts = []
    for split in SPLITS:
        for records in records_of(examples, split):
            parsed = tf.io.parse_example(records, spec)
            columns = {name: _dense(column) for name, column in parsed.items()}
            parts.append(pd.DataFrame(columns).assign(split=split))
    table = pd.concat(parts, ignore_index=True)
    for name in (name for name, kind in features.columns.items() if kind == "text"):
        table[name] = table[name].astype("category")
    labels = table[features.label]
    if features.task != "regression":
        labels = labels.map({name: i for i, name in enumerate(features.classes)})
    return Rows(table[list(features.columns)], labels.to_numpy(), table["split"].to_numpy())


def records_of(examples: Path, split: str) -> Iterator[Any]:
    """Yields the serialized Examples of a split, some thousands at once."""
    import tensorflow as tf

    files = sorted(str(file) for file in (examples / f"Split-{split}").iterdir())
    yield from tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH)


def _dense(column: Any) -> Array:
    """A sparse column `[n, 1]` as `[n]`, with NaN or None where it has no value."""
    text = column.dtype.name == "string"
    values = np.full(int(column.dense_shape[0]), None if text else np.nan, object if text else "f8")
    known = column.values.numpy()
    values[column.indices.numpy()[:, 0]] = [each.decode() for each in known] if text else known
    return values
