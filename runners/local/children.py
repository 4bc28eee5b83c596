"""Forked processes that each run a function and return its result; stopping this one stops them.

One thread, one loop: this process has imported TFX, and forking is safe only without threads. Why
this is not multiprocessing's forkserver is in docs/architecture.md.
"""

import json
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any

from beltline.base.errors import BeltlineError, WrongInput
from beltline.runners.node.parent import end_with_parent

GRACE_SECONDS = 20
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)

Work = Callable[[], str | None]


class RunStopped(BeltlineError):
    """The run was stopped by a signal; the exit code is 128 + SIGINT, as in a shell."""

    exit_code = 130


class Children:
    """The running child processes, by name. Within its `with` block, signals go to all of them.

    A signal is forwarded as SIGTERM; children that don't end in time get SIGKILL.
    """

    def __init__(self) -> None:
        self._at_work: dict[int, tuple[str, int]] = {}
        self._selector = selectors.DefaultSelector()
        self._before: dict[signal.Signals, Any] = {}
        self._stopped = ""
        self._asked_to_end: list[int] = []

    def __enter__(self) -> "Children":
        self._before = {number: signal.signal(number, self._pass_on) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            signal.alarm(0)
            for number, handler in self._before.items():
                signal.signal(number, handler)
            self._selector.close()

    @property
    def names(self) -> list[str]:
        """The names of the running children, in the order they were started."""
        return [name for name, _ in self._at_work.values()]

    def start(self, name: str, work: Work) -> None:
        """Runs `work` in a forked process.

        Raises:
          RunStopped: this process was asked to stop; all children have ended.
        """
        self._raise_if_stopped()
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        # Until the child is registered, a signal would miss it; and it must not forward signals.
        with signals_wait():
            child = os.fork()
            if child == 0:
                for answers in (reading, *self._at_work):
                    os.close(answers)
                for number in _SIGNALS:
                    signal.signal(number, signal.SIG_DFL)
            else:
                os.close(writing)
                self._at_work[reading] = (name, child)
                self._selector.register(reading, selectors.EVENT_READ)
        if child == 0:
            _child(writing, work)

    def next(self, seconds: float | None = None) -> tuple[str, str] | None:
        """Waits for a child to end; returns its name and its result, empty if it was killed.

        Args:
          seconds: how long to wait; None for as long as it takes. Then this returns None.

        Raises:
          WrongInput: the child raised it.
          RunStopped: this process was asked to stop; all children have ended.
        """
        ready = self._selector.select(seconds)
        if not ready:
            self._raise_if_stopped()
            return None
        name, answer = self._ended(int(ready[0][0].fd))
        self._raise_if_stopped()
        if "error" in answer:
            raise WrongInput(answer["error"])
        return name, str(answer.get("result") or "")

    def stop(self, names: Collection[str] | None = None) -> dict[str, str]:
        """Stops these children, by default all, and waits for them.

        Returns:
          Their results by name: empty, but for one that ended by itself in that moment.
        """
        asked = {
            answers: (name, child)
            for answers, (name, child) in self._at_work.items()
            if names is None or name in names
        }
        if asked:
            self._asked_to_end = [child for _, child in asked.values()]
            self._ask_to_end()
        ended = [self._ended(answers) for answers in asked]
        return {name: str(answer.get("result") or "") for name, answer in ended}

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            self.stop()
            raise RunStopped(f"stopped by {self._stopped}")

    def _ended(self, answers: int) -> tuple[str, dict[str, str]]:
        name, child = self._at_work[answers]
        self._selector.unregister(answers)
        with os.fdopen(answers, encoding="utf-8") as stream:
            text = stream.read()
        os.waitpid(child, 0)
        del self._at_work[answers]
        return name, json.loads(text) if text else {}

    def _pass_on(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGALRM:
            self._send(signal.SIGKILL)
            return
        self._stopped = signal.Signals(number).name
        self._asked_to_end = [child for _, child in self._at_work.values()]
        self._ask_to_end()

    def _ask_to_end(self) -> None:
        self._send(signal.SIGTERM)
        signal.alarm(GRACE_SECONDS)

    def _send(self, number: signal.Signals) -> None:
        at_work = {child for _, child in self._at_work.values()}
        for child in self._asked_to_end:
            # It may have ended at this very moment.
            with suppress(ProcessLookupError):
                if child in at_work:
                    os.kill(child, number)


def in_child(work: Work) -> str:
    """Runs `work` in a forked process and returns its result; empty if it was killed."""
    with Children() as children:
        children.start("", work)
        ended = children.next()
        return ended[1] if ended else ""


@contextmanager
def signals_wait() -> Iterator[None]:
    """Holds back those signals that stop a run, to the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(writing: int, work: Work) -> None:
    """Runs in the forked process; never returns."""
    code = 1
    try:
        # If the parent is killed, the node must not run on.
        end_with_parent()
        answer = {"result": work()}
        code = 0
    except WrongInput as error:
        answer = {"error": str(error)}
    except BaseException:
        traceback.print_exc()
        answer = {}
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        out.write(json.dumps(answer))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
