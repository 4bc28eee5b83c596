"""`beltline report` on runs of every kind, read from a real ML Metadata."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from beltline.base.errors import WrongInput
from beltline.runners.cli.commands.report import report
from beltline.runners.metadata.store import BUNDLE, REASON, REFUSED
from beltline.versions.approval import approve
from beltline.versions.push import hold
from tests.runners.cli.commands.test_models import push_model
from tests.runners.cli.commands.test_runs import record
from tests.runners.projects import paths
from tests.runners.report.reports import DEPENDENCE, IMPORTANCE, SLICES

TRAINED = json.dumps({"training": {"epochs": 5}, "model": {"hidden": [8]}, "features": {}})
EXPLAINED = {
    "metric": "auc",
    "lower_is_better": False,
    "value": 0.75,
    "importance": IMPORTANCE,
    "intervals": {"candidate": {"auc": [0.7, 0.8]}, "baseline": {}},
    "slices": SLICES,
}
ASKED = {
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "RowCount", "config": '{"name": "rows"}'},
                {
                    "class_name": "RocAuc",
                    "config": '{"name": "auc"}',
                    "per_slice_thresholds": [
                        {
                            "slicing_specs": [{}],
                            "threshold": {
                                "value_threshold": {"lower_bound": 0.8, "upper_bound": 0.99},
                                "change_threshold": {
                                    "absolute": 0.0,
                                    "direction": "HIGHER_IS_BETTER",
                                },
                            },
                        },
                        {"slicing_specs": [{"feature_keys": ["mold"]}], "threshold": {}},
                    ],
                },
            ]
        }
    ]
}


def invoke(folder, *arguments):
    return CliRunner().invoke(report, ["-f", str(folder / "pipeline.yaml"), *arguments])


def told(folder, *arguments):
    result = invoke(folder, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def evaluated(ledger, run="r1", blessed=1, asked=ASKED, **evaluation):
    figures = {"candidate": '{"auc": 0.75, "rows": 30.0}', "baseline": '{"auc": 0.7, "rows": 30.0}'}
    blessing = {"blessed": blessed, "compared_with_champion": 1, "reason": "" if blessed else "low"}
    outputs = {
        "evaluation": ("ModelEvaluation", figures | evaluation),
        "blessing": ("ModelBlessing", blessing),
    }
    ledger.node(run, "Evaluator", outputs=outputs, eval_config=json.dumps(asked))


def examples(folder, ledger, run="r1"):
    rejects = folder / "examples" / "rejects"
    rejects.mkdir(parents=True)
    row = {"file": "a.csv", "line": 7, "column": "x", "reason": "no number", "text": "secret"}
    (rejects / "rows-0.jsonl").write_text(f"{json.dumps(row)}\n" * 9)
    counted = {"rows_eval": 30, "rows_train": 70, "rows_rejected": 9, "rows_dropped": 0}
    made = {"data_digest": "d2", "uri": str(folder / "examples"), **counted}
    ledger.node(
        run, "ExampleGen", outputs={"examples": ("Examples", made)}, path="line.csv", span="3"
    )


def test_a_good_run_from_its_data_to_its_version(folder, ledger):
    push_model(folder, "r0", auc=0.7)
    push_model(folder, "r1", auc=0.75)
    ledger.run("r1")
    examples(folder, ledger)
    results = folder / "results"
    results.mkdir()
    (results / "tuner_results.json").write_text('[{"trial_id": "0", "score": 0.25, "depth": 3}]')
    tuned = {"tuner_results": ("TunerResults", {"uri": str(results)})}
    ledger.node("r1", "Tuner", outputs=tuned)
    model = folder / "model"
    extra = model / "Format-Serving" / "assets.extra"
    extra.mkdir(parents=True)
    worth = [{"learner": "trees", "weight": 1.0, "loss": 0.07}]
    (extra / "learners.json").write_text(json.dumps(worth))
    made = {"model": ("Model", {"uri": str(model)})}
    ledger.node("r1", "Trainer", outputs=made, custom_config=TRAINED)
    pushed = ("PushedModel", {"pushed_version": "1", "pushed": 1})
    ledger.node("r1", "Champion", outputs={"pushed_model": pushed})
    evaluated(ledger, explanation=json.dumps(EXPLAINED))
    new = ("PushedModel", {"pushed_version": "2", "pushed": 1})
    ledger.node("r1", "Pusher", outputs={"pushed_model": new}, **{BUNDLE: "b" * 64})
    found = told(folder)
    assert (found["pipeline"], found["run"]["run"], found["run"]["state"]) == ("line", "r1", "done")
    assert [node["node"] for node in found["nodes"]][-1] == "Pusher"
    assert found["data"] == {
        "path": "line.csv",
        "span": "3",
        "digest": "d2",
        "rows": {"train": 70, "eval": 30},
        "left_out": {"rejected": 9},
        "rejects": [{"file": "a.csv", "line": 7, "column": "x", "reason": "no number"}] * 5,
    }
    judged = found["evaluation"]
    assert (judged["blessed"], judged["champion"], judged["metric"]) == (True, "1", "auc")
    auc, rows = sorted(judged["metrics"], key=lambda each: each["metric"])
    assert auc == {
        "metric": "auc",
        "value": 0.75,
        "champion": 0.7,
        "difference": pytest.approx(0.05),
        "interval": [0.7, 0.8],
        "champion_interval": None,
        "bounds": ["at least 0.8", "at most 0.99", "against the champion at least +0"],
        "missed": True,
    }
    assert (rows["difference"], rows["bounds"], rows["missed"]) == (None, [], False)
    assert (judged["importance"], judged["slices"]) == (IMPORTANCE, SLICES)
    assert found["hyperparameters"] == {"training": {"epochs": 5}, "model": {"hidden": [8]}}
    assert found["learners"] == worth
    assert found["trials"] == [{"trial_id": "0", "score": 0.25, "depth": 3}]
    version = found["version"]
    assert (version["version"], version["kept"], version["live"]) == (2, True, True)
    assert found["missing"] == {
        "columns": "Nothing to show: StatisticsGen did not run.",
        "transform": "Nothing to show: Transform did not run.",
    }
    # The deprecated alias.
    alias = found["judgement"]
    assert alias.pop("figures") == judged.pop("metrics")
    assert alias == judged


def test_what_is_beside_the_evaluation_s_files(folder, ledger):
    ledger.run("r1")
    evaluated(ledger, uri=str(folder), explanation=json.dumps(EXPLAINED))
    assert told(folder)["dependence"] == {}
    (folder / "dependence.json").write_text(json.dumps(DEPENDENCE))
    assert told(folder)["dependence"] == DEPENDENCE


def test_the_page_is_written_and_its_path_printed(folder, ledger):
    ledger.run("r1")
    evaluated(ledger, explanation=json.dumps(EXPLAINED))
    page = paths(folder).root / "reports" / "r1.html"
    assert invoke(folder).output == f"{page}\n"
    assert "run r1" in page.read_text()
    other = folder / "out" / "page.html"
    assert invoke(folder, "r1", "-o", str(other)).output == f"{other}\n"
    assert other.read_text() == page.read_text()


def test_a_run_is_named_as_another_runner_likes(folder, ledger):
    ledger.run("scheduled__2026-01-01T00:00:00+00:00")
    ledger.run("../a b")
    for run in ("scheduled__2026-01-01T00:00:00+00:00", "../a b"):
        page = Path(invoke(folder, run).output.strip())
        assert page.parent == paths(folder).root / "reports"
        assert page.is_file()
    assert page.name == "..%2Fa b.html"


def test_where_the_text_is_too_long_for_ml_metadata_the_file_is_read(folder, ledger):
    (folder / "explanation.json").write_text(json.dumps(EXPLAINED))
    ledger.run("r1")
    evaluated(ledger, uri=str(folder))
    assert told(folder)["evaluation"]["importance"] == IMPORTANCE


def test_a_run_of_an_older_beltline_has_its_figures(folder, ledger):
    ledger.run("r1")
    evaluated(ledger)
    found = told(folder)
    assert [each["metric"] for each in found["evaluation"]["metrics"]]
    assert found["evaluation"]["importance"] == {}
    assert "of an older Beltline" in found["missing"]["importance"]
    assert found["missing"]["slices"] == found["missing"]["importance"]
    assert "of an older Beltline" in page_of(folder)


@pytest.mark.parametrize(
    ("changed", "section", "says"),
    [
        ({"importance": None}, "importance", "Turned off by evaluation.importance_rows"),
        (
            {"importance": {**IMPORTANCE, "value": None, "columns": []}},
            "importance",
            "auc is undefined on these rows",
        ),
        (
            {"importance": {**IMPORTANCE, "rows": 0, "columns": []}},
            "importance",
            "the model has too many columns",
        ),
        (
            {"slices": {"least_rows": 250, "too_small": 0, "worst": []}},
            "slices",
            "evaluation.slices sets the columns",
        ),
        (
            {"slices": {"least_rows": 250, "too_small": 3, "worst": []}},
            "slices",
            "Every slice has fewer than 250 rows",
        ),
    ],
)
def test_what_the_evaluator_left_out_is_said(folder, ledger, changed, section, says):
    ledger.run("r1")
    evaluated(ledger, explanation=json.dumps(EXPLAINED | changed))
    assert says in told(folder)["missing"][section]
    assert says in page_of(folder).replace("&#39;", "'")


def page_of(folder, *arguments):
    return Path(invoke(folder, *arguments).output.strip()).read_text()


def test_refused_data_are_told_with_their_anomalies(folder, ledger):
    ledger.run("r1")
    examples(folder, ledger)
    refusal = {REASON: "'mold': new value <M09>\nand 1 more", REFUSED: "yes"}
    ledger.node("r1", "DataGate", "FAILED", **refusal)
    record(folder, "r1", "refused")
    found = told(folder)
    assert found["data"]["rows"] == {"train": 70, "eval": 30}
    assert found["missing"] == {
        "columns": "Nothing to show: StatisticsGen did not run.",
        "transform": "Nothing to show: Transform did not run.",
        "metrics": "No model was evaluated in this run.",
        "slices": "No model was evaluated in this run.",
        "importance": "No model was evaluated in this run.",
        "hyperparameters": "Nothing to show: Trainer did not run.",
        "version": "Nothing to show: Pusher did not run.",
    }
    page = page_of(folder)
    assert "DataGate refused:" in page
    assert "new value &lt;M09&gt;\nand 1 more" in page


def test_a_refused_model_keeps_its_figures(folder, ledger):
    ledger.run("r1")
    evaluated(ledger, blessed=0, explanation=json.dumps(EXPLAINED))
    kept = {"pushed": 0, "reason": "the Evaluator refused the model"}
    ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", kept)})
    found = told(folder)
    assert (found["run"]["state"], found["evaluation"]["blessed"]) == ("refused", False)
    assert found["missing"] == {
        "data": "Nothing to show: ExampleGen did not run.",
        "columns": "Nothing to show: StatisticsGen did not run.",
        "transform": "Nothing to show: Transform did not run.",
        "hyperparameters": "Nothing to show: Trainer did not run.",
        "version": "Nothing to show: Pusher was skipped.",
    }
    assert "Evaluator refused:</strong> low" in page_of(folder)


def test_a_failed_node_is_told(folder, ledger):
    ledger.run("r1")
    ledger.node("r1", "ExampleGen", "FAILED", **{REASON: "no such file"})
    found = told(folder)
    assert found["data"] == {}
    assert found["missing"]["data"] == "Nothing to show: ExampleGen failed."
    assert "no such file" in page_of(folder)


def test_a_run_that_left_a_record_alone(folder):
    record(folder, "20200101-000000-aaaa", "stopped")
    found = told(folder)
    assert (found["nodes"], found["run"]["state"]) == ([], "stopped")
    assert "No node of this run is known." in page_of(folder)


def test_a_figure_that_is_no_number(folder, ledger):
    ledger.run("r1")
    evaluated(ledger, candidate='{"auc": NaN}', explanation=json.dumps(EXPLAINED | {"value": None}))
    [auc] = told(folder)["evaluation"]["metrics"]
    assert (auc["value"], auc["difference"], auc["missed"]) == (None, None, True)
    assert "(missed)" in page_of(folder)


@pytest.mark.parametrize(
    ("direction", "margin", "words", "missed"),
    [
        ("HIGHER_IS_BETTER", 0.05, "least +0.05", False),
        ("HIGHER_IS_BETTER", 0.07, "least +0.07", True),
        ("LOWER_IS_BETTER", -0.0, "most +0", True),
        ("LOWER_IS_BETTER", 0.1, "most +0.1", False),
    ],
)
def test_how_much_better_than_the_champion(folder, ledger, direction, margin, words, missed):
    change = {"change_threshold": {"absolute": margin, "direction": direction}}
    bound = {"slicing_specs": [{}], "threshold": change}
    metric = {"config": '{"name": "auc"}', "per_slice_thresholds": [bound]}
    ledger.run("r1")
    figures = {"candidate": '{"auc": 0.75}', "baseline": '{"auc": 0.6875}'}
    evaluated(ledger, asked={"metrics_specs": [{"metrics": [metric]}]}, **figures)
    [auc] = told(folder)["evaluation"]["metrics"]
    assert auc["bounds"] == [f"against the champion at {words}"]
    assert auc["missed"] is missed


def test_the_trials_of_the_tuner_s_table_the_best_first(folder, ledger):
    """In the form in which `pipeline/components/tuner_results.py` writes them."""
    state = {"state": "completed", "seconds": 1.5}
    rows = [
        {"trial": 0, **state, "val_loss": 0.3, "untuned": True, "best": False},
        {"trial": 1, **state, "val_loss": 0.4, "untuned": False, "best": False},
        {"trial": 2, **state, "val_loss": 0.2, "untuned": False, "best": True},
    ]
    written = [row | {"hyperparameters": {"depth": 1 + row["trial"]}} for row in rows]
    ledger.run("r1")
    (folder / "trials.json").write_text(json.dumps(written))
    ledger.node("r1", "Tuner", outputs={"tuner_results": ("TunerResults", {"uri": str(folder)})})
    assert told(folder)["trials"] == [rows[n] | {"depth": 1 + n} for n in (2, 0, 1)]


def test_trials_that_can_not_be_read_are_left_out(folder, ledger):
    ledger.run("r1")
    (folder / "broken.json").write_text("[{")
    (folder / "other.json").write_text('{"a": 1}')
    ledger.node("r1", "Tuner", outputs={"tuner_results": ("TunerResults", {"uri": str(folder)})})
    assert told(folder)["trials"] == []


def test_a_version_that_waits_until_it_is_approved(folder, ledger):
    ledger.run("r1")
    held = {"pushed": 0, "waiting_version": "1", "reason": "version 1 waits for approval"}
    ledger.node("r1", "Pusher", outputs={"pushed_model": ("PushedModel", held)})
    assert told(folder)["waiting"] == ""
    push_model(folder, "r1", add=hold)
    assert told(folder)["waiting"] == "1"
    assert "· version 1 waits for approval" in page_of(folder)
    approve(paths(folder).root / "served" / "line", 1)
    assert told(folder)["waiting"] == ""


def test_a_version_that_is_gone(folder, ledger):
    ledger.run("r1")
    new = ("PushedModel", {"pushed_version": "7", "pushed": 1})
    ledger.node("r1", "Pusher", outputs={"pushed_model": new})
    assert told(folder)["version"] == {"version": 7, "kept": False}


def test_runs_that_are_not_there(folder, ledger):
    assert "there is none yet" in str(invoke(folder).exception)
    ledger.run("r1")
    error = invoke(folder, "r2").exception
    assert isinstance(error, WrongInput)
    assert "run 'r2' not found; did you mean r1?" in str(error)


def test_a_page_that_can_not_be_written(folder, ledger):
    ledger.run("r1")
    error = invoke(folder, "-o", str(folder / "pipeline.yaml" / "page.html")).exception
    assert isinstance(error, WrongInput)
    assert "page.html: not writable" in str(error)
