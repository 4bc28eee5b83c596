"""Which versions were refused, and why.

Each is tried again once its files change. It is tried again after a while too, since not all
reasons lie in the files: memory may have been short.
"""

import time
from dataclasses import dataclass

from beltline.serving.servables.stamps import Stamp

RETRY_SECONDS = 30.0


@dataclass(frozen=True)
class _Refusal:
    why: str
    stamp: Stamp
    retry_at: float


class Refusals:
    """Why each version was refused, by its number."""

    def __init__(self) -> None:
        self._by_number: dict[int, _Refusal] = {}

    def stands(self, number: int, now: Stamp) -> bool:
        """Whether it is too early to try a version again; `now` is its folder's stamp."""
        known = self._by_number.get(number)
        return known is not None and known.stamp == now and time.monotonic() < known.retry_at

    def add(self, number: int, why: str, before: Stamp) -> bool:
        """Remembers why; returns whether that is news. `before` is the stamp before the try."""
        known = self._by_number.get(number)
        self._by_number[number] = _Refusal(why, before, time.monotonic() + RETRY_SECONDS)
        return known is None or known.why != why

    def forget(self, number: int) -> None:
        """Forgets a version that was taken in the end."""
        self._by_number.pop(number, None)
