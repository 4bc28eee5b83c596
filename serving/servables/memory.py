"""Which versions are in memory: the live one, and the one that a rollback would bring back.

`look` takes one step from what is in memory to what the version folder wants, and is called again
and again. A version takes over only once it is loaded and checked; then one assignment makes it
the live one. The one before it stays in memory while somebody holds it, so a question that is on
its way is answered by the version that it was asked of.
"""

import gc
import logging
import queue
import weakref
from dataclasses import dataclass
from typing import Any, Literal

from beltline.serving.options import Options
from beltline.serving.servables.errors import BrokenVersion
from beltline.serving.servables.loaded import Loaded, load
from beltline.serving.servables.refusals import Refusals
from beltline.serving.servables.stamps import Stamp, at_rest, stamp
from beltline.versions.folder import CHECK_ROWS, INPUT_NAMES, Version, find
from beltline.versions.live import order

_log = logging.getLogger("beltline.serving")

Stage = Literal["LOADING", "AVAILABLE", "UNLOADING", "END"]


@dataclass(frozen=True)
class State:
    """How far a version is, in TensorFlow Serving's words."""

    number: int
    state: Stage
    error: str
    """Why it can't be served; empty if nothing is wrong."""


class Memory:
    """The versions in memory. One thread calls `look`; any may read.

    Attributes:
      loaded: the live version, then the one before it; empty while none could be loaded.
      states: how far each version is that was ever tried and is still there, by its number.
    """

    def __init__(self, options: Options) -> None:
        self.loaded: tuple[Loaded, ...] = ()
        self.states: dict[int, State] = {}
        self._options = options
        self._refusals = Refusals()
        # Of versions that nobody holds any more; filled by whichever thread let go last.
        self._left: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()

    def look(self) -> bool:
        """Takes a step towards what the folder wants; returns whether another is due at once.

        A step loads one version, lest a promotion that comes meanwhile waits for two.

        Raises:
          OSError: the folder can't be read; what is in memory stays.
        """
        self._close_left()
        numbers = order(self._options.folder)
        live, fresh = self._first(numbers)
        if live is None:
            return False
        self._take_over(live)
        if fresh:
            return True
        before, _ = self._first(numbers[numbers.index(live.number) + 1 :])
        self._keep((live, before) if before else (live,))
        self._forget_states(numbers)
        return False

    def close(self) -> None:
        """Lets everything go."""
        for loaded in self.loaded:
            loaded.close()
        self.loaded = ()
        self._close_left()

    def _first(self, numbers: list[int]) -> tuple[Loaded | None, bool]:
        """Returns the first that is in memory or can be loaded, and whether it just was."""
        here = {loaded.number: loaded for loaded in self.loaded}
        for number in numbers:
            if number in here:
                return here[number], False
            loaded = self._load(number)
            if loaded:
                return loaded, True
        return None, False

    def _load(self, number: int) -> Loaded | None:
        """Loads a version; None if it is broken, or was a moment ago."""
        version = find(self._options.folder, number)
        if version is None:
            return None
        before = stamp(version.path)
        if self._refusals.stands(number, before):
            return None
        if not _is_whole(version) and not at_rest(before):
            return None
        self._enter(number, "LOADING")
        try:
            loaded = load(version, self._options.batch_rows)
        except BrokenVersion as error:
            why = error.why
        else:
            self._refusals.forget(number)
            self._enter(number, "AVAILABLE")
            return loaded
        # Not before the error is gone: it holds what was loaded until then.
        self._refuse(version, why, before)
        return None

    def _refuse(self, version: Version, why: str, before: Stamp) -> None:
        # While it is still being copied, or deleted, the reason is none: the next look tries again.
        unchanged = stamp(version.path) == before
        if unchanged and self._refusals.add(version.number, why, before):
            answers = f"version {self.loaded[0].number} answers" if self.loaded else "none answers"
            _log.error("version %d can't be served: %s; %s", version.number, why, answers)
        # Last: whoever sees the state may delete the version, and would find the reason logged.
        self._enter(version.number, "END", why)
        # A graph in Python goes in circles: 2 MB a version stay otherwise.
        gc.collect()

    def _take_over(self, live: Loaded) -> None:
        if self.loaded[:1] == (live,):
            return
        was = f"version {self.loaded[0].number} did" if self.loaded else "none did"
        self.loaded = (live, *(loaded for loaded in self.loaded if loaded is not live))
        _log.info("version %d answers from now on; until now %s", live.number, was)

    def _keep(self, kept: tuple[Loaded, ...]) -> None:
        """Keeps these in memory; the others leave as soon as nobody holds them."""
        leaving = [loaded for loaded in self.loaded if loaded not in kept]
        self.loaded = kept
        for loaded in leaving:
            self._enter(loaded.number, "UNLOADING")
            left = (loaded.number, loaded.session)
            weakref.finalize(loaded, self._left.put, left).atexit = False

    def _close_left(self) -> None:
        closed = 0
        while not self._left.empty():
            number, session = self._left.get()
            session.close()
            closed += 1
            # Unless it was loaded anew meanwhile, or is forgotten.
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
                self._refusals.forget(number)

    def _enter(self, number: int, stage: Stage, error: str = "") -> None:
        self.states[number] = State(number, stage, error)


def _is_whole(version: Version) -> bool:
    """Whether all is there that a push of ours brings; of others, nothing tells that it is."""
    extra = [version.path / CHECK_ROWS, version.path / INPUT_NAMES]
    return bool(version.digest) and all(file.exists() for file in extra)
