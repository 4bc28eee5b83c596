"""Side inputs: a whole PCollection as the state that a bundle asks for while it runs."""

import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from beltline.beam_on_dask.coders import Coders
from beltline.beam_on_dask.internals import (
    WindowGroupingBuffer,
    beam_fn_api_pb2,
    beam_runner_api_pb2,
    common_urns,
    sdk_worker,
)
from beltline.beam_on_dask.plan import SideInput

State = dict[bytes, bytes]


def state_of(side: SideInput, coders: Coders, chunks: Iterable[bytes]) -> State:
    """Returns the state of a side input from its encoded elements: by window, and by key.

    Raises:
      ValueError: Beam asks for it in a way that is unknown here.
    """
    pattern = beam_runner_api_pb2.FunctionSpec(urn=side.access)
    buffer = WindowGroupingBuffer(pattern, coders.safe(side.coder))
    for chunk in chunks:
        buffer.append(chunk)
    parts: dict[bytes, list[bytes]] = {}
    for key, window, values, number in buffer.encoded_items():
        for name, value in _entries(side, key, window, values, number):
            parts.setdefault(name, []).append(value)
    return {name: b"".join(values) for name, values in parts.items()}


def _entries(
    side: SideInput, key: bytes, window: bytes, values: bytes, number: int
) -> Iterator[tuple[bytes, bytes]]:
    names = {"transform_id": side.transform, "side_input_id": side.tag, "window": window}
    kinds = beam_fn_api_pb2.StateKey
    if side.access == common_urns.side_inputs.ITERABLE.urn:
        yield _name(iterable_side_input=kinds.IterableSideInput(**names)), values
        return
    yield _name(multimap_side_input=kinds.MultimapSideInput(**names, key=key)), values
    yield _name(multimap_keys_side_input=kinds.MultimapKeysSideInput(**names)), key
    # A key and the iterable of its values, as Beam encodes such a pair.
    whole = key + struct.pack(">i", number) + values
    yield _name(multimap_keys_values_side_input=kinds.MultimapKeysValuesSideInput(**names)), whole


def _name(**key: Any) -> bytes:
    return bytes(beam_fn_api_pb2.StateKey(**key).SerializeToString())


class SideInputState(sdk_worker.StateHandler):
    """What a bundle may ask for: `state` is replaced before each bundle."""

    def __init__(self) -> None:
        self.state: State = {}

    def get_raw(self, state_key: Any, continuation_token: bytes | None = None) -> Any:
        """Returns the whole of a state, empty where there is none."""
        return self.state.get(state_key.SerializeToString(), b""), None

    def append_raw(self, state_key: Any, data: bytes) -> Any:
        """Refuses: nothing that the runner takes writes state."""
        # Beam's interface wants it; `refusals.py` lets no stateful DoFn begin.
        raise NotImplementedError(state_key)

    def clear(self, state_key: Any) -> Any:
        """Refuses: nothing that the runner takes writes state."""
        # Beam's interface wants it; `refusals.py` lets no stateful DoFn begin.
        raise NotImplementedError(state_key)

    @contextmanager
    def process_instruction_id(self, bundle_id: str) -> Iterator[None]:
        """Does nothing: one bundle at a time asks."""
        yield

    def done(self) -> None:
        """Does nothing: the state goes with its bundle."""
