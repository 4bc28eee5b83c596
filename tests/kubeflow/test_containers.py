"""The compiled package, each node in a real container, beside the local runner on the same rows."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from beltline.data.casting import generate
from tests import sampled
from tests.beltline_process import Beltline
from tests.databases import Server
from tests.docker_engine import Engine
from tests.end_to_end import own_code
from tests.end_to_end.projects import NODES, Project, casting
from tests.kubeflow.run_package import USER
from tests.kubeflow.volume import SETTINGS, Ran, Volume
from tests.lineage import Graph, graph

# Building the image takes minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CHANGED = ("--set", "training.learning_rate=0.001")


@pytest.fixture(scope="module")
def project(beltline: Beltline, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = casting(beltline, tmp_path_factory.mktemp("kubeflow"), rows=2000)
    pyarrow.csv.write_csv(generate(2000, 8, later=True), project.folder / "later.csv")
    own_code.write(project.folder)
    return project


@pytest.fixture(scope="module")
def volume(
    docker: Engine,
    image: str,
    mariadb: Server,
    project: Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> Volume:
    folder = tmp_path_factory.mktemp("volume")
    volume = Volume(docker, image, project, mariadb.database(), folder)
    volume.shared.mkdir()
    volume.shared.chmod(0o777)
    for table in ("casting.csv", "later.csv"):
        shutil.copy(project.folder / table, volume.shared)
    return volume


@pytest.fixture(scope="module")
def first(volume: Volume) -> Ran:
    package = volume.compile()
    # Whatever stands beside pipeline.yaml by now, the package has what it was compiled from.
    own_code.write(volume.project.folder, "second")
    ran = volume.run(package)
    own_code.write(volume.project.folder)
    return ran


@pytest.fixture(scope="module")
def changed(volume: Volume, first: Ran) -> Ran:
    assert first.ending.code == 0
    return volume.run(volume.compile(*CHANGED))


def local(project: Project, code: int, *settings: str) -> Graph:
    """The graph of a run by the local runner."""
    done = project("run", *SETTINGS, *settings)
    assert done.code == code, done.text
    run = json.loads(project("runs", "--json").out)[-1]["run"]
    return graph(f"sqlite:///{project.root}/metadata.sqlite", run)


def test_each_node_runs_in_a_container_and_a_model_is_pushed(volume: Volume, first: Ran) -> None:
    assert (first.ending.end, first.ending.code, first.ending.version) == ("done", 0, "1")
    assert {node: first.count(node) for node in NODES} == dict.fromkeys(NODES, 1)
    assert volume.graph(first).states == dict.fromkeys(NODES, "complete")
    assert (volume.shared / "served/casting/1/saved_model.pb").exists()


def test_the_containers_run_the_model_code_of_the_bundle(first: Ran) -> None:
    assert [said for said in own_code.SAID if said not in first.text] == []
    assert ": second" not in first.text


def test_the_same_as_the_local_runner(volume: Volume, project: Project, first: Ran) -> None:
    here, there = local(project, 0), volume.graph(first)
    assert there.figures == pytest.approx(here.figures, abs=1e-6)
    assert replace(there, figures={}) == replace(here, figures={})
    assert len(here.edges) > len(NODES)


@pytest.mark.long
def test_a_changed_run_reuses_what_has_not_changed(
    volume: Volume, project: Project, first: Ran, changed: Ran
) -> None:
    assert changed.run != first.run
    here, there = local(project, 0, *CHANGED), volume.graph(changed)
    before = NODES[: NODES.index("Trainer")]
    assert {there.states[node] for node in before} == {"cached"}
    assert there.states["Trainer"] == there.states["Pusher"] == "complete"
    assert there.figures == pytest.approx(here.figures, abs=1e-6)
    assert replace(there, figures={}) == replace(here, figures={})
    assert (changed.ending.code, changed.ending.version) == (0, "2")
    bundles = [path.name for path in (volume.shared / "bundles").iterdir()]
    assert len(bundles) == 2


def test_a_gate_refuses_as_in_the_local_runner(
    volume: Volume, project: Project, first: Ran
) -> None:
    before = versions(volume)
    refused = volume.run(project.folder / "package/pipeline.yaml", data_path="later.csv")
    here = local(project, 3, "--set", "data.path=later.csv")
    there = volume.graph(refused)
    assert there.states["DataGate"] == here.states["DataGate"] == "refused"
    assert "M09" in there.verdicts["DataGate"]["reason"]
    # The champion is not looked for there: its group waits for the one with the gate.
    common = here.verdicts.keys() & there.verdicts.keys()
    assert "DataGate" in common
    assert all(there.verdicts[node] == here.verdicts[node] for node in common)
    assert (refused.ending.end, refused.ending.node, refused.ending.code) == (
        "refused",
        "DataGate",
        3,
    )
    # The pipeline's retry has not asked the gate again.
    assert len([e for e in executions(volume, refused) if e == "DataGate"]) == 1
    assert not {"Trainer", "Evaluator", "Pusher"} & set(there.states)
    assert versions(volume) == before


@pytest.mark.long
def test_a_failing_container_fails_the_run(volume: Volume, project: Project, first: Ran) -> None:
    failed = volume.run(project.folder / "package/pipeline.yaml", data_path="missing.csv")
    assert (failed.ending.end, failed.ending.node, failed.ending.code) == (
        "failed",
        "ExampleGen",
        1,
    )
    assert "missing.csv" in failed.ending.reason
    assert volume.graph(failed).states["ExampleGen"] == "failed"
    # Tried twice, as the settings say, each attempt an execution of its own.
    assert len([e for e in executions(volume, failed) if e == "ExampleGen"]) == 2
    assert "StatisticsGen" not in volume.graph(failed).states


def test_what_the_pods_write_is_on_the_volume_alone(volume: Volume, first: Ran) -> None:
    found = {path.name for path in volume.shared.iterdir()}
    tables = {"casting.csv", "later.csv"}
    assert found <= tables | {"artifacts", "bundles", "served", "reports", "metadata.lock"}


def test_the_exit_task_writes_the_report(volume: Volume, first: Ran) -> None:
    [report] = (volume.shared / "reports").glob(f"{first.run}.html")
    assert 'id="metrics"' in report.read_text()


def test_the_secret_is_in_no_file_of_the_package(project: Project, volume: Volume) -> None:
    password = volume.metadata.partition("@")[0].rpartition(":")[2]
    files = [path for path in (project.folder / "package").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if password.encode() in path.read_bytes()]


def versions(volume: Volume) -> list[str]:
    """The versions on the volume, of which the last one is live."""
    return sorted(path.name for path in (volume.shared / "served/casting").glob("[0-9]*"))


def executions(volume: Volume, ran: Ran) -> list[str]:
    """The node of every execution of a run, each attempt for itself."""
    from beltline.runners.metadata.store import Lineage

    return [each.node for each in Lineage(volume.metadata, "casting").nodes(ran.run)]


def test_the_package_names_the_image(volume: Volume, first: Ran) -> None:
    package = Path(volume.project.folder / "package/pipeline.yaml").read_text()
    assert f"image: {volume.image}" in package


def watched(volume: Volume, requests: pa.Table) -> Ran:
    """Runs the package of the monitoring, after these requests and none else."""
    folder = volume.shared / "requests"
    shutil.rmtree(folder, ignore_errors=True)
    sampled.sample(volume.shared, requests, number=int(versions(volume)[-1]))
    # Samples are for their owner alone; on a cluster, that is the user of every pod.
    for each in (folder, *folder.rglob("*")):
        os.chown(each, *map(int, USER.split(":")))
    return volume.run(volume.project.folder / "package/monitor.yaml")


def test_without_drift_the_monitoring_runs_no_node(volume: Volume, first: Ran) -> None:
    """The condition and the exit task are Kubeflow's own local runner's."""
    quiet = watched(volume, sampled.as_trained())
    assert (quiet.ending.end, quiet.ending.code) == ("done", 0)
    said = f'"state": "skipped", "reason": "no alarm in 600 rows of version {versions(volume)[-1]}'
    assert said in quiet.text
    assert volume.graph(quiet).states == {}
    assert (volume.shared / "monitoring/casting.html").exists()


@pytest.mark.long
def test_drift_runs_the_pipeline_in_the_monitorings_run(volume: Volume, changed: Ran) -> None:
    retrained = watched(volume, sampled.drifted())
    assert retrained.count("Monitor") == 1
    assert {node: retrained.count(node) for node in NODES} == dict.fromkeys(NODES, 1)
    assert retrained.ending.end == "done"
    # On the same data it has nothing to learn; what counts is that it was asked to.
    assert set(volume.graph(retrained).states) == set(NODES)
    again = volume.run(volume.project.folder / "package/monitor.yaml")
    assert "version 2 raised an alarm at" in again.text
    assert volume.graph(again).states == {}
