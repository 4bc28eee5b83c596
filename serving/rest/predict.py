"""The method :predict: rows or columns in, the signature's outputs out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from beltline.serving.options import Options
from beltline.serving.rest import json_outputs
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.request_body import check_properties, parse_json
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.serving.rest.table_rows import RowParser, TableRows, check_number, sample
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import Signature

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler

_PROPERTIES = frozenset({"inputs", "instances", "signature_name"})


@dataclass(frozen=True, slots=True)
class _PredictRequest:
    signature: Signature
    rows: TableRows
    by_rows: bool


class Predict:
    """Responds to :predict, and hands the rows to the sampler."""

    def __init__(
        self, options: Options, served: ServedVersions, metrics: ServerMetrics, parsing: Parsing
    ) -> None:
        self.sampler: Sampler | None = None
        self._max_rows = options.limits.max_rows
        self._served = served
        self._metrics = metrics
        self._rows = RowParser(options, metrics)
        self._parsing = parsing

    async def respond(self, servable: Servable, body: bytes) -> bytes:
        """Returns the JSON of the response.

        Raises:
          HttpError: the request is invalid.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `ServedVersions.run`.
        """
        request = await self._parsing.run(len(body), partial(self._parse, servable, body))
        signature, rows = request.signature, request.rows
        outputs = await self._served.run(servable, signature.name, rows.inputs, rows.number)
        self._metrics.count_rows(rows.number)
        if self.sampler is not None:
            sample(self.sampler, servable, signature, rows, outputs)
        if request.by_rows:
            return json_outputs.rows(outputs, servable.number)
        return json_outputs.columns(outputs, servable.number)

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
            columns = document["inputs"]
            for column in columns.values() if isinstance(columns, dict) else [columns]:
                self._check_rows(column)
            rows = self._rows.from_columns(servable, signature, columns)
        else:
            raise bad_request("Missing 'inputs' or 'instances' key")
        check_number(rows.number, self._max_rows)
        return _PredictRequest(signature, rows, "instances" in document)

    def _check_rows(self, rows: Any) -> None:
        if isinstance(rows, list):
            check_number(len(rows), self._max_rows)
