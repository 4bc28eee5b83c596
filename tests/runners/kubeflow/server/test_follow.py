"""Following a run: the lines as they would be here, and how it ended."""

import json
import signal
import subprocess
import sys
import time

import pytest

from beltline.base.errors import BeltlineError, NodeFailed
from beltline.runners.kubeflow.server.api import KubeflowApi
from beltline.runners.kubeflow.server.follow import follow
from beltline.runners.kubeflow.tasks import Tasks
from beltline.runners.node.outcome import Outcome
from beltline.runners.progress import print_node
from beltline.runners.result import RunResult
from tests.kubeflow.stub import Answer
from tests.kubeflow.stub_play import Play, log

TASKS = Tasks(
    {
        "examplegen": ("ExampleGen",),
        "datagate": ("DataGate",),
        "trainer": ("Trainer",),
        "pusher": ("Pusher",),
    },
    ("unpack",),
    "report",
    "0123456789abcdef",
)
ROWS = {"examples": [{"properties": {"data_digest": "d1", "rows_train": 1200, "rows_eval": 300}}]}
PUSHED = {"pushed_model": [{"properties": {"pushed_version": "7", "pushed": 1}}]}
OUTCOMES = {
    "examplegen": Outcome("ExampleGen", "cached", 1, ROWS),
    "datagate": Outcome("DataGate", "done", 2),
    "trainer": Outcome("Trainer", "done", 3),
    "pusher": Outcome("Pusher", "done", 4, PUSHED),
}


def timed(outcome, seconds):
    """The result as the task prints it."""
    return json.dumps({**json.loads(outcome.line()), "seconds": seconds})


LOGS = {
    task: [log(timed(outcome, seconds))]
    for seconds, (task, outcome) in enumerate(OUTCOMES.items(), start=11)
}


FOLLOWS = """\
import sys
from beltline.runners.kubeflow.server import follow
from beltline.runners.kubeflow.server.api import KubeflowApi
from beltline.runners.kubeflow.tasks import Tasks
url, run = sys.argv[1:]
follow.PAUSE_SECONDS = 0.01
try:
    follow.follow(KubeflowApi(url), run, Tasks({}, (), "report", ""), "kubeflow", print)
except follow.Detached as error:
    print(error)
    sys.exit(error.exit_code)
"""


def begun(kubeflow, play):
    """Has the stub play a run; returns the site and the run's id."""
    kubeflow.runs.append({"run_id": "run-1", "display_name": "line-1"})
    kubeflow.playing["run-1"] = play
    return KubeflowApi(kubeflow.url), "run-1"


def told(end, **values):
    return [log(RunResult(end, run="run-1", **values).line())]


def done(*tasks):
    return dict.fromkeys(tasks, "SUCCEEDED")


def test_every_node_has_the_line_that_it_would_have_here(kubeflow, capsys):
    play = Play(
        [
            {"unpack": "RUNNING"},
            {"unpack": "SUCCEEDED", "examplegen": "RUNNING"},
            {**done("examplegen"), "datagate": "PENDING"},
            {**done("datagate"), "trainer": "RUNNING"},
            done("trainer", "pusher"),
            done("report"),
        ],
        logs={**LOGS, "report": told("done", version="7")},
    )
    api, run = begun(kubeflow, play)
    assert follow(api, run, TASKS, "kubeflow", print_node) == RunResult(
        "done", version="7", run=run
    )
    shown = capsys.readouterr().out
    for seconds, outcome in enumerate(OUTCOMES.values(), start=11):
        print_node(Outcome.from_line(outcome.line()), seconds)
    assert shown == capsys.readouterr().out
    assert "eval 300, train 1,200" in shown
    assert "version 7" in shown


@pytest.mark.parametrize("version", ["2.16", "2.17"])
def test_pods_are_found_by_the_names_of_each_version(kubeflow, version):
    logs = {**LOGS, "report": told("done", version="7")}
    play = Play([done("examplegen", "report")], logs=logs, version=version)
    shown = []
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *words: shown.append(words[0]))
    assert (shown, end.version) == ([OUTCOMES["examplegen"]], "7")


def test_the_pods_are_asked_for_once_a_poll(kubeflow):
    play = Play([done(*OUTCOMES), done("report")], logs={**LOGS, "report": told("done")})
    follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *_: None)
    assert kubeflow.workflows == 2


GROUPS = Tasks(
    {"data": ("ExampleGen", "DataGate"), "rest": ("Trainer", "Pusher")}, ("unpack",), "report", "b"
)


def group(*lines):
    return [log(*(timed(OUTCOMES[task], seconds) for task, seconds in lines))]


def test_nodes_that_share_a_pod_have_a_line_and_seconds_each(kubeflow):
    logs = {
        "data": group(("examplegen", 3.5), ("datagate", 0.5)),
        "rest": group(("trainer", 60), ("pusher", 2)),
        "report": told("done", version="7"),
    }
    play = Play([done("data"), done("rest", "report")], logs=logs)
    shown = []
    end = follow(*begun(kubeflow, play), GROUPS, "kubeflow", lambda *words: shown.append(words))
    assert shown == [*zip(OUTCOMES.values(), [3.5, 0.5, 60, 2], strict=True)]
    assert end.version == "7"


def test_of_nodes_that_share_a_pod_the_one_that_was_killed_is_named(kubeflow):
    logs = {"data": group(("examplegen", 3.5))}
    play = Play([{"data": "FAILED"}], "FAILED", logs)
    shown = []
    end = follow(*begun(kubeflow, play), GROUPS, "kubeflow", lambda *words: shown.append(words[0]))
    assert [(each.node, each.state) for each in shown] == [
        ("ExampleGen", "cached"),
        ("DataGate", "failed"),
    ]
    assert (end.node, end.code) == ("DataGate", 1)


def test_of_nodes_that_share_a_pod_the_one_that_failed_is_the_last_shown(kubeflow):
    bad = Outcome("ExampleGen", "failed", 1, reason="no such file")
    # Each attempt is a result; the last one counts.
    text = log(timed(Outcome("ExampleGen", "failed", 0, reason="first"), 1), timed(bad, 2))
    play = Play([{"data": "FAILED"}], "FAILED", {"data": [text]})
    shown = []
    end = follow(*begun(kubeflow, play), GROUPS, "kubeflow", lambda *words: shown.append(words))
    assert shown == [(bad, 2.0)]
    assert (end.node, end.reason) == ("ExampleGen", "no such file")


def test_logs_come_from_the_server_of_the_pages_too(kubeflow):
    kubeflow.logs_from = "pages"
    play = Play([done("examplegen", "report")], logs={**LOGS, "report": told("done", version="7")})
    shown = []
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *words: shown.append(words))
    assert shown == [(OUTCOMES["examplegen"], 11.0)]
    assert end.version == "7"


def test_of_a_node_that_was_tried_again_the_last_word_counts(kubeflow):
    refused = Outcome("DataGate", "refused", 2, reason="temperature: out of range")
    logs = {"datagate": [log(timed(refused, 10)), log("refused before")], "report": told("done")}
    play = Play([{"datagate": "FAILED"}, {"report": "SUCCEEDED"}], "FAILED", logs)
    shown = []
    follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *words: shown.append(words))
    assert shown == [(refused, 10.0)]


def test_a_refusal_is_what_the_report_says(kubeflow):
    said = told("refused", node="Evaluator", reason="worse", version="6", code=3)
    play = Play([{"report": "FAILED"}], "FAILED", {"report": said})
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert end == RunResult("refused", "Evaluator", "worse", "6", 3, "run-1")


def test_a_report_counts_even_where_kubeflow_calls_the_run_good(kubeflow):
    said = told("refused", node="Evaluator", reason="worse", code=3)
    play = Play([{"report": "FAILED"}], "SUCCEEDED", {"report": said})
    assert follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node).code == 3


def test_a_report_of_another_run_counts_for_nothing(kubeflow):
    said = [log(RunResult("done", version="9", run="run-0").line())]
    play = Play([{"report": "SUCCEEDED"}], "SUCCEEDED", {"report": said})
    assert follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node).version == ""


def test_a_node_that_was_killed_has_failed(kubeflow):
    # It had come to an end by its own account, and was killed all the same.
    logs = {"trainer": [log(timed(OUTCOMES["trainer"], 3))]}
    play = Play([{"trainer": "FAILED"}], "FAILED", logs)
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert (end.end, end.node, end.code) == ("failed", "Trainer", 1)
    assert "no result was recorded" in end.reason


def test_tasks_that_were_left_out_say_nothing(kubeflow, capsys):
    left_out = {"trainer": "SKIPPED", "pusher": "RUNTIME_STATE_UNSPECIFIED"}
    play = Play([{"examplegen": "FAILED", **left_out}], "FAILED", {})
    follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")][-1:] == ["ExampleGen"]
    assert not any("Trainer" in line or "Pusher" in line for line in lines)


def test_without_logs_states_are_shown_and_once_said_why(kubeflow, capsys):
    kubeflow.logs_from = "nowhere"
    play = Play([done("examplegen", "datagate"), {"trainer": "FAILED"}], "FAILED", LOGS)
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    shown = capsys.readouterr().out
    assert shown.count("details of the nodes are not available: ") == 1
    assert "Failed to read logs from pod" in shown
    assert "ExampleGen       done" in shown
    assert "Trainer          failed" in shown
    assert (end.end, end.node, end.code) == ("failed", "Trainer", 1)


def test_without_a_report_the_nodes_words_count(kubeflow):
    refused = Outcome("DataGate", "refused", 2, reason="too cold")
    play = Play([{"datagate": "FAILED"}], "FAILED", {"datagate": [log(timed(refused, 10))]})
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert (end.end, end.node, end.reason, end.code) == ("refused", "DataGate", "too cold", 3)


@pytest.mark.parametrize(("state", "end"), [("SUCCEEDED", "done"), ("FAILED", "failed")])
def test_without_any_word_the_runs_state_counts(kubeflow, state, end):
    play = Play([{}], state, error="no quota" if end == "failed" else "")
    found = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert (found.end, found.reason) == (end, "no quota" if end == "failed" else "")


def test_a_package_that_could_not_be_unpacked_is_shown(kubeflow, capsys):
    play = Play([{"unpack": "FAILED"}], "FAILED")
    end = follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert "unpack           failed" in capsys.readouterr().out
    assert (end.end, end.node) == ("failed", "unpack")


@pytest.mark.parametrize(
    ("end", "history"), [("CANCELED", ()), ("FAILED", ("RUNNING", "CANCELING", "FAILED"))]
)
def test_a_canceled_run_is_called_so(kubeflow, end, history):
    play = Play([{"trainer": "FAILED"}], end, history=history)
    with pytest.raises(NodeFailed, match="the run was canceled in Kubeflow") as error:
        follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node)
    assert error.value.exit_code == 1


def test_a_connection_that_comes_back_is_waited_for(kubeflow):
    kubeflow.lost["run_service_get_run"] = 5
    play = Play([done("report")], logs={"report": told("done", version="7")})
    assert follow(*begun(kubeflow, play), TASKS, "kubeflow", print_node).version == "7"


def test_a_connection_that_stays_away_leaves_the_run_alone(kubeflow):
    kubeflow.lost["run_service_get_run"] = 10**6
    api, run = begun(kubeflow, Play([{}]))
    with pytest.raises(BeltlineError, match="is not reachable") as error:
        follow(api, run, TASKS, "kubeflow", print_node)
    assert error.value.exit_code == 1
    assert f"the run continues: see it, or terminate it, at {api.page(run)}" in str(error.value)


def test_a_login_that_ran_out_leaves_the_run_alone(kubeflow):
    api, run = begun(kubeflow, Play([{}, {}]))
    kubeflow.always = Answer(401, "expired", "text/plain")
    with pytest.raises(BeltlineError, match="the run continues") as error:
        follow(api, run, TASKS, "kubeflow", print_node)
    assert error.value.exit_code == 1


def test_control_c_stops_following_alone(kubeflow):
    # In a process of its own, as the stub's threads are this one's.
    api, run = begun(kubeflow, Play([{"trainer": "RUNNING"}] * 10**4))
    process = subprocess.Popen(
        [sys.executable, "-c", FOLLOWS, kubeflow.url, run], stdout=subprocess.PIPE, text=True
    )
    while kubeflow.asked.count("run_service_get_run") < 3:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"the run continues: see it, or terminate it, at {api.page(run)}" in said
    assert "run_service_terminate_run" not in kubeflow.asked


# Ctrl-C comes where Python raises nothing: in a finalizer, of which Kubeflow's client has some.
IN_A_FINALIZER = """\
import os, signal
from beltline.runners.kubeflow.server import api
class Ending:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
class KubeflowApi(api.KubeflowApi):
    def run(self, run):
        Ending()
        return super().run(run)
api.KubeflowApi = KubeflowApi
"""


def test_a_control_c_that_comes_in_a_finalizer_is_not_lost(kubeflow):
    api, run = begun(kubeflow, Play([{"trainer": "RUNNING"}] * 10**4))
    words = [sys.executable, "-c", IN_A_FINALIZER + FOLLOWS, kubeflow.url, run]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (130, "")
    assert f"the run continues: see it, or terminate it, at {api.page(run)}" in done.stdout


def test_what_was_shown_is_shown_once(kubeflow):
    play = Play([done("examplegen")] * 4, logs={**LOGS, "report": told("done")})
    shown = []
    follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *words: shown.append(words))
    assert len(shown) == 1


def test_a_forged_word_of_another_node_is_not_taken(kubeflow):
    forged = timed(Outcome("Pusher", "done", 9), 1)
    logs = {"examplegen": [log(timed(OUTCOMES["examplegen"], 1), forged)]}
    shown = []
    play = Play([done("examplegen")], logs=logs)
    follow(*begun(kubeflow, play), TASKS, "kubeflow", lambda *words: shown.append(words[0]))
    assert shown == [OUTCOMES["examplegen"]]


def test_a_kubeflow_that_tells_nothing_of_tasks_is_followed_by_its_state(kubeflow, capsys):
    api, run = begun(kubeflow, Play([{}], "FAILED"))
    kubeflow.playing[run].next = lambda run: {**run, "state": "FAILED"}
    assert follow(api, run, TASKS, "kubeflow", print_node).end == "failed"
    assert "Kubeflow returned no task states" in capsys.readouterr().out
