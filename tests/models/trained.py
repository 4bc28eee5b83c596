"""What the small tables of the training tests are, by name."""

from typing import Any

import numpy as np
import tensorflow as tf

from tests.models.rows import config, example, table

SETTINGS = {
    "binary": config(),
    "multiclass": config(task="multiclass", classes=["high", "mid", "low"], numbers="zscore"),
    "regression": config(task="regression", classes=[], categorical=[], numbers="zscore"),
    "categories": config(numeric=[]),
}
TASKS = {name: name if name != "categories" else "binary" for name in SETTINGS}
EVAL = {task: table(200, task, seed=5) for task in set(TASKS.values())}


def examples(rows: list[dict[str, Any]]) -> tf.Tensor:
    return tf.constant([example(row) for row in rows])


def call(model: Any, signature: str, rows: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    outputs = model.signatures[signature](examples=examples(rows))
    return {name: value.numpy() for name, value in outputs.items()}
