"""Classify and Regress: Examples in, classes with scores or a value each out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tensorflow.core.example.example_pb2 import Example
from tensorflow_serving.apis.classification_pb2 import (
    ClassificationRequest,
    ClassificationResponse,
)
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.regression_pb2 import RegressionRequest, RegressionResponse

from beltline.serving.grpc.message_size import check_size
from beltline.serving.grpc.model_info import answered_by, check_spec, route
from beltline.serving.grpc.predict import check_rows
from beltline.serving.rest import classify
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.serving.rest.table_rows import RowParser, TableRows
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import NamedArrays, Signature

ExampleMethod = Literal["classify", "regress"]


@dataclass(frozen=True, slots=True)
class Classification:
    """What a call of either method asks for, and of which version."""

    method: ExampleMethod
    request: ClassificationRequest | RegressionRequest
    servable: Servable
    signature: Signature
    rows: TableRows

    def response(self, outputs: NamedArrays) -> bytes:
        """Returns the ClassificationResponse or RegressionResponse.

        Raises:
          HttpError: the outputs are not those of such a signature.
        """
        spec = answered_by(self.request.model_spec, self.servable, self.signature.name)
        if self.method == "classify":
            response = ClassificationResponse(model_spec=spec)
            for row in classify.classes(outputs, self.rows.number):
                found = response.result.classifications.add()
                for label, score in row:
                    found.classes.add(label=label, score=float(score))
        else:
            response = RegressionResponse(model_spec=spec)
            for value in classify.values(outputs, self.rows.number):
                response.result.regressions.add(value=float(value))
        encoded: bytes = response.SerializeToString()
        return encoded


def parse(
    models: ModelInfo, rows: RowParser, max_rows: int, method: ExampleMethod, message: bytes
) -> Classification:
    """Returns what a ClassificationRequest or RegressionRequest asks for.

    Raises:
      HttpError: it is invalid, or the version has no signature for it or is not in memory.
      DecodeError: it is no such request.
    """
    kind = ClassificationRequest if method == "classify" else RegressionRequest
    check_size(message, kind.DESCRIPTOR)
    request = kind.FromString(message)
    check_spec(request)
    spec = request.model_spec
    servable = models.servable(route(method, spec))
    signature = find_signature(servable, method, {"signature_name": spec.signature_name})
    examples, context = _examples(request.input)
    check_rows(len(examples), max_rows)
    found = rows.from_example_protos(servable, signature, examples, context)
    return Classification(method, request, servable, signature, found)


def _examples(given: Input) -> tuple[Sequence[Example], Example | None]:
    """Returns the examples, and what they have in common."""
    context = None
    found = given.example_list.examples
    if given.WhichOneof("kind") == "example_list_with_context":
        context = given.example_list_with_context.context
        found = given.example_list_with_context.examples
    if not found:
        raise bad_request("Input is empty.")
    return found, context
