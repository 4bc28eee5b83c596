"""A call: who may ask, what is asked, and what it ends with.

What answers needs TensorFlow's protos. They are imported in a thread while the server starts, since
that takes seconds; a call that comes before waits for them.

A unary method is handled as a stream of one message: on the wire both are the same, and the message
is not received before there is a place for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import grpc
from google.protobuf.message import DecodeError

from beltline.serving.grpc.receiving import Receiver
from beltline.serving.grpc.status import CallError, as_call_error
from beltline.serving.options import Options
from beltline.serving.rest.app import Application
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.routing import ServingMethod
from beltline.serving.rest.table_rows import RowParser, sample
from beltline.serving.servables.served import ServedVersions
from beltline.serving.token import TOKEN_REQUIRED, is_authorized

if TYPE_CHECKING:
    from beltline.serving.grpc.classify import Classification
    from beltline.serving.grpc.predict import Prediction

SERVICES: dict[str, dict[str, ServingMethod]] = {
    "tensorflow.serving.PredictionService": {
        "Predict": "predict",
        "Classify": "classify",
        "Regress": "regress",
        "GetModelMetadata": "metadata",
    },
    "tensorflow.serving.ModelService": {"GetModelStatus": "status"},
}
"""The methods of each service, and what each is called over REST."""

_LOG = logging.getLogger("beltline.serving")
_CANCELLED = "CANCELLED"


class Calls:
    """Answers the calls of one server, by the rules of its REST side."""

    def __init__(self, options: Options, served: ServedVersions, app: Application) -> None:
        self._token = options.token
        self._max_rows = options.limits.max_rows
        self._served = served
        self._app = app
        self._models = ModelInfo(options.name, served)
        self._rows = RowParser(options, app.metrics)
        self._receiver = Receiver(app.bodies, options.limits.timeout_seconds)
        loop = asyncio.get_running_loop()
        self._imported = loop.run_in_executor(None, _import_protos, served)

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Returns the handlers of all services; they take and return messages as bytes."""
        return [
            grpc.method_handlers_generic_handler(
                service,
                {
                    name: grpc.stream_unary_rpc_method_handler(partial(self._handle, method))
                    for name, method in methods.items()
                },
            )
            for service, methods in SERVICES.items()
        ]

    async def _handle(self, method: ServingMethod, _: Any, context: Any) -> bytes:
        started = time.perf_counter()
        code = _CANCELLED
        try:
            response = await self._respond(method, context)
            code = grpc.StatusCode.OK.name
        except Exception as error:
            failed = as_call_error(error)
            if failed.code == grpc.StatusCode.INTERNAL:
                _LOG.error("a call failed", exc_info=error)
            code = failed.code.name
            # Before the caller hears of it, as over REST.
            self._count(method, code, started)
            await context.abort(failed.code, str(failed))
            raise
        except asyncio.CancelledError:
            self._count(method, code, started)
            raise
        self._count(method, code, started)
        return response

    def _count(self, method: ServingMethod, code: str, started: float) -> None:
        self._app.metrics.count_request(f"grpc {method}", code, time.perf_counter() - started)

    async def _respond(self, method: ServingMethod, context: Any) -> bytes:
        if self._token:
            self._check_token(context)
        message = await self._receiver.receive(context)
        try:
            await asyncio.shield(self._imported)
            if method == "metadata" or method == "status":  # noqa: PLR1714 # mypy tells the types
                return self._describe(method, message)
            parse = partial(self._parse, method, message)
            return await self._run(await self._app.parsing.run(len(message), parse))
        except DecodeError:
            raise CallError(
                grpc.StatusCode.INVALID_ARGUMENT, "the message is not one of this method"
            ) from None
        finally:
            self._receiver.release(message)

    def _describe(self, method: Literal["metadata", "status"], message: bytes) -> bytes:
        from beltline.serving.grpc import model_info  # imports TensorFlow

        if method == "metadata":
            return model_info.metadata(self._models, message)
        return model_info.status(self._models, message)

    async def _run(self, asked: Prediction | Classification) -> bytes:
        servable, signature, rows = asked.servable, asked.signature, asked.rows
        outputs = await self._served.run(servable, signature.name, rows.inputs, rows.number)
        self._app.metrics.count_rows(rows.number)
        sampler = self._app.metrics.sampler
        if sampler is not None:
            sample(sampler, servable, signature, rows, outputs)
        return asked.response(outputs)

    def _parse(
        self, method: Literal["predict", "classify", "regress"], message: bytes
    ) -> Prediction | Classification:
        from beltline.serving.grpc import classify, predict  # imports TensorFlow

        if method == "predict":
            return predict.parse(self._models, self._rows, self._max_rows, message)
        return classify.parse(self._models, self._rows, self._max_rows, method, message)

    def _check_token(self, context: Any) -> None:
        metadata = context.invocation_metadata() or ()
        given = next((value for name, value in metadata if name == "authorization"), "")
        if not is_authorized(given.encode() if isinstance(given, str) else given, self._token):
            raise CallError(grpc.StatusCode.UNAUTHENTICATED, TOKEN_REQUIRED)


def _import_protos(served: ServedVersions) -> None:
    served.wait_for_tensorflow()
    from beltline.serving.grpc import classify, model_info, predict  # noqa: F401 - here for what it costs
