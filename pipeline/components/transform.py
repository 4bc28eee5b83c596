"""Transform: TF Transform's analysis, and then its graph on whole files without Beam in between.

The stock executor hands every record through Beam one by one, traces the preprocessing six times
before it reads any, and keeps a cache of the analyzers that nobody reads. The outputs are the same:
the transform graph, and gzipped TFRecords in `Split-<name>/`.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils
from tfx import types
from tfx.components.transform import component as stock
from tfx.components.transform import executor, executor_utils
from tfx.dsl.components.base import executor_spec
from tfx.proto import transform_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_adapter, tf_example_record

from beltline.pipeline.components import digest_of_sources
from beltline.pipeline.components.private_api import (
    beam_pipeline,
    preprocessing_fn,
    tensors_to_arrow,
)
from beltline.pipeline.components.record_files import (
    RecordBatches,
    batches_of_records,
    files_of_split,
    record_writer,
)

_TEMPORARY = ".temp_path"


class Executor(executor.Executor):
    """Analyses, then transforms; a file is the unit of work of both."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the transform graph and the transformed splits."""
        examples = input_dict[keys.EXAMPLES_KEY]
        splits = executor_utils.ResolveSplitsConfig(
            exec_properties.get(keys.SPLITS_CONFIG_KEY), examples
        )
        graph = artifact_utils.get_single_uri(output_dict[keys.TRANSFORM_GRAPH_KEY])
        schema = io_utils.SchemaReader().read(
            io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict[keys.SCHEMA_KEY]))
        )
        function = preprocessing_fn(
            self,
            exec_properties[keys.PREPROCESSING_FN_KEY],
            exec_properties[keys.CUSTOM_CONFIG_KEY],
        )
        analysed = [file for split in splits.analyze for file in files_of_split(examples, split)]
        self._analyse(analysed, schema, function, graph)
        transformed = output_dict[keys.TRANSFORMED_EXAMPLES_KEY]
        executor_utils.SetSplitNames(splits.transform, transformed)
        self._transform(_Transformation(graph, schema), splits, examples, transformed)

    def _analyse(
        self,
        files: list[str],
        schema: schema_pb2.Schema,
        function: Callable[..., Any],
        graph: str,
    ) -> None:
        source = tf_example_record.TFExampleRecord(files, schema=schema)
        config = tensor_adapter.TensorAdapterConfig(
            source.ArrowSchema(), source.TensorRepresentations()
        )
        temporary = f"{graph}/{_TEMPORARY}"
        with beam_pipeline(self) as pipeline, tft_beam.Context(temp_dir=temporary):
            batches = pipeline | "Examples" >> RecordBatches(files, schema)
            transform_fn = (batches, config) | tft_beam.AnalyzeDataset(function)
            _ = transform_fn | tft_beam.WriteTransformFn(graph)
            _ = dataset_metadata.DatasetMetadata(schema) | tft_beam.WriteMetadata(
                f"{graph}/{tft.TFTransformOutput.RAW_METADATA_DIR}", pipeline
            )
        shutil.rmtree(temporary, ignore_errors=True)

    def _transform(
        self,
        transformation: "_Transformation",
        splits: transform_pb2.SplitsConfig,
        examples: list[types.Artifact],
        transformed: list[types.Artifact],
    ) -> None:
        work = []
        for split in splits.transform:
            files = files_of_split(examples, split)
            folder = Path(artifact_utils.get_split_uri(transformed, split))
            folder.mkdir(parents=True, exist_ok=True)
            work += [
                (file, str(folder / f"transformed_examples-{number:05d}-of-{len(files):05d}.gz"))
                for number, file in enumerate(files)
            ]
        with beam_pipeline(self) as pipeline:
            _ = (
                pipeline
                | "Files" >> beam.Create(work, reshuffle=True)
                | "Transform" >> beam.ParDo(transformation)
            )


class _Transformation(beam.DoFn):
    """Transforms one file of tf.Examples to another."""

    def __init__(self, graph: str, schema: schema_pb2.Schema):
        self._graph = graph
        self._schema = schema.SerializeToString()

    def setup(self) -> None:
        """Loads the graph."""
        output = tft.TFTransformOutput(self._graph)
        raw = schema_utils.schema_as_feature_spec(schema_pb2.Schema.FromString(self._schema))
        layer = output.transform_features_layer()
        schema = output.transformed_metadata.schema
        self._converter = tensors_to_arrow(schema)
        self._encoder = example_coder.RecordBatchToExamplesEncoder(schema)
        self._transformed = tf.function(
            lambda records: layer(dict(tf.io.parse_example(records, raw.feature_spec))),
            input_signature=[tf.TensorSpec([None], tf.string)],
            # The graph is there already: nothing for AutoGraph to rewrite.
            autograph=False,
        )

    def process(self, paths: tuple[str, str]) -> None:
        """Reads the first path and writes the second, which is there only when it is whole."""
        source, target = paths
        batches = batches_of_records(source).map(self._transformed, num_parallel_calls=2)
        with record_writer(target) as write:
            for batch in batches.prefetch(2):
                write(self._encoder.encode(self._converter.convert(batch)))


class Transform(stock.Transform):
    """TFX's Transform with the executor above; no statistics and no analyzer cache.

    Args:
      custom_config: handed to the `preprocessing_fn`.
      arguments: the stock Transform's; the `preprocessing_fn` by its dotted name, no `module_file`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, custom_config: Mapping[str, Any], **arguments: Any):
        super().__init__(
            custom_config=dict(custom_config),
            disable_statistics=True,
            disable_analyzer_cache=True,
            **arguments,
        )
        # For the cache key; the stock specification has no place for it.
        self.spec.exec_properties["code_digest"] = digest_of_sources()
