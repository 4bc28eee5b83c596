import pytest

from beltline.base.errors import WrongInput
from tests.runners.cli.commands.test_runs import record


def test_a_run_has_what_its_report_has(root):
    run = root.runs["r1"]
    assert (run.id, run.state, run.version.number) == ("r1", "done", 1)
    assert run.metrics == {"auc": 0.75, "rows": 30.0}
    assert run.hyperparameters["training"] == {"epochs": 5}
    assert run.settings["Evaluator"]["eval_config"]
    assert run.report.run["run"] == "r1"
    assert repr(run).startswith("<Run r1 done") and repr(run).endswith(", version 1>")
    assert "r1" in run._repr_html_()


def test_runs_are_taken_by_place_id_or_slice(root):
    runs = root.runs
    assert [runs[-1].id, runs[0].id, runs["r2"].id] == ["r3", "r1", "r2"]
    assert [run.id for run in runs[-2:]] == ["r2", "r3"]
    assert repr(runs).splitlines()[0] == repr(runs[0])
    with pytest.raises(WrongInput, match="run 'r9' not found"):
        runs["r9"]
    with pytest.raises(IndexError, match="run 3 of 3"):
        runs[3]


def test_a_run_has_the_version_that_it_pushed_though_it_is_gone(root, folder, ledger):
    ledger.run("r4")
    pushed = {"pushed": 1, "pushed_version": "7"}
    ledger.node("r4", "Pusher", outputs={"pushed_model": ("PushedModel", pushed)})
    record(folder, "r4", "done", version="7")
    version = root.runs["r4"].version
    assert (version.number, version.kept) == (7, False)


def test_runs_are_compared(root):
    assert root.runs.metrics.loc["r1", "auc"] == 0.75
    assert list(root.runs.metrics.index) == ["r1"]
    differences = root.runs.differences()
    assert list(differences.loc["Trainer.custom_config.training.epochs"]) == ["5", "", "7"]
    # What only one of them was asked for is no difference.
    assert len(differences) == 1
    assert root.runs[:0].differences().empty and root.runs[:0].metrics.empty


def test_a_run_that_was_refused_says_why(root):
    run = root.runs["r2"]
    assert run.state == "refused"
    assert run.why[0].startswith("The data differ from the schema in mold")
    assert run.version is None
    assert "Refused" in run._repr_html_()


def test_a_run_without_an_evaluator_has_no_metrics(root):
    run = root.runs["r3"]
    assert (run.metrics, bool(run.evaluation), bool(run.statistics)) == ({}, False, False)
    assert not run.evaluation.frame.size and not run.evaluation.slices.size
    for shown in (run, run.evaluation, run.statistics, run.anomalies, run.curves, run.nodes):
        assert repr(shown)
        assert "None" not in shown._repr_html_().replace("None:", "")


def test_rows_are_of_a_node_that_made_some(root):
    with pytest.raises(
        WrongInput, match="Trainer made no rows; ExampleGen and Transform make some"
    ):
        root.runs["r1"].rows("Trainer")
    with pytest.raises(WrongInput, match="node 'Trainr' not found; did you mean Trainer"):
        root.runs["r1"].rows("Trainr")
