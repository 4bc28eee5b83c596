"""The curves of a training, from the event files that the Trainer writes for TensorBoard.

Read by TensorBoard's own reader and messages, without TensorFlow: the task that tells may have
little memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCALARS = "scalars"


@dataclass(frozen=True)
class Point:
    """A point of a curve: `time` in seconds since the epoch, `step` from 1 on.

    `curve` is the folder of its file and the tag, such as `network/train/loss`.
    """

    curve: str
    step: int
    value: float
    time: float


def points(folder: Path) -> Iterator[Point]:
    """Yields the points of all event files below a folder, in the order of the files.

    A file that ends early, as that of a killed training may, gives the points that it has.
    """
    for file in sorted(folder.rglob("events.out.tfevents.*")):
        within = file.parent.relative_to(folder).as_posix()
        for event in _events(file):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == _SCALARS:
                    curve, number = f"{within}/{value.tag}", _number(value)
                    yield Point(curve, event.step, number, event.wall_time)


def _events(file: Path) -> Iterator[Any]:
    # The import takes a while, and only few runs are told to whom curves matter.
    from tensorboard.compat.proto import event_pb2
    from tensorboard.compat.tensorflow_stub import errors
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New

    reader = PyRecordReader_New(str(file))
    while True:
        try:
            reader.GetNext()
        except (errors.OutOfRangeError, errors.DataLossError):
            return
        yield event_pb2.Event.FromString(reader.record())


def _number(value: Any) -> float:
    from tensorboard.util import tensor_util

    return float(tensor_util.make_ndarray(value.tensor).item())
