"""The figures are those of TFX's own Evaluator and TFMA's own metrics, counted row by row."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import metrics_for_slice_pb2
from tfx.components.evaluator import executor as stock

from beltline.pipeline.components.slices import in_batches, slices, with_slices
from beltline.pipeline.evaluation.config import eval_config
from tests.pipeline.components.judged import judge, settings_of

ROWS = 300
STOCK = {
    "RowCount": "ExampleCount",
    "MeanRatio": "Calibration",
    "RocAuc": "AUC",
    "PrAuc": "AUCPrecisionRecall",
    "DecisionF1": "F1Score",
    "DecisionAccuracy": "BinaryAccuracy",
    "ClassAccuracy": "SparseCategoricalAccuracy",
    "RootMeanSquare": "RootMeanSquaredError",
    "MeanAbsolute": "MeanAbsoluteError",
}


def rows_of(task, seed=7):
    """Rows with what a candidate and a champion answer, two columns to slice by, and one more."""
    chance = np.random.default_rng(seed)
    for number in range(ROWS):
        probabilities = chance.dirichlet([1, 1, 1], size=2)
        row = {
            "label_index": float(number % (3 if task == "multiclass" else 2)),
            "mold": "AB"[number % 2] if number % 7 else "",
            "hour": float(number % 4),
            "unused": "x" * (number % 5),
        }
        for prefix, values in zip(("", "champion_"), probabilities, strict=True):
            row |= {
                f"{prefix}probability": values[0],
                f"{prefix}probabilities": values,
                f"{prefix}prediction": values[1],
                f"{prefix}decision": values if task == "multiclass" else float(values[0] > 0.5),
            }
        yield row


def figures_in(evaluation):
    """Every figure of an evaluation, by slice, model, output and name."""
    found = {}
    for file in sorted(Path(evaluation.uri).glob("metrics*")):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            metrics = metrics_for_slice_pb2.MetricsForSlice.FromString(record)
            for each in metrics.metric_keys_and_values:
                key = (metrics.slice_key.SerializeToString(), each.key.SerializeToString())
                found[key] = each.value.double_value.value
    return found


def stock_metrics(settings):
    """The settings' configuration with TFMA's metrics where it has them."""
    config = eval_config(settings)
    for spec in config.metrics_specs:
        for metric in spec.metrics:
            if metric.class_name in STOCK:
                metric.class_name, metric.module = STOCK[metric.class_name], ""
    return config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "champion"), [("binary", True), ("multiclass", False), ("regression", True)]
)
def test_all_metrics_are_the_stock_ones(tmp_path, task, champion):
    columns = ["mold", "hour"] if task == "binary" else ["mold"]
    settings = settings_of(task, slices=columns, champion={"enabled": champion})
    rows = list(rows_of(task))
    ours, blessing = judge(tmp_path / "ours", settings, rows, champion)
    theirs, stock_blessing = judge(
        tmp_path / "stock", settings, rows, champion, stock.Executor, stock_metrics(settings)
    )
    figures, expected = figures_in(ours), figures_in(theirs)
    assert len(figures) > 6
    assert set(figures) == set(expected)
    # TFMA adds up in single precision in places.
    values = [expected[key] for key in figures]
    assert list(figures.values()) == pytest.approx(values, rel=1e-6, abs=1e-6, nan_ok=True)
    # Without a threshold the stock executor says nothing; here the model is refused.
    said = stock_blessing.get_custom_property("blessed") or 0
    assert blessing.get_int_custom_property("blessed") == said


def test_metrics_that_count_row_by_row_leave_the_steps_as_they_are():
    settings = settings_of("binary", slices=["mold"])
    assert in_batches(eval_config(settings))
    assert not in_batches(stock_metrics(settings))
    crossed = eval_config(settings)
    crossed.slicing_specs.add(feature_keys=["mold", "hour"])
    assert not in_batches(crossed)
    without_all_rows = eval_config(settings)
    del without_all_rows.slicing_specs[0]
    assert not in_batches(without_all_rows)


def test_the_rows_of_a_slice_stay_together():
    batch = {
        "labels": np.array([[0], [1], [2]]),
        "predictions": {"candidate": {"probability": np.array([[0.1], [0.2], [0.3]])}},
        "features": {"wide": np.zeros((3, 500))},
        tfma.constants.ARROW_RECORD_BATCH_KEY: pa.RecordBatch.from_pydict(
            {"mold": [[b"A"], None, [b"A"]], "hour": [[1], [2], [2]], "gone": [None] * 3}
        ),
    }
    found = {
        each[tfma.SLICE_KEY_TYPES_KEY][0]: each
        for each in slices(with_slices(batch, ["mold", "hour", "gone", "never"]))
    }
    assert set(found) == {(), (("mold", "A"),), (("hour", 1),), (("hour", 2),)}
    assert found[()]["labels"].tolist() == [[0], [1], [2]]
    assert found[(("mold", "A"),)]["labels"].tolist() == [[0], [2]]
    chosen = found[(("hour", 2),)]["predictions"]["candidate"]["probability"]
    assert chosen.tolist() == [[0.2], [0.3]]
    assert all("features" not in each for each in found.values())
