"""How much a message holds, before it is parsed: the parser lets no other thread run meanwhile.

16 MiB of empty entries of a map are eight million messages: 6 seconds, and two gigabytes. Rows of
the same size are far fewer. The message is walked by what its type says of each field, in Python,
which lets other threads run. A message that is malformed is left to the parser, which refuses it.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor

from beltline.serving.rest.json_size import CONTAINER, MAX_VALUES
from beltline.serving.rest.parsing import LARGE
from beltline.serving.rest.responses import bad_request

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Bytes of a number in a list of them.
_WIDTHS = {
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
}
_VARIABLE = 1


def check_size(message: bytes, descriptor: Any) -> None:
    """Checks how many values a message holds; one within a message counts as four.

    Args:
      message: as it was sent.
      descriptor: that of its type.

    Raises:
      HttpError: there are too many.
    """
    if len(message) < LARGE:
        return
    try:
        count = _count(message, descriptor)
    except IndexError:
        # It ends within a field.
        return
    if count > MAX_VALUES:
        raise bad_request(
            f"the request holds too many values: at most {MAX_VALUES:,} are allowed, of which a "
            f"message within it counts as {CONTAINER}; send the rows in several requests"
        )


def _count(message: bytes, descriptor: Any) -> int:
    """Returns how many values there are; it stops counting at too many."""
    count = 0
    parts = [(0, len(message), descriptor)]
    while parts:
        at, end, of = parts.pop()
        nested, packed = _fields(of)
        while at < end:
            tag, at = _varint(message, at)
            count += 1
            kind = tag & 7
            if kind == _VARINT:
                _, at = _varint(message, at)
            elif kind in (_FIXED64, _FIXED32):
                at += 8 if kind == _FIXED64 else 4
            elif kind == _BYTES:
                length, at = _varint(message, at)
                number, start, at = tag >> 3, at, at + length
                if number in nested:
                    count += CONTAINER - 1
                    parts.append((start, min(at, end), nested[number]))
                elif number in packed:
                    count += _packed(message[start:at], packed[number])
            if count > MAX_VALUES:
                return count
    return count


@lru_cache(64)
def _fields(descriptor: Any) -> tuple[dict[int, Any], dict[int, int]]:
    """Returns the types of the fields that are messages, and the widths of those with numbers."""
    nested = {each.number: each.message_type for each in descriptor.fields if each.message_type}
    texts = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)
    numbers = [
        each for each in descriptor.fields if each.number not in nested and each.type not in texts
    ]
    return nested, {each.number: _WIDTHS.get(each.type, _VARIABLE) for each in numbers}


def _packed(numbers: bytes, width: int) -> int:
    if width != _VARIABLE:
        return len(numbers) // width
    # The last byte of each is below 128.
    return int(np.count_nonzero(np.frombuffer(numbers, np.uint8) < 128))


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Returns a number, and where it ends."""
    byte = message[at]
    if byte < 128:
        return byte, at + 1
    found, shift = byte & 127, 7
    while True:
        at += 1
        byte = message[at]
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at + 1
        shift += 7
        if shift > 63:
            raise IndexError
