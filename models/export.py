"""The trained network as a SavedModel that plain TensorFlow and TF Serving load.

    serving_default  raw named columns, each `[n]`          -> answers
    examples         `examples` `[n]`, serialized Examples  -> the same answers
    evaluate         the same input -> numbers alone, `[n, 1]` or `[n, classes]`, for TFMA:
                     probability or probabilities, and decision with 1 for yes or the chosen
                     class; or prediction
    labels           the same input -> the label as a number `[n, 1]`, for TFMA
    classify         `inputs` `[n]`, serialized Examples -> classes and scores, `[n, classes]` each
    regress          the same input -> outputs `[n]`; for a number, where the other is for classes

The last two have the methods that TensorFlow Serving asks for in its calls of these names.

Raw columns: an `integer` is float64 and a `number` is float32, with NaN where there is no value; a
`text` is a string, and missing where a table would read it so (`MISSING`). In TF Serving's JSON a
missing number is `NaN`, without quotes. A fraction for an integer is an error, and so is a number
that a float64 does not hold exactly. Columns whose names TensorFlow doesn't take are renamed, see
`input_names.py`. An Example may leave out any feature, and has at most one value of each; only
`labels` reads the label.

    binary      probability [n] of the positive class, class [n] at the threshold
    multiclass  probabilities [n, classes], classes [n, classes], class [n], probability [n] of it
    regression  prediction [n], in the label's unit

To give another answer, change `_answer`; to add a signature, add it to `signatures`.
"""

import dataclasses
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from beltline.models.features import Features, Kind
from beltline.models.input_names import input_names
from beltline.models.labels import label_spec, label_values
from beltline.models.objective import Objective
from beltline.models.recipe import Recipe, Worth, write_recipe
from beltline.models.tables import as_column

Tensors = dict[str, tf.Tensor]

STORED: dict[Kind, tf.DType] = {"integer": tf.int64, "number": tf.float32, "text": tf.string}
SENT: dict[Kind, tf.DType] = {"integer": tf.float64, "number": tf.float32, "text": tf.string}
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "null", "NULL")
"""The texts that are read as a missing value, as in `beltline.base.values`."""
METHODS = {
    "classify": tf.saved_model.CLASSIFY_METHOD_NAME,
    "regress": tf.saved_model.REGRESS_METHOD_NAME,
}
_SPELT_MISSING = rf"[ \t\n\v\f\r]*({'|'.join(map(re.escape, MISSING))})[ \t\n\v\f\r]*"
_MAX_WHOLE = 2.0**53 - 1


@dataclasses.dataclass(frozen=True)
class Trained:
    """A network and what is needed to read its outputs."""

    network: keras.Model
    """In float32 and on one device."""
    features: Features
    objective: Objective
    threshold: float | None
    """From which probability on a binary model says yes; None for other labels."""
    worth: Sequence[Worth] = ()
    """Of each learner, where the network is made of several."""
    recipe: Recipe | None = None
    """What a refit follows; None where there is to be none."""


def export_model(directory: str, trained: Trained, transform: tft.TFTransformOutput) -> None:
    """Writes the SavedModel.

    Args:
      directory: where to write; created if missing.
      trained: the network, the threshold and the like.
      transform: the preprocessing that the network was trained on.
    """
    model = ServingModel(trained, transform)
    signatures = model.signatures()
    tf.saved_model.save(model, directory, signatures=signatures)
    _name_methods(directory, METHODS.keys() & signatures.keys())
    extra = f"{directory}/assets.extra"
    tf.io.gfile.makedirs(extra)
    with tf.io.gfile.GFile(f"{extra}/input_names.json", "w") as file:
        json.dump(input_names(trained.features.columns), file, ensure_ascii=False, indent=1)
    # For whoever asks for scores alone, and wants to know what the answer would have been.
    with tf.io.gfile.GFile(f"{extra}/threshold.json", "w") as file:
        json.dump(trained.threshold, file)
    if trained.worth:
        with tf.io.gfile.GFile(f"{extra}/learners.json", "w") as file:
            json.dump([dataclasses.asdict(each) for each in trained.worth], file)
    if trained.recipe:
        write_recipe(directory, trained.recipe)


class ServingModel(tf.Module):
    """Preprocessing, network and answer in one graph."""

    def __init__(self, trained: Trained, transform: tft.TFTransformOutput) -> None:
        super().__init__()
        loader = SavedModelLoader(transform.transform_savedmodel_dir)
        self._transform = loader.apply_transform_model
        # Its tables are tracked without TF Transform's layer around: Keras would trace that anew.
        self.transform_parts = loader.__dict__
        self.network_variables = [variable.value for variable in trained.network.variables]
        self._network = _untracked(trained.network)
        self._features = trained.features
        self._objective = trained.objective
        self._threshold = trained.threshold

    def signatures(self) -> dict[str, Any]:
        """Returns the concrete functions by name."""
        examples = tf.TensorSpec([None], tf.string, name="examples")
        inputs = tf.TensorSpec([None], tf.string, name="inputs")
        regression = self._features.task == "regression"
        names = input_names(self._features.columns)
        columns = {
            name: tf.TensorSpec([None], SENT[kind], name=names[name])
            for name, kind in self._features.columns.items()
        }
        return {
            "serving_default": _traced(self._serve_columns, columns),
            "examples": _traced(self._serve_examples, examples),
            "evaluate": _traced(self._evaluate, examples),
            "labels": _traced(self._labels, examples),
            "regress" if regression else "classify": _traced(
                self._regress if regression else self._classify, inputs
            ),
        }

    def _serve_columns(self, columns: Tensors) -> Tensors:
        kinds = self._features.columns
        whole = [columns[name] for name, kind in kinds.items() if kind == "integer"]
        with tf.control_dependencies([_are_whole(whole)] if whole else []):
            raw = {name: _stored(columns[name], kind) for name, kind in kinds.items()}
        return self._answer(self._predict(raw))

    def _serve_examples(self, examples: tf.Tensor) -> Tensors:
        return self._answer(self._predict(self._parse(examples)))

    def _evaluate(self, examples: tf.Tensor) -> Tensors:
        predictions = self._predict(self._parse(examples))
        if self._features.task == "regression":
            return {"prediction": predictions}
        if self._features.task == "multiclass":
            decision = tf.one_hot(tf.argmax(predictions, axis=1), predictions.shape[1])
            return {"probabilities": predictions, "decision": decision}
        decision = tf.cast(predictions >= self._threshold, tf.float32)
        return {"probability": predictions, "decision": decision}

    def _labels(self, examples: tf.Tensor) -> Tensors:
        name = self._features.label
        parsed = tf.io.parse_example(examples, {name: label_spec(self._features)})
        values = label_values(parsed[name], self._features)
        return {"label_index": tf.expand_dims(tf.cast(values, tf.float32), 1)}

    def _classify(self, inputs: tf.Tensor) -> Tensors:
        scores = self._predict(self._parse(inputs))
        if self._features.task == "binary":
            scores = tf.concat([1 - scores, scores], axis=1)
        return {"classes": self._every_class(scores), "scores": scores}

    def _regress(self, inputs: tf.Tensor) -> Tensors:
        return {"outputs": self._predict(self._parse(inputs))[:, 0]}

    def _every_class(self, predictions: tf.Tensor) -> tf.Tensor:
        names = tf.constant(self._features.classes)
        return tf.repeat(names[tf.newaxis], tf.shape(predictions)[0], axis=0)

    def _parse(self, examples: tf.Tensor) -> dict[str, tf.SparseTensor]:
        kinds = self._features.columns
        spec = {name: tf.io.VarLenFeature(STORED[kind]) for name, kind in kinds.items()}
        parsed = tf.io.parse_example(examples, spec)
        with tf.control_dependencies([_are_single(list(parsed.values()))]):
            return {name: _present(column) for name, column in parsed.items()}

    def _predict(self, raw: dict[str, tf.SparseTensor]) -> tf.Tensor:
        transformed = self._transform(raw)
        inputs = {name: transformed[name] for name in self._network().input}
        return self._objective.prediction(self._network()(inputs, training=False))

    def _answer(self, predictions: tf.Tensor) -> Tensors:
        if self._features.task == "regression":
            return {"prediction": predictions[:, 0]}
        names = tf.constant(self._features.classes)
        if self._features.task == "binary":
            chosen = tf.cast(predictions[:, 0] >= self._threshold, tf.int32)
            return {"probability": predictions[:, 0], "class": tf.gather(names, chosen)}
        return {
            "probabilities": predictions,
            "classes": self._every_class(predictions),
            "class": tf.gather(names, tf.argmax(predictions, axis=1)),
            "probability": tf.reduce_max(predictions, axis=1),
        }


def _name_methods(directory: str, names: Iterable[str]) -> None:
    """Gives signatures their methods; saving knows but the one of prediction."""
    updater = tf.compat.v1.saved_model.signature_def_utils.MethodNameUpdater(directory)
    for name in names:
        updater.replace_method_name(name, METHODS[name], tags="serve")
    updater.save()


def _traced(function: Callable[..., Any], given: Any) -> Any:
    # Nothing here branches on a tensor, and AutoGraph would rewrite all of TF Transform and Keras.
    return tf.function(function, autograph=False).get_concrete_function(given)


def _untracked(network: keras.Model) -> Callable[[], keras.Model]:
    """Keeps Keras' own objects out of the SavedModel; the variables are tracked apart."""
    return lambda: network


def _stored(values: tf.Tensor, kind: Kind) -> tf.SparseTensor:
    """Returns a column as a client sends it, the way that an Example would hold it."""
    if kind == "text":
        return as_column(values, ~_is_missing(values))
    present = tf.math.is_finite(values)
    return as_column(tf.cast(tf.where(present, values, 0), STORED[kind]), present)


def _present(column: tf.SparseTensor) -> tf.SparseTensor:
    """Returns a column of Examples without the texts that stand for missing values."""
    if column.dtype != tf.string:
        # A tensor of its own, for what must have run before it.
        return tf.SparseTensor(column.indices, tf.identity(column.values), column.dense_shape)
    return tf.sparse.retain(column, ~_is_missing(column.values))


def _is_missing(texts: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_full_match(texts, _SPELT_MISSING)


def _are_whole(columns: list[tf.Tensor]) -> tf.Operation:
    """Fails where a column of whole numbers has another one; NaN is missing."""
    values = tf.stack(columns) if len(columns) > 1 else columns[0]
    whole = tf.round(
        tf.raw_ops.ClipByValue(t=values, clip_value_min=-_MAX_WHOLE, clip_value_max=_MAX_WHOLE)
    )
    # Of NaN no comparison is true.
    others = tf.abs(values - whole) > 0
    return _check(~tf.reduce_any(others), "not all of the integers are whole numbers within ±2^53")


def _are_single(columns: list[tf.SparseTensor]) -> tf.Operation:
    """Fails where an Example has several values of a column."""
    most = tf.reduce_max(tf.stack([column.dense_shape[1] for column in columns]))
    return _check(most <= 1, "an Example has more than one value of a column")


def _check(holds: tf.Tensor, otherwise: str) -> tf.Operation:
    # Without the branch that `tf.debugging.Assert` puts around: a row would take longer.
    return tf.raw_ops.Assert(condition=holds, data=[otherwise])
