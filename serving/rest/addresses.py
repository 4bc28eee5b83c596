"""What a path asks for: a model, maybe a version or a label, and what to do with it.

The paths are TensorFlow Serving's, with its messages for whatever is none of them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote

from beltline.serving.rest.errors import wrong

Method = Literal["predict", "classify", "regress", "metadata", "status"]

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_ASK = re.compile(rf"{_MODEL}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_LOOK = re.compile(rf"{_MODEL}(?:/(?P<method>metadata))?", re.IGNORECASE)
_MOST_VERSION = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Address:
    """A model and what is asked of it; without version and label it is the live one."""

    method: Method
    name: str
    version: int | None = None
    label: str | None = None

    @property
    def wanted(self) -> str:
        """How TensorFlow Serving writes the model and the version."""
        if self.version is None:
            return f"Latest({self.name})"
        return f"Specific({self.name}, {self.version})"


@lru_cache(256)
def address(http_method: str, path: str) -> Address:
    """Returns what a path below `/v1/` asks for; `path` is as it was sent, with its escapes.

    Raises:
      Refused: there is no such path for that HTTP method.
    """
    pattern = {"POST": _ASK, "GET": _LOOK, "HEAD": _LOOK}.get(http_method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        if http_method == "GET" and path.rstrip("/").lower() == "/v1/models":
            raise wrong("Missing model name in request.")
        raise wrong(f"Malformed request: {http_method} {path}")
    label = found["label"]
    return Address(
        method=(found["method"] or "status").lower(),  # type: ignore[arg-type] # one of the pattern
        name=unquote(found["name"]),
        version=_number(found["version"]),
        label=None if label is None else unquote(label),
    )


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    # Python refuses to read thousands of digits.
    if len(text) > 4_000 or int(text) > _MOST_VERSION:
        raise wrong(f"Failed to convert version: {text[:40]} to numeric.")
    return int(text)
