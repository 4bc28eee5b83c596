"""The command against a stub of Kubeflow's API; packages are compiled from a small manifest."""

import json
import os
import signal
import time

import click
import pytest
from click.testing import CliRunner

from beltline.base.errors import GateRefused, NodeFailed, WrongInput
from beltline.runners.cli.commands import submit
from beltline.runners.cli.main import cli
from beltline.runners.kubeflow.server.api import KUBEFLOW, TOKEN
from beltline.runners.node.outcome import Outcome
from beltline.runners.result import RunResult
from tests.bundle.bundles import NODES
from tests.docs.samples import shown, unlike
from tests.kubeflow.packages import NEEDED, with_monitoring
from tests.kubeflow.stub import Answer
from tests.kubeflow.stub_play import Play, log
from tests.runners.projects import project

SECRET = "bearer-of-the-secret"  # noqa: S105 - it opens nothing
SCHEMA = """\
feature { name: "bad" type: BYTES domain: "bad" }
feature { name: "temp" type: FLOAT }
string_domain { name: "bad" value: "no" value: "yes" }
"""
ROWS = {"rows_eval": 3912, "rows_train": 14120, "rows_validation": 1968, "data_digest": "d1"}


def timed(outcome, seconds):
    """The line of a node in its pod's log."""
    return json.dumps({**json.loads(outcome.line()), "seconds": seconds})


TIMED = timed(Outcome("ExampleGen", "done", 1), 2.5)


class Calls:
    """The command, called in a project's folder."""

    def __init__(self, kubeflow):
        self.kubeflow = kubeflow

    def __call__(self, *arguments):
        words = ["submit", "kubeflow", "--host", self.kubeflow.url, *arguments]
        return CliRunner().invoke(cli, words, standalone_mode=False)


@pytest.fixture
def call(kubeflow, tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in (KUBEFLOW, TOKEN):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(submit, "compile_kubeflow", lambda _, folder: with_monitoring(folder))
    return Calls(kubeflow)


def play(kubeflow, end, state="SUCCEEDED", nodes=(TIMED,), **values):
    """Has the next run end so by its report; `nodes` are lines that its nodes write."""

    class Told(Play):
        def next(self, run):
            said = RunResult(end, run=run["run_id"], **values)
            self.logs["report"] = [log(said.line())]
            return super().next(run)

    frames = [{"nodes": "RUNNING"}, {"nodes": "SUCCEEDED"}, {"report": state}]
    kubeflow.plays.append(Told(frames, state, {"nodes": [log(*nodes)]}))


def test_a_good_run(kubeflow, call):
    play(kubeflow, "done", version="7")
    result = call("--param", "steps=5", "--force", "Trainer", "--force", "Pusher")
    assert result.exception is None, result.output
    [run] = kubeflow.runs
    assert run["runtime_config"]["parameters"] == {"steps": 5, "force": "Trainer,Pusher"}
    lines = result.output.splitlines()
    assert lines[0] == f"kubeflow   2.17.0 at {kubeflow.url}"
    assert lines[1].startswith("line: compiling ")
    assert lines[2].startswith("version    ")
    assert lines[2].endswith("(uploaded)")
    assert lines[3] == f"url        {kubeflow.url}/#/runs/details/{run['run_id']}"
    assert lines[4].startswith(f"line · run {run['run_id']} · bundle ")
    assert lines[5].split() == ["ExampleGen", "done", "2.5", "s"]
    assert [line.split()[1] for line in lines[6:-1]] == ["done"] * (len(NODES) - 1)
    assert lines[-1] == "served: version 7"


def test_a_run_whose_version_waits(kubeflow, call):
    play(kubeflow, "done", waiting="7")
    result = call()
    assert result.exception is None, result.output
    assert result.output.splitlines()[-1] == "version 7 waits for approval"


@pytest.mark.parametrize(
    "command", ["beltline submit kubeflow", "beltline submit kubeflow # first"]
)
def test_it_prints_what_is_shown(kubeflow, call, command):
    read = Outcome("ExampleGen", "done", 1, {"examples": [{"properties": ROWS}]})
    pushed = Outcome("Pusher", "done", 2, {"model": [{"properties": {"pushed_version": "3"}}]})
    play(kubeflow, "done", version="3", nodes=(timed(read, 14.2), timed(pushed, 0.2)))
    result = call("--set", "kubeflow.schedule='0 2 * * *'")
    [run] = kubeflow.runs
    sample = shown(command).replace("5f3c…", run["run_id"])
    assert unlike(sample, result.output) == [], result.output


def test_the_environment_says_where_and_the_token_is_never_shown(kubeflow, call, monkeypatch):
    kubeflow.token = SECRET
    monkeypatch.setenv(KUBEFLOW, kubeflow.url)
    monkeypatch.setenv(TOKEN, SECRET)
    play(kubeflow, "done", version="7")
    result = CliRunner().invoke(cli, ["submit", "kubeflow"], standalone_mode=False)
    assert result.exception is None, result.output
    assert kubeflow.tokens == {f"Bearer {SECRET}"}
    assert SECRET not in result.output


def test_a_token_that_is_not_taken(kubeflow, call, monkeypatch):
    kubeflow.token = SECRET
    monkeypatch.setenv(TOKEN, "another")
    result = call()
    assert isinstance(result.exception, WrongInput)
    assert "requires a login (401)" in str(result.exception)
    assert "another" not in str(result.exception) + result.output


def test_submitted_again_the_version_is_reused(kubeflow, call):
    for _ in range(2):
        play(kubeflow, "done")
        result = call()
        assert result.exception is None, result.output
    assert "(already uploaded)" in result.output
    assert (len(kubeflow.versions), len(kubeflow.runs)) == (1, 2)


def test_a_refusal(kubeflow, call):
    play(kubeflow, "refused", "FAILED", node="Evaluator", reason="worse", version="6", code=3)
    result = call()
    assert isinstance(result.exception, GateRefused)
    assert "Evaluator refused; nothing was pushed, version 6 stays live:\n  worse" in str(
        result.exception
    )


def test_a_failure(kubeflow, call):
    play(kubeflow, "failed", "FAILED", node="Trainer", reason="out of memory", code=1)
    result = call()
    assert isinstance(result.exception, NodeFailed)
    [run] = kubeflow.runs
    assert str(result.exception) == (
        "Trainer failed: out of memory\n"
        f"  logs: {kubeflow.url}/#/runs/details/{run['run_id']}\n"
        "  fix it and submit again: finished nodes are not run again"
    )


def test_a_schedule_without_a_run(kubeflow, call):
    result = call("--no-run", "--set", "kubeflow.schedule='0 2 * * *'")
    assert result.exception is None, result.output
    assert "schedule   0 2 * * * (new)" in result.output
    assert (len(kubeflow.recurring), kubeflow.runs) == (1, [])


def test_the_monitoring_is_kept_and_taken_away(kubeflow, call):
    schedule = ("--set", "kubeflow.monitoring_schedule='15 * * * *'")
    result = call("--no-run", *schedule)
    assert result.exception is None, result.output
    assert "monitoring 15 * * * * (new)" in result.output
    assert len(kubeflow.recurring) == 1
    result = call("--no-run")
    assert "monitoring none (deleted)" in result.output
    assert kubeflow.recurring == []


def test_what_a_run_gets_needs_a_run(kubeflow, call):
    for more in (("--param", "steps=5"), ("--force", "all")):
        result = call("--no-run", *more)
        assert isinstance(result.exception, WrongInput)
        assert "--no-run: can't be combined" in str(result.exception)
    assert kubeflow.asked == []


def test_a_wrong_parameter_uploads_nothing(kubeflow, call):
    result = call("--param", "stesp=5")
    assert isinstance(result.exception, click.BadParameter)
    assert "did you mean 'steps'?" in result.exception.message
    assert kubeflow.versions == []


def test_a_wrong_host_is_found_before_the_compiling(kubeflow, call, monkeypatch):
    monkeypatch.setattr(submit, "compile_kubeflow", lambda *_: pytest.fail("compiled"))
    kubeflow.always = Answer(404, "404 page not found", "text/plain")
    result = call()
    assert isinstance(result.exception, WrongInput)
    assert "not Kubeflow Pipelines 2" in str(result.exception)


@pytest.mark.slow
def test_the_whole_command(kubeflow, beltline, tmp_path):
    project(tmp_path)
    (tmp_path / "line.pbtxt").write_text(SCHEMA)
    needed = [
        *("--set", f"kubeflow.image={NEEDED['image']}"),
        *("--set", f"kubeflow.volume_claim={NEEDED['volume_claim']}"),
        *("--set", "kubeflow.secrets={beltline: {metadata: BELTLINE_METADATA}}"),
    ]
    env = {KUBEFLOW: kubeflow.url, TOKEN: SECRET}
    kubeflow.token = SECRET
    play(kubeflow, "refused", "FAILED", node="Evaluator", reason="worse", code=3)
    done = beltline("submit", "kubeflow", "--param", "span=7", *needed, cwd=tmp_path, env=env)
    assert done.code == 3, done.text
    assert done.err.startswith("beltline: Evaluator refused; nothing was pushed")
    assert "ExampleGen       done" in done.out
    assert kubeflow.runs[0]["runtime_config"]["parameters"] == {"span": "7"}
    assert SECRET not in done.text

    kubeflow.plays.append(Play([{"examplegen": "RUNNING"}] * 10**4))
    call = beltline.start("submit", "kubeflow", *needed, cwd=tmp_path, env=env)
    until = time.monotonic() + 120
    while "· run " not in call.out and time.monotonic() < until:
        time.sleep(0.1)
    os.kill(call.process.pid, signal.SIGINT)
    stopped = call.wait(60)
    assert stopped.code == 130, stopped.text
    assert "(already uploaded)" in stopped.out
    assert f"the run continues: see it, or terminate it, at {kubeflow.url}" in stopped.err
