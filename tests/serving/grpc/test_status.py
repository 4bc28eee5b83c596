import grpc
import pytest

from beltline.serving.grpc.status import CallError, as_call_error
from beltline.serving.rest.responses import HttpError
from beltline.serving.servables.errors import Overloaded, TimedOut
from beltline.versions.loaded.errors import ModelFailed, WrongValues


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (HttpError(400, "x"), "INVALID_ARGUMENT"),
        (HttpError(404, "x"), "NOT_FOUND"),
        (HttpError(503, "x"), "UNAVAILABLE"),
        (WrongValues("x"), "INVALID_ARGUMENT"),
        (Overloaded("x"), "UNAVAILABLE"),
        (TimedOut("x"), "DEADLINE_EXCEEDED"),
        (ModelFailed("x"), "INTERNAL"),
        (CallError(grpc.StatusCode.FAILED_PRECONDITION, "x"), "FAILED_PRECONDITION"),
    ],
)
def test_codes(error, code):
    found = as_call_error(error)
    assert (found.code.name, str(found)) == (code, "x")


def test_an_unknown_error_says_nothing_of_itself():
    found = as_call_error(ValueError("a secret"))
    assert found.code == grpc.StatusCode.INTERNAL
    assert "secret" not in str(found)


def test_a_message_is_cut_and_can_be_sent():
    message = str(as_call_error(HttpError(400, "\ud800" + "x" * 5_000)))
    assert message.encode().startswith(b"\\ud800x")
    assert len(message) < 2_100
