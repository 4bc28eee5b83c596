"""The versions that a server answers with; a thread follows the version folder.

A request takes `live` (or `version(n)`) once and asks that: whoever holds a `Loaded` can ask it,
however many versions have taken over since.
"""

import gc
import importlib
import logging
import os
import sys
import threading

from beltline.serving.options import Options
from beltline.serving.servables.batching import Batcher
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.memory import Memory, State
from beltline.serving.servables.signature import Columns

__all__ = ["Served", "State"]

_log = logging.getLogger("beltline.serving")
_SESSION = "beltline.serving.servables.session"


class Served:
    """What is live, and what was before it; both are in memory."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._batcher = Batcher(options)
        self._memory = Memory(options)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="versions", daemon=True)
        self._unreadable = ""

    def start(self) -> None:
        """Starts to follow the folder, in a thread, and returns at once; `live` may come later."""
        self._thread.start()

    def close(self) -> None:
        """Answers the questions that wait, and stops; it takes as long as a version that loads."""
        self._stopping.set()
        self._batcher.close()
        if self._thread.is_alive():
            self._thread.join()
        self._memory.close()

    @property
    def live(self) -> Loaded | None:
        """The version that answers; None while none could be loaded yet."""
        return next(iter(self._memory.loaded), None)

    @property
    def previous(self) -> Loaded | None:
        """The version that a rollback would bring back; None if there is none."""
        return next(iter(self._memory.loaded[1:]), None)

    def version(self, number: int) -> Loaded | None:
        """The version of that number, if it is in memory."""
        return next((each for each in self._memory.loaded if each.number == number), None)

    def states(self) -> list[State]:
        """How far each version is that was tried and is still there, newest first."""
        return sorted(self._memory.states.values(), key=lambda state: -state.number)

    @property
    def waiting_rows(self) -> int:
        """Rows that were asked and have no answer yet; a large request counts as one full batch."""
        return self._batcher.waiting_rows

    @property
    def batches(self) -> int:
        """How often a model was asked; there may be many requests to one batch."""
        return self._batcher.batches

    async def ask(self, loaded: Loaded, signature: str, inputs: Columns, rows: int) -> Columns:
        """Answers rows, together with whatever else waits for the same version.

        Args:
          loaded: `live`, or what `version` gave.
          signature: which of `loaded.signatures`.
          inputs: by the inputs' names, all of them; `[rows, ...]` each.
          rows: how many.

        Raises:
          WrongValues: the model can't take these values (400).
          Overloaded: too many rows wait (503, come again).
          TimedOut: no answer within `Options.timeout_seconds` (504).
          ModelFailed: the model failed for another reason (500).
        """
        return await self._batcher.submit(loaded, signature, inputs, rows)

    def _follow(self) -> None:
        _import_tensorflow()
        while not self._stopping.is_set():
            if not self._look():
                self._stopping.wait(self._options.poll_seconds)

    def _look(self) -> bool:
        try:
            due = self._memory.look()
        except Exception as error:  # the thread must outlive whatever happens to the folder
            why = f"{type(error).__name__}: {error}"
            if why != self._unreadable:
                _log.exception("%s can't be followed", self._options.folder)
            self._unreadable = why
            return False
        self._unreadable = ""
        return due


def _import_tensorflow() -> None:
    """Imports TensorFlow, which takes seconds, and keeps the garbage collector off what it brings.

    A full collection would walk through all of that every few minutes: 0.3 s without an answer.
    """
    if _SESSION in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    gc.disable()
    try:
        importlib.import_module(_SESSION)
    finally:
        gc.enable()
    gc.freeze()
