"""The real scheduler runs a whole pipeline, driven over REST as the UI would."""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from beltline.versions.live import live
from beltline.versions.store import store_of
from tests.airflow.deployed import Deployed
from tests.airflow_process import Airflow
from tests.beltline_process import Beltline
from tests.end_to_end.projects import NODES, casting
from tests.http_receiver import Receiver, receiving

pytestmark = pytest.mark.slow

TASKS = (*NODES, "Track")


@pytest.fixture(scope="module")
def pipeline(
    airflow: Airflow, metadata: str, beltline: Beltline, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    """The casting pipeline in Airflow; its first run has ended."""
    project = casting(beltline, tmp_path_factory.mktemp("scheduler"), rows=2000)
    pipeline = Deployed(airflow, project, metadata)
    pipeline.compile()
    assert pipeline.run("first") == "success", pipeline.story("first")
    return pipeline


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def test_a_whole_run_ends_well_in_airflow_and_in_ml_metadata(pipeline: Deployed) -> None:
    assert pipeline.tasks("first") == dict.fromkeys(TASKS, "success")
    assert pipeline.executions("first") == dict.fromkeys(NODES, "complete")
    assert pipeline.project.versions() == ["1"]
    report = (pipeline.project.root / "reports/first.html").read_text()
    assert "pushed" in report and 'id="metrics"' in report


def test_each_task_leaves_its_nodes_result(pipeline: Deployed) -> None:
    for node in NODES:
        result = pipeline.result("first", node)
        assert (result["node"], result["state"], result["reason"]) == (node, "done", "")
    [model] = pipeline.result("first", "Trainer")["outputs"]["model"]
    assert (Path(model["uri"]) / "Format-Serving/saved_model.pb").exists()


def test_a_log_is_the_nodes_own_and_short(pipeline: Deployed) -> None:
    for node in NODES:
        lines = pipeline.airflow.rest.logs("casting", "first", node)
        assert len(lines) < 60, f"{node}: {len(lines)} lines"
        assert {line["level"] for line in lines if "level" in line} <= {"info", "warning"}
    assert "rows to learn from" in pipeline.airflow.rest.text("casting", "first", "Trainer")


def test_a_push_updates_the_asset(pipeline: Deployed) -> None:
    [event] = [each for each in pipeline.pushes() if each["source_run_id"] == "first"]
    assert (event["source_dag_id"], event["source_task_id"]) == ("casting", "Pusher")
    assert event["extra"]["version"] == "1"


def test_a_run_in_which_nothing_changed_pushes_nothing(pipeline: Deployed) -> None:
    before = pipeline.pushes(), pipeline.project.versions()
    assert pipeline.run("unchanged") == "success"
    executions = pipeline.executions("unchanged")
    assert {executions[node] for node in NODES[: NODES.index("Champion")]} == {"cached"}
    assert (pipeline.pushes(), pipeline.project.versions()) == before


@pytest.mark.long
def test_a_changed_run_reuses_what_has_not_changed(pipeline: Deployed) -> None:
    old, events = pipeline.project.versions(), len(pipeline.pushes())
    bundle = pipeline.compile("--set", "training.epochs=3")
    assert pipeline.run("changed") == "success", pipeline.story("changed")
    assert pipeline.tasks("changed") == dict.fromkeys(TASKS, "success")
    executions = pipeline.executions("changed")
    assert {executions[node] for node in NODES[: NODES.index("Trainer")]} == {"cached"}
    assert executions["Trainer"] == executions["Pusher"] == "complete"
    assert len(pipeline.project.versions()) == len(old) + 1
    assert len(pipeline.pushes()) == events + 1
    details = pipeline.airflow.rest.call("GET", "dags/casting/details")
    assert bundle in details["doc_md"]


def test_a_backfill_reads_each_days_data_and_skips_a_day_without(
    pipeline: Deployed, receiver: Receiver
) -> None:
    """The logical date selects the day; what follows a node that was skipped is skipped."""
    rest, folder = pipeline.airflow.rest, pipeline.project.folder / "days"
    folder.mkdir()
    data = (pipeline.project.folder / "casting.csv").read_bytes()
    (folder / "2026-03-01.csv").write_bytes(data)
    dated = ("--set", "data.path=days/{YYYY}-{MM}-{DD}.csv")
    pipeline.compile(*dated, "--set", "airflow.schedule=0 3 * * *")
    days = {"from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-02T23:00:00Z"}
    rest.call("POST", "backfills", {"dag_id": pipeline.dag, "max_active_runs": 1, **days})
    found = rest.call("GET", "dags/casting/dagRuns", run_type="backfill")["dag_runs"]
    present, absent = sorted(run["dag_run_id"] for run in found)
    assert [rest.wait(pipeline.dag, run) for run in (present, absent)] == ["success", "success"]
    assert pipeline.tasks(present)["ExampleGen"] == "success"
    [examples] = pipeline.result(present, "ExampleGen")["outputs"]["examples"]
    assert examples["properties"]["span"] == (date(2026, 3, 1) - date(1970, 1, 1)).days
    without_data = dict.fromkeys(("Schema", "Champion", "Track"), "success")
    assert pipeline.tasks(absent) == dict.fromkeys(NODES, "skipped") | without_data
    assert "2026-03-02" in rest.text(pipeline.dag, absent, "ExampleGen")
    # From here on somebody is told of each run.
    pipeline.compile("--set", f"tracking.webhook.url={receiver.url}")


@pytest.mark.parametrize(
    "conf",
    [
        {"span": "yesterday"},
        {"span": "2026-01-01; touch x"},
        {"steps": "many"},
        {"steps": -1},
        {"data_path": ""},
        {"data_path": "a\nb"},
        {"force": ["Trainr"]},
    ],
    ids=json.dumps,
)
def test_a_value_that_does_not_fit_is_refused(pipeline: Deployed, conf: dict[str, object]) -> None:
    body = {"dag_run_id": "refused", "logical_date": None, "conf": conf}
    answer = pipeline.airflow.rest.ask("POST", "dags/casting/dagRuns", body)
    assert answer.status_code in (400, 422), answer.text
    assert next(iter(conf)) in answer.text


def test_what_a_user_types_reaches_no_shell(
    pipeline: Deployed, receiver: Receiver, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    typed = f"\"'$(touch {trace})`touch {trace}`; touch {trace} #.csv"
    assert pipeline.run("typed", {"data_path": typed}) == "failed"
    assert not trace.exists()
    assert pipeline.tasks("typed")["ExampleGen"] == "failed"
    log = pipeline.airflow.rest.text("casting", "typed", "ExampleGen")
    assert re.search(rf"touch {trace}", log)
    assert pipeline.executions("typed")["ExampleGen"] == "failed"
    # The last task succeeds, and the run is a failure all the same.
    assert pipeline.tasks("typed")["Track"] == "success"
    assert "touch" in (pipeline.project.root / "reports/typed.html").read_text()
    [told] = receiver.bodies
    assert (told["event"], told["run"], told["node"]) == ("failed", "typed", "ExampleGen")
    assert str(trace) in told["reason"]


@pytest.mark.long
def test_a_node_is_run_again_when_it_is_asked_for(pipeline: Deployed) -> None:
    assert pipeline.run("forced", {"force": ["StatisticsGen"]}) == "success"
    executions = pipeline.executions("forced")
    assert (executions["ExampleGen"], executions["StatisticsGen"]) == ("cached", "complete")
    assert pipeline.tasks("forced")["Track"] == "success"


def test_a_version_waits_until_somebody_approves_it(pipeline: Deployed, receiver: Receiver) -> None:
    """In a folder of its own, so that the model that is served elsewhere is a new one there."""
    rest, served = pipeline.airflow.rest, pipeline.project.root / "held" / "casting"
    told, events = len(receiver.bodies), len(pipeline.pushes())
    hook = ("--set", f"tracking.webhook.url={receiver.url}")
    pipeline.compile(*hook, "--set", "push.approval=required", "--set", "push.directory=held")
    rest.trigger(pipeline.dag, "held")
    rest.wait_for_task(pipeline.dag, "held", "Approval", "awaiting_input", seconds=240)
    rest.wait_for_task(pipeline.dag, "held", "Track", "success")
    assert pipeline.tasks("held")["Pusher"] == "skipped"
    assert [each["event"] for each in receiver.bodies[told:]] == ["waiting"]
    assert (live(served), len(pipeline.pushes())) == (None, events)
    [asked] = rest.call("GET", "dags/casting/dagRuns/held/hitlDetails")["hitl_details"]
    assert asked["subject"] == "Version 1 of casting waits: does it become live?"
    assert "| auc | 0." in asked["body"]
    typed = "$(touch x) {{ 7 * 7 }} 'better'"
    rest.answer(pipeline.dag, "held", "Approval", "Approve", note=typed)
    assert rest.wait(pipeline.dag, "held") == "success", pipeline.story("held")
    assert live(served) == 1
    decision = store_of(served).state().decisions[1]
    assert (decision.verdict, decision.by, decision.note) == ("approved", "admin", typed)
    event = pipeline.pushes()[-1]
    assert (event["source_task_id"], event["source_run_id"]) == ("Decide", "held")
    assert event["extra"]["version"] == "1" and event["extra"]["model_uri"]
    assert receiver.bodies[-1]["event"] == "pushed"
