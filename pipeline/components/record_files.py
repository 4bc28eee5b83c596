"""TFRecord files of tf.Examples, read in bulk for Beam.

Beam hands on one record at a time; in one process that costs more than decoding them all.
Here a file is the unit of work: TensorFlow reads it in batches, and tfx_bsl decodes each at once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import Artifact, artifact_utils
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import record_based_tfxio

ROWS = 4096
# Small reads of a packed file cost more than the unpacking.
_BUFFER = 4 << 20


def files_of_split(examples: Sequence[Artifact], split: str) -> list[str]:
    """Returns the files of one split of Examples artifacts, sorted within each artifact."""
    folders = artifact_utils.get_split_uris(list(examples), split)
    return [name for folder in folders for name in sorted(tf.io.gfile.glob(f"{folder}/*")) if name]


def batches_of_records(files: str | Sequence[str], rows: int = ROWS) -> tf.data.Dataset:
    """Returns batches `[n]` of serialized records from gzipped TFRecords, at most `rows` each."""
    records = tf.data.TFRecordDataset(files, "GZIP", buffer_size=_BUFFER)
    return records.batch(rows, num_parallel_calls=tf.data.AUTOTUNE).prefetch(1)


def sample(batches: tf.data.Dataset, rows: int) -> list[bytes]:
    """Returns up to so many rows, each as likely as any other and the same each time."""
    draw = np.random.default_rng(7)
    kept, places = np.array([], object), np.array([])
    for batch in batches.as_numpy_iterator():
        kept = np.concatenate([kept, batch])
        places = np.concatenate([places, draw.random(len(batch))])
        lowest = np.argsort(places)[:rows]
        kept, places = kept[lowest], places[lowest]
    return list(kept)


@contextmanager
def record_writer(file: str) -> Iterator[Callable[[Iterable[bytes]], None]]:
    """Opens a gzipped TFRecord file to write records to; it is there only when it is whole."""
    # Most of the time goes into packing; the first level already takes most of the size.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    begun = f"{file}.begun"
    with tf.io.TFRecordWriter(begun, options) as writer:

        def write(records: Iterable[bytes]) -> None:
            for record in records:
                writer.write(record)

        yield write
    tf.io.gfile.rename(begun, file, overwrite=True)


class RecordBatches(beam.PTransform):
    """Beam's source of the record batches of some files, in no order.

    Args:
      files: gzipped TFRecords of tf.Examples.
      schema: how to decode them; without it each column is what its values are.
      raw_column: a column that holds the serialized records besides; None for no such column.
    """

    def __init__(
        self,
        files: Sequence[str],
        schema: schema_pb2.Schema | None = None,
        raw_column: str | None = None,
    ):
        super().__init__()
        self._files = list(files)
        self._schema = schema.SerializeToString() if schema else None
        self._raw_column = raw_column

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Reads a file at a time; on a distributed engine, several files at once."""
        return (
            pipeline
            | "Files" >> beam.Create(self._files, reshuffle=True)
            | "Read"
            >> beam.FlatMap(_decoded, self._schema, self._raw_column).with_output_types(
                pa.RecordBatch
            )
        )


def _decoded(file: str, schema: bytes | None, raw_column: str | None) -> Iterator[pa.RecordBatch]:
    decoder = example_coder.ExamplesToRecordBatchDecoder(schema)
    for records in batches_of_records(file).as_numpy_iterator():
        batch = decoder.DecodeBatch(records)
        if raw_column is None:
            yield batch
        else:
            yield record_based_tfxio.AppendRawRecordColumn(batch, raw_column, records.tolist())
