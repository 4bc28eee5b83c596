import json
import os
import stat

import pytest

from beltline.base.errors import WrongInput
from beltline.base.settings.airflow import Airflow
from beltline.base.settings.beam import Beam
from beltline.base.settings.tracking import Tracking
from beltline.runners.airflow import compile as deployment
from beltline.runners.paths import BEAM, TRACKING, Paths
from beltline.storage.url import parse
from tests.bundle.bundles import NODES, manifest
from tests.runners.airflow.airflow_process import compiled


def resolved(tmp_path, **settings):
    paths = Paths(tmp_path / "root", "sqlite:///unused", tmp_path / "data")
    return deployment.resolved(Airflow.model_validate(settings), paths)


def test_paths_that_are_left_open_are_this_machines(tmp_path):
    found = resolved(tmp_path)
    assert found["root"] == str(tmp_path / "root")
    assert found["data"] == str(tmp_path / "data")
    assert (found["bundles"], found["environment"].endswith(".venv")) == (None, True)


def test_paths_that_are_named_stay(tmp_path):
    named = {"environment": "/opt/beltline", "root": "/srv/runs", "data": "/srv/data"}
    assert named.items() <= resolved(tmp_path, **named).items()


def test_a_cluster_for_beam_goes_into_the_nodes_environment(tmp_path):
    assert resolved(tmp_path)["variables"] == {}
    chosen = Beam.model_validate(
        {"runner": "dask", "dask": {"scheduler": "tcp://dask-scheduler:8786"}}
    )
    paths = Paths(tmp_path / "root", "sqlite:///unused", tmp_path / "data", chosen)
    variables = deployment.resolved(Airflow(), paths)["variables"]
    assert Beam.model_validate_json(variables[BEAM]) == chosen


def test_the_tools_that_are_told_go_into_the_nodes_environment(tmp_path):
    chosen = Tracking.model_validate({"webhook": {"url": "https://h/a", "events": ["failed"]}})
    paths = Paths(tmp_path / "root", "sqlite:///unused", tmp_path / "data", tracking=chosen)
    variables = deployment.resolved(Airflow(), paths)["variables"]
    assert list(variables) == [TRACKING]
    assert Tracking.model_validate_json(variables[TRACKING]) == chosen


def test_the_store_of_artifacts_goes_into_the_nodes_environment(tmp_path):
    store = parse("s3://bucket/prefix")
    paths = Paths(tmp_path / "root", "sqlite:///unused", tmp_path / "data", store=store)
    variables = deployment.resolved(Airflow(), paths)["variables"]
    assert variables == {"BELTLINE_ARTIFACTS": "s3://bucket/prefix"}


def test_in_containers_the_image_has_the_environment(tmp_path):
    assert resolved(tmp_path, where="docker", docker={"image": "i"})["environment"] is None


def test_in_pods_paths_are_on_the_volume(tmp_path):
    chosen = {"image": "i", "volume_claim": "c", "mount_path": "/shared"}
    found = resolved(tmp_path, where="kubernetes", kubernetes=chosen)
    assert (found["root"], found["data"]) == ("/shared", "/shared")
    assert found["bundles"] == "/shared/bundles"


def tasks(**settings):
    found = deployment.tasks(manifest(), Airflow.model_validate(settings))
    return {each.name: [node.id for node in each.nodes] for each in found}


PODS = {"image": "i", "volume_claim": "c"}
EACH = {node.id: [node.id] for node in NODES}


def test_each_node_is_a_task_unless_nodes_share_pods(tmp_path):
    assert tasks() == EACH
    assert tasks(where="kubernetes", kubernetes=PODS) == EACH
    assert tasks(where="kubernetes", kubernetes={**PODS, "groups": {}}) == {"nodes": [*EACH]}
    assert tasks(kubernetes={"groups": {}}) == EACH


def test_a_group_that_cannot_be_is_refused():
    chosen = {**PODS, "groups": {"train": ["trainr"]}}
    with pytest.raises(WrongInput, match=r"^airflow\.kubernetes\.groups\.train: trainr: node not"):
        tasks(where="kubernetes", kubernetes=chosen)


@pytest.fixture
def private_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("private_umask")
def test_another_user_can_read_all_of_it(tmp_path):
    folder = compiled(tmp_path)
    for path in [folder, *folder.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o755 if path.is_dir() else 0o644), path


def test_only_what_the_orchestrator_needs_is_copied(tmp_path):
    folder = compiled(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        *("dag.py", "nodes.py", "results.py", "bash_nodes.py"),
        *("approval.py", "monitoring.py"),
        *("deployment.json", ".airflowignore", "bundles"),
    }


def test_compiled_again_it_names_the_new_bundle_and_keeps_the_old_one(tmp_path):
    folder = compiled(tmp_path)
    first = json.loads((folder / "deployment.json").read_text())["bundle"]
    older = folder / "bundles" / "0123456789abcdef"
    (folder / "bundles" / first).rename(older)
    compiled(tmp_path)
    assert json.loads((folder / "deployment.json").read_text())["bundle"] == first
    assert older.is_dir()
    assert (folder / "bundles" / first).is_dir()
