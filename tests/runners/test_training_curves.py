"""Curves, from event files that TensorBoard's own writer writes."""

import math

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from beltline.runners.training_curves import Point, points


def write(folder, tag, values, plugin="scalars", time=100.0):
    """Writes a curve as `tf.summary.scalar` does, without the seconds of importing TensorFlow."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "events.out.tfevents.1.host.1.0.v2"
    with file.open("wb") as out:
        writer = RecordWriter(out)
        for step, value in enumerate(values, 1):
            metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin))
            tensor = tensor_util.make_tensor_proto(value, dtype=float)
            summary = Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=tensor)])
            event = Event(step=step, wall_time=time + step, summary=summary)
            writer.write(event.SerializeToString())
        writer.flush()
    return file


def test_each_file_is_a_curve(tmp_path):
    write(tmp_path / "trees/train", "loss", [0.5, 0.25])
    write(tmp_path / "network/validation", "loss", [math.inf])
    assert list(points(tmp_path)) == [
        Point("network/validation/loss", 1, math.inf, 101.0),
        Point("trees/train/loss", 1, 0.5, 101.0),
        Point("trees/train/loss", 2, 0.25, 102.0),
    ]


def test_what_is_no_scalar_is_left_out(tmp_path):
    write(tmp_path / "train", "_hparams_/session", [1.0], plugin="hparams")
    assert list(points(tmp_path)) == []


def test_a_file_that_ends_early_gives_what_it_has(tmp_path):
    file = write(tmp_path / "train", "loss", [0.5, 0.25])
    file.write_bytes(file.read_bytes()[:-7])
    assert [point.value for point in points(tmp_path)] == [0.5]
    file.write_bytes(b"")
    assert list(points(tmp_path)) == []


def test_no_folder_has_no_curves(tmp_path):
    assert list(points(tmp_path / "gone")) == []
