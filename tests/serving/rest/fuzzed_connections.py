"""Sends requests that `fuzzed_requests.py` makes to a server, over several connections at once.

A script is what one connection sends: some requests, in pieces, with pauses, up to an end. Its
number is its seed, so what a script has found can be repeated by hand:

    python -m tests.serving.rest.fuzzed_connections ADDRESS NUMBER NUMBER+1
"""

import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from tests.serving.rest.fuzzed_requests import edited, request

CONNECTIONS = 6
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r]*\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: \d+\r\n", re.IGNORECASE)
# Seconds without an answer, after which a script ends.
_PATIENCE = 0.25
_CLOSE_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass
class Script:
    """What one connection sends.

    `pieces` are bytes, each with the seconds to wait after them. `patience` is how long it waits
    for an answer at most. With `reset` it goes away without a word.
    """

    requests: int
    pieces: list[tuple[bytes, float]]
    patience: float
    reset: bool


@dataclass
class Found:
    """What a number of scripts have found.

    `faults` are by the number of their script: answers that no server should give.
    """

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)


def script(number: int) -> Script:
    """Returns the script of a number."""
    chance = Random(number)  # noqa: S311 # it needs no secret
    requests = [request(chance) for _ in range(chance.choice([1, 2, 2, 3, 4, 6]))]
    data = b"".join(requests)
    if chance.random() < 0.03:
        data = edited(chance, data)
    if chance.random() < 0.04:
        data = data[: chance.randrange(len(data) + 1)]
    patience = 4.0 if chance.random() < 0.004 else _PATIENCE
    pieces = list(_pieces(chance, data))
    return Script(len(requests), pieces, patience, reset=chance.random() < 0.05)


def _pieces(chance: Random, data: bytes) -> Iterator[tuple[bytes, float]]:
    if chance.random() < 0.7:
        yield data, 0.0
        return
    # A few of them one byte at a time, or as slowly as the server lets nobody be for long.
    slow = chance.random() < 0.02
    for _ in range(chance.randint(1, 8)):
        size = chance.choice([1, 2, 7, 100, 1 + len(data) // 3])
        yield data[:size], (0.3 if slow else chance.choice([0.0, 0.0, 0.001, 0.01]))
        data = data[size:]
    yield data, 0.0


def play(address: tuple[str, int], played: Script) -> bytes:
    """Sends a script; returns all that the server answers."""
    got = bytearray()
    with socket.create_connection(address, timeout=20) as connection, suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sending = threading.Thread(target=_send, args=(connection, played.pieces))
        sending.start()
        connection.settimeout(played.patience)
        try:
            while len(list(answers(bytes(got)))) < played.requests:
                part = connection.recv(2**16)
                if not part:
                    break
                got += part
        except TimeoutError:
            pass
        finally:
            if played.reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSE_AT_ONCE)
            # It ends a `sendall` that the server no longer reads.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            sending.join()
    return bytes(got)


def _send(connection: socket.socket, pieces: list[tuple[bytes, float]]) -> None:
    # The server may close the connection before it has read it all.
    with suppress(OSError):
        for piece, pause in pieces:
            connection.sendall(piece)
            time.sleep(pause)


def answers(got: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yields the status, the head and the body of each whole response.

    Raises:
      ValueError: what was received is no response.
    """
    while got:
        begin = _STATUS.match(got)
        if begin is None:
            if b"\r\n" in got:
                raise ValueError(f"no response: {got[:200]!r}")
            return
        head, end, rest = got.partition(b"\r\n\r\n")
        if not end:
            return
        found = _LENGTH.search(head + b"\r\n")
        # The answer to HEAD has no body.
        size = int(found[1]) if found and rest and not _STATUS.match(rest) else 0
        if len(rest) < size:
            return
        yield int(begin[1]), head + b"\r\n", rest[:size]
        got = rest[size:]


def fault(status: int, head: bytes, body: bytes) -> str:
    """Returns what is wrong with a response; nothing if it is one that the server means."""
    if status == 503:
        return "" if _RETRY.search(head) else f"503 without Retry-After: {body[:300]!r}"
    if status >= 500 and status != 504:
        return f"{status}: {body[:300]!r}"
    if status >= 400 and body:
        [(name, why)] = json.loads(body).items()
        return "" if name == "error" and why else f"{status}: {body[:300]!r}"
    return ""


def run(address: tuple[str, int], numbers: range) -> Found:
    """Plays the scripts of some numbers, `CONNECTIONS` at a time."""
    found, lock, left = Found(), threading.Lock(), iter(numbers)

    def work() -> None:
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return
            try:
                played = script(number)
                given = list(answers(play(address, played)))
                faults = [each for answer in given if (each := fault(*answer))]
            except Exception as error:
                with lock:
                    found.faults.append((number, repr(error)))
                continue
            with lock:
                found.requests += played.requests
                found.statuses.update(status for status, _, _ in given)
                found.faults += [(number, each) for each in faults]

    threads = [threading.Thread(target=work) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main() -> None:
    """Plays the scripts from one number up to another one; prints what they have found."""
    # What is asked here is how the server answers others meanwhile, who are on the same machine.
    os.nice(10)
    host, _, port = sys.argv[1].removeprefix("http://").rpartition(":")
    found = run((host, int(port)), range(int(sys.argv[2]), int(sys.argv[3])))
    print(json.dumps(vars(found)))


if __name__ == "__main__":
    main()
