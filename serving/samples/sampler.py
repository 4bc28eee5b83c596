"""A sample of the answered requests, for `beltline monitor` and for StatisticsGen.

The event loop only appends to a list in memory, which takes a few microseconds for a request. A
thread encodes the rows as tf.Examples (`encoding.py`) and writes them (`files.py`). If it can't
keep up, or the disk can't be written, rows are dropped and counted: a request never waits for its
sample.
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
MOST_WAITING_BYTES = 32 * 2**20
"""What their values may take in memory."""
# Rows that are encoded together: for a millisecond or two the event loop can't run.
_ROWS_TOGETHER = 128
_BYTES_TOGETHER = 2**20
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
        self._taken_bytes = self._handled_bytes = 0
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
        if not rows:
            return
        size = _size([*columns.values(), *answers.values()], keys)
        if (
            self._taken - self._handled + rows > MOST_WAITING
            or self._taken_bytes - self._handled_bytes + size > MOST_WAITING_BYTES
        ):
            self._refused += rows
        else:
            self._taken += rows
            self._taken_bytes += size
            request = SampledRequest(int(time.time()), rows, chosen, columns, answers, keys, size)
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
            version, requests = self._next()
            self._write_requests(version, requests)
            # Not before: what is being written is in memory, too.
            self._handled_bytes += sum(request.size for request in requests)
            self._handled += sum(request.rows for request in requests)

    def _write_requests(self, version: int, requests: list[SampledRequest]) -> None:
        try:
            batches = self._encoded(version, requests)
        except Exception as error:
            self._lose(sum(request.rows for request in requests), error)
        else:
            self._write(version, batches)

    def _write(self, version: int, batches: list[list[bytes]]) -> None:
        rows = sum(map(len, batches))
        try:
            for records in batches:
                too_large = self._files.write(version, records)
                rows -= len(records)
                self.written += self._files.commit()
                if too_large:
                    self._lose(too_large, "rows that are larger than a file of samples")
        except Exception as error:
            self._lose(rows + self._files.abandon(), error)

    def _next(self) -> tuple[int, list[SampledRequest]]:
        """Takes the oldest waiting requests of one version, up to the size of a batch."""
        version, first = self._waiting.popleft()
        requests, rows, size = [first], first.rows, first.size
        while self._waiting and self._waiting[0][0] == version:
            following = self._waiting[0][1]
            rows, size = rows + following.rows, size + following.size
            if rows > _ROWS_TOGETHER or size > _BYTES_TOGETHER or not following.is_like(first):
                break
            requests.append(self._waiting.popleft()[1])
        return version, requests

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

    def _lose(self, rows: int, error: Exception | str) -> None:
        self._lost += rows
        if time.monotonic() - self._warned > _WARN_SECONDS:
            self._warned = time.monotonic()
            _log.warning("samples of requests were dropped, %d so far: %s", self.dropped, error)


def _size(arrays: Sequence[Array], keys: Sequence[str] | None) -> int:
    """Returns the bytes that the values of a request take."""
    size = sum(map(len, keys or ()))
    for values in arrays:
        size += values.nbytes
        if values.dtype.kind == "O":
            size += sum(map(len, values.ravel().tolist()))
    return size


def _chosen(rows: int, rate: float) -> Array | None:
    """Returns which rows are sampled; None for all of them."""
    if rate >= 1:
        return None
    if rows == 1:
        # Several times as fast as numpy, for the most common request.
        sampled = random.random() < rate  # noqa: S311  # no secret
        return None if sampled else np.empty(0, int)
    return np.flatnonzero(np.random.default_rng().random(rows) < rate)
