"""Requests that arrive while the model is busy run as one batch, as soon as it is free.

Nobody waits for a batch to fill: an idle model runs at once, for a single row too. One thread calls
it: TensorFlow spreads the model's own work over the cores, and a second thread would only make the
batches smaller.
"""

import asyncio
import queue
import threading
import time

from beltline.base.settings.serving import ServingLimits
from beltline.serving.current_request import current_request
from beltline.serving.servables.batch_run import BatchItem, Outcome, concatenated, run_items
from beltline.serving.servables.errors import Overloaded, TimedOut
from beltline.versions.loaded.errors import ModelFailed
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.signature import NamedArrays


class Batcher:
    """Runs the requests of one event loop.

    Attributes:
      waiting_rows: rows that wait or run; a large request counts as one full batch, since its parts
        wait one after the other.
      batches: how many batches have run.
    """

    def __init__(self, limits: ServingLimits) -> None:
        self.waiting_rows = 0
        self.batches = 0
        self._limits = limits
        self._items: queue.SimpleQueue[BatchItem | None] = queue.SimpleQueue()
        self._left: BatchItem | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    async def run(
        self, servable: Servable, signature: str, inputs: NamedArrays, rows: int
    ) -> NamedArrays:
        """Runs a signature; see `ServedVersions.run`."""
        counted = min(rows, self._limits.batch_rows)
        if self.waiting_rows and self.waiting_rows + counted > self._limits.queue_rows:
            raise Overloaded(f"{self.waiting_rows} rows wait for the model already")
        self.waiting_rows += counted
        try:
            async with asyncio.timeout(self._limits.timeout_seconds):
                if rows == counted or not servable.signatures[signature].by_row:
                    return await self._enqueue(servable, signature, inputs, rows)
                return await self._run_in_parts(servable, signature, inputs, rows)
        except TimeoutError:
            within = f"{self._limits.timeout_seconds:g} seconds"
            raise TimedOut(f"the model did not answer within {within}") from None
        finally:
            self.waiting_rows -= counted

    def close(self) -> None:
        """Runs what waits, and stops; a second call does nothing."""
        self._closed = True
        self._items.put(None)
        self._thread.join()

    async def _run_in_parts(
        self, servable: Servable, signature: str, inputs: NamedArrays, rows: int
    ) -> NamedArrays:
        """Runs a large request in parts: those of others run in between."""
        found = []
        for start in range(0, rows, self._limits.batch_rows):
            end = min(start + self._limits.batch_rows, rows)
            part = {name: values[start:end] for name, values in inputs.items()}
            found.append(await self._enqueue(servable, signature, part, end - start))
        return concatenated(found)

    def _enqueue(
        self, servable: Servable, signature: str, inputs: NamedArrays, rows: int
    ) -> asyncio.Future[NamedArrays]:
        if self._closed:
            raise ModelFailed("the server is stopping")
        outputs: asyncio.Future[NamedArrays] = asyncio.get_running_loop().create_future()
        item = BatchItem(servable, signature, inputs, rows, outputs)
        request = current_request()
        if request is not None and request.phases is not None:
            item.phases, item.queued = request.phases, time.time_ns()
        self._items.put(item)
        return outputs

    def _work(self) -> None:
        # A function for each step, so that its references are gone while it waits for the next.
        while self._step():
            pass

    def _step(self) -> bool:
        """Waits for items and runs them; returns False at the end."""
        taken = self._next()
        # Nobody waits for an item that was cancelled or timed out.
        wanted = [item for item in taken if not item.outputs.done()]
        if wanted:
            self.batches += 1
            begun = time.time_ns()
            outcomes = run_items(wanted)
            _record(wanted, begun)
            _deliver(wanted, outcomes)
        return bool(taken)

    def _next(self) -> list[BatchItem]:
        """Waits for an item, and takes further ones up to a full batch; none at the end."""
        taken: list[BatchItem] = []
        rows = 0
        while (item := self._take(wait=not taken)) is not None:
            rows += item.rows
            if taken and rows > self._limits.batch_rows:
                self._left = item
                break
            taken.append(item)
        return taken

    def _take(self, wait: bool) -> BatchItem | None:
        """Returns the next item; None if there is none now or, if waiting, at the end."""
        left, self._left = self._left, None
        if left is not None:
            return left
        try:
            item = self._items.get(block=wait)
        except queue.Empty:
            return None
        if item is None:
            # The end must still be in the queue once the items before it have run.
            self._items.put(None)
        return item


def _record(items: list[BatchItem], begun: int) -> None:
    """Records of the items that are traced that they waited until `begun`, and ran until now."""
    for item in items:
        if item.phases is not None:
            item.phases += (("queue", item.queued, begun), ("model", begun, time.time_ns()))


def _deliver(items: list[BatchItem], outcomes: list[Outcome]) -> None:
    """Hands all outcomes to the event loop at once: waking it is what costs."""
    try:
        items[0].outputs.get_loop().call_soon_threadsafe(_set_results, items, outcomes)
    except RuntimeError:
        # The loop is closed: nobody waits any more.
        return


def _set_results(items: list[BatchItem], outcomes: list[Outcome]) -> None:
    for item, outcome in zip(items, outcomes, strict=True):
        if item.outputs.done():
            continue
        if isinstance(outcome, Exception):
            item.outputs.set_exception(outcome)
        else:
            item.outputs.set_result(outcome)
