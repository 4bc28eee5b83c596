"""A server of Google Cloud Storage's interface for tests, in a process of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.databases import free_port

BUCKET = "models"
_START_SECONDS = 30


@contextmanager
def google_store() -> Iterator[str]:
    """Yields the URL of a server that holds an empty bucket, for `STORAGE_EMULATOR_HOST`."""
    program = Path(sys.executable).with_name("gcp-storage-emulator")
    if not program.exists():
        pytest.skip("no emulator of Google Cloud Storage")
    port = free_port()
    options = ["--host=127.0.0.1", f"--port={port}", "--in-memory", f"--default-bucket={BUCKET}"]
    server = subprocess.Popen([program, "start", *options], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/storage/v1/b/{BUCKET}")
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(url: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urlopen(url, timeout=1):  # noqa: S310 - the server of this test
                return
        except (URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
