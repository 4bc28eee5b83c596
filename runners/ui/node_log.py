"""The log of a node, read on from where it ended while the node writes it."""

import codecs
from dataclasses import dataclass
from pathlib import Path

from beltline.base.printable import printable

TAIL = 64 * 1024
_MOST = 256 * 1024


@dataclass(frozen=True)
class Piece:
    """A part of a log, from one byte to before another; `more` is whether there is more now."""

    start: int = 0
    end: int = 0
    text: str = ""
    more: bool = False


def read_from(log: Path, start: int) -> Piece:
    """Returns what a log has from a byte on, up to 256 KiB; a log that isn't there is empty.

    One that is shorter than `start` was begun anew, and is read from its beginning.
    """
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            start = start if 0 <= start <= size else 0
            file.seek(start)
            found = file.read(min(size - start, _MOST))
    except OSError:
        return Piece()
    # It may end in the middle of a character, which is left for the next time.
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(found)
    end = start + len(found) - len(decoder.getstate()[0])
    return Piece(start, end, printable(text), more=end < size and len(found) == _MOST)


def tail(log: Path) -> Piece:
    """Returns the whole lines at the end of a log, up to 64 KiB."""
    try:
        start = max(0, log.stat().st_size - TAIL)
    except OSError:
        return Piece()
    piece = read_from(log, start)
    cut = piece.text.find("\n") + 1 if start else 0
    return Piece(start, piece.end, piece.text[cut:])
