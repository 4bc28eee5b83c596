"""The values of the category columns that the schema doesn't list, learnt from the training rows.

TF Transform's own analyzer costs half a second and more for every column, however few the rows:
each is a chain of Beam's steps and a table of its own. Here one pass counts all columns, and they
share one file and one table. What is kept and in which order is the same: from the most frequent
value on, and of equally frequent ones the greater in bytes first.

The file has a line `i;` for the column at place i, then a line `i:value` for each of its values,
and a line `;` at its end. So the numbers of the lines tell a value's place and a column's size.
"""

import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy.typing as npt
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam

FILE = "categories"

Counts = list[Counter[bytes]]


def learn(texts: tf.Tensor, most: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Learns the values of each column.

    Args:
      texts: `[n, k]` string, empty where there is no value.
      most: how many values of a column are kept.

    Returns:
      For `texts`: `[n, k]` int64, a value's place in its column's vocabulary, or -1; and `[k]`
      int64, the vocabularies' sizes.
    """
    columns = int(texts.shape[1])
    (file,) = tft.experimental.ptransform_analyzer(
        [texts], _Vocabularies(columns, most), [tf.string], [[]], [b";"]
    )
    heads = tf.constant([*(f"{place};" for place in range(columns)), ";"])
    keys = tf.concat([tf.reshape(with_place(texts), [-1]), heads], axis=0)
    lines = tft.apply_vocabulary(keys, file)
    found, starts = lines[: -columns - 1], lines[-columns - 1 :]
    found = tf.reshape(found, [-1, columns])
    sizes = starts[1:] - starts[:-1] - 1
    return tf.where(found < 0, found, found - starts[:-1] - 1), sizes


def with_place(texts: tf.Tensor) -> tf.Tensor:
    """Returns texts `[n, k]` prefixed with their column's index: keys of one table for all."""
    prefix = tf.constant([f"{place}:" for place in range(int(texts.shape[1]))])
    return tf.strings.join([tf.broadcast_to(prefix, tf.shape(texts)), texts])


def learnt_sizes(transform: tft.TFTransformOutput, columns: int) -> list[int]:
    """Returns how many values of each column were kept."""
    path = Path(transform.transform_savedmodel_dir) / "assets" / FILE
    with tf.io.gfile.GFile(str(path), "rb") as file:
        found = Counter(line.split(b":", 1)[0] for line in file.read().split(b"\n"))
    return [found[str(place).encode()] for place in range(columns)]


class _Vocabularies(tft_beam.experimental.PTransformAnalyzer):
    """Tables `[n, k]` of texts to the path of the file."""

    def __init__(self, columns: int, most: int):
        super().__init__()
        self._columns = columns
        self._most = most

    def expand(self, tables: beam.PCollection) -> beam.PCollection:
        # TF Transform tells assets apart by their files' names, so the folder has to be new.
        path = f"{self.base_temp_dir}/{uuid.uuid4().hex}/{FILE}"
        return (
            tables
            | "Count" >> beam.CombineGlobally(_Count(self._columns))
            | "Write" >> beam.Map(_write, path, self._most)
        )


class _Count(beam.CombineFn):
    """Counts the values of each column."""

    def __init__(self, columns: int):
        self._columns = columns

    def create_accumulator(self) -> Counts:
        return [Counter() for _ in range(self._columns)]

    def add_input(self, counts: Counts, table: tuple[npt.NDArray[Any]]) -> Counts:
        for counter, column in zip(counts, table[0].T, strict=True):
            counter.update(column.tolist())
        return counts

    def merge_accumulators(self, several: Iterable[Counts]) -> Counts:
        total = self.create_accumulator()
        for counts in several:
            for counter, other in zip(total, counts, strict=True):
                counter.update(other)
        return total

    def extract_output(self, counts: Counts) -> Counts:
        return counts


def _write(counts: Counts, path: str, most: int) -> bytes:
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    with tf.io.gfile.GFile(path, "wb") as file:
        for place, counter in enumerate(counts):
            file.write(b"%d;\n" % place)
            file.write(b"".join(b"%d:%s\n" % (place, v) for v in _most_frequent(counter, most)))
        file.write(b";\n")
    return path.encode()


def _most_frequent(counter: Counter[bytes], most: int) -> list[bytes]:
    usable = [(number, value) for value, number in counter.items() if _fits_a_line(value)]
    return [value for _, value in sorted(usable, reverse=True)[:most]]


def _fits_a_line(value: bytes) -> bool:
    return bool(value) and b"\n" not in value and b"\r" not in value
