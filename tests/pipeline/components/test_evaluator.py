"""The figures are those of TFX's own Evaluator, though less of each row is looked at."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_model_analysis.proto import metrics_for_slice_pb2
from tfx.components.evaluator import executor as stock

from pipeline.components.evaluated_columns import only_what_counts
from pipeline.components.evaluator import Executor
from tests.pipeline.components.judged import judge, settings_of

ROWS = 300


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
                found[key] = each.value.SerializeToString()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "champion"), [("binary", True), ("multiclass", False), ("regression", True)]
)
def test_all_figures_are_the_stock_ones(tmp_path, task, champion):
    settings = settings_of(task, slices=["mold"], champion={"enabled": champion})
    rows = list(rows_of(task))
    ours, theirs = (
        figures_in(judge(tmp_path / name, settings, rows, champion, executor)[0])
        for name, executor in (("ours", Executor), ("stock", stock.Executor))
    )
    assert len(ours) > 6
    assert ours == theirs


def test_labels_predictions_and_the_columns_of_slices_are_kept():
    batch = {
        "labels": np.zeros(2),
        "predictions": {"candidate": np.ones(2)},
        "features": {"mold": np.array(["A", "B"]), "other": np.zeros(2)},
        "transformed_features": {"wide": np.zeros((2, 500))},
        "arrow_record_batch": object(),
    }
    kept = only_what_counts(batch, {"mold", "gone"})
    assert set(kept) == {"labels", "predictions", "features"}
    assert list(kept["features"]) == ["mold"]
