"""The versions in memory: the live one, and the one that a rollback would go back to.

`reconcile` takes one step from what is in memory to what the version folder says, and is called
again and again. A version becomes live only once it is loaded and checked, by one assignment. The
previous one stays in memory while somebody holds it, so a request that is in flight is answered by
the version that it was sent to.
"""

import gc
import logging
import queue
import weakref
from dataclasses import dataclass
from typing import Any, Literal

from beltline.serving.servables.load_failures import (
    Fingerprint,
    LoadFailures,
    fingerprint,
    is_quiet,
)
from beltline.versions.folder import CHECK_ROWS, INPUT_NAMES, Version, fetch, find
from beltline.versions.live import order
from beltline.versions.loaded.errors import BrokenVersion
from beltline.versions.loaded.servable import Servable, load
from beltline.versions.store import Place

_log = logging.getLogger("beltline.serving")

Stage = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]


@dataclass(frozen=True)
class VersionState:
    """The state of a version, in TensorFlow Serving's words."""

    number: int
    state: Stage
    error: str
    """Why it can't be served; empty if it can."""


class LoadedVersions:
    """The versions in memory. One thread calls `reconcile`; any may read.

    Attributes:
      loaded: the live version, then the previous one; empty while none could be loaded.
      states: the state of each version that was ever loaded and still exists, by its number.
    """

    def __init__(self, folder: Place, batch_rows: int) -> None:
        self.loaded: tuple[Servable, ...] = ()
        self.states: dict[int, VersionState] = {}
        self._folder = folder
        self._batch_rows = batch_rows
        self._failures = LoadFailures()
        # Sessions of versions that nobody holds any more; filled by whichever thread was the last.
        self._unused: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def reconcile(self) -> bool:
        """Takes a step towards what the folder says; returns whether another is due at once.

        A step loads one version, so that a promotion that comes meanwhile doesn't wait for two.

        Raises:
          OSError: the folder can't be read; what is in memory stays.
        """
        self._close_unused()
        numbers = order(self._folder)
        live, is_new = self._first(numbers)
        if live is None:
            return False
        self._make_live(live)
        if is_new:
            return True
        previous, _ = self._first(numbers[numbers.index(live.number) + 1 :])
        self._keep((live, previous) if previous else (live,))
        self._forget_states(numbers)
        return False

    def close(self) -> None:
        """Unloads all versions."""
        for servable in self.loaded:
            servable.close()
        self.loaded = ()
        self._close_unused()

    def _first(self, numbers: list[int]) -> tuple[Servable | None, bool]:
        """Returns the first that is in memory or can be loaded, and whether it was loaded now."""
        in_memory = {each.number: each for each in self.loaded}
        for number in numbers:
            if number in in_memory:
                return in_memory[number], False
            servable = self._load(number)
            if servable:
                return servable, True
        return None, False

    def _load(self, number: int) -> Servable | None:
        """Loads a version; None if it is broken, or too early to retry."""
        version = find(self._folder, number)
        if version is None:
            return None
        if self._failures.is_too_early(number, fingerprint(version.path)):
            return None
        before = self._fetched(version)
        if before is None:
            return None
        if not _is_whole(version) and not is_quiet(before):
            return None
        self._enter(number, "LOADING")
        try:
            servable = load(version, self._batch_rows)
        except BrokenVersion as error:
            why = error.why
        else:
            self._failures.forget(number)
            self._enter(number, "AVAILABLE")
            return servable
        # Not before the error is gone: it holds what was loaded until then.
        self._record_failure(version, why, before)
        return None

    def _fetched(self, version: Version) -> Fingerprint | None:
        """Returns the fingerprint of a version's files; None if they can't be had."""
        before = fingerprint(version.path)
        try:
            fetch(self._folder, version)
        except BrokenVersion as error:
            self._record_failure(version, error.why, before)
            return None
        return fingerprint(version.path)

    def _record_failure(self, version: Version, why: str, before: Fingerprint) -> None:
        # While it is being copied, or deleted, the reason means nothing: the next step retries.
        unchanged = fingerprint(version.path) == before
        if unchanged and self._failures.add(version.number, why, before):
            _log.error("version %d can't be served: %s; %s", version.number, why, self._serving())
        # Last: whoever sees the state may delete the version, and must find the reason logged.
        self._enter(version.number, "END", why)
        # A graph in Python has reference cycles: otherwise 2 MB per version would stay.
        gc.collect()

    def _make_live(self, live: Servable) -> None:
        if self.loaded[:1] == (live,):
            return
        before = f"previously version {self.loaded[0].number}" if self.loaded else "the first"
        self.loaded = (live, *(each for each in self.loaded if each is not live))
        _log.info("now serving version %d (%s)", live.number, before)

    def _serving(self) -> str:
        return f"still serving version {self.loaded[0].number}" if self.loaded else "serving none"

    def _keep(self, kept: tuple[Servable, ...]) -> None:
        """Keeps these in memory; the others are unloaded as soon as nobody holds them."""
        unloading = [each for each in self.loaded if each not in kept]
        self.loaded = kept
        for each in unloading:
            self._enter(each.number, "UNLOADING")
            unused = (each.number, each.session)
            weakref.finalize(each, self._unused.put, unused).atexit = False

    def _close_unused(self) -> None:
        closed = 0
        while not self._unused.empty():
            number, session = self._unused.get()
            session.close()
            closed += 1
            # Unless it was loaded again meanwhile, or is forgotten.
            if number in self.states and self.states[number].state == "UNLOADING":
                self._enter(number, "END")
        if closed:
            # As above.
            gc.collect()

    def _forget_states(self, numbers: list[int]) -> None:
        """Forgets the versions that are neither on the disk nor in memory."""
        for number, state in list(self.states.items()):
            if state.state == "END" and number not in numbers:
                del self.states[number]
                self._failures.forget(number)

    def _enter(self, number: int, stage: Stage, error: str = "") -> None:
        self.states[number] = VersionState(number, stage, error)


def _is_whole(version: Version) -> bool:
    """Whether it has all files of a push by Beltline; of others, nothing tells whether they do."""
    extra = [version.path / CHECK_ROWS, version.path / INPUT_NAMES]
    return bool(version.digest) and all(file.exists() for file in extra)
