import math
import subprocess
import sys

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import SummaryMetadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from beltline.runners.report.training import curves_in

SCALAR = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))


def log(folder, losses, tag="loss", name="events.out.tfevents.1.v2", first=1):
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(file_version="brain.Event:2").SerializeToString())
        for step, loss in enumerate(losses, first):
            event = Event(step=step)
            tensor = tensor_util.make_tensor_proto(float(loss))
            event.summary.value.add(tag=tag, tensor=tensor, metadata=SCALAR)
            writer.write(event.SerializeToString())
        writer.flush()
    return folder / name


def test_the_curve_of_a_model_of_one_learner(tmp_path):
    log(tmp_path / "train", [0.5, 0.25])
    log(tmp_path / "validation", [0.75, 0.5])
    log(tmp_path / "train", [0.001] * 3, tag="learning_rate", name="events.out.tfevents.2")
    assert curves_in(tmp_path) == [
        {"learner": "", "train": [[1, 0.5], [2, 0.25]], "validation": [[1, 0.75], [2, 0.5]]}
    ]


def test_the_curves_of_several_learners(tmp_path):
    for learner in ("trees", "network"):
        log(tmp_path / learner / "train", [0.5])
    found = curves_in(tmp_path)
    assert [each["learner"] for each in found] == ["network", "trees"]
    assert found[0]["validation"] == []


def test_points_written_again_count_once(tmp_path):
    log(tmp_path / "train", [0.5, 0.25])
    log(tmp_path / "train", [0.125, 0.0625], name="events.out.tfevents.2.v2", first=2)
    [curve] = curves_in(tmp_path)
    assert curve["train"] == [[1, 0.5], [2, 0.125], [3, 0.0625]]


def test_a_loss_that_is_no_number_is_left_out(tmp_path):
    log(tmp_path / "train", [0.5, math.nan, math.inf, 0.25])
    assert curves_in(tmp_path)[0]["train"] == [[1, 0.5], [4, 0.25]]


def test_a_long_curve_keeps_its_last_point(tmp_path):
    log(tmp_path / "train", range(1, 2001))
    points = curves_in(tmp_path)[0]["train"]
    assert len(points) == 400
    assert (points[0], points[-1]) == ([5, 5.0], [2000, 2000.0])


def test_a_torn_file_is_read_up_to_there(tmp_path):
    file = log(tmp_path / "train", [0.5, 0.25])
    file.write_bytes(file.read_bytes()[:-3])
    assert curves_in(tmp_path)[0]["train"] == [[1, 0.5]]
    file.write_bytes(b"")
    assert curves_in(tmp_path) == []


def test_nothing_logged(tmp_path):
    assert curves_in(tmp_path) == []
    assert curves_in(tmp_path / "gone") == []


def test_nobody_waits_for_tensorflow(tmp_path):
    log(tmp_path / "train", [0.5])
    code = (
        "import sys, pathlib; from beltline.runners.report.training import curves_in;"
        f"print(len(curves_in(pathlib.Path({str(tmp_path)!r}))), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "1 False\n", done.stderr
