import json

import pytest

from bundle.folder import open_bundle
from tests.runners.projects import project

pytestmark = pytest.mark.slow

SCHEMA = """\
feature { name: "bad" type: BYTES domain: "bad" }
feature { name: "temp" type: FLOAT }
string_domain { name: "bad" value: "no" value: "yes" }
"""


@pytest.fixture
def folder(tmp_path):
    """A project whose data are not there yet."""
    project(tmp_path)
    (tmp_path / "line.pbtxt").write_text(SCHEMA)
    return tmp_path


def deployed(folder):
    return json.loads((folder / "build/airflow/line/deployment.json").read_text())


def test_what_airflow_loads_is_written(beltline, folder):
    done = beltline("compile", "airflow", "--set", "data.path=in/{YYYY}-{MM}-{DD}.csv", cwd=folder)
    assert done.code == 0, done.text
    target = folder / "build/airflow/line"
    assert (target / "dag.py").is_file()
    bundle = open_bundle(target / "bundles" / deployed(folder)["bundle"])
    assert bundle.manifest.parameters["data-path"].default == "in/{YYYY}-{MM}-{DD}.csv"
    assert bundle.manifest.digest[:12] in done.out
    assert "next" in done.out
    # Not the libraries' chatter.
    assert done.err == ""


def test_places_and_settings_are_in_the_deployment_but_nothing_of_local(beltline, folder):
    own = "local.metadata=mysql://me:hunter2@db/mlmd"
    done = beltline(
        *("compile", "airflow", "-o", "build/airflow/line"),
        *("--set", own, "--set", "airflow.retries=5", "--set", "local.root=runs"),
        cwd=folder,
    )
    assert done.code == 0, done.text
    written = deployed(folder)
    assert written["airflow"]["retries"] == 5
    assert written["airflow"]["root"] == str(folder / "runs")
    assert written["airflow"]["data"] == str(folder)
    assert json.loads(written["settings"])["airflow"] == {"retries": 5}
    for file in (folder / "build/airflow/line").rglob("*.json"):
        assert "hunter2" not in file.read_text()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("airflow.where=docker", "airflow.docker.image: is needed where `where` is docker"),
        ("airflow.where=kubernetes", "airflow.kubernetes.image: is needed"),
        ("airflow.timezone=Mars/Base", "'Mars/Base' is no time zone"),
        ("airflow.schedule=nightly", "airflow.schedule"),
        ("airflow.start_date='2026-02-30'", "airflow.start_date"),
        ("resources.Trainor.gpu=1", "no node 'Trainor'; did you mean 'Trainer'?"),
        ("label.column=worse", "worse"),
    ],
)
def test_a_mistake_is_found_before_anything_is_written(beltline, folder, setting, message):
    done = beltline("compile", "airflow", "--set", setting, cwd=folder)
    assert done.code == 2
    assert message in done.err
    assert not (folder / "build").exists()
