import json

import numpy as np

from beltline.pipeline.evaluation.curves import FILE, write
from beltline.pipeline.evaluation.metrics import Decisions, ScoreHistogram


def test_only_the_buckets_with_rows_are_written(tmp_path):
    labels, scores = np.array([0.0, 1.0, 1.0]), np.array([[0.0005], [0.0008], [1.0]])
    counts = {
        "score_histogram": ScoreHistogram().of(labels, scores),
        "decisions": Decisions().of(labels, scores),
    }
    write(tmp_path, {"candidate": counts, "baseline": {}}, np.empty((0, 2)))
    found = json.loads((tmp_path / FILE).read_text())
    assert found == {
        "buckets": 1000,
        "candidate": {
            "decisions": [1.0, 0.0, 1.0, 1.0],
            "score_histogram": [[1.0, 1.0, 0.0013, 2.0], [1001.0, 1.0, 1.0, 1.0]],
        },
        "answers": [],
    }


def test_answers_that_are_no_numbers_are_left_out(tmp_path):
    write(tmp_path, {}, np.array([[1.0, np.inf], [2.0, 3.0]]))
    assert json.loads((tmp_path / FILE).read_text())["answers"] == [[2.0, 3.0]]
