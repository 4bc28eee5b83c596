"""The peers that the locked requirements have, on rows with gaps and many categories."""

import numpy as np
import pandas as pd
import pytest

from beltline.models.features import Task
from benchmarks.quality.peers import judged
from benchmarks.quality.rows import Rows
from tests.benchmarks.quality.test_scores import features

CLASSES = {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}


def rows(task: Task, count: int = 1_200) -> Rows:
    """The label follows a number with gaps and a text of 300 values, some only in eval."""
    rng = np.random.default_rng(0)
    number, code = rng.normal(size=count), rng.integers(0, 300, count)
    score = number + (code % 3 - 1)
    labels = score if task == "regression" else np.digitize(score, [0.0, 1.0])
    texts = pd.Series([f"v{each}" for each in code]).mask(rng.uniform(size=count) < 0.05)
    table = pd.DataFrame({"a [b]": number, "text": texts.astype("category")})
    table.loc[rng.uniform(size=count) < 0.05, "a [b]"] = np.nan
    if task == "binary":
        labels = np.minimum(labels, 1)
    return Rows(table, labels, np.repeat(["train", "validation", "eval"], [800, 100, 300]))


@pytest.mark.parametrize("task", CLASSES)
@pytest.mark.parametrize("name", ["HistGradientBoosting", "LightGBM"])
def test_a_peer_learns_and_is_judged_on_the_eval_rows(name: str, task: Task) -> None:
    found = judged(name, rows(task), features(task, CLASSES[task]))
    assert found["r2" if task == "regression" else "auc"] > (0.4 if task == "regression" else 0.7)
    assert found["seconds"] > 0


def test_nothing_is_learned_from_the_eval_rows() -> None:
    table = rows("binary")
    flipped = np.where(table.split == "eval", 1 - table.labels, table.labels)
    found = judged(
        "LightGBM", Rows(table.inputs, flipped, table.split), features("binary", ("n", "y"))
    )
    assert found["auc"] < 0.4


def test_rows_are_counted_by_split_and_by_class() -> None:
    table = rows("binary")
    assert table.counts() == {"train": 800, "validation": 100, "eval": 300}
    expected = min(table.labels.mean(), 1 - table.labels.mean())
    assert table.rarest(features("binary", ("n", "y"))) == pytest.approx(expected)
    assert rows("regression").rarest(features("regression")) is None
