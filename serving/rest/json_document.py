"""A request's body as JSON, with the tokens that TensorFlow Serving knows besides: NaN, Infinity.

The quick parser takes plain JSON alone; a body with such a token goes through Python's own.
"""

import json
import re
import reprlib
from typing import Any

import orjson

from beltline.serving.rest.errors import wrong

_MOST_SHOWN = 400
_TOKENS = re.compile(rb"NaN|Infinity")


def document(body: bytes) -> dict[str, Any]:
    """Returns the object that the body is; of a key that is given twice, the last value.

    Raises:
      Refused: it is no JSON, or no object.
    """
    if not body:
        raise wrong("JSON Parse error: The document is empty")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if not _TOKENS.search(body):
            raise wrong(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
        found = _with_tokens(body)
    if not isinstance(found, dict):
        raise wrong(f"JSON Value: {shown(found)} Is not object")
    return found


def _with_tokens(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise wrong(f"JSON Parse error: {error.msg} at offset: {error.pos}") from None
    except ValueError as error:
        # Not UTF-8, or a number of thousands of digits.
        raise wrong(f"JSON Parse error: {error}") from None
    except RecursionError:
        raise wrong("JSON Parse error: nested too deep") from None


def shown(value: Any) -> str:
    """Returns a JSON value for a message, cut to a few items and characters."""
    text = _SHOWN.repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


class _Json(reprlib.Repr):
    """Writes values as JSON does, not as Python."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxdict = self.maxlist = 8

    def repr_str(self, value: str, level: int) -> str:
        return json.dumps(value if len(value) <= 60 else f"{value[:60]}…", ensure_ascii=False)

    def repr_bool(self, value: bool, level: int) -> str:
        return "true" if value else "false"

    def repr_NoneType(self, value: None, level: int) -> str:  # noqa: N802 # reprlib's own naming
        return "null"

    def repr_float(self, value: float, level: int) -> str:
        return json.dumps(value)


_SHOWN = _Json()
