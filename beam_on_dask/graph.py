"""The plan as tasks of `distributed`: one for each bundle, and for each bucket that is handed on.

All tasks are submitted at once: nothing waits for a stage to end as a whole but what reads it as a
whole. Who lost a worker recomputes what was lost there; results are released when they were read.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from distributed import Client, Future

from beltline.beam_on_dask import bundle
from beltline.beam_on_dask.attempts import Receipt, verify
from beltline.beam_on_dask.bundle import Job, Piece, Result, Work
from beltline.beam_on_dask.internals import ENCODED_IMPULSE_VALUE
from beltline.beam_on_dask.plan import (
    GROUP,
    IMPULSE,
    MATERIALIZE,
    RESHUFFLE,
    Coding,
    PlannedStage,
)

# Buckets per thread: enough that one slow bucket doesn't hold up all, few enough to be cheap.
_BUCKETS = {GROUP: 2, RESHUFFLE: 4}
_IMPULSE = Piece((IMPULSE, "", 0, 0), [ENCODED_IMPULSE_VALUE])


@dataclass(frozen=True)
class Buffer:
    """What has been written so far: for each reading bundle, the pieces that it reads.

    `writers` are the names of the stages that have written it.
    """

    pieces: list[list[Future]]
    coding: Coding | None = None
    writers: tuple[str, ...] = ()


class Graph:
    """Submits the stages of a job, in order.

    Args:
      client: the cluster's client.
      job: the job.
      threads: how many bundles run at once.
    """

    def __init__(self, client: Client, job: Job, threads: int):
        self._client = client
        self._job = job
        self._threads = threads
        self._numbers = itertools.count()
        self._buffers: dict[str, Buffer] = {}
        self.receipts: dict[str, list[Future]] = {}
        self.verified: dict[str, Future] = {}

    def add(self, stage: PlannedStage) -> None:
        """Submits a stage whose inputs were added before."""
        buckets = {
            name: _BUCKETS.get(output.kind, 0) * self._threads or 1
            for name, output in stage.outputs.items()
        }
        work = self._submit("stage", stage, _same, Work(self._job, stage, buckets))
        read = [
            self._buffers.get(buffer, Buffer([]))
            for buffer in (*stage.inputs.values(), *(side.buffer for side in stage.sides))
        ]
        writers = {name for buffer in read for name in buffer.writers}
        sides = [
            self._side(stage, work, number, side.buffer) for number, side in enumerate(stage.sides)
        ]
        results = [
            self._submit("bundle", stage, bundle.run_bundle, work, number, *given, sides)
            for number, given in enumerate(self._inputs(stage))
        ]
        self.receipts[stage.name] = [
            self._submit("receipt", stage, _receipt, result) for result in results
        ]
        self.verified[stage.name] = self._submit(
            "verified",
            stage,
            _verified,
            self.receipts[stage.name],
            [self.receipts[name] for name in sorted(writers)],
            [self.verified[name] for name in sorted(writers)],
        )
        for name, output in stage.outputs.items():
            self._write(stage, name, results, output.kind, buckets[name])

    def _side(self, stage: PlannedStage, work: Future, number: int, buffer: str) -> Future:
        read = self._buffers[buffer]
        pieces = [piece for pieces in read.pieces for piece in pieces]
        verified = [self.verified[name] for name in read.writers]
        return self._submit("side", stage, bundle.side_state, work, number, pieces, verified)

    def _inputs(self, stage: PlannedStage) -> Iterator[tuple[str, list[Any], Coding | None]]:
        for transform, buffer in stage.inputs.items():
            if buffer == IMPULSE:
                yield transform, [_IMPULSE], None
                continue
            read = self._buffers.get(buffer, Buffer([]))
            yield from ((transform, pieces, read.coding) for pieces in read.pieces)

    def _write(
        self, stage: PlannedStage, name: str, results: list[Future], kind: str, buckets: int
    ) -> None:
        output = stage.outputs[name]
        picked = [
            [
                self._submit("piece", stage, Result.piece, result, name, bucket)
                for bucket in range(buckets)
            ]
            for result in results
        ]
        found = self._buffers.get(output.buffer, Buffer([]))
        writers = (*found.writers, stage.name)
        if kind == MATERIALIZE:
            self._buffers[output.buffer] = Buffer(found.pieces + picked, None, writers)
            return
        dealt = [[each[bucket] for each in picked] for bucket in range(buckets)]
        before = found.pieces or [[] for _ in range(buckets)]
        pieces = [old + new for old, new in zip(before, dealt, strict=True)]
        coding = output.coding if kind == GROUP else None
        self._buffers[output.buffer] = Buffer(pieces, coding, writers)

    def _submit(self, kind: str, stage: PlannedStage, function: Any, *arguments: Any) -> Future:
        key = f"{_group(stage.label, kind)}-{self._job.name}-{next(self._numbers)}"
        return self._client.submit(function, *arguments, key=key, pure=False)


def _group(label: str, kind: str) -> str:
    """Returns the name that Dask's pages and errors show.

    Dask expects a task to take what others of its name took, which for it ends before the first
    word between dashes that is not of letters alone.
    """
    return f"{label.replace('-', '_')}-{kind}"


def _receipt(result: Result) -> Receipt:
    return result.receipt


def _verified(receipts: list[Receipt], sources: list[list[Receipt]], before: list[bool]) -> bool:
    return verify(receipts, (receipt for source in sources for receipt in source))


def _same(value: Any) -> Any:
    return value
