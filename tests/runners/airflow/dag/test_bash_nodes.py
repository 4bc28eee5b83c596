import json
import shutil
import time

import pytest

from tests.runners.airflow.airflow_process import WORKER, Airflow, called, compiled, environment

pytestmark = pytest.mark.slow

PUSHED = """
result('done', outputs={'pushed_model': [{'uri': '/a/1', 'type': 'PushedModel', 'properties':
       {'pushed': 1, 'pushed_version': '7', 'pushed_destination': '/served/7'}}]})
"""
LINES = """
print('2026-11-23 06:00:00,123 INFO beltline.example_gen: 100% of "rows"', file=sys.stderr)
print('2026-11-23 06:00:00,123 WARNING tfx.launcher: %s is odd', file=sys.stderr)
print('2026-11-23 06:00:00,123 ERROR beltline.node: ExampleGen failed', file=sys.stderr)
print('Traceback (most recent call last):', file=sys.stderr)
sys.stderr.flush()
result('done')
"""
STUCK = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(60)
"""
STOPPABLE = """
def stop(*_):
    result('failed', 'stopped by SIGTERM')
    sys.exit(1)
signal.signal(signal.SIGTERM, stop)
time.sleep(60)
"""
HOSTILE = """"; touch /hacked; $(touch hacked) `touch hacked` ' && {{ 7 * 7 }} --force"""


@pytest.fixture
def run(airflow, tmp_path):
    """Runs a task whose node runner is a real program with the given body."""

    def run(body="result('done')", node="ExampleGen", settings=None, **details):
        python = str(environment(tmp_path, body))
        folder = compiled(tmp_path, environment=python, **(settings or {}))
        return airflow.ask("run", folder, node=node, **details)

    return run


def arguments(folder, module="beltline.runners.warm"):
    return called(folder, module)["arguments"]


class TestCommand:
    def test_the_node_runner_gets_its_options(self, run, tmp_path):
        ended = run(run_id="manual__2026-11-23T06:00:00+00:00")
        [bundle] = (tmp_path / "dags/line/bundles").iterdir()
        assert arguments(tmp_path) == [
            *("-m", "beltline.runners.warm", "--bundle", str(bundle), "--node", "ExampleGen"),
            *("--run", "manual__2026-11-23T06:00:00+00:00"),
            *("--param", "data-path=line.csv", "--param", "span=latest", "--param", "steps=0"),
        ]
        assert ended["result"]["state"] == "done"

    def test_a_process_of_its_own_where_that_is_asked_for(self, run, tmp_path):
        run(settings={"warm": False})
        assert arguments(tmp_path, "beltline.runners.node")[1] == "beltline.runners.node"

    def test_the_last_task_tells_of_the_run(self, run, tmp_path):
        tracking = {"tracking": {"prometheus": "line.prom"}}
        assert run(node="Track", settings=tracking, run_id="run-1")["result"]["state"] == "done"
        [bundle] = (tmp_path / "dags/line/bundles").iterdir()
        asked = called(tmp_path, "beltline.runners.tracking")
        words = ("-m", "beltline.runners.tracking", "--bundle", str(bundle), "--run", "run-1")
        assert tuple(asked["arguments"]) == words
        told = json.loads(asked["environment"]["BELTLINE_TRACKING"])
        assert told == {"prometheus": "line.prom"}

    @pytest.mark.parametrize("forced", ["Schema", "all"])
    def test_force_is_for_the_nodes_that_are_named(self, run, tmp_path, forced):
        run(node="Schema", force=[forced])
        assert arguments(tmp_path)[-1] == "--force"

    def test_force_is_not_for_other_nodes(self, run, tmp_path):
        run(node="Schema", force=["Trainer"])
        assert "--force" not in arguments(tmp_path)

    def test_nothing_that_is_typed_reaches_a_shell(self, run, tmp_path):
        run(data_path=HOSTILE, run_id=HOSTILE)
        given = arguments(tmp_path)
        assert given[given.index("--run") + 1] == HOSTILE
        assert given[given.index("--param") + 1] == f"data-path={HOSTILE}"
        assert given[-1] == "steps=0"

    def test_the_node_knows_the_paths_and_none_of_airflows_secrets(self, run, tmp_path):
        run()
        found = called(tmp_path)["environment"]
        assert found["BELTLINE_ROOT"] == str(tmp_path / "root")
        assert found["BELTLINE_DATA"] == str(tmp_path / "data")
        assert "BELTLINE_METADATA" not in found
        assert not [name for name in found if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_"))]
        assert found["AIRFLOW_CTX_DAG_OWNER"] == "airflow"

    def test_a_connection_becomes_the_metadatas_address(self, run, tmp_path):
        run(settings={"metadata_connection": "ledger"})
        expected = "postgresql://ledger:p%40ss%3A%2Fword@db.example:5433/mlmd"
        assert called(tmp_path)["environment"]["BELTLINE_METADATA"] == expected

    def test_the_database_of_a_query_is_a_connections_or_the_workers_own(self, run, tmp_path):
        run(settings={"span": "latest"})
        assert called(tmp_path)["environment"]["BELTLINE_DATABASE"] == WORKER["BELTLINE_DATABASE"]
        shutil.rmtree(tmp_path / "environment")
        run(settings={"span": "latest", "database_connection": "ledger"})
        expected = "postgresql://ledger:p%40ss%3A%2Fword@db.example:5433/mlmd"
        assert called(tmp_path)["environment"]["BELTLINE_DATABASE"] == expected


class TestSpan:
    DATED = "in/{YYYY}-{MM}-{DD}.csv"

    @pytest.mark.parametrize(
        ("settings", "details", "span"),
        [
            ({}, {"day": "2026-11-23T00:00:00+00:00"}, "2026-11-23"),
            ({"span_days_back": 1}, {"day": "2026-03-01T00:00:00+00:00"}, "2026-02-28"),
            # Already the next day there.
            ({"timezone": "Asia/Tokyo"}, {"day": "2026-11-23T20:00:00+00:00"}, "2026-11-24"),
            ({}, {"day": "2026-11-23T00:00:00+00:00", "span": "7"}, "7"),
            ({}, {"day": "2026-11-23T00:00:00+00:00", "span": "latest"}, "latest"),
            # Started by an asset: such a run has no date.
            ({}, {}, "latest"),
        ],
    )
    def test_of_dated_data(self, run, tmp_path, settings, details, span):
        run(settings=settings, data_path=self.DATED, **details)
        assert f"span={span}" in arguments(tmp_path)

    @pytest.mark.parametrize(
        ("default", "details", "span"),
        [
            ("latest", {"day": "2026-11-23T00:00:00+00:00"}, "2026-11-23"),
            ("2026-01-01", {"day": "2026-11-23T00:00:00+00:00"}, "2026-11-23"),
            ("2026-01-01", {}, "2026-01-01"),
            ("7", {"day": "2026-11-23T00:00:00+00:00"}, "7"),
            ("7", {"day": "2026-11-23T00:00:00+00:00", "span": "8"}, "8"),
        ],
    )
    def test_of_a_query(self, run, tmp_path, default, details, span):
        run(settings={"span": default}, **details)
        given = arguments(tmp_path)
        assert f"span={span}" in given
        assert not [each for each in given if each.startswith("data-path=")]

    @pytest.mark.parametrize(
        ("predict", "details", "span"),
        [
            ({"path": DATED}, {}, "2026-11-23"),
            ({"path": DATED}, {"predict_span": "2026-11-01"}, "2026-11-01"),
            ({"path": "new/{SPAN}.csv"}, {}, "latest"),
            ({"path": "new/{SPAN}.csv", "span": "7"}, {}, "7"),
            ({"source": "sql", "query": "SELECT :span"}, {}, "2026-11-23"),
            ({"source": "sql", "query": "SELECT :span", "span": "7"}, {}, "7"),
        ],
    )
    def test_of_rows_to_predict(self, run, tmp_path, predict, details, span):
        """The data have no dates, and keep their span."""
        run(settings={"predict": predict}, day="2026-11-23T00:00:00+00:00", **details)
        given = arguments(tmp_path)
        assert f"predict-span={span}" in given and "span=latest" in given

    def test_data_without_dates_have_no_day(self, run, tmp_path):
        run(day="2026-11-23T00:00:00+00:00")
        assert "span=latest" in arguments(tmp_path)


class TestEnd:
    def test_the_result_is_the_tasks_value(self, run):
        ended = run(PUSHED, node="Pusher")
        assert (ended["raised"], ended["result"]["state"]) == ("", "done")

    def test_a_push_says_what_was_pushed(self, run):
        assert run(PUSHED, node="Pusher")["extras"] == [
            {"version": "7", "destination": "/served/7", "model_uri": "/a/1", "run": "run-1"}
        ]

    def test_a_push_that_was_none_is_skipped(self, run):
        body = "result('skipped', 'this model is version 7 already'); sys.exit(99)"
        ended = run(body, node="Pusher")
        assert ended["raised"] == "AirflowSkipException"
        assert ended["says"] == "this model is version 7 already"
        assert ended["extras"] == []

    def test_a_failed_node_may_be_tried_again(self, run):
        ended = run("result('failed', 'no space left'); sys.exit(1)")
        assert (ended["raised"], ended["says"]) == ("AirflowException", "no space left")

    @pytest.mark.parametrize(
        "body",
        ["result('refused', 'odd data'); sys.exit(1)", "result('failed', 'odd data'); sys.exit(2)"],
        ids=["gate", "options"],
    )
    def test_what_would_fail_again_is_not_tried_again(self, run, body):
        ended = run(body, node="DataGate")
        assert (ended["raised"], ended["says"]) == ("AirflowFailException", "odd data")

    def test_a_model_gate_that_refuses_has_done_its_work(self, run):
        ended = run("result('refused', 'auc 0.5 is below 0.6', {'blessing': []})")
        assert (ended["raised"], ended["result"]["state"]) == ("", "refused")
        warnings = [text for level, _, text in ended["lines"] if level == "WARNING"]
        assert any("auc 0.5 is below 0.6" in text for text in warnings)

    def test_a_push_whose_result_was_not_seen_is_a_push(self, run):
        ended = run("", node="Pusher")
        assert (ended["raised"], ended["extras"]) == ("", [])
        assert any("its log has no result" in text for _, _, text in ended["lines"])

    def test_a_node_without_a_word_is_explained(self, run):
        assert "exit code 5" in run("sys.exit(5)")["says"]

    def test_a_node_that_was_killed_is_explained(self, run):
        assert "SIGKILL" in run("os.kill(os.getpid(), signal.SIGKILL)")["says"]


def test_lines_keep_their_levels(run):
    ended = run(LINES)
    lines = [tuple(line) for line in ended["lines"]]
    assert ("INFO", "beltline.example_gen", '100% of "rows"') in lines
    assert ("WARNING", "tfx.launcher", "%s is odd") in lines
    assert ("ERROR", "beltline.node", "ExampleGen failed") in lines
    assert ("ERROR", "beltline.node", "Traceback (most recent call last):") in lines
    [result] = [level for level, _, text in lines if '"state"' in text]
    assert result == "DEBUG"


class TestStop:
    def test_the_node_says_what_stopped_it(self, run):
        ended = run(STOPPABLE, stop_after=1)
        assert (ended["raised"], ended["says"]) == ("AirflowException", "stopped by SIGTERM")
        assert ended["seconds"] < 10

    def test_one_that_does_not_listen_is_killed(self, run):
        ended = run(STUCK, stop_after=1)
        assert "SIGKILL" in ended["says"]
        assert ended["seconds"] < 40

    @pytest.mark.usefixtures("airflow")
    def test_a_node_does_not_outlive_its_task(self, tmp_path):
        on, told = tmp_path / "on", tmp_path / "told"
        body = f"""
signal.signal(signal.SIGTERM, lambda *_: sys.exit(open({str(told)!r}, 'w').close()))
open({str(on)!r}, 'w').close()
time.sleep(60)
"""
        python = environment(tmp_path, body)
        folder = compiled(tmp_path, environment=str(python))
        task = Airflow(tmp_path)
        task.begin("run", folder, node="Trainer")
        wait_for(on.exists)
        assert not told.exists()
        task.kill()
        wait_for(told.exists)


class TestSettle:
    def test_a_failure_reconciles_ml_metadata(self, run, tmp_path):
        run("result('failed', 'no $(touch x) space'); sys.exit(1)", node="Schema")
        [bundle] = (tmp_path / "dags/line/bundles").iterdir()
        assert arguments(tmp_path, "beltline.runners.metadata.reconcile") == [
            *(
                "-m",
                "beltline.runners.metadata.reconcile",
                "--bundle",
                str(bundle),
                "--node",
                "Schema",
            ),
            *("--run", "run-1", "--reason", "no $(touch x) space"),
        ]
        found = called(tmp_path, "beltline.runners.metadata.reconcile")["environment"]
        assert found["BELTLINE_ROOT"] == str(tmp_path / "root")

    def test_a_task_that_was_killed_is_reconciled_from_outside(self, airflow, tmp_path):
        folder = compiled(tmp_path, environment=str(environment(tmp_path, "")))
        airflow.ask("reconcile", folder, node="Schema")
        assert (
            arguments(tmp_path, "beltline.runners.metadata.reconcile")[-1]
            == "its process was killed"
        )

    def test_it_never_raises(self, airflow, tmp_path):
        folder = compiled(tmp_path, environment=str(tmp_path / "nowhere"))
        lines = airflow.ask("reconcile", folder, node="Schema")["lines"]
        assert ["ERROR", "beltline.airflow"] in [line[:2] for line in lines]

    def test_a_skip_needs_none(self, run, tmp_path):
        run("result('skipped', 'no data'); sys.exit(99)")
        assert not (tmp_path / "called-runners.reconcile.json").exists()


def wait_for(happened):
    until = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.1)
