"""Predict: columns as tensors in, the signature's outputs out."""

from collections.abc import Sequence
from dataclasses import dataclass

from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse

from beltline.serving.grpc.message_size import check_size
from beltline.serving.grpc.model_info import answered_by, check_signature, check_spec, route
from beltline.serving.grpc.tensors import ProtoTensor, to_proto
from beltline.serving.rest.model_info import ModelInfo
from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request
from beltline.serving.rest.routing import find_signature
from beltline.serving.rest.table_rows import RowParser, TableRows
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import NamedArrays, Signature


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a call asks for, and of which version."""

    request: PredictRequest
    servable: Servable
    signature: Signature
    rows: TableRows

    def response(self, outputs: NamedArrays) -> bytes:
        """Returns the PredictResponse."""
        spec = answered_by(self.request.model_spec, self.servable, self.signature.name)
        response = PredictResponse(model_spec=spec)
        for name in self.request.output_filter or outputs:
            response.outputs[name].CopyFrom(to_proto(outputs[name]))
        encoded: bytes = response.SerializeToString()
        return encoded


def parse(models: ModelInfo, rows: RowParser, max_rows: int, message: bytes) -> Prediction:
    """Returns what a PredictRequest asks for.

    Raises:
      HttpError: it is invalid, or the version is not in memory.
      CallError: the version hasn't the signature.
      DecodeError: it is no PredictRequest.
    """
    check_size(message, PredictRequest.DESCRIPTOR)
    request = PredictRequest.FromString(message)
    check_spec(request)
    spec = request.model_spec
    servable = models.servable(route("predict", spec))
    check_signature(spec, servable)
    signature = find_signature(servable, "predict", {"signature_name": spec.signature_name})
    _check_filter(request.output_filter, signature)
    tensors = {name: ProtoTensor(proto) for name, proto in request.inputs.items()}
    for tensor in tensors.values():
        check_rows(tensor.rows, max_rows)
    found = rows.from_tensors(servable, signature, {**tensors})
    check_rows(found.number, max_rows)
    return Prediction(request, servable, signature, found)


def check_rows(rows: int, most: int) -> None:
    """Checks that a request has not too many rows.

    Raises:
      HttpError: it has.
    """
    if rows > most:
        raise bad_request(f"the request has {rows} rows; at most {most} allowed")


def _check_filter(names: Sequence[str], signature: Signature) -> None:
    for name in names:
        if name not in signature.outputs:
            raise bad_request(
                f"output tensor alias not found in signature: {shown(name)} Outputs expected to be "
                f"in the set {{{','.join(signature.outputs)}}}."
            )
    if len(set(names)) < len(names):
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise bad_request(f"duplicate output tensor alias: {twice}")
