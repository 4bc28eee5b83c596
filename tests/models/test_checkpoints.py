"""What is kept of an unfinished training, and under which key."""

import copy
import os
import time

import numpy as np
import pytest

from beltline.models.checkpoints import Checkpoints, TrainingState, key_of
from beltline.models.config import from_config
from tests.models.rows import config

STATE = TrainingState(
    {"epochs": 3, "0.best": [float("inf"), 0], "text": "ü", "none": None},
    {"network/0000": np.float32([[1.5, np.nan]]), "network/0001": np.uint32([7, 9])},
)


def test_a_state_comes_back_as_it_was(tmp_path):
    folder = Checkpoints(str(tmp_path / "all"), "key")
    assert folder.load() is None
    folder.save(TrainingState({"epochs": 2}, {}))
    folder.save(STATE)
    found = Checkpoints(str(tmp_path / "all"), "key").load()
    assert found.values == STATE.values
    assert found.arrays.keys() == STATE.arrays.keys()
    for name, array in STATE.arrays.items():
        assert found.arrays[name].tobytes() == array.tobytes()
        assert found.arrays[name].dtype == array.dtype
    assert [each.name for each in (tmp_path / "all/key").iterdir()] == ["state.npz"]
    assert Checkpoints(str(tmp_path / "all"), "other").load() is None


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_torn_state_counts_as_none(tmp_path, caplog, length):
    folder = Checkpoints(str(tmp_path), "key")
    folder.save(STATE)
    file = tmp_path / "key/state.npz"
    file.write_bytes(file.read_bytes()[:length])
    assert folder.load() is None
    assert "training starts from the beginning" in caplog.text


def test_removing_leaves_other_trainings_unless_they_are_long_forgotten(tmp_path):
    for name in ("mine", "young", "old"):
        Checkpoints(str(tmp_path), name).save(STATE)
    long_ago = time.time() - 15 * 24 * 3600
    os.utime(tmp_path / "old", (long_ago, long_ago))
    Checkpoints(str(tmp_path), "mine").remove()
    assert [each.name for each in tmp_path.iterdir()] == ["young"]
    Checkpoints(str(tmp_path / "nothing"), "mine").remove()


def test_the_key_follows_what_the_outcome_depends_on_and_nothing_else(tmp_path):
    rows, more = tmp_path / "rows.gz", tmp_path / "more.gz"
    rows.write_bytes(b"1")
    more.write_bytes(b"2")
    base = from_config(config())
    first = key_of(base, [str(rows)], {"steps": None})

    def changed(section, **values):
        other = copy.deepcopy(config())
        other[section].update(values)
        return key_of(from_config(other), [str(rows)], {"steps": None})

    assert first == changed("training", minutes=1.0, checkpoint_minutes=5.0, gpu="off")
    assert first == changed("tuning", trials=99)
    moved = tmp_path / "moved.gz"
    moved.write_bytes(b"1")
    assert first == key_of(base, [str(moved)], {"steps": None})
    others = {
        changed("training", seed=8),
        changed("model", dropout=0.2),
        changed("features", numbers="zscore"),
        key_of(base, [str(more)], {"steps": None}),
        key_of(base, [str(rows), str(more)], {"steps": None}),
        key_of(base, [str(rows)], {"steps": 5}),
    }
    assert len(others) == 6 and first not in others
    without = {name: section for name, section in config().items() if name != "tuning"}
    assert first == key_of(from_config(without), [str(rows)], {"steps": None})
