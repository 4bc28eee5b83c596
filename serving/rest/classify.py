"""The methods :classify and :regress: examples in, classes with scores or a value each out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from beltline.serving.options import Options
from beltline.serving.rest import json_outputs
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.request_body import check_properties, parse_json
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import Method, find_signature
from beltline.serving.rest.table_rows import RowParser, TableRows, check_number, sample
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import Signature

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

Array = np.ndarray[Any, Any]

_PROPERTIES = frozenset({"context", "examples", "signature_name"})


class Classify:
    """Responds to both methods, and hands the rows to the sampler."""

    def __init__(
        self, options: Options, served: ServedVersions, metrics: ServerMetrics, parsing: Parsing
    ) -> None:
        self.sampler: Sampler | None = None
        self._rows = RowParser(options, metrics)
        self._parsing = parsing
        self._max_rows = options.limits.max_rows
        self._served = served
        self._metrics = metrics

    async def respond(self, servable: Servable, method: Method, body: bytes) -> bytes:
        """Returns the JSON of the response.

        Raises:
          HttpError: the request is invalid, or the version has no signature for it.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `ServedVersions.run`.
        """
        parse = partial(self._parse, servable, method, body)
        signature, rows = await self._parsing.run(len(body), parse)
        outputs = await self._served.run(servable, signature.name, rows.inputs, rows.number)
        self._metrics.count_rows(rows.number)
        if self.sampler is not None:
            sample(self.sampler, servable, signature, rows, outputs)
        shape = classes if method == "classify" else values
        return json_outputs.results(shape(outputs, rows.number), servable.number, outputs)

    def _parse(
        self, servable: Servable, method: Method, body: bytes
    ) -> tuple[Signature, TableRows]:
        """Returns the signature that is addressed, and its rows."""
        document = parse_json(body)
        check_properties(document, _PROPERTIES)
        signature = find_signature(servable, method, document)
        examples = document.get("examples")
        if isinstance(examples, list):
            check_number(len(examples), self._max_rows)
        return signature, self._rows.from_examples(servable, signature, document)


def classes(outputs: dict[str, Array], rows: int) -> list[Any]:
    """Returns `[label, score]` for each class of each row; a label is empty if there is none.

    Raises:
      HttpError: the outputs are not those of a classification.
    """
    found = {name: outputs[name] for name in ("classes", "scores") if name in outputs}
    if not found:
        raise bad_request(
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores".'
        )
    for name, array in found.items():
        if array.ndim != 2:
            raise bad_request(
                f"Expected Tensor shape: [batch_size num_classes] but got {list(array.shape)}"
            )
        if len(array) != rows:
            raise bad_request(f"Expected {name} output batch size of {rows}. Got: {len(array)}")
    shape = next(iter(found.values())).shape
    labels = json_outputs.values(found.get("classes", np.full(shape, b"", object)))
    scores = found.get("scores", np.zeros(shape, np.float32))
    return [
        [[label, score] for label, score in zip(*row, strict=True)]
        for row in zip(labels, scores, strict=True)
    ]


def values(outputs: dict[str, Array], rows: int) -> list[Any]:
    """Returns the value of each row.

    Raises:
      HttpError: the outputs are not those of a regression.
    """
    if "outputs" not in outputs:
        raise bad_request('Expected regression signature outputs to contain "outputs".')
    array = outputs["outputs"]
    if array.shape not in ((rows,), (rows, 1)):
        raise bad_request(
            f"Expected Tensor shape: [batch_size] or [batch_size, 1] but got {list(array.shape)}"
        )
    return json_outputs.values(array.reshape(rows))
