"""Answers :classify and :regress: examples in, classes with scores or a value each out."""

from typing import Any

import numpy as np

from beltline.serving.options import Options
from beltline.serving.rest import json_answers
from beltline.serving.rest.addresses import Method
from beltline.serving.rest.errors import wrong
from beltline.serving.rest.json_document import document
from beltline.serving.rest.methods import signature
from beltline.serving.rest.metrics import Metrics
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.served import Served

Array = np.ndarray[Any, Any]


class Classify:
    """Answers both methods."""

    def __init__(self, options: Options, served: Served, metrics: Metrics) -> None:
        self._options = options
        self._served = served
        self._metrics = metrics

    async def answer(self, loaded: Loaded, method: Method, body: bytes) -> bytes:
        """Returns the JSON that answers a request.

        Raises:
          Refused: the request is wrong, or the version has no signature for it.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `Served.ask`.
        """
        from beltline.serving.rest.examples import serialized  # TensorFlow, with it

        found = document(body)
        asked = signature(loaded, method, found)
        examples = found.get("examples")
        if isinstance(examples, list) and len(examples) > self._options.max_rows:
            most = self._options.max_rows
            raise wrong(
                f"The request has {len(examples)} rows; at most {most} are answered at once"
            )
        array = serialized(found, _kinds(loaded))
        inputs = {next(iter(asked.inputs)): array}
        outputs = await self._served.ask(loaded, asked.name, inputs, len(array))
        self._metrics.answered_rows(len(array))
        shape = _classes if method == "classify" else _values
        return json_answers.results(shape(outputs, len(array)), loaded.number, outputs)


def _kinds(loaded: Loaded) -> dict[str, str]:
    columns = loaded.version.problem.get("columns")
    return columns if isinstance(columns, dict) else {}


def _classes(outputs: dict[str, Array], rows: int) -> list[Any]:
    """Returns `[label, score]` for each class of each row; a label is empty if there is none."""
    found = {name: outputs[name] for name in ("classes", "scores") if name in outputs}
    if not found:
        raise wrong(
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores".'
        )
    for name, array in found.items():
        if array.ndim != 2:
            raise wrong(
                f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
            )
        if len(array) != rows:
            raise wrong(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    shape = next(iter(found.values())).shape
    labels = json_answers.values(found.get("classes", np.full(shape, b"", object)))
    scores = found.get("scores", np.zeros(shape, np.float32))
    return [
        [[label, score] for label, score in zip(*row, strict=True)]
        for row in zip(labels, scores, strict=True)
    ]


def _values(outputs: dict[str, Array], rows: int) -> list[Any]:
    if "outputs" not in outputs:
        raise wrong('Expected regression signature outputs to contain "outputs".')
    array = outputs["outputs"]
    if array.shape not in ((rows,), (rows, 1)):
        raise wrong(
            f"Expected Tensor shape: [batch_size] or [batch_size, 1] but got {list(array.shape)}"
        )
    return json_answers.values(array.reshape(rows))
