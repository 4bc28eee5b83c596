"""A server of the live version for as long as a notebook needs it."""

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from beltline.base.errors import WrongInput

_SECONDS = 120
_ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+/\S+?), pages")
_READY = "now serving version"


@contextmanager
def serving(command: Sequence[str]) -> Iterator[str]:
    """Starts `beltline serve` on a free port; yields the model's URL once a version is served.

    Args:
      command: what to call, without a port.

    Raises:
      WrongInput: it ended, or has served nothing for two minutes; the message is what it said.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            [*command, "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log)
        finally:
            process.terminate()
            process.wait()


def _address(process: subprocess.Popen[bytes], log: IO[str]) -> str:
    end = time.monotonic() + _SECONDS
    while True:
        ended = process.poll() is not None
        log.seek(0)
        said = log.read()
        found = _ADDRESS.search(said)
        if found and _READY in said:
            return found[1]
        if ended or time.monotonic() > end:
            raise WrongInput(f"the server serves nothing: {said.strip() or 'it said nothing'}")
        time.sleep(0.1)
