from dataclasses import replace

from beltline.api.training import TrainingCurves
from tests.runners.report.reports import REPORT


def test_each_learner_has_its_points():
    found = TrainingCurves(REPORT)
    assert [curve["learner"] for curve in found] == ["network", "trees"]
    assert found[0]["train"] == [[1, 0.5], [2, 0.25]]
    assert list(found.frame.iloc[-1]) == ["trees", "train", 1, 0.5]
    assert len(found.frame) == 5
    assert repr(found).splitlines()[0] == "network: train loss 0.25 after 2 steps"
    assert "Loss of network" in found._repr_html_()


def test_a_model_of_one_learner_is_called_model():
    curve = {"learner": "", "train": [[1, 0.5]], "validation": []}
    found = TrainingCurves(replace(REPORT, training=[curve]))
    assert list(found.frame["learner"]) == ["model"]


def test_without_a_training():
    found = TrainingCurves(replace(REPORT, training=[]))
    assert (len(found), repr(found)) == (0, "nothing was trained in this run")
    assert list(found.frame.columns) == ["learner", "split", "step", "loss"]
