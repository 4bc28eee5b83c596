"""Runs ExampleGen's executor on files, and reads back what it has written."""

import json
from pathlib import Path

import tensorflow as tf
from apache_beam import Pipeline
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

from beltline.pipeline.components.example_gen import Executor
from beltline.pipeline.engine import BEAM_ARGS

SPLITS = {"train": 0.7, "validation": 0.1, "eval": 0.2}
KINDS = {"number": "integer", "temp": "number", "mold": "text", "y": "text"}


def generate(
    folder,
    path,
    kinds=KINDS,
    exclude=(),
    split_by="",
    time_gap="",
    stratify_by="",
    drop_without="",
    splits=SPLITS,
    unreadable="stop",
    beam=(),
    **query,
):
    """Runs the executor, perhaps with further arguments for Beam; returns the artifact.

    `query` are the execution properties of a query, and what its driver has found out.
    """
    examples = standard_artifacts.Examples()
    examples.uri = str(folder / "examples")
    (folder / "examples").mkdir(parents=True)
    (folder / "tmp").mkdir()
    # With arguments TFX would first pack itself into an archive for remote workers: 2 s a call.
    context = base_beam_executor.BaseBeamExecutor.Context(
        make_beam_pipeline_fn=lambda: Pipeline(argv=[*BEAM_ARGS, *beam]),
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    properties = {
        "path": str(path),
        "query": "",
        "changed_by": "",
        "span": "latest",
        "kinds": json.dumps(kinds),
        "exclude": json.dumps(list(exclude)),
        "splits": json.dumps(splits),
        "split_by": split_by,
        "time_gap": time_gap,
        "stratify_by": stratify_by,
        "drop_without": drop_without,
        "unreadable": unreadable,
    }
    Executor(context).Do({}, {"examples": [examples]}, properties | query)
    return examples


def values_of(record):
    """A tf.Example's values by column, with the list that they stand in; absent ones left out."""
    features = tf.train.Example.FromString(record).features.feature
    found = {name: (f.WhichOneof("kind"), f) for name, f in features.items()}
    return {
        name: (kind, *getattr(feature, kind).value)
        for name, (kind, feature) in found.items()
        if kind and getattr(feature, kind).value
    }


def rows_of(examples, split=None):
    """The rows of one split, or of all."""
    names = [split] if split else artifact_utils.decode_split_names(examples.split_names)
    records = []
    for name in names:
        folder = Path(artifact_utils.get_split_uri([examples], name))
        files = sorted(str(file) for file in folder.iterdir())
        records += list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    return [values_of(record) for record in records]
