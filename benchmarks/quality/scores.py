"""How good predictions are: the metrics of every side, and those of an exported model.

    python -m benchmarks.quality.scores --folder WORKSPACE -o scores.json

    binary      auc, pr-auc (average precision), log loss, ece, and f1 at a threshold
    multiclass  auc (each class against the rest, in the mean), log loss, ece, macro f1
    regression  r2, rmse

`ece` is the expected calibration error over bins of equally many rows: of two classes that of the
positive one's probability, of several that of the likeliest class's. `ece by chance` is what it
would be on as many rows if the probabilities were right.
"""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np

from beltline.models.features import Features
from benchmarks.quality.rows import records_of
from benchmarks.quality.workspace import Workspace

Array = Any
Metrics = dict[str, float]
BINS = 15
DRAWS = 50


@click.command()
@click.option("--folder", type=Path, required=True, help="Workspace of a run up to the Trainer.")
@click.option("-o", "--output", type=Path, required=True, help="Where the scores go, as JSON.")
def main(folder: Path, output: Path) -> None:
    """Score the model of a run."""
    space = Workspace(folder)
    metrics = of_model(space.model, space.examples, space.features)
    metrics["seconds"] = space.trainer_seconds
    output.write_text(json.dumps(metrics), encoding="utf-8")


def scored(features: Features, labels: Array, outputs: Array) -> Metrics:
    """Returns the metrics of predictions.

    Args:
      features: the kind of label.
      labels: `[n]`: index of the class, or the value.
      outputs: `[n, 1]` of the positive class or the value, or `[n, classes]`.
    """
    from sklearn import metrics

    if features.task == "regression":
        return {
            "r2": float(metrics.r2_score(labels, outputs[:, 0])),
            "rmse": float(metrics.root_mean_squared_error(labels, outputs[:, 0])),
        }
    labels = labels.astype(int)
    if features.task == "binary":
        positive = outputs[:, 0].astype(float)
        return {
            "auc": float(metrics.roc_auc_score(labels, positive)),
            "pr-auc": float(metrics.average_precision_score(labels, positive)),
            "log loss": float(metrics.log_loss(labels, positive, labels=[0, 1])),
            "ece": calibration_error(positive, labels),
            "ece by chance": error_by_chance(positive),
        }
    every = list(range(len(features.classes)))
    # Float32 probabilities add up to 1 within 1e-7 only, and scikit-learn asks for more.
    outputs = outputs / outputs.sum(axis=1, keepdims=True, dtype=float)
    chosen = outputs.argmax(axis=1)
    return {
        "auc": float(metrics.roc_auc_score(labels, outputs, multi_class="ovr", labels=every)),
        "log loss": float(metrics.log_loss(labels, outputs, labels=every)),
        "ece": calibration_error(outputs.max(axis=1), chosen == labels),
        "ece by chance": error_by_chance(outputs.max(axis=1)),
        "macro f1": float(metrics.f1_score(labels, chosen, average="macro")),
    }


def calibration_error(probabilities: Array, outcomes: Array, bins: int = BINS) -> float:
    """Returns the mean distance, over the rows, of what was said from what came.

    Args:
      probabilities: `[n]`.
      outcomes: `[n]`, whether it came.
      bins: into how many equal parts the rows are cut, by probability.
    """
    order = np.argsort(probabilities, kind="stable")
    said = np.array_split(np.asarray(probabilities, float)[order], bins)
    came = np.array_split(np.asarray(outcomes, float)[order], bins)
    apart = [abs(s.sum() - c.sum()) for s, c in zip(said, came, strict=True)]
    return float(sum(apart) / len(order))


def error_by_chance(probabilities: Array) -> float:
    """Returns the mean calibration error of outcomes that are drawn with these probabilities."""
    rng = np.random.default_rng(0)
    draws = rng.uniform(size=(DRAWS, len(probabilities))) < probabilities
    return float(np.mean([calibration_error(probabilities, outcomes) for outcomes in draws]))


def of_model(folder: Path, examples: Path, features: Features) -> Metrics:
    """Returns the metrics of an exported model on the eval split.

    Args:
      folder: the SavedModel.
      examples: folder of ExampleGen's output.
      features: the kind of label.
    """
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures
    answers, labels = [], []
    for records in records_of(examples, "eval"):
        answers.append(signatures["evaluate"](examples=records))
        labels.append(signatures["labels"](examples=records)["label_index"].numpy()[:, 0])
    key = {"binary": "probability", "multiclass": "probabilities", "regression": "prediction"}
    outputs = np.concatenate([answer[key[features.task]].numpy() for answer in answers])
    found = scored(features, np.concatenate(labels), outputs)
    if features.task == "binary":
        from sklearn.metrics import f1_score

        decisions = np.concatenate([answer["decision"].numpy()[:, 0] for answer in answers])
        found["f1"] = float(f1_score(np.concatenate(labels), decisions))
    return found


if __name__ == "__main__":
    main()
