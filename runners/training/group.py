"""The processes of a training, as the Trainer has them."""

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from distributed import Client

from beltline.base.errors import WrongInput
from beltline.base.settings.beam import Dask
from beltline.beam_on_dask.options import Scheduler
from beltline.beam_on_dask.runner import ClusterLost, connected, workers_of
from beltline.runners.beam.dask import compare, on_workers
from beltline.runners.training import host

_WORKER_SECONDS = 60  # as one that has died takes to be there again
_SILENCE = 120  # seconds, after which a worker that does not answer counts as lost
_GRACE, _GRACE_SECONDS = 3, 0.5  # polls that show who has died, when another process has failed

log = logging.getLogger("beltline.training")


@contextmanager
def processes(dask: Dask, code: Path, root: str, number: int, factory: str) -> Iterator["Group"]:
    """Yields processes on the workers of the Dask cluster; they are ended with the block.

    Args:
      dask: the cluster.
      code: the bundle's model code.
      root: a folder that the workers must see.
      number: how many; each is on a worker of its own.
      factory: dotted name of what makes the object of a process, of its rank and `number`.

    Raises:
      ClusterLost: the cluster can't be reached, or was lost.
      WrongInput: the cluster has fewer workers, or one can't be used.
    """
    with connected(Scheduler(dask.scheduler, dask.ca, dask.certificate, dask.key)) as client:
        group = Group(client, _chosen(client, number, root))
        try:
            group.start(code.read_bytes(), factory)
            yield group
        finally:
            group.stop()


def _chosen(client: Client, number: int, root: str) -> list[str]:
    """Returns the addresses of workers that can be used."""
    with suppress(TimeoutError):
        client.wait_for_workers(number, timeout=_WORKER_SECONDS)
    found = sorted(workers_of(client))
    if len(found) < number:
        count = "1 worker" if len(found) == 1 else f"{len(found)} workers"
        raise WrongInput(
            f"training.workers: {number}, but the Dask cluster at {client.scheduler.address} has "
            f"{count}: start more, or set `training.workers: {len(found)}`"
        )
    answers = on_workers(client, root)
    compare(answers)
    for address, answer in answers.items():
        if answer["root"] == "missing":
            raise WrongInput(
                f"the Dask worker {address} doesn't see {root}: mount the root there, under the "
                "same path"
            )
    return found[:number]


class Group:
    """Processes with an object each, whose methods are called in all of them at once.

    Args:
      client: of the cluster.
      addresses: of the Dask workers that run them, in the order of their ranks.
    """

    def __init__(self, client: Client, addresses: Sequence[str]) -> None:
        self.hosts = [str(urlsplit(address).hostname) for address in addresses]
        """Where each of them runs."""
        self._client, self._addresses = client, list(addresses)
        self._name = secrets.token_hex(8)

    def start(self, archive: bytes, factory: str) -> None:
        """Starts them.

        Raises:
          ClusterLost: a worker can't be reached.
        """
        ranks = {address: rank for rank, address in enumerate(self._addresses)}
        self._ask(host.start, self._name, archive, factory, ranks)

    def call(self, method: str, *arguments: Any) -> list[Any]:
        """Returns what the method returns in each of them, in the order of their ranks.

        Raises:
          ClusterLost: one of them, or its worker, has ended.
          ValueError: the method raised one.
          RuntimeError: the method raised something else.
        """
        self._ask(host.send, self._name, method, arguments)
        patience = _GRACE
        states = {"running"}
        while states != {"done"}:
            answers = self._ask(host.poll, self._name)
            states = {state for state, _ in answers.values()}
            if "failed" in states:
                # Others may run still, or be found in a moment to have ended before it failed.
                patience -= 1
                if not patience:
                    raise _error(answers)
                time.sleep(_GRACE_SECONDS)
        taken = self._ask(host.take, self._name)
        return [taken[address][1] for address in self._addresses]

    def stop(self) -> None:
        """Kills them, wherever their worker is still there."""
        with suppress(Exception):
            here = set(self._client.scheduler_info(n_workers=-1)["workers"])
            left = [address for address in self._addresses if address in here]
            self._run(left, host.stop, self._name)

    def _run(
        self, addresses: Sequence[str], function: Callable[..., Any], *arguments: Any
    ) -> dict[str, Any]:
        """Returns what the function returns, or raises, on each worker."""
        found: Future[dict[str, Any]] = Future()

        def run() -> None:
            try:
                found.set_result(
                    self._client.run(
                        function, *arguments, workers=list(addresses), on_error="return"
                    )
                )
            except Exception as error:
                found.set_exception(error)

        # Dask waits for a frozen worker as long as the scheduler does; this process need not.
        Thread(target=run, daemon=True).start()
        try:
            return found.result(_SILENCE)
        except TimeoutError:
            raise ClusterLost(
                f"a Dask worker does not answer for {_SILENCE} s, one of {', '.join(addresses)}: "
                "see whether its machine is overloaded, start it anew, and run again"
            ) from None

    def _ask(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Returns what the function returns on each worker.

        Raises:
          ClusterLost: a worker is gone, or the process that it ran.
        """
        answers = self._run(self._addresses, function, *arguments)
        for address, answer in answers.items():
            if isinstance(answer, BaseException):
                raise ClusterLost(_gone(address, f"is lost ({type(answer).__name__}: {answer})"))
            if answer and answer[0] in ("ended", "unknown"):
                raise ClusterLost(_gone(address, _end_of(*answer)))
        return answers


def _end_of(state: str, code: int | None) -> str:
    if state == "unknown":
        return "was started anew"
    killed = f"was killed by signal {-code}" if code and code < 0 else f"ended with {code}"
    return f"has lost its process, which {killed}"


def _gone(address: str, how: str) -> str:
    return (
        f"the Dask worker {address} {how}, and the others can't go on without it: see its log (out "
        "of memory? then give the workers more, or take more workers), and run again; the training "
        "goes on from its last checkpoint"
    )


def _error(answers: Mapping[str, tuple[str, Any]]) -> Exception:
    """Returns what a process has raised."""
    address, (name, text, trace) = next(
        (address, answer) for address, (state, answer) in answers.items() if state == "failed"
    )
    log.error("on the Dask worker %s:\n%s", address, trace)
    return ValueError(text) if name == "ValueError" else RuntimeError(f"{name}: {text}")
