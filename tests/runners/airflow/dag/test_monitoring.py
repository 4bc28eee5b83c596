"""The DAG that watches the served model: its tasks, what they are told, how they end."""

import json

import pytest

from tests.runners.airflow.airflow_process import MONITORING, Airflow, called, compiled, environment

pytestmark = pytest.mark.slow

ALARM = "result('done', '2 alarms: hall_temperature drifts')"
QUIET = "result('skipped', 'no alarm in 900 rows'); sys.exit(99)"


def loaded(airflow: Airflow, folder):
    """What Airflow makes of it: the DAG, its schedule, and its tasks by their ids."""
    found = airflow.ask("load", folder)
    assert found["errors"] == {}
    tasks = {task["id"]: task for task in found["tasks"]["line_monitor"]}
    return found["dags"]["line_monitor"], found["schedule"]["line_monitor"], tasks


@pytest.fixture
def run(airflow, tmp_path):
    """Runs the task Monitor, whose program has the given body."""

    def run(body, run_id="scheduled__2026-11-23T06:00:00+00:00", **settings):
        folder = compiled(tmp_path, environment=str(environment(tmp_path, body)), **settings)
        return airflow.ask("run", folder, node="Monitor", run_id=run_id)

    return run


def test_an_alarm_starts_the_pipeline(airflow, tmp_path):
    dag, timetable, tasks = loaded(airflow, compiled(tmp_path, monitoring_schedule="@hourly"))
    assert timetable == "CronTriggerTimetable"
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    assert list(tasks) == ["Monitor", "Retrain"]
    assert tasks["Retrain"]["upstream"] == ["Monitor"]
    # The same run however often it is tried.
    assert tasks["Retrain"]["starts"] == ["line", "drift__{{ run_id }}"]
    assert '"min_rows": 500' in dag["doc_md"]


def test_without_a_schedule_it_is_started_by_hand(airflow, tmp_path):
    assert loaded(airflow, compiled(tmp_path))[1] == "NullTimetable"


def test_the_pipelines_schedule_is_not_the_monitorings(airflow, tmp_path):
    assert loaded(airflow, compiled(tmp_path, schedule="@daily"))[1] == "NullTimetable"


def test_without_retraining_it_watches_alone(airflow, tmp_path):
    _, _, tasks = loaded(airflow, compiled(tmp_path, retrain_on_drift=False))
    assert list(tasks) == ["Monitor"]


def test_it_is_tried_again_within_a_time_limit_as_nodes_are(airflow, tmp_path):
    _, _, tasks = loaded(airflow, compiled(tmp_path, retries=3, timeout_minutes=5))
    assert (tasks["Monitor"]["retries"], tasks["Monitor"]["limit"]) == (3, 300)
    assert tasks["Monitor"]["pool"] == ["default_pool", 1]


def test_the_limits_reach_it_as_they_are(run, tmp_path):
    assert run(ALARM, retrain_pause_hours=6)["raised"] == ""
    found = called(tmp_path, "beltline.runners.monitor")
    given = found["arguments"]
    assert given[:4] == ["-m", "beltline.runners.monitor", "--served", "served/line"]
    assert json.loads(given[given.index("--watch") + 1]) == MONITORING
    assert given[-4:] == ["--pause-hours", "6.0", "--run", "scheduled__2026-11-23T06:00:00+00:00"]
    assert found["environment"]["BELTLINE_ROOT"] == str(tmp_path / "root")


def test_an_alarm_is_the_tasks_value(run):
    assert run(ALARM)["result"]["reason"] == "2 alarms: hall_temperature drifts"


def test_nothing_to_do_is_skipped(run):
    ended = run(QUIET)
    assert (ended["raised"], ended["says"]) == ("AirflowSkipException", "no alarm in 900 rows")


def test_a_failure_is_tried_again(run):
    ended = run("result('failed', 'no such folder'); sys.exit(1)")
    assert (ended["raised"], ended["says"]) == ("AirflowException", "no such folder")


def test_in_a_container_it_is_told_the_same(airflow, tmp_path):
    folder = compiled(tmp_path, where="docker", docker={"image": "i"})
    command = airflow.ask("container", folder, node="Monitor")["command"]
    assert command[:5] == [
        "python",
        "-m",
        "beltline.runners.monitor",
        "--served",
        "served/line",
    ]
    assert json.loads(command[command.index("--watch") + 1]) == MONITORING


def test_in_a_pod_it_is_told_the_same(airflow, tmp_path):
    chosen = {"image": "i", "volume_claim": "c", "secret": "s"}
    folder = compiled(tmp_path, where="kubernetes", kubernetes=chosen)
    [container] = airflow.ask("pod", folder, node="Monitor")["spec"]["containers"]
    given = container["args"]
    assert json.loads(given[given.index("--watch") + 1]) == MONITORING
