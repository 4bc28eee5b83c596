"""Real SavedModels that answer what the rows say: a judged one, and its refit."""

import numpy as np
import pytest
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from beltline.pipeline.components.refit_check import Executor
from beltline.pipeline.evaluation.config import eval_config
from beltline.pipeline.settings.evaluation import METRICS_OF_TASK
from tests.pipeline.components.judged import _artifact, _model, examples_of, settings_of

RNG = np.random.default_rng(3)


def given(folder, task, rows):
    """The inputs and the properties; what the judged model says is behind `champion_`."""
    width = len(np.atleast_1d(rows[0].get("probabilities", 0)))
    settings = settings_of(task)
    inputs = {
        "examples": [examples_of(folder / "examples", rows)],
        "model": [_model(folder / "refit", task, width, "")],
        "judged_model": [_model(folder / "judged", task, width, "champion_")],
    }
    properties = {
        "split": "eval",
        "rows": 2,
        "eval_config": proto_utils.proto_to_json(eval_config(settings)),
    }
    return inputs, properties


def compared(folder, task, rows):
    return Executor().compared(*given(folder, task, rows))


def answered(task, label, before, after):
    """A row with the answers of both."""
    if task == "multiclass":
        names = {"probabilities": lambda said: said, "decision": lambda said: said == said.max()}
    elif task == "binary":
        names = {"probability": lambda said: said, "decision": lambda said: said >= 0.5}
    else:
        names = {"prediction": lambda said: said}
    row = {"label_index": label}
    for prefix, said in (("champion_", before), ("", after)):
        row |= {prefix + name: make(said) for name, make in names.items()}
    return row


def table(task, shift):
    rows = []
    for _ in range(400):
        if task == "regression":
            label = RNG.normal(100, 10)
            before = label + RNG.normal(0, 4)
            after = before + shift * 10
        elif task == "binary":
            label = float(RNG.random() < 0.4)
            before = np.clip(0.5 + (label - 0.5) * 0.4 + RNG.normal(0, 0.2), 0.01, 0.99)
            after = before if not shift else 1 - before
        else:
            label = float(RNG.integers(0, 3))
            before = 0.2 + 0.4 * np.eye(3)[int(label)] + RNG.normal(0, 0.05, 3)
            before /= before.sum()
            after = np.roll(before, shift)
        rows.append(answered(task, label, before, after))
    return rows


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_the_answers_of_both_are_compared(tmp_path, task):
    assert compared(tmp_path / "sound", task, table(task, 0)) == []
    words = "; ".join(compared(tmp_path / "broken", task, table(task, 1)))
    for metric in METRICS_OF_TASK[task]:
        assert f"{metric} " in words
    assert "squared distance from the judged model's answers" in words


@pytest.mark.slow
def test_a_refit_that_does_not_serve_is_refused_before_that(tmp_path):
    inputs, properties = given(tmp_path, "binary", table("binary", 1))
    blessing = _artifact(standard_artifacts.InfraBlessing, tmp_path / "blessing")
    Executor().Do(inputs, {"blessing": [blessing]}, properties)
    assert blessing.get_int_custom_property("blessed") == 0
    reason = blessing.get_string_custom_property("reason")
    assert reason == "the model has no signature 'serving_default'"
    assert (tmp_path / "blessing" / "INFRA_NOT_BLESSED").exists()
