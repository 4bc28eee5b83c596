"""The messages between the client and the warm worker: lines of JSON on a Unix stream socket.

The client sends its stdin, stdout and stderr, then a NodeRequest. The worker answers
`{"started": pid}` and, when the node has ended, `{"ended": code}`: an exit code, or the negative
number of a signal. In between the client may send `{"signal": number}`; if it disconnects, the node
is stopped.
"""

import json
import os
import socket
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

_STREAMS = (0, 1, 2)
# The kernel's `struct ucred`: pid, uid, gid.
_CREDENTIALS = struct.Struct("3i")


@dataclass(frozen=True)
class NodeRequest:
    """A node to run: the node runner's arguments, in this folder and environment."""

    arguments: list[str]
    folder: str
    environment: dict[str, str]


class Channel:
    """One side of a connection: sends messages, and parses those it receives."""

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self._whole: list[dict[str, Any]] = []
        self._rest = b""

    @classmethod
    def to(cls, address: Path) -> Self:
        """Connects to the worker that listens at `address`.

        Raises:
          OSError: none does.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(address))
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    def ask(self, request: NodeRequest) -> None:
        """Sends a request, with this process's streams."""
        socket.send_fds(self.connection, [b"\n"], _STREAMS)
        self.send(asdict(request))

    def asked(self) -> tuple[NodeRequest, list[int]]:
        """Returns a request and the client's streams, as file descriptors.

        Raises:
          ConnectionError: the client has disconnected, or is another user.
        """
        size = _CREDENTIALS.size
        credentials = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        if _CREDENTIALS.unpack(credentials)[1] != os.geteuid():
            raise ConnectionError("another user's process")
        _, streams, _, _ = socket.recv_fds(self.connection, 1, len(_STREAMS))
        try:
            if len(streams) != len(_STREAMS):
                raise ConnectionError("disconnected")
            return NodeRequest(**self.next()), streams
        except BaseException:
            for stream in streams:
                os.close(stream)
            raise

    def send(self, message: dict[str, Any]) -> None:
        """Sends one message."""
        self.connection.sendall(json.dumps(message).encode() + b"\n")

    def next(self) -> dict[str, Any]:
        """Waits for the next message and returns it; ConnectionError at the end."""
        while not self._whole:
            self._read()
        return self._whole.pop(0)

    def received(self) -> list[dict[str, Any]]:
        """Reads once and returns the complete messages; ConnectionError at the end."""
        self._read()
        messages, self._whole = self._whole, []
        return messages

    def _read(self) -> None:
        read = self.connection.recv(65536)
        if not read:
            raise ConnectionError("disconnected")
        *whole, self._rest = (self._rest + read).split(b"\n")
        self._whole += [json.loads(line) for line in whole]
