"""What a caller is told instead of an answer: a status and a reason, as `{"error": "..."}`.

Statuses are those that TensorFlow Serving maps its own to: 400 for whatever is wrong with a
request, 404 for a model or a version that isn't there. A new kind of refusal is a `Refused` too.
"""

import orjson

from beltline.serving.rest.answer import Answer
from beltline.serving.servables.errors import ModelFailed, Overloaded, TimedOut, WrongValues

# Characters: a message may hold what the caller sent, or what TensorFlow says of it.
_MOST_SAID = 2_000


class Refused(Exception):
    """A request gets no answer; `status` is HTTP's, and the message is for the caller."""

    def __init__(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class Gone(Exception):
    """Whoever asked has closed the connection; nobody reads an answer."""


def wrong(message: str) -> Refused:
    """Returns the refusal of a request that is wrong in itself."""
    return Refused(400, message)


def busy(message: str) -> Refused:
    """Returns the refusal of a request that may be made again a little later."""
    return Refused(503, message, (b"retry-after", b"1"))


def answer(error: Refused) -> Answer:
    """Returns what the caller gets."""
    return Answer(error.status, body(str(error)), headers=error.headers)


def body(message: str) -> bytes:
    """Returns an error's JSON; half a surrogate pair in the message is written as its escape."""
    message = message[:_MOST_SAID].encode("utf-8", "backslashreplace").decode("utf-8")
    return orjson.dumps({"error": message})


def of_model(error: Exception) -> Refused | None:
    """Returns what it means for the caller that the model gave no answer; None if not known."""
    if isinstance(error, WrongValues):
        return wrong(str(error))
    if isinstance(error, Overloaded):
        return busy(str(error))
    if isinstance(error, TimedOut):
        return Refused(504, str(error))
    if isinstance(error, ModelFailed):
        return Refused(500, str(error))
    return None
