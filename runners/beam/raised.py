"""A worker's error as the exception that it was, from the traceback that an engine reports."""

import re

from beltline.base import errors
from beltline.base.errors import BeltlineError

# As Python writes it after the lines of a traceback; a message may have several lines.
_RAISED = re.compile(r"^beltline\.base\.errors\.(\w+): (.*?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
# What Beam adds to a message.
_WHERE = re.compile(r" \[while running .*", re.DOTALL)


def as_raised(text: str) -> BeltlineError | None:
    """Returns the error of ours that a worker's traceback ends in; None for any other."""
    for name, message in reversed(_RAISED.findall(text)):
        kind = getattr(errors, name, None)
        if isinstance(kind, type) and issubclass(kind, BeltlineError):
            return kind(_WHERE.sub("", message).strip())
    return None
