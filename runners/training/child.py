"""A process of a training: has an object of the bundle's code, and calls its methods.

It ends when its Dask worker closes the connection, or dies, in whatever it is just doing.
"""

import importlib
import logging
import os
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from beltline.bundle import code

Answer = tuple[str, Any]
"""`done` and what a method returned, or `failed` and `(exception's name, text, traceback)`."""

log = logging.getLogger("beltline.training")


def main() -> None:
    """Serves the calls that come over the connection whose descriptor is the first argument."""
    descriptor, archive, factory, rank, size = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING)
    connection = Connection(int(descriptor))
    requests: SimpleQueue[tuple[str, tuple[Any, ...]]] = SimpleQueue()
    Thread(target=_listen, args=(connection, requests), daemon=True).start()
    code.use(Path(archive))
    module, _, name = factory.rpartition(".")
    target: Any = None
    while True:
        method, arguments = requests.get()
        try:
            if target is None:
                target = getattr(importlib.import_module(module), name)(int(rank), int(size))
            connection.send(("done", getattr(target, method)(*arguments)))
        except Exception as error:
            log.exception("%s failed", method)
            connection.send(("failed", (type(error).__name__, str(error), traceback.format_exc())))


def _listen(connection: Connection, requests: SimpleQueue[Any]) -> None:
    while True:
        try:
            requests.put(connection.recv())
        except (EOFError, OSError):
            # The thread that works may be within native code, and waiting.
            os._exit(1)


if __name__ == "__main__":
    main()
