"""What the nodes compute, without pipeline, Beam and metadata: the least that each could take.

    python -m benchmarks.bare --data taxi.csv --root ROOT -o bare.json

One plain process that has imported everything beforehand; it reads what a run of Beltline has left
in ROOT and writes one JSON object, seconds by node. To add a node, add its function to
`_BARE`. Nodes that only keep books (Schema, Champion, Pusher and the like) have none.

    ExampleGen     read the CSV file with Arrow, encode with tfx_bsl, write gzipped TFRecords
    StatisticsGen  read them into Arrow batches, TFDV's statistics of those in memory, per split
    Transform      parse the train and validation rows, call the saved graph, encode, write;
                   the analysis that makes the graph is not in it
    Trainer        Keras' `fit` of the same network on arrays in memory, as many steps
    Evaluator      load the model, read the eval rows, call `evaluate` and `labels` on 4,096 at a
                   time, the overall metrics by scikit-learn; no slices
    ServingCheck   load the model and call it once
"""

import importlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.executions import latest, output_folder

_BATCH = 4096


@dataclass(frozen=True)
class _Run:
    """A run's data and results."""

    data: Path
    examples: Path
    graph: Path
    transformed: Path
    model: Path
    config: dict[str, Any]
    scratch: Path


@click.command()
@click.option("--data", type=Path, required=True, help="The CSV file of the run.")
@click.option("--root", type=Path, required=True, help="The root of a complete run of Beltline.")
@click.option("-o", "--output", type=Path, required=True, help="Where the seconds go, as JSON.")
def main(data: Path, root: Path, output: Path) -> None:
    """Time the bare computation of each node of a run."""
    # TFX first: it puts a stand-in where TFDV would miss a module of tfx_bsl.
    for module in (
        "tfx.v1",
        "tensorflow_data_validation",
        "beltline.models.training",
        "sklearn.metrics",
    ):
        importlib.import_module(module)
    with tempfile.TemporaryDirectory() as scratch:
        run = _run(data, root, Path(scratch))
        seconds = {node: _seconds(bare(run)) for node, bare in _BARE.items()}
    output.write_text(json.dumps(seconds), encoding="utf-8")


def _run(data: Path, root: Path, scratch: Path) -> _Run:
    trainer = latest(root)["Trainer"]
    return _Run(
        data,
        output_folder(root, "ExampleGen", "examples"),
        output_folder(root, "Transform", "transform_graph"),
        output_folder(root, "Transform", "transformed_examples"),
        output_folder(root, "Trainer", "model") / "Format-Serving",
        json.loads(trainer.custom_properties["custom_config"].string_value),
        scratch,
    )


def _seconds(compute: Callable[[], object]) -> float:
    started = time.perf_counter()
    compute()
    return time.perf_counter() - started


def _example_gen(run: _Run) -> Callable[[], None]:
    def compute() -> None:
        convert = pa.csv.ConvertOptions(strings_can_be_null=True)
        batches = pa.csv.read_csv(run.data, convert_options=convert).to_batches()
        _write(run.scratch / "examples.gz", map(_as_lists, batches))

    return compute


def _statistics_gen(run: _Run) -> Callable[[], None]:
    from tensorflow_data_validation.statistics import stats_impl, stats_options
    from tfx_bsl.coders import example_coder

    def compute() -> None:
        options = stats_options.StatsOptions()
        for split in sorted(run.examples.glob("Split-*")):
            decode = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch
            generators = stats_impl.get_generators(options, in_memory=True)
            partial = [generator.create_accumulator() for generator in generators]
            for records in _records(split):
                batch = decode(records.numpy())
                pairs = zip(generators, partial, strict=True)
                partial = [each.add_input(so_far, batch) for each, so_far in pairs]
            stats_impl.extract_statistics_output(partial, generators)

    return compute


def _transform(run: _Run) -> Callable[[], None]:
    import tensorflow as tf
    import tensorflow_transform as tft

    def compute() -> None:
        output = tft.TFTransformOutput(str(run.graph))
        spec, layer = output.raw_feature_spec(), output.transform_features_layer()
        for split in ("train", "validation"):
            rows = _records(run.examples / f"Split-{split}").map(
                lambda records: layer(tf.io.parse_example(records, spec)),
                num_parallel_calls=tf.data.AUTOTUNE,
            )
            _write(run.scratch / f"{split}.gz", map(_as_batch, rows))

    return compute


def _trainer(run: _Run) -> Callable[[], object]:
    from beltline.models.config import from_config
    from beltline.models.hyperparameters import hyperparameters_of
    from beltline.models.job import prepare

    train, validation = (
        [str(run.transformed / f"Split-{each}" / "*")] for each in ("train", "validation")
    )
    job = prepare(from_config(run.config), train, validation, str(run.graph))
    network = job.compiled(hyperparameters_of(job.config))
    inputs, *target = job.objective.target(job.train.columns, job.train.labels)
    size = job.config.training.batch_size
    return lambda: network.fit(inputs, *target, batch_size=size, epochs=1, verbose=0)


def _evaluator(run: _Run) -> Callable[[], None]:
    import tensorflow as tf
    from sklearn import metrics

    def compute() -> None:
        signatures = tf.saved_model.load(str(run.model)).signatures
        evaluate, labels = signatures["evaluate"], signatures["labels"]
        found = [
            (evaluate(examples=records), labels(examples=records)["label_index"])
            for records in _records(run.examples / "Split-eval")
        ]
        probability, decision = (
            np.concatenate([answer[name] for answer, _ in found])[:, 0]
            for name in ("probability", "decision")
        )
        truth = np.concatenate([label for _, label in found])[:, 0]
        for ranked in (metrics.roc_auc_score, metrics.average_precision_score):
            ranked(truth, probability)
        for decided in (metrics.f1_score, metrics.accuracy_score):
            decided(truth, decision)

    return compute


def _serving_check(run: _Run) -> Callable[[], object]:
    import tensorflow as tf

    records = next(iter(_records(run.examples / "Split-eval")))[:32]
    return lambda: tf.saved_model.load(str(run.model)).signatures["examples"](examples=records)


_BARE: dict[str, Callable[[_Run], Callable[[], object]]] = {
    "ExampleGen": _example_gen,
    "StatisticsGen": _statistics_gen,
    "Transform": _transform,
    "Trainer": _trainer,
    "Evaluator": _evaluator,
    "ServingCheck": _serving_check,
}


def _records(split: Path) -> Any:
    """Returns a dataset of a split's serialized Examples, `[4096]` each."""
    import tensorflow as tf

    files = sorted(map(str, split.glob("*.gz")))
    return tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH).prefetch(tf.data.AUTOTUNE)


def _write(file: Path, batches: Iterator[pa.RecordBatch]) -> None:
    """Encodes batches of list columns as Examples, and writes them at gzip's first level."""
    import tensorflow as tf
    from tfx_bsl.coders import example_coder

    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    encode = example_coder.RecordBatchToExamplesEncoder().encode
    with tf.io.TFRecordWriter(str(file), options) as writer:
        for batch in batches:
            for record in encode(batch):
                writer.write(record)


def _as_lists(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Returns the columns with a list of one value in each row, or null where it is missing."""
    lists = []
    for column in batch.columns:
        values = column.drop_null()
        if pa.types.is_floating(values.type):
            values = values.cast(pa.float32())
        elif not pa.types.is_integer(values.type):
            values = values.cast(pa.binary())
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        ends = np.concatenate([[0], np.cumsum(valid)]).astype(np.int32)
        offsets = pa.array(ends, mask=np.append(~valid, False))
        lists.append(pa.ListArray.from_arrays(offsets, values))
    return pa.RecordBatch.from_arrays(lists, names=batch.schema.names)


def _as_batch(tensors: dict[str, Any]) -> pa.RecordBatch:
    """Returns tensors `[n]` or `[n, w]` as columns of lists."""
    columns = {}
    for name, tensor in tensors.items():
        table = tensor.numpy()
        width = table[0].size
        offsets = np.arange(len(table) + 1, dtype=np.int32) * width
        columns[name] = pa.ListArray.from_arrays(offsets, pa.array(table.ravel()))
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


if __name__ == "__main__":
    main()
