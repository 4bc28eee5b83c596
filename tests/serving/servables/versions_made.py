"""Small real versions for the tests: a variable, a table read from a file, and a check of values.

Importing this imports TensorFlow.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from beltline.versions.folder import CHECK_ROWS, INPUT_NAMES
from beltline.versions.loaded.signature import NamedArrays
from beltline.versions.push import push

MOLDS = ["A", "B", "Ü"]


class Line(tf.Module):
    """`heat` (not negative) and `mold` -> heat * scale, and whether the mold is known."""

    def __init__(self, scale: float, vocabulary: Path) -> None:
        super().__init__()
        self.scale = tf.Variable(scale, dtype=tf.float32)
        self.weights = tf.Variable(tf.zeros([50_000]))
        self.known = tf.lookup.StaticHashTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary), tf.string, 0, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
            ),
            -1,
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.float32, name="heat"),
            tf.TensorSpec([None], tf.string, name="mold"),
        ]
    )
    def answer(self, heat: tf.Tensor, mold: tf.Tensor) -> dict[str, tf.Tensor]:
        checked = tf.debugging.assert_non_negative(heat, "heat is below zero")
        with tf.control_dependencies([checked]):
            known = tf.where(self.known.lookup(mold) >= 0, "known", "unknown")
            return {"probability": heat * self.scale + self.weights[0], "class": known}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="heat")])
    def mean(self, heat: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"mean": tf.reduce_mean(heat) * self.scale}


def save(folder: Path, scale: float, signatures: tuple[str, ...] = ("answer", "mean")) -> Path:
    """A SavedModel; `answer` is its `serving_default`."""
    folder.mkdir(parents=True)
    vocabulary = folder / "molds"
    vocabulary.write_text("".join(f"{mold}\n" for mold in MOLDS), encoding="utf-8")
    line = Line(scale, vocabulary)
    names = {"answer": "serving_default"}
    functions = {names.get(name, name): getattr(line, name) for name in signatures}
    tf.saved_model.save(line, str(folder / "model"), signatures=functions)
    return folder / "model"


def rows(*heats: float, mold: str = "A") -> NamedArrays:
    return {"heat": np.array(heats, np.float32), "mold": np.array([mold] * len(heats), object)}


def push_line(served: Path, scratch: Path, scale: float, **changes: Any) -> int:
    """Pushes one as the Pusher does, with recorded rows; `changes` replace what is recorded."""
    recorded = {
        "rows": {"heat": [1.0, 2.0], "mold": ["Ü", "?"]},
        "answers": {"probability": [scale, 2 * scale], "class": ["known", "unknown"]},
        **changes,
    }
    model = save(scratch / f"line {scale}", scale)
    (model.parent / "check_rows.json").write_text(json.dumps(recorded), encoding="utf-8")
    (model.parent / "input_names.json").write_text(json.dumps({"heat (°C)": "heat"}))
    extra = {
        CHECK_ROWS: model.parent / "check_rows.json",
        INPUT_NAMES: model.parent / "input_names.json",
    }
    return push(model, served, {"run": "r"}, extra)[0]
