"""The versions that a server has; a thread follows the version folder.

A request takes `live` (or `version(n)`) once and runs that: whoever holds a `Servable` can run it,
however many versions have become live since.
"""

import importlib
import logging
import os
import sys
import threading

from beltline.base.loading import loading
from beltline.serving.options import Options
from beltline.serving.servables.batching import Batcher
from beltline.serving.servables.loaded_versions import LoadedVersions, VersionState
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import NamedArrays

_log = logging.getLogger("beltline.serving")
_SESSION = "beltline.versions.loaded.session"


class ServedVersions:
    """The live version and the previous one; both are in memory."""

    def __init__(self, options: Options) -> None:
        self._folder = options.folder
        self._poll_seconds = options.poll_seconds
        self._batcher = Batcher(options.limits)
        self._versions = LoadedVersions(options.folder, options.limits.batch_rows)
        self._stopping = threading.Event()
        self._imported = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="versions", daemon=True)
        self._unreadable = ""

    def start(self) -> None:
        """Starts a thread that follows the folder, and returns at once; `live` may come later."""
        self._thread.start()

    def wait_for_tensorflow(self) -> None:
        """Waits until TensorFlow is imported: by two threads at once it can not be."""
        self._imported.wait()

    def close(self) -> None:
        """Runs the requests that wait, and stops; it waits for a version that is being loaded."""
        self._stopping.set()
        self._batcher.close()
        if self._thread.is_alive():
            self._thread.join()
        self._versions.close()

    @property
    def live(self) -> Servable | None:
        """The live version; None while none could be loaded yet."""
        return next(iter(self._versions.loaded), None)

    @property
    def previous(self) -> Servable | None:
        """The version that a rollback would go back to; None if there is none."""
        return next(iter(self._versions.loaded[1:]), None)

    def version(self, number: int) -> Servable | None:
        """The version of that number, if it is in memory."""
        return next((each for each in self._versions.loaded if each.number == number), None)

    def states(self) -> list[VersionState]:
        """The state of each version that was ever loaded and still exists, newest first."""
        return sorted(self._versions.states.values(), key=lambda state: -state.number)

    @property
    def waiting_rows(self) -> int:
        """Rows that wait or run; a large request counts as one full batch."""
        return self._batcher.waiting_rows

    @property
    def batches(self) -> int:
        """How many batches have run; there may be many requests in one batch."""
        return self._batcher.batches

    async def run(
        self, servable: Servable, signature: str, inputs: NamedArrays, rows: int
    ) -> NamedArrays:
        """Runs a signature, in one batch with whatever else waits for the same version.

        Args:
          servable: `live`, or what `version` returned.
          signature: which of `servable.signatures`.
          inputs: by the inputs' names, all of them; `[rows, ...]` each.
          rows: how many.

        Returns:
          The outputs by name; see `Servable.run`.

        Raises:
          WrongValues: the model rejects these values (400).
          Overloaded: too many rows wait (503, retry later).
          TimedOut: no answer within `serving.timeout_seconds` (504).
          ModelFailed: the model failed for another reason (500).
        """
        return await self._batcher.run(servable, signature, inputs, rows)

    def _follow(self) -> None:
        try:
            _import_tensorflow()
        finally:
            self._imported.set()
        while not self._stopping.is_set():
            if not self._reconcile():
                self._stopping.wait(self._poll_seconds)

    def _reconcile(self) -> bool:
        try:
            due = self._versions.reconcile()
        except Exception as error:  # the thread must outlive whatever happens to the folder
            why = f"{type(error).__name__}: {error}"
            if why != self._unreadable:
                _log.exception("%s: the versions can't be read", self._folder)
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
    with loading():
        importlib.import_module(_SESSION)
