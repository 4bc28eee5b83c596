"""The access log: a JSON line for each request, in a file or on standard output.

The event loop only appends to a list in memory. A thread makes the lines and writes them. If the
disk or a reader of standard output can't keep up, lines are dropped and counted: a request never
waits for its line. A file that was renamed, as logrotate does, is created anew.
"""

import logging
import os
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from beltline.base.errors import WrongInput
from beltline.base.printable import printable

MOST_WAITING = 10_000
"""Lines in memory; none is longer than a few KiB."""
MOST_TEXT = 500
"""Characters of a text from a request; it is cut before it waits."""
_PAUSE_SECONDS = 0.1
# Making lines holds the interpreter, so there are pauses in between.
_LINES_TOGETHER = 16
_BREATH_SECONDS = 0.0005
# A pipe takes as much at once without mixing it with what others write.
_BYTES_TOGETHER = 4_096
_CLOSE_SECONDS = 2.0
_WARN_SECONDS = 60.0
_STANDARD_OUTPUT = "-"
_CLOSED = -1
_log = logging.getLogger("beltline.serving")


@dataclass(slots=True)
class AccessLine:
    """What the log says of a request; texts are as they were received, and cut."""

    time: float
    """When it began, in seconds since the epoch."""
    request_id: str
    client: str
    method: str
    path: bytes
    status: int
    """499 if the client disconnected before it was answered."""
    seconds: float
    request_bytes: int
    response_bytes: int
    version: int | None
    rows: int | None
    user_agent: bytes
    trace_id: str | None

    def encoded(self) -> bytes:
        """Returns the line; escape sequences and marks of direction are shown and not sent."""
        begun = datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds")
        return orjson.dumps(
            {
                "time": begun.replace("+00:00", "Z"),
                "request_id": self.request_id,
                "client": self.client,
                "method": self.method,
                "path": _shown(self.path),
                "status": self.status,
                "seconds": round(self.seconds, 6),
                "request_bytes": self.request_bytes,
                "response_bytes": self.response_bytes,
                "version": self.version,
                "rows": self.rows,
                "user_agent": _shown(self.user_agent),
                "trace_id": self.trace_id,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


class AccessLog:
    """The log of one server.

    Args:
      place: a file, or `-`.

    Attributes:
      dropped: lines that were not written.

    Raises:
      WrongInput: the file can't be written.
    """

    def __init__(self, place: str) -> None:
        self.dropped = 0
        self._output = _Output(None if place == _STANDARD_OUTPUT else Path(place))
        self._waiting: deque[AccessLine] = deque()
        self._closing = threading.Event()
        self._warned = -_WARN_SECONDS
        self._told = 0
        try:
            self._output.open()
        except OSError as error:
            raise WrongInput(f"serving.access_log: {place}: {error.strerror}") from None
        self._thread = threading.Thread(target=self._work, name="access-log", daemon=True)
        self._thread.start()

    def add(self, line: AccessLine) -> None:
        """Logs a request; returns at once, whatever happens to its line."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.append(line)

    def close(self) -> None:
        """Writes what waits, unless nobody takes it, and ends the thread."""
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)

    def _work(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_PAUSE_SECONDS)
            while self._waiting:
                self._write_some()
                time.sleep(_BREATH_SECONDS)
            self._warn()

    def _write_some(self) -> None:
        number = min(len(self._waiting), _LINES_TOGETHER)
        lines = [self._waiting.popleft().encoded() for _ in range(number)]
        try:
            self._output.open()
            for part in _parts(lines):
                self._output.write(part)
        except OSError:
            self.dropped += number

    def _warn(self) -> None:
        if self.dropped > self._told and time.monotonic() - self._warned > _WARN_SECONDS:
            self._warned, self._told = time.monotonic(), self.dropped
            _log.warning("lines of the access log were dropped, %d so far", self.dropped)


class _Output:
    """A file to append to, or standard output; without a buffer, which would need a lock."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._number = _CLOSED if file else sys.stdout.fileno()

    def open(self) -> None:
        """Opens the file, or creates it anew if it was renamed or deleted."""
        if self._file is None or _is_open(self._number, self._file):
            return
        if self._number != _CLOSED:
            os.close(self._number)
            self._number = _CLOSED
        # For its owner alone: it says who has sent what.
        self._number = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._number, data) :]


def _is_open(number: int, file: Path) -> bool:
    try:
        return number != _CLOSED and os.path.samestat(file.stat(), os.fstat(number))
    except OSError:
        return False


def _parts(lines: list[bytes]) -> list[bytes]:
    """Joins lines to parts that a pipe takes at once."""
    parts: list[bytes] = []
    for line in lines:
        if parts and len(parts[-1]) + len(line) <= _BYTES_TOGETHER:
            parts[-1] += line
        else:
            parts.append(line)
    return parts


def _shown(text: bytes) -> str:
    shown = printable(text.decode("utf-8", "backslashreplace"))
    return shown if len(shown) <= MOST_TEXT else f"{shown[:MOST_TEXT]}…"
