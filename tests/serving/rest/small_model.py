"""Writes a small version, with a signature of every kind, into the folder that is its argument.

Its answers are easily worked out: the probability is the sigmoid of temp + die temp, where what is
missing adds nothing.
"""

import json
import sys
from pathlib import Path

import tensorflow as tf

FLOATS = tf.TensorSpec([None], tf.float32)
TEXTS = tf.TensorSpec([None], tf.string)
COLUMNS = {
    "temp": tf.TensorSpec([None], tf.float32, name="temp"),
    "die temp": tf.TensorSpec([None], tf.float64, name="die_temp"),
    "mold": tf.TensorSpec([None], tf.string, name="mold"),
}
NAMES = [
    "classify",
    "examples",
    "matrix",
    "picture",
    "regress",
    "serving_default",
    "single",
    "slow",
]
KINDS = {"temp": "number", "die temp": "integer", "mold": "text"}
ROW = {"temp": [0.5, None], "die_temp": [-1.0, 2.0], "mold": ["M1", "M2"]}


class Small(tf.Module):
    """Sums and echoes."""

    @tf.function(input_signature=[COLUMNS])
    def serving_default(self, columns):
        given = [columns["temp"], tf.cast(columns["die temp"], tf.float32)]
        total = tf.add_n([tf.where(tf.math.is_nan(each), 0.0, each) for each in given])
        return {"probability": tf.sigmoid(total), "class": columns["mold"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def classify(self, inputs):
        score = tf.sigmoid(self._total(inputs))
        count = tf.shape(inputs)[0]
        classes = tf.repeat(tf.constant([["ok", "scrap"]]), count, axis=0)
        return {"classes": classes, "scores": tf.stack([1 - score, score], axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="inputs")])
    def regress(self, inputs):
        return {"outputs": self._total(inputs)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def examples(self, examples):
        mold = self._parsed(examples)["mold"]
        return {"probability": tf.sigmoid(self._total(examples)), "class": mold}

    def _total(self, inputs):
        parsed = self._parsed(inputs)
        return parsed["temp"] + tf.cast(parsed["die temp"], tf.float32)

    def _parsed(self, inputs):
        return tf.io.parse_example(
            inputs,
            {
                "temp": tf.io.FixedLenFeature([], tf.float32, 0.0),
                "die temp": tf.io.FixedLenFeature([], tf.int64, 0),
                "mold": tf.io.FixedLenFeature([], tf.string, ""),
            },
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def single(self, x):
        return {"y": x / 2 + 2}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.int32, name="x")])
    def matrix(self, x):
        return {"y": x * 2, "sum": tf.reduce_sum(x, axis=1)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def picture(self, image_bytes):
        return {"image_bytes": image_bytes, "length": tf.strings.length(image_bytes)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="seconds")])
    def slow(self, seconds):
        end = tf.timestamp() + tf.cast(tf.reduce_max(seconds), tf.float64)
        turns = tf.while_loop(lambda turn: tf.timestamp() < end, lambda turn: [turn + 1], [0])
        return {"turns": tf.repeat(turns[0], tf.shape(seconds)[0])}


def write(folder: Path) -> None:
    """Writes the version into `folder`."""
    small = Small()
    signatures = {name: getattr(small, name).get_concrete_function() for name in NAMES}
    tf.saved_model.save(small, str(folder), signatures=signatures)
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(str(folder))
    for name in ("classify", "regress"):
        updater.replace_method_name(name, f"tensorflow/serving/{name}", tags="serve")
    updater.save()
    extra = folder / "assets.extra"
    extra.mkdir()
    problem = {"columns": KINDS, "label": "scrap", "task": "binary", "classes": ["ok", "scrap"]}
    card = {"problem": problem, "unread": ["cast_at", "scrap"]}
    (extra / "version.json").write_text(json.dumps(card))
    (extra / "input_names.json").write_text(
        json.dumps({"temp": "temp", "die temp": "die_temp", "mold": "mold"})
    )
    recorded = {"rows": ROW, "answers": {"class": ROW["mold"]}}
    (extra / "check_rows.json").write_text(json.dumps(recorded))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
