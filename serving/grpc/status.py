"""Errors as gRPC's codes: those that TensorFlow Serving has for the same mistake."""

import grpc

from beltline.serving.rest.responses import HttpError, as_http_error

# Characters: a message is sent as a header, and clients take 8 KiB of them.
_MAX_MESSAGE = 2_000
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    404: grpc.StatusCode.NOT_FOUND,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


class CallError(Exception):
    """A call that ends with a code; the message is for the caller."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def as_call_error(error: Exception) -> CallError:
    """Returns what a call ends with; INTERNAL for a fault of the model or of ours."""
    if isinstance(error, CallError):
        found = error
    else:
        known = error if isinstance(error, HttpError) else as_http_error(error)
        if known is None:
            why = "internal server error; the server's log says why"
            return CallError(grpc.StatusCode.INTERNAL, why)
        found = CallError(_CODES.get(known.status, grpc.StatusCode.INTERNAL), str(known))
    # Half a surrogate pair can't be sent.
    message = str(found)[:_MAX_MESSAGE].encode("utf-8", "backslashreplace").decode("utf-8")
    return CallError(found.code, message)
