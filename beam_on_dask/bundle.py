"""A bundle of a stage, run in a worker's process by the SDK harness' own processor.

A process runs one bundle at a time: DoFns need not bear threads.
"""

import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from beltline.beam_on_dask.attempts import Receipt, Stamp, stamps
from beltline.beam_on_dask.coders import Coders
from beltline.beam_on_dask.internals import (
    FNAPI_RUNNER_CAPABILITIES,
    StateCache,
    beam_fn_api_pb2,
    bundle_processor,
    data_plane,
    sdk_worker,
)
from beltline.beam_on_dask.plan import Coding, PlannedStage
from beltline.beam_on_dask.shuffle import Buckets, Chunks, grouped
from beltline.beam_on_dask.side_inputs import SideInputState, State, state_of

# Processors are kept from bundle to bundle, as their DoFns are set up.
_KEPT = 64
_CACHE_BYTES = 64 << 20


@dataclass(frozen=True)
class Job:
    """What all bundles of a run of a pipeline share.

    `prepare` is called before each bundle; `seed` differs from run to run.
    """

    name: str
    seed: int
    prepare: Callable[[], None] | None = None


@dataclass(frozen=True)
class Work:
    """A stage's part in a job: what all of its bundles share."""

    job: Job
    stage: PlannedStage
    buckets: dict[str, int]


@dataclass(frozen=True)
class Result:
    """What a bundle has written, by transform and bucket."""

    written: dict[str, list[Chunks]]
    stamps: dict[str, list[Stamp]]
    receipt: Receipt

    def piece(self, transform: str, bucket: int) -> "Piece":
        """Returns what one bundle of another stage reads."""
        return Piece(self.stamps[transform][bucket], self.written[transform][bucket])


@dataclass(frozen=True)
class Piece:
    """A bucket of a bundle's output, and which it is."""

    stamp: Stamp
    chunks: Chunks


@dataclass(frozen=True)
class Side:
    """A side input's state, and what it was made of."""

    read: tuple[Stamp, ...]
    state: State


def run_bundle(
    work: Work,
    number: int,
    transform: str,
    pieces: list[Piece],
    coding: Coding | None,
    sides: list[Side],
) -> Result:
    """Runs one bundle.

    Args:
      work: the stage.
      number: which of the stage's bundles it is.
      transform: the transform that reads the input.
      pieces: the input, from each bundle that wrote some.
      coding: how to group them; None for no grouping.
      sides: the state of the side inputs.

    Raises:
      Exception: what user code has raised.
    """
    with _LOCK:
        if work.job.prepare:
            work.job.prepare()
        # Labels may be equal, numbers of stages are not.
        source = f"{work.stage.label} {work.stage.number}-{number}"
        read = tuple(piece.stamp for piece in pieces)
        read += tuple(stamp for side in sides for stamp in side.read)
        given = [chunk for piece in pieces for chunk in piece.chunks]
        if not given:
            nothing: dict[str, list[Chunks]] = {
                name: [[] for _ in range(buckets)] for name, buckets in work.buckets.items()
            }
            return _result(source, nothing, read)
        harness = _harness(work)
        elements = grouped(given, coding, harness.coders) if coding else given
        _seed(work, number)
        state = {name: value for side in sides for name, value in side.state.items()}
        written, metrics = harness.run(work, number, {transform: elements}, state)
        return _result(source, written, read, metrics)


def side_state(work: Work, side: int, pieces: list[Piece], verified: list[bool]) -> Side:
    """Returns the state of one of the stage's side inputs from all that was written to it.

    Args:
      work: the stage.
      side: which of its side inputs.
      pieces: all that was written to it.
      verified: that these were made of what fits together.
    """
    with _LOCK:
        if work.job.prepare:
            work.job.prepare()
        given = (chunk for piece in pieces for chunk in piece.chunks)
        state = state_of(work.stage.sides[side], Coders(work.stage), given)
        return Side(tuple(piece.stamp for piece in pieces), state)


def forget(job: str) -> None:
    """Tears down what this process keeps of a job."""
    with _LOCK:
        for key in [key for key in _HARNESSES if key[0] == job]:
            _HARNESSES.pop(key).tear_down()


def _result(
    source: str,
    written: dict[str, list[Chunks]],
    read: tuple[Stamp, ...],
    metrics: tuple[bytes, ...] = (),
) -> Result:
    marked = stamps(source, written)
    own = tuple(stamp for buckets in marked.values() for stamp in buckets)
    return Result(written, marked, Receipt(own, read, metrics))


def _seed(work: Work, number: int) -> None:
    """Makes random numbers those of the bundle, mostly: Dask's threads draw from the same ones.

    Run again, the bundle then writes the same, and what was read of it before remains valid.
    """
    seed = crc32(f"{work.job.seed} {work.stage.name} {number}".encode())
    random.seed(seed)
    np.random.seed(seed)


class _Channel(data_plane.DataChannel):
    """Both ends of a bundle: its input as it is asked for, its output as it is written."""

    def __init__(self) -> None:
        self.inputs: dict[str, Iterable[bytes]] = {}
        self.outputs: dict[str, Buckets] = {}

    def input_elements(
        self, instruction_id: str, expected_inputs: Any, abort_callback: Any = None
    ) -> Iterator[Any]:
        for transform, chunks in self.inputs.items():
            for chunk in chunks:
                yield beam_fn_api_pb2.Elements.Data(
                    instruction_id=instruction_id, transform_id=transform, data=chunk
                )

    def output_stream(self, instruction_id: str, transform_id: str) -> Any:
        write = self.outputs[transform_id].write
        return data_plane.ClosableOutputStream.create(write, write, 0)

    def output_timer_stream(
        self, instruction_id: str, transform_id: str, timer_family_id: str
    ) -> Any:
        # Beam's interface wants it; `refusals.py` lets no pipeline with timers begin.
        raise NotImplementedError(transform_id)

    def close(self) -> None:
        pass


class _Harness:
    """A stage's processor with what it reads from and writes to."""

    def __init__(self, stage: PlannedStage):
        self.coders = Coders(stage)
        self._channel = _Channel()
        self._state = SideInputState()
        self._bundles = 0
        self._processor = bundle_processor.BundleProcessor(
            FNAPI_RUNNER_CAPABILITIES,
            beam_fn_api_pb2.ProcessBundleDescriptor.FromString(stage.descriptor),
            sdk_worker.GlobalCachingStateHandler(StateCache(_CACHE_BYTES), self._state),
            data_plane.InMemoryDataChannelFactory(self._channel),
        )

    def run(
        self, work: Work, number: int, inputs: dict[str, Iterable[bytes]], state: State
    ) -> tuple[dict[str, list[Chunks]], tuple[bytes, ...]]:
        self._bundles += 1
        name = f"bundle-{self._bundles}"
        outputs = work.stage.outputs
        self._state.state = state
        self._channel.inputs = inputs
        self._channel.outputs = {
            each: Buckets(outputs[each], self.coders, buckets)
            for each, buckets in work.buckets.items()
        }
        try:
            with self._processor.state_handler.process_instruction_id(name, []):
                residuals, finalizes = self._processor.process_bundle(name)
            if residuals:
                # Only a splittable DoFn does, and `refusals.py` takes bounded sources alone.
                raise NotImplementedError(f"{work.stage.name}: a source that stops half-way")
            if finalizes:
                self._processor.finalize_bundle()
            metrics = tuple(each.SerializeToString() for each in self._processor.monitoring_infos())
        except BaseException:
            # Its DoFns may be in any state.
            _HARNESSES.pop((work.job.name, work.stage.name), None)
            self.tear_down()
            raise
        written = {each: made.finish(number) for each, made in self._channel.outputs.items()}
        self._processor.reset()
        self._channel.inputs, self._channel.outputs, self._state.state = {}, {}, {}
        return written, metrics

    def tear_down(self) -> None:
        self._processor.shutdown()


_LOCK = threading.RLock()
_HARNESSES: OrderedDict[tuple[str, str], _Harness] = OrderedDict()


def _harness(work: Work) -> _Harness:
    key = (work.job.name, work.stage.name)
    if key not in _HARNESSES:
        _HARNESSES[key] = _Harness(work.stage)
        while len(_HARNESSES) > _KEPT:
            _HARNESSES.popitem(last=False)[1].tear_down()
    _HARNESSES.move_to_end(key)
    return _HARNESSES[key]
