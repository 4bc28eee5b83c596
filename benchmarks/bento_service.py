"""The exported model as a BentoML service, as its users would write it: plainly, and in batches.

Started by `rest_servers.py` in BentoML's own environment, where nothing of Beltline is installed;
`MODEL` in the environment is the folder of the SavedModel.
"""

import math
import os
from typing import Any

import bentoml
import numpy as np
import tensorflow as tf


@bentoml.service(workers=1, traffic={"timeout": 30, "max_concurrency": 512})
class Model:
    """Answers rows of named columns."""

    def __init__(self) -> None:
        self._model = tf.saved_model.load(os.environ["MODEL"])
        self._predict = self._model.signatures["serving_default"]
        self._inputs = self._predict.structured_input_signature[1]

    @bentoml.api(batchable=True, max_batch_size=256, max_latency_ms=1000)
    def batched(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns an answer for each row; BentoML joins the requests that come together."""
        return self._answers(instances)

    @bentoml.api
    def plain(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Returns an answer for each row, each request by itself."""
        return self._answers(instances)

    def _answers(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        columns = {
            name: tf.constant(_column(instances, name, spec.dtype))
            for name, spec in self._inputs.items()
        }
        answers = {name: value.numpy().tolist() for name, value in self._predict(**columns).items()}
        return [
            {name: _text(values[row]) for name, values in answers.items()}
            for row in range(len(instances))
        ]


def _column(rows: list[dict[str, Any]], name: str, dtype: tf.DType) -> Any:
    values = [row[name] for row in rows]
    if dtype == tf.string:
        return np.array(values, object)
    return np.array([math.nan if each is None else each for each in values], dtype.as_numpy_dtype)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
