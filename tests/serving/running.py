"""A real server in a process of its own, with a small model or none yet."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.serving.memory_group import MemoryGroup

NAME = "line"


class Server:
    """A server that answers."""

    def __init__(self, process: subprocess.Popen[str], address: str, folder: Path, log: Path):
        self.process = process
        self.folder = folder
        self.address = address
        self.log = log
        self.model = f"{address}/v1/models/{NAME}"
        self.inference = f"{address}/v2/models/{NAME}/infer"
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.place = (host, int(port))

    def ask(self, document, path=":predict", **how):
        """Sends a document, or bytes as they are, to a path below the model's."""
        body = {"data": document} if isinstance(document, bytes) else {"json": document}
        return requests.post(self.model + path, timeout=20, **body, **how)

    def infer(self, document, version="", **how):
        """Sends a document, or bytes as they are, as the Open Inference Protocol does."""
        # NaN, which is no JSON, may be among the values.
        body = document if isinstance(document, bytes) else json.dumps(document)
        address = self.inference.replace("/infer", f"{version}/infer")
        return requests.post(address, data=body, timeout=60, **how)

    def look(self, path, **how):
        """Reads a page."""
        return requests.get(self.address + path, timeout=20, **how)

    def connect(self, timeout=20.0):
        """Returns a socket that is connected to it."""
        return socket.create_connection(self.place, timeout=timeout)

    def send(self, data, timeout=20.0):
        """Sends bytes on a connection of their own; returns all that comes until its end."""
        with self.connect(timeout) as connection:
            # It may close the connection before it has read it all.
            with suppress(OSError):
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
            return received(connection)

    def memory(self, what="VmRSS"):
        """Returns the resident memory, in MiB; `VmHWM` is the most that it ever was."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1024

    def wait_until_ready(self, seconds=60.0):
        end = time.monotonic() + seconds
        while self.look("/readyz").status_code != 200:
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def stop(self, number=signal.SIGTERM):
        """Sends a signal; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(30)


def received(connection):
    """Returns what comes on a socket until the other side closes it."""
    parts = []
    try:
        while part := connection.recv(2**16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def small_model(folder: Path) -> None:
    """Writes the small model as a version; in a process of its own, which imports TensorFlow."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    hidden = folder.parent / f".{folder.name}"
    writer = [sys.executable, "-m", "tests.serving.rest.small_model", str(hidden)]
    subprocess.run(writer, check=True, capture_output=True)
    hidden.rename(folder)


@contextmanager
def server(
    folder: Path,
    log: Path,
    *options: str,
    name: str = NAME,
    group: MemoryGroup | None = None,
    **environment: str,
) -> Iterator[Server]:
    """Starts a server over a version folder, on a free port; in a control group, if given one."""
    words = [sys.executable, "-m", "beltline.serving", "--name", name, "--folder", str(folder)]
    if group:
        # Before it imports anything.
        words = ["sh", "-c", f'echo $$ > {group.processes} && exec "$@"', "sh", *words]
    known = {key: value for key, value in os.environ.items() if not key.startswith("BELTLINE_")}
    with log.open("w") as file:
        process = subprocess.Popen(
            [*words, "--port", "0", *options],
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
            env=known | environment,
        )
    try:
        yield Server(process, _address(process, log), folder, log)
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[str], log: Path) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"(http://127\.0\.0\.1:\d+)/", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"no server:\n{log.read_text()}")


def copy_version(version: Path, place: Path, broken: bool = False) -> None:
    """Pushes a copy of a version; a broken one lacks half of its graph."""
    place.parent.mkdir(parents=True, exist_ok=True)
    hidden = place.parent / f".{place.name}"
    shutil.copytree(version, hidden)
    if broken:
        graph = hidden / "saved_model.pb"
        graph.write_bytes(graph.read_bytes()[: graph.stat().st_size // 2])
    hidden.rename(place)
