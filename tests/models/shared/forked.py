"""Real processes of a training without a cluster: TensorFlow's threads of each are its own.

They are forked from a process that has imported TensorFlow, and computed nothing.
"""

import importlib
import multiprocessing
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from typing import Any

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["beltline.models.shared.worker", "beltline.models.shared.network"])


class Ended(RuntimeError):
    """A process has ended."""


class Forked:
    """Processes with an object each.

    Args:
      number: how many.
      factory: dotted name of what makes the object of a process, of its rank and `number`.
    """

    def __init__(self, number: int, factory: str):
        self.hosts = ["127.0.0.1"] * number
        pairs = [FORKED.Pipe() for _ in range(number)]
        self._ends = [here for here, _ in pairs]
        self.processes: list[ForkServerProcess] = []
        for rank, (_, there) in enumerate(pairs):
            process = FORKED.Process(target=_serve, args=(there, factory, rank, number))
            process.start()
            there.close()
            self.processes.append(process)

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Calls all of them at once; the first one that ends, or fails, ends it."""
        for end in self._ends:
            end.send((method, arguments))
        answers: dict[Any, Any] = {}
        while len(answers) < len(self._ends):
            for end in connection.wait([each for each in self._ends if each not in answers]):
                answers[end] = _received(end)
        return [answers[end] for end in self._ends]

    def close(self) -> None:
        """Kills them."""
        for process in self.processes:
            process.kill()
            process.join()


@contextmanager
def forked() -> Iterator[Any]:
    """Starts processes as the Trainer's `fn_args.processes` does, after those before have ended."""
    begun: list[Forked] = []

    def start(number: int, factory: str) -> Forked:
        while begun:
            begun.pop().close()
        begun.append(Forked(number, factory))
        return begun[0]

    try:
        yield start
    finally:
        for each in begun:
            each.close()


def _received(end: Any) -> Any:
    try:
        kind, value = end.recv()
    except (EOFError, ConnectionResetError):
        raise Ended("a process has ended") from None
    if kind == "failed":
        name, text, trace = value
        print(trace)
        raise ValueError(text) if name == "ValueError" else RuntimeError(f"{name}: {text}")
    return value


def _serve(end: Any, factory: str, rank: int, number: int) -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
    module, _, name = factory.rpartition(".")
    target = getattr(importlib.import_module(module), name)(rank, number)
    while True:
        method, arguments = end.recv()
        try:
            end.send(("done", getattr(target, method)(*arguments)))
        except Exception as error:
            end.send(("failed", (type(error).__name__, str(error), traceback.format_exc())))
