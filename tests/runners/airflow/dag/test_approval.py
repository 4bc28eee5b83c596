"""The tasks that ask a person about a version that waits, and carry the answer out."""

import json
from itertools import pairwise

import pytest

from tests.http_stub import serving
from tests.runners.airflow.airflow_process import Airflow, called, compiled, environment
from tests.runners.airflow.pods_stub import Cluster, PodsHandler, kubeconfig

pytestmark = pytest.mark.slow

MODULE = "beltline.runners.approval"
ON_A_VOLUME = {"image": "i", "volume_claim": "c", "namespace": "ml"}
PLACES = {
    "bash": {},
    "docker": {"where": "docker", "docker": {"image": "i"}},
    "kubernetes": {"where": "kubernetes", "kubernetes": ON_A_VOLUME},
    "shared": {"where": "kubernetes", "kubernetes": {**ON_A_VOLUME, "groups": {}}},
}
# What a shell, a template or an option's parser would make something else of.
TYPED = "--by \"'$(touch x)`touch x` {{ 7 * 7 }}\nÄnn"
ANSWER = {"version": "4", "verdict": "approved", "by": "ann", "note": TYPED}
HELD = {"pushed": 0, "waiting_version": "4", "reason": "version 4 waits for approval"}
LEFT = {"Approval": {"return_value": ANSWER}}
PUSHED = {"pushed_version": "4", "pushed_destination": "/served/4"}
WAITS = {"Pusher": {"waiting_version": "4"}}


def tasks_of(airflow: Airflow, folder, **settings):
    loaded = airflow.ask("load", compiled(folder, approval="required", **settings))
    assert loaded["errors"] == {}
    return {task["id"]: task for task in loaded["tasks"]["line"]}


@pytest.mark.parametrize("where", PLACES)
def test_two_tasks_follow_the_pusher_and_the_last_one_updates_the_asset(airflow, tmp_path, where):
    tasks = tasks_of(
        airflow, tmp_path, tracking={"prometheus": "line.prom"}, timeout_minutes=5, **PLACES[where]
    )
    pusher = "release" if where == "shared" else "Pusher"
    asks, decides = tasks["Approval"], tasks["Decide"]
    assert (asks["upstream"], decides["upstream"]) == ([pusher], ["Approval"])
    # Pusher is skipped, and so has to be no reason to skip.
    assert (asks["rule"], decides["rule"]) == ("none_failed", "all_success")
    # A person may take longer than a node.
    assert (asks["limit"], asks["answer_limit"], decides["limit"]) == (None, None, 300)
    assert {asks["group"], decides["group"]} == {tasks[pusher]["group"]}
    assert decides["operator"] == tasks[pusher]["operator"]
    outlets = {id: task["outlets"] for id, task in tasks.items() if task["outlets"]}
    assert outlets == {"Decide": ["beltline://line/model"]}
    # It tells the tools at once that a version waits.
    assert not {"Approval", "Decide"} & set(tasks["Track"]["upstream"])


@pytest.mark.parametrize("task", ["Track", "Decide"])
def test_what_is_no_node_is_not_forced(airflow, tmp_path, task):
    folder = compiled(
        tmp_path, approval="required", tracking={"prometheus": "line.prom"}, **PLACES["kubernetes"]
    )
    cluster = Cluster(exit_code=1, new_phase="Failed")
    with serving(PodsHandler, cluster=cluster) as url:
        file = kubeconfig(tmp_path, url)
        airflow.ask("pod_run", folder, node=task, cluster=file, left=LEFT, force=["all"])
    [container] = cluster.specs[0]["containers"]
    assert "--run" in container["args"] and "--force" not in container["args"]


def test_what_predicts_does_not_wait_for_a_person(airflow, tmp_path):
    tasks = tasks_of(airflow, tmp_path, predict={"path": "new.csv", "output": "p.csv"})
    assert tasks["BulkInferrer"]["upstream"] == ["Pusher"]


def test_without_approval_nobody_is_asked(airflow, tmp_path):
    loaded = airflow.ask("load", compiled(tmp_path))
    assert not {"Approval", "Decide"} & {task["id"] for task in loaded["tasks"]["line"]}


class TestPusher:
    """Its task is skipped, and passes the number on."""

    @staticmethod
    def result(**properties):
        pushed = {"uri": "/a/1", "type": "PushedModel", "properties": properties}
        return {
            **{"node": "Pusher", "state": "skipped", "execution_id": 1, "reason": "waits"},
            "outputs": {"pushed_model": [pushed]},
        }

    @pytest.mark.parametrize("waits", [True, False])
    def test_in_an_environment(self, airflow, tmp_path, waits):
        printed = json.dumps(self.result(**HELD if waits else {"pushed": 0}))
        program = environment(tmp_path, f"print({printed!r}); sys.exit(99)")
        folder = compiled(tmp_path, environment=str(program), approval="required")
        ended = airflow.ask("run", folder, node="Pusher")
        assert ended["raised"] == "AirflowSkipException"
        assert ended["leaves"] == ({"waiting_version": "4"} if waits else {})

    @pytest.mark.parametrize("where", ["kubernetes", "shared"])
    def test_in_a_pod(self, airflow, tmp_path, where):
        folder = compiled(tmp_path, approval="required", **PLACES[where])
        line = "beltline result: " * (where == "shared") + json.dumps(
            {**self.result(**HELD), "seconds": 1}
        )
        cluster = Cluster(new_phase="Failed", exit_code=99, log=(line,))
        with serving(PodsHandler, cluster=cluster) as url:
            name = "release" if where == "shared" else "Pusher"
            ended = airflow.ask("pod_run", folder, node=name, cluster=kubeconfig(tmp_path, url))
        assert ended["raised"] == "AirflowSkipException", ended["says"]
        assert ended["leaves"]["waiting_version"] == "4"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("approval"), approval="required")


class TestApproval:
    def test_a_run_whose_version_does_not_wait_asks_nothing(self, airflow, folder):
        ended = airflow.ask("question", folder, left={})
        assert ended == {"asked": None, "raised": "AirflowSkipException"}

    def test_it_asks_and_its_process_ends(self, airflow, folder):
        metrics = {"candidate": '{"auc": 0.91234, "mae": 2}', "baseline": '{"auc": 0.9}'}
        evaluation = {"evaluation": [{"uri": "/a", "properties": metrics}]}
        left = {**WAITS, "Evaluator": {"return_value": {"outputs": evaluation}}}
        ended = airflow.ask("question", folder, left=left)
        assert ended["raised"] == "TaskAwaitingInput"
        asked = ended["asked"]
        assert asked["subject"] == "Version 4 of line waits: does it become live?"
        assert asked["options"] == ["Approve", "Reject"] and asked["defaults"] is None
        assert list(asked["params"]) == ["note"]
        assert "Run `run-1`" in asked["body"]
        assert asked["body"].endswith("| auc | 0.9123 | 0.9000 |\n| mae | 2.0000 | - |")

    def test_where_nodes_share_a_pod_it_asks_without_metrics(self, airflow, folder):
        ended = airflow.ask("question", folder, left=WAITS)
        assert ended["raised"] == "TaskAwaitingInput" and "|" not in ended["asked"]["body"]

    @pytest.mark.parametrize(
        ("user", "by"),
        [({"id": "7", "name": "ann"}, "ann"), ({"id": "7", "name": ""}, "7"), (None, "")],
    )
    def test_an_answer_is_passed_on(self, airflow, folder, user, by):
        event = {"chosen_options": ["Reject"], "params_input": {"note": TYPED}}
        ended = airflow.ask(
            "answered", folder, event={**event, "responded_by_user": user}, left=WAITS
        )
        assert ended["answer"] == {"version": "4", "verdict": "rejected", "by": by, "note": TYPED}

    @pytest.mark.parametrize("given", [{}, {"note": None}])
    def test_a_note_need_not_be_given(self, airflow, folder, given):
        event = {"chosen_options": ["Approve"], "params_input": given, "responded_by_user": None}
        ended = airflow.ask("answered", folder, event=event, left=WAITS)
        assert (ended["answer"]["verdict"], ended["answer"]["note"]) == ("approved", "")

    @pytest.mark.parametrize("note", ["a\0b", "x" * 2001, 7])
    def test_a_note_that_no_command_takes_is_refused(self, airflow, folder, note):
        """The task is tried again, and so asks again."""
        event = {"chosen_options": ["Approve"], "params_input": {"note": note}}
        ended = airflow.ask(
            "answered", folder, event={**event, "responded_by_user": None}, left=WAITS
        )
        assert ended == {"raised": "ParamValidationError"}


class TestDecide:
    """The answer reaches the command as it was typed, wherever the command runs."""

    @pytest.fixture
    def decide(self, airflow, tmp_path):
        """Runs it in an environment whose program has the given body."""

        def run(body, **given):
            program = environment(tmp_path, body)
            folder = compiled(tmp_path, environment=str(program), approval="required")
            return airflow.ask("run", folder, node="Decide", left=LEFT, **given)

        return run

    def check(self, words):
        options = dict(pairwise(words))
        assert words[1:3] == ["-m", MODULE] and options["--run"] == "run-1"
        assert {name: options[f"--{name}"] for name in ANSWER} == ANSWER
        assert "--force" not in words

    def test_in_an_environment(self, decide, tmp_path):
        pushed = {"uri": "/a/1", "properties": {**HELD, **PUSHED}}
        outputs = {"pushed_model": [pushed]}
        ended = decide(f"result('done', outputs={outputs!r})", force=["all"])
        assert ended["raised"] == "", ended["says"]
        [event] = ended["extras"]
        assert (event["version"], event["destination"]) == ("4", "/served/4")
        assert (event["model_uri"], event["run"]) == ("/a/1", "run-1")
        # Nobody is to be asked again.
        assert ended["leaves"] == {}
        self.check(["python", *called(tmp_path, MODULE)["arguments"]])

    def test_in_a_container(self, airflow, tmp_path):
        folder = compiled(tmp_path, approval="required", **PLACES["docker"])
        self.check(airflow.ask("container", folder, node="Decide", left=LEFT)["command"])

    @pytest.mark.parametrize("where", ["kubernetes", "shared"])
    def test_in_a_pod(self, airflow, tmp_path, where):
        folder = compiled(tmp_path, approval="required", **PLACES[where])
        pushed = {"uri": "/a/1", "properties": PUSHED}
        line = json.dumps(
            {"node": "Decide", "state": "done", "outputs": {"pushed_model": [pushed]}}
        )
        cluster = Cluster(exit_code=0, log=(line,))
        with serving(PodsHandler, cluster=cluster) as url:
            file = kubeconfig(tmp_path, url)
            ended = airflow.ask(
                "pod_run", folder, node="Decide", cluster=file, left=LEFT, force=["all"]
            )
        assert ended["raised"] == "", ended["says"]
        assert [event["version"] for event in ended["extras"]] == ["4"]
        [container] = cluster.specs[0]["containers"]
        self.check([*container["command"], *container["args"]])

    def test_a_version_that_was_rejected_updates_no_asset(self, decide):
        ended = decide("result('skipped', 'version 4 was rejected'); sys.exit(99)")
        assert (ended["raised"], ended["extras"]) == ("AirflowSkipException", [])

    def test_an_answer_that_contradicts_another_one_is_not_tried_again(self, decide):
        ended = decide("result('refused', 'version 4 was rejected by eve'); sys.exit(1)")
        assert ended["raised"] == "AirflowFailException"
        assert ended["says"] == "version 4 was rejected by eve"
