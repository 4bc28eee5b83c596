"""The node runner's contract: exit codes, the last line on stdout, signals, what is left behind."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beltline.bundle.folder import Bundle, open_bundle, write
from beltline.runners.metadata.store import Lineage
from tests.beltline_process import Beltline, Call, Result
from tests.end_to_end.projects import Project, begun

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return begun(beltline, tmp_path_factory.mktemp("node"), rows=1500)


def arguments(project: Project, node: str, run: str) -> list[str]:
    [bundle] = (project.root / "bundles").iterdir()
    return ["--bundle", str(bundle), "--node", node, "--run", run]


def start(project: Project, node: str, run: str, *more: str) -> Call:
    env = {"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)}
    return project.beltline.start(
        *arguments(project, node, run),
        *more,
        cwd=project.folder,
        env=env,
        program="beltline.runners.node.run",
    )


def call(project: Project, node: str, run: str, *more: str) -> Result:
    return start(project, node, run, *more).wait()


def last_line(result: Result) -> dict[str, object]:
    return dict(json.loads(result.out.splitlines()[-1]))


def lineage(project: Project) -> Lineage:
    return Lineage(f"sqlite:///{project.root}/metadata.sqlite", "casting")


def test_a_process_of_its_own(project: Project) -> None:
    """As Airflow and Kubeflow call it."""
    env = os.environ | {"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)}
    command = [
        sys.executable,
        "-m",
        "beltline.runners.node",
        *arguments(project, "ExampleGen", "own"),
    ]
    done = subprocess.run(
        command, env=env, cwd=project.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["node"], found["state"]) == ("ExampleGen", "cached")
    assert Path(found["outputs"]["examples"][0]["uri"]).is_dir()
    assert lineage(project).nodes("own")[0].execution_id == found["execution_id"]


def test_cached_forced_and_once_more(project: Project) -> None:
    assert last_line(call(project, "ExampleGen", "a"))["state"] == "cached"
    forced = last_line(call(project, "ExampleGen", "b", "--force"))
    assert forced["state"] == "done"
    again = last_line(call(project, "ExampleGen", "b", "--force"))
    assert (again["state"], again["execution_id"]) == ("done", forced["execution_id"])


def test_a_failure_has_its_reason_in_the_line_and_in_the_metadata(project: Project) -> None:
    result = call(project, "ExampleGen", "c", "--param", "data-path=nowhere.csv")
    found = last_line(result)
    assert (result.code, found["state"]) == (1, "failed")
    assert "nowhere.csv" in str(found["reason"])
    [execution] = lineage(project).nodes("c")
    assert execution.state == "failed" and "nowhere.csv" in execution.reason


def test_missing_inputs_are_a_failure_though_nothing_raises(project: Project) -> None:
    result = call(project, "StatisticsGen", "without-examples")
    assert (result.code, last_line(result)["state"]) == (1, "failed"), result.text


def test_a_failed_attempt_stays_and_the_next_is_an_execution_of_its_own(project: Project) -> None:
    for name in ("nowhere.csv", "casting.csv"):
        result = call(project, "ExampleGen", "twice", "--param", f"data-path={name}")
    assert (result.code, last_line(result)["state"]) == (0, "cached"), result.text
    failed, good = lineage(project).nodes("twice")
    assert (failed.state, good.state) == ("failed", "cached")
    assert "nowhere.csv" in failed.reason and not good.reason
    assert last_line(result)["execution_id"] == good.execution_id


def test_after_kill_9_the_next_attempt_ends_well_and_nothing_is_left_running(
    project: Project,
) -> None:
    run = "killed"
    assert call(project, "ExampleGen", run).code == 0
    running = start(project, "StatisticsGen", run, "--force")
    until_running(project, running, run)
    os.kill(running.process.pid or 0, signal.SIGKILL)
    running.process.join(30)
    assert [each.state for each in lineage(project).nodes(run)] == ["cached", "running"]
    again = call(project, "StatisticsGen", run, "--force")
    assert (again.code, last_line(again)["state"]) == (0, "done"), again.text
    _, killed, good = lineage(project).nodes(run)
    assert (killed.state, killed.reason) == ("failed", "the previous attempt was killed")
    assert (good.state, good.execution_id) == ("complete", last_line(again)["execution_id"])


def test_a_run_goes_on_with_the_bundle_it_began_with(project: Project, tmp_path: Path) -> None:
    [folder] = (project.root / "bundles").iterdir()
    shutil.copytree(folder, tmp_path / folder.name)
    first = open_bundle(tmp_path / folder.name)
    later = first.manifest.model_copy(update={"version": "later"})
    second = write(tmp_path, later, first.pipeline(), first.code.read_bytes())

    def at(bundle: Bundle, node: str) -> Result:
        env = {"BELTLINE_ROOT": str(project.root), "BELTLINE_DATA": str(project.folder)}
        words = ("--bundle", bundle.path, "--node", node, "--run", "deployed")
        return project.beltline(
            *words, cwd=project.folder, env=env, program="beltline.runners.node.run"
        )

    assert at(first, "ExampleGen").code == 0
    went_on = at(second, "StatisticsGen")
    assert went_on.code == 0, went_on.text
    said = f"continues with bundle {first.manifest.digest[:12]}, with which it started"
    assert said in went_on.err
    found = lineage(project).nodes("deployed")
    assert {each.bundle for each in found} == {first.manifest.digest}
    shutil.rmtree(first.path)
    gone = at(second, "Schema")
    assert (gone.code, last_line(gone)["state"]) == (1, "failed")
    assert "started with another bundle" in gone.err and "start a new run" in gone.err


def test_nodes_that_begin_at_once_on_an_empty_database(project: Project, tmp_path: Path) -> None:
    env = {"BELTLINE_ROOT": str(tmp_path), "BELTLINE_DATA": str(project.folder)}

    def one(number: int) -> Result:
        words = arguments(project, "Schema", f"run-{number}")
        return project.beltline(
            *words, cwd=project.folder, env=env, program="beltline.runners.node.run"
        )

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one, range(40)))
    assert [result.text for result in results if result.code] == []
    found = Lineage(f"sqlite:///{tmp_path}/metadata.sqlite", "casting")
    assert len(found.runs()) == 40
    states = [each.state for run in found.runs() for each in found.nodes(run)]
    assert len(states) == 40 and set(states) <= {"complete", "cached"}


def test_a_wrong_call(project: Project) -> None:
    unknown = call(project, "Trainr", "d")
    assert unknown.code == 2 and "Trainr" in unknown.err
    parameter = call(project, "Schema", "d", "--param", "steps=ten")
    assert parameter.code == 2 and "steps=ten: must be a whole number" in parameter.err
    run = call(project, "Schema", "../d")
    assert run.code == 2 and "--run: invalid value '../d'" in run.err
    assert lineage(project).nodes("d") == []


def test_a_changed_bundle_is_refused(project: Project, tmp_path: Path) -> None:
    [bundle] = (project.root / "bundles").iterdir()
    copy = tmp_path / "bundle"
    copy.mkdir()
    for file in bundle.iterdir():
        (copy / file.name).write_bytes(file.read_bytes() + (b" " * (file.suffix == ".zip")))
    result = project.beltline(
        *("--bundle", copy, "--node", "Schema", "--run", "e"),
        cwd=project.folder,
        program="beltline.runners.node.run",
    )
    assert result.code == 1 and "was changed" in str(last_line(result)["reason"])


def until_running(project: Project, running: Call, run: str) -> None:
    deadline = time.monotonic() + 60
    while not any(each.state == "running" for each in lineage(project).nodes(run)):
        assert time.monotonic() < deadline and running.process.is_alive()
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_marks_the_execution_failed(project: Project, number: signal.Signals) -> None:
    run = f"stopped-{number.name}"
    assert call(project, "ExampleGen", run).code == 0
    running = start(project, "StatisticsGen", run, "--force")
    until_running(project, running, run)
    asked = time.monotonic()
    os.kill(running.process.pid or 0, number)
    result = running.wait(30)
    assert time.monotonic() - asked < 4
    assert result.code == 1
    assert last_line(result)["reason"] == f"stopped by {number.name}"
    found = lineage(project).node(run, "StatisticsGen")
    assert found is not None and found.state == "failed" and "stopped by" in found.reason
