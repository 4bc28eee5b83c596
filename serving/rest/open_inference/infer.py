"""The method infer: tensors of columns in, the signature's outputs out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from beltline.serving.options import Options
from beltline.serving.rest.metrics import ServerMetrics
from beltline.serving.rest.open_inference.request import InferRequest, parse_request, split
from beltline.serving.rest.open_inference.response import response
from beltline.serving.rest.parsing import Parsing
from beltline.serving.rest.responses import Response
from beltline.serving.rest.table_rows import RowParser, TableRows, check_number, sample
from beltline.serving.servables.served import ServedVersions
from beltline.versions.loaded.servable import Servable

if TYPE_CHECKING:
    from beltline.serving.samples.sampler import Sampler


class Infer:
    """Responds to infer, and hands the rows to the sampler."""

    def __init__(
        self, options: Options, served: ServedVersions, metrics: ServerMetrics, parsing: Parsing
    ) -> None:
        self.sampler: Sampler | None = None
        self._name = options.name
        self._max_rows = options.limits.max_rows
        self._served = served
        self._metrics = metrics
        self._rows = RowParser(options, metrics)
        self._parsing = parsing

    async def respond(
        self, servable: Servable, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> Response:
        """Returns the response.

        Raises:
          HttpError: the request is invalid.
          WrongValues, Overloaded, TimedOut, ModelFailed: see `ServedVersions.run`.
        """
        parse = partial(self._parse, servable, body, headers)
        request, rows = await self._parsing.run(len(body), parse)
        name = request.signature.name
        outputs = await self._served.run(servable, name, rows.inputs, rows.number)
        self._metrics.count_rows(rows.number)
        if self.sampler is not None:
            sample(self.sampler, servable, request.signature, rows, outputs)
        return response(request, self._name, servable.number, outputs)

    def _parse(
        self, servable: Servable, body: bytes, headers: Iterable[tuple[bytes, bytes]]
    ) -> tuple[InferRequest, TableRows]:
        parts = split(body, headers)
        # The values are not kept: the arrays alone wait for the model.
        request, columns = parse_request(servable, self._name, parts, self._max_rows)
        rows = self._rows.from_columns(servable, request.signature, columns)
        check_number(rows.number, self._max_rows)
        return request, rows
