"""The training curves of each learner, from what the Trainer logged for TensorBoard."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub import errors
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import PyRecordReader_New
from tensorboard.util import tensor_util

SPLITS = ("train", "validation")
_TAG = "loss"
_MOST_POINTS = 400


def curves_in(folder: Path) -> list[dict[str, Any]]:
    """Returns the curves in a ModelRun artifact.

    Each has `learner` (empty for a model of one), and by split `[step, loss]` points: four hundred
    at most, evenly taken from a longer one, with its last.
    """
    found = []
    for train in sorted(folder.rglob(SPLITS[0])):
        points = {split: _points(train.parent / split) for split in SPLITS}
        if any(points.values()):
            name = train.parent.relative_to(folder).as_posix()
            found.append({"learner": "" if name == "." else name, **points})
    return found


def _points(folder: Path) -> list[list[float]]:
    # A training that was resumed writes its points again, in another file.
    by_step = {
        event.step: float(tensor_util.make_ndarray(value.tensor))
        for file in sorted(folder.glob("*tfevents*"))
        for event in _events(file)
        for value in event.summary.value
        if value.tag == _TAG and value.HasField("tensor")
    }
    points = [[step, loss] for step, loss in sorted(by_step.items()) if math.isfinite(loss)]
    every = -(-len(points) // _MOST_POINTS) or 1
    # From the end, so that the last is one of them.
    return points[::-1][::every][::-1]


def _events(file: Path) -> Iterator[Event]:
    """Yields the events that are whole: a training that was killed may have left a torn one."""
    reader = PyRecordReader_New(str(file))
    while True:
        try:
            reader.GetNext()
        except (errors.OutOfRangeError, errors.DataLossError):
            return
        yield Event.FromString(reader.record())
