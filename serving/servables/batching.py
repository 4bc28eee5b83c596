"""Questions that come while the model is busy are asked together, as soon as it is free.

Nobody waits for a batch to fill: an idle model is asked at once, for a single row too. One thread
asks: the model's own work is spread over the cores by TensorFlow, and a second thread would only
make the batches smaller.
"""

import asyncio
import queue
import threading

from beltline.serving.options import Options
from beltline.serving.servables.errors import ModelFailed, Overloaded, TimedOut
from beltline.serving.servables.joining import Answer, Piece, answers, joined
from beltline.serving.servables.loaded import Loaded
from beltline.serving.servables.signature import Columns


class Batcher:
    """Asks the versions in memory for one event loop.

    Attributes:
      waiting_rows: how many wait, or are being asked; a large request counts as one full batch,
        since its pieces wait one after the other.
      batches: how often a model was asked.
    """

    def __init__(self, options: Options) -> None:
        self.waiting_rows = 0
        self.batches = 0
        self._options = options
        self._pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._left: Piece | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)
        self._thread.start()

    async def submit(self, loaded: Loaded, signature: str, inputs: Columns, rows: int) -> Columns:
        """Answers rows; see `Served.ask`."""
        room = min(rows, self._options.batch_rows)
        if self.waiting_rows and self.waiting_rows + room > self._options.queue_rows:
            raise Overloaded(f"{self.waiting_rows} rows wait for the model already")
        self.waiting_rows += room
        try:
            async with asyncio.timeout(self._options.timeout_seconds):
                if rows == room or not loaded.signatures[signature].by_row:
                    return await self._ask(Piece(loaded, signature, inputs, rows, _future()))
                return await self._ask_in_pieces(loaded, signature, inputs, rows)
        except TimeoutError:
            within = f"{self._options.timeout_seconds:g} seconds"
            raise TimedOut(f"the model did not answer within {within}") from None
        finally:
            self.waiting_rows -= room

    def close(self) -> None:
        """Answers what waits, and stops; a second call does nothing."""
        self._closed = True
        self._pieces.put(None)
        self._thread.join()

    async def _ask_in_pieces(
        self, loaded: Loaded, signature: str, inputs: Columns, rows: int
    ) -> Columns:
        """Asks a large request piece by piece: what others ask meanwhile comes in between."""
        found = []
        for start in range(0, rows, self._options.batch_rows):
            end = min(start + self._options.batch_rows, rows)
            part = {name: values[start:end] for name, values in inputs.items()}
            found.append(await self._ask(Piece(loaded, signature, part, end - start, _future())))
        return joined(found)

    def _ask(self, piece: Piece) -> asyncio.Future[Columns]:
        if self._closed:
            raise ModelFailed("the server is stopping")
        self._pieces.put(piece)
        return piece.answer

    def _work(self) -> None:
        # A function for each step: what it had in hand is let go before it waits for the next.
        while self._step():
            pass

    def _step(self) -> bool:
        """Waits for pieces and answers them; returns False if no more will come."""
        taken = self._next()
        # Whoever gave up, or timed out, needs no answer any more.
        wanted = [piece for piece in taken if not piece.answer.done()]
        if wanted:
            self.batches += 1
            _deliver(wanted, answers(wanted))
        return bool(taken)

    def _next(self) -> list[Piece]:
        """Waits for a piece, and takes what else is there up to a full batch; none at the end."""
        taken: list[Piece] = []
        rows = 0
        while (piece := self._take(wait=not taken)) is not None:
            rows += piece.rows
            if taken and rows > self._options.batch_rows:
                self._left = piece
                break
            taken.append(piece)
        return taken

    def _take(self, wait: bool) -> Piece | None:
        """Returns the next piece; None if there is none now or, if waiting, at the end."""
        left, self._left = self._left, None
        if left is not None:
            return left
        try:
            piece = self._pieces.get(block=wait)
        except queue.Empty:
            return None
        if piece is None:
            # The end must be there still when what was taken before it is answered.
            self._pieces.put(None)
        return piece


def _future() -> asyncio.Future[Columns]:
    return asyncio.get_running_loop().create_future()


def _deliver(pieces: list[Piece], found: list[Answer]) -> None:
    """Hands all answers to the event loop at once: waking it is what costs."""
    try:
        pieces[0].answer.get_loop().call_soon_threadsafe(_settle, pieces, found)
    except RuntimeError:
        # The loop is closed: nobody is there any more to hear.
        return


def _settle(pieces: list[Piece], found: list[Answer]) -> None:
    for piece, answer in zip(pieces, found, strict=True):
        if piece.answer.done():
            continue
        if isinstance(answer, Exception):
            piece.answer.set_exception(answer)
        else:
            piece.answer.set_result(answer)
