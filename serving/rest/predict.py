"""The method :predict: rows or columns in, the signature's outputs out.

A small request is parsed on the event loop, which takes some microseconds. A large one is parsed in
a thread, one at a time, so that others are answered meanwhile and memory stays bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from beltline.serving.options import Options
from beltline.serving.rest import json_outputs
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.predict_inputs import InputParser
from beltline.serving.rest.request_body import check_properties, parse_json
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.serving.servables.servable import Servable
from beltline.serving.servables.served import ServedVersions
from beltline.serving.servables.signature import DEFAULT_SIGNATURE, Signature

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

Array = np.ndarray[Any, Any]

_PROPERTIES = frozenset({"inputs", "instances", "signature_name"})
# Bytes; a body of this size is parsed in about a millisecond.
_LARGE = 2**16


@dataclass(frozen=True, slots=True)
class _PredictRequest:
    signature: Signature
    inputs: dict[str, Array]
    keys: list[str] | None
    by_rows: bool

    @property
    def rows(self) -> int:
        first = next(iter(self.inputs.values()))
        return len(first) if first.ndim else 1


class Predict:
    """Responds to :predict, and hands the rows to the sampler."""

    def __init__(self, options: Options, served: ServedVersions, metrics: ServerMetrics) -> None:
        self.sampler: Sampler | None = None
        self._max_rows = options.limits.max_rows
        self._key = options.sampling.key
        self._served = served
        self._metrics = metrics
        self._parsers: WeakKeyDictionary[Servable, dict[str, InputParser]] = WeakKeyDictionary()
        self._thread = ThreadPoolExecutor(1, "parse-request")

    async def respond(self, servable: Servable, body: bytes) -> bytes:
        """Returns the JSON of the response.

        Raises:
          HttpError: the request is invalid.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `ServedVersions.run`.
        """
        if len(body) < _LARGE:
            request = self._parse(servable, body)
        else:
            loop = asyncio.get_running_loop()
            request = await loop.run_in_executor(self._thread, self._parse, servable, body)
        name = request.signature.name
        outputs = await self._served.run(servable, name, request.inputs, request.rows)
        self._metrics.count_rows(request.rows)
        if self.sampler is not None and name == DEFAULT_SIGNATURE:
            _sample(self.sampler, servable, request, outputs)
        if request.by_rows:
            return json_outputs.rows(outputs, servable.number)
        return json_outputs.columns(outputs, servable.number)

    def close(self) -> None:
        """Ends the thread that parses large requests."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _parse(self, servable: Servable, body: bytes) -> _PredictRequest:
        document = parse_json(body)
        check_properties(document, _PROPERTIES)
        signature = find_signature(servable, "predict", document)
        if "instances" in document and "inputs" in document:
            raise bad_request(
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys"
            )
        parser = self._parser(servable, signature)
        if "instances" in document:
            self._check_rows(document["instances"])
            inputs, keys = parser.from_rows(document["instances"])
        elif "inputs" in document:
            inputs, keys = parser.from_columns(document["inputs"])
        else:
            raise bad_request("Missing 'inputs' or 'instances' key")
        request = _PredictRequest(signature, inputs, keys, "instances" in document)
        self._check_rows(range(request.rows))
        return request

    def _parser(self, servable: Servable, signature: Signature) -> InputParser:
        known = self._parsers.setdefault(servable, {})
        if signature.name not in known:
            known[signature.name] = InputParser(signature, self._key)
        return known[signature.name]

    def _check_rows(self, rows: Any) -> None:
        if isinstance(rows, list | range) and len(rows) > self._max_rows:
            raise bad_request(f"the request has {len(rows)} rows; at most {self._max_rows} allowed")


def _sample(
    sampler: Sampler, servable: Servable, request: _PredictRequest, outputs: Mapping[str, Array]
) -> None:
    names = request.signature.columns
    columns = {names.get(name, name): array for name, array in request.inputs.items()}
    answers = {
        name: array
        for name, array in outputs.items()
        if array.ndim in (1, 2) and len(array) == request.rows
    }
    sampler.take(servable.number, columns, answers, request.keys)
