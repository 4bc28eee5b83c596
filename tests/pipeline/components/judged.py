"""The real Evaluator on rows that already hold what a candidate and a champion would answer."""

from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import proto_utils

from beltline.pipeline.components.evaluator import Executor
from beltline.pipeline.engine import BEAM_ARGS
from beltline.pipeline.evaluation.config import deciding_metric, eval_config
from beltline.pipeline.settings.settings import Settings

LABELS = {
    "binary": {"column": "y", "task": "binary", "positive": "yes"},
    "multiclass": {"column": "y", "task": "multiclass"},
    "regression": {"column": "y", "task": "regression"},
}
OUTPUTS = {
    "binary": ("probability", "decision"),
    "multiclass": ("probabilities", "decision"),
    "regression": ("prediction",),
}


def settings_of(task, **evaluation):
    """Settings of which only the label and the evaluation matter."""
    return Settings.model_validate(
        {
            "name": "tiny",
            "data": {"path": "a.csv"},
            "schema": "a.pbtxt",
            "label": LABELS[task],
            "evaluation": evaluation,
        }
    )


class Answers(tf.Module):
    """A model whose answer to a row is what the row says."""

    def __init__(self, task, width, prefix):
        super().__init__()
        self._task, self._width, self._prefix = task, width, prefix

    def evaluate(self, examples):
        widths = {
            name: 1 if name != "probabilities" else self._width for name in OUTPUTS[self._task]
        }
        if self._task == "multiclass":
            widths["decision"] = self._width
        spec = {
            self._prefix + name: tf.io.FixedLenFeature([width], tf.float32)
            for name, width in widths.items()
        }
        parsed = tf.io.parse_example(examples, spec)
        return {name: parsed[self._prefix + name] for name in widths}

    def labels(self, examples):
        spec = {"label_index": tf.io.FixedLenFeature([1], tf.float32)}
        return tf.io.parse_example(examples, spec)


def _model(folder, task, width, prefix):
    module = Answers(task, width, prefix)
    given = tf.TensorSpec([None], tf.string, name="examples")
    signatures = {
        name: tf.function(getattr(module, name)).get_concrete_function(given)
        for name in ("evaluate", "labels")
    }
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures=signatures)
    return _artifact(standard_artifacts.Model, folder)


def _artifact(kind, folder):
    made = kind()
    made.uri = str(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return made


def _example(row):
    features = {}
    for name, value in row.items():
        if isinstance(value, str):
            stored = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        else:
            values = np.atleast_1d(value).astype(float)
            stored = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        features[name] = stored
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def examples_of(folder, rows, split="eval"):
    """An artifact of the rows, as ExampleGen writes it."""
    made = _artifact(standard_artifacts.Examples, folder)
    made.split_names = artifact_utils.encode_split_names([split])
    made.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    made.set_string_custom_property("file_format", "tfrecords_gzip")
    file = Path(artifact_utils.get_split_uri([made], split)) / "data_tfrecord-00000-of-00001.gz"
    file.parent.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for row in rows:
            writer.write(_example(row))
    return made


def judge(folder, settings, rows, champion=False, executor=Executor, config=None):
    """Evaluates the rows' answers; returns the evaluation and the blessing.

    Each row holds `label_index`, the outputs of `OUTPUTS`, and those of the champion after
    `champion_`. `config` is the configuration where it isn't that of the settings.
    """
    task = settings.label.task
    width = len(np.atleast_1d(rows[0].get("probabilities", 0)))
    inputs = {
        "examples": [examples_of(folder / "examples", rows)],
        "model": [_model(folder / "model", task, width, "")],
    }
    if champion:
        inputs["baseline_model"] = [_model(folder / "champion", task, width, "champion_")]
    evaluation = _artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    blessing = _artifact(standard_artifacts.ModelBlessing, folder / "blessing")
    # With arguments TFX would first pack itself into an archive for remote workers: 2 s a call.
    context = base_beam_executor.BaseBeamExecutor.Context(
        make_beam_pipeline_fn=lambda: beam.Pipeline(argv=list(BEAM_ARGS)),
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "eval_config": proto_utils.proto_to_json(config or eval_config(settings)),
            "example_splits": '["eval"]',
            "metric": deciding_metric(settings),
            "importance_rows": settings.evaluation.importance_rows,
        },
    )
    return evaluation, blessing
