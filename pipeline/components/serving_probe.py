"""Loads an exported model in a process of its own and answers real rows, as a server would.

Run as a script: it needs TensorFlow and nothing of ours, so that nothing of ours can help the
model along. `serving_probe.py MODEL RECORDS ANSWERS SCORES FIRST` reads serialized tf.Examples from
RECORDS (TFRecord) and asks about all of them. It writes the FIRST rows and the answers to them to
ANSWERS, and the answers to the others, where there is one value for a row, to SCORES (JSON both).
Exit code 1, with the reason as the last line, if the model doesn't load or its answers are no use.
"""

import gc
import json
import math
import sys
import traceback
from pathlib import Path
from typing import Any

# Without looking through what is loaded again and again, and without scikit-learn, which Keras
# loads wherever it is installed, TensorFlow is there a quarter sooner.
gc.disable()
sys.modules.update({"sklearn": None})  # type: ignore[dict-item]  # of None, an import fails

import numpy as np  # noqa: E402 - after the above
import tensorflow as tf  # noqa: E402 - after the above

Rows = dict[str, list[Any]]


def main(model: str, records: str, answers: str, scores: str, first: str) -> None:
    """Asks the model through both signatures and writes down what it answered."""
    examples = [record.numpy() for record in tf.data.TFRecordDataset(records)]
    if not examples:
        raise SystemExit("no rows to send to the model")
    loaded = tf.saved_model.load(model)
    for signature in ("serving_default", "examples"):
        if signature not in loaded.signatures:
            raise SystemExit(f"the model has no signature '{signature}'")
    inputs = loaded.signatures["serving_default"].structured_input_signature[1]
    columns = _columns_of_inputs(Path(model), list(inputs))
    parsed = [tf.train.Example.FromString(example) for example in examples]
    rows = {name: _column(parsed, columns[name], spec) for name, spec in inputs.items()}
    tensors = {name: tf.constant(rows[name], dtype=spec.dtype) for name, spec in inputs.items()}
    by_column = loaded.signatures["serving_default"](**tensors)
    by_example = loaded.signatures["examples"](examples=tf.constant(examples))
    for name, value in by_column.items():
        if name not in by_example:
            raise SystemExit(f"only the signature for named columns answers '{name}'")
        _check(name, value.numpy(), by_example[name].numpy(), len(examples))
    outputs = {name: value.numpy().tolist() for name, value in by_column.items()}
    told, count = _without_nan(rows), int(first)
    _write(answers, {"rows": _cut(told, 0, count), "answers": _cut(outputs, 0, count)})
    single = {name: outputs[name] for name, value in by_column.items() if value.shape.rank == 1}
    _write(scores, _cut(single, count, None))


def _write(file: str, recorded: Any) -> None:
    text = json.dumps(recorded, default=lambda value: value.decode())
    Path(file).write_text(text, encoding="utf-8")


def _cut(columns: Rows, start: int, end: int | None) -> Rows:
    return {name: values[start:end] for name, values in columns.items()}


def _without_nan(rows: Rows) -> Rows:
    """Returns the rows with None for NaN, which JSON does not have."""
    return {name: [_or_none(value) for value in values] for name, values in rows.items()}


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _columns_of_inputs(model: Path, inputs: list[str]) -> dict[str, str]:
    """Returns the data's column for each input; a model may say where the names differ."""
    names = model / "assets.extra" / "input_names.json"
    renamed = json.loads(names.read_text(encoding="utf-8")) if names.exists() else {}
    return {name: name for name in inputs} | {name: column for column, name in renamed.items()}


def _column(examples: list[Any], name: str, spec: Any) -> list[Any]:
    """Returns one value a row; where it is missing, NaN for a number and "" for a text."""
    values = []
    for example in examples:
        feature = example.features.feature[name]
        kind = feature.WhichOneof("kind")
        found = list(getattr(feature, kind).value) if kind else []
        if spec.dtype == tf.string:
            values.append(found[0].decode() if found else "")
        else:
            values.append(float(found[0]) if found else float("nan"))
    return values


def _check(name: str, by_column: Any, by_example: Any, rows: int) -> None:
    for answers in (by_column, by_example):
        if answers.shape[:1] != (rows,):
            raise SystemExit(f"'{name}' has answers of shape {answers.shape} to {rows} rows")
    if by_column.dtype.kind == "f":
        if not np.isfinite(by_column).all():
            raise SystemExit(f"'{name}' is not a finite number for some rows")
        if not np.allclose(by_column, by_example, rtol=1e-3, atol=1e-4):
            raise SystemExit(f"'{name}' differs between named columns and serialized examples")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:
        traceback.print_exc()
        # The reason is the last line, and TensorFlow's messages have many.
        raise SystemExit(f"{type(error).__name__}: {' '.join(str(error).split())[:500]}") from None
