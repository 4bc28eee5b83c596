"""A lease: one writer at a time, of a store that has neither locks nor conditional writes.

Whoever finds no holder writes its own token, waits for as long as another may take from looking to
writing, and holds the lease if its token is still there (Fischer's mutual exclusion). A writer
that took longer counts as somebody else. A holder that has died is replaced once its token hasn't
changed for `SECONDS`: each waits by its own clock, so clocks need not agree.
"""

import errno
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from beltline.storage.errors import StoreError
from beltline.storage.objects import delete, read, write
from beltline.storage.url import ObjectUrl

SECONDS = 30.0
SETTLE = 1.0
_GIVE_UP = 300.0
_PAUSE = 0.1


@dataclass(frozen=True)
class Lease:
    """A lease that this process holds."""

    url: ObjectUrl
    token: str
    since: float

    def check(self) -> None:
        """Checks that nobody can have taken it over yet; call it just before a write.

        Raises:
          StoreError: too much time has passed; nothing more may be written.
        """
        if time.monotonic() - self.since > SECONDS / 2:
            why = "the store was too slow to change anything safely; nothing was changed, try again"
            raise StoreError(errno.ETIMEDOUT, why, str(self.url))


@contextmanager
def leased(url: ObjectUrl) -> Iterator[Lease]:
    """Holds the lease that an object stands for; waits for whoever holds it.

    Raises:
      StoreError: the store fails, or the lease is not to be had within five minutes.
    """
    lease = _acquired(url)
    try:
        yield lease
    finally:
        # If it can't be given back, it ends by itself.
        with suppress(OSError):
            if _holder(url) == lease.token:
                delete(url)


def _acquired(url: ObjectUrl) -> Lease:
    began = time.monotonic()
    seen, since = "", began
    while time.monotonic() - began < _GIVE_UP:
        looked = time.monotonic()
        holder = _holder(url)
        if holder and holder != seen:
            seen, since = holder, looked
        if not holder or looked - since > SECONDS:
            token = secrets.token_hex(8)
            write(url, token.encode())
            if time.monotonic() - looked < SETTLE * 0.8:
                taken = time.monotonic()
                time.sleep(SETTLE)
                if _holder(url) == token:
                    return Lease(url, token, taken)
        time.sleep(_PAUSE)
    why = "another push or promotion is running; if there is none, delete this object"
    raise StoreError(errno.EBUSY, why, str(url))


def _holder(url: ObjectUrl) -> str:
    try:
        return read(url).decode("ascii", "replace")
    except FileNotFoundError:
        return ""
