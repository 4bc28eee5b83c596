"""Rows, their Examples, and the real Transform on them, for the tests of `models`."""

import functools
import tempfile
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, str | int | float | None]


def config(**features: Any) -> dict[str, Any]:
    """A `custom_config` for the small table of `table`, trained in seconds."""
    return {
        "code_digest": "0" * 16,
        "features": {
            "columns": {"heat (°C)": "number", "shots": "integer", "mold": "text"},
            "numeric": ["heat (°C)", "shots"],
            "categorical": ["mold", "shots"],
            "timestamps": {},
            "label": "scrap",
            "task": "binary",
            "classes": ["ok", "scrap"],
            "domains": {},
            "numbers": "quantile",
            "vocabulary_size": 100,
            "out_of_vocabulary_buckets": 2,
            **features,
        },
        "model": {
            "preprocessing_fn": "beltline.models.preprocessing.preprocessing_fn",
            "run_fn": "beltline.models.training.run_fn",
            "tuner_fn": "beltline.models.tuning.tuner_fn",
            "network_fn": "beltline.models.network.build_network",
            "learners": ["network"],
            "members": 3,
            "hidden": [16, 8],
            "dropout": 0.1,
            "embedding": 4,
            "tree_rounds": 120,
            "tree_patience": 20,
            "tree_learning_rate": 0.1,
            "tree_leaves": 8,
            "tree_depth": 4,
            "tree_min_rows": 5,
            "tree_rows": 0.8,
            "tree_columns": 0.8,
        },
        "training": {
            "epochs": 4,
            "patience": 2,
            "batch_size": "auto",
            "learning_rate": 0.01,
            "weight_decay": 1e-4,
            "folds": 1,
            "seed": 7,
            "imbalance": "prior",
            "gpu": "preferred",
            "mixed_precision": "auto",
            "xla": "auto",
            "steps_per_execution": "auto",
            "minutes": None,
            "checkpoint_minutes": 1.0,
            "workers": 1,
        },
        "tuning": {
            "when": "always",
            "search": "bayesian",
            "trials": 3,
            "epochs": None,
            "parallel": 1,
            "space": {},
            "values": {
                "learning_rate": 0.01,
                "weight_decay": 1e-4,
                "members": 3,
                "dropout": 0.1,
                "embedding": 4,
                "width": 1.0,
                "depth": 2,
            },
        },
    }


def table(rows: int, task: str = "binary", seed: int = 0) -> list[dict[str, Any]]:
    """Rows whose label follows the heat and the mold; every tenth heat is missing."""
    import numpy as np

    rng = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        heat, mold, shots = float(rng.normal(200, 10)), str(rng.choice(["A", "B", "Ü"])), 16777217
        score = (heat - 200) / 10 + {"A": 0, "B": 1, "Ü": -1}[mold] + rng.normal(0, 0.3)
        labels = {
            "binary": "scrap" if score > 1 else "ok",
            "multiclass": ("low", "mid", "high")[int(score > -1) + int(score > 1)],
            "regression": 1000 + 50 * float(score),
        }
        seen = None if rng.random() < 0.1 else heat
        shots += int(rng.integers(0, 3))
        made.append({"heat (°C)": seen, "shots": shots, "mold": mold, "scrap": labels[task]})
    return made


def example(row: Row) -> bytes:
    """A serialized Example; None is left out."""
    import tensorflow as tf

    feature = {}
    for name, value in row.items():
        if isinstance(value, str):
            feature[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        elif isinstance(value, int):
            feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        elif value is not None:
            feature[name] = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write(path: Path, rows: Sequence[Row]) -> None:
    """A gzipped TFRecord file of Examples."""
    import tensorflow as tf

    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for row in rows:
            writer.write(example(row))


def transform(folder: Path, custom_config: dict[str, Any], splits: dict[str, list[Any]]) -> None:
    """Runs `preprocessing_fn` in Beam: `folder/graph`, and `folder/SPLIT/*` transformed."""
    import apache_beam as beam
    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import schema_utils
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
    from tfx_bsl.public import tfxio

    from beltline.models import labels, preprocessing
    from beltline.models.config import features_from_config

    chosen = features_from_config(custom_config)
    types_of = {"integer": tf.int64, "number": tf.float32, "text": tf.string}
    spec = {name: tf.io.VarLenFeature(types_of[kind]) for name, kind in chosen.columns.items()}
    spec[chosen.label] = labels.label_spec(chosen)
    schema = schema_utils.schema_from_feature_spec(spec)
    entry = functools.partial(preprocessing.preprocessing_fn, custom_config=custom_config)
    with (
        tempfile.TemporaryDirectory() as scratch,
        beam.Pipeline() as pipeline,
        tft_beam.Context(temp_dir=scratch),
    ):
        sources = {}
        for name, rows in splits.items():
            write(folder / "raw" / f"{name}.gz", rows)
            reader = tfxio.TFExampleRecord(
                str(folder / "raw" / f"{name}.gz"), schema=schema, telemetry_descriptors=["t"]
            )
            batches = pipeline | f"read {name}" >> reader.BeamSource()
            sources[name] = (batches, reader.TensorAdapterConfig())
        graph = sources["train"] | tft_beam.AnalyzeDataset(entry)
        graph | tft_beam.WriteTransformFn(str(folder / "graph"))
        for name, source in sources.items():
            done, _ = (source, graph) | f"apply {name}" >> tft_beam.TransformDataset(
                output_record_batches=True
            )
            (
                done
                | f"encode {name}"
                >> beam.FlatMap(lambda pair: RecordBatchToExamplesEncoder().encode(pair[0]))
                | f"write {name}"
                >> beam.io.WriteToTFRecord(str(folder / name / "rows"), file_name_suffix=".gz")
            )


def fn_args(folder: Path, custom_config: dict[str, Any], **changes: Any) -> types.SimpleNamespace:
    """What TFX passes to `run_fn` and `tuner_fn`, for a folder made by `transform`."""
    names = {
        "train_files": [str(folder / "train" / "*")],
        "eval_files": [str(folder / "validation" / "*")],
        "train_steps": None,
        "base_model": None,
        "transform_output": str(folder / "graph"),
        "transform_graph_path": str(folder / "graph"),
        "serving_model_dir": str(folder / "serving"),
        "model_run_dir": str(folder / "run"),
        "working_dir": str(folder / "work"),
        "custom_config": custom_config,
        "hyperparameters": None,
    }
    return types.SimpleNamespace(**{**names, **changes})
