import json
import logging
from types import SimpleNamespace

import pytest

from beltline.runners.node.model_card import leave_card
from beltline.runners.node.stopping import NodeStopped
from beltline.versions.folder import MODEL_CARD
from tests.bundle.bundles import manifest
from tests.runners.projects import Ledger, paths

MANIFEST = manifest(nodes=(), digest="d")
PROBLEM = {"task": "binary", "label": "bad", "classes": ["ok", "scrap"], "columns": {"x": "number"}}
EXPLAINED = {
    "metric": "auc",
    "lower_is_better": False,
    "value": 0.75,
    "importance": None,
    "intervals": {"candidate": {"auc": [0.7, 0.8]}, "baseline": {}},
    "slices": {"least_rows": 9, "too_small": 0, "worst": []},
}


@pytest.fixture
def about(tmp_path):
    """TFX's information on a Pusher, in a run whose other nodes are done."""
    ledger = Ledger(paths(tmp_path).metadata)
    ledger.run("r1")
    rows = {"rows_train": 70, "rows_eval": 30, "data_digest": "d1"}
    ledger.node("r1", "ExampleGen", outputs={"examples": ("Examples", rows)}, path="ü.csv")
    metrics = {"candidate": '{"auc": 0.75}', "explanation": json.dumps(EXPLAINED)}
    ledger.node("r1", "Evaluator", outputs={"evaluation": ("ModelEvaluation", metrics)})
    ledger.node("r1", "Pusher", "RUNNING")
    return SimpleNamespace(
        tmp_dir=str(tmp_path / "tmp"),
        execution_id=7,
        pipeline_run_id="r1",
        exec_properties={"problem": json.dumps(PROBLEM), "code": "c1"},
        input_dict={"judged_model": []},
    )


def left(tmp_path, about):
    leave_card(MANIFEST, paths(tmp_path).metadata, about)
    # Where TFX's executors have their temporary files.
    return tmp_path / "tmp" / "7" / MODEL_CARD.name


def test_it_describes_the_run_s_model(tmp_path, about):
    card = json.loads(left(tmp_path, about).read_text())
    details = card["model_details"]
    assert "version" not in details and "pushed_at" not in details
    assert (details["name"], details["run"], details["task"]) == ("line", "r1", "binary")
    assert details["digests"] == {"data": "d1", "code": "c1"}
    assert details["refit"] is False
    assert details["made_from"]["bundle"] == "d"
    assert card["intended_use"]["from_columns"] == {"x": "number"}
    auc = {"value": 0.75, "interval": [0.7, 0.8]}
    assert card["quantitative_analyses"]["overall"] == {"auc": auc}
    assert card["training_data"]["rows"] == 70


def test_it_says_of_a_refit_that_it_is_one(tmp_path, about):
    about.input_dict["judged_model"] = ["a model"]
    card = json.loads(left(tmp_path, about).read_text())
    assert card["model_details"]["refit"] is True
    assert "It is a refit" in card["caveats_and_recommendations"][-1]


def test_whatever_is_wrong_with_it_the_push_goes_on(tmp_path, about, caplog):
    about.exec_properties["problem"] = "{broken"
    with caplog.at_level(logging.WARNING, "beltline.node"):
        assert not left(tmp_path, about).exists()
    assert "the version will have no model card" in caplog.text


def test_a_node_that_is_stopped_stops(tmp_path, about):
    class Stopped(dict):
        def __getitem__(self, key):
            raise NodeStopped("SIGTERM")

    about.exec_properties = Stopped()
    with pytest.raises(NodeStopped):
        left(tmp_path, about)
