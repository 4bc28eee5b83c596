"""ExampleGen: CSV and Parquet files to tf.Examples, in columns by Arrow from end to end.

The split of a row follows from its content alone (or from one named column), so the same rows
land in the same split whatever the order of files. The driver puts the digest of the files'
contents into the execution properties: the cache sees what the data are, not how old the file is.
"""

import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tfx import types
from tfx.components.example_gen import utils as example_gen_utils
from tfx.dsl.components.base import (
    base_beam_component,
    base_beam_executor,
    base_driver,
    executor_spec,
)
from tfx.orchestration import data_types_utils
from tfx.orchestration.portable import base_driver as launcher_driver
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import artifact_utils, component_spec, standard_artifacts
from tfx_bsl.coders import example_coder

from bundle.errors import WrongInput
from pipeline import tables
from pipeline.components import digest_of_sources

log = logging.getLogger("beltline.examples")

_BUCKETS = 1_000_000


class ExampleGenSpec(component_spec.ComponentSpec):
    """What the component takes and gives; the mappings are JSON."""

    PARAMETERS = {
        "path": component_spec.ExecutionParameter(type=str),
        "span": component_spec.ExecutionParameter(type=str),
        "kinds": component_spec.ExecutionParameter(type=str),
        "exclude": component_spec.ExecutionParameter(type=str),
        "splits": component_spec.ExecutionParameter(type=str),
        "split_by": component_spec.ExecutionParameter(type=str),
        "drop_without": component_spec.ExecutionParameter(type=str),
        "code_digest": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS = {"examples": component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class Driver(base_driver.BaseDriver, launcher_driver.BaseDriver):
    """Finds the span, its files and their digest before the cache is asked."""

    def __init__(self, metadata_handle: Any):
        # The component wants the older kind of driver, the Launcher the newer; both are asked for.
        base_driver.BaseDriver.__init__(self, metadata_handle)
        launcher_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: Any) -> driver_output_pb2.DriverOutput:
        """Adds the execution property `data_digest`, and the same to the artifact.

        The execution property `span` becomes the span that was found: `latest` and the same day
        named are one for the cache, and the executor reads what was looked at here.

        Raises:
          NoData: there is no such span.
        """
        found = _files(execution_info.exec_properties)
        properties = {"data_digest": tables.content_digest(found.files), "span": found.name}
        output = driver_output_pb2.DriverOutput()
        for name, value in properties.items():
            data_types_utils.set_metadata_value(output.exec_properties[name], value)
        examples = execution_info.output_dict["examples"][0]
        examples.set_string_custom_property("data_digest", properties["data_digest"])
        if found.number is not None:
            examples.span = found.number
        if found.version is not None:
            examples.version = found.version
        output.output_artifacts["examples"].artifacts.append(examples.mlmd_artifact)
        return output


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, splits, encodes and writes; a file is the unit of work."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes gzipped TFRecords to `Split-<name>/` for each split.

        Raises:
          WrongInput: the data can't be read; the message names the file, the line and the column.
        """
        files = _files(exec_properties).files
        kinds = kinds_to_read(
            files, json.loads(exec_properties["kinds"]), json.loads(exec_properties["exclude"])
        )
        splits = json.loads(exec_properties["splits"])
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        examples.split_names = artifact_utils.encode_split_names(list(splits))
        split_by = exec_properties["split_by"]
        # A column that is excluded, such as a customer's number, may still keep rows together.
        unwritten = tables.column_kinds(files, [split_by]) if split_by not in ("", *kinds) else {}
        writer = _Shards(examples.uri, kinds, unwritten, splits, len(files), exec_properties)
        try:
            counts = self._write(files, writer)
        except Exception as error:
            for split in splits:
                shutil.rmtree(Path(examples.uri) / f"Split-{split}", ignore_errors=True)
            if isinstance(error, WrongInput):
                # Beam adds the name of its step, which tells the reader nothing.
                raise WrongInput(str(error).partition(" [while running")[0]) from None
            raise
        _record_counts(examples, counts, list(splits))

    def _write(self, files: list[Path], writer: "_Shards") -> dict[str, int]:
        counts_file = Path(self._get_tmp_dir()) / "counts"
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(list(enumerate(map(str, files))))
                | "Write" >> beam.Map(writer.write)
                | "Together" >> beam.CombineGlobally(_total)
                | "Counts" >> beam.Map(_write_json, str(counts_file))
            )
        return dict(json.loads(counts_file.read_text()))


class ExampleGen(base_beam_component.BaseBeamComponent):
    """Rows of files as tf.Examples in splits.

    Args:
      path: a file, a folder or a pattern, perhaps with placeholders (see `tables/spans.py`);
        relative paths start at `$BELTLINE_DATA`.
      span: which part of the data; `latest`, or what goes with the placeholders.
      kinds: the kind that each known column should have; other columns are found out. A column
        whose values don't fit is written as what they are, for ExampleValidator to see.
      exclude: columns that are not read.
      splits: share of each split by name.
      split_by: the column whose value decides the split; by default the whole row does.
      drop_without: a column; rows where it is missing are left out and counted.
    """

    SPEC_CLASS = ExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = Driver

    def __init__(
        self,
        path: Any,
        span: Any,
        kinds: Mapping[str, tables.Kind],
        exclude: Iterable[str],
        splits: Mapping[str, float],
        split_by: str | None = None,
        drop_without: str | None = None,
    ):
        super().__init__(
            ExampleGenSpec(
                path=path,
                span=span,
                kinds=json.dumps(dict(kinds), sort_keys=True),
                exclude=json.dumps(sorted(exclude)),
                splits=json.dumps(dict(splits)),
                split_by=split_by or "",
                drop_without=drop_without or "",
                code_digest=digest_of_sources(),
                examples=types.Channel(type=standard_artifacts.Examples),
            )
        )


def _files(exec_properties: Mapping[str, Any]) -> tables.Span:
    path = tables.source_path(exec_properties["path"])
    return tables.files_of_span(path, exec_properties["span"])


def kinds_to_read(
    files: list[Path], expected: Mapping[str, tables.Kind], exclude: Iterable[str]
) -> dict[str, tables.Kind]:
    """Returns the kind to write each column as: the expected one wherever its values allow it."""
    names = [name for name in tables.column_names(files) if name not in set(exclude)]
    # Whatever the values are, they can be written as text: such columns need no look.
    look = [name for name in names if expected.get(name) != "text"]
    found = tables.column_kinds(files, look)
    kinds = {name: found.get(name, "text") for name in names}
    for name in look:
        if name in expected:
            kinds[name] = _agreed(files, name, expected[name], kinds[name])
    return kinds


def _agreed(files: list[Path], name: str, expected: tables.Kind, found: tables.Kind) -> tables.Kind:
    order = ("integer", "number", "text")
    if order.index(found) <= order.index(expected):
        return expected
    try:
        for file in files:
            for _ in tables.batches(file, {name: expected}):
                pass
    except WrongInput as misfit:
        log.warning("column '%s' is not all of kind %s: %s", name, expected, misfit)
        return found
    # It has no values at all.
    return expected


class _Shards:
    """Writes one file's rows, a shard in each split; picklable for Beam."""

    def __init__(
        self,
        uri: str,
        kinds: dict[str, tables.Kind],
        unwritten: dict[str, tables.Kind],
        splits: dict[str, float],
        files: int,
        properties: Mapping[str, Any],
    ):
        self._uri = uri
        self._kinds = kinds
        self._unwritten = unwritten
        self._splits = splits
        self._files = files
        self._split_by = properties["split_by"]
        self._drop_without = properties["drop_without"]

    def write(self, numbered: tuple[int, str]) -> dict[str, int]:
        """Writes the rows of a (number, path) to their splits; returns how many went where."""
        number, file = numbered
        counts: Counter[str] = Counter({"dropped": 0})
        encode = _Encoder()
        writers = {name: self._writer(name, number) for name in self._splits}
        for batch in tables.batches(Path(file), self._kinds | self._unwritten):
            kept = self._labelled(batch)
            counts["dropped"] += batch.num_rows - kept.num_rows
            records = encode(kept.select(list(self._kinds)))
            for name, chosen in zip(self._splits, self._chosen(kept), strict=True):
                counts[name] += len(chosen)
                for row in chosen:
                    writers[name].write(records[row])
        for writer in writers.values():
            writer.close()
        return dict(counts)

    def _writer(self, split: str, number: int) -> tf.io.TFRecordWriter:
        folder = Path(artifact_utils.get_split_uri([_at(self._uri, self._splits)], split))
        folder.mkdir(parents=True, exist_ok=True)
        shard = folder / f"data_tfrecord-{number:05d}-of-{self._files:05d}.gz"
        # Most of the time goes into packing; the first level already takes most of the size.
        options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
        return tf.io.TFRecordWriter(str(shard), options)

    def _labelled(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._drop_without:
            return batch
        return batch.filter(pc.is_valid(batch.column(self._drop_without)))

    def _chosen(self, batch: pa.RecordBatch) -> list[np.ndarray]:
        """Returns for each split the rows of the batch that belong to it."""
        hashes = row_hashes(batch.select([self._split_by]) if self._split_by else batch)
        edges = np.cumsum([0.0, *self._splits.values()])[:-1] * _BUCKETS
        split = np.searchsorted(edges, hashes % _BUCKETS, side="right") - 1
        return [np.flatnonzero(split == index) for index in range(len(self._splits))]


def row_hashes(batch: pa.RecordBatch) -> np.ndarray:
    """Returns a uint64 for each row, [rows]: the same for the same values by column name.

    Neither the order of the columns counts nor whether a number is written 1 or 1.0. (The encoded
    tf.Examples can't be hashed: the order of the features in them changes from process to process.)
    """
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in sorted(batch.schema.names):
        column = batch.column(name)
        is_text = pa.types.is_string(column.type)
        values = column.to_numpy(zero_copy_only=False)
        values = values if is_text else values.astype(np.float64)
        hashes = pd.util.hash_array(values, categorize=is_text)
        total = total * np.uint64(1_000_003) + hashes
    return pd.util.hash_array(total)


class _Encoder:
    """Record batches of plain columns to serialized tf.Examples."""

    def __init__(self) -> None:
        self._coder = example_coder.RecordBatchToExamplesEncoder()

    def __call__(self, batch: pa.RecordBatch) -> np.ndarray:
        lists = [_as_lists(column) for column in batch.columns]
        encoded = self._coder.encode(pa.RecordBatch.from_arrays(lists, names=batch.schema.names))
        records = np.empty(len(encoded), dtype=object)
        records[:] = encoded
        return records


def _as_lists(column: pa.Array) -> pa.Array:
    """Returns a column of lists with one value each, or null where the value is missing."""
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float32())
    elif not pa.types.is_integer(column.type):
        column = column.cast(pa.binary())
    valid = pc.is_valid(column).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
    offsets = pa.array(ends, mask=np.concatenate([~valid, [False]]))
    return pa.ListArray.from_arrays(offsets, column.drop_null())


def _at(uri: str, splits: Iterable[str]) -> types.Artifact:
    examples = standard_artifacts.Examples()
    examples.uri = uri
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    return examples


def _total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _write_json(counts: dict[str, int], file: str) -> None:
    Path(file).write_text(json.dumps(counts))


def _record_counts(examples: types.Artifact, counts: dict[str, int], splits: list[str]) -> None:
    for name, number in counts.items():
        examples.set_int_custom_property(f"rows_{name}", number)
    examples.set_string_custom_property(
        example_gen_utils.PAYLOAD_FORMAT_PROPERTY_NAME, "FORMAT_TF_EXAMPLE"
    )
    examples.set_string_custom_property(
        example_gen_utils.FILE_FORMAT_PROPERTY_NAME, "tfrecords_gzip"
    )
    rows = ", ".join(f"{name} {counts.get(name, 0):,}" for name in splits)
    log.info("rows: %s; left out for want of a label: %d", rows, counts.get("dropped", 0))
