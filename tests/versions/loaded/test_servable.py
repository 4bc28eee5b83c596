import gc
import math

import numpy as np
import pytest

from beltline.versions.folder import CARD, CHECK_ROWS, INPUT_NAMES, find
from beltline.versions.loaded.errors import BrokenVersion, ModelFailed, WrongValues
from beltline.versions.loaded.servable import Servable
from beltline.versions.loaded.servable import load as load_version
from tests.serving.servables.broken import BROKEN

pytestmark = pytest.mark.slow


def load(version) -> Servable:
    return load_version(version, 256)


def made():
    from tests.serving.servables import versions_made

    return versions_made


@pytest.fixture(scope="module")
def loaded(three_versions):
    return load(find(three_versions, 2))


def test_it_answers_as_the_signature_of_the_saved_model_does(three_versions, loaded):
    import tensorflow as tf

    asked = made().rows(1.5, 2, 1e30, mold="Ü")
    answers = loaded.run("serving_default", asked)
    direct = tf.saved_model.load(str(three_versions / "2")).signatures["serving_default"]
    for name, expected in direct(**{k: tf.constant(v) for k, v in asked.items()}).items():
        np.testing.assert_array_equal(answers[name], expected.numpy())
    assert answers["class"].tolist() == [b"known"] * 3
    assert answers["probability"][0] == 30


def test_signatures(loaded):
    assert sorted(loaded.signatures) == ["mean", "serving_default"]
    signature = loaded.signatures["serving_default"]
    assert signature.method == "tensorflow/serving/predict"
    assert signature.columns == {"heat": "heat (°C)", "mold": "mold"}
    assert (signature.inputs["heat"].dtype, signature.inputs["heat"].shape) == (np.float32, (None,))
    assert signature.inputs["mold"].dtype == object
    assert signature.by_row
    assert not loaded.signatures["mean"].by_row
    assert loaded.run("mean", {"heat": np.array([1, 2])}) == {"mean": 30}


@pytest.mark.parametrize(
    "values",
    [
        {"heat": [-1.0], "mold": ["A"]},
        {"heat": ["hot"], "mold": ["A"]},
        {"heat": [1.0], "mold": ["\ud800"]},
        {"heat": [1.0], "mold": [7]},
        {"heat": [[1.0]], "mold": ["A"]},
    ],
)
def test_invalid_values(loaded, values):
    with pytest.raises(WrongValues) as refused:
        loaded.run("serving_default", {k: np.array(v, object) for k, v in values.items()})
    assert str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_closed_version_fails(three_versions):
    closed = load(find(three_versions, 1))
    closed.close()
    closed.close()
    with pytest.raises(ModelFailed, match="closed"):
        closed.run("serving_default", made().rows(1))


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_version_is_not_loaded(served_folder, bring, kind):
    change, why = BROKEN[kind]
    bring(2, change)
    with pytest.raises(BrokenVersion, match=why) as refused:
        load(find(served_folder, 2))
    assert refused.value.number == 2


def test_a_version_that_answers_nan(tmp_path):
    nan = {"probability": [1.0, 2.0], "class": ["known", "unknown"]}
    made().push_line(tmp_path / "served", tmp_path, math.nan, answers=nan)
    with pytest.raises(BrokenVersion, match="output 'probability' differs"):
        load(find(tmp_path / "served", 1))


def test_a_version_without_signatures(tmp_path):
    made().save(tmp_path / "bare", 1, signatures=())
    (tmp_path / "bare" / "model").rename(tmp_path / "1")
    with pytest.raises(BrokenVersion, match="no signature that can be called"):
        load(find(tmp_path, 1))


def test_a_version_without_the_signature_for_columns(tmp_path, three_versions):
    model = made().save(tmp_path / "odd", 1, signatures=("mean",))
    model.rename(tmp_path / "1")
    (tmp_path / "1" / CHECK_ROWS).parent.mkdir()
    (tmp_path / "1" / CHECK_ROWS).write_bytes((three_versions / "1" / CHECK_ROWS).read_bytes())
    with pytest.raises(BrokenVersion, match="no signature 'serving_default'"):
        load(find(tmp_path, 1))


def test_a_version_from_another_tool_is_loaded_unchecked(served_folder):
    for file in (CARD, CHECK_ROWS, INPUT_NAMES):
        (served_folder / "1" / file).unlink()
    foreign = load(find(served_folder, 1))
    assert foreign.run("serving_default", made().rows(2))["probability"] == [20]
    assert foreign.signatures["serving_default"].columns == {"heat": "heat", "mold": "mold"}


def test_loading_repeatedly_leaks_no_memory(three_versions):
    def megabytes():
        with open("/proc/self/statm") as pages:  # noqa: PTH123 # it is no file on a disk
            return int(pages.read().split()[1]) * 4096 / 2**20

    def load_and_close(times):
        for _ in range(times):
            load(find(three_versions, 1)).close()
            gc.collect()
        return megabytes()

    before = load_and_close(8)
    assert load_and_close(20) - before < 10
