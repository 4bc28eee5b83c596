"""The method :predict: rows or columns in, the signature's outputs out.

A small request is parsed on the event loop, which takes some microseconds. A large one is parsed in
a thread, one at a time, so that others are answered meanwhile and memory stays bounded.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beltline.serving.options import Options
from beltline.serving.rest import json_outputs
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.request_body import check_properties, parse_json
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.serving.rest.table_rows import RowParser, TableRows, sample
from beltline.serving.servables.servable import Servable
from beltline.serving.servables.served import ServedVersions
from beltline.serving.servables.signature import Signature

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

_PROPERTIES = frozenset({"inputs", "instances", "signature_name"})
# Bytes; a body of this size is parsed in about a millisecond.
_LARGE = 2**16


@dataclass(frozen=True, slots=True)
class _PredictRequest:
    signature: Signature
    rows: TableRows
    by_rows: bool


class Predict:
    """Responds to :predict, and hands the rows to the sampler."""

    def __init__(self, options: Options, served: ServedVersions, metrics: ServerMetrics) -> None:
        self.sampler: Sampler | None = None
        self._max_rows = options.limits.max_rows
        self._served = served
        self._metrics = metrics
        self._rows = RowParser(options, metrics)
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
        signature, rows = request.signature, request.rows
        outputs = await self._served.run(servable, signature.name, rows.inputs, rows.number)
        self._metrics.count_rows(rows.number)
        if self.sampler is not None:
            sample(self.sampler, servable, signature, rows, outputs)
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
        if "instances" in document:
            self._check_rows(document["instances"])
            rows = self._rows.from_instances(servable, signature, document["instances"])
        elif "inputs" in document:
            rows = self._rows.from_columns(servable, signature, document["inputs"])
        else:
            raise bad_request("Missing 'inputs' or 'instances' key")
        self._check_rows(range(rows.number))
        return _PredictRequest(signature, rows, "instances" in document)

    def _check_rows(self, rows: Any) -> None:
        if isinstance(rows, list | range) and len(rows) > self._max_rows:
            raise bad_request(f"the request has {len(rows)} rows; at most {self._max_rows} allowed")
