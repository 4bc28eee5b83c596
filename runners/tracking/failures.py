"""What goes wrong with a tool: a sentence, and never the end of whatever tells it."""

import logging
from collections.abc import Callable

log = logging.getLogger("beltline.tracking")


class NotTold(Exception):
    """A tool could not be told; the message holds no secret."""


def safely(key: str, told: str, call: Callable[[], object]) -> list[str]:
    """Calls a tool; returns what went wrong in a sentence, if anything did.

    Args:
      key: the tool's setting.
      told: what it is told of.
      call: what to call.
    """
    try:
        call()
    except NotTold as error:
        return [f"{key}: {told} was not reported: {error}"]
    except Exception as error:
        # An error of a library may quote a URL with its secret: only its type is for the log.
        log.debug("%s", key, exc_info=True)
        return [f"{key}: {told} was not reported: {_shown(error)}"]
    return []


def _shown(error: Exception) -> str:
    text = str(error).strip()
    return type(error).__name__ if "://" in text or not text else f"{type(error).__name__}: {text}"
