"""How much a body holds, before it is parsed: the parser lets no other thread run meanwhile.

16 MiB of empty lists are millions of objects, which would take a second of everybody's time and
half a gigabyte. A table's rows of the same size are far fewer. NumPy counts them in milliseconds,
and lets other threads run.
"""

from typing import Any

import numpy as np

from beltline.serving.rest.responses import HttpError, bad_request

MAX_VALUES = 2**20
"""The values in a request; as parsing goes, an object or a list is as much as four of them."""
MAX_NAMES = 2**17
"""The names in one object: of so many, looking up each takes longer than parsing it."""
CONTAINER = 4
# Bytes: a smaller body can't hold so many, up to brackets alone.
_SMALL = 2**18
_QUOTE, _COMMA, _COLON, _BACKSLASH = b'",:\\'
_OPEN, _CLOSE = b"[{", b"]}"

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def check_size(body: bytes) -> None:
    """Checks how many values a JSON body holds, and its largest object; it need not be valid.

    Raises:
      HttpError: there are too many.
    """
    if len(body) < _SMALL:
        return
    found = np.frombuffer(body, np.uint8)
    values, names = _values(found), np.count_nonzero(found == _COLON)
    if values <= MAX_VALUES and names <= MAX_NAMES:
        return
    # In texts commas and brackets are no values; where nearly all is escaped, it isn't worth it.
    if np.count_nonzero(found == _BACKSLASH) > MAX_VALUES:
        raise _too_many()
    found = _outside_texts(body)
    if _values(found) > MAX_VALUES or (names > MAX_NAMES and _most_names(found) > MAX_NAMES):
        raise _too_many()


def _values(found: Bytes) -> int:
    containers = sum(np.count_nonzero(found == each) for each in _OPEN)
    return int(np.count_nonzero(found == _COMMA) + CONTAINER * containers)


def _outside_texts(body: bytes) -> Bytes:
    found = np.frombuffer(body.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
    quotes_before = np.cumsum(found == _QUOTE, dtype=np.uint8)
    outside: Bytes = found[quotes_before % 2 == 0]
    return outside


def _most_names(found: Bytes) -> int:
    """Returns how many names the largest object has; `found` is what is outside of texts."""
    found = found[np.isin(found, [*_OPEN, *_CLOSE, _COLON])]
    opens = np.isin(found, [*_OPEN])
    depth = np.cumsum(np.where(opens, 1, 0) - np.isin(found, [*_CLOSE]), dtype=np.int32)
    # At each depth an object's names follow its bracket, up to the next bracket of that depth.
    kept = opens | (found == _COLON)
    by_depth = np.argsort(depth[kept], kind="stable")
    brackets = np.flatnonzero(opens[kept][by_depth])
    return int(np.diff(brackets, append=len(by_depth)).max(initial=1)) - 1


def _too_many() -> HttpError:
    return bad_request(
        f"the request holds too many values: at most {MAX_VALUES:,} are allowed, of which a list "
        f"or an object counts as {CONTAINER}, and {MAX_NAMES:,} names in an object; send the rows "
        "in several requests"
    )
