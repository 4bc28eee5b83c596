"""How good a run's model is on its eval rows, and how good gradient boosting is on the same.

    python -m benchmarks.quality_scores --root ROOT [--boosting] -o scores.json

One process that reads what a run has left in ROOT. Boosting is scikit-learn's
HistGradientBoosting with its defaults, on the rows of train and validation together and on the
columns that the model reads, texts as categories. Judged by AUC (of several classes the mean of
each against the rest) or R²; a binary label also by F1: the model at its exported threshold,
boosting at the one that `TunedThresholdClassifierCV` finds on its rows.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from beltline.models.config import features_from_config
from beltline.models.features import Features
from benchmarks.executions import latest, node_seconds, output_folder

Array = Any
SPLITS = ("train", "validation", "eval")
_BATCH = 4096


@dataclass(frozen=True)
class Rows:
    """Rows of a run's splits as its Examples hold them."""

    inputs: pd.DataFrame
    """The columns that the model reads; texts are categories with the same codes in all splits."""
    labels: Array
    """`[n]`: index of the class, or the value."""
    split: Array
    """`[n]`, the name of each row's split."""


@click.command()
@click.option("--root", type=Path, required=True, help="Root of a run that has got to the Trainer.")
@click.option("--boosting", is_flag=True, help="Train and score gradient boosting too.")
@click.option("-o", "--output", type=Path, required=True, help="Where the scores go, as JSON.")
def main(root: Path, boosting: bool, output: Path) -> None:
    """Score the model of a run, and gradient boosting on the same rows."""
    config = json.loads(latest(root)["Trainer"].custom_properties["custom_config"].string_value)
    features = features_from_config(config)
    examples = output_folder(root, "ExampleGen", "examples")
    model = output_folder(root, "Trainer", "model") / "Format-Serving"
    rows = read_rows(examples, features)
    scores: dict[str, Any] = {
        "ours": of_model(model, examples, features),
        "rows": {name: int((rows.split == name).sum()) for name in SPLITS},
        "trainer seconds": node_seconds(root)["Trainer"],
    }
    if boosting:
        scores["boosting"] = of_boosting(rows, features)
    output.write_text(json.dumps(scores), encoding="utf-8")


def of_model(folder: Path, examples: Path, features: Features) -> dict[str, float]:
    """Scores of the exported model on the eval split."""
    import tensorflow as tf

    signatures = tf.saved_model.load(str(folder)).signatures
    answers, labels = [], []
    for records in _records(examples, "eval"):
        answers.append(signatures["evaluate"](examples=records))
        labels.append(signatures["labels"](examples=records)["label_index"].numpy()[:, 0])
    key = {"binary": "probability", "multiclass": "probabilities", "regression": "prediction"}
    outputs = np.concatenate([answer[key[features.task]].numpy() for answer in answers])
    found = scored(features, np.concatenate(labels), outputs)
    if features.task == "binary":
        from sklearn.metrics import f1_score

        decisions = np.concatenate([answer["decision"].numpy()[:, 0] for answer in answers])
        found["f1"] = f1_score(np.concatenate(labels), decisions)
    return found


def of_boosting(rows: Rows, features: Features) -> dict[str, float]:
    """Scores of gradient boosting on the eval split."""
    from sklearn import ensemble, metrics, model_selection

    seen, judged = rows.split != "eval", rows.split == "eval"
    x, y = rows.inputs[seen], rows.labels[seen]
    eval_x, eval_y = rows.inputs[judged], rows.labels[judged]
    options = {"categorical_features": "from_dtype", "random_state": 0}
    if features.task == "regression":
        regressor = ensemble.HistGradientBoostingRegressor(**options).fit(x, y)
        return scored(features, eval_y, regressor.predict(eval_x)[:, None])
    classifier = ensemble.HistGradientBoostingClassifier(**options)
    outputs = classifier.fit(x, y).predict_proba(eval_x)
    found = scored(features, eval_y, outputs[:, 1:] if features.task == "binary" else outputs)
    if features.task == "binary":
        tuned = model_selection.TunedThresholdClassifierCV(classifier, scoring="f1", random_state=0)
        found["f1"] = metrics.f1_score(eval_y, tuned.fit(x, y).predict(eval_x))
    return found


def scored(features: Features, labels: Array, outputs: Array) -> dict[str, float]:
    """AUC and log loss, or R².

    Args:
      features: the kind of label.
      labels: `[n]`.
      outputs: `[n, 1]` or `[n, classes]`.
    """
    from sklearn import metrics

    if features.task == "regression":
        return {"score": float(metrics.r2_score(labels, outputs[:, 0]))}
    if features.task == "binary":
        outputs = outputs[:, 0]
    every = list(range(len(features.classes)))
    return {
        "score": float(metrics.roc_auc_score(labels, outputs, multi_class="ovr")),
        "log loss": float(metrics.log_loss(labels, outputs, labels=every)),
    }


def read_rows(examples: Path, features: Features) -> Rows:
    """Reads the raw rows of all splits."""
    import tensorflow as tf

    kinds = {"integer": tf.int64, "number": tf.float32, "text": tf.string}
    spec = {name: tf.io.VarLenFeature(kinds[kind]) for name, kind in features.columns.items()}
    label_kind = tf.float32 if features.task == "regression" else tf.string
    spec[features.label] = tf.io.VarLenFeature(label_kind)
    parts = []
    for split in SPLITS:
        for records in _records(examples, split):
            parsed = tf.io.parse_example(records, spec)
            columns = {name: _dense(column) for name, column in parsed.items()}
            parts.append(pd.DataFrame(columns).assign(split=split))
    table = pd.concat(parts, ignore_index=True)
    for name in (name for name, kind in features.columns.items() if kind == "text"):
        table[name] = table[name].astype("category")
    labels = table[features.label]
    if features.task != "regression":
        labels = labels.map({name.encode(): i for i, name in enumerate(features.classes)})
    return Rows(table[list(features.columns)], labels.to_numpy(), table["split"].to_numpy())


def _dense(column: Any) -> Array:
    """A sparse column `[n, 1]` as `[n]`, with NaN or None where it has no value."""
    text = column.dtype.name == "string"
    values = np.full(int(column.dense_shape[0]), None if text else np.nan, object if text else "f8")
    values[column.indices.numpy()[:, 0]] = column.values.numpy()
    return values


def _records(examples: Path, split: str) -> Any:
    import tensorflow as tf

    files = sorted(str(file) for file in (examples / f"Split-{split}").iterdir())
    return tf.data.TFRecordDataset(files, "GZIP").batch(_BATCH)


if __name__ == "__main__":
    main()
