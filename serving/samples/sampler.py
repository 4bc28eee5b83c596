"""A sample of the answered requests, for `beltline monitor` and for StatisticsGen.

The event loop only appends to a list in memory: about a microsecond for a request. A thread encodes
the rows as tf.Examples (`encoding.py`) and writes them (`files.py`). If it can't keep up, or the
disk can't be written, rows are dropped and counted: a request never waits for its sample.
"""

import logging
import random
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from beltline.serving.options import Options
from beltline.serving.samples.encoding import Array, SampledRequest, encoded
from beltline.serving.samples.files import SampleFiles
from beltline.versions.folder import find

MOST_WAITING = 50_000
"""Rows that may wait to be written; further ones are dropped."""
# Rows that are encoded together: for a millisecond or two the event loop can't run.
_ROWS_TOGETHER = 128
_PAUSE_SECONDS = 0.25
_BREATH_SECONDS = 0.001
_WARN_SECONDS = 60

_log = logging.getLogger(__name__)


class Sampler:
    """Takes answered rows from the event loop, and writes a share of them to `options.requests`.

    `written` counts the rows that are in files, since the start.

    Raises:
      ValueError: the options name no folder for the samples.
    """

    def __init__(self, options: Options):
        if options.requests is None:
            raise ValueError("options.requests: no folder to write samples to")
        self.written = 0
        self._sampling = options.sampling
        self._folder = options.folder
        self._files = SampleFiles(options.requests, options.sampling.sample_mb)
        self._kinds: dict[int, Mapping[str, str]] = {}
        self._waiting: deque[tuple[int, SampledRequest]] = deque()
        # Each is written by one thread alone, so that none needs a lock.
        self._taken = self._handled = self._refused = self._lost = 0
        self._warned = float("-inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="samples", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """The sampled rows that were not written, since the start."""
        return self._refused + self._lost

    def take(
        self,
        version: int,
        columns: Mapping[str, Array],
        answers: Mapping[str, Array],
        keys: Sequence[str] | None,
    ) -> None:
        """Samples the rows of one request; returns at once, whatever happens to them.

        The arrays must not be changed afterwards.

        Args:
          version: the one that answered.
          columns: the raw inputs, `[n]` or `[n, 1]`, by the data's own names; a missing number is
            NaN, a missing text is empty.
          answers: the outputs by name, `[n]` or `[n, k]`.
          keys: the key of each row, or None.
        """
        rows = len(next(iter(columns.values()), ()))
        chosen = _chosen(rows, self._sampling.sample_rate)
        rows = rows if chosen is None else len(chosen)
        if self._taken - self._handled + rows > MOST_WAITING:
            self._refused += rows
        elif rows:
            self._taken += rows
            request = SampledRequest(int(time.time()), rows, chosen, columns, answers, keys)
            self._waiting.append((version, request))

    def close(self) -> None:
        """Writes what was taken, and ends the thread."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        closing = False
        while not closing:
            closing = self._closing.wait(_PAUSE_SECONDS)
            self._write_waiting()
            # Nobody would notice the end of this thread, so it continues after any error.
            try:
                self.written += self._files.commit(everything=closing)
            except Exception as error:
                self._lose(self._files.abandon(), error)

    def _write_waiting(self) -> None:
        while self._waiting:
            version, requests, rows = self._next()
            self._handled += rows
            try:
                batches = self._encoded(version, requests)
            except Exception as error:
                self._lose(rows, error)
                continue
            self._write(version, batches)

    def _write(self, version: int, batches: list[list[bytes]]) -> None:
        rows = sum(map(len, batches))
        try:
            for records in batches:
                self._files.write(version, records)
                rows -= len(records)
            self.written += self._files.commit()
        except Exception as error:
            self._lose(rows + self._files.abandon(), error)

    def _next(self) -> tuple[int, list[SampledRequest], int]:
        """Takes the oldest waiting requests of one version, up to the size of a batch."""
        version, first = self._waiting.popleft()
        requests, rows = [first], first.rows
        while self._waiting and self._waiting[0][0] == version:
            following = self._waiting[0][1]
            if rows + following.rows > _ROWS_TOGETHER or not following.is_like(first):
                break
            requests.append(self._waiting.popleft()[1])
            rows += requests[-1].rows
        return version, requests, rows

    def _encoded(self, version: int, requests: list[SampledRequest]) -> list[list[bytes]]:
        batches = []
        without = self._sampling.without
        with_key = self._sampling.key not in without
        for batch in encoded(version, requests, self._kinds_of(version), without, with_key):
            batches.append(batch)
            time.sleep(_BREATH_SECONDS)
        return batches

    def _kinds_of(self, version: int) -> Mapping[str, str]:
        if version not in self._kinds:
            found = find(self._folder, version)
            columns = found.problem.get("columns") if found else None
            self._kinds[version] = columns if isinstance(columns, dict) else {}
        return self._kinds[version]

    def _lose(self, rows: int, error: Exception) -> None:
        self._lost += rows
        if time.monotonic() - self._warned > _WARN_SECONDS:
            self._warned = time.monotonic()
            _log.warning("samples of requests were dropped, %d so far: %s", self.dropped, error)


def _chosen(rows: int, rate: float) -> Array | None:
    """Returns which rows are sampled; None for all of them."""
    if rate >= 1:
        return None
    if rows == 1:
        # Several times as fast as numpy, for the most common request.
        sampled = random.random() < rate  # noqa: S311  # no secret
        return None if sampled else np.empty(0, int)
    return np.flatnonzero(np.random.default_rng().random(rows) < rate)
