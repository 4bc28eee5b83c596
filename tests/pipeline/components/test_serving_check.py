"""Tiny real SavedModels, good and bad, asked in a fresh process as before a push."""

import json

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from beltline.pipeline.components import serving_check
from beltline.pipeline.components.serving_check import ANSWERS, ANSWERS_TO_MANY, Executor
from tests.pipeline.components.judged import examples_of

ROWS = [{"x": 1.0, "t": "a"}, {"x": 2.0, "t": "b"}, {"t": "c"}]


class Model(tf.Module):
    """Adds one to x; a missing x counts as zero."""

    def __init__(self, fault):
        super().__init__()
        self._fault = fault

    def columns(self, x, t):
        y = tf.where(tf.math.is_nan(x), 0.0, x) + 1
        if self._fault == "nan":
            y = y / tf.where(tf.equal(t, "b"), 0.0, 1.0) * tf.where(tf.equal(t, "b"), 0.0, 1.0)
        if self._fault == "crashes":
            tf.debugging.assert_less(y, 2.5, message="x is too large for me")
        return {"y": y[:1] if self._fault == "one_answer" else y, "word": tf.strings.join([t, "!"])}

    def examples(self, examples):
        spec = {
            "x": tf.io.FixedLenFeature([], tf.float32, float("nan")),
            "t": tf.io.FixedLenFeature([], tf.string, ""),
        }
        answers = self.columns(**tf.io.parse_example(examples, spec))
        if self._fault == "disagrees":
            answers["y"] += 0.1
        return {"z": answers["y"]} if self._fault == "other_names" else answers

    def signatures(self):
        columns = {
            "x": tf.TensorSpec([None], tf.float32, name="x"),
            "t": tf.TensorSpec([None], tf.string, name="t"),
        }
        given = tf.TensorSpec([None], tf.string, name="examples")
        made = {"serving_default": tf.function(self.columns).get_concrete_function(**columns)}
        if self._fault != "no_examples":
            made["examples"] = tf.function(self.examples).get_concrete_function(given)
        return made


def checked(folder, model_folder, rows=ROWS, most=32):
    """Runs the executor; returns the blessing and its reason."""
    model, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    model.uri, blessing.uri = str(model_folder), str(folder / "blessing")
    (folder / "blessing").mkdir(parents=True)
    Executor().Do(
        {"model": [model], "examples": [examples_of(folder / "examples", rows)]},
        {"blessing": [blessing]},
        {"split": "eval", "rows": most, "code_digest": ""},
    )
    return (
        blessing.get_int_custom_property("blessed"),
        blessing.get_string_custom_property("reason"),
        {file.name for file in (folder / "blessing").iterdir()},
    )


def saved(folder, fault):
    module = Model(fault)
    tf.saved_model.save(module, str(folder / "Format-Serving"), signatures=module.signatures())
    return folder


@pytest.mark.slow
def test_a_model_that_answers_is_blessed_and_its_answers_kept(tmp_path):
    model = saved(tmp_path / "model", "good")
    assert checked(tmp_path, model, most=2)[:2] == (1, "")
    kept = json.loads((tmp_path / "blessing" / ANSWERS).read_text())
    assert kept["rows"] == {"x": [1.0, 2.0], "t": ["a", "b"]}
    assert kept["answers"] == {"y": [2.0, 3.0], "word": ["a!", "b!"]}
    spread = json.loads((tmp_path / "blessing" / ANSWERS_TO_MANY).read_text())
    assert sorted(spread["y"]) == [1.0, 2.0, 3.0]
    assert sorted(spread["word"]) == ["a!", "b!", "c!"]
    assert (tmp_path / "blessing" / "INFRA_BLESSED").exists()
    assert not (tmp_path / "blessing" / "rows.tfrecord").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("nan", "'y' is not a finite number for some rows"),
        ("disagrees", "'y' differs between named columns and serialized examples"),
        ("crashes", "x is too large for me"),
        ("one_answer", "'y' has answers of shape (1,) to 6 rows"),
        ("other_names", "only the signature for named columns answers '"),
        ("no_examples", "the model has no signature 'examples'"),
    ],
)
def test_a_model_that_is_no_use_is_refused_with_the_reason(tmp_path, fault, reason):
    blessed, said, files = checked(tmp_path, saved(tmp_path / "model", fault))
    assert blessed == 0
    assert reason in said
    assert files == {"INFRA_NOT_BLESSED"}


@pytest.mark.slow
def test_a_model_that_is_not_there_is_refused(tmp_path):
    blessed, said, files = checked(tmp_path, tmp_path / "model")
    assert blessed == 0
    assert "SavedModel file does not exist" in said
    assert files == {"INFRA_NOT_BLESSED"}


@pytest.mark.slow
def test_no_rows_show_nothing(tmp_path):
    blessed, said, _ = checked(tmp_path, saved(tmp_path / "model", "good"), rows=[])
    assert (blessed, said) == (0, "no rows to send to the model")


def stub(folder, monkeypatch, source):
    """The probe replaced, for faults that no small model has."""
    script = folder / "probe.py"
    script.write_text(source)
    monkeypatch.setattr(serving_check, "_PROBE", script)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "ended by SIGSEGV"),
        ("raise SystemExit(3)", "the process ended with code 3"),
        ("import time; time.sleep(60)", "no answer within 0.5 s"),
    ],
)
def test_a_process_that_dies_or_hangs_is_a_refusal(tmp_path, monkeypatch, source, reason):
    stub(tmp_path, monkeypatch, source)
    monkeypatch.setattr(serving_check, "_SECONDS", 0.5 if "sleep" in source else 60)
    blessed, said, files = checked(tmp_path, tmp_path / "model")
    assert blessed == 0
    assert reason in said
    assert files == {"INFRA_NOT_BLESSED"}
