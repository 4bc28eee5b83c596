"""The `parameters` of a request, an input or an output.

Each server has its own, so unknown ones are ignored. Not those which say that the values are
elsewhere, or that the answer is to be another one: without what they ask for, it would be wrong.
"""

from collections.abc import Mapping
from typing import Any

from beltline.serving.rest.request_body import shown
from beltline.serving.rest.responses import bad_request

_UNSUPPORTED = frozenset(
    {
        "classification",
        "shared_memory_byte_size",
        "shared_memory_offset",
        "shared_memory_region",
    }
)


def parameters_of(given: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Returns the parameters of an object; `of` is what the object is, for the message.

    Raises:
      HttpError: they are not an object, or one is not supported.
    """
    found = given.get("parameters")
    if found is None:
        return {}
    if type(found) is not dict:
        raise bad_request(f"{of}: 'parameters' is not an object but {shown(found)}")
    unsupported = sorted(_UNSUPPORTED & found.keys())
    if unsupported:
        raise bad_request(f"{of}: parameter '{unsupported[0]}' is not supported")
    return found


def flag(parameters: Mapping[str, Any], name: str, default: bool) -> bool:
    """Returns a parameter that is true or false.

    Raises:
      HttpError: it is neither.
    """
    found = parameters.get(name, default)
    if type(found) is not bool:
        raise bad_request(f"parameter '{name}' is {shown(found)}; allowed: true, false")
    return found
