"""Transform and StatisticsGen write what TFX's own executors write of the same Examples."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import json_format
from tfx.components.statistics_gen import executor as stock_statistics
from tfx.components.transform import executor as stock_transform
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import transform_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import json_utils, proto_utils

from beltline.pipeline.components import statistics_gen, transform
from beltline.pipeline.engine import BEAM_ARGS
from tests.models.rows import config, example, table

pytestmark = pytest.mark.slow

# TFDV can be imported only after TFX.
tfdv = statistics_gen.tfdv

SCHEMA = """
feature { name: "heat (°C)" type: FLOAT }
feature { name: "shots" type: INT }
feature { name: "mold" type: BYTES }
feature { name: "scrap" type: BYTES }
"""
SPLITS = {"train": 9000, "validation": 300}


def context(folder):
    """Where an executor keeps temporary files, and its Beam."""
    return base_beam_executor.BaseBeamExecutor.Context(
        make_beam_pipeline_fn=lambda: beam.Pipeline(argv=list(BEAM_ARGS)),
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )


def artifact(kind, folder, splits=()):
    """An empty artifact in a folder of its own."""
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True)
    if splits:
        made.split_names = artifact_utils.encode_split_names(list(splits))
    return made


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Two splits; the larger one in two files and in more rows than one batch has."""
    made = artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("data") / "x", SPLITS)
    made.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    made.set_string_custom_property("file_format", "tfrecords_gzip")
    for seed, (split, number) in enumerate(SPLITS.items()):
        rows = [
            row | {"mold": f"M{i % 7}"} if i % 3 else row
            for i, row in enumerate(table(number, seed=seed))
        ]
        folder = Path(artifact_utils.get_split_uri([made], split))
        folder.mkdir()
        parts = [rows[: number // 3], rows[number // 3 :]] if number > 1000 else [rows]
        for place, part in enumerate(parts):
            file = folder / f"data_tfrecord-{place:05d}-of-{len(parts):05d}.gz"
            with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
                for row in part:
                    writer.write(example(row))
    return made


def transformed(folder, executor, examples):
    """Runs a Transform executor: the graph's artifact, and the transformed Examples."""
    schema = artifact(standard_artifacts.Schema, folder / "schema")
    (folder / "schema" / "schema.pbtxt").write_text(SCHEMA)
    graph = artifact(standard_artifacts.TransformGraph, folder / "graph")
    written = artifact(standard_artifacts.Examples, folder / "transformed")
    splits = transform_pb2.SplitsConfig(analyze=["train"], transform=list(SPLITS))
    executor(context(folder)).Do(
        {"examples": [examples], "schema": [schema]},
        {"transform_graph": [graph], "transformed_examples": [written]},
        {
            "preprocessing_fn": "beltline.models.preprocessing.preprocessing_fn",
            "custom_config": json_utils.dumps(config()),
            "splits_config": proto_utils.proto_to_json(splits),
            "disable_statistics": 1,
        },
    )
    return graph, written


def rows_of(artifact, split, spec):
    """The transformed rows of a split as arrays, in an order that follows from their values."""
    pattern = f"{artifact_utils.get_split_uri([artifact], split)}/*"
    records = [
        record
        for file in tf.io.gfile.glob(pattern)
        for record in tf.data.TFRecordDataset(file, "GZIP").as_numpy_iterator()
    ]
    parsed = {name: value.numpy() for name, value in tf.io.parse_example(records, spec).items()}
    columns = [parsed[name].reshape(len(records), -1) for name in sorted(parsed)]
    whole = np.concatenate(columns, axis=1).astype(float)
    return whole[np.lexsort(whole.T[::-1])]


def test_the_same_rows_the_same_graph_and_the_same_vocabularies(tmp_path, examples):
    made = {
        name: transformed(tmp_path / name, executor, examples)
        for name, executor in (("ours", transform.Executor), ("stock", stock_transform.Executor))
    }
    outputs = {name: tft.TFTransformOutput(graph.uri) for name, (graph, _) in made.items()}
    spec = outputs["ours"].transformed_feature_spec()
    assert spec == outputs["stock"].transformed_feature_spec()
    assert outputs["ours"].raw_feature_spec() == outputs["stock"].raw_feature_spec()
    files = {
        name: (Path(output.transform_savedmodel_dir) / "assets" / "categories").read_bytes()
        for name, output in outputs.items()
    }
    assert files["ours"] == files["stock"]
    for split, number in SPLITS.items():
        ours, stock = (rows_of(written, split, spec) for _, written in made.values())
        assert len(ours) == number
        # The quantiles are approximate, and depend on how the rows fall into batches.
        np.testing.assert_allclose(ours, stock, atol=0.02)
    assert not list(Path(made["ours"][0].uri).glob(".temp*"))


def statistics_of(folder, executor, examples):
    """Runs a StatisticsGen executor: the statistics by split."""
    made = artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
    executor(context(folder)).Do({"examples": [examples]}, {"statistics": [made]}, {})
    assert artifact_utils.decode_split_names(made.split_names) == list(SPLITS)
    return {
        split: tfdv.load_stats_binary(
            f"{artifact_utils.get_split_uri([made], split)}/FeatureStats.pb"
        )
        for split in SPLITS
    }


def plain(statistics):
    """Statistics by feature as plain values, without the histograms, which are approximate."""
    (dataset,) = statistics.datasets
    found = {}
    for feature in dataset.features:
        values = json_format.MessageToDict(feature)
        for kind in ("numStats", "stringStats"):
            for place in (values.get(kind, {}), values.get(kind, {}).get("commonStats", {})):
                for name in ("histograms", "median", "numValuesHistogram"):
                    place.pop(name, None)
        found[values["path"]["step"][0]] = values
    return dataset.num_examples, found


def test_the_same_statistics_and_the_schema_that_follows_from_them(tmp_path, examples):
    ours, stock = (
        statistics_of(tmp_path / name, executor, examples)
        for name, executor in (
            ("ours", statistics_gen.Executor),
            ("stock", stock_statistics.Executor),
        )
    )
    for split, number in SPLITS.items():
        rows, features = plain(ours[split])
        expected_rows, expected = plain(stock[split])
        assert rows == expected_rows == number
        assert set(features) == {"heat (°C)", "shots", "mold", "scrap"}
        for name, values in features.items():
            assert_close(values, expected[name], name)
        assert tfdv.infer_schema(ours[split]) == tfdv.infer_schema(stock[split])


def assert_close(found, expected, where):
    """Equal, but for the last digits of numbers that were added up in another order."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            assert_close(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, value in enumerate(expected):
            assert_close(found[index], value, f"{where}[{index}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-6), where
    else:
        assert found == expected, where
