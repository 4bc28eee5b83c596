"""What stands for processes where LightGBM's sockets alone matter: a thread for each object."""

import importlib
import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any


class Threads:
    """Calls each object's methods in a thread of its own, all at once."""

    def __init__(self, objects: Sequence[Any]):
        self.hosts = ["127.0.0.1"] * len(objects)
        self.objects = objects
        self._pools = [ThreadPoolExecutor(1) for _ in objects]

    def call(self, method: str, *arguments: Any) -> list[Any]:
        return self.each(method, [arguments] * len(self.objects))

    def each(self, method: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
        tasks = [
            pool.submit(getattr(each, method), *own)
            for pool, each, own in zip(self._pools, self.objects, arguments, strict=True)
        ]
        # As processes would send it.
        return [pickle.loads(pickle.dumps(task.result(60))) for task in tasks]  # noqa: S301


def in_threads(number: int, factory: str) -> Threads:
    """Starts threads as the Trainer's `fn_args.processes` does processes."""
    module, _, name = factory.rpartition(".")
    made = getattr(importlib.import_module(module), name)
    return Threads([made(rank, number) for rank in range(number)])
